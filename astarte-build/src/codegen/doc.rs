//! Documentation comments.

use astarte_interface::{Aggregation, Mapping, Retention};
use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;

use super::Context;
use crate::docs;

/// A documentation comment of these lines.
pub(crate) fn comment(lines: impl IntoIterator<Item = impl AsRef<str>>, span: Span) -> TokenStream {
    let lines = lines.into_iter().map(|line| {
        let line = line.as_ref();
        let text = if line.is_empty() {
            String::new()
        } else {
            format!(" {line}")
        };
        quote_spanned!(span=> #[doc = #text])
    });
    lines.collect()
}

/// The documentation of the type of an interface: what its author wrote, or what it is.
pub(super) fn interface(cx: &Context<'_>) -> TokenStream {
    let name = docs::code(cx.interface.name().as_str());
    let mut lines = Vec::new();
    paragraph(&mut lines, cx.interface.description());
    paragraph(&mut lines, cx.interface.doc());
    paragraph(&mut lines, Some(""));
    lines.push(format!(
        "The interface {name}, version {}.",
        cx.interface.version()
    ));
    comment(lines, cx.span)
}

pub(super) fn module(cx: &Context<'_>) -> TokenStream {
    let name = docs::code(cx.interface.name().as_str());
    let content = match (cx.interface.aggregation(), cx.server_owned()) {
        (Aggregation::Individual, false) => "The endpoints",
        (Aggregation::Individual, true) => "The endpoints and events",
        (Aggregation::Object, false) => "The path",
        (Aggregation::Object, true) => "The path and the received object",
    };
    comment([format!("{content} of {name}.")], cx.span)
}

/// The documentation of an endpoint's struct, or of an object's field.
pub(super) fn mapping(cx: &Context<'_>, mapping: Mapping<'_>) -> TokenStream {
    let endpoint = docs::code(mapping.endpoint().as_str());
    let mut lines = vec![format!(
        "{endpoint}: {}",
        docs::code(mapping.value_type().as_str())
    )];
    paragraph(&mut lines, mapping.description());
    paragraph(&mut lines, mapping.doc());
    let facts = facts(cx, mapping);
    if !facts.is_empty() {
        lines.push(String::new());
        lines.extend(facts);
    }
    comment(lines, cx.span)
}

fn facts(cx: &Context<'_>, mapping: Mapping<'_>) -> Vec<String> {
    let mut facts = Vec::new();
    if cx.properties() {
        facts.push(match mapping.allow_unset() {
            true => "- property, can be unset".to_owned(),
            false => "- property".to_owned(),
        });
    } else if cx.interface.aggregation() == Aggregation::Individual {
        facts.extend(delivery(mapping));
    }
    if mapping.required() {
        facts.push("- required".to_owned());
    }
    let source = cx.interface.source();
    let line = source.position(mapping.endpoint_span().start).line;
    facts.push(format!(
        "- declared in {}",
        docs::code(&format!("{}:{line}", source.name()))
    ));
    facts
}

/// How the messages of a datastream are delivered.
pub(super) fn delivery(mapping: Mapping<'_>) -> Vec<String> {
    let mut facts = vec![format!("- reliability: `{}`", mapping.reliability())];
    facts.push(match (mapping.retention(), mapping.expiry()) {
        (Retention::Discard, _) => "- retention: `discard`".to_owned(),
        (retention, 0) => format!("- retention: `{retention}`"),
        (retention, expiry) => format!("- retention: `{retention}`, for {expiry} s"),
    });
    facts.push(match mapping.explicit_timestamp() {
        true => "- timestamp: explicit".to_owned(),
        false => "- timestamp: on reception".to_owned(),
    });
    facts
}

/// Appends a text of the interface's author as paragraphs of its own.
fn paragraph(lines: &mut Vec<String>, text: Option<&str>) {
    let Some(text) = text else {
        return;
    };
    if !lines.is_empty() {
        lines.push(String::new());
    }
    lines.extend(docs::lines(text));
}
