use crate::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use crate::source::{Source, Span};

/// What a run of the checks has found so far.
pub(crate) struct Context<'s> {
    source: &'s Source,
    found: Vec<Diagnostic>,
    errors: usize,
    omitted: usize,
}

impl<'s> Context<'s> {
    pub(crate) fn new(source: &'s Source) -> Context<'s> {
        Context {
            source,
            found: Vec::new(),
            errors: 0,
            omitted: 0,
        }
    }

    pub(crate) fn source(&self) -> &'s Source {
        self.source
    }

    pub(crate) fn has_errors(&self) -> bool {
        self.errors > 0
    }

    pub(crate) fn push(&mut self, diagnostic: Diagnostic) {
        self.errors += usize::from(diagnostic.severity() == Severity::Error);
        if self.is_full() {
            self.omitted += 1;
        } else {
            self.found.push(diagnostic);
        }
    }

    /// Whether what is found from here on is counted only.
    pub(crate) fn is_full(&self) -> bool {
        self.found.len() >= MAX_FOUND
    }

    /// Counts a warning that is not worth making any more.
    pub(crate) fn skip(&mut self) {
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
        let mut diagnostics: Diagnostics = self.found.into_iter().collect();
        diagnostics.omit(self.omitted);
        diagnostics
    }
}

/// More findings than an author reads; a text of 4 MiB could hold a million.
const MAX_FOUND: usize = 500;
