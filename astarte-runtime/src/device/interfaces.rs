//! The interfaces of a device: its introspection, and where what is received goes.

use std::{
    collections::{BTreeMap, HashSet, btree_map::Entry},
    sync::Arc,
};

use super::{ConnectError, registry::InterfaceError};
use crate::{Descriptor, Ownership, Reliability, inbox::Deliver, outbox::InterfaceId};

/// The largest introspection that fits in a packet beside its topic.
const INTROSPECTION_LIMIT: usize = 65_535 - 128;

/// An interface that was registered.
#[derive(Clone, Debug)]
pub(crate) struct Registered {
    pub(crate) descriptor: Descriptor,
    /// Where its messages go, where it is server-owned.
    pub(crate) inbox: Option<Arc<dyn Deliver>>,
}

impl Registered {
    pub(crate) fn id(&self) -> InterfaceId {
        self.descriptor.id()
    }

    pub(crate) fn kind(&self) -> InterfaceKind {
        match (self.descriptor.is_properties(), self.descriptor.ownership) {
            (true, Ownership::Device) => InterfaceKind::DeviceProperties,
            (true, Ownership::Server) => InterfaceKind::ServerProperties,
            (false, _) => InterfaceKind::Datastream,
        }
    }

    fn reads_only(&self) -> bool {
        self.kind() == InterfaceKind::ServerProperties && self.inbox.is_none()
    }
}

/// What the session does with the messages of an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InterfaceKind {
    Datastream,
    DeviceProperties,
    ServerProperties,
}

/// Every interface of a device, by name.
#[derive(Debug, Default)]
pub(crate) struct Interfaces {
    /// Looked into for every message: a comparison of a few names is less than a hash of one.
    by_name: BTreeMap<&'static str, Registered>,
    introspection: String,
    /// Names of interfaces that were removed, of which messages may still be on their way.
    removed: HashSet<&'static str>,
}

/// The interfaces after a change.
#[derive(Debug)]
pub(crate) struct Changed {
    pub(crate) interfaces: Interfaces,
    pub(crate) added: Option<InterfaceId>,
    /// What is no more, or is there in another version.
    pub(crate) replaced: Option<Registered>,
}

impl Interfaces {
    pub(crate) fn new(registered: Vec<Registered>) -> Result<Self, ConnectError> {
        let mut by_name = BTreeMap::<_, Registered>::new();
        for interface in registered {
            let descriptor = interface.descriptor;
            match by_name.entry(descriptor.name.to_ascii_lowercase()) {
                Entry::Vacant(entry) => {
                    entry.insert(interface);
                }
                // A handle that only reads stored properties stands beside the one that receives them.
                Entry::Occupied(mut entry)
                    if entry.get().descriptor == descriptor && entry.get().reads_only() =>
                {
                    entry.insert(interface);
                }
                Entry::Occupied(entry)
                    if entry.get().descriptor == descriptor && interface.reads_only() => {}
                Entry::Occupied(entry) => {
                    let first = entry.get().descriptor;
                    return Err(ConnectError::DuplicateInterface {
                        first: format!("{} {}", first.name, first.version),
                        second: format!("{} {}", descriptor.name, descriptor.version),
                    });
                }
            }
        }
        let by_name: BTreeMap<_, _> = by_name
            .into_values()
            .map(|interface| (interface.descriptor.name, interface))
            .collect();
        Self::checked(by_name, HashSet::new())
    }

    fn checked(
        by_name: BTreeMap<&'static str, Registered>,
        removed: HashSet<&'static str>,
    ) -> Result<Self, ConnectError> {
        let introspection = introspection(by_name.values());
        if introspection.len() > INTROSPECTION_LIMIT {
            return Err(ConnectError::IntrospectionSize {
                len: introspection.len(),
                limit: INTROSPECTION_LIMIT,
            });
        }
        Ok(Self {
            by_name,
            introspection,
            removed,
        })
    }

    /// These with another one, which takes the place of one of the same name and a version that is not higher.
    pub(crate) fn with(&self, interface: Registered) -> Result<Changed, InterfaceError> {
        let Descriptor { name, version, .. } = interface.descriptor;
        let same = |present: &&&str| present.eq_ignore_ascii_case(name) && **present != name;
        if let Some(present) = self.by_name.keys().find(same) {
            return Err(InterfaceError::Case {
                present,
                added: name,
            });
        }
        if let Some(present) = self.get(name)
            && present.descriptor.version > version
        {
            return Err(InterfaceError::Older {
                name,
                present: present.descriptor.version,
                added: version,
            });
        }
        let (mut by_name, mut removed) = (self.by_name.clone(), self.removed.clone());
        let added = Some(interface.id());
        let replaced = by_name.insert(name, interface);
        removed.remove(name);
        Ok(Changed {
            interfaces: Self::checked(by_name, removed).map_err(InterfaceError::Unfit)?,
            added,
            replaced,
        })
    }

    /// These without one.
    pub(crate) fn without(&self, id: InterfaceId) -> Result<Changed, InterfaceError> {
        let InterfaceId { name, major } = id;
        let (mut by_name, mut removed) = (self.by_name.clone(), self.removed.clone());
        let replaced = by_name.remove(name).filter(|removed| removed.id() == id);
        if replaced.is_none() {
            return Err(InterfaceError::Missing { name, major });
        }
        removed.insert(name);
        Ok(Changed {
            interfaces: Self::checked(by_name, removed).map_err(InterfaceError::Unfit)?,
            added: None,
            replaced,
        })
    }

    /// Whether a message of an interface of this name may come that is for nobody any more.
    pub(crate) fn was_removed(&self, name: &str) -> bool {
        self.removed.contains(name)
    }

    /// Whether the messages of an interface go to this inbox.
    pub(crate) fn has_inbox(&self, inbox: &Arc<dyn Deliver>) -> bool {
        let mut inboxes = self.iter().filter_map(|interface| interface.inbox.as_ref());
        inboxes.any(|present| Arc::ptr_eq(present, inbox))
    }

    /// What the device says of itself: `name:major:minor` of each interface, in order of their names.
    pub(crate) fn introspection(&self) -> &str {
        &self.introspection
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Registered> {
        self.by_name.get(name)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Registered> {
        self.by_name.values()
    }

    pub(crate) fn of_kind(&self, kind: InterfaceKind) -> impl Iterator<Item = &Registered> {
        self.iter()
            .filter(move |interface| interface.kind() == kind)
    }
}

fn introspection<'a>(interfaces: impl Iterator<Item = &'a Registered>) -> String {
    let mut entries: Vec<_> = interfaces
        .map(
            |Registered {
                 descriptor: Descriptor { name, version, .. },
                 ..
             }| { format!("{name}:{}:{}", version.major, version.minor) },
        )
        .collect();
    entries.sort_unstable();
    entries.join(";")
}

impl Descriptor {
    /// What tells the interface from all others.
    pub(crate) fn id(&self) -> InterfaceId {
        InterfaceId {
            name: self.name,
            major: self.version.major,
        }
    }
}

/// The quality of service of a reliability.
pub(crate) fn qos(reliability: Reliability) -> rumqttc::mqttbytes::QoS {
    use rumqttc::mqttbytes::QoS;
    match reliability {
        Reliability::Unreliable => QoS::AtMostOnce,
        Reliability::Guaranteed => QoS::AtLeastOnce,
        Reliability::Unique => QoS::ExactlyOnce,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registered(name: &'static str, major: u32, minor: u32) -> Registered {
        Registered {
            descriptor: Descriptor::new(name, major, minor, Ownership::Device),
            inbox: None,
        }
    }

    fn interfaces(all: Vec<Registered>) -> Interfaces {
        Interfaces::new(all).unwrap()
    }

    #[test]
    fn a_name_stands_once_with_its_highest_version() {
        let interfaces = interfaces(vec![registered("org.A", 1, 1), registered("org.B", 0, 1)]);
        for (version, introspection) in [
            ((1, 1), "org.A:1:1;org.B:0:1"),
            ((1, 2), "org.A:1:2;org.B:0:1"),
            ((2, 0), "org.A:2:0;org.B:0:1"),
        ] {
            let added = registered("org.A", version.0, version.1);
            let changed = interfaces.with(added).unwrap();
            assert_eq!(changed.interfaces.introspection(), introspection);
            let replaced = changed.replaced.map(|replaced| replaced.id().major);
            assert_eq!(replaced, Some(1));
        }
        for version in [(1, 0), (0, 9)] {
            let older = interfaces.with(registered("org.A", version.0, version.1));
            assert!(matches!(older, Err(InterfaceError::Older { .. })));
        }
        let case = interfaces.with(registered("org.a", 9, 0));
        assert!(matches!(case, Err(InterfaceError::Case { .. })));
    }

    #[test]
    fn what_is_not_there_is_not_removed() {
        let interfaces = interfaces(vec![registered("org.A", 1, 1)]);
        let id = |name, major| InterfaceId { name, major };
        for missing in [id("org.B", 1), id("org.A", 2)] {
            let error = interfaces.without(missing);
            assert!(matches!(error, Err(InterfaceError::Missing { .. })));
        }
        let removed = interfaces.without(id("org.A", 1)).unwrap().interfaces;
        assert_eq!(removed.introspection(), "");
        assert!(removed.was_removed("org.A") && !removed.was_removed("org.B"));
        let again = removed.with(registered("org.A", 1, 1)).unwrap().interfaces;
        assert!(!again.was_removed("org.A"));
    }

    #[test]
    fn an_introspection_that_fits_in_no_packet_is_an_error() {
        let name = |number: usize| -> &'static str {
            Box::leak(format!("org.{}{number:04}", "a".repeat(100)).into_boxed_str())
        };
        // Each has 108 bytes, 4 more for its version, and one to part it from the next.
        let fit = (0..578).map(|number| registered(name(number), 0, 1));
        let interfaces = interfaces(fit.collect());
        let error = interfaces.with(registered(name(9_999), 0, 1)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the introspection has 65426 bytes, the broker takes 65407: the device has too many interfaces"
        );
    }
}
