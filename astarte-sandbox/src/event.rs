//! What happens in a sandbox.

mod declaration;
mod json;
mod text;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::SystemTime;

use astarte_interface::{DeviceId, Value, Version};

use crate::error_name::ErrorName;
use crate::received::Received;

pub use declaration::Declaration;

/// Something that happened, with its time and the device it concerns.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Event {
    /// When it happened, by the clock of the machine.
    pub at: SystemTime,
    /// The device, if it is known: a failed TLS handshake has none.
    pub device: Option<DeviceId>,
    /// What happened.
    pub kind: EventKind,
}

/// The kinds of events, in the order in which the life of a device brings them.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum EventKind {
    /// The device was registered, or registered again while it was pending.
    Registered,
    /// The device was unregistered: its credentials secret is void.
    Unregistered,
    /// The device was deleted with all its data.
    Deleted,
    /// A certificate was issued to the device.
    CertificateIssued,
    /// A connection to the broker was refused before it had a session.
    ConnectionRefused {
        /// Where it came from.
        address: SocketAddr,
        /// Why it was refused.
        reason: String,
    },
    /// The device is connected to the broker.
    Connected {
        /// Where it connected from.
        address: SocketAddr,
        /// Whether it asked for a session that ends with the connection.
        clean_session: bool,
        /// Whether the broker had a session of the device.
        session_present: bool,
    },
    /// The device subscribed to topics.
    Subscribed {
        /// The accepted topic filters, below `<realm>/<device id>/`.
        filters: Vec<String>,
        /// The filters the broker refused.
        refused: Vec<String>,
    },
    /// The device sent its introspection.
    Introspection(BTreeMap<String, Version>),
    /// An interface was added to the introspection.
    InterfaceAdded {
        /// Name of the interface.
        interface: String,
        /// Version in the new introspection.
        version: Version,
    },
    /// An interface, or a major version of it, is no longer in the introspection.
    InterfaceRemoved {
        /// Name of the interface.
        interface: String,
        /// The major version that is gone.
        major: u32,
    },
    /// The minor version of an interface in the introspection changed.
    InterfaceMinorUpdated {
        /// Name of the interface.
        interface: String,
        /// The old version.
        old: Version,
        /// The new version.
        new: Version,
    },
    /// An emptyCache of the device was answered in full.
    EmptyCache,
    /// Valid data came in, also an unset that is refused afterwards.
    IncomingData(Received),
    /// A property of the device is about to change, be it set, set to another value, or unset. An
    /// unset may still be refused.
    ValueChange {
        /// Name of the interface.
        interface: String,
        /// Path of the property.
        path: String,
        /// The value until now, `None` if it is not set.
        old: Option<Value>,
        /// The value that was sent, `None` for an unset.
        new: Option<Value>,
    },
    /// A property was set that was not set before.
    PathCreated {
        /// Name of the interface.
        interface: String,
        /// Path of the property.
        path: String,
        /// Its value.
        value: Value,
    },
    /// A set property got another value.
    ValueChangeApplied {
        /// Name of the interface.
        interface: String,
        /// Path of the property.
        path: String,
        /// The value before.
        old: Value,
        /// The value now.
        new: Value,
    },
    /// A property was unset, or was missing in the device's list of properties.
    PathRemoved {
        /// Name of the interface.
        interface: String,
        /// Path of the property.
        path: String,
    },
    /// The state of the sandbox could not be written to its folder. Told once until it succeeds
    /// again.
    NotSaved {
        /// Why not.
        reason: String,
    },
    /// Data were published to the device.
    Published {
        /// Topic below `<realm>/<device id>/`.
        topic: String,
        /// Quality of service of the publication; a subscription can lower it.
        qos: u8,
        /// Number of subscriptions of the device that match.
        subscriptions: usize,
    },
    /// A publication did not fit the queue of the device and was dropped.
    PublicationDropped {
        /// Topic below `<realm>/<device id>/`.
        topic: String,
    },
    /// The connection ended.
    Disconnected {
        /// Why it ended.
        reason: Disconnection,
    },
    /// The server found an error in what the device sent. Boxed, because it is far larger than the
    /// others, and rare.
    Error(Box<DeviceError>),
}

/// Why a connection ended.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Disconnection {
    /// The device sent DISCONNECT.
    Client,
    /// The device published outside of `<realm>/<device id>`.
    ForeignTopic(String),
    /// Nothing came for one and a half times the keep alive.
    KeepAlive,
    /// The server closed it because of an error, and discarded the session.
    Kicked(ErrorName),
    /// The connection broke.
    Lost,
    /// The device broke the rules of MQTT.
    Protocol(String),
    /// The control API closed it.
    Requested,
    /// Another connection with the same certificate took the session over.
    TakenOver,
}

/// An error of the catalogue with what is known of its message.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DeviceError {
    /// The name of the error.
    pub name: ErrorName,
    /// Name of the interface.
    pub interface: Option<String>,
    /// Path within the interface.
    pub path: Option<String>,
    /// The payload, as it came.
    pub payload: Option<bytes::Bytes>,
    /// What exactly was wrong.
    pub detail: String,
    /// Where the interface says so, if it does.
    pub declaration: Option<Declaration>,
    /// Whether the real server does not report this message but stumbles over it for ever, with the
    /// device connected and all later messages stuck.
    pub would_wedge: bool,
}
