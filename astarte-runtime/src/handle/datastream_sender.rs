//! Sending on individual datastreams.

use std::{marker::PhantomData, sync::Arc};

use super::{
    property_cache::PropertyError,
    refused::{GetOnDatastream, ReceiveOnDeviceOwned, Refused, SetOnDatastream, UnsetOnDatastream},
    send, sender,
};
use crate::{
    Endpoint, ExplicitTimestamp, Interface, ReceptionTimestamp, Timestamp, WritePath,
    device::Shared, inbox::Closed, payload::encode_individual, sending::Sending,
};

/// Sends on a device-owned individual datastream.
pub struct DatastreamSender<I> {
    shared: Arc<Shared>,
    interface: PhantomData<fn() -> I>,
}

sender!(DatastreamSender);

impl<I: Interface> DatastreamSender<I> {
    /// Sends a value, which the server stamps on arrival.
    ///
    /// The future resolves once the message is accepted: it is queued to be sent, or, offline, retained as its mapping
    /// says. What becomes of it then is the [`Delivery`](crate::Delivery)'s to tell.
    ///
    /// # Errors
    ///
    /// - [`SendError::Offline`](crate::SendError::Offline): the device is offline, and the retention is `discard`.
    /// - [`SendError::Param`](crate::SendError::Param): a parameter cannot be part of a path.
    /// - [`SendError::Value`](crate::SendError::Value): Astarte refuses the value.
    /// - [`SendError::Size`](crate::SendError::Size): the message is larger than the broker takes.
    /// - [`SendError::Closed`](crate::SendError::Closed): the device has stopped.
    pub fn send<E>(&self, endpoint: E, value: E::Value<'_>) -> Sending
    where
        E: Endpoint<I> + WritePath,
        E::Timestamp: ReceptionTimestamp<E>,
    {
        send::<I>(&self.shared, &E::MAPPING, &endpoint, |out| {
            encode_individual::<E::Wire, _>(&value, None, out)
        })
    }

    /// Sends a value with a timestamp.
    ///
    /// # Errors
    ///
    /// Those of [`send`](Self::send).
    pub fn send_at<E>(&self, endpoint: E, value: E::Value<'_>, timestamp: Timestamp) -> Sending
    where
        E: Endpoint<I> + WritePath,
        E::Timestamp: ExplicitTimestamp<E>,
    {
        send::<I>(&self.shared, &E::MAPPING, &endpoint, |out| {
            encode_individual::<E::Wire, _>(&value, Some(timestamp), out)
        })
    }

    #[doc(hidden)]
    pub fn set<E, V>(&self, _: E, _: V) -> Refused
    where
        I: SetOnDatastream,
    {
        Refused::new()
    }

    #[doc(hidden)]
    pub fn unset<E>(&self, _: E) -> Refused
    where
        I: UnsetOnDatastream,
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

    #[doc(hidden)]
    pub fn recv<T>(&self) -> Refused<T, Closed>
    where
        I: ReceiveOnDeviceOwned,
    {
        Refused::new()
    }
}
