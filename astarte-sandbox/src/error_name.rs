//! The errors with which the server answers a device: by closing the connection.

use std::fmt;

macro_rules! error_names {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $cause:literal;)+) => {
        /// An error of the server's catalogue, by the name of its event.
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        #[non_exhaustive]
        pub enum ErrorName { $($(#[$doc])* $variant,)+ }

        impl ErrorName {
            /// Every error, in alphabetical order.
            pub const ALL: &'static [ErrorName] = &[$(ErrorName::$variant,)+];

            /// Returns the name on the wire, such as `mapping_not_found`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(ErrorName::$variant => $name,)+ }
            }

            /// Returns what the device has done, in one sentence without a final stop.
            #[must_use]
            pub const fn cause(self) -> &'static str {
                match self { $(ErrorName::$variant => $cause,)+ }
            }
        }
    };
}

error_names! {
    /// An individual path is a part of an endpoint, or of several.
    AmbiguousPath = "ambiguous_path", "the path ends before the endpoint does";
    /// emptyCache came while nothing was subscribed to `control/consumer/properties`.
    DeviceSessionNotFound = "device_session_not_found",
        "emptyCache was sent without a subscription to control/consumer/properties";
    /// emptyCache failed for another reason.
    EmptyCacheError = "empty_cache_error", "emptyCache failed";
    /// Data, or emptyCache, with an interface that is not in the introspection or not installed at
    /// that major.
    InterfaceLoadingFailed = "interface_loading_failed",
        "the interface is not in the introspection, or not installed in the realm at that major version";
    /// The name of the interface is not UTF-8.
    InvalidInterface = "invalid_interface", "the name of the interface is not UTF-8";
    /// The introspection does not parse.
    InvalidIntrospection = "invalid_introspection",
        "the introspection is not a list of name:major:minor, joined by `;`";
    /// The path is not UTF-8 or has an empty level.
    InvalidPath = "invalid_path", "the path is not UTF-8, or has an empty level";
    /// Data on an interface with an `encrypted` mapping, without a key.
    KeyAgreementError = "key_agreement_error",
        "the interface has an encrypted mapping, and no key was agreed on";
    /// The capabilities are not a document of known values.
    MalformedCapabilitiesMessage = "malformed_capabilities_message",
        "the capabilities are not a BSON document of known values";
    /// No mapping has the path.
    MappingNotFound = "mapping_not_found", "no mapping has this path";
    /// An object lacks a key that is `required`.
    MissingRequiredMapping = "missing_required_mapping", "the object lacks a required key";
    /// The list of properties of the device cannot be read.
    PurgePropertiesError = "purge_properties_error",
        "the list in control/producer/properties cannot be inflated, is too large, or is not UTF-8";
    /// emptyCache: a property of the server could not be sent, because nothing is subscribed to it.
    ResendInterfacePropertiesFailed = "resend_interface_properties_failed",
        "a property of the server could not be sent, because no subscription matches its topic";
    /// The payload is not BSON.
    UndecodableBsonPayload = "undecodable_bson_payload", "the payload is not BSON the server accepts";
    /// A control topic that does not exist.
    UnexpectedControlMessage = "unexpected_control_message", "there is no such control topic";
    /// An object has a key that no mapping has.
    UnexpectedObjectKey = "unexpected_object_key", "the object has a key that no mapping has";
    /// The value does not fit the type of the mapping.
    UnexpectedValueType = "unexpected_value_type", "the value does not fit the type of the mapping";
    /// An unset of a property without `allow_unset`.
    UnsetNotAllowed = "unset_not_allowed", "the property does not allow to be unset";
    /// An empty payload on a datastream. The only error after which the connection stays.
    UnsetOnDatastream = "unset_on_datastream", "a datastream cannot be unset";
    /// A string or blob over 65 536 bytes, or an array of more than 1024 items.
    ValueSizeExceeded = "value_size_exceeded",
        "a string or blob has more than 65 536 bytes, or an array more than 1024 items";
    /// Data on an interface that the server owns.
    WriteOnServerOwnedInterface = "write_on_server_owned_interface",
        "the interface is owned by the server";
}

impl fmt::Display for ErrorName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_and_unique() {
        assert!(ErrorName::ALL.is_sorted_by(|a, b| a.as_str() < b.as_str()));
    }
}
