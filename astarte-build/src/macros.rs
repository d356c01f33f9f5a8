//! The macros, as functions: what `astarte-derive` passes on to.

mod above;
mod agreement;
mod arguments;
mod events;
mod field_trait;
mod fields;
mod file;
mod interface;
mod object;
mod value;

use std::path::Path;

use astarte_interface::{Diagnostic, Diagnostics};
use proc_macro2::{Span, TokenStream};
use quote::quote;

pub use self::events::events;
pub use self::interface::interface;
pub use self::object::object;
pub use self::value::value;

/// The place where a macro is used.
pub struct Site<'a> {
    /// The folder of the crate's manifest, which paths of interface files are relative to.
    pub manifest_dir: &'a Path,
    /// The text of the source file before the macro, where it is known.
    pub above: &'a dyn Fn() -> Option<String>,
}

/// Errors, each at its place in the Rust code.
#[derive(Debug, Default)]
struct Errors {
    list: Vec<(Span, String)>,
}

impl Errors {
    fn push(&mut self, span: Span, diagnostic: &Diagnostic) {
        self.list.push((span, diagnostic.to_string()));
    }

    fn extend(&mut self, span: Span, diagnostics: &Diagnostics) {
        for diagnostic in diagnostics.errors() {
            self.push(span, diagnostic);
        }
    }

    fn len(&self) -> usize {
        self.list.len()
    }

    fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Takes what syn found.
    fn syntax(&mut self, error: &syn::Error) {
        for error in error.clone() {
            self.list.push((error.span(), error.to_string()));
        }
    }

    /// A `compile_error!` for each.
    fn expand(&self) -> TokenStream {
        let errors = self
            .list
            .iter()
            .map(|(span, text)| syn::Error::new(*span, text).to_compile_error());
        quote!(#(#errors)*)
    }
}
