//! From drafts to the model, where illegal mixtures have no form.

use super::header::Kind;
use super::mapping::Draft;
use super::{Document, Spanned};
use crate::interface::Interface;
use crate::schema::{
    Common, DatastreamMapping, Delivery, Object, ObjectMapping, PropertyMapping, Schema, Spans,
};
use crate::source::{Source, Span};
use crate::tree::Tree;
use crate::types::{Reliability, Retention};

pub(super) fn build(source: &Source, document: Document) -> Interface {
    let Document { header, mappings } = document;
    let mut paths = Tree::default();
    for (index, draft) in mappings.iter().enumerate() {
        let levels = draft.endpoint.value.levels();
        let shown = match header.kind {
            Kind::Object => &levels[..levels.len() - 1],
            Kind::Datastream | Kind::Properties => levels,
        };
        paths.insert(shown, index);
    }
    Interface {
        source: source.clone(),
        name: header.name,
        version: header.version,
        ownership: header.ownership,
        description: header.description,
        doc: header.doc,
        schema: schema(header.kind, mappings),
        spans: header.spans,
        paths,
    }
}

fn schema(kind: Kind, mappings: Vec<Draft>) -> Schema {
    match kind {
        Kind::Datastream => {
            let mappings = mappings.into_iter().map(|draft| DatastreamMapping {
                delivery: draft.delivery(),
                common: common(draft),
            });
            Schema::Datastream(mappings.collect())
        }
        Kind::Object => Schema::Object(object(mappings)),
        Kind::Properties => {
            let mappings = mappings.into_iter().map(|draft| PropertyMapping {
                allow_unset: or(&draft.allow_unset, false),
                common: common(draft),
            });
            Schema::Properties(mappings.collect())
        }
    }
}

/// All mappings have one prefix and one delivery; that is checked before.
fn object(mappings: Vec<Draft>) -> Object {
    let first = mappings.first();
    let prefix = first
        .map(|draft| draft.prefix().to_vec())
        .unwrap_or_default();
    let delivery = first.map_or(DEFAULT_DELIVERY, Draft::delivery);
    let mappings = mappings.into_iter().map(|draft| ObjectMapping {
        required: or(&draft.required, false),
        common: common(draft),
    });
    Object {
        prefix,
        delivery,
        mappings: mappings.collect(),
    }
}

impl Draft {
    /// The levels of the endpoint without the last.
    pub(crate) fn prefix(&self) -> &[crate::endpoint::Level] {
        let levels = self.endpoint.value.levels();
        levels.split_last().map_or(&[], |(_, prefix)| prefix)
    }

    /// The delivery, with the defaults of what is left out.
    pub(crate) fn delivery(&self) -> Delivery {
        Delivery {
            reliability: or(&self.reliability, DEFAULT_DELIVERY.reliability),
            retention: or(&self.retention, DEFAULT_DELIVERY.retention),
            expiry: or(&self.expiry, DEFAULT_DELIVERY.expiry),
            explicit_timestamp: or(
                &self.explicit_timestamp,
                DEFAULT_DELIVERY.explicit_timestamp,
            ),
            database_retention_ttl: self.ttl.map(|ttl| ttl.value),
        }
    }
}

fn common(draft: Draft) -> Common {
    Common {
        encrypted: or(&draft.encrypted, false),
        spans: Spans {
            mapping: draft.span,
            endpoint: draft.endpoint.span,
            value_type: draft.value_type.span,
            reliability: member(&draft.reliability),
            retention: member(&draft.retention),
            expiry: member(&draft.expiry),
            database_retention: member(&draft.ttl),
            explicit_timestamp: member(&draft.explicit_timestamp),
            allow_unset: member(&draft.allow_unset),
            required: member(&draft.required),
            encrypted: member(&draft.encrypted),
        },
        endpoint: draft.endpoint.value,
        value_type: draft.value_type.value,
        description: draft.description,
        doc: draft.doc,
    }
}

fn or<T: Copy>(field: &Option<Spanned<T>>, default: T) -> T {
    field.as_ref().map_or(default, |field| field.value)
}

fn member<T>(field: &Option<Spanned<T>>) -> Option<Span> {
    field.as_ref().map(|field| field.member)
}

pub(crate) const DEFAULT_DELIVERY: Delivery = Delivery {
    reliability: Reliability::Unreliable,
    retention: Retention::Discard,
    expiry: 0,
    explicit_timestamp: false,
    database_retention_ttl: None,
};
