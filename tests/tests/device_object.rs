//! Object datastreams that the device sends.

use astarte_runtime::{AstarteObject, Device, Receipt, Timestamp, astarte_interface};
use astarte_sandbox::Value;
use astarte_tests::{Site, TestResult, soon};

/// Where a vehicle is.
#[astarte_interface("../interfaces/org.example.vehicle.Position.json")]
#[derive(Clone)]
struct Position;

/// An object with a mapping of each type.
#[astarte_interface("../interfaces/org.example.types.DeviceObject.json")]
struct DeviceObject;

/// Another form of the same object, whose names are the application's own.
#[derive(AstarteObject)]
#[astarte(interface = "../interfaces/org.example.vehicle.Position.json", of = Position)]
struct Fix<'a> {
    longitude: f64,
    #[astarte(mapping = "latitude")]
    north: &'a f64,
    satellites: i32,
}

#[tokio::test]
async fn an_object_arrives_with_its_timestamp() -> TestResult {
    let site = Site::start().await?;
    let mut builder = Device::builder(site.config());
    let positions = builder.interface::<Position>();
    let _device = soon(builder.connect()).await?;

    let name = "org.example.vehicle.Position";
    let path = position::Path { vehicle: "v-17" };
    let sent = Position {
        latitude: 45.46,
        longitude: 9.19,
        satellites: 9,
    };
    let delivery = soon(positions.send_at(path, &sent, Timestamp::from_millis(1000)?)).await?;
    assert_eq!(soon(delivery).await?, Receipt::Acknowledged);
    let received = site.device.received(name, "/v-17").await?;
    assert_eq!(received.field("latitude"), Some(&Value::Double(45.46)));
    assert_eq!(received.field("satellites"), Some(&Value::Integer(9)));
    assert_eq!((received.timestamp(), received.qos()), (1000, 1));

    let fix = Fix {
        longitude: 9.19,
        north: &45.46,
        satellites: 9,
    };
    let delivery = soon(positions.send_at(path, &fix, Timestamp::from_millis(1000)?)).await?;
    soon(delivery).await?;
    let again = site.device.received(name, "/v-17").await?;
    assert_eq!(again.content(), received.content());
    Ok(())
}

#[tokio::test]
async fn every_type_arrives_as_it_was_sent() -> TestResult {
    let site = Site::start().await?;
    let mut builder = Device::builder(site.config());
    let objects = builder.interface::<DeviceObject>();
    let _device = soon(builder.connect()).await?;

    let moment = Timestamp::from_millis(1_537_449_422_890)?;
    let object = DeviceObject {
        double_value: 21.5,
        integer_value: -7,
        boolean_value: true,
        longinteger_value: 42,
        string_value: "ok".into(),
        binaryblob_value: vec![],
        datetime_value: moment,
        doublearray_value: vec![1.0],
        integerarray_value: vec![],
        booleanarray_value: vec![true, false],
        longintegerarray_value: vec![1, 1 << 40],
        stringarray_value: vec!["a".into()],
        binaryblobarray_value: vec![vec![1], vec![]],
        datetimearray_value: vec![moment],
    };
    soon(soon(objects.send(device_object::Path { id: 1 }, &object)).await?).await?;
    let received = site
        .device
        .received("org.example.types.DeviceObject", "/1")
        .await?;
    let millis = moment.as_millis();
    for (key, expected) in [
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
    ] {
        assert_eq!(received.field(key), Some(&expected), "{key}");
    }
    Ok(())
}
