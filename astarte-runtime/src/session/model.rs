//! The session against a model of a broker, under random schedules.
//!
//! A schedule sends, loses, repeats and settles in any order, breaks links, has the broker lose the session, and
//! restarts the process. While it runs, the broker and the device check each packet; once it is over everything that is
//! on its way arrives, and what was promised of each message is compared with what came.

mod broker;
mod device;

use std::collections::{BTreeMap, BTreeSet};

use proptest::{
    collection::vec,
    prelude::{ProptestConfig, Strategy, any, proptest},
};
use rumqttc::mqttbytes::{
    QoS,
    v4::{Packet, Publish},
};

use self::{broker::Broker, device::Device};

/// How many schedules are tried; a million where everything is asked for.
fn cases() -> u32 {
    match std::env::var_os("ASTARTE_FULL") {
        Some(_) => 1_000_000,
        None => 10_000,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_lost_or_doubled_whatever_happens(window in 1..6_u16, schedule in vec(step(), 1..100)) {
        let mut world = World::new(window);
        for step in schedule {
            world.step(step);
        }
        world.finish();
    }
}

/// One thing that happens.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// The application sends a message.
    Send(Topic),
    /// The server publishes a message.
    Publish(Topic),
    /// A packet of the device arrives.
    Up,
    /// A packet of the broker arrives.
    Down,
    /// The application or a store is done with something, or fails.
    Settle { which: usize, fails: bool },
    /// The device subscribes.
    Subscribe,
    /// The broker repeats what is unacknowledged on the live link.
    Repeat,
    /// The link breaks, and only so many packets of each direction still arrive.
    Break { up: usize, down: usize, end: End },
}

/// What a broken link is followed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The broker has the session.
    Kept,
    /// The broker has lost the session.
    Lost,
    /// The process has restarted, and the broker has the session.
    Restarted,
    /// The process has restarted, and the broker has lost the session.
    RestartedAndLost,
}

/// Messages of one kind, whose order is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Topic {
    Qos0,
    Qos1,
    Qos2,
    /// Of QoS 2, and in the store until the broker has it.
    Stored,
}

/// A message: its topic, and how many were made before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Message {
    topic: Topic,
    number: u64,
}

/// A step for each number: strategies for each part of it would take longer than the schedule itself.
fn step() -> impl Strategy<Value = Step> {
    any::<u32>().prop_map(|number| {
        let (kind, detail) = (number % 64, number / 64);
        match kind {
            0..8 => Step::Send(match detail % 10 {
                0 => Topic::Qos0,
                1..4 => Topic::Qos1,
                4..7 => Topic::Qos2,
                _ => Topic::Stored,
            }),
            8..14 => Step::Publish(match detail % 8 {
                0 => Topic::Qos0,
                1..4 => Topic::Qos1,
                _ => Topic::Qos2,
            }),
            14..30 => Step::Up,
            30..46 => Step::Down,
            46..58 => Step::Settle {
                which: detail as usize / 10,
                fails: detail % 10 == 9,
            },
            58 => Step::Subscribe,
            59 => Step::Repeat,
            _ => Step::Break {
                up: detail as usize % 4,
                down: detail as usize / 4 % 4,
                end: match detail / 16 % 8 {
                    0..4 => End::Kept,
                    4 => End::Lost,
                    5 | 6 => End::Restarted,
                    _ => End::RestartedAndLost,
                },
            },
        }
    })
}

/// A device and a broker, and the history of every message.
struct World {
    device: Device,
    broker: Broker,
    made: u64,
    sent: BTreeMap<Message, Fate>,
    published: BTreeMap<Message, Fate>,
}

/// What may become of a message.
#[derive(Clone, Copy, Debug, Default)]
struct Fate {
    /// It was on its way when something was lost that knew of it.
    may_be_lost: bool,
    may_come_twice: bool,
}

impl World {
    fn new(window: u16) -> Self {
        Self {
            device: Device::new(window),
            broker: Broker::default(),
            made: 0,
            sent: BTreeMap::new(),
            published: BTreeMap::new(),
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Send(topic) => {
                let message = self.make(topic);
                self.sent.insert(message, Fate::default());
                self.device.send(message);
            }
            Step::Publish(topic) => {
                let message = self.make(topic);
                self.published.insert(message, Fate::default());
                self.broker.publish(message);
            }
            Step::Up => {
                self.up();
            }
            Step::Down => {
                self.down();
            }
            Step::Settle { which, fails } => self.device.settle(which, fails),
            Step::Subscribe => self.device.subscribe(),
            Step::Repeat => self.broker.repeat(),
            Step::Break {
                mut up,
                mut down,
                end,
            } => {
                while up > 0 && self.up() {
                    up -= 1;
                }
                while down > 0 && self.down() {
                    down -= 1;
                }
                self.reconnect(end);
            }
        }
        self.device.check();
    }

    fn make(&mut self, topic: Topic) -> Message {
        self.made += 1;
        let number = self.made;
        Message { topic, number }
    }

    /// Returns whether there was a packet.
    fn up(&mut self) -> bool {
        let packet = self.device.to_broker.pop_front();
        packet.map(|packet| self.broker.handle(packet)).is_some()
    }

    /// Returns whether there was a packet.
    fn down(&mut self) -> bool {
        let packet = self.broker.to_device.pop_front();
        packet.map(|packet| self.device.handle(packet)).is_some()
    }

    fn reconnect(&mut self, end: End) {
        let session_lost = matches!(end, End::Lost | End::RestartedAndLost);
        for message in self.device.on_the_link() {
            self.sent.entry(message).or_default().may_be_lost = true;
        }
        for message in self.broker.on_the_link() {
            self.published.entry(message).or_default().may_be_lost = true;
        }
        if matches!(end, End::Restarted | End::RestartedAndLost) {
            for message in self.device.volatile() {
                self.sent.entry(message).or_default().may_be_lost = true;
            }
            for message in self.device.unnoted() {
                self.published.entry(message).or_default().may_come_twice = true;
            }
        }
        if session_lost {
            for message in self.device.unacknowledged() {
                self.sent.entry(message).or_default().may_come_twice = true;
            }
            for message in self.broker.lose_session() {
                let fate = self.published.entry(message).or_default();
                fate.may_be_lost = true;
            }
        }
        match end {
            End::Kept => self.device.resume(),
            End::Lost => self.device.reset(),
            End::Restarted => self.device.restart(true),
            End::RestartedAndLost => self.device.restart(false),
        }
        self.broker.connected();
    }

    /// Lets everything arrive, and compares what came with what was promised.
    fn finish(mut self) {
        // Each round brings the first message of every queue at least one packet further.
        for _ in 0..20 + 4 * self.made {
            while self.up() || self.down() || self.device.settle_first() {
                self.device.check();
            }
            if self.device.is_idle() && self.broker.is_idle() {
                break;
            }
            // What failed is repeated on a new link.
            self.reconnect(End::Kept);
        }
        assert!(
            self.device.is_idle(),
            "the device is stuck: {:?}",
            self.device
        );
        assert!(
            self.broker.is_idle(),
            "the broker is stuck: {:?}",
            self.broker
        );
        compare(&self.sent, &self.broker.arrived, &BTreeSet::new());
        compare(&self.published, &self.device.arrived, &self.device.failed);
    }
}

/// Compares promises with what arrived, and the order of the first arrivals of what did not come late.
fn compare(promised: &BTreeMap<Message, Fate>, arrived: &[Message], late: &BTreeSet<Message>) {
    let mut times = BTreeMap::<Message, usize>::new();
    let mut newest = BTreeMap::new();
    for message in arrived {
        let seen = times.entry(*message).or_default();
        *seen += 1;
        if *seen == 1 && !late.contains(message) {
            let before = newest.insert(message.topic, message.number);
            assert!(
                before < Some(message.number),
                "{message:?} came after {before:?}"
            );
        }
    }
    for (message, fate) in promised {
        let times = times.get(message).copied().unwrap_or(0);
        let at_least = usize::from(!fate.may_be_lost);
        assert!(times >= at_least, "{message:?} was lost, {fate:?}");
        let repeats = message.topic == Topic::Qos1 || fate.may_come_twice;
        assert!(
            times <= 1 || repeats,
            "{message:?} came {times} times, {fate:?}"
        );
    }
}

/// The messages of QoS 0 among packets.
fn unreliable<'a>(packets: impl IntoIterator<Item = &'a Packet>) -> Vec<Message> {
    let messages = packets.into_iter().filter_map(|packet| match packet {
        Packet::Publish(publish) if publish.qos == QoS::AtMostOnce => {
            Some(Message::of(&publish.topic, &publish.payload))
        }
        _ => None,
    });
    messages.collect()
}

impl Message {
    fn packet(self) -> Publish {
        let (name, qos) = match self.topic {
            Topic::Qos0 => ("0", QoS::AtMostOnce),
            Topic::Qos1 => ("1", QoS::AtLeastOnce),
            Topic::Qos2 => ("2", QoS::ExactlyOnce),
            Topic::Stored => ("stored", QoS::ExactlyOnce),
        };
        Publish::new(name, qos, self.number.to_be_bytes())
    }

    /// The packet as the device makes it.
    fn publish(self) -> crate::publish::Publish {
        let Publish {
            topic,
            qos,
            payload,
            ..
        } = self.packet();
        crate::publish::Publish::new(&topic, qos, &payload)
    }

    fn of(topic: &str, payload: &[u8]) -> Self {
        let topic = match topic {
            "0" => Topic::Qos0,
            "1" => Topic::Qos1,
            "2" => Topic::Qos2,
            "stored" => Topic::Stored,
            other => panic!("nothing was published on {other}"),
        };
        let number = payload.try_into().map(u64::from_be_bytes);
        Self {
            topic,
            number: number.expect("payloads are numbers"),
        }
    }
}
