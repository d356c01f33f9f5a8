//! Packets that wait to be accepted, in a buffer that is kept for the next one.
//!
//! The length of a packet is known once it is written, and most of them are copied into a queue right after that. A buffer
//! of their own would be allocated, grown and freed for each.

use std::{cell::Cell, ops::Range};

use crate::publish::{Draft, PublishRef};

/// The largest buffer that is kept, in bytes.
const KEPT: usize = 64 * 1024;

thread_local! {
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// A packet that is whole.
#[derive(Debug)]
pub(crate) struct Prepared {
    buffer: Buffer,
    packet: Range<usize>,
}

/// A buffer, given to its thread when it is dropped.
#[derive(Debug)]
struct Buffer(Vec<u8>);

impl Prepared {
    /// The packet that `write` writes.
    #[inline]
    pub(crate) fn new<E>(
        write: impl FnOnce(&mut Vec<u8>) -> Result<Draft<'_>, E>,
    ) -> Result<Self, E> {
        let mut buffer = Buffer::take();
        let packet = write(&mut buffer.0)?.finish();
        Ok(Self { buffer, packet })
    }

    pub(crate) fn view(&self) -> PublishRef<'_> {
        PublishRef::of(&self.buffer.0[self.packet.clone()])
    }
}

impl Buffer {
    fn take() -> Self {
        // Taken and not borrowed: what is written is code of the application, which may send as well. A thread that is about
        // to end has no buffer any more.
        Self(BUFFER.try_with(Cell::take).unwrap_or_default())
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let buffer = std::mem::take(&mut self.0);
        if buffer.capacity() <= KEPT {
            let _ = BUFFER.try_with(|kept| kept.set(buffer));
        }
    }
}

#[cfg(test)]
mod tests {
    use rumqttc::mqttbytes::QoS;

    use super::*;
    use crate::publish::Prefix;

    fn prepare(topic: &str, inner: impl FnOnce()) -> Prepared {
        let prepared = Prepared::new(|buffer| {
            inner();
            let prefix = Prefix::new(topic);
            Ok::<_, ()>(Draft::begin(buffer, QoS::AtMostOnce, &prefix, |_| {}))
        });
        prepared.unwrap()
    }

    #[test]
    fn packets_may_be_prepared_within_each_other() {
        let mut inner = None;
        let outer = prepare("outer", || inner = Some(prepare("inner", || {})));
        assert_eq!(outer.view().topic(), b"outer");
        assert_eq!(inner.unwrap().view().topic(), b"inner");
        assert_eq!(prepare("again", || {}).view().topic(), b"again");
        assert!(Prepared::new(|_| Err(7)).is_err_and(|error| error == 7));
    }
}
