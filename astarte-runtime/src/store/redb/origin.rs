//! Where a database comes from, and comes from again after a failure.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use redb::{Builder, Database, DatabaseError, StorageBackend, backends::InMemoryBackend};

/// Opens a database as often as it is asked to.
///
/// redb refuses everything after a failed read or write, until the database is opened anew.
pub(super) trait Origin: fmt::Debug + Send + Sync {
    fn open(&self, builder: &Builder) -> Result<Database, DatabaseError>;

    /// How many bytes the database has; 0 where it is not known.
    fn length(&self) -> u64;

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

    fn length(&self) -> u64 {
        fs::metadata(&self.0).map_or(0, |metadata| metadata.len())
    }

    fn path(&self) -> Option<&Path> {
        Some(&self.0)
    }
}

/// Pages in memory, which stay when the database is closed.
#[derive(Debug, Default)]
pub(super) struct Memory(pub(super) Arc<InMemoryBackend>);

impl Origin for Memory {
    fn open(&self, builder: &Builder) -> Result<Database, DatabaseError> {
        builder.create_with_backend(Shared(Arc::clone(&self.0)))
    }

    fn length(&self) -> u64 {
        self.0.len().unwrap_or(0)
    }
}

/// A backend that outlives the database on it.
#[derive(Debug)]
pub(super) struct Shared<B>(pub(super) Arc<B>);

impl<B: StorageBackend> StorageBackend for Shared<B> {
    fn len(&self) -> std::io::Result<u64> {
        self.0.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> std::io::Result<()> {
        self.0.read(offset, out)
    }

    fn set_len(&self, len: u64) -> std::io::Result<()> {
        self.0.set_len(len)
    }

    fn sync_data(&self) -> std::io::Result<()> {
        self.0.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> std::io::Result<()> {
        self.0.write(offset, data)
    }
}
