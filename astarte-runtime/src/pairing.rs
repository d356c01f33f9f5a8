//! Registration and credentials over HTTP.
//!
//! A device is registered once, by somebody with the realm's trust: [`Client::register`] gives its credentials secret.
//! With the secret the device obtains a certificate by itself, and learns of its broker: a
//! [`Device`](crate::Device) does so where it is [configured](crate::Config::pairing) for it, and keeps what it got.
//! [`Pairing`] does the same for those who bring an MQTT client of their own.
//!
//! Specification: [Pairing](https://docs.astarte-platform.org/astarte/latest/050-pairing_mechanism.html).

mod client;
mod directory;
mod error;
mod kept;
mod key;
mod route;
mod secret;
mod token;

pub use self::{
    client::{Client, ClientBuilder, DeviceStatus, Info, Validity},
    directory::DirectoryCredentials,
    error::{Answer, PairingError},
    kept::{CredentialStore, KeptCertificate, KeptCredentials, MemoryCredentials},
    key::DeviceKey,
    route::{Connection, Pairing, Proof},
    secret::CredentialsSecret,
    token::{Authorization, RealmKey, RealmKeyError},
};
