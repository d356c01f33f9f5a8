//! The tokens of those who register devices.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use rustls::{
    SignatureScheme,
    crypto::ring::sign::any_supported_type,
    pki_types::{PrivateKeyDer, pem::PemObject},
    sign::SigningKey,
};
use thiserror::Error;
use zeroize::Zeroizing;

/// How long a token made from a realm's key is valid.
const LIFETIME: Duration = Duration::from_secs(5 * 60);

/// By what right a device is registered.
#[derive(Clone)]
#[non_exhaustive]
pub enum Authorization {
    /// A token that somebody else made; its claim `a_pa` permits the registration.
    Jwt(Zeroizing<String>),
    /// Tokens made for each request from the private key of the realm.
    RealmKey {
        /// The key.
        key: RealmKey,
        /// The entries of the claim `a_pa`, each `<method>::<path>` with regular expressions.
        permissions: Vec<String>,
        /// How long each token is valid, in whole seconds.
        lifetime: Duration,
    },
}

impl Authorization {
    /// Authorizes by a token.
    pub fn jwt(token: impl Into<String>) -> Self {
        Self::Jwt(Zeroizing::new(token.into()))
    }

    /// Authorizes by the private key of the realm: its tokens permit all of the pairing API, for five minutes.
    ///
    /// # Errors
    ///
    /// - It is no private key that a realm can have.
    pub fn realm_key(pem: &[u8]) -> Result<Self, RealmKeyError> {
        Ok(Self::RealmKey {
            key: RealmKey::from_pem(pem)?,
            permissions: vec![".*::.*".to_owned()],
            lifetime: LIFETIME,
        })
    }

    pub(super) fn token(&self, now: SystemTime) -> Result<Zeroizing<String>, RealmKeyError> {
        match self {
            Self::Jwt(token) => Ok(token.clone()),
            Self::RealmKey {
                key,
                permissions,
                lifetime,
            } => key.token(permissions, now, *lifetime),
        }
    }
}

impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Jwt(_) => "Jwt(..)",
            Self::RealmKey { .. } => "RealmKey(..)",
        })
    }
}

/// The private key of a realm: RSA, or ECDSA on the curves P-256 or P-384.
#[derive(Clone)]
pub struct RealmKey {
    key: Arc<dyn SigningKey>,
    algorithm: &'static Algorithm,
}

/// A key cannot sign tokens.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum RealmKeyError {
    /// The text is no private key.
    #[error(
        "the realm's key is not PEM with a `PRIVATE KEY`, `EC PRIVATE KEY` or `RSA PRIVATE KEY`: {reason}"
    )]
    Pem {
        /// What is wrong, without a part of the key.
        reason: String,
    },
    /// Signing failed.
    #[error("the realm's key does not sign: {reason}")]
    Sign {
        /// What is wrong, without a part of the key.
        reason: String,
    },
    /// It is a key that a realm does not have.
    #[error("the realm's key is neither RSA nor ECDSA on the curve P-256 or P-384")]
    Unsupported,
}

/// An algorithm of JSON Web Signature.
#[derive(Debug)]
struct Algorithm {
    name: &'static str,
    scheme: SignatureScheme,
    /// For ECDSA, the length of each of the two numbers of a signature, in bytes.
    number: Option<usize>,
}

static ALGORITHMS: [Algorithm; 3] = [
    Algorithm {
        name: "ES256",
        scheme: SignatureScheme::ECDSA_NISTP256_SHA256,
        number: Some(32),
    },
    Algorithm {
        name: "ES384",
        scheme: SignatureScheme::ECDSA_NISTP384_SHA384,
        number: Some(48),
    },
    Algorithm {
        name: "RS256",
        scheme: SignatureScheme::RSA_PKCS1_SHA256,
        number: None,
    },
];

impl RealmKey {
    /// Reads a key in PKCS#8, SEC1 or PKCS#1, as PEM.
    ///
    /// # Errors
    ///
    /// - It is no private key, or of a kind that realms do not have.
    pub fn from_pem(pem: &[u8]) -> Result<Self, RealmKeyError> {
        let key = PrivateKeyDer::from_pem_slice(pem).map_err(|error| RealmKeyError::Pem {
            reason: error.to_string(),
        })?;
        let key = Zeroizing::new(key);
        let key = any_supported_type(&key).map_err(|_| RealmKeyError::Unsupported)?;
        let supports = |algorithm: &&Algorithm| key.choose_scheme(&[algorithm.scheme]).is_some();
        let algorithm = ALGORITHMS
            .iter()
            .find(supports)
            .ok_or(RealmKeyError::Unsupported)?;
        Ok(Self { key, algorithm })
    }

    /// Makes a token for the pairing API.
    ///
    /// `permissions` are the entries of the claim `a_pa`, each `<method>::<path>` with regular expressions; `.*::.*`
    /// permits all.
    ///
    /// # Errors
    ///
    /// - The key does not sign.
    pub fn token(
        &self,
        permissions: &[impl AsRef<str>],
        now: SystemTime,
        lifetime: Duration,
    ) -> Result<Zeroizing<String>, RealmKeyError> {
        let issued = now
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        let header = serde_json::json!({ "alg": self.algorithm.name, "typ": "JWT" });
        let claims = serde_json::json!({
            "a_pa": permissions.iter().map(AsRef::as_ref).collect::<Vec<&str>>(),
            "iat": issued.as_secs(),
            "exp": issued.saturating_add(lifetime).as_secs(),
        });
        let part = |value: &serde_json::Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let mut token = format!("{}.{}", part(&header), part(&claims));
        let signature = self.sign(token.as_bytes())?;
        token.push('.');
        token.push_str(&BASE64_URL_SAFE_NO_PAD.encode(signature));
        Ok(Zeroizing::new(token))
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, RealmKeyError> {
        let failed = |reason: &str| RealmKeyError::Sign {
            reason: reason.to_owned(),
        };
        let signer = self
            .key
            .choose_scheme(&[self.algorithm.scheme])
            .ok_or(RealmKeyError::Unsupported)?;
        let signature = signer
            .sign(message)
            .map_err(|error| failed(&error.to_string()))?;
        match self.algorithm.number {
            None => Ok(signature),
            Some(number) => {
                raw_ecdsa(&signature, number).ok_or_else(|| failed("the signature is malformed"))
            }
        }
    }
}

impl fmt::Debug for RealmKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RealmKey({})", self.algorithm.name)
    }
}

/// TLS has the two numbers of an ECDSA signature in DER, JSON Web Signature wants them side by side.
fn raw_ecdsa(der: &[u8], number: usize) -> Option<Vec<u8>> {
    const SEQUENCE: u8 = 0x30;
    const INTEGER: u8 = 0x02;
    // Below 128 bytes, which these are, a length is one byte.
    let value = |der: &mut &[u8], tag: u8| -> Option<Vec<u8>> {
        let (&[found, length], rest) = der.split_first_chunk::<2>()?;
        let (value, rest) = rest.split_at_checked(usize::from(length))?;
        *der = rest;
        (found == tag).then(|| value.to_vec())
    };
    let mut der = der;
    let content = value(&mut der, SEQUENCE)?;
    let mut content = content.as_slice();
    let mut raw = Vec::with_capacity(2 * number);
    for _ in 0..2 {
        let digits = value(&mut content, INTEGER)?;
        // A leading zero keeps the number positive; short numbers are filled up.
        let digits = &digits[digits.iter().take_while(|digit| **digit == 0).count()..];
        raw.resize(raw.len() + number.checked_sub(digits.len())?, 0);
        raw.extend_from_slice(digits);
    }
    Some(raw)
}

#[cfg(test)]
mod tests {
    use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};

    use super::*;

    #[test]
    fn tokens_are_signed_by_the_key() {
        let pair = rcgen::KeyPair::generate().unwrap();
        let key = RealmKey::from_pem(pair.serialize_pem().as_bytes()).unwrap();
        // Signatures of all lengths of their numbers.
        for seconds in 0..300 {
            let now = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
            let token = key
                .token(&["POST::agent/devices"], now, Duration::from_secs(60))
                .unwrap();
            let (message, signature) = token.rsplit_once('.').unwrap();
            let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap();
            let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, pair.public_key_raw());
            public.verify(message.as_bytes(), &signature).unwrap();
            let claims = BASE64_URL_SAFE_NO_PAD
                .decode(message.split_once('.').unwrap().1)
                .unwrap();
            let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
            assert_eq!(claims["exp"], seconds + 60);
            assert_eq!(claims["a_pa"][0], "POST::agent/devices");
        }
    }

    #[test]
    fn other_keys_are_refused() {
        assert!(matches!(
            RealmKey::from_pem(b"no key"),
            Err(RealmKeyError::Pem { .. })
        ));
        let ed25519 = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        assert_eq!(
            RealmKey::from_pem(ed25519.serialize_pem().as_bytes()).unwrap_err(),
            RealmKeyError::Unsupported
        );
    }
}
