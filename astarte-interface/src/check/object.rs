//! The mappings of an object travel together.

use crate::diagnostic::Code;
use crate::parse::{Context, Draft, Spanned};
use crate::schema::Delivery;
use crate::source::Span;

/// All endpoints have the same levels before the last, with the same names of parameters.
pub(super) fn check_prefix(cx: &mut Context<'_>, mappings: &[Draft]) {
    let Some((first, rest)) = mappings.split_first() else {
        return;
    };
    let different = rest
        .iter()
        .find(|mapping| mapping.prefix() != first.prefix());
    let Some(different) = different else { return };
    let (a, b) = (&first.endpoint, &different.endpoint);
    let prefix: String = first
        .prefix()
        .iter()
        .map(|level| format!("/{level}"))
        .collect();
    let message = "the endpoints of an object differ in more than their last level";
    let help = match prefix.as_str() {
        "" => "one message carries all mappings: give every endpoint one level".to_owned(),
        prefix => {
            format!("one message carries all mappings: begin every endpoint with `{prefix}/`")
        }
    };
    let found = cx
        .error(Code::ObjectPrefix, b.span, "another prefix", message)
        .label(cx.source(), a.span, "the prefix of the first mapping")
        .help(help);
    cx.push(found);
}

/// All mappings have the same delivery and storage, defaults included.
pub(super) fn check_delivery(cx: &mut Context<'_>, mappings: &[Draft]) {
    let Some((first, rest)) = mappings.split_first() else {
        return;
    };
    for key in &KEYS {
        let text = |mapping: &Draft| (key.text)(&mapping.delivery());
        let expected = text(first);
        let Some(other) = rest.iter().find(|mapping| text(mapping) != expected) else {
            continue;
        };
        let name = key.name;
        let message = format!("the mappings of an object differ in `{name}`");
        let found = cx
            .error(
                Code::ObjectDelivery,
                place(other, key),
                text(other),
                message,
            )
            .label(cx.source(), place(first, key), expected)
            .help(format!(
                "one message carries all mappings: write the same `{name}` in each"
            ));
        cx.push(found);
    }
}

/// Where the key stands, or else the endpoint of the mapping that lacks it.
fn place(mapping: &Draft, key: &Key) -> Span {
    (key.span)(mapping).unwrap_or(mapping.endpoint.span)
}

struct Key {
    name: &'static str,
    text: fn(&Delivery) -> String,
    span: fn(&Draft) -> Option<Span>,
}

fn member<T>(field: &Option<Spanned<T>>) -> Option<Span> {
    field.as_ref().map(|field| field.member)
}

const KEYS: [Key; 5] = [
    Key {
        name: "reliability",
        text: |delivery| format!("`{}`", delivery.reliability),
        span: |mapping| member(&mapping.reliability),
    },
    Key {
        name: "retention",
        text: |delivery| format!("`{}`", delivery.retention),
        span: |mapping| member(&mapping.retention),
    },
    Key {
        name: "expiry",
        text: |delivery| format!("{}", delivery.expiry),
        span: |mapping| member(&mapping.expiry),
    },
    Key {
        name: "explicit_timestamp",
        text: |delivery| format!("{}", delivery.explicit_timestamp),
        span: |mapping| member(&mapping.explicit_timestamp),
    },
    Key {
        name: "database_retention_ttl",
        text: |delivery| match delivery.database_retention_ttl {
            Some(seconds) => format!("{seconds}"),
            None => "no time".to_owned(),
        },
        span: |mapping| member(&mapping.ttl),
    },
];
