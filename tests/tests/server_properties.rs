//! Properties that the server sets.

use astarte_runtime::{Device, Timestamp, astarte_interface};
use astarte_sandbox::{Profile, Value};
use astarte_tests::{Site, TestResult, connected, soon};

/// A property of each type.
#[astarte_interface("../interfaces/org.example.types.ServerProperties.json")]
struct ServerProperties;

/// How the thermostat is to work.
#[astarte_interface("../interfaces/org.example.thermostat.Settings.json")]
struct Settings;

const TYPES: &str = "org.example.types.ServerProperties";
const SETTINGS: &str = "org.example.thermostat.Settings";

#[tokio::test]
async fn every_type_is_told_stored_and_unset() -> TestResult {
    use server_properties::{Event, *};

    let site = Site::start().await?;
    let mut builder = Device::builder(site.config());
    let mut properties = builder.interface::<ServerProperties>();
    let _device = soon(builder.connect()).await?;

    let moment = Timestamp::from_millis(1_537_449_422_890)?;
    macro_rules! check {
        ($($endpoint:ident $path:literal: $published:expr => $expected:expr;)*) => {$(
            let path = concat!("/s1/", $path);
            site.device.set_property(TYPES, path, $published)?;
            match soon(properties.recv()).await? {
                Event::$endpoint { endpoint, value: Some(value) } => {
                    assert_eq!((endpoint.id.as_str(), value), ("s1", $expected));
                }
                other => panic!("{other:?}"),
            }
            assert_eq!(properties.get($endpoint { id: "s1" })?, Some($expected), "{path}");
            site.device.unset_property(TYPES, path)?;
            match soon(properties.recv()).await? {
                Event::$endpoint { value, .. } => assert_eq!(value, None, "{path}"),
                other => panic!("{other:?}"),
            }
            assert_eq!(properties.get($endpoint { id: "s1" })?, None, "{path}");
        )*};
    }
    check! {
        Double "double": Value::Double(0.0) => 0.0;
        Integer "integer": Value::Integer(0) => 0;
        Boolean "boolean": Value::Boolean(false) => false;
        Longinteger "longinteger": Value::LongInteger(42) => 42;
        String "string": Value::String("".into()) => "".to_owned();
        Binaryblob "binaryblob": Value::BinaryBlob(vec![0]) => vec![0];
        Datetime "datetime": Value::DateTime(moment.as_millis()) => moment;
        Doublearray "doublearray": Value::DoubleArray(vec![1.5]) => vec![1.5];
        Integerarray "integerarray": Value::IntegerArray(vec![1]) => vec![1];
        Booleanarray "booleanarray": Value::BooleanArray(vec![false]) => vec![false];
        Longintegerarray "longintegerarray": Value::LongIntegerArray(vec![1, 1 << 40]) => vec![1, 1 << 40];
        Stringarray "stringarray": Value::StringArray(vec!["a".into()]) => vec!["a".to_owned()];
        Binaryblobarray "binaryblobarray": Value::BinaryBlobArray(vec![vec![1]]) => vec![vec![1]];
        Datetimearray "datetimearray": Value::DateTimeArray(vec![moment.as_millis()]) => vec![moment];
    }
    Ok(())
}

#[tokio::test]
async fn what_was_set_while_the_device_was_away_is_told() -> TestResult {
    use settings::{Event, SamplingPeriod};

    let site = Site::start().await?;
    let mut builder = Device::builder(site.config());
    let mut settings = builder.interface::<Settings>();
    let mut status = builder.status();
    let _device = soon(builder.connect()).await?;
    site.device
        .set_property(SETTINGS, "/kitchen/samplingPeriod", Value::Integer(5))?;
    assert!(matches!(
        soon(settings.recv()).await?,
        Event::SamplingPeriod { value: 5, .. }
    ));

    // The session is gone with what waited in it: the server tells it after the empty cache.
    site.device.kick();
    site.device
        .set_property(SETTINGS, "/kitchen/samplingPeriod", Value::Integer(10))?;
    connected(&mut status).await;
    connected(&mut status).await;
    let mut newest = 5;
    while newest != 10 {
        match soon(settings.recv()).await? {
            Event::SamplingPeriod { value, .. } => newest = value,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(settings.get(SamplingPeriod { room: "kitchen" })?, Some(10));
    assert_eq!(settings.all()?.len(), 1);
    Ok(())
}

/// Lesson 37: what the server's list of properties did not name was deleted from the store, and nobody told the
/// application: it went on with a value that was no more.
/// Here each of them is an event.
#[tokio::test]
async fn lesson_37_a_purge_is_told() -> TestResult {
    use settings::{Enable, Endpoint, Event, SamplingPeriod};

    let site = Site::start().await?;
    let mut builder = Device::builder(site.config());
    let mut settings = builder.interface::<Settings>();
    let _device = soon(builder.connect()).await?;
    site.device
        .set_property(SETTINGS, "/kitchen/enable", Value::Boolean(true))?;
    site.device
        .set_property(SETTINGS, "/kitchen/samplingPeriod", Value::Integer(5))?;
    for _ in 0..2 {
        soon(settings.recv()).await?;
    }

    site.device.kick();
    site.device.unset_property(SETTINGS, "/kitchen/enable")?;
    let mut purged = None;
    while purged.is_none() {
        match soon(settings.recv()).await? {
            Event::Purged(endpoint) => purged = Some(endpoint),
            Event::SamplingPeriod { value: 5, .. } => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(
        purged,
        Some(Endpoint::Enable(Enable {
            room: "kitchen".into()
        }))
    );
    assert_eq!(settings.get(Enable { room: "kitchen" })?, None);
    assert_eq!(settings.get(SamplingPeriod { room: "kitchen" })?, Some(5));
    Ok(())
}

#[tokio::test]
async fn an_empty_list_is_not_believed_while_values_follow() -> TestResult {
    use settings::{Event, SamplingPeriod};

    let site = Site::with_profile(Profile::AsShipped).await?;
    let mut builder = Device::builder(site.config());
    let mut settings = builder.interface::<Settings>();
    let mut status = builder.status();
    let _device = soon(builder.connect()).await?;
    site.device
        .set_property(SETTINGS, "/kitchen/samplingPeriod", Value::Integer(5))?;
    soon(settings.recv()).await?;
    connected(&mut status).await;

    site.device.kick();
    connected(&mut status).await;
    // The list was empty, and the value came right behind it.
    match soon(settings.recv()).await? {
        Event::SamplingPeriod { value, .. } => assert_eq!(value, 5),
        other => panic!("{other:?}"),
    }
    assert_eq!(settings.get(SamplingPeriod { room: "kitchen" })?, Some(5));
    Ok(())
}
