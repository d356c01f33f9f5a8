//! What is reported, and how often.

use std::{collections::BTreeMap, fmt, str::FromStr, time::Duration};

use astarte_runtime::PropertyError;
use tokio::time::Instant;

use crate::interfaces::{Handles, telemetry_settings};

/// Something that is reported again and again: a path parameter with a type of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Topic {
    /// The batteries.
    Battery,
    /// Where the machine is.
    Location,
    /// The file systems.
    Storage,
    /// The access points that are heard.
    Wifi,
}

impl Topic {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Battery, Self::Location, Self::Storage, Self::Wifi];

    /// Whether the cloud wants it; it does where it said nothing.
    ///
    /// # Errors
    ///
    /// - The store cannot be read.
    pub fn is_enabled(self, handles: &Handles) -> Result<bool, PropertyError> {
        let setting = telemetry_settings::Enable { topic: self };
        Ok(handles.telemetry_settings.get(setting)?.unwrap_or(true))
    }

    /// The time between two reports; a minute where the cloud said nothing, and never less than a second.
    ///
    /// # Errors
    ///
    /// - The store cannot be read.
    pub fn period(self, handles: &Handles) -> Result<Duration, PropertyError> {
        let setting = telemetry_settings::Period { topic: self };
        let seconds = handles.telemetry_settings.get(setting)?;
        let seconds = seconds.and_then(|seconds| u64::try_from(seconds).ok());
        Ok(Duration::from_secs(seconds.unwrap_or(60).max(1)))
    }

    fn word(self) -> &'static str {
        match self {
            Self::Battery => "battery",
            Self::Location => "location",
            Self::Storage => "storage",
            Self::Wifi => "wifi",
        }
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Topic {
    type Err = UnknownTopic;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|topic| topic.word() == text);
        found.ok_or(UnknownTopic)
    }
}

/// The agent reports no such thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownTopic;

/// When each topic is due.
#[derive(Debug)]
pub(crate) struct Schedule(BTreeMap<Topic, Instant>);

impl Schedule {
    /// All are due.
    pub(crate) fn new() -> Self {
        let now = Instant::now();
        Self(Topic::ALL.into_iter().map(|topic| (topic, now)).collect())
    }

    /// What is due first, and when.
    pub(crate) fn first(&self) -> (Topic, Instant) {
        let first = self.0.iter().min_by_key(|(_, due)| **due);
        first.map_or((Topic::Storage, Instant::now()), |(topic, due)| {
            (*topic, *due)
        })
    }

    /// Sets when a topic is due.
    pub(crate) fn set(&mut self, topic: Topic, due: Instant) {
        self.0.insert(topic, due);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_are_words() {
        for topic in Topic::ALL {
            assert_eq!(topic.to_string().parse(), Ok(topic));
        }
        assert_eq!("weather".parse::<Topic>(), Err(UnknownTopic));
    }
}
