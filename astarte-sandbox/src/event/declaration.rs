//! Where an interface says what a message broke.

use std::fmt;

use astarte_interface::{Label, Source, Span};

/// A place in the JSON of an interface. `Display` gives `file:line:column: text of the line`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Declaration {
    /// The name under which the interface was installed, the path of its file for one.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1, in characters.
    pub column: usize,
    /// The text of the line, without the white space around it.
    pub text: String,
    label: Label,
}

impl Declaration {
    pub(crate) fn new(source: &Source, span: Span) -> Declaration {
        let position = source.position(span.start);
        let text = source.text().lines().nth(position.line.saturating_sub(1));
        Declaration {
            file: source.name().to_owned(),
            line: position.line,
            column: position.column,
            text: text.unwrap_or_default().trim().to_owned(),
            label: Label {
                source: source.clone(),
                span,
                text: String::new(),
            },
        }
    }

    /// Returns several lines that show the place, underlined, as compilers do.
    #[must_use]
    pub fn frame(&self) -> String {
        self.label.to_string()
    }
}

impl fmt::Display for Declaration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}:{}:{}: {}",
            self.file, self.line, self.column, self.text
        )
    }
}
