//! The requests of the pairing API, one by one.

mod builder;
mod request;

use std::time::Duration;

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use zeroize::Zeroizing;

pub use self::builder::ClientBuilder;
use self::request::{Request, Requester, read};
use super::{Authorization, CredentialsSecret, PairingError};
use crate::{DeviceId, Realm, Tls, Version, clock::Clock};

/// A client of the pairing API of one realm. Cheap to clone; clones share their connections.
///
/// Redirects are not followed, because a secret is sent. A proxy in the environment is not used unless that is
/// [asked for](ClientBuilder::proxy_from_environment).
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    /// With the version and the realm, without a slash at the end.
    base: String,
    realm: Realm,
    pub(super) clock: Clock,
    attempts: u32,
    pause: Duration,
}

/// What the server says of a device.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Info {
    /// The version of the server.
    pub version: String,
    /// Whether the device has obtained a certificate, and may.
    pub status: DeviceStatus,
    /// The URL of the broker, `mqtts://host:port/`.
    pub broker_url: String,
}

/// How far a device is with pairing.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum DeviceStatus {
    /// It has obtained a certificate.
    Confirmed,
    /// It may not obtain certificates.
    Inhibited,
    /// It was registered, and has not obtained a certificate.
    Pending,
}

/// What the server says of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Validity {
    /// It is valid until this time, as the server writes it.
    Valid {
        /// Such as `2026-11-20 15:01:00.000Z`.
        until: String,
    },
    /// It is not valid.
    Invalid {
        /// The server's word for the reason, such as `EXPIRED` or `INVALID_ISSUER`.
        cause: String,
    },
}

impl Client {
    /// A client of the pairing API at `url`, such as `https://api.example.com/pairing`, with the defaults of each
    /// setting.
    ///
    /// # Errors
    ///
    /// - [`PairingError::Url`]: the URL is not `http` or `https`, or has a query, a fragment or a password.
    /// - [`PairingError::Tls`]: the TLS settings cannot be used.
    pub fn new(url: &str, realm: &Realm, tls: &Tls) -> Result<Self, PairingError> {
        Self::builder(url, realm).tls(tls).build()
    }

    /// Begins to make a client of the pairing API at `url`, such as `https://api.example.com/pairing`.
    pub fn builder(url: &str, realm: &Realm) -> ClientBuilder {
        ClientBuilder::new(url, realm)
    }

    /// The realm.
    pub fn realm(&self) -> &Realm {
        &self.realm
    }

    /// Registers a device, and returns its secret. Until the device has obtained a certificate it can be registered
    /// again, which makes the earlier secret void.
    ///
    /// # Errors
    ///
    /// - [`PairingError::AlreadyRegistered`]: it has obtained a certificate.
    /// - [`PairingError::Unauthorized`], [`PairingError::Forbidden`], [`PairingError::Unsendable`]: the authorization is
    ///   not taken.
    /// - [`PairingError::UnknownRealm`]: there is no such realm.
    /// - [`PairingError::RealmKey`]: the realm's key does not sign.
    /// - What is not [permanent](PairingError::is_permanent): trying again may help.
    pub async fn register(
        &self,
        device: DeviceId,
        authorization: &Authorization,
    ) -> Result<CredentialsSecret, PairingError> {
        self.register_with(device, authorization, []).await
    }

    /// Registers a device together with the names and versions of its interfaces, so that it can send before it has
    /// said so itself.
    ///
    /// # Errors
    ///
    /// Those of [`register`](Self::register).
    pub async fn register_with(
        &self,
        device: DeviceId,
        authorization: &Authorization,
        introspection: impl IntoIterator<Item = (String, Version)>,
    ) -> Result<CredentialsSecret, PairingError> {
        #[derive(Deserialize)]
        struct Registered {
            credentials_secret: Zeroizing<String>,
        }
        let entry = |(name, Version { major, minor }): (String, Version)| {
            (name, json!({ "major": major, "minor": minor }))
        };
        let introspection: serde_json::Map<_, _> = introspection.into_iter().map(entry).collect();
        let mut data = json!({ "hw_id": device.to_string() });
        if !introspection.is_empty() {
            data["initial_introspection"] = Value::Object(introspection);
        }
        let token = authorization.token(self.clock.now())?;
        let request = Request {
            requester: Requester::Agent,
            method: Method::POST,
            path: "/agent/devices".to_owned(),
            bearer: &token,
            data: Some(data),
        };
        let Registered { credentials_secret } = read(&self.send(&request).await?)?;
        Ok(credentials_secret.into())
    }

    /// Makes the device's secret void, so that it can be registered again. Its data stays, and so does its session.
    ///
    /// # Errors
    ///
    /// - [`PairingError::DeviceNotFound`]: the realm has no such device.
    /// - [`PairingError::Unauthorized`], [`PairingError::Forbidden`], [`PairingError::Unsendable`]: the authorization is
    ///   not taken.
    /// - [`PairingError::UnknownRealm`]: there is no such realm.
    /// - [`PairingError::RealmKey`]: the realm's key does not sign.
    /// - What is not [permanent](PairingError::is_permanent): trying again may help.
    pub async fn unregister(
        &self,
        device: DeviceId,
        authorization: &Authorization,
    ) -> Result<(), PairingError> {
        let token = authorization.token(self.clock.now())?;
        let request = Request {
            requester: Requester::Agent,
            method: Method::DELETE,
            path: format!("/agent/devices/{device}"),
            bearer: &token,
            data: None,
        };
        self.send(&request).await?;
        Ok(())
    }

    /// Asks what the server knows of the device, and where its broker is.
    ///
    /// # Errors
    ///
    /// - [`PairingError::DeviceNotFound`], [`PairingError::SecretRefused`], [`PairingError::Unsendable`]: the server does
    ///   not know the device by this secret.
    /// - [`PairingError::UnknownRealm`]: there is no such realm.
    /// - What is not [permanent](PairingError::is_permanent): trying again may help.
    pub async fn info(
        &self,
        device: DeviceId,
        secret: &CredentialsSecret,
    ) -> Result<Info, PairingError> {
        #[derive(Deserialize)]
        struct Answer {
            version: String,
            status: DeviceStatus,
            protocols: Protocols,
        }
        #[derive(Deserialize)]
        struct Protocols {
            astarte_mqtt_v1: Mqtt,
        }
        #[derive(Deserialize)]
        struct Mqtt {
            broker_url: String,
        }
        let request = self.device_request(Method::GET, device, "", secret, None);
        let Answer {
            version,
            status,
            protocols,
        } = read(&self.send(&request).await?)?;
        Ok(Info {
            version,
            status,
            broker_url: protocols.astarte_mqtt_v1.broker_url,
        })
    }

    /// Obtains a certificate, by a request in PEM; the answer is PEM as well.
    ///
    /// # Errors
    ///
    /// - [`PairingError::Inhibited`]: the device may not.
    /// - [`PairingError::DeviceNotFound`], [`PairingError::SecretRefused`], [`PairingError::Unsendable`]: the server does
    ///   not know the device by this secret.
    /// - [`PairingError::UnknownRealm`]: there is no such realm.
    /// - [`PairingError::Validation`]: the request is not one.
    /// - What is not [permanent](PairingError::is_permanent): trying again may help.
    pub async fn certificate(
        &self,
        device: DeviceId,
        secret: &CredentialsSecret,
        csr: &str,
    ) -> Result<String, PairingError> {
        #[derive(Deserialize)]
        struct Signed {
            client_crt: String,
        }
        let data = Some(json!({ "csr": csr }));
        let request = self.device_request(Method::POST, device, CREDENTIALS, secret, data);
        let mut attempts = self.attempts();
        let answer = loop {
            let error = match self.send_once(&request).await {
                Ok(answer) => break answer,
                Err(error) => error,
            };
            // The server has no status for a device that may not, and answers as if it had failed.
            if matches!(error, PairingError::Server(_))
                && self.info(device, secret).await?.status == DeviceStatus::Inhibited
            {
                return Err(PairingError::Inhibited);
            }
            if !attempts.again_after(&error).await {
                return Err(error);
            }
        };
        Ok(read::<Signed>(&answer)?.client_crt)
    }

    /// Asks whether the server's authority takes a certificate, in PEM.
    ///
    /// # Errors
    ///
    /// - [`PairingError::DeviceNotFound`], [`PairingError::SecretRefused`], [`PairingError::Unsendable`]: the server does
    ///   not know the device by this secret.
    /// - [`PairingError::UnknownRealm`]: there is no such realm.
    /// - What is not [permanent](PairingError::is_permanent): trying again may help.
    pub async fn verify(
        &self,
        device: DeviceId,
        secret: &CredentialsSecret,
        certificate: &str,
    ) -> Result<Validity, PairingError> {
        #[derive(Deserialize)]
        struct Answer {
            valid: bool,
            until: Option<String>,
            cause: Option<String>,
        }
        let data = Some(json!({ "client_crt": certificate }));
        let below = format!("{CREDENTIALS}/verify");
        let request = self.device_request(Method::POST, device, &below, secret, data);
        let Answer {
            valid,
            until,
            cause,
        } = read(&self.send(&request).await?)?;
        Ok(if valid {
            Validity::Valid {
                until: until.unwrap_or_default(),
            }
        } else {
            Validity::Invalid {
                cause: cause.unwrap_or_default(),
            }
        })
    }

    fn device_request<'a>(
        &self,
        method: Method,
        device: DeviceId,
        below: &str,
        secret: &'a CredentialsSecret,
        data: Option<Value>,
    ) -> Request<'a> {
        Request {
            requester: Requester::Device,
            method,
            path: format!("/devices/{device}{below}"),
            bearer: secret.expose(),
            data,
        }
    }
}

/// Below a device.
const CREDENTIALS: &str = "/protocols/astarte_mqtt_v1/credentials";
