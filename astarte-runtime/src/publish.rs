//! PUBLISH packets of the device, as they go over the wire.
//!
//! A packet is encoded where its message is made, once: queues move its bytes, the session fills in its packet id and DUP.

mod spare;

use std::ops::Range;

use bytes::BytesMut;
use rumqttc::mqttbytes::QoS;

pub(crate) use self::spare::Spare;

/// A PUBLISH packet but for its packet id and DUP.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Publish(Vec<u8>);

/// A PUBLISH packet in a buffer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PublishRef<'a>(&'a [u8]);

/// PUBLISH packets one behind the other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Publishes<'a>(&'a [u8]);

/// A packet on the way from topic and payload: the topic is written first.
#[derive(Debug)]
pub(crate) struct Draft<'a> {
    buffer: &'a mut Vec<u8>,
    qos: QoS,
    topic_end: usize,
}

/// What all drafts with topics of one beginning have in common.
#[derive(Debug)]
pub(crate) struct Prefix(String);

/// Room for the longest fixed header, because how long it is depends on what follows.
const HEAD: usize = 5;
/// Where a draft has its topic: behind its length.
const TOPIC: usize = HEAD + 2;
/// What a fixed header can say of the length behind it.
const MAX_LEN: usize = 268_435_455;

impl Publish {
    pub(crate) fn new(topic: &str, qos: QoS, payload: &[u8]) -> Self {
        let mut buffer = Vec::with_capacity(TOPIC + topic.len() + 2 + payload.len());
        let mut draft = Draft::begin(&mut buffer, qos, &Prefix::new(topic), |_| {});
        draft.payload().extend_from_slice(payload);
        let packet = draft.finish();
        buffer.drain(..packet.start);
        Self(buffer)
    }

    pub(crate) fn view(&self) -> PublishRef<'_> {
        PublishRef(&self.0)
    }

    pub(crate) fn qos(&self) -> QoS {
        self.view().qos()
    }
}

impl<'a> PublishRef<'a> {
    /// What [`Draft::finish`] or [`bytes`](Self::bytes) gave.
    pub(crate) fn of(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn bytes(self) -> &'a [u8] {
        self.0
    }

    pub(crate) fn qos(self) -> QoS {
        match self.0[0] >> 1 & 3 {
            0 => QoS::AtMostOnce,
            1 => QoS::AtLeastOnce,
            _ => QoS::ExactlyOnce,
        }
    }

    pub(crate) fn topic(self) -> &'a [u8] {
        &self.0[self.topic_range()]
    }

    pub(crate) fn payload(self) -> &'a [u8] {
        self.parts().1
    }

    /// The topic and the payload.
    pub(crate) fn parts(self) -> (&'a [u8], &'a [u8]) {
        let topic = self.topic_range();
        let payload = topic.end + id_len(self.qos());
        (&self.0[topic], &self.0[payload..])
    }

    pub(crate) fn to_owned(self) -> Publish {
        Publish(self.0.to_vec())
    }

    /// Appends the packet; an id is ignored at QoS 0.
    pub(crate) fn write(self, id: u16, dup: bool, out: &mut BytesMut) {
        let start = out.len();
        out.extend_from_slice(self.0);
        if self.qos() == QoS::AtMostOnce {
            return;
        }
        let written = &mut out[start..];
        written[0] |= u8::from(dup) << 3;
        let at = self.topic_range().end;
        written[at..at + 2].copy_from_slice(&id.to_be_bytes());
    }

    /// Where what follows on the fixed header begins, and how long it is.
    fn head(self) -> (usize, usize) {
        let (mut at, mut len, mut shift) = (1, 0, 0);
        loop {
            let byte = self.0[at];
            len |= usize::from(byte & 0x7f) << shift;
            (at, shift) = (at + 1, shift + 7);
            if byte < 0x80 {
                return (at, len);
            }
        }
    }

    fn topic_range(self) -> Range<usize> {
        let (start, _) = self.head();
        let len = u16::from_be_bytes([self.0[start], self.0[start + 1]]);
        start + 2..start + 2 + usize::from(len)
    }
}

impl<'a> Publishes<'a> {
    pub(crate) fn of(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }
}

impl<'a> Iterator for Publishes<'a> {
    type Item = PublishRef<'a>;

    fn next(&mut self) -> Option<PublishRef<'a>> {
        if self.0.is_empty() {
            return None;
        }
        let (start, len) = PublishRef(self.0).head();
        let (first, rest) = self.0.split_at(start + len);
        self.0 = rest;
        Some(PublishRef(first))
    }
}

impl<'a> Draft<'a> {
    /// Begins a packet in a buffer, which is overwritten, with what `topic` adds to the beginning of its topic.
    #[inline]
    pub(crate) fn begin(
        buffer: &'a mut Vec<u8>,
        qos: QoS,
        Prefix(prefix): &Prefix,
        topic: impl FnOnce(&mut String),
    ) -> Self {
        buffer.clear();
        let mut text = String::from_utf8(std::mem::take(buffer)).unwrap_or_default();
        text.push_str(prefix);
        topic(&mut text);
        let topic_end = text.len();
        *buffer = text.into_bytes();
        buffer.extend_from_slice(&[0, 0][..id_len(qos)]);
        Self {
            buffer,
            qos,
            topic_end,
        }
    }

    pub(crate) fn topic(&self) -> &str {
        std::str::from_utf8(&self.buffer[TOPIC..self.topic_end]).unwrap_or_default()
    }

    /// Where the payload is to be appended.
    pub(crate) fn payload(&mut self) -> &mut Vec<u8> {
        self.buffer
    }

    /// How long the packet is behind its fixed header.
    pub(crate) fn len(&self) -> usize {
        self.buffer.len() - HEAD
    }

    /// Completes the packet; returns where it is in the buffer.
    pub(crate) fn finish(self) -> Range<usize> {
        let topic = (self.topic_end - TOPIC) as u16;
        self.buffer[HEAD..TOPIC].copy_from_slice(&topic.to_be_bytes());
        let mut left = self.len().min(MAX_LEN);
        let start = match left {
            0..0x80 => 3,
            0x80..0x4000 => 2,
            0x4000..0x20_0000 => 1,
            _ => 0,
        };
        self.buffer[start] = 0x30 | (self.qos as u8) << 1;
        for at in start + 1..HEAD {
            let more = if at + 1 < HEAD { 0x80 } else { 0 };
            self.buffer[at] = more | (left & 0x7f) as u8;
            left >>= 7;
        }
        start..self.buffer.len()
    }
}

impl Prefix {
    /// Of topics that begin so.
    pub(crate) fn new(topic: &str) -> Self {
        let mut text = "\0".repeat(TOPIC);
        text.push_str(topic);
        Self(text)
    }
}

/// The length of the packet id.
fn id_len(qos: QoS) -> usize {
    if qos == QoS::AtMostOnce { 0 } else { 2 }
}

#[cfg(test)]
mod tests {
    use rumqttc::mqttbytes::v4;

    use super::*;

    fn read(bytes: &BytesMut) -> v4::Publish {
        match v4::Packet::read(&mut bytes.clone(), usize::MAX).unwrap() {
            v4::Packet::Publish(publish) => publish,
            packet => panic!("{packet:?}"),
        }
    }

    #[test]
    fn packets_are_those_of_mqtt() {
        for qos in [QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce] {
            for len in [0, 1, 117, 130, 16_000, 17_000, 60_000, 3_000_000] {
                let payload = vec![7; len];
                let packet = Publish::new("test/küche", qos, &payload);
                assert_eq!(packet.view().topic(), "test/küche".as_bytes());
                assert_eq!((packet.qos(), packet.view().payload()), (qos, &*payload));
                let mut out = BytesMut::from(&b"x"[..]);
                packet
                    .view()
                    .write(0x1234, qos != QoS::AtMostOnce, &mut out);
                let read = read(&out.split_off(1));
                let mut expected = v4::Publish::new("test/küche", qos, payload);
                if qos != QoS::AtMostOnce {
                    (expected.pkid, expected.dup) = (0x1234, true);
                }
                assert_eq!(read, expected);
            }
        }
    }

    #[test]
    fn a_draft_says_how_long_it_is() {
        let mut buffer = b"of another".to_vec();
        let mut draft = Draft::begin(&mut buffer, QoS::AtLeastOnce, &Prefix::new("a"), |topic| {
            topic.push_str("/b")
        });
        draft.payload().extend_from_slice(b"123");
        assert_eq!((draft.topic(), draft.len()), ("a/b", 2 + 3 + 2 + 3));
    }
}
