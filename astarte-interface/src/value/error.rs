use std::fmt;

use super::Value;
use crate::types::MappingType;

/// Why a value is not one of a mapping.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ValueError {
    /// A point in time is outside of the years -9999 to 9999.
    DateTimeRange {
        /// Milliseconds since 1970.
        milliseconds: i64,
    },
    /// An empty blob would be an unset on the wire.
    EmptyBlob,
    /// An integer is too small or too large for the type.
    IntegerRange {
        /// The type of the mapping.
        expected: MappingType,
        /// The integer.
        value: i64,
    },
    /// An item of an array is wrong.
    Item {
        /// Its index, from 0.
        index: usize,
        /// What is wrong with it.
        error: Box<ValueError>,
    },
    /// A number is infinite or NaN.
    NotFinite,
    /// A blob in place of a string is not UTF-8.
    NotUtf8,
    /// A string or blob is larger than 65 536 bytes.
    TooLarge {
        /// Its size in bytes.
        bytes: usize,
    },
    /// An array has more than 1024 items.
    TooManyItems {
        /// Their number.
        items: usize,
    },
    /// The value is of another type.
    Type {
        /// The type of the mapping.
        expected: MappingType,
        /// The type of the value.
        found: MappingType,
    },
}

impl fmt::Display for ValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DateTimeRange { milliseconds } => write!(
                f,
                "{milliseconds} ms since 1970 is outside of the years -9999 to 9999"
            ),
            Self::EmptyBlob => f.write_str(
                "an empty blob without a timestamp would be an unset: send at least one byte",
            ),
            Self::IntegerRange { expected, value } => {
                let limit = match expected {
                    MappingType::Integer => i64::from(i32::MAX),
                    _ => i64::MAX,
                };
                write!(
                    f,
                    "{value} is out of range: a `{expected}` is from -{limit} to {limit}"
                )
            }
            Self::Item { index, error } => write!(f, "item {index}: {error}"),
            Self::NotFinite => f.write_str("the number is not finite"),
            Self::NotUtf8 => f.write_str("the bytes are not UTF-8, and a `string` is expected"),
            Self::TooLarge { bytes } => {
                write!(
                    f,
                    "the value has {bytes} bytes, the limit is {}",
                    Value::MAX_BYTES
                )
            }
            Self::TooManyItems { items } => {
                write!(
                    f,
                    "the array has {items} items, the limit is {}",
                    Value::MAX_ITEMS
                )
            }
            Self::Type { expected, found } => write!(f, "expected `{expected}`, found `{found}`"),
        }
    }
}

impl std::error::Error for ValueError {}
