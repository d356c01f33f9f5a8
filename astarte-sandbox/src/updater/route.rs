//! Where the messages on a topic go, found once.

use std::collections::HashMap;
use std::sync::Arc;

use astarte_interface::Interface;

use super::data::{check_encryption, check_target, split};
use super::{Context, Rejection};
use crate::error_name::ErrorName;
use crate::path::Target;

/// What the last topics of a device led to.
#[derive(Default)]
pub(crate) struct Routes {
    /// That of the installed interfaces when they were looked at.
    generation: u64,
    known: HashMap<Arc<[u8]>, Arc<Route>>,
    /// The last one, because devices tend to repeat themselves.
    last: Option<Arc<Route>>,
}

/// A path of an installed interface on which the device may send.
pub(super) struct Route {
    topic: Arc<[u8]>,
    pub(super) name: Arc<str>,
    pub(super) path: Arc<str>,
    pub(super) interface: Arc<Interface>,
    /// The place of the mapping in its interface, nothing for the object.
    mapping: Option<usize>,
}

impl Route {
    pub(super) fn target(&self) -> Target<'_> {
        let mapping = self
            .mapping
            .and_then(|index| self.interface.mappings().nth(index));
        mapping.map_or(Target::Object, Target::Individual)
    }
}

impl Context<'_> {
    /// Finds the route of `interface/path`, or what is wrong with it.
    pub(super) fn route(&mut self, topic: &[u8]) -> Result<Arc<Route>, Rejection> {
        let generation = self.core.installed.generation();
        let routes = &mut self.state.routes;
        if routes.generation != generation {
            *routes = Routes {
                generation,
                ..Routes::default()
            };
        }
        let last = routes.last.take_if(|route| *route.topic == *topic);
        let known = last.or_else(|| routes.known.get(topic).cloned());
        let route = match known.filter(|route| self.is_valid(route)) {
            Some(route) => route,
            None => {
                let route = Arc::new(self.find(topic)?);
                let known = &mut self.state.routes.known;
                if known.len() >= LIMIT {
                    known.clear();
                }
                known.insert(Arc::clone(&route.topic), Arc::clone(&route));
                route
            }
        };
        self.state.routes.last = Some(Arc::clone(&route));
        Ok(route)
    }

    /// Whether the introspection still has the interface of a route.
    fn is_valid(&self, route: &Route) -> bool {
        let version = self.state.introspection.get(&*route.name);
        version.is_some_and(|version| version.major == route.interface.version().major)
    }

    /// Checks all that can be said without the payload, in the order of the server.
    fn find(&self, topic: &[u8]) -> Result<Route, Rejection> {
        let (name, path) = split(topic)?;
        let found = || {
            let version = self.state.introspection.get(name).copied().ok_or_else(|| {
                let detail = format!("`{name}` is not in the introspection");
                Rejection::new(ErrorName::InterfaceLoadingFailed, detail)
            })?;
            let interface = self.installed(name, version)?;
            let target = check_target(&interface, path)?;
            if self.version().has_encryption() {
                check_encryption(&interface)?;
            }
            let mapping = match target {
                Target::Individual(mapping) => interface
                    .mappings()
                    .position(|other| other.endpoint() == mapping.endpoint()),
                Target::Object => None,
            };
            Ok((interface, mapping))
        };
        let (interface, mapping) =
            found().map_err(|rejection: Rejection| rejection.on(name).at(path))?;
        Ok(Route {
            topic: topic.into(),
            name: name.into(),
            path: path.into(),
            interface,
            mapping,
        })
    }
}

/// Topics of one device that are known at a time.
const LIMIT: usize = 256;
