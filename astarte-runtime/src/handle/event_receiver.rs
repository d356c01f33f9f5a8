//! Receiving on several interfaces at once.

use std::{fmt, sync::Arc};

use crate::{
    EventSet,
    inbox::{Closed, Inbox},
};

/// Receives on all server-owned interfaces of a set.
///
/// Datastreams come in the order in which the broker sent them, and so do the values of one property; a property is
/// stored before it is told, so it may come after a message of a datastream that was sent later.
///
/// Messages of `guaranteed` and `unique` datastreams are acknowledged as they are handed out; of a property that
/// changed several times since, only the newest value is told.
pub struct EventReceiver<E: EventSet> {
    inbox: Arc<Inbox<E>>,
}

impl<E: EventSet> EventReceiver<E> {
    pub(crate) fn new(inbox: Arc<Inbox<E>>) -> Self {
        Self { inbox }
    }

    /// Waits for the next event.
    ///
    /// Cancel safe: nothing is lost where the future is dropped.
    ///
    /// # Errors
    ///
    /// - The device has stopped, and everything was read.
    pub async fn recv(&mut self) -> Result<E, Closed> {
        self.inbox.recv().await
    }
}

impl<E: EventSet> Drop for EventReceiver<E> {
    fn drop(&mut self) {
        self.inbox.abandon();
    }
}

impl<E: EventSet> fmt::Debug for EventReceiver<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = E::INTERFACES.iter().map(|descriptor| descriptor.name);
        f.debug_tuple("EventReceiver")
            .field(&names.collect::<Vec<_>>())
            .finish()
    }
}
