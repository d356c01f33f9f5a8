//! Registration and credentials.

mod client;
mod device;
mod faults;
mod lessons;
mod seed;
mod server;

use astarte_runtime::{
    DeviceId, Tls,
    pairing::{Authorization, Client, CredentialsSecret, DeviceKey},
};
use astarte_tests::{Site, soon};
use serde_json::json;

/// A sandbox, and a client of its pairing API.
struct Office {
    site: Site,
    client: Client,
}

impl Office {
    async fn open() -> Result<Self, Box<dyn std::error::Error>> {
        let site = Site::start().await?;
        let realm = site.sandbox.realm().parse()?;
        let client = Client::new(site.sandbox.pairing_url(), &realm, &Tls::new())?;
        Ok(Self { site, client })
    }

    /// The device that is registered from the beginning.
    fn device(&self) -> Result<(DeviceId, CredentialsSecret), Box<dyn std::error::Error>> {
        let secret = self
            .site
            .device
            .credentials_secret()
            .ok_or("it is registered")?;
        Ok((self.site.device.id().to_string().parse()?, secret.into()))
    }

    fn agent(&self) -> Authorization {
        Authorization::jwt(self.site.sandbox.jwt())
    }

    /// A token that permits nothing but this.
    fn agent_for(&self, permission: &str) -> Authorization {
        Authorization::jwt(self.site.sandbox.sign_jwt(&json!({ "a_pa": [permission] })))
    }

    /// A certificate in PEM for a device, and its key.
    async fn certificate(
        &self,
        device: DeviceId,
        secret: &CredentialsSecret,
    ) -> Result<(String, DeviceKey), Box<dyn std::error::Error>> {
        let key = DeviceKey::generate()?;
        let request = key.certificate_request(self.client.realm(), &device)?;
        Ok((
            soon(self.client.certificate(device, secret, &request)).await?,
            key,
        ))
    }
}
