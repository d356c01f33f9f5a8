//! The messages that wait for a connection: those of datastreams with the retention `stored`.
//!
//! Each message has a sequence number, and they leave in the order of these numbers. The QoS 2 packet id of a message
//! follows from its number, so that a restarted process sends it under the id that the broker may know, and nothing is
//! written for the sending itself:
//!
//! | when | written | why |
//! |---|---|---|
//! | before `send` returns | [`Append`](RetentionChange::Append) | it was promised to be kept |
//! | QoS 2, before the PUBREL | [`Release`](RetentionChange::Release) | behind it the broker forgets the id, and a repetition would be a new message |
//! | later, with whatever is written next | [`Remove`](RetentionChange::Remove) | lost with a power cut, it is repeated: a QoS 1 message may come twice, the PUBREL of a QoS 2 message has no effect |

use std::sync::Arc;

use super::{Store, StoreError};
use crate::Reliability;

/// A store of messages that wait to be sent.
///
/// Implement it to keep messages elsewhere, and test that with [`conformance!`](super::conformance!);
/// [`MemoryStore`](super::MemoryStore) and [`RedbStore`](super::RedbStore) come with the crate.
pub trait RetentionStore: Store {
    /// What the store holds, found without reading it all: a device starts with a million messages as quickly as with
    /// one.
    ///
    /// # Errors
    ///
    /// - The store cannot be read.
    fn backlog(&self) -> Result<Backlog, StoreError>;

    /// The messages behind a sequence number, in the order of their numbers: at most `messages`, and no more once they
    /// hold `bytes` [bytes](RetainedMessage::size), but at least one where there is one. A row that cannot be read is
    /// left out.
    ///
    /// # Errors
    ///
    /// - The store cannot be read.
    fn load_messages(
        &self,
        after: u64,
        messages: usize,
        bytes: u64,
    ) -> Result<Vec<RetainedMessage>, StoreError>;

    /// Applies all changes, in their order, or none. What was applied survives a power cut where the store is on disk.
    ///
    /// # Errors
    ///
    /// - [`StoreError::Full`]: there is no space left.
    /// - The store cannot be written.
    fn apply_retention(&self, changes: &[RetentionChange]) -> Result<(), StoreError>;

    /// The messages that were set aside and are still kept, in the order of their numbers.
    ///
    /// # Errors
    ///
    /// - The store cannot be read.
    fn load_set_aside(&self) -> Result<Vec<SetAside>, StoreError>;
}

impl<S: RetentionStore + ?Sized> RetentionStore for Arc<S> {
    fn backlog(&self) -> Result<Backlog, StoreError> {
        S::backlog(self)
    }

    fn load_messages(
        &self,
        after: u64,
        messages: usize,
        bytes: u64,
    ) -> Result<Vec<RetainedMessage>, StoreError> {
        S::load_messages(self, after, messages, bytes)
    }

    fn apply_retention(&self, changes: &[RetentionChange]) -> Result<(), StoreError> {
        S::apply_retention(self, changes)
    }

    fn load_set_aside(&self) -> Result<Vec<SetAside>, StoreError> {
        S::load_set_aside(self)
    }
}

/// A message that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetainedMessage {
    /// Its place in the order of sending. At least 1, and greater than that of every message before it.
    pub sequence: u64,
    /// The name of the interface.
    pub interface: String,
    /// The major version of the interface.
    pub major: u32,
    /// The path, with its leading slash.
    pub path: String,
    /// The reliability of its mapping.
    pub reliability: Reliability,
    /// When it is of no more use, on the clock of [`ClockReading::counted`]; `None` for never.
    pub expires: Option<u64>,
    /// The value as it is on the wire. Empty where it is released.
    pub payload: Vec<u8>,
    /// Whether the broker has it: then only its packet id is still to be released.
    pub released: bool,
}

impl RetainedMessage {
    /// How much it counts for the bound on stored bytes: the lengths of interface, path and payload.
    pub fn size(&self) -> u64 {
        (self.interface.len() + self.path.len() + self.payload.len()) as u64
    }
}

/// What a store holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// How many messages wait, the released ones included.
    pub messages: u64,
    /// How many [bytes](RetainedMessage::size) they hold.
    pub bytes: u64,
    /// The highest sequence number that a message ever had; 0 where there was none. It never becomes less, also where
    /// all messages are removed.
    pub last: u64,
    /// The reading of the clock that was applied last.
    pub clock: Option<ClockReading>,
}

/// A reading of the clock by which messages expire.
///
/// It counts the time for which processes of the device ran. The wall clock, which may be wrong or set anew, only tells how
/// long none ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockReading {
    /// The time that was counted, in milliseconds.
    pub counted: u64,
    /// What the wall clock said at that moment, in milliseconds since 1970; `None` where it was known to be wrong.
    pub wall: Option<u64>,
}

/// A change of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RetentionChange {
    /// Adds a message behind all others.
    Append(RetainedMessage),
    /// Notes what the clock says.
    Clock(ClockReading),
    /// Notes that the broker has a message: its payload is dropped, its number, interface and path stay.
    Release {
        /// The sequence number. One that is not there is no error.
        sequence: u64,
    },
    /// Removes a message.
    Remove {
        /// The sequence number. One that is not there is no error.
        sequence: u64,
    },
    /// Takes a message out of the backlog because it can never be sent, and keeps it for somebody to look at. At least
    /// the newest 100 such messages are kept.
    SetAside {
        /// The sequence number. One that is not there is no error.
        sequence: u64,
        /// Why it cannot be sent.
        reason: String,
    },
    /// Removes every message, also those that were set aside. [`Backlog::last`] stays.
    Clear,
}

/// A message that can never be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetAside {
    /// The message.
    pub message: RetainedMessage,
    /// Why it cannot be sent.
    pub reason: String,
}
