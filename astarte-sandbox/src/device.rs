//! The control API of one device.

mod fault;
mod publish;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use astarte_interface::{DeviceId, Value, Version};
use tokio::sync::oneshot;

use crate::core::Core;
use crate::event::{DeviceError, Disconnection};
use crate::event_log::Events;
use crate::received::Received;
use crate::recording::RecordedPacket;
use crate::registry;
use crate::slot::Slot;
use crate::updater::{Context, Message};
use crate::wait::Wait;

pub use publish::PublishError;

/// A device as the sandbox sees it: what it did, what it holds, and what can be done to it.
///
/// A device can be watched before it is registered. Cheap to clone; all clones are the same device.
#[derive(Clone)]
pub struct Device {
    core: Arc<Core>,
    slot: Arc<Slot>,
}

impl Device {
    pub(crate) fn new(core: &Arc<Core>, id: DeviceId) -> Device {
        Device {
            core: Arc::clone(core),
            slot: core.slot(id),
        }
    }

    /// Returns the id.
    #[must_use]
    pub fn id(&self) -> DeviceId {
        self.slot.id
    }

    /// Returns the credentials secret of the newest registration, if the device is registered.
    #[must_use]
    pub fn credentials_secret(&self) -> Option<String> {
        self.slot.state().registration.as_ref()?.secret.clone()
    }

    /// Whether the device is connected to the broker.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.slot.state().live.is_some()
    }

    /// Returns the introspection: interfaces by name.
    #[must_use]
    pub fn introspection(&self) -> BTreeMap<String, Version> {
        self.slot.state().introspection.clone()
    }

    /// Returns the interfaces that were in the introspection and are not any more, by name and major
    /// version, with their last minor version. An interface that comes back leaves them.
    #[must_use]
    pub fn previous_interfaces(&self) -> Vec<(String, Version)> {
        let state = self.slot.peek();
        let previous = state.previous.iter();
        previous
            .map(|((name, major), minor)| {
                let (major, minor) = (*major, *minor);
                (name.clone(), Version { major, minor })
            })
            .collect()
    }

    /// Returns the topic filters to which the device is subscribed, with their quality of service.
    #[must_use]
    pub fn subscriptions(&self) -> BTreeMap<String, u8> {
        let state = self.slot.state();
        state
            .session
            .subscriptions()
            .map(|(filter, qos)| (filter.to_owned(), qos))
            .collect()
    }

    /// Returns a set property of either owner, at the major version of the introspection.
    #[must_use]
    pub fn property(&self, interface: &str, path: &str) -> Option<Value> {
        self.properties(interface).remove(path)
    }

    /// Returns the set properties of an interface by path, at the major version of the
    /// introspection.
    #[must_use]
    pub fn properties(&self, interface: &str) -> BTreeMap<String, Value> {
        let state = self.slot.state();
        let version = state.introspection.get(interface);
        let key = version.map(|version| (interface.to_owned(), version.major));
        key.and_then(|key| state.properties.get(&key).cloned())
            .unwrap_or_default()
    }

    /// Returns everything that was received on a path, oldest first, at the major version of the
    /// introspection.
    #[must_use]
    pub fn data(&self, interface: &str, path: &str) -> Vec<Received> {
        let state = self.slot.state();
        let version = state.introspection.get(interface);
        version
            .map(|version| state.inbox.all(interface, version.major, path))
            .unwrap_or_default()
    }

    /// Returns the paths on which something was received, at the major version of the
    /// introspection.
    #[must_use]
    pub fn paths(&self, interface: &str) -> Vec<String> {
        let state = self.slot.state();
        let version = state.introspection.get(interface);
        version
            .map(|version| state.inbox.paths(interface, version.major))
            .unwrap_or_default()
    }

    /// Waits for the next message on a path: the oldest one that no such wait has returned.
    ///
    /// A message that came before the call counts, so that a test can first make the device send
    /// and then look.
    pub fn received(&self, interface: &str, path: &str) -> Wait<Received> {
        let (interface, path) = (interface.to_owned(), path.to_owned());
        let what = format!("message on {interface}{path}");
        self.wait(what, move |state| state.inbox.take(&interface, &path))
    }

    /// Waits for the next error: the oldest one that no such wait has returned.
    pub fn error(&self) -> Wait<DeviceError> {
        self.wait("error", |state| state.errors.pop_front())
    }

    /// Waits until the device is connected to the broker. It has not sent its introspection then.
    pub fn connected(&self) -> Wait<()> {
        self.wait("connection", |state| state.live.map(|_| ()))
    }

    /// Waits until the device is connected and can be published to: its session was resumed, or
    /// emptyCache, which ends the subscriptions and the introspection of a new session, was
    /// answered.
    pub fn ready(&self) -> Wait<()> {
        self.wait("complete session", |state| {
            (state.live.is_some() && state.ready).then_some(())
        })
    }

    /// Waits until the device is not connected.
    pub fn disconnected(&self) -> Wait<()> {
        self.wait("end of the connection", |state| {
            state.live.is_none().then_some(())
        })
    }

    /// Waits until everything that has arrived from the device is processed.
    pub async fn all_processed(&self) {
        let (done, processed) = oneshot::channel();
        self.slot.update(&self.core, |state| {
            if self.core.is_stopped() {
                return;
            }
            match state.session.link() {
                Some(link) => {
                    link.barriers.push(done);
                    link.signal.wake.notify_one();
                }
                None => state.enqueue(Message::Barrier(done)),
            }
        });
        // A sandbox that has stopped drops the sender: there is nothing left to process.
        let _ = processed.await;
    }

    /// Returns a stream of the events of this device from now on.
    #[must_use]
    pub fn events(&self) -> Events {
        Events::from_now(Arc::clone(&self.core.log), Some(self.id()))
    }

    /// Returns the packets of this device that were recorded, oldest first; see
    /// [`record_packets`](crate::Builder::record_packets).
    #[must_use]
    pub fn packets(&self) -> Vec<RecordedPacket> {
        let packets = self.core.recorder.as_ref().map(|recorder| recorder.all());
        let mut packets = packets.unwrap_or_default();
        packets.retain(|packet| packet.device == self.id());
        packets
    }

    /// Closes the connection without a word and keeps the session.
    pub fn drop_connection(&self) {
        self.slot.update(&self.core, |state| {
            state.disconnect(Disconnection::Requested);
        });
    }

    /// Closes the connection without a word and discards the session, as the server does after an
    /// error.
    pub fn kick(&self) {
        self.slot.update(&self.core, |state| {
            Context {
                core: &self.core,
                slot: &self.slot,
                state,
            }
            .kick(Disconnection::Requested);
        });
    }

    /// Discards the session but not the connection: the broker forgets subscriptions and queued
    /// messages, and the next connection finds no session.
    pub fn clear_session(&self) {
        self.slot.update(&self.core, |state| state.session.forget());
    }

    /// Inhibits, or allows again, that the device asks for certificates. Returns whether the device
    /// is registered.
    pub fn inhibit_credentials(&self, inhibited: bool) -> bool {
        let mut state = self.slot.state();
        let registration = state.registration.as_mut();
        registration
            .map(|registration| registration.inhibited = inhibited)
            .is_some()
    }

    /// Voids the credentials secret; certificate, session and data stay. Returns whether the device
    /// is registered.
    pub fn unregister(&self) -> bool {
        registry::unregister(&self.core, self.id())
    }

    /// Deletes the device with all its data and closes its connection. Returns whether the device
    /// was registered.
    pub fn delete(&self) -> bool {
        registry::delete(&self.core, self.id())
    }

    fn wait<T>(
        &self,
        what: impl Into<String>,
        look: impl FnMut(&mut crate::slot::State) -> Option<T> + Send + 'static,
    ) -> Wait<T> {
        Wait::new(&self.core, &self.slot, what, look)
    }
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Device")
            .field("id", &self.id())
            .finish_non_exhaustive()
    }
}
