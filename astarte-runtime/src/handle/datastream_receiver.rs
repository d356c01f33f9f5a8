//! Receiving on individual datastreams.

use std::{fmt, sync::Arc};

use super::{
    property_cache::PropertyError,
    refused::{GetOnDatastream, Refused, SendOnServerOwned},
};
use crate::{
    Events,
    inbox::{Closed, Inbox},
};

/// Receives on a server-owned individual datastream.
///
/// Messages of `guaranteed` and `unique` reliability are acknowledged as they are handed out, in the order of their
/// arrival over all interfaces: read every receiver, or drop it, which lets everything pass that still comes. What was
/// not handed out when the process ends is lost: the next process begins a new session.
pub struct DatastreamReceiver<I: Events> {
    inbox: Arc<Inbox<I::Event>>,
}

impl<I: Events> DatastreamReceiver<I> {
    pub(crate) fn new(inbox: Arc<Inbox<I::Event>>) -> Self {
        Self { inbox }
    }

    /// Waits for the next message.
    ///
    /// Cancel safe: nothing is lost where the future is dropped.
    ///
    /// # Errors
    ///
    /// - The device has stopped, and everything was read.
    pub async fn recv(&mut self) -> Result<I::Event, Closed> {
        self.inbox.recv().await
    }

    #[doc(hidden)]
    pub fn send<E, V>(&self, _: E, _: V) -> Refused
    where
        I: SendOnServerOwned,
    {
        Refused::new()
    }

    #[doc(hidden)]
    pub fn send_at<E, V, T>(&self, _: E, _: V, _: T) -> Refused
    where
        I: SendOnServerOwned,
    {
        Refused::new()
    }

    #[doc(hidden)]
    pub fn get<E, T>(&self, _: E) -> Result<Option<T>, PropertyError>
    where
        I: GetOnDatastream,
    {
        // Nothing implements the bound.
        Ok(None)
    }
}

impl<I: Events> Drop for DatastreamReceiver<I> {
    fn drop(&mut self) {
        self.inbox.abandon();
    }
}

impl<I: Events> fmt::Debug for DatastreamReceiver<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DatastreamReceiver")
            .field(&I::DESCRIPTOR.name)
            .finish()
    }
}
