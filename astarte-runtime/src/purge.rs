//! The property lists of `control/consumer/properties` and `control/producer/properties`.
//!
//! Four bytes with the length of the text, big endian, then the text deflated by zlib: `interface/path` of each
//! property, joined by semicolons.

use std::{collections::HashSet, io::Read, io::Write};

use flate2::{Compression, read::ZlibDecoder, write::ZlibEncoder};
use thiserror::Error;

/// The longest text that a list may inflate to, in bytes. The server holds itself to the same bound.
const MAX_TEXT: usize = 10 * 1024 * 1024;

/// A property list is malformed.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub(crate) enum PurgeError {
    #[error("the property list has {0} bytes, it starts with 4 bytes of length")]
    Header(usize),
    #[error("the property list does not inflate: {0}")]
    Inflate(String),
    #[error("the property list inflates to more than {MAX_TEXT} bytes")]
    TooLong,
    #[error("the property list is not UTF-8")]
    Utf8,
}

/// Encodes the list of properties, each as `interface/path`.
pub(crate) fn encode<'a>(properties: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<u8> {
    let mut text = String::new();
    for (interface, path) in properties {
        if !text.is_empty() {
            text.push(';');
        }
        text.push_str(interface);
        text.push_str(path);
    }
    let len = u32::try_from(text.len()).unwrap_or(u32::MAX);
    let mut encoder = ZlibEncoder::new(len.to_be_bytes().to_vec(), Compression::default());
    // Writing into memory does not fail.
    let _ = encoder.write_all(text.as_bytes());
    encoder.finish().unwrap_or_default()
}

/// Decodes a list into `interface/path` of each property.
///
/// The declared length is not believed: senders write it in either byte order.
pub(crate) fn decode(payload: &[u8]) -> Result<HashSet<String>, PurgeError> {
    let Some((length, deflated)) = payload.split_first_chunk::<4>() else {
        return Err(PurgeError::Header(payload.len()));
    };
    if deflated.is_empty() && *length == [0; 4] {
        return Ok(HashSet::new());
    }
    let mut text = Vec::new();
    let mut bounded = ZlibDecoder::new(deflated).take(MAX_TEXT as u64 + 1);
    bounded
        .read_to_end(&mut text)
        .map_err(|error| PurgeError::Inflate(error.to_string()))?;
    if text.len() > MAX_TEXT {
        return Err(PurgeError::TooLong);
    }
    let text = String::from_utf8(text).map_err(|_| PurgeError::Utf8)?;
    Ok(text
        .split(';')
        .filter(|entry| !entry.is_empty())
        .map(str::to_owned)
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_empty_list_is_the_one_of_the_documents() {
        let empty = [0, 0, 0, 0, 0x78, 0x9c, 3, 0, 0, 0, 0, 1];
        assert_eq!(encode([]), empty);
        assert_eq!(decode(&empty), Ok(HashSet::new()));
        assert_eq!(decode(&[0; 4]), Ok(HashSet::new()));
    }

    #[test]
    fn lists_survive_a_round_trip_and_a_wrong_length() {
        let mut payload = encode([
            ("com.example.MyInterface", "/some/path"),
            ("org.example.Draft", "/other"),
        ]);
        let expected = HashSet::from([
            "com.example.MyInterface/some/path".into(),
            "org.example.Draft/other".into(),
        ]);
        assert_eq!(decode(&payload), Ok(expected.clone()));
        payload[..4].reverse();
        assert_eq!(decode(&payload), Ok(expected));
    }

    #[test]
    fn the_list_of_the_documents_is_read() {
        let payload = [
            0x00, 0x00, 0x00, 0x46, 0x78, 0x9c, 0x4b, 0xce, 0xcf, 0xd5, 0x4b, 0xad, 0x48, 0xcc,
            0x2d, 0xc8, 0x49, 0xd5, 0xf3, 0xad, 0xf4, 0xcc, 0x2b, 0x49, 0x2d, 0x4a, 0x4b, 0x4c,
            0x4e, 0xd5, 0x2f, 0xce, 0xcf, 0x4d, 0xd5, 0x2f, 0x48, 0x2c, 0xc9, 0xb0, 0xce, 0x2f,
            0x4a, 0x87, 0xab, 0x70, 0x29, 0x4a, 0x4c, 0x2b, 0x41, 0x28, 0xca, 0x2f, 0xc9, 0x48,
            0x2d, 0x0a, 0x00, 0x2a, 0x02, 0x00, 0xb2, 0x0c, 0x1a, 0xc9,
        ];
        let expected = [
            "com.example.MyInterface/some/path",
            "org.example.DraftInterface/otherPath",
        ];
        assert_eq!(decode(&payload), Ok(expected.map(str::to_owned).into()));
    }

    #[test]
    fn malformed_lists_are_errors() {
        assert_eq!(decode(b"abc"), Err(PurgeError::Header(3)));
        assert!(matches!(
            decode(b"\0\0\0\x05hello"),
            Err(PurgeError::Inflate(_))
        ));
        let bomb = {
            let mut encoder = ZlibEncoder::new(vec![0; 4], Compression::best());
            encoder.write_all(&vec![b'a'; MAX_TEXT + 1]).unwrap();
            encoder.finish().unwrap()
        };
        assert_eq!(decode(&bomb), Err(PurgeError::TooLong));
    }
}
