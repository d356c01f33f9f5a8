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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        DecodeError, Encode, Timestamp, ValueError,
        value::{BlobArray, Decode, StringArray},
        wire::{self, Wire},
    };

    fn hex(text: &str) -> Vec<u8> {
        text.split_whitespace()
            .map(|byte| u8::from_str_radix(byte, 16).unwrap())
            .collect()
    }

    fn encoded<W: Wire>(
        value: &(impl Encode<W> + ?Sized),
        t: Option<i64>,
    ) -> Result<Vec<u8>, ValueError> {
        let mut out = Vec::new();
        let timestamp = t.map(|millis| Timestamp::from_millis(millis).unwrap());
        encode_individual::<W, _>(value, timestamp, &mut out).map(|()| out)
    }

    fn decoded<W: Wire, T: Decode<W>>(dump: &str) -> Result<T, DecodeError> {
        Payload::parse(&hex(dump))?.decode::<W, T>()
    }

    /// The dumps of the Astarte MQTT documents, and of what the server sends.
    #[test]
    fn payloads_are_those_of_the_documents() {
        let at = "1b 00 00 00 09 74 00 2a 70 20 f7 65 01 00 00 01 76 00 7b 14 ae 47 e1 ba 30 40 00";
        assert_eq!(
            encoded::<wire::Double>(&16.73, Some(1_537_449_422_890)),
            Ok(hex(at))
        );
        let payload = hex(at);
        let payload = Payload::parse(&payload).unwrap();
        assert_eq!(
            payload.timestamp().map(Timestamp::as_millis),
            Some(1_537_449_422_890)
        );
        assert_eq!(payload.decode::<wire::Double, f64>(), Ok(16.73));

        let integer = "0c 00 00 00 10 76 00 0a 00 00 00 00";
        assert_eq!(encoded::<wire::Integer>(&10, None), Ok(hex(integer)));
        assert_eq!(decoded::<wire::Integer, i32>(integer), Ok(10));
        let long = "10 00 00 00 12 76 00 2a 00 00 00 00 00 00 00 00";
        assert_eq!(encoded::<wire::LongInteger>(&42, None), Ok(hex(long)));
        assert_eq!(decoded::<wire::LongInteger, i64>(long), Ok(42));
        assert_eq!(
            decoded::<wire::LongInteger, i64>("0c 00 00 00 10 76 00 2a 00 00 00 00"),
            Ok(42)
        );
        assert_eq!(
            decoded::<wire::LongInteger, i64>("10 00 00 00 12 76 00 00 00 00 00 00 01 00 00 00"),
            Ok(1 << 40)
        );
        let double = "10 00 00 00 01 76 00 00 00 00 00 00 80 35 40 00";
        assert_eq!(encoded::<wire::Double>(&21.5, None), Ok(hex(double)));
        let boolean = "09 00 00 00 08 76 00 01 00";
        assert_eq!(encoded::<wire::Boolean>(&true, None), Ok(hex(boolean)));
        assert_eq!(decoded::<wire::Boolean, bool>(boolean), Ok(true));
        let string = "0f 00 00 00 02 76 00 03 00 00 00 6f 6b 00 00";
        assert_eq!(encoded::<wire::String>("ok", None), Ok(hex(string)));
        assert_eq!(decoded::<wire::String, String>(string).as_deref(), Ok("ok"));
        let blob = "0f 00 00 00 05 76 00 02 00 00 00 00 01 02 00";
        assert_eq!(
            encoded::<wire::BinaryBlob>(&[1_u8, 2][..], None),
            Ok(hex(blob))
        );
        assert_eq!(decoded::<wire::BinaryBlob, Vec<u8>>(blob), Ok(vec![1, 2]));
        let datetime = "10 00 00 00 09 76 00 2a 70 20 f7 65 01 00 00 00";
        let moment = Timestamp::from_millis(1_537_449_422_890).unwrap();
        assert_eq!(encoded::<wire::DateTime>(&moment, None), Ok(hex(datetime)));
        assert_eq!(decoded::<wire::DateTime, Timestamp>(datetime), Ok(moment));
        let array =
            "1b 00 00 00 04 76 00 13 00 00 00 10 30 00 01 00 00 00 10 31 00 02 00 00 00 00 00";
        assert_eq!(
            encoded::<wire::IntegerArray>(&[1, 2][..], None),
            Ok(hex(array))
        );
        assert_eq!(
            decoded::<wire::IntegerArray, Vec<i32>>(array),
            Ok(vec![1, 2])
        );
        assert_eq!(
            decoded::<wire::LongIntegerArray, Vec<i64>>(array),
            Ok(vec![1, 2])
        );
    }

    #[test]
    fn null_and_nothing_are_an_unset() {
        for dump in ["", "08 00 00 00 0a 76 00 00"] {
            assert_eq!(
                decoded::<wire::Boolean, bool>(dump),
                Err(DecodeError::Unset)
            );
            assert_eq!(
                Payload::parse(&hex(dump))
                    .unwrap()
                    .decode_optional::<wire::Boolean, bool>(),
                Ok(None)
            );
        }
    }

    #[test]
    fn sequences_of_strings_and_blobs_are_whatever_they_are_made_of() {
        let expected = encoded::<wire::StringArray>(&["a", "b"][..], None);
        for array in [
            &["a", "b"] as &dyn StringArray,
            &vec!["a".to_owned(), "b".to_owned()],
            &&["a", "b"][..],
        ] {
            assert_eq!(encoded::<wire::StringArray>(array, None), expected);
        }
        let expected = encoded::<wire::BinaryBlobArray>(&[vec![1], vec![]][..], None);
        let blobs: &dyn BlobArray = &[&[1_u8][..], &[]];
        assert_eq!(encoded::<wire::BinaryBlobArray>(blobs, None), expected);
    }

    #[test]
    fn what_the_server_refuses_is_not_encoded() {
        assert!(matches!(
            encoded::<wire::Double>(&f64::NAN, None),
            Err(ValueError::NotFinite { .. })
        ));
        assert!(matches!(
            encoded::<wire::Integer>(&i32::MIN, None),
            Err(ValueError::IntegerRange { .. })
        ));
        assert!(matches!(
            encoded::<wire::LongInteger>(&i64::MIN, None),
            Err(ValueError::IntegerRange { .. })
        ));
        let nothing: &[u8] = &[];
        assert_eq!(
            encoded::<wire::BinaryBlob>(nothing, None),
            Err(ValueError::EmptyBlob)
        );
        assert!(encoded::<wire::BinaryBlob>(nothing, Some(0)).is_ok());
        let long = "x".repeat(MAX_BYTES + 1);
        let error = encoded::<wire::String>(long.as_str(), None).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the `string` is 65537 bytes long, the limit is 65536"
        );
        assert!(encoded::<wire::String>(&long[1..], None).is_ok());
        let error = encoded::<wire::BooleanArray>(&[true; MAX_ITEMS + 2][..], None).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the array has 1026 items, the limit is 1024"
        );
        assert!(encoded::<wire::BooleanArray>(&[true; MAX_ITEMS][..], None).is_ok());
    }

    #[test]
    fn an_error_says_where_the_element_is() {
        let cut = "an element is cut short or of a type that Astarte does not use";
        for (dump, reason, offset) in [
            (
                "0c 00 00 00 10 76 01 0a 01 01 01 00",
                "a key does not end",
                5,
            ),
            (
                "0c 00 00 00 10 ff 00 0a 00 00 00 00",
                "a key is not UTF-8",
                5,
            ),
            (
                "16 00 00 00 10 6b 65 79 6b 65 79 6b 65 79 c3 6b 00 0a 00 00 00 00",
                "a key is not UTF-8",
                5,
            ),
            ("0c 00 00 00 12 76 00 0a 00 00 00 00", cut, 7),
            ("0c 00 00 00 42 76 00 0a 00 00 00 00", cut, 7),
            (
                "12 00 00 00 08 61 00 01 10 c3 bc 00 0a 00 00 00 7f 00",
                "a key does not end",
                17,
            ),
        ] {
            let error = Payload::parse(&hex(dump)).unwrap_err();
            assert_eq!(error, DecodeError::Bson { reason, offset }, "{dump}");
        }
    }

    #[test]
    fn whatever_arrives_is_an_error_and_never_a_panic() {
        let valid = [
            encoded::<wire::StringArray>(&["a", "b"][..], Some(1)).unwrap(),
            encoded::<wire::BinaryBlob>(&[7_u8][..], None).unwrap(),
        ];
        for payload in valid {
            for cut in 1..payload.len() {
                let _ = Payload::parse(&payload[..cut])
                    .and_then(|payload| payload.decode::<wire::StringArray, Vec<String>>());
            }
            for at in 0..payload.len() {
                for byte in 0..=u8::MAX {
                    let mut changed = payload.clone();
                    changed[at] = byte;
                    let Ok(changed) = Payload::parse(&changed) else {
                        continue;
                    };
                    let _ = changed.decode::<wire::StringArray, Vec<String>>();
                    let _ = changed.decode::<wire::BinaryBlob, Vec<u8>>();
                }
            }
        }
    }
}
