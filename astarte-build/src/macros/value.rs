//! `#[derive(AstarteValue)]`.

use astarte_interface::{Code, Diagnostic, suggest};
use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Data, DataEnum, DeriveInput, Field, Fields, LitStr, spanned::Spanned};

use super::{
    Errors,
    arguments::{Allowed, Arguments},
};
use crate::{codegen, names::case};

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

const VARIANT_ARGUMENTS: Allowed = Allowed {
    path_first: false,
    keys: &["value"],
};

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

    fn expand_enum(&self, data: &DataEnum, errors: &mut Errors) -> Option<TokenStream> {
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

    /// A newtype is sent and received as whatever its field is.
    fn expand_newtype(&self, field: &Field) -> TokenStream {
        let (runtime, ident, span) = (&self.runtime, &self.item.ident, self.span);
        let ty = &field.ty;
        let member = match &field.ident {
            Some(member) => member.to_token_stream(),
            None => quote!(0),
        };
        let (encode, decode) = (
            self.generics_where(ty, "Encode"),
            self.generics_where(ty, "Decode"),
        );
        let (encode_parameters, _, encode_clause) = encode.split_for_impl();
        let (decode_parameters, _, decode_clause) = decode.split_for_impl();
        let (_, arguments, _) = self.item.generics.split_for_impl();
        // What does not fit a mapping is the newtype, of which rustc is to speak, and not of what is in it.
        let text = (!self.arguments.no_implicit_prelude)
            .then(|| quote_spanned!(span=> #[diagnostic::do_not_recommend]));
        quote_spanned!(span=>
            #text
            impl #encode_parameters #runtime::Encode<__AstarteWire> for #ident #arguments #encode_clause {
                fn encode(
                    &self,
                    out: &mut #runtime::payload::ValueWriter<'_>,
                ) -> ::core::result::Result<(), #runtime::ValueError> {
                    <#ty as #runtime::Encode<__AstarteWire>>::encode(&self.#member, out)
                }
            }

            #text
            impl #decode_parameters #runtime::Decode<__AstarteWire> for #ident #arguments #decode_clause {
                fn decode(
                    value: #runtime::payload::RawValue<'_>,
                ) -> ::core::result::Result<Self, #runtime::DecodeError> {
                    <#ty as #runtime::Decode<__AstarteWire>>::decode(value)
                        .map(|value| Self { #member: value })
                }
            }
        )
    }

    /// The generics with a type on the wire, which the field's type is to have, too.
    fn generics_where(&self, ty: &syn::Type, codec: &str) -> syn::Generics {
        let (runtime, span) = (&self.runtime, codegen::own_span(ty.span()));
        let codec = Ident::new(codec, span);
        let mut generics = self.item.generics.clone();
        generics
            .params
            .push(syn::parse_quote_spanned!(span=> __AstarteWire: #runtime::wire::Wire));
        generics
            .make_where_clause()
            .predicates
            .push(syn::parse_quote_spanned!(span=> #ty: #runtime::#codec<__AstarteWire>));
        generics
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

fn report(span: Span, message: String, help: &str, errors: &mut Errors) {
    errors.push(
        span,
        &Diagnostic::error(Code::MacroItem, message).help(help),
    );
}
