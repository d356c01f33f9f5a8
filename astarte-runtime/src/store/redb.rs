//! Properties on disk.

use std::{io, path::Path};

use redb::{
    Database, DatabaseError, ReadableDatabase, ReadableTable, StorageError, TableDefinition,
    TableError, backends::InMemoryBackend,
};

use super::{Change, Property, PropertyStore, State, Store, StoreError};
use crate::Ownership;

/// By interface, major version and path. A row is one byte of flags and the payload: see [`encode`].
const PROPERTIES: TableDefinition<'_, (&str, u32, &str), &[u8]> =
    TableDefinition::new("properties");

/// What the file says of itself.
const ABOUT: TableDefinition<'_, &str, u32> = TableDefinition::new("about");

/// The key of [`ABOUT`] with the version of the format.
const FORMAT: &str = "format";

/// The key of [`ABOUT`] that says that rows were lost.
const INCOMPLETE: &str = "incomplete";

/// The version of the format that this module writes.
const CURRENT_FORMAT: u32 = 1;

/// Keeps properties in a [redb](https://docs.rs/redb) file.
///
/// Each call of [`apply`](PropertyStore::apply) is one durable transaction. A file belongs to one device.
#[derive(Debug)]
pub struct RedbStore {
    database: Database,
    rest: super::MemoryStore,
}

impl RedbStore {
    /// Opens a file, or creates it. Its directory must exist.
    ///
    /// # Errors
    ///
    /// - [`StoreError::Open`]: the file cannot be opened or created.
    /// - [`StoreError::InUse`]: another process or device has it open.
    /// - [`StoreError::Format`]: a newer version of this crate wrote it.
    /// - [`StoreError::Backend`]: it is no redb file, or is damaged.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref();
        let open_error = |source: io::Error| StoreError::Open {
            path: path.display().to_string(),
            source,
        };
        match Database::create(path) {
            Ok(database) => Self::prepare(database),
            Err(DatabaseError::DatabaseAlreadyOpen) => Err(StoreError::InUse),
            Err(DatabaseError::Storage(StorageError::Io(error))) => Err(open_error(error)),
            Err(error) => Err(backend(error)),
        }
    }

    /// A store that keeps its pages in memory, for tests of what runs on it.
    ///
    /// # Errors
    ///
    /// - [`StoreError::Backend`]: there is not enough memory.
    pub fn in_memory() -> Result<Self, StoreError> {
        Self::prepare(
            Database::builder()
                .create_with_backend(InMemoryBackend::new())
                .map_err(backend)?,
        )
    }

    fn prepare(database: Database) -> Result<Self, StoreError> {
        let write = database.begin_write().map_err(backend)?;
        {
            let mut about = write.open_table(ABOUT).map_err(backend)?;
            let found = about
                .get(FORMAT)
                .map_err(backend)?
                .map(|found| found.value());
            match found {
                Some(found) if found > CURRENT_FORMAT => {
                    return Err(StoreError::Format {
                        found,
                        supported: CURRENT_FORMAT,
                    });
                }
                Some(_) => {}
                None => {
                    about.insert(FORMAT, CURRENT_FORMAT).map_err(backend)?;
                }
            }
            write.open_table(PROPERTIES).map_err(backend)?;
        }
        write.commit().map_err(backend)?;
        Ok(Self {
            database,
            rest: super::MemoryStore::new(),
        })
    }

    fn read<T>(
        &self,
        read: impl FnOnce(&Rows) -> Result<T, StorageError>,
    ) -> Result<T, StoreError> {
        let transaction = self.database.begin_read().map_err(backend)?;
        let table = transaction
            .open_table(PROPERTIES)
            .map_err(|error: TableError| backend(error))?;
        read(&table).map_err(backend)
    }
}

type Rows = redb::ReadOnlyTable<(&'static str, u32, &'static str), &'static [u8]>;

impl Store for RedbStore {}

impl PropertyStore for RedbStore {
    fn is_complete(&self) -> Result<bool, StoreError> {
        let transaction = self.database.begin_read().map_err(backend)?;
        let about = transaction.open_table(ABOUT).map_err(backend)?;
        let incomplete = about.get(INCOMPLETE).map_err(backend)?;
        Ok(incomplete.is_none())
    }

    fn load(
        &self,
        interface: &str,
        major: u32,
        path: &str,
    ) -> Result<Option<Property>, StoreError> {
        self.read(|rows| {
            let row = rows.get((interface, major, path))?;
            Ok(row.and_then(|row| decode(interface, major, path, row.value())))
        })
    }

    fn load_interface(&self, interface: &str, major: u32) -> Result<Vec<Property>, StoreError> {
        self.read(|rows| {
            let mut properties = Vec::new();
            for row in rows.range((interface, major, "")..)? {
                let (key, row) = row?;
                let (name, version, path) = key.value();
                if (name, version) != (interface, major) {
                    break;
                }
                properties.extend(decode(name, version, path, row.value()));
            }
            Ok(properties)
        })
    }

    fn load_all(&self) -> Result<Vec<Property>, StoreError> {
        self.read(|rows| {
            let mut properties = Vec::new();
            for row in rows.iter()? {
                let (key, row) = row?;
                let (name, version, path) = key.value();
                properties.extend(decode(name, version, path, row.value()));
            }
            Ok(properties)
        })
    }

    fn apply(&self, changes: &[Change]) -> Result<(), StoreError> {
        let transaction = self.database.begin_write().map_err(backend)?;
        {
            let mut rows = transaction.open_table(PROPERTIES).map_err(backend)?;
            for change in changes {
                apply(&mut rows, change).map_err(backend)?;
                if let Change::Complete(complete) = change {
                    let mut about = transaction.open_table(ABOUT).map_err(backend)?;
                    if *complete {
                        about.remove(INCOMPLETE).map_err(backend)?;
                    } else {
                        about.insert(INCOMPLETE, 1).map_err(backend)?;
                    }
                }
            }
        }
        transaction.commit().map_err(backend)
    }
}

fn apply(
    rows: &mut redb::Table<'_, (&'static str, u32, &'static str), &'static [u8]>,
    change: &Change,
) -> Result<(), StorageError> {
    match change {
        Change::Store(property) => {
            let key = (
                property.interface.as_str(),
                property.major,
                property.path.as_str(),
            );
            rows.insert(key, encode(property).as_slice())?;
        }
        Change::Delete {
            interface,
            major,
            path,
        } => {
            rows.remove((interface.as_str(), *major, path.as_str()))?;
        }
        Change::DeleteOtherMajors { interface, major } => {
            if let Some(below) = major.checked_sub(1) {
                rows.retain_in(
                    (interface.as_str(), 0, "")..=(interface.as_str(), below, LAST_PATH),
                    |_, _| false,
                )?;
            }
            if let Some(above) = major.checked_add(1) {
                rows.retain_in(
                    (interface.as_str(), above, "")..=(interface.as_str(), u32::MAX, LAST_PATH),
                    |_, _| false,
                )?;
            }
        }
        Change::Acknowledge {
            interface,
            major,
            path,
            payload,
        } => {
            let key = (interface.as_str(), *major, path.as_str());
            let row = rows
                .get(key)?
                .and_then(|row| decode(interface, *major, path, row.value()));
            match row {
                Some(row) if row.payload != *payload => {}
                Some(row) if row.state == State::Unset => {
                    rows.remove(key)?;
                }
                Some(row) => {
                    rows.insert(
                        key,
                        encode(&Property {
                            state: State::Sent,
                            ..row
                        })
                        .as_slice(),
                    )?;
                }
                None => {}
            }
        }
        Change::Clear => rows.retain(|_, _| false)?,
        Change::Complete(_) => {}
    }
    Ok(())
}

/// Sorts behind every path, which begins with a slash.
const LAST_PATH: &str = "\u{10ffff}";

/// Bit 7: the server owns the property. Bits 0 and 1: its state.
mod flags {
    pub(super) const SERVER: u8 = 0x80;
    pub(super) const SENT: u8 = 0;
    pub(super) const UNSENT: u8 = 1;
    pub(super) const UNSET: u8 = 2;
}

fn encode(property: &Property) -> Vec<u8> {
    let state = match property.state {
        State::Sent => flags::SENT,
        State::Unsent => flags::UNSENT,
        State::Unset => flags::UNSET,
    };
    let owner = match property.ownership {
        Ownership::Device => 0,
        Ownership::Server => flags::SERVER,
    };
    let mut row = Vec::with_capacity(1 + property.payload.len());
    row.push(state | owner);
    row.extend_from_slice(&property.payload);
    row
}

/// Reads a row; one of flags that this version does not know is as good as absent.
fn decode(interface: &str, major: u32, path: &str, row: &[u8]) -> Option<Property> {
    let (flags, payload) = row.split_first()?;
    let ownership = if flags & flags::SERVER == 0 {
        Ownership::Device
    } else {
        Ownership::Server
    };
    let state = match flags & !flags::SERVER {
        flags::SENT => State::Sent,
        flags::UNSENT => State::Unsent,
        flags::UNSET => State::Unset,
        _ => return None,
    };
    Some(Property {
        interface: interface.to_owned(),
        major,
        path: path.to_owned(),
        ownership,
        state,
        payload: payload.to_owned(),
    })
}

fn backend(error: impl std::error::Error + Send + Sync + 'static) -> StoreError {
    StoreError::Backend(Box::new(error))
}

// Bridge until the store keeps messages and sessions itself.
impl super::RetentionStore for RedbStore {
    fn backlog(&self) -> Result<super::Backlog, StoreError> {
        self.rest.backlog()
    }
    fn load_messages(
        &self,
        after: u64,
        messages: usize,
        bytes: u64,
    ) -> Result<Vec<super::RetainedMessage>, StoreError> {
        self.rest.load_messages(after, messages, bytes)
    }
    fn apply_retention(&self, changes: &[super::RetentionChange]) -> Result<(), StoreError> {
        self.rest.apply_retention(changes)
    }
    fn load_set_aside(&self) -> Result<Vec<super::SetAside>, StoreError> {
        self.rest.load_set_aside()
    }
}
impl super::SessionStore for RedbStore {
    fn load_session(&self) -> Result<Option<super::StoredSession>, StoreError> {
        self.rest.load_session()
    }
    fn apply_session(&self, changes: &[super::SessionChange]) -> Result<(), StoreError> {
        self.rest.apply_session(changes)
    }
}
