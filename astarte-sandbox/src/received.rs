//! What a device has sent.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use astarte_interface::Value;
use bytes::Bytes;

use crate::json;

/// A message of a device that passed the checks of the server. Cheap to clone.
#[derive(Clone)]
pub struct Received(Arc<Parts>);

pub(crate) struct Parts {
    pub(crate) interface: Arc<str>,
    pub(crate) path: Arc<str>,
    pub(crate) content: Content,
    pub(crate) timestamp: i64,
    pub(crate) reception: i64,
    pub(crate) qos: u8,
    pub(crate) payload: Bytes,
    pub(crate) would_wedge: bool,
}

/// What a message says.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Content {
    /// One value, in the type of its mapping.
    Individual(Value),
    /// The values of an object by key. A key that was sent as null has no value.
    Object(BTreeMap<String, Option<Value>>),
    /// The property is unset.
    Unset,
}

impl Received {
    pub(crate) fn new(parts: Parts) -> Received {
        Received(Arc::new(parts))
    }

    /// Returns the name of the interface.
    #[must_use]
    pub fn interface(&self) -> &str {
        &self.0.interface
    }

    /// Returns the path, with its leading slash.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.0.path
    }

    /// Returns interface and path, which are shared by the messages of a path.
    pub(crate) fn address(&self) -> (&Arc<str>, &Arc<str>) {
        (&self.0.interface, &self.0.path)
    }

    /// Returns what the message says.
    #[must_use]
    pub fn content(&self) -> &Content {
        &self.0.content
    }

    /// Returns the value of an individual message, `None` for an object and an unset.
    #[must_use]
    pub fn value(&self) -> Option<&Value> {
        match self.content() {
            Content::Individual(value) => Some(value),
            Content::Object(_) | Content::Unset => None,
        }
    }

    /// Returns the value of a key of an object, `None` for a key that is absent or null.
    #[must_use]
    pub fn field(&self, key: &str) -> Option<&Value> {
        match self.content() {
            Content::Object(object) => object.get(key)?.as_ref(),
            Content::Individual(_) | Content::Unset => None,
        }
    }

    /// Whether the message unsets a property.
    #[must_use]
    pub fn is_unset(&self) -> bool {
        *self.content() == Content::Unset
    }

    /// Returns the time of the value in milliseconds since the epoch: the device's where the
    /// mapping has an explicit timestamp and the message carries one, else the time of reception.
    #[must_use]
    pub fn timestamp(&self) -> i64 {
        self.0.timestamp
    }

    /// Returns the time of reception in milliseconds since the epoch.
    #[must_use]
    pub fn reception(&self) -> i64 {
        self.0.reception
    }

    /// Returns the quality of service with which the device published, 0 to 2.
    #[must_use]
    pub fn qos(&self) -> u8 {
        self.0.qos
    }

    /// Returns the bytes on the wire.
    #[must_use]
    pub fn payload(&self) -> &Bytes {
        &self.0.payload
    }

    /// Whether the real server accepts this value and then fails to store it, for ever: an integer
    /// sent for a double.
    #[must_use]
    pub fn would_wedge(&self) -> bool {
        self.0.would_wedge
    }
}

/// The value in JSON, as the server's own API writes it.
impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        json::content(self).fmt(f)
    }
}

impl fmt::Debug for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Received")
            .field("interface", &self.0.interface)
            .field("path", &self.0.path)
            .field("content", &self.0.content)
            .field("timestamp", &self.0.timestamp)
            .field("qos", &self.0.qos)
            .finish_non_exhaustive()
    }
}
