//! Strings and numbers that `serde_json` passes over where nothing reads them, and other readers refuse.

use super::{decode, not_json};
use crate::diagnostic::Diagnostic;
use crate::source::{Source, Span};

/// Refuses half of a surrogate pair, and a number beyond the range of floating point, anywhere in a text that is JSON.
pub(super) fn check(source: &Source) -> Result<(), Diagnostic> {
    let text = source.text();
    let mut at = 0;
    while let Some(start) = text[at..].find(begins_scalar).map(|found| at + found) {
        let rest = &text[start..];
        let length = match rest.starts_with('"') {
            true => string_length(rest),
            false => rest.find(|c| !in_number(c)).unwrap_or(rest.len()),
        };
        let (scalar, span) = (&rest[..length], Span::new(start, start + length));
        if scalar.contains("\\u") {
            decode(source, scalar, span)?;
        } else if is_infinite(scalar) {
            let reason = "a number is beyond the range of floating point";
            return Err(not_json(reason).label(source, span, ""));
        }
        at = span.end;
    }
    Ok(())
}

fn begins_scalar(letter: char) -> bool {
    matches!(letter, '"' | '-' | '0'..='9')
}

fn in_number(letter: char) -> bool {
    matches!(letter, '-' | '+' | '.' | 'e' | 'E' | '0'..='9')
}

/// The bytes of the string that a text begins with, with its quotes.
fn string_length(text: &str) -> usize {
    let mut escaped = false;
    let end = text.bytes().skip(1).position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    });
    end.map_or(text.len(), |end| end + 2)
}

/// Whether it is such a number. Integers have no bound for the readers that have one for others.
fn is_infinite(scalar: &str) -> bool {
    let float = scalar.contains(['.', 'e', 'E']);
    float && scalar.parse().is_ok_and(f64::is_infinite)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Code;

    #[test]
    fn what_is_refused_is_shown() {
        for (text, place) in [
            (r#"{"a": [1e400]}"#, "1e400"),
            (r#"{"a": -1.5E+999, "b": 1}"#, "-1.5E+999"),
            (r#"[1, "\ud800"]"#, r#""\ud800""#),
            (r#"{"é\"\\": "\udc00\ud83d"}"#, r#""\udc00\ud83d""#),
            (r#"{"\uD83D": 1}"#, r#""\uD83D""#),
            (r#"["\\", "\ud800"]"#, r#""\ud800""#),
        ] {
            let source = Source::new("a.json", text);
            let found = check(&source).unwrap_err();
            assert_eq!(found.code(), Code::JsonSyntax);
            assert_eq!(source.slice(found.labels()[0].span), place, "{found}");
        }
    }

    #[test]
    fn all_else_is_left_alone() {
        let long = "9".repeat(500);
        for text in [
            "",
            "[]",
            r#"{"a": 1e308, "b": -0.0e-999, "c": "1e400", "d": "\ud83d\ude00"}"#,
            r#"["\\ud800", "\"1e400", 1e5, -1]"#,
            &long,
        ] {
            assert!(check(&Source::new("a.json", text)).is_ok(), "{text}");
        }
    }
}
