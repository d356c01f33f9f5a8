//! The keys of a JSON object, read by name and type.

use std::collections::HashMap;

use unicode_segmentation::UnicodeSegmentation;

use super::Context;
use crate::diagnostic::{Code, Diagnostic};
use crate::json::{Kind, Member, Node};
use crate::source::Span;
use crate::suggest::suggest;
use crate::types::Words;

/// A fact and where it stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spanned<T> {
    pub(crate) value: T,
    /// The value, with the quotes of a string.
    pub(crate) span: Span,
    /// The key with the value.
    pub(crate) member: Span,
}

impl<T> Spanned<T> {
    pub(crate) fn map<U>(self, map: impl FnOnce(T) -> U) -> Spanned<U> {
        Spanned {
            value: map(self.value),
            span: self.span,
            member: self.member,
        }
    }
}

/// The codes and words by which an object of the schema is spoken of.
pub(crate) struct Vocabulary {
    /// Such as `mapping`.
    pub(crate) what: &'static str,
    /// The names of today.
    pub(crate) keys: &'static [&'static str],
    /// What to write for each of the keys that must be there.
    pub(crate) required: &'static [(&'static str, &'static str)],
    /// The names of the first schema, with those of today.
    pub(crate) legacy: &'static [(&'static str, &'static str)],
    pub(crate) missing: Code,
    pub(crate) unknown_key: Code,
    pub(crate) unknown_value: Code,
}

pub(crate) struct Fields<'s> {
    vocabulary: &'static Vocabulary,
    node: Node<'s>,
    members: Vec<Member<'s>>,
    /// Keys that an error has named as a slip, so that no warning repeats it.
    explained: Vec<Span>,
}

impl<'s> Fields<'s> {
    pub(crate) fn open(
        cx: &mut Context<'s>,
        node: Node<'s>,
        vocabulary: &'static Vocabulary,
    ) -> Option<Fields<'s>> {
        let what = vocabulary.what;
        match node.members(cx.source()) {
            Some(Ok(members)) => {
                check_repeated(cx, &members);
                Some(Fields {
                    vocabulary,
                    node,
                    members,
                    explained: Vec::new(),
                })
            }
            Some(Err(syntax)) => {
                cx.push(syntax);
                None
            }
            None => {
                let found = node.kind();
                let message = format!("{what} is an object, found {found}");
                cx.push(cx.error(Code::JsonWrongType, node.span(), "", message));
                None
            }
        }
    }

    pub(crate) fn node(&self) -> Node<'s> {
        self.node
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Member<'s>> {
        self.members.iter().find(|member| member.key == key)
    }

    /// The value of a key that must be there.
    pub(crate) fn require(&mut self, cx: &mut Context<'s>, key: &str) -> Option<&Member<'s>> {
        if self.get(key).is_none() {
            self.report_missing(cx, key);
        }
        self.get(key)
    }

    fn report_missing(&mut self, cx: &mut Context<'s>, key: &str) {
        let Vocabulary {
            what,
            missing,
            keys,
            required,
            ..
        } = *self.vocabulary;
        let message = format!("{what} has no `{key}`");
        let slip = self
            .unknown()
            .take(MAX_SLIPS)
            .find(|member| suggest(&member.key, keys.iter().copied()) == Some(key));
        let found = match slip {
            Some(member) => {
                let span = member.key_span;
                self.explained.push(span);
                cx.error(missing, span, format!("write `{key}`"), message)
            }
            None => {
                let example = required.iter().find(|(required, _)| *required == key);
                cx.error(missing, self.node.open(), "", message)
                    .maybe_help(example.map(|(_, example)| format!("write {example}")))
            }
        };
        cx.push(found);
    }

    pub(crate) fn word<T: Words>(&self, cx: &mut Context<'s>, key: &str) -> Option<Spanned<T>> {
        self.word_or(cx, key, &[])
    }

    /// Reads a word, or one of the first schema with the value of today.
    pub(crate) fn word_or<T: Words>(
        &self,
        cx: &mut Context<'s>,
        key: &str,
        legacy: &[(&str, T)],
    ) -> Option<Spanned<T>> {
        let text = self.string(cx, key)?;
        if let Some(value) = T::from_word(&text.value) {
            return Some(text.map(|_| value));
        }
        if let Some((old, value)) = legacy.iter().find(|(word, _)| *word == text.value) {
            let new = value.word();
            let message = format!("the value `{old}` of `{key}` is of the first schema");
            cx.push(
                cx.warning(Code::LintLegacyName, text.span, "", message)
                    .help(format!("write `{new}`")),
            );
            return Some(text.map(|_| *value));
        }
        self.report_unknown_value::<T>(cx, key, &text);
        None
    }

    fn report_unknown_value<T: Words>(
        &self,
        cx: &mut Context<'s>,
        key: &str,
        text: &Spanned<String>,
    ) {
        let words: Vec<_> = T::ALL.iter().map(|value| value.word()).collect();
        let found = shorten(&text.value);
        let message = format!("`{found}` is none of the values of `{key}`");
        let near = T::from_synonym(&text.value).map(Words::word);
        let help = match near.or_else(|| suggest(&text.value, words.iter().copied())) {
            Some(near) => format!("write `{near}`"),
            None => format!("the values are {}", list(&words)),
        };
        let code = self.vocabulary.unknown_value;
        cx.push(cx.error(code, text.span, "", message).help(help));
    }

    pub(crate) fn boolean(&self, cx: &mut Context<'s>, key: &str) -> Option<Spanned<bool>> {
        let member = self.get(key)?;
        match member.value.boolean() {
            Some(value) => Some(member.spanned(value)),
            None => self.wrong_type(cx, member, "true or false"),
        }
    }

    /// Reads an integer; what is out of the range of `i64` saturates.
    pub(crate) fn integer(&self, cx: &mut Context<'s>, key: &str) -> Option<Spanned<i64>> {
        let member = self.get(key)?;
        let raw = member.value.raw();
        let digits = raw.strip_prefix('-').unwrap_or(raw);
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return self.wrong_type(cx, member, "an integer");
        }
        let limit = if raw.starts_with('-') {
            i64::MIN
        } else {
            i64::MAX
        };
        Some(member.spanned(raw.parse().unwrap_or(limit)))
    }

    pub(crate) fn string(&self, cx: &mut Context<'s>, key: &str) -> Option<Spanned<String>> {
        let member = self.get(key)?;
        match member.value.string(cx.source()) {
            Some(Ok(value)) => Some(member.spanned(value)),
            Some(Err(syntax)) => {
                cx.push(syntax);
                None
            }
            None => self.wrong_type(cx, member, "a string"),
        }
    }

    /// Reads a text for people; null is the same as absent, as on the server.
    pub(crate) fn text(&self, cx: &mut Context<'s>, key: &str, limit: usize) -> Option<String> {
        if self.get(key)?.value.kind() == Kind::Null {
            return None;
        }
        let text = self.string(cx, key)?;
        if text.value.len() <= limit {
            return Some(text.value);
        }
        let length = text.value.graphemes(true).count();
        if length > limit {
            let message = format!("`{key}` has {length} characters, the limit is {limit}");
            cx.push(cx.error(Code::InterfaceTextTooLong, text.span, "", message));
        }
        Some(text.value)
    }

    /// Warns of what stands in the object and is not read.
    pub(crate) fn finish(self, cx: &mut Context<'s>, help: impl Fn(&str) -> Option<String>) {
        for member in self.unknown() {
            if cx.is_full() {
                cx.skip();
                continue;
            }
            if self.explained.contains(&member.key_span) {
                continue;
            }
            let Vocabulary {
                what,
                keys,
                unknown_key,
                ..
            } = *self.vocabulary;
            let key = shorten(&member.key);
            let near = suggest(&member.key, keys.iter().copied());
            let help = near
                .map(|near| format!("a key with a similar name exists: `{near}`"))
                .or_else(|| help(&member.key));
            let message = format!("{what} has no key `{key}`: it is ignored");
            cx.push(
                cx.warning(unknown_key, member.key_span, "", message)
                    .maybe_help(help),
            );
        }
        for (old, new) in self.vocabulary.legacy {
            let Some(member) = self.get(old) else {
                continue;
            };
            let message = format!("`{old}` is the name of the first schema for `{new}`");
            let help = match self.get(new) {
                Some(_) => format!("remove it: `{new}` stands beside it and holds"),
                None => format!("write `{new}`"),
            };
            cx.push(
                cx.warning(Code::LintLegacyName, member.key_span, "", message)
                    .help(help),
            );
        }
    }

    fn wrong_type<T>(
        &self,
        cx: &mut Context<'s>,
        member: &Member<'s>,
        expected: &str,
    ) -> Option<T> {
        let optional = !self
            .vocabulary
            .required
            .iter()
            .any(|(key, _)| *key == member.key);
        cx.push(wrong_type_error(cx, member, expected, optional));
        None
    }

    fn unknown(&self) -> impl Iterator<Item = &Member<'s>> {
        let Vocabulary { keys, legacy, .. } = *self.vocabulary;
        self.members.iter().filter(move |member| {
            let key = member.key.as_str();
            !keys.contains(&key) && !legacy.iter().any(|(old, _)| *old == key) && key != "$schema"
        })
    }
}

impl Member<'_> {
    pub(super) fn spanned<T>(&self, value: T) -> Spanned<T> {
        let span = self.value.span();
        Spanned {
            value,
            span,
            member: Span::new(self.key_span.start, span.end),
        }
    }
}

fn check_repeated(cx: &mut Context<'_>, members: &[Member<'_>]) {
    let mut first: HashMap<&str, Span> = HashMap::with_capacity(members.len());
    for member in members {
        let Some(above) = first.get(member.key.as_str()) else {
            first.insert(&member.key, member.key_span);
            continue;
        };
        let message = format!(
            "the key `{}` stands twice in one object",
            shorten(&member.key)
        );
        let found = cx
            .error(Code::JsonDuplicateKey, member.key_span, "", message)
            .label(cx.source(), *above, "first here")
            .help("remove one: of two, most readers silently take the last");
        cx.push(found);
    }
}

pub(super) fn wrong_type_error(
    cx: &Context<'_>,
    member: &Member<'_>,
    expected: &str,
    optional: bool,
) -> Diagnostic {
    let key = &member.key;
    let kind = member.value.kind();
    let found = match kind {
        Kind::Number => format!("the number `{}`", shorten(member.value.raw())),
        _ => kind.to_string(),
    };
    let message = format!("`{key}` is {expected}, found {found}");
    cx.error(Code::JsonWrongType, member.value.span(), "", message)
        .maybe_help(unquoted(member, expected, optional))
}

/// What to write where a number or boolean stands in quotes, or null in place of nothing.
fn unquoted(member: &Member<'_>, expected: &str, optional: bool) -> Option<String> {
    match member.value.kind() {
        Kind::Null if optional => Some("leave the key out where there is no value".to_owned()),
        Kind::String => {
            let inner = member.value.raw().trim_matches('"').trim();
            let plain = match expected {
                "an integer" => inner.parse::<i64>().is_ok(),
                "true or false" => matches!(inner, "true" | "false"),
                _ => false,
            };
            plain.then(|| format!("write `{inner}` without quotes"))
        }
        _ => None,
    }
}

/// A text of the user's as it can stand in a sentence.
pub(super) fn shorten(text: &str) -> String {
    let mut shown: String = text.chars().take(MAX_SHOWN).collect();
    if shown.len() < text.len() {
        shown.push_str("...");
    }
    shown
        .escape_debug()
        .to_string()
        .replace("\\\"", "\"")
        .replace("\\'", "'")
}

/// `` `a`, `b` and `c` ``
fn list(words: &[&str]) -> String {
    let quoted: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}

/// Characters of a user's text that are repeated in a message; the frame shows more.
const MAX_SHOWN: usize = 80;

/// Unknown keys among which the one is sought that was meant for a missing one.
const MAX_SLIPS: usize = 64;
