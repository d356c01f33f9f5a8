//! Faults of other SDKs that must not come back.

use std::{
    error::Error,
    fs,
    io::{self, BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
    time::{Instant, SystemTime},
};

use astarte_runtime::{
    ConnectError, Device, DeviceId, Tls,
    pairing::{
        Authorization, Client, CredentialStore, CredentialsSecret, DirectoryCredentials,
        KeptCertificate, KeptCredentials, MemoryCredentials, Pairing, PairingError,
    },
};
use astarte_tests::{Site, TestResult, refused, soon};
use tokio::net::TcpListener;

use super::{Office, server::Server};

/// Where a device keeps its credentials.
fn files(directory: &Path) -> io::Result<Vec<PathBuf>> {
    fs::read_dir(directory.join("credentials"))?
        .map(|file| file.map(|file| file.path()))
        .collect()
}

/// A certificate that expired long ago, as a device keeps it.
fn expired(common_name: &str) -> Result<KeptCredentials, rcgen::Error> {
    let key = rcgen::KeyPair::generate()?;
    let mut params = rcgen::CertificateParams::default();
    params
        .distinguished_name
        .push(rcgen::DnType::CommonName, common_name);
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(2020, 4, 1);
    let mut kept = KeptCredentials::default();
    kept.certificate = Some(KeptCertificate {
        chain: params.self_signed(&key)?.pem(),
        private_key: key.serialize_pem().into(),
    });
    Ok(kept)
}

/// Lesson 13: power lost between the writing of certificate and key left a pair that never connects.
/// Key, certificate and secret are one file here; whatever damages it, the device connects.
#[tokio::test]
async fn lesson_13_a_damaged_unit_is_replaced() -> TestResult {
    let directory = tempfile::tempdir()?;
    let site = Site::start().await?;
    let connect = async || -> TestResult {
        let config = site.config().directory(directory.path());
        let device = soon(Device::builder(config).connect()).await?;
        device.disconnect().await;
        Ok(())
    };
    connect().await?;
    let file = files(directory.path())?
        .pop()
        .ok_or("the credentials are in a file")?;
    let whole = fs::read_to_string(&file)?;
    for damaged in [
        "",
        &whole[..whole.len() / 2],
        &whole.replace("PRIVATE", "PRIWATE"),
    ] {
        fs::write(&file, damaged)?;
        connect().await?;
    }
    let kept = fs::read_to_string(&file)?;
    connect().await?;
    assert_eq!(fs::read_to_string(&file)?, kept, "what is whole is kept");
    Ok(())
}

/// Lesson 13 as well: a certificate and a key that do not belong together are as good as none.
#[tokio::test]
async fn lesson_13_a_mixed_pair_is_replaced() -> TestResult {
    let office = Office::open().await?;
    let (device, secret) = office.device()?;
    let (certificate, _) = office.certificate(device, &secret).await?;
    let store = Arc::new(MemoryCredentials::default());
    let mut mixed = KeptCredentials::default();
    mixed.broker_url = Some(office.site.sandbox.broker_url().to_owned());
    mixed.certificate = Some(KeptCertificate {
        chain: certificate,
        private_key: rcgen::KeyPair::generate()?.serialize_pem().into(),
    });
    store.save(&mixed)?;
    let kept: Arc<dyn CredentialStore> = store.clone();
    let pairing = Pairing::with_store(office.client.clone(), device, secret, kept);
    let connection = soon(pairing.connection(false)).await?;
    assert_eq!(
        connection.credentials.common_name(),
        Some(&*format!("test/{device}"))
    );
    Ok(())
}

/// Lesson 25: a wrong secret was retried for ever, with no sign to the application.
#[tokio::test]
async fn lesson_25_a_wrong_secret_ends_connect() -> TestResult {
    let site = Site::start().await?;
    let config = site
        .config()
        .pairing(site.sandbox.pairing_url(), "swordfish");
    let error = refused(Device::builder(config)).await;
    let ConnectError::Pairing(cause) = &error else {
        panic!("{error}")
    };
    assert!(matches!(**cause, PairingError::SecretRefused(_)), "{error}");
    assert!(
        !format!("{error:?}").contains("swordfish"),
        "the secret is not shown"
    );
    Ok(())
}

/// Lesson 26: the pairing API was asked before every connection, and none came to be while it was away.
#[tokio::test]
async fn lesson_26_kept_credentials_need_no_pairing_api() -> TestResult {
    let directory = tempfile::tempdir()?;
    let site = Site::start().await?;
    let device = soon(Device::builder(site.config().directory(directory.path())).connect()).await?;
    device.disconnect().await;

    let nobody = TcpListener::bind("127.0.0.1:0").await?.local_addr()?;
    let config = site.config().directory(directory.path());
    let config = config.pairing(format!("http://{nobody}"), "of no use");
    let device = soon(Device::builder(config).connect()).await?;
    assert!(device.is_connected());
    Ok(())
}

/// Lesson 26 as well: asking anew where the broker is does not need an answer.
#[tokio::test]
async fn lesson_26_a_refresh_without_pairing_api_returns_what_is_kept() -> TestResult {
    let office = Office::open().await?;
    let (device, secret) = office.device()?;
    let store: Arc<dyn CredentialStore> = Arc::new(MemoryCredentials::default());
    let online = Pairing::with_store(
        office.client.clone(),
        device,
        secret.clone(),
        Arc::clone(&store),
    );
    let before = soon(online.connection(false)).await?;

    let nobody = Server::start([]).await?;
    let client = nobody.client().attempts(1).build()?;
    let offline = Pairing::with_store(client, device, secret, store);
    let after = soon(offline.connection(false)).await?;
    assert!(nobody.requests().is_empty());
    assert_eq!(after.credentials.chain(), before.credentials.chain());
    let after = soon(offline.connection(true)).await?;
    assert_eq!(nobody.requests().len(), 1);
    assert_eq!(after.broker_url, before.broker_url);
    let error = soon(offline.renew()).await.unwrap_err();
    assert!(!error.is_permanent(), "{error}");
    Ok(())
}

/// Lesson 27: an environment variable switched TLS checks off.
/// The test runs itself in a process with such variables: a certificate of nobody is refused there as well.
#[tokio::test]
async fn lesson_27_the_environment_does_not_switch_checks_off() -> TestResult {
    const VARIABLES: [&str; 4] = [
        "IGNORE_SSL_ERRORS",
        "ASTARTE_IGNORE_SSL_ERRORS",
        "E2E_IGNORE_SSL",
        "SSLKEYLOGFILE",
    ];
    if VARIABLES
        .iter()
        .any(|name| std::env::var_os(name).is_none())
    {
        let test = "lessons::lesson_27_the_environment_does_not_switch_checks_off";
        let mut child = Command::new(std::env::current_exe()?);
        child
            .args([test, "--exact"])
            .envs(VARIABLES.map(|name| (name, "true")));
        let output = tokio::task::spawn_blocking(move || child.output()).await??;
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success() && text.contains("1 passed"),
            "{text}"
        );
        return Ok(());
    }
    let site = Site::start().await?;
    // The broker is no pairing API, but it has a certificate.
    let url = site.sandbox.broker_url().replace("mqtts", "https");
    let reason = async |tls: Tls| -> Result<String, Box<dyn Error>> {
        let client = Client::builder(&url, &"test".parse()?)
            .tls(&tls)
            .attempts(1)
            .build()?;
        let error = soon(client.info(DeviceId::random(), &"secret".into()))
            .await
            .unwrap_err();
        let mut text = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            text = format!("{text}: {cause}");
            source = cause.source();
        }
        Ok(text)
    };
    let words = "invalid peer certificate";
    let text = reason(Tls::new()).await?;
    assert!(text.contains(words), "{text}");
    let text = reason(Tls::new().danger_accept_invalid_certificates()).await?;
    assert!(!text.contains(words), "{text}");
    let ca = site.sandbox.ca_pem();
    for tls in [
        Tls::new().add_root_certificates_pem(ca.as_bytes())?,
        Tls::new().only_root_certificates_pem(ca.as_bytes())?,
    ] {
        let text = reason(tls).await?;
        assert!(!text.contains(words), "{text}");
    }
    Ok(())
}

/// Lesson 28: after a certificate expired it was never renewed, and the broker was tried in a tight loop.
#[tokio::test]
async fn lesson_28_an_expired_certificate_is_renewed_once() -> TestResult {
    let office = Office::open().await?;
    let (device, secret) = office.device()?;
    let store = Arc::new(MemoryCredentials::default());
    let mut kept = expired(&format!("test/{device}"))?;
    kept.broker_url = Some(office.site.sandbox.broker_url().to_owned());
    store.save(&kept)?;
    let client = office.client.clone();
    let pairing = Pairing::with_store(client, device, secret, store);
    let first = soon(pairing.connection(false)).await?.credentials;
    assert!(first.is_valid_at(SystemTime::now()));
    let again = soon(pairing.connection(false)).await?.credentials;
    assert_eq!(again.chain(), first.chain());
    let refreshed = soon(pairing.connection(true)).await?.credentials;
    assert_eq!(refreshed.chain(), first.chain(), "the server takes it");
    let renewed = soon(pairing.renew()).await?.credentials;
    assert_ne!(renewed.chain(), first.chain());
    Ok(())
}

/// Lesson 28 as well: where the clock is wrong, or pairing away, the broker decides on the certificate.
#[tokio::test]
async fn lesson_28_an_expired_certificate_is_shown_where_nobody_can_be_asked() -> TestResult {
    let device = DeviceId::random();
    let store = Arc::new(MemoryCredentials::default());
    let mut kept = expired(&format!("test/{device}"))?;
    kept.broker_url = Some("mqtts://broker.example:8883/".to_owned());
    store.save(&kept)?;
    let nobody = Server::start([]).await?;
    let client = nobody.client().attempts(2).build()?;
    let pairing = Pairing::with_store(client, device, CredentialsSecret::from("secret"), store);
    let connection = soon(pairing.connection(false)).await?;
    assert!(!connection.credentials.is_valid_at(SystemTime::now()));
    assert_eq!(nobody.requests().len(), 2);
    Ok(())
}

/// Lesson 39: secrets were written with the permissions of the process.
#[cfg(unix)]
#[tokio::test]
async fn lesson_39_only_the_owner_reads_the_credentials() -> TestResult {
    use std::os::unix::fs::PermissionsExt;

    let directory = tempfile::tempdir()?;
    let site = Site::start().await?;
    let config = site.config().directory(directory.path());
    let _device = soon(Device::builder(config).connect()).await?;
    let mode = |path: &Path| fs::metadata(path).map(|data| data.permissions().mode() & 0o777);
    assert_eq!(mode(&directory.path().join("credentials"))?, 0o700);
    let files = files(directory.path())?;
    assert!(!files.is_empty());
    for file in files {
        assert_eq!(mode(&file)?, 0o600, "{}", file.display());
    }
    Ok(())
}

/// A device that registers itself is killed at any moment, and always connects afterwards.
/// The test runs itself as the device: a process that pairs and renews until it is killed.
#[tokio::test]
async fn a_killed_device_pairs_the_next_time() -> TestResult {
    if let Ok(role) = std::env::var(ROLE) {
        let [url, token, device, directory] = *role.split(' ').collect::<Vec<_>>() else {
            panic!("{role}")
        };
        let pairing = self_registering(url, token, device.parse()?, Path::new(directory))?;
        pairing.connection(false).await?;
        println!("\n{PAIRED}");
        loop {
            pairing.renew().await?;
        }
    }
    let office = Office::open().await?;
    let (url, token) = (office.site.sandbox.pairing_url(), office.site.sandbox.jwt());
    let spawn = |device: DeviceId, directory: &Path| {
        Command::new(std::env::current_exe()?)
            .args([
                "lessons::a_killed_device_pairs_the_next_time",
                "--exact",
                "--nocapture",
            ])
            .env(
                ROLE,
                format!("{url} {token} {device} {}", directory.display()),
            )
            .stdout(Stdio::piped())
            .spawn()
    };
    let directory = tempfile::tempdir()?;
    let started = Instant::now();
    let mut child = spawn(DeviceId::random(), directory.path())?;
    let output = child.stdout.take().ok_or("it is piped")?;
    let paired = tokio::task::spawn_blocking(|| {
        BufReader::new(output)
            .lines()
            .map_while(Result::ok)
            .any(|line| line == PAIRED)
    });
    assert!(soon(paired).await?, "it pairs where nobody kills it");
    let usual = started.elapsed();
    child.kill()?;
    child.wait()?;

    let mut kept = 0;
    for _ in 0..KILLS {
        let directory = tempfile::tempdir()?;
        let device = DeviceId::random();
        let mut child = spawn(device, directory.path())?;
        let mut output = child.stdout.take().ok_or("it is piped")?;
        let end = tokio::task::spawn_blocking(move || io::copy(&mut output, &mut io::sink()));
        // A byte of the id chooses the moment, up to twice of what pairing takes.
        let moment = usual * u32::from(device.as_bytes()[0]) / 128;
        let ended = tokio::time::timeout(moment, end).await;
        assert!(ended.is_err(), "it pairs for ever");
        child.kill()?;
        child.wait()?;
        kept += usize::from(directory.path().join("credentials").exists());
        let pairing = self_registering(url, &token, device, directory.path())?;
        let connection = soon(pairing.connection(false)).await?;
        assert!(connection.credentials.is_valid_at(SystemTime::now()));
    }
    assert!(
        0 < kept && kept < KILLS,
        "killed too early or too late: {kept} of {KILLS}"
    );
    Ok(())
}

fn self_registering(
    url: &str,
    token: &str,
    device: DeviceId,
    directory: &Path,
) -> Result<Pairing, Box<dyn Error>> {
    let realm = "test".parse()?;
    let store = Arc::new(DirectoryCredentials::open(directory, &realm, &device)?);
    let client = Client::new(url, &realm, &Tls::new())?;
    let agent = Authorization::jwt(token);
    Ok(Pairing::with_store(client, device, agent, store))
}

/// Tells a process that it is the device, and which.
const ROLE: &str = "PAIRING_TEST_DEVICE";

/// What the device says once it has credentials.
const PAIRED: &str = "paired";

/// How often a device is killed.
const KILLS: usize = 200;
