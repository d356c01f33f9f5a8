//! Path parameters.

use core::fmt::Display;

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
