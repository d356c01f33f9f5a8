//! A device that pairs, keeps its state in a directory, sends a datastream and knows a property: `minimal ID DIRECTORY`.
//!
//! It says that it is connected, and stays so until it is told to end.

use std::{env, error::Error, io};

use astarte_runtime::{Config, Device, astarte_interface};

/// What the device measures.
#[astarte_interface("../interfaces/org.example.bench.Readings.json")]
struct Readings;

/// What the device is set to.
#[astarte_interface("../interfaces/org.example.bench.Settings.json")]
struct Settings;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let id = arguments.next().ok_or("no id")?;
    let directory = arguments.next().ok_or("no directory")?;
    let config = Config::new("test".parse()?, id.parse()?)
        .pairing(
            "https://api.astarte.example/pairing",
            "the credentials secret",
        )
        .directory(directory);
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
    println!("ready");
    tokio::task::spawn_blocking(|| io::stdin().read_line(&mut String::new())).await??;
    device.disconnect().await;
    Ok(())
}
