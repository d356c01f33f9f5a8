//! What a [`PropertyStore`] must do.

use std::{borrow::Cow, thread};

use crate::{
    Ownership,
    store::{Change, Property, PropertyStore, State},
};

const A: &str = "org.example.A";

/// BSON documents of `false`, `0`, `""` and `[]` under `v`.
const FALSY: [&[u8]; 4] = [
    b"\x09\0\0\0\x08v\0\0\0",
    b"\x0c\0\0\0\x10v\0\0\0\0\0\0",
    b"\x0d\0\0\0\x02v\0\x01\0\0\0\0\0",
    b"\x0d\0\0\0\x04v\0\x05\0\0\0\0\0",
];

fn property<'a>(interface: &'a str, major: u32, path: &'a str, payload: &'a [u8]) -> Property<'a> {
    Property {
        interface: interface.into(),
        major,
        path: path.into(),
        ownership: Ownership::Device,
        state: State::Unsent,
        payload: payload.into(),
    }
}

fn stored<'a>(interface: &'a str, major: u32, path: &'a str, payload: &'a [u8]) -> Change<'a> {
    Change::Store(property(interface, major, path, payload))
}

fn deleted<'a>(interface: &'a str, major: u32, path: &'a str) -> Change<'a> {
    Change::Delete {
        interface: interface.into(),
        major,
        path: path.into(),
    }
}

fn acknowledged<'a>(major: u32, path: &'a str, payload: &'a [u8]) -> Change<'a> {
    Change::Acknowledge {
        interface: A.into(),
        major,
        path: path.into(),
        payload: payload.into(),
    }
}

fn unset(path: &str) -> Change<'_> {
    Change::Store(Property {
        state: State::Unset,
        ..property(A, 1, path, b"")
    })
}

#[track_caller]
fn apply(store: &impl PropertyStore, changes: &[Change<'_>]) {
    store.apply(changes).expect("the changes can be stored");
}

#[track_caller]
fn load(store: &impl PropertyStore, major: u32, path: &str) -> Option<Property<'static>> {
    store.load(A, major, path).expect("the store can be read")
}

#[track_caller]
fn load_all(store: &impl PropertyStore) -> Vec<Property<'static>> {
    store.load_all().expect("the store can be read")
}

#[track_caller]
fn load_interface(
    store: &impl PropertyStore,
    interface: &str,
    major: u32,
) -> Vec<Property<'static>> {
    store
        .load_interface(interface, major)
        .expect("the store can be read")
}

/// What was never stored is `None`, or nothing, and no error.
pub fn absent_rows_are_none(store: &impl PropertyStore) {
    assert_eq!(load(store, 1, "/a"), None);
    assert_eq!(load_interface(store, A, 1), []);
    assert_eq!(load_all(store), []);
    apply(store, &[stored(A, 1, "/a/b", b"1")]);
    for path in ["/a", "/a/", "/a/b/", "/a/b/c", "a/b", ""] {
        assert_eq!(load(store, 1, path), None, "{path}");
    }
}

/// Changes of rows that are not there are no errors, and make no rows.
pub fn absent_rows_may_be_changed(store: &impl PropertyStore) {
    let other_majors = Change::DeleteOtherMajors {
        interface: A.into(),
        major: 1,
    };
    apply(store, &[]);
    apply(
        store,
        &[
            deleted(A, 1, "/a"),
            acknowledged(1, "/a", b"1"),
            other_majors,
            Change::Clear,
        ],
    );
    assert_eq!(load_all(store), []);
}

/// An acknowledgement of an older value says nothing of a newer one.
pub fn acknowledgements_are_of_one_value(store: &impl PropertyStore) {
    apply(store, &[stored(A, 1, "/a", b"2")]);
    apply(
        store,
        &[acknowledged(1, "/a", b"1"), acknowledged(1, "/a", b"")],
    );
    assert_eq!(load(store, 1, "/a"), Some(property(A, 1, "/a", b"2")));
    apply(store, &[acknowledged(1, "/a", b"2")]);
    let row = load(store, 1, "/a").map(|row| (row.state, row.payload));
    assert_eq!(row, Some((State::Sent, b"2".into())));

    // Unset, and set again before the unset is acknowledged.
    apply(store, &[unset("/a"), stored(A, 1, "/a", b"3")]);
    apply(store, &[acknowledged(1, "/a", b"")]);
    assert_eq!(load(store, 1, "/a"), Some(property(A, 1, "/a", b"3")));

    apply(store, &[unset("/a"), acknowledged(1, "/a", b"3")]);
    let row = load(store, 1, "/a").map(|row| row.state);
    assert_eq!(row, Some(State::Unset), "an older value was acknowledged");
    apply(store, &[acknowledged(1, "/a", b"")]);
    assert_eq!(load(store, 1, "/a"), None);
}

/// An acknowledgement changes the state of its row, and nothing else.
pub fn acknowledgements_keep_the_rest(store: &impl PropertyStore) {
    let servers = Property {
        ownership: Ownership::Server,
        ..property(A, 1, "/s", b"1")
    };
    let rows = [
        Change::Store(servers.clone()),
        stored(A, 1, "/a", b"1"),
        stored(A, 2, "/s", b"1"),
    ];
    apply(store, &rows);
    apply(store, &[acknowledged(1, "/s", b"1")]);
    let sent = Property {
        state: State::Sent,
        ..servers
    };
    let expected = [property(A, 1, "/a", b"1"), sent, property(A, 2, "/s", b"1")];
    assert_eq!(load_all(store), expected);
}

/// Changes of one call are seen all or none, by every thread.
pub fn batches_are_seen_whole(store: &impl PropertyStore) {
    const ROUNDS: u8 = 50;
    let apply_all = |round: u8| {
        let batch = ["/a", "/b", "/c"].map(|path| stored(A, 1, path, std::slice::from_ref(&round)));
        apply(store, &batch);
    };
    apply_all(0);
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            loop {
                let rows = load_all(store);
                let values: Vec<_> = rows.iter().map(|row| row.payload[0]).collect();
                assert!(
                    values.len() == 3 && values.iter().all(|value| *value == values[0]),
                    "a part of a batch was seen: {values:?}"
                );
                if values[0] == ROUNDS {
                    return;
                }
            }
        });
        for round in 1..=ROUNDS {
            apply_all(round);
        }
        reader.join().expect("no part of a batch is seen");
    });
}

/// Later changes of one call see the earlier ones.
pub fn changes_apply_in_their_order(store: &impl PropertyStore) {
    apply(
        store,
        &[
            stored(A, 1, "/gone", b"1"),
            deleted(A, 1, "/gone"),
            deleted(A, 1, "/stays"),
            stored(A, 1, "/stays", b"1"),
            stored(A, 1, "/sent", b"1"),
            acknowledged(1, "/sent", b"1"),
        ],
    );
    let states: Vec<_> = load_all(store)
        .into_iter()
        .map(|row| (row.path, row.state))
        .collect();
    assert_eq!(
        states,
        [
            ("/sent".into(), State::Sent),
            ("/stays".into(), State::Unsent)
        ]
    );
    apply(store, &[Change::Clear, stored(A, 1, "/new", b"1")]);
    assert_eq!(load_all(store), [property(A, 1, "/new", b"1")]);
}

/// Every row goes; what is stored later stays.
pub fn clear_removes_every_row(store: &impl PropertyStore) {
    let rows = [
        stored(A, 0, "/a", b"1"),
        stored(A, u32::MAX, "/a", b"1"),
        stored("z", 1, "/\u{10ffff}", b"1"),
    ];
    apply(store, &rows);
    apply(store, &[Change::Clear]);
    assert_eq!(load_all(store), []);
    apply(store, &rows[..1]);
    assert_eq!(load_all(store).len(), 1);
}

/// A new store is complete, and one that is said to be complete is. A store that never loses its rows need not note it.
pub fn completeness_is_kept(store: &impl PropertyStore) {
    let is_complete = || store.is_complete().expect("the store can be read");
    assert!(is_complete());
    apply(store, &[Change::Complete(false), stored(A, 1, "/a", b"1")]);
    let noted = !is_complete();
    apply(store, &[Change::Clear]);
    assert_eq!(is_complete(), !noted, "a clear says nothing of it");
    apply(store, &[Change::Complete(true)]);
    assert!(is_complete());
    assert_eq!(load_all(store), []);
}

/// `false`, `0`, the empty string and the empty array are values like any other.
pub fn falsy_values_are_values(store: &impl PropertyStore) {
    for (number, payload) in FALSY.into_iter().enumerate() {
        let path = format!("/{number}");
        apply(store, &[stored(A, 1, &path, payload)]);
        apply(store, &[acknowledged(1, &path, payload)]);
        let row = load(store, 1, &path).map(|row| (row.state, row.payload));
        assert_eq!(row, Some((State::Sent, payload.into())));
    }
    assert_eq!(load_all(store).len(), FALSY.len());
}

/// A row of another major version is another row.
pub fn major_versions_are_apart(store: &impl PropertyStore) {
    apply(store, &[stored(A, 1, "/a", b"1")]);
    assert_eq!(load(store, 2, "/a"), None);
    assert_eq!(load(store, 0, "/a"), None);
    assert_eq!(load_interface(store, A, 2), []);
    apply(store, &[stored(A, 2, "/a", b"2"), deleted(A, 3, "/a")]);
    assert_eq!(load(store, 1, "/a"), Some(property(A, 1, "/a", b"1")));
    assert_eq!(load(store, 2, "/a"), Some(property(A, 2, "/a", b"2")));
    apply(store, &[acknowledged(2, "/a", b"2"), deleted(A, 1, "/a")]);
    assert_eq!(load(store, 1, "/a"), None);
    assert_eq!(load(store, 2, "/a").map(|row| row.state), Some(State::Sent));
}

/// All major versions of an interface but one go, and those of no other interface.
pub fn other_majors_go_at_once(store: &impl PropertyStore) {
    let others = ["org.example", "org.example.A.B", "org.example.AB"];
    for major in [0, 1, 255, 256, u32::MAX] {
        apply(
            store,
            &[stored(A, major, "/a", b"1"), stored(A, major, "/b", b"1")],
        );
        for other in others {
            apply(store, &[stored(other, major, "/a", b"1")]);
        }
    }
    for kept in [256, 0] {
        apply(
            store,
            &[
                stored(A, 0, "/a", b"1"),
                Change::DeleteOtherMajors {
                    interface: A.into(),
                    major: kept,
                },
            ],
        );
        let rows = load_all(store);
        let majors = rows.iter().filter(|row| row.interface == A);
        let majors: Vec<_> = majors.map(|row| row.major).collect();
        assert!(
            !majors.is_empty() && majors.iter().all(|major| *major == kept),
            "{majors:?}"
        );
        assert_eq!(rows.len() - majors.len(), others.len() * 5);
    }
}

/// An interface may belong to the device in one version and to the server in the next.
pub fn owners_may_change(store: &impl PropertyStore) {
    let servers = Property {
        ownership: Ownership::Server,
        state: State::Sent,
        ..property(A, 1, "/a", b"2")
    };
    apply(store, &[stored(A, 1, "/a", b"1")]);
    apply(store, &[Change::Store(servers.clone())]);
    assert_eq!(load(store, 1, "/a"), Some(servers));
    apply(store, &[stored(A, 1, "/a", b"3")]);
    assert_eq!(load_all(store), [property(A, 1, "/a", b"3")]);
}

/// Rows come by interface, major version and path, in bytewise order.
pub fn rows_are_in_order(store: &impl PropertyStore) {
    let ordered = [
        ("org.example", 1, "/z"),
        (A, 0, "/z"),
        (A, 1, "/"),
        (A, 1, "/a"),
        (A, 1, "/a-b"),
        (A, 1, "/a/b"),
        (A, 1, "/ab"),
        (A, 1, "/b"),
        (A, 1, "/\u{e4}"),
        (A, 2, "/a"),
        (A, 255, "/a"),
        (A, 256, "/a"),
        ("org.example.A.B", 1, "/a"),
        ("org.example.AB", 1, "/a"),
        ("org.example.b", 1, "/a"),
    ];
    let changes: Vec<_> = ordered
        .iter()
        .rev()
        .map(|(interface, major, path)| stored(interface, *major, path, b"1"))
        .collect();
    apply(store, &changes);
    let keys = |rows: Vec<Property<'static>>| -> Vec<(Cow<'_, str>, u32, Cow<'_, str>)> {
        let keys = rows
            .into_iter()
            .map(|row| (row.interface, row.major, row.path));
        keys.collect()
    };
    let expected: Vec<_> = ordered
        .iter()
        .map(|(interface, major, path)| ((*interface).into(), *major, (*path).into()))
        .collect();
    assert_eq!(keys(load_all(store)), expected);
    assert_eq!(keys(load_interface(store, A, 1)), expected[2..9]);
    assert_eq!(keys(load_interface(store, "org.example", 1)), expected[..1]);
}

/// A row is returned as it was stored, whatever it holds.
pub fn rows_come_back_as_they_were(store: &impl PropertyStore) {
    let mut rows = Vec::new();
    for ownership in [Ownership::Device, Ownership::Server] {
        for state in [State::Sent, State::Unsent, State::Unset] {
            for payload in [&b""[..], b"\0", &[0xff; 300], &[7; 70_000]] {
                rows.push(Property {
                    ownership,
                    state,
                    path: format!("/{:03}", rows.len()).into(),
                    ..property(A, 1, "", payload)
                });
            }
        }
    }
    for row in &rows {
        apply(store, &[Change::Store(row.clone())]);
    }
    assert_eq!(load_all(store), rows);
    assert_eq!(load_interface(store, A, 1), rows);
    for row in &rows {
        assert_eq!(load(store, 1, &row.path).as_ref(), Some(row));
    }
}

/// A row takes the place of that of the same interface, major version and path.
pub fn rows_replace_each_other(store: &impl PropertyStore) {
    for payload in [&b"short"[..], &[1; 5000], b"", b"s"] {
        apply(
            store,
            &[stored(A, 1, "/a", b"first"), stored(A, 1, "/a", payload)],
        );
        assert_eq!(load_all(store), [property(A, 1, "/a", payload)]);
    }
}

/// What one thread has stored is what another one reads afterwards.
pub fn writes_are_seen_by_other_threads(store: &impl PropertyStore) {
    thread::scope(|scope| {
        for number in 0..8 {
            scope.spawn(move || {
                let path = format!("/{number}");
                for payload in [b"1", b"2", b"3"] {
                    apply(store, &[stored(A, 1, &path, payload)]);
                    let row = load(store, 1, &path).map(|row| row.payload);
                    assert_eq!(row.as_deref(), Some(&payload[..]));
                }
            });
        }
    });
    let rows = load_all(store);
    assert_eq!(rows.len(), 8);
    assert!(rows.iter().all(|row| *row.payload == *b"3"));
}
