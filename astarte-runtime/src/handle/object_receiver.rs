//! Receiving on object datastreams.

use std::{fmt, marker::PhantomData, sync::Arc};

use super::refused::{GetOnDatastream, Refused, SendOnServerOwned};
use crate::{
    FromObject, ReceiveObject,
    device::Shared,
    inbox::{Closed, Inbox},
    payload::Payload,
    status::{Rejected, Status},
};

/// Receives on a server-owned object datastream.
///
/// Messages of `guaranteed` and `unique` reliability are acknowledged as they are handed out; one that was not is sent
/// again by the broker after a restart. Dropped, the receiver lets everything pass that still comes.
pub struct ObjectReceiver<I: ReceiveObject> {
    shared: Arc<Shared>,
    /// Paths and payloads.
    inbox: Arc<Inbox<(String, Vec<u8>)>>,
    interface: PhantomData<fn() -> I>,
}

impl<I: ReceiveObject> ObjectReceiver<I> {
    pub(crate) fn new(shared: Arc<Shared>, inbox: Arc<Inbox<(String, Vec<u8>)>>) -> Self {
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
    /// # Errors
    ///
    /// Those of [`recv`](Self::recv).
    pub async fn recv_as<O: FromObject<I>>(&mut self) -> Result<I::Received<O>, Closed> {
        loop {
            let (path, payload) = self.inbox.recv().await?;
            match Payload::parse(&payload).and_then(|payload| I::decode::<O>(&path, payload)) {
                Ok(received) => return Ok(received),
                Err(error) => {
                    let interface = I::DESCRIPTOR.name.to_owned();
                    self.shared.status.tell(Status::Rejected(Rejected {
                        interface,
                        path,
                        reason: error.into(),
                    }));
                }
            }
        }
    }

    #[doc(hidden)]
    pub fn send<P, O>(&self, _: P, _: O) -> Refused
    where
        I: SendOnServerOwned,
    {
        Refused
    }

    #[doc(hidden)]
    pub fn send_at<P, O, T>(&self, _: P, _: O, _: T) -> Refused
    where
        I: SendOnServerOwned,
    {
        Refused
    }

    #[doc(hidden)]
    pub fn get<P>(&self, _: P) -> Refused
    where
        I: GetOnDatastream,
    {
        Refused
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
