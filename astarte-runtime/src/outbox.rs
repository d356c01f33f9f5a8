//! The queue of what is to be sent, from all handles to the one task that sends.
//!
//! It is also the volatile retention: messages that wait for the connection wait in the same queue and leave before
//! those that came later. Messages of interfaces with stored ones have a queue of their own, the [`Backlog`], because most of
//! it may be on disk; the two take turns.

mod backlog;
mod line;
mod message;
mod place;
#[cfg(test)]
mod tests;

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Poll, Waker},
};

use tokio::{sync::Notify, time::Instant};

use self::{
    backlog::Backlog,
    line::{Line, Next},
    place::Place,
};
pub(crate) use self::{
    backlog::{Evicted, LoadedBacklog},
    message::{
        Datastream, Entry, InterfaceId, Message, MessageKind, SentProperty, Stored, destination,
        path,
    },
};
use crate::{
    Retention,
    delivery::{DeliveryError, Receipt, Settle},
    metrics::Dropped,
    publish::{PublishRef, Spare},
};

/// Why a message is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The device was stopped.
    Closed,
    /// The queue is full; the waker is woken once there may be room.
    Full,
    /// Offline, and the message is not to be retained.
    Offline,
    /// Its interface was removed.
    Removed,
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
    /// Whether there is room for a message, or the release of one, with this place in the store where it has one, and is to
    /// come once.
    fn has_room(&self, once: Option<u64>) -> bool;

    /// Takes it.
    fn send(&mut self, entry: Entry);

    /// Takes messages of QoS 0, which nobody waits for, for as long as there is room. Returns how many, and the bytes of
    /// their packets.
    fn send_unreliable<'p>(
        &mut self,
        publishes: impl Iterator<Item = PublishRef<'p>>,
    ) -> (usize, usize);
}

#[derive(Debug)]
struct Queue {
    mode: Mode,
    line: Line,
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
    /// Where packets are copied to.
    spare: Spare,
    dropped: Dropped,
}

impl Outbox {
    /// A queue for at most `capacity` messages while online and `retained_capacity` while offline.
    pub(crate) fn new(capacity: usize, retained_capacity: usize) -> Self {
        let queue = Queue {
            mode: Mode::Offline,
            line: Line::default(),
            backlog: Backlog::default(),
            capacity,
            retained_capacity,
            parked: Vec::new(),
            retired: Vec::new(),
            wakers: Vec::new(),
            spare: Spare::default(),
            dropped: Dropped::default(),
        };
        Self {
            queue: Mutex::new(queue),
            filled: Notify::new(),
        }
    }

    /// Finds a place for a message of a datastream, or says why there is none.
    pub(crate) fn place(&self, of: &Datastream, waker: &Waker) -> Result<Place<'_>, Refusal> {
        let mut queue = self.lock();
        match queue.mode {
            Mode::Closed => return Err(Refusal::Closed),
            _ if queue.is_retired(of.interface) => return Err(Refusal::Removed),
            Mode::Online => {
                if queue.is_full(of.ordered) {
                    queue.wait(waker);
                    return Err(Refusal::Full);
                }
            }
            Mode::Offline | Mode::Handshake if of.retention == Retention::Discard => {
                return Err(Refusal::Offline);
            }
            Mode::Offline | Mode::Handshake => {}
        }
        Ok(Place {
            queue,
            filled: &self.filled,
        })
    }

    /// Whether there is room for a property that is not stored yet, or why there is none.
    pub(crate) fn place_property(&self, of: InterfaceId, waker: &Waker) -> Result<(), Refusal> {
        let mut queue = self.lock();
        match queue.mode {
            Mode::Closed => Err(Refusal::Closed),
            _ if queue.is_retired(of) => Err(Refusal::Removed),
            Mode::Online if queue.is_full(false) => {
                queue.wait(waker);
                Err(Refusal::Full)
            }
            Mode::Offline | Mode::Handshake | Mode::Online => Ok(()),
        }
    }

    /// Waits until there may be room for a property.
    pub(crate) async fn room(&self) {
        std::future::poll_fn(|cx| {
            let mut queue = self.lock();
            if queue.mode == Mode::Online && queue.is_full(false) {
                queue.wait(cx.waker());
                return Poll::Pending;
            }
            Poll::Ready(())
        })
        .await;
    }

    /// Takes a property, which is stored: whoever set it waits for no more than that.
    pub(crate) fn push_property(
        &self,
        publish: PublishRef<'_>,
        sent: SentProperty,
        delivery: Settle,
    ) {
        let mut queue = self.lock();
        match queue.mode {
            // What settles it is its drop.
            Mode::Closed => return,
            _ if queue.is_retired(sent.interface) => return,
            Mode::Offline => return queue.park(sent.interface, Some(delivery)),
            Mode::Handshake | Mode::Online => {
                let message = Message {
                    publish: queue.spare.copy(publish),
                    kind: MessageKind::Property(sent),
                    delivery: Some(delivery),
                    repeated: false,
                };
                queue.line.push_back(message);
            }
        }
        drop(queue);
        self.filled.notify_one();
    }

    /// Takes a message that was stored.
    pub(crate) fn push_stored(&self, sequence: u64, message: Message) {
        let mut queue = self.lock();
        if queue.mode == Mode::Closed {
            return message.settle(Err(DeliveryError::Stored));
        }
        let capacity = queue.capacity;
        if queue.is_retired(message.kind.interface()) {
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

    /// Takes buffers of packets that have gone, for those that come.
    pub(crate) fn recycle(&self, spare: &mut Spare) {
        self.lock().spare.append(spare);
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
        if !queue.line.is_empty() || queue.backlog.front().is_some() {
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
            Mode::Offline => {
                queue.keep_what_is_retained();
                queue.spare = Spare::default();
            }
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
                _ if queue.is_retired(message.kind.interface()) => queue.backlog.remove(message),
                MessageKind::Property(of) => queue.park(of.interface, message.delivery),
                _ if message.is_ordered() => queue.backlog.put_back(message),
                _ => queue.line.push_front(message),
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
        queue.sort_out(|queue, waiting| match waiting {
            Next::Message(Message {
                kind: MessageKind::Property(of),
                delivery,
                ..
            }) => queue.park(of.interface, delivery),
            kept => queue.line.push(kept),
        });
        queue.wake();
    }

    /// Tells those who wait for properties that the server has them all.
    pub(crate) fn settle_parked(&self) {
        for (_, settle) in std::mem::take(&mut self.lock().parked) {
            settle.tell(Ok(Receipt::Acknowledged));
        }
    }

    /// Takes no more messages of an interface, and gives up those that wait.
    pub(crate) fn retire(&self, interface: InterfaceId) {
        let mut queue = self.lock();
        queue.retired.push(interface);
        queue.sort_out(|queue, waiting| match waiting {
            Next::Message(message) if message.kind.interface() == interface => {
                queue.give_up(message, DeliveryError::Removed);
            }
            Next::Unreliable(of, _) if of.interface == interface => {
                queue.dropped.count(&DeliveryError::Removed);
            }
            kept => queue.line.push(kept),
        });
        queue.backlog.retire(interface);
        let (gone, kept) = std::mem::take(&mut queue.parked)
            .into_iter()
            .partition(|(of, _)| *of == interface);
        queue.parked = kept;
        for (_, settle) in gone {
            queue.dropped.count(&DeliveryError::Removed);
            settle.tell(Err(DeliveryError::Removed));
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
        queue.line.is_empty() && queue.backlog.is_empty()
    }

    /// How many messages wait in memory.
    pub(crate) fn len(&self) -> usize {
        let queue = self.lock();
        queue.line.len() + queue.backlog.in_memory()
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
    fn is_retired(&self, interface: InterfaceId) -> bool {
        self.retired.contains(&interface)
    }

    /// Has a sender woken once there may be room.
    fn wait(&mut self, waker: &Waker) {
        if !self.wakers.iter().any(|waiting| waiting.will_wake(waker)) {
            self.wakers.push(waker.clone());
        }
    }

    fn wake(&mut self) {
        self.wakers.drain(..).for_each(Waker::wake);
    }

    fn is_full(&self, ordered: bool) -> bool {
        let waiting = if ordered {
            self.backlog.in_memory()
        } else {
            self.line.len()
        };
        waiting >= self.capacity
    }

    fn push_back(&mut self, message: Message) {
        if message.is_ordered() {
            self.backlog.push(message);
        } else {
            self.line.push_back(message);
        }
    }

    /// Hands the next message to the sink, but for those of the backlog. Returns whether there was one, and room.
    fn take_direct(&mut self, now: Instant, sink: &mut impl Sink) -> bool {
        match self.line.front() {
            None => return false,
            Some(Next::Unreliable(of, _)) if of.has_expired(now) => {
                self.line.pop();
                self.dropped.count(&DeliveryError::Expired);
            }
            Some(Next::Unreliable(_, publishes)) => {
                // Where the backlog waits as well, it has its turn after each.
                let most = match self.backlog.front() {
                    Some(_) => 1,
                    None => usize::MAX,
                };
                let (messages, bytes) = sink.send_unreliable(publishes.take(most));
                self.line.skip_unreliable(messages, bytes);
                return messages > 0;
            }
            Some(Next::Message(message)) => {
                let has_expired = message.has_expired(now);
                if !has_expired && !sink.has_room(message.once()) {
                    return false;
                }
                match self.line.pop() {
                    Some(message) if has_expired => self.give_up(message, DeliveryError::Expired),
                    Some(message) => sink.send(Entry::Message(message)),
                    None => {}
                }
            }
        }
        true
    }

    /// The same for the backlog.
    fn take_backlog(&mut self, now: Instant, sink: &mut impl Sink) -> bool {
        let Some(next) = self.backlog.front() else {
            return false;
        };
        let expired = matches!(next, Entry::Message(message) if message.has_expired(now));
        let has_room = match next {
            Entry::Message(message) => expired || sink.has_room(message.once()),
            Entry::Release(sequence) => sink.has_room(Some(*sequence)),
            Entry::Expired(_) => true,
        };
        if !has_room {
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

    /// Makes room for a message that waits for the connection. Returns whether there is any.
    fn make_room(&mut self) -> bool {
        if self.retained_capacity == 0 {
            return false;
        }
        if self.line.len() + self.backlog.volatile() >= self.retained_capacity {
            if self.line.is_empty() {
                self.backlog.drop_oldest_volatile();
            } else {
                self.dropped.count(&DeliveryError::Overflow);
                if let Some(oldest) = self.line.pop() {
                    oldest.settle(Err(DeliveryError::Overflow));
                }
            }
        }
        true
    }

    fn retain(&mut self, message: Message) {
        if self.make_room() {
            self.push_back(message);
        } else {
            self.give_up(message, DeliveryError::Overflow);
        }
    }

    fn retain_unreliable(&mut self, of: &Datastream, publish: PublishRef<'_>) {
        if self.make_room() {
            self.line.push_unreliable(of, publish);
        } else {
            self.dropped.count(&DeliveryError::Overflow);
        }
    }

    fn park(&mut self, property_of: InterfaceId, delivery: Option<Settle>) {
        let Some(settle) = delivery.filter(|settle| !settle.is_forgotten()) else {
            return;
        };
        // Those who have gone are forgotten whenever the list would have to grow.
        if self.parked.len() == self.parked.capacity() {
            self.parked.retain(|(_, settle)| !settle.is_forgotten());
        }
        self.parked.push((property_of, settle));
    }

    fn keep_what_is_retained(&mut self) {
        self.sort_out(|queue, waiting| match waiting {
            Next::Message(message) => match &message.kind {
                MessageKind::Property(of) => queue.park(of.interface, message.delivery),
                // What was in flight was accepted: it goes out again whatever its retention.
                MessageKind::Datastream(of)
                    if of.retention == Retention::Discard && !message.repeated =>
                {
                    queue.give_up(message, DeliveryError::Offline);
                }
                _ => queue.retain(message),
            },
            Next::Unreliable(of, _) if of.retention == Retention::Discard => {
                queue.dropped.count(&DeliveryError::Offline);
            }
            Next::Unreliable(of, publish) => queue.retain_unreliable(of, publish),
        });
        self.backlog.keep_what_is_retained();
    }

    /// Empties the line, and hands over what was in it, in its order.
    fn sort_out(&mut self, mut each: impl FnMut(&mut Self, Next<'_, Message, PublishRef<'_>>)) {
        std::mem::take(&mut self.line).drain(|waiting| each(self, waiting));
    }

    fn give_up(&mut self, message: Message, reason: DeliveryError) {
        self.dropped.count(&reason);
        message.settle(Err(reason));
    }

    fn close(&mut self) {
        self.sort_out(|queue, waiting| match waiting {
            Next::Message(message) => queue.give_up(message, DeliveryError::Closed),
            Next::Unreliable(..) => queue.dropped.count(&DeliveryError::Closed),
        });
        self.backlog.give_up();
        // Those who wait learn of the end by the drop.
        self.parked.clear();
    }
}
