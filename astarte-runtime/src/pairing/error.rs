//! What can go wrong with pairing.

use std::io;

use thiserror::Error;

use crate::{credentials::CredentialsError, tls::TlsError};

use super::token::RealmKeyError;

/// Pairing failed.
///
/// What the server said is kept word for word in `body`; it never holds the device's secret.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PairingError {
    /// The device has already obtained a certificate, and cannot be registered again.
    #[error(
        "the device is already registered and has obtained a certificate: use its credentials secret, or unregister it \
         first (the server said {body})"
    )]
    AlreadyRegistered {
        /// What the server said.
        body: String,
    },
    /// The server gave a certificate that the device cannot use.
    #[error("the server gave a certificate that cannot be used")]
    Certificate(#[from] CredentialsError),
    /// The server gave a certificate for somebody else.
    #[error("the server gave a certificate for `{found}`, the device is `{expected}`")]
    CommonName {
        /// The common name in the certificate.
        found: String,
        /// `<realm>/<device id>`.
        expected: String,
    },
    /// The realm has no such device.
    #[error("the realm has no device of this id: register it first (the server said {body})")]
    DeviceNotFound {
        /// What the server said.
        body: String,
    },
    /// The server understood, and refuses.
    #[error(
        "the server refuses: {causes} (the server said {body})",
        causes = if *.registering {
            "the realm does not exist, or the token has expired, is not valid yet, or does not permit this in its claim \
             `a_pa`"
        } else {
            "the realm does not exist, or the credentials secret is wrong: the device was registered anew, or unregistered"
        }
    )]
    Forbidden {
        /// Whether it was a request of the realm's agent, and not of the device.
        registering: bool,
        /// What the server said.
        body: String,
    },
    /// The server could not be reached, or did not answer in full.
    #[error("the pairing API could not be reached")]
    Http(#[from] reqwest::Error),
    /// The device may not obtain certificates: somebody inhibited its credentials.
    #[error("the credentials of the device are inhibited: enable them on the server")]
    Inhibited,
    /// What the server said makes no sense.
    #[error(
        "the server answered with status {status} and a body that is not the expected one: {body}"
    )]
    Malformed {
        /// The HTTP status.
        status: u16,
        /// What the server said.
        body: String,
    },
    /// A key could not be made, or a request signed.
    #[error("the key of the device could not be made")]
    Key(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The realm's key cannot sign.
    #[error(transparent)]
    RealmKey(#[from] RealmKeyError),
    /// The server failed, or says something that this version does not know.
    #[error("the server answered with status {status}: {body}")]
    Server {
        /// The HTTP status.
        status: u16,
        /// What the server said.
        body: String,
    },
    /// The credentials could not be kept, or those that are kept could not be read.
    #[error("the credentials could not be kept")]
    Store(#[from] io::Error),
    /// The TLS settings, or the credentials, cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The request was not authorized.
    #[error(
        "the server does not take the authorization: {causes} (the server said {body})",
        causes = if *.registering {
            "the token is no JWT, or not signed by the key of the realm"
        } else {
            "the credentials secret is empty, or holds characters that cannot be sent"
        }
    )]
    Unauthorized {
        /// Whether it was a request of the realm's agent, and not of the device.
        registering: bool,
        /// What the server said.
        body: String,
    },
    /// The URL of the pairing API is not one.
    #[error("the URL of the pairing API is `{url}`, it must begin with `https://` or `http://`")]
    Url {
        /// What it is.
        url: String,
    },
    /// The server found the request invalid.
    #[error("the server finds the request invalid: {body}")]
    Validation {
        /// What the server said.
        body: String,
    },
}

impl PairingError {
    /// Whether the same request would fail again, until somebody changes something.
    pub fn is_permanent(&self) -> bool {
        !matches!(
            self,
            Self::Http(_) | Self::Malformed { .. } | Self::Server { .. }
        )
    }
}
