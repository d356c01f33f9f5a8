//! A process that ends, and the next one: the session goes on, and nothing is lost or told twice.

use std::{fs, sync::Arc};

use astarte_runtime::{
    Device, Handle, Ownership, Status, astarte_interface,
    store::{Change, MemoryStore, Property, PropertyStore, State},
};
use astarte_tests::{Process, Site, TestResult, connected, soon, status};

/// What the thermostat is told to do once; `calibrate` is unique, `restart` guaranteed.
#[astarte_interface("../interfaces/org.example.thermostat.Commands.json")]
struct Commands;

/// What the thermostat says of itself.
#[astarte_interface(
    "../interfaces/org.example.thermostat.Status.json",
    module = "properties"
)]
struct DeviceStatus;

/// What the thermostat measures.
#[astarte_interface("../interfaces/org.example.thermostat.Readings.json")]
struct Readings;

const COMMANDS: &str = "org.example.thermostat.Commands";
const STATUS: &str = "org.example.thermostat.Status";

type Thermostat = Process<(Handle<Commands>, Handle<DeviceStatus>)>;

async fn start(
    site: &Site,
    store: &Arc<MemoryStore>,
) -> Result<Thermostat, Box<dyn std::error::Error>> {
    Process::start(site.config().store(Arc::clone(store)), |builder| {
        (
            builder.interface::<Commands>(),
            builder.interface::<DeviceStatus>(),
        )
    })
    .await
}

/// How often the device has published on a topic that ends like this.
fn published(site: &Site, end: &str) -> usize {
    let topics = site.published();
    topics.iter().filter(|topic| topic.ends_with(end)).count()
}

async fn calibration(process: &mut Thermostat) -> Result<f64, Box<dyn std::error::Error>> {
    match soon(process.handles.0.recv()).await? {
        commands::Event::Calibrate { value, .. } => Ok(value),
        other => Err(format!("{other:?}").into()),
    }
}

/// Lesson 15: each start began a clean session, and what the server had queued for the device was lost.
#[tokio::test]
async fn lesson_15_what_was_queued_while_no_process_ran_arrives() -> TestResult {
    let site = Site::recorded().await?;
    let store = Arc::new(MemoryStore::new());
    start(&site, &store).await?.stop().await;
    site.device.disconnected().await?;
    site.device.publish(COMMANDS, "/kitchen/calibrate", 1.5)?;
    site.device.publish(COMMANDS, "/kitchen/calibrate", 2.5)?;
    let mut process = start(&site, &store).await?;
    assert_eq!(calibration(&mut process).await?, 1.5);
    assert_eq!(calibration(&mut process).await?, 2.5);
    process.stop().await;
    // The session was taken up: one CONNECT each, and one handshake.
    assert_eq!(site.connects(), 2);
    assert_eq!(published(&site, "/control/emptyCache"), 1);
    Ok(())
}

/// Lesson 17: messages were acknowledged before the application had them, and a crash lost them.
#[tokio::test]
async fn lesson_17_what_the_application_did_not_get_comes_again() -> TestResult {
    let site = Site::start().await?;
    let store = Arc::new(MemoryStore::new());
    let mut process = start(&site, &store).await?;
    for value in 0..10 {
        let value = f64::from(value);
        site.device.publish(COMMANDS, "/kitchen/calibrate", value)?;
    }
    for value in 0..5 {
        assert_eq!(calibration(&mut process).await?, f64::from(value));
    }
    // A connection later most of those that were taken have been noted.
    let mut stream = process.device.status();
    site.device.drop_connection();
    connected(&mut stream).await;
    process.crash();
    site.device.disconnected().await?;
    let mut process = start(&site, &store).await?;
    let mut next = calibration(&mut process).await?;
    // What was taken right before the crash may not have been noted, and comes again.
    while next < 5.0 {
        next = calibration(&mut process).await?;
    }
    assert_eq!(next, 5.0);
    for value in 6..10 {
        assert_eq!(calibration(&mut process).await?, f64::from(value));
    }
    process.stop().await;
    Ok(())
}

/// The application has all messages and has said so before the process ends, in whatever state the exchanges are.
#[tokio::test]
async fn a_unique_message_that_was_noted_is_not_received_again() -> TestResult {
    let site = Site::recorded().await?;
    let store = Arc::new(MemoryStore::new());
    let mut received = Vec::new();
    for round in 0..20 {
        let mut process = start(&site, &store).await?;
        for number in 0..4 {
            let value = f64::from(round * 4 + number);
            site.device.publish(COMMANDS, "/kitchen/calibrate", value)?;
        }
        let last = f64::from(round * 4 + 3);
        while received.last() != Some(&last) {
            received.push(calibration(&mut process).await?);
        }
        soon(async {
            while site.recorded_messages() < received.len() {
                tokio::task::yield_now().await;
            }
        })
        .await;
        if round % 2 == 0 {
            process.crash();
        } else {
            process.stop().await;
        }
    }
    assert_eq!(received, (0..80).map(f64::from).collect::<Vec<_>>());
    Ok(())
}

/// Lesson 6: each start told the server that no properties were set; the server deleted them all, and got them back.
#[tokio::test]
async fn lesson_6_a_restart_tells_of_what_is_stored() -> TestResult {
    let site = Site::start().await?;
    let store = Arc::new(MemoryStore::new());
    let process = start(&site, &store).await?;
    let firmware = properties::Firmware { room: "kitchen" };
    soon(soon(process.handles.1.set(firmware, "1.4.2")).await?).await?;
    process.stop().await;
    for lost in [false, true] {
        site.device.disconnected().await?;
        if lost {
            site.device.clear_session();
        }
        let process = start(&site, &store).await?;
        process.stop().await;
        site.device.all_processed().await;
        assert!(site.device.property(STATUS, "/kitchen/firmware").is_some());
        // It was never unset in between.
        assert_eq!(
            site.device.data(STATUS, "/kitchen/firmware").len(),
            if lost { 2 } else { 1 }
        );
    }
    Ok(())
}

/// Lesson 5: properties of an interface that the device has no more were published, and the server closed the link, again
/// and again.
#[tokio::test]
async fn lesson_5_properties_of_an_interface_that_is_gone_stay_unsent() -> TestResult {
    let site = Site::recorded().await?;
    let store = Arc::new(MemoryStore::new());
    let process = start(&site, &store).await?;
    let firmware = properties::Firmware { room: "kitchen" };
    soon(soon(process.handles.1.set(firmware, "1.4.2")).await?).await?;
    process.stop().await;
    let mut builder = Device::builder(site.config().store(Arc::clone(&store)));
    let _readings = builder.interface::<Readings>();
    let device = soon(builder.connect()).await?;
    device.disconnect().await;
    site.device.all_processed().await;
    assert_eq!(published(&site, "/kitchen/firmware"), 1);
    // And the introspection of the next version was told in the session of the earlier one.
    assert_eq!(published(&site, "/control/emptyCache"), 1);
    assert_eq!(site.connects(), 2);
    assert!(!site.device.introspection().contains_key(STATUS));
    Ok(())
}

/// Rows of another major version, or from when the server owned the interface, are those of interfaces that the device
/// does not have: they are neither sent nor read, and gone.
#[tokio::test]
async fn rows_of_a_former_version_are_forgotten() -> TestResult {
    let site = Site::recorded().await?;
    let store = Arc::new(MemoryStore::new());
    let row = |major, path: &'static str, ownership| {
        Change::Store(Property {
            interface: STATUS.into(),
            major,
            path: path.into(),
            ownership,
            state: State::Sent,
            payload: b"\x10\0\0\0\x02v\0\x04\0\0\0old\0\0".into(),
        })
    };
    store.apply(&[
        row(1, "/kitchen/firmware", Ownership::Server),
        row(9, "/kitchen/firmware", Ownership::Device),
        row(1, "/hall/firmware", Ownership::Device),
    ])?;
    let process = start(&site, &store).await?;
    let firmware = |room| properties::Firmware { room };
    assert_eq!(process.handles.1.get(firmware("kitchen"))?, None);
    assert_eq!(
        process.handles.1.get(firmware("hall"))?.as_deref(),
        Some("old")
    );
    process.stop().await;
    site.device.all_processed().await;
    assert_eq!(published(&site, "/hall/firmware"), 1);
    assert_eq!(published(&site, "/kitchen/firmware"), 0);
    assert_eq!(store.load_all()?.len(), 1);
    Ok(())
}

/// Where the list of properties was sent without them, the server would delete them all.
#[tokio::test]
async fn a_damaged_store_is_told_and_the_server_keeps_its_properties() -> TestResult {
    let site = Site::start().await?;
    let directory = tempfile::tempdir()?;
    let config = || site.config().directory(directory.path());
    let register = |builder: &mut astarte_runtime::Builder| builder.interface::<DeviceStatus>();
    let process = Process::start(config(), register).await?;
    let firmware = || properties::Firmware { room: "kitchen" };
    let online = || properties::Online { room: "kitchen" };
    soon(soon(process.handles.set(firmware(), "1.4.2")).await?).await?;
    soon(soon(process.handles.set(online(), true)).await?).await?;
    process.stop().await;

    let is_store = |path: &std::path::PathBuf| path.extension().is_some_and(|end| end == "redb");
    let files = fs::read_dir(directory.path())?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()?;
    let file = files.into_iter().find(is_store).ok_or("no store")?;
    fs::write(&file, b"not a database")?;

    let mut process = Process::start(config(), register).await?;
    let moved_to = status(&mut process.status, |status| match status {
        Status::StoreRecovered { moved_to, .. } => Some(moved_to),
        _ => None,
    })
    .await;
    assert_eq!(fs::read(moved_to)?, b"not a database");
    site.device.all_processed().await;
    assert_eq!(site.device.properties(STATUS).len(), 2);
    // What is set again, and nothing else, is there once the application says that it is all.
    soon(soon(process.handles.set(firmware(), "1.4.3")).await?).await?;
    let _added = soon(process.device.add::<Readings>()).await?;
    process.stop().await;
    site.device.all_processed().await;
    assert_eq!(site.device.properties(STATUS).len(), 2);
    let process = Process::start(config(), register).await?;
    process.device.properties_complete().await?;
    process.stop().await;
    Process::start(config(), register).await?.stop().await;
    site.device.all_processed().await;
    assert_eq!(site.device.properties(STATUS).len(), 1);
    Ok(())
}
