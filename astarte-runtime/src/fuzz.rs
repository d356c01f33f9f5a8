//! What the fuzz targets reach of the inside: each function takes what a peer sent, and holds what must be true of it.
//!
//! There only in builds of cargo-fuzz, by its `cfg(fuzzing)`.

use bytes::BytesMut;
use rumqttc::mqttbytes::{QoS, v4::Packet};

use crate::{
    certificate,
    publish::Publish,
    purge,
    session::{self, Answer, Event, Session},
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
/// The first byte says how many messages are in flight, the second is a mask of the messages that are dealt with at
/// once, and the third says whether the broker keeps the session. Each link is given 64 bytes of what follows.
pub fn packets(data: &[u8]) {
    let [in_flight, at_once, kept, input @ ..] = data else {
        return;
    };
    let mut out = BytesMut::new();
    let mut session = prepared(u64::from(*in_flight) % u64::from(WINDOW), &mut out);
    let mut late = Vec::new();
    for mut input in input.chunks(64) {
        while let Ok(Some((packet, len))) = session::read(input) {
            input = &input[len..];
            let Ok(event) = session.handle(packet, &mut out) else {
                break;
            };
            late.extend(event.and_then(answer));
            if at_once >> (late.len() % 8) & 1 == 1 {
                late.drain(..)
                    .for_each(|answer| session.answer(answer, &mut out));
            }
        }
        check(&session, &mut out);
        for answer in late.drain(late.len() / 2..) {
            session.answer(answer, &mut out);
        }
        if *kept == 0 {
            session.reset();
        } else {
            session.resume(&mut out);
        }
        check(&session, &mut out);
    }
}

/// A session with so many messages of all kinds on their way, and one of an earlier process.
fn prepared(in_flight: u64, out: &mut BytesMut) -> Session<u64> {
    let mut session = Session::new(WINDOW);
    session.restore(1, [1, 2]);
    for number in 1..in_flight {
        let publish = |qos| Publish::new(&format!("test/{number}"), qos, &number.to_be_bytes());
        match number % 4 {
            0 => drop(session.publish(publish(QoS::AtMostOnce), number, out)),
            1 => drop(session.publish(publish(QoS::AtLeastOnce), number, out)),
            2 => drop(session.publish(publish(QoS::ExactlyOnce), number, out)),
            _ => session.publish_stored(publish(QoS::ExactlyOnce), number, false, number, out),
        }
    }
    session
}

/// What the application and the stores say to an event.
fn answer(event: Event<'_, u64>) -> Option<Answer> {
    match event {
        Event::Message(message, ack) => ack.map(|ack| match message.payload.first() {
            Some(0) => Answer::Failed(ack),
            _ if ack.once().is_some() => Answer::Kept(ack),
            _ => Answer::Safe(ack),
        }),
        Event::Recorded(sequence) => Some(Answer::Noted(sequence)),
        Event::Released(id) => Some(Answer::Forgotten(id)),
        Event::Acknowledged(..)
        | Event::Freed
        | Event::Pong
        | Event::Subscribed(..)
        | Event::Unsubscribed(_) => None,
    }
}

/// Whatever came, what is sent is MQTT of a client.
fn check(session: &Session<u64>, out: &mut BytesMut) {
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
