//! Patterns of interface names.

/// Whether a name matches a pattern, in which `*` stands for any characters, none included.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else {
        return pattern == name;
    };
    let Some(name) = name.strip_prefix(first) else {
        return false;
    };
    let starts = name.char_indices().map(|(at, _)| at).chain([name.len()]);
    starts.into_iter().any(|at| matches(rest, &name[at..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_anything() {
        for (pattern, name, expected) in [
            ("org.example.A", "org.example.A", true),
            ("org.example.A", "org.example.AB", false),
            ("org.example.*", "org.example.A", true),
            ("org.example.*", "org.example.", true),
            ("*.A", "org.example.A", true),
            ("*.A", "org.example.B", false),
            ("org.*.x.*", "org.a.b.x.y", true),
            ("*", "", true),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }
}
