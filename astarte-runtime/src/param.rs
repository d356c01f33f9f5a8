//! Path parameters.

use core::{fmt::Display, str::FromStr};

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
