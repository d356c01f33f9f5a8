//! Servers that fail, hang, or answer what they should not.

use std::{sync::Arc, time::Duration};

use astarte_runtime::{
    CredentialsError, Device, DeviceId,
    pairing::{
        Authorization, CredentialsSecret, DeviceKey, DirectoryCredentials, MemoryCredentials,
        Pairing, PairingError,
    },
};
use astarte_tests::{Site, TestResult, soon};
use serde_json::json;
use tokio::net::TcpListener;

use super::{
    Office,
    server::{Act, Server, answer},
};

const INFO: &str = r#"{"data":{"version":"1.2","status":"pending",
    "protocols":{"astarte_mqtt_v1":{"broker_url":"mqtts://broker.example:8883/"}}}}"#;

/// What `info` says of one answer.
async fn info(act: Act) -> Result<PairingError, Box<dyn std::error::Error>> {
    let server = Server::start([act]).await?;
    let client = server.client().attempts(1).build()?;
    let (device, secret) = (DeviceId::random(), CredentialsSecret::from("swordfish"));
    let error = soon(client.info(device, &secret))
        .await
        .expect_err("the answer is no good");
    assert!(!error.is_permanent(), "{error}");
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains("swordfish"), "{shown}");
    Ok(error)
}

#[tokio::test]
async fn answers_that_make_no_sense_are_not_final() -> TestResult {
    let error = info(answer(200, "<html>")).await?;
    assert!(matches!(error, PairingError::Malformed { .. }), "{error}");
    let error = info(answer(200, r#"{"data":{"version":"1"}}"#)).await?;
    assert!(matches!(error, PairingError::Malformed { .. }), "{error}");
    let error = info(answer(200, &" ".repeat(300 * 1024))).await?;
    assert!(matches!(error, PairingError::Malformed { .. }), "{error}");
    for status in [401, 403, 407, 422, 502] {
        let error = info(answer(status, "<html>captive portal</html>")).await?;
        assert!(matches!(error, PairingError::Server(_)), "{error}");
        assert!(error.to_string().contains("captive portal"), "{error}");
    }
    let error = info(answer(404, "default backend")).await?;
    assert!(matches!(error, PairingError::NotFound(_)), "{error}");
    let error = info(Act::Answer(Vec::new())).await?;
    assert!(matches!(error, PairingError::Unreachable(_)), "{error}");
    let cut = b"HTTP/1.1 200 -\r\ncontent-length: 99\r\n\r\n{\"data\"".to_vec();
    let error = info(Act::Answer(cut)).await?;
    assert!(matches!(error, PairingError::Unreachable(_)), "{error}");
    Ok(())
}

#[tokio::test]
async fn a_secret_does_not_follow_a_redirect() -> TestResult {
    let target = Server::start([]).await?;
    let redirect = format!(
        "HTTP/1.1 307 -\r\nlocation: {}\r\ncontent-length: 0\r\n\r\n",
        target.url
    );
    let error = info(Act::Answer(redirect.into_bytes())).await?;
    let PairingError::Redirect { location } = &error else {
        panic!("{error}")
    };
    assert_eq!(*location, target.url);
    assert!(target.requests().is_empty());
    Ok(())
}

#[tokio::test]
async fn a_server_that_hangs_is_given_up() -> TestResult {
    let server = Server::start([Act::Hang]).await?;
    let client = server
        .client()
        .attempts(1)
        .timeout(Duration::from_millis(100))
        .build()?;
    let error = soon(client.info(DeviceId::random(), &"secret".into()))
        .await
        .unwrap_err();
    assert!(
        matches!(error, PairingError::Timeout(_)) && !error.is_permanent(),
        "{error}"
    );
    Ok(())
}

#[tokio::test]
async fn what_passes_is_tried_again_and_a_refusal_is_not() -> TestResult {
    let registered = r#"{"data":{"credentials_secret":"c2VjcmV0"}}"#;
    let acts = [
        answer(500, "{}"),
        Act::Answer(Vec::new()),
        answer(201, registered),
    ];
    let server = Server::start(acts).await?;
    let (client, agent) = (server.client().build()?, Authorization::jwt("token"));
    let secret = soon(client.register(DeviceId::random(), &agent)).await?;
    assert_eq!(secret.expose(), "c2VjcmV0");
    assert_eq!(server.requests().len(), 3);

    let refusal = r#"{"errors":{"detail":"Device already registered"}}"#;
    let server = Server::start([answer(422, refusal)]).await?;
    let client = server.client().build()?;
    let error = soon(client.register(DeviceId::random(), &agent))
        .await
        .unwrap_err();
    assert!(
        matches!(error, PairingError::AlreadyRegistered(_)),
        "{error}"
    );
    assert_eq!(server.requests().len(), 1);
    Ok(())
}

#[tokio::test]
async fn attempts_are_bounded() -> TestResult {
    let server = Server::start((0..9).map(|_| answer(503, ""))).await?;
    let client = server.client().attempts(4).build()?;
    let error = soon(client.info(DeviceId::random(), &"secret".into()))
        .await
        .unwrap_err();
    assert!(matches!(error, PairingError::Server(_)), "{error}");
    assert_eq!(server.requests().len(), 4);
    Ok(())
}

#[tokio::test]
async fn a_certificate_for_another_key_is_refused_and_not_kept() -> TestResult {
    let site = Site::start().await?;
    let device = DeviceId::random();
    let other = DeviceKey::generate()?.certificate_request(&"test".parse()?, &device)?;
    let hour = Duration::from_secs(3600);
    let certificate = site
        .sandbox
        .sign_certificate(&other, &format!("test/{device}"), hour)?;
    let certificate = json!({ "data": { "client_crt": certificate } }).to_string();
    let server = Server::start([answer(200, INFO), answer(201, &certificate)]).await?;
    let directory = tempfile::tempdir()?;
    let store = Arc::new(DirectoryCredentials::open(
        directory.path(),
        &"test".parse()?,
        &device,
    )?);
    let secret = CredentialsSecret::from("secret");
    let pairing = Pairing::with_store(server.client().build()?, device, secret, store);
    let error = soon(pairing.connection(false)).await.unwrap_err();
    assert!(
        matches!(error, PairingError::Certificate(CredentialsError::Mismatch)),
        "{error}"
    );
    assert_eq!(std::fs::read_dir(directory.path())?.count(), 0);
    Ok(())
}

#[tokio::test]
async fn a_certificate_for_another_device_is_refused() -> TestResult {
    let office = Office::open().await?;
    let (device, _) = office.device()?;
    let sign = move |request: &str| {
        let body = request.split_once("\r\n\r\n").expect("a body").1;
        let data: serde_json::Value = serde_json::from_str(body).expect("the body is JSON");
        let csr = data["data"]["csr"]
            .as_str()
            .expect("a request for a certificate");
        let sandbox = &office.site.sandbox;
        let hour = Duration::from_secs(3600);
        let signed = sandbox
            .sign_certificate(csr, "test/somebody", hour)
            .expect("it is signed");
        (201, json!({ "data": { "client_crt": signed } }).to_string())
    };
    let server = Server::start([answer(200, INFO), Act::Make(Box::new(sign))]).await?;
    let store = Arc::new(MemoryCredentials::default());
    let secret = CredentialsSecret::from("secret");
    let pairing = Pairing::with_store(server.client().build()?, device, secret, store);
    let error = soon(pairing.connection(false)).await.unwrap_err();
    let PairingError::CommonName { found, expected } = &error else {
        panic!("{error}")
    };
    assert_eq!(
        (found.as_str(), expected),
        ("test/somebody", &format!("test/{device}"))
    );
    Ok(())
}

#[tokio::test]
async fn a_pairing_api_that_is_away_is_tried_again_by_a_device() -> TestResult {
    let site = Site::start().await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/pairing", listener.local_addr()?);
    let target = site.sandbox.pairing_url();
    let target = target
        .trim_start_matches("http://")
        .trim_end_matches("/pairing")
        .to_owned();
    tokio::spawn(async move {
        // Two connections are closed at once, the others go through.
        for away in [true, true].into_iter().chain(std::iter::repeat(false)) {
            let Ok((mut from, _)) = listener.accept().await else {
                return;
            };
            if !away {
                let target = target.clone();
                tokio::spawn(async move {
                    let mut to = tokio::net::TcpStream::connect(target).await?;
                    tokio::io::copy_bidirectional(&mut from, &mut to).await
                });
            }
        }
    });
    let secret = site
        .device
        .credentials_secret()
        .ok_or("the device is registered")?;
    let config = site.config().pairing(url, secret);
    let device = soon(Device::builder(config).connect()).await?;
    assert!(device.is_connected());
    Ok(())
}
