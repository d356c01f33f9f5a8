//! The one task that writes unsent messages, and what the broker's session knows.
//!
//! All that has gathered is one transaction: messages to be kept, those that the broker has, and those that are done with. So
//! the session never waits for a disk. What was promised is kept before the promise is made: `send` returns, a PUBREL, a
//! PUBREC and a PUBCOMP leave after the write that they need.

mod load;
mod room;

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep_until},
};

use self::room::Room;
use super::{
    describe,
    lifetime::Lifetime,
    shared::Shared,
    stores::{Stores, run_on},
};
use crate::{
    Reliability,
    outbox::{Datastream, InterfaceId, Message, MessageKind, Stored, destination},
    session::{Ack, Answer},
    status::{RejectReason, Rejected, Status},
    store::{Backlog, RetainedMessage, RetentionChange, SessionChange, StoreError},
};

/// How much is written in one transaction, in messages.
const BATCH: usize = 256;

/// How long what need not be written at once waits for something that must be.
const LAZY: Duration = Duration::from_secs(1);

/// A message of the retention `stored`.
#[derive(Debug)]
pub(crate) struct RetainMessage {
    pub(crate) message: Message,
    pub(crate) interface: InterfaceId,
    pub(crate) reliability: Reliability,
    /// In seconds; 0 for never.
    pub(crate) expiry: u32,
    pub(crate) reply: oneshot::Sender<Result<(), StoreError>>,
}

/// What the session asks of the retainer.
#[derive(Debug)]
pub(crate) enum Request {
    /// A message is done with.
    Done(u64),
    /// Wants the messages behind this one.
    Load { after: u64 },
    /// The application has a QoS 2 message; [`Answer::Kept`] follows.
    Received(Ack),
    /// The broker has a message; [`Answer::Noted`] follows.
    Recorded(u64),
    /// The broker has released the id of a received message; [`Answer::Forgotten`] follows.
    Released(u16),
    /// The session has changed; whoever waits is told when that is written, or cannot be.
    Session(SessionChange, Option<oneshot::Sender<()>>),
}

#[derive(Debug)]
pub(crate) struct Retainer {
    shared: Arc<Shared>,
    stores: Stores,
    lifetime: Lifetime,
    appends: mpsc::Receiver<RetainMessage>,
    requests: mpsc::UnboundedReceiver<Request>,
    answers: mpsc::UnboundedSender<Answer>,
    bounds: Bounds,
    backlog: Backlog,
    doubtful: Doubtful,
    /// What is to be written, at the latest then.
    pending: Vec<RetentionChange>,
    pending_session: Vec<SessionChange>,
    due: Option<Instant>,
    /// When loading is tried again that failed.
    load_again: Option<Instant>,
    /// How many messages have made room so far.
    overflowed: u64,
}

/// How much may be stored.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) messages: u64,
    pub(crate) bytes: u64,
}

/// Which messages an earlier process may have sent: the oldest, as many as it could have on their way at once.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Doubtful {
    pub(super) up_to: u64,
    pub(super) left: u16,
}

impl Doubtful {
    /// Whether the next message in the order of sending is one of them.
    fn next(&mut self, message: &RetainedMessage) -> bool {
        let doubtful = message.sequence <= self.up_to
            && self.left > 0
            && message.reliability != Reliability::Unreliable;
        // The others, of which some may only not have been removed yet, take no id.
        if doubtful && message.reliability == Reliability::Unique {
            self.left -= 1;
        }
        doubtful
    }
}

/// What those who asked are told when all is written.
#[derive(Default)]
struct Told {
    answers: Vec<Answer>,
    waiting: Vec<oneshot::Sender<()>>,
    load: Option<u64>,
}

impl Retainer {
    #[allow(
        clippy::too_many_arguments,
        reason = "the queues of a task, and what it works on"
    )]
    pub(crate) fn new(
        shared: Arc<Shared>,
        stores: Stores,
        lifetime: Lifetime,
        backlog: Backlog,
        doubtful: Doubtful,
        bounds: Bounds,
        appends: mpsc::Receiver<RetainMessage>,
        requests: mpsc::UnboundedReceiver<Request>,
        answers: mpsc::UnboundedSender<Answer>,
    ) -> Self {
        Self {
            shared,
            stores,
            lifetime,
            appends,
            requests,
            answers,
            bounds,
            backlog,
            doubtful,
            pending: Vec::new(),
            pending_session: Vec::new(),
            due: None,
            load_again: None,
            overflowed: 0,
        }
    }

    /// Runs until the session is gone.
    pub(crate) async fn run(mut self) {
        let (mut requests, mut appends) = (Vec::new(), Vec::new());
        loop {
            let due = [self.due, self.load_again].into_iter().flatten().min();
            let wake = due.unwrap_or_else(Instant::now);
            tokio::select! {
                biased;
                received = self.requests.recv_many(&mut requests, BATCH) => {
                    if received == 0 {
                        break;
                    }
                }
                _ = self.appends.recv_many(&mut appends, BATCH), if !self.appends.is_closed() || !self.appends.is_empty() => {}
                () = sleep_until(wake), if due.is_some() => {}
            }
            while requests.len() < BATCH
                && let Ok(request) = self.requests.try_recv()
            {
                requests.push(request);
            }
            while appends.len() < BATCH
                && let Ok(append) = self.appends.try_recv()
            {
                appends.push(append);
            }
            self.turn(&mut requests, std::mem::take(&mut appends)).await;
        }
        self.write_pending().await;
        self.write_session().await;
    }

    async fn turn(&mut self, requests: &mut Vec<Request>, appends: Vec<RetainMessage>) {
        let mut told = Told::default();
        for request in requests.drain(..) {
            self.note(request, &mut told);
        }
        let now = Instant::now();
        let due = self.due.is_some_and(|due| due <= now) || self.pending.len() >= BATCH;
        let is_recorded = |answer: &Answer| matches!(answer, Answer::Noted(_));
        if !appends.is_empty() {
            self.append(appends).await;
        } else if due || told.answers.iter().any(is_recorded) {
            self.write_pending().await;
        }
        self.write_session().await;
        for answer in told.answers {
            // The session is gone where nobody takes it.
            let _ = self.answers.send(answer);
        }
        for waiting in told.waiting {
            let _ = waiting.send(());
        }
        if let Some(after) = told.load {
            self.load(after).await;
        }
        if self.load_again.is_some_and(|again| again <= now) {
            self.load_again = None;
            self.shared.outbox.load_backlog(None);
        }
    }

    fn note(&mut self, request: Request, told: &mut Told) {
        match request {
            Request::Done(sequence) => self.later(RetentionChange::Remove { sequence }),
            Request::Load { after } => told.load = Some(after),
            Request::Received(ack) => {
                self.pending_session
                    .extend(ack.once().map(SessionChange::Received));
                told.answers.push(Answer::Kept(ack));
            }
            Request::Recorded(sequence) => {
                self.later(RetentionChange::Release { sequence });
                told.answers.push(Answer::Noted(sequence));
            }
            Request::Released(id) => {
                self.pending_session.push(SessionChange::Released(id));
                told.answers.push(Answer::Forgotten(id));
            }
            Request::Session(change, reply) => {
                self.pending_session.push(change);
                told.waiting.extend(reply);
            }
        }
    }

    /// Has a change written together with the next that must be, or soon.
    fn later(&mut self, change: RetentionChange) {
        self.pending.push(change);
        self.due.get_or_insert_with(|| Instant::now() + LAZY);
    }

    /// Stores messages, then hands them on.
    async fn append(&mut self, mut appends: Vec<RetainMessage>) {
        let mut messages = Vec::with_capacity(appends.len());
        for append in &appends {
            messages.push(self.retained(append, messages.len()));
        }
        if !self.has_room_for(&messages) {
            // What is done with makes room before anything that waits does.
            self.write_pending().await;
        }
        let doubtful = self.doubtful;
        let room = match self.make_room(&messages).await {
            Ok(room) => room,
            Err(error) => {
                self.doubtful = doubtful;
                return refuse(appends, error);
            }
        };
        // What does not fit even then is the oldest as well.
        let dropped = appends.drain(..room.too_many).collect::<Vec<_>>();
        messages.drain(..room.too_many);
        let removed = room.changes.clone();
        let mut changes = std::mem::take(&mut self.pending);
        let pending = changes.len();
        changes.extend(removed);
        changes.extend(messages.iter().cloned().map(RetentionChange::Append));
        match self.write(changes).await {
            Ok(()) => {
                self.overflowed(&room, dropped.len());
                room.keep(&self.shared.outbox);
                for append in dropped {
                    append.message.settle(Err(crate::DeliveryError::Overflow));
                    let _ = append.reply.send(Ok(()));
                }
                for (append, stored) in appends.into_iter().zip(messages) {
                    self.hand_on(append, &stored);
                }
            }
            Err((mut changes, error)) => {
                changes.truncate(pending);
                self.pending = changes;
                self.doubtful = doubtful;
                room.take_back(&self.shared.outbox);
                refuse(dropped.into_iter().chain(appends).collect(), error);
                // Removing needs less space than adding, and makes some.
                self.write_pending().await;
            }
        }
    }

    fn retained(&self, append: &RetainMessage, index: usize) -> RetainedMessage {
        let publish = append.message.publish.view();
        let (_, path) = destination(publish, self.shared.base.len());
        RetainedMessage {
            sequence: self.backlog.last + 1 + index as u64,
            interface: append.interface.name.to_owned(),
            major: append.interface.major,
            path: path.to_owned(),
            reliability: append.reliability,
            expires: self.lifetime.expires(append.expiry),
            payload: publish.payload().to_vec(),
            released: false,
        }
    }

    fn hand_on(&self, append: RetainMessage, stored: &RetainedMessage) {
        let mut message = append.message;
        message.kind = MessageKind::Stored(Stored {
            interface: append.interface,
            sequence: stored.sequence,
            expires: Datastream::expires(append.expiry),
            doubtful: false,
        });
        self.shared.outbox.push_stored(stored.sequence, message);
        // Whoever sent it does not wait any more; it is stored all the same.
        let _ = append.reply.send(Ok(()));
    }

    fn overflowed(&mut self, room: &Room, dropped: usize) {
        let count = room.len() + dropped;
        if count > 0 {
            self.overflowed += count as u64;
            self.shared.status.tell(Status::RetentionFull {
                total: self.overflowed,
            });
        }
    }

    async fn write_pending(&mut self) {
        let changes = std::mem::take(&mut self.pending);
        self.due = None;
        if changes.is_empty() {
            return;
        }
        if let Err((changes, error)) = self.write(changes).await {
            // They are tried again: what is done with would be sent again after a restart.
            self.pending = changes;
            self.due = Some(Instant::now() + LAZY);
            self.report(&error);
        }
    }

    /// Writes changes, and gives them back where that fails.
    async fn write(
        &mut self,
        mut changes: Vec<RetentionChange>,
    ) -> Result<(), (Vec<RetentionChange>, StoreError)> {
        changes.push(RetentionChange::Clock(self.lifetime.reading()));
        let changes = Arc::new(changes);
        let written = Arc::clone(&changes);
        let backlog = run_on(&self.stores.retention, move |store| {
            store.apply_retention(&written)?;
            store.backlog()
        });
        match backlog.await {
            Ok(backlog) => {
                self.backlog = backlog;
                self.shared.counters.stored(backlog.messages);
                if self.pending.is_empty() {
                    self.due = None;
                }
                Ok(())
            }
            Err(error) => {
                let mut changes = Arc::unwrap_or_clone(changes);
                changes.pop();
                Err((changes, error))
            }
        }
    }

    async fn write_session(&mut self) {
        if self.pending_session.is_empty() {
            return;
        }
        let changes = std::mem::take(&mut self.pending_session);
        let written = changes.clone();
        let applied = run_on(&self.stores.session, move |store| {
            store.apply_session(&written)
        });
        if let Err(error) = applied.await {
            // The session goes on without: a message may come twice after a restart, and none is held up.
            self.pending_session = changes;
            self.report(&error);
        }
    }

    fn report(&self, error: &StoreError) {
        self.shared.status.tell(Status::Rejected(Rejected {
            interface: "control".to_owned(),
            path: String::new(),
            reason: RejectReason::Store(describe(error)),
        }));
    }
}

/// Tells all senders that their messages were not stored.
fn refuse(appends: Vec<RetainMessage>, error: StoreError) {
    let mut error = error.shared();
    for append in appends {
        let _ = append.reply.send(Err(error()));
    }
}
