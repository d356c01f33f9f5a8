//! From a secret to a broker and a certificate.

use std::{path::Path, sync::Arc, time::SystemTime};

use super::{
    Client, CredentialStore, CredentialsSecret, DeviceStatus, DirectoryCredentials,
    KeptCredentials, MemoryCredentials, PairingError, Validity, csr,
};
use crate::{DeviceId, Realm, Tls, credentials::Credentials, identity::client_id};

/// The pairing of one device.
#[derive(Debug)]
pub(crate) struct Pairing {
    client: Client,
    device: DeviceId,
    secret: CredentialsSecret,
    /// `<realm>/<device id>`.
    common_name: String,
    kept: Arc<dyn CredentialStore>,
}

/// Where the broker is, and by what the device proves itself there.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) broker_url: String,
    pub(crate) credentials: Credentials,
}

impl Pairing {
    pub(crate) fn new(
        url: &str,
        realm: &Realm,
        device: DeviceId,
        secret: CredentialsSecret,
        tls: &Tls,
        directory: Option<&Path>,
    ) -> Result<Self, PairingError> {
        let client = Client::new(url, realm, tls)?;
        let common_name = client_id(realm, &device);
        let kept: Arc<dyn CredentialStore> = match directory {
            Some(directory) => Arc::new(DirectoryCredentials::new(directory, &common_name)),
            None => Arc::new(MemoryCredentials::default()),
        };
        Ok(Self {
            client,
            device,
            secret,
            common_name,
            kept,
        })
    }

    /// What is kept is used without asking anybody; `refresh` asks for the broker anew, and whether the certificate is
    /// still taken.
    pub(crate) async fn connection(&self, refresh: bool) -> Result<Connection, PairingError> {
        let kept = self.load().await?.and_then(|kept| self.usable(kept));
        let (kept, credentials) = match kept {
            Some((kept, credentials)) if !refresh => {
                return Ok(Connection {
                    broker_url: kept.broker_url,
                    credentials,
                });
            }
            Some((kept, credentials)) if self.is_taken(&kept.certificate).await? => {
                (kept, credentials)
            }
            _ => self.obtain().await?,
        };
        let broker_url = self
            .client
            .info(self.device, &self.secret)
            .await?
            .broker_url;
        self.save(KeptCredentials {
            broker_url: broker_url.clone(),
            ..kept
        })
        .await?;
        Ok(Connection {
            broker_url,
            credentials,
        })
    }

    /// Finds out why a broker does not take the device: an error where trying again is useless.
    pub(crate) async fn check_refusal(&self) -> Result<(), PairingError> {
        match self.client.info(self.device, &self.secret).await {
            Ok(info) if info.status == DeviceStatus::Inhibited => Err(PairingError::Inhibited),
            Err(error) if error.is_permanent() => Err(error),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    async fn obtain(&self) -> Result<(KeptCredentials, Credentials), PairingError> {
        let (private_key, request) = csr::request(&self.common_name)?;
        let certificate = self
            .client
            .certificate(self.device, &self.secret, &request)
            .await?;
        let credentials = Credentials::from_pem(certificate.as_bytes(), private_key.as_bytes())?;
        if credentials.common_name() != Some(&self.common_name) {
            return Err(PairingError::CommonName {
                found: credentials.common_name().unwrap_or_default().to_owned(),
                expected: self.common_name.clone(),
            });
        }
        Ok((
            KeptCredentials {
                certificate,
                private_key,
                broker_url: String::new(),
            },
            credentials,
        ))
    }

    async fn is_taken(&self, certificate: &str) -> Result<bool, PairingError> {
        let validity = self
            .client
            .verify(self.device, &self.secret, certificate)
            .await?;
        Ok(matches!(validity, Validity::Valid { .. }))
    }

    /// The credentials, where they are this device's and have not expired.
    fn usable(&self, kept: KeptCredentials) -> Option<(KeptCredentials, Credentials)> {
        let credentials =
            Credentials::from_pem(kept.certificate.as_bytes(), kept.private_key.as_bytes()).ok()?;
        let own = credentials.common_name() == Some(&self.common_name);
        (own && SystemTime::now() < credentials.not_after()).then_some((kept, credentials))
    }

    async fn load(&self) -> Result<Option<KeptCredentials>, PairingError> {
        let kept = Arc::clone(&self.kept);
        Ok(tokio::task::spawn_blocking(move || kept.load())
            .await
            .map_err(std::io::Error::other)??)
    }

    async fn save(&self, credentials: KeptCredentials) -> Result<(), PairingError> {
        let kept = Arc::clone(&self.kept);
        Ok(tokio::task::spawn_blocking(move || kept.save(&credentials))
            .await
            .map_err(std::io::Error::other)??)
    }
}
