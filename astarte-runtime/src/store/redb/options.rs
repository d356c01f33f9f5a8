//! How a store is opened.

use std::{path::Path, sync::Arc, time::Duration};

use super::{Recovered, RedbStore, origin, recover};
use crate::store::StoreError;

/// How much a power cut may take with it.
///
/// Either way the file opens afterwards, and holds what it held at some moment: never half of a call of
/// [`apply`](crate::store::PropertyStore::apply) and its like, and never a later change without an earlier one. The end of a
/// process, by a crash or a kill, takes nothing that a call returned for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Durability {
    /// Nothing that a call returned for: it is on the disk by then. Concurrent calls share one write to the disk.
    #[default]
    Immediate,
    /// What the last calls returned for: those within `every`, and fewer than `commits` of them. The system has them, and they
    /// are lost with the power. They may also be lost where the disk fails or is full when they are to be written; the next
    /// call that writes then returns that error. Dropping the last handle of the store writes them.
    Relaxed {
        /// How long a change may be in the system's memory alone. 100 ms is a good value.
        every: Duration,
        /// From how many calls on the next one writes them all.
        commits: u32,
    },
}

/// Opens a [`RedbStore`] with settings other than the usual ones.
#[derive(Clone, Debug)]
pub struct RedbStoreBuilder {
    pub(super) options: Options,
}

#[derive(Clone, Debug)]
pub(super) struct Options {
    pub(super) cache: usize,
    pub(super) durability: Durability,
    /// How long the journal is, in bytes.
    pub(super) journal: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            cache: 4 << 20,
            durability: Durability::Immediate,
            journal: JOURNAL,
        }
    }
}

/// Room for 1 700 messages of a few values. With more, checkpoints would be rarer, which take a seventieth of the time
/// already; with less, a burst would come upon several.
const JOURNAL: u64 = 256 << 10;

impl RedbStoreBuilder {
    pub(super) fn new() -> Self {
        Self {
            options: Options::default(),
        }
    }

    /// How much memory redb may take for pages of the file, in bytes; 4 MiB by default.
    #[must_use]
    pub fn cache_bytes(mut self, bytes: usize) -> Self {
        self.options.cache = bytes;
        self
    }

    /// What may be lost; nothing by default.
    #[must_use]
    pub fn durability(mut self, durability: Durability) -> Self {
        self.options.durability = durability;
        self
    }

    /// Does what [`RedbStore::open`] does.
    ///
    /// # Errors
    ///
    /// - Those of [`RedbStore::open`].
    pub fn open(self, path: impl AsRef<Path>) -> Result<RedbStore, StoreError> {
        recover::open(path.as_ref(), self.options)
    }

    /// Does what [`RedbStore::open_or_recover`] does.
    ///
    /// # Errors
    ///
    /// - Those of [`RedbStore::open_or_recover`].
    pub fn open_or_recover(
        self,
        path: impl AsRef<Path>,
    ) -> Result<(RedbStore, Option<Recovered>), StoreError> {
        recover::open_or_recover(path.as_ref(), self.options)
    }

    /// Does what [`RedbStore::in_memory`] does.
    ///
    /// # Errors
    ///
    /// - Those of [`RedbStore::in_memory`].
    pub fn in_memory(self) -> Result<RedbStore, StoreError> {
        Ok(RedbStore::on(
            Arc::new(origin::Memory::default()),
            self.options,
        )?)
    }
}
