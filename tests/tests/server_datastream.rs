//! Individual datastreams that the server sends.

use astarte_runtime::{Closed, Device, RejectReason, Status, Timestamp, astarte_interface};
use astarte_sandbox::Value;
use astarte_tests::{Site, TestResult, soon, status};

/// A mapping of each type.
#[astarte_interface("../interfaces/org.example.types.ServerDatastream.json")]
struct ServerDatastream;

/// What the thermostat is told to do once.
#[astarte_interface("../interfaces/org.example.thermostat.Commands.json")]
struct Commands;

const NAME: &str = "org.example.types.ServerDatastream";

#[tokio::test]
async fn every_type_arrives_as_it_was_published() -> TestResult {
    use server_datastream::Event;

    let site = Site::start().await?;
    let mut builder = Device::builder(site.config());
    let mut receiver = builder.interface::<ServerDatastream>();
    let _device = soon(builder.connect()).await?;

    let moment = Timestamp::from_millis(1_537_449_422_890)?;
    macro_rules! check {
        ($($event:ident $path:literal: $published:expr => $expected:expr;)*) => {$(
            assert_eq!(site.device.publish(NAME, concat!("/", $path, "/value"), $published)?, 1, $path);
            match soon(receiver.recv()).await? {
                Event::$event { value, timestamp, .. } => assert_eq!((value, timestamp), ($expected, None)),
                other => panic!("{other:?}"),
            }
        )*};
    }
    check! {
        DoubleValue "double": Value::Double(5.0) => 5.0;
        IntegerValue "integer": Value::Integer(-7) => -7;
        BooleanValue "boolean": Value::Boolean(false) => false;
        // The server writes an integer in 32 bits where it fits.
        LongintegerValue "longinteger": Value::LongInteger(42) => 42;
        LongintegerValue "longinteger": Value::LongInteger(1 << 40) => 1 << 40;
        StringValue "string": Value::String("grün".into()) => "grün".to_owned();
        BinaryblobValue "binaryblob": Value::BinaryBlob(vec![1, 2]) => vec![1, 2];
        DatetimeValue "datetime": Value::DateTime(moment.as_millis()) => moment;
        DoublearrayValue "doublearray": Value::DoubleArray(vec![1.5]) => vec![1.5];
        IntegerarrayValue "integerarray": Value::IntegerArray(vec![1, -1]) => vec![1, -1];
        BooleanarrayValue "booleanarray": Value::BooleanArray(vec![true]) => vec![true];
        LongintegerarrayValue "longintegerarray": Value::LongIntegerArray(vec![1, 1 << 40]) => vec![1, 1 << 40];
        StringarrayValue "stringarray": Value::StringArray(vec!["a".into()]) => vec!["a".to_owned()];
        BinaryblobarrayValue "binaryblobarray": Value::BinaryBlobArray(vec![vec![1]]) => vec![vec![1]];
        DatetimearrayValue "datetimearray": Value::DateTimeArray(vec![moment.as_millis()]) => vec![moment];
    }
    Ok(())
}

#[tokio::test]
async fn parameters_arrive_and_the_stream_ends_with_the_device() -> TestResult {
    let site = Site::start().await?;
    let mut builder = Device::builder(site.config());
    let mut commands = builder.interface::<Commands>();
    let device = soon(builder.connect()).await?;

    let name = "org.example.thermostat.Commands";
    site.device
        .publish(name, "/living room/calibrate", Value::Double(-0.5))?;
    site.device
        .publish(name, "/device/restart", Value::Boolean(true))?;
    match soon(commands.recv()).await? {
        commands::Event::Calibrate {
            endpoint, value, ..
        } => {
            assert_eq!((endpoint.room.as_str(), value), ("living room", -0.5));
        }
        other => panic!("{other:?}"),
    }
    match soon(commands.recv()).await? {
        commands::Event::DeviceRestart { value, .. } => assert!(value),
        other => panic!("{other:?}"),
    }
    device.disconnect().await;
    assert_eq!(soon(commands.recv()).await.unwrap_err(), Closed);
    Ok(())
}

/// Lesson 30: one malformed message was an exception in the network thread, which ended, while `is_connected` stayed
/// true; the device was deaf from then on.
/// Here it is a rejected message, and the next one arrives.
#[tokio::test]
async fn lesson_30_what_does_not_fit_is_rejected_and_the_session_goes_on() -> TestResult {
    let site = Site::start().await?;
    let mut builder = Device::builder(site.config());
    let mut receiver = builder.interface::<Commands>();
    let mut events = builder.status();
    let device = soon(builder.connect()).await?;

    let name = "org.example.thermostat.Commands";
    for (path, payload) in [
        ("/kitchen/calibrate", &b"not bson"[..]),
        ("/kitchen/calibrate", b""),
        ("/kitchen/calibrate", b"\x09\0\0\0\x08v\0\x01\0"),
        ("/kitchen", b"\x09\0\0\0\x08v\0\x01\0"),
        ("", b"\x09\0\0\0\x08v\0\x01\0"),
    ] {
        for qos in 0..=2 {
            site.device
                .publish_raw(&format!("{name}{path}"), qos, payload);
            let rejected = status(&mut events, |status| match status {
                Status::Rejected(rejected) => Some(rejected),
                _ => None,
            })
            .await;
            assert_eq!(
                (rejected.interface.as_str(), rejected.path.as_str()),
                (name, path)
            );
            assert!(
                matches!(rejected.reason, RejectReason::Decode(_)),
                "{rejected}"
            );
        }
    }
    site.device
        .publish(name, "/device/restart", Value::Boolean(false))?;
    assert!(matches!(
        soon(receiver.recv()).await?,
        commands::Event::DeviceRestart { value: false, .. }
    ));
    assert!(device.is_connected());
    Ok(())
}
