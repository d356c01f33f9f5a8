//! Where a database comes from, and comes from again after a failure.

use std::{
    ffi::OsString,
    fmt, fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use redb::{
    Builder, Database, DatabaseError, StorageBackend,
    backends::{FileBackend, InMemoryBackend},
};

/// Opens a database as often as it is asked to.
///
/// redb refuses everything after a failed read or write, until the database is opened anew.
pub(super) trait Origin: fmt::Debug + Send + Sync {
    fn open(&self, builder: &Builder) -> Result<Database, DatabaseError>;

    /// Opens the journal; an empty one where there is none.
    fn journal(&self) -> Result<Box<dyn StorageBackend>, DatabaseError>;

    /// Makes the names of the files outlive a power cut.
    fn sync_names(&self) -> io::Result<()> {
        Ok(())
    }

    /// The file, where it is one.
    fn path(&self) -> Option<&Path> {
        None
    }
}

/// A file.
#[derive(Debug)]
pub(super) struct File(pub(super) PathBuf);

impl Origin for File {
    fn open(&self, builder: &Builder) -> Result<Database, DatabaseError> {
        builder.create(&self.0)
    }

    fn journal(&self) -> Result<Box<dyn StorageBackend>, DatabaseError> {
        let file = fs::File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(journal_of(&self.0))?;
        Ok(Box::new(FileBackend::new(file)?))
    }

    fn sync_names(&self) -> io::Result<()> {
        sync_directory_of(&self.0)
    }

    fn path(&self) -> Option<&Path> {
        Some(&self.0)
    }
}

/// The file with the journal of a database.
pub(super) fn journal_of(path: &Path) -> PathBuf {
    beside(path, ".journal")
}

/// A file whose name is that of another one and a suffix.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

/// Writes the names in the directory of a file.
#[cfg_attr(not(unix), expect(unused_variables, reason = "there is no such call"))]
pub(super) fn sync_directory_of(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        let parent = path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty());
        fs::File::open(parent.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    Ok(())
}

/// Both files in memory, which stay when they are closed.
#[derive(Debug, Default)]
pub(super) struct Memory {
    pub(super) database: Arc<InMemoryBackend>,
    pub(super) journal: Arc<InMemoryBackend>,
}

impl Origin for Memory {
    fn open(&self, builder: &Builder) -> Result<Database, DatabaseError> {
        builder.create_with_backend(Shared(Arc::clone(&self.database)))
    }

    fn journal(&self) -> Result<Box<dyn StorageBackend>, DatabaseError> {
        Ok(Box::new(Shared(Arc::clone(&self.journal))))
    }
}

/// A backend that outlives the database on it.
#[derive(Debug)]
pub(super) struct Shared<B>(pub(super) Arc<B>);

impl<B: StorageBackend> StorageBackend for Shared<B> {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.write(offset, data)
    }
}
