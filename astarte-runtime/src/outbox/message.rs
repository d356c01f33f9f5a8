//! A message on its way from a handle to the broker.

use std::time::Duration;

use rumqttc::mqttbytes::QoS;
use tokio::time::Instant;

use crate::{
    Retention,
    delivery::{DeliveryError, Outcome, Settle},
    path,
    publish::{Publish, PublishRef},
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

/// An interface, as the server tells it from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct InterfaceId {
    pub(crate) name: &'static str,
    pub(crate) major: u32,
}

#[derive(Debug)]
pub(crate) enum MessageKind {
    /// Of a datastream, kept in memory at the most.
    Datastream(Datastream),
    /// A device-owned property. The store has it, so it need not be kept here while offline.
    Property(SentProperty),
    /// Of a datastream, and in the store until the broker has it.
    Stored(Stored),
}

/// What is to be known of a message of a datastream that is not stored.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Datastream {
    pub(crate) interface: InterfaceId,
    pub(crate) retention: Retention,
    /// When it is of no more use.
    pub(crate) expires: Option<Instant>,
    /// Whether its interface has stored messages as well, whose order it keeps.
    pub(crate) ordered: bool,
}

/// A message that is in the store.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stored {
    pub(crate) interface: InterfaceId,
    /// Its place in the order of sending.
    pub(crate) sequence: u64,
    /// When it is of no more use.
    pub(crate) expires: Option<Instant>,
    /// Whether an earlier process may have sent it.
    pub(crate) doubtful: bool,
}

/// A property on its way. Its path is that of its packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SentProperty {
    pub(crate) interface: InterfaceId,
    /// Which of the values of the property it is: only the acknowledgement of the newest says that the server has it.
    pub(crate) serial: u64,
}

/// What is taken from the queue.
#[derive(Debug)]
pub(crate) enum Entry {
    /// To be sent.
    Message(Message),
    /// A stored message that the broker has, or may have although it is of no more use: its packet id is to be released.
    Release(u64),
    /// A stored message that has expired, and is to be removed from the store.
    Expired(u64),
}

impl MessageKind {
    pub(crate) fn interface(&self) -> InterfaceId {
        match self {
            Self::Datastream(datastream) => datastream.interface,
            Self::Property(sent) => sent.interface,
            Self::Stored(stored) => stored.interface,
        }
    }
}

impl Datastream {
    /// When a message with this expiry, in seconds and 0 for never, is of no more use.
    pub(crate) fn expires(expiry: u32) -> Option<Instant> {
        (expiry > 0).then(|| Instant::now() + Duration::from_secs(expiry.into()))
    }

    pub(super) fn has_expired(&self, now: Instant) -> bool {
        has_passed(self.expires, now)
    }

    /// Whether a message of the one may be treated as one of the other.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        // Where the name is the same text at another address they count as different, which is no harm.
        std::ptr::eq(self.interface.name, other.interface.name)
            && self.interface.major == other.interface.major
            && self.retention == other.retention
            && (self.expires, other.expires) == (None, None)
    }
}

impl Message {
    /// Tells whoever waits for it.
    pub(crate) fn settle(self, outcome: Outcome) {
        if let Some(delivery) = self.delivery {
            delivery.tell(outcome);
        }
    }

    /// Its place in the store, where it has one.
    pub(crate) fn sequence(&self) -> Option<u64> {
        match self.kind {
            MessageKind::Stored(Stored { sequence, .. }) => Some(sequence),
            MessageKind::Datastream(_) | MessageKind::Property(_) => None,
        }
    }

    /// Its place in the store, where the broker must have it exactly once.
    pub(crate) fn once(&self) -> Option<u64> {
        self.sequence()
            .filter(|_| self.publish.qos() == QoS::ExactlyOnce)
    }

    /// Whether it must keep the order of stored messages.
    pub(super) fn is_ordered(&self) -> bool {
        match self.kind {
            MessageKind::Stored(_) => true,
            MessageKind::Datastream(datastream) => datastream.ordered,
            MessageKind::Property(_) => false,
        }
    }

    pub(super) fn has_expired(&self, now: Instant) -> bool {
        let expires = match self.kind {
            MessageKind::Stored(Stored { expires, .. })
            | MessageKind::Datastream(Datastream { expires, .. }) => expires,
            MessageKind::Property(_) => None,
        };
        has_passed(expires, now)
    }

    /// Whether an earlier process may have sent it, so that the broker may hold its packet id, which another message
    /// will have.
    pub(super) fn may_be_held(&self) -> bool {
        let doubtful = matches!(
            self.kind,
            MessageKind::Stored(Stored { doubtful: true, .. })
        );
        doubtful && self.publish.qos() == QoS::ExactlyOnce
    }

    /// Gives it up, and says what is still to be done for it, if anything.
    pub(super) fn give_up(self, reason: DeliveryError) -> Option<Entry> {
        let left = match self.sequence() {
            Some(sequence) if self.may_be_held() => Some(Entry::Release(sequence)),
            sequence => sequence.map(Entry::Expired),
        };
        self.settle(Err(reason));
        left
    }
}

fn has_passed(expires: Option<Instant>, now: Instant) -> bool {
    expires.is_some_and(|expires| expires <= now)
}

/// The interface and path of a packet, where its topic begins with a base of this length.
pub(crate) fn destination(publish: PublishRef<'_>, base: usize) -> (&str, &str) {
    let topic = publish.topic().get(base + 1..).unwrap_or_default();
    path::destination(std::str::from_utf8(topic).unwrap_or_default())
}

/// The path in a topic of this interface, in UTF-8, where the topic begins with a base of this length.
pub(crate) fn path<'t>(topic: &'t [u8], base: usize, interface: &str) -> &'t [u8] {
    topic.get(base + 1 + interface.len()..).unwrap_or_default()
}
