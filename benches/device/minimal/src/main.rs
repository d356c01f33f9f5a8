//! A device that pairs, keeps its state in a directory, sends a datastream and knows a property.

use std::error::Error;

use astarte_runtime::{Config, Device, astarte_interface};

/// What the device measures.
#[astarte_interface("../interfaces/org.example.bench.Readings.json")]
struct Readings;

/// What the device is set to.
#[astarte_interface("../interfaces/org.example.bench.Settings.json")]
struct Settings;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let config = Config::new("test".parse()?, "2imLILqtRP2vq0ZVy-TGRQ".parse()?)
        .pairing(
            "https://api.astarte.example/pairing",
            "the credentials secret",
        )
        .directory("/var/lib/minimal");
    let mut builder = Device::builder(config);
    let readings = builder.interface::<Readings>();
    let settings = builder.interface::<Settings>();
    let device = builder.connect().await?;
    settings
        .set(settings::Target { room: "kitchen" }, 21.0)
        .await?;
    readings
        .send(readings::Humidity { room: "kitchen" }, 0.5)
        .await?
        .await?;
    device.disconnect().await;
    Ok(())
}
