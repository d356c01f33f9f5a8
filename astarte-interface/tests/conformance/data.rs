use std::fs;
use std::path::PathBuf;

use astarte_interface::Value;
use serde_json::Value as Json;

/// A row of a file of verdicts.
pub(crate) struct Row(Json);

impl Row {
    pub(crate) fn get(&self, key: &str) -> &Json {
        &self.0[key]
    }

    pub(crate) fn text(&self, key: &str) -> &str {
        self.0[key]
            .as_str()
            .unwrap_or_else(|| panic!("no `{key}` in {}", self.0))
    }

    pub(crate) fn id(&self) -> &str {
        self.text("id")
    }

    pub(crate) fn untagged(&self) -> bool {
        self.0["tags"].as_array().is_none_or(Vec::is_empty)
    }

    pub(crate) fn has_tag(&self, tag: &str) -> bool {
        let tags = self.0["tags"].as_array();
        tags.is_some_and(|tags| tags.iter().any(|it| it == tag))
    }

    /// A document, as exact text where that matters.
    pub(crate) fn document(&self, key: &str) -> String {
        match self.0[format!("{key}_text")].as_str() {
            Some(text) => text.to_owned(),
            None => serde_json::to_string_pretty(&self.0[key]).unwrap(),
        }
    }
}

/// The rows of a file, or none where the folder does not exist.
pub(crate) fn rows(name: &str) -> Vec<Row> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/conformance");
    if !folder.is_dir() {
        eprintln!("note: no folder of verdicts, `{name}` is not checked");
        return Vec::new();
    }
    let text = fs::read_to_string(folder.join(name)).unwrap();
    let rows: Vec<_> = text
        .lines()
        .map(|line| Row(serde_json::from_str(line).unwrap()))
        .collect();
    assert!(!rows.is_empty());
    rows
}

/// The forms in which a device can express a typed value: none for what our types cannot hold.
pub(crate) fn typed_values(json: &Json) -> Vec<Value> {
    match json["kind"].as_str().unwrap() {
        "array" => arrays(json),
        _ => scalar(json),
    }
}

fn scalar(json: &Json) -> Vec<Value> {
    let text = || json["value"].as_str().unwrap().to_owned();
    match json["kind"].as_str().unwrap() {
        "integer" => {
            let short = text().parse().ok().map(Value::Integer);
            let long = text().parse().ok().map(Value::LongInteger);
            short.into_iter().chain(long).collect()
        }
        "float" => vec![Value::Double(
            text().replace("Infinity", "inf").parse().unwrap(),
        )],
        "boolean" => vec![Value::Boolean(json["value"].as_bool().unwrap())],
        "string" => string(json).map(Value::String).into_iter().collect(),
        "binary" => vec![Value::BinaryBlob(binary(json))],
        "datetime" => vec![Value::DateTime(
            json["unix_ms"].as_str().unwrap().parse().unwrap(),
        )],
        "null" | "document" | "array" => Vec::new(),
        other => panic!("{other}"),
    }
}

fn string(json: &Json) -> Option<String> {
    if let Some(text) = json["value"].as_str() {
        return Some(text.to_owned());
    }
    if let Some(base64) = json["base64"].as_str() {
        return String::from_utf8(decode(base64)).ok();
    }
    let count = json["count"].as_u64().unwrap();
    Some(
        json["repeat"]
            .as_str()
            .unwrap()
            .repeat(usize::try_from(count).unwrap()),
    )
}

fn binary(json: &Json) -> Vec<u8> {
    match json["base64"].as_str() {
        Some(base64) => decode(base64),
        None => {
            let byte = u8::try_from(json["repeat_byte"].as_u64().unwrap()).unwrap();
            vec![byte; usize::try_from(json["count"].as_u64().unwrap()).unwrap()]
        }
    }
}

/// Arrays of one type of items; mixed and nested ones have no form here.
fn arrays(json: &Json) -> Vec<Value> {
    let items: Vec<Json> = match json["items"].as_array() {
        Some(items) => items.clone(),
        None => {
            let count = usize::try_from(json["count"].as_u64().unwrap()).unwrap();
            vec![json["repeat"].clone(); count]
        }
    };
    macro_rules! all {
        ($scalar:ident, $array:ident) => {{
            let values: Option<Vec<_>> = items
                .iter()
                .map(|item| {
                    scalar(item).into_iter().find_map(|value| match value {
                        Value::$scalar(value) => Some(value),
                        _ => None,
                    })
                })
                .collect();
            values.map(Value::$array)
        }};
    }
    let forms = [
        all!(Double, DoubleArray),
        all!(Integer, IntegerArray),
        all!(Boolean, BooleanArray),
        all!(LongInteger, LongIntegerArray),
        all!(String, StringArray),
        all!(BinaryBlob, BinaryBlobArray),
        all!(DateTime, DateTimeArray),
    ];
    forms.into_iter().flatten().collect()
}

fn decode(base64: &str) -> Vec<u8> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = base64.trim_end_matches('=').bytes();
    let values = digits.map(|digit| ALPHABET.iter().position(|letter| *letter == digit).unwrap());
    let bits: Vec<_> = values
        .flat_map(|value| (0..6).rev().map(move |bit| value >> bit & 1))
        .collect();
    bits.chunks_exact(8)
        .map(|byte| byte.iter().fold(0, |byte, bit| byte << 1 | *bit as u8))
        .collect()
}
