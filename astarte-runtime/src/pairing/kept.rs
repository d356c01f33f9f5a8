//! Where a device keeps its credentials.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// What a device needs to connect without asking the pairing API. `Debug` shows no secret.
#[derive(Clone)]
pub struct KeptCredentials {
    /// The certificate chain, in PEM.
    pub certificate: String,
    /// The private key, in PEM.
    pub private_key: Zeroizing<String>,
    /// The URL of the broker.
    pub broker_url: String,
}

impl fmt::Debug for KeptCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeptCredentials")
            .field("broker_url", &self.broker_url)
            .finish_non_exhaustive()
    }
}

/// A place for credentials, which are one unit: all of it is kept, or nothing.
pub trait CredentialStore: fmt::Debug + Send + Sync + 'static {
    /// What is kept; `None` where nothing is, or nothing that can be read: the device then obtains new credentials.
    ///
    /// # Errors
    ///
    /// - The place cannot be read.
    fn load(&self) -> io::Result<Option<KeptCredentials>>;

    /// Keeps credentials in place of earlier ones. Once it returns they survive a power cut, where the place does.
    ///
    /// # Errors
    ///
    /// - The place cannot be written.
    fn save(&self, credentials: &KeptCredentials) -> io::Result<()>;
}

/// Keeps credentials in memory.
#[derive(Debug, Default)]
pub struct MemoryCredentials(Mutex<Option<KeptCredentials>>);

impl CredentialStore for MemoryCredentials {
    fn load(&self) -> io::Result<Option<KeptCredentials>> {
        Ok(self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone())
    }

    fn save(&self, credentials: &KeptCredentials) -> io::Result<()> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(credentials.clone());
        Ok(())
    }
}

/// Keeps credentials in one file of a directory, which only its owner can read.
///
/// The file is replaced as a whole: after a power cut it holds the old credentials or the new.
#[derive(Clone, Debug)]
pub struct DirectoryCredentials {
    file: PathBuf,
}

/// The file, as JSON.
#[derive(Deserialize, Serialize)]
struct Unit {
    broker_url: String,
    certificate: String,
    private_key: Zeroizing<String>,
}

impl DirectoryCredentials {
    /// Keeps the credentials of `device` in a file of that name, `.json` added, in a directory that exists.
    pub fn new(directory: impl AsRef<Path>, device: &str) -> Self {
        Self {
            file: directory
                .as_ref()
                .join(format!("{}.json", device.replace('/', "-"))),
        }
    }
}

impl CredentialStore for DirectoryCredentials {
    fn load(&self) -> io::Result<Option<KeptCredentials>> {
        let text = match fs::read(&self.file) {
            Ok(text) => Zeroizing::new(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let unit = serde_json::from_slice(&text).ok();
        Ok(unit.map(
            |Unit {
                 broker_url,
                 certificate,
                 private_key,
             }| KeptCredentials {
                certificate,
                private_key,
                broker_url,
            },
        ))
    }

    fn save(&self, credentials: &KeptCredentials) -> io::Result<()> {
        let KeptCredentials {
            certificate,
            private_key,
            broker_url,
        } = credentials.clone();
        let text = Zeroizing::new(serde_json::to_vec(&Unit {
            broker_url,
            certificate,
            private_key,
        })?);
        let unfinished = self.file.with_extension("json.new");
        let mut file = private(&unfinished)?;
        io::Write::write_all(&mut file, &text)?;
        file.sync_all()?;
        fs::rename(&unfinished, &self.file)?;
        sync_directory(&self.file)
    }
}

/// Creates a file that only its owner can read.
fn private(path: &Path) -> io::Result<fs::File> {
    // What an earlier attempt left has the permissions of that attempt.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Makes a rename in the directory of `path` survive a power cut.
#[cfg(unix)]
fn sync_directory(path: &Path) -> io::Result<()> {
    let directory = path
        .parent()
        .filter(|directory| !directory.as_os_str().is_empty());
    fs::File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
}

/// Other systems have no way to ask for it.
#[cfg(not(unix))]
fn sync_directory(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credentials(broker_url: &str) -> KeptCredentials {
        KeptCredentials {
            certificate: "certificate".into(),
            private_key: Zeroizing::new("private".into()),
            broker_url: broker_url.into(),
        }
    }

    #[test]
    fn a_file_is_private_replaced_as_a_whole_and_not_needed() {
        let directory = tempfile::tempdir().unwrap();
        let store = DirectoryCredentials::new(directory.path(), "test/device");
        assert!(store.load().unwrap().is_none());
        for broker_url in ["mqtts://a:1", "mqtts://b:2"] {
            store.save(&credentials(broker_url)).unwrap();
            assert_eq!(store.load().unwrap().unwrap().broker_url, broker_url);
        }
        let files: Vec<_> = fs::read_dir(directory.path())
            .unwrap()
            .map(|file| file.unwrap())
            .collect();
        assert_eq!(files.len(), 1);
        #[cfg(unix)]
        {
            let mode = std::os::unix::fs::PermissionsExt::mode(
                &files[0].metadata().unwrap().permissions(),
            );
            assert_eq!(mode & 0o777, 0o600);
        }
        fs::write(files[0].path(), "{\"broker_url\": \"mq").unwrap();
        assert!(
            store.load().unwrap().is_none(),
            "a damaged file is as good as none"
        );
    }

    #[test]
    fn nothing_secret_is_shown() {
        assert!(!format!("{:?}", credentials("mqtts://a:1")).contains("private\""));
    }
}
