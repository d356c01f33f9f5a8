use std::fmt;
use std::str::FromStr;

/// A word that none of the values of an enumeration has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct UnknownWord;

impl fmt::Display for UnknownWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unknown word")
    }
}

impl std::error::Error for UnknownWord {}

/// An enumeration of the schema: the words in the JSON are its whole text form.
pub(crate) trait Words: Copy + Sized + 'static {
    const ALL: &'static [Self];

    fn word(self) -> &'static str;

    /// The word that other languages and formats have for a value, for suggestions.
    fn synonyms(self) -> &'static [&'static str] {
        &[]
    }

    fn from_synonym(word: &str) -> Option<Self> {
        let word = word.to_ascii_lowercase();
        Self::ALL
            .iter()
            .copied()
            .find(|value| value.synonyms().contains(&word.as_str()))
    }

    fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|value| value.word() == word)
    }
}

macro_rules! words {
    (
        $(#[$doc:meta])*
        $name:ident {
            $($(#[$variant_doc:meta])* $variant:ident = $word:literal $(not $($synonym:literal)+)?,)+
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        pub enum $name { $($(#[$variant_doc])* $variant,)+ }

        impl $name {
            /// Every value, in the order of the specification.
            pub const ALL: &'static [$name] = &[$($name::$variant,)+];

            /// Returns the word in the JSON.
            pub const fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word,)+ }
            }
        }

        impl Words for $name {
            const ALL: &'static [Self] = $name::ALL;

            fn word(self) -> &'static str {
                self.as_str()
            }

            fn synonyms(self) -> &'static [&'static str] {
                match self { $($name::$variant => &[$($($synonym),+)?],)+ }
            }
        }

        impl FromStr for $name {
            type Err = UnknownWord;

            fn from_str(word: &str) -> Result<Self, UnknownWord> {
                Self::from_word(word).ok_or(UnknownWord)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

words! {
    /// Who sends the data of an interface.
    Ownership {
        /// The device sends, the cloud receives.
        Device = "device" not "client" "publisher",
        /// The cloud sends, the device receives.
        Server = "server" not "cloud" "realm",
    }
}

words! {
    /// What the data of an interface are.
    InterfaceType {
        /// A stream of values in time.
        Datastream = "datastream" not "stream" "events",
        /// A state that is kept and synchronised.
        Properties = "properties" not "property" "state",
    }
}

words! {
    /// Whether the mappings of an interface travel alone or as one object.
    Aggregation {
        /// Each mapping has messages of its own. The default.
        Individual = "individual",
        /// One message carries all mappings, as an object.
        Object = "object" not "aggregate",
    }
}

words! {
    /// How a message of a datastream is delivered.
    Reliability {
        /// At most once (QoS 0). The default.
        Unreliable = "unreliable" not "qos0" "none",
        /// At least once (QoS 1).
        Guaranteed = "guaranteed" not "qos1" "reliable",
        /// Exactly once (QoS 2).
        Unique = "unique" not "qos2" "exactly_once",
    }
}

impl Reliability {
    /// Returns the MQTT quality of service, 0 to 2.
    pub const fn qos(self) -> u8 {
        match self {
            Reliability::Unreliable => 0,
            Reliability::Guaranteed => 1,
            Reliability::Unique => 2,
        }
    }
}

words! {
    /// What becomes of a message of a datastream while there is no connection.
    Retention {
        /// It is dropped. The default.
        Discard = "discard" not "none" "drop",
        /// It is kept in memory.
        Volatile = "volatile" not "memory",
        /// It is kept on disk.
        Stored = "stored" not "disk" "persistent" "keep",
    }
}

words! {
    /// The type of the values of a mapping.
    MappingType {
        /// A finite 64-bit floating-point number.
        Double = "double" not "float" "float32" "float64" "number" "real",
        /// An integer from -2 147 483 647 to 2 147 483 647.
        Integer = "integer" not "int" "int32" "i32" "int16" "int8" "uint8" "uint16",
        /// A truth value.
        Boolean = "boolean" not "bool",
        /// An integer from -(2^63 - 1) to 2^63 - 1.
        LongInteger = "longinteger" not "long" "int64" "i64" "bigint" "uint32" "uint64",
        /// UTF-8 text of at most 65 536 bytes.
        String = "string" not "text" "str" "varchar",
        /// At most 65 536 bytes.
        BinaryBlob = "binaryblob" not "blob" "bytes" "binary" "base64" "buffer",
        /// A point in time with a resolution of milliseconds.
        DateTime = "datetime" not "date" "time" "timestamp",
        /// At most 1024 `double` items.
        DoubleArray = "doublearray" not "floatarray" "numberarray",
        /// At most 1024 `integer` items.
        IntegerArray = "integerarray" not "intarray",
        /// At most 1024 `boolean` items.
        BooleanArray = "booleanarray" not "boolarray",
        /// At most 1024 `longinteger` items.
        LongIntegerArray = "longintegerarray" not "longarray",
        /// At most 1024 `string` items.
        StringArray = "stringarray",
        /// At most 1024 `binaryblob` items.
        BinaryBlobArray = "binaryblobarray" not "blobarray" "bytesarray",
        /// At most 1024 `datetime` items.
        DateTimeArray = "datetimearray",
    }
}

impl MappingType {
    /// Returns the type of the items of an array type, and `None` for the other types.
    pub const fn item(self) -> Option<MappingType> {
        match self {
            MappingType::DoubleArray => Some(MappingType::Double),
            MappingType::IntegerArray => Some(MappingType::Integer),
            MappingType::BooleanArray => Some(MappingType::Boolean),
            MappingType::LongIntegerArray => Some(MappingType::LongInteger),
            MappingType::StringArray => Some(MappingType::String),
            MappingType::BinaryBlobArray => Some(MappingType::BinaryBlob),
            MappingType::DateTimeArray => Some(MappingType::DateTime),
            MappingType::Double
            | MappingType::Integer
            | MappingType::Boolean
            | MappingType::LongInteger
            | MappingType::String
            | MappingType::BinaryBlob
            | MappingType::DateTime => None,
        }
    }

    /// Whether values of the type are arrays.
    pub const fn is_array(self) -> bool {
        self.item().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_round_trip() {
        for value_type in MappingType::ALL {
            assert_eq!(value_type.as_str().parse(), Ok(*value_type));
        }
        assert_eq!("Double".parse::<MappingType>(), Err(UnknownWord));
    }

    #[test]
    fn array_types_are_named_after_their_items() {
        for value_type in MappingType::ALL {
            if let Some(item) = value_type.item() {
                assert_eq!(format!("{item}array"), value_type.as_str());
            }
        }
    }
}
