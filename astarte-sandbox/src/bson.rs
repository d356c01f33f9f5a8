//! The subset of BSON that the server reads and writes, by its own rules.

mod decode;
mod encode;

use std::collections::BTreeMap;

use bytes::Bytes;

pub(crate) use decode::{DecodeError, document};
pub(crate) use encode::{encode_object, encode_value};

/// A decoded element. Bytes are slices of the payload.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Bson {
    Array(Vec<Bson>),
    Binary(Bytes),
    Boolean(bool),
    /// Milliseconds since the epoch.
    DateTime(i64),
    Document(Document),
    Double(f64),
    Int32(i32),
    Int64(i64),
    Null,
    /// A sub-document with a sound length whose inside is not: it decodes, but is a value of no
    /// type.
    Opaque,
    /// Not necessarily UTF-8: the server checks text when it checks the type.
    String(Bytes),
}

/// Keys in bytewise order, the order in which the server looks at them. Of equal keys the last one
/// is kept.
pub(crate) type Document = BTreeMap<String, Bson>;
