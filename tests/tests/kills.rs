//! A device that stores messages and is killed, again and again.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    pin::Pin,
    process::{Child, Command, Stdio},
    task::Poll,
    time::Duration,
};

use astarte_runtime::{Builder, Config, Device, Handle, Sending, Status, Tls, astarte_interface};
use astarte_sandbox::{Received, Refusal, Value};
use astarte_tests::{Site, TestResult};

/// What a meter counts; `energy` is unique and stored.
#[astarte_interface("../interfaces/org.example.meter.Usage.json")]
struct Usage;

const USAGE: &str = "org.example.meter.Usage";

/// How many messages are stored; ten times as many with `ASTARTE_FULL=1`.
const MESSAGES: i64 = 10_000;

/// How many are sent at a time.
const TOGETHER: i64 = 500;

/// How long a message may take: a new process has to connect first.
const PATIENCE: Duration = Duration::from_secs(20);

/// Tells a process that it is the device, and what it is to do.
const ROLE: &str = "KILLS_TEST_DEVICE";

/// The test runs itself as the device: a process that stores messages, or sends them, until it is killed.
///
/// A number that was about to be stored when the process was killed is not used again: nobody knows whether it was.
#[tokio::test]
async fn what_was_stored_arrives_once_and_in_order() -> TestResult {
    if let Ok(role) = std::env::var(ROLE) {
        return run_device(&role).await;
    }
    let site = Site::start().await?;
    let directory = tempfile::tempdir()?;
    let spawn = |task: &str| spawn(&site, directory.path(), task);

    // It pairs, and learns where the broker is.
    let mut child = spawn("connect")?;
    assert_eq!(lines(&mut child)?.next().as_deref(), Some("connected"));
    end(child)?;
    site.device
        .refuse_connections(1_000_000_000, Refusal::ServerUnavailable);

    let full = std::env::var_os("ASTARTE_FULL").is_some_and(|full| full == "1");
    let messages = if full { 10 * MESSAGES } else { MESSAGES };
    let mut stored = Vec::new();
    let mut next = 0;
    for part in 1..=4 {
        let mut child = spawn(&format!("store {next}"))?;
        for line in lines(&mut child)? {
            stored.push(line.parse::<i64>()?);
            if stored.len() as i64 >= messages * part / 4 {
                break;
            }
        }
        end(child)?;
        next = stored.last().map_or(0, |last| last + TOGETHER + 1);
    }

    site.device.heal();
    // Some may have been stored that were not said to be: the last that was is the end.
    let last = *stored.last().ok_or("nothing was stored")?;
    let mut arrived = Vec::new();
    for until in [last / 100, last / 3, last / 2, last] {
        let child = spawn("connect")?;
        while arrived.last().is_none_or(|value| *value < until) {
            let message = site.device.received(USAGE, "/m/energy");
            arrived.push(value(&message.within(PATIENCE).await?));
        }
        end(child)?;
    }
    assert!(
        arrived.is_sorted_by(|one, other| one < other),
        "in order, and once each"
    );
    let missing = stored
        .iter()
        .filter(|value| arrived.binary_search(value).is_err());
    assert_eq!(missing.count(), 0);
    Ok(())
}

fn value(message: &Received) -> i64 {
    match message.value() {
        Some(Value::LongInteger(value)) => *value,
        other => panic!("{other:?}"),
    }
}

fn spawn(site: &Site, directory: &Path, task: &str) -> std::io::Result<Child> {
    let id = site.device.id();
    let secret = site.device.credentials_secret().unwrap_or_default();
    let ca = directory.join("ca.pem");
    std::fs::write(&ca, site.sandbox.ca_pem())?;
    let role = [
        site.sandbox.realm(),
        &id.to_string(),
        site.sandbox.pairing_url(),
        &secret,
        &directory.display().to_string(),
        task,
    ];
    Command::new(std::env::current_exe()?)
        .args([
            "what_was_stored_arrives_once_and_in_order",
            "--exact",
            "--nocapture",
        ])
        .env(ROLE, role.join("\n"))
        .stdout(Stdio::piped())
        .spawn()
}

/// What the device says; the test runner's own lines end with other characters.
fn lines(child: &mut Child) -> Result<impl Iterator<Item = String>, &'static str> {
    let output = child.stdout.take().ok_or("it is piped")?;
    let lines = BufReader::new(output).lines().map_while(Result::ok);
    Ok(lines.filter_map(|line| line.strip_prefix("device: ").map(str::to_owned)))
}

fn end(mut child: Child) -> std::io::Result<()> {
    child.kill()?;
    child.wait().map(drop)
}

async fn run_device(role: &str) -> Result<(), Box<dyn std::error::Error>> {
    let [realm, id, url, secret, directory, task] = *role.split('\n').collect::<Vec<_>>() else {
        return Err(role.into());
    };
    let ca = std::fs::read(Path::new(directory).join("ca.pem"))?;
    let config = Config::new(realm.parse()?, id.parse()?)
        .pairing(url, secret)
        .tls(Tls::new().add_root_certificates_pem(&ca)?)
        .directory(directory)
        .stored(1_000_000, 1 << 30)
        .backoff(Duration::from_millis(1), Duration::from_millis(50));
    let mut builder = Device::builder(config);
    let usage = builder.interface::<Usage>();
    match task.split_once(' ') {
        Some((_, first)) => store(builder, usage, first.parse()?).await,
        None => {
            let _device = builder.connect().await?;
            println!("\ndevice: connected");
            std::future::pending().await
        }
    }
}

/// Stores messages for ever, without a connection.
async fn store(
    builder: Builder,
    usage: Handle<Usage>,
    first: i64,
) -> Result<(), Box<dyn std::error::Error>> {
    let mut status = builder.status();
    let _connecting = tokio::spawn(builder.connect());
    while !matches!(status.recv().await, Some(Status::Connecting)) {}
    println!();
    for batch in (0..).map(|batch| first + batch * TOGETHER) {
        let sending = (batch..batch + TOGETHER)
            .map(|value| usage.send(usage::Energy { meter: "m" }, value))
            .collect();
        let failed = all(sending).await;
        assert_eq!(failed, 0);
        for value in batch..batch + TOGETHER {
            println!("device: {value}");
        }
    }
    Ok(())
}

/// Sends all at a time, in their order; returns how many failed.
async fn all(mut sending: Vec<Sending>) -> usize {
    let mut failed = 0;
    std::future::poll_fn(|cx| {
        sending.retain_mut(|sending| match Pin::new(sending).poll(cx) {
            Poll::Ready(outcome) => {
                failed += usize::from(outcome.is_err());
                false
            }
            Poll::Pending => true,
        });
        if sending.is_empty() {
            Poll::Ready(failed)
        } else {
            Poll::Pending
        }
    })
    .await
}
