//! What became of a message after it was accepted.

mod slots;

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use thiserror::Error;

use self::slots::Waiting;
pub(crate) use self::slots::{Deliveries, Settle};

/// What becomes of a message that was accepted: drop it to forget, or await it.
///
/// Awaiting gives a [`Receipt`] once the broker has the message, or an error once it is certain that it will not.
#[derive(Debug)]
pub struct Delivery(State);

#[derive(Debug)]
enum State {
    Settled(Outcome),
    Waiting(Waiting),
}

pub(crate) type Outcome = Result<Receipt, DeliveryError>;

/// How a message reached the broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Receipt {
    /// The broker has acknowledged it. Astarte checks the data only later, and says nothing where all is well.
    Acknowledged,
    /// The broker has acknowledged it, and may have it twice: its session was lost, so the message was sent again.
    Repeated,
    /// The property already had this value on the server, and nothing was sent.
    Unchanged,
    /// Its reliability is `unreliable`: it is sent once, and nobody says whether it arrived.
    Unconfirmed,
}

impl Receipt {
    /// That of an acknowledgement, of a message that may be a repetition.
    pub(crate) fn of(repeated: bool) -> Self {
        if repeated {
            Self::Repeated
        } else {
            Self::Acknowledged
        }
    }
}

/// A message was given up.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeliveryError {
    /// The device was disconnected for good before the broker had the message.
    #[error("the device was stopped before the message was delivered")]
    Closed,
    /// It waited offline longer than the `expiry` of its mapping.
    #[error("the message waited longer than the expiry of its mapping")]
    Expired,
    /// The connection broke before it was sent, and the retention of its mapping is `discard`.
    #[error("the connection broke, and the retention of the mapping is `discard`")]
    Offline,
    /// More messages waited offline than the queue or the store holds, and this was the oldest.
    #[error("too many messages waited for the connection, and this was the oldest")]
    Overflow,
    /// Its interface was removed from the device, or replaced by another major version, before the broker had it.
    #[error("the interface of the message was removed before the message was delivered")]
    Removed,
    /// The device was disconnected before the broker had the message; it is stored, and the next process sends it.
    #[error(
        "the device was stopped before the message was delivered; it is stored, and is sent the next time"
    )]
    Stored,
    /// The message can never be sent, and was set aside in the store. A status event says why.
    #[error("the message can never be sent, and was set aside")]
    SetAside,
}

impl Delivery {
    pub(crate) fn settled(receipt: Receipt) -> Self {
        Self(State::Settled(Ok(receipt)))
    }
}

impl Future for Delivery {
    type Output = Result<Receipt, DeliveryError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &self.0 {
            State::Settled(outcome) => Poll::Ready(outcome.clone()),
            State::Waiting(waiting) => waiting.poll(cx),
        }
    }
}
