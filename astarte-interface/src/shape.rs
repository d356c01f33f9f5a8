//! An interface as far as other versions of it are concerned: from a document or from a lock file.

use crate::endpoint::Endpoint;
use crate::interface::Interface;
use crate::mapping::Mapping;
use crate::name::InterfaceName;
use crate::source::{Source, Span};
use crate::types::{Aggregation, InterfaceType, Ownership};
use crate::version::Version;

#[derive(Clone, Debug)]
pub(crate) struct Shape {
    pub(crate) source: Source,
    pub(crate) name: InterfaceName,
    pub(crate) name_span: Span,
    pub(crate) version: Version,
    pub(crate) major_span: Span,
    pub(crate) minor_span: Span,
    pub(crate) interface_type: (InterfaceType, Span),
    pub(crate) ownership: (Ownership, Span),
    pub(crate) aggregation: (Aggregation, Span),
    pub(crate) mappings: Vec<MappingShape>,
}

#[derive(Clone, Debug)]
pub(crate) struct MappingShape {
    pub(crate) endpoint: Endpoint,
    pub(crate) endpoint_span: Span,
    /// The values of [`Attribute::ALL`], as they are written in a lock file.
    values: Vec<(String, Option<Span>)>,
}

/// What a mapping is beside its endpoint and its texts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Attribute {
    Type,
    Reliability,
    Retention,
    Expiry,
    DatabaseRetentionTtl,
    ExplicitTimestamp,
    AllowUnset,
    Required,
    Encrypted,
}

impl Attribute {
    pub(crate) const ALL: [Attribute; 9] = [
        Attribute::Type,
        Attribute::Reliability,
        Attribute::Retention,
        Attribute::Expiry,
        Attribute::DatabaseRetentionTtl,
        Attribute::ExplicitTimestamp,
        Attribute::AllowUnset,
        Attribute::Required,
        Attribute::Encrypted,
    ];

    pub(crate) fn key(self) -> &'static str {
        match self {
            Attribute::Type => "type",
            Attribute::Reliability => "reliability",
            Attribute::Retention => "retention",
            Attribute::Expiry => "expiry",
            Attribute::DatabaseRetentionTtl => "database_retention_ttl",
            Attribute::ExplicitTimestamp => "explicit_timestamp",
            Attribute::AllowUnset => "allow_unset",
            Attribute::Required => "required",
            Attribute::Encrypted => "encrypted",
        }
    }

    /// What holds where the key is left out; the type cannot be.
    pub(crate) fn default(self, interface_type: InterfaceType) -> &'static str {
        match (self, interface_type) {
            (Attribute::Type, _) => "",
            (Attribute::Reliability, InterfaceType::Datastream) => "unreliable",
            (Attribute::Reliability, InterfaceType::Properties) => "unique",
            (Attribute::Retention, _) => "discard",
            (Attribute::Expiry, _) => "0",
            (Attribute::DatabaseRetentionTtl, _) => "none",
            (_, _) => "false",
        }
    }

    /// Whether the server accepts a change of it in a minor version.
    pub(crate) fn may_change(self) -> bool {
        matches!(
            self,
            Attribute::Retention | Attribute::Expiry | Attribute::ExplicitTimestamp
        )
    }

    /// Whether all mappings of an object have it in common.
    pub(crate) fn is_shared(self) -> bool {
        matches!(
            self,
            Attribute::Reliability
                | Attribute::Retention
                | Attribute::Expiry
                | Attribute::DatabaseRetentionTtl
                | Attribute::ExplicitTimestamp
        )
    }
}

impl Shape {
    pub(crate) fn of(interface: &Interface) -> Shape {
        let spans = interface.spans;
        let aggregation_span = spans.aggregation.unwrap_or(spans.interface_type);
        Shape {
            source: interface.source.clone(),
            name: interface.name.clone(),
            name_span: spans.name,
            version: interface.version,
            major_span: spans.major,
            minor_span: spans.minor,
            interface_type: (interface.interface_type(), spans.interface_type),
            ownership: (interface.ownership, spans.ownership),
            aggregation: (interface.aggregation(), aggregation_span),
            mappings: interface.mappings().map(MappingShape::of).collect(),
        }
    }
}

impl MappingShape {
    pub(crate) fn new(
        endpoint: Endpoint,
        endpoint_span: Span,
        value: impl Fn(Attribute) -> (String, Option<Span>),
    ) -> MappingShape {
        let values = Attribute::ALL.into_iter().map(value).collect();
        MappingShape {
            endpoint,
            endpoint_span,
            values,
        }
    }

    fn of(mapping: Mapping<'_>) -> MappingShape {
        let endpoint = mapping.endpoint().clone();
        MappingShape::new(endpoint, mapping.endpoint_span(), |attribute| {
            value(mapping, attribute)
        })
    }

    pub(crate) fn value(&self, attribute: Attribute) -> &str {
        &self.at(attribute).0
    }

    /// Where the attribute stands, or the endpoint of the mapping that has the default.
    pub(crate) fn span(&self, attribute: Attribute) -> Span {
        self.at(attribute).1.unwrap_or(self.endpoint_span)
    }

    fn at(&self, attribute: Attribute) -> &(String, Option<Span>) {
        &self.values[attribute as usize]
    }
}

fn value(mapping: Mapping<'_>, attribute: Attribute) -> (String, Option<Span>) {
    let spans = mapping.common().spans;
    match attribute {
        Attribute::Type => (mapping.value_type().to_string(), Some(spans.value_type)),
        Attribute::Reliability => (mapping.reliability().to_string(), spans.reliability),
        Attribute::Retention => (mapping.retention().to_string(), spans.retention),
        Attribute::Expiry => (mapping.expiry().to_string(), spans.expiry),
        Attribute::DatabaseRetentionTtl => {
            let ttl = mapping.database_retention_ttl();
            let ttl = ttl.map_or_else(|| "none".to_owned(), |seconds| seconds.to_string());
            (ttl, spans.database_retention)
        }
        Attribute::ExplicitTimestamp => (
            mapping.explicit_timestamp().to_string(),
            spans.explicit_timestamp,
        ),
        Attribute::AllowUnset => (mapping.allow_unset().to_string(), spans.allow_unset),
        Attribute::Required => (mapping.required().to_string(), spans.required),
        Attribute::Encrypted => (mapping.encrypted().to_string(), spans.encrypted),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_by_their_attribute() {
        for (index, attribute) in Attribute::ALL.into_iter().enumerate() {
            assert_eq!(attribute as usize, index);
        }
    }
}
