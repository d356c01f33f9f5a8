//! The facts of an interface, as constants.

use astarte_interface::{
    Aggregation, Interface, InterfaceType, Mapping, Ownership, Reliability, Retention,
};
use proc_macro2::{Ident, Literal, TokenStream};

use super::{Context, spanned, types};

/// `impl Interface`, with the descriptor.
pub(super) fn expand_interface(cx: &Context<'_>) -> TokenStream {
    let (runtime, type_name) = (cx.runtime, cx.type_name);
    let kind = Ident::new(kind(cx.interface), cx.span);
    let name = cx.interface.name().as_str();
    let version = cx.interface.version();
    let major = Literal::u32_unsuffixed(version.major);
    let minor = Literal::u32_unsuffixed(version.minor);
    let ownership = match cx.interface.ownership() {
        Ownership::Device => spanned!(cx=> Device),
        Ownership::Server => spanned!(cx=> Server),
    };
    let mappings = expand_mappings(cx);
    spanned!(cx=>
        impl #runtime::Interface for #type_name {
            type Kind = #runtime::kind::#kind;

            const DESCRIPTOR: #runtime::Descriptor = #runtime::Descriptor::new(
                #name,
                #major,
                #minor,
                #runtime::Ownership::#ownership,
            )
            .mappings(&[#(#mappings),*]);
        }
    )
}

/// The name of an interface's kind in the runtime.
pub(super) fn kind(interface: &Interface) -> &'static str {
    use {Aggregation::*, InterfaceType::*, Ownership::*};
    match (
        interface.ownership(),
        interface.interface_type(),
        interface.aggregation(),
    ) {
        (Device, Datastream, Individual) => "DeviceDatastream",
        (Device, Datastream, Object) => "DeviceObject",
        (Device, Properties, _) => "DeviceProperties",
        (Server, Datastream, Individual) => "ServerDatastream",
        (Server, Datastream, Object) => "ServerObject",
        (Server, Properties, _) => "ServerProperties",
    }
}

/// What the file says of a mapping, where it is not the default.
pub(super) fn expand_mapping(cx: &Context<'_>, mapping: Mapping<'_>) -> TokenStream {
    let runtime = cx.runtime;
    let endpoint = mapping.endpoint().as_str();
    let wire = types::wire(mapping.value_type(), cx.span);
    let constructor = match cx.properties() {
        true => spanned!(cx=> property),
        false => spanned!(cx=> datastream),
    };
    let reliability =
        (!cx.properties() && mapping.reliability() != Reliability::Unreliable).then(|| {
            let reliability = types::reliability(mapping.reliability(), cx.span);
            spanned!(cx=> .reliability(#runtime::Reliability::#reliability))
        });
    let retention = (mapping.retention() != Retention::Discard).then(|| {
        let retention = types::retention(mapping.retention(), cx.span);
        let expiry = Literal::u32_unsuffixed(mapping.expiry());
        spanned!(cx=> .retention(#runtime::Retention::#retention, #expiry))
    });
    let explicit_timestamp = mapping
        .explicit_timestamp()
        .then(|| spanned!(cx=> .explicit_timestamp()));
    let allow_unset = mapping.allow_unset().then(|| spanned!(cx=> .allow_unset()));
    let required = mapping.required().then(|| spanned!(cx=> .required()));
    spanned!(cx=>
        #runtime::Mapping::#constructor(#endpoint, #runtime::Type::#wire)
            #reliability #retention #explicit_timestamp #allow_unset #required
    )
}

fn expand_mappings(cx: &Context<'_>) -> Vec<TokenStream> {
    let (runtime, module) = (cx.runtime, cx.module);
    match cx.interface.aggregation() {
        Aggregation::Individual => cx
            .endpoints()
            .map(|(_, names)| {
                let ident = &names.ident;
                spanned!(cx=> <#module::#ident as #runtime::Endpoint<Self>>::MAPPING)
            })
            .collect(),
        Aggregation::Object => cx
            .interface
            .mappings()
            .map(|mapping| expand_mapping(cx, mapping))
            .collect(),
    }
}
