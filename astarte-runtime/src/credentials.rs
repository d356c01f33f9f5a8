//! The certificate and key that a device proves itself by.

use std::{fmt, time::SystemTime};

use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use thiserror::Error;

use crate::certificate;

/// A certificate chain and the private key of its first certificate.
///
/// `Debug` shows neither.
pub struct Credentials {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    common_name: Option<String>,
    validity: (SystemTime, SystemTime),
}

/// A text is no certificate, or no key.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum CredentialsError {
    /// There is no certificate, or it is malformed.
    #[error("the certificate chain is not PEM with one `CERTIFICATE` or more: {reason}")]
    Certificate {
        /// What is wrong.
        reason: String,
    },
    /// There is no private key, or it is malformed.
    #[error(
        "the private key is not PEM with a `PRIVATE KEY`, `EC PRIVATE KEY` or `RSA PRIVATE KEY`: {reason}"
    )]
    Key {
        /// What is wrong, without a part of the key.
        reason: String,
    },
}

impl Credentials {
    /// Reads a chain, the device's certificate first, and a key in PKCS#8, SEC1 or PKCS#1. Both are PEM.
    ///
    /// # Errors
    ///
    /// - There is no certificate or no key, or one is malformed.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, CredentialsError> {
        let certificate = |reason: &dyn fmt::Display| CredentialsError::Certificate {
            reason: reason.to_string(),
        };
        let chain = CertificateDer::pem_slice_iter(chain).collect::<Result<Vec<_>, _>>();
        let chain = chain.map_err(|error| certificate(&error))?;
        let Some(own) = chain.first() else {
            return Err(certificate(&"there is none"));
        };
        let facts = certificate::read(own)
            .map_err(|part| certificate(&format_args!("{part} is malformed")))?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| CredentialsError::Key {
            reason: error.to_string(),
        })?;
        Ok(Self {
            chain,
            key,
            common_name: facts.common_name,
            validity: (facts.not_before, facts.not_after),
        })
    }

    /// The common name of the certificate, which for Astarte is `<realm>/<device id>`.
    pub fn common_name(&self) -> Option<&str> {
        self.common_name.as_deref()
    }

    /// When the certificate begins to be valid.
    pub fn not_before(&self) -> SystemTime {
        self.validity.0
    }

    /// When the certificate ceases to be valid.
    pub fn not_after(&self) -> SystemTime {
        self.validity.1
    }

    pub(crate) fn chain(&self) -> Vec<CertificateDer<'static>> {
        self.chain.clone()
    }

    pub(crate) fn key(&self) -> PrivateKeyDer<'static> {
        self.key.clone_key()
    }
}

impl Clone for Credentials {
    fn clone(&self) -> Self {
        Self {
            chain: self.chain(),
            key: self.key(),
            common_name: self.common_name.clone(),
            validity: self.validity,
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("common_name", &self.common_name)
            .field("not_after", &self.validity.1)
            .finish_non_exhaustive()
    }
}
