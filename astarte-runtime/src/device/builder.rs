//! Building a device.

use std::{fmt, sync::Arc};

use tokio::sync::{mpsc, oneshot};

use super::{
    ConnectError, Device,
    access::Resolver,
    connection::Connection,
    interfaces::{InterfaceKind, Interfaces, Registered},
    keeper::{Keeper, SetProperty},
    life::Life,
    lifetime::Lifetime,
    registrar::Registrar,
    retainer::{Doubtful, RetainMessage, Retainer},
    shared::Shared,
    stores::{Stores, run_on},
};
use crate::{
    Config, EventSet, Interface,
    clock::Clock,
    handle::{EventReceiver, Handle, PropertyCache, Register},
    inbox::{Decoder, Reader},
    kind,
    payload::Payload,
    session::Answer,
    status::StatusStream,
    store::{Backlog, Change, RetentionStore, SessionStore, StoreError, StoredSession},
    trace,
};

/// How many properties may wait to be stored, and how many messages.
const QUEUE: usize = 256;

/// A device that is being built: its interfaces are registered, then it connects.
///
/// The handles work from the registration on. Until the device is connected they do what they do offline.
#[must_use = "a device does nothing until `connect`"]
pub struct Builder {
    config: Config,
    shared: Arc<Shared>,
    registrar: Registrar,
    sets: mpsc::Receiver<SetProperty>,
    retains: mpsc::Receiver<RetainMessage>,
    answer: mpsc::UnboundedSender<Answer>,
    answers: mpsc::UnboundedReceiver<Answer>,
    life: Life,
}

impl Builder {
    pub(crate) fn new(config: Config) -> Self {
        let (set, sets) = mpsc::channel(QUEUE);
        let (retain, retains) = mpsc::channel(QUEUE);
        let (answer, answers) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared::new(&config, set, retain, answer.clone()));
        let life = Life::new(Arc::clone(&shared));
        Self {
            config,
            registrar: Registrar::new(Arc::clone(&shared)),
            shared,
            sets,
            retains,
            answer,
            answers,
            life,
        }
    }

    /// Adds an interface to the introspection, and returns the handle to use it by.
    ///
    /// Each interface is registered once: a second time, or another major version of it, is an error of
    /// [`connect`](Self::connect).
    pub fn interface<I: Interface>(&mut self) -> Handle<I>
    where
        I::Kind: Register<I>,
    {
        <I::Kind as Register<I>>::register(&mut self.registrar)
    }

    /// Adds the server-owned interfaces of a set to the introspection, and returns one receiver for all of them.
    pub fn events<E: EventSet>(&mut self) -> EventReceiver<E> {
        let message = Reader::Decode(|interface, path, payload| {
            E::decode(interface, path, Payload::parse(payload)?)
        });
        let purged = E::purged;
        let decoder = Decoder { message, purged };
        EventReceiver::new(self.registrar.register_receivers(E::INTERFACES, decoder))
    }

    /// Adds an interface of server-owned properties to the introspection, and returns a handle that only reads what is
    /// stored. It goes well with [`events`](Self::events), which may have the same interface in its set.
    pub fn property_cache<I: Interface<Kind = kind::ServerProperties>>(
        &mut self,
    ) -> PropertyCache<I> {
        PropertyCache::new(self.registrar.register_sender(I::DESCRIPTOR))
    }

    /// A stream of what happens to the connection, from the first attempt on.
    pub fn status(&self) -> StatusStream {
        self.shared.status.subscribe()
    }

    /// Connects, and returns once server and device know of each other what they must.
    ///
    /// A server that cannot be reached is tried again until it can: put a time limit around where one is wanted, and
    /// see [`status`](Self::status) for the reasons. Dropped before it is done, it stops the device.
    ///
    /// # Errors
    ///
    /// - A setting is out of range, or the interfaces do not go together.
    /// - The property store cannot be opened.
    /// - The server refuses the device in a way that trying again does not change.
    pub async fn connect(self) -> Result<Device, ConnectError> {
        let Self {
            config,
            shared,
            registrar,
            sets,
            retains,
            answer,
            answers,
            life,
        } = self;
        let prepared = prepare(&config, &shared, registrar.registered).await;
        // The handles learn why nothing came of it.
        let Prepared {
            interfaces,
            stores,
            backlog,
            stored_session,
            clock,
            resolver,
        } = prepared.inspect_err(|error| life.end(Some(error.clone())))?;

        let (request, requests) = mpsc::unbounded_channel();
        let (first, connected) = oneshot::channel();
        let keeper = Keeper::new(
            Arc::clone(&shared),
            Arc::clone(&stores.properties),
            sets,
            requests,
            answer.clone(),
        );
        let (retainer_request, retainer_requests) = mpsc::unbounded_channel();
        let retainer = Retainer::new(
            Arc::clone(&shared),
            stores,
            Lifetime::new(clock, backlog.clock, backlog.last),
            backlog,
            doubtful(&config, backlog, stored_session.as_ref()),
            config.stored,
            retains,
            retainer_requests,
            answer,
        );
        let keeper = tokio::spawn(trace::of_device(&shared.base, keeper.run()));
        let retainer = tokio::spawn(trace::of_device(&shared.base, retainer.run()));
        let connection = Connection {
            shared: Arc::clone(&shared),
            interfaces,
            resolver,
            config,
            requests: request,
            retainer: retainer_request,
            answers,
            stored_session,
            stop: shared.stop_requests(),
            first: Some(first),
            life,
        };
        let requests = connection.requests.downgrade();
        // From here on a drop of the device, of which this future is the owner, stops its tasks.
        let connection = trace::of_device(&shared.base, connection.run());
        let device = Device {
            shared,
            connection: tokio::spawn(connection),
            keeper,
            retainer,
            requests,
        };
        connected.await.unwrap_or(Err(ConnectError::Stopped))?;
        Ok(device)
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let interfaces: Vec<_> = self
            .registrar
            .registered
            .iter()
            .map(|registered| registered.descriptor.name)
            .collect();
        f.debug_struct("Builder")
            .field("config", &self.config)
            .field("interfaces", &interfaces)
            .finish_non_exhaustive()
    }
}

/// What a device needs before its tasks can start.
struct Prepared {
    interfaces: Arc<Interfaces>,
    stores: Stores,
    backlog: Backlog,
    stored_session: Option<StoredSession>,
    clock: Clock,
    resolver: Resolver,
}

async fn prepare(
    config: &Config,
    shared: &Arc<Shared>,
    registered: Vec<Registered>,
) -> Result<Prepared, ConnectError> {
    if let Err((setting, expected)) = config.check() {
        return Err(ConnectError::Config { setting, expected });
    }
    let interfaces = Arc::new(Interfaces::new(registered)?);
    let stores = Stores::open(config, shared).await?;
    forget_former_rows(&stores, &interfaces).await?;
    let backlog = run_on(&stores.retention, RetentionStore::backlog).await?;
    let stored_session = run_on(&stores.session, SessionStore::load_session).await?;
    let clock = Clock::new(Arc::clone(&config.time_source));
    let resolver = Resolver::new(config, clock.clone(), shared)?;
    shared.registry.open(Arc::clone(&interfaces));
    shared.open_store(Arc::clone(&stores.properties));
    shared.counters.stored(backlog.messages);
    shared
        .outbox
        .open_backlog(backlog.last, backlog.messages == 0);
    Ok(Prepared {
        interfaces,
        stores,
        backlog,
        stored_session,
        clock,
        resolver,
    })
}

/// Which stored messages the earlier process may have sent.
fn doubtful(config: &Config, backlog: Backlog, session: Option<&StoredSession>) -> Doubtful {
    Doubtful {
        up_to: backlog.last,
        left: session.map_or(config.window, |session| session.highest_id),
    }
}

/// Removes the rows that registered interfaces had with another major version, or under another ownership: they are
/// interfaces that the device has no more.
///
/// Where there are none nothing is written, so that a device also starts with a disk that is full.
async fn forget_former_rows(stores: &Stores, interfaces: &Interfaces) -> Result<(), StoreError> {
    let properties: Vec<_> = interfaces
        .iter()
        .filter(|interface| interface.kind() != InterfaceKind::Datastream)
        .map(|interface| interface.descriptor)
        .collect();
    run_on(&stores.properties, move |store| {
        let mut changes = Vec::new();
        for row in store.load_all()? {
            let present = properties
                .iter()
                .find(|present| present.name == row.interface);
            let Some(present) = present else {
                continue;
            };
            let interface = row.interface;
            let major = present.version.major;
            if row.major != major {
                changes.push(Change::DeleteOtherMajors { interface, major });
            } else if row.ownership != present.ownership {
                let path = row.path;
                changes.push(Change::Delete {
                    interface,
                    major,
                    path,
                });
            }
        }
        changes.dedup();
        if changes.is_empty() {
            return Ok(());
        }
        store.apply(&changes)
    })
    .await
}
