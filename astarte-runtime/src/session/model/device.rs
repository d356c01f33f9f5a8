//! A device around the session: an application, and stores that take their time.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::BytesMut;
use rumqttc::mqttbytes::{
    QoS,
    v4::{Packet, Subscribe},
};

use super::{Message, Topic};
use crate::session::{Ack, Answer, Event, Session, Unacknowledged};

#[derive(Debug)]
pub(super) struct Device {
    window: u16,
    session: Session<Message>,
    out: BytesMut,
    pub(super) to_broker: VecDeque<Packet>,
    /// Messages that are kept in memory alone, and wait for room.
    waiting: VecDeque<Message>,
    /// Stored messages, by their place in the store, and whether the broker is known to have them.
    store: BTreeMap<u64, bool>,
    /// Stored messages that this session has been given.
    given: BTreeSet<u64>,
    /// Received ids of QoS 2 that the store has.
    noted: BTreeSet<u16>,
    /// What the application and the stores are still to do.
    pending: Vec<Pending>,
    /// What the application has, in the order of its arrival.
    pub(super) arrived: Vec<Message>,
    /// What could not be kept at first, and comes again behind what came after it.
    pub(super) failed: BTreeSet<Message>,
    /// Ids that the broker may hold, and for what.
    taken: BTreeMap<u16, Message>,
    subscriptions: BTreeSet<u16>,
}

#[derive(Debug)]
enum Pending {
    /// The application takes a message.
    Take(Ack, Message),
    /// The store notes the id of a message that the application has.
    Keep(Ack, u16, Message),
    /// The store notes that the broker has a message.
    Note(u64),
    /// The store forgets a message.
    Remove(u64),
    /// The store forgets an id.
    Forget(u16),
}

impl Device {
    pub(super) fn new(window: u16) -> Self {
        Self {
            window,
            session: Session::new(window),
            out: BytesMut::new(),
            to_broker: VecDeque::new(),
            waiting: VecDeque::new(),
            store: BTreeMap::new(),
            given: BTreeSet::new(),
            noted: BTreeSet::new(),
            pending: Vec::new(),
            arrived: Vec::new(),
            failed: BTreeSet::new(),
            taken: BTreeMap::new(),
            subscriptions: BTreeSet::new(),
        }
    }

    pub(super) fn send(&mut self, message: Message) {
        if message.topic == Topic::Stored {
            self.store.insert(message.number, false);
        } else {
            self.waiting.push_back(message);
        }
        self.fill();
    }

    pub(super) fn subscribe(&mut self) {
        let id = self
            .session
            .subscribe(Subscribe::new("topic", QoS::ExactlyOnce), &mut self.out);
        assert!(
            self.subscriptions.insert(id),
            "{id} is of a subscription on its way"
        );
        self.fill();
    }

    /// Gives the session what it has room for.
    fn fill(&mut self) {
        while let Some(message) = self.waiting.front() {
            if message.topic != Topic::Qos0 && !self.session.has_room() {
                break;
            }
            let message = *message;
            self.waiting.pop_front();
            let sent = self
                .session
                .publish(message.publish(), message, &mut self.out);
            assert_eq!(sent.is_some(), message.topic == Topic::Qos0);
        }
        for (&number, &broker_has_it) in &self.store {
            if self.given.contains(&number) {
                continue;
            }
            if !self.session.has_room_for(number) {
                break;
            }
            let message = Message {
                topic: Topic::Stored,
                number,
            };
            self.given.insert(number);
            if broker_has_it {
                self.session.release_stored(number, message, &mut self.out);
            } else {
                self.session.publish_stored(
                    message.publish(),
                    number,
                    false,
                    message,
                    &mut self.out,
                );
            }
        }
        self.flush();
    }

    /// Takes what the session has written, and checks its ids.
    fn flush(&mut self) {
        while !self.out.is_empty() {
            let packet = Packet::read(&mut self.out, usize::MAX).expect("what is sent is MQTT");
            if let Packet::Publish(publish) = &packet
                && publish.qos != QoS::AtMostOnce
            {
                let message = Message::of(&publish.topic, &publish.payload);
                let before = self.taken.insert(publish.pkid, message);
                assert!(
                    before.is_none_or(|before| before == message),
                    "{message:?} has the id of {before:?}"
                );
                assert!(!self.subscriptions.contains(&publish.pkid));
            }
            self.to_broker.push_back(packet);
        }
    }

    pub(super) fn handle(&mut self, packet: Packet) {
        match &packet {
            Packet::PubAck(ack) => drop(self.taken.remove(&ack.pkid)),
            Packet::PubComp(comp) => drop(self.taken.remove(&comp.pkid)),
            Packet::SubAck(ack) => drop(self.subscriptions.remove(&ack.pkid)),
            _ => {}
        }
        let event = self.session.handle((&packet).into(), &mut self.out);
        match event.expect("a broker's packet") {
            Some(Event::Acknowledged(message, publish)) => {
                if let Some(publish) = publish {
                    assert_eq!(publish, message.publish(), "the packet of another message");
                }
                if message.topic == Topic::Stored {
                    self.pending.push(Pending::Remove(message.number));
                }
            }
            Some(Event::Message(publish, Some(ack))) => {
                self.pending.push(Pending::Take(
                    ack,
                    Message::of(publish.topic, publish.payload),
                ));
            }
            Some(Event::Message(publish, None)) => self
                .arrived
                .push(Message::of(publish.topic, publish.payload)),
            Some(Event::Recorded(number)) => self.pending.push(Pending::Note(number)),
            Some(Event::Released(id)) => self.pending.push(Pending::Forget(id)),
            Some(Event::Freed | Event::Pong | Event::Subscribed(..) | Event::Unsubscribed(_))
            | None => {}
        }
        self.fill();
    }

    /// Does one of what is pending.
    pub(super) fn settle(&mut self, which: usize, fails: bool) {
        if self.pending.is_empty() {
            return;
        }
        let index = which % self.pending.len();
        // The application takes messages in their order; the stores are as quick as they are.
        let index = match self.pending[index] {
            Pending::Take(..) => self.first_to_take().unwrap_or(index),
            _ => index,
        };
        let answer = match self.pending.remove(index) {
            Pending::Take(ack, message) if fails => {
                self.failed.insert(message);
                Some(Answer::Failed(ack))
            }
            Pending::Take(ack, message) => {
                self.arrived.push(message);
                match ack.once().filter(|_| self.session.holds(ack)) {
                    Some(id) => {
                        self.pending.push(Pending::Keep(ack, id, message));
                        None
                    }
                    None => Some(Answer::Taken(ack)),
                }
            }
            Pending::Keep(ack, id, _) => {
                self.noted.insert(id);
                Some(Answer::Kept(ack))
            }
            Pending::Note(number) => {
                self.store
                    .entry(number)
                    .and_modify(|broker_has_it| *broker_has_it = true);
                Some(Answer::Noted(number))
            }
            Pending::Remove(number) => {
                self.store.remove(&number);
                None
            }
            Pending::Forget(id) => {
                self.noted.remove(&id);
                Some(Answer::Forgotten(id))
            }
        };
        if let Some(answer) = answer {
            self.session.answer(answer, &mut self.out);
        }
        self.fill();
    }

    fn first_to_take(&self) -> Option<usize> {
        self.pending
            .iter()
            .position(|pending| matches!(pending, Pending::Take(..)))
    }

    /// Does the oldest of what is pending, without a failure.
    pub(super) fn settle_first(&mut self) -> bool {
        let pending = !self.pending.is_empty();
        self.settle(0, false);
        pending
    }

    /// Goes on over a new link.
    pub(super) fn resume(&mut self) {
        self.to_broker.clear();
        self.subscriptions.clear();
        self.session.resume(&mut self.out);
        self.fill();
    }

    /// Goes on where the broker has lost the session.
    pub(super) fn reset(&mut self) {
        self.to_broker.clear();
        self.subscriptions.clear();
        self.taken.clear();
        self.noted.clear();
        // What the application has not taken belongs to the lost session, and so do the notes.
        self.pending
            .retain(|pending| matches!(pending, Pending::Remove(_)));
        for message in self.session.reset().into_iter().rev() {
            match message {
                Unacknowledged::Message(_, message) if message.topic == Topic::Stored => {
                    self.given.remove(&message.number);
                }
                Unacknowledged::Message(_, message) => self.waiting.push_front(message),
                Unacknowledged::Taken(message, _) if message.topic == Topic::Stored => {
                    self.pending.push(Pending::Remove(message.number));
                }
                Unacknowledged::Taken(..) => {}
            }
        }
        self.fill();
    }

    /// Starts anew with what the stores have.
    pub(super) fn restart(&mut self, session_present: bool) {
        self.session = Session::new(self.window);
        self.to_broker.clear();
        self.waiting.clear();
        self.given.clear();
        self.pending.clear();
        self.subscriptions.clear();
        if session_present {
            self.session
                .restore(self.window, self.noted.iter().copied());
            self.session.resume(&mut self.out);
        } else {
            self.taken.clear();
            self.noted.clear();
            self.store.retain(|_, broker_has_it| !*broker_has_it);
        }
        self.fill();
    }

    /// Messages that a restart of the process loses.
    pub(super) fn volatile(&self) -> Vec<Message> {
        let in_flight = self
            .taken
            .values()
            .filter(|message| message.topic != Topic::Stored);
        self.waiting.iter().chain(in_flight).copied().collect()
    }

    /// Messages that are lost with the link.
    pub(super) fn on_the_link(&self) -> Vec<Message> {
        super::unreliable(&self.to_broker)
    }

    /// Messages that the application has, without a note of it in the store.
    pub(super) fn unnoted(&self) -> Vec<Message> {
        let unnoted = self.pending.iter().filter_map(|pending| match pending {
            Pending::Keep(_, _, message) => Some(*message),
            _ => None,
        });
        unnoted.collect()
    }

    /// Messages that the broker may have, without the device knowing.
    pub(super) fn unacknowledged(&self) -> Vec<Message> {
        self.taken.values().copied().collect()
    }

    pub(super) fn check(&self) {
        assert!(self.session.unacknowledged() <= usize::from(self.window));
    }

    pub(super) fn is_idle(&self) -> bool {
        self.session.unacknowledged() == 0
            && self.waiting.is_empty()
            && self.store.is_empty()
            && self.pending.is_empty()
            && self.noted.is_empty()
            && self.to_broker.is_empty()
    }
}
