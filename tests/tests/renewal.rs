//! The certificate: renewed before it expires, or once the broker refuses it, and the clock that decides.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use astarte_runtime::{
    Config, Credentials, Device, Status, StatusStream, TimeSource, Timestamp, astarte_interface,
    pairing::{CredentialStore, DirectoryCredentials, KeptCertificate, KeptCredentials},
};
use astarte_sandbox::{EventKind, Sandbox, Value};
use astarte_tests::{Site, TestResult, connected, interfaces_dir, soon, status};

/// A mapping of each type; `boolean` is unique.
#[astarte_interface("../interfaces/org.example.types.DeviceDatastream.json")]
struct DeviceDatastream;

/// What the thermostat is told to do once; `calibrate` is unique.
#[astarte_interface("../interfaces/org.example.thermostat.Commands.json")]
struct Commands;

/// What the thermostat measures; `temperature` is guaranteed, `humidity` is sent once and discarded while offline.
#[astarte_interface("../interfaces/org.example.thermostat.Readings.json")]
struct Readings;

const READINGS: &str = "org.example.thermostat.Readings";
const COMMANDS: &str = "org.example.thermostat.Commands";
const TYPES: &str = "org.example.types.DeviceDatastream";

/// A clock that the test sets.
#[derive(Clone, Debug)]
struct Clock(Arc<Mutex<SystemTime>>);

impl Clock {
    fn at(time: SystemTime) -> Self {
        Self(Arc::new(Mutex::new(time)))
    }

    fn advance(&self, by: Duration) {
        *self.0.lock().expect("nobody panics") += by;
    }
}

impl TimeSource for Clock {
    fn now(&self) -> SystemTime {
        *self.0.lock().expect("nobody panics")
    }
}

/// How long a certificate is valid, from its begin five minutes ago.
const LIFETIME: Duration = Duration::from_secs(65 * 60);

/// A site whose certificates are short-lived.
async fn site() -> Result<Site, Box<dyn std::error::Error>> {
    let sandbox = Sandbox::builder()
        .interfaces_dir(interfaces_dir())
        .certificate_lifetime(Duration::from_secs(60 * 60))
        .kept_events(1_000_000)
        .kept_messages(1_000_000)
        .start()
        .await?;
    let device = sandbox.register_device()?;
    Ok(Site { sandbox, device })
}

/// A device that looks at its clock each second.
fn config(site: &Site, clock: &Clock) -> Config {
    site.config()
        .time_source(clock.clone())
        .keep_alive(Duration::from_secs(1))
}

/// Waits for a new certificate and the connection with it; nothing else may come in between.
async fn renewed(events: &mut StatusStream) {
    let wanted = ["CertificateRenewed", "Connecting", "Connected"];
    for wanted in wanted {
        let event = soon(events.recv()).await.expect("the device is there");
        assert!(format!("{event:?}").starts_with(wanted), "{event:?}");
    }
}

fn certificates(site: &Site) -> usize {
    let history = site.sandbox.history().into_iter();
    history
        .filter(|event| matches!(event.kind, EventKind::CertificateIssued))
        .count()
}

#[tokio::test]
async fn a_device_stays_connected_through_three_renewals_and_loses_nothing() -> TestResult {
    let site = site().await?;
    let clock = Clock::at(SystemTime::now());
    let mut builder = Device::builder(config(&site, &clock));
    let readings = builder.interface::<Readings>();
    let types = builder.interface::<DeviceDatastream>();
    let mut commands = builder.interface::<Commands>();
    let mut events = builder.status();
    let device = soon(builder.connect()).await?;
    connected(&mut events).await;

    let over = Arc::new(AtomicBool::new(false));
    let sending = tokio::spawn({
        let over = Arc::clone(&over);
        async move {
            let mut count = 0;
            while !over.load(Ordering::Relaxed) {
                let kitchen = readings::Temperature { room: "kitchen" };
                let now = Timestamp::now();
                let guaranteed = soon(readings.send_at(kitchen, f64::from(count), now)).await?;
                let unique =
                    soon(types.send(device_datastream::BooleanValue, count % 2 == 0)).await?;
                // Never refused, though it is refused while offline.
                let humidity = readings::Humidity { room: "kitchen" };
                soon(readings.send(humidity, f64::from(count))).await?;
                soon(guaranteed).await?;
                soon(unique).await?;
                count += 1;
            }
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(count)
        }
    });
    let publishing = tokio::spawn({
        let (over, cloud) = (Arc::clone(&over), site.device.clone());
        async move {
            let mut count = 0;
            while !over.load(Ordering::Relaxed) {
                let sent =
                    cloud.publish(COMMANDS, "/kitchen/calibrate", Value::Double(count.into()));
                assert_eq!(sent.ok(), Some(1), "the device has a session");
                match soon(commands.recv()).await {
                    Ok(commands::Event::Calibrate { value, .. }) => {
                        assert_eq!(value, f64::from(count));
                    }
                    other => panic!("{other:?}"),
                }
                count += 1;
            }
            count
        }
    });

    for renewals in 1..=3 {
        // From before two thirds, and then from before half of what was left.
        clock.advance(LIFETIME * 3 / 4);
        renewed(&mut events).await;
        assert_eq!(certificates(&site), 1 + renewals);
        assert!(device.is_connected());
    }
    over.store(true, Ordering::Relaxed);
    let sent: i32 = soon(sending).await?.map_err(|error| error.to_string())?;
    let published: i32 = soon(publishing).await?;
    assert!(
        sent > 10 && published > 10,
        "{sent} sent, {published} published"
    );

    device.disconnect().await;
    site.device.disconnected().await?;
    site.device.all_processed().await;
    let expected = |value: fn(i32) -> Value| (0..sent).map(value).collect::<Vec<_>>();
    let received = |interface, path| {
        let received = site.device.data(interface, path).into_iter();
        received
            .filter_map(|message| message.value().cloned())
            .collect::<Vec<_>>()
    };
    let mut guaranteed = received(READINGS, "/kitchen/temperature");
    guaranteed.dedup();
    assert_eq!(guaranteed, expected(|value| Value::Double(value.into())));
    let unique = received(TYPES, "/boolean/value");
    assert_eq!(unique, expected(|value| Value::Boolean(value % 2 == 0)));
    let sessions: Vec<_> = site
        .sandbox
        .history()
        .into_iter()
        .filter_map(|event| match event.kind {
            EventKind::Connected {
                session_present, ..
            } => Some(session_present),
            _ => None,
        })
        .collect();
    assert_eq!(sessions, [false, true, true, true]);
    Ok(())
}

#[tokio::test]
async fn a_clock_that_is_ahead_does_not_renew_again_and_again() -> TestResult {
    let site = site().await?;
    let clock = Clock::at(SystemTime::now() + 100 * LIFETIME);
    let mut builder = Device::builder(config(&site, &clock));
    let readings = builder.interface::<Readings>();
    let mut events = builder.status();
    let device = soon(builder.connect()).await?;
    connected(&mut events).await;
    // By its dates the certificate has long expired.
    renewed(&mut events).await;
    clock.advance(LIFETIME / 3);
    for value in 0..1000 {
        let kitchen = readings::Temperature { room: "kitchen" };
        let delivery = soon(readings.send_at(kitchen, value.into(), Timestamp::now())).await?;
        soon(delivery).await?;
    }
    assert_eq!(certificates(&site), 2);
    clock.advance(LIFETIME / 3);
    renewed(&mut events).await;
    assert_eq!(certificates(&site), 3);
    device.disconnect().await;
    Ok(())
}

#[tokio::test]
async fn a_failed_renewal_is_told_and_tried_again() -> TestResult {
    let site = site().await?;
    let clock = Clock::at(SystemTime::now());
    let mut builder = Device::builder(config(&site, &clock));
    let readings = builder.interface::<Readings>();
    let mut events = builder.status();
    let device = soon(builder.connect()).await?;
    connected(&mut events).await;

    site.device.inhibit_credentials(true);
    clock.advance(LIFETIME * 3 / 4);
    for _ in 0..3 {
        match soon(events.recv()).await {
            Some(Status::RenewalFailed { reason }) => {
                assert!(reason.contains("inhibited"), "{reason}");
            }
            other => panic!("{other:?}"),
        }
    }
    let kitchen = readings::Temperature { room: "kitchen" };
    soon(soon(readings.send_at(kitchen, 21.5, Timestamp::now())).await?).await?;
    assert!(device.is_connected());

    site.device.inhibit_credentials(false);
    status(&mut events, |status| match status {
        Status::CertificateRenewed { not_after } => {
            assert!(not_after > SystemTime::now());
            Some(())
        }
        Status::RenewalFailed { .. } => None,
        other => panic!("{other:?}"),
    })
    .await;
    connected(&mut events).await;
    device.disconnect().await;
    Ok(())
}

/// A certificate of nobody.
fn own_certificate(
    common_name: &str,
    (from, to): (i32, i32),
) -> Result<(String, String), rcgen::Error> {
    let key = rcgen::KeyPair::generate()?;
    let mut params = rcgen::CertificateParams::default();
    params
        .distinguished_name
        .push(rcgen::DnType::CommonName, common_name);
    params.not_before = rcgen::date_time_ymd(from, 1, 1);
    params.not_after = rcgen::date_time_ymd(to, 1, 1);
    Ok((params.self_signed(&key)?.pem(), key.serialize_pem()))
}

#[tokio::test]
async fn a_refused_certificate_is_replaced_at_once() -> TestResult {
    let site = Site::start().await?;
    let directory = tempfile::tempdir()?;
    let device = site.device.id().to_string().parse()?;
    let store = DirectoryCredentials::open(directory.path(), &"test".parse()?, &device)?;
    let (chain, private_key) = own_certificate(&format!("test/{device}"), (2020, 2060))?;
    let mut kept = KeptCredentials::default();
    kept.broker_url = Some(site.sandbox.broker_url().to_owned());
    kept.certificate = Some(KeptCertificate {
        chain,
        private_key: private_key.into(),
    });
    store.save(&kept)?;

    let mut builder = Device::builder(site.config().directory(directory.path()));
    let _readings = builder.interface::<Readings>();
    let mut events = builder.status();
    let device = soon(builder.connect()).await?;
    let reason = status(&mut events, |status| match status {
        Status::Disconnected(disconnected) => Some(disconnected.reason),
        _ => None,
    })
    .await;
    assert!(
        reason.contains("refused the device's certificate"),
        "{reason}"
    );
    status(&mut events, |status| {
        matches!(status, Status::CertificateRenewed { .. }).then_some(())
    })
    .await;
    connected(&mut events).await;
    assert_eq!(certificates(&site), 1);
    device.disconnect().await;
    Ok(())
}

#[tokio::test]
async fn a_clock_that_was_never_set_takes_the_time_of_the_certificate() -> TestResult {
    let site = Site::start().await?;
    let clock = Clock::at(SystemTime::UNIX_EPOCH);
    let directory = tempfile::tempdir()?;
    for _ in 0..2 {
        let config = config(&site, &clock).directory(directory.path());
        let device = soon(Device::builder(config).connect()).await?;
        device.disconnect().await;
    }
    assert_eq!(certificates(&site), 1);
    Ok(())
}

#[tokio::test]
async fn a_clock_that_cannot_work_is_named() -> TestResult {
    let site = Site::start().await?;
    let (chain, key) = own_certificate("test/device", (1975, 2060))?;
    let credentials = Credentials::from_pem(chain.as_bytes(), key.as_bytes())?;
    let reason = async |time: SystemTime| {
        let config = config(&site, &Clock::at(time));
        let config = config.broker(site.sandbox.broker_url(), credentials.clone());
        let builder = Device::builder(config);
        let mut events = builder.status();
        let connecting = tokio::spawn(builder.connect());
        let reason = status(&mut events, |status| match status {
            Status::Disconnected(disconnected) => Some(disconnected.reason),
            _ => None,
        })
        .await;
        connecting.abort();
        reason
    };
    let text = reason(SystemTime::UNIX_EPOCH).await;
    assert!(text.contains("which says 1975-01-01"), "{text}");
    assert!(text.ends_with("set the clock"), "{text}");
    let text = reason(SystemTime::now() + Duration::from_secs(30 * 365 * 86_400)).await;
    assert!(text.contains("has expired by the device's clock"), "{text}");
    Ok(())
}
