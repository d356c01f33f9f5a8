//! Settings of a sandbox, and its start.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use std::{fs, io};

use astarte_interface::{Diagnostics, Interface, RealmName, RealmNameError, Source};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::authority::{Authority, DEVICE_LIFETIME};
use crate::core::{Core, Settings};
use crate::event_log::EventLog;
use crate::installed::{InstallError, IntoInterface, UpdateError};
use crate::jwt::RealmKey;
use crate::profile::{Profile, ServerVersion};
use crate::sandbox::Sandbox;
use crate::store::{DataError, KeptRealm, Store};
use crate::{broker, http, store};

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

    fn read_directory(&mut self, directory: &Path) -> Result<(), StartError> {
        let error = |source| StartError::Interfaces {
            path: directory.to_owned(),
            source,
        };
        let entries = fs::read_dir(directory).map_err(error)?;
        let paths: io::Result<Vec<PathBuf>> = entries
            .map(|entry| entry.map(|entry| entry.path()))
            .collect();
        let mut paths = paths.map_err(error)?;
        paths.sort();
        for path in paths {
            if path.is_dir() {
                self.read_directory(&path)?;
            } else if path
                .extension()
                .is_some_and(|extension| extension == "json")
            {
                let text = fs::read_to_string(&path);
                let text = text.map_err(|source| StartError::Interfaces {
                    path: path.clone(),
                    source,
                })?;
                let source = Source::new(path.to_string_lossy(), text);
                match Interface::parse(&source) {
                    Ok(checked) => self.interfaces.push(checked.interface),
                    Err(diagnostics) => self.faulty.push(diagnostics),
                }
            }
        }
        Ok(())
    }

    /// The life of the sandbox's thread.
    fn run(
        self,
        ready: oneshot::Sender<Result<Arc<Core>, StartError>>,
        stopped: oneshot::Receiver<()>,
    ) {
        let runtime = match tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
        {
            Ok(runtime) => runtime,
            Err(error) => return drop(ready.send(Err(StartError::Thread(error)))),
        };
        let core = runtime.block_on(async {
            match self.serve().await {
                Ok((core, store)) => {
                    let served = ready.send(Ok(Arc::clone(&core)));
                    if served.is_ok() {
                        // Both ends of the channel mean the same: the sandbox was dropped.
                        let _ = stopped.await;
                    }
                    Some((core, store))
                }
                Err(error) => {
                    drop(ready.send(Err(error)));
                    None
                }
            }
        });
        drop(runtime);
        if let Some((core, store)) = core {
            // Nobody is left who could be told of a failure.
            let _ = store.map(|store| store.save(&core));
            core.stop();
        }
    }

    async fn serve(mut self) -> Result<(Arc<Core>, Option<Arc<Store>>), StartError> {
        let store = self.data.as_deref().map(Store::open).transpose()?;
        let kept = store.as_ref().map(Store::realm).transpose()?.flatten();
        let authority = self.take_over(kept.as_ref())?;
        let authority = match authority {
            Some(authority) => authority,
            None => Authority::generate().map_err(certificates)?,
        };
        let realm_key = match &self.realm_key {
            Some(pem) => RealmKey::from_pem(pem).map_err(|_| StartError::RealmKey)?,
            None => RealmKey::generate().map_err(certificates)?,
        };
        let authority = Arc::new(authority);
        let acceptor = broker::acceptor(&authority, self.tls12_only).map_err(certificates)?;
        let last = kept.as_ref().map(|kept| (kept.port, kept.broker_port));
        let (http, http_port) = bind(self.port, last.map(|last| last.0)).await?;
        let (mqtt, mqtt_port) = bind(self.broker_port, last.map(|last| last.1)).await?;
        let log = Arc::new(EventLog::new(self.kept_events));
        let settings = Settings {
            realm: self.realm,
            profile: self.profile,
            version: self.version,
            patience: self.patience,
            retry_interval: self.retry_interval,
            certificate_lifetime: self.certificate_lifetime,
            kept_messages: self.kept_messages,
            kept_packets: self.kept_packets,
        };
        let ports = (http_port, mqtt_port);
        let core = Arc::new(Core::new(settings, authority, realm_key, log, ports));
        let store = store.map(Arc::new);
        if let Some(store) = &store {
            store.restore(&core)?;
        }
        let kept = core.installed.all();
        for interface in self.interfaces {
            let same = |kept: &Arc<Interface>| {
                kept.name() == interface.name() && kept.version().major == interface.version().major
            };
            if kept.iter().any(same) {
                core.installed.renew(interface)?;
            } else {
                core.installed.install(interface)?;
            }
        }
        if let Some(store) = &store {
            tokio::spawn(store::keep(Arc::clone(&core), Arc::clone(store)));
        }
        tokio::spawn(http::serve(Arc::clone(&core), http));
        tokio::spawn(broker::serve(Arc::clone(&core), mqtt, acceptor));
        Ok((core, store))
    }

    /// Takes the keys of an earlier run, and returns its authority.
    fn take_over(&mut self, kept: Option<&KeptRealm>) -> Result<Option<Authority>, StartError> {
        let Some(kept) = kept else {
            return Ok(None);
        };
        if kept.realm != self.realm {
            return Err(DataError::OtherRealm(kept.realm.clone()).into());
        }
        self.realm_key.get_or_insert_with(|| kept.realm_key.clone());
        let condemned = kept.invalid_certificates.clone();
        let authority = Authority::restore(&kept.ca_certificate, &kept.ca_key, condemned);
        Ok(Some(authority.ok_or_else(|| {
            StartError::Certificates("the certificate authority of the last run is damaged".into())
        })?))
    }
}

/// Binds a port; in place of any port, `last` if it is free.
async fn bind(port: u16, last: Option<u16>) -> Result<(TcpListener, u16), StartError> {
    let error = |source| StartError::Bind { port, source };
    let again = match last.filter(|_| port == 0) {
        Some(last) => TcpListener::bind((Ipv4Addr::LOCALHOST, last)).await.ok(),
        None => None,
    };
    let listener = match again {
        Some(listener) => listener,
        None => TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .await
            .map_err(error)?,
    };
    let address = listener.local_addr().map_err(error)?;
    Ok((listener, address.port()))
}

fn certificates(error: impl std::error::Error + Send + Sync + 'static) -> StartError {
    StartError::Certificates(Box::new(error))
}
