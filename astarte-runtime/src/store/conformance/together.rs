//! What a store of everything must do.

use crate::{
    Ownership, Reliability,
    store::{
        Change, Property, PropertyStore, RetainedMessage, RetentionChange, RetentionStore,
        SessionChange, SessionStore, State,
    },
};

/// Properties and messages are cleared apart from each other, and from the session.
pub fn a_clear_leaves_other_kinds_alone(
    store: &(impl PropertyStore + RetentionStore + SessionStore),
) {
    let property = Property {
        interface: "org.example.A".into(),
        major: 1,
        path: "/a".into(),
        ownership: Ownership::Device,
        state: State::Unsent,
        payload: b"1".into(),
    };
    let message = RetainedMessage {
        sequence: 1,
        interface: "org.example.A".into(),
        major: 1,
        path: "/a".into(),
        reliability: Reliability::Guaranteed,
        expires: None,
        payload: b"1".into(),
        released: false,
    };
    let begin = SessionChange::Begin {
        broker: "broker:8883".into(),
        highest_id: 1,
    };
    let counts = || {
        let properties = store.load_all().expect("the store can be read").len();
        let messages = store.backlog().expect("the store can be read").messages;
        let session = store.load_session().expect("the store can be read");
        (properties, messages, session.is_some())
    };
    let expect = "the changes can be stored";
    store.apply(&[Change::Store(property)]).expect(expect);
    let append = RetentionChange::Append(message);
    store
        .apply_retention(std::slice::from_ref(&append))
        .expect(expect);
    store.apply_session(&[begin]).expect(expect);
    assert_eq!(counts(), (1, 1, true));
    store
        .apply_retention(&[RetentionChange::Clear])
        .expect(expect);
    assert_eq!(counts(), (1, 0, true));
    store.apply_retention(&[append]).expect(expect);
    store.apply(&[Change::Clear]).expect(expect);
    assert_eq!(counts(), (0, 1, true));
}
