//! The structs that name paths.

use astarte_interface::Level;
use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::spanned::Spanned;

use super::{Context, doc, own_span, spanned};
use crate::{
    docs,
    names::{Param, ParamTy},
};

/// A struct with a field per parameter, and the trait that writes it as a path.
pub(super) struct PathStruct<'a> {
    pub(super) ident: &'a Ident,
    pub(super) params: &'a [Param],
    pub(super) levels: &'a [Level],
    pub(super) doc: TokenStream,
}

impl PathStruct<'_> {
    pub(super) fn expand(&self, cx: &Context<'_>) -> TokenStream {
        let (doc, ident) = (&self.doc, self.ident);
        let derives = expand_derives(cx, self.params);
        let item = match self.params {
            [] => spanned!(cx=> pub struct #ident;),
            params => {
                let generics = expand_defaults(cx, params);
                let fields = params.iter().map(|param| expand_field(cx, param));
                spanned!(cx=> pub struct #ident #generics { #(#fields)* })
            }
        };
        let write_path = self.expand_write_path(cx);
        spanned!(cx=>
            #doc
            #derives
            #item

            #write_path
        )
    }

    fn expand_write_path(&self, cx: &Context<'_>) -> TokenStream {
        let (runtime, ident) = (cx.runtime, self.ident);
        let names: Vec<_> = generics(self.params).collect();
        let parameters = expand_list(
            cx,
            names
                .iter()
                .map(|name| spanned!(cx=> #name: #runtime::Param)),
        );
        let arguments = expand_list(cx, &names);
        let mut params = self.params.iter();
        let levels = self
            .levels
            .iter()
            .map(|level| match (level, params.clone().next()) {
                (Level::Parameter(_), Some(param)) => {
                    params.next();
                    let Param {
                        parameter, field, ..
                    } = param;
                    let span = param_span(cx, param);
                    quote_spanned!(span=> path.param(#parameter, &self.#field);)
                }
                (Level::Literal(word) | Level::Parameter(word), _) => {
                    spanned!(cx=> path.literal(#word);)
                }
            });
        let levels = match self.levels {
            [] => spanned!(cx=> path.root();),
            _ => levels.collect(),
        };
        spanned!(cx=>
            impl #parameters #runtime::WritePath for #ident #arguments {
                fn write_path(&self, path: &mut #runtime::PathWriter<'_>) {
                    #levels
                }
            }
        )
    }

    /// The arm that reads a path of this shape: `wrap` makes what is wanted of the struct.
    pub(super) fn expand_arm(
        &self,
        cx: &Context<'_>,
        wrap: impl FnOnce(TokenStream) -> TokenStream,
    ) -> TokenStream {
        let ident = self.ident;
        let mut params = self.params.iter();
        let pattern = self.levels.iter().map(|level| match level {
            Level::Literal(word) => word.to_token_stream(),
            Level::Parameter(_) => params.next().map(|param| &param.field).to_token_stream(),
        });
        let pattern = match self.levels {
            [] => spanned!(cx=> [""]),
            _ => spanned!(cx=> [#(#pattern),*]),
        };
        let fields = self.params.iter().map(|param| {
            let Param {
                parameter, field, ..
            } = param;
            let span = param_span(cx, param);
            quote_spanned!(span=> #field: parse_param(#parameter, #field)?)
        });
        let value = wrap(match self.params {
            [] => spanned!(cx=> #ident),
            _ => spanned!(cx=> #ident { #(#fields),* }),
        });
        spanned!(cx=> #pattern => #value,)
    }
}

/// Where a type of the user's that is none for a parameter is reported.
fn param_span(cx: &Context<'_>, param: &Param) -> Span {
    match &param.ty {
        ParamTy::Fixed(ty) => own_span(ty.span()),
        ParamTy::Generic(_) => cx.span,
    }
}

/// `from_path` with these arms.
pub(super) fn expand_from_path(
    cx: &Context<'_>,
    arms: impl Iterator<Item = TokenStream>,
) -> TokenStream {
    let runtime = cx.runtime;
    let parametric = cx
        .interface
        .mappings()
        .any(|it| it.endpoint().parameters().next().is_some());
    let import = parametric.then(|| spanned!(cx=> use #runtime::parse_param;));
    let refused = parametric
        .then(|| doc::comment(["- A parameter is empty, or its type refuses it."], cx.span));
    spanned!(cx=>
        /// Reads a path.
        ///
        /// # Errors
        ///
        /// - The path is none of the interface's.
        #refused
        pub fn from_path(path: &str) -> ::core::result::Result<Self, #runtime::DecodeError> {
            #import
            let found = match #runtime::Levels::new(path).as_slice() {
                #(#arms)*
                _ => return ::core::result::Result::Err(#runtime::DecodeError::unknown_path(path)),
            };
            ::core::result::Result::Ok(found)
        }
    )
}

/// The generic parameters that the fields bring.
pub(super) fn generics(params: &[Param]) -> impl Iterator<Item = &Ident> {
    params.iter().filter_map(|param| match &param.ty {
        ParamTy::Fixed(_) => None,
        ParamTy::Generic(ident) => Some(ident),
    })
}

/// A list in angle brackets, or nothing.
pub(super) fn expand_list(
    cx: &Context<'_>,
    items: impl IntoIterator<Item = impl ToTokens>,
) -> TokenStream {
    let mut items = items.into_iter().peekable();
    match items.peek() {
        Some(_) => spanned!(cx=> <#(#items),*>),
        None => TokenStream::new(),
    }
}

/// The derives of what holds these parameters. A type of the user's need not be `Copy`, `Eq` or `Hash`.
///
/// What is received may be the key of a map, what is sent need not: the two derives for it are a quarter of what rustc
/// spends on a datastream.
fn expand_derives(cx: &Context<'_>, params: &[Param]) -> TokenStream {
    let fixed = params
        .iter()
        .any(|param| matches!(param.ty, ParamTy::Fixed(_)));
    match (fixed, cx.reads_paths()) {
        (true, _) => spanned!(cx=> #[derive(Clone, Debug, PartialEq)]),
        (false, true) => spanned!(cx=> #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]),
        (false, false) => spanned!(cx=> #[derive(Clone, Copy, Debug, PartialEq)]),
    }
}

fn expand_defaults(cx: &Context<'_>, params: &[Param]) -> TokenStream {
    expand_list(
        cx,
        generics(params).map(|generic| spanned!(cx=> #generic = ::std::string::String)),
    )
}

fn expand_field(
    cx: &Context<'_>,
    Param {
        parameter,
        field,
        ty,
    }: &Param,
) -> TokenStream {
    let parameter = docs::code(&format!("%{{{parameter}}}"));
    let doc = doc::comment([format!("The parameter {parameter}.")], cx.span);
    let ty = match ty {
        ParamTy::Fixed(ty) => ty.clone(),
        ParamTy::Generic(generic) => generic.to_token_stream(),
    };
    spanned!(cx=> #doc pub #field: #ty,)
}
