//! One error for all operations.

use thiserror::Error;

use crate::{
    Closed, ConnectError, CredentialsError, DeliveryError, DeviceIdError, InterfaceError,
    PropertyError, RealmError, SendError, TlsError, store::StoreError,
};

/// The error of any operation, for those who do not tell them apart: each converts into it by `?`.
///
/// Displayed as the error that it holds.
#[derive(Debug, Error)]
#[error(transparent)]
#[non_exhaustive]
pub enum Error {
    /// Nothing is received any more.
    Closed(#[from] Closed),
    /// The device cannot connect.
    Connect(#[from] ConnectError),
    /// A certificate and a key cannot be used.
    Credentials(#[from] CredentialsError),
    /// A message was not delivered.
    Delivery(#[from] DeliveryError),
    /// A text is no device id.
    DeviceId(#[from] DeviceIdError),
    /// An interface cannot be added or removed.
    Interface(#[from] InterfaceError),
    /// The pairing API refuses, or was not reached.
    #[cfg(feature = "pairing")]
    Pairing(#[from] crate::pairing::PairingError),
    /// A property cannot be read.
    Property(#[from] PropertyError),
    /// A text is no name of a realm.
    Realm(#[from] RealmError),
    /// The key of a realm cannot be used.
    #[cfg(feature = "pairing")]
    RealmKey(#[from] crate::pairing::RealmKeyError),
    /// A message cannot be sent.
    Send(#[from] SendError),
    /// The store failed.
    Store(#[from] StoreError),
    /// The TLS settings cannot be used.
    Tls(#[from] TlsError),
}
