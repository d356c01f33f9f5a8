//! Devices that pair by themselves.

use std::sync::Arc;

use astarte_runtime::{
    ConnectError, Device, Error, Status,
    pairing::{Authorization, CredentialsSecret, PairingError},
};
use astarte_sandbox::Sandbox;
use astarte_tests::{Site, TestResult, refused, soon, status};
use serde_json::{Value, json};

use super::server::{Act, Server};

#[tokio::test]
async fn a_device_registers_itself_and_keeps_what_it_got() -> TestResult {
    let site = Site::start().await?;
    site.device.delete();
    let device = site.sandbox.register_device()?;
    device.unregister();
    let site = Site { device, ..site };
    let directory = tempfile::tempdir()?;
    let url = site.sandbox.pairing_url();
    let registering = || -> Result<_, Error> {
        let key = Authorization::realm_key(site.sandbox.realm_key_pem().as_bytes())?;
        let secret = CredentialsSecret::from("replaced");
        Ok(config(&site, secret)?.pairing(url, key))
    };
    for _ in 0..2 {
        let config = registering()?.directory(directory.path());
        let connected = soon(Device::builder(config).connect()).await?;
        connected.disconnect().await;
    }
    // Without what was kept there is no second registration.
    let error = refused(Device::builder(registering()?)).await;
    let ConnectError::Pairing(cause) = &error else {
        panic!("{error}")
    };
    assert!(
        matches!(**cause, PairingError::AlreadyRegistered(_)),
        "{error}"
    );
    Ok(())
}

/// The settings of a device that has no secret yet.
fn config(site: &Site, secret: CredentialsSecret) -> Result<astarte_runtime::Config, Error> {
    let tls =
        astarte_runtime::Tls::new().add_root_certificates_pem(site.sandbox.ca_pem().as_bytes())?;
    let id = site.device.id().to_string().parse()?;
    let config = astarte_runtime::Config::new(site.sandbox.realm().parse()?, id);
    Ok(config.pairing(site.sandbox.pairing_url(), secret).tls(tls))
}

/// A pairing API whose certificates the broker does not take.
fn foreign_pairing(
    authority: &Sandbox,
    broker_url: &str,
    name: &str,
    request: &str,
) -> (u16, String) {
    let (head, body) = request.split_once("\r\n\r\n").unwrap_or_default();
    let line = head.lines().next().unwrap_or_default();
    let data = if line.starts_with("GET") {
        json!({ "version": "1.2", "status": "confirmed",
            "protocols": { "astarte_mqtt_v1": { "broker_url": broker_url } } })
    } else if line.contains("/verify") {
        json!({ "valid": true, "until": "2060-01-01 00:00:00.000Z" })
    } else {
        let body: Value = serde_json::from_str(body).unwrap_or_default();
        let csr = body["data"]["csr"].as_str().unwrap_or_default();
        let lifetime = std::time::Duration::from_secs(3600);
        let signed = authority.sign_certificate(csr, name, lifetime);
        json!({ "client_crt": signed.expect("the request is one") })
    };
    (200, json!({ "data": data }).to_string())
}

#[tokio::test]
async fn a_certificate_that_is_always_refused_is_renewed_once() -> TestResult {
    const ATTEMPTS: usize = 12;
    let site = Site::start().await?;
    let authority = Arc::new(Sandbox::builder().start().await?);
    let broker_url = site.sandbox.broker_url().to_owned();
    let name = format!("test/{}", site.device.id());
    let acts = (0..1000).map(|_| {
        let (authority, broker_url, name) =
            (Arc::clone(&authority), broker_url.clone(), name.clone());
        Act::Make(Box::new(move |request| {
            foreign_pairing(&authority, &broker_url, &name, request)
        }))
    });
    let server = Server::start(acts).await?;
    let builder = Device::builder(site.config().pairing(&server.url, "swordfish"));
    let mut events = builder.status();
    let connecting = tokio::spawn(builder.connect());
    for _ in 0..ATTEMPTS {
        let reason = status(&mut events, |status| match status {
            Status::Disconnected(disconnected) => Some(disconnected.reason),
            _ => None,
        })
        .await;
        assert!(reason.contains("the device's certificate"), "{reason}");
    }
    connecting.abort();
    let requests = server.requests();
    let issued = requests
        .iter()
        .filter(|request| request.contains("/credentials HTTP"))
        .count();
    assert_eq!(issued, 2, "one at first, one after the refusal");
    Ok(())
}
