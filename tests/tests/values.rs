//! Values of the application's own types.

use astarte_runtime::{
    AstarteObject, AstarteValue, Decode, DecodeError, Encode, Endpoint, Events, ParamStr,
    PathWriter, WritePath, astarte_interface,
    payload::{Payload, encode_individual, encode_object},
    wire::{self, Wire},
};

#[derive(AstarteValue, Clone, Copy, Debug, PartialEq)]
enum Mode {
    Heat,
    #[astarte(value = "cool-down")]
    Cool,
    r#Auto,
}

#[derive(AstarteValue, Clone, Copy, Debug, PartialEq)]
#[astarte(type = "integer")]
enum Level {
    Low = -1,
    Middle,
    High = 7,
}

#[derive(AstarteValue, Clone, Copy, Debug, PartialEq)]
#[astarte(type = "longinteger")]
#[repr(i64)]
enum Wide {
    Least = -i64::MAX,
    Most = i64::MAX,
}

#[derive(AstarteValue, Clone, Copy, Debug, PartialEq)]
struct Celsius(f64);

#[derive(AstarteValue, Clone, Debug, PartialEq)]
struct Tagged<T: Clone> {
    inner: T,
}

#[derive(AstarteValue)]
struct Borrowed<'a>(&'a str);

fn encoded<W: Wire>(value: &(impl Encode<W> + ?Sized)) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_individual::<W, _>(value, None, &mut bytes).expect("the value is legal");
    bytes
}

fn decoded<W: Wire, T: Decode<W>>(bytes: &[u8]) -> Result<T, DecodeError> {
    Payload::parse(bytes)?.decode::<W, T>()
}

#[test]
fn enums_are_texts() {
    for (mode, text) in [
        (Mode::Heat, "Heat"),
        (Mode::Cool, "cool-down"),
        (Mode::Auto, "Auto"),
    ] {
        let bytes = encoded::<wire::String>(&mode);
        assert_eq!(bytes, encoded::<wire::String>(text));
        assert_eq!(decoded::<wire::String, Mode>(&bytes), Ok(mode));
    }
    let error = decoded::<wire::String, Mode>(&encoded::<wire::String>("Dry")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the value is not a valid `string`: `Dry` is none of `Heat`, `cool-down`, `Auto`"
    );
    let modes = [Mode::Heat, Mode::Cool];
    let bytes = encoded::<wire::StringArray>(&modes);
    assert_eq!(
        decoded::<wire::StringArray, Vec<Mode>>(&bytes),
        Ok(modes.to_vec())
    );
}

#[test]
fn enums_are_numbers() {
    for (level, number) in [(Level::Low, -1), (Level::Middle, 0), (Level::High, 7)] {
        let bytes = encoded::<wire::Integer>(&level);
        assert_eq!(bytes, encoded::<wire::Integer>(&number));
        assert_eq!(decoded::<wire::Integer, Level>(&bytes), Ok(level));
    }
    let error = decoded::<wire::Integer, Level>(&encoded::<wire::Integer>(&8)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the value is not a valid `integer`: `8` is none of `-1`, `0`, `7`"
    );
    for wide in [Wide::Least, Wide::Most] {
        let bytes = encoded::<wire::LongInteger>(&wide);
        assert_eq!(decoded::<wire::LongInteger, Wide>(&bytes), Ok(wide));
    }
}

#[test]
fn newtypes_are_what_is_in_them() {
    let bytes = encoded::<wire::Double>(&Celsius(21.5));
    assert_eq!(bytes, encoded::<wire::Double>(&21.5));
    assert_eq!(decoded::<wire::Double, Celsius>(&bytes), Ok(Celsius(21.5)));
    let tagged = Tagged { inner: Mode::Cool };
    let bytes = encoded::<wire::String>(&tagged);
    assert_eq!(decoded::<wire::String, Tagged<Mode>>(&bytes), Ok(tagged));
    assert_eq!(encoded::<wire::String>(&Borrowed("cool-down")), bytes);
}

#[astarte_interface(
    "../interfaces/org.example.thermostat.Readings.json",
    values("/%{room}/temperature" = Celsius)
)]
struct Readings;

#[astarte_interface(
    "../interfaces/org.example.thermostat.Settings.json",
    values("/%{room}/samplingPeriod" = self::Level)
)]
struct Settings;

#[astarte_interface(
    "../interfaces/org.example.vehicle.Position.json",
    values("/%{vehicle}/latitude" = Celsius)
)]
struct Position;

#[derive(AstarteObject)]
#[astarte(interface = "../interfaces/org.example.vehicle.Position.json", of = Position)]
struct Fix {
    latitude: Celsius,
    longitude: Tagged<f64>,
    satellites: Level,
}

#[test]
fn interfaces_have_values_of_the_applications_types() {
    fn value<E: Endpoint<Readings>>(_: &E, value: E::Value<'_>) -> Vec<u8> {
        encoded::<E::Wire>(&value)
    }
    let endpoint = readings::Temperature { room: "kitchen" };
    assert_eq!(
        value(&endpoint, Celsius(21.5)),
        encoded::<wire::Double>(&21.5)
    );

    let bytes = encoded::<wire::Integer>(&7);
    let payload = Payload::parse(&bytes).expect("it is BSON");
    let event = Settings::decode("/kitchen/samplingPeriod", payload);
    assert_eq!(
        event,
        Ok(settings::Event::SamplingPeriod {
            endpoint: settings::SamplingPeriod {
                room: "kitchen".to_owned()
            },
            value: Level::High,
        })
    );

    let (mut object, mut own) = (Vec::new(), Vec::new());
    let position = Position {
        latitude: Celsius(1.0),
        longitude: 2.0,
        satellites: 7,
    };
    encode_object::<Position, _>(&position, None, &mut object).expect("it is legal");
    let fix = Fix {
        latitude: Celsius(1.0),
        longitude: Tagged { inner: 2.0 },
        satellites: Level::High,
    };
    encode_object::<Position, _>(&fix, None, &mut own).expect("it is legal");
    assert_eq!(object, own);
}

#[test]
fn literal_parameters_are_checked_by_rustc() {
    const KITCHEN: ParamStr<'_> = ParamStr::literal("kitchen");
    let mut path = String::new();
    let endpoint = readings::Temperature { room: KITCHEN };
    let mut writer = PathWriter::new(&mut path);
    endpoint.write_path(&mut writer);
    writer.finish().expect("it is a parameter");
    assert_eq!(path, "/kitchen/temperature");
}
