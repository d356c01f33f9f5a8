//! The macros of `astarte-runtime`, which re-exports and documents them.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use astarte_build::macros::{self, Site};
use proc_macro::{Span, TokenStream};

/// Turns a unit struct into the interface of a JSON file.
#[proc_macro_attribute]
pub fn astarte_interface(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let manifest_dir = manifest_dir();
    let site = Site {
        manifest_dir: &manifest_dir,
        above: &text_above,
    };
    macros::interface(arguments.into(), item.into(), &site).into()
}

/// Makes a struct an object of an interface.
#[proc_macro_derive(AstarteObject, attributes(astarte))]
pub fn astarte_object(item: TokenStream) -> TokenStream {
    let manifest_dir = manifest_dir();
    let site = Site {
        manifest_dir: &manifest_dir,
        above: &text_above,
    };
    macros::object(item.into(), &site).into()
}

/// Makes an enum the set of the events in its variants.
#[proc_macro_derive(AstarteEvents, attributes(astarte))]
pub fn astarte_events(item: TokenStream) -> TokenStream {
    macros::events(item.into()).into()
}

/// Makes an enum or a newtype a value.
#[proc_macro_derive(AstarteValue, attributes(astarte))]
pub fn astarte_value(item: TokenStream) -> TokenStream {
    macros::value(item.into()).into()
}

/// Cargo sets the variable; without cargo, paths are relative to the working folder.
fn manifest_dir() -> PathBuf {
    env::var_os("CARGO_MANIFEST_DIR")
        .map(PathBuf::from)
        .unwrap_or_default()
}

/// The source text before the attribute, where rustc knows the file.
fn text_above() -> Option<String> {
    let span = Span::call_site();
    let file: PathBuf = span.local_file()?;
    let mut text = fs::read_to_string(Path::new(&file)).ok()?;
    let line_start: usize = text
        .split_inclusive('\n')
        .take(span.line().checked_sub(1)?)
        .map(str::len)
        .sum();
    let column: usize = text[line_start..]
        .chars()
        .take(span.column().checked_sub(1)?)
        .map(char::len_utf8)
        .sum();
    text.truncate(line_start + column);
    Some(text)
}
