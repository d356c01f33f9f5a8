//! Less durability than usual.

use std::{io, sync::Arc, time::Duration};

use super::{
    append,
    disk::{Disk, Fault, Name, Step, What},
    sequences, soon,
};
use crate::store::{
    RetentionStore, StoreError,
    redb::{
        RedbStore,
        options::{Durability, Options},
    },
};

fn relaxed(every: Duration, commits: u32) -> Options {
    Options {
        durability: Durability::Relaxed { every, commits },
        ..Options::default()
    }
}

const NEVER: Duration = Duration::from_secs(3600);

#[test]
fn relaxed_writes_are_synced_together() {
    let disk = Disk::default();
    let store = RedbStore::on(Arc::new(disk.clone()), relaxed(NEVER, 10)).unwrap();
    // The first one begins the journal.
    store.apply_retention(&[append(1, b"1")]).unwrap();
    disk.take_log();
    for sequence in 2..=10 {
        store.apply_retention(&[append(sequence, b"1")]).unwrap();
    }
    assert_eq!(disk.syncs(), 0);
    assert_eq!(sequences(&store).len(), 10, "what is in memory is read");
    // The file may have grown for that.
    disk.take_log();
    store.apply_retention(&[append(11, b"1")]).unwrap();
    assert_eq!(disk.syncs(), 1);
    let synced = RedbStore::on(Arc::new(Disk::of(disk.image())), Options::default()).unwrap();
    assert_eq!(sequences(&synced).len(), 11);
}

/// What the store has given to the system survives the process.
#[test]
fn a_killed_process_loses_nothing() {
    let disk = Disk::default();
    let store = RedbStore::on(Arc::new(disk.clone()), relaxed(NEVER, u32::MAX)).unwrap();
    for sequence in 1..=100 {
        store.apply_retention(&[append(sequence, b"1")]).unwrap();
    }
    let left = Disk::of(disk.image());
    let found = RedbStore::on(Arc::new(left.clone()), relaxed(NEVER, u32::MAX)).unwrap();
    assert_eq!(sequences(&found).len(), 100);
    let synced = |step: &Step| matches!(step, Step::Sync(Name::Journal));
    assert!(
        left.take_log().iter().any(synced),
        "what is found is lost by no power cut any more"
    );
}

#[test]
fn dropping_the_last_handle_writes_what_is_left() {
    let disk = Disk::default();
    let store = RedbStore::on(Arc::new(disk.clone()), relaxed(NEVER, u32::MAX)).unwrap();
    store.apply_retention(&[append(1, b"1")]).unwrap();
    let clone = store.clone();
    drop(store);
    clone.apply_retention(&[append(2, b"1")]).unwrap();
    drop(clone);
    let store = RedbStore::on(Arc::new(Disk::of(disk.image())), Options::default()).unwrap();
    assert_eq!(sequences(&store), [1, 2]);
}

#[test]
fn relaxed_writes_are_synced_after_a_while() {
    let disk = Disk::default();
    let every = Duration::from_millis(20);
    let store = RedbStore::on(Arc::new(disk.clone()), relaxed(every, u32::MAX)).unwrap();
    for sequence in 1..=3 {
        disk.take_log();
        store.apply_retention(&[append(sequence, b"1")]).unwrap();
        soon(|| disk.syncs() > 0);
    }
    drop(store);
}

#[test]
fn the_next_call_is_told_that_a_promise_was_not_kept() {
    let disk = Disk::default();
    let every = Duration::from_millis(1);
    let store = RedbStore::on(Arc::new(disk.clone()), relaxed(every, u32::MAX)).unwrap();
    store.apply_retention(&[append(1, b"1")]).unwrap();
    disk.fail(Some(Fault {
        from: 0,
        to: usize::MAX,
        kind: io::ErrorKind::StorageFull,
        what: What::Syncs,
    }));
    store.apply_retention(&[append(2, b"1")]).unwrap();
    // The journal's sync fails first, and then that of the database, which was to make up for it.
    soon(|| disk.has_failed(Name::Database));
    disk.fail(None);
    // Until the thread has told, calls succeed.
    let mut last = 2;
    let mut error = None;
    soon(|| {
        last += 1;
        error = store.apply_retention(&[append(last, b"1")]).err();
        error.is_some()
    });
    assert!(matches!(error, Some(StoreError::Full(_))), "{error:?}");
    store.apply_retention(&[append(last + 1, b"1")]).unwrap();
    assert!(sequences(&store).contains(&(last + 1)));
}
