//! The official Rust SDK.

use std::time::Duration;

use astarte_device_sdk::aggregate::AstarteObject;
use astarte_device_sdk::builder::DeviceBuilder;
use astarte_device_sdk::chrono::{DateTime, Utc};
use astarte_device_sdk::prelude::*;
use astarte_device_sdk::store::memory::MemoryStore;
use astarte_device_sdk::transport::mqtt::{Credential, MqttArgs, MqttConfig};
use astarte_device_sdk::{AstarteData, Client, DeviceEvent, Value as Received};
use astarte_sandbox::{Sandbox, Value};
use tokio::time::timeout;

use crate::values::MOMENT;
use crate::{cloud, interfaces, values};

pub(crate) async fn run(sandbox: &Sandbox) {
    let cloud = sandbox.register_device().unwrap();
    let folder = std::env::temp_dir().join(format!("interop-{}", cloud.id()));
    std::fs::create_dir_all(&folder).unwrap();
    // Where the SDK looks for certificates to trust, when it connects.
    let authority = std::env::var_os("SSL_CERT_FILE").expect("SSL_CERT_FILE names a file to write");
    std::fs::write(authority, sandbox.ca_pem()).unwrap();
    let arguments = MqttArgs {
        realm: sandbox.realm().to_owned(),
        device_id: cloud.id().to_string(),
        credential: Credential::Secret {
            credentials_secret: cloud.credentials_secret().unwrap(),
        },
        pairing_url: sandbox.pairing_url().parse().unwrap(),
    };
    let builder = DeviceBuilder::new()
        .writable_dir(&folder)
        .store(MemoryStore::new())
        .interface_directory(interfaces())
        .unwrap();
    let (mut client, connection) = builder
        .connection(MqttConfig::new(arguments))
        .build()
        .await
        .unwrap();
    let events = tokio::spawn(connection.handle_events());
    cloud.ready().await.unwrap();

    send(&mut client).await;
    cloud::expect_datastream(&cloud).await;
    cloud::expect_object(&cloud).await;
    cloud::expect_properties(&cloud).await;
    for value in values::all() {
        let path = format!("/one/{}", value.value_type());
        client
            .unset_property(cloud::DEVICE_PROPERTIES, &path)
            .await
            .unwrap();
    }
    cloud::expect_no_properties(&cloud).await;

    cloud::publish_datastream(&cloud);
    for value in values::all() {
        let path = format!("/{}/value", value.value_type());
        let event = receive(&client, cloud::SERVER_DATASTREAM, &path).await;
        let (data, _) = event.data.as_individual().unwrap();
        assert_eq!(*data, convert(&value));
    }
    cloud::publish_object(&cloud);
    let event = receive(&client, cloud::SERVER_OBJECT, "/one").await;
    let (object, _) = event.data.as_object().unwrap();
    for value in values::all() {
        assert_eq!(object.get(&values::key(&value)), Some(&convert(&value)));
    }
    cloud::set_properties(&cloud);
    for value in values::all() {
        let path = format!("/one/{}", value.value_type());
        let event = receive(&client, cloud::SERVER_PROPERTIES, &path).await;
        assert_eq!(event.data, Received::Property(Some(convert(&value))));
    }

    for kick in [false, true] {
        if kick {
            cloud.kick()
        } else {
            cloud.drop_connection()
        }
        cloud.disconnected().await.unwrap();
        cloud.ready().within(Duration::from_secs(20)).await.unwrap();
        let value = Value::Double(if kick { 2.0 } else { 1.0 });
        cloud
            .set_property(cloud::SERVER_PROPERTIES, "/one/double", value.clone())
            .unwrap();
        let wanted = Received::Property(Some(convert(&value)));
        // The properties that the server sends again come before it.
        while receive_any(&client).await.data != wanted {}
        let sent = AstarteData::try_from(3.5).unwrap();
        client
            .send_individual(cloud::DEVICE_DATASTREAM, "/double/value", sent)
            .await
            .unwrap();
        cloud
            .received(cloud::DEVICE_DATASTREAM, "/double/value")
            .await
            .unwrap();
    }
    cloud::unset_properties(&cloud);
    for value in values::all() {
        let path = format!("/one/{}", value.value_type());
        let event = receive(&client, cloud::SERVER_PROPERTIES, &path).await;
        assert_eq!(event.data, Received::Property(None));
    }

    client.disconnect().await.unwrap();
    cloud.disconnected().await.unwrap();
    cloud::expect_no_error(&cloud).await;
    events.abort();
    std::fs::remove_dir_all(&folder).unwrap();
}

async fn send(client: &mut impl Client) {
    for value in values::all() {
        let path = format!("/{}/value", value.value_type());
        client
            .send_individual(cloud::DEVICE_DATASTREAM, &path, convert(&value))
            .await
            .unwrap();
    }
    let stamped = AstarteData::try_from(1.0).unwrap();
    client
        .send_individual_with_timestamp(
            cloud::DEVICE_DATASTREAM,
            "/at/one/value",
            stamped,
            at(MOMENT),
        )
        .await
        .unwrap();
    let object: AstarteObject = values::all()
        .iter()
        .map(|value| (values::key(value), convert(value)))
        .collect();
    client
        .send_object(cloud::DEVICE_OBJECT, "/one", object)
        .await
        .unwrap();
    for value in values::all() {
        let path = format!("/one/{}", value.value_type());
        client
            .set_property(cloud::DEVICE_PROPERTIES, &path, convert(&value))
            .await
            .unwrap();
    }
}

async fn receive(client: &impl Client, interface: &str, path: &str) -> DeviceEvent {
    let event = receive_any(client).await;
    assert_eq!(
        (event.interface.as_str(), event.path.as_str()),
        (interface, path)
    );
    event
}

async fn receive_any(client: &impl Client) -> DeviceEvent {
    let event = timeout(Duration::from_secs(10), client.recv()).await;
    event.expect("an event within 10 seconds").unwrap()
}

fn convert(value: &Value) -> AstarteData {
    match value.clone() {
        Value::Double(value) => AstarteData::try_from(value).unwrap(),
        Value::Integer(value) => AstarteData::Integer(value),
        Value::Boolean(value) => AstarteData::Boolean(value),
        Value::LongInteger(value) => AstarteData::LongInteger(value),
        Value::String(value) => AstarteData::String(value),
        Value::BinaryBlob(value) => AstarteData::BinaryBlob(value),
        Value::DateTime(value) => AstarteData::DateTime(at(value)),
        Value::DoubleArray(items) => AstarteData::try_from(items).unwrap(),
        Value::IntegerArray(items) => AstarteData::IntegerArray(items),
        Value::BooleanArray(items) => AstarteData::BooleanArray(items),
        Value::LongIntegerArray(items) => AstarteData::LongIntegerArray(items),
        Value::StringArray(items) => AstarteData::StringArray(items),
        Value::BinaryBlobArray(items) => AstarteData::BinaryBlobArray(items),
        Value::DateTimeArray(items) => {
            AstarteData::DateTimeArray(items.into_iter().map(at).collect())
        }
    }
}

fn at(ms: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(ms).unwrap()
}
