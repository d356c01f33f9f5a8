//! The place of one device: what the server keeps for it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use astarte_interface::{DeviceId, Value, Version};
use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, oneshot};

use crate::broker::session::Session;
use crate::core::{Core, Settings};
use crate::event::{DeviceError, Disconnection};
use crate::fault::Faults;
use crate::inbox::Inbox;
use crate::sync::lock;
use crate::updater::{self, Message, Routes};

/// A device, registered or not.
pub(crate) struct Slot {
    pub(crate) id: DeviceId,
    /// `<realm>/<device id>`: client id, common name and base of all topics.
    pub(crate) base: String,
    state: Mutex<State>,
    /// Whether somebody had the state in hand since it was saved.
    dirty: AtomicBool,
    /// Notified after every change that a wait can be about.
    pub(crate) changed: Notify,
    /// Notified when the queue of messages has become short.
    pub(crate) drained: Notify,
}

pub(crate) struct State {
    pub(crate) registration: Option<Registration>,
    /// The connection whose beginning was processed, until its end is processed.
    pub(crate) live: Option<u64>,
    /// Whether the session is complete: resumed, or emptyCache was answered.
    pub(crate) ready: bool,
    pub(crate) introspection: BTreeMap<String, Version>,
    /// Interfaces that were in the introspection, by name and major version.
    pub(crate) previous: BTreeMap<(String, u32), u32>,
    pub(crate) purge_format: PurgeFormat,
    /// Interfaces of the introspection that the server has loaded.
    pub(crate) loaded: BTreeSet<String>,
    /// Set properties of both owners, by name and major version, then by path.
    pub(crate) properties: BTreeMap<(String, u32), BTreeMap<String, Value>>,
    pub(crate) routes: Routes,
    pub(crate) inbox: Inbox,
    /// Errors that nobody has waited for.
    pub(crate) errors: VecDeque<DeviceError>,
    pub(crate) session: Session,
    pub(crate) faults: Faults,
    queue: VecDeque<Message>,
    draining: bool,
}

/// The device's entry at the pairing API.
#[derive(Default)]
pub(crate) struct Registration {
    /// Erased by unregistering.
    pub(crate) secret: Option<String>,
    pub(crate) inhibited: bool,
    /// Whether a certificate was issued since the registration.
    pub(crate) confirmed: bool,
}

/// How lists of properties travel.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum PurgeFormat {
    Plaintext,
    #[default]
    Zlib,
}

impl Slot {
    pub(crate) fn new(id: DeviceId, settings: &Settings) -> Slot {
        Slot {
            id,
            base: format!("{}/{id}", settings.realm),
            state: Mutex::new(State::new(settings)),
            dirty: AtomicBool::new(true),
            changed: Notify::new(),
            drained: Notify::new(),
        }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        let state = lock(&self.state);
        self.mark_dirty();
        state
    }

    pub(crate) fn mark_dirty(&self) {
        self.dirty.store(true, Ordering::SeqCst);
    }

    /// Locks the state for somebody who only looks.
    pub(crate) fn peek(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Returns whether the state may have changed since the last call.
    pub(crate) fn take_dirty(&self) -> bool {
        self.dirty.swap(false, Ordering::SeqCst)
    }

    /// Changes the state, then sees to it that queued messages are processed and that waits look
    /// again.
    pub(crate) fn update<T>(
        self: &Arc<Slot>,
        core: &Arc<Core>,
        change: impl FnOnce(&mut State) -> T,
    ) -> T {
        let mut state = self.state();
        let result = change(&mut state);
        let start = !state.queue.is_empty() && !state.draining;
        state.draining |= start;
        drop(state);
        if start {
            core.runtime
                .spawn(updater::drain(Arc::clone(core), Arc::clone(self)));
        }
        core.log.announce();
        self.changed.notify_waiters();
        result
    }
}

impl State {
    fn new(settings: &Settings) -> State {
        State {
            registration: None,
            live: None,
            ready: false,
            introspection: BTreeMap::new(),
            previous: BTreeMap::new(),
            purge_format: PurgeFormat::default(),
            loaded: BTreeSet::new(),
            properties: BTreeMap::new(),
            routes: Routes::default(),
            inbox: Inbox::new(settings.kept_messages),
            errors: VecDeque::new(),
            session: Session::default(),
            faults: Faults::default(),
            queue: VecDeque::new(),
            draining: false,
        }
    }

    /// Drops what a device has sent and got; messages that are on their way come to an unknown
    /// device.
    pub(crate) fn forget(&mut self, settings: &Settings) {
        let queue = std::mem::take(&mut self.queue);
        *self = State {
            queue,
            draining: self.draining,
            ..State::new(settings)
        };
    }

    pub(crate) fn enqueue(&mut self, message: Message) {
        self.queue.push_back(message);
    }

    /// Takes the next message; without one, the processing ends.
    pub(crate) fn dequeue(&mut self) -> Option<Message> {
        let message = self.queue.pop_front();
        self.draining = message.is_some();
        message
    }

    /// Whether the device sends faster than its messages are processed.
    pub(crate) fn is_congested(&self) -> bool {
        self.queue.len() >= CONGESTION
    }

    /// Whether so many messages are done that the device may send again.
    pub(crate) fn is_relieved(&self) -> bool {
        self.queue.len() < CONGESTION / 2
    }

    /// Ends the connection; the messages that it brought are processed before the device counts as
    /// disconnected.
    pub(crate) fn disconnect(&mut self, reason: Disconnection) {
        let Some(link) = self.session.detach() else {
            return;
        };
        let orderly = matches!(reason, Disconnection::Client | Disconnection::TakenOver);
        if let Some(will) = link.will.filter(|_| !orderly) {
            self.enqueue(Message::publish(will));
        }
        self.enqueue(Message::Disconnected(reason));
        self.enqueue_barriers(link.barriers);
    }

    /// Drops connection and queue, and with them whoever waits for them.
    pub(crate) fn abandon(&mut self) {
        self.session.detach();
        self.session.forget();
        self.live = None;
        self.queue.clear();
    }

    pub(crate) fn enqueue_barriers(&mut self, barriers: Vec<oneshot::Sender<()>>) {
        self.queue
            .extend(barriers.into_iter().map(Message::Barrier));
    }
}

/// Messages in the queue of one device above which its connection is not read.
const CONGESTION: usize = 8192;
