//! Values in files: with their type, so that each comes back as what it was.

use astarte_interface::Value;
use serde::{Deserialize, Serialize};

use crate::json;

/// A value; blobs in base64, points in time in milliseconds since the epoch.
#[derive(Deserialize, Serialize)]
#[serde(tag = "type", content = "value", rename_all = "lowercase")]
pub(super) enum KeptValue {
    Double(f64),
    Integer(i32),
    Boolean(bool),
    LongInteger(i64),
    String(String),
    BinaryBlob(String),
    DateTime(i64),
    DoubleArray(Vec<f64>),
    IntegerArray(Vec<i32>),
    BooleanArray(Vec<bool>),
    LongIntegerArray(Vec<i64>),
    StringArray(Vec<String>),
    BinaryBlobArray(Vec<String>),
    DateTimeArray(Vec<i64>),
}

impl From<&Value> for KeptValue {
    fn from(value: &Value) -> KeptValue {
        match value {
            Value::Double(value) => KeptValue::Double(*value),
            Value::Integer(value) => KeptValue::Integer(*value),
            Value::Boolean(value) => KeptValue::Boolean(*value),
            Value::LongInteger(value) => KeptValue::LongInteger(*value),
            Value::String(value) => KeptValue::String(value.clone()),
            Value::BinaryBlob(value) => KeptValue::BinaryBlob(json::base64(value)),
            Value::DateTime(value) => KeptValue::DateTime(*value),
            Value::DoubleArray(items) => KeptValue::DoubleArray(items.clone()),
            Value::IntegerArray(items) => KeptValue::IntegerArray(items.clone()),
            Value::BooleanArray(items) => KeptValue::BooleanArray(items.clone()),
            Value::LongIntegerArray(items) => KeptValue::LongIntegerArray(items.clone()),
            Value::StringArray(items) => KeptValue::StringArray(items.clone()),
            Value::BinaryBlobArray(items) => {
                KeptValue::BinaryBlobArray(items.iter().map(|item| json::base64(item)).collect())
            }
            Value::DateTimeArray(items) => KeptValue::DateTimeArray(items.clone()),
        }
    }
}

impl KeptValue {
    /// Returns the value, unless a blob is not base64.
    pub(super) fn value(self) -> Option<Value> {
        Some(match self {
            KeptValue::Double(value) => Value::Double(value),
            KeptValue::Integer(value) => Value::Integer(value),
            KeptValue::Boolean(value) => Value::Boolean(value),
            KeptValue::LongInteger(value) => Value::LongInteger(value),
            KeptValue::String(value) => Value::String(value),
            KeptValue::BinaryBlob(value) => Value::BinaryBlob(json::from_base64(&value)?),
            KeptValue::DateTime(value) => Value::DateTime(value),
            KeptValue::DoubleArray(items) => Value::DoubleArray(items),
            KeptValue::IntegerArray(items) => Value::IntegerArray(items),
            KeptValue::BooleanArray(items) => Value::BooleanArray(items),
            KeptValue::LongIntegerArray(items) => Value::LongIntegerArray(items),
            KeptValue::StringArray(items) => Value::StringArray(items),
            KeptValue::BinaryBlobArray(items) => {
                let blobs = items.iter().map(|item| json::from_base64(item));
                Value::BinaryBlobArray(blobs.collect::<Option<_>>()?)
            }
            KeptValue::DateTimeArray(items) => Value::DateTimeArray(items),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_survive() {
        for value in [
            Value::Double(0.1 + 0.2),
            Value::Double(f64::MIN_POSITIVE),
            Value::Integer(-7),
            Value::Boolean(true),
            Value::LongInteger(i64::MAX),
            Value::String("é".to_owned()),
            Value::BinaryBlob(vec![0, 255]),
            Value::DateTime(1_537_449_422_890),
            Value::DoubleArray(vec![1.0, -0.0]),
            Value::IntegerArray(vec![]),
            Value::BooleanArray(vec![false]),
            Value::LongIntegerArray(vec![1, i64::MIN]),
            Value::StringArray(vec![String::new()]),
            Value::BinaryBlobArray(vec![vec![], vec![1]]),
            Value::DateTimeArray(vec![0]),
        ] {
            let text = serde_json::to_string(&KeptValue::from(&value)).unwrap();
            let name = value.value_type().to_string();
            assert!(text.contains(&format!("\"{name}\"")), "{text}");
            let kept: KeptValue = serde_json::from_str(&text).unwrap();
            assert_eq!(kept.value(), Some(value));
        }
    }
}
