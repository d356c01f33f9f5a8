//! Writing a payload as the server does: `{v: value}`, never a timestamp.

use std::collections::BTreeMap;

use astarte_interface::Value;
use bytes::{BufMut, Bytes, BytesMut};

/// Encodes `{v: value}`.
pub(crate) fn encode_value(value: &Value) -> Bytes {
    document(|out| element(out, "v", value))
}

/// Encodes `{v: {key: value, ...}}`.
pub(crate) fn encode_object(object: &BTreeMap<String, Value>) -> Bytes {
    document(|out| {
        put_head(out, 0x03, "v");
        put_sized(out, |out| {
            for (key, value) in object {
                element(out, key, value);
            }
        });
    })
}

fn document(fields: impl FnOnce(&mut BytesMut)) -> Bytes {
    let mut out = BytesMut::new();
    put_sized(&mut out, fields);
    out.freeze()
}

fn element(out: &mut BytesMut, key: &str, value: &Value) {
    match value {
        Value::Double(value) => put_double(out, key, *value),
        Value::Integer(value) => put_integer(out, key, i64::from(*value)),
        Value::Boolean(value) => put_boolean(out, key, *value),
        Value::LongInteger(value) => put_integer(out, key, *value),
        Value::String(value) => put_string(out, key, value),
        Value::BinaryBlob(value) => put_binary(out, key, value),
        Value::DateTime(value) => put_datetime(out, key, *value),
        Value::DoubleArray(items) => put_array(out, key, items, |o, k, v| put_double(o, k, *v)),
        Value::IntegerArray(items) => {
            put_array(out, key, items, |o, k, v| put_integer(o, k, i64::from(*v)));
        }
        Value::BooleanArray(items) => put_array(out, key, items, |o, k, v| put_boolean(o, k, *v)),
        Value::LongIntegerArray(items) => {
            put_array(out, key, items, |o, k, v| put_integer(o, k, *v));
        }
        Value::StringArray(items) => put_array(out, key, items, |o, k, v| put_string(o, k, v)),
        Value::BinaryBlobArray(items) => put_array(out, key, items, |o, k, v| put_binary(o, k, v)),
        Value::DateTimeArray(items) => {
            put_array(out, key, items, |o, k, v| put_datetime(o, k, *v));
        }
    }
}

fn put_double(out: &mut BytesMut, key: &str, value: f64) {
    put_head(out, 0x01, key);
    out.put_f64_le(value);
}

/// The server writes the shorter form that fits, whatever the type of the mapping.
fn put_integer(out: &mut BytesMut, key: &str, value: i64) {
    match i32::try_from(value) {
        Ok(value) => {
            put_head(out, 0x10, key);
            out.put_i32_le(value);
        }
        Err(_) => {
            put_head(out, 0x12, key);
            out.put_i64_le(value);
        }
    }
}

fn put_boolean(out: &mut BytesMut, key: &str, value: bool) {
    put_head(out, 0x08, key);
    out.put_u8(u8::from(value));
}

fn put_string(out: &mut BytesMut, key: &str, value: &str) {
    put_head(out, 0x02, key);
    put_length(out, value.len() + 1);
    out.put_slice(value.as_bytes());
    out.put_u8(0);
}

fn put_binary(out: &mut BytesMut, key: &str, value: &[u8]) {
    put_head(out, 0x05, key);
    put_length(out, value.len());
    out.put_u8(0);
    out.put_slice(value);
}

fn put_datetime(out: &mut BytesMut, key: &str, ms: i64) {
    put_head(out, 0x09, key);
    out.put_i64_le(ms);
}

fn put_array<T>(out: &mut BytesMut, key: &str, items: &[T], put: impl Fn(&mut BytesMut, &str, &T)) {
    put_head(out, 0x04, key);
    put_sized(out, |out| {
        for (index, item) in items.iter().enumerate() {
            put(out, &index.to_string(), item);
        }
    });
}

fn put_head(out: &mut BytesMut, kind: u8, key: &str) {
    out.put_u8(kind);
    out.put_slice(key.as_bytes());
    out.put_u8(0);
}

/// Writes a length, what `fields` writes and the final zero.
fn put_sized(out: &mut BytesMut, fields: impl FnOnce(&mut BytesMut)) {
    let start = out.len();
    out.put_i32_le(0);
    fields(out);
    out.put_u8(0);
    let length = length(out.len() - start);
    out[start..start + 4].copy_from_slice(&length.to_le_bytes());
}

fn put_length(out: &mut BytesMut, bytes: usize) {
    out.put_i32_le(length(bytes));
}

/// Values are checked before they are encoded, so that a length which does not fit cannot occur.
fn length(bytes: usize) -> i32 {
    i32::try_from(bytes).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes
            .iter()
            .map(|byte| format!("{byte:02x} "))
            .collect::<String>()
            .trim_end()
            .to_owned()
    }

    #[test]
    fn the_examples_of_the_protocol() {
        for (value, expected) in [
            (Value::Integer(10), "0c 00 00 00 10 76 00 0a 00 00 00 00"),
            (
                Value::LongInteger(42),
                "0c 00 00 00 10 76 00 2a 00 00 00 00",
            ),
            (
                Value::LongInteger(1 << 40),
                "10 00 00 00 12 76 00 00 00 00 00 00 01 00 00 00",
            ),
            (
                Value::Double(21.5),
                "10 00 00 00 01 76 00 00 00 00 00 00 80 35 40 00",
            ),
            (Value::Boolean(true), "09 00 00 00 08 76 00 01 00"),
            (
                Value::String("ok".into()),
                "0f 00 00 00 02 76 00 03 00 00 00 6f 6b 00 00",
            ),
            (
                Value::BinaryBlob(vec![1, 2]),
                "0f 00 00 00 05 76 00 02 00 00 00 00 01 02 00",
            ),
            (
                Value::DateTime(1_537_449_422_890),
                "10 00 00 00 09 76 00 2a 70 20 f7 65 01 00 00 00",
            ),
            (
                Value::IntegerArray(vec![1, 2]),
                "1b 00 00 00 04 76 00 13 00 00 00 10 30 00 01 00 00 00 10 31 00 02 00 00 00 00 00",
            ),
        ] {
            assert_eq!(hex(&encode_value(&value)), expected);
        }
    }

    #[test]
    fn an_object_has_its_keys_in_order() {
        let object = BTreeMap::from([
            ("temp".to_owned(), Value::Double(25.5)),
            ("hum".to_owned(), Value::Integer(60)),
        ]);
        assert_eq!(
            hex(&encode_object(&object)),
            "24 00 00 00 03 76 00 1c 00 00 00 10 68 75 6d 00 3c 00 00 00 \
             01 74 65 6d 70 00 00 00 00 00 00 80 39 40 00 00"
        );
    }
}
