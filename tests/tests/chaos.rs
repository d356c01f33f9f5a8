//! A bad network between device and broker: what is promised of each reliability holds all the same.

use std::time::{Duration, Instant};

use astarte_runtime::{Config, Delivery, Device, Receipt, SendError, Timestamp, astarte_interface};
use astarte_sandbox::Value;
use astarte_tests::{Proxy, Site, TestResult, soon, through};

/// A mapping of each type; `boolean` is unique, `double` unreliable.
#[astarte_interface("../interfaces/org.example.types.DeviceDatastream.json")]
struct DeviceDatastream;

/// A property of each type.
#[astarte_interface("../interfaces/org.example.types.DeviceProperties.json")]
struct DeviceProperties;

/// A mapping of each type; `boolean` is unique, `integer` guaranteed, `double` unreliable.
#[astarte_interface("../interfaces/org.example.types.ServerDatastream.json")]
struct ServerDatastream;

/// What the thermostat is told to do once; `calibrate` is unique.
#[astarte_interface("../interfaces/org.example.thermostat.Commands.json")]
struct Commands;

/// What the thermostat measures; `temperature` is guaranteed and volatile.
#[astarte_interface("../interfaces/org.example.thermostat.Readings.json")]
struct Readings;

/// What a meter counts; `energy` is unique and stored, `power` guaranteed and volatile.
#[astarte_interface("../interfaces/org.example.meter.Usage.json")]
struct Usage;

const USAGE: &str = "org.example.meter.Usage";
const READINGS: &str = "org.example.thermostat.Readings";
const COMMANDS: &str = "org.example.thermostat.Commands";
const TYPES: &str = "org.example.types.DeviceDatastream";
const PROPERTIES: &str = "org.example.types.DeviceProperties";
const FROM_SERVER: &str = "org.example.types.ServerDatastream";

/// Seeds of bad weather, for ten seconds; two minutes where everything is asked for. Each has a sandbox of its own, which
/// keeps the newest messages alone.
fn seeds() -> impl Iterator<Item = u64> {
    let seconds = if std::env::var_os("ASTARTE_FULL").is_some() {
        120
    } else {
        10
    };
    let end = Instant::now() + Duration::from_secs(seconds);
    (1..).take_while(move |seed| *seed == 1 || Instant::now() < end)
}

/// A device that reaches its broker through the proxy.
fn config(site: &Site, proxy: &Proxy) -> Result<Config, Box<dyn std::error::Error>> {
    Ok(through(site, proxy)?.window(20).retained(10_000))
}

/// Waits for all deliveries, whatever the network does.
async fn all_delivered(deliveries: Vec<Delivery>) -> Result<usize, Box<dyn std::error::Error>> {
    let mut repeated = 0;
    for delivery in deliveries {
        match soon(delivery).await? {
            Receipt::Acknowledged => {}
            Receipt::Repeated => repeated += 1,
            other => return Err(format!("{other:?}").into()),
        }
    }
    Ok(repeated)
}

/// All values that the server has of a path, in the order of their arrival.
fn values(site: &Site, interface: &str, path: &str) -> Vec<Value> {
    let received = site.device.data(interface, path);
    received
        .iter()
        .filter_map(|message| message.value().cloned())
        .collect()
}

/// Without what follows on itself: a repetition of the same value.
fn without_repetitions(mut values: Vec<Value>) -> Vec<Value> {
    values.dedup();
    values
}

#[tokio::test]
async fn guaranteed_arrives_at_least_once_and_in_order() -> TestResult {
    const MESSAGES: i32 = 1500;
    for seed in seeds() {
        let site = Site::start().await?;
        let proxy = site.proxy(seed).await?;
        let mut builder = Device::builder(config(&site, &proxy)?);
        let readings = builder.interface::<Readings>();
        let device = soon(builder.connect()).await?;
        let mut deliveries = Vec::new();
        for value in 0..MESSAGES {
            let endpoint = readings::Temperature { room: "room" };
            let delivery = soon(readings.send_at(endpoint, value.into(), Timestamp::now())).await?;
            deliveries.push(delivery);
            // Slow enough to meet the cuts, and quick enough to fill the window.
            if value % 50 == 0 {
                tokio::task::yield_now().await;
            }
        }
        let repeated = all_delivered(deliveries).await?;
        proxy.calm_down();
        device.disconnect().await;
        site.device.disconnected().await?;
        site.device.all_processed().await;
        let first_of_each = first_of_each(values(&site, READINGS, "/room/temperature"));
        assert!(proxy.cuts() > 3, "the network was bad");
        assert_eq!(repeated, 0, "the broker kept the session");
        assert!(
            first_of_each
                == (0..MESSAGES)
                    .map(|value| Value::Double(value.into()))
                    .collect::<Vec<_>>(),
            "seed {seed}: {} different values of {MESSAGES}",
            first_of_each.len()
        );
    }
    Ok(())
}

/// The first appearance of each value. Repetitions of QoS 1 come in a row of all that was in flight.
fn first_of_each(values: Vec<Value>) -> Vec<Value> {
    let mut seen = Vec::<Value>::new();
    for value in values {
        let newest = match (seen.last(), &value) {
            (Some(Value::Double(newest)), Value::Double(value)) => value > newest,
            _ => true,
        };
        if newest {
            seen.push(value);
        }
    }
    seen
}

#[tokio::test]
async fn unique_arrives_exactly_once_both_ways() -> TestResult {
    const MESSAGES: i32 = 600;
    for seed in seeds() {
        let site = Site::start().await?;
        let proxy = site.proxy(seed).await?;
        let mut builder = Device::builder(config(&site, &proxy)?);
        let sender = builder.interface::<DeviceDatastream>();
        let mut commands = builder.interface::<Commands>();
        let device = soon(builder.connect()).await?;
        let cloud = site.device.clone();
        let publishing = tokio::spawn(async move {
            for value in 0..MESSAGES {
                cloud
                    .publish(COMMANDS, "/room/calibrate", Value::Double(value.into()))
                    .map_err(|error| error.to_string())?;
                if value % 10 == 0 {
                    cloud.all_processed().await;
                }
            }
            Ok::<_, String>(())
        });
        let receiving = tokio::spawn(async move {
            let mut values = Vec::new();
            while values.len() < usize::try_from(MESSAGES).unwrap_or_default() {
                if let Ok(commands::Event::Calibrate { value, .. }) = soon(commands.recv()).await {
                    values.push(value);
                }
            }
            values
        });
        let mut deliveries = Vec::new();
        let mut sent = Vec::new();
        for index in 0..MESSAGES {
            let value = index % 3 == 0;
            // Discarded while offline: what was refused is not expected.
            match soon(sender.send(device_datastream::BooleanValue, value)).await {
                Ok(delivery) => deliveries.push((value, delivery)),
                Err(SendError::Offline { .. }) => tokio::task::yield_now().await,
                Err(error) => return Err(error.into()),
            }
        }
        for (value, delivery) in deliveries {
            match soon(delivery).await {
                Ok(Receipt::Acknowledged) => sent.push(Value::Boolean(value)),
                Ok(other) => panic!("{other:?}: the broker kept the session"),
                // Never written.
                Err(error) => assert_eq!(error, astarte_runtime::DeliveryError::Offline),
            }
        }
        soon(publishing).await??;
        let commands = soon(receiving).await?;
        proxy.calm_down();
        device.disconnect().await;
        site.device.disconnected().await?;
        site.device.all_processed().await;

        assert!(
            commands == (0..MESSAGES).map(f64::from).collect::<Vec<_>>(),
            "seed {seed}: exactly once, in order"
        );
        let received = values(&site, TYPES, "/boolean/value");
        assert!(
            received == sent,
            "seed {seed}: {} received, {} sent",
            received.len(),
            sent.len()
        );
    }
    Ok(())
}

/// The broker forgets the session again and again: what was accepted and is retained arrives all the same, and what may
/// have come twice says so.
#[tokio::test]
async fn a_session_that_is_lost_loses_nothing_that_is_retained() -> TestResult {
    const MESSAGES: i64 = 600;
    let mut all_repeated = 0;
    for seed in seeds() {
        let site = Site::start().await?;
        let proxy = site.proxy(seed).await?;
        let mut builder = Device::builder(config(&site, &proxy)?);
        let usage = builder.interface::<Usage>();
        let device = soon(builder.connect()).await?;
        let meter = "meter";
        let mut deliveries = Vec::new();
        for value in 0..MESSAGES {
            deliveries.push(soon(usage.send(usage::Energy { meter }, value)).await?);
            deliveries.push(soon(usage.send(usage::Power { meter }, value as f64)).await?);
            if value % 100 == 50 {
                site.device.kick();
            }
        }
        let repeated = all_delivered(deliveries).await?;
        proxy.calm_down();
        device.disconnect().await;
        site.device.disconnected().await?;
        site.device.all_processed().await;

        all_repeated += repeated;
        let mut doubled = 0;
        for (mapping, once) in [("energy", true), ("power", false)] {
            let data = site.device.data(USAGE, &format!("/{meter}/{mapping}"));
            let mut values: Vec<_> = data
                .iter()
                .map(|message| match message.value() {
                    Some(Value::LongInteger(value)) => *value,
                    Some(Value::Double(value)) => *value as i64,
                    other => panic!("{other:?}"),
                })
                .collect();
            let received = values.len();
            values.sort_unstable();
            values.dedup();
            assert_eq!(
                values,
                (0..MESSAGES).collect::<Vec<_>>(),
                "{mapping}, seed {seed}"
            );
            // What QoS 1 repeats over a link that broke is no doubt of the session's.
            doubled += if once { received - values.len() } else { 0 };
        }
        assert!(
            doubled <= repeated,
            "seed {seed}: {doubled} came twice, {repeated} were told"
        );
    }
    assert!(
        all_repeated > 0,
        "sessions were lost with messages under way"
    );
    Ok(())
}

#[tokio::test]
async fn guaranteed_of_the_server_arrives_at_least_once_and_in_order() -> TestResult {
    const MESSAGES: i32 = 600;
    for seed in seeds() {
        let site = Site::start().await?;
        let proxy = site.proxy(seed).await?;
        let mut builder = Device::builder(config(&site, &proxy)?);
        let mut receiver = builder.interface::<ServerDatastream>();
        let device = soon(builder.connect()).await?;
        let cloud = site.device.clone();
        let publishing = tokio::spawn(async move {
            for value in 0..MESSAGES {
                let published = cloud.publish(FROM_SERVER, "/integer/value", Value::Integer(value));
                published.map_err(|error| error.to_string())?;
                if value % 10 == 0 {
                    cloud.all_processed().await;
                }
            }
            Ok::<_, String>(())
        });
        let mut next = 0;
        while next < MESSAGES {
            let server_datastream::Event::IntegerValue { value, .. } =
                soon(receiver.recv()).await?
            else {
                panic!("nothing else was published");
            };
            assert!(value <= next, "seed {seed}: {value} came before {next}");
            next = next.max(value + 1);
        }
        soon(publishing).await??;
        proxy.calm_down();
        device.disconnect().await;
        site.device.disconnected().await?;
    }
    Ok(())
}

#[tokio::test]
async fn unreliable_is_never_doubled_or_out_of_order_both_ways() -> TestResult {
    const MESSAGES: i32 = 600;
    let mut all_arrived = 0;
    for seed in seeds() {
        let site = Site::start().await?;
        let proxy = site.proxy(seed).await?;
        let mut builder = Device::builder(config(&site, &proxy)?);
        let sender = builder.interface::<DeviceDatastream>();
        let mut receiver = builder.interface::<ServerDatastream>();
        let device = soon(builder.connect()).await?;
        let receiving = tokio::spawn(async move {
            let mut values = Vec::new();
            while let Ok(event) = receiver.recv().await {
                if let server_datastream::Event::DoubleValue { value, .. } = event {
                    values.push(value);
                }
            }
            values
        });
        let mut sent = 0;
        for value in 0..MESSAGES {
            let published = Value::Double(value.into());
            site.device
                .publish(FROM_SERVER, "/double/value", published)?;
            match soon(sender.send(device_datastream::DoubleValue, value.into())).await {
                Ok(delivery) => sent += usize::from(soon(delivery).await.is_ok()),
                Err(SendError::Offline { .. }) => {}
                Err(error) => return Err(error.into()),
            }
            if value % 10 == 0 {
                site.device.all_processed().await;
            }
        }
        proxy.calm_down();
        device.disconnect().await;
        site.device.disconnected().await?;
        site.device.all_processed().await;
        let received = soon(receiving).await?;
        assert!(
            received.is_sorted_by(|a, b| a < b),
            "seed {seed}: {received:?}"
        );
        let arrived = values(&site, TYPES, "/double/value");
        let arrived: Vec<_> = arrived
            .iter()
            .filter_map(|value| match value {
                Value::Double(value) => Some(*value),
                _ => None,
            })
            .collect();
        assert!(
            arrived.is_sorted_by(|a, b| a < b),
            "seed {seed}: {arrived:?}"
        );
        assert!(arrived.len() <= sent, "seed {seed}");
        all_arrived += arrived.len();
    }
    // In a single run the link may be down for all of it.
    assert!(all_arrived > 0, "some arrive");
    Ok(())
}

#[tokio::test]
async fn properties_end_with_their_last_value() -> TestResult {
    let site = Site::start().await?;
    let proxy = site.proxy(7).await?;
    let mut builder = Device::builder(config(&site, &proxy)?);
    let properties = builder.interface::<DeviceProperties>();
    let device = soon(builder.connect()).await?;
    for round in 1..=60 {
        for id in 0..5 {
            soon(properties.set(device_properties::Integer { id }, round)).await?;
        }
        // What the broker knew is gone now and then.
        if round % 20 == 0 {
            site.device.kick();
        }
    }
    proxy.calm_down();
    let mut last = Vec::new();
    for id in 0..5 {
        last.push(soon(properties.set(device_properties::Integer { id }, 1000 + id)).await?);
    }
    for delivery in last {
        soon(delivery).await?;
    }
    device.disconnect().await;
    site.device.all_processed().await;
    for id in 0..5 {
        let path = format!("/{id}/integer");
        assert_eq!(
            site.device.property(PROPERTIES, &path),
            Some(Value::Integer(1000 + id))
        );
        let values: Vec<_> = site
            .device
            .data(PROPERTIES, &path)
            .iter()
            .filter_map(|message| message.value().cloned())
            .collect();
        let rising = without_repetitions(values)
            .windows(2)
            .all(|pair| match pair {
                [Value::Integer(earlier), Value::Integer(later)] => earlier < later,
                _ => false,
            });
        assert!(rising, "an older value never comes after a newer one");
    }
    Ok(())
}
