//! The credentials secret.

use std::fmt;

use zeroize::Zeroizing;

/// What a device proves itself by to the pairing API: the registration gives it.
///
/// It is wiped from memory when it is dropped, and `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct CredentialsSecret(Zeroizing<String>);

impl CredentialsSecret {
    /// The secret itself, to keep it where it is safe.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for CredentialsSecret {
    fn from(secret: String) -> Self {
        Self(Zeroizing::new(secret))
    }
}

impl From<Zeroizing<String>> for CredentialsSecret {
    fn from(secret: Zeroizing<String>) -> Self {
        Self(secret)
    }
}

impl From<&str> for CredentialsSecret {
    fn from(secret: &str) -> Self {
        Self::from(secret.to_owned())
    }
}

impl fmt::Debug for CredentialsSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CredentialsSecret(..)")
    }
}
