//! What is measured.

pub(crate) mod properties;
pub(crate) mod sends;
pub(crate) mod start;

use astarte_runtime::{
    Reliability,
    store::{ClockReading, RetainedMessage, RetentionChange},
};

/// A message as a thermostat sends it: a double with its time.
pub(crate) fn message(sequence: u64) -> RetainedMessage {
    RetainedMessage {
        sequence,
        interface: "org.example.thermostat.Readings".to_owned(),
        major: 1,
        path: format!("/room-{:02}/temperature", sequence % 20),
        reliability: Reliability::Unique,
        expires: Some(sequence + 86_400_000),
        payload: [7; 27].to_vec(),
        released: false,
    }
}

/// What the device writes before a send returns.
pub(crate) fn sent(sequence: u64) -> [RetentionChange; 2] {
    let reading = ClockReading {
        counted: sequence,
        wall: Some(1_800_000_000_000 + sequence),
    };
    [
        RetentionChange::Append(message(sequence)),
        RetentionChange::Clock(reading),
    ]
}
