//! Messages of the retention `stored`, each durable when its sender goes on.

use std::{
    error::Error,
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use astarte_runtime::store::{Durability, RedbStore, RetentionStore as _};

use super::sent;
use crate::{
    sqlite::SqliteStore,
    table::{head, median, rate, row},
};

/// Many and short, because the speed of a disk drifts.
const ROUNDS: usize = 41;
const TIME: Duration = Duration::from_millis(100);

type Send = Box<dyn Fn(u64) + Sync>;

pub(crate) fn measure() -> Result<(), Box<dyn Error>> {
    let directory = tempfile::tempdir_in(".")?;
    let file = |name: &str| directory.path().join(name);
    let relaxed = Durability::Relaxed {
        every: Duration::from_millis(100),
        commits: 1000,
    };
    let redb = |name: &str, durability| -> Result<Send, Box<dyn Error>> {
        let store = RedbStore::builder()
            .durability(durability)
            .open(file(name))?;
        Ok(Box::new(move |sequence| {
            store
                .apply_retention(&sent(sequence))
                .expect("it is stored");
        }))
    };
    let sqlite = |name: &str, synchronous, grouped| -> Result<Send, Box<dyn Error>> {
        let store = SqliteStore::open(&file(name), synchronous)?;
        Ok(Box::new(move |sequence| {
            let changes = sent(sequence);
            let stored = match grouped {
                true => store.apply_retention_grouped(&changes),
                false => store.apply_retention(&changes),
            };
            stored.expect("it is stored");
        }))
    };
    let durable: Vec<(&str, Send)> = vec![
        ("redb, immediate", redb("immediate", Durability::Immediate)?),
        ("SQLite, FULL", sqlite("full", "FULL", false)?),
        (
            "SQLite, FULL, group commit",
            sqlite("full-group", "FULL", true)?,
        ),
    ];
    let relaxed: Vec<(&str, Send)> = vec![
        ("redb, relaxed", redb("relaxed", relaxed)?),
        ("SQLite, NORMAL", sqlite("normal", "NORMAL", false)?),
        (
            "SQLite, NORMAL, group commit",
            sqlite("normal-group", "NORMAL", true)?,
        ),
    ];
    for stores in [durable, relaxed] {
        head(
            "stored sends",
            &["1 sender", "ratio", "64 senders", "ratio"],
        );
        let mut next: Vec<_> = stores.iter().map(|_| AtomicU64::new(1)).collect();
        let mut medians = Vec::new();
        for senders in [1, 64] {
            let mut rates = vec![Vec::new(); stores.len()];
            for _ in 0..ROUNDS {
                for ((rates, (_, send)), next) in rates.iter_mut().zip(&stores).zip(&mut next) {
                    rates.push(per_second(senders, send, next));
                }
            }
            medians.push(
                rates
                    .iter_mut()
                    .map(|rates| median(rates))
                    .collect::<Vec<_>>(),
            );
        }
        for (number, (name, _)) in stores.iter().enumerate() {
            let cells = medians.iter().flat_map(|medians| {
                [
                    rate(medians[number]),
                    format!("{:.2}", medians[number] / medians[0]),
                ]
            });
            row(name, &cells.collect::<Vec<_>>());
        }
    }
    Ok(())
}

fn per_second(senders: usize, send: &Send, next: &AtomicU64) -> f64 {
    let (first, begin) = (next.load(Ordering::Relaxed), Instant::now());
    thread::scope(|scope| {
        for _ in 0..senders {
            scope.spawn(|| {
                while begin.elapsed() < TIME {
                    send(next.fetch_add(1, Ordering::Relaxed));
                }
            });
        }
    });
    (next.load(Ordering::Relaxed) - first) as f64 / begin.elapsed().as_secs_f64()
}
