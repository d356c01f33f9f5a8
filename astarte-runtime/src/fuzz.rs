//! What the fuzz targets reach of the inside: each function takes what a peer sent, and holds what must be true of it.
//!
//! There only in builds of cargo-fuzz, by its `cfg(fuzzing)`.

use bytes::BytesMut;
use rumqttc::mqttbytes::{
    QoS,
    v4::{Packet, Publish},
};

use crate::{
    certificate, purge,
    session::{Event, Session},
};

/// The URL of a broker, from an answer of the pairing API.
pub fn broker_url(url: &str) {
    if let Some((host, _)) = crate::device::address(url) {
        assert!(!host.is_empty() && !host.contains('/'));
    }
}

/// A certificate in DER.
pub fn certificate(der: &[u8]) {
    if let Ok(facts) = certificate::read(der) {
        assert!(facts.common_name.is_none_or(|name| name.len() < der.len()));
    }
}

/// A list of properties: one that is read says the same once it is written.
pub fn property_list(payload: &[u8]) {
    let Ok(listed) = purge::decode(payload) else {
        return;
    };
    let written = purge::encode(listed.iter().map(|entry| (entry.as_str(), "")));
    assert_eq!(purge::decode(&written), Ok(listed));
}

/// Links to a broker that sends anything.
///
/// The first byte says how many messages are in flight, the second is a mask of the messages that the application
/// takes at once, and the third says whether the broker keeps the session. Each link is given 64 bytes of what follows.
pub fn packets(data: &[u8]) {
    let [in_flight, taken, kept, input @ ..] = data else {
        return;
    };
    let mut session = Session::new(WINDOW);
    let mut out = BytesMut::new();
    for number in 0..u16::from(*in_flight).min(WINDOW) {
        let qos = match number % 3 {
            0 => QoS::AtMostOnce,
            1 => QoS::AtLeastOnce,
            _ => QoS::ExactlyOnce,
        };
        let publish = Publish::new(format!("test/{number}"), qos, number.to_be_bytes());
        session.publish(publish, number, &mut out);
    }
    let mut late = Vec::new();
    for link in input.chunks(64) {
        let mut input = BytesMut::from(link);
        let mut seen = 0;
        while let Ok(packet) = Packet::read(&mut input, MAX_PACKET) {
            let Ok(event) = session.handle(packet, &mut out) else {
                break;
            };
            if let Some(Event::Message(_, Some(ack))) = event {
                if taken >> (seen % 8) & 1 == 1 {
                    session.acknowledge(ack, &mut out);
                } else {
                    late.push(ack);
                }
                seen += 1;
            }
        }
        check(&session, &mut out);
        for ack in late.drain(late.len() / 2..) {
            session.acknowledge(ack, &mut out);
        }
        if *kept == 0 {
            session.reset();
        } else {
            session.resume(&mut out);
        }
        check(&session, &mut out);
    }
}

/// Whatever came, what is sent is MQTT of a client.
fn check(session: &Session<u16>, out: &mut BytesMut) {
    assert!(session.unacknowledged() <= usize::from(WINDOW));
    while !out.is_empty() {
        match Packet::read(out, usize::MAX).expect("what is sent is MQTT") {
            Packet::Publish(publish) => {
                assert_eq!(publish.pkid == 0, publish.qos == QoS::AtMostOnce);
            }
            Packet::PubAck(_) | Packet::PubRec(_) | Packet::PubRel(_) | Packet::PubComp(_) => {}
            other => panic!("the session sent {other:?}"),
        }
    }
}

const WINDOW: u16 = 20;

/// As in a link.
const MAX_PACKET: usize = 256 * 1024;
