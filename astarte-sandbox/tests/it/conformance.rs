//! Verdicts of the server's code on messages, where they are at hand.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use astarte_sandbox::{Device, ErrorName, Sandbox};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::client::{Client, Options};
use crate::fixtures::{Identity, base, below, paired};

/// What becomes of a message, as a device sees it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Fate {
    Accepted,
    Ignored,
    Kicked,
}

#[tokio::test]
async fn messages_are_treated_as_by_the_server() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/conformance");
    let Ok(messages) = fs::read_to_string(folder.join("messages.jsonl")) else {
        eprintln!(
            "no conformance data in {}: nothing to compare with",
            folder.display()
        );
        return;
    };
    let interfaces = fs::read_to_string(folder.join("messages_interfaces.json")).unwrap();
    let interfaces: HashMap<String, Value> = serde_json::from_str(&interfaces).unwrap();
    let mut builder = Sandbox::builder();
    let mut introspection = Vec::new();
    for interface in interfaces.values() {
        builder = builder.interface(&interface.to_string());
        let name = interface["interface_name"].as_str().unwrap();
        introspection.push(format!(
            "{name}:{}:{}",
            interface["version_major"], interface["version_minor"]
        ));
    }
    let sandbox = builder.start().await.unwrap();
    let (device, identity) = paired(&sandbox).await;
    let introspection = introspection.join(";");
    let mut differences = Vec::new();
    let mut client = None;
    for line in messages.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let name = interfaces[case["interface"].as_str().unwrap()]["interface_name"].as_str();
        let topic = format!("{}{}", name.unwrap(), case["path"].as_str().unwrap());
        let payload = STANDARD
            .decode(case["payload_base64"].as_str().unwrap())
            .unwrap();
        // What does not fit into a packet never reaches these checks.
        if payload.len() + below(&device, &topic).len() + 4 > 65_535 {
            continue;
        }
        let mut connected = match client.take() {
            Some(client) => client,
            None => connect(&sandbox, &device, &identity, &introspection).await,
        };
        connected.publish(&below(&device, &topic), 1, payload).await;
        let (fate, name) = fate(&device).await;
        if fate != Fate::Kicked {
            client = Some(connected);
        }
        if fate != expected(&case) {
            differences.push(format!(
                "{}: {fate:?} ({name}), not {}",
                case["id"], case["elixir"]
            ));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

async fn connect(
    sandbox: &Sandbox,
    device: &Device,
    identity: &Identity,
    introspection: &str,
) -> Client {
    let mut client = Client::connect(sandbox, identity, Options::clean("x")).await;
    client.publish(&base(device), 1, introspection).await;
    client
}

async fn fate(device: &Device) -> (Fate, String) {
    device.all_processed().await;
    match device.error().within(std::time::Duration::ZERO).await {
        Ok(error) if error.name == ErrorName::UnsetOnDatastream => {
            (Fate::Ignored, error.name.to_string())
        }
        Ok(error) => (Fate::Kicked, error.name.to_string()),
        Err(_) => (Fate::Accepted, "ok".to_owned()),
    }
}

fn expected(case: &Value) -> Fate {
    match case["elixir"].as_str().unwrap() {
        "ok" => Fate::Accepted,
        "unset_on_datastream" => Fate::Ignored,
        _ => Fate::Kicked,
    }
}
