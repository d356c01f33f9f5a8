//! Connecting, disconnecting, and what is told of it.

use std::time::Duration;

use astarte_runtime::{ConnectError, Device, SendError, Status, Timestamp};
use astarte_sandbox::{Direction, Disconnection, Refusal, Value};
use astarte_tests::{Site, TestResult, connected, refused, soon, status};

use super::*;

/// Lesson 7: the path for a session that is present was dead code. Every reconnect subscribed, sent the
/// introspection, emptied the cache and sent all properties again.
/// Here a reconnect to a session that is kept sends nothing of the kind.
#[tokio::test]
async fn lesson_7_a_kept_session_needs_no_handshake() -> TestResult {
    let site = recorded().await?;
    let mut builder = Device::builder(site.config());
    let readings = builder.interface::<Readings>();
    let properties = builder.interface::<DeviceProperties>();
    let _commands = builder.interface::<Commands>();
    let (_device, mut events) = connect(builder).await?;
    soon(soon(properties.set(device_properties::Integer { id: 1 }, 1)).await?).await?;
    soon(soon(readings.send_at(kitchen(), 0.0, Timestamp::now())).await?).await?;

    let before = site.device.packets().len();
    site.device.drop_connection();
    connected(&mut events).await;
    soon(soon(readings.send_at(kitchen(), 1.0, Timestamp::now())).await?).await?;
    site.device.all_processed().await;
    let sent: Vec<_> = site.device.packets()[before..]
        .iter()
        .filter(|packet| packet.direction == Direction::FromDevice)
        .map(|packet| (packet.packet_type(), packet.topic()))
        .collect();
    let base = format!("{}/{}", site.sandbox.realm(), site.device.id());
    let reading = format!("{base}/{READINGS}/kitchen/temperature");
    assert_eq!(sent, [("CONNECT", None), ("PUBLISH", Some(reading))]);
    Ok(())
}

/// Lesson 14: a jitter of 0 was an empty range of random numbers, and a panic at the first reconnect.
/// Here the pause is a random part of a longest one, which may be as short as a clock can tell.
#[tokio::test]
async fn lesson_14_the_shortest_pause_is_one() -> TestResult {
    let site = Site::start().await?;
    let instant = Duration::from_nanos(1);
    let builder = Device::builder(site.config().backoff(instant, instant));
    let (device, mut events) = connect(builder).await?;
    site.device
        .refuse_connections(10, Refusal::ServerUnavailable);
    site.device.drop_connection();
    for _ in 0..10 {
        let after = status(&mut events, |status| match status {
            Status::Reconnecting { after } => Some(after),
            _ => None,
        })
        .await;
        assert!(after <= instant);
    }
    connected(&mut events).await;
    assert!(device.is_connected());

    let none = site.config().backoff(Duration::ZERO, Duration::ZERO);
    let error = refused(Device::builder(none)).await;
    assert!(
        matches!(
            error,
            ConnectError::Config {
                setting: "backoff",
                ..
            }
        ),
        "{error}"
    );
    Ok(())
}

/// Lesson 18: SUBACKs were not awaited, and their codes not read. A subscription that was refused, or was
/// not made yet when its data came, went unnoticed: the device was "connected" and received nothing.
/// Here the handshake goes on with the SUBACK, and a refusal is told by the topic.
#[tokio::test]
async fn lesson_18_a_refused_subscription_is_told() -> TestResult {
    let site = Site::start().await?;
    // The certificate of one device, and the topics of another, which the broker does not let it subscribe to.
    let credentials = site.credentials()?;
    let stranger = site.sandbox.register_device()?;
    let site = Site {
        sandbox: site.sandbox,
        device: stranger,
    };
    let mut builder = Device::builder(site.config().broker(site.sandbox.broker_url(), credentials));
    let _commands = builder.interface::<Commands>();
    let mut events = builder.status();
    let connecting = tokio::spawn(builder.connect());
    let reason = status(&mut events, |status| match status {
        Status::Disconnected(disconnected) => Some(disconnected.reason),
        _ => None,
    })
    .await;
    let topic = format!(
        "{}/{}/control/consumer/properties",
        site.sandbox.realm(),
        site.device.id()
    );
    assert_eq!(
        reason,
        format!("the broker refused the subscription to `{topic}`")
    );
    assert!(!connecting.is_finished(), "the device is not connected");
    connecting.abort();
    Ok(())
}

/// Lesson 18, the other half: what comes after the SUBACK was sent without waiting for it.
/// Where it does not come, the server could publish into nothing.
/// Here nothing follows before it, and the attempt ends after a time.
#[tokio::test]
async fn lesson_18_nothing_goes_out_before_the_suback() -> TestResult {
    let site = recorded().await?;
    let timeout = Duration::from_millis(100);
    let mut builder = Device::builder(site.config().connect_timeout(timeout));
    let readings = builder.interface::<Readings>();
    let _commands = builder.interface::<Commands>();
    soon(readings.send_at(kitchen(), 1.0, Timestamp::now())).await?;
    let mut events = builder.status();
    site.device.lose_acknowledgements(true);
    let connecting = tokio::spawn(builder.connect());
    let reason = status(&mut events, |status| match status {
        Status::Disconnected(disconnected) => Some(disconnected.reason),
        Status::Connected => panic!("nobody has answered"),
        _ => None,
    })
    .await;
    assert_eq!(reason, "the server did not answer within 100ms");
    assert!(count(&site, Direction::FromDevice, "SUBSCRIBE") > 0);
    assert_eq!(count(&site, Direction::FromDevice, "PUBLISH"), 0);
    site.device.heal();
    let device = soon(connecting).await??;
    assert!(device.is_connected());
    Ok(())
}

/// Lesson 24: `disconnect` lost a race against an immediate reconnect, which connected again behind it; in
/// another SDK it did nothing while the device was connecting.
/// Here the device is gone when it returns, whatever it was doing.
#[tokio::test]
async fn lesson_24_disconnect_wins() -> TestResult {
    let hour = Duration::from_secs(3600);
    for (what, fault, reached) in STATES {
        let site = recorded().await?;
        let config = site.config().connect_timeout(hour).keep_alive(hour);
        let mut builder = Device::builder(config);
        let readings = builder.interface::<Readings>();
        let mut commands = builder.interface::<Commands>();
        let (device, mut events) = connect(builder).await?;
        let before = count(&site, Direction::FromDevice, "SUBSCRIBE");
        fault(&site);
        let wanted = |status| match (reached, status) {
            (Reached::Pause, Status::Reconnecting { .. })
            | (Reached::Connecting | Reached::Handshake, Status::Connecting) => Some(()),
            _ => None,
        };
        if !matches!(reached, Reached::Nothing) {
            status(&mut events, wanted).await;
        }
        if matches!(reached, Reached::Handshake) {
            until(|| count(&site, Direction::FromDevice, "SUBSCRIBE") > before).await;
        }
        soon(device.disconnect()).await;
        // Nothing of it is left: the handles say so, and the status stream has ended with it.
        let error = soon(readings.send_at(kitchen(), 1.0, Timestamp::now())).await;
        assert!(
            matches!(error, Err(SendError::Closed(None))),
            "{what}: {error:?}"
        );
        assert!(soon(commands.recv()).await.is_err(), "{what}");
        let mut last = None;
        while let Some(Some(status)) = once(events.recv()).await {
            last = Some(status);
        }
        assert!(
            matches!(last, Some(Status::Stopped(None))),
            "{what}: {last:?}"
        );
        site.device.heal();
        site.device.disconnected().await?;
    }
    Ok(())
}

/// How far a device has come when it is to disconnect.
enum Reached {
    /// It may not know yet that its link is gone.
    Nothing,
    Pause,
    Connecting,
    Handshake,
}

/// What a device may be doing when it is to disconnect.
type State = (&'static str, fn(&Site), Reached);

const STATES: &[State] = &[
    (
        "at once",
        |site| site.device.drop_connection(),
        Reached::Nothing,
    ),
    (
        "before it connects again",
        |site| site.device.drop_connection(),
        Reached::Pause,
    ),
    (
        "with a new session",
        |site| site.device.kick(),
        Reached::Connecting,
    ),
    (
        "while the broker refuses it",
        |site| {
            site.device
                .refuse_connections(1_000_000, Refusal::ServerUnavailable);
            site.device.drop_connection();
        },
        Reached::Connecting,
    ),
    (
        "while CONNECT is not answered",
        |site| {
            site.device.delay_connack(Duration::from_secs(3600));
            site.device.drop_connection();
        },
        Reached::Connecting,
    ),
    (
        "in the middle of the handshake",
        |site| {
            site.device.lose_acknowledgements(true);
            site.device.kick();
        },
        Reached::Handshake,
    ),
];

/// Lesson 24, once more: a `connect` that is given up goes on in the background.
/// The application tries again, and two connections with one identity throw each other out.
/// Here it ends with its future, wherever it stands.
#[tokio::test]
async fn lesson_24_a_connect_that_is_dropped_stops() -> TestResult {
    let site = Site::start().await?;
    for lost in [false, true] {
        site.device.lose_acknowledgements(lost);
        for polls in 0..30 {
            let mut builder = Device::builder(site.config());
            let mut commands = builder.interface::<Commands>();
            let connecting = tokio::spawn(builder.connect());
            for _ in 0..polls {
                tokio::task::yield_now().await;
            }
            connecting.abort();
            assert!(soon(connecting).await.is_err(), "it was in the middle");
            assert!(soon(commands.recv()).await.is_err());
        }
    }
    site.device.heal();
    let mut builder = Device::builder(site.config());
    let _readings = builder.interface::<Readings>();
    let (device, mut events) = connect(builder).await?;
    site.device.ready().await?;
    assert!(
        once(events.recv()).await.is_none(),
        "nobody took the session over"
    );
    let taken_over = |kind: &EventKind| {
        matches!(
            kind,
            EventKind::Disconnected {
                reason: Disconnection::TakenOver
            }
        )
    };
    assert!(device.is_connected());
    site.device.all_processed().await;
    let before = super::events(&site, taken_over);
    soon(device.disconnect()).await;
    assert_eq!(super::events(&site, taken_over), before);
    Ok(())
}

/// Lesson 29: "connected" was set before the handshake, and data went out before the introspection, for
/// which the server closes the link.
/// Here data that waits leaves once the handshake is through, and so does the word on it.
#[tokio::test]
async fn lesson_29_data_follow_the_handshake() -> TestResult {
    let site = recorded().await?;
    let mut builder = Device::builder(site.config());
    let readings = builder.interface::<Readings>();
    let properties = builder.interface::<DeviceProperties>();
    let _commands = builder.interface::<Commands>();
    let waiting = soon(readings.send_at(kitchen(), 1.0, Timestamp::now())).await?;
    let (device, mut events) = connect(builder).await?;
    soon(waiting).await?;
    soon(soon(properties.set(device_properties::Integer { id: 1 }, 7)).await?).await?;
    assert_eq!(
        handshake_and_data(&site, 0).first(),
        Some(&"SUBSCRIBE".to_owned())
    );

    // What is sent while the handshake of a new session goes on waits for its end.
    let before = site.device.packets().len();
    site.device.kick();
    let mut deliveries = Vec::new();
    let mut in_handshake = false;
    until(|| {
        in_handshake |= site.device.packets()[before..]
            .iter()
            .any(|packet| packet.packet_type() == "SUBSCRIBE");
        in_handshake
    })
    .await;
    assert!(!device.is_connected());
    for value in [2.0, 3.0] {
        deliveries.push(soon(readings.send_at(kitchen(), value, Timestamp::now())).await?);
    }
    let refused = soon(readings.send(readings::DeviceUptimeSeconds, 1)).await;
    assert!(
        matches!(refused, Err(SendError::Offline { .. })),
        "{refused:?}"
    );
    connected(&mut events).await;
    settled(deliveries).await?;
    let expected = [
        "SUBSCRIBE",
        "introspection",
        "/control/emptyCache",
        "/org.example.types.DeviceProperties/1/integer",
        "/control/producer/properties",
        "/org.example.thermostat.Readings/kitchen/temperature",
        "/org.example.thermostat.Readings/kitchen/temperature",
    ];
    site.device.all_processed().await;
    assert_eq!(handshake_and_data(&site, before), expected);
    assert_eq!(site.device.data(READINGS, "/kitchen/temperature").len(), 3);
    assert_eq!(
        site.device.property(PROPERTIES, "/1/integer"),
        Some(Value::Integer(7))
    );
    Ok(())
}

/// What a device subscribed to and published, in order, from the packet of this number on.
fn handshake_and_data(site: &Site, from: usize) -> Vec<String> {
    let base = format!("{}/{}", site.sandbox.realm(), site.device.id());
    let packets = site.device.packets();
    let sent = packets[from..]
        .iter()
        .filter(|packet| packet.direction == Direction::FromDevice);
    sent.filter_map(|packet| match packet.packet_type() {
        "SUBSCRIBE" => Some("SUBSCRIBE".to_owned()),
        "PUBLISH" => {
            let topic = packet.topic()?;
            Some(match topic.strip_prefix(&base)? {
                "" => "introspection".to_owned(),
                rest => rest.to_owned(),
            })
        }
        _ => None,
    })
    .collect()
}
