//! Any calls that a device could make.

use proptest::{collection::vec, option, prelude::*};

use super::crashes::Call;
use crate::{
    Ownership, Reliability,
    store::{
        Change, ClockReading, Property, RetainedMessage, RetentionChange, SessionChange, State,
    },
};

/// Of few names, so that calls are about the same rows. Messages have numbers of up to 8.
pub(super) fn call() -> impl Strategy<Value = Call> {
    prop_oneof![
        vec(property(), 1..5).prop_map(Call::Properties),
        vec(retention(), 1..5).prop_map(Call::Retention),
        vec(session(), 1..5).prop_map(Call::Session),
    ]
}

fn interface() -> impl Strategy<Value = String> {
    "org\\.example\\.[AB]"
}

fn path() -> impl Strategy<Value = String> {
    "/[ab]"
}

/// Few values, so that one is acknowledged now and then, and some that fill the journal.
fn payload() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        8 => vec(0_u8..2, 0..2),
        1 => vec(any::<u8>(), 700),
        1 => vec(any::<u8>(), 5000),
    ]
}

fn property() -> impl Strategy<Value = Change<'static>> {
    let place = || (interface(), 0_u32..3, path());
    let row = (place(), any::<bool>(), 0..3_usize, payload()).prop_map(
        |((interface, major, path), servers, state, payload)| {
            let state = [State::Sent, State::Unsent, State::Unset][state];
            Change::Store(Property {
                interface: interface.into(),
                major,
                path: path.into(),
                ownership: match servers {
                    true => Ownership::Server,
                    false => Ownership::Device,
                },
                payload: match state {
                    State::Unset => Vec::new().into(),
                    State::Sent | State::Unsent => payload.into(),
                },
                state,
            })
        },
    );
    let deleted = place().prop_map(|(interface, major, path)| Change::Delete {
        interface: interface.into(),
        major,
        path: path.into(),
    });
    let others = (interface(), 0_u32..3).prop_map(|(interface, major)| Change::DeleteOtherMajors {
        interface: interface.into(),
        major,
    });
    let acknowledged =
        (place(), payload()).prop_map(|((interface, major, path), payload)| Change::Acknowledge {
            interface: interface.into(),
            major,
            path: path.into(),
            payload: payload.into(),
        });
    prop_oneof![
        6 => row,
        2 => deleted,
        2 => others,
        3 => acknowledged,
        1 => Just(Change::Clear),
        1 => any::<bool>().prop_map(Change::Complete),
    ]
}

fn retention() -> impl Strategy<Value = RetentionChange> {
    let sequence = || 1_u64..9;
    let append = (
        (sequence(), interface(), 0_u32..3, path()),
        (0..3_usize, option::of(0_u64..9), payload(), any::<bool>()),
    );
    let append = append.prop_map(
        |((sequence, interface, major, path), (reliability, expires, payload, released))| {
            RetentionChange::Append(RetainedMessage {
                sequence,
                interface,
                major,
                path,
                reliability: [
                    Reliability::Unreliable,
                    Reliability::Guaranteed,
                    Reliability::Unique,
                ][reliability],
                expires,
                payload: if released { Vec::new() } else { payload },
                released,
            })
        },
    );
    let clock = (any::<u64>(), option::of(any::<u64>()))
        .prop_map(|(counted, wall)| RetentionChange::Clock(ClockReading { counted, wall }));
    let release = sequence().prop_map(|sequence| RetentionChange::Release { sequence });
    let remove = sequence().prop_map(|sequence| RetentionChange::Remove { sequence });
    let set_aside = (sequence(), "[a-z]{0,20}")
        .prop_map(|(sequence, reason)| RetentionChange::SetAside { sequence, reason });
    prop_oneof![
        6 => append,
        2 => clock,
        2 => release,
        2 => remove,
        2 => set_aside,
        1 => Just(RetentionChange::Clear),
    ]
}

fn session() -> impl Strategy<Value = SessionChange> {
    let id = || 1_u16..4;
    prop_oneof![
        (interface(), id())
            .prop_map(|(broker, highest_id)| SessionChange::Begin { broker, highest_id }),
        id().prop_map(SessionChange::HighestId),
        option::of(interface()).prop_map(SessionChange::Introduced),
        id().prop_map(SessionChange::Received),
        id().prop_map(SessionChange::Released),
    ]
}
