use crate::endpoint::Endpoint;
use crate::schema::{Common, Delivery};
use crate::source::Span;
use crate::types::{MappingType, Reliability, Retention};

/// A borrowed view of one mapping, whatever the kind of its interface.
///
/// What a kind of interface does not have reads as its default: a property is never `required`, a
/// datastream never allows unset.
#[derive(Clone, Copy, Debug)]
pub struct Mapping<'a> {
    common: &'a Common,
    kind: Kind<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Kind<'a> {
    Datastream(&'a Delivery),
    Object {
        delivery: &'a Delivery,
        required: bool,
    },
    Property {
        allow_unset: bool,
    },
}

impl<'a> Mapping<'a> {
    pub(crate) fn datastream(common: &'a Common, delivery: &'a Delivery) -> Mapping<'a> {
        Mapping {
            common,
            kind: Kind::Datastream(delivery),
        }
    }

    pub(crate) fn object(
        common: &'a Common,
        delivery: &'a Delivery,
        required: bool,
    ) -> Mapping<'a> {
        Mapping {
            common,
            kind: Kind::Object { delivery, required },
        }
    }

    pub(crate) fn property(common: &'a Common, allow_unset: bool) -> Mapping<'a> {
        Mapping {
            common,
            kind: Kind::Property { allow_unset },
        }
    }

    /// Returns the endpoint.
    pub fn endpoint(self) -> &'a Endpoint {
        &self.common.endpoint
    }

    /// Returns where the endpoint stands: the string literal with its quotes.
    pub fn endpoint_span(self) -> Span {
        self.common.spans.endpoint
    }

    /// Returns the key of the mapping in its object: the last level of the endpoint.
    ///
    /// It is a literal but for the odd interface that ends its only endpoint in a parameter (a
    /// warning says so): the key is then the text of that level, `%{name}`.
    pub fn key(self) -> Option<&'a str> {
        match self.kind {
            Kind::Object { .. } => Some(self.common.endpoint.last_level_text()),
            Kind::Datastream(_) | Kind::Property { .. } => None,
        }
    }

    /// Returns where the mapping stands: the whole JSON object.
    pub fn span(self) -> Span {
        self.common.spans.mapping
    }

    /// Returns the type of the values.
    pub fn value_type(self) -> MappingType {
        self.common.value_type
    }

    /// Returns where the type stands: the string literal with its quotes.
    pub fn type_span(self) -> Span {
        self.common.spans.value_type
    }

    /// Returns the reliability; properties are `unique`.
    pub fn reliability(self) -> Reliability {
        self.delivery()
            .map_or(Reliability::Unique, |delivery| delivery.reliability)
    }

    /// Returns the MQTT quality of service, 0 to 2; properties have 2.
    pub fn qos(self) -> u8 {
        self.reliability().qos()
    }

    /// Returns the retention; properties have `discard`, because their state is kept anyway.
    pub fn retention(self) -> Retention {
        self.delivery()
            .map_or(Retention::Discard, |delivery| delivery.retention)
    }

    /// Returns after how many seconds a message that was kept is given up; 0 is never.
    pub fn expiry(self) -> u32 {
        self.delivery().map_or(0, |delivery| delivery.expiry)
    }

    /// Returns after how many seconds the server deletes a stored value, 60 to 630 719 999; `None`
    /// is never.
    pub fn database_retention_ttl(self) -> Option<u32> {
        self.delivery()
            .and_then(|delivery| delivery.database_retention_ttl)
    }

    /// Whether each value carries a timestamp of its sender's.
    pub fn explicit_timestamp(self) -> bool {
        self.delivery()
            .is_some_and(|delivery| delivery.explicit_timestamp)
    }

    /// Whether the property can be unset.
    pub fn allow_unset(self) -> bool {
        matches!(self.kind, Kind::Property { allow_unset: true })
    }

    /// Whether every object has the mapping.
    pub fn required(self) -> bool {
        matches!(self.kind, Kind::Object { required: true, .. })
    }

    /// Whether payloads are encrypted end to end, which is experimental on the server.
    pub fn encrypted(self) -> bool {
        self.common.encrypted
    }

    /// Returns where `encrypted` stands, the key with its value, if it does.
    pub fn encrypted_span(self) -> Option<Span> {
        self.common.spans.encrypted
    }

    /// Returns the short description.
    pub fn description(self) -> Option<&'a str> {
        self.common.description.as_deref()
    }

    /// Returns the documentation.
    pub fn doc(self) -> Option<&'a str> {
        self.common.doc.as_deref()
    }

    pub(crate) fn common(self) -> &'a Common {
        self.common
    }

    fn delivery(self) -> Option<&'a Delivery> {
        match self.kind {
            Kind::Datastream(delivery) | Kind::Object { delivery, .. } => Some(delivery),
            Kind::Property { .. } => None,
        }
    }
}
