//! Which server the sandbox resembles.

use std::fmt;
use std::str::FromStr;

/// Whether the sandbox follows the protocol, or the server as it is shipped.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Profile {
    /// The protocol as it is documented. The default.
    #[default]
    Spec,
    /// The server with its known faults, as far as a device can see them:
    ///
    /// - From 1.2.1, the list of properties in `control/consumer/properties` is always empty.
    /// - A SUBACK has no codes for refused filters among others.
    /// - From 1.4, the keys of an object are held against every interface that the device has used
    ///   since it was last in the introspection: a foreign key is accepted, and a foreign required
    ///   one is missed.
    AsShipped,
}

/// The version of the server, as far as it matters to a device.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum ServerVersion {
    /// Up to 1.2.0: unsets every property, also one without `allow_unset`; gets stuck on the unset
    /// of a datastream.
    V1_2_0,
    /// 1.2.1 and later versions of 1.2.
    V1_2_1,
    /// 1.3: knows the topic `capabilities`, which before was data of an unknown interface.
    V1_3,
    /// 1.4: knows `required` and `encrypted` mappings, which before were mappings like others, and
    /// says `interface_loading_failed` when emptyCache meets an interface that is not installed,
    /// which before was a `resend_interface_properties_failed`. The default.
    #[default]
    V1_4,
}

/// The text is not a version of the server that differs for a device.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("server version `{0}` is none of `1.2.0`, `1.2.1`, `1.3`, `1.4`")]
pub struct ServerVersionError(String);

impl ServerVersion {
    /// Every version, oldest first.
    pub const ALL: &'static [ServerVersion] = &[
        ServerVersion::V1_2_0,
        ServerVersion::V1_2_1,
        ServerVersion::V1_3,
        ServerVersion::V1_4,
    ];

    /// The version that the pairing API tells.
    pub(crate) fn release(self) -> &'static str {
        match self {
            ServerVersion::V1_2_0 => "1.2.0",
            ServerVersion::V1_2_1 => "1.2.1",
            ServerVersion::V1_3 => "1.3.0",
            ServerVersion::V1_4 => "1.4.0",
        }
    }

    pub(crate) fn unsets_everything(self) -> bool {
        self == ServerVersion::V1_2_0
    }

    pub(crate) fn has_capabilities(self) -> bool {
        self >= ServerVersion::V1_3
    }

    pub(crate) fn has_required(self) -> bool {
        self >= ServerVersion::V1_4
    }

    pub(crate) fn has_encryption(self) -> bool {
        self >= ServerVersion::V1_4
    }
}

impl FromStr for ServerVersion {
    type Err = ServerVersionError;

    fn from_str(text: &str) -> Result<ServerVersion, ServerVersionError> {
        let version = ServerVersion::ALL
            .iter()
            .find(|version| version.to_string() == text);
        version
            .copied()
            .ok_or_else(|| ServerVersionError(text.to_owned()))
    }
}

impl fmt::Display for ServerVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            ServerVersion::V1_2_0 => "1.2.0",
            ServerVersion::V1_2_1 => "1.2.1",
            ServerVersion::V1_3 => "1.3",
            ServerVersion::V1_4 => "1.4",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_they_are_written() {
        for version in ServerVersion::ALL {
            assert_eq!(version.to_string().parse(), Ok(*version));
        }
        assert!("1.1".parse::<ServerVersion>().is_err());
        assert!(ServerVersion::ALL.is_sorted());
    }
}
