//! Devices between two runs.

use std::collections::BTreeMap;

use astarte_interface::{DeviceId, Version};
use serde::{Deserialize, Serialize};

use super::FORMAT;
use super::value::KeptValue;
use crate::broker::session::{KeptSession, Session};
use crate::slot::{PurgeFormat, Registration, Slot, State};

/// A registered device: everything but the datastreams it has sent.
#[derive(Deserialize, Serialize)]
pub(crate) struct KeptDevice {
    format: u64,
    device_id: String,
    credentials_secret: Option<String>,
    inhibited: bool,
    confirmed: bool,
    introspection: BTreeMap<String, KeptVersion>,
    previous_interfaces: Vec<(String, KeptVersion)>,
    purge_properties_compression_format: PurgeFormat,
    properties: Vec<KeptProperties>,
    session: Option<KeptSession>,
}

#[derive(Deserialize, Serialize)]
struct KeptVersion {
    major: u32,
    minor: u32,
}

/// The set properties of an interface, by path.
#[derive(Deserialize, Serialize)]
struct KeptProperties {
    interface: String,
    major: u32,
    values: BTreeMap<String, KeptValue>,
}

impl KeptDevice {
    /// Returns what is to be kept of a device, nothing if it is not registered.
    pub(super) fn of(slot: &Slot) -> Option<KeptDevice> {
        let state = slot.peek();
        let registration = state.registration.as_ref()?;
        let previous = state.previous.iter();
        let properties = state.properties.iter();
        Some(KeptDevice {
            format: FORMAT,
            device_id: slot.id.to_string(),
            credentials_secret: registration.secret.clone(),
            inhibited: registration.inhibited,
            confirmed: registration.confirmed,
            introspection: state
                .introspection
                .iter()
                .map(|(name, version)| (name.clone(), KeptVersion::of(*version)))
                .collect(),
            previous_interfaces: previous
                .map(|((name, major), minor)| {
                    let (major, minor) = (*major, *minor);
                    (name.clone(), KeptVersion { major, minor })
                })
                .collect(),
            purge_properties_compression_format: state.purge_format,
            properties: properties
                .filter(|(_, values)| !values.is_empty())
                .map(|((interface, major), values)| KeptProperties {
                    interface: interface.clone(),
                    major: *major,
                    values: values
                        .iter()
                        .map(|(path, value)| (path.clone(), value.into()))
                        .collect(),
                })
                .collect(),
            session: state.session.keep(),
        })
    }

    pub(crate) fn id(&self) -> Option<DeviceId> {
        self.device_id.parse().ok()
    }

    /// Gives a device what was kept of it; the error says what cannot be read.
    pub(crate) fn restore(self, state: &mut State) -> Result<(), &'static str> {
        let introspection = self.introspection.into_iter();
        let previous = self.previous_interfaces.into_iter();
        state.registration = Some(Registration {
            secret: self.credentials_secret,
            inhibited: self.inhibited,
            confirmed: self.confirmed,
        });
        state.introspection = introspection
            .map(|(name, version)| (name, version.version()))
            .collect();
        state.previous = previous
            .map(|(name, version)| ((name, version.major), version.minor))
            .collect();
        state.purge_format = self.purge_properties_compression_format;
        for properties in self.properties {
            let values = properties.values.into_iter().map(|(path, value)| {
                let value = value.value().ok_or("a property is not base64")?;
                Ok((path, value))
            });
            let values = values.collect::<Result<_, &'static str>>()?;
            state
                .properties
                .insert((properties.interface, properties.major), values);
        }
        if let Some(session) = self.session {
            state.session =
                Session::restore(session).ok_or("a message of the session is not base64")?;
        }
        Ok(())
    }
}

impl KeptVersion {
    fn of(version: Version) -> KeptVersion {
        KeptVersion {
            major: version.major,
            minor: version.minor,
        }
    }

    fn version(&self) -> Version {
        Version {
            major: self.major,
            minor: self.minor,
        }
    }
}
