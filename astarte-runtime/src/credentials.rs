//! The certificate and key that a device proves itself by.

use std::{fmt, sync::Arc, time::SystemTime};

use rustls::{
    Error, InconsistentKeys,
    crypto::ring::sign::any_supported_type,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    sign::{CertifiedKey, SigningKey, SingleCertAndKey},
};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::certificate::{self, Facts};

/// A certificate chain and the private key of its first certificate, which belong together by construction.
///
/// Cheap to clone. `Debug` does not show the key.
#[derive(Clone)]
pub struct Credentials {
    certified: Arc<CertifiedKey>,
    facts: Arc<Facts>,
}

/// A certificate and a key cannot be the credentials of a device.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum CredentialsError {
    /// There is no certificate, or it is malformed.
    #[error("the certificate chain is not PEM with one `CERTIFICATE` or more: {reason}")]
    Certificate {
        /// What is wrong.
        reason: String,
    },
    /// There is no private key, or it is malformed, or of a kind that TLS does not know.
    #[error(
        "the private key is not PEM with a `PRIVATE KEY`, `EC PRIVATE KEY` or `RSA PRIVATE KEY`: {reason}"
    )]
    Key {
        /// What is wrong, without a part of the key.
        reason: String,
    },
    /// The first certificate is for another key.
    #[error(
        "the certificate is for another private key; the device's own must be the first of the chain"
    )]
    Mismatch,
}

impl Credentials {
    /// Reads a chain, the device's certificate first, and a key in PKCS#8, SEC1 or PKCS#1. Both are PEM.
    ///
    /// # Errors
    ///
    /// - There is no certificate or no key, or one is malformed.
    /// - The key is of a kind that TLS does not know.
    /// - The first certificate is for another key.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, CredentialsError> {
        Self::from_signing_key(chain, signing_key(key)?)
    }

    /// Reads a chain in PEM, the device's certificate first, for a key that stays where it is: in a TPM or a secure
    /// element, which signs.
    ///
    /// # Errors
    ///
    /// - There is no certificate, or one is malformed.
    /// - The first certificate is for another key.
    pub fn from_signing_key(
        chain: &[u8],
        key: Arc<dyn SigningKey>,
    ) -> Result<Self, CredentialsError> {
        let malformed = |reason: String| CredentialsError::Certificate { reason };
        let chain = CertificateDer::pem_slice_iter(chain).collect::<Result<Vec<_>, _>>();
        let chain = chain.map_err(|error| malformed(error.to_string()))?;
        let own = chain
            .first()
            .ok_or_else(|| malformed("there is none".to_owned()))?;
        let facts =
            certificate::read(own).map_err(|part| malformed(format!("{part} is malformed")))?;
        let certified = CertifiedKey::new(chain, key);
        match certified.keys_match() {
            // A key in hardware may not tell its public part.
            Ok(()) | Err(Error::InconsistentKeys(InconsistentKeys::Unknown)) => {}
            Err(Error::InconsistentKeys(_)) => return Err(CredentialsError::Mismatch),
            Err(error) => return Err(malformed(error.to_string())),
        }
        Ok(Self {
            certified: Arc::new(certified),
            facts: Arc::new(facts),
        })
    }

    /// The common name of the certificate, which for Astarte is `<realm>/<device id>`.
    pub fn common_name(&self) -> Option<&str> {
        self.facts.common_name.as_deref()
    }

    /// When the certificate begins to be valid.
    pub fn not_before(&self) -> SystemTime {
        self.facts.not_before
    }

    /// When the certificate ceases to be valid.
    pub fn not_after(&self) -> SystemTime {
        self.facts.not_after
    }

    /// Whether the certificate is valid at a time, by its dates alone.
    pub fn is_valid_at(&self, time: SystemTime) -> bool {
        self.facts.not_before <= time && time < self.facts.not_after
    }

    /// The certificates in DER, the device's own first.
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.certified.cert
    }

    pub(crate) fn resolver(&self) -> SingleCertAndKey {
        SingleCertAndKey::from(Arc::clone(&self.certified))
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("common_name", &self.facts.common_name)
            .field("not_after", &self.facts.not_after)
            .finish_non_exhaustive()
    }
}

/// Reads a key in PEM.
pub(crate) fn signing_key(pem: &[u8]) -> Result<Arc<dyn SigningKey>, CredentialsError> {
    let unusable = |reason: String| CredentialsError::Key { reason };
    let der = PrivateKeyDer::from_pem_slice(pem);
    let der = Zeroizing::new(der.map_err(|error| {
        unusable(if contains(pem, b"ENCRYPTED") {
            "it is encrypted, and must be without a passphrase".to_owned()
        } else {
            error.to_string()
        })
    })?);
    any_supported_type(&der).map_err(|error| unusable(error.to_string()))
}

fn contains(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len()).any(|window| window == word)
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair};

    use super::*;

    fn pair(common_name: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params
            .distinguished_name
            .push(DnType::OrganizationName, "Devices");
        params
            .distinguished_name
            .push(DnType::CommonName, common_name);
        params.not_before = rcgen::date_time_ymd(2026, 1, 2);
        params.not_after = rcgen::date_time_ymd(2060, 1, 2);
        (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
    }

    #[test]
    fn facts_are_read() {
        let (chain, key) = pair("test/2imLILqtRP2vq0ZVy-TGRQ");
        let credentials = Credentials::from_pem(chain.as_bytes(), key.as_bytes()).unwrap();
        assert_eq!(
            credentials.common_name(),
            Some("test/2imLILqtRP2vq0ZVy-TGRQ")
        );
        let second = std::time::Duration::from_secs(1);
        let (from, to) = (credentials.not_before(), credentials.not_after());
        assert_eq!(from, SystemTime::UNIX_EPOCH + second * 1_767_312_000);
        assert_eq!(to, SystemTime::UNIX_EPOCH + second * 2_840_227_200);
        assert!(credentials.is_valid_at(from) && credentials.is_valid_at(to - second));
        assert!(!credentials.is_valid_at(from - second) && !credentials.is_valid_at(to));
        assert!(!format!("{credentials:?}").contains("PRIVATE"));
    }

    #[test]
    fn chains_are_kept_whole() {
        let (own, key) = pair("a");
        let (other, _) = pair("b");
        let chain = format!("{own}{other}");
        let credentials = Credentials::from_pem(chain.as_bytes(), key.as_bytes()).unwrap();
        assert_eq!(credentials.chain().len(), 2);
        let turned = format!("{other}{own}");
        assert_eq!(
            Credentials::from_pem(turned.as_bytes(), key.as_bytes()).unwrap_err(),
            CredentialsError::Mismatch
        );
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        let (chain, key) = pair("a");
        let encrypted =
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAA==\n-----END ENCRYPTED PRIVATE KEY-----\n";
        for (chain, key, words) in [
            ("", key.as_str(), "there is none"),
            (&chain, "", "the private key is not PEM"),
            (&chain, encrypted, "it is encrypted"),
            (
                "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n",
                &key,
                "malformed",
            ),
        ] {
            let error = Credentials::from_pem(chain.as_bytes(), key.as_bytes()).unwrap_err();
            assert!(error.to_string().contains(words), "{error}");
        }
    }

    #[test]
    fn a_cut_certificate_is_refused_wherever_it_is_cut() {
        let (chain, _) = pair("a");
        let der = CertificateDer::from_pem_slice(chain.as_bytes()).unwrap();
        for end in 0..der.len() {
            assert!(certificate::read(&der[..end]).is_err(), "{end}");
        }
    }

    #[test]
    fn a_changed_byte_never_panics() {
        let (chain, _) = pair("a");
        let mut der = CertificateDer::from_pem_slice(chain.as_bytes())
            .unwrap()
            .to_vec();
        for at in 0..der.len() {
            for flip in [0x01, 0x80, 0xff] {
                der[at] ^= flip;
                let _ = certificate::read(&der);
                der[at] ^= flip;
            }
        }
    }
}
