//! Keys of a mapping that depend on each other, or on the kind of the interface.

use super::Context;
use super::header::Kind;
use super::mapping::{Draft, Policy};
use super::values::Spanned;
use crate::diagnostic::Code;
use crate::source::Span;
use crate::types::{Reliability, Retention};

pub(super) fn check_database_retention(cx: &mut Context<'_>, draft: &Draft) {
    let policy = draft.policy.map_or(Policy::NoTtl, |policy| policy.value);
    match (policy, draft.policy, draft.ttl) {
        (Policy::NoTtl, policy, Some(ttl)) => {
            let message = "`database_retention_ttl` has no effect without the policy `use_ttl`";
            let mut found = cx.error(Code::MappingTtlWithoutPolicy, ttl.member, "", message);
            if let Some(policy) = policy {
                found = found.label(cx.source(), policy.member, "");
            }
            cx.push(found.help("write `\"database_retention_policy\": \"use_ttl\"` beside it"));
        }
        (Policy::UseTtl, Some(policy), None) => {
            let message = "the policy `use_ttl` needs a `database_retention_ttl`";
            let found = cx.error(Code::MappingPolicyWithoutTtl, policy.member, "", message);
            cx.push(found.help("write `\"database_retention_ttl\": 86400` beside it for one day"));
        }
        _ => {}
    }
}

/// A key that says something only in some kinds of interface.
struct Placed {
    key: &'static str,
    /// Where the key stands, and whether its value is the default.
    stands: Option<(Span, bool)>,
    applies: bool,
    belongs: &'static str,
}

impl Placed {
    fn new<T: PartialEq>(
        key: &'static str,
        field: &Option<Spanned<T>>,
        default: &T,
        applies: bool,
        belongs: &'static str,
    ) -> Placed {
        let stands = field
            .as_ref()
            .map(|field| (field.member, field.value == *default));
        Placed {
            key,
            stands,
            applies,
            belongs,
        }
    }
}

pub(super) fn check_places(cx: &mut Context<'_>, draft: &Draft, kind: Kind) {
    let stream = kind != Kind::Properties;
    let streams = "datastreams";
    let ttl = draft.ttl.as_ref().map(|ttl| (ttl.member, false));
    let all = [
        Placed::new(
            "reliability",
            &draft.reliability,
            &Reliability::Unreliable,
            stream,
            streams,
        ),
        Placed::new(
            "retention",
            &draft.retention,
            &Retention::Discard,
            stream,
            streams,
        ),
        Placed::new("expiry", &draft.expiry, &0, stream, streams),
        Placed::new(
            "database_retention_policy",
            &draft.policy,
            &Policy::NoTtl,
            stream,
            streams,
        ),
        Placed {
            key: "database_retention_ttl",
            stands: ttl,
            applies: stream,
            belongs: streams,
        },
        Placed::new(
            "explicit_timestamp",
            &draft.explicit_timestamp,
            &false,
            stream,
            streams,
        ),
        Placed::new(
            "allow_unset",
            &draft.allow_unset,
            &false,
            !stream,
            "properties",
        ),
        Placed::new(
            "required",
            &draft.required,
            &false,
            kind == Kind::Object,
            "objects",
        ),
    ];
    for placed in all {
        check_place(cx, &placed, kind);
    }
}

fn check_place(cx: &mut Context<'_>, placed: &Placed, kind: Kind) {
    let Placed {
        key,
        stands: Some((span, default)),
        applies: false,
        belongs,
    } = *placed
    else {
        return;
    };
    let here = match kind {
        Kind::Datastream => "an individual datastream",
        Kind::Object => "an object",
        Kind::Properties => "a properties interface",
    };
    if default {
        let message = format!("`{key}` says nothing in {here}");
        let found = cx.warning(Code::LintDefaultOutOfPlace, span, "", message);
        cx.push(found.help(format!(
            "remove it: it is for {belongs}, and this is its default"
        )));
    } else {
        let message = format!("`{key}` does not apply to {here}");
        let found = cx.error(Code::MappingMisplacedKey, span, "", message);
        cx.push(found.help(format!("remove it: it is for {belongs}")));
    }
}
