//! emptyCache, lists of properties and capabilities, scenarios 37 to 50 of the protocol.

use astarte_sandbox::{Device, Disconnection, ErrorName, EventKind, Profile, Sandbox, Value};
use bytes::Bytes;
use rumqttc::mqttbytes::QoS;
use std::io::{Read, Write};

use crate::bson;
use crate::client::{Client, Options};
use crate::fixtures::{self, base, below, connected, introduce, paired};

const EMPTY_LIST: [u8; 12] = [0, 0, 0, 0, 0x78, 0x9c, 3, 0, 0, 0, 0, 1];

async fn empty_cache(device: &Device, client: &mut Client, payload: &str) {
    client
        .publish(&below(device, "control/emptyCache"), 1, payload)
        .await;
    device.all_processed().await;
}

async fn kicked(device: &Device, client: Client, name: ErrorName) {
    client.closed().await;
    assert_eq!(device.error().await.unwrap().name, name);
}

fn deflate(text: &str) -> Vec<u8> {
    let length = u32::try_from(text.len()).unwrap();
    let header = length.to_be_bytes().to_vec();
    let mut encoder = flate2::write::ZlibEncoder::new(header, flate2::Compression::best());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

fn inflate(payload: &Bytes) -> String {
    let mut text = String::new();
    flate2::read::ZlibDecoder::new(&payload[4..])
        .read_to_string(&mut text)
        .unwrap();
    assert_eq!(
        payload[..4],
        u32::try_from(text.len()).unwrap().to_be_bytes()
    );
    text
}

async fn set_device_properties(device: &Device, client: &mut Client) {
    client
        .publish(
            &below(device, "test.Prop/a"),
            2,
            bson::v(bson::string("v", "x")),
        )
        .await;
    client
        .publish(
            &below(device, "test.Prop/b"),
            2,
            bson::v(bson::int32("v", 5)),
        )
        .await;
    device.all_processed().await;
    assert_eq!(device.properties("test.Prop").len(), 2);
}

async fn send_list(device: &Device, client: &mut Client, payload: impl Into<Vec<u8>>) {
    client
        .publish(&below(device, "control/producer/properties"), 1, payload)
        .await;
    device.all_processed().await;
}

#[tokio::test]
async fn empty_cache_brings_the_list_and_then_the_properties() {
    let sandbox = fixtures::sandbox().await;
    let (device, mut client) = connected(&sandbox).await;
    device
        .set_property("test.SrvP", "/s", Value::String("x".into()))
        .unwrap();
    device
        .set_property("test.SrvP", "/kept", Value::String("y".into()))
        .unwrap();
    client.take().await;
    client.take().await;
    for payload in ["1", "garbage"] {
        empty_cache(&device, &mut client, payload).await;
        let list = client.take().await;
        assert_eq!(list.topic, below(&device, "control/consumer/properties"));
        assert_eq!((list.qos, list.retain), (QoS::ExactlyOnce, false));
        assert_eq!(inflate(&list.payload), "test.SrvP/kept;test.SrvP/s");
        for (path, value) in [("kept", "y"), ("s", "x")] {
            let property = client.take().await;
            assert_eq!(property.topic, below(&device, &format!("test.SrvP/{path}")));
            assert_eq!(property.payload, bson::v(bson::string("v", value)));
            assert_eq!(property.qos, QoS::ExactlyOnce);
        }
    }
    device.ready().await.unwrap();
}

#[tokio::test]
async fn without_properties_the_list_is_empty() {
    let sandbox = fixtures::sandbox().await;
    let (device, mut client) = connected(&sandbox).await;
    empty_cache(&device, &mut client, "1").await;
    assert_eq!(*client.take().await.payload, EMPTY_LIST);
    assert!(client.is_alive().await.is_empty());
}

#[tokio::test]
async fn as_shipped_the_list_is_always_empty() {
    let builder = Sandbox::builder().profile(Profile::AsShipped);
    let sandbox = fixtures::with_interfaces(builder).start().await.unwrap();
    let (device, mut client) = connected(&sandbox).await;
    device
        .set_property("test.SrvP", "/s", Value::String("x".into()))
        .unwrap();
    client.take().await;
    empty_cache(&device, &mut client, "1").await;
    assert_eq!(*client.take().await.payload, EMPTY_LIST);
    assert_eq!(client.take().await.topic, below(&device, "test.SrvP/s"));
}

#[tokio::test]
async fn empty_cache_needs_its_subscriptions() {
    let sandbox = fixtures::sandbox().await;
    let (device, identity) = paired(&sandbox).await;
    let mut client = Client::connect(&sandbox, &identity, Options::kept("x")).await;
    empty_cache(&device, &mut client, "1").await;
    kicked(&device, client, ErrorName::DeviceSessionNotFound).await;

    let mut client = Client::connect(&sandbox, &identity, Options::kept("x")).await;
    assert!(!client.session_present);
    client.publish(&base(&device), 2, "test.SrvP:1:0").await;
    device.all_processed().await;
    device
        .set_property("test.SrvP", "/s", Value::String("x".into()))
        .unwrap();
    client
        .subscribe(&[(&below(&device, "control/consumer/properties"), 0)])
        .await;
    client
        .publish(&below(&device, "control/emptyCache"), 0, "1")
        .await;
    assert_eq!(inflate(&client.take().await.payload), "test.SrvP/s");
    kicked(&device, client, ErrorName::ResendInterfacePropertiesFailed).await;
}

#[tokio::test]
async fn empty_cache_needs_every_interface() {
    let sandbox = fixtures::sandbox().await;
    let (device, identity) = paired(&sandbox).await;
    let mut client = Client::connect(&sandbox, &identity, Options::kept("x")).await;
    client.publish(&base(&device), 2, "not.Installed:1:0").await;
    client
        .subscribe(&[(&below(&device, "control/consumer/properties"), 0)])
        .await;
    client
        .publish(&below(&device, "control/emptyCache"), 0, "1")
        .await;
    client.take().await;
    kicked(&device, client, ErrorName::InterfaceLoadingFailed).await;
}

#[tokio::test]
async fn the_list_of_the_device_removes_what_it_lacks() {
    let sandbox = fixtures::sandbox().await;
    let mut reversed = deflate("test.Prop/b");
    reversed[..4].reverse();
    for list in [
        deflate("test.Prop/b"),
        reversed,
        deflate("noslash;not.There/a;test.Prop/b;test.SrvP/s"),
    ] {
        let (device, mut client) = connected(&sandbox).await;
        set_device_properties(&device, &mut client).await;
        device
            .set_property("test.SrvP", "/kept", Value::String("x".into()))
            .unwrap();
        client.take().await;
        let mut events = device.events();
        send_list(&device, &mut client, list).await;
        let left: Vec<String> = device.properties("test.Prop").into_keys().collect();
        assert_eq!(left, ["/b"]);
        assert!(device.property("test.SrvP", "/kept").is_some());
        let removed = events.try_next().unwrap().kind;
        assert!(matches!(&removed, EventKind::PathRemoved { path, .. } if path == "/a"));
        assert!(events.try_next().is_none());
        client.is_alive().await;
    }
}

#[tokio::test]
async fn four_zeros_are_an_empty_list() {
    let sandbox = fixtures::sandbox().await;
    let (device, mut client) = connected(&sandbox).await;
    set_device_properties(&device, &mut client).await;
    send_list(&device, &mut client, [0; 4]).await;
    assert!(device.properties("test.Prop").is_empty());
}

#[tokio::test]
async fn a_list_that_cannot_be_read_has_no_event() {
    let sandbox = fixtures::sandbox().await;
    for (list, wedges) in [(&b"\0\0\0\x05hello"[..], false), (b"\0", true), (b"", true)] {
        let (device, mut client) = connected(&sandbox).await;
        let mut events = device.events();
        send_list(&device, &mut client, list).await;
        client.closed().await;
        let kind = events.try_next().unwrap().kind;
        let name = ErrorName::PurgePropertiesError;
        assert!(
            matches!(&kind, EventKind::Disconnected { reason } if *reason == Disconnection::Kicked(name)),
            "{kind:?}"
        );
        assert!(events.try_next().is_none());
        let error = device.error().await.unwrap();
        assert_eq!((error.name, error.would_wedge), (name, wedges));
    }
}

#[tokio::test]
async fn capabilities_outlive_the_session() {
    let sandbox = fixtures::sandbox().await;
    let (device, identity) = paired(&sandbox).await;
    let mut client = Client::connect(&sandbox, &identity, Options::clean("x")).await;
    introduce(&device, &mut client).await;
    let format = bson::string("purge_properties_compression_format", "plaintext");
    client
        .publish(
            &below(&device, "capabilities"),
            1,
            bson::document(vec![format]),
        )
        .await;
    empty_cache(&device, &mut client, "1").await;
    assert!(client.take().await.payload.is_empty());
    client.disconnect().await;

    let mut client = Client::connect(&sandbox, &identity, Options::clean("x")).await;
    set_device_properties(&device, &mut client).await;
    send_list(&device, &mut client, "test.Prop/a").await;
    let left: Vec<String> = device.properties("test.Prop").into_keys().collect();
    assert_eq!(left, ["/a"]);
    send_list(&device, &mut client, "").await;
    assert!(device.properties("test.Prop").is_empty());

    for payload in [
        bson::document(vec![]),
        bson::document(vec![bson::int32("other", 1)]),
    ] {
        client
            .publish(&below(&device, "capabilities"), 1, payload)
            .await;
    }
    device.all_processed().await;
    client.is_alive().await;
}

#[tokio::test]
async fn malformed_capabilities_are_an_error() {
    let sandbox = fixtures::sandbox().await;
    let unknown = bson::string("purge_properties_compression_format", "gzip");
    for (payload, wedges) in [
        (b"not bson".to_vec(), false),
        (Vec::new(), false),
        (bson::document(vec![unknown]), true),
    ] {
        let (device, mut client) = connected(&sandbox).await;
        client
            .publish(&below(&device, "capabilities"), 1, payload)
            .await;
        client.closed().await;
        let error = device.error().await.unwrap();
        assert_eq!(error.name, ErrorName::MalformedCapabilitiesMessage);
        assert_eq!(error.would_wedge, wedges);
    }
}

#[tokio::test]
async fn other_control_topics_are_an_error() {
    let sandbox = fixtures::sandbox().await;
    for topic in [
        "control/foo",
        "control",
        "control/",
        "control/consumer/properties",
    ] {
        let (device, identity) = paired(&sandbox).await;
        let mut client = Client::connect(&sandbox, &identity, Options::kept("x")).await;
        client.publish(&below(&device, topic), 1, "x").await;
        kicked(&device, client, ErrorName::UnexpectedControlMessage).await;
    }
    let (device, mut client) = connected(&sandbox).await;
    client
        .publish(&below(&device, "capabilities/foo"), 1, "x")
        .await;
    kicked(&device, client, ErrorName::InterfaceLoadingFailed).await;
}
