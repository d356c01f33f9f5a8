//! The queue of what is to be sent, from all handles to the one task that sends.
//!
//! It is also the volatile retention: messages that wait for the connection wait in the same queue and leave before
//! those that came later.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    task::Waker,
    time::Duration,
};

use rumqttc::mqttbytes::v4::Publish;
use tokio::{sync::Notify, time::Instant};

use crate::{
    Retention,
    delivery::{DeliveryError, Receipt, Settle},
};

/// A message with all that is to be known of it until it is acknowledged.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) publish: Publish,
    pub(crate) kind: MessageKind,
    pub(crate) delivery: Option<Settle>,
    /// Whether the broker may already have it, from a session that was lost.
    pub(crate) repeated: bool,
}

#[derive(Debug)]
pub(crate) enum MessageKind {
    /// Of a datastream, with its mapping's retention and its end of use.
    Datastream {
        retention: Retention,
        expires: Option<Instant>,
    },
    /// A device-owned property. The store has it, so it need not be kept here while offline.
    Property(SentProperty),
}

/// Which row of the store a message carries.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct PropertyId {
    pub(crate) interface: &'static str,
    pub(crate) major: u32,
    pub(crate) path: String,
}

/// A property on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SentProperty {
    pub(crate) id: PropertyId,
    /// Which of the values of the property it is: only the acknowledgement of the newest says that the server has it.
    pub(crate) serial: u64,
}

impl Message {
    /// Tells whoever waits for it.
    pub(crate) fn settle(self, outcome: Result<Receipt, DeliveryError>) {
        if let Some(delivery) = self.delivery {
            // Nobody waits where the `Delivery` was dropped.
            let _ = delivery.send(outcome);
        }
    }

    /// The interface and path of the message, where its topic begins with a base of this length.
    pub(crate) fn destination(&self, base: usize) -> (&str, &str) {
        let rest = self.publish.topic.get(base + 1..).unwrap_or_default();
        rest.find('/')
            .map_or((rest, ""), |slash| rest.split_at(slash))
    }

    /// When a message with this expiry, in seconds and 0 for never, is of no more use.
    pub(crate) fn expires(expiry: u32) -> Option<Instant> {
        (expiry > 0).then(|| Instant::now() + Duration::from_secs(expiry.into()))
    }
}

/// Why a message was not taken.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The device was stopped.
    Closed,
    /// The queue is full; the waker is woken once there may be room.
    Full(Message),
    /// Offline, and the message is not to be retained.
    Offline(Message),
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

#[derive(Debug)]
struct Queue {
    mode: Mode,
    messages: VecDeque<Message>,
    capacity: usize,
    retained_capacity: usize,
    /// Properties that were sent or queued when the connection broke, whose values the next handshake sends.
    parked: Vec<Settle>,
    /// Senders that wait for room.
    wakers: Vec<Waker>,
}

impl Outbox {
    /// A queue for at most `capacity` messages while online and `retained_capacity` while offline.
    pub(crate) fn new(capacity: usize, retained_capacity: usize) -> Self {
        let queue = Queue {
            mode: Mode::Offline,
            messages: VecDeque::new(),
            capacity,
            retained_capacity,
            parked: Vec::new(),
            wakers: Vec::new(),
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
        match (queue.mode, &message.kind) {
            (Mode::Closed, _) => return Err(Refusal::Closed),
            (Mode::Offline, MessageKind::Property(_)) => {
                queue.park(message);
                return Ok(());
            }
            (Mode::Online, _) => {
                // A property is already stored, and whoever set it waits for no more than that.
                let waits = matches!(message.kind, MessageKind::Datastream { .. });
                if waits && queue.messages.len() >= queue.capacity {
                    if !queue.wakers.iter().any(|waiting| waiting.will_wake(waker)) {
                        queue.wakers.push(waker.clone());
                    }
                    return Err(Refusal::Full(message));
                }
                queue.messages.push_back(message);
            }
            (Mode::Handshake, MessageKind::Property(_)) => queue.messages.push_back(message),
            (
                Mode::Offline | Mode::Handshake,
                MessageKind::Datastream {
                    retention: Retention::Discard,
                    ..
                },
            ) => {
                return Err(Refusal::Offline(message));
            }
            (Mode::Offline | Mode::Handshake, MessageKind::Datastream { .. }) => {
                queue.retain(message);
            }
        }
        drop(queue);
        self.filled.notify_one();
        Ok(())
    }

    /// Waits until there may be something to take.
    pub(crate) async fn filled(&self) {
        self.filled.notified().await;
    }

    /// Takes messages while `wants` says so, oldest first; those that have expired are dropped.
    pub(crate) fn take(
        &self,
        mut wants: impl FnMut(&Message) -> bool,
        mut send: impl FnMut(Message),
    ) {
        let mut queue = self.lock();
        if queue.messages.is_empty() {
            return;
        }
        let now = Instant::now();
        while let Some(message) = queue.messages.pop_front() {
            if message.has_expired(now) {
                message.settle(Err(DeliveryError::Expired));
            } else if wants(&message) {
                send(message);
            } else {
                queue.messages.push_front(message);
                break;
            }
        }
        queue.wake();
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
            Mode::Closed => queue.give_up(),
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
                MessageKind::Property(_) => queue.park(message),
                MessageKind::Datastream { .. } => queue.messages.push_front(message),
            }
        }
    }

    /// Parks the properties in the queue: the handshake sends what is stored, and so what they hold.
    pub(crate) fn park_properties(&self) {
        let mut queue = self.lock();
        for message in std::mem::take(&mut queue.messages) {
            match message.kind {
                MessageKind::Property(_) => queue.park(message),
                MessageKind::Datastream { .. } => queue.messages.push_back(message),
            }
        }
    }

    /// Tells those who wait for properties that the server has them all.
    pub(crate) fn settle_parked(&self) {
        for settle in std::mem::take(&mut self.lock().parked) {
            let _ = settle.send(Ok(Receipt::Acknowledged));
        }
    }

    /// How many messages wait.
    pub(crate) fn len(&self) -> usize {
        self.lock().messages.len()
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        // Every change is whole by the time anything can panic.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn wake(&mut self) {
        self.wakers.drain(..).for_each(Waker::wake);
    }

    fn retain(&mut self, message: Message) {
        if self.retained_capacity == 0 {
            return message.settle(Err(DeliveryError::Overflow));
        }
        if self.messages.len() >= self.retained_capacity
            && let Some(oldest) = self.messages.pop_front()
        {
            oldest.settle(Err(DeliveryError::Overflow));
        }
        self.messages.push_back(message);
    }

    fn park(&mut self, message: Message) {
        let Some(settle) = message.delivery.filter(|settle| !settle.is_closed()) else {
            return;
        };
        // Those who have gone are forgotten whenever the list would have to grow.
        if self.parked.len() == self.parked.capacity() {
            self.parked.retain(|settle| !settle.is_closed());
        }
        self.parked.push(settle);
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
                    message.settle(Err(DeliveryError::Offline));
                }
                MessageKind::Datastream { .. } => self.retain(message),
            }
        }
    }

    fn give_up(&mut self) {
        for message in std::mem::take(&mut self.messages) {
            message.settle(Err(DeliveryError::Closed));
        }
        // Those who wait learn of the end by the drop.
        self.parked.clear();
    }
}

impl Message {
    fn has_expired(&self, now: Instant) -> bool {
        matches!(self.kind, MessageKind::Datastream { expires: Some(expires), .. } if expires <= now)
    }
}

#[cfg(test)]
mod tests {
    use rumqttc::mqttbytes::QoS;

    use super::*;
    use crate::delivery::Delivery;

    fn message(name: &str, retention: Retention, expires: Option<Instant>) -> (Message, Delivery) {
        let (settle, delivery) = Delivery::waiting();
        let publish = Publish::new(name, QoS::AtLeastOnce, Vec::new());
        let kind = MessageKind::Datastream { retention, expires };
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

    fn taken(outbox: &Outbox) -> Vec<String> {
        let mut topics = Vec::new();
        outbox.take(|_| true, |message| topics.push(message.publish.topic));
        topics
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
