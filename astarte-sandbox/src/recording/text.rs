//! What a recorded packet says.

use bytes::{Buf, Bytes};
use serde_json::{Value, json};

use super::{Direction, RecordedPacket, header};
use crate::{clock, json};

impl RecordedPacket {
    /// Returns the type of the packet, such as `PUBLISH`.
    #[must_use]
    pub fn packet_type(&self) -> &'static str {
        let kind = self.bytes.first().map_or(0, |first| first >> 4);
        TYPES[usize::from(kind)]
    }

    /// Returns the whole topic of a PUBLISH, with `<realm>/<device id>/`.
    #[must_use]
    pub fn topic(&self) -> Option<String> {
        let (topic, ..) = self.publish()?;
        Some(String::from_utf8_lossy(&topic).into_owned())
    }

    /// Returns the payload of a PUBLISH.
    #[must_use]
    pub fn payload(&self) -> Option<Bytes> {
        self.publish().map(|(.., payload)| payload)
    }

    /// Returns the quality of service of a PUBLISH, 0 to 2.
    #[must_use]
    pub fn qos(&self) -> Option<u8> {
        self.is_publish().then(|| self.flags() >> 1 & 3)
    }

    /// Whether a PUBLISH is marked as sent before.
    #[must_use]
    pub fn is_duplicate(&self) -> bool {
        self.is_publish() && self.flags() & 8 != 0
    }

    /// Returns the id by which a packet and its acknowledgements belong together.
    #[must_use]
    pub fn packet_id(&self) -> Option<u16> {
        match self.bytes.first()? >> 4 {
            3 => self.publish()?.1,
            4..=11 => self.body().try_get_u16().ok(),
            _ => None,
        }
    }

    /// Returns the packet as a JSON object: `timestamp`, `device_id`, `direction`, `packet` and
    /// `bytes` in base64; of a PUBLISH also `topic`, `qos`, `dup`, `retain` and `payload` in base64;
    /// and `id` where there is one.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut object = json!({
            "timestamp": clock::utc(clock::to_ms(self.at), 'T'),
            "device_id": self.device.to_string(),
            "direction": match self.direction {
                Direction::FromDevice => "from_device",
                Direction::ToDevice => "to_device",
            },
            "packet": self.packet_type(),
            "bytes": json::base64(&self.bytes),
        });
        if let Some(id) = self.packet_id() {
            object["id"] = id.into();
        }
        if let Some((topic, _, payload)) = self.publish() {
            object["topic"] = String::from_utf8_lossy(&topic).into();
            object["qos"] = self.qos().into();
            object["dup"] = self.is_duplicate().into();
            object["retain"] = (self.flags() & 1 != 0).into();
            object["payload"] = json::base64(&payload).into();
        }
        object
    }

    /// Returns topic, id and payload of a PUBLISH.
    fn publish(&self) -> Option<(Bytes, Option<u16>, Bytes)> {
        if !self.is_publish() {
            return None;
        }
        let mut body = self.body();
        let length = usize::from(body.try_get_u16().ok()?);
        if length > body.len() {
            return None;
        }
        let topic = body.split_to(length);
        let id = match self.qos()? {
            0 => None,
            _ => Some(body.try_get_u16().ok()?),
        };
        Some((topic, id, body))
    }

    fn is_publish(&self) -> bool {
        self.bytes.first().is_some_and(|first| first >> 4 == 3)
    }

    fn flags(&self) -> u8 {
        self.bytes.first().map_or(0, |first| first & 0x0f)
    }

    fn body(&self) -> Bytes {
        let (header, _) = header(&self.bytes);
        self.bytes.slice(header.min(self.bytes.len())..)
    }
}

const TYPES: [&str; 16] = [
    "reserved",
    "CONNECT",
    "CONNACK",
    "PUBLISH",
    "PUBACK",
    "PUBREC",
    "PUBREL",
    "PUBCOMP",
    "SUBSCRIBE",
    "SUBACK",
    "UNSUBSCRIBE",
    "UNSUBACK",
    "PINGREQ",
    "PINGRESP",
    "DISCONNECT",
    "reserved",
];
