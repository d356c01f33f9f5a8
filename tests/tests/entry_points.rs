//! Macros and build scripts generate the same code.

use std::{fs, path::Path};

use astarte_build::{
    Config,
    macros::{self, Site},
};
use quote::{ToTokens, format_ident, quote};
use syn::{Attribute, Item};

#[test]
fn the_code_is_the_same_for_every_interface() {
    let manifest_dir = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut seen = 0;
    let mut files: Vec<_> = fs::read_dir(manifest_dir.join("../interfaces"))
        .expect("the folder exists")
        .map(|entry| entry.expect("it can be read").path())
        .collect();
    files.sort();
    for file in files {
        let name = file
            .file_name()
            .expect("files have names")
            .to_string_lossy()
            .into_owned();
        let path = format!("../interfaces/{name}");
        assert_eq!(by_macro(&path), by_build_script(&path), "{name}");
        seen += 1;
    }
    assert!(seen >= 12, "{seen} files");
}

fn by_macro(path: &str) -> String {
    let last = path
        .trim_end_matches(".json")
        .rsplit('.')
        .next()
        .unwrap_or_default();
    let ident = format_ident!("{last}");
    // What a build script derives for all; an object has its derives by itself.
    let derives = match path.contains("Object") || path.contains(".vehicle.") {
        true => quote!(),
        false => quote!(#[derive(Clone, Copy, Debug)]),
    };
    let site = Site {
        manifest_dir: Path::new(env!("CARGO_MANIFEST_DIR")),
        above: &|| None,
    };
    let expanded = macros::interface(quote!(#path), quote!(#derives pub struct #ident;), &site);
    let expanded = syn::parse2(expanded).expect("the macro generates items");
    // Formatting adds commas.
    let formatted = prettyplease::unparse(&expanded);
    normalized(syn::parse_file(&formatted).expect("formatting keeps items"))
}

fn by_build_script(path: &str) -> String {
    let generated = Config::new().interface(path).registration(false).generate();
    let generated = generated.expect("the interface is valid");
    normalized(syn::parse_file(&generated).expect("the build script generates items"))
}

/// Without what only one of them needs: tracking of the file, lint attributes, `Incoming`, and the order of what stands
/// before the type.
fn normalized(file: syn::File) -> String {
    let mut items: Vec<String> = file.items.into_iter().filter_map(normalized_item).collect();
    items.sort();
    items.join("\n\n")
}

fn normalized_item(mut item: Item) -> Option<String> {
    match &mut item {
        Item::Const(_) => return None,
        Item::Enum(item) if item.ident == "Incoming" => return None,
        Item::Impl(item) if item.self_ty.to_token_stream().to_string() == "Incoming" => {
            return None;
        }
        Item::Mod(item) => item.attrs.retain(|attribute| !is_lint(attribute)),
        Item::Struct(item) => item.attrs.retain(|attribute| !is_lint(attribute)),
        _ => {}
    }
    let file = syn::File {
        shebang: None,
        frontmatter: None,
        attrs: Vec::new(),
        items: vec![item],
    };
    Some(prettyplease::unparse(&file))
}

fn is_lint(attribute: &Attribute) -> bool {
    attribute.path().is_ident("allow")
}
