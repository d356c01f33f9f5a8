#![no_implicit_prelude]
#![deny(warnings, missing_docs)]
#![deny(
    elided_lifetimes_in_paths,
    unnameable_types,
    unreachable_pub,
    unused_qualifications
)]
//! The golden files compile under strict lints, without a prelude.

/// A runtime that is found elsewhere.
pub mod facade {
    pub use ::astarte_runtime as runtime;
}

/// A type for a parameter: neither `Copy` nor `Eq` nor `Hash`.
#[derive(Clone, Debug, PartialEq)]
pub struct RoomId(f64);

impl ::core::str::FromStr for RoomId {
    type Err = ::core::num::ParseFloatError;

    fn from_str(text: &str) -> ::core::result::Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

impl ::core::fmt::Display for RoomId {
    fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
        ::core::fmt::Display::fmt(&self.0, f)
    }
}

/// A type for a value.
#[derive(facade::runtime::AstarteValue, Clone, Debug, PartialEq)]
#[astarte(crate = "crate::facade::runtime", no_implicit_prelude)]
pub struct Seconds(i32);

/// A case.
pub mod awkward_names {
    include!("../golden/awkward_names.rs");
}

/// A case.
pub mod device_datastream {
    include!("../golden/device_datastream.rs");
}

/// A case.
pub mod device_object {
    include!("../golden/device_object.rs");
}

/// A case.
pub mod device_properties {
    include!("../golden/device_properties.rs");
}

/// A case.
pub mod device_types {
    include!("../golden/device_types.rs");
}

/// A case.
pub mod documentation {
    include!("../golden/documentation.rs");
}

/// A case.
pub mod external {
    include!("../golden/external.rs");
}

/// A case.
pub mod object_at_root {
    include!("../golden/object_at_root.rs");
}

/// A case.
pub mod parameter_types {
    include!("../golden/parameter_types.rs");
}

/// A case.
pub mod parameters_only {
    include!("../golden/parameters_only.rs");
}

/// A case.
pub mod partial {
    include!("../golden/partial.rs");
}

/// A case.
pub mod received_names {
    include!("../golden/received_names.rs");
}

/// A case.
pub mod server_datastream {
    include!("../golden/server_datastream.rs");
}

/// A case.
pub mod server_object {
    include!("../golden/server_object.rs");
}

/// A case.
pub mod server_object_types {
    include!("../golden/server_object_types.rs");
}

/// A case.
pub mod server_properties {
    include!("../golden/server_properties.rs");
}

/// A case.
pub mod value_types {
    include!("../golden/value_types.rs");
}

#[test]
fn parameters_become_the_types_they_were_given() {
    let endpoint = parameter_types::parameter_types::Endpoint::from_path("/1.5/enable");
    let expected = parameter_types::parameter_types::Enable { room: RoomId(1.5) };
    let expected = parameter_types::parameter_types::Endpoint::Enable(expected);
    ::core::assert!(endpoint.is_ok_and(|endpoint| endpoint == expected));
    ::core::assert!(parameter_types::parameter_types::Endpoint::from_path("/x/enable").is_err());
}
