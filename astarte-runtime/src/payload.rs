//! The payloads of Astarte: a subset of BSON, written straight into a buffer and read in place.
//!
//! A payload is a document with the value under `v` and, where the mapping has an explicit timestamp, the time under
//! `t`, which comes first. An empty payload unsets a property.

mod reader;
mod writer;

pub use self::reader::{Document, Payload, RawArray, RawValue, required};
pub use self::writer::{ArrayWriter, ObjectWriter, ValueWriter, encode_individual, encode_object};

/// The longest string or blob, in bytes. The broker's packet limit of 65 535 bytes binds earlier.
pub const MAX_BYTES: usize = 65_536;

/// The most items of an array.
pub const MAX_ITEMS: usize = 1024;
