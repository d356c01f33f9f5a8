//! The packets that went over the wire.

mod text;

use std::collections::VecDeque;
use std::io;
use std::sync::Mutex;
use std::time::SystemTime;

use astarte_interface::DeviceId;
use bytes::Bytes;

use crate::sync::lock;

/// Which way a packet went.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Direction {
    /// From the device to the broker.
    FromDevice,
    /// From the broker to the device.
    ToDevice,
}

/// An MQTT packet with its time. Cheap to clone.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RecordedPacket {
    /// When the broker read it, or handed it to the connection, by the clock of the machine.
    pub at: SystemTime,
    /// The device.
    pub device: DeviceId,
    /// Which way it went.
    pub direction: Direction,
    /// The packet, with its header.
    pub bytes: Bytes,
}

/// The newest packets of all devices.
pub(crate) struct Recorder {
    packets: Mutex<VecDeque<RecordedPacket>>,
    capacity: usize,
}

impl Recorder {
    pub(crate) fn new(capacity: usize) -> Recorder {
        Recorder {
            packets: Mutex::default(),
            capacity,
        }
    }

    /// Records whole packets, one behind the other.
    pub(crate) fn record(&self, device: DeviceId, direction: Direction, bytes: &[u8]) {
        let at = SystemTime::now();
        let mut bytes = Bytes::copy_from_slice(bytes);
        let mut packets = lock(&self.packets);
        while !bytes.is_empty() {
            let length = length(&bytes).min(bytes.len());
            if packets.len() == self.capacity {
                packets.pop_front();
            }
            let bytes = bytes.split_to(length);
            packets.push_back(RecordedPacket {
                at,
                device,
                direction,
                bytes,
            });
        }
    }

    pub(crate) fn all(&self) -> Vec<RecordedPacket> {
        lock(&self.packets).iter().cloned().collect()
    }
}

/// Writes packets as JSON lines.
pub(crate) fn write(packets: &[RecordedPacket], mut out: impl io::Write) -> io::Result<()> {
    packets
        .iter()
        .try_for_each(|packet| writeln!(out, "{}", packet.to_json()))
}

/// Returns the length of the first packet with its header; what has no end is one packet.
fn length(bytes: &[u8]) -> usize {
    let (header, remaining) = header(bytes);
    header + remaining
}

/// Returns the length of the fixed header, and that of the rest.
fn header(bytes: &[u8]) -> (usize, usize) {
    let mut remaining = 0;
    for (index, byte) in bytes.iter().skip(1).take(4).enumerate() {
        remaining |= usize::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return (index + 2, remaining);
        }
    }
    (bytes.len(), 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_told_apart() {
        let recorder = Recorder::new(2);
        let device = DeviceId::from_bytes([0; 16]);
        recorder.record(
            device,
            Direction::ToDevice,
            b"\xd0\0\x40\x02\0\x07\x40\x02\0\x08",
        );
        let kinds: Vec<_> = recorder
            .all()
            .iter()
            .map(RecordedPacket::packet_id)
            .collect();
        assert_eq!(kinds, [Some(7), Some(8)]);
    }

    #[test]
    fn no_bytes_panic() {
        let recorder = Recorder::new(10);
        let device = DeviceId::from_bytes([0; 16]);
        for first in 0..=255 {
            for rest in [
                &b""[..],
                b"\xff",
                b"\xff\xff\xff\xff\xff",
                b"\x03ab",
                b"\x02\xff\xff",
                b"\x09\0\x01a",
            ] {
                let bytes = [&[first], rest].concat();
                recorder.record(device, Direction::FromDevice, &bytes);
                recorder
                    .all()
                    .iter()
                    .for_each(|packet| drop(packet.to_json()));
            }
        }
    }
}
