//! Registration and credentials over HTTP.
//!
//! A device is registered once, by somebody with the realm's trust: [`Client::register`] gives its credentials secret.
//! With the secret the device obtains a certificate by itself, and learns of its broker: a
//! [`Device`](crate::Device) does so where it is [configured](crate::Config::pairing) for it, and keeps what it got.
//!
//! Specification: [Pairing](https://docs.astarte-platform.org/astarte/latest/050-pairing_mechanism.html).

mod client;
mod csr;
mod error;
mod kept;
mod route;
mod secret;
mod token;

pub(crate) use self::route::Pairing;
pub use self::{
    client::{Client, DeviceStatus, Info, Validity},
    error::PairingError,
    kept::{CredentialStore, DirectoryCredentials, KeptCredentials, MemoryCredentials},
    secret::CredentialsSecret,
    token::{Authorization, RealmKey, RealmKeyError},
};
