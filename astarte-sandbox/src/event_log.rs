//! The history of events, and those who follow it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use astarte_interface::DeviceId;
use tokio::sync::Notify;

use crate::event::{Event, EventKind};
use crate::sync::lock;

/// The newest events of a sandbox, at most `capacity` of them.
pub(crate) struct EventLog {
    history: Mutex<History>,
    grown: Notify,
    capacity: usize,
}

#[derive(Default)]
struct History {
    events: VecDeque<Event>,
    /// Number of the first event that is still there.
    first: u64,
    closed: bool,
}

impl EventLog {
    pub(crate) fn new(capacity: usize) -> EventLog {
        EventLog {
            history: Mutex::default(),
            grown: Notify::new(),
            capacity,
        }
    }

    pub(crate) fn push(&self, device: Option<DeviceId>, kind: EventKind) {
        self.append(device, kind);
        self.announce();
    }

    /// Adds an event, of which nobody is told before [`announce`](EventLog::announce).
    pub(crate) fn append(&self, device: Option<DeviceId>, kind: EventKind) {
        let event = Event {
            at: SystemTime::now(),
            device,
            kind,
        };
        let mut history = lock(&self.history);
        if history.events.len() == self.capacity {
            history.events.pop_front();
            history.first += 1;
        }
        history.events.push_back(event);
    }

    /// Tells those who follow that there are new events.
    pub(crate) fn announce(&self) {
        self.grown.notify_waiters();
    }

    /// Ends every stream once it has delivered what is there.
    pub(crate) fn close(&self) {
        lock(&self.history).closed = true;
        self.grown.notify_waiters();
    }

    pub(crate) fn all(&self) -> Vec<Event> {
        lock(&self.history).events.iter().cloned().collect()
    }
}

/// A stream of the events that happen after it was made.
///
/// A stream that is read too slowly loses the oldest events; [`lost`](Events::lost) counts them.
pub struct Events {
    log: Arc<EventLog>,
    device: Option<DeviceId>,
    next: u64,
    lost: u64,
}

impl Events {
    pub(crate) fn from_now(log: Arc<EventLog>, device: Option<DeviceId>) -> Events {
        let history = lock(&log.history);
        let next = history.first + history.events.len() as u64;
        drop(history);
        Events {
            log,
            device,
            next,
            lost: 0,
        }
    }

    /// Returns the next event, and `None` when the sandbox has stopped. Cancel-safe.
    pub async fn next(&mut self) -> Option<Event> {
        let log = Arc::clone(&self.log);
        loop {
            let grown = log.grown.notified();
            tokio::pin!(grown);
            grown.as_mut().enable();
            if let Some(event) = self.try_next() {
                return Some(event);
            }
            if lock(&log.history).closed {
                return None;
            }
            grown.await;
        }
    }

    /// Returns the next event that has happened already.
    pub fn try_next(&mut self) -> Option<Event> {
        let history = lock(&self.log.history);
        if self.next < history.first {
            self.lost += history.first - self.next;
            self.next = history.first;
        }
        loop {
            let offset = usize::try_from(self.next - history.first).ok()?;
            let event = history.events.get(offset)?;
            self.next += 1;
            if self.device.is_none() || event.device == self.device {
                return Some(event.clone());
            }
        }
    }

    /// Returns how many events the stream has missed, those of other devices included.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost
    }
}

impl std::fmt::Debug for Events {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Events")
            .field("device", &self.device)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_stream_begins_where_it_was_made() {
        let log = Arc::new(EventLog::new(10));
        log.push(None, EventKind::Registered);
        let mut events = Events::from_now(Arc::clone(&log), None);
        log.push(None, EventKind::Unregistered);
        assert!(matches!(
            events.next().await.unwrap().kind,
            EventKind::Unregistered
        ));
        log.close();
        assert!(events.next().await.is_none());
    }

    #[tokio::test]
    async fn a_slow_stream_counts_what_it_lost() {
        let log = Arc::new(EventLog::new(2));
        let mut events = Events::from_now(Arc::clone(&log), None);
        for _ in 0..5 {
            log.push(None, EventKind::Registered);
        }
        assert!(events.next().await.is_some());
        assert_eq!(events.lost(), 3);
        assert_eq!(log.all().len(), 2);
    }

    #[tokio::test]
    async fn a_stream_can_follow_one_device() {
        let log = Arc::new(EventLog::new(10));
        let device = crate::registry::random_id().unwrap();
        let mut events = Events::from_now(Arc::clone(&log), Some(device));
        log.push(
            Some(crate::registry::random_id().unwrap()),
            EventKind::Registered,
        );
        log.push(Some(device), EventKind::Unregistered);
        assert!(matches!(
            events.try_next().unwrap().kind,
            EventKind::Unregistered
        ));
    }
}
