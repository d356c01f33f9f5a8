//! The one task that owns the socket.
//!
//! It connects, again and again; `serving` is what it does with a link. It waits for nothing but the socket and its
//! queues: disks and applications have tasks of their own.

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    sync::Arc,
    time::Duration,
};

use bytes::BytesMut;
use rumqttc::mqttbytes::v4::Connect;
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::Instant,
};

use super::{
    ConnectError,
    access::Route,
    book::AcknowledgedProperty,
    endings::{Ended, Endings},
    handshake::{Context, Handshake, Next},
    interfaces::{InterfaceKind, Interfaces},
    keeper::{LoadedProperties, Request},
    life::Life,
    link::{Link, LinkError, Refusal},
    plan::Plan,
    recent::Recent,
    retainer,
    serving::Serving,
    shared::Shared,
};
use crate::{
    Config,
    delivery::{Receipt, Settle},
    device::access::Resolver,
    inbox::Taken,
    outbox::{Message, MessageKind, Mode, SentProperty, Stored},
    path,
    publish::{Publish, Spare},
    purge,
    session::{Ack, Answer, Publication, Session, Unacknowledged},
    status::{Disconnected, RejectReason, Rejected, Status},
    store::{SessionChange, StoreError, StoredSession},
    trace,
};

/// How many times in a row a connection fails before the broker's address is asked for again.
const REFRESH_AFTER: u32 = 3;

/// What the session knows of a message on its way.
#[derive(Debug)]
pub(crate) enum Token {
    /// Of a handshake.
    Handshake {
        generation: u32,
        /// The stored property in it, if any.
        stored: Option<SentProperty>,
    },
    /// Of the application.
    Message(Pending),
    /// The release of a stored message's packet id.
    Release(u64),
}

#[derive(Debug)]
pub(crate) struct Pending {
    pub(super) kind: MessageKind,
    pub(super) delivery: Option<Settle>,
    pub(super) repeated: bool,
}

#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) shared: Arc<Shared>,
    pub(crate) interfaces: Arc<Interfaces>,
    pub(crate) resolver: Resolver,
    pub(crate) config: Config,
    pub(crate) requests: mpsc::UnboundedSender<Request>,
    pub(crate) retainer: mpsc::UnboundedSender<retainer::Request>,
    pub(crate) answers: mpsc::UnboundedReceiver<Answer>,
    /// What an earlier process noted of the broker's session, until there is a connection.
    pub(crate) stored_session: Option<StoredSession>,
    pub(crate) stop: watch::Receiver<bool>,
    pub(crate) first: Option<oneshot::Sender<Result<(), ConnectError>>>,
    /// Ends the life of all handles, also where this task ends by a panic or with its runtime.
    pub(crate) life: Life,
}

/// Why a link is over.
#[derive(Debug)]
pub(super) enum End {
    /// The application asked for it.
    Stopped,
    /// It is to be tried again.
    Broken(LinkError),
    /// Trying again is useless.
    Fatal(ConnectError),
    /// There is another certificate to connect with.
    Renewed,
}

impl From<LinkError> for End {
    fn from(error: LinkError) -> Self {
        Self::Broken(error)
    }
}

/// What outlives a link.
#[derive(Debug)]
pub(super) struct Memory {
    pub(super) session: Session<Token>,
    /// Whether this process has had a session on the broker.
    pub(super) begun: bool,
    /// The introspection that the server acknowledged last, where the broker's session has been through a handshake.
    pub(super) introduced: Option<String>,
    /// When the last connection ended.
    pub(super) left: Option<Instant>,
    /// The broker of the session, as `host:port`.
    pub(super) broker: String,
    /// Whether the session is one that an earlier process has begun.
    pub(super) restored: bool,
    /// Whether the last link was given up for a new certificate: what is sent meanwhile waits, as on a link that is
    /// slow.
    pub(super) renewing: bool,
    /// Counts handshakes.
    pub(super) generation: u32,
    pub(super) recent: Recent,
    /// Buffers of packets that have gone.
    pub(super) spare: Spare,
    pub(super) endings: Endings,
    /// Whether the broker had kept the session when the link began, and the device asked for its properties on it.
    pub(super) resumed: bool,
    pub(super) emptied_cache: bool,
}

/// The answer of the keeper to [`Request::Load`].
pub(super) type Loaded = Result<LoadedProperties, StoreError>;

impl Connection {
    /// Runs until the device is stopped, or cannot connect for good.
    pub(crate) async fn run(mut self) {
        let mut memory = Memory {
            session: Session::new(self.config.window),
            begun: false,
            introduced: None,
            broker: String::new(),
            restored: false,
            left: None,
            renewing: false,
            generation: 0,
            recent: Recent::default(),
            spare: Spare::default(),
            endings: Endings::default(),
            resumed: false,
            emptied_cache: false,
        };
        let mut failures = 0;
        let error = loop {
            self.shared.status.tell(Status::Connecting);
            let since = Instant::now();
            let attempt = self.attempt(&mut memory, failures >= REFRESH_AFTER);
            let end = trace::of_connection(attempt).await;
            let was_connected = self.shared.is_connected();
            if was_connected {
                memory.left = Some(Instant::now());
            }
            memory.renewing = matches!(end, End::Renewed);
            self.disconnected(memory.renewing);
            match end {
                End::Stopped => break None,
                // A disk that is full, or gone for a while, does not end a device that has been connected.
                End::Fatal(error) if self.first.is_none() && error.may_pass() => {
                    self.shared.status.tell(Status::Disconnected(Disconnected {
                        reason: super::describe(&error),
                        last_published: Vec::new(),
                        hint: None,
                    }));
                }
                End::Fatal(error) => break Some(error),
                End::Renewed => {
                    failures = 0;
                    continue;
                }
                End::Broken(error) => self.tell_broken(&error, since.elapsed(), &mut memory),
            }
            // A server that refuses what the handshake sends closes the link right after it, again and again.
            let stable = was_connected && since.elapsed() >= self.config.backoff.1;
            failures = if stable {
                1
            } else {
                failures.saturating_add(1)
            };
            let after = pause(self.config.backoff, failures);
            self.shared.status.tell(Status::Reconnecting { after });
            tokio::select! {
                () = stopped(&mut self.stop) => break None,
                () = tokio::time::sleep(after) => {}
            }
        };
        self.leave(memory.session.reset());
        self.life.end(error.clone());
        if let Some(first) = self.first.take() {
            // Whoever connects has given up where nobody takes it.
            let _ = first.send(Err(error.unwrap_or(ConnectError::Stopped)));
        }
    }

    fn tell_broken(&self, error: &LinkError, lasted: Duration, memory: &mut Memory) {
        let last_published = memory.recent.take();
        let hint = memory.endings.judge(&Ended {
            error,
            lasted,
            resumed: std::mem::take(&mut memory.resumed),
            emptied_cache: std::mem::take(&mut memory.emptied_cache),
            published: !last_published.is_empty(),
            introspection: self.interfaces.introspection(),
        });
        self.shared.status.tell(Status::Disconnected(Disconnected {
            reason: error.to_string(),
            last_published,
            hint,
        }));
    }

    fn disconnected(&self, renewing: bool) {
        self.shared.set_connected(false);
        self.shared.registry.disconnected();
        if !renewing {
            self.shared.outbox.set_mode(Mode::Offline);
        }
        // The keeper ends after this task.
        let _ = self.requests.send(Request::Disconnected);
    }

    async fn attempt(&mut self, memory: &mut Memory, refresh: bool) -> End {
        let mut stop = self.stop.clone();
        let opened = tokio::select! {
            () = stopped(&mut stop) => return End::Stopped,
            opened = self.open(memory, refresh) => opened,
        };
        match opened {
            Ok((link, session_present)) => self.serve(link, session_present, memory).await,
            Err(end) => end,
        }
    }

    async fn open(&mut self, memory: &mut Memory, refresh: bool) -> Result<(Link, bool), End> {
        let route = self.resolver.route(refresh).await?;
        let opened = self.connect(&route, false).await;
        let (link, session_present) = match opened {
            Err(LinkError::Refused(Refusal::NotAuthorized)) => {
                self.resolver.check_refusal().await.map_err(End::Fatal)?;
                return Err(LinkError::Refused(Refusal::NotAuthorized).into());
            }
            Err(error @ LinkError::CertificateRefused(_)) => {
                self.resolver.certificate_refused();
                return Err(error.into());
            }
            opened => opened?,
        };
        let broker = format!("{}:{}", route.host, route.port);
        let noted = self.stored_session.take_if(|_| !memory.begun);
        // That of another broker may be one of long ago.
        let begun = std::mem::replace(&mut memory.begun, true) && memory.broker == broker;
        memory.broker = broker;
        if !session_present || begun {
            return Ok((link, session_present));
        }
        if let Some(noted) = noted.filter(|noted| noted.broker == memory.broker) {
            self.restore(noted, memory).await;
            return Ok((link, session_present));
        }
        memory.begun = false;
        // A session of which nothing is known: which packet ids it still holds neither, so it has to go.
        link.close(self.config.connect_timeout).await;
        let (link, _) = self.connect(&route, true).await?;
        link.close(self.config.connect_timeout).await;
        let (link, session_present) = self.connect(&route, false).await?;
        memory.begun = true;
        Ok((link, session_present))
    }

    /// Takes up the session of an earlier process.
    async fn restore(&self, noted: StoredSession, memory: &mut Memory) {
        if noted.highest_id < self.config.window {
            self.note(SessionChange::HighestId(self.config.window))
                .await;
        }
        memory.session.restore(noted.highest_id, noted.received);
        memory.introduced = noted.introspection;
        memory.restored = true;
    }

    async fn connect(&self, route: &Route, clean_session: bool) -> Result<(Link, bool), LinkError> {
        let mut connect = Connect::new(&*self.shared.base);
        connect.clean_session = clean_session;
        // Rounded up: what is announced must not be shorter than what is kept.
        let seconds = self.config.keep_alive.as_millis().div_ceil(1000);
        connect.keep_alive = u16::try_from(seconds).unwrap_or(u16::MAX);
        let tls = Arc::clone(&route.tls);
        Link::open(
            &route.host,
            route.port,
            tls,
            connect,
            self.config.connect_timeout,
            Arc::clone(&self.shared.counters),
        )
        .await
    }

    /// Runs a link until it is over.
    async fn serve(&mut self, mut link: Link, session_present: bool, memory: &mut Memory) -> End {
        let wanted = self.shared.registry.wanted();
        self.interfaces = Arc::clone(&wanted.interfaces);
        if session_present {
            memory.session.resume(&mut link.output);
            self.forget_introduction(memory).await;
        } else {
            (memory.introduced, memory.restored) = (None, false);
            self.put_back(memory.session.reset());
            self.note(SessionChange::Begin {
                broker: memory.broker.clone(),
                highest_id: self.config.window,
            })
            .await;
        }
        if !(memory.renewing && session_present) {
            self.shared.outbox.set_mode(Mode::Handshake);
        }
        trace::event!(
            debug,
            "the broker has answered",
            session_present = session_present
        );
        memory.resumed = session_present;
        let mut serving = Serving::begin(wanted, self, &mut link, memory);
        let end = loop {
            match serving.step(self, &mut link, memory).await {
                Ok(()) => {}
                Err(end) => break end,
            }
        };
        memory.emptied_cache = serving.emptied_cache();
        if matches!(end, End::Stopped | End::Renewed) {
            link.close(self.config.disconnect_timeout).await;
        }
        end
    }

    /// Notes that another introspection is about to be told: half way through, a process that follows on this one does
    /// not know what the server knows.
    async fn forget_introduction(&self, memory: &Memory) {
        let known = memory.introduced.as_deref();
        if known.is_some_and(|known| known != self.interfaces.introspection()) {
            self.note(SessionChange::Introduced(None)).await;
        }
    }

    /// Queues again what a lost session had not acknowledged.
    fn put_back(&self, unacknowledged: Vec<Unacknowledged<Token>>) {
        let mut messages = Vec::new();
        for message in unacknowledged {
            match message {
                Unacknowledged::Message(
                    publish,
                    Token::Message(Pending { kind, delivery, .. }),
                ) => {
                    messages.push(Message {
                        publish,
                        kind,
                        delivery,
                        repeated: true,
                    });
                }
                Unacknowledged::Taken(token @ Token::Message(_), publish) => {
                    self.acknowledged(token, publish);
                }
                // The broker that has forgotten the session has forgotten its ids.
                Unacknowledged::Message(_, token @ Token::Release(_))
                | Unacknowledged::Taken(token @ Token::Release(_), _) => {
                    self.acknowledged(token, None);
                }
                // The next handshake sends what is stored.
                Unacknowledged::Message(_, Token::Handshake { .. })
                | Unacknowledged::Taken(Token::Handshake { .. }, _) => {}
            }
        }
        self.shared.outbox.put_back(messages);
    }

    /// Settles what is not acknowledged at the end of the process: what is stored is told apart from what is given up.
    ///
    /// The broker keeps the session, and the next process releases the ids that it holds: their rows stay.
    fn leave(&self, mut unacknowledged: Vec<Unacknowledged<Token>>) {
        let is_held = |message: &mut Unacknowledged<Token>| match message {
            Unacknowledged::Taken(Token::Release(_), _) => true,
            Unacknowledged::Taken(Token::Message(pending), _) => {
                matches!(pending.kind, MessageKind::Stored(_))
            }
            _ => false,
        };
        for held in unacknowledged.extract_if(.., is_held) {
            if let Unacknowledged::Taken(Token::Message(pending), _) = held {
                pending.acknowledged();
            }
        }
        self.put_back(unacknowledged);
    }

    /// Settles a message that the broker has. Returns its packet where it is of no more use.
    pub(super) fn acknowledged(&self, token: Token, publish: Option<Publish>) -> Option<Publish> {
        let property = |sent, publish, settle| AcknowledgedProperty {
            sent,
            publish,
            settle,
        };
        match (token, publish) {
            (
                Token::Handshake {
                    stored: Some(sent), ..
                },
                Some(publish),
            ) => self.acknowledged_property(property(sent, publish, None)),
            (
                Token::Message(Pending {
                    kind: MessageKind::Property(sent),
                    delivery,
                    repeated,
                }),
                Some(publish),
            ) => {
                let settle = delivery.map(|settle| (settle, Receipt::of(repeated)));
                self.acknowledged_property(property(sent, publish, settle))
            }
            (Token::Message(pending), publish) => {
                if let MessageKind::Stored(Stored { sequence, .. }) = pending.kind {
                    self.retain(retainer::Request::Done(sequence));
                }
                pending.acknowledged();
                publish
            }
            (Token::Release(sequence), publish) => {
                self.retain(retainer::Request::Done(sequence));
                publish
            }
            (Token::Handshake { .. }, publish) => publish,
        }
    }

    fn acknowledged_property(&self, property: AcknowledgedProperty) -> Option<Publish> {
        match self.shared.acknowledge_at_once(property) {
            Ok(publish) => Some(publish),
            Err(property) => {
                self.ask(Request::Acknowledged(property));
                None
            }
        }
    }

    /// Hands a message from the server to whom it is for; returns what is to be acknowledged at once.
    pub(super) fn dispatch(&self, publish: &Publication<'_>, ack: Option<Ack>) -> Option<Ack> {
        let topic = publish
            .topic
            .strip_prefix(&self.shared.base)
            .and_then(|rest| rest.strip_prefix('/'));
        let topic = topic.unwrap_or(publish.topic);
        let (interface, path) = path::destination(topic);
        let rejected = |reason| {
            let (interface, path) = (interface.to_owned(), path.to_owned());
            self.shared.status.tell(Status::Rejected(Rejected {
                interface,
                path,
                reason,
            }));
            ack
        };
        if (interface, path) == ("control", "/consumer/properties") {
            return match purge::decode(publish.payload) {
                Ok(listed) => self.ask(Request::Purge { listed, ack }),
                Err(error) => rejected(RejectReason::PropertyList(error.to_string())),
            };
        }
        let Some(registered) = self.interfaces.get(interface) else {
            // It crossed the end of the subscription.
            if self.interfaces.was_removed(interface) {
                return ack;
            }
            return rejected(RejectReason::UnknownInterface);
        };
        let interface = registered.descriptor.name;
        if registered.kind() == InterfaceKind::ServerProperties {
            let (path, payload) = (path.to_owned(), publish.payload.to_owned());
            return self.ask(Request::Received {
                interface,
                path,
                payload,
                ack,
            });
        }
        let Some(inbox) = &registered.inbox else {
            return rejected(RejectReason::UnknownInterface);
        };
        match inbox.message(interface, path, publish.payload, ack) {
            Ok(Taken::Queued) => None,
            Ok(Taken::Discarded) => ack,
            Ok(Taken::Displaced(total)) => {
                self.shared
                    .status
                    .tell(Status::Dropped { interface, total });
                None
            }
            Err(error) => rejected(error.into()),
        }
    }

    /// Asks the retainer, who answers where that is due.
    pub(super) fn retain(&self, request: retainer::Request) {
        // The retainer ends after this task.
        let _ = self.retainer.send(request);
    }

    /// Has a change of the session written, and waits for it: at the begin of a link alone.
    pub(super) async fn note(&self, change: SessionChange) {
        let (reply, written) = oneshot::channel();
        self.retain(retainer::Request::Session(change, Some(reply)));
        // It answers also where it could not write, and then has said so.
        let _ = written.await;
    }

    /// Asks the keeper, who acknowledges when it is done.
    pub(super) fn ask(&self, request: Request) -> Option<Ack> {
        // The keeper ends after this task.
        let _ = self.requests.send(request);
        None
    }
}

impl Pending {
    /// Tells whoever waits that the broker has it.
    fn acknowledged(self) {
        if let Some(settle) = self.delivery {
            settle.tell(Ok(Receipt::of(self.repeated)));
        }
    }
}

impl Token {
    /// Whether it is of an interface that the device does not have.
    pub(super) fn is_removed(&self, interfaces: &Interfaces) -> bool {
        let id = match self {
            Self::Handshake { stored, .. } => stored.as_ref().map(|sent| sent.interface),
            Self::Message(Pending { kind, .. }) => Some(kind.interface()),
            Self::Release(_) => None,
        };
        id.is_some_and(|id| {
            interfaces
                .get(id.name)
                .is_none_or(|present| present.id() != id)
        })
    }
}

impl Connection {
    /// Begins a handshake.
    pub(super) fn handshake(
        &self,
        plan: Plan,
        link: &mut Link,
        memory: &mut Memory,
    ) -> (Handshake, Next) {
        memory.generation = memory.generation.wrapping_add(1);
        Handshake::begin(
            memory.generation,
            plan,
            &mut self.context(&mut link.output, &mut memory.session),
        )
    }

    pub(super) fn context<'a>(
        &'a self,
        out: &'a mut BytesMut,
        session: &'a mut Session<Token>,
    ) -> Context<'a> {
        Context {
            base: &self.shared.base,
            counters: &self.shared.counters,
            interfaces: &self.interfaces,
            session,
            out,
        }
    }
}

pub(super) async fn stopped(stop: &mut watch::Receiver<bool>) {
    // The sender is gone together with the last handle: nobody is left to send anything.
    let _ = stop.wait_for(|stopped| *stopped).await;
}

/// A random part of a pause that doubles from failure to failure.
pub(super) fn pause((shortest, longest): (Duration, Duration), failures: u32) -> Duration {
    let doubled = shortest.saturating_mul(
        1_u32
            .checked_shl(failures.saturating_sub(1))
            .unwrap_or(u32::MAX),
    );
    doubled
        .min(longest)
        .mul_f64(f64::from(random()) / f64::from(u32::MAX))
}

pub(super) fn random() -> u32 {
    RandomState::new().build_hasher().finish() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_stay_in_bounds() {
        let bounds = (Duration::from_millis(100), Duration::from_secs(2));
        for failures in [1, 2, 3, 10, 40, u32::MAX] {
            let longest = (0..64)
                .map(|_| pause(bounds, failures))
                .max()
                .unwrap_or_default();
            assert!(longest <= bounds.1);
            if failures == 1 {
                assert!(longest <= bounds.0);
            }
        }
    }
}
