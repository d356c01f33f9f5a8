//! Which mappings the keys of an object are held against.

use std::sync::Arc;

use astarte_interface::{Aggregation, Interface, Mapping};

use super::Context;
use crate::profile::Profile;

/// The mappings that count for the keys of an object.
pub(super) struct Keys<'a> {
    interface: &'a Interface,
    /// Other interfaces whose keys the server takes for those of this one.
    others: Vec<Arc<Interface>>,
    required: bool,
}

impl Context<'_> {
    /// Notes that the server has loaded an interface, and returns the mappings it looks at.
    pub(super) fn keys<'a>(&mut self, interface: &'a Interface) -> Keys<'a> {
        let required = self.version().has_required();
        let mut others = Vec::new();
        if self.core.settings.profile == Profile::AsShipped && required {
            let name = interface.name().as_str();
            self.state.loaded.insert(name.to_owned());
            let introspection = &self.state.introspection;
            let loaded = self.state.loaded.iter().filter(|other| *other != name);
            others = loaded
                .filter_map(|name| {
                    let version = introspection.get(name)?;
                    self.core.installed.get(name, version.major)
                })
                .collect();
        }
        Keys {
            interface,
            others,
            required,
        }
    }
}

impl Keys<'_> {
    /// Finds the mapping of a key.
    pub(super) fn find(&self, key: &str) -> Option<Mapping<'_>> {
        self.own().find(|mapping| mapping.key() == Some(key))
    }

    /// Finds the mapping of a key that the server takes for one of this interface.
    pub(super) fn find_foreign(&self, key: &str) -> Option<Mapping<'_>> {
        let last =
            |mapping: &Mapping<'_>| mapping.endpoint().as_str().rsplit('/').next() == Some(key);
        self.foreign().find(last)
    }

    /// Returns the interface and the key of a required mapping that is not among those sent.
    pub(super) fn missing(
        &self,
        is_sent: impl Fn(&str) -> bool,
    ) -> Option<(&Interface, Mapping<'_>)> {
        let others = self.others.iter().map(|interface| &**interface);
        let interfaces = std::iter::once(self.interface).chain(others);
        let objects = interfaces
            .filter(|interface| self.required && interface.aggregation() == Aggregation::Object);
        let mut mappings = objects.flat_map(|interface| {
            interface
                .mappings()
                .map(move |mapping| (interface, mapping))
        });
        mappings.find(|(_, mapping)| {
            mapping.required() && mapping.key().is_some_and(|key| !is_sent(key))
        })
    }

    fn own(&self) -> impl Iterator<Item = Mapping<'_>> {
        self.interface.mappings()
    }

    fn foreign(&self) -> impl Iterator<Item = Mapping<'_>> {
        self.others
            .iter()
            .flat_map(|interface| interface.mappings())
    }
}

#[cfg(test)]
impl<'a> Keys<'a> {
    /// Those of the interface alone.
    pub(super) fn of(interface: &'a Interface) -> Keys<'a> {
        Keys {
            interface,
            others: Vec::new(),
            required: true,
        }
    }
}
