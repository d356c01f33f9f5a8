//! A device that starts with many messages, after it was closed or killed.

use std::{
    env,
    error::Error,
    fs,
    io::BufRead as _,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use astarte_runtime::store::{Durability, RedbStore, RetentionChange, RetentionStore as _};

use super::message;
use crate::{
    sqlite::SqliteStore,
    table::{head, median, row, size, time},
};

const ROUNDS: usize = 5;
const BATCH: u64 = 1000;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// What a store needs to be measured here.
struct Kind {
    name: &'static str,
    fill: fn(&Path, u64) -> Outcome<()>,
    /// Opens the file, reads the counters and the first messages, and returns the time it took.
    start: fn(&Path, u64) -> Outcome<Duration>,
    compact: fn(&Path) -> Outcome<()>,
}

const KINDS: [Kind; 2] = [
    Kind {
        name: "redb",
        fill: |path, rows| {
            let store = RedbStore::open(path)?;
            for first in (1..=rows).step_by(BATCH as usize) {
                store.apply_retention(&batch(first, rows))?;
            }
            Ok(())
        },
        start: |path, rows| {
            let begin = Instant::now();
            let (store, recovered) = RedbStore::open_or_recover(path)?;
            assert!(recovered.is_none() && store.backlog()?.last >= rows);
            assert_eq!(store.load_messages(0, 100, u64::MAX)?.len(), 100);
            Ok(begin.elapsed())
        },
        // It is when the file is closed.
        compact: |_| Ok(()),
    },
    Kind {
        name: "SQLite",
        fill: |path, rows| {
            let store = SqliteStore::open(path, "FULL")?;
            for first in (1..=rows).step_by(BATCH as usize) {
                store.apply_retention(&batch(first, rows))?;
            }
            Ok(())
        },
        start: |path, rows| {
            let begin = Instant::now();
            let store = SqliteStore::open(path, "FULL")?;
            assert!(store.backlog()?.last >= rows);
            assert_eq!(store.load_messages(0, 100)?.len(), 100);
            Ok(begin.elapsed())
        },
        compact: |path| Ok(SqliteStore::open(path, "FULL")?.compact()?),
    },
];

fn batch(first: u64, rows: u64) -> Vec<RetentionChange> {
    let last = (first + BATCH - 1).min(rows);
    (first..=last)
        .map(|sequence| RetentionChange::Append(message(sequence)))
        .collect()
}

pub(crate) fn measure(rows: u64) -> Outcome<()> {
    let directory = tempfile::tempdir_in(".")?;
    let mut lines = Vec::new();
    for kind in &KINDS {
        let file = directory.path().join(kind.name);
        let begin = Instant::now();
        (kind.fill)(&file, rows)?;
        let filled = begin.elapsed();
        let written = length(&file)?;
        (kind.compact)(&file)?;
        let compacted = length(&file)?;
        let start = |file: &Path| (kind.start)(file, rows);
        let mut clean = Vec::new();
        let mut killed = Vec::new();
        for _ in 0..ROUNDS {
            clean.push(start(&file)?.as_secs_f64());
            kill(kind.name, &file)?;
            killed.push(start(&file)?.as_secs_f64());
        }
        let moment = |times: &mut [f64]| time(Duration::from_secs_f64(median(times)));
        lines.push((
            kind.name,
            vec![
                time(filled),
                moment(&mut clean),
                moment(&mut killed),
                size(written),
                size(compacted),
            ],
        ));
    }
    let title = format!("{rows} messages");
    head(
        &title,
        &[
            "stored",
            "start",
            "start after SIGKILL",
            "file",
            "compacted",
        ],
    );
    for (name, cells) in lines {
        row(name, &cells);
    }
    Ok(())
}

/// The file and what belongs to it.
fn length(file: &Path) -> Outcome<u64> {
    let mut length = fs::metadata(file)?.len();
    for suffix in ["-wal", "-shm", ".journal"] {
        let mut name = file.as_os_str().to_owned();
        name.push(suffix);
        length += fs::metadata(name).map_or(0, |metadata| metadata.len());
    }
    Ok(length)
}

/// Lets a process store messages, and kills it.
fn kill(name: &str, file: &Path) -> Outcome<()> {
    let mut child = Command::new(env::current_exe()?)
        .args(["--crash", name])
        .arg(file)
        .stdout(Stdio::piped())
        .spawn()?;
    let output = child.stdout.take().ok_or("it is piped")?;
    let stored = std::io::BufReader::new(output)
        .lines()
        .map_while(Result::ok);
    if stored.take(100).count() < 100 {
        return Err("the process has ended by itself".into());
    }
    child.kill()?;
    child.wait()?;
    Ok(())
}

/// The process that is killed.
pub(crate) fn crash(name: &str, file: &str) -> Outcome<()> {
    let file = Path::new(file);
    let append = |sequence| [RetentionChange::Append(message(sequence))];
    if name == "redb" {
        let store = RedbStore::builder()
            .durability(Durability::Immediate)
            .open(file)?;
        for sequence in store.backlog()?.last + 1.. {
            store.apply_retention(&append(sequence))?;
            println!("{sequence}");
        }
    }
    let store = SqliteStore::open(file, "FULL")?;
    for sequence in store.backlog()?.last + 1.. {
        store.apply_retention(&append(sequence))?;
        println!("{sequence}");
    }
    Ok(())
}
