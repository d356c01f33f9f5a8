//! Everything in memory.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::{
    Backlog, Change, Property, PropertyStore, RetainedMessage, RetentionChange, RetentionStore,
    SessionChange, SessionStore, SetAside, State, Store, StoreError, StoredSession,
};
use crate::Ownership;

/// Keeps everything in memory: it is gone when the process ends.
///
/// For tests, and for devices that need not remember: a device that starts without its properties tells the server so, and
/// the server deletes those it had; messages of the retention `stored` are lost with the process.
#[derive(Debug, Default)]
pub struct MemoryStore {
    rows: Mutex<Rows>,
}

#[derive(Debug, Default)]
struct Rows {
    /// By interface, major version and path: a look at one needs no key of its own.
    properties: BTreeMap<String, BTreeMap<u32, BTreeMap<String, Row>>>,
    incomplete: bool,
    messages: BTreeMap<u64, RetainedMessage>,
    backlog: Backlog,
    /// By sequence number.
    set_aside: BTreeMap<u64, SetAside>,
    session: Option<StoredSession>,
}

/// What is kept of a property beside its place.
#[derive(Debug)]
struct Row {
    ownership: Ownership,
    state: State,
    payload: Vec<u8>,
}

/// How many messages that can never be sent are kept.
const SET_ASIDE: usize = 100;

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn rows(&self) -> MutexGuard<'_, Rows> {
        // Every change is whole by the time anything can panic.
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for MemoryStore {
    fn blocks(&self) -> bool {
        false
    }
}

impl PropertyStore for MemoryStore {
    fn load(
        &self,
        interface: &str,
        major: u32,
        path: &str,
    ) -> Result<Option<Property<'static>>, StoreError> {
        let rows = self.rows();
        let row = rows.of(interface, major).and_then(|rows| rows.get(path));
        Ok(row.map(|row| row.property(interface, major, path)))
    }

    fn load_interface(
        &self,
        interface: &str,
        major: u32,
    ) -> Result<Vec<Property<'static>>, StoreError> {
        let rows = self.rows();
        let of_interface = rows.of(interface, major).into_iter().flatten();
        Ok(of_interface
            .map(|(path, row)| row.property(interface, major, path))
            .collect())
    }

    fn load_all(&self) -> Result<Vec<Property<'static>>, StoreError> {
        let rows = self.rows();
        let mut all = Vec::new();
        for (interface, versions) in &rows.properties {
            for (major, rows) in versions {
                let rows = rows.iter();
                all.extend(rows.map(|(path, row)| row.property(interface, *major, path)));
            }
        }
        Ok(all)
    }

    fn apply(&self, changes: &[Change<'_>]) -> Result<(), StoreError> {
        let mut rows = self.rows();
        for change in changes {
            change_property(&mut rows, change);
        }
        Ok(())
    }

    fn is_complete(&self) -> Result<bool, StoreError> {
        Ok(!self.rows().incomplete)
    }
}

impl Rows {
    fn of(&self, interface: &str, major: u32) -> Option<&BTreeMap<String, Row>> {
        self.properties.get(interface)?.get(&major)
    }

    fn of_mut(&mut self, interface: &str, major: u32) -> Option<&mut BTreeMap<String, Row>> {
        self.properties.get_mut(interface)?.get_mut(&major)
    }
}

impl Row {
    fn property(&self, interface: &str, major: u32, path: &str) -> Property<'static> {
        Property {
            interface: interface.to_owned().into(),
            major,
            path: path.to_owned().into(),
            ownership: self.ownership,
            state: self.state,
            payload: self.payload.clone().into(),
        }
    }
}

fn change_property(rows: &mut Rows, change: &Change<'_>) {
    match change {
        Change::Store(property) => store(rows, property),
        Change::Delete {
            interface,
            major,
            path,
        } => {
            if let Some(rows) = rows.of_mut(interface, *major) {
                rows.remove(&**path);
            }
        }
        Change::DeleteOtherMajors { interface, major } => {
            if let Some(versions) = rows.properties.get_mut(&**interface) {
                versions.retain(|version, _| version == major);
            }
        }
        Change::Acknowledge {
            interface,
            major,
            path,
            payload,
        } => {
            let Some(rows) = rows.of_mut(interface, *major) else {
                return;
            };
            match rows.get_mut(&**path) {
                Some(row) if row.payload != **payload => {}
                Some(row) if row.state == State::Unset => {
                    rows.remove(&**path);
                }
                Some(row) => row.state = State::Sent,
                None => {}
            }
        }
        Change::Clear => rows.properties.clear(),
        Change::Complete(complete) => rows.incomplete = !complete,
    }
}

fn store(rows: &mut Rows, property: &Property<'_>) {
    let Property {
        interface,
        major,
        path,
        ownership,
        state,
        payload,
    } = property;
    let known = rows.of_mut(interface, *major);
    if let Some(row) = known.and_then(|rows| rows.get_mut(&**path)) {
        (row.ownership, row.state) = (*ownership, *state);
        row.payload.clear();
        row.payload.extend_from_slice(payload);
        return;
    }
    let row = Row {
        ownership: *ownership,
        state: *state,
        payload: payload.to_vec(),
    };
    let versions = rows.properties.entry(interface.to_string()).or_default();
    versions
        .entry(*major)
        .or_default()
        .insert(path.to_string(), row);
}

impl RetentionStore for MemoryStore {
    fn backlog(&self) -> Result<Backlog, StoreError> {
        Ok(self.rows().backlog)
    }

    fn load_messages(
        &self,
        after: u64,
        messages: usize,
        bytes: u64,
    ) -> Result<Vec<RetainedMessage>, StoreError> {
        let rows = self.rows();
        let mut held = 0;
        let fits = |message: &&RetainedMessage| {
            let first = held == 0;
            held += message.size().max(1);
            first || held <= bytes
        };
        let behind = rows.messages.range(after.saturating_add(1)..);
        Ok(behind
            .map(|(_, message)| message)
            .take(messages)
            .take_while(fits)
            .cloned()
            .collect())
    }

    fn apply_retention(&self, changes: &[RetentionChange]) -> Result<(), StoreError> {
        let mut rows = self.rows();
        for change in changes {
            change_backlog(&mut rows, change);
        }
        Ok(())
    }

    fn load_set_aside(&self) -> Result<Vec<SetAside>, StoreError> {
        Ok(self.rows().set_aside.values().cloned().collect())
    }
}

fn change_backlog(rows: &mut Rows, change: &RetentionChange) {
    match change {
        RetentionChange::Append(message) => {
            rows.backlog.messages += 1;
            rows.backlog.bytes += message.size();
            rows.backlog.last = rows.backlog.last.max(message.sequence);
            rows.messages.insert(message.sequence, message.clone());
        }
        RetentionChange::Clock(reading) => rows.backlog.clock = Some(*reading),
        RetentionChange::Release { sequence } => {
            if let Some(message) = rows.messages.get_mut(sequence) {
                rows.backlog.bytes -= message.payload.len() as u64;
                message.payload = Vec::new();
                message.released = true;
            }
        }
        RetentionChange::Remove { sequence } => {
            take_message(rows, *sequence);
        }
        RetentionChange::SetAside { sequence, reason } => {
            if let Some(message) = take_message(rows, *sequence) {
                let reason = reason.clone();
                let kept = SetAside { message, reason };
                rows.set_aside.insert(*sequence, kept);
                if rows.set_aside.len() > SET_ASIDE {
                    rows.set_aside.pop_first();
                }
            }
        }
        RetentionChange::Clear => {
            rows.messages.clear();
            rows.set_aside.clear();
            (rows.backlog.messages, rows.backlog.bytes) = (0, 0);
        }
    }
}

fn take_message(rows: &mut Rows, sequence: u64) -> Option<RetainedMessage> {
    let message = rows.messages.remove(&sequence)?;
    rows.backlog.messages -= 1;
    rows.backlog.bytes -= message.size();
    Some(message)
}

impl SessionStore for MemoryStore {
    fn load_session(&self) -> Result<Option<StoredSession>, StoreError> {
        Ok(self.rows().session.clone())
    }

    fn apply_session(&self, changes: &[SessionChange]) -> Result<(), StoreError> {
        let mut rows = self.rows();
        for change in changes {
            change.apply(&mut rows.session);
        }
        Ok(())
    }
}
