//! Settings that concern single interfaces.

use std::fmt;

use astarte_interface::{Interface, suggest};
use proc_macro2::TokenStream;
use syn::parse::Parser;

use crate::{error::SettingError, pattern};

/// A setting, as it was written.
#[derive(Clone, Debug)]
pub(super) enum Setting {
    Exclude {
        pattern: String,
    },
    Extern {
        pattern: String,
        path: String,
    },
    Include {
        pattern: String,
    },
    Param {
        pattern: String,
        parameter: String,
        ty: String,
    },
    Partial {
        pattern: String,
    },
    Rename {
        pattern: String,
        endpoint: String,
        name: String,
    },
    TypeAttribute {
        pattern: String,
        attribute: String,
    },
    TypeName {
        pattern: String,
        name: String,
    },
    ValueType {
        pattern: String,
        endpoint: String,
        ty: String,
    },
}

impl Setting {
    pub(super) fn pattern(&self) -> &str {
        match self {
            Self::Exclude { pattern }
            | Self::Extern { pattern, .. }
            | Self::Include { pattern }
            | Self::Param { pattern, .. }
            | Self::Partial { pattern }
            | Self::Rename { pattern, .. }
            | Self::TypeAttribute { pattern, .. }
            | Self::TypeName { pattern, .. }
            | Self::ValueType { pattern, .. } => pattern,
        }
    }

    pub(super) fn matches(&self, name: &str) -> bool {
        pattern::matches(self.pattern(), name)
    }

    /// The tokens of the Rust in the setting, where there is any.
    pub(super) fn check(&self) -> Result<(), SettingError> {
        let parsed = match self {
            Self::Extern { path, .. } => parse_path(path).map(drop),
            Self::Param { ty, .. } | Self::ValueType { ty, .. } => parse_type(ty).map(drop),
            Self::Rename { name, .. } | Self::TypeName { name, .. } => {
                syn::parse_str::<syn::Ident>(name).map(drop)
            }
            Self::TypeAttribute { attribute, .. } => parse_attributes(attribute).map(drop),
            Self::Exclude { .. } | Self::Include { .. } | Self::Partial { .. } => Ok(()),
        };
        parsed.map_err(|error| self.error(format!("this is not the Rust it should be: {error}")))
    }

    /// Why the setting has no effect on these interfaces, or `None` where it has.
    pub(super) fn unused(&self, all: &[&str], compiled: &[&Interface]) -> Option<SettingError> {
        let matched: Vec<&&Interface> = compiled
            .iter()
            .filter(|interface| self.matches(interface.name().as_str()))
            .collect();
        match self {
            Self::Exclude { .. } | Self::Include { .. }
                if all.iter().any(|name| self.matches(name)) =>
            {
                return None;
            }
            Self::Exclude { .. } | Self::Include { .. } => {}
            Self::Param { parameter, .. } if !matched.is_empty() => {
                let parameters: Vec<&str> = matched
                    .iter()
                    .flat_map(|interface| interface.mappings())
                    .flat_map(|mapping| mapping.endpoint().parameters())
                    .collect();
                return self.lacks(parameter, &parameters, "parameter");
            }
            Self::Rename { endpoint, .. } | Self::ValueType { endpoint, .. }
                if !matched.is_empty() =>
            {
                let endpoints: Vec<&str> = matched
                    .iter()
                    .flat_map(|interface| interface.mappings())
                    .map(|mapping| mapping.endpoint().as_str())
                    .collect();
                return self.lacks(endpoint, &endpoints, "mapping");
            }
            _ if !matched.is_empty() => return None,
            _ => {}
        }
        let mut error = self.error("no interface has a name that matches".to_owned());
        error.help = suggest(self.pattern(), all.iter().copied())
            .map(|other| format!("an interface with a similar name exists: `{other}`"));
        Some(error)
    }

    pub(super) fn error(&self, reason: String) -> SettingError {
        SettingError {
            setting: self.to_string(),
            reason,
            help: None,
        }
    }

    fn lacks(&self, word: &str, known: &[&str], what: &str) -> Option<SettingError> {
        if known.contains(&word) {
            return None;
        }
        let mut error = self.error(format!("no interface that matches has such a {what}"));
        error.help = suggest(word, known.iter().copied())
            .map(|other| format!("a {what} with a similar name exists: `{other}`"));
        Some(error)
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exclude { pattern } => write!(f, ".exclude({pattern:?})"),
            Self::Extern { pattern, path } => write!(f, ".extern_interface({pattern:?}, {path:?})"),
            Self::Include { pattern } => write!(f, ".include({pattern:?})"),
            Self::Param {
                pattern,
                parameter,
                ty,
            } => {
                write!(f, ".param({pattern:?}, {parameter:?}, {ty:?})")
            }
            Self::Partial { pattern } => write!(f, ".partial({pattern:?})"),
            Self::Rename {
                pattern,
                endpoint,
                name,
            } => {
                write!(f, ".rename({pattern:?}, {endpoint:?}, {name:?})")
            }
            Self::TypeAttribute { pattern, attribute } => {
                write!(f, ".type_attribute({pattern:?}, {attribute:?})")
            }
            Self::TypeName { pattern, name } => write!(f, ".type_name({pattern:?}, {name:?})"),
            Self::ValueType {
                pattern,
                endpoint,
                ty,
            } => {
                write!(f, ".value_type({pattern:?}, {endpoint:?}, {ty:?})")
            }
        }
    }
}

pub(super) fn parse_path(text: &str) -> syn::Result<TokenStream> {
    syn::Path::parse_mod_style
        .parse_str(text)
        .map(quote::ToTokens::into_token_stream)
}

pub(super) fn parse_type(text: &str) -> syn::Result<TokenStream> {
    syn::parse_str::<syn::Type>(text).map(quote::ToTokens::into_token_stream)
}

pub(super) fn parse_attributes(text: &str) -> syn::Result<TokenStream> {
    let attributes = syn::Attribute::parse_outer.parse_str(text)?;
    if attributes.is_empty() {
        return Err(syn::Error::new(
            proc_macro2::Span::call_site(),
            "expected an attribute, `#[..]`",
        ));
    }
    Ok(quote::quote!(#(#attributes)*))
}
