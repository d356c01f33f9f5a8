//! What turns interface files into Rust.

/// Turns a unit struct into the interface of a JSON file.
///
/// ```
/// use astarte_runtime::astarte_interface;
///
/// #[astarte_interface("../interfaces/org.example.thermostat.Readings.json", version = "1.0")]
/// pub struct Readings;
///
/// let endpoint = readings::Temperature { room: "kitchen" };
/// ```
///
/// The path counts from the folder of the crate's `Cargo.toml`. Beside the struct comes a module with its name in snake
/// case:
///
/// - of an individual interface, a struct for each endpoint, with a field for each parameter; of properties, and where the
///   server sends, `Endpoint`, an enum of them that is read from a path; and where the server sends, `Event`, an enum of
///   what is received;
/// - of an object, `Path`; and where the server sends, `Received`. The struct itself gets a field for each mapping, and
///   `Clone`, `Debug` and `PartialEq`. Other derives stand *below* the attribute, where they see the fields.
///
/// An endpoint is named by the literal levels of its pattern: `/request/%{id}/enable` is `RequestEnable`. A parameter is
/// of any type that implements `Display`; where the type is written, as in `Vec<readings::Temperature>`, it is `String`.
///
/// Where an item of a dependency has the name of the module, name the module with `self`: `use self::status::Event`.
///
/// # Arguments
///
/// - `version = "1.0"`: the version that the code was written for. Another one in the file is an error.
/// - `params(room = RoomId)`: the type of a parameter, which is
///   `Clone + Debug + Display + PartialEq + Send + 'static`, and `FromStr` but in a datastream of the device.
/// - `rename("/%{room}/temperature" = RoomTemperature)`: the name of an endpoint's struct, or of an object's field.
/// - `values("/%{room}/mode" = Mode)`: the type of a mapping's values, which derives [`AstarteValue`](macro@AstarteValue),
///   or implements [`Encode`](crate::Encode) for what is sent and [`Decode`](crate::Decode) for what is received. It is
///   sent by reference where the type that it replaces is: in place of `&str`, `&[u8]` and arrays. What is received is
///   `Clone + Debug + PartialEq + Send + 'static`.
/// - `partial`: objects are sent without some of their mappings. The fields of those that are not `required` become an
///   `Option`.
/// - `module = "name"`: the name of the module.
/// - `crate = "path::to::astarte_runtime"`: where the runtime is found. Default: `::astarte_runtime`.
#[cfg(feature = "derive")]
pub use astarte_derive::astarte_interface;

/// Makes a struct an object of an interface.
///
/// ```
/// use astarte_runtime::AstarteObject;
///
/// #[derive(AstarteObject)]
/// #[astarte(interface = "../interfaces/org.example.vehicle.Position.json")]
/// struct Fix {
///     latitude: f64,
///     longitude: f64,
///     #[astarte(mapping = "satellites")]
///     seen: i32,
/// }
///
/// let path = fix::Path { vehicle: "v-17" };
/// ```
///
/// Fields and mappings are paired by name, whether it is written `gpsTime` or `gps_time`; `mapping` names another one. Each
/// mapping has a field, and each field is of the mapping's type, or of one that implements [`Encode`](crate::Encode) for
/// what is sent, [`Decode`](crate::Decode) for what is received. Received mappings that are not `required` are an
/// `Option`.
///
/// The struct is an interface of its own, with a module, or by `of` another form of an interface that has a type:
///
/// ```
/// use astarte_runtime::{AstarteObject, astarte_interface};
///
/// #[astarte_interface("../interfaces/org.example.vehicle.Position.json")]
/// pub struct Position;
///
/// #[derive(AstarteObject)]
/// #[astarte(interface = "../interfaces/org.example.vehicle.Position.json", of = Position)]
/// struct Fix<'a, T> {
///     latitude: &'a T,
///     longitude: &'a T,
///     satellites: i32,
/// }
/// ```
///
/// # Arguments
///
/// - `interface = "file.json"`: the file, counted from the folder of the crate's `Cargo.toml`.
/// - `of = path::to::Interface`: the type of the same interface, whose objects these are as well.
/// - `partial`: mappings that are not `required` may lack a field, and fields of what is sent may be an `Option`.
/// - `no_implicit_prelude`: the crate or module is `#![no_implicit_prelude]`, where rustc does not know the attributes by
///   which a field of a wrong type is explained; the explanation is a general one then.
/// - `version`, `params`, `module`, `crate`: as for [`astarte_interface`](macro@astarte_interface).
#[cfg(feature = "derive")]
pub use astarte_derive::AstarteObject;

/// Makes an enum or a newtype a value that is sent and received.
///
/// ```
/// use astarte_runtime::AstarteValue;
///
/// /// Sent as the strings `Heat` and `cool-down`.
/// #[derive(AstarteValue, Clone, Debug, PartialEq)]
/// enum Mode {
///     Heat,
///     #[astarte(value = "cool-down")]
///     Cool,
/// }
///
/// /// Sent as the integers 1 and 2.
/// #[derive(AstarteValue, Clone, Debug, PartialEq)]
/// #[astarte(type = "integer")]
/// enum Level {
///     Low = 1,
///     High = 2,
/// }
///
/// /// Sent as whatever an `f64` is sent as.
/// #[derive(AstarteValue, Clone, Debug, PartialEq)]
/// struct Celsius(f64);
/// ```
///
/// Such types are fields of objects that derive [`AstarteObject`](macro@AstarteObject), and the types of values where
/// `values(..)` of [`astarte_interface`](macro@astarte_interface) says so. A text or number that is of no variant is an
/// error of decoding.
///
/// # Arguments
///
/// - `type = "string"`: what an enum is sent as, `string`, `integer` or `longinteger`. Default: `string`.
/// - `value = "text"`, at a variant: the text it is sent as. Default: its name.
/// - `no_implicit_prelude`: as for [`AstarteObject`](macro@AstarteObject), of a struct.
/// - `crate`: as for [`astarte_interface`](macro@astarte_interface).
#[cfg(feature = "derive")]
pub use astarte_derive::AstarteValue;

/// Makes an enum the set of the events in its variants, to be received as one stream.
///
/// ```
/// use astarte_runtime::{AstarteEvents, astarte_interface};
///
/// #[astarte_interface("../interfaces/org.example.thermostat.Settings.json")]
/// pub struct Settings;
///
/// #[astarte_interface("../interfaces/org.example.vehicle.Route.json")]
/// pub struct Route;
///
/// #[derive(AstarteEvents)]
/// enum FromServer {
///     Settings(settings::Event),
///     Route(route::Received<Route>),
/// }
/// ```
///
/// `builder.events::<FromServer>()` adds all of them to the introspection, and gives the receiver. Each variant is of an
/// interface of its own; two of one interface do not compile.
///
/// # Arguments
///
/// - `crate`: as for [`astarte_interface`](macro@astarte_interface).
#[cfg(feature = "derive")]
pub use astarte_derive::AstarteEvents;

/// Includes what a build script made with `astarte_build::Config`.
///
/// ```text
/// pub mod interfaces {
///     astarte_runtime::include_interfaces!();
/// }
/// ```
#[macro_export]
macro_rules! include_interfaces {
    () => {
        ::core::include!(::core::concat!(
            ::core::env!("OUT_DIR"),
            "/astarte_interfaces.rs"
        ));
    };
}
