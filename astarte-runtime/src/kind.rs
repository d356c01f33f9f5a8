//! The six kinds of interfaces, as types.
//!
//! A kind decides which handle the registration of an interface returns, and which calls exist on it.

use self::sealed::Sealed;

/// One of the kinds of this module.
pub trait Kind: Sealed + Send + Sync + 'static {}

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub enum $kind {}
        impl Sealed for $kind {}
        impl Kind for $kind {}
    )*};
}

kinds! {
    /// An individual datastream that the device sends.
    DeviceDatastream
    /// An object datastream that the device sends.
    DeviceObject
    /// Properties that the device sets.
    DeviceProperties
    /// An individual datastream that the server sends.
    ServerDatastream
    /// An object datastream that the server sends.
    ServerObject
    /// Properties that the server sets.
    ServerProperties
}

#[allow(unnameable_types, reason = "this is what seals the trait")]
mod sealed {
    pub trait Sealed {}
}
