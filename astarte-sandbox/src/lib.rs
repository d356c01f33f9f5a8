//! An Astarte in one process, to run and test devices with nothing installed.
//!
//! A [`Sandbox`] has the pairing API, the MQTT broker with mutual TLS, and the checks that the
//! server makes of everything a device sends. It starts in milliseconds on free ports, any number
//! of them fit in a process, and it stops when it is dropped. The control API installs interfaces,
//! registers devices, publishes to them, and waits for what they do.
//!
//! # Examples
//!
//! ```
//! use astarte_sandbox::Sandbox;
//!
//! # async fn run_device(_: &str, _: &str, _: &str, _: &str, _: &str) {}
//! # async fn test() -> Result<(), Box<dyn std::error::Error>> {
//! let sandbox = Sandbox::builder().interfaces_dir("interfaces").start().await?;
//! let device = sandbox.register_device()?;
//! let (id, secret) = (device.id().to_string(), device.credentials_secret().unwrap());
//! run_device(sandbox.pairing_url(), sandbox.realm(), &id, &secret, &sandbox.ca_pem()).await;
//!
//! device.ready().await?;
//! let reading = device.received("org.example.Readings", "/kitchen/temperature").await?;
//! assert_eq!(reading.value(), Some(&astarte_sandbox::Value::Double(21.5)));
//! # Ok(())
//! # }
//! ```
//!
//! # What can go wrong
//!
//! A [`Device`] can be given the bad days of a real one: connections that are
//! [refused](Device::refuse_connections), [stalled](Device::stall) or [slow](Device::set_latency),
//! [lost acknowledgements](Device::lose_acknowledgements), a [full queue](Device::limit_queue),
//! [expired](Device::expire_certificates) and [revoked](Device::revoke_certificates) certificates, a
//! server that [disconnects](Device::drop_connection) it or [forgets](Device::kick) it, and a pairing
//! API that [fails](Sandbox::fail_pairing). [`heal`](Device::heal) ends them. What went over the wire
//! meanwhile can be [recorded](Builder::record_packets).
//!
//! The server itself comes in [versions](Builder::server_version), and with or without its [known
//! faults](Builder::profile).
//!
//! # The program
//!
//! `astarte-sandbox` is the same for people, and for devices in other languages: it says where
//! everything is and what to try, and then what devices do. Where a message breaks the rules of its
//! interface it shows the place in the file.
//!
//! ```text
//! astarte-sandbox --interfaces interfaces --credentials try
//! ```
//!
//! `--credentials` writes the files with which `mosquitto_pub` can play a device, `--data` keeps
//! the state between runs, `--json` writes JSON lines, `--help` has the rest.
//!
//! # Speed
//!
//! One device can send some hundred thousand messages a second, and thousands of devices can be
//! connected; each takes about 16 kB while it is idle. Of each path the newest messages are kept,
//! [10 000](Builder::kept_messages) of them by default, and as many [events](Builder::kept_events).
//!
//! # Differences to a cluster
//!
//! - One realm, one key for its tokens: P-256, so `ES256`.
//! - Interfaces are not cached: an update is seen at once.
//! - Messages on which the real server gets stuck for ever are answered like any other error, and
//!   marked with `would_wedge`.
//! - Interfaces with `encrypted` mappings can be installed, but there is no key agreement: data on
//!   them are an error, as they are on a server from 1.4 without one.
//! - The broker neither keeps nor delivers retained messages.

mod authority;
mod broker;
mod bson;
mod builder;
mod clock;
#[cfg(test)]
mod conformance;
mod core;
mod device;
mod error_name;
mod event;
mod event_log;
mod fault;
mod http;
mod inbox;
mod installed;
mod json;
mod jwt;
mod pairing;
mod path;
mod pem;
mod profile;
mod received;
mod recording;
mod registry;
mod sandbox;
mod slot;
mod store;
mod sync;
mod updater;
mod wait;
mod x509;

pub use astarte_interface::{DeviceId, Interface, Source, Value, Version};

pub use builder::{Builder, StartError};
pub use device::{Device, PublishError};
pub use error_name::ErrorName;
pub use event::{Declaration, DeviceError, Disconnection, Event, EventKind};
pub use event_log::Events;
pub use fault::{PairingFault, PairingRoute, Refusal};
pub use installed::{InstallError, IntoInterface, UpdateError};
pub use profile::{Profile, ServerVersion, ServerVersionError};
pub use received::{Content, Received};
pub use recording::{Direction, RecordedPacket};
pub use registry::RegisterError;
pub use sandbox::{Sandbox, SignError};
pub use store::DataError;
pub use wait::{Wait, WaitError};
