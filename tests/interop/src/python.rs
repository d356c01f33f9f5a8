//! The official Python SDK, in a process of its own.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

use astarte_sandbox::{Device, Sandbox, Value};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use crate::values::MOMENT;
use crate::{cloud, interfaces, values};

pub(crate) async fn run(sandbox: &Sandbox, interpreter: &str) {
    let cloud = sandbox.register_device().unwrap();
    let folder = std::env::temp_dir().join(format!("interop-{}", cloud.id()));
    std::fs::create_dir_all(&folder).unwrap();
    let authority = folder.join("ca.pem");
    std::fs::write(&authority, sandbox.ca_pem()).unwrap();
    let mut command = Command::new(interpreter);
    command
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/python/device.py"))
        .args([&cloud.id().to_string(), sandbox.realm()])
        .args([&cloud.credentials_secret().unwrap(), sandbox.pairing_url()])
        .args([interfaces().as_ref(), folder.as_os_str()])
        .env("SSL_CERT_FILE", &authority);
    let mut device = Sdk::start(command);

    device.connect(&cloud).await;
    send(&mut device).await;
    cloud::expect_datastream(&cloud).await;
    cloud::expect_object(&cloud).await;
    cloud::expect_properties(&cloud).await;
    for value in values::all() {
        let path = format!("/one/{}", value.value_type());
        let interface = cloud::DEVICE_PROPERTIES;
        device
            .tell(json!({"do": "unset", "interface": interface, "path": path}))
            .await;
    }
    cloud::expect_no_properties(&cloud).await;

    cloud::publish_datastream(&cloud);
    let sent = values::all();
    let sent = sent
        .iter()
        .map(|value| (format!("/{}/value", value.value_type()), plain(value)));
    device.expect(cloud::SERVER_DATASTREAM, sent).await;
    cloud::publish_object(&cloud);
    let object = values::all()
        .iter()
        .map(|value| (values::key(value), plain(value)))
        .collect();
    let object = ("/one".to_owned(), serde_json::Value::Object(object));
    device.expect(cloud::SERVER_OBJECT, [object]).await;
    cloud::set_properties(&cloud);
    device
        .expect(cloud::SERVER_PROPERTIES, properties(plain))
        .await;

    for (kick, number) in [(false, 1.0), (true, 2.0)] {
        if kick {
            cloud.kick()
        } else {
            cloud.drop_connection()
        }
        cloud.disconnected().await.unwrap();
        cloud.ready().within(Duration::from_secs(20)).await.unwrap();
        cloud
            .set_property(cloud::SERVER_PROPERTIES, "/one/double", number)
            .unwrap();
        // The properties that the server sends again come before it.
        device.await_value(&json!(number)).await;
        device
            .send(
                cloud::DEVICE_DATASTREAM,
                "/double/value",
                &Value::Double(number),
            )
            .await;
        let received = cloud
            .received(cloud::DEVICE_DATASTREAM, "/double/value")
            .await
            .unwrap();
        assert_eq!(received.value(), Some(&Value::Double(number)));
    }
    cloud::unset_properties(&cloud);
    device
        .expect(cloud::SERVER_PROPERTIES, properties(|_| json!(null)))
        .await;

    device.finish().await;
    cloud.disconnected().await.unwrap();
    cloud::expect_no_error(&cloud).await;
    std::fs::remove_dir_all(&folder).unwrap();
}

async fn send(device: &mut Sdk) {
    for value in values::all() {
        let path = format!("/{}/value", value.value_type());
        device.send(cloud::DEVICE_DATASTREAM, &path, &value).await;
    }
    device
        .tell(json!({
            "do": "send", "interface": cloud::DEVICE_DATASTREAM, "path": "/at/one/value",
            "value": typed(&Value::Double(1.0)), "timestamp": MOMENT,
        }))
        .await;
    let object: Map<_, _> = values::all()
        .iter()
        .map(|value| (values::key(value), typed(value)))
        .collect();
    let interface = cloud::DEVICE_OBJECT;
    device
        .tell(
            json!({"do": "send_object", "interface": interface, "path": "/one", "object": object}),
        )
        .await;
    for value in values::all() {
        let path = format!("/one/{}", value.value_type());
        device.send(cloud::DEVICE_PROPERTIES, &path, &value).await;
    }
}

/// The process of the device, ended with this.
struct Sdk {
    child: Child,
    commands: ChildStdin,
    events: Lines<BufReader<ChildStdout>>,
}

impl Sdk {
    fn start(mut command: Command) -> Sdk {
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        let mut child = command.spawn().expect("the interpreter starts");
        let commands = child.stdin.take().expect("it is piped");
        let events = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        Sdk {
            child,
            commands,
            events,
        }
    }

    async fn connect(&mut self, cloud: &Device) {
        self.tell(json!({"do": "connect"})).await;
        cloud.ready().await.unwrap();
        while self.event().await["event"] != "connected" {}
    }

    async fn tell(&mut self, command: serde_json::Value) {
        self.commands
            .write_all(format!("{command}\n").as_bytes())
            .await
            .unwrap();
    }

    async fn send(&mut self, interface: &str, path: &str, value: &Value) {
        let value = typed(value);
        self.tell(json!({"do": "send", "interface": interface, "path": path, "value": value}))
            .await;
    }

    async fn event(&mut self) -> serde_json::Value {
        let line = timeout(Duration::from_secs(10), self.events.next_line()).await;
        let line = line.expect("an event within 10 seconds").unwrap();
        serde_json::from_str(&line.expect("the process runs")).unwrap()
    }

    /// Expects values by path, in any order: paho hands out a message of QoS 2 when it is released.
    async fn expect(
        &mut self,
        interface: &str,
        values: impl IntoIterator<Item = (String, serde_json::Value)>,
    ) {
        let expected: BTreeMap<_, _> = values.into_iter().collect();
        let mut received = BTreeMap::new();
        for _ in &expected {
            let mut event = self.event().await;
            assert_eq!(
                (&event["event"], &event["interface"]),
                (&"received".into(), &interface.into())
            );
            let path = event["path"].as_str().unwrap().to_owned();
            received.insert(path, event["value"].take());
        }
        assert_eq!(received, expected);
    }

    async fn await_value(&mut self, value: &serde_json::Value) {
        while self.event().await["value"] != *value {}
    }

    async fn finish(mut self) {
        drop(self.commands);
        let status = timeout(Duration::from_secs(10), self.child.wait()).await;
        assert!(
            status
                .expect("the process ends within 10 seconds")
                .unwrap()
                .success()
        );
    }
}

/// What is expected on the path of each property.
fn properties(expected: impl Fn(&Value) -> serde_json::Value) -> Vec<(String, serde_json::Value)> {
    let values = values::all();
    values
        .iter()
        .map(|value| (format!("/one/{}", value.value_type()), expected(value)))
        .collect()
}

fn typed(value: &Value) -> serde_json::Value {
    json!({"type": value.value_type().to_string(), "value": plain(value)})
}

/// Blobs in base64, points in time in milliseconds.
fn plain(value: &Value) -> serde_json::Value {
    match value {
        Value::Double(value) => json!(value),
        Value::Integer(value) => json!(value),
        Value::Boolean(value) => json!(value),
        Value::LongInteger(value) | Value::DateTime(value) => json!(value),
        Value::String(value) => json!(value),
        Value::BinaryBlob(value) => json!(STANDARD.encode(value)),
        Value::DoubleArray(items) => json!(items),
        Value::IntegerArray(items) => json!(items),
        Value::BooleanArray(items) => json!(items),
        Value::LongIntegerArray(items) | Value::DateTimeArray(items) => json!(items),
        Value::StringArray(items) => json!(items),
        Value::BinaryBlobArray(items) => items.iter().map(|item| STANDARD.encode(item)).collect(),
    }
}
