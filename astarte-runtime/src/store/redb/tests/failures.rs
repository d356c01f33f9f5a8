//! A disk that fails for a while: what was promised is kept, what was refused can be done again.

use std::{io, sync::Arc};

use super::{
    Contents, append,
    crashes::{prefixes, script, settings},
    disk::{Disk, Fault},
    sequences, stored,
};
use crate::store::{
    Change, Property, PropertyStore, RetentionStore, State, StoreError,
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
        for length in [1, 4] {
            for kind in [io::ErrorKind::StorageFull, io::ErrorKind::Other] {
                let mut first = 0;
                loop {
                    let disk = Disk::default();
                    let store = RedbStore::on(Arc::new(disk.clone()), options.clone()).unwrap();
                    let from = disk.steps() + 1 + first;
                    disk.fail(Some(Fault {
                        from,
                        to: from + length,
                        kind,
                    }));
                    let mut failures = 0;
                    for (number, call) in script.iter().enumerate() {
                        while let Err(error) = call.apply(&store) {
                            failures += 1;
                            assert!(failures <= length + 1, "{name}, step {first}: {error:?}");
                            assert_eq!(
                                matches!(error, StoreError::Full(_)),
                                kind == io::ErrorKind::StorageFull,
                                "{name}, step {first}: {error:?}"
                            );
                        }
                        let found = Contents::of(&store);
                        assert_eq!(found, prefixes[number + 1], "{name}, step {first}");
                    }
                    drop(store);
                    disk.fail(None);
                    let store = RedbStore::on(Arc::new(disk.clone()), options.clone()).unwrap();
                    assert_eq!(
                        Contents::of(&store),
                        prefixes[script.len()],
                        "{name}, step {first}"
                    );
                    if disk.steps() < from {
                        break;
                    }
                    first += 3;
                }
            }
        }
    }
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

/// Reading goes on where only new space is missing: the file is opened again without any.
#[test]
fn a_disk_without_new_space_can_be_read() {
    let directory = tempfile::tempdir().unwrap();
    let store = RedbStore::open(directory.path().join("store.redb")).unwrap();
    store.apply(&[stored("/a", b"1")]).unwrap();
    let refused = store.apply(&[Change::Store(Property {
        state: State::Sent,
        interface: "a\0b".into(),
        ..super::property("/b", b"1")
    })]);
    assert!(
        matches!(refused, Err(StoreError::Refused(_))),
        "{refused:?}"
    );
    assert_eq!(store.load_all().unwrap().len(), 1);
}
