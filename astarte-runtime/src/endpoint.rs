//! The traits of endpoint types, and of what a call on them may do.

use crate::{
    Interface,
    descriptor::Mapping,
    path::PathWriter,
    timestamp,
    value::{Decode, Encode},
    wire::Wire,
};

/// A value that names one path of the interface `I`: an endpoint with its parameters.
///
/// The interface is a parameter, so that rustc can say of an endpoint of another one that it is in the wrong place.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an endpoint of the interface `{I}`",
    label = "not an endpoint of `{I}`",
    note = "the endpoints of an interface are the structs in its module"
)]
pub trait Endpoint<I: Interface> {
    /// The type of the mapping.
    type Wire: Wire;
    /// What is sent.
    type Value<'v>: Encode<Self::Wire>;
    /// What is received, or read from the store.
    type Owned: Decode<Self::Wire> + Send + 'static;
    /// [`timestamp::OnReception`] or [`timestamp::Explicit`].
    type Timestamp;
    /// [`unset::Allowed`] or [`unset::Denied`].
    type Unset;

    /// The place of the mapping among those of the interface.
    const INDEX: usize;

    /// What the interface file says of the endpoint.
    const MAPPING: Mapping = I::DESCRIPTOR.mappings[Self::INDEX];
}

#[diagnostic::do_not_recommend]
impl<I: Interface, E: Endpoint<I> + ?Sized> Endpoint<I> for &E {
    type Wire = E::Wire;
    type Value<'v> = E::Value<'v>;
    type Owned = E::Owned;
    type Timestamp = E::Timestamp;
    type Unset = E::Unset;

    const INDEX: usize = E::INDEX;
}

/// Something that can write itself as a path.
///
/// Apart from [`Endpoint`], so that a parameter of a wrong type is reported at the parameter.
pub trait WritePath {
    /// Appends the path, with its leading slash.
    fn write_path(&self, path: &mut PathWriter<'_>);
}

#[diagnostic::do_not_recommend]
impl<E: WritePath + ?Sized> WritePath for &E {
    fn write_path(&self, path: &mut PathWriter<'_>) {
        E::write_path(self, path);
    }
}

/// Whether a property can be unset.
pub mod unset {
    /// `allow_unset` is true.
    #[derive(Clone, Copy, Debug)]
    pub enum Allowed {}

    /// `allow_unset` is false or absent.
    #[derive(Clone, Copy, Debug)]
    pub enum Denied {}
}

/// The server stamps values of the endpoint `E`.
#[diagnostic::on_unimplemented(
    message = "`{E}` has an explicit timestamp",
    label = "a timestamp is missing",
    note = "the interface file says `\"explicit_timestamp\": true`: use `send_at`, which takes the timestamp last"
)]
pub trait ReceptionTimestamp<E: ?Sized> {}

impl<E: ?Sized> ReceptionTimestamp<E> for timestamp::OnReception {}

/// The device stamps values of the endpoint `E`.
#[diagnostic::on_unimplemented(
    message = "`{E}` has no explicit timestamp",
    label = "no timestamp is taken",
    note = "the interface file does not say `\"explicit_timestamp\": true`: use `send`"
)]
pub trait ExplicitTimestamp<E: ?Sized> {}

impl<E: ?Sized> ExplicitTimestamp<E> for timestamp::Explicit {}

/// The property `E` can be unset.
#[diagnostic::on_unimplemented(
    message = "`{E}` cannot be unset",
    label = "this property cannot be unset",
    note = "the interface file does not say `\"allow_unset\": true`"
)]
pub trait Unsettable<E: ?Sized> {}

impl<E: ?Sized> Unsettable<E> for unset::Allowed {}
