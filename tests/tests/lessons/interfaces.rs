//! Interfaces that are added and removed while the device lives.

use astarte_runtime::{DeliveryError, Device, InterfaceError, PropertyError, SendError, Timestamp};
use astarte_sandbox::{Value, Version};
use astarte_tests::{Site, TestResult, connected, go_offline, soon};

use super::*;

/// How a room is heated: three versions of one interface.
mod versions {
    use astarte_runtime::astarte_interface;

    /// Integers.
    #[astarte_interface("fixtures/upgrade/mode-1.0.json")]
    pub(super) struct Mode;

    /// The same, and one more.
    #[astarte_interface("fixtures/upgrade/mode-1.1.json", module = "more")]
    pub(super) struct MoreMode;

    /// Strings.
    #[astarte_interface("fixtures/upgrade/mode-2.0.json", module = "other")]
    pub(super) struct OtherMode;
}

use versions::{Mode, MoreMode, OtherMode, mode, more, other};

const MODE: &str = "org.example.upgrade.Mode";

/// A site that knows all versions of the mode, and records.
async fn site() -> Result<Site, Box<dyn std::error::Error>> {
    let settings = Sandbox::builder()
        .record_packets(10_000)
        .interface(include_str!("../../fixtures/upgrade/mode-1.1.json"))
        .interface(include_str!("../../fixtures/upgrade/mode-2.0.json"));
    Site::with_sandbox(settings).await
}

fn version(major: u32, minor: u32) -> Version {
    Version { major, minor }
}

/// What the device sent from a packet on, in short.
fn sent(site: &Site, from: usize) -> Vec<String> {
    let base = format!("{}/{}", site.sandbox.realm(), site.device.id());
    let packets = site.device.packets();
    let sent = packets[from..]
        .iter()
        .filter(|packet| packet.direction == Direction::FromDevice);
    sent.filter_map(|packet| match packet.packet_type() {
        "PUBLISH" => Some(match packet.topic()?.strip_prefix(&base)? {
            "" => String::from_utf8_lossy(&packet.payload()?).into_owned(),
            rest => rest.to_owned(),
        }),
        "PUBACK" | "PUBREC" | "PUBREL" | "PUBCOMP" | "PINGREQ" => None,
        other => Some(other.to_owned()),
    })
    .collect()
}

/// Lesson 3: adding an interface held a lock while it waited for an acknowledgement. A message that came
/// first needed the lock, the acknowledgement behind it was never read, and the device stood still.
/// Here nothing is held: messages come and go while the server is waited for.
#[tokio::test]
async fn lesson_3_a_message_comes_before_the_acknowledgement() -> TestResult {
    let site = site().await?;
    let mut builder = Device::builder(site.config());
    let readings = builder.interface::<Readings>();
    let mut commands = builder.interface::<Commands>();
    let (device, mut events) = connect(builder).await?;

    site.device.lose_acknowledgements(true);
    let adding = device.add::<Settings>();
    let mut adding = std::pin::pin!(adding);
    assert!(once(&mut adding).await.is_none(), "nobody has answered");
    for value in 0..50 {
        site.device
            .publish(COMMANDS, "/kitchen/calibrate", Value::Double(value.into()))?;
        let received = tokio::select! {
            received = soon(commands.recv()) => received?,
            _ = &mut adding => panic!("nobody has answered"),
        };
        assert!(matches!(received, commands::Event::Calibrate { .. }));
        soon(readings.send(readings::DeviceUptimeSeconds, value.into())).await?;
        site.device
            .received(READINGS, "/device/uptimeSeconds")
            .await?;
    }
    // Nothing went out before the answer to the subscription.
    assert_eq!(site.device.introspection().len(), 2);

    // The link breaks in the middle of it; the future ends, and the next handshake has the interface.
    site.device.heal();
    site.device.drop_connection();
    let mut settings = soon(adding).await?;
    connected(&mut events).await;
    site.device.ready().await?;
    assert!(site.device.introspection().contains_key(SETTINGS));
    site.device
        .set_property(SETTINGS, "/kitchen/samplingPeriod", Value::Integer(5))?;
    assert!(matches!(
        soon(settings.recv()).await?,
        settings::Event::SamplingPeriod { value: 5, .. }
    ));
    Ok(())
}

/// Lesson 4: adding an interface while offline held the lock until there was a connection, and every
/// sender waited for it.
/// Here it returns at once, and the next handshake tells the server before anything is sent on it.
#[tokio::test]
async fn lesson_4_interfaces_change_while_offline() -> TestResult {
    let site = site().await?;
    let mut builder = Device::builder(site.config());
    let readings = builder.interface::<Readings>();
    let commands = builder.interface::<Commands>();
    let (device, mut events) = connect(builder).await?;
    go_offline(&site.device, &mut events).await;

    let mode = soon(device.add::<Mode>()).await?;
    let mut settings = soon(device.add::<Settings>()).await?;
    soon(device.remove::<Commands>()).await?;
    // Senders go on, those of the new interface as well.
    let reading = soon(readings.send_at(kitchen(), 1.0, Timestamp::now())).await?;
    let set = soon(mode.set(mode::Mode { room: "kitchen" }, 3)).await?;
    let refused = soon(readings.send(readings::DeviceUptimeSeconds, 1)).await;
    assert!(
        matches!(refused, Err(SendError::Offline { .. })),
        "{refused:?}"
    );
    drop(commands);

    let before = site.device.packets().len();
    site.device.heal();
    connected(&mut events).await;
    soon(reading).await?;
    soon(set).await?;
    site.device.all_processed().await;
    let mut expected = vec![
        "CONNECT".to_owned(),
        "SUBSCRIBE".into(),
        format!("{READINGS}:1:0;{SETTINGS}:1:0;{MODE}:1:0"),
        "/control/emptyCache".into(),
        format!("/{MODE}/kitchen/mode"),
        "/control/producer/properties".into(),
        "UNSUBSCRIBE".into(),
        format!("/{READINGS}/kitchen/temperature"),
    ];
    // The introspection is in the order of the names.
    expected[2] = {
        let mut names = [
            format!("{READINGS}:1:0"),
            format!("{SETTINGS}:1:0"),
            format!("{MODE}:1:0"),
        ];
        names.sort();
        names.join(";")
    };
    let mut attempts = sent(&site, before);
    attempts.dedup();
    assert_eq!(attempts, expected);
    site.device
        .set_property(SETTINGS, "/kitchen/samplingPeriod", Value::Integer(5))?;
    soon(settings.recv()).await?;
    assert_eq!(
        site.device.property(MODE, "/kitchen/mode"),
        Some(Value::Integer(3))
    );
    let commands = format!("{}/{}/{COMMANDS}/#", site.sandbox.realm(), site.device.id());
    assert!(!site.device.subscriptions().contains_key(&commands));
    Ok(())
}

/// Lesson 5, while the device lives: properties of a removed interface, or of another major version, were
/// published again with the next connection, and the server closed it, again and again.
/// Here they are gone with the interface, and so is what was queued.
#[tokio::test]
async fn lesson_5_nothing_is_sent_of_what_was_removed() -> TestResult {
    let site = site().await?;
    let mut builder = Device::builder(site.config());
    let readings = builder.interface::<Readings>();
    let mode = builder.interface::<Mode>();
    let (device, mut events) = connect(builder).await?;
    soon(soon(mode.set(mode::Mode { room: "kitchen" }, 1)).await?).await?;

    // Offline: set, and queued, and then removed.
    go_offline(&site.device, &mut events).await;
    let set = soon(mode.set(mode::Mode { room: "hall" }, 2)).await?;
    let reading = soon(readings.send_at(kitchen(), 1.0, Timestamp::now())).await?;
    let late = mode.set(mode::Mode { room: "attic" }, 3);
    let late_reading = readings.send_at(kitchen(), 2.0, Timestamp::now());
    soon(device.remove::<Mode>()).await?;
    soon(device.remove::<Readings>()).await?;
    assert_eq!(soon(set).await, Err(DeliveryError::Removed));
    assert_eq!(soon(reading).await, Err(DeliveryError::Removed));
    for late in [soon(late).await, soon(late_reading).await] {
        assert!(matches!(late, Err(SendError::Removed { .. })), "{late:?}");
    }
    let read = mode.get(mode::Mode { room: "kitchen" });
    assert!(
        matches!(read, Err(PropertyError::Removed { .. })),
        "{read:?}"
    );
    assert_eq!(device.metrics().dropped.removed, 2);

    let before = site.device.packets().len();
    site.device.heal();
    connected(&mut events).await;
    site.device.all_processed().await;
    assert!(
        !sent(&site, before)
            .iter()
            .any(|topic| topic.contains("/kitchen"))
    );
    assert!(site.device.introspection().is_empty());

    // Another major version is another interface: it starts with nothing.
    let other = soon(device.add::<OtherMode>()).await?;
    assert_eq!(other.get(other::Mode { room: "kitchen" })?, None);
    soon(soon(other.set(other::Mode { room: "kitchen" }, "warm")).await?).await?;
    site.device.kick();
    connected(&mut events).await;
    site.device.ready().await?;
    site.device.all_processed().await;
    assert_eq!(
        site.device.properties(MODE),
        [("/kitchen/mode".to_owned(), Value::String("warm".into()))].into()
    );
    let errors = super::events(&site, |kind| matches!(kind, EventKind::Error(_)));
    assert_eq!(errors, 0);
    Ok(())
}

/// Lesson 23: an interface that was upgraded stood twice in the introspection, once with each version, and
/// which of them counted was chance.
/// Here a name stands once, with the version that was added last, and never with a lower one.
#[tokio::test]
async fn lesson_23_an_upgraded_interface_stands_once() -> TestResult {
    let site = site().await?;
    let mut builder = Device::builder(site.config());
    let mode = builder.interface::<Mode>();
    let (device, _events) = connect(builder).await?;
    soon(soon(mode.set(mode::Mode { room: "kitchen" }, 1)).await?).await?;
    assert_eq!(
        site.device.introspection(),
        [(MODE.to_owned(), version(1, 0))].into()
    );

    // A minor version: the same properties, and the older handle still fits.
    let before = site.device.packets().len();
    let more = soon(device.add::<MoreMode>()).await?;
    assert_eq!(
        site.device.introspection(),
        [(MODE.to_owned(), version(1, 1))].into()
    );
    assert_eq!(sent(&site, before), [format!("{MODE}:1:1")]);
    assert_eq!(more.get(more::Mode { room: "kitchen" })?, Some(1));
    soon(soon(mode.set(mode::Mode { room: "kitchen" }, 2)).await?).await?;
    assert_eq!(more.get(more::Mode { room: "kitchen" })?, Some(2));

    let older = soon(device.add::<Mode>()).await;
    assert!(
        matches!(older, Err(InterfaceError::Older { .. })),
        "{older:?}"
    );
    assert_eq!(
        older.map(|_| ()).unwrap_err().to_string(),
        format!("the device has the interface {MODE} 1.1, which is newer than 1.0")
    );

    // A major version: another interface.
    let other = soon(device.add::<OtherMode>()).await?;
    assert_eq!(
        site.device.introspection(),
        [(MODE.to_owned(), version(2, 0))].into()
    );
    let refused = soon(more.set(more::Mode { room: "kitchen" }, 3)).await;
    assert_eq!(
        refused.map(|_| ()).unwrap_err().to_string(),
        format!("the interface `{MODE}` was removed from the device")
    );
    soon(soon(other.set(other::Mode { room: "kitchen" }, "warm")).await?).await?;
    assert_eq!(
        site.device.property(MODE, "/kitchen/mode"),
        Some(Value::String("warm".into()))
    );

    // And never twice, whatever was the way there.
    soon(device.remove::<OtherMode>()).await?;
    assert!(site.device.introspection().is_empty());
    let missing = soon(device.remove::<OtherMode>()).await;
    assert!(
        matches!(missing, Err(InterfaceError::Missing { .. })),
        "{missing:?}"
    );
    soon(device.add::<Mode>()).await?;
    site.device.kick();
    site.device.disconnected().await?;
    site.device.ready().await?;
    assert_eq!(
        site.device.introspection(),
        [(MODE.to_owned(), version(1, 0))].into()
    );
    Ok(())
}
