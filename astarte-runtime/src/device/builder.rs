//! Building a device.

use std::{fmt, sync::Arc};

use tokio::sync::{mpsc, oneshot};

use super::{
    ConnectError, Device,
    access::Resolver,
    connection::Connection,
    interfaces::{InterfaceKind, Interfaces, Registered},
    keeper::{Keeper, SetProperty, run_on},
    life::Life,
    shared::Shared,
};
use crate::{
    Config, Descriptor, EventSet, Interface,
    error::DecodeError,
    handle::{EventReceiver, Handle, PropertyCache, Register},
    identity::client_id,
    inbox::{Decoder, Inbox},
    kind,
    outbox::Outbox,
    payload::Payload,
    session::Answer,
    status::StatusStream,
    store::{Change, MemoryStore, PropertyStore, StoreError},
};

/// How many properties may wait to be stored.
const SETS: usize = 256;

/// A device that is being built: its interfaces are registered, then it connects.
///
/// The handles work from the registration on. Until the device is connected they do what they do offline.
#[must_use = "a device does nothing until `connect`"]
pub struct Builder {
    config: Config,
    shared: Arc<Shared>,
    registered: Vec<Registered>,
    sets: mpsc::Receiver<SetProperty>,
    answers: (
        mpsc::UnboundedSender<Answer>,
        mpsc::UnboundedReceiver<Answer>,
    ),
    life: Life,
}

impl Builder {
    pub(crate) fn new(config: Config) -> Self {
        let (set, sets) = mpsc::channel(SETS);
        let base = client_id(&config.realm, &config.device_id);
        let shared = Arc::new(Shared::new(
            base,
            Outbox::new(config.queue, config.retained),
            set,
        ));
        let life = Life::new(Arc::clone(&shared));
        Self {
            config,
            shared,
            registered: Vec::new(),
            sets,
            answers: mpsc::unbounded_channel(),
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
        <I::Kind as Register<I>>::register(self)
    }

    /// Adds the server-owned interfaces of a set to the introspection, and returns one receiver for all of them.
    pub fn events<E: EventSet>(&mut self) -> EventReceiver<E> {
        let message = |interface: &str, path: &str, payload: &[u8]| {
            E::decode(interface, path, Payload::parse(payload)?)
        };
        let inbox = self.inbox(Decoder {
            message,
            purged: E::purged,
        });
        for descriptor in E::INTERFACES {
            self.registered.push(Registered {
                descriptor: *descriptor,
                inbox: Some(Arc::clone(&inbox) as _),
            });
        }
        EventReceiver::new(inbox)
    }

    /// Adds an interface of server-owned properties to the introspection, and returns a handle that only reads what is
    /// stored. It goes well with [`events`](Self::events), which may have the same interface in its set.
    pub fn property_cache<I: Interface<Kind = kind::ServerProperties>>(
        &mut self,
    ) -> PropertyCache<I> {
        self.registered.push(Registered {
            descriptor: I::DESCRIPTOR,
            inbox: None,
        });
        PropertyCache::new(Arc::clone(&self.shared))
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
            registered,
            sets,
            answers: (answer, answers),
            life,
        } = self;
        let prepared = prepare(&config, &shared, registered).await;
        // The handles learn why nothing came of it.
        let Prepared {
            interfaces,
            store,
            resolver,
        } = prepared.inspect_err(|error| life.end(Some(error.clone())))?;

        let (request, requests) = mpsc::unbounded_channel();
        let (first, connected) = oneshot::channel();
        let keeper = Keeper::new(
            Arc::clone(&shared),
            Arc::clone(&interfaces),
            store,
            sets,
            requests,
            answer,
        );
        let keeper = tokio::spawn(keeper.run());
        let connection = Connection {
            shared: Arc::clone(&shared),
            interfaces,
            resolver,
            config,
            requests: request,
            answers,
            stop: shared.stop_requests(),
            first: Some(first),
            life,
        };
        // From here on a drop of the device, of which this future is the owner, stops its tasks.
        let device = Device {
            shared,
            connection: tokio::spawn(connection.run()),
            keeper,
        };
        connected.await.unwrap_or(Err(ConnectError::Stopped))?;
        Ok(device)
    }

    pub(crate) fn shared(&self) -> Arc<Shared> {
        Arc::clone(&self.shared)
    }

    /// Registers an interface that the device only writes on.
    pub(crate) fn register_sender(&mut self, descriptor: Descriptor) -> Arc<Shared> {
        self.registered.push(Registered {
            descriptor,
            inbox: None,
        });
        self.shared()
    }

    /// Registers an interface that the device receives on.
    pub(crate) fn register_receiver<E: Send + 'static>(
        &mut self,
        descriptor: Descriptor,
        message: fn(&str, &str, &[u8]) -> Result<E, DecodeError>,
        purged: fn(&str, &str) -> Result<E, DecodeError>,
    ) -> Arc<Inbox<E>> {
        let inbox = self.inbox(Decoder { message, purged });
        self.registered.push(Registered {
            descriptor,
            inbox: Some(Arc::clone(&inbox) as _),
        });
        inbox
    }

    fn inbox<E: Send + 'static>(&mut self, decoder: Decoder<E>) -> Arc<Inbox<E>> {
        let inbox = Arc::new(Inbox::new(
            decoder,
            self.config.inbox,
            self.answers.0.clone(),
        ));
        self.life.include(Arc::clone(&inbox) as _);
        inbox
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let interfaces: Vec<_> = self
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
    store: Arc<dyn PropertyStore>,
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
    let store = open_store(config).await?;
    forget_other_majors(&store, &interfaces).await?;
    let resolver = Resolver::new(config, shared)?;
    shared.open_store(Arc::clone(&store));
    Ok(Prepared {
        interfaces,
        store,
        resolver,
    })
}

async fn open_store(config: &Config) -> Result<Arc<dyn PropertyStore>, StoreError> {
    if let Some(store) = &config.store {
        return Ok(Arc::clone(store));
    }
    #[cfg(feature = "redb")]
    if let Some(directory) = &config.directory {
        let file = directory.join(format!("{}-{}.redb", config.realm, config.device_id));
        let opened = tokio::task::spawn_blocking(move || crate::store::RedbStore::open(file)).await;
        return Ok(Arc::new(
            opened.map_err(|error| StoreError::Backend(Box::new(error)))??,
        ));
    }
    Ok(Arc::new(MemoryStore::new()))
}

/// Removes the rows of other major versions of the registered interfaces: they are interfaces that the device has no
/// more.
async fn forget_other_majors(
    store: &Arc<dyn PropertyStore>,
    interfaces: &Interfaces,
) -> Result<(), StoreError> {
    let properties = interfaces
        .iter()
        .filter(|interface| interface.kind() != InterfaceKind::Datastream);
    let changes: Vec<_> = properties
        .map(|interface| Change::DeleteOtherMajors {
            interface: interface.descriptor.name.to_owned(),
            major: interface.descriptor.version.major,
        })
        .collect();
    if changes.is_empty() {
        return Ok(());
    }
    run_on(store, move |store| store.apply(&changes)).await
}
