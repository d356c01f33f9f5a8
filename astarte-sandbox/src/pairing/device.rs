//! What a device may do: ask for information, credentials and their validity.

use std::sync::Arc;

use astarte_interface::DeviceId;
use serde_json::{Map, Value, json};

use crate::authority::Validity;
use crate::clock;
use crate::core::Core;
use crate::event::EventKind;
use crate::http::{Reply, Request};
use crate::pem;
use crate::slot::{Registration, Slot, State};

/// `GET devices/<device id>`.
pub(super) fn info(core: &Arc<Core>, request: &Request, device: &str) -> Result<Reply, Reply> {
    let secret = secret(request)?;
    let slot = slot(core, device)?;
    let mut state = slot.state();
    let status = match authenticate(&mut state, secret)? {
        Registration {
            inhibited: true, ..
        } => "inhibited",
        Registration {
            confirmed: true, ..
        } => "confirmed",
        _ => "pending",
    };
    Ok(Reply::data(
        200,
        json!({
            "version": core.settings.version.release(),
            "status": status,
            "protocols": {PROTOCOL: {"broker_url": core.broker_url}},
        }),
    ))
}

/// `POST devices/<device id>/protocols/astarte_mqtt_v1/credentials`.
pub(super) fn credentials(
    core: &Arc<Core>,
    request: &Request,
    device: &str,
    protocol: &str,
) -> Result<Reply, Reply> {
    let secret = secret(request)?;
    let data = data(request, protocol)?;
    let csr = text(data, "csr").map_err(|error| Reply::field("csr", error))?;
    let csr = pem::single(csr, "CERTIFICATE REQUEST")
        .ok_or_else(|| Reply::field("csr", "is not a valid PEM CSR"))?;
    let slot = slot(core, device)?;
    let mut state = slot.state();
    let registration = authenticate(&mut state, secret)?;
    if registration.inhibited {
        return Err(Reply::internal());
    }
    let lifetime = core.settings.certificate_lifetime;
    let certificate = core
        .authority
        .issue(&csr, &slot.base, lifetime)
        .map_err(|_| Reply::internal())?;
    registration.confirmed = true;
    drop(state);
    core.emit(slot.id, EventKind::CertificateIssued);
    Ok(Reply::data(201, json!({"client_crt": certificate})))
}

/// `POST devices/<device id>/protocols/astarte_mqtt_v1/credentials/verify`.
pub(super) fn verify(
    core: &Arc<Core>,
    request: &Request,
    device: &str,
    protocol: &str,
) -> Result<Reply, Reply> {
    let secret = secret(request)?;
    let data = data(request, protocol)?;
    let certificate =
        text(data, "client_crt").map_err(|error| Reply::field("client_crt", error))?;
    let slot = slot(core, device)?;
    authenticate(&mut slot.state(), secret)?;
    let now = clock::now_ms();
    let timestamp = clock::utc(now, ' ');
    Ok(Reply::data(
        200,
        match core.authority.verify(certificate, now) {
            Validity::Valid { until } => {
                json!({"valid": true, "timestamp": timestamp, "until": clock::utc(until, ' ')})
            }
            Validity::Invalid(cause) => {
                json!({"valid": false, "timestamp": timestamp, "cause": cause, "details": null})
            }
        },
    ))
}

fn secret(request: &Request) -> Result<&str, Reply> {
    request
        .bearer()
        .ok_or_else(|| Reply::detail(401, "Unauthorized"))
}

fn data<'r>(request: &'r Request, protocol: &str) -> Result<&'r Map<String, Value>, Reply> {
    if protocol == PROTOCOL {
        request.data()
    } else {
        Err(Reply::bad_request())
    }
}

fn text<'d>(data: &'d Map<String, Value>, field: &str) -> Result<&'d str, &'static str> {
    match data.get(field) {
        None | Some(Value::Null) => Err("can't be blank"),
        Some(Value::String(text)) if text.trim().is_empty() => Err("can't be blank"),
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err("is invalid"),
    }
}

fn slot(core: &Core, device: &str) -> Result<Arc<Slot>, Reply> {
    let (id, _) = DeviceId::parse_extended(device).map_err(|_| Reply::internal())?;
    core.known_slot(id).ok_or_else(device_not_found)
}

/// Returns the registration if the secret is its own.
fn authenticate<'s>(state: &'s mut State, secret: &str) -> Result<&'s mut Registration, Reply> {
    let registration = state.registration.as_mut().ok_or_else(device_not_found)?;
    match &registration.secret {
        Some(expected) if expected == secret => Ok(registration),
        _ => Err(Reply::forbidden()),
    }
}

fn device_not_found() -> Reply {
    Reply::detail(404, "Device not found")
}

const PROTOCOL: &str = "astarte_mqtt_v1";
