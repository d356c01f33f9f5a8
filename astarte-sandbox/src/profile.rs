//! Which server the sandbox resembles.

/// Whether the sandbox follows the protocol, or the server as it is shipped.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Profile {
    /// The protocol as it is documented. The default.
    #[default]
    Spec,
    /// The server with its known faults, as far as a device can see them: the list of properties in
    /// `control/consumer/properties` is always empty, and a SUBACK has no codes for refused filters
    /// among others.
    AsShipped,
}
