//! Names of things that are not interfaces: realms and devices.

use std::fmt;
use std::str::FromStr;

/// The name of a realm: a lower-case ASCII letter and up to 47 lower-case letters and digits.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct RealmName(String);

impl RealmName {
    /// Reads a name.
    ///
    /// # Errors
    ///
    /// The text is not of that form, or the name is reserved.
    pub fn parse(name: &str) -> Result<RealmName, RealmNameError> {
        let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let starts = name
            .bytes()
            .next()
            .is_some_and(|byte| byte.is_ascii_lowercase());
        if RESERVED.contains(&name) || name.starts_with("system_") {
            return Err(RealmNameError::Reserved);
        }
        if !starts || name.len() > MAX_REALM || !name.bytes().all(letter) {
            return Err(RealmNameError::Invalid);
        }
        Ok(RealmName(name.to_owned()))
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RealmName {
    type Err = RealmNameError;

    fn from_str(name: &str) -> Result<Self, RealmNameError> {
        RealmName::parse(name)
    }
}

impl fmt::Display for RealmName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Why a text is no [`RealmName`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum RealmNameError {
    /// The text is not of the form of a name.
    Invalid,
    /// The server keeps the name for itself.
    Reserved,
}

impl fmt::Display for RealmNameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Invalid => {
                "a realm name is a lower-case letter and up to 47 lower-case letters and digits"
            }
            Self::Reserved => "the server keeps the realm name for itself",
        })
    }
}

impl std::error::Error for RealmNameError {}

/// The identity of a device: 128 bits, written as 22 characters of base64url without padding.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct DeviceId([u8; 16]);

impl DeviceId {
    /// Makes an id of its bits.
    pub const fn from_bytes(bytes: [u8; 16]) -> DeviceId {
        DeviceId(bytes)
    }

    /// Reads an id of exactly 128 bits, with or without padding.
    ///
    /// Unused bits of the last character are ignored, as on the server: `Display` gives the
    /// canonical form.
    ///
    /// # Errors
    ///
    /// The text is not base64url, or has fewer or more bits.
    ///
    /// # Examples
    ///
    /// ```
    /// use astarte_interface::DeviceId;
    ///
    /// let id = DeviceId::parse("2imLILqtRP2vq0ZVy-TGRQ")?;
    /// assert_eq!(id.to_string(), "2imLILqtRP2vq0ZVy-TGRQ");
    /// # Ok::<(), astarte_interface::DeviceIdError>(())
    /// ```
    pub fn parse(text: &str) -> Result<DeviceId, DeviceIdError> {
        match DeviceId::parse_extended(text)? {
            (id, extension) if extension.is_empty() => Ok(id),
            _ => Err(DeviceIdError::Extended),
        }
    }

    /// Reads an id and the bytes behind its 128 bits.
    ///
    /// # Errors
    ///
    /// The text is not base64url, or has fewer bits.
    pub fn parse_extended(text: &str) -> Result<(DeviceId, Vec<u8>), DeviceIdError> {
        let bytes = decode(text).ok_or(DeviceIdError::Encoding)?;
        match bytes.split_first_chunk() {
            Some((id, extension)) => Ok((DeviceId(*id), extension.to_vec())),
            None => Err(DeviceIdError::TooShort),
        }
    }

    /// Returns the 128 bits.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl FromStr for DeviceId {
    type Err = DeviceIdError;

    fn from_str(text: &str) -> Result<Self, DeviceIdError> {
        DeviceId::parse(text)
    }
}

impl fmt::Display for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = u128::from_be_bytes(self.0);
        let characters = (0..22).map(|index| {
            // The last of 22 characters has two bits of the id and four that are zero.
            let sextet = if index < 21 {
                bits >> (122 - 6 * index)
            } else {
                bits << 4
            };
            char::from(ALPHABET[(sextet & 0x3f) as usize])
        });
        f.pad(&characters.collect::<String>())
    }
}

/// Why a text is no [`DeviceId`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum DeviceIdError {
    /// The text is not base64url.
    Encoding,
    /// The text has more than 128 bits.
    Extended,
    /// The text has fewer than 128 bits.
    TooShort,
}

impl fmt::Display for DeviceIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Encoding => "the device id is not base64url",
            Self::Extended => "the device id has more than 128 bits",
            Self::TooShort => "the device id has fewer than 128 bits",
        })
    }
}

impl std::error::Error for DeviceIdError {}

/// Base64url with optional padding, and without a look at unused bits.
fn decode(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=');
    let padding = text.len() - digits.len();
    let needed = (4 - digits.len() % 4) % 4;
    if needed == 3 || (padding != 0 && padding != needed) {
        return None;
    }
    let mut bytes = Vec::with_capacity(digits.len() * 3 / 4);
    let (mut buffer, mut bits) = (0_u32, 0);
    for digit in digits.bytes() {
        let value = ALPHABET.iter().position(|letter| *letter == digit)?;
        buffer = (buffer << 6 | value as u32) & 0xffff;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((buffer >> bits) as u8);
        }
    }
    Some(bytes)
}

const RESERVED: [&str; 2] = ["astarte", "system"];
/// Characters of the longest realm name.
const MAX_REALM: usize = 48;
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn device_ids_round_trip() {
        for text in [
            "2imLILqtRP2vq0ZVy-TGRQ",
            "AAAAAAAAAAAAAAAAAAAAAA",
            "_____________________w",
        ] {
            assert_eq!(DeviceId::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(
            DeviceId::parse("AAAAAAAAAAAAAAAAAAAAAB").unwrap(),
            DeviceId::from_bytes([0; 16])
        );
        assert_eq!(
            DeviceId::parse("AAAAAAAAAAAAAAAAAAAAAA==")
                .unwrap()
                .as_bytes(),
            &[0; 16]
        );
    }

    #[test]
    fn device_ids_refused() {
        assert_eq!(DeviceId::parse("YQ"), Err(DeviceIdError::TooShort));
        assert_eq!(
            DeviceId::parse("AAAAAAAAAAAAAAAAAAAAAA="),
            Err(DeviceIdError::Encoding)
        );
        assert_eq!(
            DeviceId::parse("AAAAAAAAAAAAAAAAAAAAA"),
            Err(DeviceIdError::Encoding)
        );
        assert_eq!(
            DeviceId::parse("5GGciygQUcHZqXyc1BNeC%"),
            Err(DeviceIdError::Encoding)
        );
        assert_eq!(
            DeviceId::parse("AAAAAAAAAAAAAAAAAAAAAAE"),
            Err(DeviceIdError::Extended)
        );
        let (_, extension) = DeviceId::parse_extended("AAAAAAAAAAAAAAAAAAAAAAEC").unwrap();
        assert_eq!(extension, [1, 2]);
    }

    #[test]
    fn realm_names() {
        assert!(RealmName::parse("test1").is_ok());
        assert!(RealmName::parse("systems").is_ok());
        for name in ["", "1a", "A", "a_b", "a\n", &"a".repeat(49)] {
            assert_eq!(
                RealmName::parse(name),
                Err(RealmNameError::Invalid),
                "{name}"
            );
        }
        for name in ["astarte", "system", "system_x"] {
            assert_eq!(
                RealmName::parse(name),
                Err(RealmNameError::Reserved),
                "{name}"
            );
        }
    }
}
