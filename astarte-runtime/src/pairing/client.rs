//! The requests of the pairing API, one by one.

use std::time::Duration;

use reqwest::{Method, StatusCode, redirect};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{Authorization, CredentialsSecret, PairingError};
use crate::{DeviceId, Realm, Tls, Version};

/// How long a request may take in all.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The longest answer that is read, in bytes: a chain of certificates is a few thousand.
const MAX_BODY: usize = 256 * 1024;

/// A client of the pairing API of one realm.
///
/// Each call is one request, and is not repeated: see [`PairingError::is_permanent`].
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    /// With the version and the realm, without a slash at the end.
    base: String,
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

/// Who makes a request, which decides on what a refusal can mean.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Requester {
    Agent,
    Device,
}

impl Client {
    /// A client of the pairing API at `url`, such as `https://api.example.com/pairing`.
    ///
    /// Redirects are not followed, because a secret is sent; a proxy in the environment is not used.
    ///
    /// # Errors
    ///
    /// - The URL is not `http` or `https`.
    /// - The TLS settings cannot be used.
    pub fn new(url: &str, realm: &Realm, tls: &Tls) -> Result<Self, PairingError> {
        let parsed = reqwest::Url::parse(url)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https"));
        if parsed.is_none() {
            return Err(PairingError::Url {
                url: url.to_owned(),
            });
        }
        let config = tls.client_config(None)?;
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(rustls::ClientConfig::clone(&config))
            .redirect(redirect::Policy::none())
            .no_proxy()
            .timeout(TIMEOUT)
            .build()?;
        Ok(Self {
            http,
            base: format!("{}/v1/{realm}", url.trim_end_matches('/')),
        })
    }

    /// Registers a device, and returns its secret. Until the device has obtained a certificate it can be registered
    /// again, which makes the earlier secret void.
    ///
    /// # Errors
    ///
    /// - [`PairingError::AlreadyRegistered`]: it has obtained a certificate.
    /// - [`PairingError::Unauthorized`], [`PairingError::Forbidden`]: the authorization is not taken.
    /// - [`PairingError::Http`], [`PairingError::Server`]: trying again may help.
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
            credentials_secret: String,
        }
        let entry = |(name, version): (String, Version)| {
            (
                name,
                json!({ "major": version.major, "minor": version.minor }),
            )
        };
        let introspection: serde_json::Map<_, _> = introspection.into_iter().map(entry).collect();
        let mut data = json!({ "hw_id": device.to_string() });
        if !introspection.is_empty() {
            data["initial_introspection"] = Value::Object(introspection);
        }
        let token = authorization.token()?;
        let (status, body) = self
            .send(
                Method::POST,
                "/agent/devices",
                &token,
                Some(data),
                Requester::Agent,
            )
            .await?;
        let Registered { credentials_secret } = read(status, &body)?;
        Ok(credentials_secret.into())
    }

    /// Makes the device's secret void, so that it can be registered again. Its data stays, and so does its session.
    ///
    /// # Errors
    ///
    /// - [`PairingError::DeviceNotFound`]: the realm has no such device.
    /// - [`PairingError::Unauthorized`], [`PairingError::Forbidden`]: the authorization is not taken.
    /// - [`PairingError::Http`], [`PairingError::Server`]: trying again may help.
    pub async fn unregister(
        &self,
        device: DeviceId,
        authorization: &Authorization,
    ) -> Result<(), PairingError> {
        let token = authorization.token()?;
        let path = format!("/agent/devices/{device}");
        self.send(Method::DELETE, &path, &token, None, Requester::Agent)
            .await?;
        Ok(())
    }

    /// Asks what the server knows of the device, and where its broker is.
    ///
    /// # Errors
    ///
    /// - [`PairingError::DeviceNotFound`], [`PairingError::Forbidden`]: the server does not know the device by this
    ///   secret.
    /// - [`PairingError::Http`], [`PairingError::Server`]: trying again may help.
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
        let path = format!("/devices/{device}");
        let (status, body) = self
            .send(Method::GET, &path, secret.expose(), None, Requester::Device)
            .await?;
        let Answer {
            version,
            status,
            protocols,
        } = read(status, &body)?;
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
    /// - [`PairingError::DeviceNotFound`], [`PairingError::Forbidden`]: the server does not know the device by this
    ///   secret.
    /// - [`PairingError::Validation`]: the request is not one.
    /// - [`PairingError::Http`], [`PairingError::Server`]: trying again may help.
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
        let path = format!("/devices/{device}/protocols/astarte_mqtt_v1/credentials");
        let data = Some(json!({ "csr": csr }));
        match self
            .send(
                Method::POST,
                &path,
                secret.expose(),
                data,
                Requester::Device,
            )
            .await
        {
            Ok((status, body)) => Ok(read::<Signed>(status, &body)?.client_crt),
            // The server has no status for this case, and answers as if it had failed.
            Err(PairingError::Server { status, body }) => {
                match self.info(device, secret).await?.status {
                    DeviceStatus::Inhibited => Err(PairingError::Inhibited),
                    _ => Err(PairingError::Server { status, body }),
                }
            }
            Err(error) => Err(error),
        }
    }

    /// Asks whether the server's authority takes a certificate, in PEM.
    ///
    /// # Errors
    ///
    /// - [`PairingError::DeviceNotFound`], [`PairingError::Forbidden`]: the server does not know the device by this
    ///   secret.
    /// - [`PairingError::Http`], [`PairingError::Server`]: trying again may help.
    pub async fn verify(
        &self,
        device: DeviceId,
        secret: &CredentialsSecret,
        certificate: &str,
    ) -> Result<Validity, PairingError> {
        #[derive(Deserialize)]
        struct Answer {
            valid: bool,
            #[serde(default)]
            until: String,
            #[serde(default)]
            cause: String,
        }
        let path = format!("/devices/{device}/protocols/astarte_mqtt_v1/credentials/verify");
        let data = Some(json!({ "client_crt": certificate }));
        let (status, body) = self
            .send(
                Method::POST,
                &path,
                secret.expose(),
                data,
                Requester::Device,
            )
            .await?;
        let Answer {
            valid,
            until,
            cause,
        } = read(status, &body)?;
        Ok(if valid {
            Validity::Valid { until }
        } else {
            Validity::Invalid { cause }
        })
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        bearer: &str,
        data: Option<Value>,
        requester: Requester,
    ) -> Result<(StatusCode, String), PairingError> {
        let url = format!("{}{path}", self.base);
        let mut request = self
            .http
            .request(method, url)
            .bearer_auth(bearer)
            .header("accept", "application/json");
        if let Some(data) = data {
            let body = json!({ "data": data }).to_string();
            request = request
                .header("content-type", "application/json")
                .body(body);
        }
        let mut response = request.send().await?;
        let status = response.status();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if body.len() + chunk.len() > MAX_BODY {
                let body = format!("more than {MAX_BODY} bytes");
                return Err(PairingError::Malformed {
                    status: status.as_u16(),
                    body,
                });
            }
            body.extend_from_slice(&chunk);
        }
        let body = String::from_utf8_lossy(&body).into_owned();
        if status.is_success() {
            Ok((status, body))
        } else {
            Err(refusal(status, body, requester))
        }
    }
}

/// What a status means, by the server's documented answers.
fn refusal(status: StatusCode, body: String, requester: Requester) -> PairingError {
    let registering = requester == Requester::Agent;
    match status {
        StatusCode::UNAUTHORIZED => PairingError::Unauthorized { registering, body },
        StatusCode::FORBIDDEN => PairingError::Forbidden { registering, body },
        StatusCode::NOT_FOUND => PairingError::DeviceNotFound { body },
        // An invalid id has the same status, and a body that names the field.
        StatusCode::UNPROCESSABLE_ENTITY if body.contains("Device already registered") => {
            PairingError::AlreadyRegistered { body }
        }
        StatusCode::UNPROCESSABLE_ENTITY | StatusCode::BAD_REQUEST => {
            PairingError::Validation { body }
        }
        _ => PairingError::Server {
            status: status.as_u16(),
            body,
        },
    }
}

fn read<T: DeserializeOwned>(status: StatusCode, body: &str) -> Result<T, PairingError> {
    #[derive(Deserialize)]
    struct Envelope<T> {
        data: T,
    }
    serde_json::from_str::<Envelope<T>>(body)
        .map(|envelope| envelope.data)
        // A body that is read in part may hold a secret: it is not repeated.
        .map_err(|error| PairingError::Malformed {
            status: status.as_u16(),
            body: error.to_string(),
        })
}
