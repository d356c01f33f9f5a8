//! `#[derive(AstarteEvents)]`.

use astarte_interface::{Code, Diagnostic};
use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Data, DeriveInput, Fields};

use super::{
    Errors,
    arguments::{Allowed, Arguments},
};
use crate::codegen::{self, Variant};

/// Expands `#[derive(AstarteEvents)] item`.
pub fn events(item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let generated = match syn::parse2(item) {
        Ok(item) => expand(&item, &mut errors),
        Err(error) => {
            errors.syntax(&error);
            TokenStream::new()
        }
    };
    let errors = errors.expand();
    quote!(#generated #errors)
}

const ARGUMENTS: Allowed = Allowed {
    path_first: false,
    keys: &["crate"],
};

fn expand(item: &DeriveInput, errors: &mut Errors) -> TokenStream {
    let mut arguments = Arguments::default();
    arguments.read_attributes(&item.attrs, &ARGUMENTS, errors);
    let Data::Enum(data) = &item.data else {
        report(
            item.ident.span(),
            format!("`{}` is not an enum", item.ident),
            errors,
        );
        return TokenStream::new();
    };
    if !item.generics.params.is_empty() {
        report(
            item.ident.span(),
            format!("`{}` has generic parameters", item.ident),
            errors,
        );
        return TokenStream::new();
    }
    let mut variants = Vec::new();
    for variant in &data.variants {
        let ident = &variant.ident;
        match &variant.fields {
            Fields::Unnamed(fields) if fields.unnamed.len() == 1 => {
                let event = fields.unnamed[0].ty.to_token_stream();
                variants.push(Variant {
                    ident: ident.clone(),
                    event,
                });
            }
            _ => report(
                ident.span(),
                format!("`{ident}` does not hold one event"),
                errors,
            ),
        }
    }
    let runtime = arguments.runtime();
    let set = codegen::expand_event_set(&item.ident, &variants, &runtime);
    let distinct = expand_distinct(&item.ident, &variants, &runtime);
    let abi = codegen::expand_abi(&runtime, item.ident.span());
    quote!(#set #distinct #abi)
}

/// Checks that no two variants are of one interface: the second would never be received. Only rustc knows the names.
fn expand_distinct(set: &Ident, variants: &[Variant], runtime: &TokenStream) -> TokenStream {
    let checks = variants.iter().enumerate().skip(1).map(|(index, variant)| {
        let ident = &variant.ident;
        let span = codegen::own_span(ident.span());
        let index = Literal::usize_unsuffixed(index);
        let message = format!(
            "`{ident}` is of an interface that a variant before it is of: a device has one version of an interface, and a \
             set one variant for it"
        );
        quote_spanned!(span=>
            ::core::assert!(
                #runtime::Descriptor::is_first_of_its_name(
                    <#set as #runtime::EventSet>::INTERFACES,
                    #index,
                ),
                #message
            );
        )
    });
    let checks: TokenStream = checks.collect();
    match checks.is_empty() {
        true => checks,
        false => quote!(const _: () = { #checks };),
    }
}

fn report(span: Span, message: String, errors: &mut Errors) {
    let diagnostic = Diagnostic::error(Code::MacroItem, message)
        .help("write an enum with a variant per interface: `Settings(settings::Event)`");
    errors.push(span, &diagnostic);
}
