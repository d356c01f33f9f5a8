//! The pairing API, scenarios 1 to 18 of the protocol.

use std::time::Duration;

use astarte_sandbox::{DeviceId, EventKind, Sandbox, Value as AstarteValue};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::{Value, json};

use crate::bson;
use crate::client::{Client, Options};
use crate::fixtures::{self, Identity, below, key_and_csr, paired};
use crate::http::{Answer, get, post, request};

const ID: &str = "2imLILqtRP2vq0ZVy-TGRQ";

fn bearer(token: &str) -> String {
    format!("Authorization: Bearer {token}")
}

async fn register(sandbox: &Sandbox, token: &str, data: Value) -> Answer {
    post(
        sandbox,
        "/v1/test/agent/devices",
        &[&bearer(token)],
        &json!({ "data": data }),
    )
    .await
}

async fn secret(sandbox: &Sandbox) -> String {
    let answer = register(sandbox, &sandbox.jwt(), json!({"hw_id": ID})).await;
    assert_eq!(answer.status, 201);
    answer.body["data"]["credentials_secret"]
        .as_str()
        .unwrap()
        .to_owned()
}

async fn credentials(sandbox: &Sandbox, secret: &str, data: Value) -> Answer {
    let path = format!("/v1/test/devices/{ID}/protocols/astarte_mqtt_v1/credentials");
    post(sandbox, &path, &[&bearer(secret)], &json!({ "data": data })).await
}

async fn status(sandbox: &Sandbox, secret: &str) -> Value {
    let answer = get(
        sandbox,
        &format!("/v1/test/devices/{ID}"),
        &[&bearer(secret)],
    )
    .await;
    assert_eq!(answer.status, 200);
    answer.body["data"]["status"].clone()
}

#[tokio::test]
async fn a_device_is_registered_by_token() {
    let sandbox = Sandbox::start().await.unwrap();
    let token = sandbox.sign_jwt(&json!({"a_pa": ["POST::agent/devices"]}));
    let answer = register(&sandbox, &token, json!({"hw_id": ID})).await;
    assert_eq!(answer.status, 201);
    assert_eq!(
        answer.body["data"]["credentials_secret"]
            .as_str()
            .unwrap()
            .len(),
        44
    );
    assert_eq!(sandbox.devices().len(), 1);
}

#[tokio::test]
async fn tokens_are_checked() {
    let sandbox = Sandbox::start().await.unwrap();
    let other = Sandbox::start().await.unwrap();
    let data = json!({"hw_id": ID});

    let narrow = sandbox.sign_jwt(&json!({"a_pa": ["POST::agent/dev"]}));
    let detail =
        "Unauthorized access to POST /v1/test/agent/devices. Please verify your permissions";
    assert_eq!(
        register(&sandbox, &narrow, data.clone()).await.detail(),
        (403, detail)
    );

    let answer = register(&sandbox, &other.jwt(), data.clone()).await;
    assert_eq!(answer.detail(), (401, "Invalid JWT token"));

    let expired = sandbox.sign_jwt(&json!({"a_pa": [".*::.*"], "exp": 1}));
    assert_eq!(
        register(&sandbox, &expired, data.clone()).await.detail(),
        (403, "Forbidden")
    );

    let path = "/v1/test/agent/devices";
    let answer = post(&sandbox, path, &[], &json!({ "data": data })).await;
    assert_eq!(answer.detail(), (401, "Missing authorization token"));

    let answer = post(&sandbox, "/v1/other/agent/devices", &[], &json!({})).await;
    assert_eq!(answer.detail(), (403, "Forbidden"));
}

#[tokio::test]
async fn registrations_are_validated() {
    let sandbox = Sandbox::start().await.unwrap();
    let token = sandbox.jwt();
    for (data, errors) in [
        (json!({}), json!({"hw_id": ["can't be blank"]})),
        (
            json!({"hw_id": "YQ"}),
            json!({"hw_id": ["is not a valid base64 encoded 128 bits id"]}),
        ),
        (
            json!({"hw_id": ID, "initial_introspection": {"a.B": {"major": 1}}}),
            json!({"initial_introspection": ["has invalid format for interface a.B"]}),
        ),
        (
            json!({"hw_id": ID, "initial_introspection": {"a.B": {"major": 1, "minor": -1}}}),
            json!({"initial_introspection": ["has negative versions in interface a.B"]}),
        ),
        (
            json!({"hw_id": ID, "initial_introspection": 1}),
            json!({"initial_introspection": ["is invalid"]}),
        ),
    ] {
        let answer = register(&sandbox, &token, data.clone()).await;
        assert_eq!(
            answer,
            Answer {
                status: 422,
                body: json!({ "errors": errors })
            },
            "{data}"
        );
    }
    let path = "/v1/test/agent/devices";
    let answer = post(&sandbox, path, &[&bearer(&token)], &json!({"hw_id": ID})).await;
    assert_eq!(answer.detail(), (400, "Bad request"));
    let headers = [bearer(&token), "Content-Type: application/json".to_owned()];
    let headers = headers.each_ref().map(String::as_str);
    let answer = request(&sandbox, "POST", path, &headers, "{").await;
    assert_eq!(answer.detail(), (400, "Bad request"));
}

#[tokio::test]
async fn an_extended_id_is_that_of_its_first_bits() {
    let sandbox = Sandbox::start().await.unwrap();
    let long = "ova1YgZZZo3p_2m8UjJ_c3sOOmpLh3GOc0CARFwE-V4";
    let answer = register(&sandbox, &sandbox.jwt(), json!({"hw_id": long})).await;
    let secret = answer.body["data"]["credentials_secret"].as_str().unwrap();
    for id in [long, "ova1YgZZZo3p_2m8UjJ_cw"] {
        let path = format!("/v1/test/devices/{id}");
        assert_eq!(get(&sandbox, &path, &[&bearer(secret)]).await.status, 200);
    }
}

#[tokio::test]
async fn a_pending_device_gets_a_new_secret() {
    let sandbox = Sandbox::start().await.unwrap();
    let first = secret(&sandbox).await;
    let second = secret(&sandbox).await;
    assert_ne!(first, second);
    let path = format!("/v1/test/devices/{ID}");
    let answer = get(&sandbox, &path, &[&bearer(&first)]).await;
    assert_eq!(answer.detail(), (403, "Forbidden"));
    assert_eq!(status(&sandbox, &second).await, "pending");
}

#[tokio::test]
async fn a_device_with_a_certificate_must_be_unregistered_first() {
    let sandbox = Sandbox::start().await.unwrap();
    let first = secret(&sandbox).await;
    let csr = key_and_csr().1;
    assert_eq!(
        credentials(&sandbox, &first, json!({"csr": csr}))
            .await
            .status,
        201
    );
    let answer = register(&sandbox, &sandbox.jwt(), json!({"hw_id": ID})).await;
    assert_eq!(answer.detail(), (422, "Device already registered"));

    let path = format!("/v1/test/agent/devices/{ID}");
    let token = bearer(&sandbox.jwt());
    assert_eq!(
        request(&sandbox, "DELETE", &path, &[&token], "")
            .await
            .status,
        204
    );
    let info = get(
        &sandbox,
        &format!("/v1/test/devices/{ID}"),
        &[&bearer(&first)],
    )
    .await;
    assert_eq!(info.detail(), (403, "Forbidden"));
    assert_eq!(
        register(&sandbox, &sandbox.jwt(), json!({"hw_id": ID}))
            .await
            .status,
        201
    );

    let unknown = "/v1/test/agent/devices/AAAAAAAAAAAAAAAAAAAAAA";
    let answer = request(&sandbox, "DELETE", unknown, &[&token], "").await;
    assert_eq!(answer.detail(), (404, "Device not found"));
    let answer = request(
        &sandbox,
        "DELETE",
        "/v1/test/agent/devices/x",
        &[&token],
        "",
    )
    .await;
    assert_eq!(answer.detail(), (500, "Internal server error"));
}

#[tokio::test]
async fn an_unregistered_device_still_connects() {
    let sandbox = Sandbox::start().await.unwrap();
    let (device, identity) = paired(&sandbox).await;
    assert!(device.unregister());
    Client::connect(&sandbox, &identity, Options::kept("x")).await;
}

#[tokio::test]
async fn a_certificate_confirms_the_device() {
    let sandbox = Sandbox::start().await.unwrap();
    let secret = secret(&sandbox).await;
    assert_eq!(status(&sandbox, &secret).await, "pending");
    let csr = key_and_csr().1;
    let answer = credentials(&sandbox, &secret, json!({"csr": csr})).await;
    assert_eq!(answer.status, 201);
    let certificate = answer.body["data"]["client_crt"].as_str().unwrap();
    let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
    // A common name, in UTF-8.
    let name = format!("test/{ID}");
    let length = u8::try_from(name.len()).unwrap();
    let name = [b"\x06\x03\x55\x04\x03\x0c", &[length][..], name.as_bytes()].concat();
    assert!(certificate.windows(name.len()).any(|bytes| bytes == name));
    assert_eq!(status(&sandbox, &secret).await, "confirmed");

    let info = get(
        &sandbox,
        &format!("/v1/test/devices/{ID}"),
        &[&bearer(&secret)],
    )
    .await;
    let data = &info.body["data"];
    assert_eq!(data["version"], "1.4.0");
    assert_eq!(
        data["protocols"]["astarte_mqtt_v1"]["broker_url"],
        sandbox.broker_url()
    );
}

#[tokio::test]
async fn an_inhibited_device_gets_no_certificate() {
    let sandbox = Sandbox::start().await.unwrap();
    let secret = secret(&sandbox).await;
    let id: DeviceId = ID.parse().unwrap();
    assert!(sandbox.device(id).inhibit_credentials(true));
    assert_eq!(status(&sandbox, &secret).await, "inhibited");
    let answer = credentials(&sandbox, &secret, json!({"csr": key_and_csr().1})).await;
    assert_eq!(answer.detail(), (500, "Internal server error"));
}

#[tokio::test]
async fn requests_for_credentials_are_validated() {
    let sandbox = Sandbox::start().await.unwrap();
    let secret = secret(&sandbox).await;
    for (data, message) in [
        (json!({}), "can't be blank"),
        (json!({"csr": ""}), "can't be blank"),
        (json!({"csr": "x"}), "is not a valid PEM CSR"),
    ] {
        // The body is looked at before the secret.
        for secret in [secret.as_str(), "wrong"] {
            let answer = credentials(&sandbox, secret, data.clone()).await;
            assert_eq!(
                (answer.status, &answer.body["errors"]["csr"][0]),
                (422, &json!(message))
            );
        }
    }
    let csr = key_and_csr().1;
    let answer = credentials(&sandbox, "wrong", json!({"csr": csr})).await;
    assert_eq!(answer.detail(), (403, "Forbidden"));

    let path = format!("/v1/test/devices/{ID}/protocols/astarte_mqtt_v1/credentials");
    let body = json!({"data": {"csr": csr}});
    let bare = format!("Authorization: {secret}");
    assert_eq!(
        post(&sandbox, &path, &[&bare], &body).await.detail(),
        (401, "Unauthorized")
    );
    let path = format!("/v1/test/devices/{ID}/protocols/other/credentials");
    let answer = post(&sandbox, &path, &[&bearer(&secret)], &body).await;
    assert_eq!(answer.detail(), (400, "Bad request"));
    let unsigned = "-----BEGIN CERTIFICATE REQUEST-----\nAQID\n-----END CERTIFICATE REQUEST-----\n";
    let answer = credentials(&sandbox, &secret, json!({"csr": unsigned})).await;
    assert_eq!(answer.detail(), (500, "Internal server error"));
}

#[tokio::test]
async fn device_routes_tell_what_is_missing() {
    let sandbox = Sandbox::start().await.unwrap();
    let secret = bearer(&secret(&sandbox).await);
    for (path, headers, expected) in [
        (
            format!("/v1/test/devices/{ID}"),
            vec![],
            (401, "Unauthorized"),
        ),
        (
            "/v1/test/devices/x".to_owned(),
            vec![&*secret],
            (500, "Internal server error"),
        ),
        (
            "/v1/test/devices/AAAAAAAAAAAAAAAAAAAAAA".to_owned(),
            vec![&*secret],
            (404, "Device not found"),
        ),
        (
            format!("/v1/other/devices/{ID}"),
            vec![&*secret],
            (403, "Forbidden"),
        ),
        (
            format!("/v1/test/nothing/{ID}"),
            vec![&*secret],
            (404, "Page not found"),
        ),
    ] {
        assert_eq!(
            get(&sandbox, &path, &headers).await.detail(),
            expected,
            "{path}"
        );
    }
    let path = format!("/v1/test/devices/{ID}");
    assert_eq!(
        get(&sandbox, &path, &[&secret, "Accept: text/html"])
            .await
            .status,
        406
    );
}

#[tokio::test]
async fn certificates_are_verified() {
    let sandbox = Sandbox::start().await.unwrap();
    let secret = secret(&sandbox).await;
    let answer = credentials(&sandbox, &secret, json!({"csr": key_and_csr().1})).await;
    let path = format!("/v1/test/devices/{ID}/protocols/astarte_mqtt_v1/credentials/verify");
    let verify = async |certificate: &Value| {
        let body = json!({"data": {"client_crt": certificate}});
        post(&sandbox, &path, &[&bearer(&secret)], &body).await
    };

    let own = verify(&answer.body["data"]["client_crt"]).await;
    assert_eq!(
        (own.status, &own.body["data"]["valid"]),
        (200, &json!(true))
    );
    let until = own.body["data"]["until"].as_str().unwrap();
    assert!(
        until.ends_with('Z') && until.as_bytes()[10] == b' ',
        "{until}"
    );

    let garbage = verify(&json!("garbage")).await;
    assert_eq!(
        (garbage.status, &garbage.body["data"]["valid"]),
        (200, &json!(false))
    );
    assert_eq!(garbage.body["data"]["cause"], "INVALID");

    let other = Sandbox::start().await.unwrap();
    let foreign = other
        .sign_certificate(&key_and_csr().1, "x", Duration::from_secs(60))
        .unwrap();
    let foreign = verify(&json!(foreign)).await;
    assert_eq!(foreign.body["data"]["cause"], "INVALID_SIGNATURE");

    let blank = verify(&json!("")).await;
    assert_eq!(
        (blank.status, &blank.body["errors"]["client_crt"][0]),
        (422, &json!("can't be blank"))
    );
}

#[tokio::test]
async fn the_initial_introspection_counts() {
    let sandbox = fixtures::sandbox().await;
    let introspection = json!({"test.Ind": {"major": 1, "minor": 0}});
    let data = json!({"hw_id": ID, "initial_introspection": introspection});
    register(&sandbox, &sandbox.jwt(), data).await;
    let device = sandbox.device(ID.parse().unwrap());
    let identity = Identity::forged(&sandbox, &format!("test/{ID}"));
    let mut client = Client::connect(&sandbox, &identity, Options::kept("x")).await;
    client
        .publish(
            &below(&device, "test.Ind/1/value"),
            2,
            bson::v(bson::double("v", 21.5)),
        )
        .await;
    let received = device.received("test.Ind", "/1/value").await.unwrap();
    assert_eq!(received.value(), Some(&AstarteValue::Double(21.5)));
}

#[tokio::test]
async fn versions_and_health() {
    let sandbox = Sandbox::start().await.unwrap();
    for path in ["/version", "/v1/test/version"] {
        assert_eq!(
            get(&sandbox, path, &[]).await.body,
            json!({"data": "1.4.0"})
        );
    }
    for path in ["/health", "/v1/test/health"] {
        assert_eq!(
            get(&sandbox, path, &[]).await,
            Answer {
                status: 200,
                body: Value::Null
            }
        );
    }
    assert_eq!(get(&sandbox, "/v1/other/version", &[]).await.status, 403);
    assert_eq!(
        request(&sandbox, "OPTIONS", "/v1/test/version", &[], "")
            .await
            .status,
        204
    );
}

#[tokio::test]
async fn the_life_of_a_registration_is_told() {
    let sandbox = Sandbox::start().await.unwrap();
    let mut events = sandbox.events();
    let (device, _) = paired(&sandbox).await;
    device.unregister();
    device.delete();
    let mut kinds = Vec::new();
    while let Some(event) = events.try_next() {
        assert_eq!(event.device, Some(device.id()));
        kinds.push(event.kind);
    }
    assert!(
        matches!(
            kinds.as_slice(),
            [
                EventKind::Registered,
                EventKind::CertificateIssued,
                EventKind::Unregistered,
                EventKind::Deleted
            ]
        ),
        "{kinds:?}"
    );
}
