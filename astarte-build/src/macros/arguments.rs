//! The arguments of the macros.

use astarte_interface::{Code, Diagnostic, suggest};
use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{
    Attribute, LitStr, Path, Token, Type,
    ext::IdentExt,
    parse::{Parse, ParseStream, Parser},
    punctuated::Punctuated,
};

use super::Errors;
use crate::names::{Front, Naming, ParamType, Rename, ValueType, case};

/// What stands in the parentheses of an attribute. Each macro allows some of it.
#[derive(Default)]
pub(super) struct Arguments {
    pub(super) path: Option<LitStr>,
    pub(super) version: Option<LitStr>,
    pub(super) params: Vec<ParamArgument>,
    pub(super) renames: Vec<RenameArgument>,
    pub(super) no_implicit_prelude: bool,
    pub(super) partial: bool,
    pub(super) runtime: Option<Path>,
    pub(super) module: Option<Ident>,
    pub(super) of: Option<Path>,
    pub(super) mapping: Option<LitStr>,
    pub(super) value: Option<LitStr>,
    pub(super) value_type: Option<LitStr>,
    pub(super) values: Vec<ValueArgument>,
    seen: Vec<String>,
}

/// `room = RoomId` in `params(..)`.
pub(super) struct ParamArgument {
    pub(super) parameter: Ident,
    pub(super) ty: Type,
}

/// `"/endpoint" = Name` in `rename(..)`.
pub(super) struct RenameArgument {
    pub(super) endpoint: LitStr,
    pub(super) name: Ident,
}

/// `"/endpoint" = Type` in `values(..)`.
pub(super) struct ValueArgument {
    pub(super) endpoint: LitStr,
    pub(super) ty: Type,
}

/// Which keys an attribute has, and whether a path comes first.
pub(super) struct Allowed {
    pub(super) path_first: bool,
    pub(super) keys: &'static [&'static str],
}

impl Arguments {
    /// Reads arguments. What cannot be read is an error, and the rest is read nevertheless.
    pub(super) fn read(&mut self, tokens: TokenStream, allowed: &Allowed, errors: &mut Errors) {
        for (first, argument) in split(tokens).into_iter().enumerate() {
            let parser = |input: ParseStream<'_>| {
                self.read_one(input, allowed, allowed.path_first && first == 0)
            };
            if let Err(error) = parser.parse2(argument) {
                errors.syntax(&error);
            }
        }
    }

    /// Reads the arguments of each `#[astarte(..)]`.
    pub(super) fn read_attributes(
        &mut self,
        attributes: &[Attribute],
        allowed: &Allowed,
        errors: &mut Errors,
    ) {
        for attribute in attributes.iter().filter(|it| it.path().is_ident("astarte")) {
            match attribute.meta.require_list() {
                Ok(list) => self.read(list.tokens.clone(), allowed, errors),
                Err(error) => errors.syntax(&error),
            }
        }
    }

    fn read_one(
        &mut self,
        input: ParseStream<'_>,
        allowed: &Allowed,
        path_first: bool,
    ) -> syn::Result<()> {
        if path_first && input.peek(LitStr) {
            self.path = Some(input.parse()?);
            return end(input);
        }
        let key = input
            .call(Ident::parse_any)
            .map_err(|error| wrong(error.span(), "this is not an argument", &keys_help(allowed)))?;
        let word = case::plain(&key);
        if !allowed.keys.contains(&word.as_str()) {
            let help = match suggest(&word, allowed.keys.iter().copied()) {
                Some(other) => format!("an argument with a similar name exists: `{other}`"),
                None => keys_help(allowed),
            };
            skip(input);
            return Err(wrong(
                key.span(),
                &format!("there is no argument `{word}`"),
                &help,
            ));
        }
        if self.seen.contains(&word) {
            skip(input);
            let message = format!("the argument `{word}` is given twice");
            return Err(wrong(key.span(), &message, "remove one of them"));
        }
        self.seen.push(word.clone());
        self.read_value(&word, input).map_err(|error| {
            skip(input);
            match form(&word) {
                Some(form) => {
                    let message = format!("the argument `{word}` has another form");
                    wrong(key.span(), &message, &format!("write `{form}`"))
                }
                None => error,
            }
        })
    }

    fn read_value(&mut self, key: &str, input: ParseStream<'_>) -> syn::Result<()> {
        match key {
            "no_implicit_prelude" => self.no_implicit_prelude = true,
            "partial" => self.partial = true,
            "params" => {
                for entry in list(input, |entry| {
                    let parameter = entry.call(Ident::parse_any)?;
                    entry.parse::<Token![=]>()?;
                    Ok(ParamArgument {
                        parameter,
                        ty: entry.parse()?,
                    })
                })? {
                    self.params.push(entry);
                }
            }
            "rename" => {
                for entry in list(input, |entry| {
                    let endpoint = entry.parse()?;
                    entry.parse::<Token![=]>()?;
                    Ok(RenameArgument {
                        endpoint,
                        name: entry.parse()?,
                    })
                })? {
                    self.renames.push(entry);
                }
            }
            "values" => {
                for entry in list(input, |entry| {
                    let endpoint = entry.parse()?;
                    entry.parse::<Token![=]>()?;
                    Ok(ValueArgument {
                        endpoint,
                        ty: entry.parse()?,
                    })
                })? {
                    self.values.push(entry);
                }
            }
            _ => {
                input.parse::<Token![=]>()?;
                match key {
                    "crate" => self.runtime = Some(string_or(input, Path::parse_mod_style)?),
                    "module" => {
                        self.module = Some(string_or(input, Ident::parse)?);
                    }
                    "of" => self.of = Some(string_or(input, Path::parse)?),
                    "interface" => self.path = Some(input.parse()?),
                    "mapping" => self.mapping = Some(input.parse()?),
                    "type" => self.value_type = Some(input.parse()?),
                    "value" => self.value = Some(input.parse()?),
                    _ => self.version = Some(input.parse()?),
                }
            }
        }
        end(input)
    }

    /// The path of the runtime.
    pub(super) fn runtime(&self) -> TokenStream {
        match &self.runtime {
            Some(path) => path.to_token_stream(),
            None => quote!(::astarte_runtime),
        }
    }

    /// The names that these arguments ask for.
    pub(super) fn naming(&self, type_name: &Ident) -> Naming {
        Naming {
            type_name: type_name.clone(),
            module: self.module.clone(),
            renames: self
                .renames
                .iter()
                .map(|rename| Rename {
                    endpoint: rename.endpoint.value(),
                    name: rename.name.clone(),
                })
                .collect(),
            params: self
                .params
                .iter()
                .map(|param| ParamType {
                    parameter: case::plain(&param.parameter),
                    ty: from_inside(param.ty.to_token_stream()),
                })
                .collect(),
            values: self
                .values
                .iter()
                .map(|value| ValueType {
                    endpoint: value.endpoint.value(),
                    ty: value.ty.to_token_stream(),
                })
                .collect(),
            front: Front::Macro,
        }
    }
}

/// Splits at the commas outside of angle brackets, so that one bad argument does not hide the others.
fn split(tokens: TokenStream) -> Vec<TokenStream> {
    let mut arguments = vec![TokenStream::new()];
    let mut depth = 0_usize;
    let mut before = ' ';
    for token in tokens {
        let punct = match &token {
            TokenTree::Punct(punct) => punct.as_char(),
            _ => ' ',
        };
        match punct {
            '<' => depth += 1,
            '>' if before != '-' => depth = depth.saturating_sub(1),
            _ => {}
        }
        before = punct;
        match (punct, depth) {
            (',', 0) => arguments.push(TokenStream::new()),
            _ => arguments
                .last_mut()
                .into_iter()
                .for_each(|last| last.extend([token.clone()])),
        }
    }
    arguments.retain(|argument| !argument.is_empty());
    arguments
}

/// `(a, b, c)`
fn list<T>(
    input: ParseStream<'_>,
    entry: fn(ParseStream<'_>) -> syn::Result<T>,
) -> syn::Result<Vec<T>> {
    let content;
    syn::parenthesized!(content in input);
    Ok(
        Punctuated::<T, Token![,]>::parse_terminated_with(&content, entry)?
            .into_iter()
            .collect(),
    )
}

/// Something, or a string with it in.
fn string_or<T>(
    input: ParseStream<'_>,
    parser: fn(ParseStream<'_>) -> syn::Result<T>,
) -> syn::Result<T> {
    match input.peek(LitStr) {
        true => input.parse::<LitStr>()?.parse_with(parser),
        false => parser(input),
    }
}

fn end(input: ParseStream<'_>) -> syn::Result<()> {
    match input.is_empty() {
        true => Ok(()),
        false => Err(input.error("expected `,`")),
    }
}

/// syn insists on the whole input being read.
fn skip(input: ParseStream<'_>) {
    while input.parse::<TokenTree>().is_ok() {}
}

fn wrong(span: Span, message: &str, help: &str) -> syn::Error {
    let diagnostic = Diagnostic::error(Code::MacroArgument, message).help(help);
    syn::Error::new(span, diagnostic.to_string())
}

fn keys_help(allowed: &Allowed) -> String {
    let mut forms: Vec<String> = Vec::new();
    if allowed.path_first {
        forms.push("the path of the interface file".to_owned());
    }
    forms.extend(
        allowed
            .keys
            .iter()
            .map(|key| format!("`{}`", form(key).unwrap_or(key))),
    );
    format!("the arguments are {}", forms.join(", "))
}

/// How an argument is written.
fn form(key: &str) -> Option<&'static str> {
    Some(match key {
        "crate" => "crate = \"path::to::astarte_runtime\"",
        "interface" => "interface = \"interfaces/file.json\"",
        "mapping" => "mapping = \"key\"",
        "module" => "module = \"name\"",
        "no_implicit_prelude" => "no_implicit_prelude",
        "of" => "of = path::to::Interface",
        "params" => "params(parameter = Type)",
        "partial" => "partial",
        "rename" => "rename(\"/endpoint\" = Name)",
        "type" => "type = \"string\"",
        "value" => "value = \"text\"",
        "values" => "values(\"/endpoint\" = Type)",
        "version" => "version = \"1.0\"",
        _ => return None,
    })
}

/// A type as it resolves one module further inside: the module has `use super::*`, and `self` and `super` count from it.
fn from_inside(tokens: TokenStream) -> TokenStream {
    let mut out = TokenStream::new();
    let mut in_path = false;
    for token in tokens {
        let next_in_path = matches!(&token, TokenTree::Punct(punct) if punct.as_char() == ':');
        match token {
            TokenTree::Ident(ident) if !in_path && ident == "self" => {
                out.extend([TokenTree::Ident(Ident::new("super", ident.span()))]);
            }
            TokenTree::Ident(ident) if !in_path && ident == "super" => {
                out.extend(quote!(#ident::#ident));
            }
            TokenTree::Group(group) => {
                let inner = from_inside(group.stream());
                let mut new = proc_macro2::Group::new(group.delimiter(), inner);
                new.set_span(group.span());
                out.extend([TokenTree::Group(new)]);
            }
            other => out.extend([other]),
        }
        in_path = next_in_path;
    }
    out
}
