//! Writing.

use super::{MAX_BYTES, MAX_ITEMS};
use crate::{
    Object, Timestamp, Type,
    error::ValueError,
    value::Encode,
    wire::{self, Wire, element},
};

/// Writes the payload of an individual value behind what `out` holds.
///
/// # Errors
///
/// - The value is one that Astarte refuses: see [`ValueError`]. What was written by then is left in `out`.
pub fn encode_individual<W: Wire, V: Encode<W> + ?Sized>(
    value: &V,
    timestamp: Option<Timestamp>,
    out: &mut Vec<u8>,
) -> Result<(), ValueError> {
    document(out, |out| {
        write_timestamp(timestamp, out);
        key(W::ELEMENT, "v", out);
        let start = out.len();
        value.encode(&mut ValueWriter { out })?;
        // The length of a binary is its first field; zero without a `t` beside it is how old servers wrote an unset.
        if W::TYPE == Type::BinaryBlob && timestamp.is_none() && out[start..].starts_with(&[0; 4]) {
            return Err(ValueError::EmptyBlob);
        }
        Ok(())
    })
}

/// Writes the payload of an object behind what `out` holds.
///
/// # Errors
///
/// - A value in it is one that Astarte refuses: see [`ValueError::Key`]. What was written by then is left in `out`.
pub fn encode_object<I, O: Object<I> + ?Sized>(
    object: &O,
    timestamp: Option<Timestamp>,
    out: &mut Vec<u8>,
) -> Result<(), ValueError> {
    document(out, |out| {
        write_timestamp(timestamp, out);
        key(element::DOCUMENT, "v", out);
        document(out, |out| {
            let mut fields = ObjectWriter { out, refused: None };
            object.encode(&mut fields);
            fields.refused.map_or(Ok(()), Err)
        })
    })
}

/// Takes the fields of an object, one after the other.
///
/// A value that is refused is told by [`encode_object`], at the end: generated code has nothing to pass on.
#[derive(Debug)]
pub struct ObjectWriter<'a> {
    out: &'a mut Vec<u8>,
    refused: Option<ValueError>,
}

impl ObjectWriter<'_> {
    /// Appends a field.
    #[inline]
    pub fn field<W: Wire, V: Encode<W> + ?Sized>(&mut self, name: &'static str, value: &V) {
        if self.refused.is_some() {
            return;
        }
        key(W::ELEMENT, name, self.out);
        if let Err(source) = value.encode(&mut ValueWriter { out: self.out }) {
            self.refused = Some(ValueError::Key {
                key: name,
                source: Box::new(source),
            });
        }
    }

    /// Appends a field, or nothing where there is no value.
    pub fn optional_field<W: Wire, V: Encode<W>>(&mut self, name: &'static str, value: &Option<V>) {
        if let Some(value) = value {
            self.field::<W, V>(name, value);
        }
    }
}

/// Takes one value, in the form that its mapping's type has on the wire.
#[derive(Debug)]
pub struct ValueWriter<'a> {
    out: &'a mut Vec<u8>,
}

impl ValueWriter<'_> {
    #[inline]
    pub(crate) fn boolean(&mut self, value: bool) {
        self.out.push(u8::from(value));
    }

    #[inline]
    pub(crate) fn double(&mut self, value: f64) -> Result<(), ValueError> {
        if !value.is_finite() {
            return Err(ValueError::NotFinite {
                value: value.to_string(),
            });
        }
        self.out.extend_from_slice(&value.to_le_bytes());
        Ok(())
    }

    #[inline]
    pub(crate) fn integer(&mut self, value: i32) -> Result<(), ValueError> {
        if value == i32::MIN {
            return Err(ValueError::IntegerRange {
                value: value.into(),
                value_type: Type::Integer,
            });
        }
        self.out.extend_from_slice(&value.to_le_bytes());
        Ok(())
    }

    #[inline]
    pub(crate) fn long_integer(&mut self, value: i64) -> Result<(), ValueError> {
        if value == i64::MIN {
            return Err(ValueError::IntegerRange {
                value,
                value_type: Type::LongInteger,
            });
        }
        self.out.extend_from_slice(&value.to_le_bytes());
        Ok(())
    }

    #[inline]
    pub(crate) fn date_time(&mut self, value: Timestamp) {
        self.out.extend_from_slice(&value.as_millis().to_le_bytes());
    }

    pub(crate) fn string(&mut self, value: &str) -> Result<(), ValueError> {
        let len = bounded(value.len(), Type::String)?;
        self.out.extend_from_slice(&(len + 1).to_le_bytes());
        self.out.extend_from_slice(value.as_bytes());
        self.out.push(0);
        Ok(())
    }

    pub(crate) fn blob(&mut self, value: &[u8]) -> Result<(), ValueError> {
        const GENERIC_SUBTYPE: u8 = 0;
        let len = bounded(value.len(), Type::BinaryBlob)?;
        self.out.extend_from_slice(&len.to_le_bytes());
        self.out.push(GENERIC_SUBTYPE);
        self.out.extend_from_slice(value);
        Ok(())
    }

    /// Writes an array, each item by `write`.
    pub(crate) fn array(
        &mut self,
        write: impl FnOnce(&mut ArrayWriter<'_>) -> Result<(), ValueError>,
    ) -> Result<(), ValueError> {
        document(self.out, |out| {
            let mut array = ArrayWriter { out, len: 0 };
            write(&mut array)?;
            match array.len {
                0..=MAX_ITEMS => Ok(()),
                len => Err(ValueError::ArrayLength { len }),
            }
        })
    }
}

/// Takes the items of an array, one after the other.
#[derive(Debug)]
pub struct ArrayWriter<'a> {
    out: &'a mut Vec<u8>,
    len: usize,
}

impl ArrayWriter<'_> {
    /// Appends an item of the type `W`.
    ///
    /// # Errors
    ///
    /// - The value is one that Astarte refuses.
    pub fn item<W: Wire, V: Encode<W> + ?Sized>(&mut self, value: &V) -> Result<(), ValueError> {
        // Items over the limit are counted, to be named in the error, and not written.
        if self.len < MAX_ITEMS {
            let mut digits = [0; 4];
            key(W::ELEMENT, decimal(self.len, &mut digits), self.out);
            value.encode(&mut ValueWriter { out: self.out })?;
        }
        self.len += 1;
        Ok(())
    }

    /// Appends a string.
    ///
    /// # Errors
    ///
    /// - It is longer than 65 536 bytes.
    pub fn string(&mut self, value: &str) -> Result<(), ValueError> {
        self.item::<wire::String, str>(value)
    }

    /// Appends a blob.
    ///
    /// # Errors
    ///
    /// - It is longer than 65 536 bytes.
    pub fn blob(&mut self, value: &[u8]) -> Result<(), ValueError> {
        self.item::<wire::BinaryBlob, [u8]>(value)
    }
}

#[inline]
fn write_timestamp(timestamp: Option<Timestamp>, out: &mut Vec<u8>) {
    if let Some(timestamp) = timestamp {
        key(element::DATE_TIME, "t", out);
        out.extend_from_slice(&timestamp.as_millis().to_le_bytes());
    }
}

/// Writes a document: its length in bytes, what `content` writes, and the closing NUL.
#[inline]
fn document(
    out: &mut Vec<u8>,
    content: impl FnOnce(&mut Vec<u8>) -> Result<(), ValueError>,
) -> Result<(), ValueError> {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    content(out)?;
    out.push(0);
    // What does not fit in the length is larger than any packet by orders of magnitude, and refused as such.
    let len = i32::try_from(out.len() - start).unwrap_or(i32::MAX);
    out[start..start + 4].copy_from_slice(&len.to_le_bytes());
    Ok(())
}

#[inline]
fn key(element: u8, name: &str, out: &mut Vec<u8>) {
    out.reserve(name.len() + 2);
    out.push(element);
    out.extend_from_slice(name.as_bytes());
    out.push(0);
}

fn bounded(len: usize, value_type: Type) -> Result<i32, ValueError> {
    match i32::try_from(len) {
        Ok(bounded) if len <= MAX_BYTES => Ok(bounded),
        _ => Err(ValueError::Size { len, value_type }),
    }
}

/// Writes an index below 10 000 as the key that BSON wants.
fn decimal(mut index: usize, digits: &mut [u8; 4]) -> &str {
    let mut start = digits.len();
    loop {
        start -= 1;
        digits[start] = b'0' + (index % 10) as u8;
        index /= 10;
        if index == 0 || start == 0 {
            break;
        }
    }
    core::str::from_utf8(&digits[start..]).unwrap_or("0")
}
