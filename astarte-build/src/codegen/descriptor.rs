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
    let mappings = cx
        .interface
        .mappings()
        .map(|mapping| expand_mapping(cx, mapping));
    let names = expand_names(cx);
    spanned!(cx=>
        impl #runtime::Interface for #type_name {
            type Kind = #runtime::kind::#kind;

            const DESCRIPTOR: #runtime::Descriptor = {
                use #runtime::{#names};
                Descriptor::new(#name, #major, #minor, Ownership::#ownership)
                    .mappings(&[#(#mappings),*])
            };
        }
    )
}

/// What the descriptor names, once: with a whole path at each place, the descriptors are half of the generated tokens.
fn expand_names(cx: &Context<'_>) -> TokenStream {
    let any = |fact: fn(Mapping<'_>) -> bool| cx.interface.mappings().any(fact);
    let reliability = (!cx.properties() && any(is_reliable)).then(|| spanned!(cx=> Reliability,));
    let retention = any(is_retained).then(|| spanned!(cx=> Retention,));
    spanned!(cx=> Descriptor, Mapping, Ownership, #reliability #retention Type)
}

fn is_reliable(mapping: Mapping<'_>) -> bool {
    mapping.reliability() != Reliability::Unreliable
}

fn is_retained(mapping: Mapping<'_>) -> bool {
    mapping.retention() != Retention::Discard
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
fn expand_mapping(cx: &Context<'_>, mapping: Mapping<'_>) -> TokenStream {
    let endpoint = mapping.endpoint().as_str();
    let wire = types::wire(mapping.value_type(), cx.span);
    let constructor = match cx.properties() {
        true => spanned!(cx=> property),
        false => spanned!(cx=> datastream),
    };
    let reliability = (!cx.properties() && is_reliable(mapping)).then(|| {
        let reliability = types::reliability(mapping.reliability(), cx.span);
        spanned!(cx=> .reliability(Reliability::#reliability))
    });
    let retention = is_retained(mapping).then(|| {
        let retention = types::retention(mapping.retention(), cx.span);
        let expiry = Literal::u32_unsuffixed(mapping.expiry());
        spanned!(cx=> .retention(Retention::#retention, #expiry))
    });
    let explicit_timestamp = mapping
        .explicit_timestamp()
        .then(|| spanned!(cx=> .explicit_timestamp()));
    let allow_unset = mapping.allow_unset().then(|| spanned!(cx=> .allow_unset()));
    let required = mapping.required().then(|| spanned!(cx=> .required()));
    spanned!(cx=>
        Mapping::#constructor(#endpoint, Type::#wire)
            #reliability #retention #explicit_timestamp #allow_unset #required
    )
}
