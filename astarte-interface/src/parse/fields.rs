//! The keys of a JSON object.

use std::collections::HashMap;

use super::Context;
use super::words::shorten;
use crate::diagnostic::Code;
use crate::json::{Member, Node};
use crate::source::Span;
use crate::suggest::suggest;

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
    pub(super) vocabulary: &'static Vocabulary,
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

    /// Warns of what stands in the object and is not read.
    ///
    /// `elsewhere` says so where a key belongs into another object.
    pub(crate) fn finish(self, cx: &mut Context<'s>, elsewhere: impl Fn(&str) -> Option<String>) {
        for member in self.unknown() {
            if self.explained.contains(&member.key_span) {
                continue;
            }
            if cx.has_enough_warnings() {
                cx.omit_warning();
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
                .or_else(|| elsewhere(&member.key));
            let message = format!("{what} has no key `{key}`: it is ignored");
            cx.push(
                cx.warning(unknown_key, member.key_span, "", message)
                    .maybe_help(help),
            );
        }
        self.report_legacy(cx);
    }

    fn report_legacy(&self, cx: &mut Context<'s>) {
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

    fn unknown(&self) -> impl Iterator<Item = &Member<'s>> {
        let Vocabulary { keys, legacy, .. } = *self.vocabulary;
        self.members.iter().filter(move |member| {
            let key = member.key.as_str();
            !keys.contains(&key) && !legacy.iter().any(|(old, _)| *old == key) && key != "$schema"
        })
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

/// Unknown keys among which the one is sought that was meant for a missing one.
const MAX_SLIPS: usize = 64;
