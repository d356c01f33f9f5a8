//! Properties: set, durable when the call returns, and read.

use std::{
    error::Error,
    time::{Duration, Instant},
};

use astarte_runtime::{
    Ownership,
    store::{Change, Durability, Property, PropertyStore as _, RedbStore, State},
};

use crate::{
    sqlite::SqliteStore,
    table::{head, median, rate, row, time},
};

/// Many and short, because the speed of a disk drifts.
const ROUNDS: usize = 41;
const TIME: Duration = Duration::from_millis(60);
/// How many properties the device has.
const PROPERTIES: u64 = 500;

const INTERFACE: &str = "org.example.thermostat.Settings";

fn property(number: u64) -> Property<'static> {
    Property {
        interface: INTERFACE.into(),
        major: 1,
        path: path(number).into(),
        ownership: Ownership::Device,
        state: State::Unsent,
        // Never twice the same for a path: SQLite writes nothing then, and the device does not ask for it.
        payload: number.to_le_bytes().repeat(2).into(),
    }
}

fn path(number: u64) -> String {
    format!("/room-{:03}/target", number % PROPERTIES)
}

struct Store {
    name: &'static str,
    set: Box<dyn Fn(u64)>,
    get: Box<dyn Fn(u64)>,
}

pub(crate) fn measure() -> Result<(), Box<dyn Error>> {
    let directory = tempfile::tempdir_in(".")?;
    let relaxed = Durability::Relaxed {
        every: Duration::from_millis(100),
        commits: 1000,
    };
    let redb = |name, durability| -> Result<Store, Box<dyn Error>> {
        let file = directory.path().join(name);
        let store = RedbStore::builder().durability(durability).open(file)?;
        let reader = store.clone();
        Ok(Store {
            name,
            set: Box::new(move |number| {
                store
                    .apply(&[Change::Store(property(number))])
                    .expect("it is stored");
            }),
            get: Box::new(move |number| {
                let row = reader
                    .load(INTERFACE, 1, &path(number))
                    .expect("it is read");
                assert!(row.is_some());
            }),
        })
    };
    let sqlite = |name, synchronous| -> Result<Store, Box<dyn Error>> {
        let store = std::rc::Rc::new(SqliteStore::open(
            &directory.path().join(name),
            synchronous,
        )?);
        let reader = store.clone();
        Ok(Store {
            name,
            set: Box::new(move |number| {
                store
                    .apply(&[Change::Store(property(number))])
                    .expect("it is stored");
            }),
            get: Box::new(move |number| {
                let row = reader
                    .load(INTERFACE, 1, &path(number))
                    .expect("it is read");
                assert!(row.is_some());
            }),
        })
    };
    let stores = [
        redb("redb, immediate", Durability::Immediate)?,
        sqlite("SQLite, FULL", "FULL")?,
        redb("redb, relaxed", relaxed)?,
        sqlite("SQLite, NORMAL", "NORMAL")?,
    ];
    for store in &stores {
        for number in 0..PROPERTIES {
            (store.set)(number);
        }
    }
    let mut sets = stores.each_ref().map(|_| Vec::new());
    let mut gets = sets.clone();
    let mut next = PROPERTIES;
    for _ in 0..ROUNDS {
        for (number, store) in stores.iter().enumerate() {
            sets[number].push(per_second(&store.set, &mut next));
            gets[number].push(per_second(&store.get, &mut next));
        }
    }
    let sets = sets.map(|mut rates| median(&mut rates));
    let gets = gets.map(|mut rates| median(&mut rates));
    head("one of 500 properties", &["set", "ratio", "read", "ratio"]);
    for (number, store) in stores.iter().enumerate() {
        // Each beside the one of its own kind.
        let first = number / 2 * 2;
        row(
            store.name,
            &[
                rate(sets[number]),
                format!("{:.2}", sets[number] / sets[first]),
                time(Duration::from_secs_f64(1.0 / gets[number])),
                format!("{:.2}", gets[first] / gets[number]),
            ],
        );
    }
    Ok(())
}

fn per_second(work: &dyn Fn(u64), next: &mut u64) -> f64 {
    let (first, begin) = (*next, Instant::now());
    while begin.elapsed() < TIME {
        // Not in the order of the keys.
        work(*next * 7);
        *next += 1;
    }
    (*next - first) as f64 / begin.elapsed().as_secs_f64()
}
