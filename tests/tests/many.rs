//! Many devices in one process, as in a gateway or in a simulation of a fleet.

use std::collections::BTreeSet;

use astarte_runtime::{
    Config, DatastreamReceiver, DatastreamSender, Device, Timestamp, Tls, astarte_interface,
};
use astarte_sandbox::Value;
use astarte_tests::{Site, TestResult, soon};
use tokio::task::JoinSet;

/// What the thermostat measures.
#[astarte_interface("../interfaces/org.example.thermostat.Readings.json")]
struct Readings;

/// What the thermostat is told to do once.
#[astarte_interface("../interfaces/org.example.thermostat.Commands.json")]
struct Commands;

const READINGS: &str = "org.example.thermostat.Readings";
const COMMANDS: &str = "org.example.thermostat.Commands";
const DEVICES: usize = 200;

/// A device and its other side.
struct Pair {
    device: Device,
    readings: DatastreamSender<Readings>,
    commands: DatastreamReceiver<Commands>,
    seen: astarte_sandbox::Device,
}

async fn connect(config: Config, seen: astarte_sandbox::Device) -> Result<Pair, String> {
    let mut builder = Device::builder(config);
    let readings = builder.interface::<Readings>();
    let commands = builder.interface::<Commands>();
    let device = soon(builder.connect())
        .await
        .map_err(|error| error.to_string())?;
    Ok(Pair {
        device,
        readings,
        commands,
        seen,
    })
}

/// One runtime of one thread drives them all, and what they trust is read once.
#[tokio::test]
async fn two_hundred_devices_live_in_one_process() -> TestResult {
    let site = Site::start().await?;
    let tls = Tls::new().add_root_certificates_pem(site.sandbox.ca_pem().as_bytes())?;
    let mut connecting = JoinSet::new();
    for _ in 0..DEVICES {
        let seen = site.sandbox.register_device()?;
        let realm = site.sandbox.realm().parse()?;
        let secret = seen.credentials_secret().ok_or("it is registered")?;
        let config = Config::new(realm, seen.id().to_string().parse()?)
            .pairing(site.sandbox.pairing_url(), secret)
            .tls(tls.clone());
        connecting.spawn(connect(config, seen));
    }
    let mut pairs = Vec::new();
    while let Some(connected) = soon(connecting.join_next()).await {
        pairs.push(connected??);
    }
    assert_eq!(pairs.len(), DEVICES);

    // All of them send and receive at once, and what is one's is no other's.
    let mut talking = JoinSet::new();
    for (number, mut pair) in pairs.into_iter().enumerate() {
        talking.spawn(async move {
            let here = readings::Temperature { room: "kitchen" };
            let value = number as f64;
            let delivery = soon(pair.readings.send_at(here, value, Timestamp::now())).await;
            soon(delivery.map_err(|error| error.to_string())?)
                .await
                .map_err(|error| error.to_string())?;
            pair.seen
                .publish(COMMANDS, "/kitchen/calibrate", Value::Double(value))
                .map_err(|error| error.to_string())?;
            match soon(pair.commands.recv()).await {
                Ok(commands::Event::Calibrate { value: got, .. }) if got == value => Ok(pair),
                other => Err(format!("{number}: {other:?}")),
            }
        });
    }
    let mut values = BTreeSet::new();
    let mut leaving = JoinSet::new();
    while let Some(pair) = soon(talking.join_next()).await {
        let pair = pair??;
        assert!(pair.device.is_connected());
        // The broker has acknowledged it, and data is checked behind the broker.
        soon(pair.seen.all_processed()).await;
        let received = pair.seen.data(READINGS, "/kitchen/temperature");
        assert_eq!(received.len(), 1);
        if let Some(Value::Double(value)) = received[0].value() {
            values.insert(*value as usize);
        }
        leaving.spawn(pair.device.disconnect());
    }
    assert!(values.into_iter().eq(0..DEVICES));
    while let Some(left) = soon(leaving.join_next()).await {
        left?;
    }
    Ok(())
}
