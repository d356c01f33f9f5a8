//! The keys of a mapping.

use super::fields::{Fields, Vocabulary};
use super::header::{self, Kind, MAX_DESCRIPTION, MAX_DOC, in_range};
use super::values::Spanned;
use super::words::shorten;
use super::{Context, places};
use crate::diagnostic::Code;
use crate::endpoint::{Endpoint, EndpointError};
use crate::json::Node;
use crate::source::Span;
use crate::types::{MappingType, Reliability, Retention, Words};

/// A mapping whose keys are right, each by itself.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) span: Span,
    pub(crate) endpoint: Spanned<Endpoint>,
    pub(crate) value_type: Spanned<MappingType>,
    pub(crate) reliability: Option<Spanned<Reliability>>,
    pub(crate) retention: Option<Spanned<Retention>>,
    pub(crate) expiry: Option<Spanned<u32>>,
    pub(crate) policy: Option<Spanned<Policy>>,
    pub(crate) ttl: Option<Spanned<u32>>,
    pub(crate) explicit_timestamp: Option<Spanned<bool>>,
    pub(crate) allow_unset: Option<Spanned<bool>>,
    pub(crate) required: Option<Spanned<bool>>,
    pub(crate) encrypted: Option<Spanned<bool>>,
    pub(crate) description: Option<String>,
    pub(crate) doc: Option<String>,
}

/// Whether the server deletes stored values. The model keeps the time alone.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Policy {
    NoTtl,
    UseTtl,
}

impl Words for Policy {
    const ALL: &'static [Policy] = &[Policy::NoTtl, Policy::UseTtl];

    fn word(self) -> &'static str {
        match self {
            Policy::NoTtl => "no_ttl",
            Policy::UseTtl => "use_ttl",
        }
    }
}

pub(super) static VOCABULARY: Vocabulary = Vocabulary {
    what: "a mapping",
    keys: &[
        "endpoint",
        "type",
        "reliability",
        "retention",
        "expiry",
        "database_retention_policy",
        "database_retention_ttl",
        "explicit_timestamp",
        "allow_unset",
        "required",
        "encrypted",
        "description",
        "doc",
    ],
    required: &[
        ("endpoint", r#"`"endpoint": "/level/%{parameter}"`"#),
        ("type", r#"`"type": "double"`, or another of the 14 types"#),
    ],
    legacy: &[("path", "endpoint")],
    missing: Code::MappingMissingKey,
    unknown_key: Code::MappingUnknownKey,
    unknown_value: Code::MappingUnknownValue,
};

pub(super) fn read<'s>(cx: &mut Context<'s>, node: Node<'s>, kind: Option<Kind>) -> Option<Draft> {
    let mut fields = Fields::open(cx, node, &VOCABULARY)?;
    let endpoint = read_endpoint(cx, &mut fields);
    let value_type = fields.require(cx, "type").is_some();
    let value_type = value_type.then(|| fields.word(cx, "type")).flatten();
    let reliability = fields.word(cx, "reliability");
    let retention = fields.word(cx, "retention");
    let expiry = read_expiry(cx, &fields);
    let policy = fields.word(cx, "database_retention_policy");
    let ttl = read_ttl(cx, &fields);
    let explicit_timestamp = fields.boolean(cx, "explicit_timestamp");
    let allow_unset = fields.boolean(cx, "allow_unset");
    let required = fields.boolean(cx, "required");
    let encrypted = fields.boolean(cx, "encrypted");
    let description = fields.text(cx, "description", MAX_DESCRIPTION);
    let doc = fields.text(cx, "doc", MAX_DOC);
    let retention_is_read = [
        (policy.is_some(), "database_retention_policy"),
        (ttl.is_some(), "database_retention_ttl"),
    ]
    .iter()
    .all(|(read, key)| *read || fields.get(key).is_none());
    let span = fields.node().span();
    fields.finish(cx, interface_key_help);

    let draft = Draft {
        span,
        endpoint: endpoint?,
        value_type: value_type?,
        reliability,
        retention,
        expiry,
        policy,
        ttl,
        explicit_timestamp,
        allow_unset,
        required,
        encrypted,
        description,
        doc,
    };
    if let Some(kind) = kind {
        places::check_places(cx, &draft, kind);
        if kind != Kind::Properties && retention_is_read {
            places::check_database_retention(cx, &draft);
        }
    }
    Some(draft)
}

fn interface_key_help(key: &str) -> Option<String> {
    let known = header::VOCABULARY.keys.contains(&key);
    known.then(|| format!("`{key}` is read at the interface only"))
}

fn read_endpoint<'s>(cx: &mut Context<'s>, fields: &mut Fields<'s>) -> Option<Spanned<Endpoint>> {
    let legacy = fields.get("endpoint").is_none() && fields.get("path").is_some();
    let key = if legacy { "path" } else { "endpoint" };
    if !legacy && fields.get("path").is_some() {
        // Nothing reads it, and yet the server refuses another type than a string.
        fields.string(cx, "path");
    }
    fields.require(cx, key)?;
    let text = fields.string(cx, key)?;
    match Endpoint::parse(&text.value) {
        Ok(endpoint) => Some(text.map(|_| endpoint)),
        Err(error) => {
            let found = shorten(&text.value);
            let message = format!("`{found}` is not an endpoint: {error}");
            let help = endpoint_help(&text.value, &error);
            let found = cx.error(Code::MappingInvalidEndpoint, text.span, "", message);
            cx.push(found.help(help));
            None
        }
    }
}

/// The endpoint that was probably meant, or what an endpoint is.
fn endpoint_help(text: &str, error: &EndpointError) -> String {
    let guess = match error {
        EndpointError::NoLeadingSlash => format!("/{text}"),
        _ => text
            .replace("${", "%{")
            .replace("//", "/")
            .trim_end_matches('/')
            .to_owned(),
    };
    if guess != text && Endpoint::parse(&guess).is_ok() {
        return format!("write `{guess}`");
    }
    "an endpoint is levels such as `/room/%{number}/temperature`: words of ASCII letters, digits \
     and `_` that do not begin with a digit, or parameters `%{word}`"
        .to_owned()
}

fn read_expiry<'s>(cx: &mut Context<'s>, fields: &Fields<'s>) -> Option<Spanned<u32>> {
    let expiry = fields.integer(cx, "expiry")?;
    let Some(seconds) = in_range(expiry.value) else {
        let message = "`expiry` is out of range";
        let label = "0 to 2147483647 seconds";
        let found = cx.error(Code::MappingExpiryRange, expiry.span, label, message);
        cx.push(found.help("0, the default, is never"));
        return None;
    };
    Some(expiry.map(|_| seconds))
}

fn read_ttl<'s>(cx: &mut Context<'s>, fields: &Fields<'s>) -> Option<Spanned<u32>> {
    let ttl = fields.integer(cx, "database_retention_ttl")?;
    let seconds = u32::try_from(ttl.value).ok();
    let Some(seconds) = seconds.filter(|seconds| TTL.contains(seconds)) else {
        let message = "`database_retention_ttl` is out of range";
        let label = format!("{} to {} seconds", TTL.start, TTL.end - 1);
        let found = cx.error(Code::MappingTtlRange, ttl.span, label, message);
        cx.push(found.help("to keep values for ever, leave the key out"));
        return None;
    };
    Some(ttl.map(|_| seconds))
}

/// Seconds; the server's bounds, the upper one being 20 years.
const TTL: std::ops::Range<u32> = 60..630_720_000;
