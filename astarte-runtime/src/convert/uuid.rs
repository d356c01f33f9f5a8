//! `uuid`: as a `string` with hyphens, or as the 16 bytes of a `binaryblob`. As a parameter it needs no conversion.

use uuid::Uuid;

use super::refused;
use crate::{
    Decode, Encode, ValueError,
    error::DecodeError,
    payload::{RawValue, ValueWriter},
    wire,
};

impl Encode<wire::String> for Uuid {
    fn encode(&self, out: &mut ValueWriter<'_>) -> Result<(), ValueError> {
        out.string(self.hyphenated().encode_lower(&mut Self::encode_buffer()))
    }
}

impl Decode<wire::String> for Uuid {
    fn decode(value: RawValue<'_>) -> Result<Self, DecodeError> {
        Self::try_parse(value.string()?).map_err(|error| refused("string", &error))
    }
}

impl Encode<wire::BinaryBlob> for Uuid {
    fn encode(&self, out: &mut ValueWriter<'_>) -> Result<(), ValueError> {
        out.blob(self.as_bytes())
    }
}

impl Decode<wire::BinaryBlob> for Uuid {
    fn decode(value: RawValue<'_>) -> Result<Self, DecodeError> {
        Self::from_slice(value.blob()?).map_err(|error| refused("binaryblob", &error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        PathWriter, parse_param,
        payload::{Payload, encode_individual},
        wire::Wire,
    };

    const ID: Uuid = Uuid::from_u128(0x3fa8_5f64_5717_4562_b3fc_2c96_3f66_afa6);

    fn through<W: Wire>(value: &(impl Encode<W> + ?Sized)) -> Result<Uuid, DecodeError>
    where
        Uuid: Decode<W>,
    {
        let mut bytes = Vec::new();
        encode_individual::<W, _>(value, None, &mut bytes).unwrap();
        Payload::parse(&bytes)?.decode::<W, Uuid>()
    }

    #[test]
    fn uuids_are_strings_and_blobs() {
        assert_eq!(through::<wire::String>(&ID), Ok(ID));
        assert_eq!(
            through::<wire::String>("3fa85f64-5717-4562-b3fc-2c963f66afa6"),
            Ok(ID)
        );
        assert_eq!(through::<wire::BinaryBlob>(&ID), Ok(ID));
        assert!(through::<wire::String>("kitchen").is_err());
        assert!(through::<wire::BinaryBlob>(&[1_u8, 2][..]).is_err());
    }

    #[test]
    fn uuids_are_parameters() {
        let mut path = String::new();
        let mut writer = PathWriter::new(&mut path);
        writer.param("id", &ID);
        writer.finish().unwrap();
        assert_eq!(path, "/3fa85f64-5717-4562-b3fc-2c963f66afa6");
        assert_eq!(parse_param("id", &path[1..]), Ok(ID));
    }
}
