//! Looking for a `#[derive]` above the attribute, which rustc has expanded, and removed, by the time the attribute runs.

/// Whether one of the attributes at the end of this text is a derive.
pub(super) fn ends_in_derive(text: &str) -> bool {
    let mut rest = text;
    loop {
        rest = without_comment(rest.trim_end());
        let Some(start) = attribute_start(rest) else {
            return false;
        };
        if is_derive(&rest[start..]) {
            return true;
        }
        rest = &rest[..start];
    }
}

/// Drops the last line where it is a comment.
fn without_comment(text: &str) -> &str {
    let mut text = text;
    loop {
        let line_start = text.rfind('\n').map_or(0, |at| at + 1);
        if !text[line_start..].trim_start().starts_with("//") {
            return text;
        }
        text = text[..line_start].trim_end();
    }
}

/// Where the attribute that ends the text begins.
fn attribute_start(text: &str) -> Option<usize> {
    if !text.ends_with(']') {
        return None;
    }
    let mut depth = 0_usize;
    for (at, letter) in text.char_indices().rev() {
        match letter {
            ']' => depth += 1,
            '[' => depth = depth.checked_sub(1)?,
            _ => {}
        }
        if depth == 0 {
            return text[..at].trim_end().strip_suffix('#').map(str::len);
        }
    }
    None
}

/// `#[derive(..)]`, or one under `cfg_attr`.
fn is_derive(attribute: &str) -> bool {
    let words = attribute.trim_start_matches(['#', '[', ' ', '\n', '\r', '\t']);
    let conditional = words.starts_with("cfg_attr");
    words.starts_with("derive")
        || (conditional
            && words
                .split(',')
                .any(|word| word.trim_start().starts_with("derive")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derives_are_found_behind_other_attributes() {
        for text in [
            "#[derive(Debug)]\n",
            "#[derive(Debug)] ",
            "#[derive(\n    Debug,\n    Hash,\n)]\n// a comment\n",
            "#[derive(Debug)]\n/// Documented.\n#[cfg(any(a, b))]\n",
            "# [ derive(Debug) ]\n#[doc = \"x\"]\n",
            "#[cfg_attr(test, derive(Debug))]\n",
        ] {
            assert!(ends_in_derive(text), "{text}");
        }
    }

    #[test]
    fn other_items_are_not_looked_at() {
        for text in [
            "",
            "#[derive(Debug)]\nstruct Other;\n",
            "#[derive(Debug)]\nstruct Other {}\n#[cfg(test)]\n",
            "// #[derive(Debug)]\n",
            "/// #[derive(Debug)]\n#[cfg(test)]\n",
            "let x = [1];\nlet y = x[0]",
            "#[cfg_attr(test, serde(derive_this))]\n",
        ] {
            assert!(!ends_in_derive(text), "{text}");
        }
    }
}
