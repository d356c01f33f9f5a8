//! From settings to a running sandbox.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fs, io};

use astarte_interface::{Interface, Source};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::{Builder, StartError};
use crate::authority::Authority;
use crate::core::{Core, Settings};
use crate::event_log::EventLog;
use crate::jwt::RealmKey;
use crate::store::{self, DataError, KeptRealm, Store};
use crate::{broker, http};

impl Builder {
    pub(super) fn read_directory(&mut self, directory: &Path) -> Result<(), StartError> {
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
    pub(super) fn run(
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
