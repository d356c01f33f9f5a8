//! Where the device runs: a sandbox in this process, or a cluster.

use std::{error::Error, fs, time::Duration};

use astarte_runtime::{
    Config, DeviceId, Realm, Tls,
    pairing::{Authorization, Client, CredentialsSecret},
};
use astarte_sandbox::Sandbox;

use crate::options::Options;

/// A device that is registered, and what it is registered at.
pub(crate) struct Site {
    /// The settings by which it connects.
    pub(crate) config: Config,
    /// The sandbox and the device in it, where there is one.
    pub(crate) sandbox: Option<(Sandbox, astarte_sandbox::Device)>,
}

impl Site {
    /// Goes where the options say, and registers the device where that is still to be done.
    ///
    /// # Errors
    ///
    /// - An option has no sense, or the server refuses the registration.
    pub(crate) async fn open(options: &Options) -> Result<Self, Box<dyn Error>> {
        match &options.pairing_url {
            Some(url) => Self::cluster(url, options).await,
            None => Self::sandbox(options).await,
        }
    }

    async fn sandbox(options: &Options) -> Result<Self, Box<dyn Error>> {
        let interfaces = concat!(env!("CARGO_MANIFEST_DIR"), "/../../interfaces");
        let sandbox = Sandbox::builder()
            .interfaces_dir(interfaces)
            .start()
            .await?;
        println!(
            "sandbox: {} (realm {})",
            sandbox.pairing_url(),
            sandbox.realm()
        );

        let (realm, id) = (sandbox.realm().parse()?, device_id(options)?);
        let tls = Tls::new().add_root_certificates_pem(sandbox.ca_pem().as_bytes())?;
        let authorization = Authorization::jwt(sandbox.jwt());
        let secret = register(sandbox.pairing_url(), &realm, id, &tls, &authorization).await?;
        let device = sandbox.device(id.to_string().parse()?);
        let config = config(options, realm, id, sandbox.pairing_url(), secret, tls)
            .backoff(Duration::from_millis(50), Duration::from_secs(1));
        Ok(Self {
            config,
            sandbox: Some((sandbox, device)),
        })
    }

    async fn cluster(url: &str, options: &Options) -> Result<Self, Box<dyn Error>> {
        let realm: Realm = options
            .realm
            .as_deref()
            .ok_or("--pairing-url needs --realm")?
            .parse()?;
        let id = device_id(options)?;
        let mut tls = Tls::new();
        if let Some(ca) = &options.ca {
            tls = tls.add_root_certificates_pem(&fs::read(ca)?)?;
        }
        if options.danger_accept_invalid_certificates {
            tls = tls.danger_accept_invalid_certificates();
        }
        let secret = match (
            &options.credentials_secret,
            &options.jwt,
            &options.realm_key,
        ) {
            (Some(secret), ..) => secret.as_str().into(),
            (None, Some(jwt), _) => {
                register(url, &realm, id, &tls, &Authorization::jwt(jwt)).await?
            }
            (None, None, Some(key)) => {
                let authorization = Authorization::realm_key(&fs::read(key)?)?;
                register(url, &realm, id, &tls, &authorization).await?
            }
            (None, None, None) => {
                return Err(
                    "--pairing-url needs --credentials-secret, --jwt or --realm-key".into(),
                );
            }
        };
        Ok(Self {
            config: config(options, realm, id, url, secret, tls),
            sandbox: None,
        })
    }
}

fn device_id(options: &Options) -> Result<DeviceId, Box<dyn Error>> {
    Ok(options
        .device_id
        .as_deref()
        .map_or_else(|| Ok(DeviceId::random()), str::parse)?)
}

async fn register(
    url: &str,
    realm: &Realm,
    id: DeviceId,
    tls: &Tls,
    authorization: &Authorization,
) -> Result<CredentialsSecret, Box<dyn Error>> {
    let secret = Client::new(url, realm, tls)?
        .register(id, authorization)
        .await?;
    println!("registered {id}");
    Ok(secret)
}

fn config(
    options: &Options,
    realm: Realm,
    id: DeviceId,
    url: &str,
    secret: CredentialsSecret,
    tls: Tls,
) -> Config {
    let config = Config::new(realm, id).pairing(url, secret).tls(tls);
    match &options.store {
        Some(directory) => config.directory(directory),
        None => config,
    }
}
