//! A trait for each field of a struct, so that rustc speaks of the field where its type does not fit the mapping.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote_spanned};
use syn::spanned::Spanned;

use super::fields::{Paired, rust_type};
use crate::{codegen, names::case};

/// A name for the trait of each field. It appears in a help line of rustc's, and must not shadow a type of the user's.
pub(super) fn names(pairs: &[Paired<'_>]) -> Vec<Ident> {
    let mut names: Vec<Ident> = Vec::new();
    for (index, pair) in pairs.iter().enumerate() {
        let span = codegen::own_span(pair.ty.span());
        let name = case::upper_camel(&case::plain(&pair.member));
        let name = format_ident!("__Astarte{name}", span = span);
        names.push(match names.contains(&name) {
            true => format_ident!("{name}{index}", span = span),
            false => name,
        });
    }
    names
}

/// The trait through which a field's type is sent or received.
pub(super) fn expand_trait(
    pair: &Paired<'_>,
    name: &Ident,
    sent: bool,
    runtime: &TokenStream,
) -> TokenStream {
    let span = codegen::own_span(pair.ty.span());
    let mapping = pair.mapping;
    let (value_type, key) = (mapping.value_type(), mapping.key().unwrap_or_default());
    let wire = codegen::wire(value_type, span);
    let codec = if sent { "Encode" } else { "Decode" };
    // Braces have a meaning in these texts.
    let message = format!(
        "field `{}` cannot carry `{}`, which is a `{value_type}`",
        case::plain(&pair.member),
        mapping
            .endpoint()
            .as_str()
            .replace('{', "{{")
            .replace('}', "}}"),
    );
    let label = format!("not a type for a `{value_type}`");
    let note = format!(
        "a `{value_type}` is `{}`, or a type of your own that implements `{codec}<wire::{wire}>`",
        rust_type(mapping, false)
    );
    let texts = quote_spanned! {span=>
        #[diagnostic::on_unimplemented(message = #message, label = #label, note = #note)]
    };
    match sent {
        true => quote_spanned! {span=>
            #texts
            trait #name {
                fn encode(&self, object: &mut #runtime::payload::ObjectWriter<'_>);
            }

            #[diagnostic::do_not_recommend]
            impl<__AstarteValue> #name for __AstarteValue
            where
                __AstarteValue: #runtime::Encode<#runtime::wire::#wire>,
            {
                fn encode(&self, object: &mut #runtime::payload::ObjectWriter<'_>) {
                    object.field::<#runtime::wire::#wire, _>(#key, self);
                }
            }
        },
        false => quote_spanned! {span=>
            #texts
            trait #name: ::core::marker::Sized {
                fn decode(
                    value: #runtime::payload::RawValue<'_>,
                ) -> ::core::result::Result<::core::option::Option<Self>, #runtime::DecodeError>;
            }

            #[diagnostic::do_not_recommend]
            impl<__AstarteValue> #name for __AstarteValue
            where
                __AstarteValue: #runtime::Decode<#runtime::wire::#wire>,
            {
                fn decode(
                    value: #runtime::payload::RawValue<'_>,
                ) -> ::core::result::Result<::core::option::Option<Self>, #runtime::DecodeError>
                {
                    value.decode_field::<#runtime::wire::#wire, _>(#key)
                }
            }
        },
    }
}
