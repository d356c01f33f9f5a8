//! What is generated where an interface cannot be read.

use proc_macro2::{Ident, TokenStream};
use quote::quote_spanned;
use syn::DeriveInput;

use super::own_span;

/// The item as an interface of nothing, so that what uses it is not an error as well.
///
/// `error` goes into the module, where it keeps rustc from reporting what the module lacks.
pub(crate) fn expand_fallback(
    item: &DeriveInput,
    module: &Ident,
    runtime: &TokenStream,
    error: &TokenStream,
) -> TokenStream {
    let DeriveInput { ident, vis, .. } = item;
    let span = own_span(ident.span());
    quote_spanned!(span=>
        #item

        #vis mod #module {
            #error
        }

        impl #runtime::Interface for #ident {
            type Kind = #runtime::kind::DeviceDatastream;

            const DESCRIPTOR: #runtime::Descriptor =
                #runtime::Descriptor::new("", 0, 0, #runtime::Ownership::Device);
        }
    )
}
