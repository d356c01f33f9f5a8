//! The values of the keys of a JSON object, by type.

use unicode_segmentation::UnicodeSegmentation;

use super::Context;
use super::fields::Fields;
use super::words::{list, shorten};
use crate::diagnostic::{Code, Diagnostic};
use crate::json::{Kind, Member};
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

impl<'s> Fields<'s> {
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
                "an integer" => inner.parse::<i64>().ok()?.to_string(),
                "true or false" => inner.parse::<bool>().ok()?.to_string(),
                _ => return None,
            };
            Some(format!("write `{plain}` without quotes"))
        }
        _ => None,
    }
}
