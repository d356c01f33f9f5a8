//! A process that stores all the time, and is killed at any moment.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
    sync::{
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use astarte_runtime::store::{
    Durability, PropertyStore, RedbStore, RetentionChange, RetentionStore, SessionChange,
    SessionStore,
};
use astarte_tests::TestResult;

use super::{append, messages, stored};

/// What was acknowledged before a kill is there after it, nothing is there twice, and the file opens.
///
/// The test runs itself as the process that stores: it tells what it is about to do and what is done.
#[test]
fn a_kill_at_any_moment_loses_nothing() -> TestResult {
    if let Ok(file) = env::var(ROLE) {
        return store_until_killed(Path::new(&file));
    }
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("store.redb");
    let mut told = Told::default();
    let rounds = match env::var("ASTARTE_FULL") {
        Ok(full) if full == "1" => 500,
        _ => 50,
    };
    let mut random = Random(u64::from(std::process::id()) | 1);
    println!("seed {}", random.0);
    let mut stored = 0;
    for round in 0..rounds {
        if round % 10 == 9 {
            // A new file is killed while it is made, too.
            std::fs::remove_file(&file)?;
            told = Told::default();
        }
        let after = random.below(100) as usize;
        let lines = run(&file, after, Duration::from_micros(random.below(3000)))?;
        for line in &lines {
            told.note(line)?;
        }
        stored += lines
            .iter()
            .filter(|line| line.starts_with("appended"))
            .count();
        told.check(&file)
            .map_err(|error| format!("round {round}: {error}"))?;
    }
    println!("{stored} messages in {rounds} rounds");
    assert!(stored > rounds, "killed too early: {stored} messages");
    Ok(())
}

/// Tells a process that it is the one that stores, and where.
const ROLE: &str = "STORE_TEST_FILE";

/// Runs the process until it has told `after` lines and for a while more, and returns all lines.
fn run(
    file: &Path,
    after: usize,
    more: Duration,
) -> Result<Vec<String>, Box<dyn std::error::Error>> {
    let mut child = Command::new(env::current_exe()?)
        .args([
            "kill::a_kill_at_any_moment_loses_nothing",
            "--exact",
            "--nocapture",
        ])
        .env(ROLE, file)
        .stdout(Stdio::piped())
        .spawn()?;
    let output = BufReader::new(child.stdout.take().ok_or("it is piped")?);
    let (sender, lines) = mpsc::channel();
    let reader = thread::spawn(move || {
        // Sending fails when nobody reads any more.
        output
            .lines()
            .map_while(Result::ok)
            .try_for_each(|line| sender.send(line))
    });
    let limit = Duration::from_secs(60);
    while lines.recv_timeout(limit)? != "begun" {}
    let mut told = Vec::new();
    while told.len() < after {
        told.push(lines.recv_timeout(limit)?);
    }
    // The moment between two lines is to be any.
    if let Ok(line) = lines.recv_timeout(more) {
        told.push(line);
    }
    child.kill()?;
    child.wait()?;
    let _ = reader.join().map_err(|_| "the reader has panicked")?;
    told.extend(lines.try_iter());
    Ok(told)
}

const THREADS: u64 = 4;

fn store_until_killed(file: &Path) -> TestResult {
    println!("\nbegun");
    let (store, recovered) = RedbStore::open_or_recover(file)?;
    if let Some(recovered) = recovered {
        println!("damaged {recovered:?}");
        return Ok(());
    }
    let next = AtomicU64::new(store.backlog()?.last + 1);
    thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                let (store, next) = (&store, &next);
                scope.spawn(move || store_all_the_time(store, next, thread))
            })
            .collect();
        for thread in threads {
            if let Ok(Err(error)) = thread.join() {
                println!("failed {error}");
            }
        }
    });
    Ok(())
}

fn store_all_the_time(store: &RedbStore, next: &AtomicU64, thread: u64) -> Result<(), String> {
    let text = |error| format!("{error:?}");
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        println!("append {number}");
        store
            .apply_retention(&[append(number, &payload(number))])
            .map_err(text)?;
        println!("appended {number}");
        println!("set {thread} {number}");
        let value = number.to_be_bytes();
        store
            .apply(&[stored(&format!("/{thread}"), &value)])
            .map_err(text)?;
        println!("was_set {thread} {number}");
        if number.is_multiple_of(3) {
            let oldest = store.load_messages(0, 2, u64::MAX).map_err(text)?;
            for message in oldest {
                let sequence = message.sequence;
                println!("remove {sequence}");
                store
                    .apply_retention(&[RetentionChange::Remove { sequence }])
                    .map_err(text)?;
                println!("removed {sequence}");
            }
        }
        if number.is_multiple_of(16) {
            let changes = [
                SessionChange::Begin {
                    broker: format!("broker:{thread}"),
                    highest_id: thread as u16,
                },
                SessionChange::Received(thread as u16 + 1),
            ];
            store.apply_session(&changes).map_err(text)?;
        }
    }
}

/// Of less and of more than a page.
fn payload(number: u64) -> Vec<u8> {
    let length = if number.is_multiple_of(20) {
        9000
    } else {
        number % 300
    };
    number
        .to_be_bytes()
        .into_iter()
        .cycle()
        .take(length as usize)
        .collect()
}

/// What the processes have told.
#[derive(Default)]
struct Told {
    append: BTreeSet<u64>,
    appended: BTreeSet<u64>,
    remove: BTreeSet<u64>,
    removed: BTreeSet<u64>,
    /// What was about to be set, by thread.
    set: BTreeMap<u64, u64>,
    was_set: BTreeMap<u64, u64>,
}

impl Told {
    fn note(&mut self, line: &str) -> TestResult {
        let words: Vec<_> = line.split(' ').collect();
        let number = |word: &str| word.parse::<u64>();
        match words[..] {
            ["append", n] => self.append.insert(number(n)?),
            ["appended", n] => self.appended.insert(number(n)?),
            ["remove", n] => self.remove.insert(number(n)?),
            ["removed", n] => self.removed.insert(number(n)?),
            ["set", thread, n] => self.set.insert(number(thread)?, number(n)?).is_none(),
            ["was_set", thread, n] => self.was_set.insert(number(thread)?, number(n)?).is_none(),
            _ => return Err(format!("the process says {line:?}").into()),
        };
        Ok(())
    }

    fn check(&mut self, file: &Path) -> TestResult {
        let (store, recovered) = RedbStore::open_or_recover(file)?;
        assert_eq!(recovered, None);
        let messages = messages(&store)?;
        for message in &messages {
            let number = message.sequence;
            assert!(self.append.contains(&number), "{number} was not stored");
            assert!(!self.removed.contains(&number), "{number} was removed");
            assert_eq!(message.payload, payload(number));
        }
        let present: BTreeSet<_> = messages.iter().map(|message| message.sequence).collect();
        let lost: Vec<_> = self
            .appended
            .difference(&present)
            .filter(|number| !self.remove.contains(number))
            .collect();
        assert!(lost.is_empty(), "{lost:?} were acknowledged and are lost");
        let last = store.backlog()?.last;
        assert!(
            self.appended
                .last()
                .is_none_or(|appended| *appended <= last)
        );

        // What was in flight is decided now.
        self.appended = present.clone();
        self.removed.extend(self.remove.difference(&present));
        self.remove.retain(|number| self.removed.contains(number));

        let rows = store.load_all()?;
        for thread in 0..THREADS {
            let path = format!("/{thread}");
            let row = rows.iter().find(|row| row.path == path);
            let value = row.and_then(|row| row.payload.first_chunk().copied());
            let value = value.map(u64::from_be_bytes);
            let was_set = self.was_set.get(&thread).copied();
            let in_flight = self.set.remove(&thread);
            assert!(
                value == was_set || value.is_some() && value == in_flight,
                "{path} is {value:?}, {was_set:?} was acknowledged and {in_flight:?} in flight"
            );
            self.was_set.extend(value.map(|value| (thread, value)));
        }
        assert!(rows.len() as u64 <= THREADS);
        if let Some(session) = store.load_session()? {
            assert_eq!(session.received, BTreeSet::from([session.highest_id + 1]));
        }
        Ok(())
    }
}

/// With less durability a killed process loses nothing either: the system has what no disk has yet.
#[test]
fn a_kill_of_a_relaxed_store_loses_nothing() -> TestResult {
    if let Ok(file) = env::var(RELAXED_ROLE) {
        let durability = Durability::Relaxed {
            every: Duration::from_secs(3600),
            commits: u32::MAX,
        };
        let store = RedbStore::builder().durability(durability).open(file)?;
        let first = store.backlog()?.last + 1;
        println!("\nbegun");
        for number in first.. {
            store.apply_retention(&[append(number, &payload(number))])?;
            println!("appended {number}");
        }
    }
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("store.redb");
    let mut random = Random(u64::from(std::process::id()) | 1);
    let mut last = 0;
    for round in 0..10 {
        let mut child = Command::new(env::current_exe()?)
            .args([
                "kill::a_kill_of_a_relaxed_store_loses_nothing",
                "--exact",
                "--nocapture",
            ])
            .env(RELAXED_ROLE, &file)
            .stdout(Stdio::piped())
            .spawn()?;
        let output = BufReader::new(child.stdout.take().ok_or("it is piped")?);
        let mut lines = output.lines().map_while(Result::ok);
        assert!(lines.any(|line| line == "begun"), "round {round}");
        let told: Vec<_> = lines.by_ref().take(random.below(60) as usize + 1).collect();
        child.kill()?;
        child.wait()?;
        let told = lines
            .last()
            .or_else(|| told.last().cloned())
            .ok_or("it stores")?;
        let told: u64 = told.trim_start_matches("appended ").parse()?;
        let messages = messages(&RedbStore::open(&file)?)?;
        let numbers: Vec<_> = messages.iter().map(|message| message.sequence).collect();
        assert!(
            numbers.iter().copied().eq(1..=numbers.len() as u64),
            "round {round}: a gap"
        );
        let found = numbers.len() as u64;
        assert!(
            (told..=told + 1).contains(&found),
            "round {round}: {told} were told, {found} are there"
        );
        last = found;
    }
    assert!(last > 10, "killed too early: {last} messages");
    Ok(())
}

/// Tells a process that it is the one that stores with less durability, and where.
const RELAXED_ROLE: &str = "STORE_TEST_RELAXED_FILE";

/// Moments that differ from run to run (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) % end
    }
}
