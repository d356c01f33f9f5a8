//! What the macros generate works, in the forms that their documentation allows.

use std::{fmt, net::IpAddr, str::FromStr};

use astarte_runtime::{
    AstarteEvents, AstarteObject, Decode, DecodeError, Encode, EventSet, FromObject, Interface,
    Object, ParamError, PathWriter, ReceiveObject, Timestamp, ValueError, WritePath,
    astarte_interface,
    payload::{Payload, RawValue, ValueWriter, encode_individual, encode_object},
    wire,
};

#[astarte_interface("../interfaces/org.example.thermostat.Readings.json")]
struct Readings;

#[astarte_interface("../interfaces/org.example.thermostat.Status.json")]
struct Status;

/// How the thermostat is to work.
#[astarte_interface(
    "../interfaces/org.example.thermostat.Settings.json",
    version = "1.0",
    params(room = self::RoomId),
    rename("/%{room}/enable" = Heating),
    module = "adjustments",
    crate = "::astarte_runtime"
)]
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Settings;

#[astarte_interface("../interfaces/org.example.vehicle.Position.json")]
#[derive(Clone, Copy, Default)]
struct Position;

#[astarte_interface("../interfaces/org.example.vehicle.Position.json", partial)]
struct PartialPosition;

#[astarte_interface("../interfaces/org.example.vehicle.Route.json")]
struct Route;

/// A parameter's type that refuses some texts.
#[derive(Clone, Debug, PartialEq)]
pub struct RoomId(u8);

impl FromStr for RoomId {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

impl fmt::Display for RoomId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

fn path(endpoint: impl WritePath) -> Result<String, ParamError> {
    let mut text = String::new();
    let mut writer = PathWriter::new(&mut text);
    endpoint.write_path(&mut writer);
    writer.finish().map(|()| text)
}

fn sent<I: Interface>(object: &impl Object<I>) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_object::<I, _>(object, None, &mut bytes).expect("the values are legal");
    bytes
}

/// Lesson 34: parameters such as `0`, a UUID or a MAC address are refused by another SDK.
#[test]
fn lesson_34_parameters_are_any_text() {
    let address: IpAddr = "fe80::1".parse().expect("an address");
    let temperature = |room| path(readings::Temperature { room });
    assert_eq!(
        path(readings::Temperature { room: 0 }).as_deref(),
        Ok("/0/temperature")
    );
    assert_eq!(
        path(readings::Temperature { room: address }).as_deref(),
        Ok("/fe80::1/temperature")
    );
    for text in [
        "3fa85f64-5717-4562-b3fc-2c963f66afa6",
        "00:1b:44:11:3a:b7",
        "Küche",
        "a b",
    ] {
        assert_eq!(temperature(text), Ok(format!("/{text}/temperature")));
        let endpoint = status::Endpoint::from_path(&format!("/{text}/online"));
        let expected = status::Online {
            room: text.to_owned(),
        };
        assert_eq!(endpoint, Ok(status::Endpoint::Online(expected)));
    }
    assert!(temperature("a/b").is_err());
    assert_eq!(
        path(readings::DeviceUptimeSeconds).as_deref(),
        Ok("/device/uptimeSeconds")
    );
}

#[test]
fn parameters_have_the_type_they_were_given() {
    let endpoint = adjustments::Endpoint::from_path("/7/enable");
    let expected = adjustments::Heating { room: RoomId(7) };
    assert_eq!(endpoint, Ok(adjustments::Endpoint::Heating(expected)));
    let refused = adjustments::Endpoint::from_path("/kitchen/enable");
    assert!(matches!(
        refused,
        Err(DecodeError::Param { name: "room", .. })
    ));
    let unknown = adjustments::Endpoint::from_path("/7/colour");
    assert_eq!(unknown, Err(DecodeError::unknown_path("/7/colour")));
}

#[test]
fn derives_below_see_the_fields() {
    let here = Position {
        latitude: 45.46,
        longitude: 9.19,
        satellites: 9,
    };
    assert_ne!(here, Position::default());
    assert!(format!("{here:?}").contains("satellites: 9"));
}

#[test]
fn the_macro_works_in_functions() {
    #[astarte_interface("../interfaces/org.example.thermostat.Commands.json")]
    struct Commands;

    assert_eq!(Commands::DESCRIPTOR.name, "org.example.thermostat.Commands");
    assert_eq!(
        path(commands::Calibrate { room: "a" }).as_deref(),
        Ok("/a/calibrate")
    );
}

/// The attribute reads the source above it, also where a macro writes it.
#[test]
fn the_macro_works_in_macros() {
    macro_rules! interface {
        ($name:ident) => {
            #[astarte_interface("../interfaces/org.example.vehicle.Position.json")]
            #[derive(PartialOrd)]
            struct $name;
        };
    }

    #[derive(Debug, PartialEq)]
    struct Above;
    interface!(Fix);
    let fix = Fix {
        latitude: 0.0,
        longitude: 0.0,
        satellites: 0,
    };
    assert!(fix <= fix.clone());
    assert_eq!(Above, Above);
}

/// The same object in other forms.
#[derive(AstarteObject)]
#[astarte(interface = "../interfaces/org.example.vehicle.Position.json")]
struct Fix {
    #[astarte(mapping = "/%{vehicle}/latitude")]
    north: f64,
    #[astarte(mapping = "longitude")]
    east: Degrees,
    satellites: i32,
}

#[derive(AstarteObject)]
#[astarte(interface = "../interfaces/org.example.vehicle.Position.json", of = Position)]
struct Borrowed<'a, T> {
    satellites: &'a i32,
    latitude: &'a T,
    longitude: T,
}

#[derive(AstarteObject)]
#[astarte(interface = "../interfaces/org.example.vehicle.Position.json", of = self::Position, partial)]
struct Part {
    latitude: Option<f64>,
    satellites: i32,
}

struct Degrees(f64);

impl Encode<wire::Double> for Degrees {
    fn encode(&self, out: &mut ValueWriter<'_>) -> Result<(), ValueError> {
        self.0.encode(out)
    }
}

#[test]
fn objects_of_ones_own_are_sent_like_generated_ones() {
    let position = Position {
        latitude: 45.46,
        longitude: 9.19,
        satellites: 9,
    };
    let fix = Fix {
        north: 45.46,
        east: Degrees(9.19),
        satellites: 9,
    };
    assert_eq!(sent::<Position>(&position), sent::<Fix>(&fix));
    assert_eq!(Fix::DESCRIPTOR, Position::DESCRIPTOR);
    assert_eq!(
        path(fix::Path { vehicle: "v" }),
        path(position::Path { vehicle: "v" })
    );

    let borrowed = Borrowed {
        satellites: &9,
        latitude: &45.46,
        longitude: 9.19,
    };
    assert_eq!(
        sent::<Position>(&borrowed).len(),
        sent::<Position>(&position).len()
    );
}

#[test]
fn partial_objects_leave_mappings_out() {
    let none = PartialPosition {
        latitude: None,
        longitude: None,
        satellites: None,
    };
    let empty: &[u8] = b"\x0d\0\0\0\x03v\0\x05\0\0\0\0\0";
    assert_eq!(sent::<PartialPosition>(&none), empty);
    let part = Part {
        latitude: None,
        satellites: 9,
    };
    let satellites = PartialPosition {
        satellites: Some(9),
        ..none
    };
    assert_eq!(
        sent::<Position>(&part),
        sent::<PartialPosition>(&satellites)
    );
}

#[derive(AstarteObject, Debug, PartialEq)]
#[astarte(interface = "../interfaces/org.example.vehicle.Route.json", of = Route, partial)]
struct Stop<T> {
    latitude: T,
    name: Option<Name>,
}

#[derive(Debug, PartialEq)]
struct Name(String);

impl Decode<wire::String> for Name {
    fn decode(value: RawValue<'_>) -> Result<Self, DecodeError> {
        String::decode(value).map(Self)
    }
}

/// What a server would send: a struct that is sent is one more form of the same object.
struct Sent<'a> {
    name: Option<&'a str>,
    latitude: Option<f64>,
}

impl Sent<'_> {
    fn bytes(&self) -> Vec<u8> {
        struct Written<'a>(&'a Sent<'a>);
        impl Object<Route> for Written<'_> {
            fn encode(&self, object: &mut astarte_runtime::payload::ObjectWriter<'_>) {
                object.optional_field::<wire::String, _>("name", &self.0.name);
                object.optional_field::<wire::Double, _>("latitude", &self.0.latitude);
                object.optional_field::<wire::Double, _>("longitude", &self.0.latitude);
                object.field::<wire::Boolean, _>("addedInALaterMinor", &true);
            }
        }
        sent::<Route>(&Written(self))
    }
}

#[test]
fn objects_are_received_in_any_form() {
    let bytes = Sent {
        name: Some("Depot"),
        latitude: Some(1.5),
    }
    .bytes();
    let payload = Payload::parse(&bytes).expect("it is BSON");
    let received = <Route as ReceiveObject>::decode::<Route>("/v-17/stops", payload);
    let received = received.expect("it is an object of the interface");
    assert_eq!(
        received.path,
        route::Path {
            vehicle: "v-17".to_owned()
        }
    );
    assert_eq!(received.object.name.as_deref(), Some("Depot"));
    assert_eq!(received.timestamp, None);

    let stop = Stop::<f64>::decode(payload.object().expect("it is an object"));
    assert_eq!(
        stop,
        Ok(Stop {
            latitude: 1.5,
            name: Some(Name("Depot".to_owned()))
        })
    );

    let bytes = Sent {
        name: None,
        latitude: None,
    }
    .bytes();
    let payload = Payload::parse(&bytes).expect("it is BSON");
    let received = <Route as ReceiveObject>::decode::<Route>("/v-17/stops", payload);
    assert_eq!(received, Err(DecodeError::MissingKey { key: "latitude" }));
}

#[derive(AstarteEvents, Debug, PartialEq)]
enum FromServer {
    Settings(adjustments::Event),
    Stop(route::Received<Stop<f64>>),
}

#[test]
fn events_of_several_interfaces_are_one_set() {
    let names = FromServer::INTERFACES
        .iter()
        .map(|interface| interface.name);
    let expected = [
        "org.example.thermostat.Settings",
        "org.example.vehicle.Route",
    ];
    assert!(names.eq(expected));

    let mut bytes = Vec::new();
    encode_individual::<wire::Integer, _>(&60, None, &mut bytes).expect("the value is legal");
    let payload = Payload::parse(&bytes).expect("it is BSON");
    let event = FromServer::decode(
        "org.example.thermostat.Settings",
        "/1/samplingPeriod",
        payload,
    );
    let endpoint = adjustments::SamplingPeriod { room: RoomId(1) };
    let expected = adjustments::Event::SamplingPeriod {
        endpoint,
        value: 60,
    };
    assert_eq!(event, Ok(FromServer::Settings(expected)));

    let unset = Payload::parse(&[]).expect("an unset is a payload");
    let event = FromServer::decode("org.example.thermostat.Settings", "/1/enable", unset);
    let endpoint = adjustments::Heating { room: RoomId(1) };
    let expected = adjustments::Event::Heating {
        endpoint: endpoint.clone(),
        value: None,
    };
    assert_eq!(event, Ok(FromServer::Settings(expected)));
    let event = FromServer::decode(
        "org.example.thermostat.Settings",
        "/1/samplingPeriod",
        unset,
    );
    assert_eq!(event, Err(DecodeError::Unset));

    let event = FromServer::purged("org.example.thermostat.Settings", "/1/enable");
    let expected = adjustments::Event::Purged(adjustments::Endpoint::Heating(endpoint));
    assert_eq!(event, Ok(FromServer::Settings(expected)));
    assert!(FromServer::purged("org.example.vehicle.Route", "/v/stops").is_err());
    let unknown = FromServer::purged("org.example.Unknown", "/x");
    assert_eq!(
        unknown,
        Err(DecodeError::unknown_interface("org.example.Unknown"))
    );
}

#[test]
fn datastream_events_carry_their_timestamp() {
    #[astarte_interface("../interfaces/org.example.thermostat.Commands.json")]
    struct Commands;

    let at = Timestamp::from_millis(1_537_449_422_890).expect("it is in range");
    let mut bytes = Vec::new();
    encode_individual::<wire::Double, _>(&16.73, Some(at), &mut bytes).expect("it is legal");
    let payload = Payload::parse(&bytes).expect("it is BSON");
    let event = <Commands as astarte_runtime::Events>::decode("/a/calibrate", payload);
    let endpoint = commands::Calibrate {
        room: "a".to_owned(),
    };
    let expected = commands::Event::Calibrate {
        endpoint,
        value: 16.73,
        timestamp: Some(at),
    };
    assert_eq!(event, Ok(expected));
}
