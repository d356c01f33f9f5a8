//! The interfaces of a device as they change, and what of it the server knows.
//!
//! Who adds or removes an interface changes the registry, under a lock that is held for no await, and waits. The
//! connection compares what is wanted with what the server knows, whenever it is told of a change and at each
//! handshake. So it does not matter whether the device is connected, or what comes in between.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use thiserror::Error;
use tokio::sync::{Notify, watch};

use super::{
    ConnectError,
    interfaces::{Changed, Interfaces, Registered},
};
use crate::{
    Version,
    inbox::Deliver,
    outbox::{InterfaceId, Outbox},
};

/// An interface could not be added to a device, or removed from it.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum InterfaceError {
    /// The device was disconnected, or was refused for good.
    #[error("the device has stopped")]
    Closed(#[source] Option<ConnectError>),
    /// The device has an interface whose name differs in case alone.
    #[error(
        "the device has the interface {present}, whose name differs from `{added}` in case alone"
    )]
    Case {
        /// The name that the device has.
        present: &'static str,
        /// The name that was to be added.
        added: &'static str,
    },
    /// The device does not have the interface, or has it with another major version.
    #[error("the device does not have the interface {name} with the major version {major}")]
    Missing {
        /// The name of the interface.
        name: &'static str,
        /// The major version.
        major: u32,
    },
    /// The device has a newer version of the interface.
    #[error("the device has the interface {name} {present}, which is newer than {added}")]
    Older {
        /// The name of the interface.
        name: &'static str,
        /// The version that the device has.
        present: Version,
        /// The version that was to be added.
        added: Version,
    },
    /// The device could not have been connected with the interface.
    #[error(transparent)]
    Unfit(ConnectError),
}

/// What the device is to be, and how far the server knows.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    state: Mutex<State>,
    changed: Notify,
    progress: watch::Sender<Progress>,
}

#[derive(Debug, Default)]
struct State {
    interfaces: Arc<Interfaces>,
    /// Counts changes of the interfaces.
    revision: u64,
    /// Counts wishes for the properties of the server.
    resyncs: u64,
    /// Interfaces whose rows are to be deleted, once the server knows this revision.
    forgotten: Vec<(u64, InterfaceId)>,
    /// Every receiver that is kept, to end it with the device.
    inboxes: Vec<Weak<dyn Deliver>>,
    ended: bool,
}

/// What is to be told to the server.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) interfaces: Arc<Interfaces>,
    pub(crate) revision: u64,
    pub(crate) resyncs: u64,
}

/// What those who wait see.
#[derive(Clone, Copy, Debug, Default)]
struct Progress {
    connected: bool,
    ended: bool,
    /// The newest revision that the server knows.
    known: u64,
    /// The newest wish for properties that the server has got.
    resynced: u64,
}

impl Registry {
    /// Begins with the interfaces that were registered before `connect`.
    pub(crate) fn open(&self, interfaces: Arc<Interfaces>) {
        self.lock().interfaces = interfaces;
    }

    /// The interfaces as they are wanted.
    pub(crate) fn interfaces(&self) -> Arc<Interfaces> {
        Arc::clone(&self.lock().interfaces)
    }

    /// Includes a receiver, to end it with the device.
    pub(crate) fn include(&self, inbox: &Arc<dyn Deliver>) {
        let mut state = self.lock();
        if state.ended {
            inbox.stop();
        } else {
            state.inboxes.retain(|inbox| inbox.strong_count() > 0);
            state.inboxes.push(Arc::downgrade(inbox));
        }
    }

    /// Changes the interfaces, and returns the revision to wait for. Messages of what is replaced are taken out of the
    /// queue, and its receiver ends.
    pub(crate) fn change(
        &self,
        outbox: &Outbox,
        change: impl FnOnce(&Interfaces) -> Result<Changed, InterfaceError>,
    ) -> Result<u64, InterfaceError> {
        let mut state = self.lock();
        if state.ended {
            return Err(InterfaceError::Closed(None));
        }
        let Changed {
            interfaces,
            added,
            replaced,
        } = change(&state.interfaces)?;
        state.revision += 1;
        let revision = state.revision;
        let retired = replaced.as_ref().map(Registered::id);
        if let Some(id) = retired.filter(|id| added != Some(*id)) {
            outbox.retire(id);
            state.forgotten.push((revision, id));
        }
        if let Some(id) = added {
            outbox.revive(id);
            state.forgotten.retain(|(_, forgotten)| *forgotten != id);
        }
        let closed = replaced
            .and_then(|replaced| replaced.inbox)
            .filter(|inbox| !interfaces.has_inbox(inbox));
        state.interfaces = Arc::new(interfaces);
        drop(state);
        if let Some(closed) = closed {
            closed.close();
        }
        self.changed.notify_one();
        Ok(revision)
    }

    /// Asks for the properties of the server, and returns the number of the wish to wait for.
    pub(crate) fn resync(&self) -> u64 {
        let mut state = self.lock();
        state.resyncs += 1;
        let resyncs = state.resyncs;
        drop(state);
        self.changed.notify_one();
        resyncs
    }

    /// Waits until the server knows a revision, or until it is known that this will take a connection.
    pub(crate) async fn introduced(&self, revision: u64) -> Result<(), InterfaceError> {
        self.until(|progress| progress.known >= revision || !progress.connected)
            .await
    }

    /// Waits until the server has got a wish for properties.
    pub(crate) async fn resynced(&self, resyncs: u64) -> Result<(), InterfaceError> {
        self.until(|progress| progress.resynced >= resyncs).await
    }

    /// Waits until something may have changed.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    pub(crate) fn wanted(&self) -> Wanted {
        let state = self.lock();
        Wanted {
            interfaces: Arc::clone(&state.interfaces),
            revision: state.revision,
            resyncs: state.resyncs,
        }
    }

    /// Whether the properties of the server were asked for, and it was not told.
    pub(crate) fn wants_resync(&self, wanted: &Wanted) -> bool {
        wanted.resyncs > self.progress.borrow().resynced
    }

    /// Notes what the server knows, and returns the interfaces whose rows can go.
    pub(crate) fn known(&self, told: &Wanted) -> Vec<InterfaceId> {
        let mut state = self.lock();
        self.progress.send_modify(|progress| {
            progress.known = told.revision;
            progress.resynced = told.resyncs;
        });
        let (gone, kept) = std::mem::take(&mut state.forgotten)
            .into_iter()
            .partition(|(revision, _)| *revision <= told.revision);
        state.forgotten = kept;
        gone.into_iter().map(|(_, id)| id).collect()
    }

    /// Notes that the device is connected, where nothing is wanted that the server was not told; returns what is.
    ///
    /// Who changes something after this waits for the server; who did so before is told to it first.
    pub(crate) fn connect(&self, told: &Wanted) -> Option<Wanted> {
        let state = self.lock();
        if (state.revision, state.resyncs) == (told.revision, told.resyncs) {
            self.progress
                .send_modify(|progress| progress.connected = true);
            return None;
        }
        drop(state);
        Some(self.wanted())
    }

    pub(crate) fn disconnected(&self) {
        self.progress
            .send_modify(|progress| progress.connected = false);
    }

    /// Ends every receiver and everything that waits.
    pub(crate) fn end(&self) {
        let mut state = self.lock();
        state.ended = true;
        let inboxes = std::mem::take(&mut state.inboxes);
        drop(state);
        for inbox in inboxes.iter().filter_map(Weak::upgrade) {
            inbox.stop();
        }
        self.progress.send_modify(|progress| progress.ended = true);
    }

    async fn until(&self, done: impl Fn(&Progress) -> bool) -> Result<(), InterfaceError> {
        let mut progress = self.progress.subscribe();
        let reached = progress
            .wait_for(|progress| progress.ended || done(progress))
            .await;
        match reached.map(|progress| done(&progress)) {
            Ok(true) => Ok(()),
            _ => Err(InterfaceError::Closed(None)),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change is whole by the time anything can panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
