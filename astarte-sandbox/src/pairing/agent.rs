//! What an agent may do: register and unregister devices.

use std::collections::BTreeMap;
use std::sync::Arc;

use astarte_interface::{DeviceId, Version};
use serde_json::{Map, Value, json};

use crate::core::Core;
use crate::http::{Reply, Request};
use crate::jwt::{self, TokenError};
use crate::registry::{self, RegisterError};

/// `POST agent/devices`.
pub(super) fn register(core: &Arc<Core>, request: &Request) -> Result<Reply, Reply> {
    authorize(core, request)?;
    let data = request.data()?;
    let (id, introspection) = match (hardware_id(data), initial_introspection(data)) {
        (Ok(id), Ok(introspection)) => (id, introspection),
        (id, introspection) => {
            let mut errors = Map::new();
            if let Err(error) = id {
                errors.insert("hw_id".to_owned(), json!([error]));
            }
            if let Err(error) = introspection {
                errors.insert("initial_introspection".to_owned(), json!([error]));
            }
            return Err(Reply::fields(errors.into()));
        }
    };
    let secret = registry::register(core, id, introspection).map_err(|error| match error {
        RegisterError::AlreadyRegistered => Reply::detail(422, "Device already registered"),
        RegisterError::Random => Reply::internal(),
    })?;
    Ok(Reply::data(201, json!({"credentials_secret": secret})))
}

/// `DELETE agent/devices/<device id>`. Unlike elsewhere, the id may not be an extended one.
pub(super) fn unregister(
    core: &Arc<Core>,
    request: &Request,
    device: &str,
) -> Result<Reply, Reply> {
    authorize(core, request)?;
    let id: DeviceId = device.parse().map_err(|_| Reply::internal())?;
    if registry::unregister(core, id) {
        Ok(Reply::empty(204))
    } else {
        Err(Reply::detail(404, "Device not found"))
    }
}

/// Checks the token and its claim for this very path.
fn authorize(core: &Core, request: &Request) -> Result<(), Reply> {
    let token = request
        .bearer()
        .ok_or_else(|| Reply::detail(401, "Missing authorization token"))?;
    let claims = core.realm_key.verify(token).map_err(|error| match error {
        TokenError::Invalid => Reply::detail(401, "Invalid JWT token"),
        TokenError::OutOfTime => Reply::forbidden(),
    })?;
    let path = request.segments()[3..].join("/");
    if jwt::allows(claims.get("a_pa"), request.method().as_str(), &path) {
        return Ok(());
    }
    let path = request.path();
    let path = path.strip_prefix("/pairing").unwrap_or(path);
    let detail = format!(
        "Unauthorized access to {} {path}. Please verify your permissions",
        request.method()
    );
    Err(Reply::detail(403, &detail))
}

fn hardware_id(data: &Map<String, Value>) -> Result<DeviceId, &'static str> {
    match data.get("hw_id") {
        None | Some(Value::Null) => Err("can't be blank"),
        Some(Value::String(text)) if text.trim().is_empty() => Err("can't be blank"),
        Some(Value::String(text)) => DeviceId::parse_extended(text)
            .map(|(id, _)| id)
            .map_err(|_| "is not a valid base64 encoded 128 bits id"),
        Some(_) => Err("is invalid"),
    }
}

fn initial_introspection(data: &Map<String, Value>) -> Result<BTreeMap<String, Version>, String> {
    let entries = match data.get("initial_introspection") {
        None | Some(Value::Null) => return Ok(BTreeMap::new()),
        Some(Value::Object(entries)) if entries.values().all(Value::is_object) => entries,
        Some(_) => return Err("is invalid".to_owned()),
    };
    let version = |name: &String, entry: &Value| {
        let part = |key| {
            let part = entry.get(key).and_then(Value::as_i64);
            part.ok_or_else(|| format!("has invalid format for interface {name}"))
        };
        let (major, minor) = (part("major")?, part("minor")?);
        match (u32::try_from(major), u32::try_from(minor)) {
            (Ok(major), Ok(minor)) => Ok((name.clone(), Version { major, minor })),
            _ => Err(format!("has negative versions in interface {name}")),
        }
    };
    entries
        .iter()
        .map(|(name, entry)| version(name, entry))
        .collect()
}
