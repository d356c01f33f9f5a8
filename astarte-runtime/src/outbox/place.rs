//! A place in the queue, for whoever has found one.

use std::sync::MutexGuard;

use tokio::sync::Notify;

use super::{
    Mode, Queue,
    message::{Datastream, Message, MessageKind},
};
use crate::{delivery::Settle, publish::PublishRef};

/// A place in the queue for one message. It is to be filled at once: nobody else gets one meanwhile.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    pub(super) queue: MutexGuard<'a, Queue>,
    pub(super) filled: &'a Notify,
}

impl Place<'_> {
    pub(crate) fn fill(
        mut self,
        of: &Datastream,
        publish: PublishRef<'_>,
        delivery: Option<Settle>,
    ) {
        let message = Message {
            publish: self.queue.spare.copy(publish),
            kind: MessageKind::Datastream(*of),
            delivery,
            repeated: false,
        };
        match self.queue.mode {
            Mode::Online => self.queue.push_back(message),
            _ => self.queue.retain(message),
        }
        self.tell();
    }

    /// Fills it with a message of QoS 0, which must not be an ordered one.
    pub(crate) fn fill_unreliable(mut self, of: &Datastream, publish: PublishRef<'_>) {
        let was_empty = self.queue.line.is_empty();
        match self.queue.mode {
            Mode::Online => self.queue.line.push_unreliable(of, publish),
            _ => self.queue.retain_unreliable(of, publish),
        }
        // Whoever takes knows of what was there, and comes again for what it had no room for.
        if was_empty {
            self.tell();
        }
    }

    fn tell(self) {
        drop(self.queue);
        self.filled.notify_one();
    }
}
