//! Publishing to a device, by the rules of the AppEngine API.

use std::collections::BTreeMap;
use std::sync::Arc;

use astarte_interface::{
    Aggregation, Interface, InterfaceType, Mapping, Ownership, Reliability, Value, ValueError,
};
use bytes::Bytes;

use super::Device;
use crate::bson;
use crate::path::{self, PathError, Target};
use crate::profile::ServerVersion;
use crate::slot::State;
use crate::updater::Context;

/// The data were not published.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// The interface is owned by the device.
    #[error("interface `{0}` is owned by the device")]
    DeviceOwned(String),
    /// The path ends before an endpoint of the interface does.
    #[error("the path `{0}` is only the beginning of an endpoint")]
    IncompletePath(String),
    /// The object lacks a required key.
    #[error("the object lacks the required key `{0}`")]
    MissingKey(String),
    /// The interface has no mapping, or no object, at the path.
    #[error("the interface has no mapping for the path `{0}`")]
    NoMapping(String),
    /// The interface is not one of properties.
    #[error("interface `{0}` is not a properties interface")]
    NotAProperty(String),
    /// An object was published on an individual interface, or a value on one with object
    /// aggregation.
    #[error("interface `{0}` has the aggregation `{1}`")]
    OtherAggregation(String, Aggregation),
    /// The interface is not in the introspection of the device.
    #[error("interface `{0}` is not in the introspection of the device")]
    NotInIntrospection(String),
    /// The interface is not installed at the major version of the introspection.
    #[error("interface `{0}` is not installed at the major version of the introspection")]
    NotInstalled(String),
    /// The message must be delivered, because its reliability is `guaranteed` or `unique`, and the
    /// device has no session with a subscription to it.
    #[error("the device has no subscription that matches, and the message must be delivered")]
    NobodySubscribed,
    /// The device is not registered.
    #[error("the device is not registered")]
    UnknownDevice,
    /// No mapping has this key of the object.
    #[error("the interface has no key `{0}`")]
    UnknownKey(String),
    /// The property cannot be unset.
    #[error("the property at `{0}` does not allow to be unset")]
    UnsetNotAllowed(String),
    /// The value does not fit the mapping.
    #[error("the value for `{0}` does not fit")]
    Value(String, #[source] ValueError),
}

impl Device {
    /// Publishes a value on an individual datastream, or sets a property, and returns how many
    /// subscriptions of the device match.
    ///
    /// An integer will do for a double or a longinteger. A device that is away gets the message
    /// when it comes back, if its session was kept and the message is `guaranteed` or `unique`;
    /// properties it gets in any case.
    ///
    /// # Errors
    ///
    /// - The device is not registered, or the interface is not in its introspection, not installed,
    ///   owned by the device, or has object aggregation.
    /// - The path is not one of the interface, or the value does not fit it.
    /// - Nothing matches, and the message is one of a datastream that is `guaranteed` or `unique`.
    pub fn publish(
        &self,
        interface: &str,
        path: &str,
        value: impl Into<Value>,
    ) -> Result<usize, PublishError> {
        let value = value.into();
        self.with_interface(interface, |context, interface| {
            let mapping = individual(&interface, path)?;
            let value = fit(value, mapping, path)?;
            let payload = bson::encode_value(&value);
            let subscriptions = deliver(context, &interface, mapping, path, payload)?;
            if interface.interface_type() == InterfaceType::Properties {
                let key = (interface.name().to_string(), interface.version().major);
                let properties = context.state.properties.entry(key).or_default();
                properties.insert(path.to_owned(), value);
            }
            Ok(subscriptions)
        })
    }

    /// Publishes an object and returns how many subscriptions of the device match. Any subset of
    /// the keys will do, unless they are required.
    ///
    /// # Errors
    ///
    /// Those of [`publish`](Device::publish), and:
    ///
    /// - The interface has individual aggregation.
    /// - A key is unknown, or a required one is missing.
    pub fn publish_object<K: Into<String>, V: Into<Value>>(
        &self,
        interface: &str,
        path: &str,
        object: impl IntoIterator<Item = (K, V)>,
    ) -> Result<usize, PublishError> {
        let object: Vec<(String, Value)> = object
            .into_iter()
            .map(|(key, value)| (key.into(), value.into()))
            .collect();
        self.with_interface(interface, |context, interface| {
            let object = fit_object(&interface, path, object, context.version())?;
            let first = interface.mappings().next();
            let mapping = first.ok_or_else(|| PublishError::NoMapping(path.to_owned()))?;
            let payload = bson::encode_object(&object);
            deliver(
                context,
                &interface,
                mapping,
                path.trim_end_matches('/'),
                payload,
            )
        })
    }

    /// Sets a property and returns how many subscriptions of the device match. A device that is
    /// away, or has none, gets the value with its next emptyCache.
    ///
    /// # Errors
    ///
    /// Those of [`publish`](Device::publish), and: the interface is not one of properties.
    pub fn set_property(
        &self,
        interface: &str,
        path: &str,
        value: impl Into<Value>,
    ) -> Result<usize, PublishError> {
        self.with_interface(interface, |_, interface| check_properties(&interface))?;
        self.publish(interface, path, value)
    }

    /// Unsets a property and returns how many subscriptions of the device match. It need not be
    /// set.
    ///
    /// # Errors
    ///
    /// Those of [`set_property`](Device::set_property) but for the value, and: the property does
    /// not allow it.
    pub fn unset_property(&self, interface: &str, path: &str) -> Result<usize, PublishError> {
        self.with_interface(interface, |context, interface| {
            check_properties(&interface)?;
            let mapping = individual(&interface, path)?;
            if !mapping.allow_unset() {
                return Err(PublishError::UnsetNotAllowed(path.to_owned()));
            }
            let key = (interface.name().to_string(), interface.version().major);
            let properties = context.state.properties.entry(key).or_default();
            properties.remove(path);
            deliver(context, &interface, mapping, path, Bytes::new())
        })
    }

    /// Publishes any bytes on a topic below `<realm>/<device id>/`, without checks, and returns how
    /// many subscriptions match: what no server should send, a device must survive. `qos` above 2
    /// is 2.
    pub fn publish_raw(&self, topic: &str, qos: u8, payload: impl Into<Bytes>) -> usize {
        let payload = payload.into();
        self.with_state(|context| context.send(topic, qos.min(2), payload))
    }

    /// Runs `action` with an interface that the server may publish on.
    fn with_interface<T>(
        &self,
        name: &str,
        action: impl FnOnce(&mut Context<'_>, Arc<Interface>) -> Result<T, PublishError>,
    ) -> Result<T, PublishError> {
        self.with_state(|context| {
            let name = name.to_owned();
            if context.state.registration.is_none() {
                return Err(PublishError::UnknownDevice);
            }
            let Some(version) = context.state.introspection.get(&name) else {
                return Err(PublishError::NotInIntrospection(name));
            };
            let Some(interface) = context.core.installed.get(&name, version.major) else {
                return Err(PublishError::NotInstalled(name));
            };
            match interface.ownership() {
                Ownership::Device => Err(PublishError::DeviceOwned(name)),
                Ownership::Server => action(context, interface),
            }
        })
    }

    fn with_state<T>(&self, action: impl FnOnce(&mut Context<'_>) -> T) -> T {
        self.slot.update(&self.core, |state: &mut State| {
            action(&mut Context {
                core: &self.core,
                slot: &self.slot,
                state,
            })
        })
    }
}

fn check_properties(interface: &Interface) -> Result<(), PublishError> {
    match interface.interface_type() {
        InterfaceType::Datastream => Err(PublishError::NotAProperty(interface.name().to_string())),
        InterfaceType::Properties => Ok(()),
    }
}

fn individual<'i>(interface: &'i Interface, path: &str) -> Result<Mapping<'i>, PublishError> {
    check_aggregation(interface, Aggregation::Individual)?;
    match resolve(interface, path)? {
        Target::Individual(mapping) => Ok(mapping),
        Target::Object => Err(PublishError::NoMapping(path.to_owned())),
    }
}

fn resolve<'i>(interface: &'i Interface, path: &str) -> Result<Target<'i>, PublishError> {
    let valid = path.starts_with('/') && !path.contains("//") && !path.contains(['+', '#', '\0']);
    let resolved = if valid {
        path::resolve(interface, path)
    } else {
        Err(PathError::NotFound)
    };
    resolved.map_err(|error| match error {
        PathError::Ambiguous => PublishError::IncompletePath(path.to_owned()),
        PathError::NotFound => PublishError::NoMapping(path.to_owned()),
    })
}

fn check_aggregation(interface: &Interface, expected: Aggregation) -> Result<(), PublishError> {
    let aggregation = interface.aggregation();
    if aggregation == expected {
        return Ok(());
    }
    Err(PublishError::OtherAggregation(
        interface.name().to_string(),
        aggregation,
    ))
}

fn fit(value: Value, mapping: Mapping<'_>, name: &str) -> Result<Value, PublishError> {
    let misfit = |error| PublishError::Value(name.to_owned(), error);
    value.convert(mapping.value_type()).map_err(misfit)
}

fn fit_object(
    interface: &Interface,
    path: &str,
    object: Vec<(String, Value)>,
    version: ServerVersion,
) -> Result<BTreeMap<String, Value>, PublishError> {
    check_aggregation(interface, Aggregation::Object)?;
    resolve(interface, path)?;
    let mut fitted = BTreeMap::new();
    for (key, value) in object {
        let mapping = interface
            .mappings()
            .find(|mapping| mapping.key() == Some(&key));
        let mapping = mapping.ok_or_else(|| PublishError::UnknownKey(key.clone()))?;
        let value = fit(value, mapping, &key)?;
        fitted.insert(key, value);
    }
    let required = interface
        .mappings()
        .filter(|mapping| mapping.required() && version.has_required());
    match required
        .filter_map(Mapping::key)
        .find(|key| !fitted.contains_key(*key))
    {
        Some(key) => Err(PublishError::MissingKey(key.to_owned())),
        None => Ok(fitted),
    }
}

/// Publishes with the mapping's quality of service. Only a datastream that must arrive needs
/// somebody to take it.
fn deliver(
    context: &mut Context<'_>,
    interface: &Interface,
    mapping: Mapping<'_>,
    path: &str,
    payload: Bytes,
) -> Result<usize, PublishError> {
    let topic = format!("{}{path}", interface.name());
    let subscriptions = context.send(&topic, mapping.qos(), payload);
    let must_arrive = interface.interface_type() == InterfaceType::Datastream
        && mapping.reliability() != Reliability::Unreliable;
    if subscriptions == 0 && must_arrive {
        return Err(PublishError::NobodySubscribed);
    }
    Ok(subscriptions)
}
