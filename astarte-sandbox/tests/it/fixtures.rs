//! Devices with a certificate, and what they do at the start.

use std::time::Duration;

use astarte_sandbox::{Builder, Device, Sandbox};
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::json;

use crate::client::{Client, Options};
use crate::{http, interfaces};

/// A certificate and its key.
pub(crate) struct Identity {
    pub(crate) certificate: CertificateDer<'static>,
    key: KeyPair,
}

impl Identity {
    /// Makes an identity of a name that the sandbox signs without asking.
    pub(crate) fn forged(sandbox: &Sandbox, common_name: &str) -> Identity {
        let (key, csr) = key_and_csr();
        let day = Duration::from_secs(86_400);
        let pem = sandbox.sign_certificate(&csr, common_name, day).unwrap();
        Identity::new(key, &pem)
    }

    pub(crate) fn new(key: KeyPair, pem: &str) -> Identity {
        Identity {
            certificate: CertificateDer::from_pem_slice(pem.as_bytes()).unwrap(),
            key,
        }
    }

    pub(crate) fn key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::try_from(self.key.serialize_der()).unwrap()
    }
}

pub(crate) fn key_and_csr() -> (KeyPair, String) {
    let key = KeyPair::generate().unwrap();
    let csr = CertificateParams::default()
        .serialize_request(&key)
        .unwrap()
        .pem()
        .unwrap();
    (key, csr)
}

/// A sandbox with the interfaces of the tests.
pub(crate) async fn sandbox() -> Sandbox {
    with_interfaces(Sandbox::builder()).start().await.unwrap()
}

pub(crate) fn with_interfaces(builder: Builder) -> Builder {
    interfaces::ALL
        .iter()
        .fold(builder, |builder, interface| builder.interface(*interface))
}

/// A registered device and its identity, obtained from the pairing API.
pub(crate) async fn paired(sandbox: &Sandbox) -> (Device, Identity) {
    let device = sandbox.register_device().unwrap();
    let (key, csr) = key_and_csr();
    let secret = format!(
        "Authorization: Bearer {}",
        device.credentials_secret().unwrap()
    );
    let path = format!(
        "/v1/test/devices/{}/protocols/astarte_mqtt_v1/credentials",
        device.id()
    );
    let answer = http::post(sandbox, &path, &[&secret], &json!({"data": {"csr": csr}})).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let identity = Identity::new(key, answer.body["data"]["client_crt"].as_str().unwrap());
    (device, identity)
}

/// A connected device that has subscribed to everything and sent its introspection.
pub(crate) async fn connected(sandbox: &Sandbox) -> (Device, Client) {
    let (device, identity) = paired(sandbox).await;
    let mut client = Client::connect(sandbox, &identity, Options::kept("device")).await;
    introduce(&device, &mut client).await;
    (device, client)
}

/// Subscribes to what the server sends and sends the introspection.
pub(crate) async fn introduce(device: &Device, client: &mut Client) {
    let topics = [
        "control/consumer/properties",
        "test.SrvP/#",
        "test.SrvD/#",
        "test.SrvO/#",
    ];
    let filters = topics.map(|topic| below(device, topic));
    let codes = client
        .subscribe(&filters.each_ref().map(|filter| (filter.as_str(), 2)))
        .await;
    assert_eq!(codes, [2, 2, 2, 2]);
    client
        .publish(&base(device), 2, interfaces::INTROSPECTION)
        .await;
    device.all_processed().await;
}

pub(crate) fn base(device: &Device) -> String {
    format!("test/{}", device.id())
}

pub(crate) fn below(device: &Device, topic: &str) -> String {
    format!("test/{}/{topic}", device.id())
}
