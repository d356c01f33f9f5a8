use std::fmt;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

/// A JSON text with the name that is shown in frames.
///
/// Cheap to clone: clones share one text.
#[derive(Clone)]
pub struct Source(Arc<Inner>);

struct Inner {
    name: String,
    text: String,
    line_starts: OnceLock<Vec<usize>>,
}

impl Source {
    /// Names a text, usually by the path of its file as the author wrote it.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Source {
        Source(Arc::new(Inner {
            name: name.into(),
            text: text.into(),
            line_starts: OnceLock::new(),
        }))
    }

    /// Returns the name shown in frames.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Returns the text as it was given, with its line ends.
    pub fn text(&self) -> &str {
        &self.0.text
    }

    /// Returns the line and column of a byte offset.
    ///
    /// An offset past the end, or inside a character, counts as the nearest position before it.
    pub fn position(&self, offset: usize) -> Position {
        let offset = self.text().floor_char_boundary(offset);
        let line = self.line_starts().partition_point(|start| *start <= offset);
        let start = self.line_starts()[line - 1];
        Position {
            line,
            column: self.text()[start..offset].chars().count() + 1,
        }
    }

    /// Returns the text of a span, clamped to the text.
    pub fn slice(&self, span: Span) -> &str {
        self.text().get(self.clamp(span)).unwrap_or_default()
    }

    /// The bytes of a line (from 1), without its line end.
    pub(crate) fn line(&self, line: usize) -> Range<usize> {
        let starts = self.line_starts();
        let start = starts.get(line - 1).copied().unwrap_or(self.text().len());
        let end = starts.get(line).copied().unwrap_or(self.text().len());
        let text = self.text()[start..end].trim_end_matches(['\n', '\r']);
        start..start + text.len()
    }

    /// The span on character boundaries within the text.
    pub(crate) fn clamp(&self, span: Span) -> Range<usize> {
        let start = self.text().floor_char_boundary(span.start);
        start..self.text().ceil_char_boundary(span.end).max(start)
    }

    /// Whether both are the same text under the same name.
    pub(crate) fn same(&self, other: &Source) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
            || (self.name() == other.name() && self.text() == other.text())
    }

    fn line_starts(&self) -> &[usize] {
        self.0.line_starts.get_or_init(|| {
            let ends = self.text().bytes().enumerate();
            let starts = ends
                .filter(|(_, byte)| *byte == b'\n')
                .map(|(at, _)| at + 1);
            std::iter::once(0).chain(starts).collect()
        })
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source")
            .field("name", &self.name())
            .field("bytes", &self.text().len())
            .finish()
    }
}

/// Bytes of a [`Source`]: from `start` up to, and without, `end`.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Span {
    /// The offset of the first byte.
    pub start: usize,
    /// The offset behind the last byte.
    pub end: usize,
}

impl Span {
    /// Returns the span of these bytes.
    pub const fn new(start: usize, end: usize) -> Span {
        Span { start, end }
    }
}

/// A place in a text as editors show it.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Position {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters() {
        let source = Source::new("a.json", "é\tx\r\nline\n");
        assert_eq!(source.position(0), Position { line: 1, column: 1 });
        assert_eq!(source.position(1), Position { line: 1, column: 1 });
        assert_eq!(source.position(3), Position { line: 1, column: 3 });
        assert_eq!(source.position(6), Position { line: 2, column: 1 });
        assert_eq!(source.position(999), Position { line: 3, column: 1 });
    }

    #[test]
    fn lines_have_no_ends() {
        let source = Source::new("a.json", "one\r\ntwo");
        assert_eq!(&source.text()[source.line(1)], "one");
        assert_eq!(&source.text()[source.line(2)], "two");
        assert_eq!(source.line(9), 8..8);
    }
}
