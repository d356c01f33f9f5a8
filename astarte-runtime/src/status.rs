//! What happens to the connection, as a stream.

use std::{
    fmt,
    path::PathBuf,
    time::{Duration, SystemTime},
};

use tokio::sync::broadcast;

use crate::{device::ConnectError, error::DecodeError};

/// Something that happened to a device.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Status {
    /// The device has a new certificate, before the old one expired or because the broker refused it. It connects with
    /// it at once, with the session that it has: nothing is lost, and no [`Disconnected`](Self::Disconnected) is told.
    CertificateRenewed {
        /// When the certificate ceases to be valid.
        not_after: SystemTime,
    },
    /// A connection is being opened.
    Connecting,
    /// The device is connected, and server and device know of each other what they must.
    Connected,
    /// The connection is gone; the device connects again by itself.
    Disconnected(Disconnected),
    /// Messages of a receiver that nobody reads were dropped; their reliability is `unreliable`.
    Dropped {
        /// The name of the interface.
        interface: &'static str,
        /// How many so far.
        total: u64,
    },
    /// The next attempt to connect follows after a pause.
    Reconnecting {
        /// The pause.
        after: Duration,
    },
    /// Messages of the retention `stored` were dropped, the oldest first, because more waited than the
    /// [setting](crate::Config::stored) allows.
    RetentionFull {
        /// How many since the device was built.
        total: u64,
    },
    /// A stored message can never be sent, and was set aside in the store, where it holds up no other.
    SetAside {
        /// The name of the interface.
        interface: String,
        /// The path.
        path: String,
        /// Why it cannot be sent.
        reason: String,
    },
    /// A message does not fit its interface, and was left out.
    Rejected(Rejected),
    /// The file of the store was damaged, and a new one was begun: what was stored is lost to the device.
    ///
    /// The device does not tell the server which properties are set until
    /// [`properties_complete`](crate::Device::properties_complete) is called, because the server would delete all others.
    StoreRecovered {
        /// Where the damaged file is.
        moved_to: PathBuf,
        /// What was wrong with it.
        reason: String,
    },
    /// The certificate could not be renewed. The device goes on with the one that it has, and tries again, at first
    /// after the pauses of the [backoff](crate::Config::backoff), in the end once an hour.
    RenewalFailed {
        /// What the pairing API says, or why it was not reached.
        reason: String,
    },
    /// The device has stopped and does not connect again.
    Stopped(Option<ConnectError>),
}

/// Why a connection ended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Disconnected {
    /// What the device saw.
    pub reason: String,
    /// The last messages that were sent before, `interface/path`, the newest last: the server closes the connection
    /// on data that it refuses, and gives no reason.
    pub last_published: Vec<String>,
}

impl fmt::Display for Disconnected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "disconnected: {}", self.reason)?;
        if self.last_published.is_empty() {
            return Ok(());
        }
        write!(
            f,
            "; the last messages were {}. Where the server closed the connection on one of them, its interface may not \
             be installed in the realm with this major version, or only with a lower minor version",
            self.last_published.join(", ")
        )
    }
}

/// A message that does not fit its interface.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Rejected {
    /// The interface in the topic.
    pub interface: String,
    /// The path in the topic.
    pub path: String,
    /// What does not fit.
    pub reason: RejectReason,
}

/// What does not fit.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RejectReason {
    /// The message is none of the interfaces' that the device receives on.
    #[error("the device receives on no such interface")]
    UnknownInterface,
    /// The path or payload is not what the interface says.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// A list of properties is malformed. Nothing was purged.
    #[error("{0}")]
    PropertyList(String),
    /// The property could not be stored. One of the server is taken when the broker repeats it.
    #[error("{0}")]
    Store(String),
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            interface,
            path,
            reason,
        } = self;
        write!(f, "rejected a message on `{interface}{path}`: {reason}")
    }
}

/// The stream of [`Status`] events of one device.
///
/// Each stream sees the events from its creation on. One that is read too slowly loses the oldest of more than 256.
#[derive(Debug)]
pub struct StatusStream(broadcast::Receiver<Status>);

impl StatusStream {
    /// Waits for the next event; `None` once the device and all its handles are gone. [`Status::Stopped`] is the last.
    ///
    /// Cancel safe: nothing is lost where the future is dropped.
    pub async fn recv(&mut self) -> Option<Status> {
        loop {
            match self.0.recv().await {
                Ok(status) => return Some(status),
                Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    }
}

/// Where events are told.
#[derive(Debug)]
pub(crate) struct StatusSender(broadcast::Sender<Status>);

impl StatusSender {
    pub(crate) fn new() -> Self {
        const KEPT: usize = 256;
        Self(broadcast::Sender::new(KEPT))
    }

    pub(crate) fn tell(&self, status: Status) {
        // Nobody listens where there is no stream.
        let _ = self.0.send(status);
    }

    pub(crate) fn subscribe(&self) -> StatusStream {
        StatusStream(self.0.subscribe())
    }
}
