//! What a payload says, and whether its interface allows it.

use std::collections::BTreeMap;

use astarte_interface::{Interface, Mapping, MappingType, suggest};
use bytes::Bytes;

use super::Rejection;
use super::definitions::Keys;
use super::typed::{TypeError, Typed, describe, typed};
use crate::bson::{self, Bson, DecodeError};
use crate::error_name::ErrorName;
use crate::path::Target;
use crate::received::Content;

/// A payload that passed the checks of its form.
pub(super) struct Checked {
    pub(super) content: Content,
    /// The device's timestamp, where the mapping has an explicit one.
    pub(super) timestamp: Option<i64>,
    pub(super) would_wedge: bool,
}

/// Decodes a payload and checks it against what its path is the path of.
pub(super) fn check(
    interface: &Interface,
    target: &Target<'_>,
    keys: &Keys<'_>,
    payload: &Bytes,
) -> Result<Checked, Rejection> {
    let (element, timestamp) = interpret(payload)?;
    let (content, would_wedge) = match target {
        Target::Individual(mapping) => individual(&element, mapping.value_type())
            .map_err(|rejection| rejection.declared(interface, mapping.type_span()))?,
        Target::Object => object(interface, keys, &element)?,
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

fn object(
    interface: &Interface,
    keys: &Keys<'_>,
    element: &Bson,
) -> Result<(Content, bool), Rejection> {
    let Bson::Document(document) = element else {
        return Err(mismatch(TypeError::Type, element, "an object"));
    };
    let (mut object, mut wedges) = (BTreeMap::new(), false);
    for (key, element) in document.iter() {
        let own = keys.find(key);
        let mapping = own.or_else(|| keys.find_foreign(key));
        let mapping = mapping.ok_or_else(|| unknown_key(interface, key))?;
        let value = match element {
            Bson::Null => None,
            element => {
                let expected = format!("`{key}`, a `{}`", mapping.value_type());
                let typed = typed(element, mapping.value_type())
                    .map_err(|error| mismatch(error, element, &expected))
                    .map_err(|rejection| rejection.declared(interface, mapping.type_span()))?;
                wedges |= typed.would_wedge;
                Some(typed.value)
            }
        };
        // The value of a foreign key passes the check, and is dropped after it.
        if own.is_some() {
            object.insert(key.to_owned(), value);
        }
    }
    match keys.missing(|key| document.contains_key(key)) {
        Some((interface, mapping)) => {
            let detail = format!("the object has no `{}`", mapping.key().unwrap_or_default());
            Err(Rejection::new(ErrorName::MissingRequiredMapping, detail)
                .declared(interface, mapping.endpoint_span()))
        }
        None => Ok((Content::Object(object), wedges)),
    }
}

fn unknown_key(interface: &Interface, key: &str) -> Rejection {
    let detail = format!("version {} has no mapping `{key}`", interface.version());
    let close = suggest(key, interface.mappings().filter_map(Mapping::key));
    let close = interface
        .mappings()
        .find(|mapping| close.is_some() && mapping.key() == close);
    Rejection::new(ErrorName::UnexpectedObjectKey, detail).suggesting(interface, close)
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

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use astarte_interface::{InterfaceType, Source};
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde_json::Value;

    use super::*;
    use crate::conformance;
    use crate::updater::data::{check_encryption, check_target, split};

    const RECEPTION: i64 = 1_600_000_000_000;

    /// Returns the error of a message, or its content and timestamp.
    fn verdict(
        interface: &Interface,
        topic: &str,
        payload: &Bytes,
    ) -> Result<(Content, i64), Rejection> {
        let (_, path) = split(topic.as_bytes())?;
        let target = check_target(interface, path)?;
        check_encryption(interface)?;
        let checked = check(interface, &target, &Keys::of(interface), payload)?;
        if checked.content == Content::Unset
            && interface.interface_type() == InterfaceType::Datastream
        {
            return Err(Rejection::new(ErrorName::UnsetOnDatastream, ""));
        }
        Ok((checked.content, checked.timestamp.unwrap_or(RECEPTION)))
    }

    fn agrees(name: ErrorName, expected: &str) -> bool {
        match expected {
            // What fails upstream has no name; the sandbox must refuse it.
            "crash" => name != ErrorName::UnsetOnDatastream,
            "cannot_write_on_server_owned_interface" => {
                name == ErrorName::WriteOnServerOwnedInterface
            }
            "unexpected_value_type" => {
                matches!(
                    name,
                    ErrorName::UnexpectedObjectKey | ErrorName::UnexpectedValueType
                )
            }
            expected => name.as_str() == expected,
        }
    }

    #[test]
    fn messages_as_the_server_judges_them() {
        let rows = conformance::rows("messages.jsonl");
        let documents = conformance::document("messages_interfaces.json");
        let parse = |document: &Value| {
            let source = Source::new("a.json", document.to_string());
            Interface::parse(&source).unwrap().interface
        };
        let documents = documents
            .as_ref()
            .and_then(Value::as_object)
            .into_iter()
            .flatten();
        let interfaces: HashMap<_, _> = documents
            .map(|(name, document)| (name.as_str(), parse(document)))
            .collect();
        for row in rows {
            let interface = &interfaces[row["interface"].as_str().unwrap()];
            let topic = format!("{}{}", interface.name(), row["path"].as_str().unwrap());
            let payload = STANDARD
                .decode(row["payload_base64"].as_str().unwrap())
                .unwrap();
            let expected = row["elixir"].as_str().unwrap();
            match verdict(interface, &topic, &payload.into()) {
                Ok((content, timestamp)) => {
                    assert_eq!("ok", expected, "{}: {content:?}", row["id"]);
                    if let Some(expected) = row["value_timestamp_ms"].as_i64() {
                        assert_eq!(timestamp, expected, "{}", row["id"]);
                    }
                }
                Err(error) => assert!(
                    agrees(error.name, expected),
                    "{}: {}, not {expected}",
                    row["id"],
                    error.name
                ),
            }
        }
    }
}
