//! Faults of other SDKs that must not come back, one file a topic. The header of each test tells the fault.
//!
//! Those of pairing stand with the other tests of pairing.

mod connecting;
mod interfaces;
mod limits;
mod receiving;
mod repetitions;
mod sending;

use std::future::Future;

use astarte_runtime::{Delivery, DeliveryError, Device, Receipt, StatusStream, astarte_interface};
use astarte_sandbox::{Direction, EventKind, RecordedPacket, Sandbox};
use astarte_tests::{Site, connected, soon};

/// What the thermostat measures.
#[astarte_interface("../interfaces/org.example.thermostat.Readings.json")]
struct Readings;

/// What the thermostat is told to do once; `calibrate` is unique, `restart` guaranteed.
#[astarte_interface("../interfaces/org.example.thermostat.Commands.json")]
struct Commands;

/// How the thermostat is to work.
#[astarte_interface("../interfaces/org.example.thermostat.Settings.json")]
struct Settings;

/// What the thermostat knows of its sensors.
#[astarte_interface("../interfaces/org.example.thermostat.Status.json")]
struct Sensors;

/// A mapping of each type.
#[astarte_interface("../interfaces/org.example.types.DeviceDatastream.json")]
struct DeviceDatastream;

/// A property of each type.
#[astarte_interface("../interfaces/org.example.types.DeviceProperties.json")]
struct DeviceProperties;

/// A mapping of each type.
#[astarte_interface("../interfaces/org.example.types.ServerDatastream.json")]
struct ServerDatastream;

/// Where a vehicle is to go.
#[astarte_interface("../interfaces/org.example.vehicle.Route.json")]
struct Route;

const READINGS: &str = "org.example.thermostat.Readings";
const COMMANDS: &str = "org.example.thermostat.Commands";
const SETTINGS: &str = "org.example.thermostat.Settings";
const TYPES: &str = "org.example.types.DeviceDatastream";
const PROPERTIES: &str = "org.example.types.DeviceProperties";
const SERVER_TYPES: &str = "org.example.types.ServerDatastream";

fn kitchen() -> readings::Temperature<&'static str> {
    readings::Temperature { room: "kitchen" }
}

/// A site whose packets are recorded.
async fn recorded() -> Result<Site, Box<dyn std::error::Error>> {
    Site::with_sandbox(Sandbox::builder().record_packets(100_000)).await
}

/// How many packets of a type went a way.
fn count(site: &Site, direction: Direction, packet_type: &str) -> usize {
    let wanted = |packet: &RecordedPacket| {
        packet.direction == direction && packet.packet_type() == packet_type
    };
    site.device.packets().into_iter().filter(wanted).count()
}

/// How many events of a kind there were.
fn events(site: &Site, wanted: impl Fn(&EventKind) -> bool) -> usize {
    let history = site.sandbox.history();
    history.iter().filter(|event| wanted(&event.kind)).count()
}

/// Lets the device's tasks run until something holds.
async fn until(mut holds: impl FnMut() -> bool) {
    soon(async {
        while !holds() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// Waits for each delivery.
async fn settled(deliveries: Vec<Delivery>) -> Result<Vec<Receipt>, DeliveryError> {
    let mut receipts = Vec::new();
    for delivery in deliveries {
        receipts.push(soon(delivery).await?);
    }
    Ok(receipts)
}

/// Connects a device, and waits until its status stream says so.
async fn connect(
    builder: astarte_runtime::Builder,
) -> Result<(Device, StatusStream), Box<dyn std::error::Error>> {
    let mut events = builder.status();
    let device = soon(builder.connect()).await?;
    connected(&mut events).await;
    Ok((device, events))
}

/// Polls a future once, and drops it where it is not ready.
async fn once<T>(future: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased;
        output = future => Some(output),
        () = std::future::ready(()) => None,
    }
}
