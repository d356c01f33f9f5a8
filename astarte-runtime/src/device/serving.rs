//! A link in use: the handshake, then messages both ways, until it is over.
//!
//! As many queued messages as fit are gathered and written at once, and everything that has arrived is read.

use std::{pin::Pin, sync::Arc};

use bytes::Buf;
use rumqttc::mqttbytes::{QoS, v4::Packet};
use tokio::{
    sync::oneshot,
    time::{Instant, Sleep, sleep_until},
};

use super::{
    ConnectError,
    connection::{Connection, End, Loaded, Memory, Pending, Token, stopped},
    handshake::{Handshake, LIST_LIMIT, Next},
    keeper::Request,
    link::{Link, LinkError},
    plan::Plan,
    recent::Recent,
    registry::Wanted,
    retainer,
};
use crate::{
    Config,
    outbox::{Entry, Message, MessageKind, Mode, Sink},
    publish::PublishRef,
    session::{self, Answer, Event, Received},
    status::Status,
    store::{SessionChange, StoreError},
};

/// How many messages Astarte's broker sends without an acknowledgement.
const BROKER_WINDOW: usize = 100;

/// Whether the broker's window is full of messages that nobody takes.
#[derive(Clone, Copy, Debug)]
enum Full {
    No,
    Since(Instant),
    Told,
}

/// A link in use.
pub(super) struct Serving {
    /// The one that began the link, or the newest that followed because something was to change.
    handshake: Handshake,
    /// What the handshake tells.
    told: Wanted,
    /// Whether the end of the handshake was noted.
    noted: bool,
    /// Whether something may have to be told in another handshake.
    changed: bool,
    /// Whether data may flow.
    introduced: bool,
    /// Whether a handshake on this link withheld the list of properties.
    withheld: bool,
    loading: Option<oneshot::Receiver<Loaded>>,
    last_sent: Instant,
    last_received: Instant,
    /// Since when an answer to a ping is awaited.
    pinged: Option<Instant>,
    /// When the handshake last went on.
    progress: Instant,
    full: Full,
    /// Until when a stop waits for what is still to be sent.
    stopping: Option<Instant>,
    /// Whether the application got something that it has had no time for.
    delivered: bool,
    /// Ends a wait, at the deadline or before it.
    timer: Pin<Box<Sleep>>,
}

impl Serving {
    /// Begins to tell the server what is wanted, as far as it does not know.
    pub(super) fn begin(
        told: Wanted,
        connection: &Connection,
        link: &mut Link,
        memory: &mut Memory,
    ) -> Self {
        let now = Instant::now();
        let base = &connection.shared.base;
        let plan = match &memory.introduced {
            None => Plan::full(base, &told.interfaces),
            Some(known) => {
                // The broker's queue drops what does not fit.
                let long = connection.config.resync_after;
                let absent = memory.left.is_some_and(|left| left.elapsed() > long);
                Plan::from_known(base, known, &told.interfaces)
                    .with_empty_cache(absent || connection.shared.registry.wants_resync(&told))
            }
        };
        memory.introduced.take_if(|_| plan.introspection);
        let (handshake, next) = connection.handshake(plan, link, memory);
        let mut serving = Self {
            handshake,
            told,
            noted: false,
            changed: false,
            introduced: false,
            withheld: false,
            loading: None,
            last_sent: now,
            last_received: now,
            pinged: None,
            progress: now,
            full: Full::No,
            stopping: None,
            delivered: false,
            timer: Box::pin(sleep_until(now + connection.config.keep_alive)),
        };
        serving.follow(next, connection);
        serving
    }

    /// Whether the device has asked for its properties.
    pub(super) fn emptied_cache(&self) -> bool {
        self.handshake.emptied_cache()
    }

    /// Handles what is there, then waits for more.
    pub(super) async fn step(
        &mut self,
        connection: &mut Connection,
        link: &mut Link,
        memory: &mut Memory,
    ) -> Result<(), End> {
        let mut input = link.take_input();
        let mut read = 0;
        while let Some((packet, len)) = session::read(&input[read..]).map_err(LinkError::from)? {
            self.received(packet, connection, link, memory)?;
            read += len;
        }
        input.advance(read);
        link.put_back(input);
        // Taken here as well as waited for: a socket that is always ready would leave them waiting.
        if self.stopping.is_none() && *connection.stop.borrow() {
            self.stopping = Some(Instant::now() + connection.config.disconnect_timeout);
        }
        while let Ok(answer) = connection.answers.try_recv() {
            answered(answer, connection, link, memory);
        }
        // One that has nothing to tell is over at once.
        while self.handshake.is_over() && (self.changed || !self.noted) {
            self.follow_up(connection, link, memory).await;
        }
        // While stored properties are loaded, newer values wait behind them.
        if self.introduced && self.loading.is_none() {
            if self.stopping.is_none() {
                connection.resolver.in_use();
            }
            fill(connection, link, memory);
        }
        let unacknowledged = memory.session.unacknowledged();
        connection.shared.counters.in_flight(unacknowledged);
        self.look_for_unread(connection, memory);
        self.keep_alive(connection, link)?;
        let drained = connection.shared.outbox.is_empty() && unacknowledged == 0;
        if self.stopping.is_some() && drained && link.output.is_empty() {
            return Err(End::Stopped);
        }
        if !link.output.is_empty() {
            self.last_sent = Instant::now();
        }
        if std::mem::take(&mut self.delivered) {
            // A socket that is always ready would fill the inboxes before a receiver on this thread has its turn.
            tokio::task::yield_now().await;
        }
        self.wait(connection, link, memory).await
    }

    /// The handshake is over: notes it, and begins another one where more is to be told.
    ///
    /// It waits for nothing, but for a note in the store before another introspection goes: what the server knows half
    /// way through is not known to a process that follows on this one.
    async fn follow_up(
        &mut self,
        connection: &mut Connection,
        link: &mut Link,
        memory: &mut Memory,
    ) {
        let registry = &connection.shared.registry;
        if !self.noted {
            self.noted = true;
            let introspection = self.told.interfaces.introspection();
            // Where the list of properties was withheld, each handshake is a full one until it is not.
            self.withheld |= self.handshake.is_incomplete();
            if !self.withheld && memory.introduced.as_deref() != Some(introspection) {
                memory.introduced = Some(introspection.to_owned());
                // Lost with a power cut, it only makes the next handshake a full one.
                let introduced = SessionChange::Introduced(memory.introduced.clone());
                connection.retain(retainer::Request::Session(introduced, None));
            }
            let forgotten = registry.known(&self.told);
            if !forgotten.is_empty() {
                connection.ask(Request::Forget(forgotten));
            }
        }
        self.changed = false;
        let Some(wanted) = connection.shared.registry.connect(&self.told) else {
            connection.shared.outbox.settle_parked();
            self.introduced = true;
            self.connected(connection);
            return;
        };
        let introspection = self.told.interfaces.introspection();
        let plan = Plan::from_known(&connection.shared.base, introspection, &wanted.interfaces)
            .while_connected()
            .with_empty_cache(wanted.resyncs != self.told.resyncs);
        if plan.introspection {
            memory.introduced = None;
            connection.note(SessionChange::Introduced(None)).await;
        }
        connection.interfaces = Arc::clone(&wanted.interfaces);
        self.told = wanted;
        self.noted = false;
        let (handshake, next) = connection.handshake(plan, link, memory);
        self.handshake = handshake;
        self.follow(next, connection);
    }

    async fn wait(
        &mut self,
        connection: &mut Connection,
        link: &mut Link,
        memory: &mut Memory,
    ) -> Result<(), End> {
        let takes_more = self.introduced
            && self.loading.is_none()
            && memory.session.has_room()
            && link.has_room();
        let deadline = self.deadline(connection);
        let Connection {
            shared,
            answers,
            stop,
            resolver,
            ..
        } = connection;
        // It is seldom the timer that ends the wait: one that is early is set anew when it fires, and not each time.
        if deadline < self.timer.deadline() {
            self.timer.as_mut().reset(deadline);
        }
        tokio::select! {
            biased;
            turned = link.turn() => {
                if turned? {
                    self.last_received = Instant::now();
                }
            }
            () = stopped(stop), if self.stopping.is_none() => {}
            Some(answer) = answers.recv() => answered(answer, connection, link, memory),
            () = shared.outbox.filled(), if takes_more => {}
            () = shared.registry.changed(), if self.handshake.is_over() && self.stopping.is_none() => {
                self.changed = true;
            }
            () = resolver.renewed(), if self.handshake.is_over() && self.stopping.is_none() => {
                return Err(End::Renewed);
            }
            loaded = answer(&mut self.loading) => self.loaded(loaded, connection, link, memory)?,
            () = &mut self.timer => self.timer.as_mut().reset(deadline),
        }
        Ok(())
    }

    fn received(
        &mut self,
        packet: Received<'_>,
        connection: &Connection,
        link: &mut Link,
        memory: &mut Memory,
    ) -> Result<(), End> {
        let event = memory
            .session
            .handle(packet, &mut link.output)
            .map_err(LinkError::from)?;
        match event {
            Some(Event::Message(publish, ack)) => {
                self.delivered = true;
                connection.shared.counters.received(publish.qos);
                if let Some(ack) = connection.dispatch(&publish, ack) {
                    memory.session.acknowledge(ack, &mut link.output);
                }
            }
            Some(Event::Acknowledged(token, publish)) => {
                connection.shared.counters.acknowledged();
                let generation = match &token {
                    Token::Handshake { generation, .. } => Some(*generation),
                    Token::Message(_) | Token::Release(_) => None,
                };
                if let Some(publish) = connection.acknowledged(token, publish) {
                    memory.spare.keep(publish);
                }
                self.made_room(generation, connection, link, memory);
            }
            Some(Event::Freed) => self.made_room(None, connection, link, memory),
            Some(Event::Subscribed(id, codes)) => {
                let cx = &mut connection.context(&mut link.output, &mut memory.session);
                let next = self.handshake.subscribed(id, &codes, cx)?;
                self.follow(next, connection);
            }
            Some(Event::Recorded(sequence)) => {
                connection.retain(retainer::Request::Recorded(sequence));
            }
            Some(Event::Released(id)) => connection.retain(retainer::Request::Released(id)),
            Some(Event::Unsubscribed(id)) => {
                let cx = &mut connection.context(&mut link.output, &mut memory.session);
                let next = self.handshake.unsubscribed(id, cx);
                self.follow(next, connection);
            }
            Some(Event::Pong) => {
                if let Some(pinged) = self.pinged.take() {
                    connection.shared.counters.round_trip(pinged.elapsed());
                }
            }
            None => {}
        }
        Ok(())
    }

    /// The broker has acknowledged a message, of the handshake of this generation or of none.
    fn made_room(
        &mut self,
        generation: Option<u32>,
        connection: &Connection,
        link: &mut Link,
        memory: &mut Memory,
    ) {
        if !self.handshake.is_over() {
            let cx = &mut connection.context(&mut link.output, &mut memory.session);
            let next = self.handshake.acknowledged(generation, cx);
            self.follow(next, connection);
        }
    }

    fn loaded(
        &mut self,
        loaded: Loaded,
        connection: &Connection,
        link: &mut Link,
        memory: &mut Memory,
    ) -> Result<(), End> {
        let properties = loaded.map_err(|error| End::Fatal(error.into()))?;
        let cx = &mut connection.context(&mut link.output, &mut memory.session);
        let next = self.handshake.loaded(properties, cx).map_err(|len| {
            End::Fatal(ConnectError::PropertyListSize {
                len,
                limit: LIST_LIMIT,
            })
        })?;
        self.follow(next, connection);
        Ok(())
    }

    fn follow(&mut self, next: Next, connection: &Connection) {
        self.progress = Instant::now();
        if let Next::Load { unsent_only } = next {
            let (reply, loading) = oneshot::channel();
            self.loading = Some(loading);
            connection.ask(Request::Load { unsent_only, reply });
        }
    }

    /// The handshake is over: tells it once.
    fn connected(&self, connection: &mut Connection) {
        let shared = &connection.shared;
        if shared.is_connected() {
            return;
        }
        shared.set_connected(true);
        shared.outbox.set_mode(Mode::Online);
        shared.status.tell(Status::Connected);
        if let Some(first) = connection.first.take() {
            // Whoever connects has given up where nobody takes it; the stop is on its way.
            let _ = first.send(Ok(()));
        }
    }

    /// Tells a receiver that holds up all others, once.
    fn look_for_unread(&mut self, connection: &Connection, memory: &Memory) {
        self.full = match self.full {
            _ if memory.session.held() < BROKER_WINDOW => Full::No,
            Full::No => Full::Since(Instant::now()),
            Full::Since(since) if since.elapsed() >= connection.config.unread_after => {
                let receivers = connection.interfaces.iter().filter_map(|interface| {
                    interface.inbox.as_ref().and_then(|inbox| inbox.unread())
                });
                // Messages that wait for the store are not for anybody to read.
                if let Some((interface, waiting)) = receivers.max_by_key(|(_, waiting)| *waiting) {
                    let shared = &connection.shared;
                    shared.status.tell(Status::Unread { interface, waiting });
                }
                Full::Told
            }
            full => full,
        };
    }

    fn keep_alive(&mut self, connection: &Connection, link: &mut Link) -> Result<(), End> {
        let now = Instant::now();
        let Config {
            keep_alive,
            connect_timeout,
            ..
        } = connection.config;
        if self.stopping.is_some_and(|until| until <= now) {
            return Err(End::Stopped);
        }
        if !self.handshake.is_over() && self.progress + connect_timeout <= now {
            return Err(LinkError::Timeout(connect_timeout).into());
        }
        if self.pinged.is_some_and(|pinged| pinged + keep_alive <= now) {
            return Err(LinkError::Timeout(keep_alive).into());
        }
        if self.pinged.is_none() && self.last_sent.min(self.last_received) + keep_alive <= now {
            session::write(&Packet::PingReq, &mut link.output);
            self.pinged = Some(now);
        }
        Ok(())
    }

    /// When something is to be done at the latest.
    fn deadline(&self, connection: &Connection) -> Instant {
        let config = &connection.config;
        let since = self
            .pinged
            .unwrap_or_else(|| self.last_sent.min(self.last_received));
        let mut deadline = since + config.keep_alive;
        if let Full::Since(since) = self.full {
            deadline = deadline.min(since + config.unread_after);
        }
        if !self.handshake.is_over() {
            deadline = deadline.min(self.progress + config.connect_timeout);
        } else if self.stopping.is_none() {
            let look = connection.resolver.next_look();
            deadline = look.map_or(deadline, |look| deadline.min(look));
        }
        self.stopping.map_or(deadline, |until| deadline.min(until))
    }
}

/// Handles what became of a received message, or what the stores have done.
fn answered(answer: Answer, connection: &Connection, link: &mut Link, memory: &mut Memory) {
    match answer {
        // The id of a message of a lost session may be that of another by now.
        Answer::Taken(ack) if ack.once().is_some() && memory.session.holds(ack) => {
            connection.retain(retainer::Request::Received(ack));
        }
        answer => memory.session.answer(answer, &mut link.output),
    }
}

/// Moves queued messages into the session, for as long as there is room.
fn fill(connection: &Connection, link: &mut Link, memory: &mut Memory) {
    let outbox = &connection.shared.outbox;
    if !memory.spare.is_empty() {
        outbox.recycle(&mut memory.spare);
    }
    let mut filling = Filling {
        connection,
        link,
        memory,
        sent: 0,
        newest: [0; Recent::LEN],
    };
    let load = outbox.take(&mut filling);
    filling.note_newest();
    if let Some(after) = load {
        connection.retain(retainer::Request::Load { after });
    }
}

struct Filling<'a> {
    connection: &'a Connection,
    link: &'a mut Link,
    memory: &'a mut Memory,
    /// How many messages were taken.
    sent: usize,
    /// Where the newest of them are in the output, in turns.
    newest: [usize; Recent::LEN],
}

impl Sink for Filling<'_> {
    fn has_room(&self, once: Option<u64>) -> bool {
        let session = &self.memory.session;
        let has_id = match once {
            Some(sequence) => session.has_room_for(sequence),
            None => session.has_room(),
        };
        has_id && self.link.has_room()
    }

    fn send_unreliable<'p>(
        &mut self,
        publishes: impl Iterator<Item = PublishRef<'p>>,
    ) -> (usize, usize) {
        let (mut messages, mut bytes) = (0, 0);
        if !self.memory.session.has_room() {
            return (messages, bytes);
        }
        for publish in publishes {
            if !self.link.has_room() {
                break;
            }
            self.note(self.link.output.len());
            self.link.output.extend_from_slice(publish.bytes());
            bytes += publish.bytes().len();
            messages += 1;
        }
        let counters = &self.connection.shared.counters;
        counters.sent(QoS::AtMostOnce, messages);
        (messages, bytes)
    }

    fn send(&mut self, entry: Entry) {
        let Memory { session, .. } = self.memory;
        match entry {
            Entry::Message(message) => self.publish(message),
            Entry::Release(sequence) => {
                session.release_stored(sequence, Token::Release(sequence), &mut self.link.output);
            }
            Entry::Expired(sequence) => {
                self.connection.retain(retainer::Request::Done(sequence));
            }
        }
    }
}

impl Filling<'_> {
    /// Takes note of where in the output a message is about to be written.
    fn note(&mut self, at: usize) {
        self.newest[self.sent % Recent::LEN] = at;
        self.sent += 1;
    }

    /// Remembers where the newest messages went.
    fn note_newest(&mut self) {
        let base = self.connection.shared.base.len() + 1;
        for sent in self.sent.saturating_sub(Recent::LEN)..self.sent {
            let written = &self.link.output[self.newest[sent % Recent::LEN]..];
            let destination = PublishRef::of(written).topic().get(base..);
            self.memory.recent.sent(destination.unwrap_or_default());
        }
    }

    fn publish(&mut self, message: Message) {
        let once = message.once();
        self.note(self.link.output.len());
        let counters = &self.connection.shared.counters;
        counters.sent(message.publish.qos(), 1);
        let Memory {
            session, restored, ..
        } = self.memory;
        let Message {
            publish,
            kind,
            delivery,
            repeated,
        } = message;
        let dup = *restored && matches!(&kind, MessageKind::Stored(stored) if stored.doubtful);
        let token = Token::Message(Pending {
            kind,
            delivery,
            repeated,
        });
        let out = &mut self.link.output;
        match once {
            Some(sequence) => session.publish_stored(publish, sequence, dup, token, out),
            None => {
                if let Some(sent) = session.publish(publish, token, out) {
                    self.connection.acknowledged(sent, None);
                }
            }
        }
    }
}

/// Waits for the keeper's answer, for ever where none is due.
async fn answer(loading: &mut Option<oneshot::Receiver<Loaded>>) -> Loaded {
    let Some(receiver) = loading else {
        return std::future::pending().await;
    };
    let answer = Pin::new(receiver).await.unwrap_or(Err(StoreError::Closed));
    *loading = None;
    answer
}
