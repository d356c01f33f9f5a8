//! Properties in memory.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::{Change, Property, PropertyStore, State, StoreError};

/// Keeps properties in memory: they are gone when the process ends.
///
/// For tests, and for devices without properties of their own: a device that starts without its properties tells the
/// server so, and the server deletes those it had.
#[derive(Debug, Default)]
pub struct MemoryStore {
    rows: Mutex<Rows>,
}

/// By interface, major version and path.
type Rows = BTreeMap<(String, u32, String), Property>;

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn rows(&self) -> MutexGuard<'_, Rows> {
        // Every change is whole by the time anything can panic.
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PropertyStore for MemoryStore {
    fn load(
        &self,
        interface: &str,
        major: u32,
        path: &str,
    ) -> Result<Option<Property>, StoreError> {
        Ok(self
            .rows()
            .get(&(interface.to_owned(), major, path.to_owned()))
            .cloned())
    }

    fn load_interface(&self, interface: &str, major: u32) -> Result<Vec<Property>, StoreError> {
        let rows = self.rows();
        let from = (interface.to_owned(), major, String::new());
        let of_interface = rows
            .range(from..)
            .take_while(|((name, version, _), _)| name == interface && *version == major);
        Ok(of_interface.map(|(_, property)| property.clone()).collect())
    }

    fn load_all(&self) -> Result<Vec<Property>, StoreError> {
        Ok(self.rows().values().cloned().collect())
    }

    fn apply(&self, changes: &[Change]) -> Result<(), StoreError> {
        let mut rows = self.rows();
        for change in changes {
            apply(&mut rows, change);
        }
        Ok(())
    }

    fn blocks(&self) -> bool {
        false
    }
}

fn apply(rows: &mut Rows, change: &Change) {
    match change {
        Change::Store(property) => {
            let key = (
                property.interface.clone(),
                property.major,
                property.path.clone(),
            );
            rows.insert(key, property.clone());
        }
        Change::Delete {
            interface,
            major,
            path,
        } => {
            rows.remove(&(interface.clone(), *major, path.clone()));
        }
        Change::DeleteOtherMajors { interface, major } => {
            rows.retain(|(name, version, _), _| name != interface || version == major);
        }
        Change::Acknowledge {
            interface,
            major,
            path,
            payload,
        } => {
            let key = (interface.clone(), *major, path.clone());
            match rows.get_mut(&key) {
                Some(row) if row.payload != *payload => {}
                Some(row) if row.state == State::Unset => {
                    rows.remove(&key);
                }
                Some(row) => row.state = State::Sent,
                None => {}
            }
        }
        Change::Clear => rows.clear(),
    }
}
