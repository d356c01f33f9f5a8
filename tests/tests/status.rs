//! What a device tells of itself: its status stream and its metrics.

use std::{str::FromStr, time::Duration};

use astarte_runtime::{
    DecodeError, Device, Hint, RejectReason, Status, Timestamp, astarte_interface,
};
use astarte_sandbox::{Sandbox, Value};
use astarte_tests::{Site, TestResult, connected, disconnected, soon, status};

/// What the thermostat measures.
#[astarte_interface("../interfaces/org.example.thermostat.Readings.json")]
struct Readings;

/// What the thermostat is told to do once; `calibrate` is unique, `restart` guaranteed.
#[astarte_interface("../interfaces/org.example.thermostat.Commands.json")]
struct Commands;

/// How the thermostat is to work.
#[astarte_interface(
    "../interfaces/org.example.thermostat.Settings.json",
    params(room = Room)
)]
struct Settings;

/// A mapping of each type.
#[astarte_interface("../interfaces/org.example.types.ServerDatastream.json")]
struct ServerDatastream;

/// What no realm of these tests knows.
#[astarte_interface("fixtures/org.example.NotInstalled.json")]
struct NotInstalled;

const READINGS: &str = "org.example.thermostat.Readings";
const COMMANDS: &str = "org.example.thermostat.Commands";
const SETTINGS: &str = "org.example.thermostat.Settings";
const TYPES: &str = "org.example.types.ServerDatastream";

fn kitchen() -> readings::Temperature<&'static str> {
    readings::Temperature { room: "kitchen" }
}

#[tokio::test]
async fn metrics_count_what_happens() -> TestResult {
    let site = Site::start().await?;
    let mut builder = Device::builder(site.config().retained(1));
    let readings = builder.interface::<Readings>();
    let mut commands = builder.interface::<Commands>();
    let mut events = builder.status();
    let dropped = soon(readings.send_at(kitchen(), 0.0, Timestamp::now())).await?;
    let kept = soon(readings.send_at(kitchen(), 1.0, Timestamp::now())).await?;
    let device = soon(builder.connect()).await?;
    connected(&mut events).await;
    soon(dropped).await.unwrap_err();
    soon(kept).await?;
    let before = device.metrics();
    // Introspection, empty cache, and the list of properties.
    assert_eq!((before.sent, before.acknowledged), ([0, 1, 3], 4));
    assert_eq!(before.dropped.overflow, 1);
    assert_eq!((before.queued, before.in_flight), (0, 0));
    assert_eq!((before.attempts, before.connections), (1, 1));

    soon(readings.send(readings::DeviceUptimeSeconds, 5)).await?;
    soon(soon(readings.send_at(kitchen(), 2.0, Timestamp::now())).await?).await?;
    site.device
        .publish(COMMANDS, "/kitchen/calibrate", Value::Double(1.0))?;
    soon(commands.recv()).await?;
    site.device
        .publish_raw(&format!("{COMMANDS}/kitchen/calibrate"), 0, &b"x"[..]);
    status(&mut events, |status| {
        matches!(status, Status::Rejected(_)).then_some(())
    })
    .await;
    let metrics = device.metrics();
    assert_eq!(metrics.sent, [1, 2, 3]);
    assert_eq!(metrics.acknowledged, 5);
    assert_eq!(metrics.rejected, 1);
    let received = |qos: usize| metrics.received[qos] - before.received[qos];
    assert_eq!([received(0), received(1), received(2)], [1, 0, 1]);
    // A topic alone has 60 bytes.
    assert!(metrics.bytes_sent > before.bytes_sent + 60);
    assert!(metrics.bytes_received > before.bytes_received + 60);

    site.device.drop_connection();
    connected(&mut events).await;
    let metrics = device.metrics();
    assert_eq!((metrics.attempts, metrics.connections), (2, 2));
    assert_eq!(metrics.round_trip, None, "the default keep alive is 30 s");

    // What is not acknowledged is in flight, and what waits behind it in the queue.
    site.device.lose_acknowledgements(true);
    let in_flight = soon(readings.send_at(kitchen(), 3.0, Timestamp::now())).await?;
    soon(async {
        while device.metrics().in_flight != 1 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    site.device.heal();
    site.device.drop_connection();
    soon(in_flight).await?;
    assert_eq!(device.metrics().sent, [1, 3, 3], "repetitions count once");
    device.disconnect().await;
    Ok(())
}

#[tokio::test]
async fn a_ping_is_measured() -> TestResult {
    let site = Site::start().await?;
    let builder = Device::builder(site.config().keep_alive(Duration::from_secs(1)));
    let device = soon(builder.connect()).await?;
    site.device.set_latency(Duration::from_millis(20));
    let round_trip = soon(async {
        loop {
            if let Some(round_trip) = device.metrics().round_trip {
                return round_trip;
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!(round_trip >= Duration::from_millis(20), "{round_trip:?}");
    Ok(())
}

#[tokio::test]
async fn a_receiver_that_holds_up_all_others_is_named() -> TestResult {
    let site = Site::start().await?;
    let config = site.config().unread_after(Duration::from_millis(50));
    let mut builder = Device::builder(config);
    let mut commands = builder.interface::<Commands>();
    let mut types = builder.interface::<ServerDatastream>();
    let mut events = builder.status();
    let device = soon(builder.connect()).await?;
    connected(&mut events).await;
    for round in 0..2 {
        // One more than the window, on another interface.
        for value in 0..100 {
            site.device
                .publish(COMMANDS, "/kitchen/calibrate", Value::Double(value.into()))?;
        }
        site.device
            .publish(TYPES, "/integer/value", Value::Integer(round))?;
        let event = status(&mut events, |status| {
            matches!(status, Status::Unread { .. }).then_some(status)
        })
        .await;
        let Status::Unread { interface, waiting } = &event else {
            panic!("{event}")
        };
        assert_eq!((*interface, *waiting), (COMMANDS, 100));
        assert!(event.to_string().contains("read it, or drop it"), "{event}");
        for _ in 0..100 {
            soon(commands.recv()).await?;
        }
        match soon(types.recv()).await? {
            server_datastream::Event::IntegerValue { value, .. } => assert_eq!(value, round),
            other => panic!("{other:?}"),
        }
    }
    assert!(device.is_connected());
    Ok(())
}

/// A parameter of a type that panics.
#[derive(Clone, Debug, PartialEq)]
struct Room(String);

impl std::fmt::Display for Room {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Room {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        assert!(text != "attic", "there is no {text}");
        Ok(Self(text.to_owned()))
    }
}

/// Lesson 30, the other half: an exception in a callback of the application killed the network thread,
/// while `is_connected` stayed true.
/// Here a type that panics is told as a rejected message, and the next one arrives.
#[tokio::test]
async fn lesson_30_a_type_that_panics_ends_nothing() -> TestResult {
    let site = Site::start().await?;
    let mut builder = Device::builder(site.config());
    let mut settings = builder.interface::<Settings>();
    let mut events = builder.status();
    let device = soon(builder.connect()).await?;
    connected(&mut events).await;
    site.device
        .set_property(SETTINGS, "/attic/samplingPeriod", Value::Integer(5))?;
    let rejected = status(&mut events, |status| match status {
        Status::Rejected(rejected) => Some(rejected),
        _ => None,
    })
    .await;
    assert!(
        matches!(&rejected.reason, RejectReason::Decode(DecodeError::Panicked { message }) if message == "there is no attic"),
        "{rejected}"
    );
    site.device
        .set_property(SETTINGS, "/cellar/samplingPeriod", Value::Integer(6))?;
    match soon(settings.recv()).await? {
        settings::Event::SamplingPeriod { endpoint, value } => {
            assert_eq!((endpoint.room, value), (Room("cellar".into()), 6));
        }
        other => panic!("{other:?}"),
    }
    assert!(device.is_connected());
    Ok(())
}

#[tokio::test]
async fn an_interface_that_the_realm_does_not_know_is_suspected() -> TestResult {
    let site = Site::start().await?;
    let mut builder = Device::builder(site.config());
    let _unknown = builder.interface::<NotInstalled>();
    let mut events = builder.status();
    let connecting = tokio::spawn(builder.connect());
    let found = status(&mut events, |status| {
        disconnected(status).filter(|disconnected| disconnected.hint.is_some())
    })
    .await;
    let Some(Hint::EmptyCacheRefused {
        times,
        introspection,
    }) = &found.hint
    else {
        panic!("{found}")
    };
    assert!(*times >= 3);
    assert_eq!(introspection, "org.example.NotInstalled:3:1");
    let text = found.to_string();
    assert!(text.contains("org.example.NotInstalled:3:1"), "{text}");
    assert!(text.contains("may not be installed in the realm"), "{text}");
    connecting.abort();
    Ok(())
}

#[tokio::test]
async fn two_devices_with_one_identity_are_suspected() -> TestResult {
    let site = Site::with_sandbox(Sandbox::builder()).await?;
    let (mut first, mut second) = (
        Device::builder(site.config()),
        Device::builder(site.config()),
    );
    let _handles = (
        first.interface::<Readings>(),
        second.interface::<Readings>(),
    );
    let mut events = first.status();
    let _first = soon(first.connect()).await?;
    let second = tokio::spawn(second.connect());
    let found = status(&mut events, |status| {
        disconnected(status).filter(|disconnected| {
            matches!(disconnected.hint, Some(Hint::SharedIdentity { times: 3.. }))
        })
    })
    .await;
    assert!(
        found
            .to_string()
            .contains("another device may be connected"),
        "{found}"
    );
    second.abort();
    Ok(())
}

#[tokio::test]
async fn data_that_the_server_refuses_are_suspected() -> TestResult {
    let site = Site::start().await?;
    let mut builder = Device::builder(site.config());
    let readings = builder.interface::<Readings>();
    let mut events = builder.status();
    let _device = soon(builder.connect()).await?;
    connected(&mut events).await;
    soon(soon(readings.send_at(kitchen(), 20.0, Timestamp::now())).await?).await?;
    site.device.kick();
    let found = status(&mut events, disconnected).await;
    assert_eq!(found.hint, Some(Hint::DataRefused));
    assert_eq!(
        found.last_published,
        [format!("{READINGS}/kitchen/temperature")]
    );
    assert_eq!(
        found.reason,
        "the server closed the connection without a reason"
    );
    Ok(())
}

#[tokio::test]
async fn the_pause_begins_anew_after_a_stable_connection() -> TestResult {
    let (shortest, longest) = (Duration::from_nanos(1), Duration::from_millis(20));
    let site = Site::start().await?;
    let mut builder = Device::builder(site.config().backoff(shortest, longest));
    let readings = builder.interface::<Readings>();
    let mut events = builder.status();
    let _device = soon(builder.connect()).await?;
    connected(&mut events).await;
    let pause = |status| match status {
        Status::Reconnecting { after } => Some(after),
        _ => None,
    };
    for _ in 0..3 {
        // As many failures as it takes to come to the longest.
        let mut longer = false;
        site.device
            .refuse_connections(25, astarte_sandbox::Refusal::ServerUnavailable);
        site.device.drop_connection();
        for _ in 0..25 {
            let after = status(&mut events, pause).await;
            assert!(after <= longest);
            longer |= after > shortest * 1000;
        }
        assert!(longer, "the pauses grow");
        connected(&mut events).await;
        // Stable is what lasts longer than the longest pause.
        let since = std::time::Instant::now();
        while since.elapsed() <= longest * 2 {
            soon(soon(readings.send_at(kitchen(), 1.0, Timestamp::now())).await?).await?;
        }
        site.device.drop_connection();
        assert!(status(&mut events, pause).await <= shortest);
        connected(&mut events).await;
    }
    Ok(())
}
