//! Text of interface files, made safe as documentation.
//!
//! What stands in `description` and `doc` is text of the interface's author. It must not become a code block that runs as
//! a doctest, a link that is broken, or HTML. Paragraphs, lists and inline code are kept.

/// The lines of a documentation comment for a text.
pub(crate) fn lines(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut in_list = false;
    for line in text.lines() {
        let line: String = line.chars().filter_map(printable).collect();
        let line = line.trim();
        if line.is_empty() {
            in_list = false;
            // Markdown needs one blank line at most, and none at the beginning.
            if lines.last().is_some_and(|last: &String| !last.is_empty()) {
                lines.push(String::new());
            }
            continue;
        }
        let safe = match list_item(line) {
            Some(item) => format!("- {}", escape(item)),
            None if in_list => format!("  {}", escape(line)),
            None => escape(line),
        };
        in_list |= list_item(line).is_some();
        lines.push(safe);
    }
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines
}

/// A text as inline code, such as an endpoint.
pub(crate) fn code(text: &str) -> String {
    format!("`{}`", text.replace('`', "'"))
}

/// Control characters become spaces; those that change the direction of text are dropped, because rustc denies them.
fn printable(letter: char) -> Option<char> {
    match letter {
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => None,
        _ if letter.is_control() => Some(' '),
        _ => Some(letter),
    }
}

fn list_item(line: &str) -> Option<&str> {
    let item = line.strip_prefix(['-', '*', '+'])?.strip_prefix(' ')?;
    Some(item.trim_start()).filter(|item| !item.is_empty())
}

/// Escapes a line. Pairs of single backticks stay code.
fn escape(line: &str) -> String {
    let parts: Vec<&str> = line.split('`').collect();
    let paired = parts.len() % 2 == 1 && !line.contains("``");
    let mut out = String::with_capacity(line.len() + 8);
    for (at, part) in parts.iter().enumerate() {
        if paired && at % 2 == 1 {
            out.push('`');
            out.push_str(part);
            out.push('`');
            continue;
        }
        if !paired && at > 0 {
            out.push_str("\\`");
        }
        escape_text(part, &mut out);
    }
    // A line of these alone is a rule, or makes a heading of the line above it; one before a space begins a list.
    let ruler = |c: char| matches!(c, '-' | '=' | '+' | ' ');
    if out.starts_with(['-', '=', '+']) && (out.chars().all(ruler) || out[1..].starts_with(' ')) {
        out.insert(0, '\\');
    }
    // Numbers would begin a list, whose next lines had to be indented.
    let digits = out.bytes().take_while(u8::is_ascii_digit).count();
    if digits > 0 && out[digits..].starts_with(['.', ')']) {
        out.insert(digits, '\\');
    }
    out
}

fn escape_text(text: &str, out: &mut String) {
    let mut rest = text;
    while let Some(at) = rest
        .find("https://")
        .into_iter()
        .chain(rest.find("http://"))
        .min()
    {
        let (before, from) = rest.split_at(at);
        escape_word(before, out);
        let url = url(from);
        match url.ends_with("//") {
            true => escape_word(url, out),
            false => out.extend(["<", url, ">"]),
        }
        rest = &from[url.len()..];
    }
    escape_word(rest, out);
}

/// The address that a text begins with, without the punctuation behind it.
fn url(text: &str) -> &str {
    let outside =
        |c: char| c.is_whitespace() || matches!(c, '<' | '>' | '\\' | '"' | '[' | ']' | '|');
    let end = text.find(outside).unwrap_or(text.len());
    text[..end].trim_end_matches(['.', ',', ';', ':', '!', '?', ')', '\''])
}

fn escape_word(word: &str, out: &mut String) {
    for letter in word.chars() {
        if matches!(
            letter,
            '\\' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '|' | '~' | '&' | '$'
        ) {
            out.push('\\');
        }
        out.push(letter);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(text: &str) -> String {
        lines(text).join("\n")
    }

    #[test]
    fn paragraphs_lists_and_code_stay() {
        assert_eq!(
            joined("One.\r\n\r\n\r\n* two `a_b`\nmore\n- three\n\nFour.\n\n"),
            "One.\n\n- two `a_b`\n  more\n- three\n\nFour."
        );
    }

    #[test]
    fn nothing_becomes_a_code_block() {
        assert_eq!(
            joined("    let x = 1;\n\t\tpanic!()"),
            "let x = 1;\npanic!()"
        );
        assert_eq!(
            joined("```\npanic!()\n```"),
            "\\`\\`\\`\npanic!()\n\\`\\`\\`"
        );
        assert_eq!(joined("~~~\npanic!()"), "\\~\\~\\~\npanic!()");
        assert_eq!(joined("-     panic!()"), "- panic!()");
    }

    #[test]
    fn links_html_and_headings_are_text() {
        assert_eq!(joined("see [Self] and <b>"), "see \\[Self\\] and \\<b\\>");
        assert_eq!(joined("# No"), "\\# No");
        assert_eq!(joined("Title\n==="), "Title\n\\===");
        assert_eq!(joined("1. one"), "1\\. one");
        assert_eq!(joined("a ` b"), "a \\` b");
        assert_eq!(joined("&lt;"), "\\&lt;");
    }

    #[test]
    fn addresses_are_links() {
        assert_eq!(
            joined("see https://example.org/a_b."),
            "see <https://example.org/a_b>."
        );
        assert_eq!(
            joined("<b>http://example.org</b>"),
            "\\<b\\><http://example.org>\\</b\\>"
        );
        assert_eq!(joined("https://<x>"), "https://\\<x\\>");
    }

    #[test]
    fn directions_of_text_are_dropped() {
        assert_eq!(joined("a\u{202e}b\u{0}c"), "ab c");
    }
}
