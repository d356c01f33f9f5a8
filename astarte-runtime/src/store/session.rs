//! What a restarted process must know of the broker's session, so that it goes on.
//!
//! | what | written | per message |
//! |---|---|---|
//! | broker, highest packet id | when a session begins | nothing |
//! | introspection | at the begin and the end of a full handshake | nothing |
//! | QoS 2 ids of received messages | before the PUBREC, and before the PUBCOMP | two writes, of `unique` datastreams of the server alone |
//!
//! Of the messages that a device sends nothing is noted here. Packet ids are taken from 1 to the highest, so that a
//! restarted process releases all of them before it uses one; messages of the retention `stored` have ids of their own
//! (see [`RetentionStore`](super::RetentionStore)), and properties are sent again.

use std::{collections::BTreeSet, sync::Arc};

use super::{Store, StoreError};

/// A store of what the broker's session knows.
///
/// Implement it to keep that elsewhere, and test that with [`conformance!`](super::conformance!);
/// [`MemoryStore`](super::MemoryStore) and [`RedbStore`](super::RedbStore) come with the crate.
pub trait SessionStore: Store {
    /// What was noted of the session; `None` where none has begun.
    ///
    /// # Errors
    ///
    /// - The store cannot be read.
    fn load_session(&self) -> Result<Option<StoredSession>, StoreError>;

    /// Applies all changes, in their order, or none. What was applied survives a power cut where the store is on disk.
    ///
    /// # Errors
    ///
    /// - The store cannot be written.
    fn apply_session(&self, changes: &[SessionChange]) -> Result<(), StoreError>;
}

impl<S: SessionStore + ?Sized> SessionStore for Arc<S> {
    fn load_session(&self) -> Result<Option<StoredSession>, StoreError> {
        S::load_session(self)
    }

    fn apply_session(&self, changes: &[SessionChange]) -> Result<(), StoreError> {
        S::apply_session(self, changes)
    }
}

/// What a broker's session knows of the device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredSession {
    /// The broker that has the session, as `host:port`.
    pub broker: String,
    /// The introspection that the server knows, where a handshake has told it all that it must know.
    pub introspection: Option<String>,
    /// The highest packet id that messages without a place in the [`RetentionStore`](super::RetentionStore) may have.
    pub highest_id: u16,
    /// The ids of QoS 2 messages that the application has, and that the broker has not released.
    pub received: BTreeSet<u16>,
}

/// A change of what is noted. All but [`Begin`](Self::Begin) change nothing where no session has begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionChange {
    /// A new session has begun: what was noted of an earlier one is void.
    Begin {
        /// The broker, as `host:port`.
        broker: String,
        /// The highest packet id.
        highest_id: u16,
    },
    /// Packet ids up to this one may be used from here on.
    HighestId(u16),
    /// The server knows this introspection, or `None`: it is not known what it knows.
    Introduced(Option<String>),
    /// The application has a QoS 2 message with this id.
    Received(u16),
    /// The broker has released a QoS 2 id.
    Released(u16),
}

impl SessionChange {
    /// Applies the change to what is noted, for a store that keeps it in one piece.
    pub fn apply(&self, noted: &mut Option<StoredSession>) {
        if let Self::Begin { broker, highest_id } = self {
            *noted = Some(StoredSession {
                broker: broker.clone(),
                highest_id: *highest_id,
                ..StoredSession::default()
            });
        }
        let Some(session) = noted else {
            return;
        };
        match self {
            Self::Begin { .. } => {}
            Self::HighestId(id) => session.highest_id = *id,
            Self::Introduced(introspection) => session.introspection.clone_from(introspection),
            Self::Received(id) => {
                session.received.insert(*id);
            }
            Self::Released(id) => {
                session.received.remove(id);
            }
        }
    }
}
