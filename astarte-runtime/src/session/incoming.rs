//! Messages from the broker, until they are acknowledged.

use std::collections::{HashMap, HashSet, VecDeque};

use rumqttc::mqttbytes::{QoS, v4::Publish};

#[derive(Debug, Default)]
pub(super) struct Incoming {
    /// Counts sessions, so that an acknowledgement of an earlier one is told apart.
    epoch: u32,
    /// With the application or on the way to it, in the order of arrival on this link.
    held: VecDeque<Held>,
    /// Held when the link broke, and not yet repeated on the next; whether the application has it.
    ///
    /// They are acknowledged only once repeated: a broker may close the link on an acknowledgement of what it has not
    /// sent on it.
    unrepeated: HashMap<u16, bool>,
    /// QoS 2: recorded by a PUBREC and not yet released.
    recorded: HashSet<u16>,
}

#[derive(Debug)]
struct Held {
    id: u16,
    qos: QoS,
    safe: bool,
}

/// What became of a message, by its application or the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It could not be kept: it is taken for a new one when the broker repeats it.
    Failed(Ack),
    /// It is safe.
    Safe(Ack),
}

/// The right to acknowledge one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ack {
    epoch: u32,
    id: u16,
}

pub(super) enum Verdict {
    /// To be delivered.
    New(Option<Ack>),
    /// A repetition of what is still held.
    Repeated,
    /// A repetition of what was recorded.
    Recorded,
}

impl Incoming {
    pub(super) fn received(&mut self, publish: &Publish) -> Verdict {
        let id = publish.pkid;
        if publish.qos == QoS::AtMostOnce {
            return Verdict::New(None);
        }
        if publish.qos == QoS::ExactlyOnce && self.recorded.contains(&id) {
            return Verdict::Recorded;
        }
        if self.held.iter().any(|held| held.id == id) {
            return Verdict::Repeated;
        }
        // Without DUP the id was given to another message, after an acknowledgement that arrived.
        let unrepeated = self.unrepeated.remove(&id).filter(|_| publish.dup);
        self.held.push_back(Held {
            id,
            qos: publish.qos,
            safe: unrepeated == Some(true),
        });
        match unrepeated {
            Some(_) => Verdict::Repeated,
            None => Verdict::New(Some(Ack {
                epoch: self.epoch,
                id,
            })),
        }
    }

    pub(super) fn acknowledge(&mut self, ack: Ack) {
        if ack.epoch != self.epoch {
            return;
        }
        if let Some(held) = self.held.iter_mut().find(|held| held.id == ack.id) {
            held.safe = true;
        } else if let Some(safe) = self.unrepeated.get_mut(&ack.id) {
            *safe = true;
        }
    }

    /// Forgets a message, so that its repetition counts as new.
    pub(super) fn forget(&mut self, ack: Ack) {
        if ack.epoch == self.epoch {
            self.held.retain(|held| held.id != ack.id);
            self.unrepeated.remove(&ack.id);
        }
    }

    /// The first message, where it is safe with the application.
    pub(super) fn next_acknowledgement(&mut self) -> Option<(u16, QoS)> {
        let held = self.held.pop_front_if(|held| held.safe)?;
        if held.qos == QoS::ExactlyOnce {
            self.recorded.insert(held.id);
        }
        Some((held.id, held.qos))
    }

    pub(super) fn released(&mut self, id: u16) {
        self.recorded.remove(&id);
    }

    pub(super) fn resume(&mut self) {
        self.unrepeated
            .extend(self.held.drain(..).map(|held| (held.id, held.safe)));
    }

    pub(super) fn reset(&mut self) {
        *self = Self {
            epoch: self.epoch.wrapping_add(1),
            ..Self::default()
        };
    }
}
