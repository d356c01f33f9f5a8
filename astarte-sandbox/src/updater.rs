//! What the server does with the messages of a device, one after the other, after it has
//! acknowledged them.

mod capabilities;
mod control;
mod data;
mod definitions;
mod introspection;
mod payload;
mod purge;
mod rejection;
mod route;
mod typed;

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::oneshot;

use crate::broker::Publish;
use crate::clock;
use crate::core::Core;
use crate::event::{DeviceError, Disconnection, EventKind};
use crate::profile::ServerVersion;
use crate::slot::{Slot, State};

pub(crate) use rejection::Rejection;
pub(crate) use route::Routes;

/// An entry in the queue of a device.
pub(crate) enum Message {
    Barrier(oneshot::Sender<()>),
    Connected {
        link: u64,
        address: SocketAddr,
        clean_session: bool,
        session_present: bool,
    },
    Disconnected(Disconnection),
    /// The topic is what follows the device's own, with its leading slash.
    Publish {
        publish: Publish,
        reception: i64,
    },
    Subscribed {
        filters: Vec<String>,
        refused: Vec<String>,
    },
}

impl Message {
    pub(crate) fn publish(publish: Publish) -> Message {
        Message::Publish {
            publish,
            reception: clock::now_ms(),
        }
    }
}

/// What the updater works with: one device, whose state is locked for one message.
pub(crate) struct Context<'a> {
    pub(crate) core: &'a Arc<Core>,
    pub(crate) slot: &'a Slot,
    pub(crate) state: &'a mut State,
}

/// Processes the queue of a device until it is empty.
pub(crate) async fn drain(core: Arc<Core>, slot: Arc<Slot>) {
    while process_some(&core, &slot) {
        tokio::task::yield_now().await;
    }
}

/// Processes messages under one lock, and returns whether there may be more.
fn process_some(core: &Arc<Core>, slot: &Slot) -> bool {
    let (mut state, mut left) = (slot.state(), BATCH);
    while left > 0
        && let Some(message) = state.dequeue()
    {
        left -= 1;
        let state = &mut state;
        Context { core, slot, state }.process(message);
    }
    let relieved = state.is_relieved();
    drop(state);
    core.log.announce();
    slot.changed.notify_waiters();
    if relieved {
        slot.drained.notify_waiters();
    }
    left == 0
}

impl Context<'_> {
    fn process(&mut self, message: Message) {
        match message {
            Message::Barrier(done) => drop(done.send(())),
            Message::Connected {
                link,
                address,
                clean_session,
                session_present,
            } => {
                self.state.live = Some(link);
                self.state.ready = session_present;
                self.emit(EventKind::Connected {
                    address,
                    clean_session,
                    session_present,
                });
            }
            Message::Disconnected(reason) => self.disconnected(reason),
            Message::Publish { publish, reception } => self.publish(&publish, reception),
            Message::Subscribed { filters, refused } => {
                self.emit(EventKind::Subscribed { filters, refused });
            }
        }
    }

    fn publish(&mut self, publish: &Publish, reception: i64) {
        if self.state.registration.is_none() {
            return;
        }
        let result = match &*publish.topic {
            b"" => self.introspection(&publish.payload),
            b"/capabilities" if self.version().has_capabilities() => {
                self.capabilities(&publish.payload)
            }
            b"/control" => self.control(b"", &publish.payload),
            topic => match topic.strip_prefix(b"/control/") {
                Some(path) => self.control(path, &publish.payload),
                None => self.data(
                    topic.strip_prefix(b"/").unwrap_or(topic),
                    publish,
                    reception,
                ),
            },
        };
        if let Err(rejection) = result {
            self.reject(rejection, &publish.payload);
        }
    }

    /// Answers an error: with a disconnection that takes the session along, and an event.
    fn reject(&mut self, rejection: Rejection, payload: &Bytes) {
        if rejection.kicks() {
            self.kick(Disconnection::Kicked(rejection.name));
        }
        let has_event = rejection.has_event();
        let error = DeviceError {
            name: rejection.name,
            interface: rejection.interface,
            path: rejection.path,
            payload: (!payload.is_empty()).then(|| payload.clone()),
            detail: rejection.detail,
            declaration: rejection.declaration.map(|declaration| *declaration),
            would_wedge: rejection.would_wedge,
        };
        if self.state.errors.len() == KEPT_ERRORS {
            self.state.errors.pop_front();
        }
        self.state.errors.push_back(error.clone());
        if has_event {
            self.emit(EventKind::Error(Box::new(error)));
        }
    }

    /// Closes the connection, if there is one, and discards the session.
    pub(crate) fn kick(&mut self, reason: Disconnection) {
        let Some(link) = self.state.session.discard() else {
            return;
        };
        self.state.enqueue_barriers(link.barriers);
        if self.state.live == Some(link.id) {
            self.disconnected(reason);
        } else {
            // The connection is younger than the message; its beginning has yet to be processed.
            self.state.enqueue(Message::Disconnected(reason));
        }
    }

    fn disconnected(&mut self, reason: Disconnection) {
        self.state.live = None;
        self.state.ready = false;
        self.emit(EventKind::Disconnected { reason });
    }

    /// Publishes to the device and returns how many of its subscriptions match.
    pub(crate) fn send(&mut self, topic: &str, qos: u8, payload: Bytes) -> usize {
        let full = format!("{}/{topic}", self.slot.base);
        let delivery = self.state.session.publish(&full, qos, payload);
        let (topic, subscriptions) = (topic.to_owned(), delivery.subscriptions);
        self.emit(if delivery.dropped {
            EventKind::PublicationDropped { topic }
        } else {
            EventKind::Published {
                topic,
                qos,
                subscriptions,
            }
        });
        subscriptions
    }

    pub(crate) fn version(&self) -> ServerVersion {
        self.core.settings.version
    }

    /// Notes an event. Those who hear of it are told by whoever unlocks the state.
    pub(crate) fn emit(&self, kind: EventKind) {
        self.core.log.append(Some(self.slot.id), kind);
    }
}

/// Messages of one device that are processed before others get their turn, or its state.
const BATCH: usize = 256;

/// Errors of a device that are kept for those who will ask for them.
const KEPT_ERRORS: usize = 1000;
