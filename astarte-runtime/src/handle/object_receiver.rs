//! Receiving on object datastreams.

use std::{
    fmt,
    future::Future,
    marker::PhantomData,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use super::{
    property_cache::PropertyError,
    refused::{GetOnDatastream, Refused, SendOnServerOwned},
};
use crate::{
    FromObject, ReceiveObject,
    device::Shared,
    error::DecodeError,
    inbox::{Closed, Inbox},
    payload::Payload,
    status::{Rejected, Status},
};

/// A message as it was received.
#[derive(Debug, Default)]
pub(crate) struct Undecoded {
    path: String,
    payload: Vec<u8>,
}

type Decoder<T> = fn(&str, &[u8]) -> Result<T, DecodeError>;

impl Undecoded {
    /// Keeps a message, in the memory of one that was read, if there is one.
    pub(crate) fn new(used: Option<Self>, path: &str, payload: &[u8]) -> Self {
        let mut message = used.unwrap_or_default();
        message.path.clear();
        message.path.push_str(path);
        message.payload.clear();
        message.payload.extend_from_slice(payload);
        message
    }

    /// What other messages may be kept in, unless it is large.
    fn used(self) -> Option<Self> {
        (self.path.capacity() + self.payload.capacity() <= MAX_USED).then_some(self)
    }
}

/// The largest memory of a message, in bytes, that is kept for others.
const MAX_USED: usize = 512;

/// Receives on a server-owned object datastream.
///
/// Messages of `guaranteed` and `unique` reliability are acknowledged as they are handed out, in the order of their
/// arrival over all interfaces: read every receiver, or drop it, which lets everything pass that still comes. What was
/// not handed out when the process ends is lost: the next process begins a new session.
pub struct ObjectReceiver<I: ReceiveObject> {
    shared: Arc<Shared>,
    inbox: Arc<Inbox<Undecoded>>,
    /// The memory of the message that was read last.
    used: Option<Undecoded>,
    interface: PhantomData<fn() -> I>,
}

impl<I: ReceiveObject> ObjectReceiver<I> {
    pub(crate) fn new(shared: Arc<Shared>, inbox: Arc<Inbox<Undecoded>>) -> Self {
        Self {
            shared,
            inbox,
            used: None,
            interface: PhantomData,
        }
    }

    /// Waits for the next object, as the struct of the interface.
    ///
    /// One that does not fit is told as [`Status::Rejected`] and left out. Cancel safe: nothing is lost where the
    /// future is dropped.
    ///
    /// # Errors
    ///
    /// - The device has stopped, and everything was read.
    pub async fn recv(&mut self) -> Result<I::Received<I>, Closed>
    where
        I: FromObject<I>,
    {
        self.recv_as::<I>().await
    }

    /// Waits for the next object, as a struct of the application.
    ///
    /// One that does not fit is told as [`Status::Rejected`] and left out. Cancel safe: nothing is lost where the
    /// future is dropped.
    ///
    /// # Errors
    ///
    /// - The device has stopped, and everything was read.
    pub fn recv_as<O: FromObject<I>>(&mut self) -> Receiving<'_, I, O> {
        Receiving {
            receiver: self,
            decode: |path, payload| I::decode::<O>(path, Payload::parse(payload)?),
        }
    }

    #[doc(hidden)]
    pub fn send<P, O>(&self, _: P, _: O) -> Refused
    where
        I: SendOnServerOwned,
    {
        Refused::new()
    }

    #[doc(hidden)]
    pub fn send_at<P, O, T>(&self, _: P, _: O, _: T) -> Refused
    where
        I: SendOnServerOwned,
    {
        Refused::new()
    }

    #[doc(hidden)]
    pub fn get<P, T>(&self, _: P) -> Result<Option<T>, PropertyError>
    where
        I: GetOnDatastream,
    {
        // Nothing implements the bound.
        Ok(None)
    }
}

/// The next object of an [`ObjectReceiver`], on its way.
///
/// Nothing is received before it is first polled.
// A type with a name, and without a bound on `O`: as an `async fn`, `recv_as` would answer an `O` that is no object of
// the interface with an error for the call, one for `.await`, and one for the value.
#[must_use = "nothing is received until this is awaited"]
pub struct Receiving<'a, I: ReceiveObject, O> {
    receiver: &'a mut ObjectReceiver<I>,
    decode: Decoder<I::Received<O>>,
}

impl<I: ReceiveObject, O> Future for Receiving<'_, I, O> {
    type Output = Result<I::Received<O>, Closed>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { receiver, decode } = self.get_mut();
        loop {
            let message = ready!(receiver.inbox.poll_recv(cx, receiver.used.take()))?;
            match decode(&message.path, &message.payload) {
                Ok(received) => {
                    receiver.used = message.used();
                    return Poll::Ready(Ok(received));
                }
                Err(error) => receiver.shared.status.tell(Status::Rejected(Rejected {
                    interface: I::DESCRIPTOR.name.to_owned(),
                    path: message.path,
                    reason: error.into(),
                })),
            }
        }
    }
}

impl<I: ReceiveObject, O> fmt::Debug for Receiving<'_, I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Receiving")
            .field(&I::DESCRIPTOR.name)
            .finish()
    }
}

impl<I: ReceiveObject> Drop for ObjectReceiver<I> {
    fn drop(&mut self) {
        self.inbox.abandon();
    }
}

impl<I: ReceiveObject> fmt::Debug for ObjectReceiver<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ObjectReceiver")
            .field(&I::DESCRIPTOR.name)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_holds_nothing_of_the_one_before_it() {
        let long = Undecoded::new(None, "/a/long/path", &[7; 100]);
        let (path, payload) = (long.path.as_ptr(), long.payload.as_ptr());
        let short = Undecoded::new(long.used(), "/b", &[1, 2]);
        assert_eq!((&*short.path, &*short.payload), ("/b", &[1, 2][..]));
        assert_eq!(
            (short.path.as_ptr(), short.payload.as_ptr()),
            (path, payload)
        );
    }

    #[test]
    fn a_large_message_is_not_kept() {
        assert!(Undecoded::new(None, "/a", &[0; 256]).used().is_some());
        assert!(Undecoded::new(None, "/a", &[0; MAX_USED]).used().is_none());
        let path = "/a".repeat(MAX_USED);
        assert!(Undecoded::new(None, &path, &[]).used().is_none());
        let mut grown = Undecoded::new(None, "/a", &[0; MAX_USED]);
        grown.payload.clear();
        assert!(grown.used().is_none());
    }
}
