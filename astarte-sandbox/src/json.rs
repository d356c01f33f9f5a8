//! Values as the server writes them in JSON.

use astarte_interface::Value;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::clock;
use crate::received::Content;

/// Writes what a message says; an unset is null.
pub(crate) fn content(content: &Content) -> serde_json::Value {
    match content {
        Content::Individual(individual) => value(individual),
        Content::Object(object) => {
            let fields = object.iter().map(|(key, field)| {
                (
                    key.clone(),
                    field.as_ref().map_or(serde_json::Value::Null, value),
                )
            });
            serde_json::Value::Object(fields.collect())
        }
        Content::Unset => serde_json::Value::Null,
    }
}

/// Writes blobs in base64 and datetimes in ISO 8601.
pub(crate) fn value(value: &Value) -> serde_json::Value {
    match value {
        Value::Double(value) => json!(value),
        Value::Integer(value) => json!(value),
        Value::Boolean(value) => json!(value),
        Value::LongInteger(value) => json!(value),
        Value::String(value) => json!(value),
        Value::BinaryBlob(value) => blob(value),
        Value::DateTime(value) => datetime(value),
        Value::DoubleArray(items) => json!(items),
        Value::IntegerArray(items) => json!(items),
        Value::BooleanArray(items) => json!(items),
        Value::LongIntegerArray(items) => json!(items),
        Value::StringArray(items) => json!(items),
        Value::BinaryBlobArray(items) => items.iter().map(|item| blob(item)).collect(),
        Value::DateTimeArray(items) => items.iter().map(datetime).collect(),
    }
}

/// Writes bytes as the server does: standard base64 with padding.
pub(crate) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Reads standard base64 with padding.
pub(crate) fn from_base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

fn blob(bytes: &[u8]) -> serde_json::Value {
    base64(bytes).into()
}

fn datetime(ms: &i64) -> serde_json::Value {
    clock::utc(*ms, 'T').into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_as_the_server_writes_them() {
        for (written, expected) in [
            (Value::Double(5.0), json!(5.0)),
            (
                Value::LongInteger(1 << 55),
                json!(36_028_797_018_963_968_i64),
            ),
            (Value::BinaryBlob(b"hello".to_vec()), json!("aGVsbG8=")),
            (
                Value::DateTime(1_537_449_422_890),
                json!("2018-09-20T13:17:02.890Z"),
            ),
            (Value::DateTimeArray(vec![]), json!([])),
            (Value::StringArray(vec!["a".into()]), json!(["a"])),
        ] {
            assert_eq!(value(&written), expected);
        }
    }

    #[test]
    fn an_absent_field_is_null() {
        let object = [
            ("a".to_owned(), Some(Value::Integer(1))),
            ("b".to_owned(), None),
        ];
        assert_eq!(
            content(&Content::Object(object.into())),
            json!({"a": 1, "b": null})
        );
        assert_eq!(content(&Content::Unset), json!(null));
    }
}
