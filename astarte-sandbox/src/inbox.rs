//! The messages a device has sent, by interface and path.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::received::Received;

/// The newest messages of each path.
pub(crate) struct Inbox {
    series: BTreeMap<Arc<str>, BTreeMap<u32, Paths>>,
    kept: usize,
}

/// The messages of one major version of an interface, by path.
type Paths = BTreeMap<Arc<str>, Series>;

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
        let kept = self.kept;
        let series = self.series(&message, major);
        series.messages.push_back(message);
        series.fresh += 1;
        if series.messages.len() > kept {
            series.messages.pop_front();
            series.fresh = series.fresh.min(kept);
        }
    }

    /// Returns the series of a message. Most messages are not the first of their path, and nothing
    /// is cloned for them.
    fn series(&mut self, message: &Received, major: u32) -> &mut Series {
        let (interface, path) = message.address();
        if !self.series.contains_key(interface) {
            self.series.insert(Arc::clone(interface), BTreeMap::new());
        }
        let versions = self.series.get_mut(interface);
        let paths = versions.expect("it was inserted").entry(major).or_default();
        if !paths.contains_key(path) {
            paths.insert(Arc::clone(path), Series::default());
        }
        paths.get_mut(path).expect("it was inserted")
    }

    /// Takes the oldest message of a path that was not taken before, of any major version of the
    /// interface.
    pub(crate) fn take(&mut self, interface: &str, path: &str) -> Option<Received> {
        let versions = self.series.get_mut(interface)?;
        let mut series = versions
            .values_mut()
            .filter_map(|paths| paths.get_mut(path));
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
        let series = self.of(interface, major).and_then(|paths| paths.get(path));
        series
            .map(|series| series.messages.iter().cloned().collect())
            .unwrap_or_default()
    }

    /// Returns the paths of an interface on which something came, in order.
    pub(crate) fn paths(&self, interface: &str, major: u32) -> Vec<String> {
        self.of(interface, major)
            .map(|paths| paths.keys().map(ToString::to_string).collect())
            .unwrap_or_default()
    }

    fn of(&self, interface: &str, major: u32) -> Option<&Paths> {
        self.series.get(interface)?.get(&major)
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
            interface: "org.example.A".into(),
            path: path.into(),
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
