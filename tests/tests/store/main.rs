//! The store on disk, as an application uses it.

mod kill;
mod lessons;
mod processes;
mod seed;

use astarte_runtime::{
    Ownership, Reliability,
    store::{Change, Property, RetainedMessage, RetentionChange, RetentionStore, State},
};

const INTERFACE: &str = "org.example.A";

fn property<'a>(path: &'a str, payload: &'a [u8]) -> Property<'a> {
    Property {
        interface: INTERFACE.into(),
        major: 1,
        path: path.into(),
        ownership: Ownership::Device,
        state: State::Unsent,
        payload: payload.into(),
    }
}

fn stored<'a>(path: &'a str, payload: &'a [u8]) -> Change<'a> {
    Change::Store(property(path, payload))
}

fn message(sequence: u64, payload: &[u8]) -> RetainedMessage {
    RetainedMessage {
        sequence,
        interface: INTERFACE.to_owned(),
        major: 1,
        path: "/a".to_owned(),
        reliability: Reliability::Unique,
        expires: None,
        payload: payload.to_owned(),
        released: false,
    }
}

fn append(sequence: u64, payload: &[u8]) -> RetentionChange {
    RetentionChange::Append(message(sequence, payload))
}

/// All messages, after asserting that the counters are theirs.
fn messages(
    store: &impl RetentionStore,
) -> Result<Vec<RetainedMessage>, Box<dyn std::error::Error>> {
    let messages = store.load_messages(0, usize::MAX, u64::MAX)?;
    let backlog = store.backlog()?;
    let bytes = messages.iter().map(RetainedMessage::size).sum();
    assert_eq!(
        (backlog.messages, backlog.bytes),
        (messages.len() as u64, bytes)
    );
    assert!(messages.is_sorted_by(|one, two| one.sequence < two.sequence));
    assert!(
        messages
            .last()
            .is_none_or(|last| last.sequence <= backlog.last)
    );
    Ok(messages)
}
