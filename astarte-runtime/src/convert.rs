//! Conversions to and from the types of other crates, each behind the feature of its name.

#[cfg(feature = "chrono")]
mod chrono;
#[cfg(feature = "jiff")]
mod jiff;
#[cfg(feature = "uuid")]
mod uuid;

/// The error of a value that the type of another crate refuses.
#[cfg(any(feature = "jiff", feature = "uuid"))]
fn refused(expected: &'static str, reason: &dyn core::fmt::Display) -> crate::DecodeError {
    crate::DecodeError::Value {
        expected,
        reason: reason.to_string(),
    }
}
