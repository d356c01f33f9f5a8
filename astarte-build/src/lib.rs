//! The compiler from Astarte interfaces to Rust, for build scripts.
//!
//! What is generated from an interface file, and how it is used, is told by the documentation of `astarte-runtime`;
//! this crate runs it in a build script, for a whole folder of files:
//!
//! ```no_run
//! // build.rs
//! fn main() -> Result<(), astarte_build::Error> {
//!     astarte_build::Config::new().interfaces_dir("interfaces").compile()
//! }
//! ```
//!
//! ```text
//! // lib.rs
//! pub mod interfaces {
//!     astarte_runtime::include_interfaces!();
//! }
//! ```
//!
//! Beside the types of the interfaces the output has `Incoming`, an enum over the events of all server-owned ones, and
//! `register`, which adds all of them to a device and returns their handles.
//!
//! The modules [`codegen`], [`names`] and [`macros`] are what the macros of `astarte-derive` are made of. They change
//! with them, in any version.

mod check;
pub mod codegen;
mod config;
mod docs;
mod error;
pub mod macros;
pub mod names;
mod pattern;

pub use self::config::Config;
pub use self::error::{Error, SettingError};
