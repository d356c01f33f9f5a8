//! What the server accepts and an author should know. `docs/diagnostics.md` says why, for each.

use crate::diagnostic::{Code, Diagnostic};
use crate::endpoint::Level;
use crate::interface::Interface;
use crate::mapping::Mapping;
use crate::parse::Context;
use crate::schema::Schema;
use crate::source::Span;
use crate::types::{Aggregation, InterfaceType, Ownership, Reliability, Retention};

pub(crate) fn lints(cx: &mut Context<'_>, interface: &Interface) {
    check_name(cx, interface);
    check_encrypted(cx, interface);
    if interface.interface_type() == InterfaceType::Datastream {
        check_timestamp_keys(cx, interface);
        for mapping in deliveries(interface) {
            check_retention(cx, mapping);
            check_server_timestamp(cx, interface, mapping);
        }
    }
    if interface.aggregation() == Aggregation::Object {
        check_object_endpoints(cx, interface);
    }
}

/// A mapping for each delivery of its own: the mappings of an object share one.
fn deliveries(interface: &Interface) -> impl Iterator<Item = Mapping<'_>> {
    let count = match interface.schema() {
        Schema::Object(_) => 1,
        Schema::Datastream(_) | Schema::Properties(_) => usize::MAX,
    };
    interface.mappings().take(count)
}

fn check_name(cx: &mut Context<'_>, interface: &Interface) {
    let name = interface.name().as_str();
    let span = interface.name_span();
    let Some((domain, last)) = name.rsplit_once('.') else {
        let message = format!("the interface name `{name}` has no domain");
        let found = cx.warning(Code::LintNameWithoutDot, span, "", message);
        cx.push(found.help(format!(
            "begin it with your domain, reversed: `org.example.{name}`"
        )));
        return;
    };
    let domain_is_lower = !domain.contains(|c: char| c.is_ascii_uppercase());
    if domain_is_lower && last.starts_with(|c: char| c.is_ascii_uppercase()) {
        return;
    }
    let (first, rest) = last.split_at(1);
    let convention = format!(
        "{}.{}{rest}",
        domain.to_ascii_lowercase(),
        first.to_ascii_uppercase()
    );
    let message = format!("the interface name `{name}` breaks the naming convention");
    let found = cx
        .warning(Code::LintNameCasing, span, "", message)
        .help(format!(
            "labels are in lower case, the last one is in CamelCase: `{convention}`"
        ));
    cx.push(found);
}

/// One encrypted mapping encrypts every payload of its interface.
fn check_encrypted(cx: &mut Context<'_>, interface: &Interface) {
    let Some(mapping) = interface.mappings().find(|mapping| mapping.encrypted()) else {
        return;
    };
    let span = mapping.encrypted_span().unwrap_or(mapping.endpoint_span());
    let message = "`encrypted` is experimental on the server: no code is generated for it";
    let found = cx.warning(Code::LintEncrypted, span, "", message);
    cx.push(found.help("leave it out until the server's key agreement is documented"));
}

fn check_timestamp_keys(cx: &mut Context<'_>, interface: &Interface) {
    for mapping in interface.mappings() {
        let last = mapping.endpoint().levels().last();
        if last != Some(&Level::Literal("timestamp".to_owned())) {
            continue;
        }
        let span = mapping.endpoint_span();
        let message = "endpoints of datastreams that end in `/timestamp` are reserved";
        let found = cx.warning(Code::LintTimestampKey, span, "", message);
        cx.push(found.help(
            "rename the last level, or use `explicit_timestamp`: the time of the data is read \
             under this name",
        ));
    }
}

fn check_retention(cx: &mut Context<'_>, mapping: Mapping<'_>) {
    let spans = mapping.common().spans;
    let or_endpoint = |span: Option<Span>| span.unwrap_or(spans.endpoint);
    let retention = mapping.retention();
    if retention == Retention::Discard && mapping.expiry() > 0 {
        let span = or_endpoint(spans.expiry);
        let message = "`expiry` has no effect with the retention `discard`";
        let found = cx
            .warning(Code::LintExpiryWithoutRetention, span, "", message)
            .help("write `\"retention\": \"stored\"` or `\"volatile\"` beside it, or remove it");
        cx.push(label_if(cx, found, spans.retention));
    }
    if retention != Retention::Discard && mapping.reliability() == Reliability::Unreliable {
        let span = or_endpoint(spans.retention);
        let message =
            format!("the retention `{retention}` keeps messages that are then sent unreliably");
        let found = cx
            .warning(Code::LintUnreliableRetention, span, "", message)
            .help(
                "write `\"reliability\": \"guaranteed\"` beside it, so that a kept message is \
                   removed only when the broker has it",
            );
        cx.push(label_if(cx, found, spans.reliability));
    }
}

fn label_if(cx: &Context<'_>, found: Diagnostic, span: Option<Span>) -> Diagnostic {
    match span {
        Some(span) => found.label(cx.source(), span, ""),
        None => found,
    }
}

fn check_server_timestamp(cx: &mut Context<'_>, interface: &Interface, mapping: Mapping<'_>) {
    if interface.ownership() != Ownership::Server || !mapping.explicit_timestamp() {
        return;
    }
    let spans = mapping.common().spans;
    let span = spans.explicit_timestamp.unwrap_or(spans.endpoint);
    let message = "the server never sends the timestamp of a server-owned mapping";
    let found = cx.warning(Code::LintServerTimestamp, span, "", message);
    cx.push(
        found.help("remove it; where the device needs a time, send it as a mapping of its own"),
    );
}

fn check_object_endpoints(cx: &mut Context<'_>, interface: &Interface) {
    let Some(mapping) = interface.mappings().next() else {
        return;
    };
    let span = mapping.endpoint_span();
    let levels = mapping.endpoint().levels();
    if levels.len() == 1 {
        let message = "objects whose endpoints have one level are deprecated";
        let found = cx
            .warning(Code::LintObjectDepth, span, "", message)
            .help(format!(
                "put a level before the key of every mapping: `/data{}`",
                mapping.endpoint()
            ));
        cx.push(found);
    }
    if let Some(Level::Parameter(name)) = levels.last() {
        let message = format!("the key of this mapping is the text `%{{{name}}}`, not a parameter");
        let found = cx.warning(Code::LintObjectParameterKey, span, "", message);
        cx.push(found.help("the last level of an object's endpoint names the key: make it a word"));
    }
}
