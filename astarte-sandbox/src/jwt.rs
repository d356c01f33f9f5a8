//! The tokens that authorize a caller of the HTTP API.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rcgen::KeyPair;
use regex_lite::Regex;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _,
    UnparsedPublicKey,
};
use serde_json::{Map, Value, json};

use crate::clock;

/// The key with which the tokens of a realm are signed: P-256, so `ES256`.
pub(crate) struct RealmKey {
    key: EcdsaKeyPair,
    private_pem: String,
    public_pem: String,
}

/// The text is not a P-256 private key.
#[derive(Debug, thiserror::Error)]
#[error("not a P-256 private key in PKCS#8 PEM")]
pub(crate) struct BadKey;

/// Why a token is refused.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum TokenError {
    /// Not a token, or not signed by the realm's key.
    Invalid,
    /// Expired, or not valid yet.
    OutOfTime,
}

impl RealmKey {
    pub(crate) fn generate() -> Result<RealmKey, BadKey> {
        RealmKey::from_pair(&KeyPair::generate().map_err(|_| BadKey)?)
    }

    pub(crate) fn from_pem(text: &str) -> Result<RealmKey, BadKey> {
        let pair = KeyPair::from_pkcs8_pem_and_sign_algo(text, &rcgen::PKCS_ECDSA_P256_SHA256);
        RealmKey::from_pair(&pair.map_err(|_| BadKey)?)
    }

    fn from_pair(pair: &KeyPair) -> Result<RealmKey, BadKey> {
        let der = pair.serialize_der();
        let key =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der, &SystemRandom::new());
        Ok(RealmKey {
            key: key.map_err(|_| BadKey)?,
            private_pem: pair.serialize_pem(),
            public_pem: pair.public_key_pem(),
        })
    }

    pub(crate) fn private_pem(&self) -> &str {
        &self.private_pem
    }

    pub(crate) fn public_pem(&self) -> &str {
        &self.public_pem
    }

    /// Signs a token with these claims.
    pub(crate) fn sign(&self, claims: &Value) -> String {
        let header = json!({"alg": "ES256", "typ": "JWT"});
        let text = format!("{}.{}", encode(&header), encode(claims));
        let signature = self
            .key
            .sign(&SystemRandom::new(), text.as_bytes())
            .expect("signing with a valid key needs nothing but random numbers");
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// Checks signature and times of a token and returns its claims.
    pub(crate) fn verify(&self, token: &str) -> Result<Map<String, Value>, TokenError> {
        let (signed, signature) = token.rsplit_once('.').ok_or(TokenError::Invalid)?;
        let (header, claims) = signed.split_once('.').ok_or(TokenError::Invalid)?;
        let header = decode(header).ok_or(TokenError::Invalid)?;
        if header.get("alg") != Some(&Value::from("ES256")) {
            return Err(TokenError::Invalid);
        }
        let signature = URL_SAFE_NO_PAD
            .decode(signature)
            .map_err(|_| TokenError::Invalid)?;
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, self.key.public_key().as_ref())
            .verify(signed.as_bytes(), &signature)
            .map_err(|_| TokenError::Invalid)?;
        let claims = decode(claims).ok_or(TokenError::Invalid)?;
        check_times(&claims, clock::now_ms() as f64 / 1000.0)?;
        Ok(claims)
    }
}

/// Tells whether a claim, a list of `<method regex>:<options>:<path regex>`, allows a request.
///
/// The expressions are anchored by plain concatenation, as the server does: `a|b` means `^a` or
/// `b$`.
pub(crate) fn allows(claim: Option<&Value>, method: &str, path: &str) -> bool {
    let entries = claim.and_then(Value::as_array).into_iter().flatten();
    entries.filter_map(Value::as_str).any(|entry| {
        let mut parts = entry.splitn(3, ':');
        let (Some(method_text), Some(_), Some(path_text)) =
            (parts.next(), parts.next(), parts.next())
        else {
            return false;
        };
        matches(method_text, method) && matches(path_text, path)
    })
}

fn matches(expression: &str, text: &str) -> bool {
    Regex::new(&format!("^{expression}$")).is_ok_and(|regex| regex.is_match(text))
}

fn check_times(claims: &Map<String, Value>, now: f64) -> Result<(), TokenError> {
    let time = |name| match claims.get(name) {
        None => Ok(None),
        Some(value) => value.as_f64().map(Some).ok_or(TokenError::Invalid),
    };
    let (expiry, start) = (time("exp")?, time("nbf")?);
    time("auth_time")?;
    if expiry.is_some_and(|expiry| expiry <= now) || start.is_some_and(|start| start > now) {
        return Err(TokenError::OutOfTime);
    }
    Ok(())
}

fn encode(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn decode(part: &str) -> Option<Map<String, Value>> {
    let bytes = URL_SAFE_NO_PAD.decode(part).ok()?;
    serde_json::from_slice(&bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signed_token_verifies() {
        let key = RealmKey::generate().unwrap();
        let token = key.sign(&json!({"a_pa": ["POST::agent/devices"]}));
        let claims = key.verify(&token).unwrap();
        assert!(allows(claims.get("a_pa"), "POST", "agent/devices"));
    }

    #[test]
    fn a_key_survives_pem() {
        let key = RealmKey::generate().unwrap();
        let again = RealmKey::from_pem(key.private_pem()).unwrap();
        assert!(again.verify(&key.sign(&json!({}))).is_ok());
        assert!(RealmKey::from_pem("x").is_err());
    }

    #[test]
    fn foreign_and_damaged_tokens_are_invalid() {
        let key = RealmKey::generate().unwrap();
        let foreign = RealmKey::generate().unwrap().sign(&json!({}));
        for token in ["", "x", "a.b.c", &foreign] {
            assert_eq!(key.verify(token), Err(TokenError::Invalid), "{token}");
        }
        let unsigned = format!(
            "{}.{}.",
            encode(&json!({"alg": "none"})),
            encode(&json!({}))
        );
        assert_eq!(key.verify(&unsigned), Err(TokenError::Invalid));
    }

    #[test]
    fn times_are_checked() {
        let key = RealmKey::generate().unwrap();
        let verify = |claims: Value| key.verify(&key.sign(&claims)).map(|_| ());
        assert_eq!(verify(json!({"exp": 1})), Err(TokenError::OutOfTime));
        assert_eq!(verify(json!({"nbf": 4e9})), Err(TokenError::OutOfTime));
        assert_eq!(verify(json!({"exp": "soon"})), Err(TokenError::Invalid));
        assert_eq!(verify(json!({"exp": 4e9, "nbf": 1})), Ok(()));
    }

    #[test]
    fn claims_are_expressions() {
        let allows = |entry: &str| allows(Some(&json!([entry])), "POST", "agent/devices");
        assert!(allows("POST::agent/devices"));
        assert!(allows("^POST$::^agent/devices$"));
        assert!(allows(".*::.*"));
        assert!(allows("POST:anything:agent/.*"));
        assert!(allows("POST|x::agent/devices"));
        assert!(!allows("POST::agent/dev"));
        assert!(!allows("GET::agent/devices"));
        assert!(!allows("POST:agent/devices"));
        assert!(!allows("POST::agent/("));
        assert!(!super::allows(None, "POST", "agent/devices"));
        assert!(!super::allows(
            Some(&json!("POST::.*")),
            "POST",
            "agent/devices"
        ));
    }
}
