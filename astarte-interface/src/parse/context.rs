use crate::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use crate::source::{Source, Span};

/// What a run of the checks has found so far.
pub(crate) struct Context<'s> {
    source: &'s Source,
    errors: Vec<Diagnostic>,
    warnings: Vec<Diagnostic>,
    omitted: usize,
}

impl<'s> Context<'s> {
    pub(crate) fn new(source: &'s Source) -> Context<'s> {
        Context {
            source,
            errors: Vec::new(),
            warnings: Vec::new(),
            omitted: 0,
        }
    }

    pub(crate) fn source(&self) -> &'s Source {
        self.source
    }

    pub(crate) fn has_errors(&self) -> bool {
        !self.errors.is_empty()
    }

    pub(crate) fn push(&mut self, diagnostic: Diagnostic) {
        let list = match diagnostic.severity() {
            Severity::Error => &mut self.errors,
            Severity::Warning => &mut self.warnings,
        };
        match list.len() < MAX_FOUND {
            true => list.push(diagnostic),
            false => self.omitted += 1,
        }
    }

    /// Whether a further warning would be counted only.
    pub(crate) fn has_enough_warnings(&self) -> bool {
        self.warnings.len() >= MAX_FOUND
    }

    /// Counts a warning that is not worth making.
    pub(crate) fn omit_warning(&mut self) {
        self.omitted += 1;
    }

    /// An error at a place of the document.
    pub(crate) fn error(
        &self,
        code: Code,
        span: Span,
        label: impl Into<String>,
        message: impl Into<String>,
    ) -> Diagnostic {
        Diagnostic::error(code, message).label(self.source, span, label)
    }

    /// A warning at a place of the document.
    pub(crate) fn warning(
        &self,
        code: Code,
        span: Span,
        label: impl Into<String>,
        message: impl Into<String>,
    ) -> Diagnostic {
        Diagnostic::warning(code, message).label(self.source, span, label)
    }

    pub(crate) fn finish(self) -> Diagnostics {
        let mut diagnostics: Diagnostics = self.errors.into_iter().chain(self.warnings).collect();
        diagnostics.omit(self.omitted);
        diagnostics
    }
}

/// More findings of a severity than an author reads; a text of 4 MiB could hold a million.
const MAX_FOUND: usize = 500;
