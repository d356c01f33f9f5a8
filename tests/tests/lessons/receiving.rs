//! Receiving.

use astarte_runtime::{Device, Timestamp};
use astarte_sandbox::Value;
use astarte_tests::{Site, TestResult, soon};

use super::*;

/// Lesson 33: properties of the server were stored by the application's consumer, and so not at all where
/// there was none.
/// Here they are stored before anybody is told, and read by a handle that receives nothing.
#[tokio::test]
async fn lesson_33_properties_are_stored_though_nobody_receives() -> TestResult {
    let site = Site::start().await?;
    let mut builder = Device::builder(site.config());
    let cache = builder.property_cache::<Settings>();
    let (_device, _events) = connect(builder).await?;
    let period = settings::SamplingPeriod { room: "kitchen" };
    site.device
        .set_property(SETTINGS, "/kitchen/samplingPeriod", Value::Integer(5))?;
    until(|| cache.get(&period).ok() == Some(Some(5))).await;

    // Nor where there is a receiver that is not read, or was dropped.
    let site = Site::start().await?;
    let mut builder = Device::builder(site.config());
    let unread = builder.interface::<Settings>();
    let (_device, _events) = connect(builder).await?;
    site.device
        .set_property(SETTINGS, "/kitchen/samplingPeriod", Value::Integer(6))?;
    until(|| unread.get(&period).ok() == Some(Some(6))).await;
    Ok(())
}

/// Lesson 38: the timestamp of what was received was dropped, by one SDK in its core, by another in its
/// derive, which dropped the parameters of the path as well.
/// Here both arrive, of individual values and of objects.
#[tokio::test]
async fn lesson_38_timestamps_and_parameters_arrive() -> TestResult {
    // {t: 1537449422890, v: 1.5} and {t: 1537449422890, v: {latitude: 1.5, longitude: 1.5}}
    const INDIVIDUAL: &[u8] =
        b"\x1b\0\0\0\x09t\0\x2a\x70\x20\xf7\x65\x01\0\0\x01v\0\0\0\0\0\0\0\xf8\x3f\0";
    const OBJECT: &[u8] = b"\x3d\0\0\0\x09t\0\x2a\x70\x20\xf7\x65\x01\0\0\x03v\0\x2a\0\0\0\
        \x01latitude\0\0\0\0\0\0\0\xf8\x3f\x01longitude\0\0\0\0\0\0\0\xf8\x3f\0\0";

    let site = Site::start().await?;
    let mut builder = Device::builder(site.config());
    let mut commands = builder.interface::<Commands>();
    let mut routes = builder.interface::<Route>();
    let (_device, _events) = connect(builder).await?;
    let moment = Timestamp::from_millis(1_537_449_422_890)?;

    site.device
        .publish_raw(&format!("{COMMANDS}/living room/calibrate"), 2, INDIVIDUAL);
    match soon(commands.recv()).await? {
        commands::Event::Calibrate {
            endpoint,
            value,
            timestamp,
        } => {
            assert_eq!(endpoint.room, "living room");
            assert_eq!((value, timestamp), (1.5, Some(moment)));
        }
        other => panic!("{other:?}"),
    }
    site.device
        .publish_raw("org.example.vehicle.Route/v-17/stops", 2, OBJECT);
    let received = soon(routes.recv()).await?;
    assert_eq!(received.path.vehicle, "v-17");
    assert_eq!(received.timestamp, Some(moment));
    assert_eq!(received.object.latitude, 1.5);

    // The server gives none, and none is made up.
    site.device
        .publish(COMMANDS, "/kitchen/calibrate", Value::Double(2.5))?;
    assert!(matches!(
        soon(commands.recv()).await?,
        commands::Event::Calibrate {
            timestamp: None,
            ..
        }
    ));
    Ok(())
}
