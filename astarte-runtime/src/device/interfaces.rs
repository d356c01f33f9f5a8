//! The interfaces of a device: its introspection, and where what is received goes.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
};

use crate::{Descriptor, Ownership, Reliability, inbox::Deliver};

use super::ConnectError;

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
    by_name: HashMap<&'static str, Registered>,
    introspection: String,
}

impl Interfaces {
    pub(crate) fn new(registered: Vec<Registered>) -> Result<Self, ConnectError> {
        let mut by_name = HashMap::<_, Registered>::with_capacity(registered.len());
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
        let by_name: HashMap<_, _> = by_name
            .into_values()
            .map(|interface| (interface.descriptor.name, interface))
            .collect();
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
        })
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

/// The quality of service of a reliability.
pub(crate) fn qos(reliability: Reliability) -> rumqttc::mqttbytes::QoS {
    use rumqttc::mqttbytes::QoS;
    match reliability {
        Reliability::Unreliable => QoS::AtMostOnce,
        Reliability::Guaranteed => QoS::AtLeastOnce,
        Reliability::Unique => QoS::ExactlyOnce,
    }
}
