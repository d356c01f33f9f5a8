//! A file as text.

use std::{collections::BTreeMap, fs, io, path::Path, sync::Arc};

use redb::{
    Builder, DatabaseError, ReadTransaction, ReadableDatabase, ReadableTable, StorageBackend,
    backends::InMemoryBackend,
};

use super::{
    engine::guarded,
    failure::Failure,
    format, journal,
    journaled::Journaled,
    json::Line,
    options::Options,
    origin::{Memory, journal_of},
    properties, retention, session, tables,
};
use crate::{
    Ownership, Reliability,
    store::{RetainedMessage, State, StoreError},
};

pub(super) fn dump(path: &Path, out: &mut dyn io::Write) -> Result<(), StoreError> {
    let mut written = Ok(());
    let mut write = |line: Line| {
        if written.is_ok() {
            written = out.write_all(line.end().as_bytes());
        }
    };
    let dumped = guarded(|| {
        let mut builder = Builder::new();
        builder.set_cache_size(Options::default().cache);
        match builder.open_read_only(path) {
            Ok(database) if is_all(&database, path)? => {
                dump_database(&database.begin_read()?, &mut write)
            }
            // Not closed, or not of this format: only a copy may be mended.
            Ok(_) | Err(DatabaseError::RepairAborted) => {
                let copy = Memory {
                    database: copy(path)?,
                    journal: copy_journal(path)?,
                };
                let copy = Journaled::open(Arc::new(copy), &Options::default())?;
                copy.read(|transaction| dump_database(transaction, &mut write))
            }
            Err(error) => Err(error.into()),
        }
    });
    dumped.map_err(|failure| failure.at(path))?;
    let flushed = written.and_then(|()| out.flush());
    flushed.map_err(|error| StoreError::Backend(Box::new(error)))
}

/// Whether a database is of this format, and has all of its journal.
fn is_all(database: &impl ReadableDatabase, path: &Path) -> Result<bool, Failure> {
    if format::found(database)? != Some(format::CURRENT) {
        return Ok(false);
    }
    let Some(position) = tables::position(&database.begin_read()?)? else {
        return Ok(true);
    };
    let found = journal::read(copy_journal(path)?.as_ref(), position);
    Ok(found.map_err(redb::StorageError::from)?.jobs.is_empty())
}

fn copy_journal(path: &Path) -> Result<Arc<InMemoryBackend>, Failure> {
    let journal = journal_of(path);
    match journal.exists() {
        true => copy(&journal),
        false => Ok(Arc::default()),
    }
}

fn copy(path: &Path) -> Result<Arc<InMemoryBackend>, Failure> {
    let bytes = fs::read(path).map_err(redb::StorageError::from)?;
    let memory = InMemoryBackend::new();
    let written = memory
        .set_len(bytes.len() as u64)
        .and_then(|()| memory.write(0, &bytes));
    written.map_err(redb::StorageError::from)?;
    Ok(Arc::new(memory))
}

fn dump_database(
    transaction: &ReadTransaction,
    write: &mut dyn FnMut(Line),
) -> Result<(), Failure> {
    let devices = Devices::of(transaction)?;
    let lost = transaction.open_table(tables::ABOUT)?.get(tables::LOST)?;
    write(
        Line::new("file")
            .verbatim("format", format::CURRENT)
            .verbatim("lost", lost.is_some()),
    );
    for &number in devices.0.keys() {
        dump_device(transaction, &devices, number, write)?;
    }
    for row in transaction.open_table(tables::PROPERTIES)?.iter()? {
        let (key, row) = row?;
        write(property(&devices, key.value(), row.value()));
    }
    for row in transaction.open_table(tables::MESSAGES)?.iter()? {
        let (key, row) = row?;
        let decoded = retention::decode(retention::sequence(key.value()), row.value());
        let line = devices.line("message", retention::device(key.value()));
        write(match decoded {
            Some(decoded) => message(line, &decoded),
            None => unreadable(line, key.value(), row.value()),
        });
    }
    for row in transaction.open_table(tables::SET_ASIDE)?.iter()? {
        let (key, row) = row?;
        let decoded = retention::decode_set_aside(retention::sequence(key.value()), row.value());
        let line = devices.line("set_aside", retention::device(key.value()));
        write(match decoded {
            Some(decoded) => message(line.string("reason", &decoded.reason), &decoded.message),
            None => unreadable(line, key.value(), row.value()),
        });
    }
    for row in transaction.open_table(tables::SESSIONS)?.iter()? {
        let (device, row) = row?;
        let line = devices.line("session", device.value());
        write(match session::decode(row.value()) {
            Some(noted) => {
                let ids: Vec<_> = noted.received.iter().map(ToString::to_string).collect();
                line.string("broker", &noted.broker)
                    .optional_string("introspection", noted.introspection.as_deref())
                    .verbatim("highest_id", noted.highest_id)
                    .verbatim("received", format_args!("[{}]", ids.join(",")))
            }
            None => unreadable(line, &[], row.value()),
        });
    }
    Ok(())
}

/// The names of the devices by their numbers.
struct Devices(BTreeMap<u32, Option<String>>);

impl Devices {
    fn of(transaction: &ReadTransaction) -> Result<Self, Failure> {
        let mut devices = BTreeMap::from([(0, None)]);
        for row in transaction.open_table(tables::DEVICES)?.iter()? {
            let (name, number) = row?;
            devices.insert(number.value(), Some(name.value().to_owned()));
        }
        Ok(Self(devices))
    }

    fn line(&self, kind: &str, number: u32) -> Line {
        let name = self.0.get(&number).and_then(Option::as_deref);
        Line::new(kind).optional_string("device", name)
    }
}

fn dump_device(
    transaction: &ReadTransaction,
    devices: &Devices,
    number: u32,
    write: &mut dyn FnMut(Line),
) -> Result<(), Failure> {
    let row = transaction.open_table(tables::BACKLOGS)?.get(number)?;
    let backlog = row.and_then(|row| retention::decode_backlog(row.value()));
    let backlog = backlog.unwrap_or_default();
    let mut line = devices
        .line("device", number)
        .verbatim("complete", tables::is_complete(transaction, Some(number))?)
        .verbatim("messages", backlog.messages)
        .verbatim("bytes", backlog.bytes)
        .verbatim("last", backlog.last);
    if let Some(clock) = backlog.clock {
        line = line.verbatim("counted", clock.counted);
        if let Some(wall) = clock.wall {
            line = line.verbatim("wall", wall);
        }
    }
    write(line);
    Ok(())
}

fn property(devices: &Devices, key: &[u8], row: &[u8]) -> Line {
    let decoded = properties::split_key(key).and_then(|(device, interface, major, path)| {
        let property = properties::decode(interface, major, path, row)?;
        Some((device, property))
    });
    let Some((device, property)) = decoded else {
        return unreadable(Line::new("property"), key, row);
    };
    let ownership = match property.ownership {
        Ownership::Device => "device",
        Ownership::Server => "server",
    };
    let state = match property.state {
        State::Sent => "sent",
        State::Unsent => "unsent",
        State::Unset => "unset",
    };
    devices
        .line("property", device)
        .string("interface", &property.interface)
        .verbatim("major", property.major)
        .string("path", &property.path)
        .string("ownership", ownership)
        .string("state", state)
        .payload(&property.payload)
}

fn message(line: Line, message: &RetainedMessage) -> Line {
    let reliability = match message.reliability {
        Reliability::Unreliable => "unreliable",
        Reliability::Guaranteed => "guaranteed",
        Reliability::Unique => "unique",
    };
    let expires = message.expires.map(|at| at.to_string());
    line.verbatim("sequence", message.sequence)
        .string("interface", &message.interface)
        .verbatim("major", message.major)
        .string("path", &message.path)
        .string("reliability", reliability)
        .verbatim("expires", expires.as_deref().unwrap_or("null"))
        .verbatim("released", message.released)
        .payload(&message.payload)
}

/// A row of which nothing is known but its bytes.
fn unreadable(line: Line, key: &[u8], row: &[u8]) -> Line {
    let hex = |bytes: &[u8]| -> String { bytes.iter().map(|byte| format!("{byte:02x}")).collect() };
    line.string("unreadable_key", &hex(key))
        .string("unreadable_row", &hex(row))
}
