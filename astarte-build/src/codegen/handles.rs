//! Registration of all interfaces of a build script at once.

use astarte_interface::{Interface, InterfaceType, Ownership};
use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;

use super::doc;
use crate::docs;

/// An interface that is registered.
pub(crate) struct Registered<'a> {
    pub(crate) interface: &'a Interface,
    /// The field of `Handles`.
    pub(crate) field: Ident,
    /// The type of the interface.
    pub(crate) ty: TokenStream,
}

/// `struct Handles` and `fn register`. `incoming` says whether there is an enum of that name.
pub(crate) fn expand_register(
    interfaces: &[Registered<'_>],
    incoming: bool,
    runtime: &TokenStream,
) -> TokenStream {
    let handles: Vec<_> = interfaces
        .iter()
        .filter_map(|registered| registered.handle(runtime))
        .collect();
    let fields = handles.iter().map(|handle| &handle.field);
    let calls = handles.iter().map(|handle| &handle.call);
    let (incoming_field, incoming_call) = match incoming {
        true => (
            quote! {
                /// What the server sends on all interfaces.
                pub incoming: #runtime::EventReceiver<Incoming>,
            },
            quote! { incoming: builder.events::<Incoming>(), },
        ),
        false => (TokenStream::new(), TokenStream::new()),
    };
    quote! {
        /// The handles of all interfaces.
        #[allow(dead_code, unreachable_pub)]
        #[derive(Debug)]
        pub struct Handles {
            #(#fields)*
            #incoming_field
        }

        /// Adds all interfaces to the introspection.
        #[allow(dead_code, unreachable_pub)]
        pub fn register(builder: &mut #runtime::Builder) -> Handles {
            Handles {
                #(#calls)*
                #incoming_call
            }
        }
    }
}

struct Handle {
    field: TokenStream,
    call: TokenStream,
}

impl Registered<'_> {
    /// Device-owned interfaces have a sender. Of server-owned ones, properties can be read; the rest is incoming.
    fn handle(&self, runtime: &TokenStream) -> Option<Handle> {
        let Self {
            field,
            ty,
            interface,
        } = self;
        let name = docs::code(interface.name().as_str());
        let (what, handle, method) = match (interface.ownership(), interface.interface_type()) {
            (Ownership::Device, InterfaceType::Datastream) => {
                ("Sends", quote!(Handle), quote!(interface))
            }
            (Ownership::Device, InterfaceType::Properties) => {
                ("Sets", quote!(Handle), quote!(interface))
            }
            (Ownership::Server, InterfaceType::Properties) => {
                ("Reads", quote!(PropertyCache), quote!(property_cache))
            }
            (Ownership::Server, InterfaceType::Datastream) => return None,
        };
        let doc = doc::comment([format!("{what} {name}.")], Span::call_site());
        Some(Handle {
            field: quote!(#doc pub #field: #runtime::#handle<#ty>,),
            call: quote!(#field: builder.#method::<#ty>(),),
        })
    }
}
