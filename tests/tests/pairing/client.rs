//! What the pairing API answers, row by row of its specification.

use astarte_runtime::{
    Device, DeviceId, Realm, Tls, Version,
    pairing::{Authorization, Client, CredentialsSecret, DeviceStatus, PairingError, Validity},
};
use astarte_tests::{TestResult, refused, soon};
use serde_json::json;

use super::Office;

#[tokio::test]
async fn a_device_is_registered_until_it_has_a_certificate() -> TestResult {
    let office = Office::open().await?;
    let client = &office.client;
    let device = DeviceId::random();
    let void = soon(client.register(device, &office.agent())).await?;
    let permitted = office.agent_for("POST::agent/devices");
    let secret = soon(client.register(device, &permitted)).await?;
    let error = soon(client.info(device, &void)).await.unwrap_err();
    assert!(
        matches!(error, PairingError::SecretRefused(_)) && error.is_permanent(),
        "{error}"
    );
    assert!(error.to_string().contains("registered anew"), "{error}");

    let info = soon(client.info(device, &secret)).await?;
    assert_eq!(info.status, DeviceStatus::Pending);
    assert_eq!(info.broker_url, office.site.sandbox.broker_url());
    office.certificate(device, &secret).await?;
    let info = soon(client.info(device, &secret)).await?;
    assert_eq!(info.status, DeviceStatus::Confirmed);

    let error = soon(client.register(device, &office.agent()))
        .await
        .unwrap_err();
    assert!(
        matches!(error, PairingError::AlreadyRegistered(_)),
        "{error}"
    );
    assert_eq!(error.answer().map(|answer| answer.status), Some(422));
    soon(client.unregister(device, &office.agent())).await?;
    let error = soon(client.info(device, &secret)).await.unwrap_err();
    assert!(matches!(error, PairingError::SecretRefused(_)), "{error}");
    soon(client.register(device, &office.agent())).await?;
    Ok(())
}

#[tokio::test]
async fn a_certificate_is_verified() -> TestResult {
    let office = Office::open().await?;
    let (device, secret) = office.device()?;
    let (certificate, _) = office.certificate(device, &secret).await?;
    let verify = async |certificate| soon(office.client.verify(device, &secret, certificate)).await;
    let Validity::Valid { until } = verify(&certificate).await? else {
        panic!("the certificate is new")
    };
    assert!(until.starts_with("20"), "{until}");
    let cause = "INVALID".to_owned();
    assert_eq!(verify("garbage").await?, Validity::Invalid { cause });
    let error = verify("").await.unwrap_err();
    assert!(matches!(error, PairingError::Validation(_)), "{error}");
    Ok(())
}

#[tokio::test]
async fn interfaces_are_told_with_the_registration() -> TestResult {
    let office = Office::open().await?;
    let device = DeviceId::random();
    let version = Version { major: 1, minor: 0 };
    let interfaces = [("org.example.thermostat.Readings".to_owned(), version)];
    soon(
        office
            .client
            .register_with(device, &office.agent(), interfaces),
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
async fn each_refusal_of_a_registration_is_told_apart() -> TestResult {
    let office = Office::open().await?;
    let device = DeviceId::random();
    let register = async |authorization: Authorization| {
        let error = soon(office.client.register(device, &authorization))
            .await
            .unwrap_err();
        assert!(error.is_permanent(), "{error}");
        error
    };
    let error = register(Authorization::jwt("no.token")).await;
    assert!(matches!(error, PairingError::Unauthorized(_)), "{error}");
    let foreign = rcgen::KeyPair::generate()?.serialize_pem();
    let error = register(Authorization::realm_key(foreign.as_bytes())?).await;
    assert!(matches!(error, PairingError::Unauthorized(_)), "{error}");
    for nothing in ["", "two words", "line\r\nend", "\u{e9}"] {
        let error = register(Authorization::jwt(nothing)).await;
        assert!(
            matches!(error, PairingError::Unsendable { what: "token" }),
            "{error}"
        );
    }
    let error = register(office.agent_for("GET::agent/devices")).await;
    assert!(matches!(error, PairingError::Forbidden(_)), "{error}");
    assert!(
        error
            .to_string()
            .contains("does not permit this in its claim `a_pa`"),
        "{error}"
    );
    let expired = json!({ "a_pa": [".*::.*"], "exp": 1 });
    let error = register(Authorization::jwt(office.site.sandbox.sign_jwt(&expired))).await;
    assert!(matches!(error, PairingError::Forbidden(_)), "{error}");
    assert!(error.to_string().contains("has expired"), "{error}");

    let error = soon(office.client.unregister(device, &office.agent()))
        .await
        .unwrap_err();
    assert!(matches!(error, PairingError::DeviceNotFound(_)), "{error}");
    Ok(())
}

#[tokio::test]
async fn each_refusal_of_a_device_is_told_apart() -> TestResult {
    let office = Office::open().await?;
    let (device, secret) = office.device()?;
    let error = soon(office.client.info(DeviceId::random(), &secret))
        .await
        .unwrap_err();
    assert!(
        matches!(error, PairingError::DeviceNotFound(_)) && error.is_permanent(),
        "{error}"
    );
    let wrong = CredentialsSecret::from("wrong");
    let error = soon(office.client.info(device, &wrong)).await.unwrap_err();
    assert!(
        matches!(error, PairingError::SecretRefused(_)) && error.is_permanent(),
        "{error}"
    );
    let empty = CredentialsSecret::from("");
    let error = soon(office.client.info(device, &empty)).await.unwrap_err();
    assert!(
        matches!(
            error,
            PairingError::Unsendable {
                what: "credentials secret"
            }
        ),
        "{error}"
    );
    for request in ["x", ""] {
        let error = soon(office.client.certificate(device, &secret, request))
            .await
            .unwrap_err();
        assert!(matches!(error, PairingError::Validation(_)), "{error}");
        assert!(error.to_string().contains("csr"), "{error}");
    }
    Ok(())
}

#[tokio::test]
async fn an_unknown_realm_is_told_apart_from_a_refused_token_or_secret() -> TestResult {
    let office = Office::open().await?;
    let (device, secret) = office.device()?;
    let elsewhere: Realm = "elsewhere".parse()?;
    let client = Client::new(office.site.sandbox.pairing_url(), &elsewhere, &Tls::new())?;
    let error = soon(client.register(device, &office.agent()))
        .await
        .unwrap_err();
    assert!(
        matches!(error, PairingError::UnknownRealm(_)) && error.is_permanent(),
        "{error}"
    );
    let error = soon(client.info(device, &secret)).await.unwrap_err();
    assert!(matches!(error, PairingError::UnknownRealm(_)), "{error}");
    Ok(())
}

#[tokio::test]
async fn a_wrong_path_is_told_apart_from_an_unknown_device() -> TestResult {
    let office = Office::open().await?;
    let (device, secret) = office.device()?;
    let url = format!("{}/elsewhere", office.site.sandbox.pairing_url());
    let client = Client::new(&url, office.client.realm(), &Tls::new())?;
    let error = soon(client.info(device, &secret)).await.unwrap_err();
    assert!(matches!(error, PairingError::NotFound(_)), "{error}");
    Ok(())
}

#[tokio::test]
async fn an_inhibited_device_is_told_so() -> TestResult {
    let office = Office::open().await?;
    let (device, secret) = office.device()?;
    office.site.device.inhibit_credentials(true);
    let info = soon(office.client.info(device, &secret)).await?;
    assert_eq!(info.status, DeviceStatus::Inhibited);
    let Err(error) = office.certificate(device, &secret).await else {
        panic!("it may not")
    };
    let error = error.downcast::<PairingError>()?;
    assert!(
        matches!(*error, PairingError::Inhibited) && error.is_permanent(),
        "{error}"
    );
    let error = refused(Device::builder(office.site.config())).await;
    let words = "the credentials of the device are inhibited: enable them on the server";
    assert_eq!(error.to_string(), words);
    Ok(())
}
