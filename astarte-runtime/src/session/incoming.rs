//! Messages from the broker, until they are acknowledged.

use std::collections::{HashMap, VecDeque};

use rumqttc::mqttbytes::QoS;

use super::received::Publication;

#[derive(Debug, Default)]
pub(super) struct Incoming {
    /// Counts messages. Packet ids come again, also to a message while the application still has an earlier one of the
    /// same id: a broker may repeat what was acknowledged a moment ago.
    last_serial: u64,
    /// With the application or on the way to it, in the order of arrival on this link.
    held: VecDeque<Held>,
    /// Held when the link broke, and not yet repeated on the next; whether it is safe.
    ///
    /// They are acknowledged only once repeated: a broker may close the link on an acknowledgement of what it has not
    /// sent on it.
    unrepeated: HashMap<u16, Unrepeated>,
    /// QoS 2: recorded by a PUBREC and not yet released; whether the store has a note of it.
    recorded: HashMap<u16, bool>,
    /// Ended by a PUBACK or PUBCOMP on this link, the newest last.
    ended: VecDeque<u16>,
}

/// How many ended exchanges are remembered: more than a broker has in flight.
const ENDED: usize = 128;

#[derive(Debug)]
struct Held {
    id: u16,
    serial: u64,
    qos: QoS,
    safe: Option<Safe>,
}

#[derive(Debug)]
struct Unrepeated {
    serial: u64,
    safe: Option<Safe>,
}

/// Where a message is that need not come again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Safe {
    /// Where a repetition changes nothing.
    Anywhere,
    /// With the application, and its id is noted in the store.
    Noted,
}

/// What became of a message, by the application or the stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It could not be kept: it is taken for a new one when the broker repeats it.
    Failed(Ack),
    /// It is safe, and a repetition would change nothing.
    Safe(Ack),
    /// The application has it, and the store has its id.
    Kept(Ack),
    /// The application has it. Of QoS 2 the store must have its id before it is acknowledged.
    Taken(Ack),
    /// The store has forgotten a released id.
    Forgotten(u16),
    /// The store has noted that the broker has the stored message of this sequence number.
    Noted(u64),
}

/// The right to acknowledge one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ack {
    serial: u64,
    id: u16,
    once: bool,
}

impl Ack {
    /// The packet id, where the message must come to the application once.
    pub(crate) fn once(self) -> Option<u16> {
        self.once.then_some(self.id)
    }
}

pub(super) enum Verdict {
    /// To be delivered.
    New(Option<Ack>),
    /// A repetition of what is still held.
    Repeated,
    /// A repetition of what was recorded.
    Recorded,
    /// A repetition of what was acknowledged on this link, which crossed the acknowledgement.
    Ended,
}

/// What is to be done about a PUBREL.
pub(super) enum Released {
    /// Complete it.
    Complete,
    /// Have the store forget the id, and then complete it.
    Forget,
    /// Nothing: it was completed on this link.
    Nothing,
}

impl Incoming {
    pub(super) fn received(&mut self, publish: &Publication<'_>) -> Verdict {
        let id = publish.pkid;
        if publish.qos == QoS::AtMostOnce {
            return Verdict::New(None);
        }
        if publish.qos == QoS::ExactlyOnce && self.recorded.contains_key(&id) {
            return Verdict::Recorded;
        }
        // A second acknowledgement might count for another message, which the broker gives the id to after the first.
        if publish.dup && self.ended.contains(&id) {
            return Verdict::Ended;
        }
        if self.held.iter().any(|held| held.id == id) {
            return Verdict::Repeated;
        }
        // Without DUP the id was given to another message, after an acknowledgement that arrived.
        let unrepeated = self.unrepeated.remove(&id).filter(|_| publish.dup);
        self.ended.retain(|ended| *ended != id);
        let verdict = match &unrepeated {
            Some(_) => Verdict::Repeated,
            None => {
                self.last_serial += 1;
                Verdict::New(Some(Ack {
                    serial: self.last_serial,
                    id,
                    once: publish.qos == QoS::ExactlyOnce,
                }))
            }
        };
        let Unrepeated { serial, safe } = unrepeated.unwrap_or(Unrepeated {
            serial: self.last_serial,
            safe: None,
        });
        self.held.push_back(Held {
            id,
            serial,
            qos: publish.qos,
            safe,
        });
        verdict
    }

    /// Whether a message is still to be acknowledged.
    pub(super) fn holds(&self, ack: Ack) -> bool {
        let unrepeated = self.unrepeated.get(&ack.id);
        self.held.iter().any(|held| held.serial == ack.serial)
            || unrepeated.is_some_and(|unrepeated| unrepeated.serial == ack.serial)
    }

    /// How many messages of this link wait to be acknowledged.
    pub(super) fn held(&self) -> usize {
        self.held.len()
    }

    /// Notes that a message is safe, and whether the store has its id.
    pub(super) fn acknowledge(&mut self, ack: Ack, noted: bool) {
        let safe = Some(if noted { Safe::Noted } else { Safe::Anywhere });
        let mut held = self.held.iter_mut();
        if let Some(held) = held.find(|held| held.serial == ack.serial) {
            held.safe = safe;
        } else if let Some(unrepeated) = self.unrepeated.get_mut(&ack.id)
            && unrepeated.serial == ack.serial
        {
            unrepeated.safe = safe;
        }
    }

    /// Forgets a message, so that its repetition counts as new.
    pub(super) fn forget(&mut self, ack: Ack) {
        self.held.retain(|held| held.serial != ack.serial);
        let unrepeated = self.unrepeated.get(&ack.id);
        if unrepeated.is_some_and(|unrepeated| unrepeated.serial == ack.serial) {
            self.unrepeated.remove(&ack.id);
        }
    }

    /// The first message, where it is safe with the application.
    pub(super) fn next_acknowledgement(&mut self) -> Option<(u16, QoS)> {
        let held = self.held.pop_front_if(|held| held.safe.is_some())?;
        match held.qos {
            QoS::ExactlyOnce => {
                let noted = held.safe == Some(Safe::Noted);
                self.recorded.insert(held.id, noted);
            }
            _ => self.end(held.id),
        }
        Some((held.id, held.qos))
    }

    /// A PUBREL.
    ///
    /// The answer on this link arrives, and Astarte's broker closes the link on a second one: it repeats a PUBREL on a
    /// live link, and takes a PUBCOMP of what is complete for an error.
    pub(super) fn released(&mut self, id: u16) -> Released {
        if self.recorded.get(&id) == Some(&true) {
            return Released::Forget;
        }
        self.recorded.remove(&id);
        if self.ended.contains(&id) {
            return Released::Nothing;
        }
        self.end(id);
        Released::Complete
    }

    /// The store has forgotten an id. Returns whether it is to be completed.
    pub(super) fn forgotten(&mut self, id: u16) -> bool {
        let completes = self.recorded.remove(&id).is_some();
        if completes {
            self.end(id);
        }
        completes
    }

    fn end(&mut self, id: u16) {
        if self.ended.len() == ENDED {
            self.ended.pop_front();
        }
        self.ended.push_back(id);
    }

    /// Takes up the ids that the store has.
    pub(super) fn restore(&mut self, noted: impl IntoIterator<Item = u16>) {
        self.recorded.extend(noted.into_iter().map(|id| (id, true)));
    }

    pub(super) fn resume(&mut self) {
        self.ended.clear();
        let held = self.held.drain(..);
        self.unrepeated.extend(held.map(
            |Held {
                 id, serial, safe, ..
             }| (id, Unrepeated { serial, safe }),
        ));
    }

    pub(super) fn reset(&mut self) {
        *self = Self {
            last_serial: self.last_serial,
            ..Self::default()
        };
    }
}
