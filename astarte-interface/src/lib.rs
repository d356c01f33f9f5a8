//! The schema of Astarte interfaces.
//!
//! An interface is a JSON document that says what a device and the cloud may tell each other.
//! This crate reads such documents with the position of every fact, checks them by the rules of
//! the Astarte server, and explains each refusal with the place in the file and the remedy.
//!
//! ```
//! use astarte_interface::{Interface, Source};
//!
//! let source = Source::new(
//!     "interfaces/org.example.Readings.json",
//!     r#"{
//!         "interface_name": "org.example.Readings",
//!         "version_major": 1,
//!         "version_minor": 0,
//!         "type": "datastream",
//!         "ownership": "device",
//!         "mappings": [{ "endpoint": "/%{room}/temperature", "type": "double" }]
//!     }"#,
//! );
//! let checked = Interface::parse(&source).map_err(|diagnostics| diagnostics.to_string())?;
//! let resolved = checked.interface.resolve("/kitchen/temperature")?;
//! assert_eq!(resolved.parameters, [("room", "kitchen")]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The entry points:
//!
//! - [`Interface::parse`] turns a [`Source`] into an [`Interface`] or into [`Diagnostics`];
//! - [`Interface::resolve`] finds the mapping of a path;
//! - [`Value::check`], [`Mapping::check`] and [`Object::check`] hold values against mappings;
//! - [`Compatibility::check`] says whether a document may replace another one;
//! - [`Lock`] keeps the shape of interfaces in a file for review and for later builds;
//! - [`Diagnostics::render`] shows what was found, in colour where there is a terminal.

mod check;
mod compat;
mod diagnostic;
mod endpoint;
mod identity;
mod interface;
mod introspection;
mod json;
mod lock;
mod mapping;
mod name;
mod parse;
mod resolve;
mod schema;
mod shape;
mod source;
mod suggest;
mod tree;
mod types;
mod value;
mod version;

pub use compat::Compatibility;
pub use diagnostic::{Code, Diagnostic, Diagnostics, Label, Severity, Stage, Style};
pub use endpoint::{Endpoint, EndpointError, Level, LevelError};
pub use identity::{DeviceId, DeviceIdError, RealmName, RealmNameError};
pub use interface::{Checked, Interface};
pub use introspection::{Introspection, IntrospectionError};
pub use lock::Lock;
pub use mapping::Mapping;
pub use name::{InterfaceName, InterfaceNameError};
pub use resolve::{PathError, ResolveError, Resolved};
pub use schema::{DatastreamMapping, Object, ObjectMapping, PropertyMapping, Schema};
pub use source::{Position, Source, Span};
pub use suggest::suggest;
pub use types::{
    Aggregation, InterfaceType, MappingType, Ownership, Reliability, Retention, UnknownWord,
};
pub use value::{ObjectError, Value, ValueError};
pub use version::Version;
