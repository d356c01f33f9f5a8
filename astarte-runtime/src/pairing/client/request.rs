//! One request, and what its answer means.

use std::time::Duration;

use reqwest::{Method, StatusCode, header};
use ring::rand::{SecureRandom as _, SystemRandom};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::Client;
use crate::pairing::{Answer, PairingError};

/// Who makes a request, which decides on what a refusal can mean.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Requester {
    Agent,
    Device,
}

/// A request, to be sent once or more.
pub(super) struct Request<'a> {
    pub(super) requester: Requester,
    pub(super) method: Method,
    /// Below the realm, with a slash at the beginning.
    pub(super) path: String,
    /// The token or the secret.
    pub(super) bearer: &'a str,
    pub(super) data: Option<Value>,
}

impl Client {
    /// Sends a request, again where that may help.
    pub(super) async fn send(&self, request: &Request<'_>) -> Result<Answer, PairingError> {
        let mut attempts = self.attempts();
        loop {
            match self.send_once(request).await {
                Err(error) if attempts.again_after(&error).await => {}
                result => return result,
            }
        }
    }

    pub(super) async fn send_once(&self, request: &Request<'_>) -> Result<Answer, PairingError> {
        let Request {
            requester,
            ref method,
            ref path,
            bearer,
            ref data,
        } = *request;
        if bearer.is_empty() || !bearer.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(PairingError::Unsendable {
                what: match requester {
                    Requester::Agent => "token",
                    Requester::Device => "credentials secret",
                },
            });
        }
        let mut http = self
            .http
            .request(method.clone(), format!("{}{path}", self.base))
            .bearer_auth(bearer)
            .header(header::ACCEPT, JSON);
        if let Some(data) = data {
            let body = json!({ "data": data }).to_string();
            http = http.header(header::CONTENT_TYPE, JSON).body(body);
        }
        let answer = read_answer(http.send().await?).await?;
        if (200..300).contains(&answer.status) {
            return Ok(answer);
        }
        match refusal(answer, requester) {
            // Both a realm that does not exist and whatever is wrong with the token or secret look like this.
            PairingError::Forbidden(answer) | PairingError::SecretRefused(answer)
                if self.realm_is_unknown().await =>
            {
                Err(PairingError::UnknownRealm(answer))
            }
            error => Err(error),
        }
    }

    /// Asks for what every existing realm answers without authorization. Where the answer does not tell, the realm is
    /// taken as known.
    async fn realm_is_unknown(&self) -> bool {
        let http = self
            .http
            .get(format!("{}/version", self.base))
            .header(header::ACCEPT, JSON);
        match http.send().await {
            Ok(response) if response.status() == StatusCode::FORBIDDEN => read_answer(response)
                .await
                .is_ok_and(|answer| is_of_astarte(&answer)),
            Ok(_) | Err(_) => false,
        }
    }

    pub(super) fn attempts(&self) -> Attempts {
        Attempts {
            left: self.attempts - 1,
            pause: self.pause,
        }
    }
}

/// How often something may still be tried.
pub(super) struct Attempts {
    left: u32,
    pause: Duration,
}

impl Attempts {
    /// Waits, where another attempt may help and is left.
    pub(super) async fn again_after(&mut self, error: &PairingError) -> bool {
        if self.left == 0 || !error.is_passing() {
            return false;
        }
        self.left -= 1;
        tokio::time::sleep(jittered(self.pause)).await;
        self.pause = self.pause.saturating_mul(2).min(LONGEST_PAUSE);
        true
    }
}

/// Between half and the whole of a pause, so that a fleet does not come back as one.
fn jittered(pause: Duration) -> Duration {
    let mut byte = [0; 1];
    // Without random bytes there is no jitter, and no reason to fail.
    let _ = SystemRandom::new().fill(&mut byte);
    pause / 2 + pause / 2 * u32::from(byte[0]) / 255
}

async fn read_answer(mut response: reqwest::Response) -> Result<Answer, PairingError> {
    let status = response.status().as_u16();
    if response.status().is_redirection() {
        let location = response.headers().get(header::LOCATION);
        let location = location.map(|location| String::from_utf8_lossy(location.as_bytes()));
        return Err(PairingError::Redirect {
            location: location.unwrap_or_default().into_owned(),
        });
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > MAX_BODY {
            return Err(PairingError::Malformed {
                reason: format!("it is longer than {MAX_BODY} bytes"),
                answer: Answer {
                    status,
                    body: String::new(),
                },
            });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer {
        status,
        body: String::from_utf8_lossy(&body).into_owned(),
    })
}

/// What a status means, by the documented answers of the server.
fn refusal(answer: Answer, requester: Requester) -> PairingError {
    if !is_of_astarte(&answer) {
        return match answer.status {
            404 => PairingError::NotFound(answer),
            _ => PairingError::Server(answer),
        };
    }
    let agent = requester == Requester::Agent;
    match answer.status {
        400 => PairingError::Validation(answer),
        401 => PairingError::Unauthorized(answer),
        403 if agent => PairingError::Forbidden(answer),
        403 => PairingError::SecretRefused(answer),
        404 if answer.body.contains("Device not found") => PairingError::DeviceNotFound(answer),
        404 => PairingError::NotFound(answer),
        // An invalid id has the same status, and a body that names the field.
        422 if answer.body.contains("Device already registered") => {
            PairingError::AlreadyRegistered(answer)
        }
        422 => PairingError::Validation(answer),
        _ => PairingError::Server(answer),
    }
}

/// Whether the answer has the form of Astarte's errors. A proxy or captive portal has statuses of its own, which say
/// nothing of the device.
fn is_of_astarte(answer: &Answer) -> bool {
    #[derive(Deserialize)]
    struct Refusal {
        #[serde(rename = "errors")]
        _errors: serde_json::Map<String, Value>,
    }
    serde_json::from_str::<Refusal>(&answer.body).is_ok()
}

/// Reads what is in the envelope of a success.
pub(super) fn read<T: DeserializeOwned>(answer: &Answer) -> Result<T, PairingError> {
    #[derive(Deserialize)]
    struct Envelope<T> {
        data: T,
    }
    serde_json::from_str::<Envelope<T>>(&answer.body)
        .map(|envelope| envelope.data)
        .map_err(|error| PairingError::Malformed {
            reason: error.to_string(),
            // It may be a secret in a form that is not known.
            answer: Answer {
                status: answer.status,
                body: String::new(),
            },
        })
}

const JSON: &str = "application/json";

/// The longest answer that is read, in bytes: a chain of certificates is a few thousand.
const MAX_BODY: usize = 256 * 1024;

const LONGEST_PAUSE: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        Answer {
            status,
            body: body.to_owned(),
        }
    }

    #[test]
    fn what_does_not_come_from_astarte_decides_nothing() {
        for status in [400, 401, 403, 404, 407, 422, 500, 511] {
            for body in ["", "<html>", "{}", "{\"errors\": 1}", "\"errors\""] {
                for requester in [Requester::Agent, Requester::Device] {
                    let error = refusal(answer(status, body), requester);
                    assert!(!error.is_permanent(), "{error}");
                }
            }
        }
    }

    #[test]
    fn one_status_has_several_meanings() {
        let detail = |status, detail: &str| {
            refusal(
                answer(
                    status,
                    &format!("{{\"errors\":{{\"detail\":\"{detail}\"}}}}"),
                ),
                Requester::Device,
            )
        };
        assert!(matches!(
            detail(404, "Device not found"),
            PairingError::DeviceNotFound(_)
        ));
        assert!(matches!(
            detail(404, "Page not found"),
            PairingError::NotFound(_)
        ));
        assert!(matches!(
            detail(422, "Device already registered"),
            PairingError::AlreadyRegistered(_)
        ));
        assert!(matches!(
            detail(422, "something else"),
            PairingError::Validation(_)
        ));
        assert!(matches!(
            detail(403, "Forbidden"),
            PairingError::SecretRefused(_)
        ));
    }

    #[test]
    fn a_pause_is_between_half_and_whole() {
        for _ in 0..1000 {
            let pause = jittered(Duration::from_secs(2));
            assert!((1..=2).contains(&pause.as_secs()), "{pause:?}");
        }
        assert_eq!(jittered(Duration::ZERO), Duration::ZERO);
    }

    #[test]
    fn a_message_is_one_line_of_bounded_length() {
        #[derive(Debug, Deserialize)]
        enum Known {
            Variant,
        }
        let long = "a\n\u{7f}".repeat(10_000);
        let unknown = format!("{{\"data\":{}}}", Value::from(long.as_str()));
        let errors = [
            PairingError::Server(answer(500, &long)),
            read::<Known>(&answer(200, &unknown)).expect_err("it is no variant"),
            PairingError::CommonName {
                found: long,
                expected: "test/id".to_owned(),
            },
        ];
        for text in errors.map(|error| error.to_string()) {
            assert!(!text.contains(char::is_control), "{text:?}");
            assert!(text.len() < 500, "{text}");
        }
    }
}
