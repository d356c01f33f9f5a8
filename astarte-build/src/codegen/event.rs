//! What server-owned individual interfaces receive, and sets of such events.

use proc_macro2::{Ident, TokenStream};
use quote::quote_spanned;
use syn::spanned::Spanned;

use super::visibility::one_module_in;
use super::{Context, doc, own_span, spanned, types};
use crate::docs;

/// `enum Event`, with a variant per endpoint.
pub(super) fn expand_event(cx: &Context<'_>) -> TokenStream {
    let runtime = cx.runtime;
    let variants = cx.endpoints().map(|(mapping, names)| {
        let ident = &names.ident;
        let endpoint = docs::code(mapping.endpoint().as_str());
        let owned = match &names.value {
            // By way of the endpoint: a struct of this module may have the name of the user's type.
            Some(custom) => {
                let (type_name, span) = (cx.type_name, own_span(custom.ty.span()));
                quote_spanned!(span=> <#ident as #runtime::Endpoint<super::#type_name>>::Owned)
            }
            None => types::owned(mapping.value_type(), runtime, cx.span),
        };
        let (happened, value) = match (cx.properties(), mapping.allow_unset()) {
            (true, true) => (
                "was set, or unset where the value is `None`",
                spanned!(cx=> ::core::option::Option<#owned>),
            ),
            (true, false) => ("was set", owned),
            (false, _) => ("brought a value", owned),
        };
        let doc = doc::comment([format!("{endpoint} {happened}.")], cx.span);
        let timestamp = (!cx.properties()).then(|| {
            spanned!(cx=>
                /// The timestamp that the sender gave, if any.
                timestamp: ::core::option::Option<#runtime::Timestamp>,
            )
        });
        spanned!(cx=>
            #doc
            #ident {
                /// The endpoint, with its parameters.
                endpoint: #ident,
                /// The value.
                value: #value,
                #timestamp
            },
        )
    });
    let purged = cx.properties().then(|| {
        spanned!(cx=>
            /// The server removed the property; any can be, and this says no more than which one.
            Purged(Endpoint),
        )
    });
    let visibility = one_module_in(&cx.options.visibility);
    spanned!(cx=>
        /// What is received on the interface.
        #[derive(Clone, Debug, PartialEq)]
        #visibility enum Event {
            #(#variants)*
            #purged
        }
    )
}

/// The impls that read messages into the event.
pub(super) fn expand_impls(cx: &Context<'_>) -> TokenStream {
    let (runtime, type_name, module) = (cx.runtime, cx.type_name, cx.module);
    let arms = cx.endpoints().map(|(mapping, names)| {
        let ident = &names.ident;
        let wire = types::wire(mapping.value_type(), cx.span);
        let decode = match mapping.allow_unset() {
            true => spanned!(cx=> decode_optional),
            false => spanned!(cx=> decode),
        };
        let timestamp = (!cx.properties()).then(|| spanned!(cx=> timestamp: payload.timestamp(),));
        if names.value.is_some() {
            let decode = match mapping.allow_unset() {
                true => spanned!(cx=> decode_optional_of),
                false => spanned!(cx=> decode_of),
            };
            // Through the endpoint, so that a type of the user's that does not fit is reported once, at the endpoint.
            return spanned!(cx=>
                #module::Endpoint::#ident(endpoint) => #module::Event::#ident {
                    value: payload.#decode::<#type_name, _>(&endpoint)?,
                    endpoint,
                    #timestamp
                },
            );
        }
        spanned!(cx=>
            #module::Endpoint::#ident(endpoint) => #module::Event::#ident {
                endpoint,
                value: payload.#decode::<#runtime::wire::#wire, _>()?,
                #timestamp
            },
        )
    });
    let purged = cx.properties().then(|| {
        spanned!(cx=>
            impl #runtime::PropertyEvents for #type_name {
                fn purged(
                    path: &str,
                ) -> ::core::result::Result<Self::Event, #runtime::DecodeError> {
                    #module::Endpoint::from_path(path).map(#module::Event::Purged)
                }
            }
        )
    });
    let server_event = expand_server_event(cx);
    spanned!(cx=>
        impl #runtime::Events for #type_name {
            type Event = #module::Event;

            fn decode(
                path: &str,
                payload: #runtime::payload::Payload<'_>,
            ) -> ::core::result::Result<Self::Event, #runtime::DecodeError> {
                ::core::result::Result::Ok(match #module::Endpoint::from_path(path)? {
                    #(#arms)*
                })
            }
        }

        #purged
        #server_event
    )
}

fn expand_server_event(cx: &Context<'_>) -> TokenStream {
    let (runtime, type_name, module) = (cx.runtime, cx.type_name, cx.module);
    let purged = cx.properties().then(|| {
        spanned!(cx=>
            fn purged(path: &str) -> ::core::result::Result<Self, #runtime::DecodeError> {
                <#type_name as #runtime::PropertyEvents>::purged(path)
            }
        )
    });
    spanned!(cx=>
        impl #runtime::ServerEvent for #module::Event {
            type Interface = #type_name;

            fn decode(
                path: &str,
                payload: #runtime::payload::Payload<'_>,
            ) -> ::core::result::Result<Self, #runtime::DecodeError> {
                <#type_name as #runtime::Events>::decode(path, payload)
            }

            #purged
        }
    )
}

/// A variant of a set of events: its name and the type in it.
pub(crate) struct Variant {
    pub(crate) ident: Ident,
    pub(crate) event: TokenStream,
}

/// `impl EventSet` for an enum.
pub(crate) fn expand_event_set(
    set: &Ident,
    variants: &[Variant],
    runtime: &TokenStream,
) -> TokenStream {
    let span = own_span(set.span());
    let events: Vec<_> = variants.iter().map(|variant| &variant.event).collect();
    let descriptors = events
        .iter()
        .map(|event| quote_spanned!(span=> <#event as #runtime::ServerEvent>::DESCRIPTOR));
    let names: Vec<_> = descriptors
        .clone()
        .map(|it| quote_spanned!(span=> #it.name))
        .collect();
    let idents: Vec<_> = variants.iter().map(|variant| &variant.ident).collect();
    quote_spanned!(span=>
        impl #runtime::EventSet for #set {
            const INTERFACES: &'static [#runtime::Descriptor] = &[#(#descriptors),*];

            fn decode(
                interface: &str,
                path: &str,
                payload: #runtime::payload::Payload<'_>,
            ) -> ::core::result::Result<Self, #runtime::DecodeError> {
                #(
                    if interface == #names {
                        return <#events as #runtime::ServerEvent>::decode(path, payload)
                            .map(Self::#idents);
                    }
                )*
                ::core::result::Result::Err(#runtime::DecodeError::unknown_interface(interface))
            }

            fn purged(
                interface: &str,
                path: &str,
            ) -> ::core::result::Result<Self, #runtime::DecodeError> {
                #(
                    if interface == #names {
                        return <#events as #runtime::ServerEvent>::purged(path).map(Self::#idents);
                    }
                )*
                ::core::result::Result::Err(#runtime::DecodeError::unknown_interface(interface))
            }
        }
    )
}
