//! Messages that wait, in the order of sending.
//!
//! Nobody waits for a message of QoS 0, and it goes out once: all that is kept of it is its packet, in one buffer for all of
//! them. So it costs no allocation.

use std::collections::VecDeque;

use super::message::{Datastream, Message};
use crate::publish::PublishRef;

#[derive(Debug, Default)]
pub(super) struct Line {
    order: VecDeque<Waiting>,
    /// The packets of the unreliable messages, in their order.
    packets: Vec<u8>,
    /// How many bytes at the front are of packets that have gone.
    gone: usize,
}

#[derive(Debug)]
enum Waiting {
    Message(Message),
    Unreliable { of: Datastream, len: usize },
}

/// A message, as far as it is kept.
#[derive(Debug)]
pub(super) enum Next<'a, M> {
    Message(M),
    /// One of QoS 0: its packet.
    Unreliable(&'a Datastream, PublishRef<'a>),
}

impl Line {
    pub(super) fn len(&self) -> usize {
        self.order.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    pub(super) fn push_back(&mut self, message: Message) {
        self.order.push_back(Waiting::Message(message));
    }

    pub(super) fn push_front(&mut self, message: Message) {
        self.order.push_front(Waiting::Message(message));
    }

    /// Adds a message of QoS 0.
    pub(super) fn push_unreliable(&mut self, of: Datastream, publish: PublishRef<'_>) {
        self.packets.extend_from_slice(publish.bytes());
        let len = publish.bytes().len();
        self.order.push_back(Waiting::Unreliable { of, len });
    }

    /// Adds what [`drain`](Self::drain) gave.
    pub(super) fn push(&mut self, next: Next<'_, Message>) {
        match next {
            Next::Message(message) => self.push_back(message),
            Next::Unreliable(of, publish) => self.push_unreliable(*of, publish),
        }
    }

    pub(super) fn front(&self) -> Option<Next<'_, &Message>> {
        Some(match self.order.front()? {
            Waiting::Message(message) => Next::Message(message),
            Waiting::Unreliable { of, len } => {
                let packet = &self.packets[self.gone..self.gone + len];
                Next::Unreliable(of, PublishRef::of(packet))
            }
        })
    }

    /// Takes the first one out; it is returned where it is no unreliable one.
    pub(super) fn pop(&mut self) -> Option<Message> {
        match self.order.pop_front()? {
            Waiting::Message(message) => Some(message),
            Waiting::Unreliable { len, .. } => {
                self.gone += len;
                self.forget_gone();
                None
            }
        }
    }

    /// Takes all of them out, in their order.
    pub(super) fn drain(&mut self, mut each: impl FnMut(Next<'_, Message>)) {
        let Self {
            order,
            packets,
            mut gone,
        } = std::mem::take(self);
        for waiting in order {
            match waiting {
                Waiting::Message(message) => each(Next::Message(message)),
                Waiting::Unreliable { of, len } => {
                    let packet = &packets[gone..gone + len];
                    each(Next::Unreliable(&of, PublishRef::of(packet)));
                    gone += len;
                }
            }
        }
    }

    /// Moves what is left to the front, where that is less than what has gone: each byte is moved once at most.
    fn forget_gone(&mut self) {
        if self.gone == self.packets.len() {
            self.packets.clear();
        } else if self.gone > self.packets.len() / 2 {
            self.packets.drain(..self.gone);
        } else {
            return;
        }
        self.gone = 0;
    }
}
