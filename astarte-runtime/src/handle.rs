//! The typed handles: what an application sends and receives by.

mod datastream_receiver;
mod datastream_sender;
mod event_receiver;
mod object_receiver;
mod object_sender;
mod property_cache;
mod property_reader;
mod property_writer;
pub mod refused;
mod scratch;

pub use self::{
    datastream_receiver::DatastreamReceiver,
    datastream_sender::DatastreamSender,
    event_receiver::EventReceiver,
    object_receiver::{ObjectReceiver, Receiving},
    object_sender::ObjectSender,
    property_cache::{PropertyCache, PropertyError},
    property_reader::PropertyReader,
    property_writer::PropertyWriter,
};
use std::sync::Arc;

use crate::{
    Events, Interface, Mapping, ObjectInterface, PropertyEvents, ReceiveObject, Reliability,
    Retention, WritePath,
    delivery::{Delivery, Receipt},
    device::{Registrar, RetainMessage, Shared, qos},
    error::{DecodeError, ValueError},
    kind::{self, Kind},
    outbox::{Message, MessageKind},
    path::PathWriter,
    payload::Payload,
    sending::{SendError, Sending},
};

/// The handle of an interface, by its kind.
///
/// | | individual datastream | object datastream | properties |
/// |---|---|---|---|
/// | device-owned | [`DatastreamSender`] | [`ObjectSender`] | [`PropertyWriter`] |
/// | server-owned | [`DatastreamReceiver`] | [`ObjectReceiver`] | [`PropertyReader`] |
pub type Handle<I> = <<I as Interface>::Kind as Register<I>>::Handle;

/// A kind of interfaces whose handle is known. Implemented for all of [`kind`].
pub trait Register<I: Interface>: Kind {
    /// What the registration returns.
    type Handle;

    #[doc(hidden)]
    fn register(registrar: &mut Registrar) -> Self::Handle;
}

impl<I: Interface<Kind = Self>> Register<I> for kind::DeviceDatastream {
    type Handle = DatastreamSender<I>;

    fn register(registrar: &mut Registrar) -> Self::Handle {
        DatastreamSender::new(registrar.register_sender(I::DESCRIPTOR))
    }
}

impl<I: ObjectInterface + Interface<Kind = Self>> Register<I> for kind::DeviceObject {
    type Handle = ObjectSender<I>;

    fn register(registrar: &mut Registrar) -> Self::Handle {
        ObjectSender::new(registrar.register_sender(I::DESCRIPTOR))
    }
}

impl<I: Interface<Kind = Self>> Register<I> for kind::DeviceProperties {
    type Handle = PropertyWriter<I>;

    fn register(registrar: &mut Registrar) -> Self::Handle {
        PropertyWriter::new(registrar.register_sender(I::DESCRIPTOR))
    }
}

impl<I: Events + Interface<Kind = Self>> Register<I> for kind::ServerDatastream {
    type Handle = DatastreamReceiver<I>;

    fn register(registrar: &mut Registrar) -> Self::Handle {
        let decode =
            |_: &str, path: &str, payload: &[u8]| I::decode(path, Payload::parse(payload)?);
        let never_purged = |_: &str, path: &str| Err(DecodeError::unknown_path(path));
        DatastreamReceiver::new(registrar.register_receiver(I::DESCRIPTOR, decode, never_purged))
    }
}

impl<I: ReceiveObject> Register<I> for kind::ServerObject {
    type Handle = ObjectReceiver<I>;

    fn register(registrar: &mut Registrar) -> Self::Handle {
        // What it is decoded as is known when it is received.
        let keep = |_: &str, path: &str, payload: &[u8]| Ok((path.to_owned(), payload.to_owned()));
        let never_purged = |_: &str, path: &str| Err(DecodeError::unknown_path(path));
        let inbox = registrar.register_receiver(I::DESCRIPTOR, keep, never_purged);
        ObjectReceiver::new(registrar.shared(), inbox)
    }
}

impl<I: PropertyEvents> Register<I> for kind::ServerProperties {
    type Handle = PropertyReader<I>;

    fn register(registrar: &mut Registrar) -> Self::Handle {
        let decode =
            |_: &str, path: &str, payload: &[u8]| I::decode(path, Payload::parse(payload)?);
        let purged = |_: &str, path: &str| I::purged(path);
        let inbox = registrar.register_receiver(I::DESCRIPTOR, decode, purged);
        PropertyReader::new(registrar.shared(), inbox)
    }
}

/// The topic of a path of an interface.
fn topic<I: Interface>(shared: &Shared, path: &impl WritePath) -> Result<String, SendError> {
    let interface = I::DESCRIPTOR.name;
    let mut topic = String::with_capacity(shared.base.len() + interface.len() + 32);
    topic.push_str(&shared.base);
    topic.push('/');
    topic.push_str(interface);
    let mut writer = PathWriter::new(&mut topic);
    path.write_path(&mut writer);
    match writer.finish() {
        Ok(()) => Ok(topic),
        Err(source) => Err(SendError::Param { interface, source }),
    }
}

/// The path of a topic of an interface.
fn path_of<'t, I: Interface>(shared: &Shared, topic: &'t str) -> &'t str {
    &topic[shared.base.len() + 1 + I::DESCRIPTOR.name.len()..]
}

/// The error of a value that Astarte refuses.
fn refused_value<I: Interface>(shared: &Shared, topic: &str, source: ValueError) -> SendError {
    SendError::Value {
        interface: I::DESCRIPTOR.name,
        path: path_of::<I>(shared, topic).to_owned(),
        source,
    }
}

/// Sends a message of a datastream by what its mapping says; those of an object all say the same.
fn send<I: Interface>(
    shared: &Arc<Shared>,
    mapping: &Mapping,
    path: &impl WritePath,
    encode: impl FnOnce(&mut Vec<u8>) -> Result<(), ValueError>,
) -> Sending {
    let message = || {
        let topic = topic::<I>(shared, path)?;
        let payload = scratch::fill(encode);
        let payload = payload.map_err(|source| refused_value::<I>(shared, &topic, source))?;
        let publish =
            shared.publish(I::DESCRIPTOR.name, topic, payload, qos(mapping.reliability))?;
        let (settle, delivery) = match mapping.reliability {
            Reliability::Unreliable => (None, Delivery::settled(Receipt::Unconfirmed)),
            Reliability::Guaranteed | Reliability::Unique => {
                let (settle, delivery) = Delivery::waiting();
                (Some(settle), delivery)
            }
        };
        let kind = MessageKind::Datastream {
            interface: I::DESCRIPTOR.id(),
            retention: mapping.retention,
            expires: Message::expires(mapping.expiry),
            ordered: const { I::DESCRIPTOR.has_stored() },
        };
        Ok((
            Message {
                publish,
                kind,
                delivery: settle,
                repeated: false,
            },
            delivery,
        ))
    };
    match message() {
        Ok((message, delivery)) if mapping.retention == Retention::Stored => {
            retain::<I>(Arc::clone(shared), mapping, message, delivery)
        }
        Ok((message, delivery)) => Sending::datastream(Arc::clone(shared), message, delivery),
        Err(error) => Sending::failed(error),
    }
}

/// Has a message stored before it is sent.
fn retain<I: Interface>(
    shared: Arc<Shared>,
    mapping: &Mapping,
    message: Message,
    delivery: Delivery,
) -> Sending {
    let (reliability, expiry) = (mapping.reliability, mapping.expiry);
    let interface = I::DESCRIPTOR.id();
    Sending::stored(async move {
        if shared.outbox.is_retired(interface) {
            let interface = interface.name;
            return Err(SendError::Removed { interface });
        }
        let message = |reply| RetainMessage {
            message,
            interface,
            reliability,
            expiry,
            reply,
        };
        shared.retain(message).await.map(|()| delivery)
    })
}

/// What every sending handle is: cheap to clone, and without the interface's value.
macro_rules! sender {
    ($handle:ident) => {
        impl<I: Interface> $handle<I> {
            pub(crate) fn new(shared: std::sync::Arc<Shared>) -> Self {
                Self {
                    shared,
                    interface: std::marker::PhantomData,
                }
            }
        }

        impl<I> Clone for $handle<I> {
            fn clone(&self) -> Self {
                Self {
                    shared: std::sync::Arc::clone(&self.shared),
                    interface: std::marker::PhantomData,
                }
            }
        }

        impl<I: Interface> std::fmt::Debug for $handle<I> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_tuple(stringify!($handle))
                    .field(&I::DESCRIPTOR.name)
                    .finish()
            }
        }
    };
}
use sender;
