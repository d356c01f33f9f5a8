//! Which BSON elements are values of which type.

use astarte_interface::{MappingType, Value};

use crate::bson::Bson;

/// A value in the type of its mapping.
pub(super) struct Typed {
    pub(super) value: Value,
    /// Whether the server's check passes and its database then fails.
    pub(super) would_wedge: bool,
}

/// The element is not a value of the type.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum TypeError {
    /// Too long, or too many items.
    Size,
    Type,
}

/// Checks an element against a type and converts it.
pub(super) fn typed(element: &Bson, value_type: MappingType) -> Result<Typed, TypeError> {
    let would_wedge = match element {
        Bson::Array(items) => items.iter().any(is_integer),
        other => is_integer(other),
    } && matches!(value_type, MappingType::Double | MappingType::DoubleArray);
    let value = match value_type {
        MappingType::Double => Value::Double(double(element)?),
        MappingType::Integer => Value::Integer(integer(element)?),
        MappingType::Boolean => Value::Boolean(boolean(element)?),
        MappingType::LongInteger => Value::LongInteger(long_integer(element)?),
        MappingType::String => Value::String(string(element)?),
        MappingType::BinaryBlob => Value::BinaryBlob(binary_blob(element)?),
        MappingType::DateTime => Value::DateTime(datetime(element)?),
        MappingType::DoubleArray => Value::DoubleArray(items(element, double)?),
        MappingType::IntegerArray => Value::IntegerArray(items(element, integer)?),
        MappingType::BooleanArray => Value::BooleanArray(items(element, boolean)?),
        MappingType::LongIntegerArray => Value::LongIntegerArray(items(element, long_integer)?),
        MappingType::StringArray => Value::StringArray(items(element, string_item)?),
        MappingType::BinaryBlobArray => Value::BinaryBlobArray(items(element, binary_blob_item)?),
        MappingType::DateTimeArray => Value::DateTimeArray(items(element, datetime)?),
    };
    Ok(Typed { value, would_wedge })
}

/// What an element is called in messages.
pub(super) fn describe(element: &Bson) -> &'static str {
    match element {
        Bson::Array(_) => "an array",
        Bson::Binary(_) => "a binary",
        Bson::Boolean(_) => "a boolean",
        Bson::DateTime(_) => "a datetime",
        Bson::Document(_) => "a document",
        Bson::Double(_) => "a double",
        Bson::Int32(_) => "an int32",
        Bson::Int64(_) => "an int64",
        Bson::Null => "null",
        Bson::Opaque => "a document that does not decode",
        Bson::String(_) => "a string",
    }
}

/// Each item must be a value of the item's type; an item that is too long counts as one of another
/// type.
fn items<T>(
    element: &Bson,
    item: impl Fn(&Bson) -> Result<T, TypeError>,
) -> Result<Vec<T>, TypeError> {
    match element {
        Bson::Array(items) if items.len() > ITEMS_LIMIT => Err(TypeError::Size),
        Bson::Array(items) => items
            .iter()
            .map(|element| item(element).map_err(|_| TypeError::Type))
            .collect(),
        _ => Err(TypeError::Type),
    }
}

fn is_integer(element: &Bson) -> bool {
    matches!(element, Bson::Int32(_) | Bson::Int64(_))
}

fn double(element: &Bson) -> Result<f64, TypeError> {
    match element {
        Bson::Double(value) if value.is_finite() => Ok(*value),
        Bson::Int32(value) => Ok(f64::from(*value)),
        Bson::Int64(value) => Ok(*value as f64),
        _ => Err(TypeError::Type),
    }
}

/// The least integers of two's complement are refused: the server compares absolute values.
fn integer(element: &Bson) -> Result<i32, TypeError> {
    let value = match element {
        Bson::Int32(value) => *value,
        Bson::Int64(value) => i32::try_from(*value).map_err(|_| TypeError::Type)?,
        _ => return Err(TypeError::Type),
    };
    if value == i32::MIN {
        Err(TypeError::Type)
    } else {
        Ok(value)
    }
}

fn long_integer(element: &Bson) -> Result<i64, TypeError> {
    match element {
        Bson::Int32(value) => Ok(i64::from(*value)),
        Bson::Int64(value) if *value != i64::MIN => Ok(*value),
        _ => Err(TypeError::Type),
    }
}

fn boolean(element: &Bson) -> Result<bool, TypeError> {
    match element {
        Bson::Boolean(value) => Ok(*value),
        _ => Err(TypeError::Type),
    }
}

/// The server holds strings and binaries in one type, so that a binary that is text will do.
fn string(element: &Bson) -> Result<String, TypeError> {
    match element {
        Bson::Binary(bytes) => text(bytes),
        other => string_item(other),
    }
}

fn string_item(element: &Bson) -> Result<String, TypeError> {
    match element {
        Bson::String(bytes) => text(bytes),
        _ => Err(TypeError::Type),
    }
}

fn text(bytes: &[u8]) -> Result<String, TypeError> {
    let text = str::from_utf8(bytes).map_err(|_| TypeError::Type)?;
    if bytes.len() > BYTES_LIMIT {
        Err(TypeError::Size)
    } else {
        Ok(text.to_owned())
    }
}

fn binary_blob(element: &Bson) -> Result<Vec<u8>, TypeError> {
    match element {
        Bson::Binary(bytes) if bytes.len() > BYTES_LIMIT => Err(TypeError::Size),
        Bson::Binary(bytes) => Ok(bytes.to_vec()),
        _ => Err(TypeError::Type),
    }
}

fn binary_blob_item(element: &Bson) -> Result<Vec<u8>, TypeError> {
    match element {
        Bson::String(bytes) if bytes.len() <= BYTES_LIMIT => Ok(bytes.to_vec()),
        other => binary_blob(other),
    }
}

fn datetime(element: &Bson) -> Result<i64, TypeError> {
    match element {
        Bson::DateTime(ms) | Bson::Int64(ms) => Ok(*ms),
        Bson::Int32(ms) => Ok(i64::from(*ms)),
        _ => Err(TypeError::Type),
    }
}

const BYTES_LIMIT: usize = 65_536;

const ITEMS_LIMIT: usize = 1024;

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::bson;

    fn check(element: Bson, value_type: MappingType) -> Result<Value, TypeError> {
        typed(&element, value_type).map(|typed| typed.value)
    }

    #[test]
    fn integers_stand_for_each_other() {
        assert_eq!(
            check(Bson::Int64(5), MappingType::Integer),
            Ok(Value::Integer(5))
        );
        assert_eq!(
            check(Bson::Int32(5), MappingType::LongInteger),
            Ok(Value::LongInteger(5))
        );
        assert_eq!(
            check(Bson::Int64(5), MappingType::DateTime),
            Ok(Value::DateTime(5))
        );
        assert!(typed(&Bson::Int32(5), MappingType::Double).is_ok_and(|typed| typed.would_wedge));
        let mixed = Bson::Array(vec![Bson::Double(1.0), Bson::Int32(1)]);
        assert!(typed(&mixed, MappingType::DoubleArray).is_ok_and(|typed| typed.would_wedge));
    }

    /// Every element for every type, alone and as an item of its array.
    #[test]
    fn the_matrix_of_types() {
        let elements = [
            ("double", Bson::Double(1.5)),
            ("int32", Bson::Int32(5)),
            ("int64", Bson::Int64(5)),
            ("large", Bson::Int64(1 << 40)),
            ("boolean", Bson::Boolean(true)),
            ("string", Bson::String(Bytes::from_static(b"ok"))),
            ("text", Bson::Binary(Bytes::from_static(b"ok"))),
            ("bytes", Bson::Binary(Bytes::from_static(b"\xff"))),
            ("datetime", Bson::DateTime(5)),
            ("array", Bson::Array(Vec::new())),
            ("document", Bson::Document(bson::Document::default())),
            ("opaque", Bson::Opaque),
            ("null", Bson::Null),
        ];
        use MappingType as T;
        let double = "double int32 int64 large";
        let datetime = "datetime int32 int64 large";
        for (scalar, accepted, array, items) in [
            (T::Double, double, T::DoubleArray, double),
            (T::Integer, "int32 int64", T::IntegerArray, "int32 int64"),
            (T::Boolean, "boolean", T::BooleanArray, "boolean"),
            (
                T::LongInteger,
                "int32 int64 large",
                T::LongIntegerArray,
                "int32 int64 large",
            ),
            (T::String, "string text", T::StringArray, "string"),
            (
                T::BinaryBlob,
                "text bytes",
                T::BinaryBlobArray,
                "text bytes string",
            ),
            (T::DateTime, datetime, T::DateTimeArray, datetime),
        ] {
            let is_in = |list: &str, name: &str| list.split(' ').any(|other| other == name);
            let good = elements.iter().filter(|(name, _)| is_in(items, name));
            let good: Vec<Bson> = good.map(|(_, element)| element.clone()).collect();
            for (name, element) in &elements {
                let alone = check(element.clone(), scalar);
                assert_eq!(alone.is_ok(), is_in(accepted, name), "{name} for {scalar}");
                let as_array = check(element.clone(), array);
                assert_eq!(as_array.is_ok(), *name == "array", "{name} for {array}");
                let mut mixed = good.clone();
                mixed.push(element.clone());
                let mixed = check(Bson::Array(mixed), array);
                assert_eq!(mixed.is_ok(), is_in(items, name), "{name} in {array}");
            }
        }
    }

    #[test]
    fn the_least_integers_are_refused() {
        for (element, value_type) in [
            (Bson::Int32(i32::MIN), MappingType::Integer),
            (Bson::Int64(i64::from(i32::MIN)), MappingType::Integer),
            (Bson::Int64(1 << 31), MappingType::Integer),
            (Bson::Int64(i64::MIN), MappingType::LongInteger),
        ] {
            assert_eq!(check(element, value_type), Err(TypeError::Type));
        }
    }

    #[test]
    fn doubles_are_finite() {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(
                check(Bson::Double(value), MappingType::Double),
                Err(TypeError::Type)
            );
        }
    }

    #[test]
    fn text_and_bytes() {
        let text = Bytes::from_static(b"ok");
        let (string, binary) = (Bson::String(text.clone()), Bson::Binary(text));
        assert!(check(string.clone(), MappingType::String).is_ok());
        assert!(check(binary.clone(), MappingType::String).is_ok());
        assert!(check(string.clone(), MappingType::BinaryBlob).is_err());
        let array = |item: &Bson| Bson::Array(vec![item.clone()]);
        assert!(check(array(&binary), MappingType::StringArray).is_err());
        assert!(check(array(&string), MappingType::BinaryBlobArray).is_ok());
        let not_text = Bson::String(Bytes::from_static(b"\xff"));
        assert_eq!(check(not_text, MappingType::String), Err(TypeError::Type));
    }

    #[test]
    fn sizes() {
        let long = Bytes::from(vec![b'a'; 65_537]);
        assert_eq!(
            check(Bson::String(long.clone()), MappingType::String),
            Err(TypeError::Size)
        );
        assert_eq!(
            check(Bson::Binary(long.clone()), MappingType::BinaryBlob),
            Err(TypeError::Size)
        );
        assert!(check(Bson::String(long.slice(1..)), MappingType::String).is_ok());
        let item = Bson::Array(vec![Bson::String(long)]);
        assert_eq!(check(item, MappingType::StringArray), Err(TypeError::Type));
        let many = |count| Bson::Array(vec![Bson::Int32(1); count]);
        assert!(check(many(1024), MappingType::IntegerArray).is_ok());
        assert_eq!(
            check(many(1025), MappingType::IntegerArray),
            Err(TypeError::Size)
        );
        assert!(check(many(0), MappingType::StringArray).is_ok());
    }

    #[test]
    fn arrays_and_scalars_do_not_mix() {
        assert!(check(Bson::Array(vec![]), MappingType::Integer).is_err());
        assert!(check(Bson::Int32(1), MappingType::IntegerArray).is_err());
        assert!(check(Bson::Array(vec![Bson::Null]), MappingType::IntegerArray).is_err());
    }
}
