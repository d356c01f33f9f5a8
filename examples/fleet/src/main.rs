//! A hundred devices in one process, each with every interface of a folder.
//!
//! The build script compiles the folder; `register` gives the senders, and one receiver for all that the server sends.

mod room;

/// Everything of `interfaces/`, compiled by `build.rs`.
mod interfaces {
    astarte_runtime::include_interfaces!();
}

use std::{error::Error, time::Duration};

use astarte_runtime::{Config, Device, Timestamp, Tls};
use astarte_sandbox::{Sandbox, Value};
use tokio::{task::JoinSet, time::timeout};

use self::{
    interfaces::{Incoming, Position, commands, position, readings, route, settings, status},
    room::Room,
};

const DEVICES: usize = 100;
const READINGS: i64 = 20;

/// How long a device may take for its round.
const PATIENCE: Duration = Duration::from_secs(60);

type Failure = Box<dyn Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let sandbox = Sandbox::builder()
        .interfaces_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../../interfaces"))
        .start()
        .await?;
    let tls = Tls::new().add_root_certificates_pem(sandbox.ca_pem().as_bytes())?;

    let mut fleet = JoinSet::new();
    for _ in 0..DEVICES {
        let device = sandbox.register_device()?;
        let secret = device
            .credentials_secret()
            .ok_or("a registered device has a secret")?;
        let config = Config::new(sandbox.realm().parse()?, device.id().to_string().parse()?)
            .pairing(sandbox.pairing_url(), secret)
            .tls(tls.clone());
        fleet.spawn(timeout(PATIENCE, run(config)));
        fleet.spawn(timeout(PATIENCE, command(device)));
    }
    while let Some(done) = fleet.join_next().await {
        done???;
    }
    sandbox.all_processed().await;
    summary(&sandbox);
    Ok(())
}

/// A device: it reports, and does what it is told until it is told to restart.
async fn run(config: Config) -> Result<(), Failure> {
    let mut builder = Device::builder(config);
    let mut handles = interfaces::register(&mut builder);
    let device = builder.connect().await?;

    handles
        .status
        .set(
            status::Firmware {
                room: Room::Kitchen,
            },
            "1.4.2",
        )
        .await?;
    handles
        .status
        .set(
            status::Online {
                room: Room::Kitchen,
            },
            true,
        )
        .await?;
    for uptime in 0..READINGS {
        handles
            .readings
            .send(readings::DeviceUptimeSeconds, uptime)
            .await?;
    }
    let position = Position {
        latitude: 45.46,
        longitude: 9.19,
        satellites: 9,
    };
    handles
        .position
        .send_at(
            position::Path { vehicle: "v-17" },
            &position,
            Timestamp::now(),
        )
        .await?;

    // A file more in the folder is an event more here: this `match` does not compile until it is handled.
    loop {
        match handles.incoming.recv().await? {
            Incoming::Commands(commands::Event::Calibrate {
                endpoint, value, ..
            }) => {
                let corrected = readings::Temperature {
                    room: endpoint.room,
                };
                handles
                    .readings
                    .send_at(corrected, 20.0 + value, Timestamp::now())
                    .await?;
            }
            Incoming::Commands(commands::Event::DeviceRestart { .. }) => break,
            Incoming::Settings(settings::Event::Enable { endpoint, value }) => {
                handles
                    .status
                    .set(
                        status::Online {
                            room: endpoint.room,
                        },
                        value.unwrap_or(true),
                    )
                    .await?;
            }
            Incoming::Settings(
                settings::Event::SamplingPeriod { .. } | settings::Event::Purged(_),
            ) => {}
            Incoming::Route(route::Received { .. }) => {}
        }
    }
    device.disconnect().await;
    Ok(())
}

/// The cloud: it waits for a device, and tells it what to do.
async fn command(device: astarte_sandbox::Device) -> Result<(), Failure> {
    device
        .received("org.example.vehicle.Position", "/v-17")
        .within(PATIENCE)
        .await?;
    device.set_property(
        "org.example.thermostat.Settings",
        "/hall/enable",
        Value::Boolean(false),
    )?;
    // A setting is stored before it is told, and may be told after a command that was sent later.
    device
        .received("org.example.thermostat.Status", "/hall/online")
        .within(PATIENCE)
        .await?;
    device.publish(
        "org.example.thermostat.Commands",
        "/kitchen/calibrate",
        Value::Double(0.5),
    )?;
    device.publish(
        "org.example.thermostat.Commands",
        "/device/restart",
        Value::Boolean(false),
    )?;
    device.disconnected().within(PATIENCE).await?;
    Ok(())
}

fn summary(sandbox: &Sandbox) {
    let devices = sandbox.devices();
    let count = |interface, path| {
        devices
            .iter()
            .map(|device| device.data(interface, path).len())
            .sum::<usize>()
    };
    println!("{} devices sent", devices.len());
    println!(
        "{:>6} uptimes",
        count("org.example.thermostat.Readings", "/device/uptimeSeconds")
    );
    println!(
        "{:>6} corrected temperatures",
        count("org.example.thermostat.Readings", "/kitchen/temperature")
    );
    println!(
        "{:>6} positions",
        count("org.example.vehicle.Position", "/v-17")
    );
    let offline = |device: &&astarte_sandbox::Device| {
        device.property("org.example.thermostat.Status", "/hall/online")
            == Some(Value::Boolean(false))
    };
    println!(
        "{:>6} have their hall off",
        devices.iter().filter(offline).count()
    );
}
