//! Lists of properties, as they travel in both directions.

use std::io::Write;

use bytes::Bytes;
use flate2::write::ZlibEncoder;
use flate2::{Compression, Decompress, FlushDecompress, Status};

use super::Rejection;
use crate::error_name::ErrorName;
use crate::slot::PurgeFormat;

/// Encodes a list of `interface/path` entries for the device.
pub(crate) fn list(entries: &[String], format: PurgeFormat) -> Bytes {
    let text = entries.join(";");
    match format {
        PurgeFormat::Plaintext => text.into(),
        PurgeFormat::Zlib => deflate(&text).into(),
    }
}

/// The length of the text in four bytes, most significant first, then a zlib stream.
fn deflate(text: &str) -> Vec<u8> {
    let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
    let mut encoder = ZlibEncoder::new(length.to_be_bytes().to_vec(), Compression::default());
    let deflated = encoder
        .write_all(text.as_bytes())
        .and_then(|()| encoder.finish());
    deflated.expect("writing to a vector does not fail")
}

/// Decodes the list of a device.
pub(super) fn text(payload: &Bytes, format: PurgeFormat) -> Result<String, Rejection> {
    let error = |detail: &str| Rejection::new(ErrorName::PurgePropertiesError, detail);
    if **payload == EMPTY {
        return Ok(String::new());
    }
    let bytes = match (format, payload.split_at_checked(EMPTY.len())) {
        (PurgeFormat::Plaintext, _) => payload.to_vec(),
        // The length is not looked at: there are devices that write it the wrong way round.
        (PurgeFormat::Zlib, Some((_, stream))) => inflate(stream).map_err(error)?,
        (PurgeFormat::Zlib, None) => {
            let detail = "fewer than the four bytes of the length";
            return Err(Rejection::wedging(ErrorName::PurgePropertiesError, detail));
        }
    };
    String::from_utf8(bytes).map_err(|_| error("the list is not UTF-8"))
}

/// Inflates one complete stream; what follows it is ignored, as by the server.
fn inflate(stream: &[u8]) -> Result<Vec<u8>, &'static str> {
    let mut text = Vec::with_capacity(stream.len() * 4);
    let mut decoder = Decompress::new(true);
    loop {
        let consumed = usize::try_from(decoder.total_in()).unwrap_or(stream.len());
        let before = (decoder.total_in(), decoder.total_out());
        let rest = stream.get(consumed..).unwrap_or_default();
        match decoder.decompress_vec(rest, &mut text, FlushDecompress::None) {
            Ok(Status::StreamEnd) if text.len() < INFLATED_LIMIT => return Ok(text),
            Ok(_) if text.len() >= INFLATED_LIMIT => return Err("the list is larger than 10 MiB"),
            Ok(_) if text.len() == text.capacity() => text.reserve(INFLATE_STEP),
            Ok(_) if before == (decoder.total_in(), decoder.total_out()) => {
                return Err("the zlib stream is cut");
            }
            Ok(_) => {}
            Err(_) => return Err("the list is not a zlib stream"),
        }
    }
}

/// The one payload that is an empty list in both formats.
const EMPTY: [u8; 4] = [0; 4];

/// The server refuses lists of this many bytes, and larger ones.
const INFLATED_LIMIT: usize = 10_485_760;

const INFLATE_STEP: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_empty_list_of_the_protocol() {
        let expected = [0, 0, 0, 0, 0x78, 0x9c, 3, 0, 0, 0, 0, 1];
        assert_eq!(*list(&[], PurgeFormat::Zlib), expected);
        assert!(list(&[], PurgeFormat::Plaintext).is_empty());
    }

    #[test]
    fn the_example_of_the_protocol_inflates() {
        let payload: &[u8] = &[
            0x00, 0x00, 0x00, 0x46, 0x78, 0x9c, 0x4b, 0xce, 0xcf, 0xd5, 0x4b, 0xad, 0x48, 0xcc,
            0x2d, 0xc8, 0x49, 0xd5, 0xf3, 0xad, 0xf4, 0xcc, 0x2b, 0x49, 0x2d, 0x4a, 0x4b, 0x4c,
            0x4e, 0xd5, 0x2f, 0xce, 0xcf, 0x4d, 0xd5, 0x2f, 0x48, 0x2c, 0xc9, 0xb0, 0xce, 0x2f,
            0x4a, 0x87, 0xab, 0x70, 0x29, 0x4a, 0x4c, 0x2b, 0x41, 0x28, 0xca, 0x2f, 0xc9, 0x48,
            0x2d, 0x0a, 0x00, 0x2a, 0x02, 0x00, 0xb2, 0x0c, 0x1a, 0xc9,
        ];
        let expected = "com.example.MyInterface/some/path;org.example.DraftInterface/otherPath";
        let text = text(&Bytes::from_static(payload), PurgeFormat::Zlib);
        assert_eq!(text.ok().as_deref(), Some(expected));
    }

    #[test]
    fn lists_round_trip() {
        let entries = ["a.B/c".to_owned(), "a.B/d/e".to_owned()];
        for format in [PurgeFormat::Zlib, PurgeFormat::Plaintext] {
            let list = list(&entries, format);
            assert_eq!(text(&list, format).ok().as_deref(), Some("a.B/c;a.B/d/e"));
        }
    }

    #[test]
    fn a_list_may_not_grow_without_bound() {
        let huge = deflate(&"a".repeat(10_485_760));
        assert!(text(&huge.into(), PurgeFormat::Zlib).is_err());
        let allowed = deflate(&"a".repeat(10_485_759));
        assert!(text(&allowed.into(), PurgeFormat::Zlib).is_ok());
    }

    #[test]
    fn damaged_lists_are_errors() {
        let mut cut = deflate("a.B/c");
        cut.truncate(cut.len() - 5);
        for payload in [
            &b""[..],
            b"\0",
            b"\0\0\0",
            b"\0\0\0\x05hello",
            &cut,
            &deflate("")[..4],
        ] {
            let payload = Bytes::copy_from_slice(payload);
            let empty = *payload == EMPTY;
            assert_eq!(
                text(&payload, PurgeFormat::Zlib).is_ok(),
                empty,
                "{payload:?}"
            );
        }
        assert!(text(&Bytes::from_static(b"\xff"), PurgeFormat::Plaintext).is_err());
    }
}
