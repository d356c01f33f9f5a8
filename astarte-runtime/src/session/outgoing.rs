//! Messages on their way to the broker.
//!
//! Packet ids from 1 to the window are given to messages in turn. Those above are fixed: a message that is stored has the
//! id that follows from its sequence number, so that a restarted process knows it, and subscriptions, which a broker
//! forgets with the link, have what lies between.

use std::collections::VecDeque;

use rumqttc::mqttbytes::QoS;

use crate::publish::Publish;

#[derive(Debug)]
pub(super) struct Outgoing<T> {
    window: u16,
    /// The packet id that was given last, of those up to the window.
    last_id: u16,
    last_subscription: u16,
    /// Which ids up to the window are given, by their number less one.
    given: Vec<bool>,
    /// In the order in which they were sent first, which is the order in which they are repeated.
    ///
    /// Searched from the front: acknowledgements come in order, and the window bounds the rest.
    in_flight: VecDeque<InFlight<T>>,
    /// Behind the last one for which a PUBREC came: they come in order as well.
    unrecorded: usize,
    subscribing: Vec<u16>,
}

#[derive(Debug)]
struct InFlight<T> {
    id: u16,
    state: State,
    /// None where the message was of an earlier process, or is only to be released.
    publish: Option<Publish>,
    /// None where the message was of an earlier process, which is not known any more.
    token: Option<T>,
    /// The place in the store of a message that is kept there until the broker has it.
    stored: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Published,
    /// QoS 2: the broker has the message, and the store is to note that before the id is released.
    Recorded,
    /// QoS 2: the broker has the message, and only the id is still taken.
    Released,
}

/// What is to be done about a PUBREC.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Recorded {
    /// Release the id.
    Release,
    /// Note in the store that the broker has the message at this place, and then release it.
    Note(u64),
    /// Nothing: it was not for a message of QoS 2, or the store is at it.
    Nothing,
}

/// Where the ids of stored messages begin.
const STORED: u16 = 0x8000;

/// The packet id of a stored message of QoS 2.
///
/// It comes again after 32 768 messages. A message that took so long to be acknowledged holds up the one that has its id.
pub(super) fn stored_id(sequence: u64) -> u16 {
    STORED | (sequence % u64::from(STORED)) as u16
}

/// What is sent again over a new link.
pub(super) enum Repeated<'a> {
    Publish(u16, &'a Publish),
    Release(u16),
}

/// A message that was in flight when the broker lost the session.
#[derive(Debug)]
pub(crate) enum Unacknowledged<T> {
    /// The broker may or may not have it.
    Message(Publish, T),
    /// The broker said that it has it.
    Taken(T, Option<Publish>),
}

impl<T> Outgoing<T> {
    pub(super) fn new(window: u16) -> Self {
        Self {
            window,
            last_id: 0,
            given: vec![false; usize::from(window)],
            last_subscription: STORED - 1,
            in_flight: VecDeque::new(),
            unrecorded: 0,
            subscribing: Vec::new(),
        }
    }

    pub(super) fn has_room(&self) -> bool {
        self.in_flight.len() < usize::from(self.window)
    }

    pub(super) fn len(&self) -> usize {
        self.in_flight.len()
    }

    /// The tokens of the messages that the broker may not have.
    pub(super) fn unsure(&self) -> impl Iterator<Item = &T> {
        let published = |sent: &&InFlight<T>| sent.state == State::Published;
        let published = self.in_flight.iter().filter(published);
        published.filter_map(|sent| sent.token.as_ref())
    }

    /// Whether the id of a stored message is free.
    pub(super) fn has_room_for(&self, sequence: u64) -> bool {
        let id = stored_id(sequence);
        self.has_room() && self.in_flight.iter().all(|sent| sent.id != id)
    }

    /// An id that nothing on its way has. There is one where there is room.
    pub(super) fn next_id(&mut self) -> u16 {
        loop {
            self.last_id = self.last_id % self.window + 1;
            if !self.given[usize::from(self.last_id) - 1] {
                return self.last_id;
            }
        }
    }

    /// Takes note of a message that was sent, and of its place in the store where it is of QoS 2 and stored.
    pub(super) fn sent(&mut self, id: u16, publish: Publish, stored: Option<u64>, token: T) {
        self.give(id, true);
        self.in_flight.push_back(InFlight {
            id,
            state: State::Published,
            publish: Some(publish),
            token: Some(token),
            stored,
        });
    }

    /// Takes the id of a message that the broker has, and returns it.
    pub(super) fn releasing(&mut self, sequence: u64, token: T) -> u16 {
        let id = stored_id(sequence);
        self.in_flight.push_back(InFlight {
            id,
            state: State::Released,
            publish: None,
            token: Some(token),
            stored: Some(sequence),
        });
        id
    }

    /// Takes every id that an earlier process may have used, for as long as the broker has not said that it is free.
    pub(super) fn restore(&mut self, highest_id: u16) {
        for id in 1..=highest_id {
            self.give(id, true);
            self.in_flight.push_back(InFlight {
                id,
                state: State::Released,
                publish: None,
                token: None,
                stored: None,
            });
        }
    }

    pub(super) fn subscribing(&mut self) -> u16 {
        // From the top, so that they stay clear of the window, whatever it is.
        self.last_subscription = match self.last_subscription {
            lowest if lowest <= STORED - SUBSCRIPTIONS => STORED - 1,
            id => id - 1,
        };
        self.subscribing.push(self.last_subscription);
        self.last_subscription
    }

    /// Returns whether a subscription with this id was on its way.
    pub(super) fn subscribed(&mut self, id: u16) -> bool {
        let found = self
            .subscribing
            .iter()
            .position(|subscribing| *subscribing == id);
        found
            .map(|index| self.subscribing.swap_remove(index))
            .is_some()
    }

    /// A PUBACK; returns the token of the message, and its packet, where it is one of QoS 1.
    pub(super) fn acknowledged(&mut self, id: u16) -> Option<(T, Option<Publish>)> {
        let sent = self.take(|sent| sent.id == id && sent.awaits_puback())?;
        Some((sent.token?, sent.publish))
    }

    /// A PUBREC.
    pub(super) fn recorded(&mut self, id: u16) -> Recorded {
        // An unknown id is released as well: the broker waits for it, and would repeat the packet.
        let Some(index) = self.find_unrecorded(id) else {
            return Recorded::Release;
        };
        self.unrecorded = index + 1;
        let sent = &mut self.in_flight[index];
        match (sent.state, sent.stored) {
            (State::Published, _) if sent.awaits_puback() => Recorded::Nothing,
            (State::Published, Some(sequence)) => {
                sent.state = State::Recorded;
                Recorded::Note(sequence)
            }
            (State::Recorded, _) => Recorded::Nothing,
            (State::Published | State::Released, _) => {
                sent.state = State::Released;
                Recorded::Release
            }
        }
    }

    /// The store has noted that the broker has a message; returns the id to be released.
    pub(super) fn noted(&mut self, sequence: u64) -> Option<u16> {
        let mut in_flight = self.in_flight.iter_mut();
        let sent = in_flight.find(|sent| sent.stored == Some(sequence))?;
        (sent.state == State::Recorded).then(|| {
            sent.state = State::Released;
            sent.id
        })
    }

    /// A PUBCOMP; returns the token of the message, and its packet, where it was released, and none where it was an
    /// earlier process's.
    pub(super) fn completed(&mut self, id: u16) -> Option<Option<(T, Option<Publish>)>> {
        let sent = self.take(|sent| sent.id == id && sent.state == State::Released)?;
        Some(sent.token.map(|token| (token, sent.publish)))
    }

    /// Repeats everything. Subscriptions are not repeated: whoever sent them does so where they are still wanted.
    pub(super) fn resume(&mut self, mut write: impl FnMut(Repeated<'_>)) {
        self.subscribing.clear();
        for sent in &self.in_flight {
            match (sent.state, &sent.publish) {
                (State::Published, Some(publish)) => write(Repeated::Publish(sent.id, publish)),
                // Recorded ones are released once the store is done.
                (State::Published, None) | (State::Recorded, _) => {}
                (State::Released, _) => write(Repeated::Release(sent.id)),
            }
        }
    }

    pub(super) fn reset(&mut self) -> Vec<Unacknowledged<T>> {
        self.subscribing.clear();
        self.given.fill(false);
        self.unrecorded = 0;
        let in_flight = std::mem::take(&mut self.in_flight);
        let unacknowledged = in_flight.into_iter().filter_map(|sent| {
            let token = sent.token?;
            Some(match (sent.state, sent.publish) {
                (State::Published, Some(publish)) => Unacknowledged::Message(publish, token),
                (_, publish) => Unacknowledged::Taken(token, publish),
            })
        });
        unacknowledged.collect()
    }

    fn take(&mut self, wanted: impl Fn(&InFlight<T>) -> bool) -> Option<InFlight<T>> {
        let (index, sent) = match self.in_flight.pop_front_if(|sent| wanted(sent)) {
            Some(first) => (0, first),
            None => {
                let index = self.in_flight.iter().position(wanted)?;
                (index, self.in_flight.remove(index)?)
            }
        };
        if index < self.unrecorded {
            self.unrecorded -= 1;
        }
        self.give(sent.id, false);
        Some(sent)
    }

    fn find_unrecorded(&self, id: u16) -> Option<usize> {
        let is_next = |sent: &InFlight<T>| sent.id == id;
        if self.in_flight.get(self.unrecorded).is_some_and(is_next) {
            return Some(self.unrecorded);
        }
        self.in_flight.iter().position(is_next)
    }

    /// Takes note of whether an id is given, where it is up to the window.
    fn give(&mut self, id: u16, given: bool) {
        if let Some(known) = self.given.get_mut(usize::from(id).wrapping_sub(1)) {
            *known = given;
        }
    }
}

impl<T> InFlight<T> {
    /// Whether it is of QoS 1, and not acknowledged.
    fn awaits_puback(&self) -> bool {
        let qos = self.publish.as_ref().map(Publish::qos);
        self.state == State::Published && qos == Some(QoS::AtLeastOnce)
    }
}

/// How many ids subscriptions take in turn.
const SUBSCRIPTIONS: u16 = 100;

#[cfg(test)]
mod tests {
    use super::*;

    fn outgoing(qos: [QoS; 4]) -> Outgoing<u16> {
        let mut outgoing = Outgoing::new(4);
        for qos in qos {
            let id = outgoing.next_id();
            outgoing.sent(id, Publish::new("t", qos, b""), None, id);
        }
        outgoing
    }

    fn token(done: Option<(u16, Option<Publish>)>) -> Option<u16> {
        done.map(|(token, _)| token)
    }

    #[test]
    fn answers_in_any_order_find_their_messages() {
        let (one, two) = (QoS::AtLeastOnce, QoS::ExactlyOnce);
        let mut outgoing = outgoing([two, one, two, two]);
        for id in [4, 1, 3] {
            assert_eq!(outgoing.recorded(id), Recorded::Release);
        }
        assert_eq!(outgoing.recorded(2), Recorded::Nothing);
        assert_eq!(outgoing.completed(3).map(token), Some(Some(3)));
        assert_eq!(outgoing.completed(1).map(token), Some(Some(1)));
        assert_eq!(token(outgoing.acknowledged(2)), Some(2));
        // Repeated, and of what is gone.
        for id in [4, 1, 9] {
            assert_eq!(outgoing.recorded(id), Recorded::Release);
            assert!(outgoing.unrecorded <= outgoing.len());
        }
        assert_eq!(outgoing.len(), 1);
        assert_eq!(outgoing.completed(4).map(token), Some(Some(4)));
        assert!(outgoing.completed(4).is_none());
        assert_eq!(outgoing.unrecorded, 0);
    }

    #[test]
    fn a_lost_session_is_answered_from_its_start() {
        let mut outgoing = outgoing([QoS::ExactlyOnce; 4]);
        for id in 1..=4 {
            assert_eq!(outgoing.recorded(id), Recorded::Release);
        }
        assert_eq!(outgoing.reset().len(), 4);
        outgoing.sent(7, Publish::new("t", QoS::ExactlyOnce, b""), None, 7);
        assert_eq!(outgoing.recorded(7), Recorded::Release);
        assert_eq!(outgoing.completed(7).map(token), Some(Some(7)));
    }
}
