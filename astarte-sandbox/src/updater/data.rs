//! Data messages: the checks of the server, in their order, and what is stored.

use std::collections::BTreeMap;

use astarte_interface::{
    Interface, InterfaceType, Level, Mapping, MappingType, Ownership, suggest,
};
use bytes::Bytes;

use super::typed::{TypeError, Typed, describe, typed};
use super::{Context, Rejection};
use crate::broker::Publish;
use crate::bson::{self, Bson, DecodeError};
use crate::error_name::ErrorName;
use crate::event::EventKind;
use crate::path::{self, PathError, Target};
use crate::received::{Content, Parts, Received};

/// A message that passed the checks of its form.
struct Checked {
    content: Content,
    timestamp: Option<i64>,
    would_wedge: bool,
}

impl Context<'_> {
    /// Handles `interface/path` under the device's topic.
    pub(super) fn data(
        &mut self,
        topic: &[u8],
        publish: &Publish,
        reception: i64,
    ) -> Result<(), Rejection> {
        let (name, path) = split(topic)?;
        self.message(name, path, publish, reception)
            .map_err(|rejection| rejection.on(name).at(path))
    }

    fn message(
        &mut self,
        name: &str,
        path: &str,
        publish: &Publish,
        reception: i64,
    ) -> Result<(), Rejection> {
        let version = self.state.introspection.get(name).copied().ok_or_else(|| {
            let detail = format!("`{name}` is not in the introspection");
            Rejection::new(ErrorName::InterfaceLoadingFailed, detail)
        })?;
        let interface = self.installed(name, version)?;
        let target = check_target(&interface, path)?;
        let checked = check_payload(&interface, &target, &publish.payload)?;
        let received = Received::new(Parts {
            interface: name.to_owned(),
            path: path.to_owned(),
            content: checked.content,
            timestamp: checked.timestamp.unwrap_or(reception),
            reception,
            qos: publish.qos,
            payload: publish.payload.clone(),
            would_wedge: checked.would_wedge,
        });
        self.emit(EventKind::IncomingData(received.clone()));
        match target {
            Target::Individual(mapping)
                if interface.interface_type() == InterfaceType::Properties =>
            {
                self.store_property(mapping, version.major, &received)?;
            }
            Target::Individual(_) if received.is_unset() => {
                let detail = "an empty payload, or null, on a datastream";
                return Err(Rejection::new(ErrorName::UnsetOnDatastream, detail));
            }
            Target::Individual(_) | Target::Object => {}
        }
        self.state.inbox.push(version.major, received);
        Ok(())
    }

    fn store_property(
        &mut self,
        mapping: Mapping<'_>,
        major: u32,
        received: &Received,
    ) -> Result<(), Rejection> {
        let (interface, path) = (received.interface().to_owned(), received.path().to_owned());
        let Some(value) = received.value() else {
            if !mapping.allow_unset() {
                let detail = format!("`{}` has no `allow_unset`", mapping.endpoint());
                return Err(Rejection::new(ErrorName::UnsetNotAllowed, detail));
            }
            self.remove_property(&interface, major, path);
            return Ok(());
        };
        let properties = self
            .state
            .properties
            .entry((interface.clone(), major))
            .or_default();
        match properties.insert(path.clone(), value.clone()) {
            None => self.emit(EventKind::PathCreated { interface, path }),
            Some(old) if old != *value => self.emit(EventKind::ValueChanged { interface, path }),
            Some(_) => {}
        }
        Ok(())
    }
}

/// Splits a topic at its first slash, which belongs to the path; the path of a bare interface is
/// `/`.
fn split(topic: &[u8]) -> Result<(&str, &str), Rejection> {
    let slash = topic
        .iter()
        .position(|byte| *byte == b'/')
        .unwrap_or(topic.len());
    let (name, path) = topic.split_at(slash);
    let name = str::from_utf8(name).map_err(|_| {
        let detail = format!("`{}` is not UTF-8", name.escape_ascii());
        Rejection::new(ErrorName::InvalidInterface, detail)
    })?;
    let valid = str::from_utf8(path)
        .ok()
        .filter(|path| !path.contains("//"));
    let path = valid.ok_or_else(|| {
        let path = String::from_utf8_lossy(path);
        let detail = format!("the path `{}`", path.escape_default());
        Rejection::new(ErrorName::InvalidPath, detail)
            .on(name)
            .at(&path)
    })?;
    Ok((name, if path.is_empty() { "/" } else { path }))
}

fn check_target<'i>(interface: &'i Interface, path: &str) -> Result<Target<'i>, Rejection> {
    if interface.ownership() != Ownership::Device {
        let detail = format!("`{}` is owned by the server", interface.name());
        return Err(Rejection::new(
            ErrorName::WriteOnServerOwnedInterface,
            detail,
        ));
    }
    let target = path::resolve(interface, path).map_err(|error| match error {
        PathError::Ambiguous => Rejection::new(
            ErrorName::AmbiguousPath,
            format!("`{path}` is only the beginning of an endpoint"),
        ),
        PathError::NotFound => {
            Rejection::new(ErrorName::MappingNotFound, no_mapping(interface, path))
        }
    })?;
    if interface.mappings().any(Mapping::encrypted) {
        let detail = "the sandbox has no key agreement for encrypted mappings";
        return Err(Rejection::new(ErrorName::KeyAgreementError, detail));
    }
    Ok(target)
}

fn no_mapping(interface: &Interface, path: &str) -> String {
    let version = interface.version();
    let mut detail = format!("version {version} has no mapping for `{path}`");
    let levels: Vec<&str> = path.split('/').skip(1).collect();
    let close = interface.mappings().find(|mapping| {
        let endpoint = with_parameters(mapping.endpoint().levels(), &levels);
        endpoint.is_some_and(|endpoint| suggest(path, [endpoint.as_str()]).is_some())
    });
    if let Some(mapping) = close {
        detail.push_str(&format!("; there is `{}`", mapping.endpoint()));
    }
    detail
}

/// Writes the levels of a path in place of the parameters of an endpoint.
fn with_parameters(endpoint: &[Level], levels: &[&str]) -> Option<String> {
    let level = |(pattern, level): (&Level, &&str)| match pattern {
        Level::Literal(literal) => format!("/{literal}"),
        Level::Parameter(_) => format!("/{level}"),
    };
    let same_depth = endpoint.len() == levels.len();
    same_depth.then(|| endpoint.iter().zip(levels).map(level).collect())
}

fn check_payload(
    interface: &Interface,
    target: &Target<'_>,
    payload: &Bytes,
) -> Result<Checked, Rejection> {
    let (element, timestamp) = interpret(payload)?;
    let (content, would_wedge) = match target {
        Target::Individual(mapping) => individual(&element, mapping.value_type())?,
        Target::Object => object(interface, &element)?,
    };
    let explicit = match target {
        Target::Individual(mapping) => mapping.explicit_timestamp(),
        Target::Object => interface
            .mappings()
            .next()
            .is_some_and(Mapping::explicit_timestamp),
    };
    Ok(Checked {
        content,
        timestamp: timestamp.filter(|_| explicit),
        would_wedge,
    })
}

/// Finds value and timestamp in a payload. A document without `v` is itself the value.
fn interpret(payload: &Bytes) -> Result<(Bson, Option<i64>), Rejection> {
    if payload.is_empty() {
        return Ok((Bson::Null, None));
    }
    let mut document = bson::document(payload).map_err(|error| match error {
        DecodeError::Malformed => {
            Rejection::new(ErrorName::UndecodableBsonPayload, error.to_string())
        }
        DecodeError::Wedges => {
            Rejection::wedging(ErrorName::UndecodableBsonPayload, error.to_string())
        }
    })?;
    let Some(value) = document.remove("v") else {
        return Ok((Bson::Document(document), None));
    };
    let timestamp = match document.get("t") {
        Some(Bson::DateTime(ms)) => Some(*ms),
        _ => None,
    };
    let metadata = matches!(document.get("m"), Some(Bson::Document(_)));
    let deprecated_unset = matches!(&value, Bson::Binary(bytes) if bytes.is_empty());
    if deprecated_unset && timestamp.is_none() && !metadata {
        return Ok((Bson::Null, None));
    }
    Ok((value, timestamp))
}

fn individual(element: &Bson, value_type: MappingType) -> Result<(Content, bool), Rejection> {
    if *element == Bson::Null {
        return Ok((Content::Unset, false));
    }
    let Typed { value, would_wedge } = typed(element, value_type)
        .map_err(|error| mismatch(error, element, &format!("`{value_type}`")))?;
    Ok((Content::Individual(value), would_wedge))
}

fn object(interface: &Interface, element: &Bson) -> Result<(Content, bool), Rejection> {
    let Bson::Document(document) = element else {
        return Err(mismatch(TypeError::Type, element, "an object"));
    };
    let mapping = |key: &str| {
        interface
            .mappings()
            .find(|mapping| mapping.key() == Some(key))
    };
    let (mut object, mut wedges) = (BTreeMap::new(), false);
    for (key, element) in document {
        let mapping = mapping(key).ok_or_else(|| unknown_key(interface, key))?;
        let value = match element {
            Bson::Null => None,
            element => {
                let expected = format!("`{key}`, a `{}`", mapping.value_type());
                let typed = typed(element, mapping.value_type())
                    .map_err(|error| mismatch(error, element, &expected))?;
                wedges |= typed.would_wedge;
                Some(typed.value)
            }
        };
        object.insert(key.clone(), value);
    }
    let required = interface.mappings().filter(|mapping| mapping.required());
    match required
        .filter_map(Mapping::key)
        .find(|key| !object.contains_key(*key))
    {
        Some(key) => {
            let detail = format!("the object has no `{key}`");
            Err(Rejection::new(ErrorName::MissingRequiredMapping, detail))
        }
        None => Ok((Content::Object(object), wedges)),
    }
}

fn unknown_key(interface: &Interface, key: &str) -> Rejection {
    let mut detail = format!("version {} has no mapping `{key}`", interface.version());
    if let Some(other) = suggest(key, interface.mappings().filter_map(Mapping::key)) {
        detail.push_str(&format!("; there is `{other}`"));
    }
    Rejection::new(ErrorName::UnexpectedObjectKey, detail)
}

fn mismatch(error: TypeError, element: &Bson, expected: &str) -> Rejection {
    let found = describe(element);
    match error {
        TypeError::Size => {
            let detail = format!("{found} over the limit of {expected}");
            Rejection::new(ErrorName::ValueSizeExceeded, detail)
        }
        TypeError::Type => Rejection::new(
            ErrorName::UnexpectedValueType,
            format!("{found} for {expected}"),
        ),
    }
}
