//! The interfaces of the realm, and the rules by which they come and change.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use astarte_interface::{Compatibility, Diagnostics, Interface, Source};

use crate::sync::lock;

/// Interfaces by name, then by major version.
#[derive(Default)]
pub(crate) struct Installed {
    by_name: Mutex<ByName>,
    /// How often they have changed.
    generation: AtomicU64,
}

type ByName = HashMap<String, BTreeMap<u32, Arc<Interface>>>;

/// The interface was not installed.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InstallError {
    /// The interface is installed at this major version; it can be updated.
    #[error("interface `{0}` is already installed at this major version")]
    AlreadyInstalled(String),
    /// The document breaks a rule.
    #[error("the interface is not valid\n{0}")]
    Invalid(Diagnostics),
    /// Another name is the same but for capitals and hyphens.
    #[error("the name `{name}` collides with the installed `{installed}`")]
    NameCollision {
        /// The name that was refused.
        name: String,
        /// The name it collides with.
        installed: String,
    },
}

/// The interface was not updated.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UpdateError {
    /// The document may not replace the installed one.
    #[error("the update is not compatible\n{0}")]
    Incompatible(Diagnostics),
    /// The document breaks a rule.
    #[error("the interface is not valid\n{0}")]
    Invalid(Diagnostics),
    /// The interface is not installed at this major version.
    #[error("interface `{0}` is not installed at this major version")]
    NotInstalled(String),
}

impl Installed {
    pub(crate) fn get(&self, name: &str, major: u32) -> Option<Arc<Interface>> {
        lock(&self.by_name).get(name)?.get(&major).cloned()
    }

    /// Returns a number that is another one after every change; what was looked up after it was
    /// asked for is valid while it is the same.
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::SeqCst)
    }

    fn changed(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
    }

    /// Returns all interfaces, by name and version.
    pub(crate) fn all(&self) -> Vec<Arc<Interface>> {
        let mut all: Vec<_> = lock(&self.by_name)
            .values()
            .flat_map(BTreeMap::values)
            .cloned()
            .collect();
        all.sort_by(|a, b| (a.name().as_str(), a.version()).cmp(&(b.name().as_str(), b.version())));
        all
    }

    pub(crate) fn install(&self, interface: Interface) -> Result<(), InstallError> {
        let name = interface.name().to_string();
        let mut installed = lock(&self.by_name);
        let mut others = installed
            .values()
            .filter_map(|versions| versions.values().next());
        if let Some(other) = others.find(|other| other.name().collides_with(interface.name())) {
            let installed = other.name().to_string();
            return Err(InstallError::NameCollision { name, installed });
        }
        let versions = installed.entry(name.clone()).or_default();
        if versions.contains_key(&interface.version().major) {
            return Err(InstallError::AlreadyInstalled(name));
        }
        versions.insert(interface.version().major, Arc::new(interface));
        self.changed();
        Ok(())
    }

    /// Updates an interface that was installed in an earlier run, unless it is the same; then its
    /// new source is the one to point at.
    pub(crate) fn renew(&self, interface: Interface) -> Result<(), UpdateError> {
        let (name, major) = (interface.name().as_str(), interface.version().major);
        let same = |old: Arc<Interface>| old.source().text() == interface.source().text();
        if !self.get(name, major).is_some_and(same) {
            return self.update(interface);
        }
        if let Some(versions) = lock(&self.by_name).get_mut(name) {
            versions.insert(major, Arc::new(interface));
            self.changed();
        }
        Ok(())
    }

    pub(crate) fn update(&self, interface: Interface) -> Result<(), UpdateError> {
        let name = interface.name().to_string();
        let mut installed = lock(&self.by_name);
        let versions = installed.get_mut(&name);
        let old = versions.and_then(|versions| versions.get_mut(&interface.version().major));
        let old = old.ok_or(UpdateError::NotInstalled(name))?;
        let compatibility = Compatibility::check(old, &interface);
        if !compatibility.is_compatible() {
            return Err(UpdateError::Incompatible(compatibility.into_diagnostics()));
        }
        *old = Arc::new(interface);
        self.changed();
        Ok(())
    }
}

/// Something that is, or can be parsed to, an interface: JSON text, a [`Source`] with a name, or an
/// [`Interface`].
pub trait IntoInterface: sealed::Sealed {
    /// Returns the interface.
    ///
    /// # Errors
    ///
    /// The text is not a valid interface.
    fn into_interface(self) -> Result<Interface, Diagnostics>;
}

impl IntoInterface for Interface {
    fn into_interface(self) -> Result<Interface, Diagnostics> {
        Ok(self)
    }
}

impl IntoInterface for &Interface {
    fn into_interface(self) -> Result<Interface, Diagnostics> {
        Ok(self.clone())
    }
}

impl IntoInterface for &Source {
    fn into_interface(self) -> Result<Interface, Diagnostics> {
        Interface::parse(self).map(|checked| checked.interface)
    }
}

impl IntoInterface for &str {
    fn into_interface(self) -> Result<Interface, Diagnostics> {
        (&Source::new("interface.json", self)).into_interface()
    }
}

impl IntoInterface for &String {
    fn into_interface(self) -> Result<Interface, Diagnostics> {
        self.as_str().into_interface()
    }
}

mod sealed {
    #[expect(unnameable_types, reason = "nobody else may implement `IntoInterface`")]
    pub trait Sealed {}

    impl Sealed for super::Interface {}
    impl Sealed for &super::Interface {}
    impl Sealed for &super::Source {}
    impl Sealed for &str {}
    impl Sealed for &String {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interface(name: &str, version: (u32, u32), endpoint: &str) -> Interface {
        let (major, minor) = version;
        let text = format!(
            r#"{{"interface_name":"{name}","version_major":{major},"version_minor":{minor},
                "type":"datastream","ownership":"device",
                "mappings":[{{"endpoint":"{endpoint}","type":"double"}}]}}"#
        );
        text.as_str().into_interface().unwrap()
    }

    #[test]
    fn majors_stand_beside_each_other() {
        let installed = Installed::default();
        installed
            .install(interface("org.example.A", (0, 1), "/a"))
            .unwrap();
        installed
            .install(interface("org.example.A", (1, 3), "/b"))
            .unwrap();
        assert!(installed.get("org.example.A", 0).is_some());
        assert_eq!(
            installed.get("org.example.A", 1).unwrap().version().minor,
            3
        );
        assert!(installed.get("org.example.A", 2).is_none());
        let again = installed.install(interface("org.example.A", (1, 4), "/b"));
        assert!(matches!(again, Err(InstallError::AlreadyInstalled(_))));
    }

    #[test]
    fn names_must_differ_in_more_than_hyphens() {
        let installed = Installed::default();
        installed
            .install(interface("com.a-b.X", (1, 0), "/a"))
            .unwrap();
        let collision = installed.install(interface("com.ab.x", (1, 0), "/a"));
        assert!(matches!(collision, Err(InstallError::NameCollision { .. })));
    }

    #[test]
    fn updates_follow_the_rules() {
        let installed = Installed::default();
        let update =
            |version, endpoint| installed.update(interface("org.example.A", version, endpoint));
        assert!(matches!(
            update((1, 0), "/a"),
            Err(UpdateError::NotInstalled(_))
        ));
        installed
            .install(interface("org.example.A", (1, 1), "/a"))
            .unwrap();
        for (version, endpoint) in [((1, 1), "/a"), ((1, 0), "/a"), ((1, 2), "/b")] {
            assert!(matches!(
                update(version, endpoint),
                Err(UpdateError::Incompatible(_))
            ));
        }
        update((1, 2), "/a").unwrap();
        assert_eq!(
            installed.get("org.example.A", 1).unwrap().version().minor,
            2
        );
    }
}
