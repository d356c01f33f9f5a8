//! Data of devices, scenarios 51 to 85 of the protocol.

use std::collections::BTreeMap;

use astarte_sandbox::{Content, Device, ErrorName, EventKind, Value};
use rumqttc::mqttbytes::v4::{Packet, PubAck};

use crate::bson::{self, Element};
use crate::client::{Client, Options};
use crate::fixtures::{self, below, connected, paired};

/// Publishes and waits until the message is processed.
async fn send(device: &Device, client: &mut Client, topic: &str, payload: Vec<u8>) {
    client.publish(&below(device, topic), 1, payload).await;
    device.all_processed().await;
}

/// Each message must be the end of a connection.
async fn assert_kicked(name: ErrorName, messages: Vec<(&str, Vec<u8>)>) {
    let sandbox = fixtures::sandbox().await;
    for (topic, payload) in messages {
        let (device, mut client) = connected(&sandbox).await;
        send(&device, &mut client, topic, payload.clone()).await;
        client.closed().await;
        let error = device.error().await.unwrap();
        assert_eq!(error.name, name, "{topic}: {error}");
        assert_eq!(error.payload.unwrap_or_default(), payload);
        let (interface, path) = topic.split_once('/').unwrap();
        assert_eq!(error.interface.as_deref(), Some(interface));
        assert_eq!(error.path, Some(format!("/{path}")));
        assert!(device.subscriptions().is_empty());
    }
}

fn many(count: usize) -> Vec<Element> {
    let keys = (0..count).map(|index| &*index.to_string().leak());
    keys.map(|key| bson::int32(key, 1)).collect()
}

#[tokio::test]
async fn timestamps() {
    let sandbox = fixtures::sandbox().await;
    let (device, mut client) = connected(&sandbox).await;
    let at = 1_537_449_422_890;
    let value = || bson::double("v", 21.5);
    for (topic, payload, stamped) in [
        (
            "test.Ind/1/value",
            bson::document(vec![bson::datetime("t", at), value()]),
            true,
        ),
        ("test.Ind/1/value", bson::v(value()), false),
        (
            "test.Ind/1/value",
            bson::document(vec![value(), bson::int64("t", at)]),
            false,
        ),
        (
            "test.IndReception/1/value",
            bson::document(vec![value(), bson::datetime("t", at)]),
            false,
        ),
    ] {
        send(&device, &mut client, topic, payload.clone()).await;
        let (interface, _) = topic.split_once('/').unwrap();
        let received = device.received(interface, "/1/value").await.unwrap();
        assert_eq!(received.value(), Some(&Value::Double(21.5)));
        assert_eq!(received.timestamp() == at, stamped);
        assert_eq!(received.timestamp() == received.reception(), !stamped);
        assert_eq!(*received.payload(), payload);
        assert_eq!(received.qos(), 1);
    }
}

/// Where a topic leads is found once, and found again when interfaces change.
#[tokio::test]
async fn a_topic_leads_where_the_interfaces_say_now() {
    let sandbox = fixtures::sandbox().await;
    let (device, mut client) = connected(&sandbox).await;
    let stamped = || bson::document(vec![bson::datetime("t", 5), bson::double("v", 1.0)]);
    let topic = "test.IndReception/1/value";
    for _ in 0..2 {
        send(&device, &mut client, topic, stamped()).await;
        let received = device.received("test.IndReception", "/1/value").await;
        assert_ne!(received.unwrap().timestamp(), 5);
    }
    let stamping = crate::interfaces::IND_RECEPTION
        .replace("\"version_minor\": 0", "\"version_minor\": 1")
        .replace("\"double\"", "\"double\", \"explicit_timestamp\": true");
    sandbox.update(&stamping).unwrap();
    // More topics than are known at a time, and the first one again.
    for number in (1..600).chain([1]) {
        let topic = below(&device, &format!("test.IndReception/{number}/value"));
        client.publish(&topic, 0, stamped()).await;
    }
    for number in (1..600).chain([1]) {
        let path = format!("/{number}/value");
        let received = device.received("test.IndReception", &path).await;
        assert_eq!(received.unwrap().timestamp(), 5);
    }
    let base = fixtures::base(&device);
    client.publish(&base, 1, "test.IndReception:2:0").await;
    send(&device, &mut client, topic, stamped()).await;
    client.closed().await;
    let error = device.error().await.unwrap();
    assert_eq!(error.name, ErrorName::InterfaceLoadingFailed);
}

#[tokio::test]
async fn a_slash_at_the_end_makes_another_path() {
    let sandbox = fixtures::sandbox().await;
    let (device, mut client) = connected(&sandbox).await;
    send(
        &device,
        &mut client,
        "test.Ind/1/value/",
        bson::v(bson::double("v", 1.0)),
    )
    .await;
    assert_eq!(device.paths("test.Ind"), ["/1/value/"]);
}

#[tokio::test]
async fn paths_are_checked() {
    let value = || bson::v(bson::double("v", 1.0));
    assert_kicked(
        ErrorName::InvalidPath,
        vec![("test.Ind//value", value()), ("test.Ind/1//value", value())],
    )
    .await;
    assert_kicked(
        ErrorName::AmbiguousPath,
        vec![("test.Ind/1", value()), ("test.Ind/", value())],
    )
    .await;
    assert_kicked(
        ErrorName::MappingNotFound,
        vec![
            ("test.Ind/1/nope", value()),
            ("test.Ind/1/value/x", value()),
            ("test.Obj/1/temp", value()),
            ("test.Obj/", value()),
        ],
    )
    .await;
}

#[tokio::test]
async fn the_owner_counts_before_anything_else() {
    let messages = vec![
        ("test.SrvD/unique", vec![0xff]),
        ("test.SrvP/nope", Vec::new()),
    ];
    assert_kicked_unsubscribed(ErrorName::WriteOnServerOwnedInterface, messages).await;
}

/// Like [`assert_kicked`], for a device that does not hear itself.
async fn assert_kicked_unsubscribed(name: ErrorName, messages: Vec<(&str, Vec<u8>)>) {
    let sandbox = fixtures::sandbox().await;
    for (topic, payload) in messages {
        let (device, identity) = paired(&sandbox).await;
        let mut client = Client::connect(&sandbox, &identity, Options::kept("x")).await;
        client
            .publish(
                &fixtures::base(&device),
                1,
                crate::interfaces::INTROSPECTION,
            )
            .await;
        send(&device, &mut client, topic, payload).await;
        client.closed().await;
        assert_eq!(device.error().await.unwrap().name, name, "{topic}");
    }
}

#[tokio::test]
async fn payloads_are_decoded() {
    let timestamp = vec![0x10, 0, 0, 0, 0x11, b'v', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let messages = vec![
        ("test.Ind/1/value", vec![0xff, 0xff]),
        ("test.Ind/1/value", timestamp),
    ];
    assert_kicked(ErrorName::UndecodableBsonPayload, messages).await;
}

#[tokio::test]
async fn values_are_checked() {
    assert_kicked(
        ErrorName::UnexpectedValueType,
        vec![
            ("test.Ind/1/value", bson::v(bson::string("v", "x"))),
            (
                "test.Ind/1/value",
                bson::document(vec![bson::int32("value", 1)]),
            ),
            ("test.Types/double", bson::v(bson::double("v", f64::NAN))),
            ("test.Types/integer", bson::v(bson::int32("v", i32::MIN))),
            (
                "test.Types/longinteger",
                bson::v(bson::int64("v", i64::MIN)),
            ),
            ("test.Types/binaryblob", bson::v(bson::string("v", "x"))),
            (
                "test.Types/integerarray",
                bson::v(bson::array(
                    "v",
                    vec![bson::int32("0", 1), bson::string("1", "a")],
                )),
            ),
            ("test.Obj/1", bson::object(vec![bson::string("temp", "x")])),
            ("test.Obj/1", Vec::new()),
            ("test.Obj/1", bson::v(bson::double("v", 1.0))),
        ],
    )
    .await;
    let array = bson::v(bson::array("v", many(1025)));
    assert_kicked(
        ErrorName::ValueSizeExceeded,
        vec![("test.Types/integerarray", array)],
    )
    .await;
}

#[tokio::test]
async fn integers_stand_for_each_other() {
    let sandbox = fixtures::sandbox().await;
    let (device, mut client) = connected(&sandbox).await;
    for (path, element, expected) in [
        ("integer", bson::int64("v", 5), Value::Integer(5)),
        ("longinteger", bson::int32("v", 5), Value::LongInteger(5)),
        ("datetime", bson::int64("v", 5), Value::DateTime(5)),
        (
            "string",
            bson::binary("v", b"ok"),
            Value::String("ok".into()),
        ),
        (
            "integerarray",
            bson::array("v", many(1024)),
            Value::IntegerArray(vec![1; 1024]),
        ),
    ] {
        send(
            &device,
            &mut client,
            &format!("test.Types/{path}"),
            bson::v(element),
        )
        .await;
        let received = device
            .received("test.Types", &format!("/{path}"))
            .await
            .unwrap();
        assert_eq!(received.value(), Some(&expected));
        assert!(!received.would_wedge());
    }
    send(
        &device,
        &mut client,
        "test.Types/double",
        bson::v(bson::int32("v", 5)),
    )
    .await;
    assert!(
        device
            .received("test.Types", "/double")
            .await
            .unwrap()
            .would_wedge()
    );
}

#[tokio::test]
async fn a_datastream_is_not_unset() {
    let sandbox = fixtures::sandbox().await;
    let (device, mut client) = connected(&sandbox).await;
    for (topic, payload) in [
        ("test.Ind/1/value", Vec::new()),
        ("test.Ind/1/value", bson::v(bson::null("v"))),
        ("test.Types/binaryblob", bson::v(bson::binary("v", b""))),
    ] {
        let mut events = device.events();
        send(&device, &mut client, topic, payload).await;
        assert_eq!(
            device.error().await.unwrap().name,
            ErrorName::UnsetOnDatastream
        );
        assert!(matches!(
            events.try_next().unwrap().kind,
            EventKind::IncomingData(_)
        ));
        assert!(matches!(
            events.try_next().unwrap().kind,
            EventKind::Error(_)
        ));
    }
    assert!(device.paths("test.Ind").is_empty());
    client.is_alive().await;

    let stamped = bson::document(vec![bson::datetime("t", 1), bson::binary("v", b"")]);
    send(
        &device,
        &mut client,
        "test.Types/stamped/binaryblob",
        stamped,
    )
    .await;
    let received = device
        .received("test.Types", "/stamped/binaryblob")
        .await
        .unwrap();
    assert_eq!(received.value(), Some(&Value::BinaryBlob(Vec::new())));
}

#[tokio::test]
async fn objects() {
    let sandbox = fixtures::sandbox().await;
    let (device, mut client) = connected(&sandbox).await;
    let temp = || bson::double("temp", 1.0);
    let field = |key: &str, value: Option<Value>| (key.to_owned(), value);
    let expected_temp = || field("temp", Some(Value::Double(1.0)));
    for (topic, payload, expected) in [
        (
            "test.Obj/1",
            bson::object(vec![temp()]),
            vec![expected_temp()],
        ),
        (
            "test.Obj/1",
            bson::document(vec![temp()]),
            vec![expected_temp()],
        ),
        ("test.Obj/1", bson::object(vec![]), vec![]),
        (
            "test.ObjRequired/1",
            bson::object(vec![bson::null("temp"), bson::int32("hum", 1)]),
            vec![field("temp", None), field("hum", Some(Value::Integer(1)))],
        ),
    ] {
        send(&device, &mut client, topic, payload).await;
        let (interface, _) = topic.split_once('/').unwrap();
        let received = device.received(interface, "/1").await.unwrap();
        assert_eq!(
            *received.content(),
            Content::Object(BTreeMap::from_iter(expected))
        );
    }
}

#[tokio::test]
async fn keys_of_objects_are_checked() {
    let both = vec![bson::double("temp", 1.0), bson::int32("x", 1)];
    let messages = vec![("test.Obj/1", bson::object(both))];
    assert_kicked(ErrorName::UnexpectedObjectKey, messages).await;
    let messages = vec![(
        "test.ObjRequired/1",
        bson::object(vec![bson::int32("hum", 1)]),
    )];
    assert_kicked(ErrorName::MissingRequiredMapping, messages).await;
}

#[tokio::test]
async fn properties_are_set_and_unset() {
    let sandbox = fixtures::sandbox().await;
    let (device, mut client) = connected(&sandbox).await;
    let mut events = device.events();
    for text in ["x", "x", "y"] {
        send(
            &device,
            &mut client,
            "test.Prop/a",
            bson::v(bson::string("v", text)),
        )
        .await;
        assert_eq!(
            device.property("test.Prop", "/a"),
            Some(Value::String(text.into()))
        );
    }
    send(&device, &mut client, "test.Prop/a", Vec::new()).await;
    send(&device, &mut client, "test.Prop/a", Vec::new()).await;
    assert_eq!(device.property("test.Prop", "/a"), None);
    let mut changes = Vec::new();
    while let Some(event) = events.try_next() {
        match event.kind {
            EventKind::IncomingData(_) => {}
            EventKind::PathCreated { .. } => changes.push("created"),
            EventKind::ValueChange { .. } => changes.push("change"),
            EventKind::ValueChangeApplied { .. } => changes.push("applied"),
            EventKind::PathRemoved { .. } => changes.push("removed"),
            other => panic!("{other}"),
        }
    }
    assert_eq!(
        changes,
        [
            "change", "created", "change", "applied", "change", "removed"
        ]
    );
    for text in ["x", "x", "y"] {
        let received = device.received("test.Prop", "/a").await.unwrap();
        assert_eq!(received.value(), Some(&Value::String(text.into())));
    }
    assert!(device.received("test.Prop", "/a").await.unwrap().is_unset());
    assert_kicked(
        ErrorName::UnsetNotAllowed,
        vec![("test.Prop/b", Vec::new())],
    )
    .await;
}

#[tokio::test]
async fn what_is_accepted_behind_an_error_is_processed() {
    let sandbox = fixtures::sandbox().await;
    let (device, mut client) = connected(&sandbox).await;
    let mut burst = bytes::BytesMut::new();
    let topic = below(&device, "test.Ind/1/value");
    let payloads = [bson::v(bson::string("v", "x"))]
        .into_iter()
        .chain((1..=3).map(|number| bson::v(bson::double("v", f64::from(number)))));
    let mut ids = Vec::new();
    for payload in payloads {
        let publish = client.publication(&topic, 1, payload);
        ids.push(publish.pkid);
        publish.write(&mut burst).unwrap();
    }
    client.send_bytes(&burst).await;
    for id in ids {
        assert_eq!(client.receive().await, Packet::PubAck(PubAck::new(id)));
    }
    client.closed().await;
    device.all_processed().await;
    assert_eq!(
        device.error().await.unwrap().name,
        ErrorName::UnexpectedValueType
    );
    for number in 1..=3 {
        let received = device.received("test.Ind", "/1/value").await.unwrap();
        assert_eq!(received.value(), Some(&Value::Double(f64::from(number))));
    }
}

#[tokio::test]
async fn the_quality_of_service_is_the_devices_choice() {
    let sandbox = fixtures::sandbox().await;
    let (device, mut client) = connected(&sandbox).await;
    for qos in 0..=2 {
        let payload = bson::v(bson::double("v", 1.0));
        client
            .publish(&below(&device, "test.Ind/1/value"), qos, payload)
            .await;
        assert_eq!(
            device.received("test.Ind", "/1/value").await.unwrap().qos(),
            qos
        );
    }
}

#[tokio::test]
async fn topics_need_not_be_text() {
    let sandbox = fixtures::sandbox().await;
    for (suffix, name) in [
        (&b"/\xff/x"[..], ErrorName::InvalidInterface),
        (b"/test.Ind/\xff", ErrorName::InvalidPath),
    ] {
        let (device, mut client) = connected(&sandbox).await;
        let mut topic = fixtures::base(&device).into_bytes();
        topic.extend(suffix);
        let mut packet = vec![0x30, u8::try_from(topic.len() + 2).unwrap(), 0];
        packet.push(u8::try_from(topic.len()).unwrap());
        packet.extend(topic);
        client.send_bytes(&packet).await;
        client.closed().await;
        assert_eq!(device.error().await.unwrap().name, name);
    }
}

#[tokio::test]
async fn encrypted_interfaces_have_no_key() {
    let sandbox = fixtures::sandbox().await;
    let interface = crate::interfaces::IND
        .replace("test.Ind", "test.Encrypted")
        .replace(
            "\"type\": \"double\"",
            "\"type\": \"double\", \"encrypted\": true",
        );
    sandbox.install(&interface).unwrap();
    let (device, mut client) = connected(&sandbox).await;
    client
        .publish(&fixtures::base(&device), 1, "test.Encrypted:1:0")
        .await;
    send(
        &device,
        &mut client,
        "test.Encrypted/1/value",
        bson::v(bson::double("v", 1.0)),
    )
    .await;
    client.closed().await;
    assert_eq!(
        device.error().await.unwrap().name,
        ErrorName::KeyAgreementError
    );
}
