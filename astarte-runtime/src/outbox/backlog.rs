//! The messages whose order the store keeps: those that are in it, and the others of the same interfaces.
//!
//! A few are in memory, in the order of sending; the rest is in the store alone and is loaded when these run low. A message
//! that is not stored, but follows on one that is, waits until that one has been loaded.

use std::collections::{HashMap, VecDeque};

use super::message::{Datastream, Entry, InterfaceId, Message, MessageKind};
use crate::{
    Retention,
    delivery::{DeliveryError, Settle},
    metrics::Dropped,
};

/// How few messages are in memory when more are loaded.
const LOW: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Backlog {
    /// In the order of sending, before all that is in the store alone.
    ready: VecDeque<Entry>,
    /// Messages that are not stored, each with the stored message that it comes after.
    behind: VecDeque<(u64, Message)>,
    /// Every stored message up to this one is in `ready`, on its way, or gone.
    loaded: u64,
    /// The newest stored message.
    last: u64,
    loading: bool,
    /// Those who wait for a message that is in the store alone.
    waiting: HashMap<u64, Settle>,
    /// What was given up here.
    pub(super) dropped: Dropped,
}

/// What was loaded from the store.
#[derive(Debug, Default)]
pub(crate) struct LoadedBacklog {
    /// In the order of their sequence numbers.
    pub(crate) entries: Vec<(u64, Entry)>,
    /// What will not be sent, and why.
    pub(crate) gone: Vec<(u64, DeliveryError)>,
    /// All that there is up to here was loaded.
    pub(crate) up_to: u64,
}

/// A message that made room for newer ones.
#[derive(Debug)]
pub(crate) struct Evicted(pub(super) Message);

impl Evicted {
    /// Its place in the store.
    pub(crate) fn sequence(&self) -> u64 {
        self.0.sequence().unwrap_or_default()
    }

    /// How many bytes it makes free in the store.
    pub(crate) fn size(&self, base: usize) -> u64 {
        {
            let publish = self.0.publish.view();
            (publish.topic().len().saturating_sub(base + 1) + publish.payload().len()) as u64
        }
    }

    /// Whether the broker may hold its packet id.
    pub(crate) fn may_be_held(&self) -> bool {
        self.0.may_be_held()
    }
}

impl Backlog {
    /// Takes up what the store holds.
    pub(super) fn open(&mut self, last: u64, is_empty: bool) {
        self.last = last;
        self.loaded = if is_empty { last } else { 0 };
    }

    /// How many messages are in memory.
    pub(super) fn in_memory(&self) -> usize {
        self.ready.len() + self.behind.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.in_memory() == 0 && self.is_loaded()
    }

    /// Whether nothing is in the store alone.
    fn is_loaded(&self) -> bool {
        self.loaded >= self.last
    }

    /// Where to load from, where it is time.
    pub(super) fn wants_load(&mut self) -> Option<u64> {
        (!self.loading && !self.is_loaded() && self.ready.len() < LOW).then(|| {
            self.loading = true;
            self.loaded
        })
    }

    /// Where loading goes on.
    pub(super) fn position(&self) -> u64 {
        self.loaded
    }

    /// Adds a message that is not stored.
    pub(super) fn push(&mut self, message: Message) {
        if self.is_loaded() {
            self.ready.push_back(Entry::Message(message));
        } else {
            self.behind.push_back((self.last, message));
        }
    }

    /// Adds a message that was stored; where `capacity` messages are in memory it stays in the store alone.
    pub(super) fn push_stored(&mut self, sequence: u64, message: Message, capacity: usize) {
        if self.is_loaded() && self.ready.len() < capacity {
            self.loaded = sequence;
            self.ready.push_back(Entry::Message(message));
        } else if let Some(settle) = message.delivery.filter(|settle| !settle.is_forgotten()) {
            // Those who have gone are forgotten whenever the map would have to grow.
            if self.waiting.len() == self.waiting.capacity() {
                self.waiting.retain(|_, settle| !settle.is_forgotten());
            }
            self.waiting.insert(sequence, settle);
        }
        self.last = self.last.max(sequence);
    }

    /// Takes what was loaded.
    pub(super) fn load(&mut self, loaded: LoadedBacklog) {
        let LoadedBacklog {
            entries,
            gone,
            up_to,
        } = loaded;
        self.loading = false;
        for (sequence, reason) in gone {
            self.dropped.count(&reason);
            if let Some(settle) = self.waiting.remove(&sequence) {
                settle.tell(Err(reason));
            }
        }
        for (sequence, mut entry) in entries {
            self.follow_up(sequence.saturating_sub(1));
            if let Entry::Message(message) = &mut entry {
                message.delivery = self.waiting.remove(&sequence);
            }
            self.ready.push_back(entry);
        }
        self.loaded = self.loaded.max(up_to);
        self.follow_up(self.loaded);
    }

    /// Says that loading failed.
    pub(super) fn load_failed(&mut self) {
        self.loading = false;
    }

    /// Moves up the messages that come after stored ones up to this one.
    fn follow_up(&mut self, sequence: u64) {
        while let Some((_, message)) = self.behind.pop_front_if(|(after, _)| *after <= sequence) {
            self.ready.push_back(Entry::Message(message));
        }
    }

    pub(super) fn front(&self) -> Option<&Entry> {
        self.ready.front()
    }

    pub(super) fn pop(&mut self) -> Option<Entry> {
        self.ready.pop_front()
    }

    pub(super) fn put_back(&mut self, message: Message) {
        self.ready.push_front(Entry::Message(message));
    }

    /// Adds the release of a packet id, whose place in the order does not matter.
    pub(super) fn release(&mut self, release: Entry) {
        self.ready.push_front(release);
    }

    /// The oldest stored message that is in memory and not on its way.
    pub(super) fn evict(&mut self) -> Option<Evicted> {
        let is_stored = |entry: &Entry| matches!(entry, Entry::Message(message) if message.sequence().is_some());
        let index = self.ready.iter().position(is_stored)?;
        match self.ready.remove(index) {
            Some(Entry::Message(message)) => Some(Evicted(message)),
            // What was found is such a message.
            _ => None,
        }
    }

    /// Those that made room in the store alone are gone, up to this one; tells those who wait.
    pub(super) fn evicted_up_to(&mut self, sequence: u64, gone: &[u64]) {
        self.loaded = self.loaded.max(sequence);
        for _ in gone {
            self.dropped.count(&DeliveryError::Overflow);
        }
        for settle in gone.iter().filter_map(|gone| self.waiting.remove(gone)) {
            settle.tell(Err(DeliveryError::Overflow));
        }
        self.follow_up(self.loaded);
    }

    /// The oldest message that waits in memory alone makes room.
    pub(super) fn drop_oldest_volatile(&mut self) {
        let is_volatile = |entry: &Entry| matches!(entry, Entry::Message(message) if message.sequence().is_none());
        let dropped = match self.ready.iter().position(is_volatile) {
            Some(index) => self.ready.remove(index),
            None => self
                .behind
                .pop_front()
                .map(|(_, message)| Entry::Message(message)),
        };
        if let Some(Entry::Message(message)) = dropped {
            self.drop_message(message, DeliveryError::Overflow);
        }
    }

    /// Gives up what waits of an interface, but for what is in the store alone, which is looked at when it is loaded.
    pub(super) fn retire(&mut self, interface: InterfaceId) {
        for entry in std::mem::take(&mut self.ready) {
            match entry {
                Entry::Message(message) if message.kind.interface() == interface => {
                    self.dropped.count(&DeliveryError::Removed);
                    self.ready.extend(message.give_up(DeliveryError::Removed));
                }
                kept => self.ready.push_back(kept),
            }
        }
        for (after, message) in std::mem::take(&mut self.behind) {
            if message.kind.interface() == interface {
                self.drop_message(message, DeliveryError::Removed);
            } else {
                self.behind.push_back((after, message));
            }
        }
    }

    /// Gives up a message of an interface that was removed.
    pub(super) fn remove(&mut self, message: Message) {
        self.dropped.count(&DeliveryError::Removed);
        if let Some(left) = message.give_up(DeliveryError::Removed) {
            self.release(left);
        }
    }

    /// The same of one that has just been stored.
    pub(super) fn push_removed(&mut self, sequence: u64, message: Message) {
        if self.is_loaded() {
            self.loaded = sequence;
            self.remove(message);
        } else {
            self.drop_message(message, DeliveryError::Removed);
        }
        self.last = self.last.max(sequence);
    }

    fn drop_message(&mut self, message: Message, reason: DeliveryError) {
        self.dropped.count(&reason);
        message.settle(Err(reason));
    }

    /// How many messages wait in memory alone.
    pub(super) fn volatile(&self) -> usize {
        let is_volatile = |entry: &&Entry| matches!(entry, Entry::Message(message) if message.sequence().is_none());
        self.behind.len() + self.ready.iter().filter(is_volatile).count()
    }

    /// The connection broke: gives up what is not retained.
    pub(super) fn keep_what_is_retained(&mut self) {
        let is_kept = |message: &Message| {
            message.repeated
                || !matches!(
                    message.kind,
                    MessageKind::Datastream(Datastream {
                        retention: Retention::Discard,
                        ..
                    })
                )
        };
        for entry in std::mem::take(&mut self.ready) {
            match entry {
                Entry::Message(message) if !is_kept(&message) => {
                    self.drop_message(message, DeliveryError::Offline);
                }
                kept => self.ready.push_back(kept),
            }
        }
        for (after, message) in std::mem::take(&mut self.behind) {
            if is_kept(&message) {
                self.behind.push_back((after, message));
            } else {
                self.drop_message(message, DeliveryError::Offline);
            }
        }
    }

    /// The device has stopped. What is stored stays so.
    pub(super) fn give_up(&mut self) {
        let behind = std::mem::take(&mut self.behind);
        let ready = std::mem::take(&mut self.ready).into_iter();
        let ready = ready.filter_map(|entry| match entry {
            Entry::Message(message) => Some(message),
            Entry::Release(_) | Entry::Expired(_) => None,
        });
        for message in ready.chain(behind.into_iter().map(|(_, message)| message)) {
            let outcome = match message.sequence() {
                Some(_) => DeliveryError::Stored,
                None => DeliveryError::Closed,
            };
            self.drop_message(message, outcome);
        }
        for (_, settle) in std::mem::take(&mut self.waiting) {
            settle.tell(Err(DeliveryError::Stored));
        }
    }
}

#[cfg(test)]
mod tests {
    use rumqttc::mqttbytes::QoS;

    const INTERFACE: InterfaceId = InterfaceId {
        name: "org.example.A",
        major: 1,
    };

    use super::*;
    use crate::{delivery::Deliveries, outbox::Stored, publish::Publish};

    fn volatile(name: &str) -> Message {
        Message {
            publish: Publish::new(name, QoS::AtLeastOnce, b""),
            kind: MessageKind::Datastream(Datastream {
                interface: INTERFACE,
                retention: Retention::Volatile,
                expires: None,
                ordered: true,
            }),
            delivery: None,
            repeated: false,
        }
    }

    fn stored(sequence: u64) -> Message {
        Message {
            kind: MessageKind::Stored(Stored {
                interface: INTERFACE,
                sequence,
                expires: None,
                doubtful: false,
            }),
            ..volatile(&sequence.to_string())
        }
    }

    fn loaded(sequences: impl IntoIterator<Item = u64>, up_to: u64) -> LoadedBacklog {
        let entry = |sequence| (sequence, Entry::Message(stored(sequence)));
        LoadedBacklog {
            entries: sequences.into_iter().map(entry).collect(),
            gone: Vec::new(),
            up_to,
        }
    }

    fn taken(backlog: &mut Backlog) -> Vec<String> {
        let entries = std::iter::from_fn(|| backlog.pop());
        let names = entries.map(|entry| match entry {
            Entry::Message(message) => {
                String::from_utf8_lossy(message.publish.view().topic()).into_owned()
            }
            other => format!("{other:?}"),
        });
        names.collect()
    }

    #[test]
    fn the_order_holds_whatever_is_loaded_when() {
        let mut backlog = Backlog::default();
        backlog.open(2, false);
        backlog.push(volatile("a"));
        backlog.push_stored(3, stored(3), 10);
        backlog.push(volatile("b"));
        backlog.push(volatile("c"));
        backlog.push_stored(4, stored(4), 10);
        assert_eq!(backlog.wants_load(), Some(0));
        assert_eq!(backlog.wants_load(), None);
        assert_eq!(taken(&mut backlog), [""; 0]);
        backlog.load(loaded([1, 2, 3], 3));
        assert_eq!(taken(&mut backlog), ["1", "2", "a", "3", "b", "c"]);
        // What comes meanwhile waits behind what is still in the store.
        backlog.push(volatile("d"));
        assert_eq!(backlog.wants_load(), Some(3));
        backlog.push_stored(5, stored(5), 10);
        backlog.load(loaded([4], 4));
        assert_eq!(backlog.wants_load(), Some(4));
        backlog.load(loaded([5], 5));
        assert!(!backlog.is_empty());
        assert_eq!(taken(&mut backlog), ["4", "d", "5"]);
        assert!(backlog.is_empty());
        // And what comes then needs no loading.
        backlog.push_stored(6, stored(6), 10);
        backlog.push(volatile("e"));
        assert_eq!(backlog.wants_load(), None);
        assert_eq!(taken(&mut backlog), ["6", "e"]);
    }

    #[test]
    fn rows_that_are_gone_hold_up_nothing() {
        let mut backlog = Backlog::default();
        backlog.open(4, false);
        backlog.push(volatile("a"));
        assert_eq!(backlog.wants_load(), Some(0));
        backlog.load(loaded([], 4));
        assert_eq!(taken(&mut backlog), ["a"]);
        assert!(backlog.is_empty());
    }

    #[test]
    fn a_failed_load_is_tried_again() {
        let mut backlog = Backlog::default();
        backlog.open(1, false);
        assert_eq!(backlog.wants_load(), Some(0));
        backlog.load_failed();
        assert_eq!(backlog.wants_load(), Some(0));
    }

    #[tokio::test]
    async fn deliveries_wait_for_what_is_in_the_store_alone() {
        let mut backlog = Backlog::default();
        let with_delivery = |sequence| {
            let (settle, delivery) = Deliveries::default().waiting();
            let message = Message {
                delivery: Some(settle),
                ..stored(sequence)
            };
            (message, delivery)
        };
        let (first, _) = with_delivery(1);
        let (second, dropped) = with_delivery(2);
        let (third, kept) = with_delivery(3);
        backlog.push_stored(1, first, 1);
        backlog.push_stored(2, second, 1);
        backlog.push_stored(3, third, 1);
        assert_eq!(backlog.position(), 1);
        assert_eq!(backlog.evict().unwrap().sequence(), 1);
        assert!(backlog.evict().is_none());
        backlog.evicted_up_to(2, &[2]);
        assert_eq!(dropped.await, Err(DeliveryError::Overflow));
        backlog.load(loaded([3], 3));
        assert!(
            matches!(backlog.front(), Some(Entry::Message(message)) if message.delivery.is_some())
        );
        backlog.give_up();
        assert_eq!(kept.await, Err(DeliveryError::Stored));
    }
}
