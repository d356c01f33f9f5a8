//! Reading a document as the server does.

use bytes::Bytes;

use super::{Bson, Document};

/// The bytes are not an acceptable document.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum DecodeError {
    #[error("not a document the server can decode")]
    Malformed,
    /// The server's decoder raises an exception instead of returning an error.
    #[error("an element on which the server's decoder fails")]
    Wedges,
}

/// Decodes a whole payload; its declared length must be the length of the payload.
pub(crate) fn document(payload: &Bytes) -> Result<Document, DecodeError> {
    let mut reader = Reader::new(payload, payload);
    let body = reader.body()?;
    if !reader.rest.is_empty() {
        return Err(DecodeError::Malformed);
    }
    fields(body, 0)
}

fn fields(mut reader: Reader<'_>, depth: usize) -> Result<Document, DecodeError> {
    let mut elements = Vec::new();
    while !reader.rest.is_empty() {
        let kind = reader.u8()?;
        let key = reader.key()?;
        elements.push((key, reader.value(kind, depth)?));
    }
    Ok(Document::new(elements))
}

/// The keys of an array must be its indexes, in any order; as in a document, the last of equal keys
/// counts.
fn items(body: Reader<'_>, depth: usize) -> Result<Vec<Bson>, DecodeError> {
    let Document(elements) = fields(body, depth)?;
    let mut items = vec![None; elements.len()];
    for (key, element) in elements {
        let item = index(&key).and_then(|index| items.get_mut(index));
        *item.ok_or(DecodeError::Malformed)? = Some(element);
    }
    // Different keys, none of them too large: there is one for each place.
    let items: Option<Vec<Bson>> = items.into_iter().collect();
    items.ok_or(DecodeError::Malformed)
}

/// Reads an index the way it is written: digits, without zeros in front.
fn index(key: &str) -> Option<usize> {
    let canonical = key == "0" || !key.starts_with(['0', '+']);
    canonical.then(|| key.parse().ok())?
}

/// What is left of a part of a payload.
struct Reader<'a> {
    rest: &'a [u8],
    payload: &'a Bytes,
}

impl<'a> Reader<'a> {
    fn new(rest: &'a [u8], payload: &'a Bytes) -> Reader<'a> {
        Reader { rest, payload }
    }

    fn value(&mut self, kind: u8, depth: usize) -> Result<Bson, DecodeError> {
        match kind {
            0x01 => double(u64::from_le_bytes(self.array()?)),
            0x02 => self.string(),
            0x03 | 0x04 if depth == MAX_DEPTH => {
                self.body()?;
                Ok(Bson::Opaque)
            }
            0x03 => self.document(depth + 1),
            0x04 => Ok(Bson::Array(items(self.body()?, depth + 1)?)),
            0x05 => self.binary(),
            0x08 => match self.u8()? {
                0 => Ok(Bson::Boolean(false)),
                1 => Ok(Bson::Boolean(true)),
                _ => Err(DecodeError::Malformed),
            },
            0x09 => datetime(i64::from_le_bytes(self.array()?)),
            0x0a => Ok(Bson::Null),
            0x10 => Ok(Bson::Int32(i32::from_le_bytes(self.array()?))),
            0x12 => Ok(Bson::Int64(i64::from_le_bytes(self.array()?))),
            _ => Err(DecodeError::Malformed),
        }
    }

    fn document(&mut self, depth: usize) -> Result<Bson, DecodeError> {
        match fields(self.body()?, depth) {
            Ok(document) => Ok(Bson::Document(document)),
            Err(DecodeError::Malformed) => Ok(Bson::Opaque),
            Err(DecodeError::Wedges) => Err(DecodeError::Wedges),
        }
    }

    /// Takes a length, the elements after it and the final zero; returns the elements.
    fn body(&mut self) -> Result<Reader<'a>, DecodeError> {
        let length = usize::try_from(i32::from_le_bytes(self.array()?))
            .ok()
            .and_then(|length| length.checked_sub(5))
            .ok_or(DecodeError::Malformed)?;
        let body = self.take(length)?;
        match self.u8()? {
            0 => Ok(Reader::new(body, self.payload)),
            _ => Err(DecodeError::Malformed),
        }
    }

    fn string(&mut self) -> Result<Bson, DecodeError> {
        let length = usize::try_from(i32::from_le_bytes(self.array()?))
            .ok()
            .and_then(|length| length.checked_sub(1))
            .ok_or(DecodeError::Malformed)?;
        let text = self.take(length)?;
        match self.u8()? {
            0 => Ok(Bson::String(self.payload.slice_ref(text))),
            _ => Err(DecodeError::Malformed),
        }
    }

    fn binary(&mut self) -> Result<Bson, DecodeError> {
        let length = usize::try_from(i32::from_le_bytes(self.array()?))
            .map_err(|_| DecodeError::Malformed)?;
        let subtype = self.u8()?;
        let bytes = self.take(length)?;
        match subtype {
            0..=6 | 0x80..=0xfe => Ok(Bson::Binary(self.payload.slice_ref(bytes))),
            0xff => Err(DecodeError::Wedges),
            _ => Err(DecodeError::Malformed),
        }
    }

    fn key(&mut self) -> Result<String, DecodeError> {
        let end = self.rest.iter().position(|byte| *byte == 0);
        let key = self.take(end.ok_or(DecodeError::Malformed)?)?;
        self.u8()?;
        let key = str::from_utf8(key).map_err(|_| DecodeError::Malformed)?;
        Ok(key.to_owned())
    }

    fn u8(&mut self) -> Result<u8, DecodeError> {
        let [byte] = self.array()?;
        Ok(byte)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (head, rest) = self
            .rest
            .split_first_chunk()
            .ok_or(DecodeError::Malformed)?;
        self.rest = rest;
        Ok(*head)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], DecodeError> {
        let (head, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or(DecodeError::Malformed)?;
        self.rest = rest;
        Ok(head)
    }
}

/// Of all patterns that are not a number, the decoder knows the quiet ones without a payload.
fn double(bits: u64) -> Result<Bson, DecodeError> {
    let value = f64::from_bits(bits);
    if value.is_nan() && bits & !SIGN != QUIET_NAN {
        return Err(DecodeError::Malformed);
    }
    Ok(Bson::Double(value))
}

fn datetime(ms: i64) -> Result<Bson, DecodeError> {
    match ms.div_euclid(1000) {
        DATETIME_MIN..=DATETIME_MAX => Ok(Bson::DateTime(ms)),
        _ => Err(DecodeError::Malformed),
    }
}

const SIGN: u64 = 1 << 63;

const QUIET_NAN: u64 = 0x7ff8_0000_0000_0000;

/// Years -9999 to 9999, in seconds since the epoch: what the server's date type can represent.
const DATETIME_MIN: i64 = -377_705_116_800;
const DATETIME_MAX: i64 = 253_402_300_799;

/// No mapping has a value as deep as this; the bound protects the stack.
const MAX_DEPTH: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(hex: &str) -> Result<Document, DecodeError> {
        let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
        let bytes = digits
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap());
        document(&bytes.collect::<Vec<_>>().into())
    }

    fn v(hex: &str) -> Result<Bson, DecodeError> {
        decode(hex).map(|document| document.get("v").unwrap().clone())
    }

    #[test]
    fn the_examples_of_the_protocol() {
        assert_eq!(
            v("0c 00 00 00 10 76 00 0a 00 00 00 00"),
            Ok(Bson::Int32(10))
        );
        assert_eq!(
            v("10 00 00 00 12 76 00 00 00 00 00 00 01 00 00 00"),
            Ok(Bson::Int64(1 << 40))
        );
        assert_eq!(
            v("10 00 00 00 01 76 00 00 00 00 00 00 80 35 40 00"),
            Ok(Bson::Double(21.5))
        );
        assert_eq!(v("09 00 00 00 08 76 00 01 00"), Ok(Bson::Boolean(true)));
        assert_eq!(
            v("0f 00 00 00 02 76 00 03 00 00 00 6f 6b 00 00"),
            Ok(Bson::String("ok".into()))
        );
        assert_eq!(
            v("0f 00 00 00 05 76 00 02 00 00 00 00 01 02 00"),
            Ok(Bson::Binary(vec![1, 2].into()))
        );
        assert_eq!(v("08 00 00 00 0a 76 00 00"), Ok(Bson::Null));
        assert_eq!(
            v("10 00 00 00 09 76 00 2a 70 20 f7 65 01 00 00 00"),
            Ok(Bson::DateTime(1_537_449_422_890))
        );
        assert_eq!(
            v("1b 00 00 00 04 76 00 13 00 00 00 10 30 00 01 00 00 00 10 31 00 02 00 00 00 00 00"),
            Ok(Bson::Array(vec![Bson::Int32(1), Bson::Int32(2)]))
        );
    }

    #[test]
    fn lengths_must_be_exact() {
        for hex in [
            "",
            "01",
            "0d000000 10 7600 01000000 00",
            "0b000000 10 7600 01000000 00",
            "ffffffff 10 7600 01000000 00",
            "0c000000 10 7600 01000000 01",
            "0c000000 10 7600 01000000 00 7878",
            "0d000000 00 10 7600 01000000 00",
        ] {
            assert_eq!(decode(hex), Err(DecodeError::Malformed), "{hex}");
        }
    }

    #[test]
    fn the_last_of_equal_keys_counts() {
        let document = decode("13000000 10 7600 01000000 10 7600 02000000 00").unwrap();
        assert_eq!(document.get("v"), Some(&Bson::Int32(2)));
    }

    #[test]
    fn array_keys_are_indexes() {
        for hex in [
            "1b000000 04 7600 13000000 10 3000 01000000 10 3200 02000000 00 00",
            "14000000 04 7600 0c000000 10 6100 01000000 00 00",
            "15000000 04 7600 0d000000 10 303000 01000000 00 00",
        ] {
            assert_eq!(decode(hex), Err(DecodeError::Malformed), "{hex}");
        }
        assert_eq!(
            v("1b000000 04 7600 13000000 10 3100 01000000 10 3000 02000000 00 00"),
            Ok(Bson::Array(vec![Bson::Int32(2), Bson::Int32(1)]))
        );
    }

    #[test]
    fn a_broken_document_inside_is_a_value_of_no_type() {
        assert_eq!(
            v("10000000 03 7600 08000000 10 610000 00"),
            Ok(Bson::Opaque)
        );
        assert_eq!(
            decode("0d000000 03 7600 32000000 00 00"),
            Err(DecodeError::Malformed)
        );
        assert_eq!(
            decode("10000000 04 7600 08000000 10 610000 00"),
            Err(DecodeError::Malformed)
        );
    }

    #[test]
    fn the_last_binary_subtype_fails_the_server() {
        assert_eq!(
            decode("10000000 05 7600 03000000 ff 616263 00"),
            Err(DecodeError::Wedges)
        );
        assert_eq!(
            decode("10000000 05 7600 03000000 07 616263 00"),
            Err(DecodeError::Malformed)
        );
    }

    #[test]
    fn only_plain_nans_decode() {
        assert!(v("10000000 01 7600 000000000000f87f 00").is_ok());
        assert!(v("10000000 01 7600 000000000000f8ff 00").is_ok());
        assert!(v("10000000 01 7600 010000000000f07f 00").is_err());
        assert!(v("10000000 01 7600 010000000000f87f 00").is_err());
    }

    #[test]
    fn datetimes_end_with_the_year_9999() {
        let at = |ms: i64| {
            let mut bytes = b"\x10\0\0\0\x09v\0".to_vec();
            bytes.extend(ms.to_le_bytes());
            bytes.push(0);
            document(&bytes.into()).map(|_| ())
        };
        assert_eq!(at(253_402_300_799_999), Ok(()));
        assert_eq!(at(253_402_300_800_000), Err(DecodeError::Malformed));
        assert_eq!(at(-377_705_116_800_000), Ok(()));
        assert_eq!(at(-377_705_116_800_001), Err(DecodeError::Malformed));
    }

    #[test]
    fn nesting_is_bounded() {
        let mut bytes = b"\x05\0\0\0\0".to_vec();
        for _ in 0..8000 {
            let mut outer = i32::try_from(bytes.len() + 8)
                .unwrap()
                .to_le_bytes()
                .to_vec();
            outer.extend(b"\x03v\0");
            outer.append(&mut bytes);
            outer.push(0);
            bytes = outer;
        }
        assert!(document(&bytes.into()).is_ok());
    }

    #[test]
    fn no_bytes_panic() {
        let valid = b"\x24\0\0\0\x03v\0\x1c\0\0\0\x01temp\0\0\0\0\0\0\x809@\x10hum\0<\0\0\0\0\0";
        for cut in 0..valid.len() {
            let _ = document(&Bytes::copy_from_slice(&valid[..cut]));
            for byte in 0..=255 {
                let mut changed = valid.to_vec();
                changed[cut] = byte;
                let _ = document(&changed.into());
            }
        }
    }
}
