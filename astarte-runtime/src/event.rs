//! The traits of what a server-owned interface receives.

use crate::{Interface, error::DecodeError, kind, object::FromObject, payload::Payload};

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
