//! The one task that waits for the property store.
//!
//! Values that have gathered are one transaction, and so are acknowledgements; each value of the server is one of its own.
//! Only what is written is sent, acknowledged or seen by the application. So the session never waits for a disk. What is set
//! in a store that does not block does not come here: see [`super::book`].

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
    time::Duration,
};

use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep_until},
};

use super::{
    book::{AcknowledgedProperty, Book, CONTROL},
    describe,
    interfaces::InterfaceKind,
    shared::Shared,
    stores::run_on,
};
use crate::{
    Ownership,
    delivery::Delivery,
    inbox::Announce,
    outbox::{InterfaceId, SentProperty},
    payload::Payload,
    publish::Publish,
    sending::SendError,
    session::{Ack, Answer},
    status::{RejectReason, Rejected, Status},
    store::{Change, Property, PropertyStore, State, StoreError},
    trace,
};

/// How long the server must be silent on properties before an empty list of them is believed.
///
/// Servers from 1.2.1 on send an empty list whatever is set, and the values right behind it.
const PURGE_SETTLES: Duration = Duration::from_secs(5);

/// How many requests are handled in one transaction.
const BATCH: usize = 256;

/// A property that the application sets, or unsets by an empty payload.
#[derive(Debug)]
pub(crate) struct SetProperty {
    pub(crate) interface: InterfaceId,
    pub(crate) publish: Publish,
    pub(crate) reply: oneshot::Sender<Result<Delivery, SendError>>,
}

/// What the handshake is to send.
#[derive(Debug)]
pub(crate) struct LoadedProperties {
    pub(crate) properties: Vec<(SentProperty, Property<'static>)>,
    /// Whether the store has all that the device has set.
    pub(crate) complete: bool,
}

/// What the session asks of the keeper.
#[derive(Debug)]
pub(crate) enum Request {
    /// The broker has acknowledged a property; whoever waits for it is told once that is stored, so that the same value
    /// set again is known to be there.
    Acknowledged(AcknowledgedProperty),
    /// The link broke: a list of properties that has not settled is void.
    Disconnected,
    /// The application has set all its properties again: what is stored is all there is.
    Complete(oneshot::Sender<Result<(), StoreError>>),
    /// Wants the rows of interfaces that the device has no more to be deleted.
    Forget(Vec<InterfaceId>),
    /// Wants the device-owned properties of the introspection, for the handshake.
    Load {
        unsent_only: bool,
        reply: oneshot::Sender<Result<LoadedProperties, StoreError>>,
    },
    /// The server's list of the properties that are set, as `interface/path`.
    Purge {
        listed: HashSet<String>,
        ack: Option<Ack>,
    },
    /// The server set a property, or unset it by an empty payload.
    Received {
        interface: &'static str,
        path: String,
        payload: Vec<u8>,
        ack: Option<Ack>,
    },
}

#[derive(Debug)]
pub(crate) struct Keeper {
    shared: Arc<Shared>,
    store: Arc<dyn PropertyStore>,
    sets: mpsc::Receiver<SetProperty>,
    requests: mpsc::UnboundedReceiver<Request>,
    answers: mpsc::UnboundedSender<Answer>,
    /// Properties that an empty list did not name and no value followed for, by `interface/path`.
    doubtful: BTreeMap<String, (&'static str, String)>,
    settles: Instant,
}

impl Keeper {
    pub(crate) fn new(
        shared: Arc<Shared>,
        store: Arc<dyn PropertyStore>,
        sets: mpsc::Receiver<SetProperty>,
        requests: mpsc::UnboundedReceiver<Request>,
        answers: mpsc::UnboundedSender<Answer>,
    ) -> Self {
        let (doubtful, settles) = (BTreeMap::new(), Instant::now());
        Self {
            shared,
            store,
            sets,
            requests,
            answers,
            doubtful,
            settles,
        }
    }

    /// Runs until the session is gone.
    pub(crate) async fn run(mut self) {
        let (mut sets, mut requests) = (Vec::new(), Vec::new());
        loop {
            tokio::select! {
                biased;
                received = self.requests.recv_many(&mut requests, BATCH) => {
                    if received == 0 {
                        return;
                    }
                    self.handle_all(&mut requests).await;
                }
                _ = next_sets(&self.shared, &mut self.sets, &mut sets), if !self.sets.is_closed() || !self.sets.is_empty() => {
                    self.set(std::mem::take(&mut sets)).await;
                }
                () = sleep_until(self.settles), if !self.doubtful.is_empty() => {
                    let purged = std::mem::take(&mut self.doubtful).into_values().collect();
                    self.purge(purged).await;
                }
            }
        }
    }

    /// Handles requests in their order; acknowledgements that follow on each other are noted in one transaction.
    async fn handle_all(&mut self, requests: &mut Vec<Request>) {
        let mut acknowledged = Vec::new();
        for request in requests.drain(..) {
            if let Request::Acknowledged(property) = request {
                acknowledged.push(property);
                continue;
            }
            self.acknowledged(std::mem::take(&mut acknowledged)).await;
            self.handle(request).await;
        }
        self.acknowledged(acknowledged).await;
    }

    async fn handle(&mut self, request: Request) {
        match request {
            Request::Acknowledged(property) => self.acknowledged(vec![property]).await,
            Request::Complete(reply) => {
                let _ = reply.send(self.apply(vec![Change::Complete(true)]).await);
            }
            Request::Disconnected => self.doubtful.clear(),
            Request::Forget(interfaces) => self.forget(interfaces).await,
            Request::Load { unsent_only, reply } => {
                // The session has gone on without the answer where nobody takes it.
                let _ = reply.send(self.load(unsent_only).await);
            }
            Request::Purge { listed, ack } => {
                self.purge_unlisted(&listed).await;
                self.acknowledge(ack);
            }
            Request::Received {
                interface,
                path,
                payload,
                ack,
            } => self.received(interface, path, payload, ack).await,
        }
    }

    async fn acknowledged(&mut self, acknowledged: Vec<AcknowledgedProperty>) {
        if acknowledged.is_empty() {
            return;
        }
        let shared = Arc::clone(&self.shared);
        let noted = self.with_book(move |store, book| {
            let noted = book.acknowledge(&shared, store, &acknowledged);
            Ok((noted, acknowledged))
        });
        let noted = noted.await.and_then(|(noted, acknowledged)| {
            for property in acknowledged {
                property.settle();
            }
            noted
        });
        if let Err(error) = noted {
            // The rows stay unsent, and go out again after the next connection.
            self.shared.reject_store(CONTROL, String::new(), &error);
        }
    }

    async fn load(&self, unsent_only: bool) -> Result<LoadedProperties, StoreError> {
        let versions = self.versions(InterfaceKind::DeviceProperties);
        let shared = Arc::clone(&self.shared);
        self.with_book(move |store, book| {
            // What is queued is stored as well: sent both ways, an older value would come after a newer one.
            shared.outbox.park_properties();
            let mut loaded = load_rows(store, versions)?;
            if unsent_only {
                loaded.retain(|(_, property)| property.state != State::Sent);
            }
            let with_serial = loaded.into_iter().map(|(interface, property)| {
                let major = property.major;
                let interface = InterfaceId {
                    name: interface,
                    major,
                };
                let serial = book.newest(interface, &property.path).unwrap_or(0);
                (SentProperty { interface, serial }, property)
            });
            Ok(LoadedProperties {
                properties: with_serial.collect(),
                complete: store.is_complete()?,
            })
        })
        .await
    }

    async fn forget(&mut self, interfaces: Vec<InterfaceId>) {
        let forgotten = self.with_book(move |store, book| {
            book.forget(&interfaces);
            let mut changes = Vec::new();
            for InterfaceId { name, major } in interfaces {
                let rows = store.load_interface(name, major)?.into_iter();
                changes.extend(rows.map(|row| Change::Delete {
                    interface: row.interface,
                    major,
                    path: row.path,
                }));
            }
            store.apply(&changes)
        });
        // Rows that stay are of an interface that the device does not have: nobody sees them, and nobody sends them.
        if let Err(error) = forgotten.await {
            self.shared.reject_store(CONTROL, String::new(), &error);
        }
    }

    async fn set(&mut self, mut sets: Vec<SetProperty>) {
        // Asked before what is stored: the rows of an interface are deleted after it was removed.
        let removed = sets.extract_if(.., |set| self.shared.outbox.is_retired(set.interface));
        for set in removed {
            let interface = set.interface.name;
            // Whoever set it does not wait any more.
            let _ = set.reply.send(Err(SendError::Removed { interface }));
        }
        let (replies, wanted): (Vec<_>, Vec<_>) = sets
            .into_iter()
            .map(|set| (set.reply, (set.interface, set.publish)))
            .unzip();
        let shared = Arc::clone(&self.shared);
        let set = self.with_book(move |store, book| book.set(&shared, store, &wanted));
        match set.await {
            Ok(deliveries) => {
                for (reply, delivery) in replies.into_iter().zip(deliveries) {
                    // Whoever set it does not wait any more; it is set all the same.
                    let _ = reply.send(Ok(delivery));
                }
            }
            Err(error) => {
                trace::event!(warn, "the property store failed", error = describe(&error));
                let mut error = error.shared();
                for reply in replies {
                    let _ = reply.send(Err(SendError::Store(error())));
                }
            }
        }
    }

    async fn received(
        &mut self,
        interface: &'static str,
        path: String,
        payload: Vec<u8>,
        ack: Option<Ack>,
    ) {
        let interfaces = self.shared.registry.interfaces();
        let Some(registered) = interfaces.get(interface) else {
            return self.acknowledge(ack);
        };
        let announce = match &registered.inbox {
            Some(inbox) => match Arc::clone(inbox).property(interface, &path, &payload) {
                Ok(announce) => Some(announce),
                Err(error) => {
                    self.reject(interface.to_owned(), path, error.into());
                    return self.acknowledge(ack);
                }
            },
            None => None,
        };
        if !self.doubtful.is_empty() {
            self.doubtful.remove(&format!("{interface}{path}"));
            self.settles = Instant::now() + PURGE_SETTLES;
        }
        let major = registered.descriptor.version.major;
        // Null is an unset as well.
        let unset =
            Payload::parse(&payload).is_ok_and(|payload| payload.optional_value().is_none());
        let change = if unset {
            Change::Delete {
                interface: interface.into(),
                major,
                path: path.clone().into(),
            }
        } else {
            Change::Store(Property {
                interface: interface.into(),
                major,
                path: path.clone().into(),
                ownership: Ownership::Server,
                state: State::Sent,
                payload: payload.into(),
            })
        };
        match self.apply(vec![change]).await {
            Ok(()) => {
                if let Some(announce) = announce {
                    announce();
                }
                self.acknowledge(ack);
            }
            // Without an acknowledgement the broker sends it again.
            Err(error) => {
                self.answer(ack.map(Answer::Failed));
                self.shared.reject_store(interface, path, &error);
            }
        }
    }

    async fn purge_unlisted(&mut self, listed: &HashSet<String>) {
        match self.rows(InterfaceKind::ServerProperties).await {
            Ok(rows) => {
                let by_entry = |(name, row): (&'static str, Property<'static>)| {
                    (format!("{name}{}", row.path), (name, row.path.into_owned()))
                };
                let mut rows: BTreeMap<_, _> = rows.into_iter().map(by_entry).collect();
                rows.retain(|entry, _| !listed.contains(entry));
                if listed.is_empty() {
                    self.doubtful = rows;
                    self.settles = Instant::now() + PURGE_SETTLES;
                } else {
                    self.doubtful.clear();
                    self.purge(rows.into_values().collect()).await;
                }
            }
            Err(error) => {
                self.shared.reject_store(CONTROL, String::new(), &error);
            }
        }
    }

    /// Removes properties that the server has no more, and tells the application of each.
    async fn purge(&mut self, purged: Vec<(&'static str, String)>) {
        let mut changes = Vec::with_capacity(purged.len());
        let mut announcements: Vec<Announce> = Vec::new();
        let interfaces = self.shared.registry.interfaces();
        for (interface, path) in purged {
            let Some(registered) = interfaces.get(interface) else {
                continue;
            };
            // A path that the interface does not know was stored by another minor version: nobody waits for it.
            let announce = registered
                .inbox
                .as_ref()
                .map(|inbox| Arc::clone(inbox).purged(interface, &path));
            announcements.extend(announce.and_then(Result::ok));
            let major = registered.descriptor.version.major;
            changes.push(Change::Delete {
                interface: interface.into(),
                major,
                path: path.into(),
            });
        }
        match self.apply(changes).await {
            Ok(()) => announcements.into_iter().for_each(|announce| announce()),
            Err(error) => {
                self.shared.reject_store(CONTROL, String::new(), &error);
            }
        }
    }

    fn acknowledge(&self, ack: Option<Ack>) {
        self.answer(ack.map(Answer::Safe));
    }

    fn answer(&self, answer: Option<Answer>) {
        if let Some(answer) = answer {
            // The session is gone where nobody takes it.
            let _ = self.answers.send(answer);
        }
    }

    fn reject(&self, interface: String, path: String, reason: RejectReason) {
        self.shared.status.tell(Status::Rejected(Rejected {
            interface,
            path,
            reason,
        }));
    }

    /// The interfaces of a kind, by name and major version.
    fn versions(&self, kind: InterfaceKind) -> Vec<(&'static str, u32)> {
        let interfaces = self.shared.registry.interfaces();
        let descriptors = interfaces
            .of_kind(kind)
            .map(|interface| interface.descriptor);
        descriptors
            .map(|descriptor| (descriptor.name, descriptor.version.major))
            .collect()
    }

    /// Every stored row of the interfaces of a kind, with the name of its interface.
    async fn rows(
        &self,
        kind: InterfaceKind,
    ) -> Result<Vec<(&'static str, Property<'static>)>, StoreError> {
        let versions = self.versions(kind);
        self.with_book(move |store, _| load_rows(store, versions))
            .await
    }

    async fn apply(&self, changes: Vec<Change<'static>>) -> Result<(), StoreError> {
        if changes.is_empty() {
            return Ok(());
        }
        self.with_book(move |store, _| store.apply(&changes)).await
    }

    async fn with_book<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn PropertyStore, &mut Book) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let shared = Arc::clone(&self.shared);
        run_on(&self.store, move |store| work(store, &mut shared.book())).await
    }
}

fn load_rows(
    store: &dyn PropertyStore,
    versions: Vec<(&'static str, u32)>,
) -> Result<Vec<(&'static str, Property<'static>)>, StoreError> {
    let mut rows = Vec::new();
    for (name, major) in versions {
        let loaded = store.load_interface(name, major)?.into_iter();
        rows.extend(loaded.map(|row| (name, row)));
    }
    Ok(rows)
}

/// Waits for properties to be set, once the queue has room for them.
async fn next_sets(
    shared: &Shared,
    sets: &mut mpsc::Receiver<SetProperty>,
    next: &mut Vec<SetProperty>,
) {
    shared.outbox.room().await;
    sets.recv_many(next, BATCH).await;
}
