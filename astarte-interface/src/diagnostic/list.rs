use std::fmt;

use super::{Code, Diagnostic, Severity, Stage, Style};
use crate::source::Span;

/// A list of diagnostics: errors before warnings, then by stage, file and position.
///
/// `Display` gives all of them as plain text, separated by a blank line.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
    omitted: usize,
}

impl Diagnostics {
    /// Makes an empty list.
    pub fn new() -> Diagnostics {
        Diagnostics::default()
    }

    /// Adds a diagnostic at its place.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        let place = key(&diagnostic);
        let at = self.list.partition_point(|other| key(other) <= place);
        self.list.insert(at, diagnostic);
    }

    /// Whether there is no diagnostic.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Returns the number of diagnostics.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether one of the diagnostics is an error.
    pub fn has_errors(&self) -> bool {
        self.errors().next().is_some()
    }

    /// Returns the diagnostics in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.list.iter()
    }

    /// Returns the errors in order.
    pub fn errors(&self) -> impl Iterator<Item = &Diagnostic> {
        self.with_severity(Severity::Error)
    }

    /// Returns the warnings in order.
    pub fn warnings(&self) -> impl Iterator<Item = &Diagnostic> {
        self.with_severity(Severity::Warning)
    }

    /// Removes the warnings with these codes. Errors cannot be allowed.
    #[must_use]
    pub fn allow(mut self, codes: &[Code]) -> Diagnostics {
        self.list.retain(|diagnostic| {
            diagnostic.severity() == Severity::Error || !codes.contains(&diagnostic.code())
        });
        self
    }

    /// Returns all diagnostics as text, `error: ` or `warning: ` before each.
    pub fn render(&self, style: Style) -> String {
        let rendered = self.list.iter().map(|diagnostic| diagnostic.render(style));
        rendered
            .chain(self.omission())
            .collect::<Vec<_>>()
            .join("\n\n")
    }

    /// Says that so many more were found.
    pub(crate) fn omit(&mut self, count: usize) {
        self.omitted += count;
    }

    fn with_severity(&self, severity: Severity) -> impl Iterator<Item = &Diagnostic> {
        self.list
            .iter()
            .filter(move |diagnostic| diagnostic.severity() == severity)
    }

    fn omission(&self) -> Option<String> {
        (self.omitted > 0).then(|| format!("{} more are not shown", self.omitted))
    }
}

fn key(diagnostic: &Diagnostic) -> (Severity, Stage, Option<(String, Span)>) {
    let place = diagnostic.labels().first();
    (
        diagnostic.severity(),
        diagnostic.code().stage(),
        place.map(|label| (label.source.name().to_owned(), label.span)),
    )
}

impl Extend<Diagnostic> for Diagnostics {
    fn extend<I: IntoIterator<Item = Diagnostic>>(&mut self, diagnostics: I) {
        self.list.extend(diagnostics);
        self.list.sort_by_cached_key(key);
    }
}

impl FromIterator<Diagnostic> for Diagnostics {
    fn from_iter<I: IntoIterator<Item = Diagnostic>>(diagnostics: I) -> Self {
        let mut list = Diagnostics::new();
        list.extend(diagnostics);
        list
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        Diagnostics {
            list: vec![diagnostic],
            omitted: 0,
        }
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.list.into_iter()
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.list.iter()
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, diagnostic) in self.list.iter().enumerate() {
            if index > 0 {
                f.write_str("\n\n")?;
            }
            write!(f, "{diagnostic}")?;
        }
        match self.omission() {
            Some(omission) => write!(f, "\n\n{omission}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Diagnostics {}
