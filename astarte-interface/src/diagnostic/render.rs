//! Frames: the lines of a text with the places underlined.

use std::ops::Range;

use unicode_width::UnicodeWidthChar;

use super::{Diagnostic, Label, Severity};
use crate::source::{Position, Source, Span};

/// How diagnostics are written.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Style {
    /// Text alone, for files and for the messages of compilers. The default.
    #[default]
    Plain,
    /// Text with ANSI colours, for terminals.
    Ansi,
}

/// The frame of one place, without a line end.
pub(super) fn label(label: &Label, style: Style) -> String {
    let mark = Mark::new(label, true, Severity::Error);
    let gutter = Gutter {
        width: mark.at.line.to_string().len(),
        style,
    };
    let mut out = String::new();
    gutter.frame(&[mark], &mut out);
    out.trim_start_matches('\n').to_owned()
}

/// The diagnostic with its severity before the message.
pub(super) fn diagnostic(diagnostic: &Diagnostic, style: Style) -> String {
    let severity = style.paint(
        severity_colour(diagnostic.severity()),
        &diagnostic.severity().to_string(),
    );
    format!("{severity}: {}", body(diagnostic, style))
}

/// The diagnostic without its severity, and without a line end.
pub(super) fn body(diagnostic: &Diagnostic, style: Style) -> String {
    let mut out = format!("{} [{}]", diagnostic.message(), diagnostic.code());
    for help in diagnostic.helps() {
        out += &format!("\n{}: {help}", style.paint(CYAN, "help"));
    }
    let marks: Vec<Mark<'_>> = diagnostic
        .labels()
        .iter()
        .enumerate()
        .map(|(index, label)| Mark::new(label, index == 0, diagnostic.severity()))
        .collect();
    let widest = marks.iter().map(|mark| mark.at.line).max().unwrap_or(0);
    let gutter = Gutter {
        width: widest.to_string().len(),
        style,
    };
    let mut rest = marks.as_slice();
    while let Some(first) = rest.first() {
        let same = rest
            .iter()
            .take_while(|mark| mark.source.same(first.source));
        let (frame, others) = rest.split_at(same.count());
        gutter.frame(frame, &mut out);
        rest = others;
    }
    out
}

/// A label with what is needed to draw it.
#[derive(Clone)]
struct Mark<'a> {
    source: &'a Source,
    span: Range<usize>,
    at: Position,
    text: &'a str,
    primary: bool,
    colour: &'static str,
}

impl<'a> Mark<'a> {
    fn new(label: &'a Label, primary: bool, severity: Severity) -> Mark<'a> {
        let Span { start, .. } = label.span;
        Mark {
            source: &label.source,
            span: label.source.clamp(label.span),
            at: label.source.position(start),
            text: &label.text,
            primary,
            colour: if primary {
                severity_colour(severity)
            } else {
                BLUE
            },
        }
    }

    fn underline(&self, columns: usize) -> String {
        let marker = if self.primary { "^" } else { "-" };
        let separator = if self.text.is_empty() { "" } else { " " };
        format!("{}{separator}{}", marker.repeat(columns), self.text)
    }
}

struct Gutter {
    width: usize,
    style: Style,
}

impl Gutter {
    /// Draws the marks of one source, in the order of its lines.
    fn frame(&self, marks: &[Mark<'_>], out: &mut String) {
        let first = &marks[0];
        let arrow = if first.primary { "-->" } else { ":::" };
        let Position { line, column } = first.at;
        let place = format!("{}:{line}:{column}", printable(first.source.name()));
        let indent = " ".repeat(self.width);
        *out += &format!("\n{indent}{} {place}", self.style.paint(BLUE, arrow));
        *out += &format!("\n{}", self.bar(""));

        let mut sorted = marks.to_vec();
        sorted.sort_by_key(|mark| mark.span.start);
        let mut above: Option<&Mark<'_>> = None;
        for mark in &sorted {
            let excerpt = Excerpt::new(mark);
            let repeated = above.is_some_and(|above| above.at.line == mark.at.line);
            if above.is_some_and(|above| above.at.line + 1 < mark.at.line) {
                *out += &format!("\n{}", self.style.paint(BLUE, "..."));
            }
            if !repeated || excerpt.cropped {
                *out += &format!("\n{}", self.bar(&mark.at.line.to_string()));
                *out += format!(" {}", excerpt.text).trim_end();
            }
            let indent = " ".repeat(excerpt.before + 1);
            let underline = mark.underline(excerpt.columns);
            let underline = self.style.paint(mark.colour, &underline);
            *out += &format!("\n{}{indent}{underline}", self.bar(""));
            above = Some(mark);
        }
    }

    fn bar(&self, number: &str) -> String {
        let bar = format!("{number:>width$} |", width = self.width);
        self.style.paint(BLUE, &bar)
    }
}

/// The part of a line that is shown, and where the mark is in it.
struct Excerpt {
    text: String,
    /// Columns before the mark.
    before: usize,
    /// Columns under the mark, at least one.
    columns: usize,
    cropped: bool,
}

impl Excerpt {
    fn new(mark: &Mark<'_>) -> Excerpt {
        let text = mark.source.text();
        let line = mark.source.line(mark.at.line);
        let start = mark.span.start.clamp(line.start, line.end);
        let end = mark.span.end.clamp(start, line.end);
        let shown = if line.len() <= MAX_LINE {
            line.clone()
        } else {
            window(text, &line, start)
        };
        let prefix = if shown.start > line.start {
            ELLIPSIS
        } else {
            ""
        };
        let suffix = if shown.end < line.end { ELLIPSIS } else { "" };
        let before = printable(&text[shown.start..start]);
        let marked = printable(&text[start..end.min(shown.end)]);
        let after = printable(&text[end.min(shown.end)..shown.end]);
        Excerpt {
            before: columns(prefix) + columns(&before),
            columns: columns(&marked).max(1),
            text: format!("{prefix}{before}{marked}{after}{suffix}"),
            cropped: shown != line,
        }
    }
}

/// The bytes around `start` of a line that is too long to be shown.
fn window(text: &str, line: &Range<usize>, start: usize) -> Range<usize> {
    let back = text[line.start..start]
        .char_indices()
        .rev()
        .take(WINDOW_BEFORE);
    let from = back.last().map_or(start, |(at, _)| line.start + at);
    let ahead = text[start..line.end].char_indices().take(WINDOW_AFTER);
    let to = ahead
        .last()
        .map_or(start, |(at, last)| start + at + last.len_utf8());
    from..to
}

/// The text as a terminal may show it: nothing in it moves the cursor or reorders the line.
fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\t' => out.push_str(TAB),
            '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{feff}' => {
                out.push(char::REPLACEMENT_CHARACTER);
            }
            _ if letter.is_control() => out.push(char::REPLACEMENT_CHARACTER),
            _ => out.push(letter),
        }
    }
    out
}

fn columns(printable: &str) -> usize {
    printable
        .chars()
        .map(|letter| letter.width().unwrap_or(0))
        .sum()
}

impl Style {
    fn paint(self, colour: &str, text: &str) -> String {
        match self {
            Style::Plain => text.to_owned(),
            Style::Ansi => format!("{colour}{text}{RESET}"),
        }
    }
}

fn severity_colour(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => RED,
        Severity::Warning => YELLOW,
    }
}

/// Bytes of a line that is shown whole.
const MAX_LINE: usize = 160;
/// Characters shown before and after the start of a mark in a longer line.
const WINDOW_BEFORE: usize = 40;
const WINDOW_AFTER: usize = 80;
const ELLIPSIS: &str = "...";
/// A tab has this width wherever it stands, so that a line and its underline agree.
const TAB: &str = "    ";

const RED: &str = "\u{1b}[1;31m";
const YELLOW: &str = "\u{1b}[1;33m";
const BLUE: &str = "\u{1b}[1;34m";
const CYAN: &str = "\u{1b}[1;36m";
const RESET: &str = "\u{1b}[0m";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Code;

    fn render(text: &str, spans: &[(usize, usize, &str)]) -> String {
        let source = Source::new("a.json", text);
        let mut found = Diagnostic::error(Code::JsonSyntax, "message");
        for (start, end, label) in spans {
            found = found.label(&source, Span::new(*start, *end), *label);
        }
        found.to_string()
    }

    #[test]
    fn a_tab_is_four_columns() {
        let shown = render("\t\"a\": 1\r\n", &[(6, 7, "here")]);
        assert_eq!(
            shown,
            "message [json::syntax]\n --> a.json:1:7\n  |\n1 |     \"a\": 1\n  |          ^ here"
        );
    }

    #[test]
    fn a_wide_character_is_two_columns() {
        let shown = render("\"漢字\": \"é\"", &[(10, 14, "")]);
        assert!(
            shown.ends_with("1 | \"漢字\": \"é\"\n  |         ^^^"),
            "{shown}"
        );
        let shown = render("\"漢字\"", &[(0, 8, "")]);
        assert!(shown.ends_with("  | ^^^^^^"), "{shown}");
    }

    #[test]
    fn lines_of_one_source_share_a_frame() {
        let text = "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n";
        let shown = render(text, &[(18, 19, "second"), (0, 1, "first")]);
        let lines: Vec<_> = shown.lines().skip(1).collect();
        assert_eq!(
            lines,
            [
                "  --> a.json:10:1",
                "   |",
                " 1 | a",
                "   | - first",
                "...",
                "10 | j",
                "   | ^ second"
            ]
        );
    }

    #[test]
    fn places_on_one_line_share_it() {
        let shown = render("abc", &[(2, 3, "c"), (0, 1, "a")]);
        assert!(shown.ends_with("1 | abc\n  | - a\n  |   ^ c"), "{shown}");
    }

    #[test]
    fn a_long_line_is_cropped_around_the_place() {
        let text = format!("{}HERE{}", "x".repeat(5000), "y".repeat(5000));
        let shown = render(&text, &[(5000, 5004, "")]);
        let lines: Vec<_> = shown.lines().collect();
        assert_eq!(lines[3].chars().count(), 4 + 3 + 40 + 80 + 3);
        let column = lines[3].find("HERE").unwrap();
        assert_eq!(lines[4].find("^^^^"), Some(column));
    }

    #[test]
    fn nothing_moves_the_cursor() {
        let shown = render("\u{1b}[31m\u{202e}", &[(0, 1, "")]);
        assert!(shown.contains("1 | \u{fffd}[31m\u{fffd}"), "{shown}");
    }

    #[test]
    fn a_place_behind_the_end_is_shown() {
        assert!(render("", &[(0, 0, "")]).ends_with("1 |\n  | ^"));
        assert!(render("ab\n", &[(3, 9, "")]).ends_with("2 |\n  | ^"));
    }

    #[test]
    fn several_lines_are_underlined_on_the_first() {
        assert!(render("{\n  1\n}", &[(0, 7, "")]).ends_with("1 | {\n  | ^"));
    }

    #[test]
    fn colours_change_no_text() {
        let source = Source::new("a.json", "abc");
        let found = Diagnostic::warning(Code::JsonSyntax, "message")
            .help("do this")
            .label(&source, Span::new(0, 3), "here");
        let mut plain = found.render(Style::Ansi);
        for colour in [RED, YELLOW, BLUE, CYAN, RESET] {
            plain = plain.replace(colour, "");
        }
        assert_eq!(plain, found.render(Style::Plain));
        assert_eq!(plain, found.to_string());
    }
}
