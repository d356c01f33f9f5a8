//! Topic names and filters.

/// Tells whether `filter` is well-formed: `+` and `#` fill a level, and `#` is the last one.
pub(crate) fn is_filter(filter: &str) -> bool {
    let mut levels = filter.split('/').peekable();
    let mut valid = !filter.is_empty() && !filter.contains('\0');
    while let Some(level) = levels.next() {
        valid &= match level {
            "#" => levels.peek().is_none(),
            "+" => true,
            _ => !level.contains(['+', '#']),
        };
    }
    valid
}

/// Tells whether a topic name is well-formed. The name need not be UTF-8: the server looks at that
/// later.
pub(crate) fn is_name(topic: &[u8]) -> bool {
    !topic.is_empty() && !topic.iter().any(|byte| matches!(byte, b'+' | b'#' | 0))
}

/// Tells whether a well-formed filter matches a topic.
pub(crate) fn matches(filter: &str, topic: &str) -> bool {
    let mut levels = topic.split('/');
    for pattern in filter.split('/') {
        match (pattern, levels.next()) {
            ("#", _) => return true,
            ("+", Some(_)) => {}
            (pattern, Some(level)) if pattern == level => {}
            _ => return false,
        }
    }
    levels.next().is_none()
}

/// Returns what follows `base`, with its leading slash; the empty string for `base` itself.
pub(crate) fn below<'t>(base: &str, topic: &'t [u8]) -> Option<&'t [u8]> {
    let rest = topic.strip_prefix(base.as_bytes())?;
    matches!(rest, [] | [b'/', ..]).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_stand_for_whole_levels() {
        for filter in ["a", "a/b", "+", "#", "a/+/b", "a/#", "/", "a//b", "+/#"] {
            assert!(is_filter(filter), "{filter}");
        }
        for filter in ["", "a#", "#/a", "a/b+", "a/#/b", "\0"] {
            assert!(!is_filter(filter), "{filter}");
        }
    }

    #[test]
    fn filters_match_topics() {
        for (filter, topic) in [
            ("a/b", "a/b"),
            ("a/+", "a/b"),
            ("a/#", "a/b/c"),
            ("a/#", "a"),
            ("a/+/c", "a/b/c"),
            ("a/+", "a/"),
            ("#", "a/b"),
        ] {
            assert!(matches(filter, topic), "{filter} {topic}");
        }
        for (filter, topic) in [
            ("a/b", "a"),
            ("a", "a/b"),
            ("a/+", "a"),
            ("a/+", "a/b/c"),
            ("a/b/#", "a/c"),
        ] {
            assert!(!matches(filter, topic), "{filter} {topic}");
        }
    }

    #[test]
    fn names_have_no_wildcards() {
        assert!(is_name(b"a/b"));
        assert!(is_name(b"a/\xff"));
        assert!(!is_name(b""));
        assert!(!is_name(b"a/+"));
    }

    #[test]
    fn the_base_is_two_whole_levels() {
        assert_eq!(below("r/d", b"r/d"), Some(&b""[..]));
        assert_eq!(below("r/d", b"r/d/x/y"), Some(&b"/x/y"[..]));
        assert_eq!(below("r/d", b"r/d/"), Some(&b"/"[..]));
        assert_eq!(below("r/d", b"r/dx"), None);
        assert_eq!(below("r/d", b"r"), None);
    }
}
