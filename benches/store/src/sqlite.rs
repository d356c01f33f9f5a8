//! A store on SQLite with the contract of the runtime's: WAL, statements that are prepared once, rows with the same keys.

use std::{
    path::Path,
    sync::{
        Mutex,
        mpsc::{SyncSender, sync_channel},
    },
};

use astarte_runtime::{
    Ownership, Reliability,
    store::{Backlog, Change, ClockReading, Property, RetainedMessage, RetentionChange, State},
};
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};

pub(crate) type Result<T> = rusqlite::Result<T>;

/// One connection that writes, as SQLite permits no second, and one that reads.
pub(crate) struct SqliteStore {
    writer: Mutex<Connection>,
    reader: Mutex<Connection>,
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    led: bool,
    waiting: Vec<(Vec<RetentionChange>, SyncSender<Turn>)>,
}

enum Turn {
    Done,
    Lead(Vec<RetentionChange>),
}

impl SqliteStore {
    /// Opens a file; `synchronous` is `FULL` or `NORMAL`.
    pub(crate) fn open(path: &Path, synchronous: &str) -> Result<Self> {
        let connect = || -> Result<Connection> {
            let connection = Connection::open(path)?;
            connection.pragma_update(None, "journal_mode", "WAL")?;
            connection.pragma_update(None, "synchronous", synchronous)?;
            // As much memory as the other store has.
            connection.pragma_update(None, "cache_size", -4096)?;
            connection.set_prepared_statement_cache_capacity(64);
            Ok(connection)
        };
        let writer = connect()?;
        writer.execute_batch(
            "CREATE TABLE IF NOT EXISTS properties (
                interface TEXT NOT NULL, major INTEGER NOT NULL, path TEXT NOT NULL,
                ownership INTEGER NOT NULL, state INTEGER NOT NULL, payload BLOB NOT NULL,
                PRIMARY KEY (interface, major, path)
            ) WITHOUT ROWID;
            CREATE TABLE IF NOT EXISTS messages (
                sequence INTEGER PRIMARY KEY, interface TEXT NOT NULL, major INTEGER NOT NULL, path TEXT NOT NULL,
                reliability INTEGER NOT NULL, expires INTEGER, payload BLOB NOT NULL, released INTEGER NOT NULL
            );
            CREATE TABLE IF NOT EXISTS backlog (
                id INTEGER PRIMARY KEY, messages INTEGER NOT NULL, bytes INTEGER NOT NULL, last INTEGER NOT NULL,
                counted INTEGER, wall INTEGER
            );
            INSERT OR IGNORE INTO backlog VALUES (0, 0, 0, 0, NULL, NULL);",
        )?;
        Ok(Self {
            writer: Mutex::new(writer),
            reader: Mutex::new(connect()?),
            queue: Mutex::default(),
        })
    }

    pub(crate) fn apply(&self, changes: &[Change<'_>]) -> Result<()> {
        let mut writer = self.writer.lock().expect("nobody panics");
        let transaction = writer.transaction()?;
        for change in changes {
            let Change::Store(property) = change else {
                unreachable!("the benchmark stores and reads")
            };
            transaction
                .prepare_cached("INSERT OR REPLACE INTO properties VALUES (?, ?, ?, ?, ?, ?)")?
                .execute(params![
                    property.interface,
                    property.major,
                    property.path,
                    property.ownership == Ownership::Server,
                    match property.state {
                        State::Sent => 0,
                        State::Unsent => 1,
                        State::Unset => 2,
                    },
                    property.payload
                ])?;
        }
        transaction.commit()
    }

    pub(crate) fn load(
        &self,
        interface: &str,
        major: u32,
        path: &str,
    ) -> Result<Option<Property<'static>>> {
        let reader = self.reader.lock().expect("nobody panics");
        let mut select = reader.prepare_cached(
            "SELECT ownership, state, payload FROM properties WHERE interface = ? AND major = ? AND path = ?",
        )?;
        select
            .query_row(params![interface, major, path], |row| {
                Ok(Property {
                    interface: interface.to_owned().into(),
                    major,
                    path: path.to_owned().into(),
                    ownership: match row.get(0)? {
                        true => Ownership::Server,
                        false => Ownership::Device,
                    },
                    state: match row.get(1)? {
                        0 => State::Sent,
                        1 => State::Unsent,
                        _ => State::Unset,
                    },
                    payload: row.get::<_, Vec<u8>>(2)?.into(),
                })
            })
            .optional()
    }

    /// One transaction for each call.
    pub(crate) fn apply_retention(&self, changes: &[RetentionChange]) -> Result<()> {
        self.commit(&[changes])
    }

    /// One transaction for all calls that have gathered, in the way of the other store.
    pub(crate) fn apply_retention_grouped(&self, changes: &[RetentionChange]) -> Result<()> {
        let turn = {
            let mut queue = self.queue.lock().expect("nobody panics");
            if queue.led {
                let (sender, turn) = sync_channel(1);
                queue.waiting.push((changes.to_vec(), sender));
                Some(turn)
            } else {
                queue.led = true;
                None
            }
        };
        match turn.map(|turn| turn.recv().expect("the leader answers")) {
            None => self.lead(changes),
            Some(Turn::Lead(changes)) => self.lead(&changes),
            Some(Turn::Done) => Ok(()),
        }
    }

    fn lead(&self, own: &[RetentionChange]) -> Result<()> {
        let followers = std::mem::take(&mut self.queue.lock().expect("nobody panics").waiting);
        let calls: Vec<&[RetentionChange]> = std::iter::once(own)
            .chain(followers.iter().map(|(changes, _)| &changes[..]))
            .collect();
        let result = self.commit(&calls);
        for (_, turn) in followers {
            turn.send(Turn::Done).expect("the follower waits");
        }
        let mut queue = self.queue.lock().expect("nobody panics");
        if queue.waiting.is_empty() {
            queue.led = false;
        } else {
            let (changes, turn) = queue.waiting.remove(0);
            turn.send(Turn::Lead(changes)).expect("the follower waits");
        }
        result
    }

    fn commit(&self, calls: &[&[RetentionChange]]) -> Result<()> {
        let mut writer = self.writer.lock().expect("nobody panics");
        let transaction = writer.transaction()?;
        let mut added = Added::default();
        for change in calls.iter().copied().flatten() {
            apply_one(&transaction, &mut added, change)?;
        }
        transaction
            .prepare_cached(
                "UPDATE backlog SET messages = messages + ?, bytes = bytes + ?, last = max(last, ?),
                 counted = coalesce(?, counted), wall = coalesce(?, wall)",
            )?
            .execute(params![
                added.messages,
                added.bytes,
                added.last as i64,
                added.clock.map(|clock| clock.counted as i64),
                added.clock.and_then(|clock| clock.wall).map(|wall| wall as i64),
            ])?;
        transaction.commit()
    }

    pub(crate) fn backlog(&self) -> Result<Backlog> {
        let reader = self.reader.lock().expect("nobody panics");
        reader
            .prepare_cached("SELECT messages, bytes, last, counted, wall FROM backlog")?
            .query_row([], |row| {
                let counted: Option<i64> = row.get(3)?;
                let wall: Option<i64> = row.get(4)?;
                Ok(Backlog {
                    messages: row.get::<_, i64>(0)? as u64,
                    bytes: row.get::<_, i64>(1)? as u64,
                    last: row.get::<_, i64>(2)? as u64,
                    clock: counted.map(|counted| ClockReading {
                        counted: counted as u64,
                        wall: wall.map(|wall| wall as u64),
                    }),
                })
            })
    }

    pub(crate) fn load_messages(
        &self,
        after: u64,
        messages: usize,
    ) -> Result<Vec<RetainedMessage>> {
        let reader = self.reader.lock().expect("nobody panics");
        let mut select = reader.prepare_cached(
            "SELECT sequence, interface, major, path, reliability, expires, payload, released
             FROM messages WHERE sequence > ? ORDER BY sequence LIMIT ?",
        )?;
        let rows = select.query_map(params![after as i64, messages as i64], |row| {
            Ok(RetainedMessage {
                sequence: row.get::<_, i64>(0)? as u64,
                interface: row.get(1)?,
                major: row.get(2)?,
                path: row.get(3)?,
                reliability: match row.get(4)? {
                    0 => Reliability::Unreliable,
                    1 => Reliability::Guaranteed,
                    _ => Reliability::Unique,
                },
                expires: row.get::<_, Option<i64>>(5)?.map(|at| at as u64),
                payload: row.get(6)?,
                released: row.get(7)?,
            })
        })?;
        rows.collect()
    }

    pub(crate) fn compact(&self) -> Result<()> {
        let writer = self.writer.lock().expect("nobody panics");
        writer.execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE);")
    }
}

/// What a transaction adds to the counters.
#[derive(Default)]
struct Added {
    messages: i64,
    bytes: i64,
    last: u64,
    clock: Option<ClockReading>,
}

fn apply_one(
    transaction: &Transaction<'_>,
    added: &mut Added,
    change: &RetentionChange,
) -> Result<()> {
    match change {
        RetentionChange::Append(message) => {
            transaction
                .prepare_cached("INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?, ?)")?
                .execute(params![
                    message.sequence as i64,
                    message.interface,
                    message.major,
                    message.path,
                    match message.reliability {
                        Reliability::Unreliable => 0,
                        Reliability::Guaranteed => 1,
                        Reliability::Unique => 2,
                    },
                    message.expires.map(|at| at as i64),
                    message.payload,
                    message.released
                ])?;
            added.messages += 1;
            added.bytes += message.size() as i64;
            added.last = added.last.max(message.sequence);
        }
        RetentionChange::Clock(reading) => added.clock = Some(*reading),
        RetentionChange::Remove { sequence } => {
            let size: Option<i64> = transaction
                .prepare_cached(
                    "DELETE FROM messages WHERE sequence = ?
                     RETURNING length(interface) + length(path) + length(payload)",
                )?
                .query_row([*sequence as i64], |row| row.get(0))
                .optional()?;
            added.messages -= i64::from(size.is_some());
            added.bytes -= size.unwrap_or(0);
        }
        _ => unreachable!("the benchmark appends and removes"),
    }
    Ok(())
}
