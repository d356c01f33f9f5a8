#![no_implicit_prelude]
#![deny(missing_docs)]
//! Hand-written expansion: what the generator is to emit.

// ---------------------------------------------------------------- individual datastream, device-owned
/// What the thermostat measures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Readings;

/// The endpoints of `org.example.thermostat.Readings`.
pub mod readings {
    /// `/%{room}/temperature`: `double`
    ///
    /// Air temperature, in degrees Celsius.
    ///
    /// - reliability: `guaranteed`
    /// - retention: `volatile`, for 3600 s
    /// - timestamp: explicit
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct Temperature<Room = ::std::string::String> {
        /// The parameter `%{room}`.
        pub room: Room,
    }

    impl<Room: ::astarte_runtime::Param> ::astarte_runtime::WritePath for Temperature<Room> {
        fn write_path(
            &self,
            path: &mut ::astarte_runtime::PathWriter<'_>,
        ) -> ::core::result::Result<(), ::astarte_runtime::ParamError> {
            path.param("room", &self.room)?;
            path.literal("temperature");
            ::core::result::Result::Ok(())
        }
    }

    /// `/device/uptimeSeconds`: `longinteger`
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct DeviceUptimeSeconds;

    impl ::astarte_runtime::WritePath for DeviceUptimeSeconds {
        fn write_path(
            &self,
            path: &mut ::astarte_runtime::PathWriter<'_>,
        ) -> ::core::result::Result<(), ::astarte_runtime::ParamError> {
            path.literal("device");
            path.literal("uptimeSeconds");
            ::core::result::Result::Ok(())
        }
    }

    /// Every endpoint of the interface, with its parameters as text.
    #[derive(Clone, Debug, PartialEq, Eq, Hash)]
    pub enum Endpoint {
        /// `/%{room}/temperature`
        Temperature(Temperature),
        /// `/device/uptimeSeconds`
        DeviceUptimeSeconds(DeviceUptimeSeconds),
    }

    impl Endpoint {
        /// Reads a path; literal levels come before parameters.
        ///
        /// # Errors
        ///
        /// - The path is none of the interface's.
        pub fn from_path(
            path: &str,
        ) -> ::core::result::Result<Self, ::astarte_runtime::DecodeError> {
            match ::astarte_runtime::Levels::new(path).as_slice() {
                ["device", "uptimeSeconds"] => {
                    ::core::result::Result::Ok(Self::DeviceUptimeSeconds(DeviceUptimeSeconds))
                }
                [room, "temperature"] => {
                    ::core::result::Result::Ok(Self::Temperature(Temperature {
                        room: ::astarte_runtime::parse_param("room", room)?,
                    }))
                }
                _ => {
                    ::core::result::Result::Err(::astarte_runtime::DecodeError::unknown_path(path))
                }
            }
        }
    }
}

impl ::astarte_runtime::Interface for Readings {
    type Kind = ::astarte_runtime::kind::DeviceDatastream;

    const DESCRIPTOR: ::astarte_runtime::Descriptor = ::astarte_runtime::Descriptor::new(
        "org.example.thermostat.Readings",
        1,
        0,
        ::astarte_runtime::Ownership::Device,
    )
    .mappings(&[
        <readings::Temperature as ::astarte_runtime::Endpoint<Self>>::MAPPING,
        <readings::DeviceUptimeSeconds as ::astarte_runtime::Endpoint<Self>>::MAPPING,
    ]);
}

impl<Room> ::astarte_runtime::Endpoint<Readings> for readings::Temperature<Room> {
    type Wire = ::astarte_runtime::wire::Double;
    type Value<'v> = f64;
    type Owned = f64;
    type Timestamp = ::astarte_runtime::timestamp::Explicit;
    type Unset = ::astarte_runtime::unset::Refused;

    const MAPPING: ::astarte_runtime::Mapping = ::astarte_runtime::Mapping::datastream(
        "/%{room}/temperature",
        ::astarte_runtime::Type::Double,
    )
    .reliability(::astarte_runtime::Reliability::Guaranteed)
    .retention(::astarte_runtime::Retention::Volatile, 3600)
    .explicit_timestamp();
}

impl ::astarte_runtime::Endpoint<Readings> for readings::DeviceUptimeSeconds {
    type Wire = ::astarte_runtime::wire::LongInteger;
    type Value<'v> = i64;
    type Owned = i64;
    type Timestamp = ::astarte_runtime::timestamp::OnReception;
    type Unset = ::astarte_runtime::unset::Refused;

    const MAPPING: ::astarte_runtime::Mapping = ::astarte_runtime::Mapping::datastream(
        "/device/uptimeSeconds",
        ::astarte_runtime::Type::LongInteger,
    );
}

// ---------------------------------------------------------------- properties, server-owned
/// How the thermostat is to work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Settings;

/// The endpoints and events of `org.example.thermostat.Settings`.
pub mod settings {
    /// `/%{room}/enable`: `boolean`
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct Enable<Room = ::std::string::String> {
        /// The parameter `%{room}`.
        pub room: Room,
    }

    impl<Room: ::astarte_runtime::Param> ::astarte_runtime::WritePath for Enable<Room> {
        fn write_path(
            &self,
            path: &mut ::astarte_runtime::PathWriter<'_>,
        ) -> ::core::result::Result<(), ::astarte_runtime::ParamError> {
            path.param("room", &self.room)?;
            path.literal("enable");
            ::core::result::Result::Ok(())
        }
    }

    /// Every endpoint of the interface.
    #[derive(Clone, Debug, PartialEq, Eq, Hash)]
    pub enum Endpoint {
        /// `/%{room}/enable`
        Enable(Enable),
    }

    impl Endpoint {
        /// Reads a path.
        ///
        /// # Errors
        ///
        /// - The path is none of the interface's.
        pub fn from_path(
            path: &str,
        ) -> ::core::result::Result<Self, ::astarte_runtime::DecodeError> {
            match ::astarte_runtime::Levels::new(path).as_slice() {
                [room, "enable"] => ::core::result::Result::Ok(Self::Enable(Enable {
                    room: ::astarte_runtime::parse_param("room", room)?,
                })),
                _ => {
                    ::core::result::Result::Err(::astarte_runtime::DecodeError::unknown_path(path))
                }
            }
        }
    }

    /// What the server does with the properties. (datastreams: variants have `timestamp: Option<Timestamp>` too)
    #[derive(Clone, Debug, PartialEq)]
    pub enum Event {
        /// `/%{room}/enable` was set, or unset where the value is `None`.
        Enable {
            /// Which one.
            endpoint: Enable,
            /// Its value, `None` for an unset.
            value: ::core::option::Option<bool>,
        },
        /// The server removed a property without a word on it: it is unset.
        Purged(Endpoint),
    }

    impl Event {
        /// Reads a message. `decode` in the `Events` impl calls this, so that the module stays free of the user's type.
        #[doc(hidden)]
        pub fn decode(
            path: &str,
            payload: ::astarte_runtime::payload::Payload<'_>,
        ) -> ::core::result::Result<Self, ::astarte_runtime::DecodeError> {
            ::core::result::Result::Ok(match Endpoint::from_path(path)? {
                Endpoint::Enable(endpoint) => Self::Enable {
                    endpoint,
                    value: payload.decode_optional::<::astarte_runtime::wire::Boolean, _>()?,
                },
            })
        }
    }
}

impl ::astarte_runtime::Interface for Settings {
    type Kind = ::astarte_runtime::kind::ServerProperties;

    const DESCRIPTOR: ::astarte_runtime::Descriptor = ::astarte_runtime::Descriptor::new(
        "org.example.thermostat.Settings",
        1,
        0,
        ::astarte_runtime::Ownership::Server,
    )
    .mappings(&[<settings::Enable as ::astarte_runtime::Endpoint<Self>>::MAPPING]);
}

impl<Room> ::astarte_runtime::Endpoint<Settings> for settings::Enable<Room> {
    type Wire = ::astarte_runtime::wire::Boolean;
    type Value<'v> = bool;
    type Owned = bool;
    type Timestamp = ::astarte_runtime::timestamp::OnReception;
    type Unset = ::astarte_runtime::unset::Allowed;

    const MAPPING: ::astarte_runtime::Mapping =
        ::astarte_runtime::Mapping::property("/%{room}/enable", ::astarte_runtime::Type::Boolean)
            .allow_unset();
}

impl ::astarte_runtime::Events for Settings {
    type Event = settings::Event;

    fn decode(
        path: &str,
        payload: ::astarte_runtime::payload::Payload<'_>,
    ) -> ::core::result::Result<Self::Event, ::astarte_runtime::DecodeError> {
        settings::Event::decode(path, payload)
    }
}

impl ::astarte_runtime::PropertyEvents for Settings {
    fn purged(path: &str) -> ::core::result::Result<Self::Event, ::astarte_runtime::DecodeError> {
        settings::Endpoint::from_path(path).map(settings::Event::Purged)
    }
}

// ---------------------------------------------------------------- objects
/// Where a vehicle is to go. (device-owned: plain `T` fields, `Option<T>` with `partial` where not required;
/// server-owned: `Option<T>` unless required.)
#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    /// `/%{vehicle}/stops/name`: `string`
    pub name: ::core::option::Option<::std::string::String>,
    /// `/%{vehicle}/stops/latitude`: `double`
    pub latitude: f64,
}

/// The path of `org.example.vehicle.Route`.
pub mod route {
    /// `/%{vehicle}/stops`
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct Path<Vehicle = ::std::string::String> {
        /// The parameter `%{vehicle}`.
        pub vehicle: Vehicle,
    }

    impl<Vehicle: ::astarte_runtime::Param> ::astarte_runtime::WritePath for Path<Vehicle> {
        fn write_path(
            &self,
            path: &mut ::astarte_runtime::PathWriter<'_>,
        ) -> ::core::result::Result<(), ::astarte_runtime::ParamError> {
            path.param("vehicle", &self.vehicle)?;
            path.literal("stops");
            ::core::result::Result::Ok(())
        }
    }

    impl Path {
        /// Reads a path.
        ///
        /// # Errors
        ///
        /// - The path is not the interface's.
        pub fn from_path(
            path: &str,
        ) -> ::core::result::Result<Self, ::astarte_runtime::DecodeError> {
            match ::astarte_runtime::Levels::new(path).as_slice() {
                [vehicle, "stops"] => ::core::result::Result::Ok(Self {
                    vehicle: ::astarte_runtime::parse_param("vehicle", vehicle)?,
                }),
                _ => {
                    ::core::result::Result::Err(::astarte_runtime::DecodeError::unknown_path(path))
                }
            }
        }
    }

    /// An object that was received. (server-owned only)
    #[derive(Clone, Debug, PartialEq)]
    pub struct Received<O> {
        /// The path it came on.
        pub path: Path,
        /// The object.
        pub object: O,
        /// The timestamp that the sender gave, if any.
        pub timestamp: ::core::option::Option<::astarte_runtime::Timestamp>,
    }
}

impl ::astarte_runtime::Interface for Route {
    type Kind = ::astarte_runtime::kind::ServerObject;

    const DESCRIPTOR: ::astarte_runtime::Descriptor = ::astarte_runtime::Descriptor::new(
        "org.example.vehicle.Route",
        0,
        3,
        ::astarte_runtime::Ownership::Server,
    )
    .mappings(&[
        ::astarte_runtime::Mapping::datastream(
            "/%{vehicle}/stops/name",
            ::astarte_runtime::Type::String,
        )
        .reliability(::astarte_runtime::Reliability::Unique),
        ::astarte_runtime::Mapping::datastream(
            "/%{vehicle}/stops/latitude",
            ::astarte_runtime::Type::Double,
        )
        .reliability(::astarte_runtime::Reliability::Unique)
        .required(),
    ]);
}

impl<Vehicle: ::astarte_runtime::Param> ::astarte_runtime::ObjectPath<Route>
    for route::Path<Vehicle>
{
}

impl ::astarte_runtime::ObjectInterface for Route {
    type Timestamp = ::astarte_runtime::timestamp::OnReception;
}

impl ::astarte_runtime::FromObject<Route> for Route {
    fn decode(
        mut object: ::astarte_runtime::payload::Document<'_>,
    ) -> ::core::result::Result<Self, ::astarte_runtime::DecodeError> {
        let mut name = ::core::option::Option::None;
        let mut latitude = ::core::option::Option::None;
        while let ::core::option::Option::Some((key, value)) = object.next()? {
            match key {
                "name" => {
                    name = value.decode_field::<::astarte_runtime::wire::String, _>("name")?
                }
                "latitude" => {
                    latitude =
                        value.decode_field::<::astarte_runtime::wire::Double, _>("latitude")?
                }
                _ => {}
            }
        }
        ::core::result::Result::Ok(Self {
            name,
            latitude: ::astarte_runtime::payload::required("latitude", latitude)?,
        })
    }
}

impl ::astarte_runtime::ReceiveObject for Route {
    type Received<O> = route::Received<O>;

    fn decode<O: ::astarte_runtime::FromObject<Self>>(
        path: &str,
        payload: ::astarte_runtime::payload::Payload<'_>,
    ) -> ::core::result::Result<Self::Received<O>, ::astarte_runtime::DecodeError> {
        ::core::result::Result::Ok(route::Received {
            path: route::Path::from_path(path)?,
            object: <O as ::astarte_runtime::FromObject<Self>>::decode(payload.object()?)?,
            timestamp: payload.timestamp(),
        })
    }
}

// A device-owned object would have instead of FromObject/ReceiveObject:
impl ::astarte_runtime::Object<Route> for Route {
    fn encode(
        &self,
        object: &mut ::astarte_runtime::payload::ObjectWriter<'_>,
    ) -> ::core::result::Result<(), ::astarte_runtime::ValueError> {
        object.optional_field::<::astarte_runtime::wire::String, _>("name", &self.name)?;
        object.field::<::astarte_runtime::wire::Double, _>("latitude", &self.latitude)
    }
}

::astarte_runtime::__abi!(1);
