//! Individual datastreams and properties.

use astarte_interface::Mapping;
use proc_macro2::{Literal, TokenStream};

use super::{
    Context, descriptor, doc,
    endpoint::{PathStruct, expand_from_path, expand_list, generics},
    event, spanned, types,
};
use crate::{docs, names::MappingNames};

/// The type of the interface, and the impls beside its module.
pub(super) fn expand(cx: &Context<'_>) -> (TokenStream, TokenStream) {
    let (attributes, visibility) = (&cx.options.attributes, &cx.options.visibility);
    let type_name = cx.type_name;
    let doc = cx.doc_unless_written();
    let item = spanned!(cx=>
        #doc
        #attributes
        #visibility struct #type_name;
    );
    let interface = descriptor::expand_interface(cx);
    let endpoints = cx
        .endpoints()
        .enumerate()
        .map(|(index, (mapping, names))| expand_endpoint_impl(cx, index, mapping, names));
    let events = cx.server_owned().then(|| event::expand_impls(cx));
    let impls = spanned!(cx=> #interface #(#endpoints)* #events);
    (item, impls)
}

/// What the module holds.
pub(super) fn expand_items(cx: &Context<'_>) -> TokenStream {
    let structs = cx.endpoints().map(|(mapping, names)| {
        let doc = doc::mapping(cx, mapping);
        path_struct(mapping, names, doc).expand(cx)
    });
    let endpoint = cx.reads_paths().then(|| expand_endpoint_enum(cx));
    let event = cx.server_owned().then(|| event::expand_event(cx));
    spanned!(cx=> #(#structs)* #endpoint #event)
}

impl<'a> Context<'a> {
    pub(super) fn endpoints(&self) -> impl Iterator<Item = (Mapping<'a>, &'a MappingNames)> {
        self.interface.mappings().zip(&self.names.mappings)
    }

    /// The documentation of the interface, where the user wrote none.
    pub(super) fn doc_unless_written(&self) -> TokenStream {
        match self.options.documented {
            true => TokenStream::new(),
            false => doc::interface(self),
        }
    }
}

fn path_struct<'a>(
    mapping: Mapping<'a>,
    names: &'a MappingNames,
    doc: TokenStream,
) -> PathStruct<'a> {
    PathStruct {
        ident: &names.ident,
        params: &names.params,
        levels: mapping.endpoint().levels(),
        doc,
    }
}

/// `enum Endpoint`, with every endpoint of the interface: what a path is read into.
fn expand_endpoint_enum(cx: &Context<'_>) -> TokenStream {
    let derives = expand_enum_derives(cx);
    let variants = cx.endpoints().map(|(mapping, names)| {
        let ident = &names.ident;
        let doc = doc::comment([docs::code(mapping.endpoint().as_str())], cx.span);
        spanned!(cx=> #doc #ident(#ident),)
    });
    let arms = cx.endpoints().map(|(mapping, names)| {
        let ident = &names.ident;
        path_struct(mapping, names, TokenStream::new())
            .expand_arm(cx, |value| spanned!(cx=> Self::#ident(#value)))
    });
    let from_path = expand_from_path(cx, arms);
    spanned!(cx=>
        /// Every endpoint of the interface.
        #derives
        pub enum Endpoint {
            #(#variants)*
        }

        impl Endpoint {
            #from_path
        }
    )
}

/// As those of a struct, but for `Copy`, which owned parameters are not.
fn expand_enum_derives(cx: &Context<'_>) -> TokenStream {
    match cx.names.fixed_params {
        true => spanned!(cx=> #[derive(Clone, Debug, PartialEq)]),
        false => spanned!(cx=> #[derive(Clone, Debug, Eq, Hash, PartialEq)]),
    }
}

fn expand_endpoint_impl(
    cx: &Context<'_>,
    index: usize,
    mapping: Mapping<'_>,
    names: &MappingNames,
) -> TokenStream {
    let (runtime, type_name, module, ident) = (cx.runtime, cx.type_name, cx.module, &names.ident);
    let list = expand_list(cx, generics(&names.params));
    let value_type = mapping.value_type();
    let wire = types::wire(value_type, cx.span);
    // A type of the user's need only be sendable where the device sends, and readable where something is read.
    let custom = names.value.as_ref().map(|custom| &custom.ty);
    let value = match custom.filter(|_| !cx.server_owned()) {
        Some(ty) => types::custom(value_type, ty),
        None => types::borrowed(value_type, runtime, cx.span),
    };
    let owned = match custom.filter(|_| cx.server_owned() || cx.properties()) {
        Some(ty) => ty.clone(),
        None => types::owned(value_type, runtime, cx.span),
    };
    let timestamp = match mapping.explicit_timestamp() {
        true => spanned!(cx=> Explicit),
        false => spanned!(cx=> OnReception),
    };
    let unset = match mapping.allow_unset() {
        true => spanned!(cx=> Allowed),
        false => spanned!(cx=> Denied),
    };
    let index = Literal::usize_unsuffixed(index);
    spanned!(cx=>
        impl #list #runtime::Endpoint<#type_name> for #module::#ident #list {
            type Wire = #runtime::wire::#wire;
            type Value<'v> = #value;
            type Owned = #owned;
            type Timestamp = #runtime::timestamp::#timestamp;
            type Unset = #runtime::unset::#unset;

            const INDEX: usize = #index;
        }
    )
}
