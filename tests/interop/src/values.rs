//! A value of each type of Astarte.

use astarte_sandbox::Value;

/// 2018-09-20T13:17:02.890Z
pub(crate) const MOMENT: i64 = 1_537_449_422_890;

/// One value of each type, and of arrays one that mixes widths.
pub(crate) fn all() -> Vec<Value> {
    vec![
        Value::Double(21.5),
        Value::Integer(-7),
        Value::Boolean(true),
        Value::LongInteger(1 << 40),
        Value::String("täglich".to_owned()),
        Value::BinaryBlob(vec![0, 127, 255]),
        Value::DateTime(MOMENT),
        Value::DoubleArray(vec![1.5, -2.0]),
        Value::IntegerArray(vec![1, -2]),
        Value::BooleanArray(vec![true, false]),
        Value::LongIntegerArray(vec![1, 1 << 40]),
        Value::StringArray(vec!["a".to_owned(), String::new()]),
        Value::BinaryBlobArray(vec![vec![1], vec![2, 3]]),
        Value::DateTimeArray(vec![MOMENT]),
    ]
}

/// The key of an object of the types, such as `doubleValue`.
pub(crate) fn key(value: &Value) -> String {
    format!("{}Value", value.value_type())
}
