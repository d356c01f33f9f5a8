//! The errors of the codec.

use thiserror::Error;

use crate::{Type, timestamp::Timestamp};

/// A path parameter cannot be part of a path.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParamError {
    /// It holds a character with a meaning of its own in paths or topics.
    #[error("the parameter `{name}` is {value:?}, it must not hold {found:?}")]
    Character {
        /// The parameter.
        name: &'static str,
        /// Its text.
        value: String,
        /// The first such character.
        found: char,
    },
    /// Its `Display` reported an error.
    #[error("the parameter `{name}` could not be displayed")]
    Display {
        /// The parameter.
        name: &'static str,
    },
    /// It displays nothing.
    #[error("the parameter `{name}` is empty")]
    Empty {
        /// The parameter.
        name: &'static str,
    },
}

/// A value is outside of what Astarte accepts.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ValueError {
    /// An array has too many items.
    #[error("the array has {len} items, the limit is {limit}", limit = crate::payload::MAX_ITEMS)]
    ArrayLength {
        /// How many it has.
        len: usize,
    },
    /// A binary blob is empty, where the server would take this for an unset.
    #[error(
        "the `binaryblob` is empty: as a property or without an explicit timestamp the server takes this for an unset"
    )]
    EmptyBlob,
    /// An integer is the smallest of its type, which the server refuses.
    #[error(
        "{value} is the smallest `{value_type}`, which the server refuses: the range is symmetric"
    )]
    IntegerRange {
        /// The integer.
        value: i64,
        /// Its type.
        value_type: Type,
    },
    /// A number is not finite.
    #[error("{value} is not a finite number")]
    NotFinite {
        /// `NaN`, `inf` or `-inf`.
        value: String,
    },
    /// A string or blob is too long.
    #[error("the `{value_type}` is {len} bytes long, the limit is {limit}", limit = crate::payload::MAX_BYTES)]
    Size {
        /// Its length in bytes.
        len: usize,
        /// `string` or `binaryblob`.
        value_type: Type,
    },
    /// A point in time is outside of what Astarte can represent.
    #[error(transparent)]
    Time(#[from] TimestampError),
    /// An object's mapping is at fault.
    #[error("the mapping `{key}`: {source}")]
    Key {
        /// The last level of its endpoint.
        key: &'static str,
        /// What is wrong with it.
        source: Box<ValueError>,
    },
}

/// Received data does not fit its interface.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeError {
    /// The payload is not a BSON document.
    #[error("the payload is not valid BSON: {reason} at byte {offset}")]
    Bson {
        /// What is wrong.
        reason: &'static str,
        /// Where, in bytes from the start of the payload or of the value in it.
        offset: usize,
    },
    /// A field of an object does not fit its mapping.
    #[error("the mapping `{key}`: {source}")]
    Key {
        /// The last level of the mapping's endpoint.
        key: &'static str,
        /// What is wrong with it.
        source: Box<DecodeError>,
    },
    /// An object lacks a mapping that its interface requires.
    #[error("the object has no `{key}`, which is required")]
    MissingKey {
        /// The last level of the mapping's endpoint.
        key: &'static str,
    },
    /// A parameter's type refuses the text in the path.
    #[error("the parameter `{name}` is {value:?}, which is not a valid `{expected}`")]
    Param {
        /// The parameter.
        name: &'static str,
        /// The text.
        value: String,
        /// The Rust type of the parameter.
        expected: &'static str,
    },
    /// A type of the application panicked: the `FromStr` of a parameter, or the `TryFrom` of a value.
    #[error("a type of the application panicked: {message}")]
    Panicked {
        /// The message of the panic.
        message: String,
    },
    /// The value is of another type.
    #[error("the value is a BSON {found}, the mapping is of type `{expected}`")]
    Type {
        /// The type of the mapping.
        expected: &'static str,
        /// The BSON type.
        found: &'static str,
    },
    /// The value is of the right type, and out of its range.
    #[error("the value is not a valid `{expected}`: {reason}")]
    Value {
        /// The type of the mapping.
        expected: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// The interface is none of a set of events.
    #[error("nothing is received from the interface `{interface}` here")]
    UnknownInterface {
        /// The interface.
        interface: String,
    },
    /// The path is none of the interface's.
    #[error("the interface has no mapping for the path {path:?}")]
    UnknownPath {
        /// The path.
        path: String,
    },
    /// An unset of something that cannot be unset.
    #[error("the payload is empty, which is an unset, and the mapping cannot be unset")]
    Unset,
}

impl DecodeError {
    /// Says that an interface is none of a set of events.
    pub fn unknown_interface(interface: &str) -> Self {
        Self::UnknownInterface {
            interface: interface.to_owned(),
        }
    }

    /// Says that an interface has no mapping for a path.
    pub fn unknown_path(path: &str) -> Self {
        Self::UnknownPath {
            path: path.to_owned(),
        }
    }
}

/// A point in time is outside of what Astarte can represent.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error(
    "{millis} ms since 1970-01-01 is outside of the range {min} to {max}",
    min = Timestamp::MIN.as_millis(),
    max = Timestamp::MAX.as_millis()
)]
pub struct TimestampError {
    pub(crate) millis: i64,
}
