//! Path parameters.

use core::{
    fmt::{self, Display},
    str::FromStr,
};

use crate::error::ParamError;

/// A type that can stand for a parameter of an endpoint, such as `%{room}`.
///
/// Every type that can be displayed is one. What it displays must not be empty, nor hold `/`, `+`, `#` or NUL: this is
/// checked when a path is written.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a path parameter",
    label = "not a path parameter",
    note = "a path parameter is any type that implements `Display`: strings, integers, types of your own"
)]
pub trait Param: Display {}

#[diagnostic::do_not_recommend]
impl<T: Display + ?Sized> Param for T {}

/// A type that a parameter of a received path can become.
///
/// Every type that can be read from text is one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read from a path",
    label = "not a type for a parameter",
    note = "the type of a parameter implements `Display` and `FromStr`"
)]
pub trait FromParam: Sized {
    /// Reads a level of a path, or refuses it.
    fn from_param(level: &str) -> Option<Self>;
}

#[diagnostic::do_not_recommend]
impl<T: FromStr> FromParam for T {
    fn from_param(level: &str) -> Option<Self> {
        level.parse().ok()
    }
}

/// A text that is known to be a parameter.
///
/// Where the text stands in the code, rustc checks it:
///
/// ```
/// use astarte_runtime::ParamStr;
///
/// const KITCHEN: ParamStr<'_> = ParamStr::literal("kitchen");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ParamStr<'a>(&'a str);

impl ParamStr<'static> {
    /// Takes a text that stands in the code, for a `const`, or in a block: `const { ParamStr::literal("kitchen") }`.
    ///
    /// # Panics
    ///
    /// - The text is empty, or holds `/`, `+`, `#` or NUL. In a `const` this is an error of the compiler; for a text that
    ///   is not known to it there is [`new`](Self::new).
    #[must_use]
    #[track_caller]
    pub const fn literal(text: &'static str) -> Self {
        assert!(!text.is_empty(), "a parameter is not empty");
        match forbidden(text) {
            None => Self(text),
            Some('/') => panic!("a parameter is one level of a path: it does not hold `/`"),
            Some('+') => panic!("a parameter does not hold `+`, which is a wildcard of MQTT"),
            Some('#') => panic!("a parameter does not hold `#`, which is a wildcard of MQTT"),
            Some(_) => panic!("a parameter does not hold NUL"),
        }
    }
}

impl<'a> ParamStr<'a> {
    /// Takes a text.
    ///
    /// # Errors
    ///
    /// - The text is empty, or holds `/`, `+`, `#` or NUL.
    pub fn new(text: &'a str) -> Result<Self, ParamError> {
        const NAME: &str = "text";
        if text.is_empty() {
            return Err(ParamError::Empty { name: NAME });
        }
        match forbidden(text) {
            None => Ok(Self(text)),
            Some(found) => Err(ParamError::Character {
                name: NAME,
                value: text.to_owned(),
                found,
            }),
        }
    }

    /// The text.
    #[must_use]
    pub const fn as_str(self) -> &'a str {
        self.0
    }
}

impl AsRef<str> for ParamStr<'_> {
    fn as_ref(&self) -> &str {
        self.0
    }
}

impl Display for ParamStr<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The first character that a parameter does not hold.
const fn forbidden(text: &str) -> Option<char> {
    // They are single bytes, which no other character of UTF-8 has in it.
    let mut rest = text.as_bytes();
    while let [byte, after @ ..] = rest {
        if matches!(byte, b'/' | b'+' | b'#' | 0) {
            return Some(*byte as char);
        }
        rest = after;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_checked_as_paths_check_them() {
        const KITCHEN: ParamStr<'_> = ParamStr::literal("Küche");
        assert_eq!(ParamStr::new("Küche"), Ok(KITCHEN));
        assert_eq!(KITCHEN.to_string(), "Küche");
        assert!(matches!(ParamStr::new(""), Err(ParamError::Empty { .. })));
        for found in ['/', '+', '#', '\0'] {
            let text = format!("ü{found}/");
            assert!(matches!(
                ParamStr::new(&text),
                Err(ParamError::Character { found: first, .. }) if first == found
            ));
        }
    }
}
