//! Newtypes, which are sent and received as what is in them.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Field, spanned::Spanned};

use super::Derive;
use crate::codegen;

impl Derive {
    /// A newtype is sent and received as whatever its field is.
    pub(super) fn expand_newtype(&self, field: &Field) -> TokenStream {
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
}
