//! `#[derive(AstarteObject)]`.

use astarte_interface::{Aggregation, Code, Diagnostic, Interface, Ownership};
use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Data, DeriveInput, Fields, spanned::Spanned};

use super::{
    Errors, Site,
    arguments::{Allowed, Arguments},
    field_trait::{self, expand_trait},
    fields::{Paired, Pairing},
    file,
};
use crate::{
    check,
    codegen::{self, Field, ObjectImpls, Options, Unit},
    names::Names,
};

/// Expands `#[derive(AstarteObject)] item`.
pub fn object(item: TokenStream, site: &Site<'_>) -> TokenStream {
    let mut errors = Errors::default();
    let item: DeriveInput = match syn::parse2(item) {
        Ok(item) => item,
        Err(error) => {
            errors.syntax(&error);
            return errors.expand();
        }
    };
    let mut arguments = Arguments::default();
    arguments.read_attributes(&item.attrs, &ARGUMENTS, &mut errors);
    let runtime = arguments.runtime();
    let derive = Derive {
        arguments,
        item,
        runtime,
    };
    let interface = derive.read(site, &mut errors);
    let tracking = match &derive.arguments.path {
        Some(path) => file::expand_tracking(path, site),
        None => TokenStream::new(),
    };
    let generated = match interface {
        Some(interface) => derive.expand(&interface, &mut errors),
        None => derive.expand_fallback(),
    };
    let errors = errors.expand();
    quote!(#tracking #generated #errors)
}

const ARGUMENTS: Allowed = Allowed {
    path_first: false,
    keys: &[
        "crate",
        "interface",
        "module",
        "no_implicit_prelude",
        "of",
        "params",
        "partial",
        "version",
    ],
};

struct Derive {
    arguments: Arguments,
    item: DeriveInput,
    runtime: TokenStream,
}

impl Derive {
    /// The interface, where the item can be an object of it.
    fn read(&self, site: &Site<'_>, errors: &mut Errors) -> Option<Interface> {
        if !self.check_item(errors) {
            return None;
        }
        let Some(path) = &self.arguments.path else {
            if errors.is_empty() {
                file::missing(self.item.ident.span(), EXAMPLE, errors);
            }
            return None;
        };
        let interface = file::read(path, site, errors)?;
        errors.extend(path.span(), &check::encrypted(&interface));
        if interface.aggregation() == Aggregation::Individual {
            let message = format!(
                "the interface `{}` is not an object",
                interface.name().as_str()
            );
            let diagnostic = Diagnostic::error(Code::ObjectNotAnObject, message)
                .help(format!(
                    "its mappings are sent one by one: write `#[astarte_interface(\"{}\")] struct {};`",
                    path.value(),
                    self.item.ident
                ))
                .label(interface.source(), interface.name_span(), "");
            errors.push(path.span(), &diagnostic);
            return None;
        }
        self.arguments.check(&interface, errors);
        Some(interface)
    }

    fn check_item(&self, errors: &mut Errors) -> bool {
        let name = &self.item.ident;
        let (message, help) = match &self.item.data {
            Data::Struct(data) if matches!(data.fields, Fields::Unnamed(_)) => (
                format!("the fields of `{name}` have no names"),
                "mappings are paired with fields by name: write `struct Name { field: Type }`".to_owned(),
            ),
            Data::Struct(_) if self.arguments.of.is_none() && self.has_generics() => (
                format!("`{name}` has generic parameters, and an interface is one type"),
                "declare the interface by itself, and name it here: `#[astarte(interface = \"..\", of = Interface)]`"
                    .to_owned(),
            ),
            Data::Struct(_) => return true,
            Data::Enum(_) => (
                format!("`{name}` is an enum, and an object is a struct"),
                "write a struct with a field per mapping".to_owned(),
            ),
            Data::Union(_) => (
                format!("`{name}` is a union, and an object is a struct"),
                "write a struct with a field per mapping".to_owned(),
            ),
        };
        errors.push(
            name.span(),
            &Diagnostic::error(Code::MacroItem, message).help(help),
        );
        false
    }

    fn has_generics(&self) -> bool {
        !self.item.generics.params.is_empty()
    }

    fn expand(&self, interface: &Interface, errors: &mut Errors) -> TokenStream {
        let Data::Struct(data) = &self.item.data else {
            return TokenStream::new();
        };
        let pairing = Pairing {
            interface,
            owner: &self.item.ident,
            partial: self.arguments.partial,
        };
        let fields = match &data.fields {
            Fields::Named(fields) => &fields.named,
            Fields::Unit | Fields::Unnamed(_) => &syn::punctuated::Punctuated::new(),
        };
        let pairs = pairing.pair(fields, errors);
        let around = match &self.arguments.of {
            Some(of) => self.expand_same(of, interface),
            None => self.expand_around(interface),
        };
        let object = match errors.is_empty() {
            true => self.expand_object(interface, &pairs),
            false => self.expand_empty(interface.ownership()),
        };
        let abi = codegen::expand_abi(&self.runtime, self.item.ident.span());
        quote!(#around #object #abi)
    }

    /// What makes the struct an interface of its own.
    fn expand_around(&self, interface: &Interface) -> TokenStream {
        let naming = self.arguments.naming(&self.item.ident);
        let names = Names::around(interface, &naming);
        let imports = match names.fixed_params {
            true => quote! {
                #[allow(unused_imports)]
                use super::*;
            },
            false => TokenStream::new(),
        };
        let options = Options {
            runtime: self.runtime.clone(),
            visibility: self.item.vis.to_token_stream(),
            attributes: TokenStream::new(),
            documented: true,
            module_attributes: TokenStream::new(),
            imports,
            partial: self.arguments.partial,
        };
        codegen::expand_around(&Unit {
            interface,
            names: &names,
            options: &options,
        })
    }

    /// The check that `of` is the interface of the file.
    fn expand_same(&self, of: &syn::Path, interface: &Interface) -> TokenStream {
        let runtime = &self.runtime;
        let span = codegen::own_span(of.span());
        let (name, major) = (interface.name().as_str(), interface.version().major);
        let message = format!(
            "the interface of `of` is not `{name}` with major version {major}, which the file describes"
        );
        quote_spanned!(span=>
            const _: () = ::core::assert!(
                <#of as #runtime::Interface>::DESCRIPTOR.is(#name, #major),
                #message
            );
        )
    }

    /// The impls, and for each field a trait with a text of its own, for fields of a type that does not fit.
    ///
    /// `#[diagnostic]` is not known under `no_implicit_prelude`, and there is no path to it that would be.
    fn expand_object(&self, interface: &Interface, pairs: &[Paired<'_>]) -> TokenStream {
        let sent = interface.ownership() == Ownership::Device;
        let plain = self.arguments.no_implicit_prelude;
        let names = field_trait::names(pairs);
        let traits = pairs
            .iter()
            .zip(&names)
            .filter(|_| !plain)
            .map(|(pair, name)| expand_trait(pair, name, sent, &self.runtime));
        let fields: Vec<Field<'_>> = pairs
            .iter()
            .zip(&names)
            .map(|(pair, name)| Field {
                member: pair.member.clone(),
                key: pair.mapping.key().unwrap_or_default(),
                value_type: pair.mapping.value_type(),
                optional: pair.optional,
                through: (!plain).then(|| (name.clone(), pair.ty.clone())),
                custom: None,
            })
            .collect();
        let generics = self.generics_with_bounds(pairs, sent);
        let object = codegen::expand_object_impls(&ObjectImpls {
            ident: &self.item.ident,
            generics: &generics,
            interface: self.interface_type(),
            sent,
            fields: &fields,
            runtime: &self.runtime,
        });
        let span = codegen::own_span(self.item.ident.span());
        quote_spanned!(span=>
            const _: () = {
                #(#traits)*
                #object
            };
        )
    }

    /// The struct's generics, where fields of a generic type fit their mappings.
    fn generics_with_bounds(&self, pairs: &[Paired<'_>], sent: bool) -> syn::Generics {
        let runtime = &self.runtime;
        let mut generics = self.item.generics.clone();
        let parameters: Vec<Ident> = generics
            .type_params()
            .map(|parameter| parameter.ident.clone())
            .collect();
        for pair in pairs {
            let (ty, span) = (&pair.ty, pair.ty.span());
            if !mentions(ty.to_token_stream(), &parameters) {
                continue;
            }
            let wire = codegen::wire(pair.mapping.value_type(), span);
            let codec = Ident::new(if sent { "Encode" } else { "Decode" }, span);
            let predicate =
                syn::parse_quote_spanned!(span=> #ty: #runtime::#codec<#runtime::wire::#wire>);
            generics.make_where_clause().predicates.push(predicate);
        }
        generics
    }

    /// Impls that do nothing, where the fields are an error.
    fn expand_empty(&self, ownership: Ownership) -> TokenStream {
        let (runtime, interface) = (&self.runtime, self.interface_type());
        let span = codegen::own_span(self.item.ident.span());
        let ident = &self.item.ident;
        let (parameters, arguments, clause) = self.item.generics.split_for_impl();
        match ownership {
            Ownership::Device => quote_spanned! {span=>
                impl #parameters #runtime::Object<#interface> for #ident #arguments #clause {
                    fn encode(&self, _: &mut #runtime::payload::ObjectWriter<'_>) {}
                }
            },
            Ownership::Server => quote_spanned! {span=>
                impl #parameters #runtime::FromObject<#interface> for #ident #arguments #clause {
                    fn decode(
                        _: #runtime::payload::Document<'_>,
                    ) -> ::core::result::Result<Self, #runtime::DecodeError> {
                        ::core::result::Result::Err(#runtime::DecodeError::unknown_path(""))
                    }
                }
            },
        }
    }

    /// An interface of nothing, so that what uses the struct is not an error as well.
    fn expand_fallback(&self) -> TokenStream {
        let object = self.expand_empty(Ownership::Device);
        if self.arguments.of.is_some() {
            return object;
        }
        if self.has_generics() {
            return TokenStream::new();
        }
        let (runtime, ident) = (&self.runtime, &self.item.ident);
        let span = codegen::own_span(ident.span());
        quote_spanned!(span=>
            impl #runtime::Interface for #ident {
                type Kind = #runtime::kind::DeviceObject;

                const DESCRIPTOR: #runtime::Descriptor =
                    #runtime::Descriptor::new("", 0, 0, #runtime::Ownership::Device);
            }

            impl #runtime::ObjectInterface for #ident {
                type Timestamp = #runtime::timestamp::OnReception;
            }

            #object
        )
    }

    fn interface_type(&self) -> TokenStream {
        match &self.arguments.of {
            Some(of) => of.to_token_stream(),
            None => self.item.ident.to_token_stream(),
        }
    }
}

fn mentions(tokens: TokenStream, parameters: &[Ident]) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => parameters.contains(&ident),
        TokenTree::Group(group) => mentions(group.stream(), parameters),
        TokenTree::Literal(_) | TokenTree::Punct(_) => false,
    })
}

const EXAMPLE: &str = "#[astarte(interface = \"interfaces/org.example.Name.json\")]";
