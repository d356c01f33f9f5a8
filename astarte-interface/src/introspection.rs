use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::name::check_grammar;
use crate::version::Version;

/// The interfaces of a device by name, as it tells the server: `name:major:minor`, joined by `;`.
///
/// Names follow the grammar of interface names, but may be longer, or reserved: the server looks
/// at no more here. `Display` writes the message.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Introspection(BTreeMap<String, Version>);

impl Introspection {
    /// Reads a message, by the rules of the server. Of two entries of one name the last holds.
    ///
    /// # Errors
    ///
    /// An entry is not of that form. An empty message is an empty introspection, but no entry of a
    /// longer one may be empty.
    ///
    /// # Examples
    ///
    /// ```
    /// use astarte_interface::{Introspection, Version};
    ///
    /// let introspection = Introspection::parse("org.example.Readings:1:2")?;
    /// let version = introspection.get("org.example.Readings");
    /// assert_eq!(version, Some(Version { major: 1, minor: 2 }));
    /// # Ok::<(), astarte_interface::IntrospectionError>(())
    /// ```
    pub fn parse(message: &str) -> Result<Introspection, IntrospectionError> {
        if message.is_empty() {
            return Ok(Introspection::default());
        }
        let entries = message.split(';').map(|entry| {
            parse_entry(entry).ok_or_else(|| IntrospectionError {
                entry: entry.to_owned(),
            })
        });
        entries.collect::<Result<_, _>>().map(Introspection)
    }

    /// Adds an interface, in place of another version of it.
    pub fn insert(&mut self, name: impl Into<String>, version: Version) {
        self.0.insert(name.into(), version);
    }

    /// Returns the version of an interface.
    pub fn get(&self, name: &str) -> Option<Version> {
        self.0.get(name).copied()
    }

    /// Returns the interfaces, sorted by name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, Version)> {
        self.0
            .iter()
            .map(|(name, version)| (name.as_str(), *version))
    }
}

fn parse_entry(entry: &str) -> Option<(String, Version)> {
    let mut parts = entry.split(':');
    let (name, major, minor) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || check_grammar(name).is_err() {
        return None;
    }
    let version = Version {
        major: parse_number(major)?,
        minor: parse_number(minor)?,
    };
    Some((name.to_owned(), version))
}

/// A leading `+` and zeros are read, as on the server.
fn parse_number(text: &str) -> Option<u32> {
    text.parse().ok()
}

impl FromStr for Introspection {
    type Err = IntrospectionError;

    fn from_str(message: &str) -> Result<Self, IntrospectionError> {
        Introspection::parse(message)
    }
}

impl fmt::Display for Introspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (name, version)) in self.iter().enumerate() {
            let separator = if index == 0 { "" } else { ";" };
            write!(f, "{separator}{name}:{}:{}", version.major, version.minor)?;
        }
        Ok(())
    }
}

/// An entry of an introspection that is not `name:major:minor`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct IntrospectionError {
    entry: String,
}

impl IntrospectionError {
    /// Returns the entry.
    pub fn entry(&self) -> &str {
        &self.entry
    }
}

impl fmt::Display for IntrospectionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entry = self.entry.escape_debug();
        write!(
            f,
            "the introspection entry `{entry}` is not `name:major:minor`"
        )
    }
}

impl std::error::Error for IntrospectionError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        let message = "a.B:1:0;c:0:10";
        assert_eq!(Introspection::parse(message).unwrap().to_string(), message);
        assert_eq!(Introspection::parse("").unwrap().iter().len(), 0);
        let twice = Introspection::parse("a.B:1:0;a.B:+2:01").unwrap();
        assert_eq!(twice.get("a.B"), Some(Version { major: 2, minor: 1 }));
    }

    #[test]
    fn refuses() {
        for message in [
            ";",
            "a.B:1:0;",
            "a.B:1",
            "a.B:1:0:0",
            "a.B:-1:0",
            "a.B: 1:0",
            "é:1:0",
        ] {
            assert!(Introspection::parse(message).is_err(), "{message}");
        }
    }
}
