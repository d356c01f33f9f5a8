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

/// A message as it was received: a path, and the payload behind it.
#[derive(Debug)]
pub(crate) struct Undecoded {
    bytes: Vec<u8>,
    path: usize,
}

type Decoder<T> = fn(&str, &[u8]) -> Result<T, DecodeError>;

impl Undecoded {
    pub(crate) fn new(path: &str, payload: &[u8]) -> Self {
        let mut bytes = Vec::with_capacity(path.len() + payload.len());
        bytes.extend_from_slice(path.as_bytes());
        bytes.extend_from_slice(payload);
        Self {
            bytes,
            path: path.len(),
        }
    }

    fn path(&self) -> &str {
        // It was one.
        std::str::from_utf8(&self.bytes[..self.path]).unwrap_or_default()
    }

    fn payload(&self) -> &[u8] {
        &self.bytes[self.path..]
    }
}

/// Receives on a server-owned object datastream.
///
/// Messages of `guaranteed` and `unique` reliability are acknowledged as they are handed out, in the order of their
/// arrival over all interfaces: read every receiver, or drop it, which lets everything pass that still comes. What was
/// not handed out when the process ends is lost: the next process begins a new session.
pub struct ObjectReceiver<I: ReceiveObject> {
    shared: Arc<Shared>,
    inbox: Arc<Inbox<Undecoded>>,
    interface: PhantomData<fn() -> I>,
}

impl<I: ReceiveObject> ObjectReceiver<I> {
    pub(crate) fn new(shared: Arc<Shared>, inbox: Arc<Inbox<Undecoded>>) -> Self {
        Self {
            shared,
            inbox,
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
    receiver: &'a ObjectReceiver<I>,
    decode: Decoder<I::Received<O>>,
}

impl<I: ReceiveObject, O> Future for Receiving<'_, I, O> {
    type Output = Result<I::Received<O>, Closed>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let message = ready!(self.receiver.inbox.poll_recv(cx))?;
            match (self.decode)(message.path(), message.payload()) {
                Ok(received) => return Poll::Ready(Ok(received)),
                Err(error) => {
                    let rejected = Status::Rejected(Rejected {
                        interface: I::DESCRIPTOR.name.to_owned(),
                        path: message.path().to_owned(),
                        reason: error.into(),
                    });
                    self.receiver.shared.status.tell(rejected);
                }
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
