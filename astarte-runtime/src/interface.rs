//! The trait of interface types.

use crate::{descriptor::Descriptor, kind};

/// An Astarte interface, as a type. Implemented by generated code alone.
///
/// Specification: [Interfaces](https://docs.astarte-platform.org/astarte/latest/030-interface.html).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an Astarte interface",
    label = "not an interface",
    note = "an interface is a struct with `#[astarte_interface(\"file.json\")]`, or comes from a build script"
)]
pub trait Interface: Sized + Send + Sync + 'static {
    /// Which of the six kinds it is; the kind decides on the handle.
    type Kind: kind::Kind;

    /// What its file says.
    const DESCRIPTOR: Descriptor;
}
