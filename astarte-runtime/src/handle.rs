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

use rumqttc::mqttbytes::QoS;

use self::object_receiver::Undecoded;
use crate::{
    Events, Interface, Mapping, ObjectInterface, PropertyEvents, ReceiveObject, Retention,
    WritePath,
    device::{Registrar, RetainMessage, Shared, qos},
    error::{DecodeError, ValueError},
    inbox::Reader,
    kind::{self, Kind},
    outbox::{self, Datastream, Message, MessageKind},
    path::PathWriter,
    payload::Payload,
    prepared::Prepared,
    publish::Draft,
    sending::{self, SendError, Sending},
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
        let decode = Reader::Decode(|_, path, payload| I::decode(path, Payload::parse(payload)?));
        let never_purged = |_: &str, path: &str| Err(DecodeError::unknown_path(path));
        DatastreamReceiver::new(registrar.register_receiver(I::DESCRIPTOR, decode, never_purged))
    }
}

impl<I: ReceiveObject> Register<I> for kind::ServerObject {
    type Handle = ObjectReceiver<I>;

    fn register(registrar: &mut Registrar) -> Self::Handle {
        // What it is decoded as is known when it is received.
        let keep = Reader::Keep(Undecoded::new);
        let never_purged = |_: &str, path: &str| Err(DecodeError::unknown_path(path));
        let inbox = registrar.register_receiver(I::DESCRIPTOR, keep, never_purged);
        ObjectReceiver::new(registrar.shared(), inbox)
    }
}

impl<I: PropertyEvents> Register<I> for kind::ServerProperties {
    type Handle = PropertyReader<I>;

    fn register(registrar: &mut Registrar) -> Self::Handle {
        let decode = Reader::Decode(|_, path, payload| I::decode(path, Payload::parse(payload)?));
        let purged = |_: &str, path: &str| I::purged(path);
        let inbox = registrar.register_receiver(I::DESCRIPTOR, decode, purged);
        PropertyReader::new(registrar.shared(), inbox)
    }
}

/// The largest packet that Astarte's broker takes, in bytes after the fixed header.
const PACKET_LIMIT: usize = 65_535;

/// Writes a packet of an interface.
fn prepare<I: Interface>(
    shared: &Shared,
    qos: QoS,
    path: &impl WritePath,
    encode: impl FnOnce(&mut Vec<u8>) -> Result<(), ValueError>,
) -> Result<Prepared, SendError> {
    let interface = I::DESCRIPTOR.name;
    Prepared::new(|buffer| {
        let mut written = Ok(());
        let mut draft = Draft::begin(buffer, qos, &shared.prefix, |topic| {
            topic.push_str(interface);
            let mut writer = PathWriter::new(topic);
            path.write_path(&mut writer);
            written = writer.finish();
        });
        written.map_err(|source| SendError::Param { interface, source })?;
        let encoded = encode(draft.payload());
        let path = || {
            let path = outbox::path(draft.topic().as_bytes(), shared.base.len(), interface);
            String::from_utf8_lossy(path).into_owned()
        };
        encoded.map_err(|source| SendError::Value {
            interface,
            path: path(),
            source,
        })?;
        let (len, limit) = (draft.len(), PACKET_LIMIT);
        if len > limit {
            let path = path();
            return Err(SendError::Size {
                interface,
                path,
                len,
                limit,
            });
        }
        Ok(draft)
    })
}

/// Sends a message of a datastream by what its mapping says; those of an object all say the same.
fn send<I: Interface>(
    shared: &Arc<Shared>,
    mapping: &Mapping,
    path: &impl WritePath,
    encode: impl FnOnce(&mut Vec<u8>) -> Result<(), ValueError>,
) -> Sending {
    let packet = match prepare::<I>(shared, qos(mapping.reliability), path, encode) {
        Ok(packet) => packet,
        Err(error) => return Sending::failed(error),
    };
    let of = Datastream {
        interface: I::DESCRIPTOR.id(),
        retention: mapping.retention,
        expires: Datastream::expires(mapping.expiry),
        ordered: const { I::DESCRIPTOR.has_stored() },
    };
    let shared = Arc::clone(shared);
    if mapping.retention == Retention::Stored {
        retain(shared, mapping, &packet, of)
    } else {
        Sending::datastream(shared, packet, of)
    }
}

/// Has a message stored before it is sent.
fn retain(shared: Arc<Shared>, mapping: &Mapping, packet: &Prepared, of: Datastream) -> Sending {
    let (reliability, expiry, interface) = (mapping.reliability, mapping.expiry, of.interface);
    let publish = packet.view();
    let (settle, delivery) = sending::delivery(&shared, publish.qos());
    let message = Message {
        publish: publish.to_owned(),
        kind: MessageKind::Datastream(of),
        delivery: settle,
        repeated: false,
    };
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
