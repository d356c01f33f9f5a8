//! Values as JSON.
//!
//! By hand, because a device needs no JSON but for this, and serde_json is in its build for pairing alone.

use std::fmt::Write as _;

use base64::{Engine as _, prelude::BASE64_STANDARD};

use crate::{
    DecodeError,
    payload::{Payload, RawValue},
};

/// A line that is being written: the members of an object.
#[derive(Debug)]
pub(super) struct Line(String);

impl Line {
    pub(super) fn new(kind: &str) -> Self {
        let mut line = Self("{\"kind\":".to_owned());
        string(&mut line.0, kind);
        line
    }

    pub(super) fn string(mut self, key: &str, value: &str) -> Self {
        self.key(key);
        string(&mut self.0, value);
        self
    }

    pub(super) fn optional_string(self, key: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.string(key, value),
            None => self.verbatim(key, "null"),
        }
    }

    /// Numbers and booleans.
    pub(super) fn verbatim(mut self, key: &str, value: impl std::fmt::Display) -> Self {
        self.key(key);
        push(&mut self.0, value);
        self
    }

    /// What a payload holds, or its bytes where it is no payload.
    pub(super) fn payload(mut self, bytes: &[u8]) -> Self {
        let mut json = String::new();
        let Ok(timestamp) = write_payload(&mut json, bytes) else {
            return self.string("payload_base64", &BASE64_STANDARD.encode(bytes));
        };
        self.key("value");
        self.0.push_str(&json);
        match timestamp {
            Some(millis) => self.verbatim("timestamp", millis),
            None => self,
        }
    }

    pub(super) fn end(mut self) -> String {
        self.0.push_str("}\n");
        self.0
    }

    fn key(&mut self, key: &str) {
        self.0.push(',');
        string(&mut self.0, key);
        self.0.push(':');
    }
}

/// Returns the timestamp that the sender gave.
fn write_payload(out: &mut String, bytes: &[u8]) -> Result<Option<i64>, DecodeError> {
    let payload = Payload::parse(bytes)?;
    match payload.optional_value() {
        Some(value) => write_value(out, value, NESTING)?,
        None => out.push_str("null"),
    }
    Ok(payload.timestamp().map(crate::Timestamp::as_millis))
}

/// How deep objects and arrays are followed; those of Astarte are two deep.
const NESTING: usize = 8;

fn write_value(out: &mut String, value: RawValue<'_>, nesting: usize) -> Result<(), DecodeError> {
    if value.is_null() {
        out.push_str("null");
    } else if let Ok(value) = value.boolean() {
        push(out, value);
    } else if let Ok(value) = value.double() {
        push(out, value);
    } else if let Ok(value) = value.long_integer() {
        push(out, value);
    } else if let Ok(value) = value.timestamp() {
        push(out, format_args!("{{\"datetime\":{}}}", value.as_millis()));
    } else if let Ok(value) = value.string() {
        string(out, value);
    } else if let Ok(value) = value.blob() {
        push(
            out,
            format_args!("{{\"base64\":\"{}\"}}", BASE64_STANDARD.encode(value)),
        );
    } else if nesting > 0 {
        return write_nested(out, value, nesting - 1);
    } else {
        out.push_str("\"...\"");
    }
    Ok(())
}

fn write_nested(out: &mut String, value: RawValue<'_>, nesting: usize) -> Result<(), DecodeError> {
    if let Ok(items) = value.array("array") {
        out.push('[');
        for (number, item) in items.enumerate() {
            if number > 0 {
                out.push(',');
            }
            write_value(out, item?, nesting)?;
        }
        out.push(']');
        return Ok(());
    }
    let mut members = value.document()?;
    out.push('{');
    let mut first = true;
    while let Some((key, value)) = members.next()? {
        if !std::mem::take(&mut first) {
            out.push(',');
        }
        string(out, &String::from_utf8_lossy(key));
        out.push(':');
        write_value(out, value, nesting)?;
    }
    out.push('}');
    Ok(())
}

fn string(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => {
                out.push('\\');
                out.push(character);
            }
            '\n' => out.push_str("\\n"),
            control if control < ' ' => push(out, format_args!("\\u{:04x}", u32::from(control))),
            other => out.push(other),
        }
    }
    out.push('"');
}

fn push(out: &mut String, value: impl std::fmt::Display) {
    write!(out, "{value}").expect("a string takes whatever is written");
}
