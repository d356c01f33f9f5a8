//! One file for many devices.

use super::{Contents, append, sequences, stored};
use crate::{
    DeviceId, Realm,
    store::{
        self, Change, MemoryStore, PropertyStore, RedbStore, RetentionChange, RetentionStore,
        SessionChange, SessionStore,
    },
};

fn realm(name: &str) -> Realm {
    name.parse().unwrap()
}

fn id(number: u16) -> DeviceId {
    let mut bytes = [0; 16];
    bytes[..2].copy_from_slice(&number.to_be_bytes());
    DeviceId::from_bytes(bytes)
}

/// A handle between those of two devices that have rows of their own.
fn neighbour() -> RedbStore {
    let store = RedbStore::in_memory().unwrap();
    let handles = [1, 2, 3].map(|number| store.device(&realm("test"), &id(number)));
    for (handle, number) in handles.iter().zip(1..) {
        // The numbers are given in this order.
        handle.apply(&[stored("/a", b"1")]).unwrap();
        if number != 2 {
            handle.apply_retention(&[append(1, b"1")]).unwrap();
        }
    }
    handles[1].apply(&[Change::Clear]).unwrap();
    let [_, between, _] = handles;
    between
}

store::conformance!(between_others, neighbour);

store::conformance!(of_no_number, || RedbStore::in_memory()
    .unwrap()
    .device(&realm("test"), &id(1)));

#[test]
fn devices_do_not_see_each_other() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("gateway.redb");
    let store = RedbStore::open(&file).unwrap();
    let handles = |store: &RedbStore| {
        let mut handles = vec![store.clone()];
        for name in ["test", "tests"] {
            handles.extend((0..100).map(|number| store.device(&realm(name), &id(number))));
        }
        handles
    };
    let empty = Contents::of(&MemoryStore::new());
    for (number, handle) in handles(&store).iter().enumerate() {
        assert_eq!(Contents::of(handle), empty);
        let payload = number.to_string();
        handle.apply(&[stored("/a", payload.as_bytes())]).unwrap();
        let sequence = number as u64 + 1;
        handle.apply_retention(&[append(sequence, b"1")]).unwrap();
        let begin = SessionChange::Begin {
            broker: payload,
            highest_id: 1,
        };
        handle.apply_session(&[begin]).unwrap();
    }
    drop(store);

    let store = RedbStore::open(&file).unwrap();
    for (number, handle) in handles(&store).iter().enumerate() {
        let rows = handle.load_all().unwrap();
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0].payload, number.to_string().as_bytes());
        assert_eq!(sequences(handle), [number as u64 + 1]);
        assert_eq!(handle.backlog().unwrap().last, number as u64 + 1);
        let session = handle.load_session().unwrap().unwrap();
        assert_eq!(session.broker, number.to_string());
    }
    let one = store.device(&realm("test"), &id(7));
    one.apply(&[Change::Clear, Change::Complete(false)])
        .unwrap();
    one.apply_retention(&[RetentionChange::Clear]).unwrap();
    assert!(!one.is_complete().unwrap());
    let cleared = handles(&store)
        .iter()
        .filter(|handle| handle.load_all().unwrap().is_empty())
        .count();
    assert_eq!(cleared, 1);
    let incomplete = handles(&store)
        .iter()
        .filter(|handle| !handle.is_complete().unwrap())
        .count();
    assert_eq!(incomplete, 1);
}

#[test]
fn handles_of_one_device_are_the_same() {
    let store = RedbStore::in_memory().unwrap();
    let [one, two] = [(); 2].map(|()| store.device(&realm("test"), &id(1)));
    one.apply(&[stored("/a", b"1")]).unwrap();
    assert_eq!(two.load_all().unwrap().len(), 1);
    two.apply(&[stored("/b", b"1")]).unwrap();
    assert_eq!(one.load_all().unwrap().len(), 2);
}
