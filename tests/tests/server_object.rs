//! Object datastreams that the server sends.

use astarte_runtime::{AstarteObject, Device, Status, Timestamp, astarte_interface};
use astarte_sandbox::Value;
use astarte_tests::{Site, TestResult, soon, status};

/// Where a vehicle is to go.
#[astarte_interface("../interfaces/org.example.vehicle.Route.json")]
struct Route;

/// An object with a mapping of each type.
#[astarte_interface("../interfaces/org.example.types.ServerObject.json")]
struct ServerObject;

/// The part of a route that the application needs.
#[derive(AstarteObject, Debug, PartialEq)]
#[astarte(interface = "../interfaces/org.example.vehicle.Route.json", of = Route, partial)]
struct Stop {
    latitude: f64,
    longitude: f64,
}

const NAME: &str = "org.example.vehicle.Route";

#[tokio::test]
async fn an_object_arrives_with_its_path_and_what_was_sent_of_it() -> TestResult {
    let site = Site::start().await?;
    let mut builder = Device::builder(site.config());
    let mut routes = builder.interface::<Route>();
    let _device = soon(builder.connect()).await?;

    let stop = [
        ("latitude", Value::Double(45.46)),
        ("longitude", Value::Double(9.19)),
    ];
    site.device
        .publish_object(NAME, "/v-17/stops", stop.clone())?;
    let received = soon(routes.recv()).await?;
    assert_eq!(received.path.vehicle, "v-17");
    assert_eq!(
        received.object,
        Route {
            name: None,
            latitude: 45.46,
            longitude: 9.19
        }
    );
    assert_eq!(received.timestamp, None);

    site.device.publish_object(NAME, "/v-17/stops", stop)?;
    let received = soon(routes.recv_as::<Stop>()).await?;
    assert_eq!(
        received.object,
        Stop {
            latitude: 45.46,
            longitude: 9.19
        }
    );
    Ok(())
}

#[tokio::test]
async fn an_object_that_does_not_fit_is_rejected_and_the_next_arrives() -> TestResult {
    let site = Site::start().await?;
    let mut builder = Device::builder(site.config());
    let mut routes = builder.interface::<Route>();
    let mut events = builder.status();
    let _device = soon(builder.connect()).await?;

    // {v: {}}: without what the interface requires.
    site.device.publish_raw(
        &format!("{NAME}/v-17/stops"),
        2,
        &b"\x0d\0\0\0\x03v\0\x05\0\0\0\0\0"[..],
    );
    let stop = [
        ("latitude", Value::Double(1.0)),
        ("longitude", Value::Double(2.0)),
    ];
    site.device.publish_object(NAME, "/v-18/stops", stop)?;
    assert_eq!(soon(routes.recv()).await?.path.vehicle, "v-18");
    let rejected = status(&mut events, |status| match status {
        Status::Rejected(rejected) => Some(rejected.to_string()),
        _ => None,
    })
    .await;
    assert_eq!(
        rejected,
        format!(
            "rejected a message on `{NAME}/v-17/stops`: the object has no `latitude`, which is required"
        )
    );
    Ok(())
}

#[tokio::test]
async fn every_type_arrives_as_it_was_published() -> TestResult {
    let site = Site::start().await?;
    let mut builder = Device::builder(site.config());
    let mut objects = builder.interface::<ServerObject>();
    let _device = soon(builder.connect()).await?;

    let moment = Timestamp::from_millis(1_537_449_422_890)?;
    let millis = moment.as_millis();
    let object = [
        ("doubleValue", Value::Double(21.5)),
        ("integerValue", Value::Integer(-7)),
        ("booleanValue", Value::Boolean(true)),
        ("longintegerValue", Value::LongInteger(42)),
        ("stringValue", Value::String("ok".into())),
        ("binaryblobValue", Value::BinaryBlob(vec![])),
        ("datetimeValue", Value::DateTime(millis)),
        ("doublearrayValue", Value::DoubleArray(vec![1.0])),
        ("integerarrayValue", Value::IntegerArray(vec![])),
        ("booleanarrayValue", Value::BooleanArray(vec![true, false])),
        (
            "longintegerarrayValue",
            Value::LongIntegerArray(vec![1, 1 << 40]),
        ),
        ("stringarrayValue", Value::StringArray(vec!["a".into()])),
        (
            "binaryblobarrayValue",
            Value::BinaryBlobArray(vec![vec![1], vec![]]),
        ),
        ("datetimearrayValue", Value::DateTimeArray(vec![millis])),
    ];
    site.device
        .publish_object("org.example.types.ServerObject", "/1", object)?;
    let expected = ServerObject {
        double_value: Some(21.5),
        integer_value: Some(-7),
        boolean_value: Some(true),
        longinteger_value: Some(42),
        string_value: Some("ok".into()),
        binaryblob_value: Some(vec![]),
        datetime_value: Some(moment),
        doublearray_value: Some(vec![1.0]),
        integerarray_value: Some(vec![]),
        booleanarray_value: Some(vec![true, false]),
        longintegerarray_value: Some(vec![1, 1 << 40]),
        stringarray_value: Some(vec!["a".into()]),
        binaryblobarray_value: Some(vec![vec![1], vec![]]),
        datetimearray_value: Some(vec![moment]),
    };
    assert_eq!(soon(objects.recv()).await?.object, expected);
    Ok(())
}
