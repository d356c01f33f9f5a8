//! What the file does that no other store does.

mod changes;
mod crashes;
mod damage;
mod devices;
mod disk;
mod dump;
mod durability;
mod failures;
mod group;
mod histories;
mod journal;
mod migration;
mod power;

use std::{
    thread,
    time::{Duration, Instant},
};

use super::RedbStore;
use crate::{
    Ownership, Reliability,
    store::{
        Backlog, Change, Property, PropertyStore, RetainedMessage, RetentionChange, RetentionStore,
        SessionStore, SetAside, State, StoreError, StoredSession,
    },
};

fn property(path: &str, payload: &[u8]) -> Property<'static> {
    Property {
        interface: "org.example.A".into(),
        major: 1,
        path: path.to_owned().into(),
        ownership: Ownership::Device,
        state: State::Unsent,
        payload: payload.to_owned().into(),
    }
}

fn stored(path: &str, payload: &[u8]) -> Change<'static> {
    Change::Store(property(path, payload))
}

fn message(sequence: u64, payload: &[u8]) -> RetainedMessage {
    RetainedMessage {
        sequence,
        interface: "org.example.B".into(),
        major: 1,
        path: "/b".into(),
        reliability: Reliability::Unique,
        expires: Some(60_000),
        payload: payload.into(),
        released: false,
    }
}

fn append(sequence: u64, payload: &[u8]) -> RetentionChange {
    RetentionChange::Append(message(sequence, payload))
}

fn sequences(store: &impl RetentionStore) -> Vec<u64> {
    let loaded = store.load_messages(0, usize::MAX, u64::MAX).unwrap();
    loaded.into_iter().map(|message| message.sequence).collect()
}

/// Polls until another thread has done its work.
fn soon(mut done: impl FnMut() -> bool) {
    let limit = Instant::now() + Duration::from_secs(30);
    while !done() {
        assert!(Instant::now() < limit, "not within 30 s");
        thread::yield_now();
    }
}

/// All that a store holds.
#[derive(Clone, Debug, PartialEq)]
struct Contents {
    properties: Vec<Property<'static>>,
    complete: bool,
    backlog: Backlog,
    messages: Vec<RetainedMessage>,
    set_aside: Vec<SetAside>,
    session: Option<StoredSession>,
}

impl Contents {
    fn of(store: &(impl PropertyStore + RetentionStore + SessionStore)) -> Self {
        Self::try_of(store).unwrap()
    }

    fn try_of(
        store: &(impl PropertyStore + RetentionStore + SessionStore),
    ) -> Result<Self, StoreError> {
        Ok(Self {
            properties: store.load_all()?,
            complete: store.is_complete()?,
            backlog: store.backlog()?,
            messages: store.load_messages(0, usize::MAX, u64::MAX)?,
            set_aside: store.load_set_aside()?,
            session: store.load_session()?,
        })
    }
}

#[test]
fn a_store_can_be_read_after_it_was_closed() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("store.redb");
    let store = RedbStore::open(&file).unwrap();
    store.apply(&[stored("/a", b"1")]).unwrap();
    store.apply_retention(&[append(1, b"1")]).unwrap();
    let contents = Contents::of(&store);
    drop(store);
    assert_eq!(Contents::of(&RedbStore::open(&file).unwrap()), contents);
}
