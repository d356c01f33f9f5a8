//! The generator: from a checked interface and its names to tokens.
//!
//! Everything that can be wrong is found before; these functions cannot fail. Macros and build scripts call the same
//! ones.

mod descriptor;
mod doc;
mod endpoint;
mod event;
mod fallback;
mod handles;
mod individual;
mod object;
mod types;
mod visibility;

use astarte_interface::{Aggregation, Interface, InterfaceType, Ownership};
use proc_macro2::{Ident, Span, TokenStream};
use quote::quote_spanned;

pub(crate) use self::event::{Variant, expand_event_set};
pub(crate) use self::fallback::expand_fallback;
pub(crate) use self::handles::{Registered, expand_register};
pub(crate) use self::object::{Field, ObjectImpls, expand_object_impls};
pub(crate) use self::types::wire;
use crate::names::Names;

/// An interface with its names and what else decides on its code.
#[derive(Clone, Debug)]
pub struct Unit<'a> {
    /// The interface, without `encrypted` mappings.
    pub interface: &'a Interface,
    /// Its names.
    pub names: &'a Names,
    /// What else decides.
    pub options: &'a Options,
}

/// What decides on generated code apart from the interface and its names.
#[derive(Clone, Debug)]
pub struct Options {
    /// The path of the runtime, such as `::astarte_runtime`.
    pub runtime: TokenStream,
    /// The visibility of the type and its module.
    pub visibility: TokenStream,
    /// Attributes of the type.
    pub attributes: TokenStream,
    /// Whether documentation is among the attributes. Else that of the file is taken.
    pub documented: bool,
    /// Attributes of the module, before its documentation.
    pub module_attributes: TokenStream,
    /// What the module begins with: imports that the types of parameters need.
    pub imports: TokenStream,
    /// Whether the fields of an object that is sent are optional where the mapping is not required.
    pub partial: bool,
}

/// Generates the type of an interface, its module, and the impls beside it.
pub fn expand(unit: &Unit<'_>) -> TokenStream {
    let cx = &Context::new(unit);
    let (item, impls) = match cx.interface.aggregation() {
        Aggregation::Individual => individual::expand(cx),
        Aggregation::Object => object::expand(cx),
    };
    let module = expand_module(cx);
    spanned!(cx=> #item #module #impls)
}

/// Generates the module of an interface and its impls for a type that exists, but not those that say how the type is
/// sent or received.
pub(crate) fn expand_around(unit: &Unit<'_>) -> TokenStream {
    let cx = &Context::new(unit);
    let module = expand_module(cx);
    let impls = object::expand_interface_impls(cx);
    spanned!(cx=> #module #impls)
}

/// The check that the runtime is of the version that the code was generated for.
pub fn expand_abi(runtime: &TokenStream, span: Span) -> TokenStream {
    quote_spanned!(span=> #runtime::__abi!(2);)
}

/// What the functions of the generator share.
pub(crate) struct Context<'a> {
    interface: &'a Interface,
    names: &'a Names,
    options: &'a Options,
    runtime: &'a TokenStream,
    type_name: &'a Ident,
    module: &'a Ident,
    span: Span,
}

impl<'a> Context<'a> {
    pub(crate) fn new(unit: &Unit<'a>) -> Self {
        Self {
            interface: unit.interface,
            names: unit.names,
            options: unit.options,
            runtime: &unit.options.runtime,
            type_name: &unit.names.type_name,
            module: &unit.names.module,
            span: own_span(unit.names.type_name.span()),
        }
    }

    fn server_owned(&self) -> bool {
        self.interface.ownership() == Ownership::Server
    }

    /// Whether there are paths to read: those that the server sends, and those that are stored. It is what costs rustc
    /// most in the code of a datastream, so one that is sent does without.
    fn reads_paths(&self) -> bool {
        self.server_owned() || self.properties()
    }

    fn properties(&self) -> bool {
        self.interface.interface_type() == InterfaceType::Properties
    }
}

/// The span of generated tokens: where the user's token is, in a scope of their own.
pub(crate) fn own_span(user: Span) -> Span {
    Span::mixed_site().located_at(user)
}

fn expand_module(cx: &Context<'_>) -> TokenStream {
    let Options {
        visibility,
        module_attributes,
        imports,
        ..
    } = cx.options;
    let module = cx.module;
    let doc = doc::module(cx);
    let items = match cx.interface.aggregation() {
        Aggregation::Individual => individual::expand_items(cx),
        Aggregation::Object => object::expand_items(cx),
    };
    spanned!(cx=>
        #doc
        #module_attributes
        #visibility mod #module {
            #imports
            #items
        }
    )
}

/// `quote_spanned!` at the span of a context.
macro_rules! spanned {
    ($cx:expr=> $($tokens:tt)*) => { quote::quote_spanned!($cx.span=> $($tokens)*) };
}
use spanned;
