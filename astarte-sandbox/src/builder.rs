//! Settings of a sandbox, and its start.

mod start;

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use astarte_interface::{Diagnostics, Interface, RealmName, RealmNameError};
use tokio::sync::oneshot;

use crate::authority::DEVICE_LIFETIME;
use crate::installed::{InstallError, IntoInterface, UpdateError};
use crate::profile::{Profile, ServerVersion};
use crate::sandbox::Sandbox;
use crate::store::DataError;

/// Settings of a sandbox. Every setting has a default.
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until it is started"]
pub struct Builder {
    realm: String,
    realm_key: Option<String>,
    profile: Profile,
    version: ServerVersion,
    port: u16,
    broker_port: u16,
    interfaces: Vec<Interface>,
    faulty: Vec<Diagnostics>,
    directories: Vec<PathBuf>,
    patience: Duration,
    retry_interval: Duration,
    certificate_lifetime: Duration,
    kept_messages: usize,
    kept_events: usize,
    kept_packets: usize,
    tls12_only: bool,
    data: Option<PathBuf>,
}

/// The sandbox did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A port could not be opened.
    #[error("port {port} cannot be opened")]
    Bind {
        /// The port, 0 for any.
        port: u16,
        /// Why not.
        source: io::Error,
    },
    /// Keys or certificates could not be made.
    #[error("keys or certificates cannot be made")]
    Certificates(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The state of an earlier run cannot be used.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A file or folder of interfaces could not be read.
    #[error("`{}` cannot be read", path.display())]
    Interfaces {
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// An interface is not valid.
    #[error("an interface is not valid\n{0}")]
    InvalidInterface(Diagnostics),
    /// An interface could not be installed.
    #[error(transparent)]
    Install(#[from] InstallError),
    /// The name of the realm is not valid.
    #[error(transparent)]
    Realm(#[from] RealmNameError),
    /// The key of the realm is not a P-256 private key.
    #[error("the realm key is not a P-256 private key in PKCS#8 PEM")]
    RealmKey,
    /// An interface is installed since an earlier run, and may not be updated to this one.
    #[error(transparent)]
    Update(#[from] UpdateError),
    /// The thread of the sandbox could not be started.
    #[error("the thread of the sandbox cannot be started")]
    Thread(#[source] io::Error),
}

impl Default for Builder {
    fn default() -> Builder {
        Builder {
            realm: "test".to_owned(),
            realm_key: None,
            profile: Profile::default(),
            version: ServerVersion::default(),
            port: 0,
            broker_port: 0,
            interfaces: Vec::new(),
            faulty: Vec::new(),
            directories: Vec::new(),
            patience: Duration::from_secs(10),
            retry_interval: Duration::from_secs(20),
            certificate_lifetime: DEVICE_LIFETIME,
            kept_messages: 10_000,
            kept_events: 10_000,
            kept_packets: 0,
            tls12_only: false,
            data: None,
        }
    }
}

impl Builder {
    /// Sets the name of the realm; `test` by default.
    pub fn realm(self, name: impl Into<String>) -> Builder {
        Builder {
            realm: name.into(),
            ..self
        }
    }

    /// Sets the private key of the realm, P-256 in PKCS#8 PEM, so that tokens of other tools are
    /// valid; a new key by default.
    pub fn realm_key(self, pem: impl Into<String>) -> Builder {
        Builder {
            realm_key: Some(pem.into()),
            ..self
        }
    }

    /// Sets whether the sandbox has the known faults of the server; [`Profile::Spec`], without
    /// them, by default.
    pub fn profile(self, profile: Profile) -> Builder {
        Builder { profile, ..self }
    }

    /// Sets the version of the server that the sandbox resembles; [`ServerVersion::V1_4`] by
    /// default.
    pub fn server_version(self, version: ServerVersion) -> Builder {
        Builder { version, ..self }
    }

    /// Sets the port of the HTTP API; any free port by default.
    pub fn port(self, port: u16) -> Builder {
        Builder { port, ..self }
    }

    /// Sets the port of the broker; any free port by default.
    pub fn broker_port(self, port: u16) -> Builder {
        Builder {
            broker_port: port,
            ..self
        }
    }

    /// Installs an interface. One that is not valid is an error of the start.
    pub fn interface(mut self, interface: impl IntoInterface) -> Builder {
        match interface.into_interface() {
            Ok(interface) => self.interfaces.push(interface),
            Err(diagnostics) => self.faulty.push(diagnostics),
        }
        self
    }

    /// Installs the interfaces of all `.json` files in a folder and the folders in it.
    pub fn interfaces_dir(mut self, directory: impl Into<PathBuf>) -> Builder {
        self.directories.push(directory.into());
        self
    }

    /// Sets how long a [`Wait`](crate::Wait) takes at most that sets no limit of its own; 10
    /// seconds by default.
    pub fn patience(self, patience: Duration) -> Builder {
        Builder { patience, ..self }
    }

    /// Sets after what time the broker repeats a packet that is not acknowledged, on a living
    /// connection; 20 seconds by default.
    pub fn retry_interval(self, interval: Duration) -> Builder {
        Builder {
            retry_interval: interval,
            ..self
        }
    }

    /// Sets how long a certificate of a device is valid; 2190 hours by default.
    pub fn certificate_lifetime(self, lifetime: Duration) -> Builder {
        Builder {
            certificate_lifetime: lifetime,
            ..self
        }
    }

    /// Sets how many messages are kept of each path, at least 1; 10 000 by default.
    pub fn kept_messages(self, count: usize) -> Builder {
        Builder {
            kept_messages: count.max(1),
            ..self
        }
    }

    /// Sets how many events are kept for streams and error messages, at least 1; 10 000 by default.
    pub fn kept_events(self, count: usize) -> Builder {
        Builder {
            kept_events: count.max(1),
            ..self
        }
    }

    /// Records the packets that go between the broker and the devices, the newest of them, as many
    /// as this; none by default.
    pub fn record_packets(self, count: usize) -> Builder {
        Builder {
            kept_packets: count,
            ..self
        }
    }

    /// Makes the broker refuse TLS 1.3, as that of the reference deployment does; it takes both 1.2
    /// and 1.3 by default.
    pub fn tls12_only(self) -> Builder {
        Builder {
            tls12_only: true,
            ..self
        }
    }

    /// Keeps the state of the sandbox in a folder, which is made if it is not there, and goes on
    /// with what is in it: keys, certificate authority, interfaces, and of each device its
    /// registration, introspection, properties and session. The datastreams that devices have sent
    /// are not kept, nor are events.
    ///
    /// A port that is 0 becomes that of the last run, if it is free. An interface that is installed
    /// already is updated by the rules, unless it is the same. The folder lags behind by a fraction
    /// of a second, until the sandbox is dropped.
    pub fn data_dir(self, folder: impl Into<PathBuf>) -> Builder {
        Builder {
            data: Some(folder.into()),
            ..self
        }
    }

    /// Starts the sandbox on a thread of its own.
    ///
    /// # Errors
    ///
    /// - The name or the key of the realm is not valid.
    /// - An interface is not valid, cannot be read, or collides with another one.
    /// - A port is not free.
    /// - The folder of the state is damaged, newer than the sandbox, or of another realm.
    /// - The operating system provides no thread or no random numbers.
    pub async fn start(mut self) -> Result<Sandbox, StartError> {
        RealmName::parse(&self.realm)?;
        for directory in std::mem::take(&mut self.directories) {
            self.read_directory(&directory)?;
        }
        if !self.faulty.is_empty() {
            let diagnostics = self.faulty.into_iter().flatten().collect();
            return Err(StartError::InvalidInterface(diagnostics));
        }
        let (ready, started) = oneshot::channel();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new()
            .name("astarte-sandbox".to_owned())
            .spawn(move || self.run(ready, stopped))
            .map_err(StartError::Thread)?;
        match started.await {
            Ok(Ok(core)) => Ok(Sandbox::new(core, stop, thread)),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(StartError::Thread(io::Error::other(
                "it ended before it was ready",
            ))),
        }
    }
}
