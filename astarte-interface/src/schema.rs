use crate::endpoint::{Endpoint, Level};
use crate::mapping::Mapping;
use crate::source::Span;
use crate::types::{MappingType, Reliability, Retention};

/// The mappings of an interface, by the kind of the interface.
///
/// What a kind does not have cannot be represented: objects share one delivery, properties have
/// none, and only properties can be unset.
#[derive(Clone, Debug)]
pub enum Schema {
    /// A datastream whose mappings travel alone.
    Datastream(Vec<DatastreamMapping>),
    /// A datastream whose mappings travel together.
    Object(Object),
    /// A state.
    Properties(Vec<PropertyMapping>),
}

impl Schema {
    /// Returns the number of mappings, 1 to 1024.
    pub(crate) fn len(&self) -> usize {
        match self {
            Schema::Datastream(mappings) => mappings.len(),
            Schema::Object(object) => object.mappings.len(),
            Schema::Properties(mappings) => mappings.len(),
        }
    }

    pub(crate) fn mapping(&self, index: usize) -> Option<Mapping<'_>> {
        match self {
            Schema::Datastream(mappings) => mappings.get(index).map(DatastreamMapping::view),
            Schema::Object(object) => {
                let mapping = object.mappings.get(index)?;
                Some(object.view(mapping))
            }
            Schema::Properties(mappings) => mappings.get(index).map(PropertyMapping::view),
        }
    }
}

/// A mapping of an individual datastream.
#[derive(Clone, Debug)]
pub struct DatastreamMapping {
    pub(crate) common: Common,
    pub(crate) delivery: Delivery,
}

impl DatastreamMapping {
    /// Returns the uniform view.
    pub fn view(&self) -> Mapping<'_> {
        Mapping::datastream(&self.common, &self.delivery)
    }
}

/// A mapping of a properties interface.
#[derive(Clone, Debug)]
pub struct PropertyMapping {
    pub(crate) common: Common,
    pub(crate) allow_unset: bool,
}

impl PropertyMapping {
    /// Returns the uniform view.
    pub fn view(&self) -> Mapping<'_> {
        Mapping::property(&self.common, self.allow_unset)
    }
}

/// The object of a datastream with the aggregation `object`.
#[derive(Clone, Debug)]
pub struct Object {
    pub(crate) prefix: Vec<Level>,
    pub(crate) delivery: Delivery,
    pub(crate) mappings: Vec<ObjectMapping>,
}

impl Object {
    /// Returns the levels that a message's path has: all levels of the endpoints without the last.
    pub fn prefix(&self) -> &[Level] {
        &self.prefix
    }

    /// Returns the mappings in the order of the file.
    pub fn mappings(&self) -> &[ObjectMapping] {
        &self.mappings
    }

    /// Returns the uniform views of the mappings in the order of the file.
    pub fn views(&self) -> impl ExactSizeIterator<Item = Mapping<'_>> {
        self.mappings.iter().map(|mapping| self.view(mapping))
    }

    /// Returns the reliability of the object's messages.
    pub fn reliability(&self) -> Reliability {
        self.delivery.reliability
    }

    /// Returns the retention of the object's messages.
    pub fn retention(&self) -> Retention {
        self.delivery.retention
    }

    /// Returns after how many seconds a message that was kept is given up; 0 is never.
    pub fn expiry(&self) -> u32 {
        self.delivery.expiry
    }

    /// Returns after how many seconds the server deletes a stored object; `None` is never.
    pub fn database_retention_ttl(&self) -> Option<u32> {
        self.delivery.database_retention_ttl
    }

    /// Whether each object carries a timestamp of its sender's.
    pub fn explicit_timestamp(&self) -> bool {
        self.delivery.explicit_timestamp
    }

    fn view<'a>(&'a self, mapping: &'a ObjectMapping) -> Mapping<'a> {
        Mapping::object(&mapping.common, &self.delivery, mapping.required)
    }
}

/// A mapping of an object.
#[derive(Clone, Debug)]
pub struct ObjectMapping {
    pub(crate) common: Common,
    pub(crate) required: bool,
}

impl ObjectMapping {
    /// Returns the key in the object; see [`Mapping::key`].
    pub fn key(&self) -> &str {
        self.common.endpoint.last_level_text()
    }

    /// Returns the endpoint.
    pub fn endpoint(&self) -> &Endpoint {
        &self.common.endpoint
    }

    /// Returns the type of the values.
    pub fn value_type(&self) -> MappingType {
        self.common.value_type
    }

    /// Whether every object has the mapping.
    pub fn required(&self) -> bool {
        self.required
    }
}

/// What the mappings of every kind have.
#[derive(Clone, Debug)]
pub(crate) struct Common {
    pub(crate) endpoint: Endpoint,
    pub(crate) value_type: MappingType,
    pub(crate) encrypted: bool,
    pub(crate) description: Option<String>,
    pub(crate) doc: Option<String>,
    pub(crate) spans: Spans,
}

/// Where the facts of a mapping stand. Optional ones are the key with its value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spans {
    pub(crate) mapping: Span,
    pub(crate) endpoint: Span,
    pub(crate) value_type: Span,
    pub(crate) reliability: Option<Span>,
    pub(crate) retention: Option<Span>,
    pub(crate) expiry: Option<Span>,
    pub(crate) database_retention: Option<Span>,
    pub(crate) explicit_timestamp: Option<Span>,
    pub(crate) allow_unset: Option<Span>,
    pub(crate) required: Option<Span>,
    pub(crate) encrypted: Option<Span>,
}

/// How the messages of a datastream are delivered, and for how long they are stored.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Delivery {
    pub(crate) reliability: Reliability,
    pub(crate) retention: Retention,
    pub(crate) expiry: u32,
    pub(crate) explicit_timestamp: bool,
    pub(crate) database_retention_ttl: Option<u32>,
}
