//! The session of a device: subscriptions, queue and packets in flight. No input or output.

mod kept;

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use rumqttc::mqttbytes::{QoS, v4};
use tokio::sync::{Notify, oneshot};

use super::packet::Publish;
use super::topic;
use crate::sync::lock;

pub(crate) use kept::KeptSession;

/// What the broker keeps for a device, connected or not.
pub(crate) struct Session {
    /// Whether the session outlives the connection.
    persistent: bool,
    subscriptions: BTreeMap<String, u8>,
    waiting: VecDeque<v4::Publish>,
    /// Messages in `waiting`, at most.
    queue_limit: usize,
    in_flight: VecDeque<InFlight>,
    last_id: u16,
    /// Ids of QoS 2 publications of the device that it has not released.
    received: HashSet<u16>,
    link: Option<Link>,
}

/// The session's side of a connection.
pub(crate) struct Link {
    pub(crate) id: u64,
    pub(crate) signal: Arc<Signal>,
    pub(crate) will: Option<Publish>,
    /// Those who wait until everything that has arrived is in the queue of the device.
    pub(crate) barriers: Vec<oneshot::Sender<()>>,
}

/// What the session tells the connection's task.
#[derive(Default)]
pub(crate) struct Signal {
    pub(crate) wake: Notify,
    /// Packets to write before the end, when the session that had them is gone.
    parting: Mutex<BytesMut>,
}

impl Signal {
    pub(crate) fn take_parting(&self) -> BytesMut {
        std::mem::take(&mut lock(&self.parting))
    }
}

struct InFlight {
    publish: v4::Publish,
    /// Whether PUBREC came and PUBREL was sent.
    released: bool,
    sent: Instant,
}

/// What became of a publication.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Delivery {
    /// How many subscriptions match.
    pub(crate) subscriptions: usize,
    /// Whether the queue was full.
    pub(crate) dropped: bool,
}

/// The device acknowledged what was not sent to it.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0} of an unknown packet id {1}")]
pub(crate) struct UnknownId(&'static str, u16);

impl Default for Session {
    fn default() -> Session {
        Session {
            persistent: false,
            subscriptions: BTreeMap::new(),
            waiting: VecDeque::new(),
            queue_limit: QUEUE_LIMIT,
            in_flight: VecDeque::new(),
            last_id: 0,
            received: HashSet::new(),
            link: None,
        }
    }
}

impl Session {
    /// Connects the session and returns whether it existed before.
    pub(crate) fn attach(&mut self, link: Link, clean: bool) -> bool {
        let present = self.persistent && !clean;
        if !present {
            self.forget();
        }
        self.persistent = !clean;
        self.link = Some(link);
        present
    }

    /// Takes the connection from the session; a session that was clean ends with it.
    pub(crate) fn detach(&mut self) -> Option<Link> {
        let link = self.link.take()?;
        link.signal.wake.notify_one();
        if !self.persistent {
            self.forget();
        }
        Some(link)
    }

    /// Ends session and connection. What was published before reaches the device, if its window has
    /// room.
    pub(crate) fn discard(&mut self) -> Option<Link> {
        let mut parting = BytesMut::new();
        self.fill(&mut parting);
        let link = self.detach();
        if let Some(link) = &link {
            *lock(&link.signal.parting) = parting;
        }
        self.forget();
        link
    }

    /// Ends the session, but not the connection.
    pub(crate) fn forget(&mut self) {
        self.persistent = false;
        self.subscriptions.clear();
        self.waiting.clear();
        self.in_flight.clear();
        self.received.clear();
    }

    /// Sets how many messages wait at most; those that wait already stay.
    pub(crate) fn limit_queue(&mut self, messages: usize) {
        self.queue_limit = messages;
    }

    pub(crate) fn link(&mut self) -> Option<&mut Link> {
        self.link.as_mut()
    }

    /// Whether the connection `id` is the one of the session.
    pub(crate) fn is_attached(&self, id: u64) -> bool {
        self.link.as_ref().is_some_and(|link| link.id == id)
    }

    pub(crate) fn subscribe(&mut self, filter: String, qos: u8) {
        self.subscriptions.insert(filter, qos);
    }

    pub(crate) fn unsubscribe(&mut self, filter: &str) {
        self.subscriptions.remove(filter);
    }

    pub(crate) fn subscriptions(&self) -> impl Iterator<Item = (&str, u8)> {
        self.subscriptions
            .iter()
            .map(|(filter, qos)| (filter.as_str(), *qos))
    }

    /// Whether there is any subscription.
    pub(crate) fn is_subscribed(&self) -> bool {
        !self.subscriptions.is_empty()
    }

    /// Counts the subscriptions that match a topic and queues one message for all of them. MQTT
    /// cannot express a topic of more than 65 535 bytes, so nothing matches one.
    pub(crate) fn publish(&mut self, topic: &str, qos: u8, payload: Bytes) -> Delivery {
        let expressible = u16::try_from(topic.len()).is_ok();
        let granted = self
            .subscriptions
            .iter()
            .filter(|(filter, _)| expressible && topic::matches(filter, topic));
        let (subscriptions, granted) = granted.fold((0, 0), |(count, most), (_, qos)| {
            (count + 1, most.max(*qos))
        });
        let qos = qos.min(granted);
        if subscriptions == 0 || (qos == 0 && self.link.is_none()) {
            return Delivery {
                subscriptions,
                dropped: false,
            };
        }
        let dropped = self.waiting.len() >= self.queue_limit;
        if !dropped {
            self.waiting
                .push_back(v4::Publish::from_bytes(topic, quality(qos), payload));
        }
        if let Some(link) = &self.link {
            link.signal.wake.notify_one();
        }
        Delivery {
            subscriptions,
            dropped,
        }
    }

    /// Notes a QoS 2 publication of the device; returns whether it is new.
    pub(crate) fn receive(&mut self, id: u16) -> bool {
        self.received.insert(id)
    }

    pub(crate) fn release(&mut self, id: u16) {
        self.received.remove(&id);
    }

    /// Handles PUBACK; the broker ignores one that it does not expect.
    pub(crate) fn acknowledge(&mut self, id: u16) {
        let expected =
            |entry: &InFlight| entry.publish.pkid == id && entry.publish.qos == QoS::AtLeastOnce;
        if let Some(index) = self.in_flight.iter().position(expected) {
            self.in_flight.remove(index);
        }
    }

    /// Handles PUBREC and writes PUBREL.
    pub(crate) fn received_by_peer(
        &mut self,
        id: u16,
        out: &mut BytesMut,
    ) -> Result<(), UnknownId> {
        let expected = |entry: &&mut InFlight| {
            entry.publish.pkid == id && entry.publish.qos == QoS::ExactlyOnce
        };
        let entry = self
            .in_flight
            .iter_mut()
            .find(expected)
            .ok_or(UnknownId("PUBREC", id))?;
        entry.released = true;
        entry.publish.payload = Bytes::new();
        entry.sent = Instant::now();
        write(&v4::Packet::PubRel(v4::PubRel::new(id)), out);
        Ok(())
    }

    /// Handles PUBCOMP.
    pub(crate) fn complete(&mut self, id: u16) -> Result<(), UnknownId> {
        let expected = |entry: &InFlight| entry.publish.pkid == id && entry.released;
        let index = self
            .in_flight
            .iter()
            .position(expected)
            .ok_or(UnknownId("PUBCOMP", id))?;
        self.in_flight.remove(index);
        Ok(())
    }

    /// Writes waiting messages while the window and `out` have room for them.
    pub(crate) fn fill(&mut self, out: &mut BytesMut) {
        while out.len() < OUTPUT_LIMIT {
            let Some(next) = self.waiting.front() else {
                return;
            };
            if next.qos != QoS::AtMostOnce && self.in_flight.len() >= WINDOW {
                return;
            }
            let Some(mut publish) = self.waiting.pop_front() else {
                return;
            };
            if publish.qos != QoS::AtMostOnce {
                publish.pkid = self.next_id();
            }
            let packet = v4::Packet::Publish(publish);
            write(&packet, out);
            if let v4::Packet::Publish(publish) = packet
                && publish.qos != QoS::AtMostOnce
            {
                self.in_flight.push_back(InFlight {
                    publish,
                    released: false,
                    sent: Instant::now(),
                });
            }
        }
    }

    /// Writes again what was sent before `before` and is not acknowledged.
    pub(crate) fn resend(&mut self, before: Instant, out: &mut BytesMut) {
        for entry in self
            .in_flight
            .iter_mut()
            .filter(|entry| entry.sent <= before)
        {
            entry.sent = Instant::now();
            if entry.released {
                write(
                    &v4::Packet::PubRel(v4::PubRel::new(entry.publish.pkid)),
                    out,
                );
            } else {
                entry.publish.dup = true;
                write(&v4::Packet::Publish(entry.publish.clone()), out);
            }
        }
    }

    /// Returns when the first packet in flight is to be sent again.
    pub(crate) fn retry_at(&self, interval: Duration) -> Option<Instant> {
        self.in_flight
            .iter()
            .map(|entry| entry.sent)
            .min()?
            .checked_add(interval)
    }

    /// Returns an id that no packet in flight has; the window is far smaller than the range.
    fn next_id(&mut self) -> u16 {
        loop {
            self.last_id = self.last_id.checked_add(1).unwrap_or(1);
            if !self
                .in_flight
                .iter()
                .any(|entry| entry.publish.pkid == self.last_id)
            {
                return self.last_id;
            }
        }
    }
}

/// Writes a packet that the broker has composed, which therefore has an id where it needs one.
pub(crate) fn write(packet: &v4::Packet, out: &mut BytesMut) {
    let written = packet.write(out, usize::MAX);
    debug_assert!(written.is_ok(), "{packet:?}: {written:?}");
}

fn quality(qos: u8) -> QoS {
    match qos {
        0 => QoS::AtMostOnce,
        1 => QoS::AtLeastOnce,
        _ => QoS::ExactlyOnce,
    }
}

/// Packets that wait for an acknowledgement, at most.
const WINDOW: usize = 100;

/// Messages that wait for the window or for the device; when it is full the newest is dropped.
pub(crate) const QUEUE_LIMIT: usize = 1000;

/// Bytes to write at which the session keeps its messages.
pub(super) const OUTPUT_LIMIT: usize = 256 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn link() -> Link {
        Link {
            id: 1,
            signal: Arc::default(),
            will: None,
            barriers: Vec::new(),
        }
    }

    fn connected() -> Session {
        let mut session = Session::default();
        session.attach(link(), false);
        session.subscribe("a/#".into(), 2);
        session
    }

    fn sent(session: &mut Session) -> Vec<v4::Packet> {
        let mut out = BytesMut::new();
        session.fill(&mut out);
        packets(out)
    }

    fn packets(mut out: BytesMut) -> Vec<v4::Packet> {
        std::iter::from_fn(|| v4::Packet::read(&mut out, usize::MAX).ok()).collect()
    }

    fn ids(packets: &[v4::Packet]) -> Vec<u16> {
        let publishes = packets.iter().map(|packet| match packet {
            v4::Packet::Publish(publish) => publish.pkid,
            other => panic!("{other:?}"),
        });
        publishes.collect()
    }

    #[test]
    fn a_clean_session_ends_with_its_link() {
        let mut session = Session::default();
        assert!(!session.attach(link(), true));
        session.subscribe("a".into(), 1);
        session.detach();
        assert_eq!(session.publish("a", 1, Bytes::new()).subscriptions, 0);
        assert!(!session.attach(link(), false));
    }

    #[test]
    fn a_kept_session_is_present() {
        let mut session = connected();
        session.detach();
        assert!(session.attach(link(), false));
        session.detach();
        assert!(!session.attach(link(), true));
        session.detach();
        assert!(!session.attach(link(), false));
    }

    #[test]
    fn offline_messages_wait_but_not_those_of_qos_0() {
        let mut session = connected();
        session.detach();
        assert_eq!(session.publish("a/b", 0, Bytes::new()).subscriptions, 1);
        assert_eq!(session.publish("a/b", 1, Bytes::new()).subscriptions, 1);
        session.attach(link(), false);
        assert_eq!(ids(&sent(&mut session)), [1]);
    }

    #[test]
    fn the_queue_drops_the_newest() {
        let mut session = connected();
        session.detach();
        for _ in 0..1000 {
            assert!(!session.publish("a/b", 1, Bytes::new()).dropped);
        }
        assert!(session.publish("a/b", 1, Bytes::new()).dropped);
    }

    #[test]
    fn the_window_holds_a_hundred() {
        let mut session = connected();
        for _ in 0..150 {
            session.publish("a/b", 1, Bytes::new());
        }
        assert_eq!(sent(&mut session).len(), 100);
        session.acknowledge(7);
        assert_eq!(ids(&sent(&mut session)), [101]);
        assert!(sent(&mut session).is_empty());
    }

    #[test]
    fn ids_in_flight_are_not_given_again() {
        let mut session = connected();
        session.publish("a/b", 2, Bytes::new());
        assert_eq!(ids(&sent(&mut session)), [1]);
        session.last_id = u16::MAX;
        session.publish("a/b", 1, Bytes::new());
        assert_eq!(ids(&sent(&mut session)), [2]);
    }

    #[test]
    fn a_resumed_session_sends_again_in_order() {
        let mut session = connected();
        for qos in [2, 1, 2] {
            session.publish("a/b", qos, Bytes::from_static(b"x"));
        }
        sent(&mut session);
        let mut out = BytesMut::new();
        session.received_by_peer(1, &mut out).unwrap();
        session.detach();
        session.attach(link(), false);
        out.clear();
        session.resend(Instant::now(), &mut out);
        let packets = packets(out);
        assert_eq!(packets[0], v4::Packet::PubRel(v4::PubRel::new(1)));
        for (packet, id) in packets[1..].iter().zip([2, 3]) {
            let v4::Packet::Publish(publish) = packet else {
                panic!("{packet:?}")
            };
            assert!(publish.dup);
            assert_eq!(publish.pkid, id);
        }
    }

    #[test]
    fn unknown_acknowledgements_end_the_connection_but_puback() {
        let mut session = connected();
        session.acknowledge(9);
        assert!(session.received_by_peer(9, &mut BytesMut::new()).is_err());
        assert!(session.complete(9).is_err());
        session.publish("a/b", 2, Bytes::new());
        sent(&mut session);
        assert!(session.complete(1).is_err());
        session.received_by_peer(1, &mut BytesMut::new()).unwrap();
        session.complete(1).unwrap();
    }

    #[test]
    fn the_quality_is_the_lower_one() {
        let mut session = Session::default();
        session.attach(link(), false);
        session.subscribe("a/+".into(), 0);
        session.subscribe("a/b".into(), 1);
        assert_eq!(session.publish("a/b", 2, Bytes::new()).subscriptions, 2);
        let packets = sent(&mut session);
        let [v4::Packet::Publish(publish)] = packets.as_slice() else {
            panic!("{packets:?}")
        };
        assert_eq!(publish.qos, QoS::AtLeastOnce);
    }

    #[test]
    fn a_topic_that_is_too_long_reaches_nobody() {
        let mut session = connected();
        let longest = format!("a/{}", "b".repeat(65_533));
        assert_eq!(session.publish(&longest, 0, Bytes::new()).subscriptions, 1);
        let delivery = session.publish(&format!("{longest}b"), 0, Bytes::new());
        assert_eq!(delivery.subscriptions, 0);
    }

    #[test]
    fn received_ids_survive_the_link() {
        let mut session = connected();
        assert!(session.receive(5));
        session.detach();
        session.attach(link(), false);
        assert!(!session.receive(5));
        session.release(5);
        assert!(session.receive(5));
    }
}
