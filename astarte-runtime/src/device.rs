//! The device: built, connected, disconnected.

mod access;
mod book;
mod builder;
mod connection;
mod endings;
mod handshake;
mod interfaces;
mod keeper;
mod life;
mod lifetime;
mod link;
#[cfg(feature = "pairing")]
mod paired;
mod plan;
mod recent;
mod registrar;
mod registry;
#[cfg(feature = "pairing")]
mod renewal;
mod retainer;
mod serving;
mod shared;
mod stores;

use std::{fmt, sync::Arc};

use thiserror::Error;
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
};

#[cfg(fuzzing)]
pub(crate) use self::access::address;
use self::interfaces::{Changed, Interfaces};
pub(crate) use self::{
    book::SetAtOnce,
    interfaces::qos,
    retainer::{Bounds, RetainMessage},
    shared::Shared,
    stores::Stores,
};
pub use self::{builder::Builder, registrar::Registrar, registry::InterfaceError};
use crate::{
    Config, Interface,
    handle::{Handle, Register},
    metrics::Metrics,
    status::StatusStream,
    store::StoreError,
    tls::TlsError,
};

/// A device that is connected, or connects again by itself.
///
/// Dropped, it stops without waiting for what is still to be sent; [`disconnect`](Self::disconnect) waits.
pub struct Device {
    shared: Arc<Shared>,
    connection: JoinHandle<()>,
    keeper: JoinHandle<()>,
    retainer: JoinHandle<()>,
    /// Weak, because the keeper ends with the connection.
    requests: mpsc::WeakUnboundedSender<keeper::Request>,
}

/// A device cannot connect, and trying again is useless.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The broker's URL is not `mqtts://host:port`.
    #[error("the broker's URL is `{url}`, it must be `mqtts://host:port`")]
    BrokerUrl {
        /// What it is.
        url: String,
    },
    /// A setting is out of range.
    #[error("the setting `{setting}` must be {expected}")]
    Config {
        /// The method of [`Config`].
        setting: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// Two interfaces have one name, without regard to case; majors of one interface count as two.
    #[error(
        "the interfaces {first} and {second} were both registered: a device has one of each name"
    )]
    DuplicateInterface {
        /// The name and version of one.
        first: String,
        /// The name and version of the other.
        second: String,
    },
    /// The introspection does not fit in a packet.
    #[error(
        "the introspection has {len} bytes, the broker takes {limit}: the device has too many interfaces"
    )]
    IntrospectionSize {
        /// Its length in bytes.
        len: usize,
        /// The longest that fits.
        limit: usize,
    },
    /// The list of set properties does not fit in a packet.
    #[error(
        "the list of set properties has {len} bytes after compression, the broker takes {limit}"
    )]
    PropertyListSize {
        /// Its length in bytes.
        len: usize,
        /// The longest that fits.
        limit: usize,
    },
    /// The pairing API refuses the device, or its credentials cannot be kept.
    #[cfg(feature = "pairing")]
    #[error(transparent)]
    Pairing(Arc<crate::pairing::PairingError>),
    /// The device was disconnected before it was connected.
    #[error("the device was stopped before it was connected")]
    Stopped,
    /// The property store failed.
    #[error(transparent)]
    Store(Arc<StoreError>),
    /// The TLS settings are at fault.
    #[error(transparent)]
    Tls(Arc<TlsError>),
}

macro_rules! shared_causes {
    ($($(#[$cfg:meta])* $variant:ident($cause:ty);)*) => {$(
        $(#[$cfg])*
        impl From<$cause> for ConnectError {
            fn from(cause: $cause) -> Self {
                Self::$variant(Arc::new(cause))
            }
        }
    )*};
}

shared_causes! {
    #[cfg(feature = "pairing")]
    Pairing(crate::pairing::PairingError);
    Store(StoreError);
    Tls(TlsError);
}

impl ConnectError {
    /// Whether it is a disk that does not work, which may work again.
    fn may_pass(&self) -> bool {
        match self {
            Self::Store(_) => true,
            #[cfg(feature = "pairing")]
            Self::Pairing(error) => matches!(**error, crate::pairing::PairingError::Store(_)),
            _ => false,
        }
    }
}

impl Device {
    /// Begins to build a device.
    pub fn builder(config: Config) -> Builder {
        Builder::new(config)
    }

    /// Whether the device is connected and through the handshake.
    pub fn is_connected(&self) -> bool {
        self.shared.is_connected()
    }

    /// A stream of what happens to the connection from here on.
    pub fn status(&self) -> StatusStream {
        self.shared.status.subscribe()
    }

    /// Says that the application has set all properties again that it has, after
    /// [`Status::StoreRecovered`](crate::Status::StoreRecovered).
    ///
    /// With the next connection the device tells the server which properties are set, and the server deletes all others.
    /// Without a loss it changes nothing.
    ///
    /// # Errors
    ///
    /// - The store cannot be written.
    /// - [`StoreError::Closed`]: the device has stopped.
    pub async fn properties_complete(&self) -> Result<(), StoreError> {
        let (reply, done) = oneshot::channel();
        let request = keeper::Request::Complete(reply);
        let sent = self.requests.upgrade().map(|keeper| keeper.send(request));
        if !matches!(sent, Some(Ok(()))) {
            return Err(StoreError::Closed);
        }
        done.await.unwrap_or(Err(StoreError::Closed))
    }

    /// Adds an interface to the introspection, and returns the handle to use it by.
    ///
    /// Resolves once the server knows of the interface, and messages of the server arrive. Offline it resolves at once,
    /// and the server learns of the interface before anything is sent on it. Dropped before it resolves, the interface
    /// is added all the same, and what is received on it is dropped: add it again, or remove it.
    ///
    /// An interface that the device has already is replaced by one of a higher version, or of the same: its receiver
    /// ends. Where the major version is another one, so do its other handles, what is queued of it is given up, and its
    /// properties are forgotten. The device asks for the properties that the server has set on a new interface.
    ///
    /// # Errors
    ///
    /// - [`Older`](InterfaceError::Older): the device has a newer version of the interface.
    /// - [`Case`](InterfaceError::Case): it has one whose name differs in case alone.
    /// - [`Unfit`](InterfaceError::Unfit): the introspection would not fit in a packet.
    /// - [`Closed`](InterfaceError::Closed): the device has stopped.
    pub async fn add<I: Interface>(&self) -> Result<Handle<I>, InterfaceError>
    where
        I::Kind: Register<I>,
    {
        let mut registrar = Registrar::new(Arc::clone(&self.shared));
        let handle = <I::Kind as Register<I>>::register(&mut registrar);
        for interface in registrar.registered {
            self.change(|interfaces| interfaces.with(interface)).await?;
        }
        Ok(handle)
    }

    /// Removes an interface from the introspection.
    ///
    /// Its handles say so from then on, its receiver ends, what is queued of it is given up, and its properties are
    /// forgotten. Resolves once the server knows; offline at once, and the server learns of it with the next connection.
    /// Dropped before it resolves, the interface is removed all the same.
    ///
    /// # Errors
    ///
    /// - [`Missing`](InterfaceError::Missing): the device does not have the interface with this major version.
    /// - [`Closed`](InterfaceError::Closed): the device has stopped.
    pub async fn remove<I: Interface>(&self) -> Result<(), InterfaceError> {
        self.change(|interfaces| interfaces.without(I::DESCRIPTOR.id()))
            .await
    }

    /// Asks the server for all properties that it has set, and for those that it has not any more.
    ///
    /// Resolves once the broker has acknowledged that; offline, once the device is connected again. What differs from
    /// what is stored is received as if it were set, or purged, now. A device does this by itself with a new session,
    /// and after a long [absence](Config::resync_after).
    ///
    /// # Errors
    ///
    /// - [`Closed`](InterfaceError::Closed): the device has stopped.
    pub async fn resync(&self) -> Result<(), InterfaceError> {
        let registry = &self.shared.registry;
        let asked = registry.resynced(registry.resync()).await;
        asked.map_err(|error| self.shared.unchanged(error))
    }

    async fn change(
        &self,
        change: impl FnOnce(&Interfaces) -> Result<Changed, InterfaceError>,
    ) -> Result<(), InterfaceError> {
        let Shared {
            registry, outbox, ..
        } = &*self.shared;
        let introduced = match registry.change(outbox, change) {
            Ok(revision) => registry.introduced(revision).await,
            Err(error) => Err(error),
        };
        introduced.map_err(|error| self.shared.unchanged(error))
    }

    /// What the device has done since it was built, and where it stands, in numbers.
    pub fn metrics(&self) -> Metrics {
        let outbox = &self.shared.outbox;
        self.shared.counters.read(outbox.len(), outbox.dropped())
    }

    /// Sends what is still to be sent, for as long as the [setting](Config::disconnect_timeout) allows, and
    /// disconnects. Offline nothing can be sent, and what waits is given up, as its [`Delivery`](crate::Delivery) says;
    /// properties and messages of the retention `stored` are kept for the next process.
    pub async fn disconnect(mut self) {
        self.shared.request_stop();
        // A task that panicked has stopped as well.
        let _ = (&mut self.connection).await;
        // What was acknowledged last is stored by then, and the store is free to be opened again.
        let _ = (&mut self.keeper).await;
        let _ = (&mut self.retainer).await;
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        self.shared.request_stop();
    }
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Device")
            .field("id", &self.shared.base)
            .finish_non_exhaustive()
    }
}

/// An error with what caused it.
fn describe(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
