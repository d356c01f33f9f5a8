//! Everything in one file.

mod commit;
mod dump;
mod engine;
mod failure;
mod flush;
mod format;
mod journal;
mod journaled;
mod json;
mod options;
mod origin;
mod pending;
mod properties;
mod recover;
mod retention;
mod session;
mod tables;
#[cfg(test)]
mod tests;

use std::{io, path::Path, sync::Arc};

use self::{
    commit::Commits,
    engine::Engine,
    failure::Failure,
    flush::Flusher,
    journal::codec::{Changes, Job},
    options::Options,
    origin::Origin,
};
pub use self::{
    options::{Durability, RedbStoreBuilder},
    recover::Recovered,
};
use super::{
    Backlog, Change, Property, PropertyStore, RetainedMessage, RetentionChange, RetentionStore,
    SessionChange, SessionStore, SetAside, Store, StoreError, StoredSession,
};
use crate::{DeviceId, Realm};

/// Keeps everything in a [redb](https://docs.rs/redb) file.
///
/// Each call of [`apply`](PropertyStore::apply), [`apply_retention`](RetentionStore::apply_retention) and
/// [`apply_session`](SessionStore::apply_session) is all in the file or not at all, and durable when it returns, unless
/// the store was [opened](Self::builder) with less. Calls that come at the same time share one write to the disk.
///
/// Changes are first written to a journal beside the file, `<name>.journal`, which is 256 KiB long and belongs to it: a
/// copy of the file while a process has it open, or after one was killed, is whole with the journal alone. Where the last
/// handle was dropped, the file has everything.
///
/// A file belongs to one device, or to those whose handles [`device`](Self::device) makes. Clones are handles on the same
/// file.
///
/// After a failure of the disk the next call opens the file anew. So a full disk refuses what needs space, once the journal
/// has no room, and the store goes on when there is space. A call that failed because of the disk may be found done by a later
/// process.
#[derive(Clone, Debug)]
pub struct RedbStore {
    file: Arc<OpenFile>,
    /// `realm/device id`; empty for a file of one device.
    device: Arc<str>,
}

/// What all handles of a file share.
#[derive(Debug)]
struct OpenFile {
    commits: Commits,
    // Before the engine: it ends its thread, which has the engine too, and what is left is written by the engine's drop.
    flusher: Option<Flusher>,
    engine: Arc<Engine>,
}

impl RedbStore {
    /// Opens a file, or creates it. Its directory must exist.
    ///
    /// A file of an earlier version of this crate is brought to the present format.
    ///
    /// # Errors
    ///
    /// - [`StoreError::Open`]: the file cannot be opened or created.
    /// - [`StoreError::InUse`]: another process or device has it open.
    /// - [`StoreError::Format`]: a newer version of this crate wrote it.
    /// - [`StoreError::Damaged`]: it is no redb file, or is damaged.
    /// - [`StoreError::Full`]: there is no space to create it, or to close what an earlier process left open.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::builder().open(path)
    }

    /// Opens a file as [`open`](Self::open) does, and puts a new one in its place where it is damaged.
    ///
    /// The damaged file stays beside it, as `<name>.damaged-<date and time in UTC>`, and so does its journal. What was in it is lost to the device:
    /// the new store's properties are [not complete](PropertyStore::is_complete), for every device of the file.
    ///
    /// Files of up to 16 MiB are read in full to find damage, and larger ones where damage was found while they were in
    /// use. An empty file counts as damaged, because a new one is never empty under its name.
    ///
    /// # Errors
    ///
    /// - Those of [`open`](Self::open) but [`StoreError::Damaged`].
    pub fn open_or_recover(
        path: impl AsRef<Path>,
    ) -> Result<(Self, Option<Recovered>), StoreError> {
        Self::builder().open_or_recover(path)
    }

    /// Opens a store with other settings.
    pub fn builder() -> RedbStoreBuilder {
        RedbStoreBuilder::new()
    }

    /// A store that keeps its pages in memory, for tests of what runs on it.
    ///
    /// # Errors
    ///
    /// - [`StoreError::Backend`]: there is not enough memory.
    pub fn in_memory() -> Result<Self, StoreError> {
        Self::builder().in_memory()
    }

    /// Writes what a file holds as lines of JSON, for people who look for a fault.
    ///
    /// The file is not changed, also where a process that had it open was killed or where an earlier version of this crate
    /// wrote it; then it is read into memory, with what is in its journal. Each line is an object whose `kind` is `file`, `device`, `property`,
    /// `message`, `set_aside` or `session`; `device` is `realm/device id`, or null in a file of one device. Values are
    /// those that were sent or received: a datetime is `{"datetime":` milliseconds since 1970`}`, a blob is
    /// `{"base64":` text`}`.
    ///
    /// # Errors
    ///
    /// - [`StoreError::InUse`]: a process has the file open.
    /// - [`StoreError::Backend`]: `out` cannot be written.
    /// - Those of [`open`](Self::open).
    pub fn dump(path: impl AsRef<Path>, mut out: impl io::Write) -> Result<(), StoreError> {
        dump::dump(path.as_ref(), &mut out)
    }

    /// A handle on the rows of one of many devices in the same file, apart from those of all others and from those of the
    /// store that [`open`](Self::open) returned.
    ///
    /// It costs nothing until something is stored, and then one row. Changes of several devices that come at the same
    /// time share one write to the disk.
    #[must_use]
    pub fn device(&self, realm: &Realm, id: &DeviceId) -> Self {
        Self {
            file: Arc::clone(&self.file),
            device: format!("{realm}/{id}").into(),
        }
    }

    fn on(origin: Arc<dyn Origin>, options: Options) -> Result<Self, Failure> {
        let durability = options.durability;
        let engine = Arc::new(Engine::open(origin, options)?);
        let flusher = match durability {
            Durability::Immediate => None,
            Durability::Relaxed { every, commits } => {
                Some(Flusher::start(Arc::clone(&engine), every, commits)?)
            }
        };
        Ok(Self {
            file: Arc::new(OpenFile {
                commits: Commits::default(),
                flusher,
                engine,
            }),
            device: Arc::default(),
        })
    }

    fn submit<'a>(&'a self, changes: Changes<'a>) -> Result<(), StoreError> {
        if let Some(failure) = self.file.flusher.as_ref().and_then(Flusher::failure) {
            return Err(failure.into());
        }
        let device = self.device.as_ref().into();
        let job = Job { device, changes }.encode()?;
        self.file.commits.submit(&self.file, job)
    }

    /// Reads rows of the device; the default where it has none.
    fn read_rows<T: Default>(
        &self,
        read: impl Fn(&redb::ReadTransaction, u32) -> Result<T, Failure>,
    ) -> Result<T, StoreError> {
        self.file.engine.read(
            |transaction| match tables::find_device(transaction, &self.device)? {
                Some(device) => read(transaction, device),
                None => Ok(T::default()),
            },
        )
    }
}

impl Store for RedbStore {}

impl PropertyStore for RedbStore {
    fn load(
        &self,
        interface: &str,
        major: u32,
        path: &str,
    ) -> Result<Option<Property<'static>>, StoreError> {
        self.read_rows(|transaction, device| {
            let rows = transaction.open_table(tables::PROPERTIES)?;
            properties::load(&rows, device, interface, major, path)
        })
    }

    fn load_interface(
        &self,
        interface: &str,
        major: u32,
    ) -> Result<Vec<Property<'static>>, StoreError> {
        self.read_rows(|transaction, device| {
            let rows = transaction.open_table(tables::PROPERTIES)?;
            match properties::prefix(device, interface, major) {
                Ok(prefix) => properties::load_prefix(&rows, &prefix),
                // No row can have such a name.
                Err(_) => Ok(Vec::new()),
            }
        })
    }

    fn load_all(&self) -> Result<Vec<Property<'static>>, StoreError> {
        self.read_rows(|transaction, device| {
            let rows = transaction.open_table(tables::PROPERTIES)?;
            properties::load_prefix(&rows, &tables::device_prefix(device))
        })
    }

    fn apply(&self, changes: &[Change<'_>]) -> Result<(), StoreError> {
        self.submit(Changes::Properties(changes.into()))
    }

    fn is_complete(&self) -> Result<bool, StoreError> {
        self.file.engine.read(|transaction| {
            let device = tables::find_device(transaction, &self.device)?;
            tables::is_complete(transaction, device)
        })
    }
}

impl RetentionStore for RedbStore {
    fn backlog(&self) -> Result<Backlog, StoreError> {
        self.read_rows(|transaction, device| {
            let row = transaction.open_table(tables::BACKLOGS)?.get(device)?;
            let backlog = row.and_then(|row| retention::decode_backlog(row.value()));
            Ok(backlog.unwrap_or_default())
        })
    }

    fn load_messages(
        &self,
        after: u64,
        messages: usize,
        bytes: u64,
    ) -> Result<Vec<RetainedMessage>, StoreError> {
        self.read_rows(|transaction, device| {
            let rows = transaction.open_table(tables::MESSAGES)?;
            retention::load(&rows, device, after, messages, bytes)
        })
    }

    fn apply_retention(&self, changes: &[RetentionChange]) -> Result<(), StoreError> {
        self.submit(Changes::Retention(changes.into()))
    }

    fn load_set_aside(&self) -> Result<Vec<SetAside>, StoreError> {
        self.read_rows(|transaction, device| {
            let rows = transaction.open_table(tables::SET_ASIDE)?;
            retention::load_set_aside(&rows, device)
        })
    }
}

impl SessionStore for RedbStore {
    fn load_session(&self) -> Result<Option<StoredSession>, StoreError> {
        self.read_rows(|transaction, device| {
            let row = transaction.open_table(tables::SESSIONS)?.get(device)?;
            Ok(row.and_then(|row| session::decode(row.value())))
        })
    }

    fn apply_session(&self, changes: &[SessionChange]) -> Result<(), StoreError> {
        self.submit(Changes::Session(changes.into()))
    }
}
