//! Updates and lock files.

use astarte_interface::{Code, Compatibility, Diagnostic, Interface, Lock, Source};
use serde_json::{Value, json};

fn interface(version: (u32, u32), extra: Value) -> Interface {
    let mut document = json!({
        "interface_name": "org.example.Readings",
        "version_major": version.0,
        "version_minor": version.1,
        "type": "datastream",
        "ownership": "device",
        "mappings": [
            { "endpoint": "/%{room}/b", "type": "integer", "reliability": "guaranteed",
              "retention": "stored", "expiry": 60 },
            { "endpoint": "/%{room}/a", "type": "double" }
        ]
    });
    document
        .as_object_mut()
        .unwrap()
        .extend(extra.as_object().unwrap().clone());
    let text = serde_json::to_string_pretty(&document).unwrap();
    Interface::parse(&Source::new("a.json", text))
        .unwrap()
        .interface
}

fn codes(old: &Interface, new: &Interface) -> Vec<Code> {
    Compatibility::check(old, new)
        .diagnostics()
        .iter()
        .map(Diagnostic::code)
        .collect()
}

fn changed(key: &str, value: Value) -> Value {
    let mut mappings = json!([
        { "endpoint": "/%{room}/b", "type": "integer", "reliability": "guaranteed",
          "retention": "stored", "expiry": 60 },
        { "endpoint": "/%{room}/a", "type": "double" }
    ]);
    mappings[0][key] = value;
    json!({ "mappings": mappings })
}

#[test]
fn what_may_change_in_a_minor() {
    let old = interface((1, 0), json!({}));
    for (key, value) in [
        ("description", json!("new")),
        ("doc", json!("new")),
        ("retention", json!("volatile")),
        ("expiry", json!(0)),
    ] {
        assert!(
            codes(&old, &interface((1, 1), changed(key, value))).is_empty(),
            "{key}"
        );
    }
    assert!(
        codes(
            &old,
            &interface((1, 9), json!({ "description": "d", "doc": "d" }))
        )
        .is_empty()
    );
    let timestamp = interface((1, 1), changed("explicit_timestamp", json!(true)));
    assert_eq!(codes(&old, &timestamp), [Code::CompatTimestampChanged]);
    assert!(Compatibility::check(&old, &timestamp).is_compatible());
}

#[test]
fn what_may_not_change_in_a_minor() {
    let old = interface((1, 0), json!({}));
    for (key, value) in [
        ("type", json!("double")),
        ("reliability", json!("unique")),
        ("encrypted", json!(true)),
        ("endpoint", json!("/%{id}/b")),
    ] {
        let new = interface((1, 1), changed(key, value));
        assert_eq!(codes(&old, &new), [Code::CompatChangedMapping], "{key}");
    }
    let ttl = json!({ "mappings": [
        { "endpoint": "/%{room}/b", "type": "integer", "reliability": "guaranteed", "retention": "stored",
          "expiry": 60, "database_retention_policy": "use_ttl", "database_retention_ttl": 60 },
        { "endpoint": "/%{room}/a", "type": "double" }
    ] });
    assert_eq!(
        codes(&old, &interface((1, 1), ttl)),
        [Code::CompatChangedMapping]
    );
    let gone = json!({ "mappings": [{ "endpoint": "/%{room}/a", "type": "double" }] });
    assert_eq!(
        codes(&old, &interface((1, 1), gone)),
        [Code::CompatMissingEndpoint]
    );
}

#[test]
fn all_reasons_are_given_at_once() {
    let old = interface((1, 1), json!({}));
    let new = interface((1, 1), changed("type", json!("string")));
    let mut found = codes(&old, &new);
    found.sort_by_key(|code| code.as_str());
    assert_eq!(
        found,
        [Code::CompatChangedMapping, Code::CompatMinorNotIncreased]
    );
}

#[test]
fn another_major_is_another_interface() {
    let new = interface((2, 0), changed("type", json!("string")));
    assert_eq!(
        codes(&interface((1, 1), json!({})), &new),
        [Code::CompatMajor]
    );
}

#[test]
fn what_an_object_shares_is_reported_once() {
    let object = |minor, reliability: &str| {
        let mapping = |key| json!({ "endpoint": format!("/p/{key}"), "type": "double", "reliability": reliability });
        interface(
            (1, minor),
            json!({ "aggregation": "object", "mappings": [mapping("a"), mapping("b"), mapping("c")] }),
        )
    };
    assert_eq!(
        codes(&object(0, "unique"), &object(1, "guaranteed")),
        [Code::CompatChangedMapping]
    );
}

#[test]
fn a_lock_is_sorted_and_has_what_differs_from_the_defaults() {
    let lock = Lock::new([&interface((1, 2), json!({}))]).to_string();
    let lines: Vec<_> = lock
        .lines()
        .skip_while(|line| !line.starts_with("org"))
        .collect();
    assert_eq!(
        lines,
        [
            "org.example.Readings 1.2 datastream device individual",
            "    /%{room}/a double",
            "    /%{room}/b integer reliability=guaranteed retention=stored expiry=60",
        ]
    );
}

fn lock_codes(locked: &Interface, interfaces: &[&Interface]) -> Vec<Code> {
    let text = Lock::new([locked]).to_string();
    let lock = Lock::parse(&Source::new("a.lock", text.clone())).unwrap();
    assert_eq!(lock.to_string(), text);
    lock.check(interfaces.iter().copied())
        .iter()
        .map(Diagnostic::code)
        .collect()
}

#[test]
fn a_lock_is_silent_about_what_it_does_not_hold() {
    let locked = interface((1, 2), json!({}));
    assert!(lock_codes(&locked, &[&locked]).is_empty());
    let described = interface((1, 2), changed("description", json!("new")));
    assert!(lock_codes(&locked, &[&described]).is_empty());
    let reordered = json!({ "mappings": [
        { "endpoint": "/%{room}/a", "type": "double", "retention": "discard" },
        { "endpoint": "/%{room}/b", "type": "integer", "expiry": 60, "retention": "stored",
          "reliability": "guaranteed" }
    ] });
    assert!(lock_codes(&locked, &[&interface((1, 2), reordered)]).is_empty());
}

#[test]
fn a_lock_holds_versions() {
    let locked = interface((1, 2), json!({}));
    let expiry = |minor| interface((1, minor), changed("expiry", json!(61)));
    assert_eq!(lock_codes(&locked, &[&expiry(2)]), [Code::LockChanged]);
    assert_eq!(lock_codes(&locked, &[&expiry(3)]), [Code::LockOutdated]);
    let kind = |major, minor| interface((major, minor), changed("type", json!("string")));
    assert_eq!(
        lock_codes(&locked, &[&kind(1, 2)]),
        [Code::LockIncompatible]
    );
    assert_eq!(
        lock_codes(&locked, &[&kind(1, 3)]),
        [Code::LockIncompatible]
    );
    assert_eq!(lock_codes(&locked, &[&kind(2, 0)]), [Code::LockOutdated; 2]);
    assert_eq!(
        lock_codes(&locked, &[&interface((1, 1), json!({}))]),
        [Code::LockIncompatible]
    );
    assert_eq!(lock_codes(&locked, &[]), [Code::LockOutdated]);
}

#[test]
fn a_lock_of_another_format_is_refused() {
    for text in [
        "",
        "# only\n",
        "format 2\n",
        "org.example.A 1.0\n",
        "format 1\n    /a double\n",
    ] {
        let found = Lock::parse(&Source::new("a.lock", text)).unwrap_err();
        assert!(
            found.iter().all(|found| found.code() == Code::LockSyntax),
            "{text}"
        );
    }
}

#[test]
fn what_a_merge_leaves_behind_is_refused() {
    let head = "format 1\norg.example.A 1.0 datastream device individual\n";
    for tail in [
        "    /a double\n    /a integer\n",
        "    /a double expiry=1 expiry=2\n",
        "    /a double\norg.example.A 1.1 datastream device individual\n    /a double\n",
        "=======\n",
    ] {
        let found = Lock::parse(&Source::new("a.lock", format!("{head}{tail}"))).unwrap_err();
        assert_eq!(found.len(), 1, "{found}");
    }
}
