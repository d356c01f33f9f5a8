//! Receiving server-owned properties.

use std::{fmt, sync::Arc};

use super::{
    property_cache::{PropertyCache, PropertyError},
    refused::{Refused, SetOnServerOwned},
};
use crate::{
    Endpoint, PropertyEvents, WritePath,
    device::Shared,
    inbox::{Closed, Inbox},
};

/// Receives the changes of server-owned properties, and reads those that are stored.
pub struct PropertyReader<I: PropertyEvents> {
    cache: PropertyCache<I>,
    inbox: Arc<Inbox<I::Event>>,
}

impl<I: PropertyEvents> PropertyReader<I> {
    pub(crate) fn new(shared: Arc<Shared>, inbox: Arc<Inbox<I::Event>>) -> Self {
        Self {
            cache: PropertyCache::new(shared),
            inbox,
        }
    }

    /// Waits for the next change of a property. Where one changed several times since, only its newest value is told.
    ///
    /// Cancel safe: nothing is lost where the future is dropped.
    ///
    /// # Errors
    ///
    /// - The device has stopped, and everything was read.
    pub async fn recv(&mut self) -> Result<I::Event, Closed> {
        self.inbox.recv().await
    }

    /// Reads a property; `None` where it is not set.
    ///
    /// # Errors
    ///
    /// - A parameter cannot be part of a path.
    /// - The store cannot be read, or is not open: it opens when `connect` is first awaited.
    pub fn get<E>(&self, endpoint: E) -> Result<Option<E::Owned>, PropertyError>
    where
        E: Endpoint<I> + WritePath,
    {
        self.cache.get(endpoint)
    }

    /// Reads every property that is set, as the events that set them, by path.
    ///
    /// # Errors
    ///
    /// - The store cannot be read, or is not open: it opens when `connect` is first awaited.
    pub fn all(&self) -> Result<Vec<I::Event>, PropertyError> {
        self.cache.all()
    }

    #[doc(hidden)]
    pub fn set<E, V>(&self, _: E, _: V) -> Refused
    where
        I: SetOnServerOwned,
    {
        Refused::new()
    }

    #[doc(hidden)]
    pub fn unset<E>(&self, _: E) -> Refused
    where
        I: SetOnServerOwned,
    {
        Refused::new()
    }

    #[doc(hidden)]
    pub fn send<E, V>(&self, _: E, _: V) -> Refused
    where
        I: SetOnServerOwned,
    {
        Refused::new()
    }
}

impl<I: PropertyEvents> Drop for PropertyReader<I> {
    fn drop(&mut self) {
        self.inbox.abandon();
    }
}

impl<I: PropertyEvents> fmt::Debug for PropertyReader<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PropertyReader")
            .field(&I::DESCRIPTOR.name)
            .finish()
    }
}
