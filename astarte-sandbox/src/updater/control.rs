//! Control messages: emptyCache and the device's list of properties.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use astarte_interface::{Interface, InterfaceType, Ownership, Value, Version};
use bytes::Bytes;

use super::{Context, Rejection, purge};
use crate::bson;
use crate::error_name::ErrorName;
use crate::event::EventKind;
use crate::profile::{Profile, ServerVersion};

impl Context<'_> {
    /// Handles a control topic; `path` is what follows `control/`.
    pub(super) fn control(&mut self, path: &[u8], payload: &Bytes) -> Result<(), Rejection> {
        match path {
            b"emptyCache" => self.empty_cache(),
            b"producer/properties" => self.producer_properties(payload),
            _ => {
                let detail = format!("control/{}", String::from_utf8_lossy(path));
                Err(Rejection::new(ErrorName::UnexpectedControlMessage, detail))
            }
        }
    }

    /// Sends the list of set properties of the server, then the properties.
    fn empty_cache(&mut self) -> Result<(), Rejection> {
        let list = match self.core.settings.profile {
            Profile::AsShipped if self.version() >= ServerVersion::V1_2_1 => Vec::new(),
            _ => self.set_server_properties(),
        };
        let list = purge::list(&list, self.state.purge_format);
        if self.send("control/consumer/properties", QOS, list) == 0 {
            let detail = "nothing is subscribed to control/consumer/properties";
            return Err(Rejection::new(ErrorName::DeviceSessionNotFound, detail));
        }
        for (name, version) in self.state.introspection.clone() {
            let interface = self
                .installed(&name, version)
                .map_err(|rejection| Rejection {
                    name: match self.version() {
                        ServerVersion::V1_4 => rejection.name,
                        _ => ErrorName::ResendInterfacePropertiesFailed,
                    },
                    ..rejection
                })?;
            if is_properties_of(&interface, Ownership::Server) {
                self.resend(&name, version)?;
            }
        }
        self.state.ready = true;
        self.emit(EventKind::EmptyCache);
        Ok(())
    }

    fn resend(&mut self, name: &str, version: Version) -> Result<(), Rejection> {
        for (path, value) in self.properties(name, version) {
            let payload = bson::encode_value(&value);
            if self.send(&format!("{name}{path}"), QOS, payload) == 0 {
                let detail = format!("nothing is subscribed to {name}{path}");
                let error = Rejection::new(ErrorName::ResendInterfacePropertiesFailed, detail);
                return Err(error.on(name).at(&path));
            }
        }
        Ok(())
    }

    /// Returns `interface/path` of every set property of the server in the introspection.
    fn set_server_properties(&self) -> Vec<String> {
        let mut list = Vec::new();
        for (name, version) in &self.state.introspection {
            let interface = self.core.installed.get(name, version.major);
            if interface.is_some_and(|interface| is_properties_of(&interface, Ownership::Server)) {
                let properties = self.properties(name, *version);
                list.extend(properties.keys().map(|path| format!("{name}{path}")));
            }
        }
        list
    }

    fn properties(&self, name: &str, version: Version) -> BTreeMap<String, Value> {
        let key = (name.to_owned(), version.major);
        self.state.properties.get(&key).cloned().unwrap_or_default()
    }

    /// Removes the device's properties that its list lacks, also those that cannot be unset.
    fn producer_properties(&mut self, payload: &Bytes) -> Result<(), Rejection> {
        let text = purge::text(payload, self.state.purge_format)?;
        let kept: HashSet<&str> = text.split(';').collect();
        for (name, version) in self.state.introspection.clone() {
            let interface = self.core.installed.get(&name, version.major);
            if !interface.is_some_and(|interface| is_properties_of(&interface, Ownership::Device)) {
                continue;
            }
            for path in self.properties(&name, version).into_keys() {
                if !kept.contains(format!("{name}{path}").as_str()) {
                    self.remove_property(&name, version.major, path);
                }
            }
        }
        Ok(())
    }

    /// Removes a property and reports it, if it was set.
    pub(super) fn remove_property(&mut self, name: &str, major: u32, path: String) {
        let properties = self.state.properties.get_mut(&(name.to_owned(), major));
        if properties
            .and_then(|properties| properties.remove(&path))
            .is_some()
        {
            self.emit(EventKind::PathRemoved {
                interface: name.to_owned(),
                path,
            });
        }
    }

    /// Returns an interface of the introspection, as it is installed in the realm.
    pub(super) fn installed(
        &self,
        name: &str,
        version: Version,
    ) -> Result<Arc<Interface>, Rejection> {
        self.core.installed.get(name, version.major).ok_or_else(|| {
            let detail = format!(
                "`{name}` is not installed at major version {}",
                version.major
            );
            Rejection::new(ErrorName::InterfaceLoadingFailed, detail).on(name)
        })
    }
}

fn is_properties_of(interface: &Interface, owner: Ownership) -> bool {
    interface.interface_type() == InterfaceType::Properties && interface.ownership() == owner
}

/// Everything that concerns properties travels with QoS 2.
const QOS: u8 = 2;
