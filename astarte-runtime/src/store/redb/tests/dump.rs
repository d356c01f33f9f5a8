//! A file as text.

use std::{fs, path::Path};

use super::{Contents, message, property};
use crate::{
    DeviceId, Ownership,
    store::{
        Change, ClockReading, Property, PropertyStore, RedbStore, RetainedMessage, RetentionChange,
        RetentionStore, SessionChange, SessionStore, State, StoreError,
    },
};

fn dump(file: &Path) -> Vec<serde_json::Value> {
    let mut text = Vec::new();
    RedbStore::dump(file, &mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    lines.collect()
}

/// The BSON of `{ t: 5, v: { a: [1, "x\n"], b: <01 02>, c: 2.5, d: datetime 7, e: null } }`.
fn object() -> Vec<u8> {
    let document = |body: &[u8]| {
        let mut bytes = (body.len() as i32 + 5).to_le_bytes().to_vec();
        bytes.extend_from_slice(body);
        bytes.push(0);
        bytes
    };
    let array = document(b"\x100\0\x01\0\0\0\x021\0\x03\0\0\0x\n\0");
    let mut body = b"\x04a\0".to_vec();
    body.extend(array);
    body.extend(b"\x05b\0\x02\0\0\0\0\x01\x02\x01c\0");
    body.extend(2.5_f64.to_le_bytes());
    body.extend(b"\x09d\0\x07\0\0\0\0\0\0\0\x0ae\0");
    let value = document(&body);
    let mut outer = b"\x09t\0\x05\0\0\0\0\0\0\0\x03v\0".to_vec();
    outer.extend(value);
    document(&outer)
}

fn fill(store: &RedbStore) {
    let servers = Property {
        ownership: Ownership::Server,
        state: State::Sent,
        ..property("/\"s\"", b"\x09\0\0\0\x08v\0\x01\0")
    };
    store
        .apply(&[Change::Store(servers), Change::Store(property("/x", b"??"))])
        .unwrap();
    let changes = [
        RetentionChange::Append(RetainedMessage {
            expires: None,
            ..message(1, &object())
        }),
        RetentionChange::Append(message(2, b"")),
        RetentionChange::SetAside {
            sequence: 2,
            reason: "too large".into(),
        },
        RetentionChange::Clock(ClockReading {
            counted: 3,
            wall: Some(4),
        }),
    ];
    store.apply_retention(&changes).unwrap();
    let begin = SessionChange::Begin {
        broker: "broker:8883".into(),
        highest_id: 20,
    };
    let changes = [
        begin,
        SessionChange::Received(2),
        SessionChange::Received(1),
    ];
    store.apply_session(&changes).unwrap();
}

#[test]
fn a_dump_tells_everything() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("store.redb");
    let store = RedbStore::open(&file).unwrap();
    fill(&store);
    let realm = "test".parse().unwrap();
    let device = store.device(&realm, &DeviceId::from_bytes([0; 16]));
    device.apply(&[Change::Store(property("/d", b""))]).unwrap();
    let error = RedbStore::dump(&file, Vec::new()).unwrap_err();
    assert!(matches!(error, StoreError::InUse), "{error:?}");
    drop((store, device));

    let name = "test/AAAAAAAAAAAAAAAAAAAAAA";
    let expected = serde_json::json!([
        { "kind": "file", "format": 3, "lost": false },
        {
            "kind": "device", "device": null, "complete": true, "messages": 1, "bytes": 15 + object().len(),
            "last": 2, "counted": 3, "wall": 4,
        },
        { "kind": "device", "device": name, "complete": true, "messages": 0, "bytes": 0, "last": 0 },
        {
            "kind": "property", "device": null, "interface": "org.example.A", "major": 1, "path": "/\"s\"",
            "ownership": "server", "state": "sent", "value": true,
        },
        {
            "kind": "property", "device": null, "interface": "org.example.A", "major": 1, "path": "/x",
            "ownership": "device", "state": "unsent", "payload_base64": "Pz8=",
        },
        {
            "kind": "property", "device": name, "interface": "org.example.A", "major": 1, "path": "/d",
            "ownership": "device", "state": "unsent", "value": null,
        },
        {
            "kind": "message", "device": null, "sequence": 1, "interface": "org.example.B", "major": 1, "path": "/b",
            "reliability": "unique", "expires": null, "released": false, "timestamp": 5,
            "value": {
                "a": [1, "x\n"], "b": { "base64": "AQI=" }, "c": 2.5, "d": { "datetime": 7 }, "e": null,
            },
        },
        {
            "kind": "set_aside", "device": null, "reason": "too large", "sequence": 2, "interface": "org.example.B",
            "major": 1, "path": "/b", "reliability": "unique", "expires": 60000, "released": false, "value": null,
        },
        {
            "kind": "session", "device": null, "broker": "broker:8883", "introspection": null, "highest_id": 20,
            "received": [1, 2],
        },
    ]);
    assert_eq!(serde_json::Value::from(dump(&file)), expected);
}

/// Support gets files of devices that were switched off.
#[test]
fn a_file_that_was_not_closed_is_dumped_and_not_changed() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("store.redb");
    let store = RedbStore::open(&file).unwrap();
    fill(&store);
    let contents = Contents::of(&store);
    let files = [file.clone(), directory.path().join("store.redb.journal")];
    let images = files.each_ref().map(|file| fs::read(file).unwrap());
    drop(store);
    for (file, image) in files.iter().zip(&images) {
        fs::write(file, image).unwrap();
    }
    assert_eq!(dump(&file).len(), 7);
    assert_eq!(files.map(|file| fs::read(file).unwrap()), images);
    assert_eq!(Contents::of(&RedbStore::open(&file).unwrap()), contents);
}

#[test]
fn what_is_no_store_is_not_dumped() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("store.redb");
    let error = RedbStore::dump(&file, Vec::new()).unwrap_err();
    assert!(matches!(error, StoreError::Open { .. }), "{error:?}");
    assert!(!file.exists());
    fs::write(&file, "no store").unwrap();
    let error = RedbStore::dump(&file, Vec::new()).unwrap_err();
    assert!(matches!(error, StoreError::Damaged(_)), "{error:?}");
}
