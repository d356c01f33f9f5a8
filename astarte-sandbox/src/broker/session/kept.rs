//! Sessions between two runs.

use std::collections::BTreeMap;

use bytes::Bytes;
use rumqttc::mqttbytes::v4;
use serde::{Deserialize, Serialize};
use std::time::Instant;

use super::{InFlight, Session, quality};
use crate::json;

/// A session that outlives its connection.
#[derive(Deserialize, Serialize)]
pub(crate) struct KeptSession {
    subscriptions: BTreeMap<String, u8>,
    last_packet_id: u16,
    in_flight: Vec<KeptInFlight>,
    waiting: Vec<KeptPublish>,
    /// Ids of QoS 2 publications that the device has not released.
    received: Vec<u16>,
}

#[derive(Deserialize, Serialize)]
struct KeptInFlight {
    packet_id: u16,
    released: bool,
    #[serde(flatten)]
    publish: KeptPublish,
}

#[derive(Deserialize, Serialize)]
struct KeptPublish {
    topic: String,
    qos: u8,
    /// In base64.
    payload: String,
}

impl Session {
    /// Returns what is to be kept, nothing of a session that ends with its connection.
    pub(crate) fn keep(&self) -> Option<KeptSession> {
        let in_flight = |entry: &InFlight| KeptInFlight {
            packet_id: entry.publish.pkid,
            released: entry.released,
            publish: keep(&entry.publish),
        };
        let mut received: Vec<u16> = self.received.iter().copied().collect();
        received.sort_unstable();
        self.persistent.then(|| KeptSession {
            subscriptions: self.subscriptions.clone(),
            last_packet_id: self.last_id,
            in_flight: self.in_flight.iter().map(in_flight).collect(),
            waiting: self.waiting.iter().map(keep).collect(),
            received,
        })
    }

    /// Returns the session that was kept, if its payloads can be read.
    pub(crate) fn restore(kept: KeptSession) -> Option<Session> {
        let in_flight = |entry: KeptInFlight| {
            let mut publish = restore(entry.publish)?;
            publish.pkid = entry.packet_id;
            Some(InFlight {
                publish,
                released: entry.released,
                sent: Instant::now(),
            })
        };
        Some(Session {
            persistent: true,
            subscriptions: kept.subscriptions,
            waiting: kept
                .waiting
                .into_iter()
                .map(restore)
                .collect::<Option<_>>()?,
            in_flight: kept
                .in_flight
                .into_iter()
                .map(in_flight)
                .collect::<Option<_>>()?,
            last_id: kept.last_packet_id,
            received: kept.received.into_iter().collect(),
            ..Session::default()
        })
    }
}

fn keep(publish: &v4::Publish) -> KeptPublish {
    KeptPublish {
        topic: publish.topic.clone(),
        qos: publish.qos as u8,
        payload: json::base64(&publish.payload),
    }
}

fn restore(kept: KeptPublish) -> Option<v4::Publish> {
    let payload: Bytes = json::from_base64(&kept.payload)?.into();
    Some(v4::Publish::from_bytes(
        kept.topic,
        quality(kept.qos),
        payload,
    ))
}
