//! The queue between the session and one receiver.

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use thiserror::Error;
use tokio::sync::mpsc;

use crate::{
    error::DecodeError,
    session::{Ack, Answer},
};

/// The device has stopped, or the interface was removed from it, and everything that was received has been read.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("the device has stopped, or the interface was removed: nothing more will be received")]
pub struct Closed;

/// An inbox as the session sees it: of whatever type of events.
pub(crate) trait Deliver: fmt::Debug + Send + Sync {
    /// Takes a message of a datastream. Its acknowledgement follows when the application has it.
    fn message(
        &self,
        interface: &'static str,
        path: &str,
        payload: &[u8],
        ack: Option<Ack>,
    ) -> Result<Taken, DecodeError>;

    /// Decodes the value of a property, and returns what makes it known to the application.
    fn property(
        self: Arc<Self>,
        interface: &'static str,
        path: &str,
        payload: &[u8],
    ) -> Result<Announce, DecodeError>;

    /// Decodes the path of a property that the server removed, and returns what makes it known to the application.
    fn purged(
        self: Arc<Self>,
        interface: &'static str,
        path: &str,
    ) -> Result<Announce, DecodeError>;

    /// Ends the stream of the receiver.
    fn stop(&self);

    /// Ends the stream of a receiver whose interface is no more: what waits can be read, and holds up nobody.
    fn close(&self);

    /// The messages that wait to be read and acknowledged: the interface of the oldest, and how many there are.
    fn unread(&self) -> Option<(&'static str, usize)>;
}

pub(crate) type Announce = Box<dyn FnOnce() + Send>;

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// It waits for the receiver.
    Queued,
    /// Nobody will read it: acknowledge it at once.
    Discarded,
    /// It waits, and the oldest unreliable message made room; so many did so far.
    Displaced(u64),
}

/// Reads messages of a set of interfaces as events.
pub(crate) struct Decoder<E> {
    pub(crate) message: Reader<E>,
    pub(crate) purged: fn(&str, &str) -> Result<E, DecodeError>,
}

/// How an event is made of a message.
pub(crate) enum Reader<E> {
    /// From the interface, the path and the payload, as it comes.
    Decode(fn(&str, &str, &[u8]) -> Result<E, DecodeError>),
    /// It is decoded by the receiver: the path and the payload are kept, in a used event that was given back, if any.
    Keep(fn(Option<E>, &str, &[u8]) -> E),
}

pub(crate) struct Inbox<E> {
    decoder: Decoder<E>,
    capacity: usize,
    queue: Mutex<Queue<E>>,
    answers: mpsc::UnboundedSender<Answer>,
}

struct Queue<E> {
    waiting: VecDeque<Waiting<E>>,
    /// Events that were read, to keep others in.
    used: Vec<E>,
    /// Which waiting event is the newest of a property, counted from the start of the stream.
    properties: HashMap<String, u64>,
    /// The number of the first waiting event.
    first: u64,
    /// How many of the waiting messages carry no acknowledgement.
    unreliable: usize,
    displaced: u64,
    unread: bool,
    stopped: bool,
    /// The receiver, while it waits. There is one.
    waker: Option<Waker>,
}

struct Waiting<E> {
    interface: &'static str,
    event: E,
    ack: Option<Ack>,
    /// The key in `properties`.
    property: Option<String>,
}

/// How many used events are kept: more than arrive before a receiver that keeps up has its turn.
const MAX_USED: usize = 128;

impl<E: Send> Inbox<E> {
    /// An inbox that keeps at most `capacity` unreliable messages. The others are bounded by what the broker sends
    /// without an acknowledgement, properties by their number.
    pub(crate) fn new(
        decoder: Decoder<E>,
        capacity: usize,
        answers: mpsc::UnboundedSender<Answer>,
    ) -> Self {
        let queue = Queue {
            waiting: VecDeque::new(),
            used: Vec::new(),
            properties: HashMap::new(),
            first: 0,
            unreliable: 0,
            displaced: 0,
            unread: false,
            stopped: false,
            waker: None,
        };
        Self {
            decoder,
            capacity,
            queue: Mutex::new(queue),
            answers,
        }
    }

    pub(crate) async fn recv(&self) -> Result<E, Closed> {
        poll_fn(|cx| self.poll_recv(cx, None)).await
    }

    /// Waits for the next event, and gives back one that was read, if it can be used again.
    pub(crate) fn poll_recv(&self, cx: &Context<'_>, used: Option<E>) -> Poll<Result<E, Closed>> {
        let mut queue = self.lock();
        queue.take_back(used);
        let Some(waiting) = queue.pop() else {
            if queue.stopped {
                return Poll::Ready(Err(Closed));
            }
            match &mut queue.waker {
                Some(waker) => waker.clone_from(cx.waker()),
                None => queue.waker = Some(cx.waker().clone()),
            }
            return Poll::Pending;
        };
        drop(queue);
        if let Some(ack) = waiting.ack {
            // The session is gone where nobody takes acknowledgements.
            let _ = self.answers.send(Answer::Taken(ack));
        }
        Poll::Ready(Ok(waiting.event))
    }

    /// Says that nobody will read any more.
    pub(crate) fn abandon(&self) {
        let mut queue = self.lock();
        queue.unread = true;
        queue.waker = None;
        queue.used = Vec::new();
        let unread = std::mem::take(&mut queue.waiting);
        queue.properties.clear();
        drop(queue);
        for ack in unread.into_iter().filter_map(|waiting| waiting.ack) {
            let _ = self.answers.send(Answer::Taken(ack));
        }
    }

    fn push_message(
        &self,
        interface: &'static str,
        event: impl FnOnce(&mut Queue<E>) -> E,
        ack: Option<Ack>,
    ) -> Taken {
        let mut queue = self.lock();
        if queue.unread {
            return Taken::Discarded;
        }
        let event = event(&mut queue);
        let mut taken = Taken::Queued;
        if ack.is_none() {
            queue.unreliable += 1;
            if queue.unreliable > self.capacity {
                queue.displace_oldest_unreliable();
                taken = Taken::Displaced(queue.displaced);
            }
        }
        queue.waiting.push_back(Waiting {
            interface,
            event,
            ack,
            property: None,
        });
        wake(queue);
        taken
    }

    /// A newer value takes the place of one that was not read yet.
    fn push_property(&self, interface: &'static str, path: &str, event: E) {
        let mut queue = self.lock();
        if queue.unread {
            return;
        }
        let property = format!("{interface}{path}");
        let first = queue.first;
        let waiting = queue
            .properties
            .get(&property)
            .and_then(|number| usize::try_from(number - first).ok());
        if let Some(waiting) = waiting.and_then(|index| queue.waiting.get_mut(index)) {
            waiting.event = event;
            return;
        }
        let number = first + queue.waiting.len() as u64;
        queue.properties.insert(property.clone(), number);
        queue.waiting.push_back(Waiting {
            interface,
            event,
            ack: None,
            property: Some(property),
        });
        wake(queue);
    }

    fn lock(&self) -> MutexGuard<'_, Queue<E>> {
        // Every change is whole by the time anything can panic.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Has the receiver look again, outside of the lock.
fn wake<E>(mut queue: MutexGuard<'_, Queue<E>>) {
    let waker = queue.waker.take();
    drop(queue);
    if let Some(waker) = waker {
        waker.wake();
    }
}

impl<E> Queue<E> {
    fn take_back(&mut self, used: Option<E>) {
        if self.used.len() < MAX_USED {
            self.used.extend(used);
        }
    }

    fn pop(&mut self) -> Option<Waiting<E>> {
        let waiting = self.waiting.pop_front()?;
        self.first += 1;
        match &waiting.property {
            Some(property) => {
                self.properties.remove(property);
            }
            None if waiting.ack.is_none() => self.unreliable -= 1,
            None => {}
        }
        Some(waiting)
    }

    fn displace_oldest_unreliable(&mut self) {
        let Some(index) = self
            .waiting
            .iter()
            .position(|waiting| waiting.ack.is_none() && waiting.property.is_none())
        else {
            return;
        };
        self.waiting.remove(index);
        self.unreliable -= 1;
        self.displaced += 1;
        // What stood behind it has moved by one; what stood before it as well, once the start is counted anew.
        self.first += 1;
        for waiting in self.waiting.iter().take(index) {
            if let Some(number) = waiting
                .property
                .as_ref()
                .and_then(|property| self.properties.get_mut(property))
            {
                *number += 1;
            }
        }
    }
}

impl<E: Send + 'static> Deliver for Inbox<E> {
    fn message(
        &self,
        interface: &'static str,
        path: &str,
        payload: &[u8],
        ack: Option<Ack>,
    ) -> Result<Taken, DecodeError> {
        Ok(match self.decoder.message {
            Reader::Decode(decode) => {
                let event = caught(|| decode(interface, path, payload))?;
                self.push_message(interface, |_| event, ack)
            }
            Reader::Keep(keep) => {
                let event = |queue: &mut Queue<E>| keep(queue.used.pop(), path, payload);
                self.push_message(interface, event, ack)
            }
        })
    }

    fn property(
        self: Arc<Self>,
        interface: &'static str,
        path: &str,
        payload: &[u8],
    ) -> Result<Announce, DecodeError> {
        let event = match self.decoder.message {
            Reader::Decode(decode) => caught(|| decode(interface, path, payload))?,
            Reader::Keep(keep) => keep(None, path, payload),
        };
        let path = path.to_owned();
        Ok(Box::new(move || {
            self.push_property(interface, &path, event);
        }))
    }

    fn purged(
        self: Arc<Self>,
        interface: &'static str,
        path: &str,
    ) -> Result<Announce, DecodeError> {
        let event = caught(|| (self.decoder.purged)(interface, path))?;
        let path = path.to_owned();
        Ok(Box::new(move || {
            self.push_property(interface, &path, event);
        }))
    }

    fn stop(&self) {
        let mut queue = self.lock();
        queue.stopped = true;
        wake(queue);
    }

    fn close(&self) {
        let mut queue = self.lock();
        (queue.unread, queue.stopped) = (true, true);
        let unread = queue.waiting.iter_mut();
        let acks: Vec<_> = unread.filter_map(|waiting| waiting.ack.take()).collect();
        queue.unreliable += acks.len();
        wake(queue);
        for ack in acks {
            let _ = self.answers.send(Answer::Safe(ack));
        }
    }

    fn unread(&self) -> Option<(&'static str, usize)> {
        let queue = self.lock();
        let mut unread = queue
            .waiting
            .iter()
            .filter(|waiting| waiting.ack.is_some())
            .map(|waiting| waiting.interface);
        let oldest = unread.next()?;
        Some((oldest, 1 + unread.count()))
    }
}

/// Decodes by types of the application, a panic of which must not end the device.
///
/// They hold no state: nothing can be left half done.
fn caught<E>(decode: impl FnOnce() -> Result<E, DecodeError>) -> Result<E, DecodeError> {
    catch_unwind(AssertUnwindSafe(decode)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().copied();
        let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        Err(DecodeError::Panicked {
            message: text.unwrap_or("no message").to_owned(),
        })
    })
}

impl<E> fmt::Debug for Inbox<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbox")
            .field("capacity", &self.capacity)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{payload::Payload, wire};

    fn inbox(capacity: usize) -> (Arc<Inbox<String>>, mpsc::UnboundedReceiver<Answer>) {
        let (acks, acknowledged) = mpsc::unbounded_channel();
        let decoder = Decoder {
            message: Reader::Decode(|_, path, payload| {
                Payload::parse(payload)?
                    .decode::<wire::Boolean, bool>()
                    .map(|value| format!("{path}={value}"))
            }),
            purged: |_, path| Ok(format!("{path} purged")),
        };
        (Arc::new(Inbox::new(decoder, capacity, acks)), acknowledged)
    }

    const TRUE: &[u8] = b"\x09\0\0\0\x08v\0\x01\0";
    const FALSE: &[u8] = b"\x09\0\0\0\x08v\0\0\0";

    #[tokio::test]
    async fn a_slow_reader_sees_the_newest_value_of_a_property() {
        let (inbox, _acks) = inbox(1);
        for (path, payload) in [("/a", FALSE), ("/b", FALSE), ("/a", TRUE)] {
            Arc::clone(&inbox)
                .property("org.example.A", path, payload)
                .unwrap()();
        }
        inbox.message("org.example.A", "/x", TRUE, None).unwrap();
        assert_eq!(
            inbox.message("org.example.A", "/y", TRUE, None).unwrap(),
            Taken::Displaced(1)
        );
        Arc::clone(&inbox).purged("org.example.A", "/b").unwrap()();
        let mut seen = Vec::new();
        for _ in 0..3 {
            seen.push(inbox.recv().await.unwrap());
        }
        assert_eq!(seen, ["/a=true", "/b purged", "/y=true"]);
        Arc::clone(&inbox)
            .property("org.example.A", "/a", FALSE)
            .unwrap()();
        assert_eq!(inbox.recv().await.unwrap(), "/a=false");
        inbox.stop();
        assert_eq!(inbox.recv().await, Err(Closed));
    }

    #[tokio::test]
    async fn what_does_not_decode_is_an_error_and_nothing_is_queued() {
        let (inbox, _acks) = inbox(1);
        assert!(inbox.message("org.example.A", "/a", b"\xff", None).is_err());
        assert!(
            Arc::clone(&inbox)
                .property("org.example.A", "/a", b"")
                .is_err()
        );
        inbox.stop();
        assert_eq!(inbox.recv().await, Err(Closed));
    }

    fn keeping() -> Inbox<Vec<u8>> {
        let decoder = Decoder {
            message: Reader::Keep(|used, _, payload| {
                let mut kept: Vec<u8> = used.unwrap_or_default();
                kept.clear();
                kept.extend_from_slice(payload);
                kept
            }),
            purged: |_, path| Err(DecodeError::unknown_path(path)),
        };
        Inbox::new(decoder, 1000, mpsc::unbounded_channel().0)
    }

    /// Reads what waits, and gives back what was read before.
    fn read(inbox: &Inbox<Vec<u8>>, used: Option<Vec<u8>>) -> Option<Vec<u8>> {
        match inbox.poll_recv(&Context::from_waker(Waker::noop()), used) {
            Poll::Ready(read) => Some(read.unwrap()),
            Poll::Pending => None,
        }
    }

    #[test]
    fn what_was_given_back_holds_the_next_message() {
        let inbox = keeping();
        let take = |payload| inbox.message("org.example.A", "/a", payload, None).unwrap();
        take(&[1; 100]);
        let first = read(&inbox, None).unwrap();
        let memory = first.as_ptr();
        assert_eq!(read(&inbox, Some(first)), None);
        take(&[2; 3]);
        let second = read(&inbox, None).unwrap();
        assert_eq!((&second[..], second.as_ptr()), (&[2; 3][..], memory));
    }

    #[test]
    fn few_used_events_are_kept_and_none_once_nobody_reads() {
        let inbox = keeping();
        for _ in 0..2 * MAX_USED {
            assert_eq!(read(&inbox, Some(vec![7])), None);
        }
        assert_eq!(inbox.lock().used.len(), MAX_USED);
        inbox.abandon();
        assert_eq!(inbox.lock().used.capacity(), 0);
    }

    #[tokio::test]
    async fn an_abandoned_inbox_takes_nothing() {
        let (inbox, _acks) = inbox(1);
        inbox.abandon();
        assert_eq!(
            inbox.message("org.example.A", "/a", TRUE, None).unwrap(),
            Taken::Discarded
        );
    }
}
