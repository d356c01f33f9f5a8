//! The abilities of the Python SDK that belong to identity and pairing, one test a row.

use std::{sync::Arc, time::Duration, time::SystemTime};

use astarte_runtime::{
    Credentials, CredentialsError, DeviceId,
    pairing::{
        Authorization, CredentialStore, DeviceKey, DeviceStatus, DirectoryCredentials, Pairing,
        PairingError, RealmKey, RealmKeyError, Validity,
    },
};
use astarte_tests::{TestResult, soon};
use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use ring::{
    rsa::KeyPair as RsaKeyPair,
    signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey},
};

use super::Office;

const SEC1: &str = include_str!("keys/sec1.pem");
const PKCS1: &str = include_str!("keys/pkcs1.pem");
const PKCS8: &str = include_str!("keys/pkcs8.pem");

#[tokio::test]
async fn seed_crypto_1() -> TestResult {
    let office = Office::open().await?;
    let (device, secret) = office.device()?;
    for pem in [DeviceKey::generate()?.expose_pem(), SEC1, PKCS8, PKCS1] {
        let key = DeviceKey::from_pem(pem)?;
        let request = key.certificate_request(office.client.realm(), &device)?;
        let chain = soon(office.client.certificate(device, &secret, &request)).await?;
        let credentials = Credentials::from_pem(chain.as_bytes(), pem.as_bytes())?;
        assert_eq!(credentials.common_name(), Some(&*format!("test/{device}")));
    }
    Ok(())
}

#[tokio::test]
async fn seed_crypto_2() -> TestResult {
    let office = Office::open().await?;
    let (device, secret) = office.device()?;
    let (certificate, key) = office.certificate(device, &secret).await?;
    let chain = format!("{certificate}{}", office.site.sandbox.ca_pem());
    let credentials = Credentials::from_pem(chain.as_bytes(), key.expose_pem().as_bytes())?;
    assert_eq!(credentials.chain().len(), 2);
    let error = Credentials::from_pem(chain.as_bytes(), SEC1.as_bytes()).unwrap_err();
    assert_eq!(error, CredentialsError::Mismatch);
    Ok(())
}

#[tokio::test]
async fn seed_crypto_3() -> TestResult {
    let office = Office::open().await?;
    let (device, secret) = office.device()?;
    let directory = tempfile::tempdir()?;
    let realm = office.client.realm();
    let store = Arc::new(DirectoryCredentials::open(
        directory.path(),
        realm,
        &device,
    )?);
    assert!(store.load()?.is_none());
    let kept: Arc<dyn CredentialStore> = store.clone();
    let pairing = Pairing::with_store(office.client.clone(), device, secret, kept);
    soon(pairing.connection(false)).await?;
    let kept = store
        .load()?
        .and_then(|kept| kept.certificate)
        .ok_or("there is one")?;
    Credentials::from_pem(kept.chain.as_bytes(), kept.private_key.as_bytes())?;
    Ok(())
}

#[tokio::test]
async fn seed_crypto_4() -> TestResult {
    let office = Office::open().await?;
    let (device, secret) = office.device()?;
    let (chain, key) = office.certificate(device, &secret).await?;
    let credentials = Credentials::from_pem(chain.as_bytes(), key.expose_pem().as_bytes())?;
    assert!(credentials.is_valid_at(SystemTime::now()));
    assert!(!credentials.is_valid_at(credentials.not_after()));
    assert!(!credentials.is_valid_at(credentials.not_before() - Duration::from_secs(1)));
    Ok(())
}

#[test]
fn seed_pairing_1() -> TestResult {
    for (namespace, data, id) in [
        (
            "6ba7b8109dad11d180b400c04fd430c8",
            "astarte-platform.org",
            "GogzUfhnVLikyULnmoh5Yg",
        ),
        (
            "00000000000000000000000000000000",
            "",
            "4SnyfFEDXFyES83woV4WDQ",
        ),
        (
            "f79ad91fc6384889ae749d001a3b4cf8",
            "myidentifierdata",
            "AJInS0w3VpWpuOqkXhgZdA",
        ),
        (
            "753ffc99dd9d4a08a07e9b0d6ce0bc82",
            "00:11:22:33:44:55",
            "JnMqW2u7V_a92iYfkU2a6Q",
        ),
        (
            "6f2fd4cb94a041c78d27864c6b13b8c0",
            "some unique data",
            "PnPh8gNjVOW1liNmFw-j5Q",
        ),
    ] {
        let namespace = u128::from_str_radix(namespace, 16)?.to_be_bytes();
        let device = DeviceId::deterministic(namespace, data.as_bytes());
        assert_eq!(device.to_string(), id);
        assert_eq!(id.parse(), Ok(device));
    }
    Ok(())
}

#[test]
fn seed_pairing_2() {
    let (one, two) = (DeviceId::random(), DeviceId::random());
    assert_ne!(one, two);
    assert_eq!(one.to_string().parse(), Ok(one));
}

#[tokio::test]
async fn seed_pairing_3() -> TestResult {
    let office = Office::open().await?;
    let device = DeviceId::random();
    let secret = soon(office.client.register(device, &office.agent())).await?;
    assert_eq!(secret.expose().len(), 44);
    Ok(())
}

#[tokio::test]
async fn seed_pairing_4() -> TestResult {
    let office = Office::open().await?;
    let key = RealmKey::from_pem(office.site.sandbox.realm_key_pem().as_bytes())?;
    let limited = |permission: &str, lifetime| Authorization::RealmKey {
        key: key.clone(),
        permissions: vec![permission.to_owned()],
        lifetime,
    };
    let minute = Duration::from_secs(60);
    let device = DeviceId::random();
    let all = Authorization::realm_key(office.site.sandbox.realm_key_pem().as_bytes())?;
    soon(office.client.register(device, &all)).await?;
    soon(
        office
            .client
            .register(device, &limited("POST::agent/devices", minute)),
    )
    .await?;
    let elsewhere = limited("DELETE::agent/devices", minute);
    let error = soon(office.client.register(device, &elsewhere))
        .await
        .unwrap_err();
    assert!(matches!(error, PairingError::Forbidden(_)), "{error}");
    Ok(())
}

#[test]
fn seed_pairing_4_rsa() -> TestResult {
    let key = RealmKey::from_pem(PKCS1.as_bytes())?;
    let token = key.token(&[".*::.*"], SystemTime::now(), Duration::from_secs(60))?;
    let (message, signature) = token.rsplit_once('.').ok_or("a token has three parts")?;
    let header = message.split_once('.').ok_or("a token has three parts")?.0;
    let header: serde_json::Value =
        serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(header)?)?;
    assert_eq!(header["alg"], "RS256");
    let body: String = PKCS1
        .lines()
        .filter(|line| !line.starts_with('-'))
        .collect();
    let pair =
        RsaKeyPair::from_der(&BASE64_STANDARD.decode(body)?).map_err(|error| error.to_string())?;
    let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public().as_ref());
    let signature = BASE64_URL_SAFE_NO_PAD.decode(signature)?;
    public
        .verify(message.as_bytes(), &signature)
        .map_err(|_| "the signature is wrong")?;
    Ok(())
}

#[tokio::test]
async fn seed_pairing_5() -> TestResult {
    let office = Office::open().await?;
    let (device, secret) = office.device()?;
    let (certificate, _) = office.certificate(device, &secret).await?;
    assert!(certificate.starts_with("-----BEGIN CERTIFICATE-----"));
    Ok(())
}

#[tokio::test]
async fn seed_pairing_6() -> TestResult {
    let office = Office::open().await?;
    let (device, secret) = office.device()?;
    let info = soon(office.client.info(device, &secret)).await?;
    assert_eq!(info.broker_url, office.site.sandbox.broker_url());
    assert_eq!(info.status, DeviceStatus::Pending);
    assert!(!info.version.is_empty());
    Ok(())
}

#[tokio::test]
async fn seed_pairing_7() -> TestResult {
    let office = Office::open().await?;
    let (device, secret) = office.device()?;
    let (certificate, _) = office.certificate(device, &secret).await?;
    let validity = soon(office.client.verify(device, &secret, &certificate)).await?;
    assert!(matches!(validity, Validity::Valid { .. }), "{validity:?}");
    Ok(())
}

#[test]
fn seed_exceptions_1() {
    let parse = |id: &str| -> Result<DeviceId, astarte_runtime::Error> { Ok(id.parse()?) };
    let shown = |error: &dyn std::error::Error| error.to_string();
    let error = parse("short").unwrap_err();
    let own = "short".parse::<DeviceId>().unwrap_err();
    assert_eq!(shown(&error), shown(&own));
    let io = || std::io::Error::other("the disk is full");
    let error = astarte_runtime::Error::from(PairingError::from(io()));
    assert_eq!(shown(&error), shown(&PairingError::from(io())));
    let cause = std::error::Error::source(&error).map(ToString::to_string);
    assert_eq!(cause.as_deref(), Some("the disk is full"));
}

#[tokio::test]
async fn seed_exceptions_2() -> TestResult {
    let office = Office::open().await?;
    let (device, secret) = office.device()?;
    let error = soon(office.client.certificate(device, &secret, "x"))
        .await
        .unwrap_err();
    let answer = error.answer().ok_or("the server said something")?;
    assert_eq!(answer.status, 422);
    assert!(answer.body.contains("is not a valid PEM CSR"), "{answer}");
    Ok(())
}

#[tokio::test]
async fn seed_exceptions_3() -> TestResult {
    let office = Office::open().await?;
    let (device, _) = office.device()?;
    let error = soon(office.client.register(device, &Authorization::jwt("x")))
        .await
        .unwrap_err();
    assert!(matches!(error, PairingError::Unauthorized(_)), "{error}");
    let error = soon(office.client.info(device, &"wrong".into()))
        .await
        .unwrap_err();
    for cause in ["it is wrong", "registered anew", "unregistered"] {
        assert!(error.to_string().contains(cause), "{error}");
    }
    Ok(())
}

#[tokio::test]
async fn seed_exceptions_4() -> TestResult {
    let office = Office::open().await?;
    let (device, secret) = office.device()?;
    office.certificate(device, &secret).await?;
    let error = soon(office.client.register(device, &office.agent()))
        .await
        .unwrap_err();
    assert!(
        matches!(error, PairingError::AlreadyRegistered(_)),
        "{error}"
    );
    assert!(
        "YQ".parse::<DeviceId>().is_err(),
        "an invalid id is never sent"
    );
    Ok(())
}

#[test]
fn seed_exceptions_8() -> TestResult {
    let error = RealmKey::from_pem(b"no key").unwrap_err();
    assert!(matches!(error, RealmKeyError::Pem { .. }), "{error}");
    let kind = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519)?.serialize_pem();
    let error = RealmKey::from_pem(kind.as_bytes()).unwrap_err();
    assert_eq!(error, RealmKeyError::Unsupported);
    Ok(())
}

#[test]
fn seed_exceptions_9() -> TestResult {
    let directory = tempfile::tempdir()?;
    let missing = directory.path().join("missing");
    let error =
        DirectoryCredentials::open(&missing, &"test".parse()?, &DeviceId::random()).unwrap_err();
    assert!(error.to_string().contains("missing"), "{error}");
    assert!(!missing.exists());
    Ok(())
}

/// An interface file that cannot be decoded: where, and what to write.
#[test]
fn seed_exceptions_5() {
    let source = astarte_interface::Source::new("broken.json", "{\n  \"interface_name\" \"a\"\n}");
    let diagnostics = astarte_interface::Interface::parse(&source).unwrap_err();
    let shown = diagnostics.to_string();
    assert!(
        shown.contains("[json::syntax]") && shown.contains("broken.json:2:20"),
        "{shown}"
    );
}

/// An interface file that does not exist: which one, and which one may be meant.
#[test]
fn seed_exceptions_6() {
    let missing = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../interfaces/org.example.Missing.json"
    );
    let error = astarte_build::Config::new()
        .interface(missing)
        .generate()
        .unwrap_err();
    assert!(
        error.to_string().contains("org.example.Missing.json"),
        "{error}"
    );
}

/// What the thermostat measures.
#[astarte_runtime::astarte_interface("../interfaces/org.example.thermostat.Readings.json")]
struct Readings;

/// An interface that the device does not have: a handle comes from the registration, so there is nothing to send by.
#[tokio::test]
async fn seed_exceptions_7() -> TestResult {
    let office = Office::open().await?;
    let mut builder = astarte_runtime::Device::builder(office.site.config());
    let _readings: astarte_runtime::DatastreamSender<Readings> = builder.interface::<Readings>();
    let _device = soon(builder.connect()).await?;
    let known = office.site.device.introspection();
    assert!(known.contains_key("org.example.thermostat.Readings"));
    Ok(())
}

/// A value that the server would refuse: interface, path, what was found and what is the limit.
#[tokio::test]
async fn seed_exceptions_10() -> TestResult {
    let office = Office::open().await?;
    let mut builder = astarte_runtime::Device::builder(office.site.config());
    let readings = builder.interface::<Readings>();
    let endpoint = readings::Humidity { room: "kitchen" };
    let error = soon(readings.send(endpoint, f64::INFINITY))
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "the value of `org.example.thermostat.Readings/kitchen/humidity`: inf is not a finite number"
    );
    Ok(())
}

/// Credentials are kept where the application wants.
#[tokio::test]
async fn a_device_keeps_its_credentials_in_a_store_of_the_application() -> TestResult {
    #[derive(Clone, Debug, Default)]
    struct Elsewhere(Arc<astarte_runtime::pairing::MemoryCredentials>);

    impl CredentialStore for Elsewhere {
        fn load(&self) -> std::io::Result<Option<astarte_runtime::pairing::KeptCredentials>> {
            self.0.load()
        }

        fn save(
            &self,
            credentials: &astarte_runtime::pairing::KeptCredentials,
        ) -> std::io::Result<()> {
            self.0.save(credentials)
        }
    }

    let office = Office::open().await?;
    let store = Elsewhere::default();
    let config = office.site.config().credential_store(store.clone());
    let _device = soon(astarte_runtime::Device::builder(config).connect()).await?;
    assert!(store.load()?.is_some_and(|kept| kept.certificate.is_some()));
    Ok(())
}
