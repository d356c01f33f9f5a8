//! What the broker sends again.

use std::time::Duration;

use astarte_runtime::{Device, Timestamp};
use astarte_sandbox::{
    Direction::{FromDevice, ToDevice},
    Value,
};
use astarte_tests::{TestResult, connected, soon};

use super::*;

/// Lesson 8: a PUBREL that the broker repeated after a reconnect was an error of the client, and stopped
/// the session for good.
/// Here it is answered, as the broker asks for, and the message was delivered once.
#[tokio::test]
async fn lesson_8_a_pubrel_is_repeated_after_a_reconnect() -> TestResult {
    let site = recorded().await?;
    let mut builder = Device::builder(site.config());
    let readings = builder.interface::<Readings>();
    let mut commands = builder.interface::<Commands>();
    let (device, mut events) = connect(builder).await?;

    for round in 0..10 {
        let released = count(&site, ToDevice, "PUBREL");
        let recorded = count(&site, FromDevice, "PUBREC");
        let completed = count(&site, FromDevice, "PUBCOMP");
        site.device.publish(
            COMMANDS,
            "/kitchen/calibrate",
            Value::Double(f64::from(round)),
        )?;
        match soon(commands.recv()).await? {
            commands::Event::Calibrate { value, .. } => assert_eq!(value, f64::from(round)),
            other => panic!("{other:?}"),
        }
        until(|| count(&site, FromDevice, "PUBREC") > recorded).await;
        // The answer to the PUBREL of this link does not arrive: the device has not run since.
        site.device.drop_connection();
        connected(&mut events).await;
        until(|| count(&site, FromDevice, "PUBCOMP") > completed).await;
        assert!(count(&site, ToDevice, "PUBREL") > released);
    }
    soon(soon(readings.send_at(kitchen(), 1.0, Timestamp::now())).await?).await?;
    assert!(device.is_connected());
    assert!(once(commands.recv()).await.is_none(), "each came once");
    let handshakes = super::events(&site, |kind| matches!(kind, EventKind::EmptyCache));
    assert_eq!(handshakes, 1, "the session was kept");
    Ok(())
}

/// Lesson 41: a broker that repeats unacknowledged packets on a live connection, as Astarte's does after
/// 20 seconds, broke the session: messages came twice, a second PUBREL was an error.
/// Here all of them are answered, and a unique message comes once.
#[tokio::test]
async fn lesson_41_packets_are_repeated_on_a_live_connection() -> TestResult {
    let settings = Sandbox::builder()
        .record_packets(100_000)
        .retry_interval(Duration::from_millis(1));
    let site = Site::with_sandbox(settings).await?;
    let mut builder = Device::builder(site.config());
    let readings = builder.interface::<Readings>();
    let mut commands = builder.interface::<Commands>();
    let (device, mut events) = connect(builder).await?;
    let repeated = || {
        let packets = site.device.packets();
        packets
            .iter()
            .filter(|packet| packet.is_duplicate())
            .count()
    };

    for (path, value) in [
        ("/kitchen/calibrate", Value::Double(1.5)),
        ("/device/restart", Value::Boolean(true)),
    ] {
        let before = repeated();
        site.device.publish(COMMANDS, path, value)?;
        // Not acknowledged, because nobody has taken it.
        until(|| repeated() > before + 3).await;
    }
    let recorded = count(&site, FromDevice, "PUBREC");
    assert!(matches!(
        soon(commands.recv()).await?,
        commands::Event::Calibrate { value: 1.5, .. }
    ));
    until(|| count(&site, FromDevice, "PUBREC") > recorded).await;
    // The device does not run, and does not answer the PUBREL.
    let (released, completed) = (
        count(&site, ToDevice, "PUBREL"),
        count(&site, FromDevice, "PUBCOMP"),
    );
    while count(&site, ToDevice, "PUBREL") < released + 3 {
        std::thread::yield_now();
    }
    until(|| count(&site, FromDevice, "PUBCOMP") > completed).await;
    assert!(matches!(
        soon(commands.recv()).await?,
        commands::Event::DeviceRestart { value: true, .. }
    ));

    soon(soon(readings.send_at(kitchen(), 1.0, Timestamp::now())).await?).await?;
    // A guaranteed message whose acknowledgement crossed its repetition may come again, a unique one must not.
    while let Some(again) = once(commands.recv()).await {
        assert!(matches!(again?, commands::Event::DeviceRestart { .. }));
    }
    assert!(
        once(events.recv()).await.is_none(),
        "the link was never lost"
    );
    assert!(device.is_connected());
    Ok(())
}
