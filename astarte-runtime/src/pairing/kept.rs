//! What a device keeps between its starts.

use std::{
    fmt, io,
    sync::{Mutex, PoisonError},
};

use zeroize::Zeroizing;

use super::CredentialsSecret;

/// What a device needs to connect without asking the pairing API. `Debug` shows no secret.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct KeptCredentials {
    /// The credentials secret, where the device registered itself. One that was given is not kept.
    pub secret: Option<CredentialsSecret>,
    /// The certificate and its key.
    pub certificate: Option<KeptCertificate>,
    /// The URL of the broker.
    pub broker_url: Option<String>,
}

/// A certificate and its key, which are kept together or not at all. `Debug` does not show the key.
#[derive(Clone)]
pub struct KeptCertificate {
    /// The certificate chain as the server gave it, in PEM.
    pub chain: String,
    /// The private key, in PEM.
    pub private_key: Zeroizing<String>,
}

impl fmt::Debug for KeptCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeptCredentials")
            .field("secret", &self.secret)
            .field("certificate", &self.certificate)
            .field("broker_url", &self.broker_url)
            .finish()
    }
}

impl fmt::Debug for KeptCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeptCertificate(..)")
    }
}

/// A place for the credentials of one device, which are one unit: all of it is kept, or nothing.
///
/// The calls may block: they run on a thread where that is allowed.
pub trait CredentialStore: fmt::Debug + Send + Sync + 'static {
    /// What is kept; `None` where nothing is, or nothing that is whole: the device then obtains new credentials.
    ///
    /// # Errors
    ///
    /// - The place cannot be read.
    fn load(&self) -> io::Result<Option<KeptCredentials>>;

    /// Keeps credentials in place of earlier ones. Once it returns they survive a power cut, where the place does.
    ///
    /// # Errors
    ///
    /// - The place cannot be written.
    fn save(&self, credentials: &KeptCredentials) -> io::Result<()>;
}

/// Keeps credentials in memory: a device asks the pairing API for new ones at every start.
#[derive(Debug, Default)]
pub struct MemoryCredentials(Mutex<Option<KeptCredentials>>);

impl CredentialStore for MemoryCredentials {
    fn load(&self) -> io::Result<Option<KeptCredentials>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(kept.clone())
    }

    fn save(&self, credentials: &KeptCredentials) -> io::Result<()> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(credentials.clone());
        Ok(())
    }
}
