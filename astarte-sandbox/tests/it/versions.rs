//! Where the versions of the server, and the two profiles, differ for a device.

use astarte_sandbox::{Device, ErrorName, Profile, Sandbox, ServerVersion};

use crate::client::{Client, Options};
use crate::fixtures::{self, base, below, connected, paired};
use crate::{bson, http, interfaces};

const ENCRYPTED: &str = r#"{
    "interface_name": "test.Secret", "version_major": 1, "version_minor": 0,
    "type": "datastream", "ownership": "device",
    "mappings": [
        {"endpoint": "/open", "type": "double"},
        {"endpoint": "/secret", "type": "double", "encrypted": true}
    ]
}"#;

/// Starts a sandbox of each version and runs a scenario on a connected device.
async fn each_version(profile: Profile, scenario: impl AsyncFn(ServerVersion, &Device, Client)) {
    for version in ServerVersion::ALL {
        let builder = Sandbox::builder().profile(profile).server_version(*version);
        let builder = fixtures::with_interfaces(builder).interface(ENCRYPTED);
        let sandbox = builder.start().await.unwrap();
        let (device, client) = connected(&sandbox).await;
        scenario(*version, &device, client).await;
    }
}

async fn publish(device: &Device, client: &mut Client, topic: &str, payload: Vec<u8>) {
    client.publish(&below(device, topic), 1, payload).await;
    device.all_processed().await;
}

/// Expects the error, or that the device stays connected without one.
async fn expect(device: &Device, mut client: Client, error: Option<ErrorName>) {
    match error {
        Some(name) => {
            assert_eq!(device.error().await.unwrap().name, name);
            client.closed().await;
        }
        None => {
            client.is_alive().await;
        }
    }
}

#[tokio::test]
async fn the_pairing_api_tells_the_version() {
    for (version, release) in [
        (ServerVersion::V1_2_0, "1.2.0"),
        (ServerVersion::V1_4, "1.4.0"),
    ] {
        let sandbox = Sandbox::builder()
            .server_version(version)
            .start()
            .await
            .unwrap();
        let answer = http::get(&sandbox, "/version", &[]).await;
        assert_eq!(answer.body["data"], release);
    }
}

#[tokio::test]
async fn the_list_of_server_properties() {
    for profile in [Profile::Spec, Profile::AsShipped] {
        each_version(profile, async |version, device, mut client| {
            device.set_property("test.SrvP", "/s", "x").unwrap();
            client.take().await;
            publish(device, &mut client, "control/emptyCache", b"1".to_vec()).await;
            let empty = client.take().await.payload.len() == 12;
            let shipped = profile == Profile::AsShipped && version > ServerVersion::V1_2_0;
            assert_eq!(empty, shipped, "{profile:?} {version}");
            assert_eq!(client.take().await.payload, bson::v(bson::string("v", "x")));
        })
        .await;
    }
}

#[tokio::test]
async fn unsets_that_are_not_allowed() {
    each_version(Profile::Spec, async |version, device, mut client| {
        publish(
            device,
            &mut client,
            "test.Prop/b",
            bson::v(bson::int32("v", 1)),
        )
        .await;
        publish(device, &mut client, "test.Prop/b", vec![]).await;
        let old = version == ServerVersion::V1_2_0;
        assert_eq!(
            device.property("test.Prop", "/b").is_none(),
            old,
            "{version}"
        );
        expect(device, client, (!old).then_some(ErrorName::UnsetNotAllowed)).await;
    })
    .await;
}

#[tokio::test]
async fn unsets_of_a_datastream() {
    each_version(Profile::Spec, async |version, device, mut client| {
        publish(device, &mut client, "test.Ind/1/value", vec![]).await;
        let error = device.error().await.unwrap();
        assert_eq!(error.name, ErrorName::UnsetOnDatastream);
        assert_eq!(error.would_wedge, version == ServerVersion::V1_2_0);
        if error.would_wedge {
            client.closed().await;
        } else {
            client.is_alive().await;
        }
    })
    .await;
}

#[tokio::test]
async fn capabilities() {
    each_version(Profile::Spec, async |version, device, mut client| {
        publish(device, &mut client, "capabilities", bson::document(vec![])).await;
        let unknown = version < ServerVersion::V1_3;
        expect(
            device,
            client,
            unknown.then_some(ErrorName::InterfaceLoadingFailed),
        )
        .await;
    })
    .await;
}

#[tokio::test]
async fn required_keys() {
    each_version(Profile::Spec, async |version, device, mut client| {
        let object = bson::object(vec![bson::int32("hum", 1)]);
        publish(device, &mut client, "test.ObjRequired/1", object).await;
        let required = version >= ServerVersion::V1_4;
        expect(
            device,
            client,
            required.then_some(ErrorName::MissingRequiredMapping),
        )
        .await;
    })
    .await;
}

#[tokio::test]
async fn encrypted_mappings() {
    each_version(Profile::Spec, async |version, device, mut client| {
        client.publish(&base(device), 2, "test.Secret:1:0").await;
        publish(
            device,
            &mut client,
            "test.Secret/open",
            bson::v(bson::double("v", 1.0)),
        )
        .await;
        if version >= ServerVersion::V1_4 {
            let error = device.error().await.unwrap();
            assert_eq!(error.name, ErrorName::KeyAgreementError);
            let declaration = error.declaration.unwrap();
            assert!(
                declaration.text.contains("\"encrypted\": true"),
                "{declaration}"
            );
            client.closed().await;
        } else {
            device.received("test.Secret", "/open").await.unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn interfaces_that_are_not_installed() {
    each_version(Profile::Spec, async |version, device, mut client| {
        client.publish(&base(device), 2, "test.Nowhere:1:0").await;
        publish(device, &mut client, "control/emptyCache", b"1".to_vec()).await;
        // The kick comes before the purge message can be acknowledged.
        client.receive().await;
        let name = match version {
            ServerVersion::V1_4 => ErrorName::InterfaceLoadingFailed,
            _ => ErrorName::ResendInterfacePropertiesFailed,
        };
        expect(device, client, Some(name)).await;
    })
    .await;
}

#[tokio::test]
async fn keys_of_other_interfaces() {
    for profile in [Profile::Spec, Profile::AsShipped] {
        each_version(profile, async |version, device, mut client| {
            let mixed = profile == Profile::AsShipped && version >= ServerVersion::V1_4;
            publish(
                device,
                &mut client,
                "test.Ind/1/value",
                bson::v(bson::double("v", 1.0)),
            )
            .await;
            let object = bson::object(vec![bson::double("temp", 1.0), bson::double("value", 2.0)]);
            publish(device, &mut client, "test.Obj/1", object).await;
            if !mixed {
                return expect(device, client, Some(ErrorName::UnexpectedObjectKey)).await;
            }
            let received = device.received("test.Obj", "/1").await.unwrap();
            assert!(received.field("temp").is_some() && received.field("value").is_none());

            let full = bson::object(vec![bson::double("temp", 1.0), bson::int32("hum", 1)]);
            publish(device, &mut client, "test.ObjRequired/1", full).await;
            let partial = bson::object(vec![bson::int32("hum", 1)]);
            publish(device, &mut client, "test.Obj/1", partial.clone()).await;
            let error = device.error().await.unwrap();
            assert_eq!(error.name, ErrorName::MissingRequiredMapping);
            client.closed().await;
        })
        .await;
    }
}

#[tokio::test]
async fn an_interface_that_was_removed_is_loaded_anew() {
    let builder = Sandbox::builder().profile(Profile::AsShipped);
    let sandbox = fixtures::with_interfaces(builder).start().await.unwrap();
    let (device, identity) = paired(&sandbox).await;
    let mut client = Client::connect(&sandbox, &identity, Options::kept("x")).await;
    client
        .publish(&base(&device), 2, interfaces::INTROSPECTION)
        .await;
    publish(
        &device,
        &mut client,
        "test.Ind/1/value",
        bson::v(bson::double("v", 1.0)),
    )
    .await;
    for introspection in ["test.Obj:1:0", interfaces::INTROSPECTION] {
        client.publish(&base(&device), 2, introspection).await;
    }
    let object = bson::object(vec![bson::double("value", 1.0)]);
    publish(&device, &mut client, "test.Obj/1", object).await;
    assert_eq!(
        device.error().await.unwrap().name,
        ErrorName::UnexpectedObjectKey
    );
}
