//! What a device has done, in numbers.

use std::{
    sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    time::Duration,
};

use rumqttc::mqttbytes::QoS;

use crate::{delivery::DeliveryError, status::Status};

/// What a device has done since it was built, and where it stands.
///
/// Counters only grow, and begin at 0 with the process; gauges are what was there at the moment of the call. Each is
/// exact for itself; they are read one after the other while the device goes on.
///
/// ```no_run
/// # fn export(device: &astarte_runtime::Device) {
/// let metrics = device.metrics();
/// println!("{} of {} reconnects", metrics.connections.saturating_sub(1), metrics.attempts);
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metrics {
    /// Counter: messages published at QoS 0, 1 and 2, those of the protocol included. What is sent again on another link
    /// counts once, what is sent again because the broker lost its session counts again.
    pub sent: [u64; 3],
    /// Counter: messages of QoS 1 and 2 that the broker has acknowledged.
    pub acknowledged: u64,
    /// Counter: messages received at QoS 0, 1 and 2, those of the protocol included; repetitions of the broker that the
    /// session filters are not.
    pub received: [u64; 3],
    /// Counter: what was told as [`Status::Rejected`].
    pub rejected: u64,
    /// Counters: messages that were accepted and given up, by the reason.
    pub dropped: Dropped,
    /// Counter: bytes of MQTT written, before TLS.
    pub bytes_sent: u64,
    /// Counter: bytes of MQTT read, after TLS.
    pub bytes_received: u64,
    /// Counter: how often the device tried to connect.
    pub attempts: u64,
    /// Counter: how often it was connected, and through the handshake.
    pub connections: u64,
    /// Gauge: messages in memory that wait to be sent, or, offline, for the connection.
    pub queued: usize,
    /// Gauge: messages of the retention `stored` that are kept until the broker has them, those in memory included.
    pub stored: u64,
    /// Gauge: messages of QoS 1 and 2 that were sent and are not acknowledged.
    pub in_flight: usize,
    /// Gauge: how long the broker took to answer the last ping, as the device measured it; `None` before the first. A
    /// device that sends and receives all the time pings seldom: see [`Config::keep_alive`](crate::Config::keep_alive).
    pub round_trip: Option<Duration>,
}

/// Messages that were accepted and given up. All but `unread` were the device's to send, and their
/// [`Delivery`](crate::Delivery) says the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Dropped {
    /// They waited longer than the `expiry` of their mapping.
    pub expired: u64,
    /// The connection broke before they were sent, and the retention of their mapping is `discard`.
    pub offline: u64,
    /// More waited offline than the queue holds, and they were the oldest.
    pub overflow: u64,
    /// Their interface was removed before they were sent.
    pub removed: u64,
    /// They were stored, and can never be sent.
    pub set_aside: u64,
    /// The device was stopped before they were sent.
    pub stopped: u64,
    /// Received with QoS 0, and displaced by newer ones, because nobody read the receiver.
    pub unread: u64,
}

impl Dropped {
    /// Adds what was counted elsewhere.
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            expired: self.expired + other.expired,
            offline: self.offline + other.offline,
            overflow: self.overflow + other.overflow,
            removed: self.removed + other.removed,
            set_aside: self.set_aside + other.set_aside,
            stopped: self.stopped + other.stopped,
            unread: self.unread + other.unread,
        }
    }

    pub(crate) fn count(&mut self, reason: &DeliveryError) {
        *match reason {
            // It is not lost.
            DeliveryError::Stored => return,
            DeliveryError::Closed => &mut self.stopped,
            DeliveryError::Expired => &mut self.expired,
            DeliveryError::Offline => &mut self.offline,
            DeliveryError::Overflow => &mut self.overflow,
            DeliveryError::Removed => &mut self.removed,
            DeliveryError::SetAside => &mut self.set_aside,
        } += 1;
    }
}

/// Where the connection counts. One task writes, so that a relaxed addition is all it takes.
#[derive(Debug)]
pub(crate) struct Counters {
    sent: [AtomicU64; 3],
    received: [AtomicU64; 3],
    acknowledged: AtomicU64,
    rejected: AtomicU64,
    unread: AtomicU64,
    bytes_sent: AtomicU64,
    bytes_received: AtomicU64,
    attempts: AtomicU64,
    connections: AtomicU64,
    in_flight: AtomicUsize,
    stored: AtomicU64,
    /// In microseconds.
    round_trip: AtomicU64,
}

/// No ping was answered yet.
const NEVER: u64 = u64::MAX;

impl Default for Counters {
    fn default() -> Self {
        Self {
            sent: Default::default(),
            received: Default::default(),
            acknowledged: AtomicU64::default(),
            rejected: AtomicU64::default(),
            unread: AtomicU64::default(),
            bytes_sent: AtomicU64::default(),
            bytes_received: AtomicU64::default(),
            attempts: AtomicU64::default(),
            connections: AtomicU64::default(),
            in_flight: AtomicUsize::default(),
            stored: AtomicU64::default(),
            round_trip: AtomicU64::new(NEVER),
        }
    }
}

impl Counters {
    pub(crate) fn sent(&self, qos: QoS, messages: usize) {
        self.sent[index(qos)].fetch_add(messages as u64, Relaxed);
    }

    pub(crate) fn received(&self, qos: QoS) {
        self.received[index(qos)].fetch_add(1, Relaxed);
    }

    pub(crate) fn acknowledged(&self) {
        self.acknowledged.fetch_add(1, Relaxed);
    }

    pub(crate) fn bytes_sent(&self, bytes: usize) {
        self.bytes_sent.fetch_add(bytes as u64, Relaxed);
    }

    pub(crate) fn bytes_received(&self, bytes: usize) {
        self.bytes_received.fetch_add(bytes as u64, Relaxed);
    }

    pub(crate) fn in_flight(&self, messages: usize) {
        self.in_flight.store(messages, Relaxed);
    }

    pub(crate) fn stored(&self, messages: u64) {
        self.stored.store(messages, Relaxed);
    }

    pub(crate) fn round_trip(&self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(NEVER - 1);
        self.round_trip.store(micros, Relaxed);
    }

    /// Counts what is told anyway.
    pub(crate) fn told(&self, status: &Status) {
        let counter = match status {
            Status::Connecting => &self.attempts,
            Status::Connected => &self.connections,
            Status::Dropped { .. } => &self.unread,
            Status::Rejected(_) => &self.rejected,
            _ => return,
        };
        counter.fetch_add(1, Relaxed);
    }

    /// Reads all of them, with what the outbox knows.
    pub(crate) fn read(&self, queued: usize, dropped: Dropped) -> Metrics {
        let round_trip = self.round_trip.load(Relaxed);
        Metrics {
            sent: [0, 1, 2].map(|qos| self.sent[qos].load(Relaxed)),
            acknowledged: self.acknowledged.load(Relaxed),
            received: [0, 1, 2].map(|qos| self.received[qos].load(Relaxed)),
            rejected: self.rejected.load(Relaxed),
            dropped: Dropped {
                unread: self.unread.load(Relaxed),
                ..dropped
            },
            bytes_sent: self.bytes_sent.load(Relaxed),
            bytes_received: self.bytes_received.load(Relaxed),
            attempts: self.attempts.load(Relaxed),
            connections: self.connections.load(Relaxed),
            queued,
            stored: self.stored.load(Relaxed),
            in_flight: self.in_flight.load(Relaxed),
            round_trip: (round_trip != NEVER).then(|| Duration::from_micros(round_trip)),
        }
    }
}

fn index(qos: QoS) -> usize {
    match qos {
        QoS::AtMostOnce => 0,
        QoS::AtLeastOnce => 1,
        QoS::ExactlyOnce => 2,
    }
}
