//! Enums, which are sent as a text or a number a variant.

use astarte_interface::{Code, Diagnostic, suggest};
use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::{DataEnum, Fields, LitStr};

use super::{Derive, report};
use crate::{
    codegen,
    macros::{
        Errors,
        arguments::{Allowed, Arguments},
    },
    names::case,
};

impl Derive {
    pub(super) fn expand_enum(&self, data: &DataEnum, errors: &mut Errors) -> Option<TokenStream> {
        let name = &self.item.ident;
        let form = self.form(errors);
        if data.variants.is_empty() {
            let message = format!("`{name}` has no variant");
            report(
                name.span(),
                message,
                "an enum has a variant per value",
                errors,
            );
        }
        for variant in &data.variants {
            if !matches!(variant.fields, Fields::Unit) {
                let message = format!("the variant `{}` has fields", variant.ident);
                let help = "a variant stands for one value: write it without fields";
                report(variant.ident.span(), message, help, errors);
            }
        }
        let texts = texts(data, form, errors);
        let variants: Vec<&Ident> = data.variants.iter().map(|it| &it.ident).collect();
        match form? {
            Form::Integer => Some(self.expand_numbers(&variants, Form::Integer, &quote!(i32))),
            Form::LongInteger => {
                Some(self.expand_numbers(&variants, Form::LongInteger, &quote!(i64)))
            }
            Form::String => Some(self.expand_texts(&variants, &texts)),
        }
    }

    fn form(&self, errors: &mut Errors) -> Option<Form> {
        let Some(literal) = &self.arguments.value_type else {
            return Some(Form::String);
        };
        let word = literal.value();
        let found = Form::ALL.into_iter().find(|form| form.name() == word);
        if found.is_none() {
            let message = format!("an enum cannot be sent as `{word}`");
            let help = match suggest(&word, Form::ALL.into_iter().map(Form::name)) {
                Some(other) => format!("a type with a similar name exists: `{other}`"),
                None => "the types are `integer`, `longinteger` and `string`".to_owned(),
            };
            let diagnostic = Diagnostic::error(Code::MacroArgument, message).help(help);
            errors.push(literal.span(), &diagnostic);
        }
        found
    }

    fn expand_texts(&self, variants: &[&Ident], texts: &[LitStr]) -> TokenStream {
        let (runtime, ident, span) = (&self.runtime, &self.item.ident, self.span);
        let (parameters, arguments, clause) = self.item.generics.split_for_impl();
        quote_spanned!(span=>
            impl #parameters #runtime::Encode<#runtime::wire::String> for #ident #arguments #clause {
                fn encode(
                    &self,
                    out: &mut #runtime::payload::ValueWriter<'_>,
                ) -> ::core::result::Result<(), #runtime::ValueError> {
                    let text = match self {
                        #(Self::#variants => #texts,)*
                    };
                    <str as #runtime::Encode<#runtime::wire::String>>::encode(text, out)
                }
            }

            impl #parameters #runtime::Decode<#runtime::wire::String> for #ident #arguments #clause {
                fn decode(
                    value: #runtime::payload::RawValue<'_>,
                ) -> ::core::result::Result<Self, #runtime::DecodeError> {
                    match value.text()? {
                        #(#texts => ::core::result::Result::Ok(Self::#variants),)*
                        text => ::core::result::Result::Err(
                            #runtime::DecodeError::unknown_value("string", &text, &[#(&#texts),*]),
                        ),
                    }
                }
            }
        )
    }

    fn expand_numbers(&self, variants: &[&Ident], form: Form, ty: &TokenStream) -> TokenStream {
        let (runtime, ident, span) = (&self.runtime, &self.item.ident, self.span);
        let (parameters, arguments, clause) = self.item.generics.split_for_impl();
        let (name, wire) = match form {
            Form::Integer => (form.name(), quote!(Integer)),
            Form::LongInteger | Form::String => (form.name(), quote!(LongInteger)),
        };
        let checks = variants.iter().map(|variant| {
            let span = codegen::own_span(variant.span());
            let message = format!(
                "the number of `{variant}` is none of an `{name}`, whose range is -{ty}::MAX to {ty}::MAX"
            );
            // Wide enough for a discriminant of any type, so that nothing is cut off unseen.
            quote_spanned!(span=>
                ::core::assert!(
                    #ident::#variant as i128 <= #ty::MAX as i128
                        && #ident::#variant as i128 >= -(#ty::MAX as i128),
                    #message
                );
            )
        });
        quote_spanned!(span=>
            const _: () = { #(#checks)* };

            impl #parameters #runtime::Encode<#runtime::wire::#wire> for #ident #arguments #clause {
                fn encode(
                    &self,
                    out: &mut #runtime::payload::ValueWriter<'_>,
                ) -> ::core::result::Result<(), #runtime::ValueError> {
                    let number = match self {
                        #(Self::#variants => Self::#variants as #ty,)*
                    };
                    <#ty as #runtime::Encode<#runtime::wire::#wire>>::encode(&number, out)
                }
            }

            impl #parameters #runtime::Decode<#runtime::wire::#wire> for #ident #arguments #clause {
                fn decode(
                    value: #runtime::payload::RawValue<'_>,
                ) -> ::core::result::Result<Self, #runtime::DecodeError> {
                    let number = <#ty as #runtime::Decode<#runtime::wire::#wire>>::decode(value)?;
                    #(
                        if number == Self::#variants as #ty {
                            return ::core::result::Result::Ok(Self::#variants);
                        }
                    )*
                    ::core::result::Result::Err(#runtime::DecodeError::unknown_value(
                        #name,
                        &number,
                        &[#(&(Self::#variants as #ty)),*],
                    ))
                }
            }
        )
    }
}

/// What an enum can be sent as.
#[derive(Clone, Copy)]
enum Form {
    Integer,
    LongInteger,
    String,
}

impl Form {
    const ALL: [Self; 3] = [Self::Integer, Self::LongInteger, Self::String];

    fn name(self) -> &'static str {
        match self {
            Self::Integer => "integer",
            Self::LongInteger => "longinteger",
            Self::String => "string",
        }
    }
}

/// The text of each variant.
fn texts(data: &DataEnum, form: Option<Form>, errors: &mut Errors) -> Vec<LitStr> {
    let mut texts: Vec<LitStr> = Vec::new();
    for variant in &data.variants {
        let mut arguments = Arguments::default();
        arguments.read_attributes(&variant.attrs, &VARIANT_ARGUMENTS, errors);
        let ident = &variant.ident;
        if let (Some(literal), Some(Form::Integer | Form::LongInteger)) = (&arguments.value, form) {
            let message = format!("`{ident}` is sent as a number, and has a text");
            let help = format!("write the number as that of the variant: `{ident} = 1`");
            report(literal.span(), message, &help, errors);
        }
        let text = arguments
            .value
            .unwrap_or_else(|| LitStr::new(&case::plain(ident), codegen::own_span(ident.span())));
        let same = texts.iter().position(|other| other.value() == text.value());
        if let Some(first) = same.and_then(|index| data.variants.iter().nth(index)) {
            let message = format!(
                "`{}` and `{ident}` are both sent as {:?}",
                first.ident,
                text.value()
            );
            let help = "give one of them another text: `#[astarte(value = \"text\")]`";
            report(ident.span(), message, help, errors);
        }
        texts.push(text);
    }
    texts
}

const VARIANT_ARGUMENTS: Allowed = Allowed {
    path_first: false,
    keys: &["value"],
};
