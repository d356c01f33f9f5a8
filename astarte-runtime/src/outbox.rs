//! The queue of what is to be sent, from all handles to the one task that sends.
//!
//! It is also the volatile retention: messages that wait for the connection wait in the same queue and leave before
//! those that came later. Messages of interfaces with stored ones have a queue of their own, the [`Backlog`], because most of
//! it may be on disk; the two take turns.

mod backlog;
mod message;

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    task::Waker,
};

use tokio::{sync::Notify, time::Instant};

use self::backlog::Backlog;
pub(crate) use self::{
    backlog::{Evicted, LoadedBacklog},
    message::{Entry, InterfaceId, Message, MessageKind, PropertyId, SentProperty, Stored},
};
use crate::{
    Retention,
    delivery::{DeliveryError, Receipt, Settle},
    metrics::Dropped,
};

/// Why a message was not taken.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The device was stopped.
    Closed,
    /// The queue is full; the waker is woken once there may be room.
    Full(Message),
    /// Offline, and the message is not to be retained.
    Offline(Message),
    /// Its interface was removed.
    Removed(Message),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Offline,
    /// Connected, and not yet through the handshake: properties are queued, so that one that changes while the stored
    /// ones are being sent arrives after its older value.
    Handshake,
    Online,
    Closed,
}

#[derive(Debug)]
pub(crate) struct Outbox {
    queue: Mutex<Queue>,
    filled: Notify,
}

/// Where messages go that are taken.
pub(crate) trait Sink {
    /// Whether there is room for this one.
    fn has_room(&self, next: &Entry) -> bool;

    /// Takes it.
    fn send(&mut self, entry: Entry);
}

#[derive(Debug)]
struct Queue {
    mode: Mode,
    messages: VecDeque<Message>,
    backlog: Backlog,
    capacity: usize,
    retained_capacity: usize,
    /// Properties that were sent or queued when the connection broke, whose values the next handshake sends.
    parked: Vec<(InterfaceId, Settle)>,
    /// Interfaces that were removed, or replaced by another major version: the server would close the link on their
    /// messages.
    retired: Vec<InterfaceId>,
    /// Senders that wait for room.
    wakers: Vec<Waker>,
    dropped: Dropped,
}

impl Outbox {
    /// A queue for at most `capacity` messages while online and `retained_capacity` while offline.
    pub(crate) fn new(capacity: usize, retained_capacity: usize) -> Self {
        let queue = Queue {
            mode: Mode::Offline,
            messages: VecDeque::new(),
            backlog: Backlog::default(),
            capacity,
            retained_capacity,
            parked: Vec::new(),
            retired: Vec::new(),
            wakers: Vec::new(),
            dropped: Dropped::default(),
        };
        Self {
            queue: Mutex::new(queue),
            filled: Notify::new(),
        }
    }

    /// Takes a message, or says why not.
    #[allow(
        clippy::result_large_err,
        reason = "a refused message goes back to its sender"
    )]
    pub(crate) fn push(&self, message: Message, waker: &Waker) -> Result<(), Refusal> {
        let mut queue = self.lock();
        if queue.is_retired(&message) && queue.mode != Mode::Closed {
            return Err(Refusal::Removed(message));
        }
        match (queue.mode, &message.kind) {
            (Mode::Closed, _) => return Err(Refusal::Closed),
            (Mode::Offline, MessageKind::Property(_)) => {
                queue.park(message);
                return Ok(());
            }
            (Mode::Online, _) => {
                // A property is already stored, and whoever set it waits for no more than that.
                let waits = matches!(message.kind, MessageKind::Datastream { .. });
                if waits && queue.is_full(&message) {
                    if !queue.wakers.iter().any(|waiting| waiting.will_wake(waker)) {
                        queue.wakers.push(waker.clone());
                    }
                    return Err(Refusal::Full(message));
                }
                queue.push_back(message);
            }
            (Mode::Handshake, MessageKind::Property(_)) => queue.push_back(message),
            (
                Mode::Offline | Mode::Handshake,
                MessageKind::Datastream {
                    retention: Retention::Discard,
                    ..
                },
            ) => {
                return Err(Refusal::Offline(message));
            }
            (
                Mode::Offline | Mode::Handshake,
                MessageKind::Datastream { .. } | MessageKind::Stored(_),
            ) => {
                queue.retain(message);
            }
        }
        drop(queue);
        self.filled.notify_one();
        Ok(())
    }

    /// Takes a message that was stored.
    pub(crate) fn push_stored(&self, sequence: u64, message: Message) {
        let mut queue = self.lock();
        if queue.mode == Mode::Closed {
            return message.settle(Err(DeliveryError::Stored));
        }
        let capacity = queue.capacity;
        if queue.is_retired(&message) {
            queue.backlog.push_removed(sequence, message);
            drop(queue);
            return self.filled.notify_one();
        }
        queue.backlog.push_stored(sequence, message, capacity);
        drop(queue);
        self.filled.notify_one();
    }

    /// Takes up what the store holds: its newest message, and whether there is none.
    pub(crate) fn open_backlog(&self, last: u64, is_empty: bool) {
        self.lock().backlog.open(last, is_empty);
    }

    /// Where loading of the backlog goes on.
    pub(crate) fn backlog_position(&self) -> u64 {
        self.lock().backlog.position()
    }

    /// Takes messages of the store; `None` where it could not be read, and may be tried again.
    pub(crate) fn load_backlog(&self, loaded: Option<LoadedBacklog>) {
        let mut queue = self.lock();
        match loaded {
            Some(loaded) => {
                queue.backlog.load(loaded);
                // One may have been removed while its messages were being loaded.
                for interface in queue.retired.clone() {
                    queue.backlog.retire(interface);
                }
            }
            None => queue.backlog.load_failed(),
        }
        drop(queue);
        self.filled.notify_one();
    }

    /// Takes the oldest stored message out of the queue, to make room in the store.
    pub(crate) fn evict(&self) -> Option<Evicted> {
        self.lock().backlog.evict()
    }

    /// Messages have made room: those taken by [`evict`](Self::evict), and of those in the store alone all up to
    /// `up_to`, which are `gone`. `releases` are to be released.
    pub(crate) fn evicted(
        &self,
        evicted: Vec<Evicted>,
        gone: &[u64],
        releases: &[u64],
        up_to: u64,
    ) {
        let mut queue = self.lock();
        for Evicted(message) in evicted {
            queue.give_up(message, DeliveryError::Overflow);
        }
        queue.backlog.evicted_up_to(up_to, gone);
        for sequence in releases {
            queue.backlog.release(Entry::Release(*sequence));
        }
        drop(queue);
        self.filled.notify_one();
    }

    /// Takes back what [`evict`](Self::evict) gave.
    pub(crate) fn keep_evicted(&self, evicted: Vec<Evicted>) {
        self.put_back(
            evicted
                .into_iter()
                .map(|Evicted(message)| message)
                .collect(),
        );
    }

    /// Waits until there may be something to take.
    pub(crate) async fn filled(&self) {
        self.filled.notified().await;
    }

    /// Takes messages for as long as there is room for them, oldest first; those that have expired are dropped.
    ///
    /// Returns behind which message the backlog is to be loaded, where it is time; [`load_backlog`](Self::load_backlog)
    /// is to follow.
    pub(crate) fn take(&self, sink: &mut impl Sink) -> Option<u64> {
        let mut queue = self.lock();
        if !queue.messages.is_empty() || queue.backlog.front().is_some() {
            let now = Instant::now();
            while queue.take_direct(now, sink) | queue.take_backlog(now, sink) {}
            queue.wake();
        }
        queue.backlog.wants_load()
    }

    /// Changes the mode, and gives up what the new mode does not keep.
    pub(crate) fn set_mode(&self, mode: Mode) {
        let mut queue = self.lock();
        if queue.mode == Mode::Closed {
            return;
        }
        queue.mode = mode;
        match mode {
            Mode::Offline => queue.keep_what_is_retained(),
            Mode::Closed => queue.close(),
            Mode::Handshake | Mode::Online => {}
        }
        queue.wake();
        drop(queue);
        self.filled.notify_one();
    }

    /// Puts messages of a lost session in front of the queue, in their order.
    pub(crate) fn put_back(&self, messages: Vec<Message>) {
        let mut queue = self.lock();
        for message in messages.into_iter().rev() {
            match message.kind {
                _ if queue.is_retired(&message) => queue.backlog.remove(message),
                MessageKind::Property(_) => queue.park(message),
                _ if message.is_ordered() => queue.backlog.put_back(message),
                _ => queue.messages.push_front(message),
            }
        }
        if queue.mode == Mode::Closed {
            queue.close();
        }
        drop(queue);
        self.filled.notify_one();
    }

    /// Parks the properties in the queue: the handshake sends what is stored, and so what they hold.
    pub(crate) fn park_properties(&self) {
        let mut queue = self.lock();
        for message in std::mem::take(&mut queue.messages) {
            match message.kind {
                MessageKind::Property(_) => queue.park(message),
                _ => queue.messages.push_back(message),
            }
        }
    }

    /// Tells those who wait for properties that the server has them all.
    pub(crate) fn settle_parked(&self) {
        for (_, settle) in std::mem::take(&mut self.lock().parked) {
            let _ = settle.send(Ok(Receipt::Acknowledged));
        }
    }

    /// Takes no more messages of an interface, and gives up those that wait.
    pub(crate) fn retire(&self, interface: InterfaceId) {
        let mut queue = self.lock();
        queue.retired.push(interface);
        for message in std::mem::take(&mut queue.messages) {
            if queue.is_retired(&message) {
                queue.give_up(message, DeliveryError::Removed);
            } else {
                queue.messages.push_back(message);
            }
        }
        queue.backlog.retire(interface);
        let (gone, kept) = std::mem::take(&mut queue.parked)
            .into_iter()
            .partition(|(of, _)| *of == interface);
        queue.parked = kept;
        for (_, settle) in gone {
            queue.dropped.count(&DeliveryError::Removed);
            let _ = settle.send(Err(DeliveryError::Removed));
        }
        queue.wake();
    }

    /// Takes messages of an interface again.
    pub(crate) fn revive(&self, interface: InterfaceId) {
        self.lock().retired.retain(|retired| *retired != interface);
    }

    /// Whether an interface was removed.
    pub(crate) fn is_retired(&self, interface: InterfaceId) -> bool {
        self.lock().retired.contains(&interface)
    }

    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        let queue = self.lock();
        queue.messages.is_empty() && queue.backlog.is_empty()
    }

    /// How many messages wait in memory.
    pub(crate) fn len(&self) -> usize {
        let queue = self.lock();
        queue.messages.len() + queue.backlog.in_memory()
    }

    /// What was given up so far.
    pub(crate) fn dropped(&self) -> Dropped {
        let queue = self.lock();
        queue.dropped.and(queue.backlog.dropped)
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        // Every change is whole by the time anything can panic.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn is_retired(&self, message: &Message) -> bool {
        !self.retired.is_empty() && self.retired.contains(&message.kind.interface())
    }

    fn wake(&mut self) {
        self.wakers.drain(..).for_each(Waker::wake);
    }

    fn is_full(&self, message: &Message) -> bool {
        let waiting = if message.is_ordered() {
            self.backlog.in_memory()
        } else {
            self.messages.len()
        };
        waiting >= self.capacity
    }

    fn push_back(&mut self, message: Message) {
        if message.is_ordered() {
            self.backlog.push(message);
        } else {
            self.messages.push_back(message);
        }
    }

    /// Hands the next message to the sink, but for those of the backlog. Returns whether there was one, and room.
    fn take_direct(&mut self, now: Instant, sink: &mut impl Sink) -> bool {
        let Some(message) = self.messages.pop_front() else {
            return false;
        };
        if message.has_expired(now) {
            self.give_up(message, DeliveryError::Expired);
            return true;
        }
        let next = Entry::Message(message);
        if sink.has_room(&next) {
            sink.send(next);
            return true;
        }
        if let Entry::Message(message) = next {
            self.messages.push_front(message);
        }
        false
    }

    /// The same for the backlog.
    fn take_backlog(&mut self, now: Instant, sink: &mut impl Sink) -> bool {
        let Some(next) = self.backlog.front() else {
            return false;
        };
        let expired = matches!(next, Entry::Message(message) if message.has_expired(now));
        if !expired && !sink.has_room(next) {
            return false;
        }
        let expired = match self.backlog.pop() {
            Some(Entry::Message(message)) if expired => {
                self.dropped.count(&DeliveryError::Expired);
                message.give_up(DeliveryError::Expired)
            }
            Some(next) => {
                sink.send(next);
                None
            }
            None => None,
        };
        match expired {
            Some(release @ Entry::Release(_)) => self.backlog.release(release),
            Some(gone) => sink.send(gone),
            None => {}
        }
        true
    }

    fn retain(&mut self, message: Message) {
        if self.retained_capacity == 0 {
            return self.give_up(message, DeliveryError::Overflow);
        }
        if self.messages.len() + self.backlog.volatile() >= self.retained_capacity {
            match self.messages.pop_front() {
                Some(oldest) => self.give_up(oldest, DeliveryError::Overflow),
                None => self.backlog.drop_oldest_volatile(),
            }
        }
        self.push_back(message);
    }

    fn park(&mut self, message: Message) {
        let interface = message.kind.interface();
        let Some(settle) = message.delivery.filter(|settle| !settle.is_closed()) else {
            return;
        };
        // Those who have gone are forgotten whenever the list would have to grow.
        if self.parked.len() == self.parked.capacity() {
            self.parked.retain(|(_, settle)| !settle.is_closed());
        }
        self.parked.push((interface, settle));
    }

    fn keep_what_is_retained(&mut self) {
        for message in std::mem::take(&mut self.messages) {
            match &message.kind {
                MessageKind::Property(_) => self.park(message),
                // What was in flight was accepted: it goes out again whatever its retention.
                MessageKind::Datastream {
                    retention: Retention::Discard,
                    ..
                } if !message.repeated => {
                    self.give_up(message, DeliveryError::Offline);
                }
                _ => self.retain(message),
            }
        }
        self.backlog.keep_what_is_retained();
    }

    fn give_up(&mut self, message: Message, reason: DeliveryError) {
        self.dropped.count(&reason);
        message.settle(Err(reason));
    }

    fn close(&mut self) {
        for message in std::mem::take(&mut self.messages) {
            self.give_up(message, DeliveryError::Closed);
        }
        self.backlog.give_up();
        // Those who wait learn of the end by the drop.
        self.parked.clear();
    }
}

#[cfg(test)]
mod tests {
    use rumqttc::mqttbytes::{QoS, v4::Publish};

    use super::*;
    use crate::delivery::Delivery;

    fn message(name: &str, retention: Retention, expires: Option<Instant>) -> (Message, Delivery) {
        let (settle, delivery) = Delivery::waiting();
        let publish = Publish::new(name, QoS::AtLeastOnce, Vec::new());
        let kind = MessageKind::Datastream {
            interface: InterfaceId {
                name: "org.example.A",
                major: 1,
            },
            retention,
            expires,
            ordered: false,
        };
        (
            Message {
                publish,
                kind,
                delivery: Some(settle),
                repeated: false,
            },
            delivery,
        )
    }

    #[allow(clippy::result_large_err, reason = "as the method it calls")]
    fn push(outbox: &Outbox, message: Message) -> Result<(), Refusal> {
        outbox.push(message, Waker::noop())
    }

    /// What is taken, by its topics.
    #[derive(Default)]
    struct Topics(Vec<String>);

    impl Sink for Topics {
        fn has_room(&self, _: &Entry) -> bool {
            true
        }

        fn send(&mut self, entry: Entry) {
            self.0.push(match entry {
                Entry::Message(message) => message.publish.topic,
                other => format!("{other:?}"),
            });
        }
    }

    fn taken(outbox: &Outbox) -> Vec<String> {
        let mut topics = Topics::default();
        outbox.take(&mut topics);
        topics.0
    }

    #[tokio::test]
    async fn volatile_messages_wait_and_the_oldest_make_room() {
        let outbox = Outbox::new(10, 2);
        let (first, dropped) = message("1", Retention::Volatile, None);
        push(&outbox, first).unwrap();
        push(&outbox, message("2", Retention::Volatile, None).0).unwrap();
        push(&outbox, message("3", Retention::Volatile, None).0).unwrap();
        assert_eq!(dropped.await, Err(DeliveryError::Overflow));
        assert!(matches!(
            push(&outbox, message("4", Retention::Discard, None).0),
            Err(Refusal::Offline(_))
        ));
        outbox.set_mode(Mode::Online);
        push(&outbox, message("5", Retention::Discard, None).0).unwrap();
        assert_eq!(taken(&outbox), ["2", "3", "5"]);
    }

    #[tokio::test]
    async fn what_expired_is_never_sent() {
        let outbox = Outbox::new(10, 10);
        let (expired, delivery) = message("1", Retention::Volatile, Some(Instant::now()));
        push(&outbox, expired).unwrap();
        push(&outbox, message("2", Retention::Volatile, None).0).unwrap();
        outbox.set_mode(Mode::Online);
        assert_eq!(taken(&outbox), ["2"]);
        assert_eq!(delivery.await, Err(DeliveryError::Expired));
    }

    #[tokio::test]
    async fn a_broken_connection_drops_what_is_not_retained() {
        let outbox = Outbox::new(2, 10);
        outbox.set_mode(Mode::Online);
        let (discarded, delivery) = message("1", Retention::Discard, None);
        push(&outbox, discarded).unwrap();
        push(&outbox, message("2", Retention::Volatile, None).0).unwrap();
        assert!(matches!(
            push(&outbox, message("3", Retention::Volatile, None).0),
            Err(Refusal::Full(_))
        ));
        outbox.set_mode(Mode::Offline);
        assert_eq!(delivery.await, Err(DeliveryError::Offline));
        let (mut in_flight, _) = message("0", Retention::Discard, None);
        in_flight.repeated = true;
        outbox.put_back(vec![in_flight]);
        outbox.set_mode(Mode::Offline);
        assert_eq!(taken(&outbox), ["0", "2"]);
    }

    #[tokio::test]
    async fn stopping_the_device_settles_everything() {
        let outbox = Outbox::new(10, 10);
        let (waiting, delivery) = message("1", Retention::Volatile, None);
        push(&outbox, waiting).unwrap();
        outbox.set_mode(Mode::Closed);
        assert_eq!(delivery.await, Err(DeliveryError::Closed));
        assert!(matches!(
            push(&outbox, message("2", Retention::Volatile, None).0),
            Err(Refusal::Closed)
        ));
    }
}
