//! Messages of the retention `stored`: they wait for a connection, also over the end of the process.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use astarte_runtime::{
    Builder, Config, Delivery, DeliveryError, Device, Handle, Receipt, SendError, Status,
    TimeSource, astarte_interface,
    store::{
        Backlog, Change, MemoryStore, Property, PropertyStore, RedbStore, RetainedMessage,
        RetentionChange, RetentionStore, SessionChange, SessionStore, SetAside, Store, StoreError,
        StoredSession,
    },
};
use astarte_sandbox::Value;
use astarte_tests::{Process, Site, TestResult, connected, go_offline, soon, status};

/// What a meter counts; `energy` is unique and stored, `alarm` guaranteed and stored for a day.
#[astarte_interface("../interfaces/org.example.meter.Usage.json")]
struct Usage;

/// What the thermostat is told to do once; `calibrate` is unique.
#[astarte_interface("../interfaces/org.example.thermostat.Commands.json")]
struct Commands;

/// What the thermostat measures.
#[astarte_interface("../interfaces/org.example.thermostat.Readings.json")]
struct Readings;

const USAGE: &str = "org.example.meter.Usage";

type Meter = Process<Handle<Usage>>;

async fn start(config: Config) -> Result<Meter, Box<dyn std::error::Error>> {
    Process::start(config, Builder::interface::<Usage>).await
}

async fn count(meter: &Meter, value: i64) -> Result<Delivery, SendError> {
    soon(meter.handles.send(usage::Energy { meter: "m" }, value)).await
}

fn energies(site: &Site) -> Vec<i64> {
    let number = |value: &Value| match value {
        Value::LongInteger(number) => *number,
        other => panic!("{other:?}"),
    };
    let data = site.device.data(USAGE, "/m/energy");
    data.iter()
        .filter_map(|message| message.value().map(number))
        .collect()
}

async fn all_received(site: &Site, count: usize) {
    for _ in 0..count {
        site.device
            .received(USAGE, "/m/energy")
            .await
            .expect("it arrives");
    }
}

#[tokio::test]
async fn what_was_stored_offline_arrives_in_order() -> TestResult {
    let site = Site::start().await?;
    let mut builder = Device::builder(site.config());
    let usage = builder.interface::<Usage>();
    let mut stream = builder.status();
    let device = soon(builder.connect()).await?;
    go_offline(&site.device, &mut stream).await;

    let mut deliveries = Vec::new();
    for value in 0..3000 {
        deliveries.push(soon(usage.send(usage::Energy { meter: "m" }, value)).await?);
    }
    site.device.heal();
    for delivery in deliveries {
        assert_eq!(soon(delivery).await?, Receipt::Acknowledged);
    }
    device.disconnect().await;
    site.device.all_processed().await;
    assert_eq!(energies(&site), (0..3000).collect::<Vec<_>>());
    Ok(())
}

#[tokio::test]
async fn the_order_of_an_interface_holds_across_retentions() -> TestResult {
    let site = Site::recorded().await?;
    let mut builder = Device::builder(site.config().queue(10));
    let usage = builder.interface::<Usage>();
    let mut stream = builder.status();
    let device = soon(builder.connect()).await?;
    go_offline(&site.device, &mut stream).await;
    let base = format!("{}/{}", site.sandbox.realm(), site.device.id());
    let mut expected = Vec::new();
    for meter in 0..200 {
        // One QoS, two retentions.
        let sent = if meter % 3 == 0 {
            soon(usage.send(usage::Power { meter }, 1.0)).await?;
            format!("{base}/{USAGE}/{meter}/power")
        } else {
            soon(usage.send(usage::Alarm { meter }, "smoke")).await?;
            format!("{base}/{USAGE}/{meter}/alarm")
        };
        expected.push(sent);
    }
    site.device.heal();
    connected(&mut stream).await;
    device.disconnect().await;
    let published = site.published();
    let published: Vec<_> = published
        .into_iter()
        .filter(|topic| topic.contains(USAGE))
        .collect();
    assert_eq!(published, expected);
    Ok(())
}

/// Lesson 10: what was stored while the backlog was being sent waited until the next connection.
#[tokio::test]
async fn lesson_10_what_comes_while_the_backlog_drains_is_sent() -> TestResult {
    let site = Site::start().await?;
    let mut builder = Device::builder(site.config());
    let usage = builder.interface::<Usage>();
    let mut stream = builder.status();
    let device = soon(builder.connect()).await?;
    go_offline(&site.device, &mut stream).await;
    for value in 0..1000 {
        soon(usage.send(usage::Energy { meter: "m" }, value)).await?;
    }
    site.device.heal();
    connected(&mut stream).await;
    let mut last = None;
    for value in 1000..2000 {
        last = Some(soon(usage.send(usage::Energy { meter: "m" }, value)).await?);
    }
    soon(last.expect("it was sent")).await?;
    device.disconnect().await;
    site.device.all_processed().await;
    assert_eq!(energies(&site), (0..2000).collect::<Vec<_>>());
    Ok(())
}

#[tokio::test]
async fn a_restarted_process_sends_what_an_earlier_one_stored() -> TestResult {
    let site = Site::start().await?;
    let store = Arc::new(MemoryStore::new());
    let config = || site.config().store(Arc::clone(&store));
    let mut process = start(config()).await?;
    go_offline(&site.device, &mut process.status).await;
    let mut deliveries = Vec::new();
    for value in 0..500 {
        deliveries.push(count(&process, value).await?);
    }
    process.stop().await;
    for delivery in deliveries {
        assert_eq!(soon(delivery).await, Err(DeliveryError::Stored));
    }
    site.device.heal();
    let process = start(config()).await?;
    all_received(&site, 500).await;
    process.stop().await;
    site.device.all_processed().await;
    assert_eq!(energies(&site), (0..500).collect::<Vec<_>>());
    assert_eq!(store.backlog()?.messages, 0);
    Ok(())
}

/// Each process ends with messages in each state of the QoS 2 exchange: published, recorded, released.
#[tokio::test]
async fn unique_messages_arrive_once_over_the_end_of_processes() -> TestResult {
    let site = Site::recorded().await?;
    let store = Arc::new(MemoryStore::new());
    let mut sent = 0;
    for round in 0..20_usize {
        let process = start(site.config().window(20).store(Arc::clone(&store))).await?;
        let mut deliveries = Vec::new();
        for _ in 0..50 {
            deliveries.push(count(&process, sent).await?);
            sent += 1;
        }
        if round % 2 == 0 {
            // Some exchanges are over by then, some under way.
            for delivery in deliveries.into_iter().take(round) {
                soon(delivery).await?;
            }
            site.device.lose_acknowledgements(true);
            for _ in 0..10 {
                count(&process, sent).await?;
                sent += 1;
            }
        }
        process.crash();
        site.device.lose_acknowledgements(false);
    }
    let process = start(site.config().store(Arc::clone(&store))).await?;
    all_received(&site, usize::try_from(sent)?).await;
    process.stop().await;
    site.device.all_processed().await;
    assert_eq!(energies(&site), (0..sent).collect::<Vec<_>>());
    assert_eq!(site.connects(), 21, "no session was given up");
    Ok(())
}

#[tokio::test]
async fn the_oldest_make_room_and_are_told() -> TestResult {
    let site = Site::start().await?;
    let mut builder = Device::builder(site.config().window(10).queue(20).stored(100, 1 << 20));
    let usage = builder.interface::<Usage>();
    let mut stream = builder.status();
    let device = soon(builder.connect()).await?;
    go_offline(&site.device, &mut stream).await;
    let mut deliveries = Vec::new();
    for value in 0..250 {
        deliveries.push(soon(usage.send(usage::Energy { meter: "m" }, value)).await?);
    }
    let kept = deliveries.split_off(150);
    for delivery in deliveries {
        assert_eq!(soon(delivery).await, Err(DeliveryError::Overflow));
    }
    let total = status(&mut stream, |status| match status {
        Status::RetentionFull { total } => (total == 150).then_some(total),
        _ => None,
    });
    assert_eq!(total.await, 150);
    site.device.heal();
    for delivery in kept {
        assert_eq!(soon(delivery).await?, Receipt::Acknowledged);
    }
    device.disconnect().await;
    site.device.all_processed().await;
    assert_eq!(energies(&site), (150..250).collect::<Vec<_>>());
    Ok(())
}

/// What is delivered takes no room, also where its removal is still to be written.
#[tokio::test]
async fn what_is_delivered_makes_room_first() -> TestResult {
    let site = Site::start().await?;
    let mut builder = Device::builder(site.config().window(10).stored(10, 1 << 20));
    let usage = builder.interface::<Usage>();
    let device = soon(builder.connect()).await?;
    for round in 0..20 {
        let mut deliveries = Vec::new();
        for value in round * 10..(round + 1) * 10 {
            deliveries.push(soon(usage.send(usage::Energy { meter: "m" }, value)).await?);
        }
        for delivery in deliveries {
            assert_eq!(soon(delivery).await?, Receipt::Acknowledged);
        }
    }
    device.disconnect().await;
    site.device.all_processed().await;
    assert_eq!(energies(&site), (0..200).collect::<Vec<_>>());
    Ok(())
}

/// A wall clock that is set by hand.
#[derive(Clone, Debug)]
struct Wall(Arc<AtomicU64>);

impl TimeSource for Wall {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(self.0.load(Ordering::Relaxed))
    }
}

/// Lesson 16: messages were sorted and expired by the wall clock. Those that were stored before it was set expired at once,
/// or were sent in another order.
#[tokio::test]
async fn lesson_16_a_clock_that_is_set_changes_nothing() -> TestResult {
    const DAY: u64 = 24 * 60 * 60;
    let site = Site::start().await?;
    let store = Arc::new(MemoryStore::new());
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)?
        .as_secs();
    let wall = Wall(Arc::new(AtomicU64::new(now)));
    let config = || {
        site.config()
            .time_source(wall.clone())
            .store(Arc::clone(&store))
    };
    let send = async |process: &Meter, text: &str| {
        soon(process.handles.send(usage::Alarm { meter: "m" }, text)).await
    };
    // A first process whose clock is right, then one whose clock begins in 1970 and is set on the way.
    let mut process = start(config()).await?;
    go_offline(&site.device, &mut process.status).await;
    send(&process, "old").await?;
    send(&process, "older than a day by then").await?;
    process.crash();
    wall.0.store(1000, Ordering::Relaxed);
    site.device.heal();
    let mut process = start(config()).await?;
    site.device.received(USAGE, "/m/alarm").await?;
    site.device.received(USAGE, "/m/alarm").await?;
    go_offline(&site.device, &mut process.status).await;
    send(&process, "in 1970").await?;
    wall.0.store(now, Ordering::Relaxed);
    send(&process, "set").await?;
    wall.0.store(now + 300 * DAY, Ordering::Relaxed);
    send(&process, "ahead").await?;
    wall.0.store(now, Ordering::Relaxed);
    site.device.heal();
    connected(&mut process.status).await;
    for expected in ["in 1970", "set", "ahead"] {
        let message = site.device.received(USAGE, "/m/alarm").await?;
        assert_eq!(message.value(), Some(&Value::String(expected.into())));
    }
    // What waits for longer than its expiry while no process runs is not sent.
    go_offline(&site.device, &mut process.status).await;
    send(&process, "expired").await?;
    process.crash();
    wall.0.store(now + 2 * DAY, Ordering::Relaxed);
    site.device.heal();
    let process = start(config()).await?;
    count(&process, 1).await?;
    all_received(&site, 1).await;
    process.stop().await;
    let alarms = site.device.data(USAGE, "/m/alarm");
    assert_eq!(alarms.len(), 5, "{alarms:?}");
    Ok(())
}

/// Lesson 9: one stored message that could not be sent held up all behind it, for ever.
#[tokio::test]
async fn lesson_9_what_can_never_be_sent_is_set_aside() -> TestResult {
    let site = Site::start().await?;
    let store = Arc::new(MemoryStore::new());
    let config = || site.config().store(Arc::clone(&store));
    let mut process = start(config()).await?;
    go_offline(&site.device, &mut process.status).await;
    count(&process, 1).await?;
    process.stop().await;
    site.device.heal();

    // The next version of the device does not have the interface.
    let mut builder = Device::builder(config());
    let _readings = builder.interface::<Readings>();
    let mut stream = builder.status();
    let device = soon(builder.connect()).await?;
    let (interface, path) = status(&mut stream, |status| match status {
        Status::SetAside {
            interface, path, ..
        } => Some((interface, path)),
        _ => None,
    })
    .await;
    assert_eq!((interface.as_str(), path.as_str()), (USAGE, "/m/energy"));
    device.disconnect().await;
    assert_eq!(store.load_set_aside()?.len(), 1);

    let process = start(config()).await?;
    count(&process, 2).await?;
    all_received(&site, 1).await;
    process.stop().await;
    assert_eq!(energies(&site), [2]);
    Ok(())
}

/// A store whose disk is full when it is told to be.
#[derive(Debug, Default)]
struct Disk {
    rows: MemoryStore,
    full: AtomicBool,
}

impl Disk {
    fn check(&self) -> Result<(), StoreError> {
        match self.full.load(Ordering::Relaxed) {
            true => Err(StoreError::Full("nothing left".into())),
            false => Ok(()),
        }
    }
}

impl Store for Disk {}

impl PropertyStore for Disk {
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

impl RetentionStore for Disk {
    fn backlog(&self) -> Result<Backlog, StoreError> {
        self.rows.backlog()
    }

    fn load_messages(
        &self,
        after: u64,
        messages: usize,
        bytes: u64,
    ) -> Result<Vec<RetainedMessage>, StoreError> {
        self.rows.load_messages(after, messages, bytes)
    }

    fn apply_retention(&self, changes: &[RetentionChange]) -> Result<(), StoreError> {
        self.check()?;
        self.rows.apply_retention(changes)
    }

    fn load_set_aside(&self) -> Result<Vec<SetAside>, StoreError> {
        self.rows.load_set_aside()
    }
}

impl SessionStore for Disk {
    fn load_session(&self) -> Result<Option<StoredSession>, StoreError> {
        self.rows.load_session()
    }

    fn apply_session(&self, changes: &[SessionChange]) -> Result<(), StoreError> {
        self.check()?;
        self.rows.apply_session(changes)
    }
}

#[tokio::test]
async fn a_full_disk_refuses_what_must_be_stored_and_nothing_else() -> TestResult {
    let site = Site::start().await?;
    let disk = Arc::new(Disk::default());
    let mut builder = Device::builder(site.config().store(Arc::clone(&disk)));
    let usage = builder.interface::<Usage>();
    let mut commands = builder.interface::<Commands>();
    let mut stream = builder.status();
    let device = soon(builder.connect()).await?;
    connected(&mut stream).await;
    let meter = "m";
    let before = soon(usage.send(usage::Energy { meter }, 1)).await?;
    soon(before).await?;

    disk.full.store(true, Ordering::Relaxed);
    let refused = soon(usage.send(usage::Energy { meter }, 2)).await;
    assert!(
        matches!(refused, Err(SendError::Store(StoreError::Full(_)))),
        "{refused:?}"
    );
    let power = soon(usage.send(usage::Power { meter }, 1.0)).await?;
    assert_eq!(soon(power).await?, Receipt::Acknowledged);
    // Commands are received, though nobody can note that they were, and new sessions begin.
    for value in [1.5, 2.5] {
        site.device
            .publish("org.example.thermostat.Commands", "/r/calibrate", value)?;
        soon(commands.recv()).await?;
        site.device.kick();
        connected(&mut stream).await;
    }

    disk.full.store(false, Ordering::Relaxed);
    let after = soon(usage.send(usage::Energy { meter }, 3)).await?;
    assert_eq!(soon(after).await?, Receipt::Acknowledged);
    device.disconnect().await;
    site.device.all_processed().await;
    assert_eq!(energies(&site), [1, 3]);
    assert_eq!(disk.rows.backlog()?.messages, 0);
    assert!(disk.rows.load_session()?.is_some());
    Ok(())
}

/// A gateway keeps what many devices store in one file.
#[tokio::test]
async fn many_devices_share_one_file() -> TestResult {
    let site = Site::start().await?;
    let directory = tempfile::tempdir()?;
    let store = RedbStore::open(directory.path().join("gateway.redb"))?;
    let realm = site.sandbox.realm().parse()?;
    let config = |device: &astarte_sandbox::Device| {
        let id = device.id().to_string().parse()?;
        let config = site.config_of(device).store(store.device(&realm, &id));
        Ok::<_, Box<dyn std::error::Error>>(config)
    };
    let mut meters = Vec::new();
    for _ in 0..5 {
        let device = site.sandbox.register_device()?;
        meters.push((start(config(&device)?).await?, device));
    }
    for (value, (meter, device)) in (0..).zip(&mut meters) {
        go_offline(device, &mut meter.status).await;
        count(meter, value).await?;
    }
    for (value, (meter, device)) in (0..).zip(meters) {
        meter.stop().await;
        device.heal();
        let meter = start(config(&device)?).await?;
        let message = device.received(USAGE, "/m/energy").await?;
        assert_eq!(message.value(), Some(&Value::LongInteger(value)));
        meter.stop().await;
    }
    Ok(())
}
