//! The runtime with mosquitto, a broker that is not Astarte's: it passes messages on, and nobody answers what a device
//! says to its server.
//!
//! Where the environment variable `ASTARTE_MOSQUITTO` names the program, as it does in the project's own check; without
//! it these tests pass without a case.

mod broker;
mod chaos;
mod observer;
mod restart;

use astarte_runtime::{Config, Device, DeviceId, Receipt, Timestamp, astarte_interface};
use astarte_tests::{Proxy, TestResult, soon};

use broker::{Mosquitto, Persistence, REALM};
use observer::{Message, Observer};

/// A mapping of each type and reliability.
#[astarte_interface("../interfaces/org.example.types.DeviceDatastream.json")]
struct DeviceDatastream;

/// A property of each type.
#[astarte_interface("../interfaces/org.example.types.DeviceProperties.json")]
struct DeviceProperties;

/// A mapping of each type and reliability, of the server.
#[astarte_interface("../interfaces/org.example.types.ServerDatastream.json")]
struct ServerDatastream;

/// A property of each type, of the server.
#[astarte_interface("../interfaces/org.example.types.ServerProperties.json")]
struct ServerProperties;

/// What the thermostat measures; `temperature` is guaranteed and volatile.
#[astarte_interface("../interfaces/org.example.thermostat.Readings.json")]
struct Readings;

const READINGS: &str = "org.example.thermostat.Readings";
const DEVICE_DATASTREAM: &str = "org.example.types.DeviceDatastream";
const DEVICE_PROPERTIES: &str = "org.example.types.DeviceProperties";
const SERVER_DATASTREAM: &str = "org.example.types.ServerDatastream";
const SERVER_PROPERTIES: &str = "org.example.types.ServerProperties";

/// A broker, a link to it that can be cut, and an observer of all topics.
struct Ground {
    broker: Mosquitto,
    proxy: Proxy,
    observer: Observer,
    device: DeviceId,
}

impl Ground {
    async fn start(persistence: Persistence) -> Result<Option<Self>, Box<dyn std::error::Error>> {
        let Some(broker) = Mosquitto::start(persistence).await? else {
            return Ok(None);
        };
        let proxy = broker.proxy(1).await?;
        proxy.calm_down();
        let mut observer = broker.observer("observer").await?;
        observer.subscribe("#").await?;
        let device = "2imLILqtRP2vq0ZVy-TGRQ".parse()?;
        Ok(Some(Self {
            broker,
            proxy,
            observer,
            device,
        }))
    }

    fn config(&self) -> Result<Config, Box<dyn std::error::Error>> {
        self.broker.config(&self.device, &self.proxy)
    }

    /// A topic below that of the device.
    fn topic(&self, rest: &str) -> String {
        format!("{REALM}/{}/{rest}", self.device)
    }

    /// Awaits a message, and checks all of it.
    async fn expect(&mut self, rest: &str, qos: u8, payload: &[u8]) -> TestResult {
        let expected = Message {
            topic: self.topic(rest),
            qos,
            payload: payload.to_vec().into(),
        };
        assert_eq!(self.observer.message().await?, expected);
        Ok(())
    }

    /// Awaits what a device says when its session is new, and gives the list of its properties.
    async fn handshake(
        &mut self,
        introspection: &str,
    ) -> Result<Message, Box<dyn std::error::Error>> {
        let base = format!("{REALM}/{}", self.device);
        let message = self.observer.message().await?;
        assert_eq!((message.topic, message.qos), (base, 2));
        assert_eq!(message.payload, introspection);
        self.expect("control/emptyCache", 2, b"1").await?;
        let list = self.topic("control/producer/properties");
        let mut messages = self
            .observer
            .messages_until(|message| message.topic == list)
            .await?;
        Ok(messages.pop().ok_or("the list is among them")?)
    }
}

#[tokio::test]
async fn a_device_connects_though_nobody_answers() -> TestResult {
    let Some(mut ground) = Ground::start(Persistence::Nothing).await? else {
        return Ok(());
    };
    let mut builder = Device::builder(ground.config()?);
    let _server = builder.interface::<ServerProperties>();
    let _properties = builder.interface::<DeviceProperties>();
    let device = soon(builder.connect()).await?;
    assert!(device.is_connected());
    let introspection = format!("{DEVICE_PROPERTIES}:0:1;{SERVER_PROPERTIES}:0:1");
    let list = ground.handshake(&introspection).await?;
    assert_eq!(&list.payload[..4], [0; 4], "the list is empty");
    Ok(())
}

#[tokio::test]
async fn every_reliability_goes_up() -> TestResult {
    use device_datastream::{BooleanValue, DoubleValue, IntegerValue};

    let Some(mut ground) = Ground::start(Persistence::Nothing).await? else {
        return Ok(());
    };
    let mut builder = Device::builder(ground.config()?);
    let sender = builder.interface::<DeviceDatastream>();
    let _device = soon(builder.connect()).await?;
    ground
        .handshake(&format!("{DEVICE_DATASTREAM}:0:1"))
        .await?;

    let delivery = soon(sender.send(DoubleValue, 21.5)).await?;
    assert_eq!(soon(delivery).await?, Receipt::Unconfirmed);
    let path = |name| format!("{DEVICE_DATASTREAM}/{name}/value");
    ground.expect(&path("double"), 0, &double(21.5)).await?;
    let delivery = soon(sender.send(IntegerValue, 42)).await?;
    assert_eq!(soon(delivery).await?, Receipt::Acknowledged);
    ground.expect(&path("integer"), 1, &integer(42)).await?;
    let delivery = soon(sender.send(BooleanValue, true)).await?;
    assert_eq!(soon(delivery).await?, Receipt::Acknowledged);
    ground.expect(&path("boolean"), 2, &boolean(true)).await?;
    Ok(())
}

#[tokio::test]
async fn every_reliability_comes_down() -> TestResult {
    use server_datastream::Event;

    let Some(mut ground) = Ground::start(Persistence::Nothing).await? else {
        return Ok(());
    };
    let mut builder = Device::builder(ground.config()?);
    let mut receiver = builder.interface::<ServerDatastream>();
    let _device = soon(builder.connect()).await?;
    let topic = |name: &str| format!("{SERVER_DATASTREAM}/{name}/value");
    for (rest, qos, payload) in [
        (topic("double"), 0, double(21.5)),
        (topic("integer"), 1, integer(42)),
        (topic("boolean"), 2, boolean(true)),
    ] {
        let topic = ground.topic(&rest);
        ground.observer.publish(&topic, qos, payload).await?;
        match (qos, soon(receiver.recv()).await?) {
            (0, Event::DoubleValue { value, .. }) => assert_eq!(value, 21.5),
            (1, Event::IntegerValue { value, .. }) => assert_eq!(value, 42),
            (2, Event::BooleanValue { value, .. }) => assert!(value),
            other => panic!("{other:?}"),
        }
    }
    Ok(())
}

#[tokio::test]
async fn properties_go_both_ways() -> TestResult {
    use device_properties::Integer;
    use server_properties::{Event, String};

    let Some(mut ground) = Ground::start(Persistence::Nothing).await? else {
        return Ok(());
    };
    let mut builder = Device::builder(ground.config()?);
    let writer = builder.interface::<DeviceProperties>();
    let mut reader = builder.interface::<ServerProperties>();
    let _device = soon(builder.connect()).await?;
    let introspection = format!("{DEVICE_PROPERTIES}:0:1;{SERVER_PROPERTIES}:0:1");
    ground.handshake(&introspection).await?;

    let (endpoint, path) = (Integer { id: 1 }, format!("{DEVICE_PROPERTIES}/1/integer"));
    let delivery = soon(writer.set(endpoint, 42)).await?;
    assert_eq!(soon(delivery).await?, Receipt::Acknowledged);
    ground.expect(&path, 2, &integer(42)).await?;
    let delivery = soon(writer.unset(endpoint)).await?;
    assert_eq!(soon(delivery).await?, Receipt::Acknowledged);
    ground.expect(&path, 2, b"").await?;

    let (endpoint, topic) = (String { id: "1" }, format!("{SERVER_PROPERTIES}/1/string"));
    let topic = ground.topic(&topic);
    for (payload, expected) in [(string("on"), Some("on")), (Vec::new(), None)] {
        ground.observer.publish(&topic, 2, payload).await?;
        match soon(reader.recv()).await? {
            Event::String { value, .. } => assert_eq!(value.as_deref(), expected),
            other => panic!("{other:?}"),
        }
        assert_eq!(reader.get(endpoint)?.as_deref(), expected);
    }
    Ok(())
}

/// What a device was sent while its link was down comes when it is back, and what it had to send leaves.
#[tokio::test]
async fn the_session_is_kept_over_cuts() -> TestResult {
    use server_datastream::Event;

    let Some(mut ground) = Ground::start(Persistence::Nothing).await? else {
        return Ok(());
    };
    let mut builder = Device::builder(ground.config()?);
    let readings = builder.interface::<Readings>();
    let mut receiver = builder.interface::<ServerDatastream>();
    let mut status = builder.status();
    let _device = soon(builder.connect()).await?;
    ground
        .handshake(&format!("{READINGS}:1:0;{SERVER_DATASTREAM}:0:1"))
        .await?;
    astarte_tests::connected(&mut status).await;

    let topic = ground.topic(&format!("{SERVER_DATASTREAM}/integerarray/value"));
    for round in 0..5_i32 {
        ground.proxy.shut();
        restart::disconnected(&mut status).await;
        ground.observer.publish(&topic, 2, array(round)).await?;
        // Its own publication comes back to the observer, which sees everything.
        ground
            .expect(
                &format!("{SERVER_DATASTREAM}/integerarray/value"),
                2,
                &array(round),
            )
            .await?;
        let endpoint = readings::Temperature { room: "kitchen" };
        let moment = Timestamp::from_millis(i64::from(round))?;
        let delivery = soon(readings.send_at(endpoint, f64::from(round), moment)).await?;
        ground.proxy.open();
        astarte_tests::connected(&mut status).await;
        match soon(receiver.recv()).await? {
            Event::IntegerarrayValue { value, .. } => assert_eq!(value, [round]),
            other => panic!("{other:?}"),
        }
        assert_eq!(soon(delivery).await?, Receipt::Acknowledged);
        // Nothing stands between the rounds: there was no other handshake.
        let path = format!("{READINGS}/kitchen/temperature");
        ground
            .expect(&path, 1, &double_at(f64::from(round), i64::from(round)))
            .await?;
    }
    Ok(())
}

/// `{"v": value}`
fn double(value: f64) -> Vec<u8> {
    [b"\x10\0\0\0\x01v\0".as_slice(), &value.to_le_bytes(), b"\0"].concat()
}

/// `{"t": ms, "v": value}`
fn double_at(value: f64, ms: i64) -> Vec<u8> {
    let (time, value) = (ms.to_le_bytes(), value.to_le_bytes());
    [
        b"\x1b\0\0\0\x09t\0".as_slice(),
        &time,
        b"\x01v\0",
        &value,
        b"\0",
    ]
    .concat()
}

/// `{"v": value}`
fn integer(value: i32) -> Vec<u8> {
    [b"\x0c\0\0\0\x10v\0".as_slice(), &value.to_le_bytes(), b"\0"].concat()
}

/// `{"v": value}`
fn boolean(value: bool) -> Vec<u8> {
    [b"\x09\0\0\0\x08v\0".as_slice(), &[u8::from(value)], b"\0"].concat()
}

/// `{"v": [value]}`
fn array(value: i32) -> Vec<u8> {
    let (head, item) = (b"\x14\0\0\0\x04v\0\x0c\0\0\0\x100\0", value.to_le_bytes());
    [head.as_slice(), &item, b"\0\0"].concat()
}

/// `{"v": value}`, of two letters
fn string(value: &str) -> Vec<u8> {
    [
        b"\x0f\0\0\0\x02v\0\x03\0\0\0".as_slice(),
        value.as_bytes(),
        b"\0\0",
    ]
    .concat()
}
