//! Data messages: the checks of the server, in their order, and what is stored.

use std::sync::Arc;

use astarte_interface::{Interface, InterfaceType, Level, Mapping, Ownership, Value, suggest};

use super::route::Route;
use super::{Context, Rejection, payload};
use crate::broker::Publish;
use crate::error_name::ErrorName;
use crate::event::EventKind;
use crate::path::{self, PathError, Target};
use crate::profile::ServerVersion;
use crate::received::{Parts, Received};

impl Context<'_> {
    /// Handles `interface/path` under the device's topic.
    pub(super) fn data(
        &mut self,
        topic: &[u8],
        publish: &Publish,
        reception: i64,
    ) -> Result<(), Rejection> {
        let route = self.route(topic)?;
        self.message(&route, publish, reception)
            .map_err(|rejection| rejection.on(&route.name).at(&route.path))
    }

    fn message(
        &mut self,
        route: &Route,
        publish: &Publish,
        reception: i64,
    ) -> Result<(), Rejection> {
        let (interface, target) = (&route.interface, route.target());
        let keys = self.keys(interface);
        let checked = payload::check(interface, &target, &keys, &publish.payload)?;
        let received = Received::new(Parts {
            interface: Arc::clone(&route.name),
            path: Arc::clone(&route.path),
            content: checked.content,
            timestamp: checked.timestamp.unwrap_or(reception),
            reception,
            qos: publish.qos,
            payload: publish.payload.clone(),
            would_wedge: checked.would_wedge,
        });
        self.emit(EventKind::IncomingData(received.clone()));
        match target {
            Target::Individual(mapping)
                if interface.interface_type() == InterfaceType::Properties =>
            {
                self.store_property(interface, mapping, &received)?;
            }
            Target::Individual(_) if received.is_unset() => {
                let detail = "an empty payload, or null, on a datastream";
                let wedges = self.version() == ServerVersion::V1_2_0;
                let rejection = Rejection {
                    would_wedge: wedges,
                    ..Rejection::new(ErrorName::UnsetOnDatastream, detail)
                };
                return Err(rejection.declared(interface, interface.type_span()));
            }
            Target::Individual(_) | Target::Object => {}
        }
        self.state.inbox.push(interface.version().major, received);
        Ok(())
    }

    fn store_property(
        &mut self,
        interface: &Interface,
        mapping: Mapping<'_>,
        received: &Received,
    ) -> Result<(), Rejection> {
        let name = received.interface().to_owned();
        let path = received.path().to_owned();
        let key = (name.clone(), interface.version().major);
        let properties = self.state.properties.get(&key);
        let old = properties
            .and_then(|properties| properties.get(&path))
            .cloned();
        let new = received.value().cloned();
        if old != new {
            self.emit(EventKind::ValueChange {
                interface: name.clone(),
                path: path.clone(),
                old: old.clone(),
                new: new.clone(),
            });
        }
        match new {
            Some(new) => self.set_property(key, path, old, new),
            None if mapping.allow_unset() || self.version().unsets_everything() => {
                self.remove_property(&name, key.1, path)
            }
            None => {
                let detail = format!("`{}` has no `allow_unset`", mapping.endpoint());
                return Err(Rejection::new(ErrorName::UnsetNotAllowed, detail)
                    .declared(interface, mapping.endpoint_span()));
            }
        }
        Ok(())
    }

    fn set_property(&mut self, key: (String, u32), path: String, old: Option<Value>, new: Value) {
        let interface = key.0.clone();
        let properties = self.state.properties.entry(key).or_default();
        properties.insert(path.clone(), new.clone());
        match old {
            None => self.emit(EventKind::PathCreated {
                interface,
                path,
                value: new,
            }),
            Some(old) if old != new => {
                self.emit(EventKind::ValueChangeApplied {
                    interface,
                    path,
                    old,
                    new,
                });
            }
            Some(_) => {}
        }
    }
}

/// Splits a topic at its first slash, which belongs to the path; the path of a bare interface is
/// `/`.
pub(super) fn split(topic: &[u8]) -> Result<(&str, &str), Rejection> {
    let slash = topic
        .iter()
        .position(|byte| *byte == b'/')
        .unwrap_or(topic.len());
    let (name, path) = topic.split_at(slash);
    let name = str::from_utf8(name).map_err(|_| {
        let detail = format!("`{}` is not UTF-8", name.escape_ascii());
        Rejection::new(ErrorName::InvalidInterface, detail)
    })?;
    let valid = str::from_utf8(path)
        .ok()
        .filter(|path| !path.contains("//"));
    let path = valid.ok_or_else(|| {
        let path = String::from_utf8_lossy(path);
        let detail = format!("the path `{}`", path.escape_default());
        Rejection::new(ErrorName::InvalidPath, detail)
            .on(name)
            .at(&path)
    })?;
    Ok((name, if path.is_empty() { "/" } else { path }))
}

pub(super) fn check_target<'i>(
    interface: &'i Interface,
    path: &str,
) -> Result<Target<'i>, Rejection> {
    if interface.ownership() != Ownership::Device {
        let detail = format!("`{}` is owned by the server", interface.name());
        let rejection = Rejection::new(ErrorName::WriteOnServerOwnedInterface, detail);
        return Err(rejection.declared(interface, interface.ownership_span()));
    }
    let target = path::resolve(interface, path).map_err(|error| match error {
        PathError::Ambiguous => {
            let detail = format!("`{path}` is only the beginning of an endpoint");
            Rejection::new(ErrorName::AmbiguousPath, detail)
                .declared(interface, interface.name_span())
        }
        PathError::NotFound => {
            let detail = format!(
                "version {} has no mapping for `{path}`",
                interface.version()
            );
            Rejection::new(ErrorName::MappingNotFound, detail)
                .suggesting(interface, close_mapping(interface, path))
        }
    })?;
    Ok(target)
}

/// One encrypted mapping makes every message on its interface an encrypted one.
pub(super) fn check_encryption(interface: &Interface) -> Result<(), Rejection> {
    let Some(mapping) = interface.mappings().find(|mapping| mapping.encrypted()) else {
        return Ok(());
    };
    let detail = format!(
        "`{}` is encrypted, and the sandbox has no key agreement",
        mapping.endpoint()
    );
    let place = mapping.encrypted_span().unwrap_or(mapping.endpoint_span());
    Err(Rejection::new(ErrorName::KeyAgreementError, detail).declared(interface, place))
}

/// Finds a mapping whose path, with the parameters of this one, is similar.
fn close_mapping<'i>(interface: &'i Interface, path: &str) -> Option<Mapping<'i>> {
    let levels: Vec<&str> = path.split('/').skip(1).collect();
    interface.mappings().find(|mapping| {
        let endpoint = with_parameters(mapping.endpoint().levels(), &levels);
        endpoint.is_some_and(|endpoint| suggest(path, [endpoint.as_str()]).is_some())
    })
}

/// Writes the levels of a path in place of the parameters of an endpoint.
fn with_parameters(endpoint: &[Level], levels: &[&str]) -> Option<String> {
    let level = |(pattern, level): (&Level, &&str)| match pattern {
        Level::Literal(literal) => format!("/{literal}"),
        Level::Parameter(_) => format!("/{level}"),
    };
    let same_depth = endpoint.len() == levels.len();
    same_depth.then(|| endpoint.iter().zip(levels).map(level).collect())
}
