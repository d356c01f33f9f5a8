//! Documents at the edges of each family of rules, and what the server makes of them.
//!
//! Each row changes keys of one valid document.

use astarte_interface::{Code, Diagnostic, Interface, Source};
use serde_json::{Value, json};

/// The code of the first error of the document with these changes.
fn verdict(changes: &Value) -> Option<Code> {
    let mut document = json!({
        "interface_name": "org.example.Readings",
        "version_major": 1,
        "version_minor": 0,
        "type": "datastream",
        "ownership": "device",
        "mappings": [{ "endpoint": "/a/b", "type": "double" }],
    });
    for (key, value) in changes.as_object().unwrap() {
        document[key] = value.clone();
    }
    let found = Interface::parse(&Source::new("a.json", document.to_string())).err()?;
    found.errors().map(Diagnostic::code).next()
}

#[track_caller]
fn accepted(rows: impl IntoIterator<Item = Value>) {
    for changes in rows {
        assert_eq!(verdict(&changes), None, "{changes}");
    }
}

#[track_caller]
fn refused(code: Code, rows: impl IntoIterator<Item = Value>) {
    for changes in rows {
        assert_eq!(verdict(&changes), Some(code), "{changes}");
    }
}

/// A change of the mappings to ones with these endpoints.
fn endpoints<const N: usize>(endpoints: [&str; N]) -> Value {
    let mappings = endpoints.map(|endpoint| json!({ "endpoint": endpoint, "type": "double" }));
    json!({ "mappings": mappings.to_vec() })
}

/// A change to an object with these mappings.
fn object<const N: usize>(mappings: [Value; N]) -> Value {
    json!({ "aggregation": "object", "mappings": mappings.to_vec() })
}

/// A change to one mapping with these keys beside its endpoint and type.
fn mapping(changes: Value) -> Value {
    let mut mapping = json!({ "endpoint": "/a", "type": "double" });
    for (key, value) in changes.as_object().unwrap() {
        mapping[key] = value.clone();
    }
    json!({ "mappings": [mapping] })
}

/// The same, of properties.
fn property(changes: Value) -> Value {
    let mut document = mapping(changes);
    document["type"] = json!("properties");
    document
}

#[test]
fn names() {
    accepted([
        json!({ "interface_name": "org.1example.A" }),
        json!({ "interface_name": "org.ex-ample.A" }),
        json!({ "interface_name": "org.example.A2" }),
        json!({ "interface_name": "org.a-.B" }),
        json!({ "interface_name": "Device" }),
        json!({ "interface_name": "device.A" }),
        json!({ "interface_name": "devices" }),
    ]);
    refused(
        Code::InterfaceInvalidName,
        [
            json!({ "interface_name": "org.example.A-b" }),
            json!({ "interface_name": "org.exämple.A" }),
            json!({ "interface_name": "org..A" }),
            json!({ "interface_name": "org.A." }),
            json!({ "interface_name": "org.my_example.A" }),
            json!({ "interface_name": "org.-a.B" }),
            json!({ "interface_name": "" }),
        ],
    );
    refused(
        Code::InterfaceReservedName,
        [
            json!({ "interface_name": "device" }),
            json!({ "interface_name": "control" }),
            json!({ "interface_name": "astarte" }),
        ],
    );
}

#[test]
fn versions() {
    accepted([
        json!({ "version_major": 0, "version_minor": 1 }),
        json!({ "version_minor": 2147483647 }),
    ]);
    refused(
        Code::InterfaceVersionRange,
        [json!({ "version_minor": -1 })],
    );
    refused(
        Code::InterfaceVersionZero,
        [json!({ "version_major": 0, "version_minor": 0 })],
    );
    refused(Code::JsonWrongType, [json!({ "version_major": 1.5 })]);
}

#[test]
fn words() {
    refused(
        Code::InterfaceUnknownValue,
        [
            json!({ "type": "Datastream" }),
            json!({ "ownership": "Device" }),
            json!({ "aggregation": "objects" }),
        ],
    );
    refused(
        Code::MappingUnknownValue,
        [
            json!({ "mappings": [{ "endpoint": "/a", "type": "Double" }] }),
            json!({ "mappings": [{ "endpoint": "/a", "type": "double array" }] }),
            mapping(json!({ "reliability": "exactly_once" })),
            mapping(json!({ "retention": "none" })),
            mapping(json!({ "database_retention_policy": "ttl" })),
        ],
    );
}

#[test]
fn kinds() {
    accepted([
        property(json!({ "reliability": "unreliable" })),
        property(json!({ "expiry": 0 })),
        property(json!({ "explicit_timestamp": false })),
        property(json!({ "database_retention_policy": "no_ttl" })),
        mapping(json!({ "allow_unset": false })),
        mapping(json!({ "required": false })),
        json!({ "type": "properties", "ownership": "server", "mappings": [{ "endpoint": "/a", "type": "double", "allow_unset": true }] }),
    ]);
    refused(
        Code::InterfacePropertiesObject,
        [json!({ "type": "properties", "aggregation": "object" })],
    );
    refused(
        Code::MappingMisplacedKey,
        [
            property(json!({ "reliability": "unique" })),
            property(json!({ "expiry": 1 })),
            property(json!({ "explicit_timestamp": true })),
            property(
                json!({ "database_retention_policy": "use_ttl", "database_retention_ttl": 60 }),
            ),
            mapping(json!({ "allow_unset": true })),
            mapping(json!({ "required": true })),
            property(json!({ "required": true })),
            property(json!({ "retention": "stored" })),
        ],
    );
}

#[test]
fn objects() {
    accepted([
        object([
            json!({ "endpoint": "/%{a}/x", "type": "double" }),
            json!({ "endpoint": "/%{a}/y", "type": "stringarray" }),
        ]),
        object([
            json!({ "endpoint": "/a/x", "type": "double", "reliability": "unreliable" }),
            json!({ "endpoint": "/a/y", "type": "double" }),
        ]),
        object([
            json!({ "endpoint": "/a/x", "type": "double", "required": true }),
            json!({ "endpoint": "/a/y", "type": "double" }),
        ]),
        object([
            json!({ "endpoint": "/x", "type": "double" }),
            json!({ "endpoint": "/y", "type": "double" }),
        ]),
        object([json!({ "endpoint": "/%{p}/%{q}/x", "type": "double" })]),
    ]);
    refused(
        Code::MappingMisplacedKey,
        [object([
            json!({ "endpoint": "/a/x", "type": "double", "allow_unset": true }),
            json!({ "endpoint": "/a/y", "type": "double", "allow_unset": true }),
        ])],
    );
    refused(
        Code::MappingOverlap,
        [object([
            json!({ "endpoint": "/a/x", "type": "double" }),
            json!({ "endpoint": "/a/x/y", "type": "double" }),
        ])],
    );
    refused(
        Code::ObjectDelivery,
        [
            object([
                json!({ "endpoint": "/a/x", "type": "double", "reliability": "unique" }),
                json!({ "endpoint": "/a/y", "type": "double" }),
            ]),
            object([
                json!({ "endpoint": "/a/x", "type": "double", "database_retention_policy": "use_ttl", "database_retention_ttl": 60 }),
                json!({ "endpoint": "/a/y", "type": "double", "database_retention_policy": "use_ttl", "database_retention_ttl": 61 }),
            ]),
            object([
                json!({ "endpoint": "/a/x", "type": "double", "explicit_timestamp": true }),
                json!({ "endpoint": "/a/y", "type": "double" }),
            ]),
            object([
                json!({ "endpoint": "/a/x", "type": "double", "expiry": 5 }),
                json!({ "endpoint": "/a/y", "type": "double" }),
            ]),
        ],
    );
    refused(
        Code::ObjectPrefix,
        [
            object([
                json!({ "endpoint": "/%{a}/x", "type": "double" }),
                json!({ "endpoint": "/%{b}/y", "type": "double" }),
            ]),
            object([
                json!({ "endpoint": "/a/x", "type": "double" }),
                json!({ "endpoint": "/a/b/y", "type": "double" }),
            ]),
            object([
                json!({ "endpoint": "/A/x", "type": "double" }),
                json!({ "endpoint": "/a/y", "type": "double" }),
            ]),
        ],
    );
}

#[test]
fn duplicates() {
    refused(
        Code::MappingDuplicate,
        [
            endpoints(["/a/b", "/a/b"]),
            endpoints(["/a/B", "/A/b"]),
            endpoints(["/%{a}/b", "/%{b}/b"]),
            endpoints(["/%{a}/B", "/%{b}/b"]),
        ],
    );
}

#[test]
fn overlaps() {
    accepted([
        endpoints(["/a/b", "/%{x}/c"]),
        endpoints(["/a/%{x}/c", "/%{y}/b/d"]),
        endpoints(["/a/bc", "/a/b"]),
    ]);
    refused(
        Code::MappingOverlap,
        [
            endpoints(["/a/b", "/%{x}/b"]),
            endpoints(["/a", "/a/b"]),
            endpoints(["/%{x}", "/a/b/c"]),
            endpoints(["/a/%{x}/c", "/%{y}/b/c"]),
            endpoints(["/%{x}/%{y}", "/q/r/s"]),
        ],
    );
}

#[test]
fn retention() {
    accepted([
        mapping(json!({ "database_retention_policy": "use_ttl", "database_retention_ttl": 60 })),
        mapping(
            json!({ "database_retention_policy": "use_ttl", "database_retention_ttl": 630719999 }),
        ),
        mapping(json!({ "expiry": 1, "retention": "stored", "reliability": "unique" })),
    ]);
    refused(
        Code::MappingExpiryRange,
        [mapping(json!({ "expiry": -1, "retention": "stored" }))],
    );
    refused(
        Code::MappingPolicyWithoutTtl,
        [mapping(json!({ "database_retention_policy": "use_ttl" }))],
    );
    refused(
        Code::MappingTtlRange,
        [
            mapping(
                json!({ "database_retention_policy": "use_ttl", "database_retention_ttl": 59 }),
            ),
            mapping(
                json!({ "database_retention_policy": "use_ttl", "database_retention_ttl": 630720000 }),
            ),
        ],
    );
    refused(
        Code::MappingTtlWithoutPolicy,
        [
            mapping(json!({ "database_retention_ttl": 60 })),
            mapping(json!({ "database_retention_policy": "no_ttl", "database_retention_ttl": 60 })),
        ],
    );
}

#[test]
fn levels() {
    accepted([
        endpoints(["/_"]),
        endpoints(["/a"]),
        endpoints(["/%{a}/%{a}"]),
        endpoints(["/%{_a1}"]),
    ]);
    refused(
        Code::MappingInvalidEndpoint,
        [
            endpoints(["/"]),
            endpoints(["/a/"]),
            endpoints(["/a//b"]),
            endpoints(["/1a"]),
            endpoints(["/a-b"]),
            endpoints(["/é"]),
            endpoints(["/%{}"]),
            endpoints(["/a%{b}"]),
            endpoints(["/%{b}a"]),
            endpoints(["/${b}"]),
            endpoints(["/%{1}"]),
            endpoints(["a/b"]),
            endpoints(["/%{%{a}}"]),
            endpoints(["/%{a/b}"]),
        ],
    );
}

#[test]
fn legacy_and_unknown_keys() {
    accepted([
        json!({ "ownership": "consumer" }),
        json!({ "aggregate": true }),
        json!({ "mappings": [{ "path": "/a", "type": "double" }] }),
        json!({ "foo": {"a": [1]}}),
        mapping(json!({ "unit": "C" })),
    ]);
}
