//! What a device keeps: its properties, the messages it could not send yet, and what the broker's session knows.
//!
//! There is a trait for each, because each has its own user: [`PropertyStore`] for values that are read while offline and
//! sent again when the server forgot them, [`RetentionStore`] for messages of the retention `stored`, [`SessionStore`] for
//! what a restarted process must know so that the broker's session goes on. [`RedbStore`] and [`MemoryStore`] are all
//! three. All calls may come from any thread; those that write come from one task at a time.

pub mod conformance;
mod memory;
mod property;
#[cfg(feature = "redb")]
mod redb;
mod retention;
mod session;

use std::{fmt, io, sync::Arc};

use thiserror::Error;

#[doc(inline)]
pub use crate::__store_conformance as conformance;

#[cfg(feature = "redb")]
pub use self::redb::{Durability, Recovered, RedbStore, RedbStoreBuilder};
pub use self::{
    memory::MemoryStore,
    property::{Change, Property, PropertyStore, State},
    retention::{
        Backlog, ClockReading, RetainedMessage, RetentionChange, RetentionStore, SetAside,
    },
    session::{SessionChange, SessionStore, StoredSession},
};

/// What all stores have in common.
pub trait Store: fmt::Debug + Send + Sync + 'static {
    /// Whether calls may block their thread, as those of a store on disk do; `true` by default.
    ///
    /// Then the device writes on a thread for such calls. Where they do not block, it calls the store where a property is set
    /// and where it is acknowledged, under a lock: the store must not use the handles of the device. Handles read on the
    /// thread that calls them.
    fn blocks(&self) -> bool {
        true
    }
}

/// A store that several hold.
impl<S: Store + ?Sized> Store for Arc<S> {
    fn blocks(&self) -> bool {
        S::blocks(self)
    }
}

/// A store failed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The file, or what stands in its place, could not be read or written.
    #[error("the store failed")]
    Backend(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The device has not been connected yet, or was stopped.
    #[error("the store is not open: it opens when `connect` is first awaited")]
    Closed,
    /// The file is not what was written: it was cut, overwritten, or its disk forgets.
    ///
    /// [`RedbStore::open_or_recover`] puts a new file in its place.
    #[error("the store is damaged")]
    Damaged(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// There is no space left where the file is. What was to be stored was not; the store goes on when there is space.
    #[error("the store has no space left on its disk")]
    Full(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The file was written by a newer version of this crate.
    #[error(
        "the store has format {found}, this version of astarte-runtime reads up to {supported}"
    )]
    Format {
        /// The format of the file.
        found: u32,
        /// The newest format that this version reads.
        supported: u32,
    },
    /// Another process, or another device in this one, has the file open.
    #[error("the store is in use by another process or device")]
    InUse,
    /// The file could not be opened.
    #[error("the store could not be opened at `{path}`")]
    Open {
        /// The file.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// The store cannot hold what it was given, whatever the state of its disk.
    #[error("the store cannot keep this: {0}")]
    Refused(String),
}

impl StoreError {
    /// The same error for several calls that it made fail.
    pub(crate) fn shared(self) -> impl FnMut() -> Self {
        let error = Arc::new(self);
        move || {
            let shared = Box::new(Arc::clone(&error));
            match *error {
                Self::Full(_) => Self::Full(shared),
                _ => Self::Backend(shared),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    conformance!(memory, MemoryStore::new);

    #[cfg(feature = "redb")]
    conformance!(redb, || RedbStore::in_memory().expect("there is memory"));
}
