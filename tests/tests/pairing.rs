//! Registration and credentials.

use std::{fs, time::Duration};

use astarte_runtime::{
    ConnectError, Device, DeviceId, Realm, Tls, Version,
    pairing::{Authorization, Client, CredentialsSecret, DeviceStatus, PairingError, Validity},
};
use astarte_tests::{Site, TestResult, refused, soon};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

struct Office {
    site: Site,
    client: Client,
}

impl Office {
    async fn open() -> Result<Self, Box<dyn std::error::Error>> {
        let site = Site::start().await?;
        let client = Client::new(
            site.sandbox.pairing_url(),
            &site.sandbox.realm().parse()?,
            &Tls::new(),
        )?;
        Ok(Self { site, client })
    }

    fn agent(&self) -> Authorization {
        Authorization::jwt(self.site.sandbox.jwt())
    }

    /// A token that permits nothing but this.
    fn agent_for(&self, permission: &str) -> Authorization {
        Authorization::jwt(self.site.sandbox.sign_jwt(&json!({ "a_pa": [permission] })))
    }
}

#[tokio::test]
async fn a_device_is_registered_until_it_has_a_certificate() -> TestResult {
    let office = Office::open().await?;
    let device = DeviceId::random();
    let void = soon(office.client.register(device, &office.agent())).await?;
    let secret = soon(
        office
            .client
            .register(device, &office.agent_for("POST::agent/devices")),
    )
    .await?;
    let error = soon(office.client.info(device, &void)).await.unwrap_err();
    assert!(
        matches!(error, PairingError::Forbidden { .. }) && error.is_permanent(),
        "{error}"
    );

    let info = soon(office.client.info(device, &secret)).await?;
    assert_eq!(info.status, DeviceStatus::Pending);
    assert_eq!(info.broker_url, office.site.sandbox.broker_url());

    let key = rcgen::KeyPair::generate()?;
    let csr = rcgen::CertificateParams::default()
        .serialize_request(&key)?
        .pem()?;
    let certificate = soon(office.client.certificate(device, &secret, &csr)).await?;
    assert_eq!(
        soon(office.client.info(device, &secret)).await?.status,
        DeviceStatus::Confirmed
    );
    let validity = soon(office.client.verify(device, &secret, &certificate)).await?;
    assert!(matches!(validity, Validity::Valid { .. }), "{validity:?}");
    let validity = soon(office.client.verify(device, &secret, "garbage")).await?;
    assert_eq!(
        validity,
        Validity::Invalid {
            cause: "INVALID".into()
        }
    );

    let error = soon(office.client.register(device, &office.agent()))
        .await
        .unwrap_err();
    assert!(
        matches!(error, PairingError::AlreadyRegistered { .. }),
        "{error}"
    );
    soon(office.client.unregister(device, &office.agent())).await?;
    soon(office.client.register(device, &office.agent())).await?;
    Ok(())
}

#[tokio::test]
async fn a_realm_key_registers_with_a_token_of_its_own() -> TestResult {
    let office = Office::open().await?;
    let authorization = Authorization::realm_key(office.site.sandbox.realm_key_pem().as_bytes())?;
    let device = DeviceId::random();
    let introspection = [(
        "org.example.thermostat.Readings".to_owned(),
        Version { major: 1, minor: 0 },
    )];
    soon(
        office
            .client
            .register_with(device, &authorization, introspection),
    )
    .await?;
    let known = office
        .site
        .sandbox
        .device(device.to_string().parse()?)
        .introspection();
    assert_eq!(
        known.keys().collect::<Vec<_>>(),
        ["org.example.thermostat.Readings"]
    );
    Ok(())
}

#[tokio::test]
async fn each_refusal_has_an_error_of_its_own() -> TestResult {
    let office = Office::open().await?;
    let device = DeviceId::random();
    let register = async |authorization: Authorization| {
        soon(office.client.register(device, &authorization))
            .await
            .unwrap_err()
    };
    let error = register(Authorization::jwt("no token")).await;
    assert!(
        matches!(
            error,
            PairingError::Unauthorized {
                registering: true,
                ..
            }
        ),
        "{error}"
    );
    let error = register(office.agent_for("GET::agent/devices")).await;
    assert!(
        matches!(
            error,
            PairingError::Forbidden {
                registering: true,
                ..
            }
        ),
        "{error}"
    );
    assert!(
        error
            .to_string()
            .contains("does not permit this in its claim `a_pa`"),
        "{error}"
    );

    let secret = CredentialsSecret::from("wrong");
    let error = soon(office.client.info(device, &secret)).await.unwrap_err();
    assert!(
        matches!(error, PairingError::DeviceNotFound { .. }),
        "{error}"
    );
    let error = soon(office.client.unregister(device, &office.agent()))
        .await
        .unwrap_err();
    assert!(
        matches!(error, PairingError::DeviceNotFound { .. }),
        "{error}"
    );
    let secret = soon(office.client.register(device, &office.agent())).await?;
    let error = soon(office.client.certificate(device, &secret, "x"))
        .await
        .unwrap_err();
    assert!(matches!(error, PairingError::Validation { .. }), "{error}");

    let elsewhere: Realm = "elsewhere".parse()?;
    let client = Client::new(office.site.sandbox.pairing_url(), &elsewhere, &Tls::new())?;
    let error = soon(client.register(device, &office.agent()))
        .await
        .unwrap_err();
    assert!(matches!(error, PairingError::Forbidden { .. }), "{error}");
    let error = Client::new("ftp://example.com", &elsewhere, &Tls::new()).unwrap_err();
    assert!(matches!(error, PairingError::Url { .. }), "{error}");
    Ok(())
}

#[tokio::test]
async fn an_inhibited_device_is_told_so() -> TestResult {
    let site = Site::start().await?;
    site.device.inhibit_credentials(true);
    let error = refused(Device::builder(site.config())).await;
    let ConnectError::Pairing(cause) = &error else {
        panic!("{error}")
    };
    assert!(matches!(**cause, PairingError::Inhibited), "{error}");
    assert_eq!(
        error.to_string(),
        "the credentials of the device are inhibited: enable them on the server"
    );
    Ok(())
}

/// Lesson 25: a wrong secret was retried for ever, with no sign to the application.
#[tokio::test]
async fn lesson_25_a_wrong_secret_ends_connect() -> TestResult {
    let site = Site::start().await?;
    let config = site
        .config()
        .pairing(site.sandbox.pairing_url(), "wrong".into());
    let error = refused(Device::builder(config)).await;
    let ConnectError::Pairing(cause) = &error else {
        panic!("{error}")
    };
    assert!(
        matches!(
            **cause,
            PairingError::Forbidden {
                registering: false,
                ..
            }
        ),
        "{error}"
    );
    assert!(
        !format!("{error:?}").contains("wrong\""),
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
    let config = config.pairing(format!("http://{nobody}"), "of no use".into());
    let device = soon(Device::builder(config).connect()).await?;
    assert!(device.is_connected());
    Ok(())
}

/// Lesson 13: power lost between the writing of certificate and key left a pair that never connects.
#[tokio::test]
async fn lesson_13_a_damaged_unit_is_replaced() -> TestResult {
    let directory = tempfile::tempdir()?;
    let site = Site::start().await?;
    let connect = async || -> TestResult {
        let device =
            soon(Device::builder(site.config().directory(directory.path())).connect()).await?;
        device.disconnect().await;
        Ok(())
    };
    connect().await?;
    let file = fs::read_dir(directory.path())?
        .map(|file| file.map(|file| file.path()))
        .find(|path| {
            path.as_ref()
                .is_ok_and(|path| path.extension().is_some_and(|end| end == "json"))
        })
        .ok_or("the credentials are in a file")??;
    let whole = fs::read_to_string(&file)?;
    let other_key = rcgen::KeyPair::generate()?
        .serialize_pem()
        .replace('\n', "\\n");
    let (before, after) = whole
        .split_once("-----BEGIN PRIVATE KEY")
        .ok_or("there is a key")?;
    let after = after
        .split_once("-----END PRIVATE KEY-----\\n")
        .ok_or("there is a key")?
        .1;
    for damaged in [
        String::new(),
        whole[..whole.len() / 2].to_owned(),
        format!("{before}{other_key}{after}"),
    ] {
        fs::write(&file, damaged)?;
        connect().await?;
    }
    // What is whole is kept.
    let kept = fs::read_to_string(&file)?;
    connect().await?;
    assert_eq!(fs::read_to_string(&file)?, kept);
    Ok(())
}

/// Lesson 39: secrets were written with the permissions of the process.
#[cfg(unix)]
#[tokio::test]
async fn lesson_39_only_the_owner_reads_the_credentials() -> TestResult {
    use std::os::unix::fs::PermissionsExt;

    let directory = tempfile::tempdir()?;
    let site = Site::start().await?;
    let _device =
        soon(Device::builder(site.config().directory(directory.path())).connect()).await?;
    let mut seen = 0;
    for file in fs::read_dir(directory.path())? {
        let file = file?;
        if file.path().extension().is_some_and(|end| end == "json") {
            assert_eq!(file.metadata()?.permissions().mode() & 0o777, 0o600);
            seen += 1;
        }
    }
    assert_eq!(seen, 1);
    Ok(())
}

/// A server that answers every connection with these bytes.
async fn server(answer: &'static [u8]) -> Result<Client, Box<dyn std::error::Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/pairing/", listener.local_addr()?);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(answer).await;
        }
    });
    Ok(Client::new(&url, &"test".parse()?, &Tls::new())?)
}

#[tokio::test]
async fn answers_that_make_no_sense_are_errors() -> TestResult {
    let (device, secret) = (DeviceId::random(), CredentialsSecret::from("secret"));
    let info = async |answer| -> Result<PairingError, Box<dyn std::error::Error>> {
        let client = server(answer).await?;
        Ok(soon(client.info(device, &secret)).await.unwrap_err())
    };
    let error =
        info(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\nconnection: close\r\n\r\n<html>").await?;
    assert!(
        matches!(error, PairingError::Malformed { status: 200, .. }) && !error.is_permanent(),
        "{error}"
    );
    let error =
        info(b"HTTP/1.1 500 Oops\r\ncontent-length: 6\r\nconnection: close\r\n\r\n<html>").await?;
    assert!(
        matches!(error, PairingError::Server { status: 500, .. }) && !error.is_permanent(),
        "{error}"
    );
    let error = info(b"").await?;
    assert!(
        matches!(error, PairingError::Http(_)) && !error.is_permanent(),
        "{error}"
    );
    let error =
        info(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\nconnection: close\r\n\r\ncut").await?;
    assert!(matches!(error, PairingError::Http(_)), "{error}");
    // A redirect would take the secret elsewhere.
    let error =
        info(b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n")
            .await?;
    assert!(
        matches!(error, PairingError::Server { status: 302, .. }),
        "{error}"
    );
    Ok(())
}

#[tokio::test]
async fn a_pairing_api_that_is_away_is_tried_again() -> TestResult {
    let site = Site::start().await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/pairing", listener.local_addr()?);
    let target = site
        .sandbox
        .pairing_url()
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
    let config = site
        .config()
        .pairing(url, secret.into())
        .backoff(Duration::from_millis(1), Duration::from_millis(5));
    let device = soon(Device::builder(config).connect()).await?;
    assert!(device.is_connected());
    Ok(())
}
