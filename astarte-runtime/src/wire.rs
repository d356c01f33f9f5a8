//! The fourteen types of mappings, as types, and their form on the wire.
//!
//! Specification: [Payload format](https://docs.astarte-platform.org/astarte/latest/080-mqtt-v1-protocol.html).

use self::sealed::Sealed;
use crate::Type;

/// One of the types of this module.
pub trait Wire: Sealed {
    /// The type it stands for.
    const TYPE: Type;
    /// The BSON element type that is sent.
    #[doc(hidden)]
    const ELEMENT: u8;
}

/// BSON element types.
pub(crate) mod element {
    pub(crate) const DOUBLE: u8 = 0x01;
    pub(crate) const STRING: u8 = 0x02;
    pub(crate) const DOCUMENT: u8 = 0x03;
    pub(crate) const ARRAY: u8 = 0x04;
    pub(crate) const BINARY: u8 = 0x05;
    pub(crate) const BOOLEAN: u8 = 0x08;
    pub(crate) const DATE_TIME: u8 = 0x09;
    pub(crate) const NULL: u8 = 0x0a;
    pub(crate) const INT32: u8 = 0x10;
    pub(crate) const INT64: u8 = 0x12;
}

macro_rules! wires {
    ($($name:ident $element:ident $doc:literal)*) => {$(
        #[doc = $doc]
        #[derive(Clone, Copy, Debug)]
        pub enum $name {}
        impl Sealed for $name {}
        impl Wire for $name {
            const TYPE: Type = Type::$name;
            const ELEMENT: u8 = element::$element;
        }
    )*};
}

wires! {
    BinaryBlob BINARY "Bytes, at most 65 536."
    BinaryBlobArray ARRAY "At most 1024 blobs."
    Boolean BOOLEAN "`true` or `false`."
    BooleanArray ARRAY "At most 1024 booleans."
    DateTime DATE_TIME "A point in time, in milliseconds."
    DateTimeArray ARRAY "At most 1024 points in time."
    Double DOUBLE "A finite 64-bit floating point number."
    DoubleArray ARRAY "At most 1024 doubles."
    Integer INT32 "A 32-bit integer other than `i32::MIN`."
    IntegerArray ARRAY "At most 1024 integers."
    LongInteger INT64 "A 64-bit integer other than `i64::MIN`."
    LongIntegerArray ARRAY "At most 1024 long integers."
    String STRING "UTF-8, at most 65 536 bytes."
    StringArray ARRAY "At most 1024 strings."
}

#[allow(unnameable_types, reason = "this is what seals the trait")]
mod sealed {
    pub trait Sealed {}
}
