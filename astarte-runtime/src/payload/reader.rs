//! Reading, without copies and without an intermediate tree.

use core::fmt::Display;

use crate::{
    Timestamp,
    error::DecodeError,
    find::find,
    value::Decode,
    wire::{Wire, element},
};

/// A received payload.
#[derive(Clone, Copy, Debug)]
pub struct Payload<'a> {
    value: Option<RawValue<'a>>,
    timestamp: Option<Timestamp>,
}

impl<'a> Payload<'a> {
    /// Reads the outer document. Empty bytes are an unset.
    ///
    /// A document without `v` is itself the value, an object: an old form that is still legal.
    ///
    /// # Errors
    ///
    /// - The bytes are not one BSON document of the types that Astarte uses.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        if bytes.is_empty() {
            return Ok(Self {
                value: None,
                timestamp: None,
            });
        }
        let (mut value, mut timestamp) = (None, None);
        let mut document = Document::parse(bytes)?;
        while let Some((key, found)) = document.next()? {
            match key {
                b"v" => value = Some(found),
                b"t" if found.element == element::DATE_TIME => timestamp = Some(found.timestamp()?),
                _ => {}
            }
        }
        let value = value.unwrap_or(RawValue {
            element: element::DOCUMENT,
            bytes,
        });
        Ok(Self {
            value: Some(value).filter(|value| !value.is_null()),
            timestamp,
        })
    }

    /// The value, or `None` for an unset.
    pub fn optional_value(&self) -> Option<RawValue<'a>> {
        self.value
    }

    /// The value.
    ///
    /// # Errors
    ///
    /// - The payload is an unset.
    pub fn value(&self) -> Result<RawValue<'a>, DecodeError> {
        self.value.ok_or(DecodeError::Unset)
    }

    /// The value as a Rust type.
    ///
    /// # Errors
    ///
    /// - The payload is an unset, or the value is not of the type `W`.
    pub fn decode<W: Wire, T: Decode<W>>(&self) -> Result<T, DecodeError> {
        T::decode(self.value()?)
    }

    /// The value as a Rust type, or `None` for an unset.
    ///
    /// # Errors
    ///
    /// - The value is not of the type `W`.
    pub fn decode_optional<W: Wire, T: Decode<W>>(&self) -> Result<Option<T>, DecodeError> {
        self.value.map(T::decode).transpose()
    }

    /// The value as an object.
    ///
    /// # Errors
    ///
    /// - The payload is an unset, or the value is not a document.
    pub fn object(&self) -> Result<Document<'a>, DecodeError> {
        self.value()?.document()
    }

    /// The timestamp that the sender gave.
    pub fn timestamp(&self) -> Option<Timestamp> {
        self.timestamp
    }
}

/// The elements of a document, in order.
#[derive(Clone, Debug)]
pub struct Document<'a> {
    /// What is still to be read, without the NUL at the end.
    rest: &'a [u8],
    /// The length of all of it, for errors to say where.
    end: usize,
}

impl<'a> Document<'a> {
    fn parse(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let fail = |reason| Err(DecodeError::Bson { reason, offset: 0 });
        let Some(&length) = bytes.first_chunk::<4>() else {
            return fail("the document is cut short");
        };
        if usize::try_from(i32::from_le_bytes(length)) != Ok(bytes.len()) || bytes.len() < 5 {
            return fail("the document's length is not that of its bytes");
        }
        if bytes.last() != Some(&0) {
            return fail("the document does not end in NUL");
        }
        let end = bytes.len() - 1;
        Ok(Self {
            rest: &bytes[4..end],
            end,
        })
    }

    /// The next element and its key, or `None` at the end.
    ///
    /// # Errors
    ///
    /// - The element is cut short, of a type that Astarte does not use, or its key is not UTF-8.
    // Fallible, and called from generated code where no prelude brings `Iterator` into scope.
    #[allow(clippy::should_implement_trait)]
    #[inline]
    pub fn next(&mut self) -> Result<Option<(&'a [u8], RawValue<'a>)>, DecodeError> {
        let Some((&element, rest)) = self.rest.split_first() else {
            return Ok(None);
        };
        let Some(zero) = find::<0>(rest) else {
            return self.fail(rest, "a key does not end");
        };
        let (key, value) = (&rest[..zero.at], &rest[zero.at + 1..]);
        if !zero.ascii && core::str::from_utf8(key).is_err() {
            return self.fail(rest, "a key is not UTF-8");
        }
        let split = value_len(element, value).and_then(|len| value.split_at_checked(len));
        let Some((bytes, rest)) = split else {
            return self.fail(
                value,
                "an element is cut short or of a type that Astarte does not use",
            );
        };
        self.rest = rest;
        Ok(Some((key, RawValue { element, bytes })))
    }

    #[cold]
    fn fail<T>(&self, rest: &[u8], reason: &'static str) -> Result<T, DecodeError> {
        Err(DecodeError::Bson {
            reason,
            offset: self.end - rest.len(),
        })
    }
}

/// How many bytes the value at the start of `rest` says that it has.
#[inline]
fn value_len(element: u8, rest: &[u8]) -> Option<usize> {
    let declared = || usize::try_from(i32::from_le_bytes(*rest.first_chunk::<4>()?)).ok();
    Some(match element {
        element::NULL => 0,
        element::BOOLEAN => 1,
        element::INT32 => 4,
        element::DOUBLE | element::DATE_TIME | element::INT64 => 8,
        element::STRING => declared()?.checked_add(4)?,
        element::BINARY => declared()?.checked_add(5)?,
        element::DOCUMENT | element::ARRAY => declared()?,
        _ => return None,
    })
}

/// A value in a payload, not yet of a Rust type.
#[derive(Clone, Copy, Debug)]
pub struct RawValue<'a> {
    element: u8,
    bytes: &'a [u8],
}

impl<'a> RawValue<'a> {
    /// Whether it is BSON's null, which in an object stands for an absent value.
    #[inline]
    pub fn is_null(&self) -> bool {
        self.element == element::NULL
    }

    /// The value as a field of an object; null is an absent value.
    ///
    /// # Errors
    ///
    /// - The value is not of the type `W`.
    #[inline]
    pub fn decode_field<W: Wire, T: Decode<W>>(
        self,
        key: &'static str,
    ) -> Result<Option<T>, DecodeError> {
        if self.is_null() {
            return Ok(None);
        }
        T::decode(self)
            .map(Some)
            .map_err(|source| in_field(key, source))
    }

    #[inline]
    pub(crate) fn boolean(self) -> Result<bool, DecodeError> {
        match (self.element, self.bytes) {
            (element::BOOLEAN, [0]) => Ok(false),
            (element::BOOLEAN, [1]) => Ok(true),
            (element::BOOLEAN, _) => Err(invalid("boolean", &"the byte is neither 0 nor 1")),
            _ => Err(self.mismatch("boolean")),
        }
    }

    #[inline]
    pub(crate) fn double(self) -> Result<f64, DecodeError> {
        match self.chunk(element::DOUBLE).map(f64::from_le_bytes) {
            Some(value) if value.is_finite() => Ok(value),
            Some(value) => Err(invalid("double", &format_args!("{value} is not finite"))),
            None => Err(self.mismatch("double")),
        }
    }

    #[inline]
    pub(crate) fn integer(self) -> Result<i32, DecodeError> {
        let value = self.any_integer().ok_or_else(|| self.mismatch("integer"))?;
        i32::try_from(value)
            .map_err(|_| invalid("integer", &format_args!("{value} does not fit in 32 bits")))
    }

    #[inline]
    pub(crate) fn long_integer(self) -> Result<i64, DecodeError> {
        self.any_integer()
            .ok_or_else(|| self.mismatch("longinteger"))
    }

    #[inline]
    pub(crate) fn timestamp(self) -> Result<Timestamp, DecodeError> {
        let millis = self
            .chunk(element::DATE_TIME)
            .map(i64::from_le_bytes)
            .ok_or_else(|| self.mismatch("datetime"))?;
        Timestamp::from_millis(millis).map_err(|error| invalid("datetime", &error))
    }

    pub(crate) fn string(self) -> Result<&'a str, DecodeError> {
        match (self.element, self.bytes) {
            (element::STRING, [_, _, _, _, text @ .., 0]) => {
                core::str::from_utf8(text).map_err(|error| invalid("string", &error))
            }
            (element::STRING, _) => Err(invalid("string", &"it does not end in NUL")),
            _ => Err(self.mismatch("string")),
        }
    }

    pub(crate) fn blob(self) -> Result<&'a [u8], DecodeError> {
        match (self.element, self.bytes) {
            (element::BINARY, [_, _, _, _, _subtype, bytes @ ..]) => Ok(bytes),
            _ => Err(self.mismatch("binaryblob")),
        }
    }

    pub(crate) fn document(self) -> Result<Document<'a>, DecodeError> {
        match self.element {
            element::DOCUMENT => Document::parse(self.bytes),
            _ => Err(self.mismatch("object")),
        }
    }

    /// The items of an array; `expected` is the mapping's type, for the error.
    pub(crate) fn array(self, expected: &'static str) -> Result<RawArray<'a>, DecodeError> {
        match self.element {
            element::ARRAY => Ok(RawArray {
                items: Document::parse(self.bytes)?,
            }),
            _ => Err(self.mismatch(expected)),
        }
    }

    /// The server writes an integer in 32 bits where it fits, whatever the type of the mapping.
    #[inline]
    fn any_integer(self) -> Option<i64> {
        let narrow = self
            .chunk(element::INT32)
            .map(|bytes| i32::from_le_bytes(bytes).into());
        narrow.or_else(|| self.chunk(element::INT64).map(i64::from_le_bytes))
    }

    #[inline]
    fn chunk<const N: usize>(self, element: u8) -> Option<[u8; N]> {
        (self.element == element)
            .then(|| self.bytes.first_chunk().copied())
            .flatten()
    }

    #[cold]
    fn mismatch(self, expected: &'static str) -> DecodeError {
        let found = match self.element {
            element::ARRAY => "array",
            element::BINARY => "binary",
            element::BOOLEAN => "boolean",
            element::DATE_TIME => "datetime",
            element::DOCUMENT => "document",
            element::DOUBLE => "double",
            element::INT32 => "int32",
            element::INT64 => "int64",
            element::STRING => "string",
            _ => "null",
        };
        DecodeError::Type { expected, found }
    }
}

/// The items of an array, in order.
#[derive(Clone, Debug)]
pub struct RawArray<'a> {
    items: Document<'a>,
}

impl<'a> Iterator for RawArray<'a> {
    type Item = Result<RawValue<'a>, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.items
            .next()
            .map(|item| item.map(|(_, value)| value))
            .transpose()
    }
}

/// Insists on a field of an object.
///
/// # Errors
///
/// - There is none.
#[inline]
pub fn required<T>(key: &'static str, value: Option<T>) -> Result<T, DecodeError> {
    value.ok_or(DecodeError::MissingKey { key })
}

#[cold]
fn in_field(key: &'static str, source: DecodeError) -> DecodeError {
    DecodeError::Key {
        key,
        source: Box::new(source),
    }
}

#[cold]
fn invalid(expected: &'static str, reason: &dyn Display) -> DecodeError {
    DecodeError::Value {
        expected,
        reason: reason.to_string(),
    }
}
