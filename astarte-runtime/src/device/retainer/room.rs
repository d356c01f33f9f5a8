//! Room for newer messages: the oldest that wait go first.

use super::Retainer;
use crate::{
    device::stores::run_on,
    outbox::{Evicted, Outbox},
    store::{RetainedMessage, RetentionChange, StoreError},
};

/// How room is made.
#[derive(Debug, Default)]
pub(super) struct Room {
    pub(super) changes: Vec<RetentionChange>,
    /// How many of the new messages have no room either.
    pub(super) too_many: usize,
    evicted: Vec<Evicted>,
    /// Of those in the store alone, all up to the last that goes.
    gone: Vec<u64>,
    releases: Vec<u64>,
    up_to: u64,
}

impl Room {
    /// How many messages go.
    pub(super) fn len(&self) -> usize {
        self.evicted.len() + self.gone.len()
    }

    /// They are gone.
    pub(super) fn keep(self, outbox: &Outbox) {
        if self.len() > 0 {
            outbox.evicted(self.evicted, &self.gone, &self.releases, self.up_to);
        }
    }

    /// They are still there.
    pub(super) fn take_back(self, outbox: &Outbox) {
        outbox.keep_evicted(self.evicted);
    }

    /// Notes that a message goes; where the broker may hold its packet id, that is still to be released.
    fn add(&mut self, sequence: u64, may_be_held: bool) {
        self.changes.push(if may_be_held {
            self.releases.push(sequence);
            RetentionChange::Release { sequence }
        } else {
            RetentionChange::Remove { sequence }
        });
    }
}

impl Retainer {
    /// Whether these messages can be stored as things are.
    pub(super) fn has_room_for(&self, messages: &[RetainedMessage]) -> bool {
        !self.excess(messages).is_some()
    }

    fn excess(&self, messages: &[RetainedMessage]) -> Excess {
        let bytes: u64 = messages.iter().map(RetainedMessage::size).sum();
        Excess {
            messages: (self.backlog.messages + messages.len() as u64)
                .saturating_sub(self.bounds.messages),
            bytes: (self.backlog.bytes + bytes).saturating_sub(self.bounds.bytes),
        }
    }

    /// Looks for what must go so that these messages can be stored.
    pub(super) async fn make_room(
        &mut self,
        messages: &[RetainedMessage],
    ) -> Result<Room, StoreError> {
        let mut room = Room::default();
        let mut excess = self.excess(messages);
        while excess.is_some()
            && let Some(evicted) = self.shared.outbox.evict()
        {
            excess.shrink(evicted.size(self.shared.base.len()));
            room.add(evicted.sequence(), evicted.may_be_held());
            room.evicted.push(evicted);
        }
        room.up_to = self.shared.outbox.backlog_position();
        while excess.is_some() {
            let rows = match self.load_rows(room.up_to).await {
                Ok(rows) => rows,
                Err(error) => {
                    room.take_back(&self.shared.outbox);
                    return Err(error);
                }
            };
            if rows.is_empty() {
                break;
            }
            for row in rows {
                if !excess.is_some() {
                    break;
                }
                excess.shrink(row.size());
                let may_be_held = self.doubtful.next(&row)
                    && row.reliability == crate::Reliability::Unique
                    || row.released;
                room.add(row.sequence, may_be_held);
                room.up_to = row.sequence;
                room.gone.push(row.sequence);
            }
        }
        for message in messages {
            if !excess.is_some() {
                break;
            }
            excess.shrink(message.size());
            room.too_many += 1;
        }
        Ok(room)
    }

    /// Messages of the store behind this one.
    pub(super) async fn load_rows(&self, after: u64) -> Result<Vec<RetainedMessage>, StoreError> {
        /// How many are loaded at a time, and how many bytes of them.
        const LOAD: (usize, u64) = (256, 1024 * 1024);
        run_on(&self.stores.retention, move |store| {
            store.load_messages(after, LOAD.0, LOAD.1)
        })
        .await
    }
}

/// By how much the bounds are exceeded.
struct Excess {
    messages: u64,
    bytes: u64,
}

impl Excess {
    fn is_some(&self) -> bool {
        self.messages > 0 || self.bytes > 0
    }

    fn shrink(&mut self, size: u64) {
        self.messages = self.messages.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(size);
    }
}
