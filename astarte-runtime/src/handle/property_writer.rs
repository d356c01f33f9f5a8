//! Setting device-owned properties.

use std::{marker::PhantomData, sync::Arc};

use rumqttc::mqttbytes::QoS;

use super::{
    prepare,
    property_cache::{PropertyError, load},
    refused::{ReceiveOnDeviceOwned, Refused, SendOnProperties},
    sender,
};
use crate::{
    Endpoint, Interface, Unsettable, WritePath,
    device::Shared,
    error::{ParamError, ValueError},
    inbox::Closed,
    outbox,
    payload::encode_individual,
    publish::PublishRef,
    sending::{SendError, Sending},
};

/// Sets, unsets and reads device-owned properties.
pub struct PropertyWriter<I> {
    shared: Arc<Shared>,
    interface: PhantomData<fn() -> I>,
}

sender!(PropertyWriter);

impl<I: Interface> PropertyWriter<I> {
    /// Sets a property.
    ///
    /// The future resolves once the value is stored, which it is once the queue of messages has room; from then on it reaches the server whatever happens, also after a
    /// restart where the store is on disk. A value that the server already has is not sent again.
    ///
    /// # Errors
    ///
    /// - [`SendError::Param`](crate::SendError::Param): a parameter cannot be part of a path.
    /// - [`SendError::Value`](crate::SendError::Value): Astarte refuses the value.
    /// - [`SendError::Size`](crate::SendError::Size): the message is larger than the broker takes.
    /// - [`SendError::Store`](crate::SendError::Store): the store cannot be written.
    /// - [`SendError::Removed`](crate::SendError::Removed): the interface was removed from the device.
    /// - [`SendError::Closed`](crate::SendError::Closed): the device has stopped.
    pub fn set<E>(&self, endpoint: E, value: E::Value<'_>) -> Sending
    where
        E: Endpoint<I> + WritePath,
    {
        self.store(&endpoint, |payload| {
            encode_individual::<E::Wire, _>(&value, None, payload)
        })
    }

    /// Unsets a property. The future resolves once that is stored, which it is once the queue of messages has room.
    ///
    /// # Errors
    ///
    /// Those of [`set`](Self::set).
    pub fn unset<E>(&self, endpoint: E) -> Sending
    where
        E: Endpoint<I> + WritePath,
        E::Unset: Unsettable<E>,
    {
        self.store(&endpoint, |_| Ok(()))
    }

    /// Reads what a property was last set to; `None` where it is not set.
    ///
    /// # Errors
    ///
    /// - A parameter cannot be part of a path.
    /// - The store cannot be read, or is not open: it opens when `connect` is first awaited.
    pub fn get<E>(&self, endpoint: E) -> Result<Option<E::Owned>, PropertyError>
    where
        E: Endpoint<I> + WritePath,
    {
        load::<I, E>(&self.shared, &endpoint)
    }

    fn store(
        &self,
        endpoint: &impl WritePath,
        encode: impl FnOnce(&mut Vec<u8>) -> Result<(), ValueError>,
    ) -> Sending {
        let property = || {
            let packet = prepare::<I>(&self.shared, QoS::ExactlyOnce, endpoint, encode)?;
            check_separator::<I>(&self.shared, packet.view())?;
            Ok(packet)
        };
        match property() {
            Ok(packet) => Sending::property(Arc::clone(&self.shared), packet, I::DESCRIPTOR.id()),
            Err(error) => Sending::failed(error),
        }
    }

    #[doc(hidden)]
    pub fn send<E, V>(&self, _: E, _: V) -> Refused
    where
        I: SendOnProperties,
    {
        Refused::new()
    }

    #[doc(hidden)]
    pub fn send_at<E, V, T>(&self, _: E, _: V, _: T) -> Refused
    where
        I: SendOnProperties,
    {
        Refused::new()
    }

    #[doc(hidden)]
    pub fn recv<T>(&self) -> Refused<T, Closed>
    where
        I: ReceiveOnDeviceOwned,
    {
        Refused::new()
    }
}

/// The list of all properties separates them by semicolons: one in a path would make the server delete the property.
fn check_separator<I: Interface>(
    shared: &Shared,
    publish: PublishRef<'_>,
) -> Result<(), SendError> {
    let path = outbox::path(publish.topic(), shared.base.len(), I::DESCRIPTOR.name);
    if !path.contains(&b';') {
        return Ok(());
    }
    let mut levels = path.split(|byte| *byte == b'/');
    let level = levels.find(|level| level.contains(&b';'));
    let source = ParamError::Character {
        name: "of a property",
        value: String::from_utf8_lossy(level.unwrap_or_default()).into_owned(),
        found: ';',
    };
    Err(SendError::Param {
        interface: I::DESCRIPTOR.name,
        source,
    })
}
