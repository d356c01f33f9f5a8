//! `#[astarte_interface]`.

use astarte_interface::{Aggregation, Code, Diagnostic, Interface};
use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote};
use syn::{Attribute, Data, DeriveInput, Fields};

use super::{
    Errors, Site, above,
    arguments::{Allowed, Arguments},
    file,
};
use crate::{
    check,
    codegen::{self, Options, Unit},
    names::{Names, case},
};

/// Expands `#[astarte_interface(arguments)] item`.
pub fn interface(arguments: TokenStream, item: TokenStream, site: &Site<'_>) -> TokenStream {
    let mut errors = Errors::default();
    let item: DeriveInput = match syn::parse2(item.clone()) {
        Ok(parsed) => parsed,
        Err(error) => {
            errors.syntax(&error);
            let errors = errors.expand();
            return quote!(#item #errors);
        }
    };
    let mut parsed = Arguments::default();
    parsed.read(arguments, &ARGUMENTS, &mut errors);
    Expansion {
        arguments: parsed,
        item,
        site,
    }
    .expand(errors)
}

const ARGUMENTS: Allowed = Allowed {
    path_first: true,
    keys: &[
        "crate", "module", "params", "partial", "rename", "values", "version",
    ],
};

struct Expansion<'a> {
    arguments: Arguments,
    item: DeriveInput,
    site: &'a Site<'a>,
}

impl Expansion<'_> {
    fn expand(&self, mut errors: Errors) -> TokenStream {
        let unit_struct = self.check_item(&mut errors);
        let interface = match &self.arguments.path {
            Some(path) => file::read(path, self.site, &mut errors),
            None => {
                if errors.is_empty() {
                    file::missing(Span::call_site(), EXAMPLE, &mut errors);
                }
                None
            }
        };
        let tracking = match &self.arguments.path {
            Some(path) => file::expand_tracking(path, self.site),
            None => TokenStream::new(),
        };
        let generated = match interface {
            Some(interface) if unit_struct => self.expand_interface(&interface, &mut errors),
            _ => None,
        };
        let Some(generated) = generated else {
            return self.expand_fallback(&errors);
        };
        let errors = errors.expand();
        quote!(#tracking #generated #errors)
    }

    /// Whether the item is what the attribute fits.
    fn check_item(&self, errors: &mut Errors) -> bool {
        let unit =
            matches!(&self.item.data, Data::Struct(data) if matches!(data.fields, Fields::Unit));
        let generic = !self.item.generics.params.is_empty();
        if unit && !generic {
            return true;
        }
        let name = &self.item.ident;
        let (message, help) = match &self.item.data {
            Data::Struct(_) if unit => (
                format!("`{name}` has generic parameters"),
                format!("an interface is one type: write `struct {name};`"),
            ),
            Data::Struct(_) => (
                format!("`{name}` has fields"),
                format!(
                    "write `struct {name};`, an object gets its fields from the file; for fields of your own derive \
                     `AstarteObject`"
                ),
            ),
            Data::Enum(_) | Data::Union(_) => (
                format!("`{name}` is not a struct"),
                format!("an interface is a unit struct: write `struct {name};`"),
            ),
        };
        errors.push(
            name.span(),
            &Diagnostic::error(Code::MacroItem, message).help(help),
        );
        false
    }

    fn expand_interface(&self, interface: &Interface, errors: &mut Errors) -> Option<TokenStream> {
        let span = self
            .arguments
            .path
            .as_ref()
            .map_or(self.item.ident.span(), syn::LitStr::span);
        self.arguments.check(interface, errors);
        let above = match interface.aggregation() {
            Aggregation::Individual => Vec::new(),
            Aggregation::Object => {
                (self.site.above)().map_or(Vec::new(), |text| above::derives(&text))
            }
        };
        self.check_derives_above(&above, errors);
        errors.extend(span, &check::encrypted(interface));
        let names = match Names::decide(interface, &self.arguments.naming(&self.item.ident)) {
            Ok(names) => names,
            Err(diagnostics) => {
                errors.extend(span, &diagnostics);
                return None;
            }
        };
        let options = self.options(interface, &names, &above);
        let abi = codegen::expand_abi(&options.runtime, self.item.ident.span());
        let unit = Unit {
            interface,
            names: &names,
            options: &options,
        };
        let generated = codegen::expand(&unit);
        Some(quote!(#generated #abi))
    }

    fn options(&self, interface: &Interface, names: &Names, above: &[String]) -> Options {
        let attributes = &self.item.attrs;
        let derives = match interface.aggregation() {
            Aggregation::Individual => TokenStream::new(),
            Aggregation::Object => missing_derives(attributes, above),
        };
        let imports = match names.fixed_params {
            true => quote! {
                #[allow(unused_imports)]
                use super::*;
            },
            false => TokenStream::new(),
        };
        Options {
            runtime: self.arguments.runtime(),
            visibility: self.item.vis.to_token_stream(),
            attributes: quote!(#(#attributes)* #derives),
            documented: attributes.iter().any(is_documentation),
            module_attributes: TokenStream::new(),
            imports,
            partial: self.arguments.partial,
        }
    }

    /// A derive above has seen the struct without its fields: it compares and prints objects wrongly.
    fn check_derives_above(&self, above: &[String], errors: &mut Errors) {
        if above.is_empty() {
            return;
        }
        let diagnostic = Diagnostic::error(
            Code::MacroDeriveOrder,
            "a `#[derive]` stands above `#[astarte_interface]`, where it does not see the fields",
        )
        .help(format!("move `{}` below the attribute", above.join(", ")));
        errors.push(Span::call_site(), &diagnostic);
    }

    /// The item, so that what uses it is not an error as well.
    fn expand_fallback(&self, errors: &Errors) -> TokenStream {
        let item = &self.item;
        let errors = errors.expand();
        if !item.generics.params.is_empty() {
            return quote!(#item #errors);
        }
        let name = case::snake(&case::plain(&item.ident));
        let module = self
            .arguments
            .module
            .clone()
            .unwrap_or_else(|| case::identifier(&name, item.ident.span()));
        codegen::expand_fallback(item, &module, &self.arguments.runtime(), &errors)
    }
}

/// The derives that every object has, but for those that are written already.
fn missing_derives(attributes: &[Attribute], above: &[String]) -> TokenStream {
    let mut written: Vec<String> = above.to_vec();
    for attribute in attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("derive"))
    {
        // What cannot be read here is rustc's to report.
        let _ = attribute.parse_nested_meta(|meta| {
            written.extend(
                meta.path
                    .segments
                    .last()
                    .map(|segment| segment.ident.to_string()),
            );
            Ok(())
        });
    }
    let missing = ["Clone", "Debug", "PartialEq"]
        .into_iter()
        .filter(|derive| !written.iter().any(|other| other == derive))
        .map(|derive| Ident::new(derive, Span::mixed_site()));
    let missing: Vec<_> = missing.collect();
    match missing.is_empty() {
        true => TokenStream::new(),
        false => quote!(#[derive(#(#missing),*)]),
    }
}

fn is_documentation(attribute: &Attribute) -> bool {
    attribute.path().is_ident("doc") && attribute.meta.require_name_value().is_ok()
}

const EXAMPLE: &str = "#[astarte_interface(\"interfaces/org.example.Name.json\")]";
