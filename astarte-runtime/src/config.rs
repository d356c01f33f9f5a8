//! The settings of a device.

use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use crate::{
    clock::{SystemClock, TimeSource},
    credentials::Credentials,
    device::{Bounds, Stores},
    identity::{DeviceId, Realm},
    store::{PropertyStore, RetentionStore, SessionStore},
    tls::Tls,
};

/// Who a device is, how it reaches its cluster, and the settings of its connection.
///
/// What is out of range is an error of [`connect`](crate::Builder::connect), which names the setting.
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use astarte_runtime::Config;
///
/// let config = Config::new("test".parse()?, "2imLILqtRP2vq0ZVy-TGRQ".parse()?)
///     .pairing("https://api.astarte.example/pairing", "the credentials secret")
///     .directory("/var/lib/thermostat");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Config {
    pub(crate) realm: Realm,
    pub(crate) device_id: DeviceId,
    pub(crate) access: Access,
    pub(crate) tls: Tls,
    pub(crate) time_source: Arc<dyn TimeSource>,
    pub(crate) directory: Option<PathBuf>,
    pub(crate) stores: Option<Stores>,
    pub(crate) property_store: Option<Arc<dyn PropertyStore>>,
    #[cfg(feature = "pairing")]
    pub(crate) credential_store: Option<Arc<dyn crate::pairing::CredentialStore>>,
    pub(crate) keep_alive: Duration,
    pub(crate) connect_timeout: Duration,
    pub(crate) disconnect_timeout: Duration,
    pub(crate) window: u16,
    pub(crate) queue: usize,
    pub(crate) retained: usize,
    pub(crate) stored: Bounds,
    pub(crate) inbox: usize,
    pub(crate) unread_after: Duration,
    pub(crate) resync_after: Duration,
    pub(crate) backoff: (Duration, Duration),
}

/// How the device comes to its broker.
#[derive(Clone)]
pub(crate) enum Access {
    /// Nothing was said.
    Unset,
    /// The broker and the credentials are given.
    Broker {
        url: String,
        credentials: Credentials,
    },
    /// The pairing API tells.
    #[cfg(feature = "pairing")]
    Pairing {
        url: String,
        proof: crate::pairing::Proof,
    },
}

impl Config {
    /// The settings of a device of this identity, with the defaults of each setting.
    pub fn new(realm: Realm, device_id: DeviceId) -> Self {
        Self {
            realm,
            device_id,
            access: Access::Unset,
            tls: Tls::default(),
            time_source: Arc::new(SystemClock),
            directory: None,
            stores: None,
            property_store: None,
            #[cfg(feature = "pairing")]
            credential_store: None,
            keep_alive: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(15),
            disconnect_timeout: Duration::from_secs(5),
            window: 100,
            queue: 1000,
            retained: 1000,
            stored: Bounds {
                messages: 100_000,
                bytes: 64 * 1024 * 1024,
            },
            inbox: 1000,
            unread_after: Duration::from_secs(10),
            resync_after: Duration::from_secs(3600),
            backoff: (Duration::from_secs(1), Duration::from_secs(60)),
        }
    }

    /// Asks the pairing API at `url` for the broker and for a certificate.
    ///
    /// The device proves itself by the secret that its registration gave. Where an
    /// [`Authorization`](crate::pairing::Authorization) is given instead, the device registers itself and keeps the
    /// secret: give it a [directory](Self::directory), because a device that has had a certificate cannot be registered
    /// again until somebody unregisters it.
    ///
    /// The certificate is renewed while the device is connected, after two thirds of its lifetime, and where the broker
    /// refuses it. [`Status::CertificateRenewed`](crate::Status::CertificateRenewed) tells it.
    #[cfg(feature = "pairing")]
    #[must_use]
    pub fn pairing(
        mut self,
        url: impl Into<String>,
        proof: impl Into<crate::pairing::Proof>,
    ) -> Self {
        self.access = Access::Pairing {
            url: url.into(),
            proof: proof.into(),
        };
        self
    }

    /// Connects to a broker at `mqtts://host:port` with credentials that are given.
    #[must_use]
    pub fn broker(mut self, url: impl Into<String>, credentials: Credentials) -> Self {
        self.access = Access::Broker {
            url: url.into(),
            credentials,
        };
        self
    }

    /// Keeps credentials and properties in this directory, which must exist.
    ///
    /// By default both are kept in memory, which is for tests: a device that starts without its properties tells the
    /// server that it has none, and the server deletes those it had.
    #[must_use]
    pub fn directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.directory = Some(directory.into());
        self
    }

    /// Keeps properties, unsent messages and the state of the session in this store, and not in the directory.
    ///
    /// A [`MemoryStore`](crate::store::MemoryStore) loses them with the process, and is the default without a directory.
    #[must_use]
    pub fn store(mut self, store: impl PropertyStore + RetentionStore + SessionStore) -> Self {
        self.stores = Some(Stores::new(store));
        self
    }

    /// Keeps properties in this store, and the rest where it is.
    #[must_use]
    pub fn property_store(mut self, store: impl PropertyStore) -> Self {
        self.property_store = Some(Arc::new(store));
        self
    }

    /// Keeps credentials in this store, and not in the directory.
    #[cfg(feature = "pairing")]
    #[must_use]
    pub fn credential_store(mut self, store: impl crate::pairing::CredentialStore) -> Self {
        self.credential_store = Some(Arc::new(store));
        self
    }

    /// Says what the device trusts; the certificates of the platform by default.
    #[must_use]
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = tls;
        self
    }

    /// Asks this source for the time; the clock of the system by default.
    ///
    /// By it the device checks the certificates of servers, makes tokens, and knows when to renew its own certificate.
    /// Where the source is behind the newest time that the server has told, which is the begin of the device's
    /// certificate, that time counts. Timestamps of data are the application's own.
    #[must_use]
    pub fn time_source(mut self, source: impl TimeSource) -> Self {
        self.time_source = Arc::new(source);
        self
    }

    /// How long the link may be silent before it is tried by a ping, 1 s to 18 h; 30 s by default. A link that does not
    /// answer for as long again is given up.
    #[must_use]
    pub fn keep_alive(mut self, keep_alive: Duration) -> Self {
        self.keep_alive = keep_alive;
        self
    }

    /// How long each of opening a link, and each answer of the handshake on it, may take; 15 s by default.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How long [`disconnect`](crate::Device::disconnect) waits for what is still to be sent; 5 s by default.
    #[must_use]
    pub fn disconnect_timeout(mut self, timeout: Duration) -> Self {
        self.disconnect_timeout = timeout;
        self
    }

    /// How many messages may be unacknowledged at a time, 1 to 10 000; 100 by default.
    #[must_use]
    pub fn window(mut self, messages: u16) -> Self {
        self.window = messages;
        self
    }

    /// How many messages may wait to be sent while online, at least 1; 1000 by default. Where there are more, `send`,
    /// `set` and `unset` wait.
    #[must_use]
    pub fn queue(mut self, messages: usize) -> Self {
        self.queue = messages;
        self
    }

    /// How many messages of `volatile` retention wait while offline; 1000 by default. The oldest make room for newer.
    #[must_use]
    pub fn retained(mut self, messages: usize) -> Self {
        self.retained = messages;
        self
    }

    /// How many messages of `stored` retention are kept, at least as many as the [window](Self::window), and how many
    /// bytes of them, at least 1 MiB; 100 000 messages and 64 MiB by default. The oldest make room for newer, which
    /// [`Status::RetentionFull`](crate::Status::RetentionFull) tells.
    ///
    /// Bytes are those of interface names, paths and payloads; what the file needs is about twice as much.
    #[must_use]
    pub fn stored(mut self, messages: u64, bytes: u64) -> Self {
        self.stored = Bounds { messages, bytes };
        self
    }

    /// How many `unreliable` messages wait for each receiver, at least 1; 1000 by default. The oldest make room.
    ///
    /// The others wait for as long as it takes, and are acknowledged in the order of their arrival: a receiver that is
    /// kept and not read stops all receiving, once the broker has a full window of messages without an acknowledgement
    /// (100 with Astarte's). Drop a receiver that is not read; [`Status::Unread`](crate::Status::Unread) names it.
    #[must_use]
    pub fn inbox(mut self, messages: usize) -> Self {
        self.inbox = messages;
        self
    }

    /// For how long the broker's window may be full of messages that no receiver has taken, before
    /// [`Status::Unread`](crate::Status::Unread) tells it; 10 s by default, at most a day.
    #[must_use]
    pub fn unread_after(mut self, time: Duration) -> Self {
        self.unread_after = time;
        self
    }

    /// After what absence the device asks for the properties of the server though the broker has kept its session; an
    /// hour by default. What was sent meanwhile waits in the broker, which drops what does not fit in its queue (1000
    /// messages with Astarte's). How long no process ran is not known: [`resync`](crate::Device::resync) asks at any time.
    #[must_use]
    pub fn resync_after(mut self, absence: Duration) -> Self {
        self.resync_after = absence;
        self
    }

    /// The pauses between attempts to connect; 1 s to 60 s by default. The longest possible pause doubles from attempt
    /// to attempt, from `shortest` to `longest`; each pause is a random part of it.
    #[must_use]
    pub fn backoff(mut self, shortest: Duration, longest: Duration) -> Self {
        self.backoff = (shortest, longest);
        self
    }

    /// What is out of range: the setting, and what it must be.
    pub(crate) fn check(&self) -> Result<(), (&'static str, &'static str)> {
        let seconds = self.keep_alive.as_secs();
        let (shortest, longest) = self.backoff;
        let checks = [
            (
                matches!(self.access, Access::Unset),
                "pairing",
                "given, or else `broker`",
            ),
            (
                !(1..=u64::from(u16::MAX)).contains(&seconds),
                "keep_alive",
                "between 1 s and 65 535 s",
            ),
            (
                self.connect_timeout.is_zero() || self.connect_timeout > DAY,
                "connect_timeout",
                "more than zero, and at most a day",
            ),
            (
                self.disconnect_timeout > DAY,
                "disconnect_timeout",
                "at most a day",
            ),
            (longest > DAY, "backoff", "at most a day"),
            (self.unread_after > DAY, "unread_after", "at most a day"),
            (
                !(1..=10_000).contains(&self.window),
                "window",
                "between 1 and 10 000",
            ),
            (self.queue == 0, "queue", "at least 1"),
            (self.inbox == 0, "inbox", "at least 1"),
            (
                self.stored.messages < self.window.into() || self.stored.bytes < MIB,
                "stored",
                "at least as many messages as the window, and at least 1 MiB",
            ),
            (
                shortest.is_zero() || shortest > longest,
                "backoff",
                "more than zero, and in ascending order",
            ),
        ];
        match checks.into_iter().find(|(wrong, ..)| *wrong) {
            Some((_, setting, expected)) => Err((setting, expected)),
            None => Ok(()),
        }
    }
}

/// The longest that anything may be told to wait: what is longer cannot be told from for ever, and may overflow clocks.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// 1 MiB in bytes: any message fits.
const MIB: u64 = 1024 * 1024;

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("realm", &self.realm)
            .field("device_id", &self.device_id)
            .field("directory", &self.directory)
            .finish_non_exhaustive()
    }
}
