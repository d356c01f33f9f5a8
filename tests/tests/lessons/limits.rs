//! Sizes, and what is malformed.

use std::io::Write;

use astarte_runtime::{Device, RejectReason, SendError, Status, Timestamp, ValueError};
use astarte_sandbox::Value;
use astarte_tests::{Site, TestResult, soon, status};
use flate2::{Compression, write::ZlibEncoder};

use super::*;

/// Lesson 2: a packet limit of 10 KiB, that of the MQTT library, was below what Astarte allows. A legal
/// value broke the connection, and again after every reconnect, because the broker sent it again.
/// Here the limit is above what the broker can send.
#[tokio::test]
async fn lesson_2_a_value_of_64_kib_passes_both_ways() -> TestResult {
    let site = Site::start().await?;
    let mut builder = Device::builder(site.config());
    let sent = builder.interface::<DeviceDatastream>();
    let mut received = builder.interface::<ServerDatastream>();
    let (device, mut events) = connect(builder).await?;

    // What is left of the broker's 65 535 bytes beside the topic.
    let text = "x".repeat(65_400);
    site.device
        .publish(SERVER_TYPES, "/string/value", Value::String(text.clone()))?;
    match soon(received.recv()).await? {
        server_datastream::Event::StringValue { value, .. } => assert!(value == text),
        other => panic!("{other:?}"),
    }
    soon(soon(sent.send(device_datastream::StringValue, &text)).await?).await?;
    let arrived = site.device.received(TYPES, "/string/value").await?;
    assert!(arrived.value() == Some(&Value::String(text)));
    assert!(device.is_connected());
    assert!(
        once(events.recv()).await.is_none(),
        "the link was never lost"
    );
    Ok(())
}

/// Lesson 12, the list of properties: a malformed one was an error of the loop, and ended the device.
/// (The store's part of it stands with the tests of properties.)
/// Here it is told, and nothing is purged.
#[tokio::test]
async fn lesson_12_a_malformed_list_of_properties_changes_nothing() -> TestResult {
    let site = Site::start().await?;
    let mut builder = Device::builder(site.config());
    let mut settings = builder.interface::<Settings>();
    let (device, mut events) = connect(builder).await?;
    site.device
        .set_property(SETTINGS, "/kitchen/samplingPeriod", Value::Integer(5))?;
    soon(settings.recv()).await?;

    for list in [
        &b""[..],
        b"\0\0\0",
        b"\0\0\0\x01",
        b"\0\0\0\x05plain",
        b"\0\0\0\0\x78\x9c\x03\0\0\0\0\x02",
        &deflated(&[0xff, 0xfe]),
    ] {
        site.device
            .publish_raw("control/consumer/properties", 2, list.to_vec());
        let reason = rejection(&mut events).await;
        assert!(
            matches!(reason, RejectReason::PropertyList(_)),
            "{list:?}: {reason}"
        );
    }
    let period = settings::SamplingPeriod { room: "kitchen" };
    assert_eq!(settings.get(&period)?, Some(5));
    // The session goes on, and so does the next list.
    site.device
        .set_property(SETTINGS, "/kitchen/samplingPeriod", Value::Integer(6))?;
    soon(settings.recv()).await?;
    site.device.publish_raw(
        "control/consumer/properties",
        2,
        deflated(b"org.example.thermostat.Settings/hall/enable"),
    );
    assert!(matches!(
        soon(settings.recv()).await?,
        settings::Event::Purged(_)
    ));
    assert_eq!(settings.get(&period)?, None);
    assert!(device.is_connected());
    Ok(())
}

/// Lesson 40: the list of properties was inflated without a bound: 64 KiB on the wire become as many
/// megabytes in memory.
/// Here inflating stops at 10 MiB, the server's own bound, and the list is told as malformed.
#[tokio::test]
async fn lesson_40_a_list_of_properties_is_inflated_with_a_bound() -> TestResult {
    let site = Site::start().await?;
    let mut builder = Device::builder(site.config());
    let mut settings = builder.interface::<Settings>();
    let (device, mut events) = connect(builder).await?;
    site.device
        .set_property(SETTINGS, "/kitchen/samplingPeriod", Value::Integer(5))?;
    soon(settings.recv()).await?;

    let bomb = deflated(&vec![b'x'; 12 * 1024 * 1024]);
    assert!(bomb.len() < 65_000, "it fits in a packet: {}", bomb.len());
    site.device
        .publish_raw("control/consumer/properties", 2, bomb);
    let reason = rejection(&mut events).await.to_string();
    assert_eq!(
        reason,
        "the property list inflates to more than 10485760 bytes"
    );
    assert_eq!(
        settings.get(settings::SamplingPeriod { room: "kitchen" })?,
        Some(5)
    );
    assert!(device.is_connected());
    Ok(())
}

/// Lesson 35: sizes and ranges were not checked. What the server refuses went out, and the device was
/// disconnected, without a reason, instead of its application being told.
/// Here nothing of it is sent.
#[tokio::test]
async fn lesson_35_what_the_server_refuses_is_not_sent() -> TestResult {
    use device_datastream::*;

    let site = Site::start().await?;
    let mut builder = Device::builder(site.config());
    let types = builder.interface::<DeviceDatastream>();
    let properties = builder.interface::<DeviceProperties>();
    let (device, _events) = connect(builder).await?;

    let long = "x".repeat(65_537);
    let no_packet = "x".repeat(65_536);
    let refused = [
        soon(types.send(StringValue, &long)).await,
        soon(types.send(BinaryblobValue, long.as_bytes())).await,
        soon(types.send(IntegerarrayValue, &[0; 1025])).await,
        soon(types.send(DoubleValue, f64::NAN)).await,
        soon(types.send(DoublearrayValue, &[1.0, f64::INFINITY])).await,
        soon(types.send(IntegerValue, i32::MIN)).await,
        soon(types.send(LongintegerValue, i64::MIN)).await,
        soon(types.send(BinaryblobValue, b"")).await,
        soon(properties.set(device_properties::String { id: 1 }, &long)).await,
    ];
    for (index, result) in refused.into_iter().enumerate() {
        assert!(
            matches!(result, Err(SendError::Value { .. })),
            "{index}: {result:?}"
        );
    }
    match soon(types.send(StringValue, &long)).await {
        Err(SendError::Value {
            source: ValueError::Size { len: 65_537, .. },
            path,
            ..
        }) => {
            assert_eq!(path, "/string/value");
        }
        other => panic!("{other:?}"),
    }
    // The limit of the type is not the one that binds: the broker takes packets of at most 65 535 bytes.
    match soon(types.send(StringValue, &no_packet)).await {
        Err(error @ SendError::Size { limit: 65_535, .. }) => {
            assert!(
                error.to_string().contains("the broker takes 65535"),
                "{error}"
            );
        }
        other => panic!("{other:?}"),
    }
    let names = ["", "a/b", "a+b", "a#b", "a\0b"];
    for id in names {
        let refused = soon(types.send_at(AtValue { id }, 1.0, Timestamp::now())).await;
        assert!(
            matches!(refused, Err(SendError::Param { .. })),
            "{id:?}: {refused:?}"
        );
    }

    // What is just within the limits arrives.
    soon(soon(types.send(IntegerarrayValue, &[0; 1024])).await?).await?;
    soon(soon(types.send(IntegerValue, i32::MIN + 1)).await?).await?;
    soon(soon(types.send(LongintegerarrayValue, &[i64::MIN + 1])).await?).await?;
    site.device.all_processed().await;
    assert_eq!(site.device.paths(TYPES).len(), 3);
    assert_eq!(
        super::events(&site, |kind| matches!(kind, EventKind::Error(_))),
        0
    );
    assert!(device.is_connected());
    Ok(())
}

/// A property list as it is on the wire.
fn deflated(text: &[u8]) -> Vec<u8> {
    let length = u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes();
    let mut encoder = ZlibEncoder::new(length.to_vec(), Compression::best());
    encoder.write_all(text).expect("it goes to memory");
    encoder.finish().expect("it goes to memory")
}

async fn rejection(events: &mut astarte_runtime::StatusStream) -> RejectReason {
    status(events, |status| match status {
        Status::Rejected(rejected) => Some(rejected.reason),
        _ => None,
    })
    .await
}
