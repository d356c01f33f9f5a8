//! The messages a device has sent, by interface and path.

use std::collections::{BTreeMap, VecDeque};

use crate::received::Received;

/// The newest messages of each path.
pub(crate) struct Inbox {
    series: BTreeMap<(String, u32), BTreeMap<String, Series>>,
    kept: usize,
}

#[derive(Default)]
struct Series {
    messages: VecDeque<Received>,
    /// How many of `messages`, at their end, nobody has waited for.
    fresh: usize,
}

impl Inbox {
    pub(crate) fn new(kept: usize) -> Inbox {
        Inbox {
            series: BTreeMap::new(),
            kept,
        }
    }

    pub(crate) fn push(&mut self, major: u32, message: Received) {
        let key = (message.interface().to_owned(), major);
        let paths = self.series.entry(key).or_default();
        let series = match paths.get_mut(message.path()) {
            Some(series) => series,
            None => paths.entry(message.path().to_owned()).or_default(),
        };
        series.messages.push_back(message);
        if series.messages.len() > self.kept {
            series.messages.pop_front();
        }
        series.fresh = (series.fresh + 1).min(series.messages.len());
    }

    /// Takes the oldest message of a path that was not taken before, of any major version of the
    /// interface.
    pub(crate) fn take(&mut self, interface: &str, path: &str) -> Option<Received> {
        let versions = (interface.to_owned(), 0)..=(interface.to_owned(), u32::MAX);
        let mut series = self
            .series
            .range_mut(versions)
            .filter_map(|(_, paths)| paths.get_mut(path));
        let series = series.find(|series| series.fresh > 0)?;
        let message = series
            .messages
            .get(series.messages.len() - series.fresh)?
            .clone();
        series.fresh -= 1;
        Some(message)
    }

    /// Returns the messages of a path of one major version, oldest first.
    pub(crate) fn all(&self, interface: &str, major: u32, path: &str) -> Vec<Received> {
        let paths = self.series.get(&(interface.to_owned(), major));
        let series = paths.and_then(|paths| paths.get(path));
        series
            .map(|series| series.messages.iter().cloned().collect())
            .unwrap_or_default()
    }

    /// Returns the paths of an interface on which something came, in order.
    pub(crate) fn paths(&self, interface: &str, major: u32) -> Vec<String> {
        let paths = self.series.get(&(interface.to_owned(), major));
        paths
            .map(|paths| paths.keys().cloned().collect())
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use astarte_interface::Value;
    use bytes::Bytes;

    use super::*;
    use crate::received::{Content, Parts};

    fn message(path: &str, value: i32) -> Received {
        Received::new(Parts {
            interface: "org.example.A".to_owned(),
            path: path.to_owned(),
            content: Content::Individual(Value::Integer(value)),
            timestamp: 0,
            reception: 0,
            qos: 0,
            payload: Bytes::new(),
            would_wedge: false,
        })
    }

    fn take(inbox: &mut Inbox, path: &str) -> Option<i32> {
        match inbox.take("org.example.A", path)?.value() {
            Some(Value::Integer(value)) => Some(*value),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn each_message_is_taken_once_in_order() {
        let mut inbox = Inbox::new(10);
        inbox.push(1, message("/a", 1));
        inbox.push(1, message("/b", 2));
        inbox.push(2, message("/a", 3));
        assert_eq!(take(&mut inbox, "/a"), Some(1));
        assert_eq!(take(&mut inbox, "/a"), Some(3));
        assert_eq!(take(&mut inbox, "/a"), None);
        assert_eq!(take(&mut inbox, "/b"), Some(2));
        assert_eq!(inbox.all("org.example.A", 1, "/a").len(), 1);
        assert_eq!(inbox.paths("org.example.A", 1), ["/a", "/b"]);
    }

    #[test]
    fn the_oldest_are_forgotten() {
        let mut inbox = Inbox::new(2);
        for value in 1..=3 {
            inbox.push(1, message("/a", value));
        }
        assert_eq!(take(&mut inbox, "/a"), Some(2));
        assert_eq!(take(&mut inbox, "/a"), Some(3));
        assert_eq!(take(&mut inbox, "/a"), None);
    }
}
