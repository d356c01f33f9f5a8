//! What an interface file says, as constants.

use core::fmt;

/// The facts of an interface that the runtime needs, a constant in generated code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Descriptor {
    /// The name, such as `org.example.thermostat.Readings`.
    pub name: &'static str,
    /// The version that was compiled in, and stands in the introspection.
    pub version: Version,
    /// Who writes on the interface.
    pub ownership: Ownership,
    /// The mappings, in the order of the file.
    pub mappings: &'static [Mapping],
}

impl Descriptor {
    /// Describes an interface without mappings; generated code adds them by [`mappings`](Self::mappings).
    pub const fn new(name: &'static str, major: u32, minor: u32, ownership: Ownership) -> Self {
        Self {
            name,
            version: Version { major, minor },
            ownership,
            mappings: &[],
        }
    }

    /// Whether this is the interface of that name and major version; generated code checks it when it is compiled.
    #[doc(hidden)]
    pub const fn is(&self, name: &str, major: u32) -> bool {
        self.version.major == major && is_same(self.name, name)
    }

    /// Whether the interface at this place of a list has a name that is not before it; generated code checks it when it
    /// is compiled.
    #[doc(hidden)]
    pub const fn is_first_of_its_name(list: &[Self], place: usize) -> bool {
        let mut at = 0;
        while at < place {
            if is_same(list[at].name, list[place].name) {
                return false;
            }
            at += 1;
        }
        true
    }

    /// Sets the mappings.
    #[must_use]
    pub const fn mappings(mut self, mappings: &'static [Mapping]) -> Self {
        self.mappings = mappings;
        self
    }

    /// Whether any of its messages are stored while the device is offline.
    #[doc(hidden)]
    pub const fn has_stored(&self) -> bool {
        let mut at = 0;
        while at < self.mappings.len() {
            if matches!(self.mappings[at].retention, Retention::Stored) {
                return true;
            }
            at += 1;
        }
        false
    }

    /// Whether the interface is one of properties: all its mappings are, or none.
    pub fn is_properties(&self) -> bool {
        self.mappings
            .first()
            .is_some_and(|mapping| mapping.property)
    }
}

/// `==`, in constants.
const fn is_same(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    if one.len() != other.len() {
        return false;
    }
    let mut at = 0;
    while at < one.len() {
        if one[at] != other[at] {
            return false;
        }
        at += 1;
    }
    true
}

/// The version of an interface. Astarte keeps majors apart as if they were different interfaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// Counts incompatible changes.
    pub major: u32,
    /// Counts compatible additions.
    pub minor: u32,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// Who writes on an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ownership {
    /// The device sends, the cloud receives.
    Device,
    /// The cloud sends, the device receives.
    Server,
}

/// One mapping of an interface: a pattern of paths and what it carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mapping {
    /// The endpoint, such as `/%{room}/temperature`.
    pub endpoint: &'static str,
    /// The type of its values.
    pub value_type: Type,
    /// Whether it is a property, which has a value until it is set anew, and not a datastream.
    pub property: bool,
    /// How surely a value arrives; properties always have [`Reliability::Unique`].
    pub reliability: Reliability,
    /// What happens to a value while the device is offline.
    pub retention: Retention,
    /// How long a retained value stays of use, in seconds; 0 means for ever.
    pub expiry: u32,
    /// Whether each value carries a timestamp of the device.
    pub explicit_timestamp: bool,
    /// Whether the property can be unset.
    pub allow_unset: bool,
    /// Whether an object without this mapping is refused by the server.
    pub required: bool,
}

impl Mapping {
    /// Describes a mapping of a datastream with the defaults of Astarte: unreliable, discarded while offline.
    pub const fn datastream(endpoint: &'static str, value_type: Type) -> Self {
        Self {
            endpoint,
            value_type,
            property: false,
            reliability: Reliability::Unreliable,
            retention: Retention::Discard,
            expiry: 0,
            explicit_timestamp: false,
            allow_unset: false,
            required: false,
        }
    }

    /// Describes a property that cannot be unset.
    pub const fn property(endpoint: &'static str, value_type: Type) -> Self {
        let mut mapping = Self::datastream(endpoint, value_type);
        mapping.property = true;
        mapping.reliability = Reliability::Unique;
        mapping
    }

    /// Sets the reliability.
    #[must_use]
    pub const fn reliability(mut self, reliability: Reliability) -> Self {
        self.reliability = reliability;
        self
    }

    /// Sets the retention, and the expiry in seconds (0: never).
    #[must_use]
    pub const fn retention(mut self, retention: Retention, expiry: u32) -> Self {
        self.retention = retention;
        self.expiry = expiry;
        self
    }

    /// Says that values carry a timestamp of the device.
    #[must_use]
    pub const fn explicit_timestamp(mut self) -> Self {
        self.explicit_timestamp = true;
        self
    }

    /// Says that the property can be unset.
    #[must_use]
    pub const fn allow_unset(mut self) -> Self {
        self.allow_unset = true;
        self
    }

    /// Says that an object needs this mapping.
    #[must_use]
    pub const fn required(mut self) -> Self {
        self.required = true;
        self
    }
}

/// How surely a datastream value arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reliability {
    /// At most once: MQTT QoS 0.
    Unreliable,
    /// At least once: MQTT QoS 1.
    Guaranteed,
    /// Exactly once: MQTT QoS 2.
    Unique,
}

/// What happens to a datastream value while the device is offline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Retention {
    /// It is refused.
    Discard,
    /// It waits in memory.
    Volatile,
    /// It waits on disk.
    Stored,
}

/// The fourteen types of Astarte values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names are Astarte's own")]
pub enum Type {
    BinaryBlob,
    BinaryBlobArray,
    Boolean,
    BooleanArray,
    DateTime,
    DateTimeArray,
    Double,
    DoubleArray,
    Integer,
    IntegerArray,
    LongInteger,
    LongIntegerArray,
    String,
    StringArray,
}

impl Type {
    /// The name in interface files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BinaryBlob => "binaryblob",
            Self::BinaryBlobArray => "binaryblobarray",
            Self::Boolean => "boolean",
            Self::BooleanArray => "booleanarray",
            Self::DateTime => "datetime",
            Self::DateTimeArray => "datetimearray",
            Self::Double => "double",
            Self::DoubleArray => "doublearray",
            Self::Integer => "integer",
            Self::IntegerArray => "integerarray",
            Self::LongInteger => "longinteger",
            Self::LongIntegerArray => "longintegerarray",
            Self::String => "string",
            Self::StringArray => "stringarray",
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
