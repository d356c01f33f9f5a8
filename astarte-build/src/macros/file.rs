//! Reading of the interface file that a macro names.

use std::{io, path::Path};

use astarte_interface::{Code, Diagnostic, Interface, Source, suggest};
use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;
use syn::LitStr;

use super::{Errors, Site};
use crate::codegen::own_span;

/// Reads and checks the file. Where this fails, the errors say why.
pub(super) fn read(path: &LitStr, site: &Site<'_>, errors: &mut Errors) -> Option<Interface> {
    let name = path.value();
    let text = match read_text(&name, site.manifest_dir) {
        Ok(text) => text,
        Err(diagnostic) => {
            errors.push(path.span(), &diagnostic);
            return None;
        }
    };
    match Interface::parse(&Source::new(name, text)) {
        Ok(checked) => Some(checked.interface),
        Err(diagnostics) => {
            errors.extend(path.span(), &diagnostics);
            None
        }
    }
}

/// Makes cargo compile the crate again when the file changes.
pub(super) fn expand_tracking(path: &LitStr, site: &Site<'_>) -> TokenStream {
    let name = path.value();
    if !is_relative(&name) || !site.manifest_dir.join(&name).is_file() {
        return TokenStream::new();
    }
    let from_manifest = format!("/{name}");
    let span = own_span(path.span());
    quote_spanned!(span=>
        const _: &str = ::core::include_str!(
            ::core::concat!(::core::env!("CARGO_MANIFEST_DIR"), #from_manifest)
        );
    )
}

/// The path of the attribute, or the error that it is missing.
pub(super) fn missing(span: Span, example: &str, errors: &mut Errors) {
    let diagnostic = Diagnostic::error(
        Code::MacroArgument,
        "the path of the interface file is missing",
    )
    .help(format!("write `{example}`"));
    errors.push(span, &diagnostic);
}

fn read_text(name: &str, manifest_dir: &Path) -> Result<String, Diagnostic> {
    if !is_relative(name) {
        return Err(Diagnostic::error(
            Code::MacroFile,
            format!("the path `{name}` is absolute, it would be of use on one machine only"),
        )
        .help("write it relative to the folder of the crate's `Cargo.toml`"));
    }
    std::fs::read_to_string(manifest_dir.join(name)).map_err(|error| {
        let diagnostic = Diagnostic::error(Code::MacroFile, describe(name, &error));
        match nearest(name, manifest_dir) {
            Some(other) => diagnostic.help(format!("a file with a similar name exists: `{other}`")),
            None => {
                diagnostic.help("the path is relative to the folder of the crate's `Cargo.toml`")
            }
        }
    })
}

/// In our words, because those of the system differ between systems.
fn describe(name: &str, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => format!("there is no file `{name}`"),
        io::ErrorKind::InvalidData => format!("the file `{name}` is not UTF-8"),
        io::ErrorKind::IsADirectory => format!("`{name}` is a folder, not a file"),
        kind => format!("the file `{name}` cannot be read: {kind}"),
    }
}

/// A file beside the one that is missing, with nearly its name.
fn nearest(name: &str, manifest_dir: &Path) -> Option<String> {
    let (folder, file) = name.rsplit_once('/').unwrap_or(("", name));
    let mut files: Vec<String> = std::fs::read_dir(manifest_dir.join(folder))
        .ok()?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|other| other.ends_with(".json"))
        .collect();
    files.sort();
    let found = suggest(file, files.iter().map(String::as_str))?;
    Some(if folder.is_empty() {
        found.to_owned()
    } else {
        format!("{folder}/{found}")
    })
}

/// A path with a root, or with the letter of a drive, whatever the system of this machine.
fn is_relative(name: &str) -> bool {
    let drive = name.as_bytes().get(1) == Some(&b':');
    !name.starts_with(['/', '\\']) && !drive
}
