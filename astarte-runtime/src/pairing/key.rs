//! The device's key, and the request for a certificate.

use std::{fmt, sync::Arc};

use rcgen::{
    CertificateParams, DistinguishedName, DnType, KeyPair, PublicKeyData, SignatureAlgorithm,
};
use rustls::{SignatureScheme, sign::SigningKey};
use zeroize::Zeroizing;

use super::PairingError;
use crate::{
    DeviceId, Realm,
    certificate::public_key,
    credentials::{CredentialsError, signing_key},
    identity::client_id,
};

/// The private key of a device: made by it, or by somebody else in PKCS#8, SEC1 or PKCS#1.
///
/// It is wiped from memory when it is dropped, and `Debug` does not show it.
#[derive(Clone)]
pub struct DeviceKey {
    pem: Zeroizing<String>,
    key: Arc<dyn SigningKey>,
    kind: &'static Kind,
    /// As in the certificate, without its algorithm.
    public: Vec<u8>,
}

/// A kind of key, in the words of TLS and of certificates.
#[derive(Debug)]
struct Kind {
    scheme: SignatureScheme,
    algorithm: &'static SignatureAlgorithm,
}

impl DeviceKey {
    /// Makes a key on the curve P-256.
    ///
    /// # Errors
    ///
    /// - [`PairingError::Key`]: the operating system has no random bytes to give.
    pub fn generate() -> Result<Self, PairingError> {
        let pair = KeyPair::generate().map_err(failed)?;
        let pem = Zeroizing::new(pair.serialize_pem());
        Ok(Self::from_pem(&pem)?)
    }

    /// Reads a key: ECDSA on P-256 or P-384, RSA, or Ed25519.
    ///
    /// # Errors
    ///
    /// - It is no private key, or of another kind.
    pub fn from_pem(pem: &str) -> Result<Self, CredentialsError> {
        let key = signing_key(pem.as_bytes())?;
        let kind = KINDS
            .iter()
            .find(|kind| key.choose_scheme(&[kind.scheme]).is_some());
        let public = key
            .public_key()
            .and_then(|info| public_key(&info).map(<[u8]>::to_vec));
        match (kind, public) {
            (Some(kind), Some(public)) => Ok(Self {
                pem: Zeroizing::new(pem.to_owned()),
                key,
                kind,
                public,
            }),
            _ => Err(CredentialsError::Key {
                reason: "it is neither ECDSA on P-256 or P-384, nor RSA, nor Ed25519".to_owned(),
            }),
        }
    }

    /// Makes the request for a certificate, in PEM: subject `O=Devices, CN=<realm>/<device id>`, signed by the key.
    ///
    /// # Errors
    ///
    /// - [`PairingError::Key`]: the key does not sign.
    pub fn certificate_request(
        &self,
        realm: &Realm,
        device: &DeviceId,
    ) -> Result<String, PairingError> {
        let mut subject = DistinguishedName::new();
        subject.push(DnType::OrganizationName, "Devices");
        subject.push(DnType::CommonName, client_id(realm, device));
        let mut request = CertificateParams::default();
        request.distinguished_name = subject;
        let request = request
            .serialize_request(self)
            .and_then(|request| request.pem());
        request.map_err(failed)
    }

    /// The key itself in PEM, to keep it where it is safe.
    pub fn expose_pem(&self) -> &str {
        &self.pem
    }
}

impl PublicKeyData for DeviceKey {
    fn der_bytes(&self) -> &[u8] {
        &self.public
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        self.kind.algorithm
    }
}

impl rcgen::SigningKey for DeviceKey {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        let signer = self.key.choose_scheme(&[self.kind.scheme]);
        signer
            .and_then(|signer| signer.sign(message).ok())
            .ok_or(rcgen::Error::RemoteKeyError)
    }
}

impl fmt::Debug for DeviceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeviceKey({:?})", self.kind.scheme)
    }
}

fn failed(error: rcgen::Error) -> PairingError {
    PairingError::Key(Box::new(error))
}

static KINDS: [Kind; 4] = [
    Kind {
        scheme: SignatureScheme::ECDSA_NISTP256_SHA256,
        algorithm: &rcgen::PKCS_ECDSA_P256_SHA256,
    },
    Kind {
        scheme: SignatureScheme::ECDSA_NISTP384_SHA384,
        algorithm: &rcgen::PKCS_ECDSA_P384_SHA384,
    },
    Kind {
        scheme: SignatureScheme::ED25519,
        algorithm: &rcgen::PKCS_ED25519,
    },
    Kind {
        scheme: SignatureScheme::RSA_PKCS1_SHA256,
        algorithm: &rcgen::PKCS_RSA_SHA256,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_it_was_written() {
        let key = DeviceKey::generate().unwrap();
        let again = DeviceKey::from_pem(key.expose_pem()).unwrap();
        assert_eq!(again.public, key.public);
        assert_eq!(key.public.len(), 65);
        assert_eq!(format!("{key:?}"), "DeviceKey(ECDSA_NISTP256_SHA256)");
    }

    #[test]
    fn a_request_names_the_device() {
        let (realm, device) = ("test".parse().unwrap(), DeviceId::from_bytes([7; 16]));
        let key = DeviceKey::generate().unwrap();
        let pem = key.certificate_request(&realm, &device).unwrap();
        let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let der = base64::Engine::decode(&base64::prelude::BASE64_STANDARD, base64).unwrap();
        for text in ["Devices", "test/BwcHBwcHBwcHBwcHBwcHBw"] {
            let text = text.as_bytes();
            assert_eq!(
                der.windows(text.len()).filter(|part| part == &text).count(),
                1
            );
        }
    }

    #[test]
    fn other_texts_are_refused() {
        assert!(DeviceKey::from_pem("no key").is_err());
    }
}
