//! Credentials in a directory.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use ring::digest;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::{CredentialStore, KeptCertificate, KeptCredentials};
use crate::{DeviceId, Realm};

/// Keeps credentials in a file, `credentials/<realm>-<device id>.json` in a directory that exists.
///
/// Only their owner can read the file (mode 0600) and list its directory (0700). The file is replaced as a whole and
/// synced: after a power cut it holds the old credentials or the new. It carries a checksum; where it was damaged, what
/// was kept before it is read from a second file beside it. The modes hold on Unix; elsewhere they are those of the
/// directory.
#[derive(Clone, Debug)]
pub struct DirectoryCredentials {
    /// `credentials`.
    own: PathBuf,
    current: PathBuf,
    previous: PathBuf,
    unfinished: PathBuf,
}

/// The file.
#[derive(Deserialize, Serialize)]
struct File<'a> {
    format: u32,
    /// SHA-256 over the text of `unit`, in base64.
    checksum: String,
    #[serde(borrow)]
    unit: &'a RawValue,
}

#[derive(Deserialize, Serialize)]
struct Unit {
    secret: Option<Zeroizing<String>>,
    chain: Option<String>,
    private_key: Option<Zeroizing<String>>,
    broker_url: Option<String>,
}

impl DirectoryCredentials {
    /// Keeps the credentials of a device in `directory`. Nothing is created yet.
    ///
    /// # Errors
    ///
    /// - The directory does not exist, or is not one; the error names it.
    pub fn open(directory: impl AsRef<Path>, realm: &Realm, device: &DeviceId) -> io::Result<Self> {
        let directory = directory.as_ref();
        let metadata = fs::metadata(directory).map_err(|error| at(directory, &error))?;
        if !metadata.is_dir() {
            return Err(at(directory, &io::ErrorKind::NotADirectory.into()));
        }
        let own = directory.join("credentials");
        let file = |end: &str| own.join(format!("{realm}-{device}.{end}"));
        Ok(Self {
            current: file("json"),
            previous: file("previous.json"),
            unfinished: file("new"),
            own,
        })
    }
}

impl CredentialStore for DirectoryCredentials {
    fn load(&self) -> io::Result<Option<KeptCredentials>> {
        if let Some(kept) = read(&self.current)? {
            return Ok(Some(kept));
        }
        read(&self.previous)
    }

    fn save(&self, credentials: &KeptCredentials) -> io::Result<()> {
        private_directory(&self.own).map_err(|error| at(&self.own, &error))?;
        let text = encode(credentials)?;
        let write = || {
            let mut file = private_file(&self.unfinished)?;
            file.write_all(&text)?;
            file.sync_all()?;
            // A file system without links has no second file, which is no reason to fail.
            if read(&self.current)?.is_some() {
                remove(&self.previous)?;
                let _ = fs::hard_link(&self.current, &self.previous);
            }
            fs::rename(&self.unfinished, &self.current)?;
            sync_directory(&self.own)
        };
        write().map_err(|error| at(&self.current, &error))
    }
}

fn encode(credentials: &KeptCredentials) -> io::Result<Zeroizing<Vec<u8>>> {
    let certificate = credentials.certificate.as_ref();
    let unit = Zeroizing::new(serde_json::to_string(&Unit {
        secret: credentials
            .secret
            .as_ref()
            .map(|secret| Zeroizing::new(secret.expose().to_owned())),
        chain: certificate.map(|certificate| certificate.chain.clone()),
        private_key: certificate.map(|certificate| certificate.private_key.clone()),
        broker_url: credentials.broker_url.clone(),
    })?);
    Ok(Zeroizing::new(serde_json::to_vec(&File {
        format: FORMAT,
        checksum: checksum(&unit),
        unit: serde_json::from_str(&unit)?,
    })?))
}

/// What is whole in a file.
fn read(path: &Path) -> io::Result<Option<KeptCredentials>> {
    let text = match fs::read(path) {
        Ok(text) => Zeroizing::new(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(at(path, &error)),
    };
    let Ok(file) = serde_json::from_slice::<File<'_>>(&text) else {
        return Ok(None);
    };
    if file.checksum != checksum(file.unit.get()) {
        return Ok(None);
    }
    if file.format != FORMAT {
        let newer = format!(
            "it has the format {}, this version knows {FORMAT}",
            file.format
        );
        return Err(at(path, &io::Error::new(io::ErrorKind::InvalidData, newer)));
    }
    let unit = serde_json::from_str(file.unit.get()).ok();
    Ok(unit.map(
        |Unit {
             secret,
             chain,
             private_key,
             broker_url,
         }| KeptCredentials {
            secret: secret.map(Into::into),
            certificate: chain
                .zip(private_key)
                .map(|(chain, private_key)| KeptCertificate { chain, private_key }),
            broker_url,
        },
    ))
}

fn checksum(unit: &str) -> String {
    BASE64_STANDARD.encode(digest::digest(&digest::SHA256, unit.as_bytes()))
}

/// Makes a directory that only its owner can list, or makes that of one.
fn private_directory(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(path) {
        Ok(()) => sync_directory(path.parent().unwrap_or(path)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            #[cfg(unix)]
            fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
            Ok(())
        }
        Err(error) => Err(error),
    }
}

/// Creates a file that only its owner can read.
fn private_file(path: &Path) -> io::Result<fs::File> {
    // What an earlier attempt left has the permissions of that attempt.
    remove(path)?;
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Makes a rename in a directory survive a power cut.
#[cfg(unix)]
fn sync_directory(path: &Path) -> io::Result<()> {
    let path = if path.as_os_str().is_empty() {
        Path::new(".")
    } else {
        path
    };
    fs::File::open(path)?.sync_all()
}

/// Other systems have no way to ask for it.
#[cfg(not(unix))]
fn sync_directory(_: &Path) -> io::Result<()> {
    Ok(())
}

/// An error that names the path.
fn at(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

/// The layout of the file.
const FORMAT: u32 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    fn credentials(broker_url: &str) -> KeptCredentials {
        KeptCredentials {
            secret: Some("swordfish".into()),
            certificate: Some(KeptCertificate {
                chain: "certificate".into(),
                private_key: Zeroizing::new("hidden".into()),
            }),
            broker_url: Some(broker_url.into()),
        }
    }

    fn open(directory: &Path) -> DirectoryCredentials {
        let (realm, device) = ("test".parse().unwrap(), DeviceId::from_bytes([7; 16]));
        DirectoryCredentials::open(directory, &realm, &device).unwrap()
    }

    fn url(store: &DirectoryCredentials) -> Option<String> {
        store.load().unwrap().and_then(|kept| kept.broker_url)
    }

    #[test]
    fn a_unit_is_kept_as_a_whole_and_private() {
        let directory = tempfile::tempdir().unwrap();
        let store = open(directory.path());
        assert!(store.load().unwrap().is_none());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
        for broker_url in ["mqtts://a:1", "mqtts://b:2", "mqtts://c:3"] {
            store.save(&credentials(broker_url)).unwrap();
            assert_eq!(url(&store).as_deref(), Some(broker_url));
        }
        let kept = store.load().unwrap().unwrap();
        assert_eq!(kept.secret.unwrap().expose(), "swordfish");
        assert_eq!(*kept.certificate.unwrap().private_key, "hidden");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode(&store.own), 0o700);
            assert_eq!(mode(&store.current), 0o600);
            assert_eq!(mode(&store.previous), 0o600);
            assert!(!store.unfinished.exists());
        }
    }

    #[test]
    fn every_damage_is_seen_and_leads_to_what_was_before() {
        let directory = tempfile::tempdir().unwrap();
        let store = open(directory.path());
        store.save(&credentials("mqtts://a:1")).unwrap();
        store.save(&credentials("mqtts://b:2")).unwrap();
        let whole = fs::read(&store.current).unwrap();
        for at in 0..whole.len() {
            fs::write(&store.current, &whole[..at]).unwrap();
            assert_eq!(url(&store).as_deref(), Some("mqtts://a:1"), "cut at {at}");
        }
        let from = whole.iter().position(|byte| *byte == b'b').unwrap();
        for at in from..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            fs::write(&store.current, damaged).unwrap();
            let found = url(&store);
            assert!(
                found.as_deref() == Some("mqtts://a:1") || found.is_none(),
                "changed at {at}: {found:?}"
            );
        }
        // What is damaged does not take the place of what is whole.
        store.save(&credentials("mqtts://c:3")).unwrap();
        fs::write(&store.current, "").unwrap();
        assert_eq!(url(&store).as_deref(), Some("mqtts://a:1"));
        fs::write(&store.previous, "").unwrap();
        assert_eq!(url(&store), None);
    }

    #[test]
    fn an_attempt_that_was_cut_does_not_stop_the_next() {
        let directory = tempfile::tempdir().unwrap();
        let store = open(directory.path());
        fs::create_dir(&store.own).unwrap();
        fs::write(&store.unfinished, "half").unwrap();
        store.save(&credentials("mqtts://a:1")).unwrap();
        assert_eq!(url(&store).as_deref(), Some("mqtts://a:1"));
    }

    #[test]
    fn a_file_of_a_newer_version_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let store = open(directory.path());
        store.save(&credentials("mqtts://a:1")).unwrap();
        let text = fs::read_to_string(&store.current).unwrap();
        fs::write(&store.current, text.replace("\"format\":1", "\"format\":2")).unwrap();
        let error = store.load().unwrap_err();
        assert!(error.to_string().contains("has the format 2"), "{error}");
    }

    #[test]
    fn a_missing_directory_is_named_before_anything_is_created() {
        let directory = tempfile::tempdir().unwrap();
        let missing = directory.path().join("missing");
        let (realm, device) = ("test".parse().unwrap(), DeviceId::random());
        let error = DirectoryCredentials::open(&missing, &realm, &device).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert!(error.to_string().contains("missing"), "{error}");
        assert!(!missing.exists());
    }

    #[test]
    fn nothing_secret_is_shown() {
        let shown = format!("{:?}", credentials("mqtts://a:1"));
        assert!(
            !shown.contains("hidden") && !shown.contains("swordfish"),
            "{shown}"
        );
    }
}
