//! Properties that the device sets.

use std::{
    future::poll_fn,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
};

use astarte_runtime::{
    Device, Receipt, SendError, Timestamp, astarte_interface,
    store::{Change, MemoryStore, Property, PropertyStore, RedbStore, Store, StoreError},
};
use astarte_sandbox::Value;
use astarte_tests::{Site, TestResult, connected, soon};

/// A property of each type.
#[astarte_interface("../interfaces/org.example.types.DeviceProperties.json")]
struct DeviceProperties;

/// How the thermostat is to work.
#[astarte_interface("../interfaces/org.example.thermostat.Settings.json")]
struct Settings;

const SETTINGS: &str = "org.example.thermostat.Settings";
const NAME: &str = "org.example.types.DeviceProperties";

#[tokio::test]
async fn every_type_is_set_read_and_unset() -> TestResult {
    let site = Site::start().await?;
    let mut builder = Device::builder(site.config());
    let properties = builder.interface::<DeviceProperties>();
    let _device = soon(builder.connect()).await?;

    use device_properties::*;
    let moment = Timestamp::from_millis(1_537_449_422_890)?;
    macro_rules! check {
        ($($endpoint:ident: $value:expr, $owned:expr, $path:literal, $server:expr;)*) => {$(
            let endpoint = $endpoint { id: "s1" };
            assert_eq!(properties.get(&endpoint)?, None, $path);
            let delivery = soon(properties.set(&endpoint, $value)).await?;
            assert_eq!(properties.get(&endpoint)?, Some($owned), $path);
            assert_eq!(soon(delivery).await?, Receipt::Acknowledged);
            let received = site.device.received(NAME, concat!("/s1/", $path)).await?;
            assert_eq!((received.value(), received.qos()), (Some(&$server), 2), $path);
            let delivery = soon(properties.unset(&endpoint)).await?;
            assert_eq!(properties.get(&endpoint)?, None, $path);
            assert_eq!(soon(delivery).await?, Receipt::Acknowledged);
            assert!(site.device.received(NAME, concat!("/s1/", $path)).await?.is_unset());
            assert_eq!(site.device.property(NAME, concat!("/s1/", $path)), None);
        )*};
    }
    // Values that a careless store takes for absent ones are among them.
    check! {
        Double: 0.0, 0.0, "double", Value::Double(0.0);
        Integer: 0, 0, "integer", Value::Integer(0);
        Boolean: false, false, "boolean", Value::Boolean(false);
        Longinteger: 1 << 40, 1 << 40, "longinteger", Value::LongInteger(1 << 40);
        String: "", "".to_owned(), "string", Value::String("".into());
        Binaryblob: b"\0", vec![0], "binaryblob", Value::BinaryBlob(vec![0]);
        Datetime: moment, moment, "datetime", Value::DateTime(moment.as_millis());
        Doublearray: &[1.5], vec![1.5], "doublearray", Value::DoubleArray(vec![1.5]);
        Integerarray: &[0], vec![0], "integerarray", Value::IntegerArray(vec![0]);
        Booleanarray: &[false], vec![false], "booleanarray", Value::BooleanArray(vec![false]);
        Longintegerarray: &[1], vec![1], "longintegerarray", Value::LongIntegerArray(vec![1]);
        Stringarray: &["a"], vec!["a".to_owned()], "stringarray", Value::StringArray(vec!["a".into()]);
        Binaryblobarray: &[b"a"], vec![b"a".to_vec()], "binaryblobarray", Value::BinaryBlobArray(vec![b"a".to_vec()]);
        Datetimearray: &[moment], vec![moment], "datetimearray", Value::DateTimeArray(vec![moment.as_millis()]);
    }
    Ok(())
}

#[tokio::test]
async fn a_value_that_the_server_has_is_not_sent_again() -> TestResult {
    let site = Site::start().await?;
    let mut builder = Device::builder(site.config());
    let properties = builder.interface::<DeviceProperties>();
    let _device = soon(builder.connect()).await?;

    let endpoint = device_properties::Integer { id: 1 };
    assert_eq!(
        soon(soon(properties.unset(endpoint)).await?).await?,
        Receipt::Unchanged
    );
    for (value, receipt) in [
        (1, Receipt::Acknowledged),
        (1, Receipt::Unchanged),
        (2, Receipt::Acknowledged),
    ] {
        // The store learns of an acknowledgement right after the sender.
        assert_eq!(
            soon(soon(properties.set(&endpoint, value)).await?).await?,
            receipt
        );
    }
    site.device.all_processed().await;
    assert_eq!(site.device.data(NAME, "/1/integer").len(), 2);
    Ok(())
}

/// Lesson 11: a set whose acknowledgement did not come in time had stored its value. Tried again, it found the value in
/// the store, reported success, and sent nothing.
#[tokio::test]
async fn lesson_11_a_value_counts_as_set_once_the_server_has_it() -> TestResult {
    let site = Site::start().await?;
    let mut builder = Device::builder(site.config());
    let properties = builder.interface::<DeviceProperties>();
    let mut status = builder.status();
    let device = soon(builder.connect()).await?;
    connected(&mut status).await;
    let endpoint = device_properties::Integer { id: 1 };
    site.device.stall(true);
    let mut first = soon(properties.set(&endpoint, 1)).await?;
    let pending = poll_fn(|cx| Poll::Ready(Pin::new(&mut first).poll(cx)));
    assert!(pending.await.is_pending());
    drop(first);
    // Once more on the same connection, and once over another one, which loses what the broker has not read.
    let again = soon(properties.set(&endpoint, 1)).await?;
    site.device.drop_connection();
    let offline = soon(properties.set(&endpoint, 1)).await?;
    site.device.heal();
    for delivery in [again, offline] {
        assert_eq!(soon(delivery).await?, Receipt::Acknowledged);
    }
    site.device.all_processed().await;
    assert_eq!(
        site.device.property(NAME, "/1/integer"),
        Some(Value::Integer(1))
    );
    device.disconnect().await;
    Ok(())
}

#[tokio::test]
async fn what_changed_offline_is_sent_on_the_next_connection() -> TestResult {
    let site = Site::start().await?;
    let mut builder = Device::builder(site.config());
    let properties = builder.interface::<DeviceProperties>();
    let mut status = builder.status();
    // There is no store yet, and nothing is taken that could be lost.
    let early = soon(properties.set(device_properties::Integer { id: 1 }, 1)).await;
    assert!(
        matches!(early, Err(SendError::Store(StoreError::Closed))),
        "{early:?}"
    );
    let device = soon(builder.connect()).await?;
    connected(&mut status).await;
    soon(soon(properties.set(device_properties::Integer { id: 1 }, 1)).await?).await?;

    site.device.kick();
    let kept = soon(properties.set(device_properties::Integer { id: 2 }, 2)).await?;
    connected(&mut status).await;
    soon(kept).await?;
    site.device.all_processed().await;
    assert_eq!(
        site.device.property(NAME, "/1/integer"),
        Some(Value::Integer(1))
    );
    assert_eq!(
        site.device.property(NAME, "/2/integer"),
        Some(Value::Integer(2))
    );
    device.disconnect().await;
    Ok(())
}

#[tokio::test]
async fn a_store_on_disk_outlives_the_process() -> TestResult {
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("properties.redb");
    let site = Site::start().await?;
    {
        let mut builder = Device::builder(site.config().property_store(RedbStore::open(&file)?));
        let properties = builder.interface::<DeviceProperties>();
        let device = soon(builder.connect()).await?;
        soon(soon(properties.set(device_properties::String { id: "a" }, "kept")).await?).await?;
        soon(soon(properties.set(device_properties::String { id: "b" }, "unset")).await?).await?;
        soon(soon(properties.unset(device_properties::String { id: "b" })).await?).await?;
        device.disconnect().await;
    }
    site.device.clear_session();
    let mut builder = Device::builder(site.config().property_store(RedbStore::open(&file)?));
    let properties = builder.interface::<DeviceProperties>();
    let _device = soon(builder.connect()).await?;
    assert_eq!(
        properties
            .get(device_properties::String { id: "a" })?
            .as_deref(),
        Some("kept")
    );
    site.device.all_processed().await;
    assert_eq!(
        site.device.properties(NAME),
        [("/a/string".to_owned(), Value::String("kept".into()))].into()
    );
    Ok(())
}

/// A store whose next write, or every read of an interface, fails when it is told to.
#[derive(Clone, Debug, Default)]
struct Flaky {
    rows: Arc<MemoryStore>,
    fails: Arc<AtomicBool>,
}

impl Flaky {
    fn check(&self) -> Result<(), StoreError> {
        match self.fails.swap(false, Ordering::Relaxed) {
            true => Err(StoreError::Backend("no space left".into())),
            false => Ok(()),
        }
    }
}

impl Store for Flaky {
    fn blocks(&self) -> bool {
        false
    }
}

impl PropertyStore for Flaky {
    fn load(
        &self,
        interface: &str,
        major: u32,
        path: &str,
    ) -> Result<Option<Property<'static>>, StoreError> {
        self.rows.load(interface, major, path)
    }

    fn load_interface(
        &self,
        interface: &str,
        major: u32,
    ) -> Result<Vec<Property<'static>>, StoreError> {
        self.check()?;
        self.rows.load_interface(interface, major)
    }

    fn load_all(&self) -> Result<Vec<Property<'static>>, StoreError> {
        self.rows.load_all()
    }

    fn apply(&self, changes: &[Change<'_>]) -> Result<(), StoreError> {
        self.check()?;
        self.rows.apply(changes)
    }
}

/// Lesson 12: an error of the store, such as a disk that is full for a moment, went up through the loop of the connection
/// and ended the device.
/// Here a call fails, or the broker repeats, and the device goes on. (Malformed lists stand with the lessons.)
#[tokio::test]
async fn lesson_12_a_store_that_fails_for_a_moment_ends_nothing() -> TestResult {
    let site = Site::start().await?;
    let store = Flaky::default();
    let mut builder = Device::builder(site.config().property_store(store.clone()));
    let properties = builder.interface::<DeviceProperties>();
    let mut settings = builder.interface::<Settings>();
    let mut status = builder.status();
    let device = soon(builder.connect()).await?;
    connected(&mut status).await;
    let endpoint = || device_properties::Integer { id: 1 };

    // Setting fails, and the next attempt does not.
    store.fails.store(true, Ordering::Relaxed);
    assert!(matches!(
        soon(properties.set(endpoint(), 1)).await,
        Err(SendError::Store(_))
    ));
    soon(soon(properties.set(endpoint(), 1)).await?).await?;

    // A property of the server that cannot be stored is taken when the broker repeats it; nothing waits behind it.
    let path = "/kitchen/samplingPeriod";
    store.fails.store(true, Ordering::Relaxed);
    site.device
        .set_property(SETTINGS, path, Value::Integer(5))?;
    site.device
        .set_property(SETTINGS, "/hall/samplingPeriod", Value::Integer(7))?;
    match soon(settings.recv()).await? {
        settings::Event::SamplingPeriod { value, .. } => assert_eq!(value, 7),
        other => panic!("{other:?}"),
    }
    site.device.drop_connection();
    match soon(settings.recv()).await? {
        settings::Event::SamplingPeriod { value, .. } => assert_eq!(value, 5),
        other => panic!("{other:?}"),
    }
    connected(&mut status).await;

    // The handshake cannot load what is stored, and is tried again.
    store.fails.store(true, Ordering::Relaxed);
    site.device.kick();
    connected(&mut status).await;
    assert!(device.is_connected());
    soon(soon(properties.set(endpoint(), 2)).await?).await?;
    assert_eq!(
        site.device.property(NAME, "/1/integer"),
        Some(Value::Integer(2))
    );
    Ok(())
}

#[tokio::test]
async fn a_file_can_be_opened_again_once_the_device_is_disconnected() -> TestResult {
    let directory = tempfile::tempdir()?;
    let site = Site::start().await?;
    let mut kept = Vec::new();
    for round in 1..=3 {
        let mut builder = Device::builder(site.config().directory(directory.path()));
        let properties = builder.interface::<DeviceProperties>();
        let device = soon(builder.connect()).await?;
        soon(properties.set(device_properties::Integer { id: 1 }, round)).await?;
        device.disconnect().await;
        assert!(
            properties
                .get(device_properties::Integer { id: 1 })
                .is_err()
        );
        kept.push(properties);
    }
    Ok(())
}
