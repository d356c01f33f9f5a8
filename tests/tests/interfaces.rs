//! Interfaces that are added and removed while connected, and properties that are asked for.

use std::time::Duration;

use astarte_runtime::{
    AstarteEvents, Closed, DeliveryError, Device, InterfaceError, SendError, Status, Timestamp,
    astarte_interface,
};
use astarte_sandbox::{Direction, EventKind, RecordedPacket, Sandbox, Value};
use astarte_tests::{Site, TestResult, connected, go_offline, soon, status, through};

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
#[astarte_interface("../interfaces/org.example.types.ServerDatastream.json")]
struct ServerDatastream;

/// What a meter counts; `energy` is unique and stored.
#[astarte_interface("../interfaces/org.example.meter.Usage.json")]
struct Usage;

/// What is received by one receiver.
#[derive(AstarteEvents, Debug)]
enum Incoming {
    Commands(commands::Event),
    Types(server_datastream::Event),
}

const READINGS: &str = "org.example.thermostat.Readings";
const COMMANDS: &str = "org.example.thermostat.Commands";
const SETTINGS: &str = "org.example.thermostat.Settings";
const SENSORS: &str = "org.example.thermostat.Status";
const TYPES: &str = "org.example.types.ServerDatastream";

async fn recorded() -> Result<Site, Box<dyn std::error::Error>> {
    Site::with_sandbox(Sandbox::builder().record_packets(100_000)).await
}

/// What went both ways, in short, without acknowledgements of messages.
fn exchanged(site: &Site, from: usize) -> Vec<String> {
    let base = format!("{}/{}", site.sandbox.realm(), site.device.id());
    let name = |packet: &RecordedPacket| match packet.packet_type() {
        "PUBLISH" => Some(match packet.topic()?.strip_prefix(&base)? {
            "" => String::from_utf8_lossy(&packet.payload()?).into_owned(),
            rest => rest.to_owned(),
        }),
        other @ ("SUBSCRIBE" | "SUBACK" | "UNSUBSCRIBE" | "UNSUBACK" | "CONNECT") => {
            Some(other.to_owned())
        }
        _ => None,
    };
    site.device.packets()[from..]
        .iter()
        .filter_map(name)
        .collect()
}

fn emptied(site: &Site) -> usize {
    let history = site.sandbox.history();
    history
        .iter()
        .filter(|event| matches!(event.kind, EventKind::EmptyCache))
        .count()
}

#[tokio::test]
async fn each_step_of_an_addition_waits_for_the_one_before() -> TestResult {
    let site = recorded().await?;
    let mut builder = Device::builder(site.config());
    let _readings = builder.interface::<Readings>();
    let device = soon(builder.connect()).await?;

    let before = site.device.packets().len();
    let mut commands = soon(device.add::<Commands>()).await?;
    let introspection = format!("{COMMANDS}:0:1;{READINGS}:1:0");
    assert_eq!(
        exchanged(&site, before),
        ["SUBSCRIBE", "SUBACK", introspection.as_str()]
    );
    // The server knows by now.
    site.device
        .publish(COMMANDS, "/kitchen/calibrate", Value::Double(1.0))?;
    soon(commands.recv()).await?;

    // The server tells nobody what is set on an interface that was added: it is asked.
    let before = site.device.packets().len();
    let settings = soon(device.add::<Settings>()).await?;
    let introspection = format!("{COMMANDS}:0:1;{READINGS}:1:0;{SETTINGS}:1:0");
    assert_eq!(
        exchanged(&site, before)[..4],
        [
            "SUBSCRIBE",
            "SUBACK",
            introspection.as_str(),
            "/control/emptyCache"
        ]
    );
    drop(settings);

    let before = site.device.packets().len();
    soon(device.remove::<Commands>()).await?;
    let introspection = format!("{READINGS}:1:0;{SETTINGS}:1:0");
    assert_eq!(
        exchanged(&site, before),
        [introspection.as_str(), "UNSUBSCRIBE", "UNSUBACK"]
    );
    assert_eq!(soon(commands.recv()).await.unwrap_err(), Closed);
    Ok(())
}

#[tokio::test]
async fn properties_of_a_new_interface_arrive_and_leave() -> TestResult {
    use settings::{Event, SamplingPeriod};

    let site = recorded().await?;
    let period = SamplingPeriod { room: "kitchen" };
    let device = soon(Device::builder(site.config()).connect()).await?;
    let mut settings = soon(device.add::<Settings>()).await?;
    let sensors = soon(device.add::<Sensors>()).await?;
    site.device
        .set_property(SETTINGS, "/kitchen/samplingPeriod", Value::Integer(5))?;
    soon(settings.recv()).await?;
    let firmware = sensors::Firmware { room: "kitchen" };
    soon(soon(sensors.set(&firmware, "1.0")).await?).await?;

    // Removed and added again: the server has kept its own, and the device's are gone with the interface.
    soon(device.remove::<Settings>()).await?;
    soon(device.remove::<Sensors>()).await?;
    let mut settings = soon(device.add::<Settings>()).await?;
    match soon(settings.recv()).await? {
        Event::SamplingPeriod { value, .. } => assert_eq!(value, 5),
        other => panic!("{other:?}"),
    }
    assert_eq!(settings.get(&period)?, Some(5));
    let sensors = soon(device.add::<Sensors>()).await?;
    assert_eq!(sensors.get(&firmware)?, None);
    site.device.all_processed().await;
    assert!(site.device.properties(SENSORS).is_empty());
    Ok(())
}

#[tokio::test]
async fn what_crosses_a_removal_is_no_fault() -> TestResult {
    let site = recorded().await?;
    let mut builder = Device::builder(site.config());
    let readings = builder.interface::<Readings>();
    let commands = builder.interface::<Commands>();
    let mut events = builder.status();
    let device = soon(builder.connect()).await?;
    connected(&mut events).await;

    // A message of the interface is on its way, and so are commands that nobody has read.
    site.device.lose_acknowledgements(true);
    let in_flight = soon(readings.send_at(
        readings::Temperature { room: "kitchen" },
        1.0,
        Timestamp::now(),
    ))
    .await?;
    for value in 0..10 {
        site.device
            .publish(COMMANDS, "/kitchen/calibrate", Value::Double(value.into()))?;
    }
    let removing = tokio::spawn({
        let device = std::sync::Arc::new(device);
        async move {
            let removed = (
                device.remove::<Readings>().await,
                device.remove::<Commands>().await,
            );
            (device, removed)
        }
    });
    soon(async {
        while site
            .device
            .data(READINGS, "/kitchen/temperature")
            .is_empty()
        {
            tokio::task::yield_now().await;
        }
    })
    .await;
    // The introspection waits for what is on its way: a server that gets it again afterwards closes the link.
    assert_eq!(site.device.introspection().len(), 2);
    site.device.heal();
    site.device.drop_connection();
    let (device, removed) = soon(removing).await?;
    removed.0?;
    removed.1?;
    connected(&mut events).await;
    soon(in_flight).await?;
    soon(async {
        while !site.device.introspection().is_empty() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    site.device.all_processed().await;
    drop(commands);
    let errors = site.sandbox.history();
    assert!(
        !errors
            .iter()
            .any(|event| matches!(event.kind, EventKind::Error(_)))
    );
    assert!(device.is_connected());
    Ok(())
}

/// Messages of the retention `stored` as well, those in memory and those in the store alone.
#[tokio::test]
async fn what_is_stored_of_a_removed_interface_is_never_sent() -> TestResult {
    let site = recorded().await?;
    let mut builder = Device::builder(site.config().queue(100));
    let usage = builder.interface::<Usage>();
    let readings = builder.interface::<Readings>();
    let mut events = builder.status();
    let device = soon(builder.connect()).await?;
    go_offline(&site.device, &mut events).await;
    let mut deliveries = Vec::new();
    for value in 0..300 {
        let energy = usage::Energy { meter: "m" };
        deliveries.push(soon(usage.send(energy, value)).await?);
    }
    let late = usage.send(usage::Energy { meter: "m" }, 300);
    assert_eq!(device.metrics().stored, 300);
    soon(device.remove::<Usage>()).await?;
    let late = soon(late).await;
    assert!(matches!(late, Err(SendError::Removed { .. })), "{late:?}");

    site.device.heal();
    connected(&mut events).await;
    let here = readings::Temperature { room: "kitchen" };
    soon(soon(readings.send_at(here, 1.0, Timestamp::now())).await?).await?;
    for (value, delivery) in deliveries.into_iter().enumerate() {
        let outcome = soon(delivery).await;
        let given_up = [DeliveryError::Removed, DeliveryError::SetAside];
        assert!(
            outcome
                .as_ref()
                .is_err_and(|error| given_up.contains(error)),
            "{value}: {outcome:?}"
        );
    }
    soon(async {
        while device.metrics().stored > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let dropped = device.metrics().dropped;
    assert_eq!(dropped.removed + dropped.set_aside, 300);

    // It comes back with nothing.
    let usage = soon(device.add::<Usage>()).await?;
    soon(soon(usage.send(usage::Energy { meter: "m" }, 7)).await?).await?;
    site.device.all_processed().await;
    let arrived = site.device.data("org.example.meter.Usage", "/m/energy");
    assert_eq!(arrived.len(), 1);
    assert_eq!(arrived[0].value(), Some(&Value::LongInteger(7)));
    Ok(())
}

#[tokio::test]
async fn a_receiver_of_several_interfaces_lives_on_without_one() -> TestResult {
    let site = recorded().await?;
    let mut builder = Device::builder(site.config());
    let mut incoming = builder.events::<Incoming>();
    let device = soon(builder.connect()).await?;
    soon(device.remove::<Commands>()).await?;
    site.device
        .publish(TYPES, "/integer/value", Value::Integer(7))?;
    match soon(incoming.recv()).await? {
        Incoming::Types(server_datastream::Event::IntegerValue { value, .. }) => {
            assert_eq!(value, 7);
        }
        Incoming::Types(other) => panic!("{other:?}"),
        Incoming::Commands(other) => panic!("{other:?}"),
    }
    soon(device.remove::<ServerDatastream>()).await?;
    assert_eq!(soon(incoming.recv()).await.unwrap_err(), Closed);
    Ok(())
}

#[tokio::test]
async fn an_interface_is_added_again_and_its_receiver_changes_hands() -> TestResult {
    let site = recorded().await?;
    let mut builder = Device::builder(site.config());
    let mut first = builder.interface::<Commands>();
    let device = soon(builder.connect()).await?;
    let before = site.device.packets().len();
    let mut second = soon(device.add::<Commands>()).await?;
    assert!(exchanged(&site, before).is_empty(), "the server knows it");
    assert_eq!(soon(first.recv()).await.unwrap_err(), Closed);
    site.device
        .publish(COMMANDS, "/kitchen/calibrate", Value::Double(1.0))?;
    soon(second.recv()).await?;

    // Given up half way, it is there, and nothing waits for a receiver that nobody has.
    drop(second);
    soon(device.remove::<Commands>()).await?;
    {
        let mut adding = Box::pin(device.add::<Commands>());
        tokio::select! {
            biased;
            _ = &mut adding => panic!("the server was not told yet"),
            () = std::future::ready(()) => {}
        }
    }
    let mut third = soon(device.add::<Commands>()).await?;
    site.device
        .publish(COMMANDS, "/kitchen/calibrate", Value::Double(2.0))?;
    match soon(third.recv()).await? {
        commands::Event::Calibrate { value, .. } => assert_eq!(value, 2.0),
        other => panic!("{other:?}"),
    }
    device.disconnect().await;
    Ok(())
}

/// They are awaited in tasks as well.
fn is_send<T: Send>(future: T) -> T {
    future
}

#[tokio::test]
async fn many_change_at_once() -> TestResult {
    let site = recorded().await?;
    let mut builder = Device::builder(site.config());
    let readings = builder.interface::<Readings>();
    let mut events = builder.status();
    let device = soon(builder.connect()).await?;
    connected(&mut events).await;
    for round in 0..10 {
        if round % 3 == 2 {
            site.device.drop_connection();
        }
        let (commands, settings, sensors, types) = soon(async {
            tokio::join!(
                device.add::<Commands>(),
                device.add::<Settings>(),
                device.add::<Sensors>(),
                is_send(device.add::<ServerDatastream>()),
            )
        })
        .await;
        let _handles = (commands?, settings?, sensors?, types?);
        let removing =
            async { tokio::try_join!(device.remove::<Settings>(), device.remove::<Commands>()) };
        soon(removing).await?;
        let reading = readings::Temperature { room: "kitchen" };
        soon(soon(readings.send_at(reading, round.into(), Timestamp::now())).await?).await?;
    }
    soon(is_send(device.resync())).await?;
    site.device.all_processed().await;
    let introspection = site.device.introspection();
    let names: Vec<_> = introspection.keys().map(String::as_str).collect();
    assert_eq!(names, [READINGS, SENSORS, TYPES]);
    let errors = site.sandbox.history();
    assert!(
        !errors
            .iter()
            .any(|event| matches!(event.kind, EventKind::Error(_)))
    );
    Ok(())
}

/// Whatever the network does, and wherever it cuts: the server never gets what its introspection does not allow.
#[tokio::test]
async fn interfaces_change_on_a_bad_network() -> TestResult {
    let site = recorded().await?;
    for seed in 1..=3 {
        let proxy = site.proxy(seed).await?;
        let mut builder = Device::builder(through(&site, &proxy)?.window(10));
        let readings = builder.interface::<Readings>();
        let device = soon(builder.connect()).await?;
        let mut deliveries = Vec::new();
        for round in 0..30 {
            let sensors = soon(device.add::<Sensors>()).await?;
            let commands = soon(device.add::<Commands>()).await?;
            for room in 0..5 {
                let online = sensors::Online { room };
                let set = soon(sensors.set(online, (round + room) % 2 == 0)).await?;
                let reading = readings::Temperature { room };
                let value = f64::from(round);
                let sent = soon(readings.send_at(reading, value, Timestamp::now())).await?;
                deliveries.extend([set, sent]);
            }
            if round % 3 > 0 {
                // Paced by the network; the rest is removed while it is on its way.
                let here = readings::Temperature { room: 0 };
                soon(soon(readings.send_at(here, 0.0, Timestamp::now())).await?).await?;
            }
            if round % 2 == 0 {
                soon(device.remove::<Sensors>()).await?;
                soon(device.remove::<Commands>()).await?;
            }
            drop(commands);
        }
        let mut removed = 0;
        for delivery in deliveries {
            match soon(delivery).await {
                Ok(_) => {}
                Err(DeliveryError::Removed) => removed += 1,
                Err(error) => return Err(error.into()),
            }
        }
        proxy.calm_down();
        soon(device.resync()).await?;
        site.device.all_processed().await;
        let introspection = site.device.introspection();
        assert_eq!(introspection.len(), 3, "{introspection:?}");
        let expected: std::collections::BTreeMap<_, _> = (0..5)
            .map(|room| {
                (
                    format!("/{room}/online"),
                    Value::Boolean((29 + room) % 2 == 0),
                )
            })
            .collect();
        assert_eq!(site.device.properties(SENSORS), expected);
        assert!(proxy.cuts() > 3, "the network was bad");
        assert!(removed < 150, "what is sent in time arrives: {removed}");
        soon(device.disconnect()).await;
    }
    let errors: Vec<_> = site
        .sandbox
        .history()
        .into_iter()
        .filter(|event| matches!(event.kind, EventKind::Error(_)))
        .collect();
    assert!(errors.is_empty(), "{errors:?}");
    Ok(())
}

#[tokio::test]
async fn the_server_is_asked_for_its_properties_again() -> TestResult {
    use settings::Event;

    let site = recorded().await?;
    let mut builder = Device::builder(site.config().resync_after(Duration::from_secs(3600)));
    let mut settings = builder.interface::<Settings>();
    let mut events = builder.status();
    let device = soon(builder.connect()).await?;
    connected(&mut events).await;
    site.device.ready().await?;
    let before = emptied(&site);
    soon(device.resync()).await?;
    site.device.all_processed().await;
    assert_eq!(emptied(&site), before + 1);

    // The queue of the broker is full while the device is away: what did not fit comes by asking alone.
    site.device.limit_queue(1);
    site.device.stall(true);
    site.device.drop_connection();
    for room in ["kitchen", "hall", "attic"] {
        site.device.set_property(
            SETTINGS,
            &format!("/{room}/samplingPeriod"),
            Value::Integer(5),
        )?;
    }
    site.device.heal();
    connected(&mut events).await;
    let resyncing = device.resync();
    let mut rooms = std::collections::BTreeSet::new();
    soon(resyncing).await?;
    while rooms.len() < 3 {
        match soon(settings.recv()).await? {
            Event::SamplingPeriod { endpoint, .. } => rooms.insert(endpoint.room),
            other => panic!("{other:?}"),
        };
    }

    // After an absence that is longer than the setting nobody has to ask.
    soon(device.disconnect()).await;
    let mut builder = Device::builder(site.config().resync_after(Duration::ZERO));
    let _settings = builder.interface::<Settings>();
    let mut events = builder.status();
    let device = soon(builder.connect()).await?;
    connected(&mut events).await;
    let before = emptied(&site);
    site.device.drop_connection();
    connected(&mut events).await;
    site.device.all_processed().await;
    assert_eq!(emptied(&site), before + 1);
    soon(device.disconnect()).await;
    Ok(())
}

#[tokio::test]
async fn a_device_that_has_stopped_changes_no_more() -> TestResult {
    let site = recorded().await?;
    let mut builder = Device::builder(site.config());
    let _readings = builder.interface::<Readings>();
    let mut events = builder.status();
    let device = soon(builder.connect()).await?;
    connected(&mut events).await;
    // Unregistered, deleted: the broker refuses it for good.
    site.device.delete();
    status(&mut events, |status| {
        matches!(status, Status::Stopped(Some(_))).then_some(())
    })
    .await;
    let added = soon(device.add::<Commands>()).await;
    assert!(
        matches!(added, Err(InterfaceError::Closed(Some(_)))),
        "{added:?}"
    );
    let removed = soon(device.remove::<Readings>()).await;
    assert!(
        matches!(removed, Err(InterfaceError::Closed(Some(_)))),
        "{removed:?}"
    );
    let asked = soon(device.resync()).await;
    assert!(
        matches!(asked, Err(InterfaceError::Closed(Some(_)))),
        "{asked:?}"
    );
    assert!(!site.device.packets().iter().any(|packet| {
        packet.direction == Direction::FromDevice && packet.packet_type() == "UNSUBSCRIBE"
    }));
    Ok(())
}
