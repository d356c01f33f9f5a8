//! Data of the server, scenarios 86 to 96 of the protocol.

use astarte_sandbox::{InstallError, PublishError, UpdateError, Value};
use rumqttc::mqttbytes::QoS;

use crate::bson;
use crate::client::{Client, Options};
use crate::fixtures::{self, base, below, connected, introduce, paired};
use crate::interfaces::{IND, SRV_P};

fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}

#[tokio::test]
async fn properties_are_set_and_unset() {
    let sandbox = fixtures::sandbox().await;
    let (device, mut client) = connected(&sandbox).await;
    assert_eq!(device.set_property("test.SrvP", "/s", text("y")), Ok(1));
    let set = client.take().await;
    assert_eq!(set.topic, below(&device, "test.SrvP/s"));
    assert_eq!((set.qos, set.retain), (QoS::ExactlyOnce, false));
    assert_eq!(set.payload, bson::v(bson::string("v", "y")));
    assert_eq!(device.property("test.SrvP", "/s"), Some(text("y")));

    assert_eq!(device.unset_property("test.SrvP", "/s"), Ok(1));
    let unset = client.take().await;
    assert_eq!(
        (unset.topic, unset.payload.len()),
        (below(&device, "test.SrvP/s"), 0)
    );
    assert_eq!(device.property("test.SrvP", "/s"), None);
    assert_eq!(device.unset_property("test.SrvP", "/s"), Ok(1));
    assert_eq!(
        device.unset_property("test.SrvP", "/kept"),
        Err(PublishError::UnsetNotAllowed("/kept".into()))
    );
}

#[tokio::test]
async fn numbers_travel_as_the_server_writes_them() {
    let sandbox = fixtures::sandbox().await;
    let (device, mut client) = connected(&sandbox).await;
    for (path, value, element) in [
        ("/long", Value::LongInteger(42), bson::int32("v", 42)),
        (
            "/long",
            Value::LongInteger(1 << 40),
            bson::int64("v", 1 << 40),
        ),
        ("/double", Value::Integer(5), bson::double("v", 5.0)),
    ] {
        device.set_property("test.SrvP", path, value).unwrap();
        assert_eq!(client.take().await.payload, bson::v(element));
    }
}

#[tokio::test]
async fn datastreams_have_the_quality_of_their_mapping() {
    let sandbox = fixtures::sandbox().await;
    let (device, mut client) = connected(&sandbox).await;
    for (path, qos) in [
        ("/unreliable", QoS::AtMostOnce),
        ("/guaranteed", QoS::AtLeastOnce),
        ("/unique", QoS::ExactlyOnce),
    ] {
        assert_eq!(device.publish("test.SrvD", path, Value::Integer(1)), Ok(1));
        assert_eq!(client.take().await.qos, qos);
    }
}

#[tokio::test]
async fn objects_have_a_value_and_nothing_else() {
    let sandbox = fixtures::sandbox().await;
    let (device, mut client) = connected(&sandbox).await;
    let object = [("on", Value::Boolean(true)), ("level", Value::Integer(3))];
    assert_eq!(device.publish_object("test.SrvO", "/1", object), Ok(1));
    let publish = client.take().await;
    assert_eq!(publish.topic, below(&device, "test.SrvO/1"));
    let level = bson::int32("level", 3);
    let mut expected = bson::object(vec![level, bson::int32("on", 1)]);
    // The tests have no element for booleans: this one is a byte long, and so are the lengths
    // before it shorter.
    let end = expected.len() - 2;
    expected.truncate(end - 4 - 3 - 1);
    expected.extend([8, b'o', b'n', 0, 1, 0, 0]);
    expected[0] -= 3;
    expected[7] -= 3;
    assert_eq!(publish.payload, expected);
    let partial = [("level", Value::Integer(3))];
    assert_eq!(device.publish_object("test.SrvO", "/1", partial), Ok(1));
}

#[tokio::test]
async fn nobody_to_publish_to() {
    let sandbox = fixtures::sandbox().await;
    let (device, identity) = paired(&sandbox).await;
    let mut client = Client::connect(&sandbox, &identity, Options::clean("x")).await;
    client
        .publish(&base(&device), 2, "test.SrvD:1:0;test.SrvP:1:0")
        .await;
    device.all_processed().await;
    assert_eq!(
        device.publish("test.SrvD", "/unreliable", Value::Integer(1)),
        Ok(0)
    );
    for path in ["/guaranteed", "/unique"] {
        let result = device.publish("test.SrvD", path, Value::Integer(1));
        assert_eq!(result, Err(PublishError::NobodySubscribed));
    }
    assert_eq!(device.set_property("test.SrvP", "/s", text("later")), Ok(0));
}

#[tokio::test]
async fn what_is_set_meanwhile_comes_with_empty_cache() {
    let sandbox = fixtures::sandbox().await;
    let (device, identity) = paired(&sandbox).await;
    let mut client = Client::connect(&sandbox, &identity, Options::clean("x")).await;
    introduce(&device, &mut client).await;
    client.disconnect().await;
    device.disconnected().await.unwrap();
    assert_eq!(device.set_property("test.SrvP", "/s", text("later")), Ok(0));

    let mut client = Client::connect(&sandbox, &identity, Options::clean("x")).await;
    introduce(&device, &mut client).await;
    client
        .publish(&below(&device, "control/emptyCache"), 2, "1")
        .await;
    client.take().await;
    assert_eq!(
        client.take().await.payload,
        bson::v(bson::string("v", "later"))
    );
}

#[tokio::test]
async fn publications_are_checked() {
    let sandbox = fixtures::sandbox().await;
    let (device, _client) = connected(&sandbox).await;
    let integer = || Value::Integer(1);
    let path = |path: &str| path.to_owned();
    let wrong = Value::Boolean(true)
        .convert(astarte_interface::MappingType::Integer)
        .unwrap_err();
    for (interface, at, value, error) in [
        (
            "no.Such",
            "/x",
            integer(),
            PublishError::NotInIntrospection("no.Such".into()),
        ),
        (
            "test.Ind",
            "/1/value",
            integer(),
            PublishError::DeviceOwned("test.Ind".into()),
        ),
        (
            "test.SrvD",
            "/nope",
            integer(),
            PublishError::NoMapping(path("/nope")),
        ),
        (
            "test.SrvD",
            "unique",
            integer(),
            PublishError::NoMapping(path("unique")),
        ),
        (
            "test.SrvD",
            "/",
            integer(),
            PublishError::IncompletePath(path("/")),
        ),
        (
            "test.SrvD",
            "/unique",
            Value::Boolean(true),
            PublishError::Value(path("/unique"), wrong),
        ),
    ] {
        assert_eq!(device.publish(interface, at, value), Err(error));
    }
    let result = device.publish_object("test.SrvO", "/1", [("x", integer())]);
    assert_eq!(result, Err(PublishError::UnknownKey("x".into())));
    let result = device.publish("test.SrvO", "/1", integer());
    assert!(matches!(result, Err(PublishError::OtherAggregation(..))));
    let result = device.set_property("test.SrvD", "/unique", integer());
    assert_eq!(result, Err(PublishError::NotAProperty("test.SrvD".into())));

    let unknown = sandbox.device("AAAAAAAAAAAAAAAAAAAAAA".parse().unwrap());
    let result = unknown.publish("test.SrvD", "/unique", integer());
    assert_eq!(result, Err(PublishError::UnknownDevice));
}

#[tokio::test]
async fn interfaces_are_installed_and_updated_by_the_rules() {
    let sandbox = fixtures::sandbox().await;
    assert!(matches!(
        sandbox.install(IND),
        Err(InstallError::AlreadyInstalled(_))
    ));
    assert!(matches!(
        sandbox.install("{"),
        Err(InstallError::Invalid(_))
    ));
    let colliding = IND.replace("test.Ind", "tes-t.iND");
    assert!(sandbox.install(&colliding).is_err());

    let newer = IND.replace("\"version_minor\": 0", "\"version_minor\": 1");
    for (what, changed) in [
        ("type", newer.replace("double", "integer")),
        ("endpoint", newer.replace("/value", "/other")),
        ("reliability", newer.replace("unique", "guaranteed")),
        ("same minor", IND.to_owned()),
        ("removed", newer.replace("/%{id}/value", "/%{id}/elsewhere")),
        ("kind", newer.replace("\"device\"", "\"server\"")),
    ] {
        let result = sandbox.update(&changed);
        assert!(
            matches!(result, Err(UpdateError::Incompatible(_))),
            "{what}: {result:?}"
        );
    }
    let added = newer.replace(
        "\"mappings\": [",
        "\"mappings\": [{\"endpoint\": \"/%{id}/added\", \"type\": \"double\",
          \"retention\": \"stored\", \"doc\": \"Added.\"},",
    );
    sandbox.update(&added).unwrap();
    let edited = added
        .replace("\"version_minor\": 1", "\"version_minor\": 3")
        .replace("\"type\": \"double\", \"reliability\": \"unique\"", "\"type\": \"double\", \"reliability\": \"unique\", \"retention\": \"volatile\", \"doc\": \"Edited.\"");
    assert!(edited.contains("volatile"));
    sandbox.update(&edited).unwrap();
    let lower = edited.replace("\"version_minor\": 3", "\"version_minor\": 2");
    let lower = sandbox.update(&lower);
    assert!(matches!(lower, Err(UpdateError::Incompatible(_))));
    assert_eq!(sandbox.interfaces().len(), crate::interfaces::ALL.len());
    let older = sandbox.update(
        SRV_P
            .replace("\"version_major\": 1", "\"version_major\": 2")
            .as_str(),
    );
    assert!(matches!(older, Err(UpdateError::NotInstalled(_))));

    let (device, mut client) = connected(&sandbox).await;
    client
        .publish(
            &below(&device, "test.Ind/1/added"),
            1,
            bson::v(bson::double("v", 2.0)),
        )
        .await;
    device.received("test.Ind", "/1/added").await.unwrap();
}
