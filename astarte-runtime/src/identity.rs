//! Who the device is.

use std::{fmt, str::FromStr, sync::Arc};

use base64::{DecodeError, Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use ring::{
    digest,
    rand::{SecureRandom as _, SystemRandom},
};
use thiserror::Error;

/// The id of a device: 128 bits, written as 22 characters of base64url without padding.
///
/// # Examples
///
/// ```
/// use astarte_runtime::DeviceId;
///
/// let id: DeviceId = "2imLILqtRP2vq0ZVy-TGRQ".parse()?;
/// assert_eq!(id.to_string(), "2imLILqtRP2vq0ZVy-TGRQ");
///
/// // The same id at every start, from something the hardware knows.
/// let namespace = *b"\x75\x3f\xfc\x99\xdd\x9d\x4a\x08\xa0\x7e\x9b\x0d\x6c\xe0\xbc\x82";
/// let id = DeviceId::deterministic(namespace, b"00:11:22:33:44:55");
/// assert_eq!(id.to_string(), "JnMqW2u7V_a92iYfkU2a6Q");
/// # Ok::<(), astarte_runtime::DeviceIdError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceId([u8; 16]);

impl DeviceId {
    /// Takes the 16 bytes of an id; any are legal.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Makes a random id, a UUID of version 4.
    ///
    /// It must be stored by the caller: a device that makes a new one at every start is a new device at every start.
    ///
    /// # Panics
    ///
    /// - The operating system has no random bytes to give.
    pub fn random() -> Self {
        let mut bytes = [0; 16];
        SystemRandom::new()
            .fill(&mut bytes)
            .expect("the operating system gives random bytes, as TLS needs them as well");
        Self(uuid(bytes, 4))
    }

    /// Makes an id from what tells the device apart, a UUID of version 5: the same input gives the same id.
    ///
    /// The namespace is a UUID of the application's own; the data is for example a serial number or a MAC address.
    pub fn deterministic(namespace: [u8; 16], data: &[u8]) -> Self {
        let mut context = digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY);
        context.update(&namespace);
        context.update(data);
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&context.finish().as_ref()[..16]);
        Self(uuid(bytes, 5))
    }

    /// The 16 bytes of the id.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl FromStr for DeviceId {
    type Err = DeviceIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let length = text.chars().count();
        if let Some(found) = text.chars().find(|&c| !is_base64url(c)) {
            return Err(DeviceIdError::Character { found });
        }
        if length != LENGTH {
            return Err(DeviceIdError::Length { length });
        }
        let mut bytes = [0; 16];
        match BASE64_URL_SAFE_NO_PAD.decode_slice(text, &mut bytes) {
            Ok(_) => Ok(Self(bytes)),
            Err(base64::DecodeSliceError::DecodeError(DecodeError::InvalidLastSymbol {
                symbol,
                ..
            })) => Err(DeviceIdError::LastCharacter {
                found: char::from(symbol),
            }),
            Err(_) => Err(DeviceIdError::Length { length }),
        }
    }
}

impl TryFrom<&str> for DeviceId {
    type Error = DeviceIdError;

    fn try_from(text: &str) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<[u8; 16]> for DeviceId {
    fn from(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&BASE64_URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeviceId({self})")
    }
}

/// A text is not a device id.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeviceIdError {
    /// It holds a character that base64url does not have.
    #[error(
        "a device id is 22 characters of base64url (`A-Z`, `a-z`, `0-9`, `-`, `_`) without padding, found {found:?}"
    )]
    Character {
        /// The first such character.
        found: char,
    },
    /// Its last character carries bits beyond the 128.
    #[error(
        "the last character of a device id is one of `A`, `Q`, `g`, `w`, found {found:?}: the text is cut or mistyped"
    )]
    LastCharacter {
        /// The character.
        found: char,
    },
    /// It is too short or too long.
    #[error(
        "a device id is 22 characters of base64url (128 bits without padding), found {length} characters"
    )]
    Length {
        /// How many characters it has.
        length: usize,
    },
}

/// The name of a realm, checked by construction.
///
/// A small letter and up to 47 small letters and digits. `astarte` and names that begin with `system` as a word
/// are kept by Astarte for itself.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Realm(Arc<str>);

impl Realm {
    /// Checks the name of a realm.
    ///
    /// # Errors
    ///
    /// - It is empty or longer than 48 characters.
    /// - It does not begin with a small letter, or holds something else than small letters and digits.
    /// - It is reserved: `astarte`, `system`.
    pub fn new(name: &str) -> Result<Self, RealmError> {
        if matches!(name, "astarte" | "system") || name.starts_with("system_") {
            return Err(RealmError::Reserved {
                found: name.to_owned(),
            });
        }
        if let Some(found) = name
            .chars()
            .enumerate()
            .find(|&(at, c)| !(c.is_ascii_lowercase() || (at > 0 && c.is_ascii_digit())))
            .map(|(_, c)| c)
        {
            return Err(RealmError::Character { found });
        }
        if name.is_empty() || name.len() > MAX_REALM {
            return Err(RealmError::Length { length: name.len() });
        }
        Ok(Self(name.into()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Realm {
    type Err = RealmError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::new(name)
    }
}

impl TryFrom<&str> for Realm {
    type Error = RealmError;

    fn try_from(name: &str) -> Result<Self, Self::Error> {
        Self::new(name)
    }
}

impl AsRef<str> for Realm {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Realm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Realm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Realm({self})")
    }
}

/// A text is not the name of a realm.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum RealmError {
    /// It holds a character that is not allowed, or not at the beginning.
    #[error(
        "a realm's name is a small letter followed by small letters and digits, found {found:?}"
    )]
    Character {
        /// The first such character.
        found: char,
    },
    /// It is empty or too long.
    #[error("a realm's name has 1 to 48 characters, found {length}")]
    Length {
        /// How many characters it has.
        length: usize,
    },
    /// Astarte keeps it for itself.
    #[error("the realm name `{found}` is reserved")]
    Reserved {
        /// The name.
        found: String,
    },
}

/// The name under which the broker knows a device: the common name of its certificate, and the base of its topics.
pub(crate) fn client_id(realm: &Realm, device_id: &DeviceId) -> String {
    format!("{realm}/{device_id}")
}

/// Sets the version and the variant of a UUID.
fn uuid(mut bytes: [u8; 16], version: u8) -> [u8; 16] {
    bytes[6] = (bytes[6] & 0x0f) | (version << 4);
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    bytes
}

fn is_base64url(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-' || c == '_'
}

/// Characters of a device id.
const LENGTH: usize = 22;

/// Characters of a realm's name at most.
const MAX_REALM: usize = 48;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_bytes_agree() {
        for bytes in [[0; 16], [0xff; 16], *b"0123456789abcdef"] {
            let id = DeviceId::from_bytes(bytes);
            let text = id.to_string();
            assert_eq!(text.len(), LENGTH);
            assert_eq!(text.parse(), Ok(id));
            assert_eq!(id.as_bytes(), &bytes);
        }
    }

    #[test]
    fn random_ids_are_version_4() {
        let (one, two) = (DeviceId::random(), DeviceId::random());
        assert_ne!(one, two);
        assert_eq!(one.as_bytes()[6] >> 4, 4);
        assert_eq!(one.as_bytes()[8] >> 6, 0b10);
    }

    #[test]
    fn other_texts_are_refused() {
        use DeviceIdError::{Character, LastCharacter, Length};
        for (text, error) in [
            ("", Length { length: 0 }),
            ("YQ", Length { length: 2 }),
            (
                "ova1YgZZZo3p_2m8UjJ_c3sOOmpLh3GOc0CARFwE-V4",
                Length { length: 43 },
            ),
            ("2imLILqtRP2vq0ZVy-TGRQ==", Character { found: '=' }),
            ("5GGciygQUcHZqXyc1BNeC%", Character { found: '%' }),
            ("2imLILqtRP2vq0ZVy+TGRQ", Character { found: '+' }),
            ("2imLILqtRP2vq0ZVy-TGRé", Character { found: 'é' }),
            ("2imLILqtRP2vq0ZVy-TGRR", LastCharacter { found: 'R' }),
        ] {
            assert_eq!(text.parse::<DeviceId>(), Err(error), "{text}");
        }
    }

    #[test]
    fn realms_are_checked() {
        for name in ["a", "test", "r2d2", "systems", &"a".repeat(48)] {
            assert_eq!(Realm::new(name).unwrap().as_str(), name);
        }
        for name in [
            "", "Test", "1a", "a-b", "a_b", "é", "astarte", "system", "system_x", " a",
        ] {
            assert!(Realm::new(name).is_err(), "{name}");
        }
        assert_eq!(
            Realm::new(&"a".repeat(49)),
            Err(RealmError::Length { length: 49 })
        );
    }
}
