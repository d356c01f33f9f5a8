//! Object aggregates.

use astarte_interface::{Mapping, MappingType};
use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::spanned::Spanned;

use super::visibility::one_module_in;
use super::{
    Context, descriptor, doc,
    endpoint::{PathStruct, expand_from_path, expand_list, generics},
    own_span, spanned, types,
};
use crate::{
    docs,
    names::{case, prefix},
};

/// The struct of the interface with a field per mapping, and the impls beside its module.
pub(super) fn expand(cx: &Context<'_>) -> (TokenStream, TokenStream) {
    let (attributes, visibility) = (&cx.options.attributes, &cx.options.visibility);
    let type_name = cx.type_name;
    let doc = cx.doc_unless_written();
    let fields: Vec<_> = cx.fields().collect();
    let members = fields
        .iter()
        .zip(cx.interface.mappings())
        .map(|(field, mapping)| {
            let doc = doc::mapping(cx, mapping);
            let ident = &field.member;
            let owned = match &field.custom {
                Some(ty) => ty.clone(),
                None => types::owned(field.value_type, cx.runtime, cx.span),
            };
            let ty = match field.optional {
                true => spanned!(cx=> ::core::option::Option<#owned>),
                false => owned,
            };
            spanned!(cx=> #doc pub #ident: #ty,)
        });
    let item = spanned!(cx=>
        #doc
        #attributes
        #visibility struct #type_name {
            #(#members)*
        }
    );
    let object = ObjectImpls {
        ident: type_name,
        generics: &syn::Generics::default(),
        interface: type_name.to_token_stream(),
        sent: !cx.server_owned(),
        fields: &fields,
        runtime: cx.runtime,
    };
    let object = expand_object_impls(&object);
    let interface = expand_interface_impls(cx);
    (item, spanned!(cx=> #interface #object))
}

/// What the module holds.
pub(super) fn expand_items(cx: &Context<'_>) -> TokenStream {
    let path = expand_path_items(cx);
    let received = cx.server_owned().then(|| expand_received(cx));
    spanned!(cx=> #path #received)
}

/// The impls that do not depend on the fields.
pub(super) fn expand_interface_impls(cx: &Context<'_>) -> TokenStream {
    let (runtime, type_name, module) = (cx.runtime, cx.type_name, cx.module);
    let interface = descriptor::expand_interface(cx);
    let names: Vec<_> = generics(&cx.names.path).collect();
    let parameters = expand_list(
        cx,
        names
            .iter()
            .map(|name| spanned!(cx=> #name: #runtime::Param)),
    );
    let arguments = expand_list(cx, &names);
    let timestamp = match cx.interface.mappings().any(Mapping::explicit_timestamp) {
        true => spanned!(cx=> Explicit),
        false => spanned!(cx=> OnReception),
    };
    let receive = cx.server_owned().then(|| expand_receive(cx));
    spanned!(cx=>
        #interface

        impl #parameters #runtime::ObjectPath<#type_name> for #module::Path #arguments {}

        impl #runtime::ObjectInterface for #type_name {
            type Timestamp = #runtime::timestamp::#timestamp;
        }

        #receive
    )
}

/// `struct Path`, with what writes it, and reads it where it is received.
fn expand_path_items(cx: &Context<'_>) -> TokenStream {
    let levels = prefix(cx.interface);
    let text: String = levels.iter().map(|level| format!("/{level}")).collect();
    let text = if text.is_empty() { "/" } else { &text };
    let mut lines = vec![
        format!("{}: the path of the objects.", docs::code(text)),
        String::new(),
    ];
    lines.extend(
        cx.interface
            .mappings()
            .next()
            .into_iter()
            .flat_map(doc::delivery),
    );
    let path = PathStruct {
        ident: &Ident::new("Path", cx.span),
        params: &cx.names.path,
        levels,
        doc: doc::comment(lines, cx.span),
    };
    let item = path.expand(cx);
    let from_path = cx.reads_paths().then(|| {
        let arm = path.expand_arm(cx, |value| value);
        let from_path = expand_from_path(cx, std::iter::once(arm));
        spanned!(cx=> impl Path { #from_path })
    });
    spanned!(cx=> #item #from_path)
}

fn expand_received(cx: &Context<'_>) -> TokenStream {
    let runtime = cx.runtime;
    let visibility = one_module_in(&cx.options.visibility);
    spanned!(cx=>
        /// An object that was received.
        #[derive(Clone, Debug, PartialEq)]
        #visibility struct Received<O> {
            /// The path it came on.
            pub path: Path,
            /// The object.
            pub object: O,
            /// The timestamp that the sender gave, if any.
            pub timestamp: ::core::option::Option<#runtime::Timestamp>,
        }
    )
}

fn expand_receive(cx: &Context<'_>) -> TokenStream {
    let (runtime, type_name, module) = (cx.runtime, cx.type_name, cx.module);
    let decode_error = spanned!(cx=> #runtime::DecodeError);
    spanned!(cx=>
        impl #runtime::ReceiveObject for #type_name {
            type Received<O> = #module::Received<O>;

            fn decode<O: #runtime::FromObject<Self>>(
                path: &str,
                payload: #runtime::payload::Payload<'_>,
            ) -> ::core::result::Result<Self::Received<O>, #decode_error> {
                ::core::result::Result::Ok(#module::Received {
                    path: #module::Path::from_path(path)?,
                    object: <O as #runtime::FromObject<Self>>::decode(payload.object()?)?,
                    timestamp: payload.timestamp(),
                })
            }
        }

        impl<O> #runtime::ServerEvent for #module::Received<O>
        where
            O: #runtime::FromObject<#type_name> + ::core::marker::Send + 'static,
        {
            type Interface = #type_name;

            fn decode(
                path: &str,
                payload: #runtime::payload::Payload<'_>,
            ) -> ::core::result::Result<Self, #decode_error> {
                <#type_name as #runtime::ReceiveObject>::decode(path, payload)
            }
        }
    )
}

impl<'a> Context<'a> {
    /// The fields of the generated struct.
    fn fields(&self) -> impl Iterator<Item = Field<'a>> {
        let may_lack = self.server_owned() || self.options.partial;
        let mappings = self.interface.mappings().zip(&self.names.mappings);
        mappings.map(move |(mapping, names)| Field {
            member: names.ident.clone(),
            key: mapping.key().unwrap_or_default(),
            value_type: mapping.value_type(),
            optional: may_lack && !mapping.required(),
            through: None,
            custom: names.value.as_ref().map(|custom| custom.ty.clone()),
        })
    }
}

/// A field of a struct, paired with its mapping.
pub(crate) struct Field<'a> {
    pub(crate) member: Ident,
    /// The mapping's key in the object.
    pub(crate) key: &'a str,
    pub(crate) value_type: MappingType,
    pub(crate) optional: bool,
    /// The trait through which the field's type is sent or received, and that type.
    pub(crate) through: Option<(Ident, syn::Type)>,
    /// The type that the user has chosen for a field of a generated struct.
    pub(crate) custom: Option<TokenStream>,
}

/// A struct that is sent on, or received from, an object interface.
pub(crate) struct ObjectImpls<'a> {
    pub(crate) ident: &'a Ident,
    pub(crate) generics: &'a syn::Generics,
    pub(crate) interface: TokenStream,
    pub(crate) sent: bool,
    pub(crate) fields: &'a [Field<'a>],
    pub(crate) runtime: &'a TokenStream,
}

/// `impl Object` or `impl FromObject`.
pub(crate) fn expand_object_impls(object: &ObjectImpls<'_>) -> TokenStream {
    match object.sent {
        true => object.expand_encode(),
        false => object.expand_decode(),
    }
}

impl ObjectImpls<'_> {
    fn expand_encode(&self) -> TokenStream {
        let span = self.span();
        let Self {
            ident,
            interface,
            runtime,
            ..
        } = self;
        let (parameters, arguments, clause) = self.generics.split_for_impl();
        let fields = self.fields.iter().map(|field| field.expand_encode(span));
        let names = self.expand_names();
        quote_spanned!(span=>
            impl #parameters #runtime::Object<#interface> for #ident #arguments #clause {
                fn encode(&self, object: &mut #runtime::payload::ObjectWriter<'_>) {
                    #names
                    #(#fields)*
                }
            }
        )
    }

    fn expand_decode(&self) -> TokenStream {
        let span = self.span();
        let Self {
            ident,
            interface,
            runtime,
            ..
        } = self;
        let (parameters, arguments, clause) = self.generics.split_for_impl();
        let [object, key, value] = ["object", "key", "value"].map(|name| self.local(name));
        let members: Vec<_> = self.fields.iter().map(|field| &field.member).collect();
        let arms = self
            .fields
            .iter()
            .map(|field| field.expand_arm(&value, span));
        let names = self.expand_names();
        let results = self
            .fields
            .iter()
            .map(|field| field.expand_result(runtime, span));
        quote_spanned!(span=>
            impl #parameters #runtime::FromObject<#interface> for #ident #arguments #clause {
                fn decode(
                    mut #object: #runtime::payload::Document<'_>,
                ) -> ::core::result::Result<Self, #runtime::DecodeError> {
                    #names
                    #(let mut #members = ::core::option::Option::None;)*
                    while let ::core::option::Option::Some((#key, #value)) = #object.next()? {
                        match #key {
                            #(#arms)*
                            _ => {}
                        }
                    }
                    ::core::result::Result::Ok(Self { #(#results),* })
                }
            }
        )
    }

    /// What the fields name. Where they go through traits of their own, types of the user's stand here instead, which
    /// an import would hide.
    fn expand_names(&self) -> Option<TokenStream> {
        let (runtime, span) = (self.runtime, self.span());
        let named = self.fields.iter().any(|field| field.through.is_none());
        named.then(|| quote_spanned!(span=> use #runtime::wire;))
    }

    fn span(&self) -> Span {
        own_span(self.ident.span())
    }

    /// The name of a local variable that is not one of the fields.
    fn local(&self, name: &str) -> Ident {
        let mut name = name.to_owned();
        while self
            .fields
            .iter()
            .any(|field| case::plain(&field.member) == name)
        {
            name.push('_');
        }
        Ident::new(&name, self.span())
    }
}

impl Field<'_> {
    /// Where a type that does not fit is reported.
    fn span(&self, around: Span) -> Span {
        match &self.custom {
            Some(ty) => own_span(ty.span()),
            None => around,
        }
    }

    fn expand_encode(&self, span: Span) -> TokenStream {
        let span = self.span(span);
        let Self { member, key, .. } = self;
        let wire = types::wire(self.value_type, span);
        let Some((through, ty)) = &self.through else {
            let method = match self.optional {
                true => quote_spanned!(span=> optional_field),
                false => quote_spanned!(span=> field),
            };
            return quote_spanned!(span=>
                object.#method::<wire::#wire, _>(#key, &self.#member);
            );
        };
        match self.optional {
            true => quote_spanned!(span=>
                if let ::core::option::Option::Some(value) = &self.#member {
                    <#ty as #through>::encode(value, object);
                }
            ),
            false => quote_spanned!(span=> <#ty as #through>::encode(&self.#member, object);),
        }
    }

    fn expand_arm(&self, value: &Ident, span: Span) -> TokenStream {
        let span = self.span(span);
        let Self { member, key, .. } = self;
        let wire = types::wire(self.value_type, span);
        let decoded = match &self.through {
            Some((through, ty)) => quote_spanned!(span=> <#ty as #through>::decode(#value)?),
            None => quote_spanned!(span=> #value.decode_field::<wire::#wire, _>(#key)?),
        };
        let mut bytes = Literal::byte_string(key.as_bytes());
        bytes.set_span(span);
        quote_spanned!(span=> #bytes => #member = #decoded,)
    }

    fn expand_result(&self, runtime: &TokenStream, span: Span) -> TokenStream {
        let Self { member, key, .. } = self;
        match self.optional {
            true => member.to_token_stream(),
            false => quote_spanned!(span=> #member: #runtime::payload::required(#key, #member)?),
        }
    }
}
