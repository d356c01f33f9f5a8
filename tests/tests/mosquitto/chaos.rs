//! A bad network in front of mosquitto: what is promised of each reliability holds all the same.

use astarte_runtime::{DeliveryError, Device, Receipt, SendError, Timestamp};
use astarte_tests::{TestResult, soon};

use crate::broker::Persistence;
use crate::{
    DEVICE_DATASTREAM, DeviceDatastream, DeviceProperties, Ground, READINGS, Readings,
    SERVER_DATASTREAM, ServerDatastream, array, device_datastream, device_properties, readings,
    server_datastream,
};

const SEEDS: std::ops::RangeInclusive<u64> = 1..=3;

#[tokio::test]
async fn guaranteed_arrives_at_least_once_and_in_order() -> TestResult {
    const MESSAGES: i32 = 1000;
    for seed in SEEDS {
        let Some(mut ground) = Ground::start(Persistence::Nothing).await? else {
            return Ok(());
        };
        ground.proxy = ground.broker.proxy(seed).await?;
        let mut builder = Device::builder(ground.config()?.window(20).retained(10_000));
        let readings = builder.interface::<Readings>();
        let device = soon(builder.connect()).await?;
        let (topic, last) = (
            ground.topic(&format!("{READINGS}/kitchen/temperature")),
            f64::from(MESSAGES - 1).to_le_bytes(),
        );
        let observing = tokio::spawn(async move {
            let last = |payload: &[u8]| payload[payload.len() - 9..payload.len() - 1] == last;
            let all = ground
                .observer
                .messages_until(|message| message.topic == topic && last(&message.payload))
                .await
                .map_err(|error| error.to_string())?;
            let readings = all.into_iter().filter(|message| message.topic == topic);
            let values = readings.map(|message| trailing_double(&message.payload));
            Ok::<_, String>((values.collect::<Vec<_>>(), ground))
        });
        for value in 0..MESSAGES {
            let endpoint = readings::Temperature { room: "kitchen" };
            soon(readings.send_at(endpoint, value.into(), Timestamp::now())).await?;
            // Slow enough to meet the cuts, and quick enough to fill the window.
            if value % 50 == 0 {
                tokio::task::yield_now().await;
            }
        }
        let (values, ground) = soon(observing).await??;
        let mut newest = -1.0;
        let mut first_of_each = Vec::new();
        for value in values {
            if value > newest {
                newest = value;
                first_of_each.push(value);
            }
        }
        assert!(
            ground.proxy.cuts() > 3,
            "seed {seed}: {} cuts",
            ground.proxy.cuts()
        );
        let expected: Vec<_> = (0..MESSAGES).map(f64::from).collect();
        assert!(
            first_of_each == expected,
            "seed {seed}: {}",
            first_of_each.len()
        );
        drop(device);
    }
    Ok(())
}

#[tokio::test]
async fn unique_goes_up_exactly_once() -> TestResult {
    const MESSAGES: i32 = 1000;
    const END: i32 = -1;
    for seed in SEEDS {
        let Some(mut ground) = Ground::start(Persistence::Nothing).await? else {
            return Ok(());
        };
        ground.proxy = ground.broker.proxy(seed).await?;
        // A short queue: what waits in it is given up at each cut.
        let mut builder = Device::builder(ground.config()?.window(20).queue(20));
        let sender = builder.interface::<DeviceDatastream>();
        let device = soon(builder.connect()).await?;
        let topic = ground.topic(&format!("{DEVICE_DATASTREAM}/integerarray/value"));
        let observing = tokio::spawn(async move {
            let all = ground
                .observer
                .messages_until(|message| {
                    message.topic == topic && only_item(&message.payload) == END
                })
                .await
                .map_err(|error| error.to_string())?;
            let ours = all.into_iter().filter(|message| message.topic == topic);
            let values = ours.map(|message| only_item(&message.payload));
            Ok::<_, String>((values.collect::<Vec<_>>(), ground))
        });
        let mut deliveries = Vec::new();
        for value in (0..MESSAGES).chain([END]) {
            // Discarded while offline: what was refused is not expected, but the end must arrive.
            loop {
                match soon(sender.send(device_datastream::IntegerarrayValue, &[value])).await {
                    Ok(delivery) if value == END => {
                        if soon(delivery).await.is_ok() {
                            break;
                        }
                    }
                    Ok(delivery) => {
                        deliveries.push((value, delivery));
                        break;
                    }
                    Err(SendError::Offline { .. }) => tokio::task::yield_now().await,
                    Err(error) => return Err(error.into()),
                }
            }
        }
        let mut expected = Vec::new();
        for (value, delivery) in deliveries {
            match soon(delivery).await {
                Ok(Receipt::Acknowledged) => expected.push(value),
                Ok(other) => panic!("{other:?}: the broker kept the session"),
                // Never written.
                Err(error) => assert_eq!(error, DeliveryError::Offline),
            }
        }
        expected.push(END);
        let (values, ground) = soon(observing).await??;
        assert!(
            ground.proxy.cuts() > 3,
            "seed {seed}: {} cuts",
            ground.proxy.cuts()
        );
        assert!(expected.len() > 100, "seed {seed}: {}", expected.len());
        assert!(
            values == expected,
            "seed {seed}: exactly once, in order: {} of {}",
            values.len(),
            expected.len()
        );
        drop(device);
    }
    Ok(())
}

#[tokio::test]
async fn unique_comes_down_exactly_once() -> TestResult {
    const MESSAGES: i32 = 600;
    for seed in SEEDS {
        let Some(mut ground) = Ground::start(Persistence::Nothing).await? else {
            return Ok(());
        };
        ground.proxy = ground.broker.proxy(seed).await?;
        let mut builder = Device::builder(ground.config()?);
        let mut receiver = builder.interface::<ServerDatastream>();
        let device = soon(builder.connect()).await?;
        let topic = ground.topic(&format!("{SERVER_DATASTREAM}/integerarray/value"));
        let mut publisher = ground.broker.observer("publisher").await?;
        let publishing = tokio::spawn(async move {
            for value in 0..MESSAGES {
                publisher
                    .publish(&topic, 2, array(value))
                    .await
                    .map_err(|error| error.to_string())?;
            }
            Ok::<_, String>(())
        });
        let mut values = Vec::new();
        while values.len() < usize::try_from(MESSAGES)? {
            if let Ok(server_datastream::Event::IntegerarrayValue { value, .. }) =
                soon(receiver.recv()).await
            {
                values.extend(value);
            }
        }
        soon(publishing).await??;
        assert!(
            ground.proxy.cuts() > 3,
            "seed {seed}: {} cuts",
            ground.proxy.cuts()
        );
        assert!(
            values == (0..MESSAGES).collect::<Vec<_>>(),
            "seed {seed}: exactly once, in order"
        );
        drop(device);
    }
    Ok(())
}

#[tokio::test]
async fn properties_end_with_their_last_value() -> TestResult {
    const ROUNDS: i32 = 600;
    let Some(mut ground) = Ground::start(Persistence::Nothing).await? else {
        return Ok(());
    };
    ground.proxy = ground.broker.proxy(7).await?;
    let mut builder = Device::builder(ground.config()?);
    let properties = builder.interface::<DeviceProperties>();
    let _device = soon(builder.connect()).await?;
    let observing = tokio::spawn(async move {
        let suffix = "/1/integerarray";
        let all = ground
            .observer
            .messages_until(|message| {
                message.topic.ends_with(suffix) && only_item(&message.payload) == ROUNDS
            })
            .await
            .map_err(|error| error.to_string())?;
        let ours = all
            .into_iter()
            .filter(|message| message.topic.ends_with(suffix));
        let values = ours.map(|message| only_item(&message.payload));
        Ok::<_, String>((values.collect::<Vec<_>>(), ground))
    });
    for value in 1..=ROUNDS {
        let endpoint = device_properties::Integerarray { id: 1 };
        let delivery = soon(properties.set(endpoint, &[value])).await?;
        // Some go out one by one, some meet in the store.
        if value % 3 == 0 {
            soon(delivery).await?;
        }
    }
    let (values, ground) = soon(observing).await??;
    assert!(ground.proxy.cuts() > 3, "{} cuts", ground.proxy.cuts());
    let rising = values.is_sorted();
    assert!(rising, "an older value never comes after a newer one");
    Ok(())
}

/// The item of an array of one.
fn only_item(payload: &[u8]) -> i32 {
    match *payload {
        [.., a, b, c, d, 0, 0] => i32::from_le_bytes([a, b, c, d]),
        _ => panic!("{payload:?}"),
    }
}

/// The double that stands last in a document.
fn trailing_double(payload: &[u8]) -> f64 {
    match *payload {
        [.., a, b, c, d, e, f, g, h, 0] => f64::from_le_bytes([a, b, c, d, e, f, g, h]),
        _ => panic!("{payload:?}"),
    }
}
