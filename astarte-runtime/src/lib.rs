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
//! | `redb` | yes | properties, unsent messages and the session on disk |
//! | `bundled-roots` | no | root certificates for systems that have none |
//! | `tracing` | no | logs: what the status stream tells, the steps of a handshake, errors of the stores |
//! | `chrono`, `jiff`, `uuid` | no | values and timestamps of the types of these crates |

mod abi;
#[cfg(feature = "mqtt")]
mod any_error;
#[cfg(feature = "mqtt")]
mod certificate;
#[cfg(feature = "mqtt")]
mod clock;
#[cfg(feature = "mqtt")]
mod config;
mod convert;
#[cfg(feature = "mqtt")]
mod credentials;
#[cfg(feature = "mqtt")]
mod delivery;
mod descriptor;
#[cfg(feature = "mqtt")]
mod device;
mod endpoint;
mod error;
mod event;
mod find;
#[cfg(all(fuzzing, feature = "mqtt"))]
#[doc(hidden)]
pub mod fuzz;
#[cfg(feature = "mqtt")]
pub mod handle;
#[cfg(feature = "mqtt")]
mod identity;
#[cfg(feature = "mqtt")]
mod inbox;
mod interface;
pub mod kind;
mod macros;
#[cfg(feature = "mqtt")]
mod metrics;
mod object;
#[cfg(feature = "mqtt")]
mod outbox;
#[cfg(feature = "pairing")]
pub mod pairing;
mod param;
mod path;
pub mod payload;
#[cfg(feature = "mqtt")]
mod prepared;
#[cfg(feature = "mqtt")]
mod publish;
#[cfg(feature = "mqtt")]
mod purge;
#[cfg(feature = "mqtt")]
mod sending;
#[cfg(feature = "mqtt")]
mod session;
#[cfg(feature = "mqtt")]
mod status;
#[cfg(feature = "mqtt")]
pub mod store;
pub mod timestamp;
#[cfg(feature = "mqtt")]
mod tls;
#[cfg(feature = "mqtt")]
mod trace;
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
pub use self::param::{FromParam, Param, ParamStr};
pub use self::path::{Levels, PathWriter, parse_param};
pub use self::timestamp::Timestamp;
pub use self::value::{BlobArray, Decode, Encode, StringArray};

#[cfg(feature = "mqtt")]
pub use self::{
    any_error::Error,
    clock::{ClockError, SystemClock, TimeSource},
    config::Config,
    credentials::{Credentials, CredentialsError},
    delivery::{Delivery, DeliveryError, Receipt},
    device::{Builder, ConnectError, Device, InterfaceError},
    handle::{
        DatastreamReceiver, DatastreamSender, EventReceiver, Handle, ObjectReceiver, ObjectSender,
        PropertyCache, PropertyError, PropertyReader, PropertyWriter, Register,
    },
    identity::{DeviceId, DeviceIdError, Realm, RealmError},
    inbox::Closed,
    metrics::{Dropped, Metrics},
    sending::{SendError, Sending},
    status::{Disconnected, Hint, RejectReason, Rejected, Status, StatusStream},
    tls::{Tls, TlsError},
};

#[cfg(feature = "mqtt")]
#[doc(hidden)]
pub use self::device::Registrar;

#[cfg(feature = "derive")]
pub use self::macros::{AstarteEvents, AstarteObject, AstarteValue, astarte_interface};
