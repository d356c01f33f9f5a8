//! JSON with spans: values of a text that are looked into on demand.
//!
//! `serde_json` checks the syntax of the whole text once, without recursion, and hands out slices
//! of it; only the levels that the schema knows are ever opened, so depth costs nothing.

mod scalars;
mod syntax;

use std::fmt;

use serde_core::de::{Deserializer as _, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use self::syntax::{not_json, reason};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::{Source, Span};

/// The largest text in bytes.
pub(crate) const MAX_TEXT: usize = 4 * 1024 * 1024;

/// A value, not yet looked into.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node<'s> {
    raw: &'s str,
    start: usize,
}

/// A key of an object with its value.
#[derive(Clone, Debug)]
pub(crate) struct Member<'s> {
    pub(crate) key: String,
    pub(crate) key_span: Span,
    pub(crate) value: Node<'s>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Array,
    Boolean,
    Null,
    Number,
    Object,
    String,
}

/// Reads the text as far as its syntax.
pub(crate) fn read(source: &Source) -> Result<Node<'_>, Diagnostic> {
    let text = source.text();
    if text.len() > MAX_TEXT {
        let message = format!("the text is larger than {MAX_TEXT} bytes (4 MiB)");
        let error = Diagnostic::error(Code::JsonTooLarge, message);
        return Err(error.label(source, Span::new(0, 0), ""));
    }
    let raw: &RawValue =
        serde_json::from_str(text).map_err(|error| syntax::syntax(source, &error))?;
    scalars::check(source)?;
    Ok(Node {
        raw: raw.get(),
        start: offset(text, raw.get()),
    })
}

impl<'s> Node<'s> {
    pub(crate) fn kind(self) -> Kind {
        match self.raw.as_bytes().first() {
            Some(b'[') => Kind::Array,
            Some(b'{') => Kind::Object,
            Some(b'"') => Kind::String,
            Some(b't' | b'f') => Kind::Boolean,
            Some(b'n') => Kind::Null,
            _ => Kind::Number,
        }
    }

    pub(crate) fn span(self) -> Span {
        Span::new(self.start, self.start + self.raw.len())
    }

    /// The opening bracket of an array or object: where it lacks something.
    pub(crate) fn open(self) -> Span {
        Span::new(self.start, self.start + 1)
    }

    /// The text of the value.
    pub(crate) fn raw(self) -> &'s str {
        self.raw
    }

    /// The boolean, if it is one.
    pub(crate) fn boolean(self) -> Option<bool> {
        match self.raw {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        }
    }

    /// The string, if the value is one. Its escapes can still be wrong.
    pub(crate) fn string(self, source: &Source) -> Option<Result<String, Diagnostic>> {
        (self.kind() == Kind::String).then(|| decode(source, self.raw, self.span()))
    }

    /// The items, if the value is an array.
    pub(crate) fn items(self) -> Option<Vec<Node<'s>>> {
        if self.kind() != Kind::Array {
            return None;
        }
        let items: Vec<&'s RawValue> = serde_json::from_str(self.raw).ok()?;
        Some(items.into_iter().map(|item| self.inner(item)).collect())
    }

    /// The members in order, repeated keys included, if the value is an object.
    pub(crate) fn members(self, source: &Source) -> Option<Result<Vec<Member<'s>>, Diagnostic>> {
        if self.kind() != Kind::Object {
            return None;
        }
        let mut reader = serde_json::Deserializer::from_str(self.raw);
        let pairs = reader.deserialize_map(Pairs).ok()?;
        let members = pairs.into_iter().map(|(key, value)| {
            let key_node = self.inner(key);
            Ok(Member {
                key: decode(source, key.get(), key_node.span())?,
                key_span: key_node.span(),
                value: self.inner(value),
            })
        });
        Some(members.collect())
    }

    fn inner(self, raw: &'s RawValue) -> Node<'s> {
        Node {
            raw: raw.get(),
            start: self.start + offset(self.raw, raw.get()),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Array => "an array",
            Kind::Boolean => "a boolean",
            Kind::Null => "null",
            Kind::Number => "a number",
            Kind::Object => "an object",
            Kind::String => "a string",
        })
    }
}

/// Where a slice of a text begins in it.
fn offset(text: &str, slice: &str) -> usize {
    (slice.as_ptr() as usize).saturating_sub(text.as_ptr() as usize)
}

struct Pairs;

impl<'de> Visitor<'de> for Pairs {
    type Value = Vec<(&'de RawValue, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut pairs = Vec::new();
        while let Some(key) = map.next_key::<&'de RawValue>()? {
            if !key.get().starts_with('"') {
                return Err(A::Error::custom("key must be a string"));
            }
            pairs.push((key, map.next_value()?));
        }
        Ok(pairs)
    }
}

/// Half of a surrogate pair is the one fault that only decoding finds: `read` does so for all strings.
fn decode(source: &Source, raw: &str, span: Span) -> Result<String, Diagnostic> {
    serde_json::from_str(raw).map_err(|error| {
        not_json(&reason(&error))
            .label(source, span, "")
            .help("`\\u` writes a character beyond U+FFFF as a pair: `\\ud83d\\ude00`")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(source: &Source, span: Span) -> &str {
        source.slice(span)
    }

    #[test]
    fn spans_are_those_of_the_text() {
        let source = Source::new("a.json", " {\"a\" : [1, \"é\", {}] , \"b\\u0063\":null}\n");
        let root = read(&source).unwrap();
        let members = root.members(&source).unwrap().unwrap();
        assert_eq!(members.len(), 2);
        assert_eq!(text_of(&source, members[0].key_span), "\"a\"");
        assert_eq!(members[1].key, "bc");
        assert_eq!(text_of(&source, members[1].key_span), "\"b\\u0063\"");
        assert_eq!(members[1].value.kind(), Kind::Null);
        let items = members[0].value.items().unwrap();
        let texts: Vec<_> = items
            .iter()
            .map(|item| text_of(&source, item.span()))
            .collect();
        assert_eq!(texts, ["1", "\"é\"", "{}"]);
        assert_eq!(items[1].string(&source).unwrap().unwrap(), "é");
    }

    #[test]
    fn repeated_keys_are_kept() {
        let source = Source::new("a.json", r#"{"a":1,"a":2}"#);
        let members = read(&source).unwrap().members(&source).unwrap().unwrap();
        assert_eq!(members.len(), 2);
    }

    #[test]
    fn depth_costs_nothing() {
        let text = format!("{}1{}", "[".repeat(1_000_000), "]".repeat(1_000_000));
        let source = Source::new("a.json", text);
        let items = read(&source).unwrap().items().unwrap();
        assert_eq!(items.len(), 1);
        assert_eq!(items[0].items().unwrap().len(), 1);
    }

    #[test]
    fn half_a_surrogate_pair_is_a_diagnostic() {
        let source = Source::new("a.json", r#"["\ud800"]"#);
        let found = read(&source).unwrap_err();
        assert_eq!(text_of(&source, found.labels()[0].span), "\"\\ud800\"");
    }

    /// The whole value, read through nodes.
    fn value(source: &Source, node: Node<'_>) -> serde_json::Value {
        match node.kind() {
            Kind::Array => {
                let items = node.items().unwrap();
                items.into_iter().map(|item| value(source, item)).collect()
            }
            Kind::Object => {
                let members = node.members(source).unwrap().unwrap();
                members
                    .into_iter()
                    .map(|member| (member.key, value(source, member.value)))
                    .collect()
            }
            Kind::String => node.string(source).unwrap().unwrap().into(),
            Kind::Boolean => node.boolean().unwrap().into(),
            Kind::Null => serde_json::Value::Null,
            Kind::Number => serde_json::from_str(node.raw()).unwrap(),
        }
    }

    /// JSON of some depth by a linear congruential generator, with blanks where they may be.
    fn write(state: &mut u64, depth: usize, out: &mut String) {
        let mut next = |bound: u64| {
            *state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (*state >> 33) % bound
        };
        out.push_str([" ", "", "\n", "\t\r\n"][next(4) as usize]);
        let scalars = [
            "0",
            "-1.5e3",
            "true",
            "false",
            "null",
            "\"\"",
            "\"\\u00e9\\n\"",
            "\"漢 \\\"]}\"",
        ];
        match next(if depth == 0 { 8 } else { 12 }) {
            kind @ 0..8 => out.push_str(scalars[kind as usize]),
            kind => {
                let (open, close) = if kind < 10 { ("[", "]") } else { ("{", "}") };
                out.push_str(open);
                for index in 0..next(4) {
                    out.push_str(if index == 0 { "" } else { "," });
                    if kind >= 10 {
                        out.push_str(&format!("\"k{index}é\" :"));
                    }
                    write(state, depth - 1, out);
                }
                out.push_str(close);
            }
        }
        out.push(' ');
    }

    #[test]
    fn values_are_those_of_serde_json() {
        let mut state = 11;
        for _ in 0..2000 {
            let mut text = String::new();
            write(&mut state, 5, &mut text);
            let expected: serde_json::Value = serde_json::from_str(&text).unwrap();
            let source = Source::new("a.json", text);
            assert_eq!(
                value(&source, read(&source).unwrap()),
                expected,
                "{}",
                source.text()
            );
        }
    }
}
