//! State that outlives a run.

use std::fs;
use std::path::Path;

use astarte_sandbox::{Builder, DataError, Sandbox, StartError, Value};
use serde_json::json;

use crate::client::{Client, Options, within};
use crate::fixtures::{self, below, introduce, paired};
use crate::folder::Folder;
use crate::interfaces::IND;
use crate::{bson, http};

fn builder(folder: &Path) -> Builder {
    fixtures::with_interfaces(Sandbox::builder()).data_dir(folder)
}

#[tokio::test]
async fn a_device_goes_on_after_a_restart() {
    let folder = Folder::new("restart");
    let sandbox = builder(folder.path()).start().await.unwrap();
    let (device, identity) = paired(&sandbox).await;
    let (id, secret) = (device.id(), device.credentials_secret());
    let mut client = Client::connect(&sandbox, &identity, Options::kept("x")).await;
    introduce(&device, &mut client).await;
    client
        .publish(
            &below(&device, "test.Prop/a"),
            2,
            bson::v(bson::string("v", "on")),
        )
        .await;
    device.received("test.Prop", "/a").await.unwrap();
    client.disconnect().await;
    device.disconnected().await.unwrap();
    device
        .set_property("test.SrvP", "/double", 0.1 + 0.2)
        .unwrap();
    device.publish("test.SrvD", "/unique", 7).unwrap();
    let (ca, jwt, urls) = (
        sandbox.ca_pem(),
        sandbox.jwt(),
        sandbox.pairing_url().to_owned(),
    );
    drop(sandbox);

    let sandbox = builder(folder.path()).start().await.unwrap();
    assert_eq!(
        (sandbox.ca_pem(), sandbox.pairing_url()),
        (ca, urls.as_str())
    );
    let authorization = format!("Authorization: Bearer {jwt}");
    let data = json!({"data": {"hw_id": id.to_string()}});
    let again = http::post(&sandbox, "/v1/test/agent/devices", &[&authorization], &data).await;
    assert_eq!(again.detail(), (422, "Device already registered"));
    let device = sandbox.device(id);
    assert_eq!(device.credentials_secret(), secret);
    assert_eq!(device.property("test.Prop", "/a"), Some(Value::from("on")));
    assert_eq!(
        device.property("test.SrvP", "/double"),
        Some(Value::from(0.1 + 0.2))
    );

    let mut client = Client::connect(&sandbox, &identity, Options::kept("x")).await;
    assert!(client.session_present);
    assert_eq!(
        client.take().await.payload,
        bson::v(bson::double("v", 0.1 + 0.2))
    );
    assert_eq!(client.take().await.payload, bson::v(bson::int32("v", 7)));
}

#[tokio::test]
async fn the_folder_follows_without_an_end() {
    let folder = Folder::new("follows");
    let sandbox = builder(folder.path()).start().await.unwrap();
    let device = sandbox.register_device().unwrap();
    let path = folder
        .path()
        .join("devices")
        .join(format!("{}.json", device.id()));
    let appears = async {
        while !path.exists() {
            tokio::task::yield_now().await;
        }
    };
    within(appears).await;
    let kept: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!(
        kept["credentials_secret"].as_str(),
        device.credentials_secret().as_deref()
    );
    device.delete();
    drop(sandbox);
    assert!(!path.exists());
}

#[tokio::test]
async fn revoked_certificates_stay_revoked() {
    let folder = Folder::new("revoked");
    let sandbox = builder(folder.path()).start().await.unwrap();
    let (device, identity) = paired(&sandbox).await;
    device.revoke_certificates();
    drop(sandbox);
    let sandbox = builder(folder.path()).start().await.unwrap();
    let connect = b"\x10\x0d\0\x04MQTT\x04\x02\0\x3c\0\x01x";
    assert!(
        Client::raw_or_refused(&sandbox, &identity, connect)
            .await
            .is_empty()
    );
    let renewed = fixtures::Identity::forged(&sandbox, &fixtures::base(&device));
    Client::connect(&sandbox, &renewed, Options::kept("x")).await;
}

#[tokio::test]
async fn interfaces_are_updated_by_the_rules() {
    let folder = Folder::new("interfaces");
    let start = |text: &str| {
        Sandbox::builder()
            .interface(text)
            .data_dir(folder.path())
            .start()
    };
    drop(start(IND).await.unwrap());
    drop(start(IND).await.unwrap());
    let other = IND.replace("double", "integer");
    assert!(matches!(start(&other).await, Err(StartError::Update(_))));
    let newer = IND.replace("\"version_minor\": 0", "\"version_minor\": 1");
    drop(start(&newer).await.unwrap());
    let sandbox = Sandbox::builder()
        .data_dir(folder.path())
        .start()
        .await
        .unwrap();
    assert_eq!(sandbox.interfaces()[0].version().minor, 1);
}

#[tokio::test]
async fn what_cannot_be_used_is_left_alone() {
    let folder = Folder::new("unusable");
    drop(builder(folder.path()).start().await.unwrap());
    let realm = Sandbox::builder()
        .realm("other")
        .data_dir(folder.path())
        .start()
        .await;
    assert!(matches!(
        realm,
        Err(StartError::Data(DataError::OtherRealm(_)))
    ));
    let path = folder.path().join("sandbox.json");
    let text = fs::read_to_string(&path).unwrap();
    for (text, message) in [
        (
            text.replace("\"format\": 1", "\"format\": 2"),
            "has the format 2",
        ),
        (text.replace("\"format\"", "\"fromat\""), "has no `format`"),
        (text[..text.len() / 2].to_owned(), "is damaged"),
    ] {
        fs::write(&path, &text).unwrap();
        let error = builder(folder.path())
            .start()
            .await
            .unwrap_err()
            .to_string();
        assert!(
            error.contains(message) && error.contains("sandbox.json"),
            "{error}"
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
}
