//! The act of sending, as a future.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use rumqttc::mqttbytes::QoS;
use thiserror::Error;

use crate::{
    delivery::{Delivery, Receipt, Settle},
    device::{ConnectError, SetAtOnce, Shared},
    error::{ParamError, ValueError},
    outbox::{Datastream, InterfaceId, Refusal, destination},
    prepared::Prepared,
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
        packet: Prepared,
        of: Datastream,
        is_accepted: bool,
    },
    /// A property, which is set here where its store does not block.
    Property {
        shared: Arc<Shared>,
        packet: Prepared,
        interface: InterfaceId,
    },
    /// What has to be stored first, by a task of its own.
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

    pub(crate) fn datastream(shared: Arc<Shared>, packet: Prepared, of: Datastream) -> Self {
        Self(State::Datastream {
            shared,
            packet,
            of,
            is_accepted: false,
        })
    }

    pub(crate) fn property(shared: Arc<Shared>, packet: Prepared, interface: InterfaceId) -> Self {
        Self(State::Property {
            shared,
            packet,
            interface,
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
        if let State::Property {
            shared,
            packet,
            interface,
        } = &self.0
        {
            self.0 = match shared.set_at_once(*interface, packet.view(), cx.waker()) {
                SetAtOnce::Full => return Poll::Pending,
                SetAtOnce::Done(set) => {
                    self.0 = State::Failed(None);
                    return Poll::Ready(set);
                }
                SetAtOnce::Blocks => {
                    let (shared, interface) = (Arc::clone(shared), *interface);
                    let publish = packet.view().to_owned();
                    let set = async move { shared.set_property(interface, publish).await };
                    State::Stored(Box::pin(set))
                }
            };
        }
        match &mut self.0 {
            // It was another one just above.
            State::Property { .. } => Poll::Pending,
            State::Failed(error) => {
                Poll::Ready(Err(error.take().unwrap_or(SendError::Closed(None))))
            }
            State::Stored(storing) => storing.as_mut().poll(cx),
            State::Datastream {
                shared,
                packet,
                of,
                is_accepted,
            } => {
                // Whoever polls once more gets no second message.
                if std::mem::replace(is_accepted, true) {
                    return Poll::Ready(Err(shared.closed()));
                }
                match accept(shared, packet, of, cx) {
                    Ok(delivery) => Poll::Ready(Ok(delivery)),
                    Err(Refusal::Full) => {
                        *is_accepted = false;
                        Poll::Pending
                    }
                    Err(refusal) => Poll::Ready(Err(refused(refusal, shared, packet, of))),
                }
            }
        }
    }
}

/// Puts a message in the queue, where it has room.
fn accept(
    shared: &Shared,
    packet: &Prepared,
    of: &Datastream,
    cx: &Context<'_>,
) -> Result<Delivery, Refusal> {
    let publish = packet.view();
    let place = shared.outbox.place(of, cx.waker())?;
    if publish.qos() == QoS::AtMostOnce && !of.ordered {
        place.fill_unreliable(of, publish);
        return Ok(Delivery::settled(Receipt::Unconfirmed));
    }
    let (settle, delivery) = delivery(shared, publish.qos());
    place.fill(of, publish, settle);
    Ok(delivery)
}

/// What tells what becomes of a message, where somebody will know.
pub(crate) fn delivery(shared: &Shared, qos: QoS) -> (Option<Settle>, Delivery) {
    match qos {
        QoS::AtMostOnce => (None, Delivery::settled(Receipt::Unconfirmed)),
        QoS::AtLeastOnce | QoS::ExactlyOnce => {
            let (settle, delivery) = shared.deliveries.waiting();
            (Some(settle), delivery)
        }
    }
}

#[cold]
fn refused(refusal: Refusal, shared: &Shared, packet: &Prepared, of: &Datastream) -> SendError {
    match refusal {
        Refusal::Offline => {
            let (interface, path) = destination(packet.view(), shared.base.len());
            SendError::Offline {
                interface: interface.to_owned(),
                path: path.to_owned(),
            }
        }
        Refusal::Removed => SendError::Removed {
            interface: of.interface.name,
        },
        Refusal::Closed | Refusal::Full => shared.closed(),
    }
}

impl fmt::Debug for Sending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sending").finish_non_exhaustive()
    }
}
