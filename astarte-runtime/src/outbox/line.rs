//! Messages that wait, in the order of sending.
//!
//! Nobody waits for a message of QoS 0, and it goes out once: all that is kept of it is its packet, in one buffer for all of
//! them, and those that follow on each other and are alike share an entry. So it costs no allocation.

use std::collections::VecDeque;

use super::message::{Datastream, Message};
use crate::publish::{PublishRef, Publishes};

#[derive(Debug, Default)]
pub(super) struct Line {
    order: VecDeque<Waiting>,
    /// How many messages there are.
    len: usize,
    packets: Packets,
}

#[derive(Debug)]
enum Waiting {
    Message(Message),
    Unreliable(Run),
}

/// Messages of QoS 0 that follow on each other.
#[derive(Debug)]
struct Run {
    of: Datastream,
    messages: usize,
    bytes: usize,
}

/// The packets of the unreliable messages, in their order. What comes is written to one half while the other is emptied, so
/// nothing is moved to make room.
#[derive(Debug, Default)]
struct Packets {
    front: Vec<u8>,
    /// How many bytes of `front` are of packets that have gone.
    gone: usize,
    back: Vec<u8>,
}

/// The largest half that is kept while it is empty, in bytes: a full queue of small messages.
const KEPT: usize = 1024 * 1024;

/// What is next, as far as it is kept.
#[derive(Debug)]
pub(super) enum Next<'a, M, U> {
    Message(M),
    /// Of QoS 0.
    Unreliable(&'a Datastream, U),
}

impl Line {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(super) fn push_back(&mut self, message: Message) {
        self.order.push_back(Waiting::Message(message));
        self.len += 1;
    }

    pub(super) fn push_front(&mut self, message: Message) {
        self.order.push_front(Waiting::Message(message));
        self.len += 1;
    }

    /// Adds a message of QoS 0.
    pub(super) fn push_unreliable(&mut self, of: &Datastream, publish: PublishRef<'_>) {
        let packet = publish.bytes();
        self.len += 1;
        // The packets of an entry are all in one half.
        let turned = self.packets.back.is_empty();
        self.packets.back.extend_from_slice(packet);
        match self.order.back_mut() {
            Some(Waiting::Unreliable(run)) if !turned && run.of.is_like(of) => {
                run.messages += 1;
                run.bytes += packet.len();
            }
            _ => self.order.push_back(Waiting::Unreliable(Run {
                of: *of,
                messages: 1,
                bytes: packet.len(),
            })),
        }
    }

    /// Adds what [`drain`](Self::drain) gave.
    pub(super) fn push(&mut self, next: Next<'_, Message, PublishRef<'_>>) {
        match next {
            Next::Message(message) => self.push_back(message),
            Next::Unreliable(of, publish) => self.push_unreliable(of, publish),
        }
    }

    /// The next message, or the next ones of QoS 0 that are alike.
    pub(super) fn front(&mut self) -> Option<Next<'_, &Message, Publishes<'_>>> {
        Some(match self.order.front()? {
            Waiting::Message(message) => Next::Message(message),
            Waiting::Unreliable(run) => {
                self.packets.turn();
                let packets = &self.packets.front[self.packets.gone..][..run.bytes];
                Next::Unreliable(&run.of, Publishes::of(packets))
            }
        })
    }

    /// Takes the next message out; it is returned where it is kept as a whole.
    pub(super) fn pop(&mut self) -> Option<Message> {
        if let Some(Next::Unreliable(_, mut publishes)) = self.front() {
            let bytes = publishes.next().map_or(0, |publish| publish.bytes().len());
            self.skip_unreliable(1, bytes);
            return None;
        }
        match self.order.pop_front() {
            Some(Waiting::Message(message)) => {
                self.len -= 1;
                Some(message)
            }
            _ => None,
        }
    }

    /// Takes so many messages of QoS 0 out, whose packets have so many bytes, of those that [`front`](Self::front) gave.
    pub(super) fn skip_unreliable(&mut self, messages: usize, bytes: usize) {
        let Some(Waiting::Unreliable(run)) = self.order.front_mut() else {
            return;
        };
        run.messages -= messages;
        run.bytes -= bytes;
        self.len -= messages;
        if run.messages == 0 {
            self.order.pop_front();
        }
        self.packets.skip(bytes);
    }

    /// Takes all messages out, in their order.
    pub(super) fn drain(&mut self, mut each: impl FnMut(Next<'_, Message, PublishRef<'_>>)) {
        let Self {
            order, mut packets, ..
        } = std::mem::take(self);
        for waiting in order {
            match waiting {
                Waiting::Message(message) => each(Next::Message(message)),
                Waiting::Unreliable(Run { of, bytes, .. }) => {
                    packets.turn();
                    let run = &packets.front[packets.gone..][..bytes];
                    for publish in Publishes::of(run) {
                        each(Next::Unreliable(&of, publish));
                    }
                    packets.skip(bytes);
                }
            }
        }
    }
}

impl Packets {
    fn skip(&mut self, bytes: usize) {
        self.gone += bytes;
        if self.gone == self.front.len() {
            self.gone = 0;
            self.front.clear();
            if self.front.capacity() > KEPT {
                self.front = Vec::new();
            }
        }
    }

    /// Goes on with the other half where one is empty.
    fn turn(&mut self) {
        if self.front.is_empty() {
            std::mem::swap(&mut self.front, &mut self.back);
        }
    }
}
