//! The rules at their borders, and what a run of the checks reports.

use astarte_interface::{
    Aggregation, Code, Diagnostic, Diagnostics, Interface, InterfaceType, Mapping, MappingType,
    Ownership, Reliability, Retention, Schema, Severity, Source, Version,
};
use serde_json::{Value, json};

fn base() -> Value {
    json!({
        "interface_name": "org.example.Readings",
        "version_major": 1,
        "version_minor": 0,
        "type": "datastream",
        "ownership": "device",
        "mappings": [{ "endpoint": "/a", "type": "double" }]
    })
}

fn with(changes: Value) -> String {
    let mut document = base();
    for (key, value) in changes.as_object().unwrap() {
        document[key] = value.clone();
    }
    document.to_string()
}

fn mappings(mappings: Value) -> String {
    with(json!({ "mappings": mappings }))
}

fn errors(text: &str) -> Vec<Code> {
    match Interface::parse(&Source::new("a.json", text)) {
        Ok(_) => Vec::new(),
        Err(found) => {
            assert!(found.has_errors());
            found.errors().map(Diagnostic::code).collect()
        }
    }
}

fn accept(text: &str) -> (Interface, Diagnostics) {
    match Interface::parse(&Source::new("a.json", text)) {
        Ok(checked) => {
            assert!(
                checked
                    .warnings
                    .iter()
                    .all(|found| found.severity() == Severity::Warning)
            );
            (checked.interface, checked.warnings)
        }
        Err(found) => panic!("{found}"),
    }
}

#[test]
fn every_fact_is_read() {
    let text = with(json!({
        "version_major": 2,
        "version_minor": 3,
        "description": "short",
        "doc": "long",
        "mappings": [{
            "endpoint": "/%{room}/temperature", "type": "doublearray", "reliability": "unique",
            "retention": "stored", "expiry": 60, "database_retention_policy": "use_ttl",
            "database_retention_ttl": 3600, "explicit_timestamp": true,
            "description": "m", "doc": "n"
        }]
    }));
    let (interface, warnings) = accept(&text);
    assert!(warnings.is_empty(), "{warnings}");
    assert_eq!(interface.name().as_str(), "org.example.Readings");
    assert_eq!(interface.version(), Version { major: 2, minor: 3 });
    assert_eq!(interface.interface_type(), InterfaceType::Datastream);
    assert_eq!(interface.ownership(), Ownership::Device);
    assert_eq!(interface.aggregation(), Aggregation::Individual);
    assert_eq!(
        (interface.description(), interface.doc()),
        (Some("short"), Some("long"))
    );
    let mapping = interface.mappings().next().unwrap();
    assert_eq!(mapping.value_type(), MappingType::DoubleArray);
    assert_eq!(
        (mapping.reliability(), mapping.qos()),
        (Reliability::Unique, 2)
    );
    assert_eq!(
        (mapping.retention(), mapping.expiry()),
        (Retention::Stored, 60)
    );
    assert_eq!(mapping.database_retention_ttl(), Some(3600));
    assert!(mapping.explicit_timestamp() && !mapping.allow_unset() && !mapping.required());
    assert_eq!(
        (mapping.description(), mapping.doc()),
        (Some("m"), Some("n"))
    );
    let source = interface.source();
    assert_eq!(
        source.slice(interface.name_span()),
        "\"org.example.Readings\""
    );
    assert_eq!(source.slice(interface.version_major_span()), "2");
    assert_eq!(source.slice(interface.version_minor_span()), "3");
    assert_eq!(
        source.slice(mapping.endpoint_span()),
        "\"/%{room}/temperature\""
    );
    assert_eq!(source.slice(mapping.type_span()), "\"doublearray\"");
    assert!(source.slice(mapping.span()).starts_with('{'));
}

#[test]
fn properties_read_as_unique_and_unstored() {
    let text = with(json!({
        "type": "properties",
        "ownership": "server",
        "mappings": [{ "endpoint": "/a", "type": "string", "allow_unset": true }]
    }));
    let (interface, _) = accept(&text);
    let mapping = interface.mappings().next().unwrap();
    assert_eq!(
        (mapping.qos(), mapping.retention(), mapping.expiry()),
        (2, Retention::Discard, 0)
    );
    assert!(mapping.allow_unset() && mapping.key().is_none());
    assert!(matches!(interface.schema(), Schema::Properties(all) if all.len() == 1));
}

#[test]
fn objects_have_a_prefix_and_keys() {
    let text = with(json!({
        "aggregation": "object",
        "mappings": [
            { "endpoint": "/%{room}/b", "type": "double", "required": true, "reliability": "guaranteed" },
            { "endpoint": "/%{room}/a", "type": "integer", "reliability": "guaranteed" }
        ]
    }));
    let (interface, _) = accept(&text);
    let Schema::Object(object) = interface.schema() else {
        panic!("an object")
    };
    assert_eq!(object.prefix().len(), 1);
    let keys: Vec<_> = interface.mappings().map(Mapping::key).collect();
    assert_eq!(keys, [Some("b"), Some("a")]);
    assert!(object.mappings()[0].required() && !object.mappings()[1].required());
    assert_eq!(object.reliability(), Reliability::Guaranteed);
}

#[test]
fn numbers_of_mappings() {
    let many = |count: usize| {
        let all: Vec<_> = (0..count)
            .map(|i| json!({ "endpoint": format!("/m{i}"), "type": "double" }))
            .collect();
        mappings(Value::from(all))
    };
    assert_eq!(errors(&many(0)), [Code::InterfaceNoMappings]);
    assert!(errors(&many(1024)).is_empty());
    assert_eq!(errors(&many(1025)), [Code::InterfaceTooManyMappings]);
}

#[test]
fn lengths_of_texts_are_in_graphemes() {
    let description = |text: String| errors(&with(json!({ "description": text })));
    assert!(description("x".repeat(1000)).is_empty());
    assert_eq!(description("x".repeat(1001)), [Code::InterfaceTextTooLong]);
    assert!(description("e\u{301}".repeat(1000)).is_empty());
    assert_eq!(
        description("e\u{301}".repeat(1001)),
        [Code::InterfaceTextTooLong]
    );
    assert!(description("👩‍👩‍👧".repeat(1000)).is_empty());
    assert!(description("\r\n".repeat(1000)).is_empty());
    let doc = |count| {
        errors(&mappings(
            json!([{ "endpoint": "/a", "type": "double", "doc": "x".repeat(count) }]),
        ))
    };
    assert!(doc(100_000).is_empty());
    assert_eq!(doc(100_001), [Code::InterfaceTextTooLong]);
}

#[test]
fn versions() {
    let version = |major: Value, minor: Value| {
        errors(&with(
            json!({ "version_major": major, "version_minor": minor }),
        ))
    };
    assert!(version(json!(0), json!(1)).is_empty());
    assert!(version(json!(i32::MAX), json!(i32::MAX)).is_empty());
    assert_eq!(version(json!(0), json!(0)), [Code::InterfaceVersionZero]);
    assert_eq!(
        version(json!(1_u32 << 31), json!(-1)),
        [Code::InterfaceVersionRange; 2]
    );
    assert_eq!(version(json!("1"), json!(1.0)), [Code::JsonWrongType; 2]);
    let text = base()
        .to_string()
        .replace("\"version_minor\":0", "\"version_minor\":-0");
    assert!(errors(&text).is_empty());
}

#[test]
fn database_retention() {
    let mapping = |extra: Value| {
        let mut mapping = json!({ "endpoint": "/a", "type": "double" });
        mapping
            .as_object_mut()
            .unwrap()
            .extend(extra.as_object().unwrap().clone());
        errors(&mappings(json!([mapping])))
    };
    let use_ttl = |ttl: i64| {
        mapping(json!({ "database_retention_policy": "use_ttl", "database_retention_ttl": ttl }))
    };
    assert!(use_ttl(60).is_empty() && use_ttl(630_719_999).is_empty());
    assert_eq!(use_ttl(59), [Code::MappingTtlRange]);
    assert_eq!(use_ttl(630_720_000), [Code::MappingTtlRange]);
    assert_eq!(use_ttl(-1), [Code::MappingTtlRange]);
    assert!(mapping(json!({ "database_retention_policy": "no_ttl" })).is_empty());
    assert_eq!(
        mapping(json!({ "database_retention_ttl": 60 })),
        [Code::MappingTtlWithoutPolicy]
    );
    assert_eq!(
        mapping(json!({ "database_retention_policy": "use_ttl" })),
        [Code::MappingPolicyWithoutTtl]
    );
    // One mistake, one error.
    assert_eq!(
        mapping(json!({ "database_retention_policy": "use_ttl", "database_retention_ttl": "60" })),
        [Code::JsonWrongType]
    );
    assert_eq!(
        mapping(json!({ "database_retention_policy": "ttl", "database_retention_ttl": 60 })),
        [Code::MappingUnknownValue]
    );
}

#[test]
fn misplaced_keys_are_refused_unless_they_say_nothing() {
    let kinds = [
        (json!({}), ["allow_unset", "required"].as_slice()),
        (json!({ "aggregation": "object" }), &["allow_unset"]),
        (
            json!({ "type": "properties" }),
            &["explicit_timestamp", "required"],
        ),
    ];
    for (kind, keys) in kinds {
        for key in keys {
            for value in [true, false] {
                let mut changes = kind.clone();
                changes["mappings"] =
                    json!([{ "endpoint": "/p/a", "type": "double", *key: value }]);
                let text = with(changes);
                if value {
                    assert_eq!(errors(&text), [Code::MappingMisplacedKey], "{text}");
                } else {
                    let (_, warnings) = accept(&text);
                    let codes: Vec<_> = warnings.iter().map(Diagnostic::code).collect();
                    assert_eq!(codes, [Code::LintDefaultOutOfPlace], "{text}");
                }
            }
        }
    }
}

#[test]
fn legacy_names_mean_the_same() {
    let text = r#"{
        "interface_name": "org.example.Readings", "version_major": 1, "version_minor": 0,
        "type": "datastream", "quality": "consumer", "aggregate": true,
        "mappings": [{ "path": "/p/a", "type": "double" }]
    }"#;
    let (interface, warnings) = accept(text);
    assert_eq!(interface.ownership(), Ownership::Server);
    assert_eq!(interface.aggregation(), Aggregation::Object);
    assert_eq!(warnings.len(), 4);
    assert!(
        warnings
            .iter()
            .all(|found| found.code() == Code::LintLegacyName)
    );
    assert!(warnings.allow(&[Code::LintLegacyName]).is_empty());
}

#[test]
fn the_new_name_holds_beside_the_legacy_one() {
    let text = with(json!({ "quality": "consumer", "ownership": "device" }));
    assert_eq!(accept(&text).0.ownership(), Ownership::Device);
    let text = with(json!({ "aggregate": true, "aggregation": "individual" }));
    assert_eq!(accept(&text).0.aggregation(), Aggregation::Individual);
}

#[test]
fn a_legacy_name_of_another_type_is_an_error_even_where_it_does_not_hold() {
    for change in [
        json!({ "quality": 1 }),
        json!({ "aggregate": "object", "aggregation": "individual" }),
        json!({ "mappings": [{ "path": 3, "endpoint": "/a/b", "type": "double" }] }),
    ] {
        assert_eq!(
            errors(&with(change.clone())),
            [Code::JsonWrongType],
            "{change}"
        );
    }
}

#[test]
fn what_the_server_cannot_read_is_an_error_where_nothing_reads_it() {
    for scalar in ["1e400", r#""\ud83d""#, r#"[{ "\udc00": 0 }]"#] {
        let text = with(json!({ "x": 0 })).replacen("\"x\":0", &format!("\"x\":{scalar}"), 1);
        assert!(text.contains(scalar), "{text}");
        assert_eq!(errors(&text), [Code::JsonSyntax], "{text}");
    }
}

#[test]
fn all_errors_of_a_stage_are_sorted_by_position() {
    let text = r#"{
        "version_minor": -1,
        "mappings": [{ "endpoint": "a", "type": "float" }, 7],
        "version_major": 1.5,
        "interface_name": "1"
    }"#;
    assert_eq!(
        errors(text),
        [
            Code::InterfaceMissingKey,
            Code::InterfaceMissingKey,
            Code::InterfaceVersionRange,
            Code::MappingInvalidEndpoint,
            Code::MappingUnknownValue,
            Code::JsonWrongType,
            Code::JsonWrongType,
            Code::InterfaceInvalidName,
        ]
    );
}

#[test]
fn a_stage_runs_when_the_earlier_ones_found_nothing() {
    let overlap = json!([
        { "endpoint": "/a", "type": "double" },
        { "endpoint": "/%{x}", "type": "double" }
    ]);
    assert_eq!(errors(&mappings(overlap.clone())), [Code::MappingOverlap]);
    let both = with(json!({ "mappings": overlap, "type": "stream" }));
    assert_eq!(errors(&both), [Code::InterfaceUnknownValue]);
}

#[test]
fn warnings_come_with_the_errors() {
    let text = with(json!({ "unit": 1, "type": "stream" }));
    let found = Interface::parse(&Source::new("a.json", text)).unwrap_err();
    let codes: Vec<_> = found.iter().map(Diagnostic::code).collect();
    assert_eq!(
        codes,
        [Code::InterfaceUnknownValue, Code::InterfaceUnknownKey]
    );
}

#[test]
fn errors_cannot_be_allowed() {
    let text = with(json!({ "type": "stream" }));
    let found = Interface::parse(&Source::new("a.json", text)).unwrap_err();
    assert!(found.allow(Code::ALL).has_errors());
}

#[test]
fn a_key_that_is_nearly_right_is_one_error() {
    let text = base()
        .to_string()
        .replace("\"type\":\"datastream\"", "\"typ\":\"datastream\"");
    let found = Interface::parse(&Source::new("a.json", text)).unwrap_err();
    assert_eq!(found.len(), 1);
    assert_eq!(
        found.iter().next().unwrap().labels()[0].text,
        "write `type`"
    );
}

#[test]
fn the_number_of_findings_is_bounded() {
    let unknown: Vec<_> = (0..5000).map(|i| format!("\"zzz{i}\":0")).collect();
    let text = base()
        .to_string()
        .replacen('{', &format!("{{{},", unknown.join(",")), 1);
    let (_, warnings) = accept(&text);
    assert_eq!(warnings.len(), 500);
    assert!(warnings.to_string().ends_with("4500 more are not shown"));
    // Warnings do not crowd out errors.
    assert_eq!(
        errors(&text.replace("\"datastream\"", "\"stream\"")),
        [Code::InterfaceUnknownValue]
    );
    let overlap = text.replace(
        "{\"endpoint\":\"/a\"",
        "{\"endpoint\":\"/b\",\"type\":\"double\"},{\"endpoint\":\"/b\"",
    );
    assert_eq!(errors(&overlap), [Code::MappingDuplicate]);
}

#[test]
fn what_editors_read_is_not_unknown() {
    assert!(
        accept(&with(json!({ "$schema": "https://example.org" })))
            .1
            .is_empty()
    );
}

#[test]
fn null_texts_are_absent() {
    let (interface, warnings) = accept(&with(json!({ "description": null, "doc": null })));
    assert_eq!((interface.description(), interface.doc()), (None, None));
    assert!(warnings.is_empty());
}
