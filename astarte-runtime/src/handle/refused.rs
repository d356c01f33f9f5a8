//! Calls that a handle does not have, so that the compiler can say why.
//!
//! Each of these traits is the bound of a hidden method and implemented for nothing: a call of the method is an error
//! with the trait's text.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

/// What a refused call would return: anything, if it could be made.
#[derive(Clone, Copy, Debug)]
#[doc(hidden)]
pub struct Refused;

impl Future for Refused {
    type Output = Result<(), std::convert::Infallible>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        // Nothing implements the bounds of the calls that return it.
        Poll::Pending
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
