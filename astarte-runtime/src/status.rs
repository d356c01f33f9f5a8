//! What happens to the connection, as a stream.

use std::{
    fmt,
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio::sync::broadcast;

use crate::{device::ConnectError, error::DecodeError, metrics::Counters, trace};

/// Something that happened to a device.
///
/// Its text says what it means and, where there is something to do, what.
///
/// | event | what it can mean |
/// |---|---|
/// | [`Connecting`](Self::Connecting) | an attempt begins: name, TCP, TLS, MQTT, the pairing API where it is to be asked |
/// | [`Connected`](Self::Connected) | the handshake is through, or the broker has kept the session and needs none |
/// | [`Disconnected`](Self::Disconnected) | the network, the broker or the server: see its [reason](Disconnected::reason) and [hint](Disconnected::hint) |
/// | [`Reconnecting`](Self::Reconnecting) | the pause before the next attempt |
/// | [`Rejected`](Self::Rejected) | something that was received is not what an interface says, a type of the application refused it, or the store failed |
/// | [`Unread`](Self::Unread) | a receiver is kept and not read, and the broker sends nothing more |
/// | [`RetentionFull`](Self::RetentionFull), [`SetAside`](Self::SetAside) | what became of messages of the retention `stored` |
/// | [`Dropped`](Self::Dropped) | a receiver of `unreliable` messages is read too slowly |
/// | [`CertificateRenewed`](Self::CertificateRenewed), [`RenewalFailed`](Self::RenewalFailed) | the time of the certificate was nearly up, or the broker refused it |
/// | [`Stopped`](Self::Stopped) | `disconnect`, the drop of the device, or an error that trying again does not mend |
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
    /// A receiver was not read for so [long](crate::Config::unread_after) that the broker has a full window of messages
    /// without an acknowledgement, and sends nothing more, on any interface. Read the receiver, or drop it. Told once,
    /// until there is room again.
    Unread {
        /// The interface of the oldest message that waits.
        interface: &'static str,
        /// How many messages wait in the receiver.
        waiting: usize,
    },
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CertificateRenewed { .. } => f.write_str("the certificate was renewed"),
            Self::Connecting => f.write_str("connecting"),
            Self::Connected => f.write_str("connected"),
            Self::Disconnected(disconnected) => disconnected.fmt(f),
            Self::Dropped { interface, total } => write!(
                f,
                "dropped a message on `{interface}`, {total} so far: its receiver is read too slowly"
            ),
            Self::Reconnecting { after } => write!(f, "connecting again in {after:?}"),
            Self::Rejected(rejected) => rejected.fmt(f),
            Self::RenewalFailed { reason } => {
                write!(f, "the certificate was not renewed: {reason}")
            }
            Self::RetentionFull { total } => write!(
                f,
                "the store of unsent messages is full: the oldest made room, {total} so far"
            ),
            Self::SetAside {
                interface,
                path,
                reason,
            } => write!(
                f,
                "set aside a message on `{interface}{path}`, which can never be sent: {reason}"
            ),
            Self::StoreRecovered { moved_to, reason } => write!(
                f,
                "the store was damaged, and is now at `{}`; a new one was begun: {reason}",
                moved_to.display()
            ),
            Self::Stopped(None) => f.write_str("stopped"),
            Self::Stopped(Some(error)) => write!(f, "stopped: {error}"),
            Self::Unread { interface, waiting } => write!(
                f,
                "{waiting} messages of the receiver of `{interface}` are not read, and the broker sends nothing more \
                 until they are: read it, or drop it"
            ),
        }
    }
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
    /// What is likely behind it, where the server closed the connection.
    pub hint: Option<Hint>,
}

/// What is likely behind a connection that the server closed: it gives no reason, ever.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Hint {
    /// Data were sent on this connection, and the server closes it on data that it refuses.
    DataRefused,
    /// The connection was closed several times in a row after the device had asked for its properties, and before it
    /// sent any data: the server does so where it does not know an interface of the introspection.
    EmptyCacheRefused {
        /// How many times.
        times: u32,
        /// The introspection, `name:major:minor` of each interface.
        introspection: String,
    },
    /// The connection was closed several times in a row, with the session kept: so the server found no fault. It is
    /// likely that another device connects with the same identity, and that each throws the other out.
    SharedIdentity {
        /// How many times.
        times: u32,
    },
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DataRefused => f.write_str(
                "where the server closed the connection on one of the last messages, its interface may not be installed \
                 in the realm with this major version, or only with a lower minor version, or the server refuses the \
                 value or the path",
            ),
            Self::EmptyCacheRefused {
                times,
                introspection,
            } => write!(
                f,
                "this is the connection number {times} in a row that ended after the device had asked for its \
                 properties: an interface of the introspection may not be installed in the realm with its major \
                 version, or a stored property may be refused. The introspection is {introspection}"
            ),
            Self::SharedIdentity { times } => write!(
                f,
                "this is the connection number {times} in a row that was closed though the broker kept the session: \
                 another device may be connected with the same identity, each throwing the other out"
            ),
        }
    }
}

impl fmt::Display for Disconnected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "disconnected: {}", self.reason)?;
        if !self.last_published.is_empty() {
            write!(
                f,
                "; the last messages were {}",
                self.last_published.join(", ")
            )?;
        }
        match &self.hint {
            Some(hint) => write!(f, "; {hint}"),
            None => Ok(()),
        }
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
pub(crate) struct StatusSender {
    events: broadcast::Sender<Status>,
    counters: Arc<Counters>,
}

impl StatusSender {
    pub(crate) fn new(counters: Arc<Counters>) -> Self {
        const KEPT: usize = 256;
        Self {
            events: broadcast::Sender::new(KEPT),
            counters,
        }
    }

    pub(crate) fn tell(&self, status: Status) {
        self.counters.told(&status);
        trace::status(&status);
        // Nobody listens where there is no stream.
        let _ = self.events.send(status);
    }

    pub(crate) fn subscribe(&self) -> StatusStream {
        StatusStream(self.events.subscribe())
    }
}
