//! The list of interfaces of a device.

use std::collections::BTreeMap;

use astarte_interface::Version;
use bytes::Bytes;

use super::{Context, Rejection};
use crate::error_name::ErrorName;
use crate::event::EventKind;

impl Context<'_> {
    /// Replaces the introspection. The interfaces need not be installed.
    pub(super) fn introspection(&mut self, payload: &Bytes) -> Result<(), Rejection> {
        let new = parse(payload)?;
        self.emit(EventKind::Introspection(new.clone()));
        let old = std::mem::replace(&mut self.state.introspection, new.clone());
        for (interface, version) in &new {
            self.state
                .previous
                .remove(&(interface.clone(), version.major));
            let interface = interface.clone();
            if old
                .get(&interface)
                .is_none_or(|old| old.major != version.major)
            {
                self.emit(EventKind::InterfaceAdded {
                    interface,
                    version: *version,
                });
            }
        }
        for (interface, version) in &old {
            let interface = interface.clone();
            if new
                .get(&interface)
                .is_none_or(|new| new.major != version.major)
            {
                let major = version.major;
                self.state.loaded.remove(&interface);
                self.state
                    .previous
                    .insert((interface.clone(), major), version.minor);
                self.emit(EventKind::InterfaceRemoved { interface, major });
            }
        }
        for (interface, new) in new {
            let same_major = old.get(&interface).filter(|old| old.major == new.major);
            if let Some(old) = same_major.copied().filter(|old| old.minor != new.minor) {
                self.emit(EventKind::InterfaceMinorUpdated {
                    interface,
                    old,
                    new,
                });
            }
        }
        Ok(())
    }
}

/// Parses `name:major:minor` entries joined by `;`. Of equal names the last one counts.
fn parse(payload: &[u8]) -> Result<BTreeMap<String, Version>, Rejection> {
    let invalid = |detail: String| Rejection::new(ErrorName::InvalidIntrospection, detail);
    let text = str::from_utf8(payload).map_err(|_| invalid("it is not UTF-8".to_owned()))?;
    if text.is_empty() {
        return Ok(BTreeMap::new());
    }
    text.split(';')
        .map(|entry| entry_version(entry).ok_or_else(|| invalid(format!("the entry `{entry}`"))))
        .collect()
}

fn entry_version(entry: &str) -> Option<(String, Version)> {
    let mut parts = entry.split(':');
    let (name, major, minor) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || !is_interface_name(name) {
        return None;
    }
    Some((
        name.to_owned(),
        Version {
            major: number(major)?,
            minor: number(minor)?,
        },
    ))
}

/// A sign and leading zeros are allowed, as in the server's parser.
fn number(text: &str) -> Option<u32> {
    match text.strip_prefix('-') {
        Some(digits) => {
            (!digits.is_empty() && digits.bytes().all(|byte| byte == b'0')).then_some(0)
        }
        None => text.parse().ok(),
    }
}

/// One label will do here, unlike in the documents; there is no limit of length, and hyphens may
/// stand between the first label and the last.
fn is_interface_name(name: &str) -> bool {
    let labels: Vec<&str> = name.split('.').collect();
    let last = labels.len() - 1;
    labels.iter().enumerate().all(|(index, label)| {
        let inner = index != 0 && index != last;
        let starts = |byte: u8| byte.is_ascii_alphabetic() || (inner && byte.is_ascii_digit());
        let continues = |byte: u8| byte.is_ascii_alphanumeric() || (inner && byte == b'-');
        label.bytes().next().is_some_and(starts) && label.bytes().all(continues)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance;

    fn versions(text: &str) -> Option<Vec<(String, u32, u32)>> {
        let parsed = parse(text.as_bytes()).ok()?;
        Some(
            parsed
                .into_iter()
                .map(|(name, version)| (name, version.major, version.minor))
                .collect(),
        )
    }

    fn one(name: &str, major: u32, minor: u32) -> Option<Vec<(String, u32, u32)>> {
        Some(vec![(name.to_owned(), major, minor)])
    }

    #[test]
    fn valid_introspections() {
        assert_eq!(versions(""), Some(vec![]));
        assert_eq!(versions("a.B:1:0;a.C:0:3").map(|list| list.len()), Some(2));
        assert_eq!(versions("a.B:1:0;a.B:2:0"), one("a.B", 2, 0));
        assert_eq!(versions("a.B:+1:007"), one("a.B", 1, 7));
        assert_eq!(versions("Single:0:0"), one("Single", 0, 0));
        assert_eq!(versions("a.1b-c.D:-0:1"), one("a.1b-c.D", 0, 1));
    }

    #[test]
    fn one_bad_entry_spoils_the_whole() {
        for text in [
            "a.B:1:0;",
            ";a.B:1:0",
            "a.B:1",
            "a.B:1:x",
            "a.B:-1:0",
            "a.B: 1:0",
            "a.B:1:",
            "a.B:1:0:0",
            "1a.B:1:0",
            "a.1B:1:0",
            "a.b-c:1:0",
            "a-b.C:1:0",
            "a..B:1:0",
            ".B:1:0",
            ":1:0",
            "é:1:0",
            "a.B:1:0;a_.C:1:0",
        ] {
            assert_eq!(versions(text), None, "{text}");
        }
        assert!(parse(b"a.B:1:0\xff").is_err());
    }

    #[test]
    fn introspections_as_the_server_reads_them() {
        for row in conformance::rows("misc.jsonl") {
            if row["what"] == "introspection" {
                let text = row["value"].as_str().unwrap();
                assert_eq!(
                    versions(text).is_some(),
                    !row["elixir"]["ok"].is_null(),
                    "{text}"
                );
            }
        }
    }
}
