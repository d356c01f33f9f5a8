use astarte_interface::{Code, Diagnostic, Diagnostics};
use serde_json::{Value, json};

use super::output::Stream;

/// How diagnostics are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Format {
    /// One object a line.
    Json,
    /// Frames.
    #[default]
    Text,
}

/// What was found, file by file.
#[derive(Debug, Default)]
pub(crate) struct Report {
    parts: Vec<(String, Diagnostics)>,
}

impl Report {
    /// Adds what was found in a file.
    pub(crate) fn add(&mut self, file: impl Into<String>, found: impl Into<Diagnostics>) {
        self.parts.push((file.into(), found.into()));
    }

    /// Removes warnings with these codes.
    pub(crate) fn allow(&mut self, codes: &[Code]) {
        for (_, found) in &mut self.parts {
            *found = std::mem::take(found).allow(codes);
        }
    }

    /// Removes all warnings.
    pub(crate) fn errors_only(&mut self) {
        self.allow(Code::ALL);
    }

    pub(crate) fn has_errors(&self) -> bool {
        self.parts.iter().any(|(_, found)| found.has_errors())
    }

    /// Writes all that was found.
    pub(crate) fn write(&self, format: Format, stream: &mut Stream) {
        let parts = self.parts.iter().filter(|(_, found)| !found.is_empty());
        match format {
            Format::Json => {
                for (file, found) in parts {
                    for diagnostic in found {
                        stream.line(&json_line(file, diagnostic));
                    }
                }
            }
            Format::Text => {
                for (_, found) in parts {
                    let text = found.render(stream.style());
                    stream.line(&text);
                    stream.line("");
                }
            }
        }
    }

    /// Says how much was found, such as `1 error, 2 warnings`.
    pub(crate) fn summary(&self) -> String {
        let errors = self
            .parts
            .iter()
            .map(|(_, found)| found.errors().count())
            .sum();
        let warnings = self
            .parts
            .iter()
            .map(|(_, found)| found.warnings().count())
            .sum();
        let errors = count(errors, "error");
        match warnings {
            0 => errors,
            warnings => format!("{errors}, {}", count(warnings, "warning")),
        }
    }
}

/// A number of things, such as `no errors`, `1 error` or `2 errors`.
pub(crate) fn count(number: usize, thing: &str) -> String {
    match number {
        0 => format!("no {thing}s"),
        1 => format!("1 {thing}"),
        number => format!("{number} {thing}s"),
    }
}

/// An object on one line, with its keys in this order.
pub(crate) fn object<const N: usize>(entries: [(&str, Value); N]) -> String {
    let entries = entries.map(|(key, value)| format!("{}:{value}", Value::from(key)));
    format!("{{{}}}", entries.join(","))
}

/// Lines and columns count from 1, columns in characters; the end is behind the last character.
fn json_line(file: &str, diagnostic: &Diagnostic) -> String {
    let label = diagnostic.labels().first();
    let file = label.map_or(file, |label| label.source.name());
    let start = label.map(|label| label.source.position(label.span.start));
    let end = label.map(|label| label.source.position(label.span.end));
    let helps = diagnostic.helps();
    object([
        ("code", json!(diagnostic.code().as_str())),
        ("severity", json!(diagnostic.severity().to_string())),
        ("message", json!(diagnostic.message())),
        ("file", json!(file)),
        ("line", json!(start.map(|at| at.line))),
        ("column", json!(start.map(|at| at.column))),
        ("end_line", json!(end.map(|at| at.line))),
        ("end_column", json!(end.map(|at| at.column))),
        ("help", json!((!helps.is_empty()).then(|| helps.join("\n")))),
    ])
}
