//! Calls that a handle does not have, so that the compiler can say why.
//!
//! Each of these traits is the bound of a hidden method and implemented for nothing: a call of the method is an error
//! with the trait's text.

use std::{
    fmt,
    future::Future,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll},
};

use crate::{delivery::Delivery, sending::SendError};

/// What a refused call would return, if it could be made.
///
/// It is awaited and passed on with `?` like what the right call returns: else rustc would tell more errors than one.
#[doc(hidden)]
#[must_use]
pub struct Refused<T = Delivery, E = SendError>(PhantomData<fn() -> (T, E)>);

impl<T, E> Refused<T, E> {
    pub(super) fn new() -> Self {
        Self(PhantomData)
    }
}

impl<T, E> Future for Refused<T, E> {
    type Output = Result<T, E>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        // Nothing implements the bounds of the calls that return it.
        Poll::Pending
    }
}

impl<T, E> fmt::Debug for Refused<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Refused")
    }
}

macro_rules! refusals {
    ($($(#[$text:meta])* $name:ident)*) => {$(
        $(#[$text])*
        #[doc(hidden)]
        pub trait $name {}
    )*};
}

refusals! {
    #[diagnostic::on_unimplemented(
        message = "`{Self}` is a datastream: its values cannot be read back",
        label = "not a property",
        note = "only properties keep a value: for a datastream keep it yourself"
    )]
    GetOnDatastream

    #[diagnostic::on_unimplemented(
        message = "`{Self}` is a device-owned interface: the device sends on it, and receives nothing",
        label = "nothing is received on this interface",
        note = "only interfaces with `\"ownership\": \"server\"` are received"
    )]
    ReceiveOnDeviceOwned

    #[diagnostic::on_unimplemented(
        message = "`{Self}` is an interface of properties: properties are set",
        label = "not a datastream",
        note = "use `set(endpoint, value)`"
    )]
    SendOnProperties

    #[diagnostic::on_unimplemented(
        message = "`{Self}` is a server-owned interface: the device receives on it, and cannot send",
        label = "cannot send on this interface",
        note = "only interfaces with `\"ownership\": \"device\"` are sent: use `recv` here"
    )]
    SendOnServerOwned

    #[diagnostic::on_unimplemented(
        message = "`{Self}` is a datastream: its values are sent",
        label = "not an interface of properties",
        note = "use `send(endpoint, value)`, or `send_at` where the mapping has an explicit timestamp"
    )]
    SetOnDatastream

    #[diagnostic::on_unimplemented(
        message = "`{Self}` is a server-owned interface: the server sets its properties",
        label = "cannot set properties of this interface",
        note = "only properties with `\"ownership\": \"device\"` are set by the device: use `get` or `recv` here"
    )]
    SetOnServerOwned

    #[diagnostic::on_unimplemented(
        message = "`{Self}` is a datastream: its values cannot be unset",
        label = "not an interface of properties",
        note = "only properties with `\"allow_unset\": true` can be unset"
    )]
    UnsetOnDatastream
}
