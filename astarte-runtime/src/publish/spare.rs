//! Buffers of packets that have gone, for those that come.

use super::{Publish, PublishRef};

/// Some small buffers: so that a device that sends steadily allocates none.
#[derive(Debug, Default)]
pub(crate) struct Spare(Vec<Vec<u8>>);

/// How many buffers are kept: more than are in flight at once, where the window is as it is by default.
const MOST: usize = 128;

/// The largest buffer that is kept, in bytes.
const LARGEST: usize = 512;

impl Spare {
    /// Keeps the buffer of a packet that is of no more use.
    pub(crate) fn keep(&mut self, Publish(mut buffer): Publish) {
        if self.0.len() < MOST && buffer.capacity() <= LARGEST {
            buffer.clear();
            self.0.push(buffer);
        }
    }

    /// Copies a packet into one of the buffers.
    pub(crate) fn copy(&mut self, publish: PublishRef<'_>) -> Publish {
        let mut buffer = self.0.pop().unwrap_or_default();
        buffer.extend_from_slice(publish.bytes());
        Publish(buffer)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes over the buffers of another one.
    pub(crate) fn append(&mut self, other: &mut Self) {
        let room = MOST - self.0.len();
        self.0.extend(other.0.drain(..).take(room));
    }
}

#[cfg(test)]
mod tests {
    use rumqttc::mqttbytes::QoS;

    use super::*;

    fn publish(topic: &str) -> Publish {
        Publish::new(topic, QoS::AtLeastOnce, b"payload")
    }

    #[test]
    fn buffers_come_back_without_what_was_in_them() {
        let (mut spare, mut gone) = (Spare::default(), Spare::default());
        gone.keep(publish("a/longer/topic"));
        spare.append(&mut gone);
        assert!(gone.is_empty());
        let next = publish("t");
        assert_eq!(spare.copy(next.view()), next);
        assert!(spare.is_empty());
        assert_eq!(spare.copy(next.view()), next);
    }

    #[test]
    fn few_and_small_buffers_are_kept() {
        let (mut spare, mut gone) = (Spare::default(), Spare::default());
        spare.keep(publish(&"t".repeat(LARGEST)));
        assert!(spare.is_empty());
        for _ in 0..=MOST {
            spare.keep(publish("t"));
            gone.keep(publish("t"));
        }
        spare.append(&mut gone);
        assert_eq!((spare.0.len(), gone.0.len()), (MOST, 0));
    }
}
