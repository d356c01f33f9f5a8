//! What all parts of a sandbox share.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use astarte_interface::DeviceId;
use tokio::runtime::Handle;

use crate::authority::Authority;
use crate::event::EventKind;
use crate::event_log::EventLog;
use crate::fault::PairingFaults;
use crate::installed::Installed;
use crate::jwt::RealmKey;
use crate::profile::{Profile, ServerVersion};
use crate::recording::Recorder;
use crate::slot::Slot;
use crate::sync::lock;

/// A realm, its devices and the settings.
pub(crate) struct Core {
    pub(crate) settings: Settings,
    pub(crate) authority: Arc<Authority>,
    pub(crate) realm_key: RealmKey,
    pub(crate) installed: Installed,
    pub(crate) log: Arc<EventLog>,
    pub(crate) recorder: Option<Arc<Recorder>>,
    pub(crate) pairing_faults: PairingFaults,
    /// The runtime of the sandbox's thread. Spawning on it after the end of the sandbox does
    /// nothing.
    pub(crate) runtime: Handle,
    pub(crate) pairing_url: String,
    pub(crate) broker_url: String,
    /// Of the HTTP API and of the broker.
    pub(crate) ports: (u16, u16),
    pub(crate) slots: Slots,
    next_link: AtomicU64,
    stopped: AtomicBool,
}

/// What a builder decides.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) realm: String,
    pub(crate) profile: Profile,
    pub(crate) version: ServerVersion,
    pub(crate) patience: Duration,
    pub(crate) retry_interval: Duration,
    pub(crate) certificate_lifetime: Duration,
    pub(crate) kept_messages: usize,
    /// 0 for no recording.
    pub(crate) kept_packets: usize,
}

impl Core {
    pub(crate) fn new(
        settings: Settings,
        authority: Arc<Authority>,
        realm_key: RealmKey,
        log: Arc<EventLog>,
        ports: (u16, u16),
    ) -> Core {
        let (http, mqtt) = ports;
        let recorder =
            (settings.kept_packets > 0).then(|| Arc::new(Recorder::new(settings.kept_packets)));
        Core {
            settings,
            authority,
            realm_key,
            installed: Installed::default(),
            log,
            recorder,
            pairing_faults: PairingFaults::default(),
            runtime: Handle::current(),
            pairing_url: format!("http://127.0.0.1:{http}/pairing"),
            broker_url: format!("mqtts://127.0.0.1:{mqtt}/"),
            ports,
            slots: Slots::default(),
            next_link: AtomicU64::new(0),
            stopped: AtomicBool::new(false),
        }
    }

    /// Returns the place of a device, registered or not.
    pub(crate) fn slot(&self, id: DeviceId) -> Arc<Slot> {
        let mut slots = lock(&self.slots.0);
        let new = || Arc::new(Slot::new(id, &self.settings));
        Arc::clone(slots.entry(id).or_insert_with(new))
    }

    /// Returns the place of a device that is known.
    pub(crate) fn known_slot(&self, id: DeviceId) -> Option<Arc<Slot>> {
        lock(&self.slots.0).get(&id).cloned()
    }

    /// Returns the places of all devices that are known, registered or not, by id.
    pub(crate) fn all_slots(&self) -> Vec<Arc<Slot>> {
        let mut slots: Vec<_> = lock(&self.slots.0).values().cloned().collect();
        slots.sort_by_key(|slot| slot.id);
        slots
    }

    pub(crate) fn emit(&self, device: DeviceId, kind: EventKind) {
        self.log.push(Some(device), kind);
    }

    pub(crate) fn next_link(&self) -> u64 {
        self.next_link.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }

    /// Ends all streams and waits. The tasks end with the runtime.
    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
        self.log.close();
        for slot in self.all_slots() {
            slot.state().abandon();
            slot.changed.notify_waiters();
        }
    }
}

#[derive(Default)]
pub(crate) struct Slots(Mutex<HashMap<DeviceId, Arc<Slot>>>);
