//! Packets of the broker, as far as possible read where they were received.

use bytes::BytesMut;
use rumqttc::mqttbytes::{Error, QoS, v4::Packet};

use super::reply::Reply;

/// A packet of the broker.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Received<'a> {
    Publish(Publication<'a>),
    Reply(Reply, u16),
    /// Any other.
    Packet(Packet),
}

/// A PUBLISH packet of the broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Publication<'a> {
    pub(crate) topic: &'a str,
    pub(crate) payload: &'a [u8],
    pub(crate) qos: QoS,
    pub(crate) dup: bool,
    /// 0 at QoS 0.
    pub(crate) pkid: u16,
}

/// The largest packet that is read, in bytes after the fixed header: four times of what Astarte can send.
const MAX_PACKET: usize = 256 * 1024;

const PUBLISH: u8 = 0x30;

/// Reads the first packet, and how many bytes it takes; `None` where it is not all there yet.
pub(crate) fn read(input: &[u8]) -> Result<Option<(Received<'_>, usize)>, Error> {
    let Some((head, len)) = fixed_header(input)? else {
        return Ok(None);
    };
    if len > MAX_PACKET {
        return Err(Error::PayloadSizeLimitExceeded(len));
    }
    let Some(body) = input.get(head..head + len) else {
        return Ok(None);
    };
    let first = input[0];
    // What comes for each message goes the short way.
    let received = if first & 0xf0 == PUBLISH {
        Received::Publish(publication(first, body)?)
    } else if let Some((reply, pkid)) = Reply::read(first, body) {
        Received::Reply(reply, pkid)
    } else {
        let mut packet = BytesMut::from(&input[..head + len]);
        other(Packet::read(&mut packet, MAX_PACKET)?)
    };
    Ok(Some((received, head + len)))
}

fn other(packet: Packet) -> Received<'static> {
    match Reply::of(&packet) {
        Some((reply, pkid)) => Received::Reply(reply, pkid),
        None => Received::Packet(packet),
    }
}

/// The length of the fixed header, and what it says of the length behind it; `None` where it is not all there yet.
fn fixed_header(input: &[u8]) -> Result<Option<(usize, usize)>, Error> {
    let mut len = 0;
    for (at, &byte) in input.iter().enumerate().skip(1) {
        len |= usize::from(byte & 0x7f) << (7 * (at - 1));
        if byte < 0x80 {
            return Ok(Some((at + 1, len)));
        }
        if at == 4 {
            return Err(Error::MalformedRemainingLength);
        }
    }
    Ok(None)
}

fn publication(first: u8, body: &[u8]) -> Result<Publication<'_>, Error> {
    let qos = match first >> 1 & 3 {
        0 => QoS::AtMostOnce,
        1 => QoS::AtLeastOnce,
        2 => QoS::ExactlyOnce,
        other => return Err(Error::InvalidQoS(other)),
    };
    let (len, rest) = body.split_first_chunk().ok_or(Error::MalformedPacket)?;
    let len = usize::from(u16::from_be_bytes(*len));
    let (topic, rest) = rest
        .split_at_checked(len)
        .ok_or(Error::BoundaryCrossed(len))?;
    let topic = std::str::from_utf8(topic).map_err(|_| Error::TopicNotUtf8)?;
    let (pkid, payload) = match (qos, rest) {
        (QoS::AtMostOnce, payload) => (0, payload),
        (_, [0, 0, ..]) => return Err(Error::PacketIdZero),
        (_, &[high, low, ref payload @ ..]) => (id(high, low), payload),
        _ => return Err(Error::MalformedPacket),
    };
    Ok(Publication {
        topic,
        payload,
        qos,
        dup: first & 0x08 != 0,
        pkid,
    })
}

fn id(high: u8, low: u8) -> u16 {
    u16::from_be_bytes([high, low])
}

#[cfg(any(test, fuzzing))]
impl<'a> From<&'a Packet> for Received<'a> {
    fn from(packet: &'a Packet) -> Self {
        match packet {
            Packet::Publish(publish) => Self::Publish(Publication {
                topic: &publish.topic,
                payload: &publish.payload,
                qos: publish.qos,
                dup: publish.dup,
                pkid: publish.pkid,
            }),
            packet => other(packet.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop, prop_assert_eq, proptest};

    use rumqttc::mqttbytes::v4;

    use super::*;

    /// What rumqttc reads, and how much it leaves.
    fn expected(input: &[u8]) -> Result<Option<(Packet, usize)>, Error> {
        let mut left = BytesMut::from(input);
        match Packet::read(&mut left, MAX_PACKET) {
            Ok(packet) => Ok(Some((packet, input.len() - left.len()))),
            Err(Error::InsufficientBytes(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn compare(input: &[u8]) {
        let expected = expected(input);
        match (read(input), &expected) {
            (Ok(Some((received, len))), Ok(Some((packet, expected)))) => {
                assert_eq!((received, len), (packet.into(), *expected), "{input:02x?}");
            }
            (Ok(None), Ok(None)) | (Err(_), Err(_)) => {}
            (read, _) => panic!("{input:02x?}: {read:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn every_first_byte_is_read_as_rumqttc_does() {
        for first in 0..=u8::MAX {
            for body in [
                &[][..],
                &[0, 1],
                &[0, 0],
                &[0, 1, b'a'],
                &[0, 1, b'a', 0, 7],
                &[0, 1, b'a', 0, 0],
                &[0, 1, 0xff, 0, 7],
                &[0, 9, b'a'],
                &[0, 1, b'a', 0, 7, 1, 2, 3],
            ] {
                let mut input = vec![first, body.len() as u8];
                input.extend_from_slice(body);
                input.push(0x40);
                for end in 0..=input.len() {
                    compare(&input[..end]);
                }
            }
        }
    }

    #[test]
    fn long_packets_have_long_headers() {
        for len in [127, 128, 16_383, 16_384, MAX_PACKET] {
            let publish = v4::Publish::new("t", QoS::AtMostOnce, vec![7; len - 3]);
            let mut input = BytesMut::new();
            Packet::Publish(publish)
                .write(&mut input, usize::MAX)
                .unwrap();
            compare(&input);
            compare(&input[..input.len() - 1]);
        }
        compare(&[0x30, 0x81, 0x80, 0x10]);
        compare(&[0x30, 0xff, 0xff, 0xff, 0xff]);
        compare(&[0x30, 0xff, 0xff, 0xff, 0xff, 1]);
    }

    proptest! {
        #[test]
        fn whatever_comes_is_read_as_rumqttc_does(input in prop::collection::vec(any::<u8>(), 0..24)) {
            compare(&input);
            prop_assert_eq!(read(&input).is_ok(), expected(&input).is_ok());
        }
    }
}
