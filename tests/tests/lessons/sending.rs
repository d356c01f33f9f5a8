//! Sending.

use astarte_runtime::{Device, Receipt, SendError, Timestamp};
use astarte_sandbox::Value;
use astarte_tests::{Site, TestResult, connected, soon};

use super::*;

/// Lesson 1: messages with retention were counted down by what came in. After 50 of them with nothing
/// coming in, the sender blocked for ever.
/// Here acknowledgements make room, whatever else comes; offline the oldest make room.
#[tokio::test]
async fn lesson_1_nothing_has_to_come_in_for_messages_to_go_out() -> TestResult {
    const MESSAGES: i32 = 300;
    let site = Site::start().await?;
    let mut builder = Device::builder(site.config().window(5).queue(10));
    let readings = builder.interface::<Readings>();

    let mut deliveries = Vec::new();
    for value in 0..MESSAGES / 2 {
        deliveries.push(soon(readings.send_at(kitchen(), value.into(), Timestamp::now())).await?);
    }
    let (device, _events) = connect(builder).await?;
    for value in MESSAGES / 2..MESSAGES {
        deliveries.push(soon(readings.send_at(kitchen(), value.into(), Timestamp::now())).await?);
    }
    for receipt in settled(deliveries).await? {
        assert_eq!(receipt, Receipt::Acknowledged);
    }
    site.device.all_processed().await;
    let received = site.device.data(READINGS, "/kitchen/temperature");
    let values: Vec<_> = received
        .iter()
        .filter_map(|message| message.value())
        .collect();
    let expected: Vec<_> = (0..MESSAGES)
        .map(|value| Value::Double(value.into()))
        .collect();
    assert!(values.into_iter().eq(&expected));
    assert!(device.is_connected());
    Ok(())
}

/// Lesson 22: a `send` whose future was dropped while it wrote lost the packet, or half of it, and with it
/// what came behind on the connection.
/// Here a send that was accepted arrives as a whole, and one that was not leaves nothing.
#[tokio::test]
async fn lesson_22_a_send_that_is_dropped_sends_all_or_nothing() -> TestResult {
    let site = Site::start().await?;
    let mut builder = Device::builder(site.config().window(3).queue(2));
    let types = builder.interface::<DeviceDatastream>();
    let (device, mut events) = connect(builder).await?;

    let text = |number: usize| format!("{number:05}").repeat(10_000);
    let (mut accepted, mut refused) = (Vec::new(), 0);
    for round in 0..6 {
        let mut deliveries = Vec::new();
        // Writing stops in the middle of a message, and goes on later.
        site.device.stall(true);
        for attempt in 0..20 {
            let number = round * 100 + attempt;
            match once(types.send(device_datastream::StringValue, &text(number))).await {
                Some(sent) => {
                    deliveries.push(sent?);
                    accepted.push(number);
                }
                None => refused += 1,
            }
            if attempt == 15 {
                site.device.stall(false);
            }
            tokio::task::yield_now().await;
        }
        settled(deliveries).await?;
    }
    // A last one, for which there is room in the end.
    soon(soon(types.send(device_datastream::StringValue, &text(99_999))).await?).await?;
    accepted.push(99_999);

    site.device.all_processed().await;
    let received = site.device.data(TYPES, "/string/value");
    let values: Vec<_> = received
        .iter()
        .filter_map(|message| message.value())
        .collect();
    let expected: Vec<_> = accepted
        .iter()
        .map(|&number| Value::String(text(number)))
        .collect();
    assert!(values.into_iter().eq(&expected), "{accepted:?}");
    assert!(
        refused > 10 && accepted.len() > 10,
        "{refused} {}",
        accepted.len()
    );
    assert!(device.is_connected());
    assert_eq!(reconnections(&mut events).await, 0);
    Ok(())
}

/// How often the device connected again, as far as was told.
async fn reconnections(events: &mut astarte_runtime::StatusStream) -> usize {
    let mut count = 0;
    while let Some(Some(status)) = once(events.recv()).await {
        count += usize::from(matches!(status, astarte_runtime::Status::Connecting));
    }
    count
}

/// Lesson 36: an unset went out for a property without `allow_unset`, and the server closed the link.
/// Here such a call does not compile (`tests/ui/sending/unset_without_allow_unset.rs`), because the
/// endpoint says so by a type; and a value that the wire knows for an unset is refused.
#[tokio::test]
async fn lesson_36_what_cannot_be_unset_is_not() -> TestResult {
    use std::any::TypeId;

    use astarte_runtime::{Endpoint, unset};

    fn unset_of<I, E: Endpoint<I>>(_: &E) -> TypeId
    where
        I: astarte_runtime::Interface,
        E::Unset: 'static,
    {
        TypeId::of::<E::Unset>()
    }

    let online = sensors::Online { room: "kitchen" };
    let firmware = sensors::Firmware { room: "kitchen" };
    assert_eq!(
        unset_of::<Sensors, _>(&online),
        TypeId::of::<unset::Denied>()
    );
    assert_eq!(
        unset_of::<Sensors, _>(&firmware),
        TypeId::of::<unset::Allowed>()
    );

    let site = Site::start().await?;
    let mut builder = Device::builder(site.config());
    let properties = builder.interface::<DeviceProperties>();
    let (_device, _events) = connect(builder).await?;
    let empty = soon(properties.set(device_properties::Binaryblob { id: 1 }, b"")).await;
    assert!(matches!(empty, Err(SendError::Value { .. })), "{empty:?}");
    soon(soon(properties.set(device_properties::Binaryblob { id: 1 }, b"x")).await?).await?;
    assert_eq!(site.device.data(PROPERTIES, "/1/binaryblob").len(), 1);
    Ok(())
}

/// Lesson 19, the sending half: a full queue stopped the loop of the connection, and who sent from the task
/// that receives waited for itself.
/// Here a queue that is full holds up its sender alone.
#[tokio::test]
async fn lesson_19_who_receives_may_send() -> TestResult {
    const MESSAGES: i32 = 50;
    let site = Site::start().await?;
    let mut builder = Device::builder(site.config().inbox(1).queue(1).window(1));
    let readings = builder.interface::<Readings>();
    let mut commands = builder.interface::<Commands>();
    let (device, mut events) = connect(builder).await?;

    // Nobody reads, and the window of the broker is not full: sending goes on.
    for value in 0..MESSAGES {
        site.device
            .publish(COMMANDS, "/kitchen/calibrate", Value::Double(value.into()))?;
    }
    soon(soon(readings.send_at(kitchen(), -1.0, Timestamp::now())).await?).await?;

    // Nobody else drives the connection while the answers are awaited.
    for expected in 0..MESSAGES {
        let commands::Event::Calibrate { value, .. } = soon(commands.recv()).await? else {
            panic!("only `calibrate` was published");
        };
        assert_eq!(value, f64::from(expected));
        let delivery = soon(readings.send_at(kitchen(), value, Timestamp::now())).await?;
        assert_eq!(soon(delivery).await?, Receipt::Acknowledged);
    }
    assert!(device.is_connected());

    // So it does over a reconnect.
    site.device.drop_connection();
    connected(&mut events).await;
    site.device
        .publish(COMMANDS, "/device/restart", Value::Boolean(true))?;
    soon(commands.recv()).await?;
    soon(soon(readings.send_at(kitchen(), 99.0, Timestamp::now())).await?).await?;
    Ok(())
}
