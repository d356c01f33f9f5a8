//! Packets of MQTT 3.1.1, as the broker reads them.
//!
//! CONNECT and PUBLISH are read here, because the server sees in them what the codec refuses: other
//! protocol versions, passwords that are not text, topics that are not UTF-8. The codec of rumqttc
//! reads and writes the rest.

use bytes::{Buf, Bytes, BytesMut};
use rumqttc::mqttbytes::v4;

/// A packet from a client.
#[derive(Debug)]
pub(crate) enum Packet {
    Connect(Connect),
    Publish(Publish),
    Other(v4::Packet),
}

/// The parts of CONNECT that count; user name and password do not.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Connect {
    /// 3 for MQTT 3.1, 4 for 3.1.1; other levels have the rest empty.
    pub(crate) level: u8,
    pub(crate) clean_session: bool,
    /// In seconds, 0 for none.
    pub(crate) keep_alive: u16,
    pub(crate) client_id: Bytes,
    pub(crate) will: Option<Publish>,
}

/// A PUBLISH, or the will of a CONNECT.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Publish {
    /// 0 to 2.
    pub(crate) qos: u8,
    /// 0 with QoS 0.
    pub(crate) id: u16,
    pub(crate) topic: Bytes,
    pub(crate) payload: Bytes,
}

/// The bytes are not a packet that the broker takes.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum PacketError {
    #[error("a packet of {0} bytes, the limit is {MAX_REMAINING}")]
    TooLarge(usize),
    #[error("malformed {0}")]
    Malformed(&'static str),
    #[error("{0}")]
    Codec(String),
}

/// Takes the first packet out of `buffer`, and shows its bytes to `witness`, whatever they are.
pub(crate) fn read_recorded(
    buffer: &mut BytesMut,
    witness: impl FnOnce(&[u8]),
) -> Result<Option<Packet>, PacketError> {
    if let Some((header, remaining)) = frame(buffer)?
        && let Some(packet) = buffer.get(..header + remaining)
    {
        witness(packet);
    }
    read(buffer)
}

/// Takes the first packet out of `buffer`, if it is there as a whole.
pub(crate) fn read(buffer: &mut BytesMut) -> Result<Option<Packet>, PacketError> {
    let Some((header, remaining)) = frame(buffer)? else {
        return Ok(None);
    };
    let length = header + remaining;
    if buffer.len() < length {
        buffer.reserve(length - buffer.len());
        return Ok(None);
    }
    let (kind, flags) = (buffer[0] >> 4, buffer[0] & 0x0f);
    if kind == PUBLISH {
        let mut body = buffer.split_to(length).freeze();
        body.advance(header);
        return publish(flags, body).map(|publish| Some(Packet::Publish(publish)));
    }
    if flags
        != if matches!(kind, PUBREL | SUBSCRIBE | UNSUBSCRIBE) {
            2
        } else {
            0
        }
    {
        return Err(PacketError::Malformed("flags"));
    }
    if kind == CONNECT {
        let mut body = buffer.split_to(length).freeze();
        body.advance(header);
        return connect(body).map(|connect| Some(Packet::Connect(connect)));
    }
    v4::Packet::read(buffer, MAX_REMAINING)
        .map(|packet| Some(Packet::Other(packet)))
        .map_err(|error| PacketError::Codec(error.to_string()))
}

/// Returns the length of the fixed header and the remaining length, once both are known.
fn frame(buffer: &[u8]) -> Result<Option<(usize, usize)>, PacketError> {
    let mut remaining = 0;
    for index in 0..4 {
        let Some(&byte) = buffer.get(index + 1) else {
            return Ok(None);
        };
        remaining |= usize::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return match remaining {
                0..=MAX_REMAINING => Ok(Some((index + 2, remaining))),
                _ => Err(PacketError::TooLarge(remaining)),
            };
        }
    }
    Err(PacketError::Malformed("remaining length"))
}

fn publish(flags: u8, mut body: Bytes) -> Result<Publish, PacketError> {
    let qos = flags >> 1 & 3;
    let topic = bytes(&mut body, "PUBLISH")?;
    let id = if qos == 0 {
        0
    } else {
        number(&mut body, "PUBLISH")?
    };
    if qos == 3 || (qos > 0 && id == 0) {
        return Err(PacketError::Malformed("PUBLISH"));
    }
    Ok(Publish {
        qos,
        id,
        topic,
        payload: body,
    })
}

fn connect(mut body: Bytes) -> Result<Connect, PacketError> {
    const NAME: &str = "CONNECT";
    let protocol = bytes(&mut body, NAME)?;
    let level = body
        .try_get_u8()
        .map_err(|_| PacketError::Malformed(NAME))?;
    let mut connect = Connect {
        level,
        clean_session: true,
        keep_alive: 0,
        client_id: Bytes::new(),
        will: None,
    };
    match (&*protocol, level) {
        (b"MQTT", 4) | (b"MQIsdp", 3) => {}
        (b"MQTT" | b"MQIsdp", _) => return Ok(connect),
        _ => return Err(PacketError::Malformed("protocol name")),
    }
    let flags = body
        .try_get_u8()
        .map_err(|_| PacketError::Malformed(NAME))?;
    let (has_will, will_qos) = (flags & 0x04 != 0, flags >> 3 & 3);
    if flags & 0x01 != 0 || will_qos == 3 || (!has_will && flags & 0x38 != 0) {
        return Err(PacketError::Malformed("connect flags"));
    }
    connect.clean_session = flags & 0x02 != 0;
    connect.keep_alive = number(&mut body, NAME)?;
    connect.client_id = bytes(&mut body, NAME)?;
    if has_will {
        let topic = bytes(&mut body, "will")?;
        let payload = bytes(&mut body, "will")?;
        connect.will = Some(Publish {
            qos: will_qos,
            id: 0,
            topic,
            payload,
        });
    }
    for present in [flags & 0x80 != 0, flags & 0x40 != 0] {
        if present {
            bytes(&mut body, "credentials")?;
        }
    }
    if body.is_empty() {
        Ok(connect)
    } else {
        Err(PacketError::Malformed(NAME))
    }
}

fn bytes(body: &mut Bytes, part: &'static str) -> Result<Bytes, PacketError> {
    let length = usize::from(number(body, part)?);
    if length > body.len() {
        return Err(PacketError::Malformed(part));
    }
    Ok(body.split_to(length))
}

fn number(body: &mut Bytes, part: &'static str) -> Result<u16, PacketError> {
    body.try_get_u16().map_err(|_| PacketError::Malformed(part))
}

/// The server's limit for the remaining length of a packet, in bytes.
pub(crate) const MAX_REMAINING: usize = 65_535;

const CONNECT: u8 = 1;
const PUBLISH: u8 = 3;
const PUBREL: u8 = 6;
const SUBSCRIBE: u8 = 8;
const UNSUBSCRIBE: u8 = 10;

#[cfg(test)]
mod tests {
    use rumqttc::mqttbytes::{QoS, v4};

    use super::*;

    fn encode(packet: &v4::Packet) -> BytesMut {
        let mut buffer = BytesMut::new();
        packet.write(&mut buffer, usize::MAX).unwrap();
        buffer
    }

    #[test]
    fn a_publish_may_have_a_topic_that_is_not_text() {
        let mut buffer = BytesMut::from(&b"\x32\x07\0\x02a\xff\0\x09x"[..]);
        let Some(Packet::Publish(publish)) = read(&mut buffer).unwrap() else {
            panic!()
        };
        assert_eq!((publish.qos, publish.id), (1, 9));
        assert_eq!(&*publish.topic, b"a\xff");
        assert_eq!(&*publish.payload, b"x");
    }

    #[test]
    fn connect_reads_what_counts() {
        let mut connect = v4::Connect::new("client");
        connect.clean_session = false;
        connect.keep_alive = 7;
        connect.last_will = Some(v4::LastWill::new("a/b", "gone", QoS::AtLeastOnce, false));
        connect.set_login("user", "password");
        let mut buffer = encode(&v4::Packet::Connect(connect));
        let Some(Packet::Connect(connect)) = read(&mut buffer).unwrap() else {
            panic!()
        };
        assert_eq!(
            (connect.level, connect.clean_session, connect.keep_alive),
            (4, false, 7)
        );
        assert_eq!(&*connect.client_id, b"client");
        assert_eq!(&*connect.will.unwrap().payload, b"gone");
    }

    #[test]
    fn other_versions_are_recognised() {
        for (bytes, level) in [
            (&b"\x10\x0d\0\x04MQTT\x05\x02\0\x3c\0\0\0"[..], 5),
            (b"\x10\x0e\0\x06MQIsdp\x03\x02\0\x3c\0\0", 3),
        ] {
            let Some(Packet::Connect(connect)) = read(&mut bytes.into()).unwrap() else {
                panic!()
            };
            assert_eq!(connect.level, level);
        }
    }

    #[test]
    fn the_limit_is_on_the_remaining_length() {
        let mut buffer = BytesMut::from(&[0x30, 0xff, 0xff, 0x03][..]);
        assert!(read(&mut buffer).unwrap().is_none());
        let mut buffer = BytesMut::from(&[0x30, 0x80, 0x80, 0x04][..]);
        assert_eq!(
            read(&mut buffer).unwrap_err(),
            PacketError::TooLarge(65_536)
        );
        let mut buffer = BytesMut::from(&[0x30, 0xff, 0xff, 0xff, 0xff, 0x01][..]);
        assert!(read(&mut buffer).is_err());
    }

    #[test]
    fn wrong_flags_are_refused() {
        for bytes in [
            &b"\x80\x06\0\x01\0\x01a\0"[..],
            b"\x60\x02\0\x01",
            b"\x41\x02\0\x01",
            b"\x36\x05\0\x01a\0\x01",
        ] {
            assert!(read(&mut bytes.into()).is_err(), "{bytes:x?}");
        }
    }

    #[test]
    fn no_bytes_panic() {
        let subscribe = v4::Packet::Subscribe(v4::Subscribe::new("a/#", QoS::ExactlyOnce));
        let mut connect = v4::Connect::new("client");
        connect.last_will = Some(v4::LastWill::new("a", "b", QoS::AtMostOnce, false));
        for packet in [subscribe, v4::Packet::Connect(connect)] {
            let valid = encode(&packet);
            for index in 0..valid.len() {
                for byte in 0..=255 {
                    let mut changed = valid.clone();
                    changed[index] = byte;
                    while let Ok(Some(_)) = read(&mut changed) {}
                }
            }
        }
        let mut state = 1_u64;
        let mut random = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 56) as u8
        };
        for kind in 0..=255 {
            for remaining in (0..30).cycle().take(600) {
                let mut buffer = BytesMut::from(&[kind, remaining][..]);
                buffer.extend((0..remaining).map(|_| random() & random()));
                while let Ok(Some(_)) = read(&mut buffer) {}
            }
        }
    }
}
