#![no_implicit_prelude]
#![deny(warnings, missing_docs)]
#![deny(
    elided_lifetimes_in_paths,
    unnameable_types,
    unreachable_pub,
    unused_qualifications
)]
//! What the macros generate compiles under strict lints, without a prelude, with the runtime found elsewhere.

/// A crate that has the runtime in it.
pub mod facade {
    pub use ::astarte_runtime as runtime;
}

use facade::runtime::{AstarteEvents, AstarteObject, astarte_interface};

/// The kinds of interfaces.
pub mod kinds {
    use super::astarte_interface;

    #[astarte_interface(
        "../interfaces/org.example.types.DeviceDatastream.json",
        crate = "crate::facade::runtime"
    )]
    pub struct DeviceDatastream;

    #[astarte_interface(
        "../interfaces/org.example.types.DeviceObject.json",
        crate = "crate::facade::runtime"
    )]
    pub struct DeviceObject;

    #[astarte_interface(
        "../interfaces/org.example.types.DeviceProperties.json",
        crate = "crate::facade::runtime",
        params(id = u16)
    )]
    pub struct DeviceProperties;

    #[astarte_interface(
        "../interfaces/org.example.types.ServerDatastream.json",
        crate = "crate::facade::runtime"
    )]
    pub struct ServerDatastream;

    #[astarte_interface(
        "../interfaces/org.example.types.ServerObject.json",
        crate = "crate::facade::runtime"
    )]
    pub struct ServerObject;

    #[astarte_interface(
        "../interfaces/org.example.types.ServerProperties.json",
        crate = "crate::facade::runtime"
    )]
    pub struct ServerProperties;
}

/// An object that is sent.
#[derive(AstarteObject)]
#[astarte(
    interface = "../interfaces/org.example.vehicle.Position.json",
    crate = "crate::facade::runtime",
    no_implicit_prelude
)]
pub struct Fix {
    /// Degrees.
    pub latitude: f64,
    /// Degrees.
    pub longitude: f64,
    /// How many.
    pub satellites: i32,
}

/// An object that is received.
#[derive(AstarteObject)]
#[astarte(
    interface = "../interfaces/org.example.vehicle.Route.json",
    crate = "crate::facade::runtime",
    no_implicit_prelude
)]
pub struct Stop {
    /// What to show.
    pub name: ::core::option::Option<::std::string::String>,
    /// Degrees.
    pub latitude: f64,
    /// Degrees.
    pub longitude: f64,
}

/// What the server sends.
#[allow(
    clippy::large_enum_variant,
    reason = "an object with a mapping of each type"
)]
#[derive(AstarteEvents)]
#[astarte(crate = "crate::facade::runtime")]
pub enum FromServer {
    /// Values.
    Datastream(kinds::server_datastream::Event),
    /// Objects.
    Object(kinds::server_object::Received<kinds::ServerObject>),
    /// Properties.
    Properties(kinds::server_properties::Event),
    /// Stops.
    Stop(stop::Received<Stop>),
}

#[test]
fn sets_know_their_interfaces() {
    let interfaces = <FromServer as facade::runtime::EventSet>::INTERFACES;
    ::core::assert_eq!(interfaces.len(), 4);
}
