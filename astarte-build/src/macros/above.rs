//! Looking for a `#[derive]` above the attribute, which rustc has expanded, and removed, by the time the attribute runs.

/// What the attributes at the end of this text derive.
pub(super) fn derives(text: &str) -> Vec<String> {
    let mut derives = Vec::new();
    let mut rest = text;
    loop {
        rest = without_comment(rest.trim_end());
        let Some(start) = attribute_start(rest) else {
            return derives;
        };
        derives.extend(derived(&rest[start..]));
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

/// The traits in `#[derive(..)]`, or in one under `cfg_attr`.
fn derived(attribute: &str) -> Vec<String> {
    let words = attribute.trim_start_matches(['#', '[', ' ', '\n', '\r', '\t']);
    let derive = match words.strip_prefix("cfg_attr") {
        Some(conditional) => conditional
            .split_once(',')
            .map(|(_, attributes)| attributes.trim_start()),
        None => Some(words),
    };
    let Some(list) = derive.and_then(|derive| derive.strip_prefix("derive")) else {
        return Vec::new();
    };
    let list = list.trim_start().trim_start_matches('(');
    let list = list.split_once(')').map_or(list, |(list, _)| list);
    let last_segments = list.split(',').filter_map(|path| path.rsplit("::").next());
    last_segments
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derives_are_found_behind_other_attributes() {
        for (text, expected) in [
            ("#[derive(Debug)]\n", "Debug"),
            ("#[derive(std::hash::Hash)] ", "Hash"),
            (
                "#[derive(\n    Debug,\n    Hash,\n)]\n// a comment\n",
                "Debug Hash",
            ),
            (
                "#[derive(Debug)]\n/// Documented.\n#[cfg(any(a, b))]\n",
                "Debug",
            ),
            ("# [ derive(Debug) ]\n#[doc = \"x\"]\n", "Debug"),
            ("#[cfg_attr(test, derive(Debug))]\n", "Debug"),
            ("#[derive(Debug)]\n#[derive(Hash)]\n", "Hash Debug"),
        ] {
            assert_eq!(derives(text).join(" "), expected, "{text}");
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
            assert!(derives(text).is_empty(), "{text}");
        }
    }
}
