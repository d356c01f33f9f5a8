use std::collections::{HashMap, HashSet};

use crate::shape::{Attribute, MappingShape, Shape};
use crate::source::Span;
use crate::types::Aggregation;

/// One difference of two versions of an interface.
#[derive(Debug)]
pub(crate) enum Difference<'a> {
    /// Type, ownership or aggregation.
    Kind {
        key: &'static str,
        old: (&'static str, Span),
        new: (&'static str, Span),
    },
    /// Only the old one has the mapping.
    Removed(&'a MappingShape),
    /// Only the new one has the mapping.
    Added(&'a MappingShape),
    /// The endpoint has other names of parameters.
    Renamed {
        old: &'a MappingShape,
        new: &'a MappingShape,
    },
    /// The mapping has another value.
    Changed {
        attribute: Attribute,
        old: &'a MappingShape,
        new: &'a MappingShape,
    },
}

impl Difference<'_> {
    /// Whether the server accepts it in a minor version.
    pub(crate) fn is_minor(&self) -> bool {
        match self {
            Difference::Added(_) => true,
            Difference::Changed { attribute, .. } => attribute.may_change(),
            Difference::Kind { .. } | Difference::Removed(_) | Difference::Renamed { .. } => false,
        }
    }
}

/// Lists the differences. What all mappings of an object have in common is listed once.
pub(crate) fn differences<'a>(old: &'a Shape, new: &'a Shape) -> Vec<Difference<'a>> {
    let mut found = kind(old, new);
    if !found.is_empty() {
        // Another kind has other attributes: comparing mappings would only repeat that.
        return found;
    }
    let object = old.aggregation.0 == Aggregation::Object;
    let before: HashMap<_, _> = keyed(old).collect();
    let after: HashSet<_> = keyed(new).map(|(key, _)| key).collect();
    found.extend(
        keyed(old)
            .filter(|(key, _)| !after.contains(key))
            .map(|(_, was)| Difference::Removed(was)),
    );
    let mut shared = HashSet::new();
    for (key, is) in keyed(new) {
        let Some(was) = before.get(&key) else {
            found.push(Difference::Added(is));
            continue;
        };
        if was.endpoint != is.endpoint && (!object || shared.insert("endpoint")) {
            found.push(Difference::Renamed { old: was, new: is });
        }
        for attribute in Attribute::ALL {
            let changed = was.value(attribute) != is.value(attribute);
            let once = object && attribute.is_shared();
            if changed && (!once || shared.insert(attribute.key())) {
                found.push(Difference::Changed {
                    attribute,
                    old: was,
                    new: is,
                });
            }
        }
    }
    found
}

fn kind<'a>(old: &Shape, new: &Shape) -> Vec<Difference<'a>> {
    let word = |(value, span): (&'static str, Span)| (value, span);
    let all = [
        (
            "type",
            word((old.interface_type.0.as_str(), old.interface_type.1)),
            word((new.interface_type.0.as_str(), new.interface_type.1)),
        ),
        (
            "ownership",
            word((old.ownership.0.as_str(), old.ownership.1)),
            word((new.ownership.0.as_str(), new.ownership.1)),
        ),
        (
            "aggregation",
            word((old.aggregation.0.as_str(), old.aggregation.1)),
            word((new.aggregation.0.as_str(), new.aggregation.1)),
        ),
    ];
    let changed = all.into_iter().filter(|(_, old, new)| old.0 != new.0);
    changed
        .map(|(key, old, new)| Difference::Kind { key, old, new })
        .collect()
}

/// The mappings by what the server tells endpoints apart by.
fn keyed(shape: &Shape) -> impl Iterator<Item = (String, &MappingShape)> {
    shape
        .mappings
        .iter()
        .map(|mapping| (mapping.endpoint.blanked(), mapping))
}
