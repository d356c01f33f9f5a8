//! A broker, or a device, that ends and comes back.

use astarte_runtime::{Device, Receipt, Status, StatusStream, Timestamp};
use astarte_tests::{TestResult, connected, soon, status};

use crate::broker::{Persistence, REALM};
use crate::{
    DEVICE_DATASTREAM, DEVICE_PROPERTIES, DeviceDatastream, DeviceProperties, Ground, READINGS,
    Readings, SERVER_DATASTREAM, ServerDatastream, array, device_datastream, device_properties,
    double_at, integer, readings, server_datastream,
};

/// Waits until the link is down.
pub(crate) async fn disconnected(stream: &mut StatusStream) {
    status(stream, |status| {
        matches!(status, Status::Disconnected(_)).then_some(())
    })
    .await;
}

/// A broker that has forgotten the session is told everything again, and what waited leaves behind it.
#[tokio::test]
async fn a_broker_without_memory_is_told_everything_again() -> TestResult {
    let Some(mut ground) = Ground::start(Persistence::Nothing).await? else {
        return Ok(());
    };
    let mut builder = Device::builder(ground.config()?);
    let properties = builder.interface::<DeviceProperties>();
    let readings = builder.interface::<Readings>();
    let mut receiver = builder.interface::<ServerDatastream>();
    let mut events = builder.status();
    let _device = soon(builder.connect()).await?;
    let introspection = format!("{READINGS}:1:0;{DEVICE_PROPERTIES}:0:1;{SERVER_DATASTREAM}:0:1");
    ground.handshake(&introspection).await?;
    connected(&mut events).await;
    let endpoint = device_properties::Integer { id: 1 };
    soon(soon(properties.set(endpoint, 42)).await?).await?;
    let path = format!("{DEVICE_PROPERTIES}/1/integer");
    ground.expect(&path, 2, &integer(42)).await?;

    for round in 0..3_i32 {
        // The observer must be there again before the device is.
        ground.proxy.shut();
        disconnected(&mut events).await;
        ground.broker.crash().await?;
        ground.observer = ground.broker.observer("observer").await?;
        ground.observer.subscribe("#").await?;
        let kitchen = readings::Temperature { room: "kitchen" };
        let moment = Timestamp::from_millis(i64::from(round))?;
        let waiting = soon(readings.send_at(kitchen, f64::from(round), moment)).await?;
        ground.proxy.open();
        connected(&mut events).await;

        let list = ground.handshake(&introspection).await?;
        let length = u8::try_from(path.len())?;
        assert_eq!(
            &list.payload[..4],
            [0, 0, 0, length],
            "the list is `{path}`"
        );
        assert_eq!(soon(waiting).await?, Receipt::Acknowledged);
        let payload = double_at(f64::from(round), i64::from(round));
        ground
            .expect(&format!("{READINGS}/kitchen/temperature"), 1, &payload)
            .await?;

        let topic = ground.topic(&format!("{SERVER_DATASTREAM}/integer/value"));
        ground.observer.publish(&topic, 1, integer(round)).await?;
        ground.observer.message().await?;
        match soon(receiver.recv()).await? {
            server_datastream::Event::IntegerValue { value, .. } => assert_eq!(value, round),
            other => panic!("{other:?}"),
        }
    }
    Ok(())
}

/// A broker that keeps its sessions on disk goes on with the device where it was.
#[tokio::test]
async fn a_broker_with_a_memory_goes_on() -> TestResult {
    let Some(mut ground) = Ground::start(Persistence::Disk).await? else {
        return Ok(());
    };
    let mut builder = Device::builder(ground.config()?);
    let mut receiver = builder.interface::<ServerDatastream>();
    let mut events = builder.status();
    let _device = soon(builder.connect()).await?;
    ground
        .handshake(&format!("{SERVER_DATASTREAM}:0:1"))
        .await?;
    connected(&mut events).await;

    let rest = format!("{SERVER_DATASTREAM}/integerarray/value");
    let topic = ground.topic(&rest);
    for round in 0..3 {
        // On disk mosquitto keeps the messages, but not how far the exchange about each of them was.
        let completed = format!("Received PUBCOMP from {REALM}/{}", ground.device);
        let messages = usize::try_from(2 * round)?;
        ground.broker.said(&completed, messages).await?;
        ground.proxy.shut();
        disconnected(&mut events).await;
        ground.observer.publish(&topic, 2, array(round)).await?;
        ground.broker.restart().await?;
        ground.observer = ground.broker.observer("observer").await?;
        ground.observer.subscribe("#").await?;
        ground.proxy.open();
        connected(&mut events).await;
        match soon(receiver.recv()).await? {
            server_datastream::Event::IntegerarrayValue { value, .. } => assert_eq!(value, [round]),
            other => panic!("{other:?}"),
        }
        // Nothing comes before it: there was no other handshake.
        ground.observer.publish(&topic, 2, array(-1)).await?;
        ground.expect(&rest, 2, &array(-1)).await?;
        soon(receiver.recv()).await?;
    }
    Ok(())
}

/// A device that starts again takes up the session that the broker has: what was sent meanwhile arrives once, and its own
/// messages are not taken for repetitions of those of the process before.
#[tokio::test]
async fn a_device_that_starts_again_goes_on() -> TestResult {
    let Some(mut ground) = Ground::start(Persistence::Nothing).await? else {
        return Ok(());
    };
    let directory = tempfile::tempdir()?;
    let up = format!("{DEVICE_DATASTREAM}/integerarray/value");
    let down = format!("{SERVER_DATASTREAM}/integerarray/value");
    let topic = ground.topic(&down);
    for process in 0..4 {
        let mut builder = Device::builder(ground.config()?.directory(directory.path()));
        let sender = builder.interface::<DeviceDatastream>();
        let mut receiver = builder.interface::<ServerDatastream>();
        let device = soon(builder.connect()).await?;
        if process == 0 {
            let introspection = format!("{DEVICE_DATASTREAM}:0:1;{SERVER_DATASTREAM}:0:1");
            ground.handshake(&introspection).await?;
        } else {
            match soon(receiver.recv()).await? {
                server_datastream::Event::IntegerarrayValue { value, .. } => {
                    assert_eq!(value, [process]);
                }
                other => panic!("{other:?}"),
            }
        }
        // Nothing comes before them: there was no other handshake.
        for value in [process, -process] {
            let endpoint = device_datastream::IntegerarrayValue;
            let delivery = soon(sender.send(endpoint, &[value])).await?;
            assert_eq!(soon(delivery).await?, Receipt::Acknowledged);
            ground.expect(&up, 2, &array(value)).await?;
        }
        soon(device.disconnect()).await;
        ground
            .observer
            .publish(&topic, 2, array(process + 1))
            .await?;
        ground.expect(&down, 2, &array(process + 1)).await?;
    }
    Ok(())
}
