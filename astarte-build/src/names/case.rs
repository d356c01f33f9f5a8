//! From Astarte's words to Rust's spelling.

use proc_macro2::{Ident, Span};

/// `uptimeSeconds` and `uptime_seconds` become `UptimeSeconds`. What is upper case stays so.
pub(crate) fn upper_camel(word: &str) -> String {
    let mut out = String::with_capacity(word.len());
    for part in word.split(|c: char| !c.is_ascii_alphanumeric()) {
        let mut letters = part.chars();
        out.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        out.push_str(letters.as_str());
    }
    out
}

/// `uptimeSeconds` becomes `uptime_seconds`, `GPSTime` becomes `gps_time`. A leading underscore stays.
pub(crate) fn snake(word: &str) -> String {
    let mut out = String::with_capacity(word.len() + 4);
    let letters: Vec<char> = word.chars().collect();
    for (at, &letter) in letters.iter().enumerate() {
        if !letter.is_ascii_alphanumeric() {
            if !out.ends_with('_') {
                out.push('_');
            }
            continue;
        }
        let before = at.checked_sub(1).map(|before| letters[before]);
        let after = letters.get(at + 1);
        let begins = letter.is_ascii_uppercase()
            && before.is_some_and(|before| {
                before.is_ascii_lowercase()
                    || before.is_ascii_digit()
                    || (before.is_ascii_uppercase() && after.is_some_and(char::is_ascii_lowercase))
            });
        if begins && !out.ends_with('_') {
            out.push('_');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out
}

/// The name of a field: as [`snake`], with a letter in it.
pub(crate) fn field(word: &str) -> String {
    let name = snake(word);
    match name.contains(|c: char| c.is_ascii_alphabetic()) {
        true => name,
        false => format!("level{name}"),
    }
}

/// What two spellings of one word have in common: `gpsTime`, `gps_time` and `GPSTime` are the same.
pub(crate) fn folded(word: &str) -> String {
    let kept = word.chars().filter(char::is_ascii_alphanumeric);
    kept.map(|letter| letter.to_ascii_lowercase()).collect()
}

/// The identifier of a word: raw where it is a keyword, with an underscore where no raw form exists.
///
/// The word consists of ASCII letters, digits and underscores.
pub(crate) fn identifier(word: &str, span: Span) -> Ident {
    match word {
        "" | "_" => Ident::new("__", span),
        // Reserved since edition 2024, which syn's list is older than.
        "gen" => Ident::new_raw(word, span),
        "Self" | "crate" | "self" | "super" => Ident::new(&format!("{word}_"), span),
        _ if word.starts_with(|c: char| c.is_ascii_digit()) => {
            Ident::new(&format!("_{word}"), span)
        }
        _ => match syn::parse_str::<Ident>(word) {
            Ok(_) => Ident::new(word, span),
            Err(_) => Ident::new_raw(word, span),
        },
    }
}

/// An identifier without `r#`.
pub(crate) fn plain(ident: &Ident) -> String {
    let text = ident.to_string();
    text.strip_prefix("r#").map(str::to_owned).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types() {
        for (word, expected) in [
            ("temperature", "Temperature"),
            ("uptimeSeconds", "UptimeSeconds"),
            ("uptime_seconds", "UptimeSeconds"),
            ("SSID", "SSID"),
            ("_x_1", "X1"),
            ("_", ""),
        ] {
            assert_eq!(upper_camel(word), expected);
        }
    }

    #[test]
    fn fields() {
        for (word, expected) in [
            ("latitude", "latitude"),
            ("uptimeSeconds", "uptime_seconds"),
            ("uptime_seconds", "uptime_seconds"),
            ("GPSTime", "gps_time"),
            ("timeGPS", "time_gps"),
            ("value1A", "value1_a"),
            ("a__B", "a_b"),
            ("_x", "_x"),
            ("%{id}", "_id_"),
        ] {
            assert_eq!(snake(word), expected);
        }
        assert_eq!(field("_1"), "level_1");
        assert_eq!(folded("gpsTime"), folded("GPS_time"));
    }

    #[test]
    fn identifiers() {
        for (word, expected) in [
            ("room", "room"),
            ("type", "r#type"),
            ("async", "r#async"),
            ("gen", "r#gen"),
            ("self", "self_"),
            ("Self", "Self_"),
            ("_", "__"),
            ("", "__"),
            ("1", "_1"),
        ] {
            assert_eq!(identifier(word, Span::call_site()).to_string(), expected);
        }
    }
}
