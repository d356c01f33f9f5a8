//! `#[derive(AstarteValue)]`.

mod newtype;
mod variants;

use astarte_interface::{Code, Diagnostic};
use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Data, DeriveInput};

use super::{
    Errors,
    arguments::{Allowed, Arguments},
};
use crate::codegen;

/// Expands `#[derive(AstarteValue)] item`.
pub fn value(item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let item: DeriveInput = match syn::parse2(item) {
        Ok(item) => item,
        Err(error) => {
            errors.syntax(&error);
            return errors.expand();
        }
    };
    let mut arguments = Arguments::default();
    let allowed = match &item.data {
        Data::Enum(_) => &ENUM_ARGUMENTS,
        Data::Struct(_) | Data::Union(_) => &STRUCT_ARGUMENTS,
    };
    arguments.read_attributes(&item.attrs, allowed, &mut errors);
    let derive = Derive {
        runtime: arguments.runtime(),
        span: codegen::own_span(item.ident.span()),
        arguments,
        item,
    };
    let generated = derive.expand(&mut errors);
    let impls = match generated.filter(|_| errors.is_empty()) {
        Some(generated) => generated,
        None => derive.expand_fallback(),
    };
    let abi = codegen::expand_abi(&derive.runtime, derive.item.ident.span());
    let errors = errors.expand();
    quote!(#impls #abi #errors)
}

const ENUM_ARGUMENTS: Allowed = Allowed {
    path_first: false,
    keys: &["crate", "type"],
};

const STRUCT_ARGUMENTS: Allowed = Allowed {
    path_first: false,
    keys: &["crate", "no_implicit_prelude"],
};

struct Derive {
    arguments: Arguments,
    item: DeriveInput,
    runtime: TokenStream,
    span: Span,
}

impl Derive {
    fn expand(&self, errors: &mut Errors) -> Option<TokenStream> {
        match &self.item.data {
            Data::Enum(data) => self.expand_enum(data, errors),
            Data::Struct(data) => match data.fields.iter().collect::<Vec<_>>()[..] {
                [field] => Some(self.expand_newtype(field)),
                _ => {
                    self.report_struct(data.fields.len(), errors);
                    None
                }
            },
            Data::Union(_) => {
                let name = &self.item.ident;
                let message = format!("`{name}` is a union, and a value is an enum or a newtype");
                let help = "write an enum, or a struct with one field";
                report(name.span(), message, help, errors);
                None
            }
        }
    }

    fn report_struct(&self, fields: usize, errors: &mut Errors) {
        let name = &self.item.ident;
        let message = match fields {
            0 => format!("`{name}` has no field, and a value is that of its one field"),
            _ => format!("`{name}` has {fields} fields, and a value is that of its one field"),
        };
        let help = format!(
            "write `struct {name}(Type);`; a struct with a field per mapping derives `AstarteObject`"
        );
        report(name.span(), message, &help, errors);
    }

    /// A value of any type, so that what uses it is not an error as well.
    fn expand_fallback(&self) -> TokenStream {
        let (runtime, ident, span) = (&self.runtime, &self.item.ident, self.span);
        let mut generics = self.item.generics.clone();
        generics
            .params
            .push(syn::parse_quote_spanned!(span=> __AstarteWire: #runtime::wire::Wire));
        let (parameters, _, clause) = generics.split_for_impl();
        let (_, arguments, _) = self.item.generics.split_for_impl();
        quote_spanned!(span=>
            impl #parameters #runtime::Encode<__AstarteWire> for #ident #arguments #clause {
                fn encode(
                    &self,
                    _: &mut #runtime::payload::ValueWriter<'_>,
                ) -> ::core::result::Result<(), #runtime::ValueError> {
                    ::core::result::Result::Ok(())
                }
            }

            impl #parameters #runtime::Decode<__AstarteWire> for #ident #arguments #clause {
                fn decode(
                    _: #runtime::payload::RawValue<'_>,
                ) -> ::core::result::Result<Self, #runtime::DecodeError> {
                    ::core::result::Result::Err(#runtime::DecodeError::Unset)
                }
            }
        )
    }
}

fn report(span: Span, message: String, help: &str, errors: &mut Errors) {
    errors.push(
        span,
        &Diagnostic::error(Code::MacroItem, message).help(help),
    );
}
