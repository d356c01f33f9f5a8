//! A path in the first line and a payload behind it, as a message of every interface: an event or an error, and what is
//! read as a value is read from its own writing as well.

#![no_main]

use std::fmt::Debug;

use astarte_runtime::{
    Decode, Encode, Events, PropertyEvents, ReceiveObject, Timestamp, astarte_interface,
    payload::{Payload, encode_individual},
    wire::{self, Wire},
};
use libfuzzer_sys::fuzz_target;

#[astarte_interface("../interfaces/org.example.types.ServerDatastream.json")]
struct ServerDatastream;

#[astarte_interface("../interfaces/org.example.types.ServerObject.json")]
struct ServerObject;

#[astarte_interface("../interfaces/org.example.types.ServerProperties.json")]
struct ServerProperties;

fuzz_target!(|data: &[u8]| {
    let mut parts = data.splitn(2, |byte| *byte == b'\n');
    let (path, bytes) = (
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
    );
    let Ok(path) = str::from_utf8(path) else {
        return;
    };
    said(ServerProperties::purged(path));
    let payload = match Payload::parse(bytes) {
        Ok(payload) => payload,
        Err(error) => return said(Err::<(), _>(error)),
    };
    said(ServerDatastream::decode(path, payload));
    said(ServerProperties::decode(path, payload));
    said(<ServerObject as ReceiveObject>::decode::<ServerObject>(
        path, payload,
    ));

    survives::<wire::Boolean, bool>(payload);
    survives::<wire::Double, f64>(payload);
    survives::<wire::Integer, i32>(payload);
    survives::<wire::LongInteger, i64>(payload);
    survives::<wire::String, String>(payload);
    survives::<wire::BinaryBlob, Vec<u8>>(payload);
    survives::<wire::DateTime, Timestamp>(payload);
    survives::<wire::BooleanArray, Vec<bool>>(payload);
    survives::<wire::DoubleArray, Vec<f64>>(payload);
    survives::<wire::IntegerArray, Vec<i32>>(payload);
    survives::<wire::LongIntegerArray, Vec<i64>>(payload);
    survives::<wire::StringArray, Vec<String>>(payload);
    survives::<wire::BinaryBlobArray, Vec<Vec<u8>>>(payload);
    survives::<wire::DateTimeArray, Vec<Timestamp>>(payload);
});

/// What an event or an error says of itself is one line.
fn said<E: Debug>(result: Result<E, astarte_runtime::DecodeError>) {
    match result {
        Ok(event) => assert!(!format!("{event:?}").is_empty()),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// A value that is read, and that Astarte would take, is the same once it is written and read again.
fn survives<W: Wire, T: Decode<W> + Encode<W> + Debug>(payload: Payload<'_>) {
    let Ok(value) = payload.decode::<W, T>() else {
        return;
    };
    let mut written = Vec::new();
    if encode_individual::<W, T>(&value, payload.timestamp(), &mut written).is_err() {
        return;
    }
    let again = Payload::parse(&written).expect("what is written is a payload");
    assert_eq!(again.timestamp(), payload.timestamp());
    let read = again.decode::<W, T>().expect("what is written can be read");
    assert_eq!(format!("{read:?}"), format!("{value:?}"));
}
