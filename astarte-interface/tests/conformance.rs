//! Verdicts of the real server, where the folder with them exists.
//!
//! Rows with a tag hang on leniency of the server: `docs/diagnostics.md` says what is decided about
//! each tag. Nothing is asserted about those where the decision differs.

#[path = "conformance/data.rs"]
mod data;

use astarte_interface::{
    Compatibility, DeviceId, Interface, Introspection, RealmName, Source, Value,
};
use data::{Row, rows, typed_values};

/// Whether the document of a row is accepted, with what was said about it.
fn parse(text: String) -> Result<Interface, String> {
    let source = Source::new("case.json", text);
    match Interface::parse(&source) {
        Ok(checked) => Ok(checked.interface),
        Err(found) => Err(found.to_string()),
    }
}

fn assert_none(kind: &str, wrong: &[String]) {
    assert!(
        wrong.is_empty(),
        "{} {kind} disagree:\n{}",
        wrong.len(),
        wrong.join("\n\n")
    );
}

#[test]
fn documents() {
    let mut wrong = Vec::new();
    let asserted = |row: &&Row| row.untagged() || row.has_tag("unknown_field");
    for row in rows("cases.jsonl").iter().filter(asserted) {
        let verdict = parse(row.document("json"));
        if verdict.is_ok() != (row.text("expect") == "ok") {
            wrong.push(format!("{} {}: {verdict:?}", row.id(), row.text("expect")));
        }
    }
    assert_none("documents", &wrong);
}

/// Whatever is decided about a tag, it is never more lenient than the server.
#[test]
fn nothing_is_accepted_that_the_server_refuses() {
    let mut wrong = Vec::new();
    for row in rows("cases.jsonl") {
        if row.text("expect") != "ok" && parse(row.document("json")).is_ok() {
            wrong.push(format!("{} {}", row.id(), row.text("expect")));
        }
    }
    assert_none("documents", &wrong);
}

#[test]
fn overlaps_and_duplicates_have_codes_of_their_own() {
    let mut wrong = Vec::new();
    for row in rows("cases.jsonl").iter().filter(|row| row.untagged()) {
        if row.text("expect") != "overlapping_mappings" {
            continue;
        }
        let found = parse(row.document("json")).unwrap_err();
        if !found.contains("[mapping::overlap]") {
            wrong.push(format!("{}: {found}", row.id()));
        }
    }
    assert_none("overlaps", &wrong);
}

#[test]
fn paths() {
    let cases = rows("cases.jsonl");
    let mut wrong = Vec::new();
    for row in rows("paths.jsonl").iter().filter(|row| !stricter(row)) {
        let Some(case) = cases
            .iter()
            .find(|case| case.id() == row.text("interface_id"))
        else {
            continue;
        };
        let interface = parse(case.document("json")).expect("paths are in valid interfaces");
        let (found, endpoints) = match interface.resolve(row.text("path")) {
            Ok(resolved) => {
                let mut endpoints: Vec<String> = resolved
                    .mappings()
                    .map(|mapping| mapping.endpoint().to_string())
                    .collect();
                endpoints.sort();
                ("ok", endpoints)
            }
            Err(error) => (error.error_name(), Vec::new()),
        };
        let expected = row.get("expect");
        let mut expected_endpoints: Vec<String> = expected["endpoints"]
            .as_array()
            .map(|all| {
                all.iter()
                    .filter_map(|e| e.as_str().map(str::to_owned))
                    .collect()
            })
            .unwrap_or_default();
        expected_endpoints.sort();
        if found != expected["result"].as_str().unwrap() || endpoints != expected_endpoints {
            wrong.push(format!(
                "{} {}: {found} {endpoints:?}, {expected}",
                row.id(),
                row.text("path")
            ));
        }
    }
    assert_none("paths", &wrong);
}

/// Paths that the server takes for more than they are, or that no topic can have.
fn stricter(row: &Row) -> bool {
    let trailing = row.has_tag("trailing_slash") && !row.has_tag("empty_level");
    let tags = ["mqtt_wildcard", "no_leading_slash", "placeholder_in_path"];
    trailing || tags.iter().any(|tag| row.has_tag(tag)) || row.text("path").contains('\0')
}

#[test]
fn values() {
    let mut wrong = Vec::new();
    for row in rows("values.jsonl") {
        let value_type = row.text("type").parse().unwrap();
        let expected = row.text("data_updater");
        for value in typed_values(row.get("value")) {
            // On its own an empty blob is an unset; that is a matter of the mapping.
            let unset = value == Value::BinaryBlob(Vec::new());
            if !unset && value.check(value_type).is_ok() != (expected == "ok") {
                wrong.push(format!("{} {value_type} {value:?}: {expected}", row.id()));
            }
        }
    }
    assert_none("values", &wrong);
}

#[test]
fn updates() {
    // These rows are refused for the address of the request, which is not part of the documents.
    let by_address = [
        "ds.url_other_major",
        "min.url_other_name",
        "omin.url_other_major",
    ];
    let mut wrong = Vec::new();
    for row in rows("updates.jsonl").iter().filter(|row| row.untagged()) {
        if by_address.contains(&row.id()) {
            continue;
        }
        let old = parse(row.document("old")).expect("old documents are installed");
        let verdict = parse(row.document("new")).and_then(|new| {
            let compatibility = Compatibility::check(&old, &new);
            match compatibility.is_compatible() {
                true => Ok(()),
                false => Err(compatibility.diagnostics().to_string()),
            }
        });
        if verdict.is_ok() != (row.text("elixir") == "accepted") {
            wrong.push(format!(
                "{} {}: {verdict:?}",
                row.id(),
                row.get("elixir_reason")
            ));
        }
    }
    assert_none("updates", &wrong);
}

#[test]
fn names_of_other_things() {
    let mut wrong = Vec::new();
    for row in rows("misc.jsonl") {
        let (value, expected) = (row.text("value"), row.get("elixir"));
        let agrees = match row.text("what") {
            "device_id" => device_id_agrees(value, &row),
            "realm" => expected["valid"] == RealmName::parse(value).is_ok(),
            "introspection" => match Introspection::parse(value) {
                Ok(found) => {
                    let found: Vec<_> = found
                        .iter()
                        .map(|(name, version)| {
                            serde_json::json!([name, version.major, version.minor])
                        })
                        .collect();
                    expected["ok"] == serde_json::Value::from(found)
                }
                Err(_) => expected["error"] == "invalid_introspection",
            },
            other => panic!("{other}"),
        };
        if !agrees {
            wrong.push(format!("{} {value}: {expected}", row.id()));
        }
    }
    assert_none("names", &wrong);
}

fn device_id_agrees(value: &str, row: &Row) -> bool {
    let hex = |bytes: &[u8]| {
        bytes
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    let expected = row.get("elixir");
    let plain = match DeviceId::parse(value) {
        Ok(id) => expected["decode"]["ok"] == hex(id.as_bytes()),
        Err(_) => expected["decode"]["error"].is_string(),
    };
    let extended = match DeviceId::parse_extended(value) {
        Ok((id, extension)) => {
            expected["decode_extended"]["ok"]
                == serde_json::json!([hex(id.as_bytes()), hex(&extension)])
        }
        Err(_) => expected["decode_extended"]["error"].is_string(),
    };
    plain && extended
}
