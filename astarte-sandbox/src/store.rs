//! What outlives a run: a folder of JSON files.
//!
//! `sandbox.json` has the keys and the certificate authority, `devices/` a file for each registered
//! device, `interfaces/` the documents as they were installed. Each file is replaced as a whole.

mod device;
mod realm;
mod value;

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use astarte_interface::{Interface, Source};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::core::Core;
use crate::event::EventKind;
use crate::sync::lock;

pub(crate) use realm::KeptRealm;

use device::KeptDevice;

/// A folder, and what was written to it.
pub(crate) struct Store {
    folder: PathBuf,
    written: Mutex<HashMap<PathBuf, String>>,
}

/// What was kept cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// A file or folder could not be read or made.
    #[error("`{}` cannot be read or made", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A file is not what this sandbox writes.
    #[error("`{}` is damaged: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A newer sandbox wrote the file.
    #[error("`{}` has the format {format}, this sandbox knows {FORMAT} at most", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        format: u64,
    },
    /// The folder belongs to another realm.
    #[error("the data are of the realm `{0}`")]
    OtherRealm(String),
}

impl Store {
    /// Opens a folder, and makes it if it is not there.
    pub(crate) fn open(folder: &Path) -> Result<Store, DataError> {
        for folder in [
            folder.to_owned(),
            folder.join(DEVICES),
            folder.join(INTERFACES),
        ] {
            fs::create_dir_all(&folder).map_err(|source| DataError::Io {
                path: folder,
                source,
            })?;
        }
        Ok(Store {
            folder: folder.to_owned(),
            written: Mutex::default(),
        })
    }

    pub(crate) fn realm(&self) -> Result<Option<KeptRealm>, DataError> {
        let path = self.folder.join(REALM);
        if path.exists() {
            self.read(path).map(Some)
        } else {
            Ok(None)
        }
    }

    fn interfaces(&self) -> Result<Vec<Interface>, DataError> {
        let interface = |path: PathBuf| {
            let text = text(&path)?;
            let source = Source::new(path.to_string_lossy(), text.clone());
            let checked = Interface::parse(&source).map_err(|diagnostics| DataError::Damaged {
                path: path.clone(),
                reason: diagnostics.to_string(),
            })?;
            lock(&self.written).insert(path, text);
            Ok(checked.interface)
        };
        self.files(INTERFACES)?.into_iter().map(interface).collect()
    }

    /// Gives a new sandbox the interfaces and devices of the last run.
    pub(crate) fn restore(&self, core: &Core) -> Result<(), DataError> {
        for interface in self.interfaces()? {
            let name = interface.name().to_string();
            core.installed
                .install(interface)
                .map_err(|error| DataError::Damaged {
                    path: self.folder.join(INTERFACES).join(name),
                    reason: error.to_string(),
                })?;
        }
        for path in self.files(DEVICES)? {
            let device: KeptDevice = self.read(path.clone())?;
            let restored = match device.id() {
                Some(id) => device.restore(&mut core.slot(id).state()),
                None => Err("`device_id` is not one"),
            };
            restored.map_err(|reason| DataError::Damaged {
                path,
                reason: reason.to_owned(),
            })?;
        }
        Ok(())
    }

    /// Writes what has changed.
    pub(crate) fn save(&self, core: &Core) -> io::Result<()> {
        self.write(self.folder.join(REALM), json(&KeptRealm::of(core)))?;
        for interface in core.installed.all() {
            let name = format!("{}-{}.json", interface.name(), interface.version().major);
            let text = interface.source().text().to_owned();
            self.write(self.folder.join(INTERFACES).join(name), text)?;
        }
        for slot in core.all_slots().iter().filter(|slot| slot.take_dirty()) {
            let path = self.folder.join(DEVICES).join(format!("{}.json", slot.id));
            let saved = match KeptDevice::of(slot) {
                Some(device) => self.write(path, json(&device)),
                None => self.remove(&path),
            };
            if saved.is_err() {
                slot.mark_dirty();
            }
            saved?;
        }
        Ok(())
    }

    fn files(&self, folder: &str) -> Result<Vec<PathBuf>, DataError> {
        let folder = self.folder.join(folder);
        let error = |source| DataError::Io {
            path: folder.clone(),
            source,
        };
        let entries = fs::read_dir(&folder).map_err(error)?;
        let paths: io::Result<Vec<PathBuf>> = entries
            .map(|entry| entry.map(|entry| entry.path()))
            .collect();
        let mut paths = paths.map_err(error)?;
        paths.retain(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        });
        paths.sort();
        Ok(paths)
    }

    fn read<T: DeserializeOwned>(&self, path: PathBuf) -> Result<T, DataError> {
        let text = text(&path)?;
        let damaged = |error: serde_json::Error| DataError::Damaged {
            path: path.clone(),
            reason: error.to_string(),
        };
        let value: serde_json::Value = serde_json::from_str(&text).map_err(damaged)?;
        match value["format"].as_u64() {
            Some(FORMAT) => {}
            Some(format) => return Err(DataError::Newer { path, format }),
            None => {
                let reason = "it has no `format`".to_owned();
                return Err(DataError::Damaged { path, reason });
            }
        }
        let kept = serde_json::from_value(value).map_err(damaged)?;
        lock(&self.written).insert(path, text);
        Ok(kept)
    }

    /// Replaces a file, unless it has this text: a reader, or a crash, finds the old text or the
    /// new one.
    fn write(&self, path: PathBuf, text: String) -> io::Result<()> {
        let mut written = lock(&self.written);
        if written.get(&path) == Some(&text) {
            return Ok(());
        }
        let new = path.with_extension("json.new");
        let mut file = create(&new)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&new, &path)?;
        written.insert(path, text);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        lock(&self.written).remove(path);
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// Saves from time to time, for ever.
pub(crate) async fn keep(core: Arc<Core>, store: Arc<Store>) {
    let mut failed = false;
    loop {
        tokio::time::sleep(PAUSE).await;
        let saved = store.save(&core);
        if let (Err(error), false) = (&saved, failed) {
            let reason = error.to_string();
            core.log.push(None, EventKind::NotSaved { reason });
        }
        failed = saved.is_err();
    }
}

/// The files have secrets in them.
fn create(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn text(path: &Path) -> Result<String, DataError> {
    fs::read_to_string(path).map_err(|source| DataError::Io {
        path: path.to_owned(),
        source,
    })
}

fn json(value: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(value).expect("maps have text as keys");
    text.push('\n');
    text
}

/// The format of the files.
const FORMAT: u64 = 1;

const REALM: &str = "sandbox.json";
const DEVICES: &str = "devices";
const INTERFACES: &str = "interfaces";

/// How much the folder may lag behind.
const PAUSE: Duration = Duration::from_millis(100);
