//! Pairing of a struct's fields with the mappings of an object.

use astarte_interface::{Code, Diagnostic, Interface, Mapping, Ownership};
use proc_macro2::{Ident, Span};
use syn::{GenericArgument, PathArguments, Type, punctuated::Punctuated};

use super::{
    Errors,
    agreement::similar,
    arguments::{Allowed, Arguments},
};
use crate::names::case;

/// A field with its mapping.
pub(super) struct Paired<'a> {
    pub(super) member: Ident,
    pub(super) mapping: Mapping<'a>,
    /// The type of the value: that in the `Option`, where there is one.
    pub(super) ty: Type,
    pub(super) optional: bool,
}

/// Pairs the fields of the struct `owner` with mappings.
pub(super) struct Pairing<'a> {
    pub(super) interface: &'a Interface,
    pub(super) owner: &'a Ident,
    pub(super) partial: bool,
}

impl<'a> Pairing<'a> {
    /// Returns the fields that have a mapping. The others are errors, and so are mappings that have no field.
    pub(super) fn pair(
        &self,
        fields: &Punctuated<syn::Field, syn::Token![,]>,
        errors: &mut Errors,
    ) -> Vec<Paired<'a>> {
        let mut pairs: Vec<Paired<'a>> = Vec::new();
        let mut complete = true;
        for field in fields {
            let Some(member) = &field.ident else {
                continue;
            };
            let Some(mapping) = self.mapping(field, member, errors) else {
                complete = false;
                continue;
            };
            if let Some(other) = pairs.iter().find(|pair| same(pair.mapping, mapping)) {
                self.report_duplicate(member, other, errors);
                complete = false;
                continue;
            }
            let (ty, optional) = match option_item(&field.ty) {
                Some(item) => (item.clone(), true),
                None => (field.ty.clone(), false),
            };
            self.check_option(member, mapping, optional, errors);
            pairs.push(Paired {
                member: member.clone(),
                mapping,
                ty,
                optional,
            });
        }
        // A field that is misspelt is one mistake, though its mapping lacks a field, too.
        if complete {
            self.check_missing(&pairs, errors);
        }
        pairs
    }

    /// The mapping that a field names, or that has the field's name.
    fn mapping(
        &self,
        field: &syn::Field,
        member: &Ident,
        errors: &mut Errors,
    ) -> Option<Mapping<'a>> {
        let mut arguments = Arguments::default();
        let before = errors.len();
        arguments.read_attributes(&field.attrs, &FIELD_ARGUMENTS, errors);
        if errors.len() > before {
            return None;
        }
        let (word, span, found) = match &arguments.mapping {
            Some(literal) => {
                let word = literal.value();
                let found = self.find(|mapping| {
                    mapping.key() == Some(&word) || mapping.endpoint().as_str() == word
                });
                (word, literal.span(), found)
            }
            None => {
                let word = case::plain(member);
                let found = self.by_name(&word);
                (word, member.span(), found)
            }
        };
        if found.is_none() {
            self.report_unknown(&word, span, errors);
        }
        found
    }

    /// An exact name comes before the same name in another case.
    fn by_name(&self, word: &str) -> Option<Mapping<'a>> {
        self.find(|mapping| mapping.key() == Some(word))
            .or_else(|| {
                self.find(|mapping| mapping.key().map(case::field).as_deref() == Some(word))
            })
            .or_else(|| {
                let folded = case::folded(word);
                self.find(|mapping| mapping.key().map(case::folded).as_ref() == Some(&folded))
            })
    }

    fn find(&self, matches: impl Fn(&Mapping<'a>) -> bool) -> Option<Mapping<'a>> {
        self.interface.mappings().find(matches)
    }

    fn report_unknown(&self, word: &str, span: Span, errors: &mut Errors) {
        let keys: Vec<&str> = self.interface.mappings().filter_map(Mapping::key).collect();
        let message = format!(
            "the interface `{}` has no mapping `{word}`",
            self.interface.name().as_str()
        );
        let mut diagnostic = Diagnostic::error(Code::ObjectUnknownMapping, message)
            .help(similar(word, &keys, "mapping"));
        let near = astarte_interface::suggest(word, keys.iter().copied());
        if let Some(mapping) = near.and_then(|key| self.find(|other| other.key() == Some(key))) {
            diagnostic = diagnostic.label(self.interface.source(), mapping.endpoint_span(), "");
        }
        errors.push(span, &diagnostic);
    }

    fn report_duplicate(&self, member: &Ident, other: &Paired<'_>, errors: &mut Errors) {
        let endpoint = other.mapping.endpoint();
        let message = format!(
            "`{}` and `{member}` are both for the mapping `{endpoint}`",
            other.member
        );
        let diagnostic = Diagnostic::error(Code::ObjectDuplicateField, message)
            .help("remove one of them, or name its mapping: `#[astarte(mapping = \"key\")]`")
            .label(self.interface.source(), other.mapping.endpoint_span(), "");
        errors.push(member.span(), &diagnostic);
    }

    fn check_option(
        &self,
        member: &Ident,
        mapping: Mapping<'_>,
        optional: bool,
        errors: &mut Errors,
    ) {
        let endpoint = mapping.endpoint();
        let received = self.interface.ownership() == Ownership::Server;
        let (message, help) = match (optional, mapping.required()) {
            (true, true) => (
                format!("`{member}` is an `Option`, and the mapping `{endpoint}` is required"),
                "write the type without `Option`: every object has this mapping",
            ),
            (true, false) if !received && !self.partial => (
                format!(
                    "`{member}` is an `Option`, and `{}` is not `partial`",
                    self.owner
                ),
                "write the type without `Option`; or add `partial` to the struct's `#[astarte(..)]`, to send objects \
                 without some of the mappings",
            ),
            (false, false) if received => (
                format!(
                    "`{member}` is not an `Option`, and the mapping `{endpoint}` is not required"
                ),
                "write `Option<..>`: the server may send objects without this mapping",
            ),
            _ => return,
        };
        let diagnostic = Diagnostic::error(Code::ObjectOption, message)
            .help(help)
            .label(self.interface.source(), mapping.endpoint_span(), "");
        errors.push(member.span(), &diagnostic);
    }

    fn check_missing(&self, pairs: &[Paired<'_>], errors: &mut Errors) {
        let received = self.interface.ownership() == Ownership::Server;
        let missing = self.interface.mappings().filter(|mapping| {
            let may_lack = self.partial && (received || !mapping.required());
            !may_lack && !pairs.iter().any(|pair| same(pair.mapping, *mapping))
        });
        for mapping in missing {
            let message = format!(
                "`{}` has no field for the mapping `{}`",
                self.owner,
                mapping.endpoint()
            );
            let field = case::identifier(
                &case::field(mapping.key().unwrap_or_default()),
                Span::call_site(),
            );
            let ty = rust_type(mapping, received && !mapping.required());
            let mut help = format!("add the field `{field}: {ty}`");
            if received || !mapping.required() {
                help.push_str("; or add `partial` to the struct's `#[astarte(..)]`, to do without");
            }
            let diagnostic = Diagnostic::error(Code::ObjectMissingMapping, message)
                .help(help)
                .label(self.interface.source(), mapping.endpoint_span(), "");
            errors.push(self.owner.span(), &diagnostic);
        }
    }
}

const FIELD_ARGUMENTS: Allowed = Allowed {
    path_first: false,
    keys: &["mapping"],
};

/// Mappings of one interface are the same where their endpoints are.
fn same(a: Mapping<'_>, b: Mapping<'_>) -> bool {
    a.endpoint() == b.endpoint()
}

/// The type in an `Option`, which is known by its name, as everywhere in derives.
fn option_item(ty: &Type) -> Option<&Type> {
    let Type::Path(path) = ty else {
        return None;
    };
    let last = path
        .path
        .segments
        .last()
        .filter(|last| last.ident == "Option")?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else {
        return None;
    };
    match arguments.args.first() {
        Some(GenericArgument::Type(item)) if arguments.args.len() == 1 => Some(item),
        _ => None,
    }
}

/// The Rust type of a mapping, as one writes it.
pub(super) fn rust_type(mapping: Mapping<'_>, optional: bool) -> String {
    fn plain(value_type: astarte_interface::MappingType) -> String {
        use astarte_interface::MappingType as Type;
        match value_type {
            Type::BinaryBlob => "Vec<u8>".to_owned(),
            Type::Boolean => "bool".to_owned(),
            Type::DateTime => "Timestamp".to_owned(),
            Type::Double => "f64".to_owned(),
            Type::Integer => "i32".to_owned(),
            Type::LongInteger => "i64".to_owned(),
            Type::String => "String".to_owned(),
            array => match array.item() {
                Some(item) => format!("Vec<{}>", plain(item)),
                None => String::new(),
            },
        }
    }
    let ty = plain(mapping.value_type());
    if optional {
        format!("Option<{ty}>")
    } else {
        ty
    }
}
