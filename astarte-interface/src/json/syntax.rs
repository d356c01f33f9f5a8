//! What keeps a text from being JSON, and what to write instead.

use crate::diagnostic::{Code, Diagnostic};
use crate::source::{Source, Span};

/// Says what keeps a text from being JSON.
pub(super) fn syntax(source: &Source, error: &serde_json::Error) -> Diagnostic {
    let text = source.text();
    if text.starts_with('\u{feff}') {
        return Diagnostic::error(
            Code::JsonSyntax,
            "the text begins with a byte order mark, which is not JSON",
        )
        .label(source, Span::new(0, 3), "")
        .help("save the file as UTF-8 without a byte order mark");
    }
    if error.is_eof() {
        let end = text.trim_end().len();
        let last = text[..end].chars().next_back().map_or(0, char::len_utf8);
        return not_json(&reason(error)).label(
            source,
            Span::new(end - last, end),
            "the text ends here",
        );
    }
    let at = fault(text, error);
    if let Some(comma) = trailing_comma(text, at) {
        return not_json("a comma stands before the end of an object or array").label(
            source,
            Span::new(comma, comma + 1),
            "remove this comma",
        );
    }
    let length = text[at..].chars().next().map_or(0, char::len_utf8);
    not_json(&reason(error))
        .label(source, Span::new(at, at + length), "")
        .maybe_help(remedy(text, at).map(str::to_owned))
}

pub(super) fn not_json(reason: &str) -> Diagnostic {
    Diagnostic::error(Code::JsonSyntax, format!("the text is not JSON: {reason}"))
}

/// The comma before the closing bracket at an offset.
fn trailing_comma(text: &str, at: usize) -> Option<usize> {
    let before = text[..at].trim_end();
    let closes = text[at..].starts_with(['}', ']']);
    (closes && before.ends_with(',')).then(|| before.len() - 1)
}

/// The offset of the character that was not expected.
fn fault(text: &str, error: &serde_json::Error) -> usize {
    let lines = text
        .split_inclusive('\n')
        .take(error.line().saturating_sub(1));
    let line: usize = lines.map(str::len).sum();
    let at = (line + error.column().saturating_sub(1)).min(text.len());
    text.floor_char_boundary(at)
}

/// What the character at the fault says about the slip.
fn remedy(text: &str, at: usize) -> Option<&'static str> {
    let before = text[..at].trim_end().chars().next_back();
    match text[at..].chars().next()? {
        '/' | '#' => Some("JSON has no comments"),
        '\'' => Some("strings and keys stand in double quotes"),
        '"' if before.is_some_and(|before| before != ',') => {
            Some("is a comma or colon missing before it?")
        }
        'T' | 'F' | 'N' => Some("JSON writes `true`, `false` and `null`, in lower case"),
        letter if letter.is_alphabetic() => Some("strings and keys stand in double quotes"),
        letter if letter.is_control() => Some("write it as an escape, such as `\\n`"),
        _ => None,
    }
}

/// The message in the words of JSON, without the position, which the frame shows.
pub(super) fn reason(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let position = format!(" at line {} column {}", error.line(), error.column());
    let message = message.strip_suffix(&position).unwrap_or(&message);
    match message {
        "expected ident" => "expected `true`, `false` or `null`".to_owned(),
        "trailing characters" => "something stands behind the value".to_owned(),
        _ => message.replace("EOF while parsing", "the text ends inside of"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_where_they_are() {
        for (text, place) in [
            ("{\"a\": 1,}", ","),
            ("[1, 2 , ]", ","),
            ("{\n  'a': 1\n}", "'"),
            ("{\"a\": True}", "T"),
            ("{\"a\" 1}", "1"),
            ("{\"é\": nope}", "o"),
            ("{} x", "x"),
            ("{\"a\": // no\n1}", "/"),
        ] {
            let source = Source::new("a.json", text);
            let found = crate::json::read(&source).unwrap_err();
            assert_eq!(found.code(), Code::JsonSyntax);
            assert_eq!(
                source.slice(found.labels()[0].span),
                place,
                "{text}: {found}"
            );
        }
    }
}
