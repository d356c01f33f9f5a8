mod code;
mod list;
mod render;

use std::fmt;

pub use code::{Code, Stage};
pub use list::Diagnostics;
pub use render::Style;

use crate::source::{Source, Span};

/// Whether a diagnostic refuses the document.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Severity {
    /// The document cannot be used as it is.
    Error,
    /// The document can be used, and the author should know something about it.
    Warning,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
        })
    }
}

/// A place that a diagnostic points at.
#[derive(Clone, Debug)]
pub struct Label {
    /// The text that holds the place.
    pub source: Source,
    /// The bytes that are underlined.
    pub span: Span,
    /// What is said beside the line; may be empty.
    pub text: String,
}

/// The frame: where the place is, and its line with the place underlined.
impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&render::label(self, Style::Plain))
    }
}

/// One finding: what is wrong, where, and what to write instead.
///
/// `Display` gives plain text: the message with its code, the helps, and a frame per place. A
/// warning begins with `warning: `; an error has no prefix, because rustc and cargo add theirs.
///
/// # Examples
///
/// ```
/// use astarte_interface::{Code, Diagnostic, Source, Span};
///
/// let source = Source::new("a.json", "{ \"a\": tru }");
/// let found = Diagnostic::error(Code::JsonSyntax, "`tru` is no value")
///     .label(&source, Span::new(7, 10), "here")
///     .help("write `true`");
/// assert_eq!(
///     found.to_string(),
///     "`tru` is no value [json::syntax]\n\
///      help: write `true`\n \
///      --> a.json:1:8\n  |\n1 | { \"a\": tru }\n  |        ^^^ here"
/// );
/// ```
#[derive(Clone, Debug)]
pub struct Diagnostic {
    code: Code,
    severity: Severity,
    message: String,
    labels: Vec<Label>,
    helps: Vec<String>,
}

impl Diagnostic {
    /// Makes an error.
    pub fn error(code: Code, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(Severity::Error, code, message.into())
    }

    /// Makes a warning.
    pub fn warning(code: Code, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(Severity::Warning, code, message.into())
    }

    fn new(severity: Severity, code: Code, message: String) -> Diagnostic {
        Diagnostic {
            code,
            severity,
            message,
            labels: Vec::new(),
            helps: Vec::new(),
        }
    }

    /// Adds a place; the first one is the primary one. The text may be empty.
    #[must_use]
    pub fn label(mut self, source: &Source, span: Span, text: impl Into<String>) -> Diagnostic {
        self.labels.push(Label {
            source: source.clone(),
            span,
            text: text.into(),
        });
        self
    }

    /// Adds a sentence that says what to do.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Diagnostic {
        self.helps.push(text.into());
        self
    }

    /// Adds a help where there is one.
    #[must_use]
    pub(crate) fn maybe_help(self, text: Option<String>) -> Diagnostic {
        match text {
            Some(text) => self.help(text),
            None => self,
        }
    }

    /// Returns the word code.
    pub fn code(&self) -> Code {
        self.code
    }

    /// Returns whether the diagnostic refuses the document.
    pub fn severity(&self) -> Severity {
        self.severity
    }

    /// Returns what is wrong, without code, places or helps.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns the places, the primary one first.
    pub fn labels(&self) -> &[Label] {
        &self.labels
    }

    /// Returns what to do, a sentence each.
    pub fn helps(&self) -> &[String] {
        &self.helps
    }

    /// Returns the text that `Display` gives, or the same in colour.
    pub fn render(&self, style: Style) -> String {
        render::diagnostic(self, style)
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.severity == Severity::Warning {
            f.write_str("warning: ")?;
        }
        f.write_str(&render::body(self, Style::Plain))
    }
}

impl std::error::Error for Diagnostic {}
