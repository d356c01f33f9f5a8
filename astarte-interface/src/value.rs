mod error;
mod from;
mod object;
mod scalar;

use crate::mapping::Mapping;
use crate::types::MappingType;
use scalar::{Context, Scalar};

pub use error::ValueError;
pub use object::ObjectError;

/// A value whose type is known at run time only.
///
/// The types of Rust that have one meaning convert to it: `Value::from(21.5)` is a `double`. Points
/// in time do not, because they are integers.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A floating-point number; infinities and NaN are no values of Astarte.
    Double(f64),
    /// A 32-bit integer; `i32::MIN` is no value of Astarte.
    Integer(i32),
    /// A truth value.
    Boolean(bool),
    /// A 64-bit integer; `i64::MIN` is no value of Astarte.
    LongInteger(i64),
    /// Text of at most 65 536 bytes.
    String(String),
    /// At most 65 536 bytes.
    BinaryBlob(Vec<u8>),
    /// Milliseconds since 1970-01-01T00:00:00Z, in the years -9999 to 9999.
    DateTime(i64),
    /// At most 1024 numbers.
    DoubleArray(Vec<f64>),
    /// At most 1024 integers.
    IntegerArray(Vec<i32>),
    /// At most 1024 truth values.
    BooleanArray(Vec<bool>),
    /// At most 1024 integers.
    LongIntegerArray(Vec<i64>),
    /// At most 1024 texts.
    StringArray(Vec<String>),
    /// At most 1024 blobs.
    BinaryBlobArray(Vec<Vec<u8>>),
    /// At most 1024 points in time, in milliseconds.
    DateTimeArray(Vec<i64>),
}

impl Value {
    /// The greatest number of bytes of a string or blob.
    pub const MAX_BYTES: usize = 65_536;
    /// The greatest number of items of an array.
    pub const MAX_ITEMS: usize = 1024;

    /// Returns the type that the value has by itself.
    pub fn value_type(&self) -> MappingType {
        match self {
            Value::Double(_) => MappingType::Double,
            Value::Integer(_) => MappingType::Integer,
            Value::Boolean(_) => MappingType::Boolean,
            Value::LongInteger(_) => MappingType::LongInteger,
            Value::String(_) => MappingType::String,
            Value::BinaryBlob(_) => MappingType::BinaryBlob,
            Value::DateTime(_) => MappingType::DateTime,
            Value::DoubleArray(_) => MappingType::DoubleArray,
            Value::IntegerArray(_) => MappingType::IntegerArray,
            Value::BooleanArray(_) => MappingType::BooleanArray,
            Value::LongIntegerArray(_) => MappingType::LongIntegerArray,
            Value::StringArray(_) => MappingType::StringArray,
            Value::BinaryBlobArray(_) => MappingType::BinaryBlobArray,
            Value::DateTimeArray(_) => MappingType::DateTimeArray,
        }
    }

    /// Holds the value against the type of a mapping, by the rules and limits of the server.
    ///
    /// The server looks at the value more than at its type, and so does this check: an integer of
    /// any width is a `double`, an `integer`, a `longinteger` or a `datetime` if it fits, a blob of
    /// UTF-8 is a `string`, and text is an item of a `binaryblobarray`. [`Value::convert`] gives the
    /// form in which such a value must be sent.
    ///
    /// # Errors
    ///
    /// - The type is another one.
    /// - A number is out of range or not finite.
    /// - A string, blob or array is too large.
    ///
    /// # Examples
    ///
    /// ```
    /// use astarte_interface::{MappingType, Value};
    ///
    /// assert!(Value::LongInteger(7).check(MappingType::Integer).is_ok());
    /// let error = Value::Double(f64::NAN).check(MappingType::Double).unwrap_err();
    /// assert_eq!(error.to_string(), "the number is not finite");
    /// ```
    pub fn check(&self, value_type: MappingType) -> Result<(), ValueError> {
        let Some(items) = self.items() else {
            return self
                .as_scalar(value_type)?
                .check(value_type, Context::Alone);
        };
        let Some(item_type) = value_type.item() else {
            return Err(self.type_error(value_type));
        };
        if items.len() > Self::MAX_ITEMS {
            return Err(ValueError::TooManyItems { items: items.len() });
        }
        items.into_iter().enumerate().try_for_each(|(index, item)| {
            item.check(item_type, Context::Item)
                .map_err(|error| match error {
                    ValueError::Type { .. } => self.type_error(value_type),
                    error => ValueError::Item {
                        index,
                        error: Box::new(error),
                    },
                })
        })
    }

    /// Checks the value, and gives it the variant of the type.
    ///
    /// An integer beyond 2^53 becomes the nearest `double`.
    ///
    /// # Errors
    ///
    /// - Those of [`Value::check`].
    /// - An integer is out of the range of `datetime`, which the server finds out only later.
    ///
    /// # Examples
    ///
    /// ```
    /// use astarte_interface::{MappingType, Value};
    ///
    /// assert_eq!(Value::Integer(7).convert(MappingType::Double), Ok(Value::Double(7.0)));
    /// ```
    pub fn convert(self, value_type: MappingType) -> Result<Value, ValueError> {
        self.check(value_type)?;
        if self.value_type() == value_type {
            return Ok(self);
        }
        let type_error = self.type_error(value_type);
        match self.items() {
            None => self.as_scalar(value_type)?.convert(value_type),
            Some(items) => scalar::convert_items(&items, value_type),
        }
        .map_err(|error| error.unwrap_or(type_error))
    }

    fn as_scalar(&self, expected: MappingType) -> Result<Scalar<'_>, ValueError> {
        Ok(match self {
            Value::Double(value) => Scalar::Double(*value),
            Value::Integer(value) => Scalar::Integer((*value).into()),
            Value::Boolean(value) => Scalar::Boolean(*value),
            Value::LongInteger(value) => Scalar::Integer(*value),
            Value::String(value) => Scalar::String(value),
            Value::BinaryBlob(value) => Scalar::Blob(value),
            Value::DateTime(value) => Scalar::DateTime(*value),
            _ => return Err(self.type_error(expected)),
        })
    }

    /// The items of an array.
    fn items(&self) -> Option<Vec<Scalar<'_>>> {
        Some(match self {
            Value::DoubleArray(items) => items.iter().map(|item| Scalar::Double(*item)).collect(),
            Value::IntegerArray(items) => items
                .iter()
                .map(|item| Scalar::Integer((*item).into()))
                .collect(),
            Value::BooleanArray(items) => items.iter().map(|item| Scalar::Boolean(*item)).collect(),
            Value::LongIntegerArray(items) => {
                items.iter().map(|item| Scalar::Integer(*item)).collect()
            }
            Value::StringArray(items) => items.iter().map(|item| Scalar::String(item)).collect(),
            Value::BinaryBlobArray(items) => items.iter().map(|item| Scalar::Blob(item)).collect(),
            Value::DateTimeArray(items) => {
                items.iter().map(|item| Scalar::DateTime(*item)).collect()
            }
            _ => return None,
        })
    }

    fn type_error(&self, expected: MappingType) -> ValueError {
        ValueError::Type {
            expected,
            found: self.value_type(),
        }
    }
}

impl Mapping<'_> {
    /// Holds a value against the mapping: its type, and how it travels.
    ///
    /// # Errors
    ///
    /// - Those of [`Value::check`].
    /// - An empty blob as a property, or as a datastream value without a timestamp: on the wire it
    ///   would be an unset.
    pub fn check(self, value: &Value) -> Result<(), ValueError> {
        value.check(self.value_type())?;
        let alone = self.key().is_none() && !self.explicit_timestamp();
        match value {
            Value::BinaryBlob(bytes)
                if alone && bytes.is_empty() && self.value_type() == MappingType::BinaryBlob =>
            {
                Err(ValueError::EmptyBlob)
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ok(value: &Value, value_type: MappingType) -> bool {
        value.check(value_type).is_ok()
    }

    #[test]
    fn every_type_accepts_its_own() {
        use MappingType as T;
        let values = [
            (Value::Double(-0.0), T::Double),
            (Value::Integer(-i32::MAX), T::Integer),
            (Value::Boolean(false), T::Boolean),
            (Value::LongInteger(-i64::MAX), T::LongInteger),
            (Value::String("é".repeat(32_768)), T::String),
            (Value::BinaryBlob(vec![0; 65_536]), T::BinaryBlob),
            (Value::DateTime(253_402_300_799_999), T::DateTime),
            (Value::DoubleArray(vec![1.5; 1024]), T::DoubleArray),
            (Value::IntegerArray(vec![]), T::IntegerArray),
            (Value::BooleanArray(vec![true]), T::BooleanArray),
            (Value::LongIntegerArray(vec![i64::MAX]), T::LongIntegerArray),
            (Value::StringArray(vec![String::new()]), T::StringArray),
            (Value::BinaryBlobArray(vec![vec![]]), T::BinaryBlobArray),
            (Value::DateTimeArray(vec![-1]), T::DateTimeArray),
        ];
        for (value, value_type) in values {
            assert_eq!(value.value_type(), value_type);
            assert_eq!(value.check(value_type), Ok(()));
            assert_eq!(value.clone().convert(value_type), Ok(value));
        }
    }

    #[test]
    fn limits() {
        let size = |bytes| ValueError::TooLarge { bytes };
        assert_eq!(
            Value::String("é".repeat(32_769)).check(MappingType::String),
            Err(size(65_538))
        );
        let blob = Value::BinaryBlob(vec![0; 65_537]);
        assert_eq!(blob.check(MappingType::BinaryBlob), Err(size(65_537)));
        let array = Value::BooleanArray(vec![true; 1025]);
        let error = ValueError::TooManyItems { items: 1025 };
        assert_eq!(array.check(MappingType::BooleanArray), Err(error));
        assert_eq!(
            Value::Double(f64::NAN).check(MappingType::Double),
            Err(ValueError::NotFinite)
        );
        assert!(!ok(&Value::Integer(i32::MIN), MappingType::Integer));
        assert!(!ok(&Value::LongInteger(i64::MIN), MappingType::LongInteger));
        assert!(!ok(
            &Value::DateTime(253_402_300_800_000),
            MappingType::DateTime
        ));
        assert!(!ok(
            &Value::DateTime(-377_705_116_800_001),
            MappingType::DateTime
        ));
    }

    #[test]
    fn items_are_named_by_their_index() {
        let error = Value::DoubleArray(vec![0.0, f64::INFINITY]).check(MappingType::DoubleArray);
        assert_eq!(
            error.unwrap_err().to_string(),
            "item 1: the number is not finite"
        );
    }

    #[test]
    fn types_that_are_not_each_other() {
        use MappingType as T;
        assert!(!ok(&Value::Double(1.0), T::Integer));
        assert!(!ok(&Value::Boolean(true), T::Integer));
        assert!(!ok(&Value::String("1".into()), T::BinaryBlob));
        assert!(!ok(&Value::BinaryBlob(vec![0xff]), T::String));
        assert!(!ok(&Value::Integer(1), T::IntegerArray));
        assert!(!ok(&Value::IntegerArray(vec![1]), T::Integer));
        assert!(!ok(
            &Value::BinaryBlobArray(vec![vec![b'a']]),
            T::StringArray
        ));
        assert!(!ok(&Value::DateTime(1), T::LongInteger));
    }

    #[test]
    fn an_empty_array_is_of_every_array_type() {
        for value_type in MappingType::ALL {
            let accepted = ok(&Value::BooleanArray(Vec::new()), *value_type);
            assert_eq!(accepted, value_type.is_array(), "{value_type}");
        }
    }

    #[test]
    fn conversion_gives_the_variant_of_the_type() {
        use MappingType as T;
        let convert = |value: Value, value_type| value.convert(value_type).unwrap();
        assert_eq!(convert(Value::Integer(2), T::Double), Value::Double(2.0));
        assert_eq!(
            convert(Value::LongInteger(2), T::Integer),
            Value::Integer(2)
        );
        assert_eq!(
            convert(Value::Integer(2), T::LongInteger),
            Value::LongInteger(2)
        );
        assert_eq!(convert(Value::Integer(2), T::DateTime), Value::DateTime(2));
        assert_eq!(
            convert(Value::BinaryBlob(b"ab".into()), T::String),
            Value::String("ab".into())
        );
        assert_eq!(
            convert(Value::StringArray(vec!["a".into()]), T::BinaryBlobArray),
            Value::BinaryBlobArray(vec![b"a".into()])
        );
        assert_eq!(
            convert(Value::BooleanArray(vec![]), T::DateTimeArray),
            Value::DateTimeArray(vec![])
        );
        assert_eq!(
            Value::LongInteger(i64::MAX).convert(T::DateTime),
            Err(ValueError::DateTimeRange {
                milliseconds: i64::MAX
            })
        );
    }
}
