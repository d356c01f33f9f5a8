//! How to test a device of one's own: a sandbox, the device, and what the cloud sees of it.

use std::{error::Error, time::Duration};

use astarte_runtime::{Config, Device, Tls};
use astarte_sandbox::{PairingFault, PairingRoute, Sandbox};
use thermostat::Thermostat;

type Result = std::result::Result<(), Box<dyn Error>>;

const READINGS: &str = "org.example.thermostat.Readings";
const SETTINGS: &str = "org.example.thermostat.Settings";
const INTERFACES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../interfaces");

#[tokio::test]
async fn reports_the_temperature() -> Result {
    let sandbox = Sandbox::builder()
        .interfaces_dir(INTERFACES)
        .start()
        .await?;
    let cloud = sandbox.register_device()?;
    let mut builder = Device::builder(config(&sandbox, &cloud)?);
    let thermostat = Thermostat::new(&mut builder);
    let _device = builder.connect().await?;

    thermostat.report("kitchen", 21.5, 40.0).await?;

    let reading = cloud.received(READINGS, "/kitchen/temperature").await?;
    assert_eq!(reading.value(), Some(&21.5.into()));
    Ok(())
}

#[tokio::test]
async fn obeys_the_settings() -> Result {
    let sandbox = Sandbox::builder()
        .interfaces_dir(INTERFACES)
        .start()
        .await?;
    let cloud = sandbox.register_device()?;
    let mut builder = Device::builder(config(&sandbox, &cloud)?);
    let mut thermostat = Thermostat::new(&mut builder);
    let _device = builder.connect().await?;

    cloud.set_property(SETTINGS, "/hall/enable", true)?;

    assert_eq!(
        thermostat.next_setting().await?,
        "heating of the hall is switched on"
    );
    Ok(())
}

#[tokio::test]
async fn a_reading_survives_a_broken_connection() -> Result {
    let sandbox = Sandbox::builder()
        .interfaces_dir(INTERFACES)
        .start()
        .await?;
    let cloud = sandbox.register_device()?;
    let mut builder = Device::builder(config(&sandbox, &cloud)?);
    let thermostat = Thermostat::new(&mut builder);
    let _device = builder.connect().await?;

    cloud.stall(true);
    thermostat.report("kitchen", 21.5, 40.0).await?;
    cloud.drop_connection();
    cloud.stall(false);

    let reading = cloud.received(READINGS, "/kitchen/temperature").await?;
    assert_eq!(reading.value(), Some(&21.5.into()));
    Ok(())
}

#[tokio::test]
async fn starts_although_the_pairing_api_is_overloaded() -> Result {
    let sandbox = Sandbox::builder()
        .interfaces_dir(INTERFACES)
        .start()
        .await?;
    let cloud = sandbox.register_device()?;
    let mut builder = Device::builder(config(&sandbox, &cloud)?);
    let _thermostat = Thermostat::new(&mut builder);

    sandbox.fail_pairing(
        PairingFault::status(503)
            .on(PairingRoute::Credentials)
            .times(2),
    );
    let _device = builder.connect().await?;

    cloud.ready().await?;
    Ok(())
}

/// What a device has to know of the sandbox.
fn config(
    sandbox: &Sandbox,
    cloud: &astarte_sandbox::Device,
) -> std::result::Result<Config, Box<dyn Error>> {
    let secret = cloud
        .credentials_secret()
        .ok_or("the device is not registered")?;
    let tls = Tls::new().add_root_certificates_pem(sandbox.ca_pem().as_bytes())?;
    let config = Config::new(sandbox.realm().parse()?, cloud.id().to_string().parse()?)
        .pairing(sandbox.pairing_url(), secret.as_str())
        .tls(tls)
        .backoff(Duration::from_millis(50), Duration::from_secs(1));
    Ok(config)
}
