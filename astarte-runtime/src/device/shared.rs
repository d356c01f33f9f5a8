//! What handles, the session and the keeper of properties have in common.

use std::sync::{
    Arc, Mutex, OnceLock, PoisonError, RwLock,
    atomic::{AtomicBool, Ordering},
};

use tokio::sync::{mpsc, oneshot, watch};

use super::{
    ConnectError,
    book::Book,
    keeper::SetProperty,
    registry::{InterfaceError, Registry},
    retainer::RetainMessage,
};
use crate::{
    Config,
    delivery::{Deliveries, Delivery},
    identity::client_id,
    inbox::{Decoder, Deliver, Inbox},
    metrics::Counters,
    outbox::{InterfaceId, Outbox},
    publish::{Prefix, Publish},
    sending::SendError,
    session::Answer,
    status::{Status, StatusSender},
    store::{PropertyStore, StoreError},
};

#[derive(Debug)]
pub(crate) struct Shared {
    /// `<realm>/<device id>`, which every topic begins with.
    pub(crate) base: String,
    /// The beginning of the topics of data: the base and a slash.
    pub(crate) prefix: Prefix,
    pub(crate) outbox: Outbox,
    pub(crate) deliveries: Deliveries,
    pub(crate) status: StatusSender,
    pub(crate) counters: Arc<Counters>,
    pub(crate) registry: Registry,
    sets: mpsc::Sender<SetProperty>,
    retains: mpsc::Sender<RetainMessage>,
    answers: mpsc::UnboundedSender<Answer>,
    /// How many unreliable messages a receiver keeps.
    unreliable: usize,
    /// There between `connect` and the end of the device.
    store: RwLock<Option<Arc<dyn PropertyStore>>>,
    pub(super) book: Mutex<Book>,
    connected: AtomicBool,
    stop: watch::Sender<bool>,
    end: OnceLock<Option<ConnectError>>,
}

impl Shared {
    pub(crate) fn new(
        config: &Config,
        sets: mpsc::Sender<SetProperty>,
        retains: mpsc::Sender<RetainMessage>,
        answers: mpsc::UnboundedSender<Answer>,
    ) -> Self {
        let counters = Arc::new(Counters::default());
        let base = client_id(&config.realm, &config.device_id);
        Self {
            prefix: Prefix::new(&format!("{base}/")),
            base,
            outbox: Outbox::new(config.queue, config.retained),
            deliveries: Deliveries::default(),
            status: StatusSender::new(Arc::clone(&counters)),
            counters,
            registry: Registry::default(),
            sets,
            retains,
            answers,
            unreliable: config.inbox,
            store: RwLock::new(None),
            book: Mutex::default(),
            connected: AtomicBool::new(false),
            stop: watch::Sender::new(false),
            end: OnceLock::new(),
        }
    }

    /// A queue for a receiver, which ends with the device.
    pub(crate) fn inbox<E: Send + 'static>(&self, decoder: Decoder<E>) -> Arc<Inbox<E>> {
        let inbox = Arc::new(Inbox::new(decoder, self.unreliable, self.answers.clone()));
        let included: Arc<dyn Deliver> = Arc::clone(&inbox) as _;
        self.registry.include(&included);
        inbox
    }

    /// The store, while the device lives.
    pub(crate) fn store(&self) -> Result<Arc<dyn PropertyStore>, StoreError> {
        match &*self.store.read().unwrap_or_else(PoisonError::into_inner) {
            Some(store) => Ok(Arc::clone(store)),
            None => Err(StoreError::Closed),
        }
    }

    pub(crate) fn open_store(&self, store: Arc<dyn PropertyStore>) {
        *self.store.write().unwrap_or_else(PoisonError::into_inner) = Some(store);
    }

    /// Lets go of the store, so that its file can be opened again.
    pub(crate) fn close_store(&self) {
        self.store
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.connected.load(Ordering::Relaxed)
    }

    pub(crate) fn set_connected(&self, connected: bool) {
        self.connected.store(connected, Ordering::Relaxed);
    }

    /// The store that properties can be set in: there is none before `connect`, and none once the device has stopped.
    pub(super) fn property_store(&self) -> Result<Arc<dyn PropertyStore>, SendError> {
        if self.end.get().is_some() {
            return Err(self.closed());
        }
        Ok(self.store()?)
    }

    /// Asks the session to end.
    pub(crate) fn request_stop(&self) {
        self.stop.send_replace(true);
    }

    pub(crate) fn stop_requests(&self) -> watch::Receiver<bool> {
        self.stop.subscribe()
    }

    /// Notes that the session has ended, and why where this was not asked for.
    pub(crate) fn ended(&self, error: Option<ConnectError>) {
        if self.end.set(error.clone()).is_ok() {
            self.status.tell(Status::Stopped(error));
        }
    }

    /// The error of a call on a device that has stopped.
    pub(crate) fn closed(&self) -> SendError {
        SendError::Closed(self.end.get().cloned().flatten())
    }

    /// The error of a change that comes too late.
    pub(crate) fn unchanged(&self, error: InterfaceError) -> InterfaceError {
        match error {
            InterfaceError::Closed(_) => InterfaceError::Closed(self.end.get().cloned().flatten()),
            error => error,
        }
    }

    /// Hands a property to the keeper, and waits until it is stored.
    pub(crate) async fn set_property(
        &self,
        interface: InterfaceId,
        publish: Publish,
    ) -> Result<Delivery, SendError> {
        let (reply, stored) = oneshot::channel();
        let set = SetProperty {
            interface,
            publish,
            reply,
        };
        self.property_store()?;
        if self.sets.send(set).await.is_err() {
            return Err(self.closed());
        }
        match stored.await {
            Ok(delivery) => delivery,
            Err(_) => Err(self.closed()),
        }
    }

    /// Hands a message to the retainer, and waits until it is stored.
    pub(crate) async fn retain(
        &self,
        message: impl FnOnce(oneshot::Sender<Result<(), StoreError>>) -> RetainMessage,
    ) -> Result<(), SendError> {
        let (reply, stored) = oneshot::channel();
        if self.end.get().is_none() {
            // Before `connect` nobody would take it.
            self.store()?;
        }
        if self.end.get().is_some() || self.retains.send(message(reply)).await.is_err() {
            return Err(self.closed());
        }
        match stored.await {
            Ok(stored) => stored.map_err(SendError::Store),
            Err(_) => Err(self.closed()),
        }
    }
}
