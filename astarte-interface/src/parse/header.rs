//! The keys of an interface.

use super::fields::{Fields, Vocabulary};
use super::values::{Spanned, wrong_type_error};
use super::words::shorten;
use super::{Context, Document, mapping};
use crate::diagnostic::Code;
use crate::interface::HeaderSpans;
use crate::json::{Member, Node};
use crate::name::{InterfaceName, InterfaceNameError};
use crate::types::{Aggregation, InterfaceType, Ownership};
use crate::version::Version;

/// Everything of an interface but its mappings.
pub(crate) struct Header {
    pub(crate) name: InterfaceName,
    pub(crate) version: Version,
    pub(crate) kind: Kind,
    pub(crate) ownership: Ownership,
    pub(crate) description: Option<String>,
    pub(crate) doc: Option<String>,
    pub(crate) spans: HeaderSpans,
}

/// Type and aggregation in the combinations that exist.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Datastream,
    Object,
    Properties,
}

pub(super) static VOCABULARY: Vocabulary = Vocabulary {
    what: "an interface",
    keys: &[
        "interface_name",
        "version_major",
        "version_minor",
        "type",
        "ownership",
        "aggregation",
        "description",
        "doc",
        "mappings",
    ],
    required: &[
        (
            "interface_name",
            r#"`"interface_name": "org.example.Readings"`"#,
        ),
        ("version_major", r#"`"version_major": 0`"#),
        ("version_minor", r#"`"version_minor": 1`"#),
        ("type", r#"`"type": "datastream"` or `"properties"`"#),
        ("ownership", r#"`"ownership": "device"` or `"server"`"#),
        ("mappings", r#"`"mappings": [...]`"#),
    ],
    legacy: &[("quality", "ownership"), ("aggregate", "aggregation")],
    missing: Code::InterfaceMissingKey,
    unknown_key: Code::InterfaceUnknownKey,
    unknown_value: Code::InterfaceUnknownValue,
};

pub(crate) fn read<'s>(cx: &mut Context<'s>, root: Node<'s>) -> Option<Document> {
    let mut fields = Fields::open(cx, root, &VOCABULARY)?;
    let name = read_name(cx, &mut fields);
    let version = read_version(cx, &mut fields);
    let interface_type = fields.require(cx, "type").is_some();
    let interface_type = interface_type.then(|| fields.word(cx, "type")).flatten();
    let ownership = read_ownership(cx, &mut fields);
    let aggregation = read_aggregation(cx, &fields);
    let kind = read_kind(cx, interface_type, aggregation);
    let description = fields.text(cx, "description", MAX_DESCRIPTION);
    let doc = fields.text(cx, "doc", MAX_DOC);
    let mappings = read_mappings(cx, &mut fields, kind);
    fields.finish(cx, mapping_key_help);

    let (name, (major, minor), interface_type, ownership) =
        (name?, version?, interface_type?, ownership?);
    let spans = HeaderSpans {
        name: name.span,
        major: major.span,
        minor: minor.span,
        interface_type: interface_type.span,
        ownership: ownership.span,
        aggregation: aggregation.ok()?.map(|aggregation| aggregation.span),
    };
    let header = Header {
        name: name.value,
        version: Version {
            major: major.value,
            minor: minor.value,
        },
        kind: kind?,
        ownership: ownership.value,
        description,
        doc,
        spans,
    };
    Some(Document {
        header,
        mappings: mappings?,
    })
}

fn read_name<'s>(cx: &mut Context<'s>, fields: &mut Fields<'s>) -> Option<Spanned<InterfaceName>> {
    fields.require(cx, "interface_name")?;
    let text = fields.string(cx, "interface_name")?;
    match InterfaceName::parse(&text.value) {
        Ok(name) => Some(text.map(|_| name)),
        Err(error) => {
            let found = shorten(&text.value);
            let found = match error {
                InterfaceNameError::Reserved => {
                    let message = format!("the interface name `{found}` is reserved");
                    cx.error(Code::InterfaceReservedName, text.span, "", message)
                        .help("write a name of your own, such as `org.example.Readings`")
                }
                _ => {
                    let message = format!("`{found}` is not an interface name: {error}");
                    cx.error(Code::InterfaceInvalidName, text.span, "", message)
                        .help(
                            "a name is labels joined by dots, such as `org.my-company.Readings`: \
                         letters and digits, hyphens except in the first and last label, at most \
                         128 characters",
                        )
                }
            };
            cx.push(found);
            None
        }
    }
}

type VersionParts = (Spanned<u32>, Spanned<u32>);

fn read_version<'s>(cx: &mut Context<'s>, fields: &mut Fields<'s>) -> Option<VersionParts> {
    let major = read_version_part(cx, fields, "version_major");
    let minor = read_version_part(cx, fields, "version_minor");
    let (major, minor) = (major?, minor?);
    if major.value == 0 && minor.value == 0 {
        let found = cx
            .error(
                Code::InterfaceVersionZero,
                minor.member,
                "",
                "the version is 0.0",
            )
            .help("begin with 0.1: `\"version_minor\": 1`");
        cx.push(found);
    }
    Some((major, minor))
}

fn read_version_part<'s>(
    cx: &mut Context<'s>,
    fields: &mut Fields<'s>,
    key: &str,
) -> Option<Spanned<u32>> {
    fields.require(cx, key)?;
    let part = fields.integer(cx, key)?;
    match in_range(part.value) {
        Some(value) => Some(part.map(|_| value)),
        None => {
            let message = format!("`{key}` is out of range");
            let label = "0 to 2147483647";
            cx.push(cx.error(Code::InterfaceVersionRange, part.span, label, message));
            None
        }
    }
}

/// The values that the server's database has columns for.
pub(super) fn in_range(value: i64) -> Option<u32> {
    i32::try_from(value)
        .ok()
        .and_then(|value| u32::try_from(value).ok())
}

fn read_ownership<'s>(cx: &mut Context<'s>, fields: &mut Fields<'s>) -> Option<Spanned<Ownership>> {
    let legacy = [
        ("producer", Ownership::Device),
        ("consumer", Ownership::Server),
    ];
    let quality = fields.word_or(cx, "quality", &legacy);
    if fields.get("ownership").is_some() || fields.get("quality").is_none() {
        fields.require(cx, "ownership")?;
        return fields.word_or(cx, "ownership", &legacy);
    }
    quality
}

/// `Err` where the value is wrong, so that nothing is concluded from its absence.
fn read_aggregation<'s>(
    cx: &mut Context<'s>,
    fields: &Fields<'s>,
) -> Result<Option<Spanned<Aggregation>>, ()> {
    let aggregate = fields.boolean(cx, "aggregate");
    if fields.get("aggregation").is_some() {
        return fields.word(cx, "aggregation").map(Some).ok_or(());
    }
    match (fields.get("aggregate"), aggregate) {
        (None, _) => Ok(None),
        (Some(_), None) => Err(()),
        (Some(_), Some(aggregate)) => Ok(Some(aggregate.map(|object| match object {
            true => Aggregation::Object,
            false => Aggregation::Individual,
        }))),
    }
}

fn read_kind(
    cx: &mut Context<'_>,
    interface_type: Option<Spanned<InterfaceType>>,
    aggregation: Result<Option<Spanned<Aggregation>>, ()>,
) -> Option<Kind> {
    let (interface_type, aggregation) = (interface_type?, aggregation.ok()?);
    let object = aggregation.filter(|aggregation| aggregation.value == Aggregation::Object);
    match (interface_type.value, object) {
        (InterfaceType::Datastream, None) => Some(Kind::Datastream),
        (InterfaceType::Datastream, Some(_)) => Some(Kind::Object),
        (InterfaceType::Properties, None) => Some(Kind::Properties),
        (InterfaceType::Properties, Some(object)) => {
            let message = "properties cannot have the aggregation `object`";
            let found = cx
                .error(Code::InterfacePropertiesObject, object.member, "", message)
                .label(cx.source(), interface_type.member, "")
                .help("remove it: each property is set by itself");
            cx.push(found);
            None
        }
    }
}

fn read_mappings<'s>(
    cx: &mut Context<'s>,
    fields: &mut Fields<'s>,
    kind: Option<Kind>,
) -> Option<Vec<mapping::Draft>> {
    let member = fields.require(cx, "mappings")?.clone();
    let Some(items) = member.value.items() else {
        cx.push(wrong_type_error(cx, &member, "an array of mappings", false));
        return None;
    };
    check_count(cx, &member, items.len());
    // Every mapping is read, whatever is wrong with the ones before it.
    let items = items.into_iter().take(MAX_MAPPINGS);
    let drafts: Vec<_> = items.map(|item| mapping::read(cx, item, kind)).collect();
    drafts.into_iter().collect()
}

fn check_count(cx: &mut Context<'_>, member: &Member<'_>, count: usize) {
    if count == 0 {
        let message = "an interface has at least one mapping";
        let found = cx.error(Code::InterfaceNoMappings, member.value.span(), "", message);
        cx.push(
            found.help(r#"write one, such as `{ "endpoint": "/temperature", "type": "double" }`"#),
        );
    }
    if count > MAX_MAPPINGS {
        let message = format!("an interface has at most {MAX_MAPPINGS} mappings, found {count}");
        let found = cx
            .error(Code::InterfaceTooManyMappings, member.key_span, "", message)
            .help("use parameters for endpoints of one form, or split the interface");
        cx.push(found);
    }
}

/// Some pages of the documentation say that these stand at the interface, as defaults. The server
/// ignores them there.
fn mapping_key_help(key: &str) -> Option<String> {
    let known = mapping::VOCABULARY.keys.contains(&key);
    known.then(|| format!("`{key}` is read in each mapping only"))
}

pub(super) const MAX_DESCRIPTION: usize = 1000;
pub(super) const MAX_DOC: usize = 100_000;
const MAX_MAPPINGS: usize = 1024;
