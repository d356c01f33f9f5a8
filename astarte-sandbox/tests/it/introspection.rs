//! The introspection, scenarios 28 to 36 of the protocol.

use astarte_sandbox::{Device, ErrorName, EventKind, Version};

use crate::bson;
use crate::client::{Client, Options};
use crate::fixtures::{self, base, below, connected, paired};

fn version(major: u32, minor: u32) -> Version {
    Version { major, minor }
}

async fn introspect(device: &Device, client: &mut Client, text: &str) {
    client.publish(&base(device), 1, text).await;
    device.all_processed().await;
}

#[tokio::test]
async fn an_introspection_replaces_the_one_before() {
    let sandbox = fixtures::sandbox().await;
    let (device, mut client) = connected(&sandbox).await;
    introspect(&device, &mut client, "a.B:1:0;a.C:0:3").await;
    let expected = [
        ("a.B".to_owned(), version(1, 0)),
        ("a.C".to_owned(), version(0, 3)),
    ];
    assert_eq!(device.introspection(), expected.into());
    introspect(&device, &mut client, "a.B:1:0;a.B:2:0").await;
    assert_eq!(
        device.introspection(),
        [("a.B".to_owned(), version(2, 0))].into()
    );
    introspect(&device, &mut client, "").await;
    assert!(device.introspection().is_empty());
    let previous = device.previous_interfaces();
    assert!(previous.contains(&("a.B".to_owned(), version(2, 0))));
    assert!(previous.contains(&("a.C".to_owned(), version(0, 3))));
    client.is_alive().await;
}

#[tokio::test]
async fn a_bad_introspection_changes_nothing() {
    let sandbox = fixtures::sandbox().await;
    for text in ["a.B:1:0;", "a.B:1", "a.B:1:x", "a.B:-1:0", "1a.B:1:0"] {
        let (device, mut client) = connected(&sandbox).await;
        let before = device.introspection();
        introspect(&device, &mut client, text).await;
        client.closed().await;
        let error = device.error().await.unwrap();
        assert_eq!(error.name, ErrorName::InvalidIntrospection, "{text}");
        assert_eq!(error.payload.as_deref(), Some(text.as_bytes()));
        assert_eq!(device.introspection(), before);
    }
}

#[tokio::test]
async fn changes_are_told() {
    let sandbox = fixtures::sandbox().await;
    let (device, mut client) = connected(&sandbox).await;
    introspect(&device, &mut client, "a.B:1:0").await;
    let mut events = device.events();

    introspect(&device, &mut client, "a.B:1:1").await;
    assert!(matches!(
        events.try_next().unwrap().kind,
        EventKind::Introspection(_)
    ));
    let updated = events.try_next().unwrap().kind;
    let EventKind::InterfaceMinorUpdated {
        interface,
        old,
        new,
    } = updated
    else {
        panic!("{updated:?}")
    };
    assert_eq!(
        (interface.as_str(), old, new),
        ("a.B", version(1, 0), version(1, 1))
    );
    assert!(events.try_next().is_none());

    introspect(&device, &mut client, "a.B:2:0").await;
    assert!(matches!(
        events.try_next().unwrap().kind,
        EventKind::Introspection(_)
    ));
    let added = events.try_next().unwrap().kind;
    assert!(
        matches!(&added, EventKind::InterfaceAdded { version, .. } if version.major == 2),
        "{added:?}"
    );
    let removed = events.try_next().unwrap().kind;
    assert!(
        matches!(removed, EventKind::InterfaceRemoved { major: 1, .. }),
        "{removed:?}"
    );
    assert!(events.try_next().is_none());
    let old = ("a.B".to_owned(), version(1, 1));
    assert!(device.previous_interfaces().contains(&old));
    introspect(&device, &mut client, "a.B:1:2").await;
    assert!(!device.previous_interfaces().contains(&old));
}

#[tokio::test]
async fn an_interface_need_not_be_installed_until_it_is_used() {
    let sandbox = fixtures::sandbox().await;
    let (device, mut client) = connected(&sandbox).await;
    introspect(&device, &mut client, "not.Installed:1:0").await;
    client.is_alive().await;
    client
        .publish(
            &below(&device, "not.Installed/x"),
            0,
            bson::v(bson::int32("v", 1)),
        )
        .await;
    client.closed().await;
    let error = device.error().await.unwrap();
    assert_eq!(error.name, ErrorName::InterfaceLoadingFailed);
    assert_eq!(error.interface.as_deref(), Some("not.Installed"));
}

#[tokio::test]
async fn properties_come_back_with_their_interface() {
    let sandbox = fixtures::sandbox().await;
    let (device, mut client) = connected(&sandbox).await;
    client
        .publish(
            &below(&device, "test.Prop/b"),
            2,
            bson::v(bson::int32("v", 5)),
        )
        .await;
    device.received("test.Prop", "/b").await.unwrap();
    introspect(&device, &mut client, "").await;
    assert_eq!(device.property("test.Prop", "/b"), None);
    introspect(&device, &mut client, "test.Prop:1:0").await;
    assert_eq!(
        device.property("test.Prop", "/b"),
        Some(astarte_sandbox::Value::Integer(5))
    );
}

#[tokio::test]
async fn the_introspection_outlives_the_session() {
    let sandbox = fixtures::sandbox().await;
    let (device, identity) = paired(&sandbox).await;
    let mut client = Client::connect(&sandbox, &identity, Options::clean("x")).await;
    introspect(&device, &mut client, "test.Ind:1:0").await;
    client.disconnect().await;
    device.disconnected().await.unwrap();
    let mut client = Client::connect(&sandbox, &identity, Options::clean("x")).await;
    client
        .publish(
            &below(&device, "test.Ind/1/value"),
            1,
            bson::v(bson::double("v", 1.0)),
        )
        .await;
    device.received("test.Ind", "/1/value").await.unwrap();
}

#[tokio::test]
async fn data_need_the_installed_version_not_the_announced_minor() {
    let sandbox = fixtures::sandbox().await;
    let (device, mut client) = connected(&sandbox).await;
    introspect(&device, &mut client, "test.Ind:1:1").await;
    let topic = below(&device, "test.Ind/1/added");
    client
        .publish(&topic, 1, bson::v(bson::double("v", 1.0)))
        .await;
    client.closed().await;
    assert_eq!(
        device.error().await.unwrap().name,
        ErrorName::MappingNotFound
    );
}
