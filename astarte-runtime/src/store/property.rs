//! The properties of a device.
//!
//! A property is a row under its interface, major version and path. The rows hold device-owned properties, so that they
//! can be sent again when the server forgot the session, and server-owned ones, so that they can be read while offline.

use std::{borrow::Cow, sync::Arc};

use super::{Store, StoreError};
use crate::Ownership;

/// A store of properties.
///
/// The store of a device is called from one task at a time for writing, and from any thread for reading. A write that
/// returned is seen by every later read, and survives a power cut where the store is on disk.
///
/// Implement it to keep properties elsewhere, and test that with [`conformance!`](super::conformance!);
/// [`MemoryStore`](super::MemoryStore) and [`RedbStore`](super::RedbStore) come with the crate.
pub trait PropertyStore: Store {
    /// The property at a path, where its interface was stored with the same major version.
    ///
    /// # Errors
    ///
    /// - The store cannot be read.
    fn load(
        &self,
        interface: &str,
        major: u32,
        path: &str,
    ) -> Result<Option<Property<'static>>, StoreError>;

    /// Every property of one major version of an interface, by path in bytewise order.
    ///
    /// # Errors
    ///
    /// - The store cannot be read.
    fn load_interface(
        &self,
        interface: &str,
        major: u32,
    ) -> Result<Vec<Property<'static>>, StoreError>;

    /// Every property, by interface, major version and path in bytewise order. A row that cannot be read is left out.
    ///
    /// # Errors
    ///
    /// - The store cannot be read.
    fn load_all(&self) -> Result<Vec<Property<'static>>, StoreError>;

    /// Applies all changes, in their order, or none.
    ///
    /// # Errors
    ///
    /// - The store cannot be written.
    fn apply(&self, changes: &[Change<'_>]) -> Result<(), StoreError>;

    /// Whether the rows are all that the device has set; `true` by default.
    ///
    /// `false` after a store was lost, until [`Change::Complete`]: the device then does not tell the server which
    /// properties are set, because the server would delete all others.
    ///
    /// # Errors
    ///
    /// - The store cannot be read.
    fn is_complete(&self) -> Result<bool, StoreError> {
        Ok(true)
    }
}

impl<S: PropertyStore + ?Sized> PropertyStore for Arc<S> {
    fn load(
        &self,
        interface: &str,
        major: u32,
        path: &str,
    ) -> Result<Option<Property<'static>>, StoreError> {
        S::load(self, interface, major, path)
    }

    fn load_interface(
        &self,
        interface: &str,
        major: u32,
    ) -> Result<Vec<Property<'static>>, StoreError> {
        S::load_interface(self, interface, major)
    }

    fn load_all(&self) -> Result<Vec<Property<'static>>, StoreError> {
        S::load_all(self)
    }

    fn apply(&self, changes: &[Change<'_>]) -> Result<(), StoreError> {
        S::apply(self, changes)
    }

    fn is_complete(&self) -> Result<bool, StoreError> {
        S::is_complete(self)
    }
}

/// A row of the store. What is loaded owns its text; what is to be stored may borrow it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Property<'a> {
    /// The name of the interface.
    pub interface: Cow<'a, str>,
    /// The major version of the interface.
    pub major: u32,
    /// The path, with its leading slash.
    pub path: Cow<'a, str>,
    /// Who owns the interface.
    pub ownership: Ownership,
    /// How far the row is known to the server.
    pub state: State,
    /// The value as it is on the wire: a BSON document with the value under `v`. Empty where the state is
    /// [`State::Unset`].
    pub payload: Cow<'a, [u8]>,
}

impl Property<'_> {
    /// The same row with text of its own.
    #[must_use]
    pub fn into_owned(self) -> Property<'static> {
        Property {
            interface: self.interface.into_owned().into(),
            major: self.major,
            path: self.path.into_owned().into(),
            ownership: self.ownership,
            state: self.state,
            payload: self.payload.into_owned().into(),
        }
    }
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
pub enum Change<'a> {
    /// Stores a row, in place of one of the same interface, major version and path.
    Store(Property<'a>),
    /// Removes a row. One that is not there is no error.
    Delete {
        /// The name of the interface.
        interface: Cow<'a, str>,
        /// The major version of the interface.
        major: u32,
        /// The path.
        path: Cow<'a, str>,
    },
    /// Removes every row of an interface but those of one major version.
    DeleteOtherMajors {
        /// The name of the interface.
        interface: Cow<'a, str>,
        /// The major version that stays.
        major: u32,
    },
    /// Notes that the server has a row, where the row still holds this payload: [`State::Unsent`] becomes
    /// [`State::Sent`], and a row in [`State::Unset`] is removed.
    Acknowledge {
        /// The name of the interface.
        interface: Cow<'a, str>,
        /// The major version of the interface.
        major: u32,
        /// The path.
        path: Cow<'a, str>,
        /// What was sent.
        payload: Cow<'a, [u8]>,
    },
    /// Removes every row.
    Clear,
    /// Notes that the rows are all that the device has set, or that they may not be.
    Complete(bool),
}

impl Change<'_> {
    /// The same change with text of its own, for stores that hand it to another thread.
    #[must_use]
    pub fn into_owned(self) -> Change<'static> {
        match self {
            Self::Store(property) => Change::Store(property.into_owned()),
            Self::Delete {
                interface,
                major,
                path,
            } => Change::Delete {
                interface: interface.into_owned().into(),
                major,
                path: path.into_owned().into(),
            },
            Self::DeleteOtherMajors { interface, major } => Change::DeleteOtherMajors {
                interface: interface.into_owned().into(),
                major,
            },
            Self::Acknowledge {
                interface,
                major,
                path,
                payload,
            } => Change::Acknowledge {
                interface: interface.into_owned().into(),
                major,
                path: path.into_owned().into(),
                payload: payload.into_owned().into(),
            },
            Self::Clear => Change::Clear,
            Self::Complete(complete) => Change::Complete(complete),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owned_change_is_the_same_change() {
        let (interface, path, payload) = ("org.example.A".to_owned(), "/a".to_owned(), vec![1, 2]);
        let changes = [
            Change::Store(Property {
                interface: (&*interface).into(),
                major: 1,
                path: (&*path).into(),
                ownership: Ownership::Server,
                state: State::Unsent,
                payload: (&*payload).into(),
            }),
            Change::Delete {
                interface: (&*interface).into(),
                major: 2,
                path: (&*path).into(),
            },
            Change::DeleteOtherMajors {
                interface: (&*interface).into(),
                major: 3,
            },
            Change::Acknowledge {
                interface: (&*interface).into(),
                major: 4,
                path: (&*path).into(),
                payload: (&*payload).into(),
            },
            Change::Clear,
            Change::Complete(false),
        ];
        let owned: Vec<Change<'static>> = changes.iter().cloned().map(Change::into_owned).collect();
        assert_eq!(owned, changes);
    }
}
