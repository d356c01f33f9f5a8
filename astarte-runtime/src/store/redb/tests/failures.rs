//! A disk that fails for a while: what was promised is kept, what was refused can be done again.

use std::{io, sync::Arc};

use super::{
    Contents, append,
    crashes::{Call, prefixes, script, settings},
    disk::{Disk, Fault, What},
    property, sequences, stored,
};
use crate::store::{
    Change, Property, PropertyStore, RetentionStore, StoreError,
    redb::{
        RedbStore,
        options::{Durability, Options},
    },
};

/// Every call that fails is made again until it succeeds; then the store holds what it would hold without a failure.
///
/// A commit that failed may be there all the same, which the calls of the script do not mind.
#[test]
fn a_failure_at_any_step_is_survived() {
    let script = script();
    let prefixes = prefixes(&script);
    for (name, options) in settings() {
        if matches!(options.durability, Durability::Relaxed { .. }) {
            // It loses what it had promised, which the cuts test.
            continue;
        }
        // Each step by itself, and some with those behind them.
        for (length, kind, stride) in [
            (1, io::ErrorKind::StorageFull, 1),
            (4, io::ErrorKind::Other, 5),
        ] {
            for first in (0..).step_by(stride) {
                let disk = Disk::default();
                let store = RedbStore::on(Arc::new(disk.clone()), options.clone()).unwrap();
                let from = disk.steps() + 1 + first;
                disk.fail(Some(Fault {
                    from,
                    to: from + length,
                    kind,
                    what: What::All,
                }));
                for (number, call) in script.iter().enumerate() {
                    let failures = repeat(call, &store, kind);
                    assert!(failures <= length, "{name}, step {first}");
                    if failures > 0 {
                        let found = Contents::of(&store);
                        assert_eq!(found, prefixes[number + 1], "{name}, step {first}");
                    }
                }
                drop(store);
                disk.fail(None);
                let store = RedbStore::on(Arc::new(disk.clone()), options.clone()).unwrap();
                let found = Contents::of(&store);
                assert_eq!(found, prefixes[script.len()], "{name}, step {first}");
                if disk.steps() < from {
                    break;
                }
            }
        }
    }
}

/// Makes a call until it succeeds, and returns how often it failed.
fn repeat(call: &Call, store: &RedbStore, kind: io::ErrorKind) -> usize {
    let failures = std::iter::from_fn(|| call.apply(store).err());
    let checked = failures.map(|error| {
        let full = kind == io::ErrorKind::StorageFull;
        assert_eq!(matches!(error, StoreError::Full(_)), full, "{error:?}");
    });
    checked.take(10).count()
}

#[test]
fn a_full_disk_refuses_and_goes_on_when_there_is_space() {
    let disk = Disk::default();
    let store = RedbStore::on(Arc::new(disk.clone()), Options::default()).unwrap();
    store.apply(&[stored("/a", b"1")]).unwrap();
    store.apply_retention(&[append(1, b"1")]).unwrap();
    disk.fail(Some(Fault {
        from: 0,
        to: usize::MAX,
        kind: io::ErrorKind::StorageFull,
        what: What::All,
    }));
    for _ in 0..3 {
        let error = store.apply_retention(&[append(2, b"2")]).unwrap_err();
        assert!(matches!(error, StoreError::Full(_)), "{error:?}");
    }
    disk.fail(None);
    // What was refused is not there, and all that was there still is.
    assert_eq!(sequences(&store), [1]);
    assert_eq!(store.load_all().unwrap().len(), 1);
    store.apply_retention(&[append(2, b"2")]).unwrap();
    assert_eq!(sequences(&store), [1, 2]);
    assert_eq!(store.backlog().unwrap().messages, 2);
}

/// The journal has its space already.
#[test]
fn a_full_disk_takes_what_the_journal_has_room_for() {
    let disk = Disk::default();
    let options = Options {
        journal: 16 << 10,
        ..Options::default()
    };
    let store = RedbStore::on(Arc::new(disk.clone()), options).unwrap();
    store.apply_retention(&[append(1, &[1; 900])]).unwrap();
    disk.fail(Some(Fault {
        from: 0,
        to: usize::MAX,
        kind: io::ErrorKind::StorageFull,
        what: What::NewPages,
    }));
    let mut last = 1;
    let error = loop {
        match store.apply_retention(&[append(last + 1, &[2; 900])]) {
            Ok(()) => {
                last += 1;
                assert_eq!(store.backlog().unwrap().messages, last);
            }
            Err(error) => break error,
        }
    };
    assert!(matches!(error, StoreError::Full(_)), "{error:?}");
    assert!(last > 10, "{last} messages");
    let error = store.apply_retention(&[append(last + 1, &[3; 900])]);
    assert!(matches!(error, Err(StoreError::Full(_))), "{error:?}");
    let held: Vec<u64> = (1..=last).collect();
    assert_eq!(sequences(&store), held, "what was stored is read");
    disk.fail(None);
    store.apply_retention(&[append(last + 1, b"4")]).unwrap();
    assert_eq!(sequences(&store).len() as u64, last + 1);
    drop(store);
    let store = RedbStore::on(Arc::new(disk), Options::default()).unwrap();
    assert_eq!(sequences(&store).len() as u64, last + 1);
}

/// A journal that cannot be written costs time, and nothing else.
#[test]
fn without_a_journal_the_database_is_written() {
    let disk = Disk::default();
    let store = RedbStore::on(Arc::new(disk.clone()), Options::default()).unwrap();
    disk.fail(Some(Fault {
        from: 0,
        to: usize::MAX,
        kind: io::ErrorKind::Other,
        what: What::Journal,
    }));
    for sequence in 1..=5 {
        store.apply_retention(&[append(sequence, b"1")]).unwrap();
    }
    let left = Disk::of(disk.image());
    let found = RedbStore::on(Arc::new(left), Options::default()).unwrap();
    assert_eq!(sequences(&found), [1, 2, 3, 4, 5]);
    disk.fail(None);
    disk.take_log();
    store.apply_retention(&[append(6, b"1")]).unwrap();
    disk.take_log();
    store.apply_retention(&[append(7, b"1")]).unwrap();
    assert_eq!(disk.syncs(), 1, "there is a journal again");
}

/// What the store itself refuses says nothing of the disk.
#[test]
fn a_refused_change_leaves_the_rest() {
    let store = RedbStore::in_memory().unwrap();
    let unfit = Change::Store(Property {
        interface: "a\0b".into(),
        ..property("/b", b"1")
    });
    let refused = store.apply(&[stored("/a", b"1"), unfit]);
    assert!(
        matches!(refused, Err(StoreError::Refused(_))),
        "{refused:?}"
    );
    assert_eq!(store.load_all().unwrap(), []);
    store.apply(&[stored("/a", b"1")]).unwrap();
    let refused = store.apply_retention(&[append(1, b"1"), append(0, b"1")]);
    assert!(
        matches!(refused, Err(StoreError::Refused(_))),
        "{refused:?}"
    );
    assert!(sequences(&store).is_empty());
    assert_eq!(store.load_all().unwrap().len(), 1);
}
