//! The sandbox itself.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use astarte_interface::{DeviceId, Interface};
use serde_json::json;
use tokio::sync::oneshot;

use crate::builder::{Builder, StartError};
use crate::clock;
use crate::core::Core;
use crate::device::Device;
use crate::event::Event;
use crate::event_log::Events;
use crate::fault::PairingFault;
use crate::installed::{InstallError, IntoInterface, UpdateError};
use crate::pem;
use crate::recording::{self, RecordedPacket};
use crate::registry::{self, RegisterError};

/// A running Astarte with one realm.
///
/// It runs on a thread of its own, so that it works from any async runtime and from tests with
/// paused time. Dropping it stops everything, closes all connections and ports, and waits for that;
/// it takes a few milliseconds at most.
pub struct Sandbox {
    core: Arc<Core>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// A certificate was not signed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the certificate was not signed: {0}")]
pub struct SignError(String);

impl Sandbox {
    pub(crate) fn new(
        core: Arc<Core>,
        stop: oneshot::Sender<()>,
        thread: JoinHandle<()>,
    ) -> Sandbox {
        Sandbox {
            core,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// Returns the settings of a new sandbox.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Starts a sandbox with the default settings, on free ports.
    ///
    /// # Errors
    ///
    /// See [`Builder::start`].
    pub async fn start() -> Result<Sandbox, StartError> {
        Builder::default().start().await
    }

    /// Returns the name of the realm.
    #[must_use]
    pub fn realm(&self) -> &str {
        &self.core.settings.realm
    }

    /// Returns the base URL of the pairing API, such as `http://127.0.0.1:4003/pairing`.
    #[must_use]
    pub fn pairing_url(&self) -> &str {
        &self.core.pairing_url
    }

    /// Returns the URL of the broker that the pairing API tells to devices, such as
    /// `mqtts://127.0.0.1:8883/`.
    #[must_use]
    pub fn broker_url(&self) -> &str {
        &self.core.broker_url
    }

    /// Returns the certificate, in PEM, of the authority that signed the broker's; devices must
    /// trust it.
    #[must_use]
    pub fn ca_pem(&self) -> String {
        self.core.authority.pem()
    }

    /// Returns the private key of the realm in PEM, for tools that make tokens.
    #[must_use]
    pub fn realm_key_pem(&self) -> &str {
        self.core.realm_key.private_pem()
    }

    /// Returns the public key of the realm in PEM.
    #[must_use]
    pub fn realm_public_key_pem(&self) -> &str {
        self.core.realm_key.public_pem()
    }

    /// Returns a token that allows everything in all services, and does not expire.
    #[must_use]
    pub fn jwt(&self) -> String {
        let all = [".*::.*"];
        self.sign_jwt(&json!({
            "iat": clock::now_ms() / 1000,
            "a_aea": all, "a_pa": all, "a_rma": all, "a_ch": ["JOIN::.*", "WATCH::.*"],
        }))
    }

    /// Signs a token with these claims, such as `{"a_pa": ["POST::agent/devices"]}`.
    #[must_use]
    pub fn sign_jwt(&self, claims: &serde_json::Value) -> String {
        self.core.realm_key.sign(claims)
    }

    /// Signs the key of a certificate request, in PEM, for any common name, and returns the
    /// certificate in PEM.
    ///
    /// # Errors
    ///
    /// The request is not one, its signature is wrong, or its key is of a kind that cannot be
    /// signed.
    pub fn sign_certificate(
        &self,
        csr: &str,
        common_name: &str,
        lifetime: Duration,
    ) -> Result<String, SignError> {
        let csr = pem::single(csr, "CERTIFICATE REQUEST")
            .ok_or_else(|| SignError("not a single PEM block".to_owned()))?;
        let issued = self.core.authority.issue(&csr, common_name, lifetime);
        issued.map_err(|error| SignError(error.to_string()))
    }

    /// Installs an interface: JSON text, a [`Source`](astarte_interface::Source) with a name, or an
    /// [`Interface`].
    ///
    /// # Errors
    ///
    /// - The document is not valid.
    /// - The interface is installed at this major version.
    /// - The name collides with another one.
    pub fn install(&self, interface: impl IntoInterface) -> Result<(), InstallError> {
        let interface = interface.into_interface().map_err(InstallError::Invalid)?;
        self.core.installed.install(interface)
    }

    /// Updates an installed interface to a higher minor version. Connected devices see the new
    /// version at once.
    ///
    /// # Errors
    ///
    /// - The document is not valid.
    /// - The interface is not installed at this major version.
    /// - The rules for updates forbid it.
    pub fn update(&self, interface: impl IntoInterface) -> Result<(), UpdateError> {
        let interface = interface.into_interface().map_err(UpdateError::Invalid)?;
        self.core.installed.update(interface)
    }

    /// Returns the installed interfaces, by name and version.
    #[must_use]
    pub fn interfaces(&self) -> Vec<Arc<Interface>> {
        self.core.installed.all()
    }

    /// Registers a device with a random id; its [`credentials_secret`](Device::credentials_secret)
    /// is set.
    ///
    /// # Errors
    ///
    /// The operating system has no random numbers.
    pub fn register_device(&self) -> Result<Device, RegisterError> {
        self.register_device_as(registry::random_id()?)
    }

    /// Registers a device with a given id; while the device has had no certificate this can be
    /// repeated, and gives it a new secret.
    ///
    /// # Errors
    ///
    /// - The device is registered and has had a certificate.
    /// - The operating system has no random numbers.
    pub fn register_device_as(&self, id: DeviceId) -> Result<Device, RegisterError> {
        registry::register(&self.core, id, BTreeMap::new())?;
        Ok(self.device(id))
    }

    /// Returns a device, registered or not: one that will register itself can be awaited.
    #[must_use]
    pub fn device(&self, id: DeviceId) -> Device {
        Device::new(&self.core, id)
    }

    /// Returns the registered devices, by id.
    #[must_use]
    pub fn devices(&self) -> Vec<Device> {
        let slots = self.core.all_slots().into_iter();
        let registered = slots.filter(|slot| slot.state().registration.is_some());
        registered.map(|slot| self.device(slot.id)).collect()
    }

    /// Returns a stream of all events from now on.
    #[must_use]
    pub fn events(&self) -> Events {
        Events::from_now(Arc::clone(&self.core.log), None)
    }

    /// Returns the events that have happened, oldest first, as far as they are kept.
    #[must_use]
    pub fn history(&self) -> Vec<Event> {
        self.core.log.all()
    }

    /// Makes the pairing API answer requests wrongly, after those faults that it has already. A
    /// request meets the oldest fault that is for its route.
    pub fn fail_pairing(&self, fault: PairingFault) {
        self.core.pairing_faults.add(fault);
    }

    /// Ends the faults of the pairing API.
    pub fn heal_pairing(&self) {
        self.core.pairing_faults.clear();
    }

    /// Returns the packets of all devices that were recorded, oldest first; see
    /// [`record_packets`](Builder::record_packets).
    #[must_use]
    pub fn packets(&self) -> Vec<RecordedPacket> {
        let recorder = self.core.recorder.as_ref();
        recorder.map(|recorder| recorder.all()).unwrap_or_default()
    }

    /// Writes the packets of all devices that were recorded, oldest first, as JSON lines.
    ///
    /// # Errors
    ///
    /// Those of writing to `out`.
    pub fn write_packets(&self, out: impl io::Write) -> io::Result<()> {
        recording::write(&self.packets(), out)
    }

    /// Waits until everything that has arrived from any device is processed.
    pub async fn all_processed(&self) {
        for device in self.devices() {
            device.all_processed().await;
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has stopped as well.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sandbox")
            .field("realm", &self.realm())
            .field("pairing_url", &self.pairing_url())
            .field("broker_url", &self.broker_url())
            .finish_non_exhaustive()
    }
}
