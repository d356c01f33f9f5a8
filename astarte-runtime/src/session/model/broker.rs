//! A broker that keeps to the letter of MQTT, and takes what is against it for an error, as some do.

use std::collections::{BTreeMap, VecDeque};

use rumqttc::mqttbytes::{
    QoS,
    v4::{Packet, PubAck, PubComp, PubRec, PubRel, Publish, SubAck, SubscribeReasonCode},
};

use super::{Message, Topic};

/// Messages in flight to the device.
const WINDOW: usize = 4;

#[derive(Debug, Default)]
pub(super) struct Broker {
    pub(super) to_device: VecDeque<Packet>,
    /// What the device published, in the order of its arrival.
    pub(super) arrived: Vec<Message>,
    /// QoS 2: published by the device and not yet released.
    recorded: BTreeMap<u16, Message>,
    /// To the device.
    queue: VecDeque<Queued>,
    last_id: u16,
}

#[derive(Debug)]
struct Queued {
    message: Message,
    state: State,
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    Waiting,
    /// On this link, under this id.
    Published(u16),
    Released(u16),
}

impl Broker {
    pub(super) fn publish(&mut self, message: Message) {
        if message.topic == Topic::Qos0 {
            self.to_device.push_back(Packet::Publish(message.packet()));
            return;
        }
        let state = State::Waiting;
        self.queue.push_back(Queued { message, state });
        self.fill();
    }

    /// Publishes what waits, while there is room.
    fn fill(&mut self) {
        for index in 0..self.queue.len().min(WINDOW) {
            if self.queue[index].state == State::Waiting {
                let id = self.next_id();
                self.queue[index].state = State::Published(id);
                self.to_device
                    .push_back(published(self.queue[index].message, id, false));
            }
        }
    }

    fn next_id(&mut self) -> u16 {
        loop {
            // A small range, so that ids come again soon.
            self.last_id = self.last_id % 8 + 1;
            let id = self.last_id;
            if self
                .queue
                .iter()
                .all(|queued| queued.state.id() != Some(id))
            {
                return id;
            }
        }
    }

    pub(super) fn handle(&mut self, packet: Packet) {
        match packet {
            Packet::Publish(publish) => self.published(&publish),
            Packet::PubRel(PubRel { pkid }) => {
                self.recorded.remove(&pkid);
                self.to_device.push_back(Packet::PubComp(PubComp { pkid }));
            }
            Packet::PubAck(PubAck { pkid }) => self.remove(&State::Published(pkid)),
            Packet::PubRec(PubRec { pkid }) => {
                let queued = self.queue.iter_mut();
                let mut found = queued.filter(|queued| queued.state.id() == Some(pkid));
                let queued = found
                    .next()
                    .expect("a PUBREC is for what is on its way on this link");
                assert_eq!(queued.message.topic, Topic::Qos2);
                queued.state = State::Released(pkid);
                self.to_device.push_back(Packet::PubRel(PubRel { pkid }));
            }
            Packet::PubComp(PubComp { pkid }) => self.remove(&State::Released(pkid)),
            Packet::Subscribe(subscribe) => {
                let codes = vec![SubscribeReasonCode::Success(QoS::ExactlyOnce)];
                self.to_device
                    .push_back(Packet::SubAck(SubAck::new(subscribe.pkid, codes)));
            }
            other => panic!("the device sent {other:?}"),
        }
    }

    fn published(&mut self, publish: &Publish) {
        let message = Message::of(&publish.topic, &publish.payload);
        let pkid = publish.pkid;
        match publish.qos {
            QoS::AtMostOnce => self.arrived.push(message),
            QoS::AtLeastOnce => {
                self.arrived.push(message);
                self.to_device.push_back(Packet::PubAck(PubAck { pkid }));
            }
            QoS::ExactlyOnce => {
                match self.recorded.get(&pkid) {
                    Some(recorded) => assert_eq!(*recorded, message, "an id was used again"),
                    None => {
                        self.recorded.insert(pkid, message);
                        self.arrived.push(message);
                    }
                }
                self.to_device.push_back(Packet::PubRec(PubRec { pkid }));
            }
        }
    }

    /// An acknowledgement ends what is in this state, and nothing else may be acknowledged.
    fn remove(&mut self, state: &State) {
        let found = self.queue.iter().position(|queued| queued.state == *state);
        let index = found.unwrap_or_else(|| panic!("{state:?} was acknowledged, and is not so"));
        self.queue.remove(index);
        self.fill();
    }

    /// Repeats what is unacknowledged, as some brokers do after a while.
    pub(super) fn repeat(&mut self) {
        for queued in &self.queue {
            match queued.state {
                State::Waiting => {}
                State::Published(id) => {
                    self.to_device
                        .push_back(published(queued.message, id, true))
                }
                State::Released(pkid) => self.to_device.push_back(Packet::PubRel(PubRel { pkid })),
            }
        }
    }

    /// Messages that are lost with the link.
    pub(super) fn on_the_link(&self) -> Vec<Message> {
        super::unreliable(&self.to_device)
    }

    /// Forgets everything, and returns the messages that the device may not get.
    pub(super) fn lose_session(&mut self) -> Vec<Message> {
        self.recorded.clear();
        self.last_id = 0;
        self.queue.drain(..).map(|queued| queued.message).collect()
    }

    /// Begins a new link, with what the session has.
    pub(super) fn connected(&mut self) {
        self.to_device.clear();
        self.repeat();
        self.fill();
    }

    pub(super) fn is_idle(&self) -> bool {
        self.queue.is_empty() && self.recorded.is_empty() && self.to_device.is_empty()
    }
}

impl State {
    fn id(&self) -> Option<u16> {
        match self {
            Self::Waiting => None,
            Self::Published(id) | Self::Released(id) => Some(*id),
        }
    }
}

fn published(message: Message, pkid: u16, dup: bool) -> Packet {
    Packet::Publish(Publish {
        pkid,
        dup,
        ..message.packet()
    })
}
