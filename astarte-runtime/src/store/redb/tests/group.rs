//! Calls that come at the same time.

use std::{
    sync::{Arc, Barrier},
    thread,
};

use super::{
    append,
    disk::{Disk, Name, Step},
    message, sequences, soon, stored,
};
use crate::store::{
    PropertyStore, RetainedMessage, RetentionChange, RetentionStore, StoreError,
    redb::{RedbStore, options::Options},
};

const THREADS: u64 = 16;
const CALLS: u64 = 20;

#[test]
fn calls_at_the_same_time_share_syncs() {
    let disk = Disk::default();
    let store = RedbStore::on(Arc::new(disk.clone()), Options::default()).unwrap();
    disk.take_log();
    let start = Barrier::new(THREADS as usize);
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (store, start) = (&store, &start);
            scope.spawn(move || {
                start.wait();
                for call in 1..=CALLS {
                    let sequence = thread * CALLS + call;
                    store.apply_retention(&[append(sequence, b"1")]).unwrap();
                    let loaded = store.load_messages(sequence - 1, 1, 0).unwrap();
                    assert_eq!(
                        loaded,
                        [message(sequence, b"1")],
                        "not there when it returned"
                    );
                    store
                        .apply(&[stored(&format!("/{thread}"), &[call as u8])])
                        .unwrap();
                }
            });
        }
    });
    let expected: Vec<u64> = (1..=THREADS * CALLS).collect();
    assert_eq!(sequences(&store), expected);
    assert_eq!(store.backlog().unwrap().messages, THREADS * CALLS);
    let rows = store.load_all().unwrap();
    assert!(rows.len() == THREADS as usize && rows.iter().all(|row| *row.payload == [CALLS as u8]));
    let syncs = disk.syncs();
    assert!(
        syncs < (2 * THREADS * CALLS) as usize / 2,
        "{syncs} syncs for {} calls",
        2 * THREADS * CALLS
    );
}

/// What is stored is read at once, while a record waits for the disk, and while a checkpoint does.
#[test]
fn who_reads_does_not_wait_for_the_disk() {
    let disk = Disk::default();
    let options = Options {
        journal: 4 << 10,
        ..Options::default()
    };
    let store = RedbStore::on(Arc::new(disk.clone()), options).unwrap();
    let mut checkpoints = 0;
    for sequence in 1..=200 {
        if sequence <= 100 {
            // The file grows for what follows.
            store.apply_retention(&[append(sequence, b"1")]).unwrap();
            assert_eq!(store.backlog().unwrap().messages, sequence);
            continue;
        }
        disk.take_log();
        disk.hold_syncs(true);
        // Not in a scope, which would wait for ever where this fails.
        let (writing, reading) = (store.clone(), store.clone());
        let writer = thread::spawn(move || writing.apply_retention(&[append(sequence, b"1")]));
        soon(|| disk.held_syncs() == 1);
        let reader = thread::spawn(move || reading.backlog());
        soon(|| reader.is_finished());
        let backlog = reader.join().unwrap().unwrap();
        assert_eq!(backlog.messages, sequence - 1);
        disk.hold_syncs(false);
        writer.join().unwrap().unwrap();
        let checkpoint = |step: &Step| matches!(step, Step::Sync(Name::Database));
        checkpoints += u32::from(disk.take_log().iter().any(checkpoint));
    }
    assert!(checkpoints > 1, "{checkpoints} checkpoints");
    assert_eq!(store.backlog().unwrap().messages, 200);
}

/// A change that cannot be kept is an error of the one who made it.
#[test]
fn a_refused_change_fails_nobody_else() {
    let store = RedbStore::in_memory().unwrap();
    let unfit = RetentionChange::Append(RetainedMessage {
        path: "/".repeat(70_000),
        ..message(1_000_000, b"1")
    });
    let start = Barrier::new(THREADS as usize);
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (store, start, unfit) = (&store, &start, &unfit);
            scope.spawn(move || {
                start.wait();
                for call in 1..=CALLS {
                    let sequence = thread * CALLS + call;
                    if thread % 4 == 0 {
                        let changes = [append(sequence, b"1"), unfit.clone()];
                        let error = store.apply_retention(&changes).unwrap_err();
                        assert!(matches!(error, StoreError::Refused(_)), "{error:?}");
                        assert!(error.to_string().contains("70000 bytes"), "{error}");
                    } else {
                        store.apply_retention(&[append(sequence, b"1")]).unwrap();
                    }
                }
            });
        }
    });
    let good = (0..THREADS).filter(|thread| thread % 4 != 0);
    let expected: Vec<u64> = good
        .flat_map(|thread| thread * CALLS + 1..=thread * CALLS + CALLS)
        .collect();
    assert_eq!(
        sequences(&store),
        expected,
        "all of a refused call is refused"
    );
    assert_eq!(store.backlog().unwrap().messages, expected.len() as u64);
}
