//! Sending on object datastreams.

use std::{marker::PhantomData, sync::Arc};

use super::{
    property_cache::PropertyError,
    refused::{GetOnDatastream, ReceiveOnDeviceOwned, Refused, SetOnDatastream, UnsetOnDatastream},
    send, sender,
};
use crate::{
    ExplicitTimestamp, Interface, Mapping, Object, ObjectInterface, ObjectPath, ReceptionTimestamp,
    Timestamp, Type, device::Shared, inbox::Closed, payload::encode_object, sending::Sending,
};

/// Sends on a device-owned object datastream.
pub struct ObjectSender<I> {
    shared: Arc<Shared>,
    interface: PhantomData<fn() -> I>,
}

sender!(ObjectSender);

impl<I: ObjectInterface> ObjectSender<I> {
    /// What all mappings of the object agree on.
    const MAPPING: Mapping = match I::DESCRIPTOR.mappings {
        [first, ..] => *first,
        [] => Mapping::datastream("", Type::Double),
    };

    /// Sends an object, which the server stamps on arrival.
    ///
    /// The future resolves once the message is accepted: it is queued to be sent, or, offline, retained as its mappings
    /// say. What becomes of it then is the [`Delivery`](crate::Delivery)'s to tell.
    ///
    /// # Errors
    ///
    /// - [`SendError::Offline`](crate::SendError::Offline): the device is offline, and the retention is `discard`.
    /// - [`SendError::Param`](crate::SendError::Param): a parameter cannot be part of a path.
    /// - [`SendError::Value`](crate::SendError::Value): Astarte refuses a value.
    /// - [`SendError::Size`](crate::SendError::Size): the message is larger than the broker takes.
    /// - [`SendError::Closed`](crate::SendError::Closed): the device has stopped.
    pub fn send<P, O>(&self, path: P, object: &O) -> Sending
    where
        P: ObjectPath<I>,
        O: Object<I> + ?Sized,
        I::Timestamp: ReceptionTimestamp<I>,
    {
        send::<I>(&self.shared, &Self::MAPPING, &path, |out| {
            encode_object::<I, O>(object, None, out)
        })
    }

    /// Sends an object with a timestamp.
    ///
    /// # Errors
    ///
    /// Those of [`send`](Self::send).
    pub fn send_at<P, O>(&self, path: P, object: &O, timestamp: Timestamp) -> Sending
    where
        P: ObjectPath<I>,
        O: Object<I> + ?Sized,
        I::Timestamp: ExplicitTimestamp<I>,
    {
        send::<I>(&self.shared, &Self::MAPPING, &path, |out| {
            encode_object::<I, O>(object, Some(timestamp), out)
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
