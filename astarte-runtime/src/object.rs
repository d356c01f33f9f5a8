//! The traits of object aggregates.

use crate::{
    Interface,
    endpoint::WritePath,
    error::DecodeError,
    payload::{Document, ObjectWriter},
};

/// An object interface: its mappings share reliability, retention, expiry and the source of the timestamp.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an object interface",
    label = "not an interface with `\"aggregation\": \"object\"`"
)]
pub trait ObjectInterface: Interface {
    /// [`timestamp::OnReception`](crate::timestamp::OnReception) or
    /// [`timestamp::Explicit`](crate::timestamp::Explicit).
    type Timestamp;
}

/// A value that names one path of the object interface `I`: what its endpoints have in common, with the parameters.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a path of the interface `{I}`",
    label = "not a path of `{I}`",
    note = "the path of an object interface is the struct `Path` in its module"
)]
pub trait ObjectPath<I: Interface>: WritePath {}

#[diagnostic::do_not_recommend]
impl<I: Interface, P: ObjectPath<I> + ?Sized> ObjectPath<I> for &P {}

/// A struct that can be sent on the object interface `I`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an object of the interface `{I}`",
    label = "not an object of `{I}`",
    note = "send the struct of the interface, or derive `AstarteObject` for a struct of your own"
)]
pub trait Object<I> {
    /// Writes each field.
    fn encode(&self, object: &mut ObjectWriter<'_>);
}

/// A struct that can be received from the object interface `I`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be received from the interface `{I}`",
    label = "not an object of `{I}`",
    note = "receive the struct of the interface, or derive `AstarteObject` for a struct of your own"
)]
pub trait FromObject<I>: Sized {
    /// Reads the object.
    ///
    /// # Errors
    ///
    /// - A value is of another type than its mapping, or a required one is missing.
    fn decode(object: Document<'_>) -> Result<Self, DecodeError>;
}
