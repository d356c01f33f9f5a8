//! The traits of what a server-owned interface receives.

use crate::{
    Descriptor, Interface, error::DecodeError, kind, object::FromObject, payload::Payload,
};

/// A server-owned individual interface, whose messages are decoded into one enum.
#[diagnostic::on_unimplemented(
    message = "nothing can be received on `{Self}`",
    label = "not a server-owned individual interface"
)]
pub trait Events: Interface {
    /// One variant an endpoint.
    type Event: Send + 'static;

    /// Reads a message.
    ///
    /// # Errors
    ///
    /// - The path is none of the interface's, or the payload does not fit its mapping.
    fn decode(path: &str, payload: Payload<'_>) -> Result<Self::Event, DecodeError>;
}

/// Server-owned properties: the server may also purge them, without a word on each.
pub trait PropertyEvents: Events<Kind = kind::ServerProperties> {
    /// The event that says that the property at `path` is no more.
    ///
    /// # Errors
    ///
    /// - The path is none of the interface's.
    fn purged(path: &str) -> Result<Self::Event, DecodeError>;
}

/// A server-owned object interface.
pub trait ReceiveObject: Interface<Kind = kind::ServerObject> {
    /// An object with the path it came on, and its timestamp where the sender gave one.
    type Received<O>;

    /// Reads a message.
    ///
    /// # Errors
    ///
    /// - The path is none of the interface's, or the payload does not fit its mappings.
    fn decode<O: FromObject<Self>>(
        path: &str,
        payload: Payload<'_>,
    ) -> Result<Self::Received<O>, DecodeError>;
}

/// What one server-owned interface receives: its event enum, or a received object.
///
/// It leads from the type of an event back to its interface, for enums over the events of several interfaces.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not what a server-owned interface receives",
    label = "not the event of a server-owned interface",
    note = "this is the enum `Event` in the interface's module, or the struct `Received` for an object"
)]
pub trait ServerEvent: Sized + Send + 'static {
    /// Where it is received.
    type Interface: Interface;
    /// What the interface's file says.
    const DESCRIPTOR: Descriptor = <Self::Interface as Interface>::DESCRIPTOR;

    /// Reads a message.
    ///
    /// # Errors
    ///
    /// - The path is none of the interface's, or the payload does not fit its mapping.
    fn decode(path: &str, payload: Payload<'_>) -> Result<Self, DecodeError>;

    /// The event that says that the property at `path` is no more.
    ///
    /// # Errors
    ///
    /// - The path is none of the interface's, or the interface is not one of properties.
    fn purged(path: &str) -> Result<Self, DecodeError> {
        Err(DecodeError::unknown_path(path))
    }
}

/// An enum over the events of several server-owned interfaces, received as one stream.
///
/// A build script generates it as `Incoming`; for an enum of your own derive `AstarteEvents`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a set of events",
    label = "not an enum over the events of interfaces",
    note = "use `Incoming` of a build script, or derive `AstarteEvents` for an enum of your own"
)]
pub trait EventSet: Sized + Send + 'static {
    /// The interfaces, all of them server-owned.
    const INTERFACES: &'static [Descriptor];

    /// Reads a message of one of the interfaces.
    ///
    /// # Errors
    ///
    /// - The interface is none of the set, or the path none of the interface's.
    /// - The payload does not fit its mapping.
    fn decode(interface: &str, path: &str, payload: Payload<'_>) -> Result<Self, DecodeError>;

    /// The event that says that a property is no more.
    ///
    /// # Errors
    ///
    /// - The interface is none of the set, or not one of properties, or the path is none of the interface's.
    fn purged(interface: &str, path: &str) -> Result<Self, DecodeError>;
}
