//! Faults that stores of other SDKs had.

use astarte_runtime::store::{
    Change, MemoryStore, PropertyStore, RedbStore, RetainedMessage, RetentionChange,
    RetentionStore, State,
};
use astarte_tests::TestResult;

use super::{INTERFACE, message, messages, property, stored};

/// An update of an interface that changed the expiry of a mapping deleted what was stored for its paths, because messages
/// were rows that hung on a row of their mapping.
/// Here each message carries its own expiry, and no row of another message or mapping decides on it.
#[test]
fn lesson_20_a_message_keeps_its_expiry() -> TestResult {
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("store.redb");
    let expiries = [Some(5_000), None, Some(90_000), Some(0)];
    let expected: Vec<_> = (1..)
        .zip(expiries)
        .map(|(sequence, expires)| RetainedMessage {
            expires,
            ..message(sequence, b"1")
        })
        .collect();
    for message in &expected {
        let store = RedbStore::open(&file)?;
        store.apply_retention(&[RetentionChange::Append(message.clone())])?;
    }
    let store = RedbStore::open(&file)?;
    assert_eq!(messages(&store)?, expected);
    // What an update does to properties leaves messages alone.
    store.apply(&[
        Change::DeleteOtherMajors {
            interface: INTERFACE.into(),
            major: 2,
        },
        Change::Clear,
    ])?;
    assert_eq!(messages(&store)?, expected);
    Ok(())
}

/// Properties of the values `false`, `0`, `""` and `[]` were deleted from the store, and then, with the next list of
/// properties, from the server, because the value was asked whether it is true.
/// Here a row is what it was stored as, whatever its value; only its state says that it was unset.
#[test]
fn lesson_31_falsy_properties_are_kept() -> TestResult {
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("store.redb");
    let values: [(&str, &[u8]); 4] = [
        ("/array", b"\x0d\0\0\0\x04v\0\x05\0\0\0\0\0"),
        ("/boolean", b"\x09\0\0\0\x08v\0\0\0"),
        ("/integer", b"\x0c\0\0\0\x10v\0\0\0\0\0\0"),
        ("/string", b"\x0d\0\0\0\x02v\0\x01\0\0\0\0\0"),
    ];
    let store = RedbStore::open(&file)?;
    for (path, payload) in values {
        store.apply(&[stored(path, payload)])?;
        store.apply(&[Change::Acknowledge {
            interface: INTERFACE.into(),
            major: 1,
            path: path.into(),
            payload: payload.into(),
        }])?;
    }
    drop(store);
    let rows = RedbStore::open(&file)?.load_all()?;
    let found: Vec<_> = rows.iter().map(|row| (&*row.path, &*row.payload)).collect();
    assert_eq!(found, values);
    assert!(rows.iter().all(|row| row.state == State::Sent));
    Ok(())
}

/// After an update to a new major version the value of the old one was sent under the new one, or made the handshake
/// fail, because the major version was no part of a row's key.
/// Here a row is under its major version, and those of others go with one change.
#[test]
fn lesson_32_a_new_major_has_no_old_values() -> TestResult {
    let memory = MemoryStore::new();
    let file = RedbStore::in_memory()?;
    for store in [&memory as &dyn PropertyStore, &file] {
        store.apply(&[stored("/a", b"old"), stored("/b", b"old")])?;
        assert_eq!(store.load(INTERFACE, 2, "/a")?, None);
        assert_eq!(store.load_interface(INTERFACE, 2)?, []);
        let mut new = property("/a", b"new");
        new.major = 2;
        store.apply(&[
            Change::Store(new.clone()),
            Change::DeleteOtherMajors {
                interface: INTERFACE.into(),
                major: 2,
            },
        ])?;
        assert_eq!(store.load_all()?, [new]);
    }
    Ok(())
}
