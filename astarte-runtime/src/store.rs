//! Where properties are kept.
//!
//! A property is a row under its interface, major version and path. The rows hold device-owned properties, so that they
//! can be sent again when the server forgot the session, and server-owned ones, so that they can be read while offline.

mod memory;
#[cfg(feature = "redb")]
mod redb;

use std::{fmt, io};

use thiserror::Error;

pub use self::memory::MemoryStore;
#[cfg(feature = "redb")]
pub use self::redb::RedbStore;
use crate::Ownership;

/// A store of properties.
///
/// The store of a device is called from one task at a time for writing, and from any thread for reading. A write that
/// returned is seen by every later read, and survives a power cut where the store is on disk.
///
/// Implement it to keep properties elsewhere; [`MemoryStore`] and [`RedbStore`] come with the crate.
pub trait PropertyStore: fmt::Debug + Send + Sync + 'static {
    /// The property at a path, where its interface was stored with the same major version.
    ///
    /// # Errors
    ///
    /// - The store cannot be read.
    fn load(&self, interface: &str, major: u32, path: &str)
    -> Result<Option<Property>, StoreError>;

    /// Every property of one major version of an interface, by path in bytewise order.
    ///
    /// # Errors
    ///
    /// - The store cannot be read.
    fn load_interface(&self, interface: &str, major: u32) -> Result<Vec<Property>, StoreError>;

    /// Every property, by interface, major version and path in bytewise order. A row that cannot be read is left out.
    ///
    /// # Errors
    ///
    /// - The store cannot be read.
    fn load_all(&self) -> Result<Vec<Property>, StoreError>;

    /// Applies all changes, in their order, or none.
    ///
    /// # Errors
    ///
    /// - The store cannot be written.
    fn apply(&self, changes: &[Change]) -> Result<(), StoreError>;

    /// Whether calls may block their thread, as those of a store on disk do; `true` by default.
    ///
    /// Then the device writes on a thread for such calls. Handles read on the thread that calls them.
    fn blocks(&self) -> bool {
        true
    }
}

/// A row of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Property {
    /// The name of the interface.
    pub interface: String,
    /// The major version of the interface.
    pub major: u32,
    /// The path, with its leading slash.
    pub path: String,
    /// Who owns the interface.
    pub ownership: Ownership,
    /// How far the row is known to the server.
    pub state: State,
    /// The value as it is on the wire: a BSON document with the value under `v`. Empty where the state is
    /// [`State::Unset`].
    pub payload: Vec<u8>,
}

/// How far a row is known to the server. Rows of server-owned properties are [`State::Sent`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// The server has the value.
    Sent,
    /// The server may not have the value yet.
    Unsent,
    /// The property was unset, and the server may not know yet.
    Unset,
}

/// A change of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Stores a row, in place of one of the same interface, major version and path.
    Store(Property),
    /// Removes a row. One that is not there is no error.
    Delete {
        /// The name of the interface.
        interface: String,
        /// The major version of the interface.
        major: u32,
        /// The path.
        path: String,
    },
    /// Removes every row of an interface but those of one major version.
    DeleteOtherMajors {
        /// The name of the interface.
        interface: String,
        /// The major version that stays.
        major: u32,
    },
    /// Notes that the server has a row, where the row still holds this payload: [`State::Unsent`] becomes
    /// [`State::Sent`], and a row in [`State::Unset`] is removed.
    Acknowledge {
        /// The name of the interface.
        interface: String,
        /// The major version of the interface.
        major: u32,
        /// The path.
        path: String,
        /// What was sent.
        payload: Vec<u8>,
    },
    /// Removes everything.
    Clear,
}

/// A store failed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The file, or what stands in its place, could not be read or written.
    #[error("the property store failed")]
    Backend(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The device has not been connected yet, or was stopped.
    #[error("the property store is not open: it opens when `connect` is first awaited")]
    Closed,
    /// The file was written by a newer version of this crate.
    #[error(
        "the property store has format {found}, this version of astarte-runtime reads up to {supported}"
    )]
    Format {
        /// The format of the file.
        found: u32,
        /// The newest format that this version reads.
        supported: u32,
    },
    /// Another process, or another device in this one, has the file open.
    #[error("the property store is in use by another process or device")]
    InUse,
    /// The file could not be opened.
    #[error("the property store could not be opened at `{path}`")]
    Open {
        /// The file.
        path: String,
        /// Why.
        source: io::Error,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn property(major: u32, path: &str, payload: &[u8]) -> Property {
        Property {
            interface: "org.example.A".into(),
            major,
            path: path.into(),
            ownership: Ownership::Device,
            state: State::Unsent,
            payload: payload.into(),
        }
    }

    fn acknowledge(major: u32, path: &str, payload: &[u8]) -> Change {
        Change::Acknowledge {
            interface: "org.example.A".into(),
            major,
            path: path.into(),
            payload: payload.into(),
        }
    }

    /// What every store must do.
    fn behaves(store: &dyn PropertyStore) {
        let load = |path| store.load("org.example.A", 1, path).unwrap();
        assert_eq!(load("/a"), None);

        store
            .apply(&[
                Change::Store(property(1, "/b", b"1")),
                Change::Store(property(1, "/a", b"")),
            ])
            .unwrap();
        assert_eq!(load("/a"), Some(property(1, "/a", b"")));
        assert_eq!(
            store.load_all().unwrap(),
            [property(1, "/a", b""), property(1, "/b", b"1")]
        );
        assert_eq!(store.load_interface("org.example.A", 1).unwrap().len(), 2);
        assert_eq!(store.load_interface("org.example.A", 2).unwrap(), []);
        assert_eq!(store.load_interface("org.example", 1).unwrap(), []);

        // An acknowledgement of an older value does not count for the newer one.
        store
            .apply(&[acknowledge(1, "/b", b"0"), acknowledge(1, "/c", b"1")])
            .unwrap();
        assert_eq!(load("/b").unwrap().state, State::Unsent);
        store.apply(&[acknowledge(1, "/b", b"1")]).unwrap();
        assert_eq!(load("/b").unwrap().state, State::Sent);
        let unset = Property {
            state: State::Unset,
            ..property(1, "/b", b"")
        };
        store.apply(&[Change::Store(unset)]).unwrap();
        assert_eq!(load("/b").unwrap().state, State::Unset);
        store.apply(&[acknowledge(1, "/b", b"")]).unwrap();
        assert_eq!(load("/b"), None);

        // Another major is another interface.
        assert_eq!(store.load("org.example.A", 2, "/a").unwrap(), None);
        store
            .apply(&[Change::Store(property(2, "/a", b"2"))])
            .unwrap();
        assert_eq!(load("/a"), Some(property(1, "/a", b"")));
        store
            .apply(&[Change::DeleteOtherMajors {
                interface: "org.example.A".into(),
                major: 2,
            }])
            .unwrap();
        assert_eq!(store.load_all().unwrap(), [property(2, "/a", b"2")]);

        let delete = || Change::Delete {
            interface: "org.example.A".into(),
            major: 2,
            path: "/a".into(),
        };
        store.apply(&[delete(), delete()]).unwrap();
        assert_eq!(store.load_all().unwrap(), []);
        store
            .apply(&[Change::Store(property(1, "/b", b"1"))])
            .unwrap();
        store.apply(&[Change::Clear]).unwrap();
        assert_eq!(store.load_all().unwrap(), []);
    }

    #[test]
    fn memory_behaves() {
        behaves(&MemoryStore::new());
    }

    #[cfg(feature = "redb")]
    #[test]
    fn redb_behaves() {
        behaves(&RedbStore::in_memory().unwrap());
    }
}
