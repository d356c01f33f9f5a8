//! What a [`RetentionStore`] must do.

use std::thread;

use crate::{
    Reliability,
    store::{
        Backlog, ClockReading, RetainedMessage, RetentionChange as Change, RetentionStore, SetAside,
    },
};

fn message(sequence: u64, payload: &[u8]) -> RetainedMessage {
    RetainedMessage {
        sequence,
        interface: "org.example.A".into(),
        major: 1,
        path: "/a".into(),
        reliability: Reliability::Unique,
        expires: None,
        payload: payload.into(),
        released: false,
    }
}

/// What [`message`] counts without its payload.
const BARE: u64 = 15;

fn append(sequence: u64, payload: &[u8]) -> Change {
    Change::Append(message(sequence, payload))
}

fn set_aside(sequence: u64, reason: &str) -> Change {
    Change::SetAside {
        sequence,
        reason: reason.into(),
    }
}

fn remove(sequence: u64) -> Change {
    Change::Remove { sequence }
}

fn release(sequence: u64) -> Change {
    Change::Release { sequence }
}

#[track_caller]
fn apply(store: &impl RetentionStore, changes: &[Change]) {
    store
        .apply_retention(changes)
        .expect("the changes can be stored");
}

#[track_caller]
fn backlog(store: &impl RetentionStore) -> Backlog {
    store.backlog().expect("the store can be read")
}

#[track_caller]
fn load(store: &impl RetentionStore, after: u64, messages: usize, bytes: u64) -> Vec<u64> {
    let loaded = store.load_messages(after, messages, bytes);
    let loaded = loaded.expect("the store can be read");
    loaded.into_iter().map(|message| message.sequence).collect()
}

#[track_caller]
fn load_all(store: &impl RetentionStore) -> Vec<RetainedMessage> {
    store
        .load_messages(0, usize::MAX, u64::MAX)
        .expect("the store can be read")
}

#[track_caller]
fn load_set_aside(store: &impl RetentionStore) -> Vec<SetAside> {
    store.load_set_aside().expect("the store can be read")
}

/// Asserts that the counters are those of the rows.
#[track_caller]
fn check_counters(store: &impl RetentionStore) {
    let (backlog, rows) = (backlog(store), load_all(store));
    let bytes: u64 = rows.iter().map(RetainedMessage::size).sum();
    assert_eq!(
        (backlog.messages, backlog.bytes),
        (rows.len() as u64, bytes)
    );
    assert!(rows.iter().all(|row| row.sequence <= backlog.last));
}

/// Nothing was stored: every counter is 0, and no clock was read.
pub fn a_new_store_is_empty(store: &impl RetentionStore) {
    assert_eq!(backlog(store), Backlog::default());
    assert_eq!(load_all(store), []);
    assert_eq!(load_set_aside(store), []);
}

/// Changes of messages that are not there are no errors, and change nothing.
pub fn absent_messages_may_be_changed(store: &impl RetentionStore) {
    apply(store, &[]);
    apply(
        store,
        &[remove(1), release(1), set_aside(1, "why"), Change::Clear],
    );
    assert_eq!(backlog(store), Backlog::default());
    assert_eq!(load_set_aside(store), []);
    apply(store, &[append(1, b"1")]);
    apply(
        store,
        &[remove(2), release(2), set_aside(2, "why"), remove(u64::MAX)],
    );
    assert_eq!(load_all(store), [message(1, b"1")]);
    check_counters(store);
}

/// Changes of one call are seen all or none, by every thread.
pub fn batches_are_seen_whole(store: &impl RetentionStore) {
    const ROUNDS: u64 = 50;
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            loop {
                let seen = load(store, 0, usize::MAX, u64::MAX).len() as u64;
                assert!(
                    seen.is_multiple_of(3),
                    "a part of a batch was seen: {seen} messages"
                );
                if seen == 3 * ROUNDS {
                    return;
                }
            }
        });
        for round in 0..ROUNDS {
            let batch = [1, 2, 3].map(|number| append(3 * round + number, b"1"));
            apply(store, &batch);
        }
        reader.join().expect("no part of a batch is seen");
    });
}

/// Later changes of one call see the earlier ones.
pub fn changes_apply_in_their_order(store: &impl RetentionStore) {
    apply(
        store,
        &[
            append(1, b"1"),
            append(2, b"2"),
            remove(1),
            release(2),
            append(3, b"3"),
            set_aside(3, "why"),
            Change::Clear,
            append(4, b"4"),
        ],
    );
    assert_eq!(load_all(store), [message(4, b"4")]);
    assert_eq!(load_set_aside(store), []);
    assert_eq!(backlog(store).last, 4);
    check_counters(store);
}

/// A clear leaves nothing but the highest number and the clock.
pub fn clear_keeps_the_last_number(store: &impl RetentionStore) {
    let reading = ClockReading {
        counted: 5,
        wall: Some(6),
    };
    apply(
        store,
        &[
            append(7, b"1"),
            append(9, b"1"),
            Change::Clock(reading),
            set_aside(7, "why"),
        ],
    );
    apply(store, &[Change::Clear]);
    let expected = Backlog {
        messages: 0,
        bytes: 0,
        last: 9,
        clock: Some(reading),
    };
    assert_eq!(backlog(store), expected);
    assert_eq!(load_all(store), []);
    assert_eq!(load_set_aside(store), []);
}

/// The counters follow every change.
pub fn counters_match_the_rows(store: &impl RetentionStore) {
    let step = |change: Change, messages: u64, bytes: u64| {
        apply(store, std::slice::from_ref(&change));
        let found = backlog(store);
        assert_eq!(
            (found.messages, found.bytes),
            (messages, bytes),
            "{change:?}"
        );
        check_counters(store);
    };
    step(append(1, b"12345"), 1, BARE + 5);
    step(append(2, b""), 2, 2 * BARE + 5);
    step(append(3, b"123"), 3, 3 * BARE + 8);
    step(release(1), 3, 3 * BARE + 3);
    step(release(1), 3, 3 * BARE + 3);
    step(remove(2), 2, 2 * BARE + 3);
    step(remove(2), 2, 2 * BARE + 3);
    step(set_aside(3, "why"), 1, BARE);
    step(set_aside(3, "why"), 1, BARE);
    step(remove(3), 1, BARE);
    step(remove(1), 0, 0);
    step(append(4, b"1"), 1, BARE + 1);
    step(Change::Clear, 0, 0);
}

/// A payload may be much larger than a page of whatever is below.
pub fn large_payloads_come_back(store: &impl RetentionStore) {
    let large = message(1, &vec![0xa5; 3 << 20]);
    apply(store, &[Change::Append(large.clone()), append(2, b"2")]);
    assert_eq!(load_all(store), [large, message(2, b"2")]);
    check_counters(store);
    apply(store, &[remove(1)]);
    assert_eq!(load_all(store), [message(2, b"2")]);
}

/// Loading begins behind the given number, whether it is there or not.
pub fn loading_goes_on_behind_a_number(store: &impl RetentionStore) {
    let changes: Vec<_> = [2, 4, 6].map(|sequence| append(sequence, b"1")).into();
    apply(store, &changes);
    let behind = |after| load(store, after, usize::MAX, u64::MAX);
    assert_eq!(behind(0), [2, 4, 6]);
    assert_eq!(behind(1), [2, 4, 6]);
    assert_eq!(behind(2), [4, 6]);
    assert_eq!(behind(5), [6]);
    assert_eq!(behind(6), Vec::<u64>::new());
    assert_eq!(behind(u64::MAX), Vec::<u64>::new());
}

/// No more is loaded than asked for, but one message where there is one.
pub fn loading_is_limited(store: &impl RetentionStore) {
    let changes: Vec<_> = (1..=10)
        .map(|sequence| append(sequence, &[1; 85]))
        .collect();
    apply(store, &changes);
    assert_eq!(load(store, 0, 3, u64::MAX), [1, 2, 3]);
    assert_eq!(load(store, 3, 3, u64::MAX), [4, 5, 6]);
    assert_eq!(load(store, 8, 3, u64::MAX), [9, 10]);
    assert_eq!(load(store, 0, usize::MAX, 299), [1, 2]);
    assert_eq!(load(store, 0, usize::MAX, 300), [1, 2, 3]);
    assert_eq!(load(store, 0, 2, 300), [1, 2]);
    assert_eq!(load(store, 0, usize::MAX, 1), [1]);
    assert_eq!(load(store, 5, usize::MAX, 0), [6]);
}

/// A message is returned as it was stored, whatever it holds.
pub fn messages_come_back_as_they_were(store: &impl RetentionStore) {
    let mut messages = Vec::new();
    for reliability in [
        Reliability::Unreliable,
        Reliability::Guaranteed,
        Reliability::Unique,
    ] {
        for expires in [None, Some(0), Some(1), Some(u64::MAX)] {
            for released in [false, true] {
                let sequence = messages.len() as u64 + 1;
                messages.push(RetainedMessage {
                    reliability,
                    expires,
                    released,
                    major: u32::MAX - 1,
                    path: format!("/\u{e4}/{sequence}"),
                    ..message(sequence, if released { b"" } else { b"\0\xff" })
                });
            }
        }
    }
    let changes: Vec<_> = messages.iter().cloned().map(Change::Append).collect();
    apply(store, &changes);
    assert_eq!(load_all(store), messages);
    check_counters(store);
}

/// Messages come by their numbers, also beyond 32 bits.
pub fn messages_are_in_order(store: &impl RetentionStore) {
    let numbers = [
        1,
        2,
        9,
        10,
        255,
        256,
        65_536,
        1 << 32,
        1 << 40,
        u64::MAX - 1,
    ];
    for number in numbers {
        apply(store, &[append(number, b"1")]);
    }
    assert_eq!(load(store, 0, usize::MAX, u64::MAX), numbers);
    assert_eq!(backlog(store).last, u64::MAX - 1);
}

/// Of a released message all but the payload stays, in its place.
pub fn released_messages_keep_their_place(store: &impl RetentionStore) {
    let expiring = RetainedMessage {
        expires: Some(9),
        ..message(2, b"2")
    };
    apply(
        store,
        &[
            append(1, b"1"),
            Change::Append(expiring.clone()),
            append(3, b"3"),
        ],
    );
    apply(store, &[release(2), release(2)]);
    let released = RetainedMessage {
        payload: Vec::new(),
        released: true,
        ..expiring
    };
    assert_eq!(
        load_all(store),
        [message(1, b"1"), released, message(3, b"3")]
    );
    check_counters(store);
}

/// A message that is set aside leaves the backlog, and is kept with the reason.
pub fn set_aside_messages_are_kept(store: &impl RetentionStore) {
    let changes: Vec<_> = (1..=4).map(|sequence| append(sequence, b"1")).collect();
    apply(store, &changes);
    apply(store, &[set_aside(3, "because"), set_aside(1, "")]);
    assert_eq!(load(store, 0, usize::MAX, u64::MAX), [2, 4]);
    let kept = [(1, ""), (3, "because")].map(|(sequence, reason)| SetAside {
        message: message(sequence, b"1"),
        reason: reason.into(),
    });
    assert_eq!(load_set_aside(store), kept);
    assert_eq!(backlog(store).last, 4);
    check_counters(store);
    // It is in the backlog no more.
    apply(store, &[remove(3), release(3)]);
    assert_eq!(load_set_aside(store), kept);
}

/// At least the newest 100 messages that were set aside are kept.
pub fn set_aside_messages_are_bounded(store: &impl RetentionStore) {
    for sequence in 1..=150 {
        apply(store, &[append(sequence, b"1"), set_aside(sequence, "why")]);
    }
    let kept: Vec<_> = load_set_aside(store)
        .into_iter()
        .map(|kept| kept.message.sequence)
        .collect();
    assert!(kept.len() >= 100, "{} are kept", kept.len());
    assert!(kept.is_sorted() && kept.ends_with(&Vec::from_iter(51..=150)));
    assert_eq!(backlog(store).messages, 0);
}

/// The reading that was applied last counts, whatever it says.
pub fn the_clock_is_kept(store: &impl RetentionStore) {
    for (counted, wall) in [(1, 2), (u64::MAX, 0), (0, u64::MAX)] {
        let reading = ClockReading {
            counted,
            wall: Some(wall),
        };
        apply(
            store,
            &[Change::Clock(reading), append(counted.max(1), b"1")],
        );
        assert_eq!(backlog(store).clock, Some(reading));
    }
}

/// Numbers are never given twice, so the highest one is kept when its message is gone.
pub fn the_last_number_never_falls(store: &impl RetentionStore) {
    apply(store, &[append(5, b"1"), append(8, b"1")]);
    apply(store, &[remove(8)]);
    assert_eq!(backlog(store).last, 8);
    apply(store, &[set_aside(5, "why")]);
    assert_eq!(backlog(store).last, 8);
    apply(store, &[append(9, b"1"), remove(9)]);
    assert_eq!(backlog(store).last, 9);
}
