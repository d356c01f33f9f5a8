//! The subset of BSON that the server reads and writes, by its own rules.

mod decode;
mod encode;

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

/// Elements by key, in bytewise order, the order in which the server looks at them. Of equal keys
/// the last one is kept.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Document(Vec<(String, Bson)>);

impl Document {
    fn new(mut elements: Vec<(String, Bson)>) -> Document {
        if !elements.is_sorted_by(|(a, _), (b, _)| a < b) {
            // Stable: the last of equal keys stays the last.
            elements.sort_by(|(a, _), (b, _)| a.cmp(b));
            elements.dedup_by(|later, earlier| {
                let same = later.0 == earlier.0;
                if same {
                    std::mem::swap(later, earlier);
                }
                same
            });
        }
        Document(elements)
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Bson> {
        self.find(key).map(|index| &self.0[index].1)
    }

    pub(crate) fn contains_key(&self, key: &str) -> bool {
        self.find(key).is_some()
    }

    pub(crate) fn remove(&mut self, key: &str) -> Option<Bson> {
        self.find(key).map(|index| self.0.remove(index).1)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Bson)> {
        self.0.iter().map(|(key, element)| (key.as_str(), element))
    }

    fn find(&self, key: &str) -> Option<usize> {
        self.0
            .binary_search_by(|(other, _)| other.as_str().cmp(key))
            .ok()
    }
}
