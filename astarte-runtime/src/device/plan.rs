//! What server and device have to tell each other, from what the server knows and what the device is.

use super::interfaces::{InterfaceKind, Interfaces, Registered};
use crate::Ownership;

/// The steps of a handshake that are needed; what is empty or false is left out.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    /// What to subscribe to, as topic filters.
    pub(crate) subscribe: Vec<String>,
    pub(crate) introspection: bool,
    pub(crate) empty_cache: bool,
    pub(crate) properties: Resend,
    /// Whether the server is to get the list of all properties that are set.
    pub(crate) list: bool,
    /// What to unsubscribe from.
    pub(crate) unsubscribe: Vec<String>,
}

/// Which stored properties are sent.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) enum Resend {
    #[default]
    None,
    /// Those that the server may not have, and all of these interfaces.
    Unsent(Vec<&'static str>),
    All,
}

impl Plan {
    /// For a server that knows nothing of the device, or of which nothing is known.
    pub(crate) fn full(base: &str, interfaces: &Interfaces) -> Self {
        let mut subscribe = vec![format!("{base}/control/consumer/properties")];
        subscribe.extend(
            interfaces
                .iter()
                .filter(|interface| is_server_owned(interface))
                .map(|interface| filter(base, interface.descriptor.name)),
        );
        Self {
            subscribe,
            introspection: true,
            empty_cache: true,
            properties: Resend::All,
            list: true,
            ..Self::default()
        }
    }

    /// For a server that has the device's session, and knows this introspection of it.
    pub(crate) fn from_known(base: &str, introspection: &str, interfaces: &Interfaces) -> Self {
        let known: Vec<_> = introspection.split(';').filter_map(entry).collect();
        let added: Vec<_> = interfaces
            .iter()
            .filter(|interface| {
                let id = interface.id();
                !known
                    .iter()
                    .any(|entry| (entry.name, entry.major) == (id.name, id.major))
            })
            .collect();
        let of_kind = |kind| {
            let added = added
                .iter()
                .filter(move |interface| interface.kind() == kind);
            added.map(|interface| interface.descriptor.name)
        };
        let properties: Vec<_> = of_kind(InterfaceKind::DeviceProperties).collect();
        let mut plan = Self {
            subscribe: added
                .iter()
                .filter(|interface| is_server_owned(interface))
                .map(|interface| filter(base, interface.descriptor.name))
                .collect(),
            introspection: interfaces.introspection() != introspection,
            // The server tells nobody what is set on an interface that was added.
            empty_cache: of_kind(InterfaceKind::ServerProperties).next().is_some(),
            list: !properties.is_empty(),
            properties: Resend::Unsent(properties),
            unsubscribe: known
                .iter()
                .filter(|entry| interfaces.get(entry.name).is_none())
                .map(|entry| filter(base, entry.name))
                .collect(),
        };
        plan.subscribe.sort_unstable();
        plan
    }

    /// Leaves out the stored properties, where all that could be sent was sent already.
    pub(crate) fn while_connected(mut self) -> Self {
        if !self.list {
            self.properties = Resend::None;
        }
        self
    }

    /// Asks for the properties of the server as well.
    pub(crate) fn with_empty_cache(mut self, wanted: bool) -> Self {
        self.empty_cache |= wanted;
        self
    }
}

/// An interface in an introspection.
struct Entry<'a> {
    name: &'a str,
    major: u32,
}

fn entry(text: &str) -> Option<Entry<'_>> {
    let (name, version) = text.split_once(':')?;
    let (major, _) = version.split_once(':')?;
    let major = major.parse().ok()?;
    Some(Entry { name, major })
}

fn is_server_owned(interface: &Registered) -> bool {
    interface.descriptor.ownership == Ownership::Server
}

fn filter(base: &str, interface: &str) -> String {
    format!("{base}/{interface}/#")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Descriptor, Mapping, Type};

    const SETTING: &[Mapping] = &[Mapping::property("/a", Type::Double)];
    const READING: &[Mapping] = &[Mapping::datastream("/a", Type::Double)];

    fn interfaces(descriptors: &[Descriptor]) -> Interfaces {
        let registered = descriptors.iter().map(|descriptor| Registered {
            descriptor: *descriptor,
            inbox: None,
        });
        Interfaces::new(registered.collect()).unwrap()
    }

    fn sent(name: &'static str, major: u32, minor: u32) -> Descriptor {
        Descriptor::new(name, major, minor, Ownership::Device).mappings(READING)
    }

    #[test]
    fn what_is_known_is_not_told_again() {
        let interfaces = interfaces(&[sent("org.A", 1, 0)]);
        let plan = Plan::from_known("b", "org.A:1:0", &interfaces);
        let nothing = Plan {
            properties: Resend::Unsent(Vec::new()),
            ..Plan::default()
        };
        assert_eq!(plan, nothing);
        assert_eq!(plan.while_connected(), Plan::default());
    }

    #[test]
    fn a_minor_version_is_the_introspection_alone() {
        let interfaces = interfaces(&[sent("org.A", 1, 1)]);
        let plan = Plan::from_known("b", "org.A:1:0", &interfaces).while_connected();
        let introspection = Plan {
            introspection: true,
            ..Plan::default()
        };
        assert_eq!(plan, introspection);
    }

    #[test]
    fn a_major_version_of_a_datastream_is_the_introspection_alone() {
        let interfaces = interfaces(&[sent("org.A", 2, 0)]);
        let plan = Plan::from_known("b", "org.A:1:0", &interfaces).while_connected();
        let expected = Plan {
            introspection: true,
            ..Plan::default()
        };
        assert_eq!(plan, expected);
    }

    #[test]
    fn properties_are_asked_for_and_told() {
        let settings = Descriptor::new("org.S", 0, 1, Ownership::Server).mappings(SETTING);
        let status = Descriptor::new("org.D", 0, 1, Ownership::Device).mappings(SETTING);
        let interfaces = interfaces(&[settings, status]);
        let plan = Plan::from_known("b", "org.Gone:1:0", &interfaces).while_connected();
        let expected = Plan {
            subscribe: vec!["b/org.S/#".into()],
            introspection: true,
            empty_cache: true,
            properties: Resend::Unsent(vec!["org.D"]),
            list: true,
            unsubscribe: vec!["b/org.Gone/#".into()],
        };
        assert_eq!(plan, expected);
        // An introspection that was empty, or is none, knows nothing.
        for known in ["", "?", "org.D:x:1"] {
            let plan = Plan::from_known("b", known, &interfaces);
            assert_eq!(plan.subscribe, ["b/org.S/#"]);
            assert!(plan.introspection && plan.unsubscribe.is_empty());
        }
    }
}
