//! The connection: how it comes to be, breaks, and comes back.

use std::time::Duration;

use astarte_runtime::{
    Config, ConnectError, DeliveryError, Device, Receipt, SendError, Status, Timestamp,
    astarte_interface,
};
use astarte_sandbox::Value;
use astarte_tests::{Site, TestResult, connected, disconnected, refused, soon, status};

/// What the thermostat measures.
#[astarte_interface("../interfaces/org.example.thermostat.Readings.json")]
struct Readings;

/// What the thermostat is told to do once.
#[astarte_interface("../interfaces/org.example.thermostat.Commands.json")]
struct Commands;

/// What the thermostat knows of its sensors.
#[astarte_interface("../interfaces/org.example.thermostat.Status.json")]
struct DeviceStatus;

const READINGS: &str = "org.example.thermostat.Readings";
const COMMANDS: &str = "org.example.thermostat.Commands";

fn kitchen() -> readings::Temperature<&'static str> {
    readings::Temperature { room: "kitchen" }
}

#[tokio::test]
async fn a_dropped_connection_comes_back_with_its_session() -> TestResult {
    let site = Site::start().await?;
    let mut builder = Device::builder(site.config());
    let readings = builder.interface::<Readings>();
    let mut commands = builder.interface::<Commands>();
    let mut events = builder.status();
    let device = soon(builder.connect()).await?;
    connected(&mut events).await;

    for round in 0..5 {
        site.device.drop_connection();
        // Kept by the broker while the device is away.
        site.device.publish(
            COMMANDS,
            "/kitchen/calibrate",
            Value::Double(f64::from(round)),
        )?;
        status(&mut events, disconnected).await;
        connected(&mut events).await;
        match soon(commands.recv()).await? {
            commands::Event::Calibrate { value, .. } => assert_eq!(value, f64::from(round)),
            other => panic!("{other:?}"),
        }
        let delivery =
            soon(readings.send_at(kitchen(), f64::from(round), Timestamp::now())).await?;
        assert_eq!(soon(delivery).await?, Receipt::Acknowledged);
        let received = site
            .device
            .received(READINGS, "/kitchen/temperature")
            .await?;
        assert_eq!(received.value(), Some(&Value::Double(f64::from(round))));
    }
    let fresh_sessions = site
        .sandbox
        .history()
        .into_iter()
        .filter(|event| matches!(event.kind, astarte_sandbox::EventKind::EmptyCache))
        .count();
    assert_eq!(
        fresh_sessions, 1,
        "a session that is kept needs no handshake"
    );
    device.disconnect().await;
    Ok(())
}

#[tokio::test]
async fn volatile_data_waits_and_discarded_data_is_refused() -> TestResult {
    let site = Site::start().await?;
    let mut builder = Device::builder(site.config().retained(2));
    let readings = builder.interface::<Readings>();
    let mut events = builder.status();

    // Not connected yet.
    let now = Timestamp::now();
    let dropped = soon(readings.send_at(kitchen(), 0.0, now)).await?;
    let first = soon(readings.send_at(kitchen(), 1.0, now)).await?;
    let second = soon(readings.send_at(kitchen(), 2.0, now)).await?;
    assert_eq!(soon(dropped).await, Err(DeliveryError::Overflow));
    let error = soon(readings.send(readings::Humidity { room: "kitchen" }, 40.0))
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "the device is offline, and the retention of `{READINGS}/kitchen/humidity` is `discard`"
        )
    );

    let device = soon(builder.connect()).await?;
    connected(&mut events).await;
    for delivery in [first, second] {
        assert_eq!(soon(delivery).await?, Receipt::Acknowledged);
    }
    for expected in [1.0, 2.0] {
        let received = site
            .device
            .received(READINGS, "/kitchen/temperature")
            .await?;
        assert_eq!(received.value(), Some(&Value::Double(expected)));
        assert_eq!(received.timestamp(), now.as_millis());
    }
    device.disconnect().await;
    let error = soon(readings.send_at(kitchen(), 3.0, now))
        .await
        .unwrap_err();
    assert!(matches!(error, SendError::Closed(None)), "{error}");
    Ok(())
}

#[tokio::test]
async fn a_kicked_device_goes_through_the_handshake_and_says_what_it_sent_last() -> TestResult {
    let site = Site::start().await?;
    let mut builder = Device::builder(site.config());
    let readings = builder.interface::<Readings>();
    let mut events = builder.status();
    let device = soon(builder.connect()).await?;
    connected(&mut events).await;
    soon(soon(readings.send_at(kitchen(), 20.0, Timestamp::now())).await?).await?;

    site.device.kick();
    let disconnected = status(&mut events, disconnected).await;
    assert_eq!(
        disconnected.last_published,
        [format!("{READINGS}/kitchen/temperature")]
    );
    assert!(
        disconnected
            .to_string()
            .contains("may not be installed in the realm"),
        "{disconnected}"
    );
    connected(&mut events).await;
    site.device.ready().await?;
    assert!(device.is_connected());
    Ok(())
}

#[tokio::test]
async fn many_messages_leave_in_order_and_arrive_once() -> TestResult {
    const MESSAGES: i64 = 3000;
    let site = Site::start().await?;
    let mut builder = Device::builder(site.config().queue(10).window(7));
    let readings = builder.interface::<Readings>();
    let device = soon(builder.connect()).await?;
    for uptime in 0..MESSAGES {
        soon(readings.send(readings::DeviceUptimeSeconds, uptime)).await?;
        if uptime % 10 == 0 {
            soon(readings.send_at(kitchen(), uptime as f64, Timestamp::now())).await?;
        }
    }
    device.disconnect().await;
    // The last of them have no acknowledgement: the broker has them all once it has seen the end.
    site.device.disconnected().await?;
    site.device.all_processed().await;
    let values = |path: &str| -> Vec<Value> {
        site.device
            .data(READINGS, path)
            .iter()
            .filter_map(|received| received.value().cloned())
            .collect()
    };
    let expected: Vec<_> = (0..MESSAGES).map(Value::LongInteger).collect();
    let received = values("/device/uptimeSeconds");
    assert!(
        received == expected,
        "{} of {MESSAGES}, the last {:?}",
        received.len(),
        received.last()
    );
    let expected: Vec<_> = (0..MESSAGES)
        .step_by(10)
        .map(|uptime| Value::Double(uptime as f64))
        .collect();
    let received = values("/kitchen/temperature");
    assert!(
        received == expected,
        "{} of {}, the last {:?}",
        received.len(),
        expected.len(),
        received.last()
    );
    Ok(())
}

#[tokio::test]
async fn a_device_that_is_dropped_or_disconnected_leaves_the_broker() -> TestResult {
    let site = Site::start().await?;
    let mut builder = Device::builder(site.config());
    let _readings = builder.interface::<Readings>();
    let device = soon(builder.connect()).await?;
    assert!(device.is_connected() && site.device.is_connected());
    drop(device);
    site.device.disconnected().await?;

    let mut builder = Device::builder(site.config());
    let readings = builder.interface::<Readings>();
    let device = soon(builder.connect()).await?;
    let last = soon(readings.send_at(kitchen(), 1.0, Timestamp::now())).await?;
    soon(device.disconnect()).await;
    assert_eq!(soon(last).await?, Receipt::Acknowledged);
    Ok(())
}

/// Lesson 21: dropping a device awaited something, or spawned it, and so panicked outside of a runtime: at the end of
/// `main`, in a destructor, in a thread of the application's own.
/// Here the drop only asks the tasks to stop.
#[test]
fn lesson_21_a_device_may_outlive_its_runtime() -> TestResult {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (device, readings) = runtime.block_on(async {
        let site = Site::start().await?;
        let mut builder = Device::builder(site.config());
        let readings = builder.interface::<Readings>();
        Ok::<_, Box<dyn std::error::Error>>((soon(builder.connect()).await?, readings))
    })?;
    drop(runtime);
    drop(device);
    drop(readings);
    Ok(())
}

#[tokio::test]
async fn what_cannot_work_is_an_error_of_connect() -> TestResult {
    let site = Site::start().await?;

    let mut builder = Device::builder(site.config());
    let _twice = (
        builder.interface::<Readings>(),
        builder.interface::<Readings>(),
    );
    let error = refused(builder).await;
    assert_eq!(
        error.to_string(),
        format!(
            "the interfaces {READINGS} 1.0 and {READINGS} 1.0 were both registered: a device has one of each name"
        )
    );

    let error = refused(Device::builder(site.config().window(0))).await;
    assert_eq!(
        error.to_string(),
        "the setting `window` must be between 1 and 10 000"
    );

    let config = Config::new("test".parse()?, "2imLILqtRP2vq0ZVy-TGRQ".parse()?);
    assert_eq!(
        refused(Device::builder(config)).await.to_string(),
        "the setting `pairing` must be given, or else `broker`"
    );
    Ok(())
}

#[tokio::test]
async fn a_device_without_interfaces_connects() -> TestResult {
    let site = Site::start().await?;
    let device = soon(Device::builder(site.config()).connect()).await?;
    assert!(device.is_connected());
    assert!(site.device.introspection().is_empty());
    Ok(())
}

#[tokio::test]
async fn stopping_while_the_server_is_away_is_quick() -> TestResult {
    let site = Site::start().await?;
    let mut builder = Device::builder(
        site.config()
            .backoff(Duration::from_secs(3600), Duration::from_secs(3600)),
    );
    let _readings = builder.interface::<Readings>();
    let mut events = builder.status();
    let device = soon(builder.connect()).await?;
    drop(site);
    status(&mut events, |status| {
        matches!(status, Status::Reconnecting { .. }).then_some(())
    })
    .await;
    soon(device.disconnect()).await;
    Ok(())
}

/// Handles that wait learn of the end, however it comes.
#[tokio::test]
async fn handles_of_a_device_that_never_was_say_so() -> TestResult {
    let site = Site::start().await?;
    let mut builder = Device::builder(site.config());
    let readings = builder.interface::<Readings>();
    let mut commands = builder.interface::<Commands>();
    let waiting = tokio::spawn(async move { commands.recv().await.map(|_| ()) });
    let delivery = soon(readings.send_at(kitchen(), 1.0, Timestamp::now())).await?;
    drop(builder);
    assert_eq!(soon(waiting).await?, Err(astarte_runtime::Closed));
    assert_eq!(soon(delivery).await, Err(DeliveryError::Closed));

    let mut builder = Device::builder(site.config().window(0));
    let readings = builder.interface::<Readings>();
    refused(builder).await;
    let error = soon(readings.send_at(kitchen(), 1.0, Timestamp::now()))
        .await
        .unwrap_err();
    assert!(
        matches!(error, SendError::Closed(Some(ConnectError::Config { .. }))),
        "{error:?}"
    );
    Ok(())
}

/// What is in flight when the link breaks must not keep the stored properties from being sent.
#[tokio::test]
async fn a_full_window_and_an_unsent_property_connect_again() -> TestResult {
    let site = Site::start().await?;
    let mut builder = Device::builder(site.config().window(2));
    let readings = builder.interface::<Readings>();
    let statuses = builder.interface::<DeviceStatus>();
    let mut events = builder.status();
    let device = soon(builder.connect()).await?;
    connected(&mut events).await;
    for round in 0..20 {
        site.device.drop_connection();
        let mut deliveries = Vec::new();
        for value in 0..5 {
            deliveries
                .push(soon(readings.send_at(kitchen(), f64::from(value), Timestamp::now())).await?);
        }
        let online = device_status::Online { room: "kitchen" };
        deliveries.push(soon(statuses.set(online, round % 2 == 0)).await?);
        for delivery in deliveries {
            soon(delivery).await?;
        }
    }
    device.disconnect().await;
    Ok(())
}
