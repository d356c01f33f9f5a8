//! The runtime of typed Astarte devices: what generated code and applications use.
//!
//! Interfaces become Rust types through [`astarte_interface`](macro@astarte_interface) or through `astarte-build` in a
//! build script. A [`Device`] is built from them, pairs, connects, and hands out one typed handle an interface.
//!
//! Without its features this crate is the codec and the traits of generated code alone: no async, no I/O.
//!
//! | feature | default | adds |
//! |---|---|---|
//! | `derive` | yes | the macros |
//! | `mqtt` | yes | [`Device`], handles, the MQTT session, retention in memory |
//! | `pairing` | yes | registration and credentials over HTTP |
//! | `redb` | yes | properties on disk |

mod abi;
mod descriptor;
mod endpoint;
mod error;
mod event;
#[cfg(feature = "mqtt")]
mod identity;
mod interface;
pub mod kind;
mod object;
#[cfg(feature = "pairing")]
pub mod pairing;
mod param;
mod path;
pub mod payload;
#[cfg(feature = "mqtt")]
mod session;
pub mod timestamp;
#[cfg(feature = "mqtt")]
mod tls;
mod value;
pub mod wire;

pub use self::descriptor::{Descriptor, Mapping, Ownership, Reliability, Retention, Type, Version};
pub use self::endpoint::{
    Endpoint, ExplicitTimestamp, ReceptionTimestamp, Unsettable, WritePath, unset,
};
pub use self::error::{DecodeError, ParamError, TimestampError, ValueError};
pub use self::event::{EventSet, Events, PropertyEvents, ReceiveObject, ServerEvent};
pub use self::interface::Interface;
pub use self::object::{FromObject, Object, ObjectInterface, ObjectPath};
pub use self::param::Param;
pub use self::path::{Levels, PathWriter, parse_param};
pub use self::timestamp::Timestamp;
pub use self::value::{BlobArray, Decode, Encode, StringArray};
