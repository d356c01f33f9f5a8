//! From a secret to a broker and a certificate.

use std::{io, path::Path, sync::Arc};

use tokio::sync::Mutex;

use super::{
    Authorization, Client, CredentialStore, CredentialsSecret, DeviceKey, DeviceStatus,
    DirectoryCredentials, KeptCertificate, KeptCredentials, MemoryCredentials, PairingError,
    Validity,
};
use crate::{DeviceId, Realm, Tls, credentials::Credentials, identity::client_id};

/// The pairing of one device: its credentials, obtained where they are missing, and its broker.
#[derive(Debug)]
pub struct Pairing {
    client: Client,
    device: DeviceId,
    proof: Proof,
    /// `<realm>/<device id>`.
    common_name: String,
    store: Arc<dyn CredentialStore>,
    /// Held while the pairing API is asked: two requests for a certificate would void each other's.
    asking: Mutex<()>,
}

/// By what a device proves itself to the pairing API.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Proof {
    /// The device registers itself, and keeps the secret that it gets.
    Registration(Authorization),
    /// The device was registered, and the secret is given to it.
    Secret(CredentialsSecret),
}

impl From<Authorization> for Proof {
    fn from(authorization: Authorization) -> Self {
        Self::Registration(authorization)
    }
}

impl From<CredentialsSecret> for Proof {
    fn from(secret: CredentialsSecret) -> Self {
        Self::Secret(secret)
    }
}

impl From<String> for Proof {
    fn from(secret: String) -> Self {
        Self::Secret(secret.into())
    }
}

impl From<&str> for Proof {
    fn from(secret: &str) -> Self {
        Self::Secret(secret.into())
    }
}

/// Where the broker is, and by what the device proves itself there.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Connection {
    /// The URL of the broker, `mqtts://host:port/`.
    pub broker_url: String,
    /// The certificate and its key.
    pub credentials: Credentials,
}

impl Pairing {
    /// The pairing of a device at the pairing API at `url`. What it gets is kept in `directory`, which must exist, or
    /// else in memory.
    ///
    /// # Errors
    ///
    /// - [`PairingError::Url`], [`PairingError::Tls`]: the client cannot be made.
    /// - [`PairingError::Store`]: the directory does not exist.
    pub fn new(
        url: &str,
        realm: &Realm,
        device: DeviceId,
        proof: impl Into<Proof>,
        tls: &Tls,
        directory: Option<&Path>,
    ) -> Result<Self, PairingError> {
        Self::with_client(Client::new(url, realm, tls)?, device, proof, directory)
    }

    pub(crate) fn with_client(
        client: Client,
        device: DeviceId,
        proof: impl Into<Proof>,
        directory: Option<&Path>,
    ) -> Result<Self, PairingError> {
        let store: Arc<dyn CredentialStore> = match directory {
            Some(directory) => Arc::new(DirectoryCredentials::open(
                directory,
                client.realm(),
                &device,
            )?),
            None => Arc::new(MemoryCredentials::default()),
        };
        Ok(Self::with_store(client, device, proof, store))
    }

    /// The pairing of a device by a client and a store of the caller's own.
    pub fn with_store(
        client: Client,
        device: DeviceId,
        proof: impl Into<Proof>,
        store: Arc<dyn CredentialStore>,
    ) -> Self {
        Self {
            common_name: client_id(client.realm(), &device),
            client,
            device,
            proof: proof.into(),
            store,
            asking: Mutex::new(()),
        }
    }

    /// Finds the way to the broker.
    ///
    /// Kept credentials that have not expired by the device's clock are used without asking anybody. `refresh` asks the pairing API for the
    /// broker's address, and whether the certificate is still taken. Where it cannot be asked, what is kept is
    /// returned, an expired certificate as well: the broker decides, as the device's clock may be wrong.
    ///
    /// A device that registers itself keeps the secret before it asks for a certificate, since it can be registered
    /// again only until then. It registers anew where the server no longer knows it by its secret.
    ///
    /// # Errors
    ///
    /// - What the server refuses, see [`PairingError::is_permanent`].
    /// - The server cannot be asked, and nothing is kept.
    /// - [`PairingError::Store`]: what is kept cannot be read, or the first credentials cannot be kept.
    pub async fn connection(&self, refresh: bool) -> Result<Connection, PairingError> {
        let _asking = self.asking.lock().await;
        let kept = self.load().await?;
        let known = self.known(&kept);
        if let Some(known) = &known
            && !refresh
            && !self.has_expired(&known.credentials)
        {
            return Ok(known.clone());
        }
        match (self.ask(kept, false).await, known) {
            (Err(error), Some(known)) if !error.is_permanent() => Ok(known),
            (result, _) => result,
        }
    }

    /// Obtains a new certificate, whatever is kept: where the broker refuses that one.
    ///
    /// # Errors
    ///
    /// - What the server refuses, see [`PairingError::is_permanent`].
    /// - The server cannot be asked.
    /// - [`PairingError::Store`]: what is kept cannot be read, or the first credentials cannot be kept.
    pub async fn renew(&self) -> Result<Connection, PairingError> {
        let _asking = self.asking.lock().await;
        let kept = self.load().await?;
        self.ask(kept, true).await
    }

    /// Finds out why a broker does not take the device: an error where trying again is useless.
    pub(crate) async fn check_refusal(&self) -> Result<(), PairingError> {
        let secret = match &self.proof {
            Proof::Secret(secret) => secret,
            // Whatever happened to the registration, it can be repeated.
            Proof::Registration(_) => return Ok(()),
        };
        match self.client.info(self.device, secret).await {
            Ok(info) if info.status == DeviceStatus::Inhibited => Err(PairingError::Inhibited),
            Err(error) if error.is_permanent() => Err(error),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    async fn ask(&self, kept: KeptCredentials, renew: bool) -> Result<Connection, PairingError> {
        let first = kept.certificate.is_none();
        // Its begin is news to the clock, by which the server's certificate is checked.
        let own = self.own(&kept);
        let (mut kept, secret, info) = self.introduce(kept).await?;
        let credentials = match own {
            Some(credentials) if !renew && self.is_taken(&kept, &secret).await? => credentials,
            _ if info.status == DeviceStatus::Inhibited => return Err(PairingError::Inhibited),
            _ => {
                let (certificate, credentials) = self.obtain(&secret).await?;
                kept.certificate = Some(certificate);
                credentials
            }
        };
        kept.broker_url = Some(info.broker_url.clone());
        match self.save(kept).await {
            // A disk that is full must not end a device that has been connected before.
            Err(_) if !first => {}
            result => result?,
        }
        Ok(Connection {
            broker_url: info.broker_url,
            credentials,
        })
    }

    /// Makes the server know the device by a secret.
    async fn introduce(
        &self,
        kept: KeptCredentials,
    ) -> Result<(KeptCredentials, CredentialsSecret, super::Info), PairingError> {
        let authorization = match &self.proof {
            Proof::Secret(secret) => {
                let info = self.client.info(self.device, secret).await?;
                return Ok((kept, secret.clone(), info));
            }
            Proof::Registration(authorization) => authorization,
        };
        if let Some(secret) = kept.secret.clone() {
            match self.client.info(self.device, &secret).await {
                Err(PairingError::SecretRefused(_) | PairingError::DeviceNotFound(_)) => {}
                info => return Ok((kept, secret, info?)),
            }
        }
        let secret = self.client.register(self.device, authorization).await?;
        // The earlier certificate stays: the broker may take it still.
        let kept = KeptCredentials {
            secret: Some(secret.clone()),
            ..kept
        };
        self.save(kept.clone()).await?;
        let info = self.client.info(self.device, &secret).await?;
        Ok((kept, secret, info))
    }

    async fn obtain(
        &self,
        secret: &CredentialsSecret,
    ) -> Result<(KeptCertificate, Credentials), PairingError> {
        // A new key for every certificate: one that leaked is of use no longer than its certificate.
        let key = DeviceKey::generate()?;
        let request = key.certificate_request(self.client.realm(), &self.device)?;
        let chain = self
            .client
            .certificate(self.device, secret, &request)
            .await?;
        let private_key = key.expose_pem();
        let credentials = Credentials::from_pem(chain.as_bytes(), private_key.as_bytes())?;
        if credentials.common_name() != Some(&self.common_name) {
            return Err(PairingError::CommonName {
                found: credentials.common_name().unwrap_or_default().to_owned(),
                expected: self.common_name.clone(),
            });
        }
        self.client.clock.at_least(credentials.not_before());
        let certificate = KeptCertificate {
            chain,
            private_key: private_key.to_owned().into(),
        };
        Ok((certificate, credentials))
    }

    async fn is_taken(
        &self,
        kept: &KeptCredentials,
        secret: &CredentialsSecret,
    ) -> Result<bool, PairingError> {
        let Some(certificate) = &kept.certificate else {
            return Ok(false);
        };
        match self
            .client
            .verify(self.device, secret, &certificate.chain)
            .await
        {
            Ok(validity) => Ok(matches!(validity, Validity::Valid { .. })),
            Err(error) if error.is_permanent() => Err(error),
            // A server that does not know is no reason for a new certificate.
            Err(_) => Ok(true),
        }
    }

    fn has_expired(&self, credentials: &Credentials) -> bool {
        self.client.clock.now() >= credentials.not_after()
    }

    /// What is kept, where it is enough to connect.
    fn known(&self, kept: &KeptCredentials) -> Option<Connection> {
        Some(Connection {
            broker_url: kept.broker_url.clone()?,
            credentials: self.own(kept)?,
        })
    }

    /// The credentials that are kept, where they are whole and this device's.
    fn own(&self, kept: &KeptCredentials) -> Option<Credentials> {
        let KeptCertificate { chain, private_key } = kept.certificate.as_ref()?;
        let credentials = Credentials::from_pem(chain.as_bytes(), private_key.as_bytes()).ok()?;
        if credentials.common_name() != Some(&self.common_name) {
            return None;
        }
        self.client.clock.at_least(credentials.not_before());
        Some(credentials)
    }

    async fn load(&self) -> Result<KeptCredentials, PairingError> {
        let store = Arc::clone(&self.store);
        let kept = tokio::task::spawn_blocking(move || store.load()).await;
        Ok(kept.map_err(io::Error::other)??.unwrap_or_default())
    }

    async fn save(&self, credentials: KeptCredentials) -> Result<(), PairingError> {
        let store = Arc::clone(&self.store);
        let saved = tokio::task::spawn_blocking(move || store.save(&credentials)).await;
        Ok(saved.map_err(io::Error::other)??)
    }
}
