//! Whether the arguments of a macro agree with the interface.

use astarte_interface::{Code, Diagnostic, Interface, Version, suggest};

use super::{Errors, arguments::Arguments};
use crate::names::case;

impl Arguments {
    /// Reports arguments that the interface contradicts.
    pub(super) fn check(&self, interface: &Interface, errors: &mut Errors) {
        self.check_version(interface, errors);
        self.check_params(interface, errors);
        self.check_endpoints(interface, errors);
    }

    fn check_version(&self, interface: &Interface, errors: &mut Errors) {
        let Some(literal) = &self.version else {
            return;
        };
        let (found, Version { major, minor }) = (literal.value(), interface.version());
        if found == format!("{major}.{minor}") {
            return;
        }
        let message = format!(
            "the file has version {major}.{minor} of `{}`, not {found}",
            interface.name().as_str()
        );
        let diagnostic = Diagnostic::error(Code::MacroVersion, message)
            .help(format!(
                "write `version = \"{major}.{minor}\"` once the code is adapted"
            ))
            .label(interface.source(), interface.version_major_span(), "")
            .label(interface.source(), interface.version_minor_span(), "");
        errors.push(literal.span(), &diagnostic);
    }

    fn check_params(&self, interface: &Interface, errors: &mut Errors) {
        let mappings = interface.mappings();
        let known: Vec<&str> = mappings
            .flat_map(|mapping| mapping.endpoint().parameters())
            .collect();
        for param in &self.params {
            let word = case::plain(&param.parameter);
            if known.contains(&word.as_str()) {
                continue;
            }
            let message = format!(
                "the interface `{}` has no parameter `{word}`",
                interface.name().as_str()
            );
            let diagnostic = Diagnostic::error(Code::MacroUnknownParameter, message);
            let help = similar(&word, &known, "parameter");
            errors.push(param.parameter.span(), &diagnostic.help(help));
        }
    }

    /// The mappings that `rename` and `values` speak of.
    fn check_endpoints(&self, interface: &Interface, errors: &mut Errors) {
        let known: Vec<&str> = interface
            .mappings()
            .map(|mapping| mapping.endpoint().as_str())
            .collect();
        let renamed = self.renames.iter().map(|rename| &rename.endpoint);
        let valued = self.values.iter().map(|value| &value.endpoint);
        for endpoint in renamed.chain(valued) {
            let word = endpoint.value();
            if known.contains(&word.as_str()) {
                continue;
            }
            let message = format!(
                "the interface `{}` has no mapping `{word}`",
                interface.name().as_str()
            );
            let diagnostic = Diagnostic::error(Code::MacroUnknownMapping, message);
            let help = similar(&word, &known, "mapping");
            errors.push(endpoint.span(), &diagnostic.help(help));
        }
    }
}

/// A suggestion, or what there is.
pub(super) fn similar(word: &str, known: &[&str], what: &str) -> String {
    const SHOWN: usize = 8;
    if let Some(other) = suggest(word, known.iter().copied()) {
        return format!("a {what} with a similar name exists: `{other}`");
    }
    let mut unique: Vec<&str> = Vec::new();
    for word in known {
        if !unique.contains(word) {
            unique.push(word);
        }
    }
    let names: Vec<String> = unique
        .iter()
        .take(SHOWN)
        .map(|name| format!("`{name}`"))
        .collect();
    match (unique.len(), unique.len().saturating_sub(SHOWN)) {
        (0, _) => format!("it has no {what} at all"),
        (1, _) => format!("its only {what} is {}", names.join("")),
        (_, 0) => format!("its {what}s are {}", names.join(", ")),
        (_, more) => format!("its {what}s are {}, and {more} more", names.join(", ")),
    }
}
