//! The act of sending, as a future.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use thiserror::Error;

use crate::{
    delivery::Delivery,
    device::{ConnectError, Shared},
    error::{ParamError, ValueError},
    outbox::{Message, Refusal},
    store::StoreError,
};

/// A message on its way to be accepted. It holds everything it needs, and borrows nothing.
///
/// Nothing is queued before it is first polled; dropped later, either the whole message was queued or nothing.
#[must_use = "nothing is sent until this is awaited"]
pub struct Sending(State);

enum State {
    /// The message cannot be sent.
    Failed(Option<SendError>),
    /// Of a datastream; the queue may have to be waited for.
    Datastream {
        shared: Arc<Shared>,
        message: Option<Message>,
        delivery: Option<Delivery>,
    },
    /// What has to be stored first.
    Stored(BoxFuture<Result<Delivery, SendError>>),
}

type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A message was not accepted.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SendError {
    /// The device was disconnected, or was refused for good.
    #[error("the device has stopped")]
    Closed(#[source] Option<ConnectError>),
    /// The device is offline, and the retention of the mapping is `discard`.
    #[error("the device is offline, and the retention of `{interface}{path}` is `discard`")]
    Offline {
        /// The name of the interface.
        interface: String,
        /// The path.
        path: String,
    },
    /// A parameter cannot be part of a path.
    #[error("on the interface `{interface}`: {source}")]
    Param {
        /// The name of the interface.
        interface: &'static str,
        /// What is wrong with the parameter.
        source: ParamError,
    },
    /// The message is larger than the broker takes.
    #[error(
        "the message on `{interface}{path}` needs an MQTT packet of {len} bytes, the broker takes {limit}"
    )]
    Size {
        /// The name of the interface.
        interface: &'static str,
        /// The path.
        path: String,
        /// The size of the packet, in bytes after its fixed header.
        len: usize,
        /// The largest size that the broker takes.
        limit: usize,
    },
    /// The interface was removed from the device, or replaced by another major version.
    #[error("the interface `{interface}` was removed from the device")]
    Removed {
        /// The name of the interface.
        interface: &'static str,
    },
    /// The property, or the message of the retention `stored`, could not be stored, and was not sent.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Astarte refuses the value.
    #[error("the value of `{interface}{path}`: {source}")]
    Value {
        /// The name of the interface.
        interface: &'static str,
        /// The path.
        path: String,
        /// What is wrong with the value.
        source: ValueError,
    },
}

impl Sending {
    pub(crate) fn failed(error: SendError) -> Self {
        Self(State::Failed(Some(error)))
    }

    pub(crate) fn datastream(shared: Arc<Shared>, message: Message, delivery: Delivery) -> Self {
        Self(State::Datastream {
            shared,
            message: Some(message),
            delivery: Some(delivery),
        })
    }

    pub(crate) fn stored(
        storing: impl Future<Output = Result<Delivery, SendError>> + Send + 'static,
    ) -> Self {
        Self(State::Stored(Box::pin(storing)))
    }
}

impl Future for Sending {
    type Output = Result<Delivery, SendError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            State::Failed(error) => {
                Poll::Ready(Err(error.take().unwrap_or(SendError::Closed(None))))
            }
            State::Stored(storing) => storing.as_mut().poll(cx),
            State::Datastream {
                shared,
                message,
                delivery,
            } => {
                let (Some(sent), Some(accepted)) = (message.take(), delivery.take()) else {
                    return Poll::Ready(Err(shared.closed()));
                };
                match shared.outbox.push(sent, cx.waker()) {
                    Ok(()) => Poll::Ready(Ok(accepted)),
                    Err(Refusal::Closed) => Poll::Ready(Err(shared.closed())),
                    Err(Refusal::Offline(refused)) => Poll::Ready(Err(shared.offline(&refused))),
                    Err(Refusal::Removed(refused)) => Poll::Ready(Err(SendError::Removed {
                        interface: refused.kind.interface().name,
                    })),
                    Err(Refusal::Full(refused)) => {
                        (*message, *delivery) = (Some(refused), Some(accepted));
                        Poll::Pending
                    }
                }
            }
        }
    }
}

impl fmt::Debug for Sending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sending").finish_non_exhaustive()
    }
}
