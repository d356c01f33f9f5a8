//! Individual datastreams that the device sends.

use astarte_runtime::{Delivery, Device, Receipt, SendError, Timestamp, astarte_interface};
use astarte_sandbox::Value;
use astarte_tests::{Site, TestResult, soon};

/// A mapping of each type.
#[astarte_interface("../interfaces/org.example.types.DeviceDatastream.json")]
struct DeviceDatastream;

const NAME: &str = "org.example.types.DeviceDatastream";

async fn acknowledged(sending: impl Future<Output = Result<Delivery, SendError>>) -> TestResult {
    let receipt = soon(soon(sending).await?).await?;
    assert!(
        matches!(receipt, Receipt::Acknowledged | Receipt::Unconfirmed),
        "{receipt:?}"
    );
    Ok(())
}

#[tokio::test]
async fn every_type_arrives_as_it_was_sent() -> TestResult {
    let site = Site::start().await?;
    let mut builder = Device::builder(site.config());
    let sender = builder.interface::<DeviceDatastream>();
    let device = soon(builder.connect()).await?;

    use device_datastream::*;
    let moment = Timestamp::from_millis(1_537_449_422_890)?;
    acknowledged(sender.send(DoubleValue, 21.5)).await?;
    acknowledged(sender.send(IntegerValue, -7)).await?;
    acknowledged(sender.send(BooleanValue, true)).await?;
    acknowledged(sender.send(LongintegerValue, 1 << 40)).await?;
    acknowledged(sender.send(StringValue, "grün")).await?;
    acknowledged(sender.send(BinaryblobValue, b"\x01\x02")).await?;
    acknowledged(sender.send(DatetimeValue, moment)).await?;
    acknowledged(sender.send(DoublearrayValue, &[1.0, -2.5])).await?;
    acknowledged(sender.send(IntegerarrayValue, &[1, 2])).await?;
    acknowledged(sender.send(BooleanarrayValue, &[true, false])).await?;
    acknowledged(sender.send(LongintegerarrayValue, &[1, 1 << 40])).await?;
    acknowledged(sender.send(StringarrayValue, &["a", "b"])).await?;
    acknowledged(sender.send(BinaryblobarrayValue, &[b"ab", b"cd"])).await?;
    acknowledged(sender.send(DatetimearrayValue, &[moment])).await?;

    let millis = moment.as_millis();
    for (path, expected) in [
        ("double", Value::Double(21.5)),
        ("integer", Value::Integer(-7)),
        ("boolean", Value::Boolean(true)),
        ("longinteger", Value::LongInteger(1 << 40)),
        ("string", Value::String("grün".into())),
        ("binaryblob", Value::BinaryBlob(vec![1, 2])),
        ("datetime", Value::DateTime(millis)),
        ("doublearray", Value::DoubleArray(vec![1.0, -2.5])),
        ("integerarray", Value::IntegerArray(vec![1, 2])),
        ("booleanarray", Value::BooleanArray(vec![true, false])),
        (
            "longintegerarray",
            Value::LongIntegerArray(vec![1, 1 << 40]),
        ),
        (
            "stringarray",
            Value::StringArray(vec!["a".into(), "b".into()]),
        ),
        (
            "binaryblobarray",
            Value::BinaryBlobArray(vec![b"ab".to_vec(), b"cd".to_vec()]),
        ),
        ("datetimearray", Value::DateTimeArray(vec![millis])),
    ] {
        let received = site
            .device
            .received(NAME, &format!("/{path}/value"))
            .await?;
        assert_eq!(received.value(), Some(&expected), "{path}");
    }
    device.disconnect().await;
    Ok(())
}

#[tokio::test]
async fn bytes_and_quality_of_service_are_those_of_the_documents() -> TestResult {
    let site = Site::start().await?;
    let mut builder = Device::builder(site.config());
    let sender = builder.interface::<DeviceDatastream>();
    let _device = soon(builder.connect()).await?;

    use device_datastream::*;
    let at = AtValue { id: "7" };
    acknowledged(sender.send_at(at, 16.73, Timestamp::from_millis(1_537_449_422_890)?)).await?;
    let received = site.device.received(NAME, "/at/7/value").await?;
    let dump = "1b 00 00 00 09 74 00 2a 70 20 f7 65 01 00 00 01 76 00 7b 14 ae 47 e1 ba 30 40 00";
    let hex: Vec<String> = received
        .payload()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(hex.join(" "), dump);
    assert_eq!(received.timestamp(), 1_537_449_422_890);
    assert_eq!(received.qos(), 1);

    acknowledged(sender.send(DoubleValue, 0.0)).await?;
    assert_eq!(site.device.received(NAME, "/double/value").await?.qos(), 0);
    acknowledged(sender.send(BooleanValue, false)).await?;
    assert_eq!(site.device.received(NAME, "/boolean/value").await?.qos(), 2);
    Ok(())
}

#[tokio::test]
async fn parameters_are_any_text_that_mqtt_leaves_alone() -> TestResult {
    let site = Site::start().await?;
    let mut builder = Device::builder(site.config());
    let sender = builder.interface::<DeviceDatastream>();
    let _device = soon(builder.connect()).await?;

    use device_datastream::AtValue;
    let now = Timestamp::now();
    for id in [
        "0",
        "550e8400-e29b-41d4-a716-446655440000",
        "00:11:22:33:44:55",
        "::1",
        "küche",
        "a b",
    ] {
        acknowledged(sender.send_at(AtValue { id }, 1.0, now)).await?;
        site.device
            .received(NAME, &format!("/at/{id}/value"))
            .await?;
    }
    acknowledged(sender.send_at(AtValue { id: 42 }, 1.0, now)).await?;
    site.device.received(NAME, "/at/42/value").await?;
    for id in ["", "a/b", "+", "#"] {
        let error = soon(sender.send_at(AtValue { id }, 1.0, now))
            .await
            .unwrap_err();
        assert!(matches!(error, SendError::Param { .. }), "{error}");
    }
    Ok(())
}

#[tokio::test]
async fn what_the_server_would_refuse_is_refused_before() -> TestResult {
    let site = Site::start().await?;
    let mut builder = Device::builder(site.config());
    let sender = builder.interface::<DeviceDatastream>();
    let _device = soon(builder.connect()).await?;

    use device_datastream::*;
    let too_long = "x".repeat(65_536);
    let error = soon(sender.send(StringValue, &too_long)).await.unwrap_err();
    let (topic, overhead) = (
        format!(
            "{}/{}/{NAME}/string/value",
            site.sandbox.realm(),
            site.device.id()
        ),
        17,
    );
    assert_eq!(
        error.to_string(),
        format!(
            "the message on `{NAME}/string/value` needs an MQTT packet of {} bytes, the broker takes 65535",
            topic.len() + overhead + too_long.len()
        )
    );
    let error = soon(sender.send(DoubleValue, f64::NAN)).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("the value of `{NAME}/double/value`: NaN is not a finite number")
    );
    assert!(soon(sender.send(IntegerValue, i32::MIN)).await.is_err());
    assert!(soon(sender.send(BinaryblobValue, &[])).await.is_err());
    assert!(site.device.is_connected());
    Ok(())
}
