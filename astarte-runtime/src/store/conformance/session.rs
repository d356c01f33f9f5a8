//! What a [`SessionStore`] must do.

use crate::store::{SessionChange as Change, SessionStore, StoredSession};

fn begin(broker: &str, highest_id: u16) -> Change {
    Change::Begin {
        broker: broker.into(),
        highest_id,
    }
}

#[track_caller]
fn apply(store: &impl SessionStore, changes: &[Change]) {
    store
        .apply_session(changes)
        .expect("the changes can be stored");
}

#[track_caller]
fn load(store: &impl SessionStore) -> Option<StoredSession> {
    store.load_session().expect("the store can be read")
}

/// What was noted of an earlier session is void when a new one begins.
pub fn a_new_session_voids_the_old(store: &impl SessionStore) {
    let known = Change::Introduced(Some("org.example.A:1:0".into()));
    apply(store, &[begin("one:8883", 5), known, Change::Received(3)]);
    apply(store, &[begin("two:8883", 7)]);
    let expected = StoredSession {
        broker: "two:8883".into(),
        highest_id: 7,
        ..StoredSession::default()
    };
    assert_eq!(load(store), Some(expected));
}

/// Nothing was noted.
pub fn a_new_store_has_none(store: &impl SessionStore) {
    assert_eq!(load(store), None);
    apply(store, &[]);
    assert_eq!(load(store), None);
}

/// Every id may be received at the same time.
pub fn all_ids_may_be_in_use(store: &impl SessionStore) {
    let mut changes = vec![begin("broker:8883", u16::MAX)];
    changes.extend((1..=u16::MAX).map(Change::Received));
    apply(store, &changes);
    let received = load(store).map(|session| session.received.len());
    assert_eq!(received, Some(usize::from(u16::MAX)));
    let released: Vec<_> = (2..=u16::MAX).map(Change::Released).collect();
    apply(store, &released);
    let received = load(store).map(|session| Vec::from_iter(session.received));
    assert_eq!(received, Some(vec![1]));
}

/// Later changes of one call see the earlier ones.
pub fn changes_apply_in_their_order(store: &impl SessionStore) {
    apply(
        store,
        &[
            Change::Received(1),
            begin("broker:8883", 1),
            Change::Received(2),
            Change::Released(2),
            Change::Released(3),
            Change::Received(3),
            Change::HighestId(2),
            Change::HighestId(1),
        ],
    );
    let session = load(store).map(|session| (session.highest_id, Vec::from_iter(session.received)));
    assert_eq!(session, Some((1, vec![3])));
}

/// Each change is noted, and leaves the others as they are.
pub fn changes_come_back(store: &impl SessionStore) {
    let mut expected = StoredSession {
        broker: "broker.example:8883".into(),
        highest_id: 20,
        ..StoredSession::default()
    };
    apply(store, &[begin("broker.example:8883", 20)]);
    assert_eq!(load(store).as_ref(), Some(&expected));
    for introspection in [
        Some(String::new()),
        Some("org.example.A:1:0".repeat(5000)),
        None,
    ] {
        apply(store, &[Change::Introduced(introspection.clone())]);
        expected.introspection = introspection;
        assert_eq!(load(store).as_ref(), Some(&expected));
    }
    apply(
        store,
        &[
            Change::Received(u16::MAX),
            Change::Received(1),
            Change::Received(1),
        ],
    );
    expected.received.extend([1, u16::MAX]);
    assert_eq!(load(store).as_ref(), Some(&expected));
    apply(store, &[Change::HighestId(u16::MAX), Change::Released(1)]);
    expected.highest_id = u16::MAX;
    expected.received.remove(&1);
    assert_eq!(load(store).as_ref(), Some(&expected));
}

/// Without a session there is nothing to note.
pub fn nothing_is_noted_before_a_session(store: &impl SessionStore) {
    apply(
        store,
        &[
            Change::HighestId(5),
            Change::Introduced(Some("org.example.A:1:0".into())),
            Change::Received(1),
            Change::Released(1),
        ],
    );
    assert_eq!(load(store), None);
}
