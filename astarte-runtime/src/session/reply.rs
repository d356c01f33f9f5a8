//! Packets that answer another, and hold its packet id alone. There are as many of them as there are messages.

use bytes::BytesMut;
use rumqttc::mqttbytes::v4::Packet;

/// The kind of an answer, by the first byte of its packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Reply {
    /// PUBACK.
    Ack = 0x40,
    /// PUBREC.
    Rec = 0x50,
    /// PUBREL.
    Rel = 0x62,
    /// PUBCOMP.
    Comp = 0x70,
}

impl Reply {
    const ALL: [Self; 4] = [Self::Ack, Self::Rec, Self::Rel, Self::Comp];

    /// Reads the packet with this first byte, and this behind its fixed header.
    pub(super) fn read(first: u8, body: &[u8]) -> Option<(Self, u16)> {
        let reply = Self::ALL.into_iter().find(|reply| *reply as u8 == first)?;
        let pkid = u16::from_be_bytes(*body.as_array()?);
        Some((reply, pkid))
    }

    /// The answer that rumqttc has read, where it is one.
    pub(super) fn of(packet: &Packet) -> Option<(Self, u16)> {
        match packet {
            Packet::PubAck(packet) => Some((Self::Ack, packet.pkid)),
            Packet::PubRec(packet) => Some((Self::Rec, packet.pkid)),
            Packet::PubRel(packet) => Some((Self::Rel, packet.pkid)),
            Packet::PubComp(packet) => Some((Self::Comp, packet.pkid)),
            _ => None,
        }
    }

    /// Appends the packet.
    pub(super) fn write(self, pkid: u16, out: &mut BytesMut) {
        let [high, low] = pkid.to_be_bytes();
        out.extend_from_slice(&[self as u8, 2, high, low]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rumqttc_reads_what_is_written() {
        for reply in Reply::ALL {
            let mut out = BytesMut::new();
            reply.write(0x1234, &mut out);
            assert_eq!(Reply::read(out[0], &out[2..]), Some((reply, 0x1234)));
            let packet = Packet::read(&mut out, 16).expect("it is a packet");
            assert_eq!(Reply::of(&packet), Some((reply, 0x1234)));
            assert!(out.is_empty());
        }
    }
}
