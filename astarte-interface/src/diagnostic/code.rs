use std::fmt;
use std::str::FromStr;

use crate::types::UnknownWord;

/// The stage that finds a diagnostic. Stages run in this order; one that finds errors is the last.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Stage {
    /// The file is read.
    File,
    /// The text is read as JSON.
    Json,
    /// Every key and value is checked by itself.
    Schema,
    /// The mappings are checked against each other.
    Rules,
    /// What the server accepts and an author should know.
    Lint,
    /// Two versions of an interface are compared.
    Compat,
    /// Interfaces are compared with a lock file.
    Lock,
    /// Names in Rust are decided.
    Names,
    /// The Rust code around an interface is checked: arguments of macros, and structs.
    Rust,
}

macro_rules! codes {
    ($($stage:ident { $($variant:ident = $word:literal, $summary:literal;)+ })+) => {
        /// A word code. Each has a section in `docs/diagnostics.md`.
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        #[non_exhaustive]
        pub enum Code { $($(#[doc = $summary] $variant,)+)+ }

        impl Code {
            /// Every code, by stage.
            pub const ALL: &'static [Code] = &[$($(Code::$variant,)+)+];

            /// Returns the word, such as `mapping::overlap`.
            pub const fn as_str(self) -> &'static str {
                match self { $($(Code::$variant => $word,)+)+ }
            }

            /// Returns the rule in one sentence.
            pub const fn summary(self) -> &'static str {
                match self { $($(Code::$variant => $summary,)+)+ }
            }

            /// Returns the stage that finds it.
            pub const fn stage(self) -> Stage {
                match self { $($(Code::$variant => Stage::$stage,)+)+ }
            }
        }
    };
}

codes! {
    File {
        FileUnreadable = "file::unreadable", "A file cannot be read, or is not UTF-8.";
    }
    Json {
        JsonTooLarge = "json::too-large", "The text is larger than 4 MiB.";
        JsonSyntax = "json::syntax", "The text is not JSON.";
    }
    Schema {
        JsonDuplicateKey = "json::duplicate-key", "An object has a key twice.";
        JsonWrongType = "json::wrong-type", "A value has another JSON type than the key asks for.";
        InterfaceMissingKey = "interface::missing-key", "An interface lacks a key that every interface has.";
        InterfaceUnknownKey = "interface::unknown-key", "An interface has a key that nothing reads.";
        InterfaceUnknownValue = "interface::unknown-value", "A key of an interface has a word that is none of its values.";
        InterfaceInvalidName = "interface::invalid-name", "An interface name is not a reverse domain name.";
        InterfaceReservedName = "interface::reserved-name", "An interface has a name that the server keeps for itself.";
        InterfaceVersionRange = "interface::version-range", "A version is below 0 or above 2 147 483 647.";
        InterfaceVersionZero = "interface::version-zero", "A version is 0.0.";
        InterfacePropertiesObject = "interface::properties-object", "A properties interface has the aggregation `object`.";
        InterfaceTextTooLong = "interface::text-too-long", "A `description` or `doc` is longer than the server stores.";
        InterfaceNoMappings = "interface::no-mappings", "An interface has no mapping.";
        InterfaceTooManyMappings = "interface::too-many-mappings", "An interface has more than 1024 mappings.";
        MappingMissingKey = "mapping::missing-key", "A mapping lacks a key that every mapping has.";
        MappingUnknownKey = "mapping::unknown-key", "A mapping has a key that nothing reads.";
        MappingUnknownValue = "mapping::unknown-value", "A key of a mapping has a word that is none of its values.";
        MappingInvalidEndpoint = "mapping::invalid-endpoint", "An endpoint is not of the form `/level/%{parameter}`.";
        MappingExpiryRange = "mapping::expiry-range", "An `expiry` is below 0 or above 2 147 483 647 seconds.";
        MappingTtlRange = "mapping::ttl-range", "A `database_retention_ttl` is out of the server's range.";
        MappingTtlWithoutPolicy = "mapping::ttl-without-policy", "A `database_retention_ttl` stands beside another policy than `use_ttl`.";
        MappingPolicyWithoutTtl = "mapping::policy-without-ttl", "The policy `use_ttl` stands without a `database_retention_ttl`.";
        MappingMisplacedKey = "mapping::misplaced-key", "A key does not apply to mappings of this kind of interface.";
    }
    Rules {
        MappingDuplicate = "mapping::duplicate", "Two endpoints are equal but for parameter names and case.";
        MappingOverlap = "mapping::overlap", "One path could belong to two endpoints.";
        ObjectPrefix = "object::prefix", "The endpoints of an object differ in more than their last level.";
        ObjectDelivery = "object::delivery", "The mappings of an object differ in how they are delivered or stored.";
    }
    Lint {
        LintDefaultOutOfPlace = "lint::default-out-of-place", "A key that does not apply stands with its default.";
        LintEncrypted = "lint::encrypted", "A mapping is `encrypted`, which is experimental.";
        LintExpiryWithoutRetention = "lint::expiry-without-retention", "An `expiry` stands beside the retention `discard`.";
        LintLegacyName = "lint::legacy-name", "A key or value has its name of the first schema.";
        LintNameCasing = "lint::name-casing", "An interface name breaks the casing convention.";
        LintNameWithoutDot = "lint::name-without-dot", "An interface name has no domain.";
        LintObjectDepth = "lint::object-depth", "The endpoints of an object have one level only.";
        LintObjectParameterKey = "lint::object-parameter-key", "The last level of an object's endpoint is a parameter.";
        LintServerTimestamp = "lint::server-timestamp", "A server-owned mapping has an `explicit_timestamp`, which the server never sends.";
        LintTimestampKey = "lint::timestamp-key", "An endpoint of a datastream ends in `/timestamp`.";
        LintUnreliableRetention = "lint::unreliable-retention", "Messages are kept for later and then sent without acknowledgement.";
    }
    Compat {
        CompatName = "compat::name", "The new document has another name.";
        CompatMajor = "compat::major", "The new document has another major version.";
        CompatKind = "compat::kind", "Type, ownership or aggregation changed within one major.";
        CompatMinorNotIncreased = "compat::minor-not-increased", "The minor version stayed as it was.";
        CompatDowngrade = "compat::downgrade", "The minor version went down.";
        CompatMissingEndpoint = "compat::missing-endpoint", "An endpoint is gone within one major.";
        CompatChangedMapping = "compat::changed-mapping", "A mapping changed within one major.";
        CompatRequiredAdded = "compat::required-added", "A minor version adds a `required` mapping.";
        CompatTimestampChanged = "compat::timestamp-changed", "A minor version changes `explicit_timestamp`.";
    }
    Lock {
        LockSyntax = "lock::syntax", "A line of the lock file cannot be read.";
        LockDuplicate = "lock::duplicate", "Two files have one major version of an interface.";
        LockChanged = "lock::changed", "An interface differs from the lock, and its version does not.";
        LockIncompatible = "lock::incompatible", "An interface may not replace the locked one.";
        LockOutdated = "lock::outdated", "The lock file does not know a version of an interface.";
    }
    Names {
        NamesCollision = "names::collision", "Two mappings, or two interfaces, have one name in Rust.";
        NamesEncrypted = "names::encrypted", "No code is generated for a mapping that is `encrypted`.";
        NamesReserved = "names::reserved", "A rename gives the name of a generated type.";
    }
    Rust {
        MacroArgument = "macro::argument", "An argument of a macro is unknown, missing, repeated or of another form.";
        MacroDeriveOrder = "macro::derive-order", "A `#[derive]` stands above the attribute that writes the fields.";
        MacroFile = "macro::file", "An interface file cannot be read.";
        MacroItem = "macro::item", "A macro stands on an item that it does not fit.";
        MacroUnknownMapping = "macro::unknown-mapping", "A rename is of a mapping that the interface does not have.";
        MacroUnknownParameter = "macro::unknown-parameter", "A type is given to a parameter that the interface does not have.";
        MacroVersion = "macro::version", "The interface file has another version than was asked for.";
        ObjectDuplicateField = "object::duplicate-field", "Two fields are for one mapping.";
        ObjectMissingMapping = "object::missing-mapping", "A struct lacks a mapping of its interface.";
        ObjectNotAnObject = "object::not-an-object", "`AstarteObject` is derived for an interface that is not an object.";
        ObjectOption = "object::option", "A field is an `Option`, or is none, against its mapping.";
        ObjectUnknownMapping = "object::unknown-mapping", "A field has a mapping that the interface does not have.";
    }
}

impl FromStr for Code {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Code, UnknownWord> {
        let found = Code::ALL.iter().find(|code| code.as_str() == word);
        found.copied().ok_or(UnknownWord)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn words_are_unique_and_read_back() {
        let words: HashSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(words.len(), Code::ALL.len());
        for code in Code::ALL {
            assert_eq!(code.as_str().parse(), Ok(*code));
        }
        assert!("mapping::overlaps".parse::<Code>().is_err());
    }

    #[test]
    fn codes_stand_in_the_order_of_their_stages() {
        assert!(Code::ALL.is_sorted_by_key(|code| code.stage()));
    }
}
