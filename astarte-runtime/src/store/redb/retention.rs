//! Rows of messages.
//!
//! | table | key | value |
//! |---|---|---|
//! | `messages` | device (4 bytes), sequence number (8) | flags (1), major version (4), expiry (8, where bit 3 is set), length of the interface (2), length of the path (2), interface, path, payload |
//! | `set_aside` | the same | length of the reason (2), reason, then as above |
//! | `backlogs` | device | messages (8), bytes (8), highest sequence number (8), then, where a clock was read, what it counted (8) and, where it was known, the wall clock (8) |
//!
//! Numbers are big-endian. Bits 0 and 1 of the flags: 0 unreliable, 1 guaranteed, 2 unique; bit 2: released; bit 3: it
//! expires. The counters are changed in the transaction that changes the rows, so they are never read from the rows.

use redb::ReadableTable;

use super::{
    failure::Failure,
    tables::{Table, Tables},
};
use crate::{
    Reliability,
    store::{Backlog, ClockReading, RetainedMessage, RetentionChange, SetAside},
};

pub(super) type SetAsideTable<'t> = Table<'t, &'static [u8; 12], &'static [u8]>;

/// How many messages that can never be sent are kept for each device.
const MAX_SET_ASIDE: usize = 100;

/// Refuses a change of which no row can be made. Texts that are too long are refused by [`encode`].
pub(super) fn check(change: &RetentionChange) -> Result<(), Failure> {
    match change {
        RetentionChange::Append(message) if message.sequence == 0 => {
            Err(Failure::refused("sequence numbers begin at 1"))
        }
        _ => Ok(()),
    }
}

pub(super) fn apply(
    tables: &mut Tables<'_>,
    device: u32,
    changes: &[RetentionChange],
) -> Result<(), Failure> {
    changes
        .iter()
        .try_for_each(|change| apply_one(tables, device, change))
}

fn apply_one(
    tables: &mut Tables<'_>,
    device: u32,
    change: &RetentionChange,
) -> Result<(), Failure> {
    match change {
        RetentionChange::Append(message) => append(tables, device, message)?,
        RetentionChange::Clock(reading) => tables.backlog(device)?.clock = Some(*reading),
        RetentionChange::Release { sequence } => release(tables, device, *sequence)?,
        RetentionChange::Remove { sequence } => {
            take(tables, device, *sequence)?;
        }
        RetentionChange::SetAside { sequence, reason } => {
            set_aside(tables, device, *sequence, reason)?;
        }
        RetentionChange::Clear => {
            let all = || key(device, 0)..=key(device, u64::MAX);
            tables
                .messages()?
                .retain_in::<&[u8; 12], _>(borrowed(&all()), |_, _| false)?;
            tables
                .set_aside()?
                .retain_in::<&[u8; 12], _>(borrowed(&all()), |_, _| false)?;
            let backlog = tables.backlog(device)?;
            (backlog.messages, backlog.bytes) = (0, 0);
        }
    }
    Ok(())
}

fn append(tables: &mut Tables<'_>, device: u32, message: &RetainedMessage) -> Result<(), Failure> {
    let row = encode(message)?;
    let replaced = {
        let replaced = tables
            .messages()?
            .insert(&key(device, message.sequence), row.as_slice())?;
        replaced.map(|row| size(row.value()))
    };
    let backlog = tables.backlog(device)?;
    match replaced {
        Some(size) => backlog.bytes = backlog.bytes.saturating_sub(size),
        None => backlog.messages += 1,
    }
    backlog.bytes += message.size();
    backlog.last = backlog.last.max(message.sequence);
    Ok(())
}

fn release(tables: &mut Tables<'_>, device: u32, sequence: u64) -> Result<(), Failure> {
    let key = key(device, sequence);
    let message = {
        let row = tables.messages()?.get(&key)?;
        row.and_then(|row| decode(sequence, row.value()))
    };
    let Some(mut message) = message else {
        return Ok(());
    };
    let dropped = std::mem::take(&mut message.payload).len() as u64;
    message.released = true;
    let row = encode(&message)?;
    tables.messages()?.insert(&key, row.as_slice())?;
    let backlog = tables.backlog(device)?;
    backlog.bytes = backlog.bytes.saturating_sub(dropped);
    Ok(())
}

fn set_aside(
    tables: &mut Tables<'_>,
    device: u32,
    sequence: u64,
    reason: &str,
) -> Result<(), Failure> {
    let Some(message) = take(tables, device, sequence)? else {
        return Ok(());
    };
    // One that is too long is cut: the message is what counts.
    let reason = &reason[..reason.floor_char_boundary(usize::from(u16::MAX))];
    let mut row = Vec::with_capacity(2 + reason.len() + message.len());
    row.extend_from_slice(&(reason.len() as u16).to_be_bytes());
    row.extend_from_slice(reason.as_bytes());
    row.extend_from_slice(&message);
    let table = tables.set_aside()?;
    table.insert(&key(device, sequence), row.as_slice())?;
    let all = key(device, 0)..=key(device, u64::MAX);
    let mut held = table.range::<&[u8; 12]>(borrowed(&all))?;
    let surplus = table
        .range::<&[u8; 12]>(borrowed(&all))?
        .count()
        .saturating_sub(MAX_SET_ASIDE);
    let oldest: Vec<[u8; 12]> = held
        .by_ref()
        .take(surplus)
        .map(|row| row.map(|(key, _)| *key.value()))
        .collect::<Result<_, _>>()?;
    drop(held);
    for key in oldest {
        table.remove(&key)?;
    }
    Ok(())
}

/// Removes a row, and returns it.
fn take(tables: &mut Tables<'_>, device: u32, sequence: u64) -> Result<Option<Vec<u8>>, Failure> {
    let row = {
        let row = tables.messages()?.remove(&key(device, sequence))?;
        row.map(|row| row.value().to_vec())
    };
    if let Some(row) = &row {
        let backlog = tables.backlog(device)?;
        backlog.messages = backlog.messages.saturating_sub(1);
        backlog.bytes = backlog.bytes.saturating_sub(size(row));
    }
    Ok(row)
}

pub(super) fn load(
    rows: &impl ReadableTable<&'static [u8; 12], &'static [u8]>,
    device: u32,
    after: u64,
    messages: usize,
    bytes: u64,
) -> Result<Vec<RetainedMessage>, Failure> {
    let mut loaded = Vec::new();
    let Some(from) = after.checked_add(1) else {
        return Ok(loaded);
    };
    let mut held = 0;
    let range = key(device, from)..=key(device, u64::MAX);
    for row in rows.range::<&[u8; 12]>(borrowed(&range))? {
        if loaded.len() == messages {
            break;
        }
        let (key, row) = row?;
        let Some(message) = decode(sequence(key.value()), row.value()) else {
            continue;
        };
        held += message.size();
        if held > bytes && !loaded.is_empty() {
            break;
        }
        loaded.push(message);
    }
    Ok(loaded)
}

pub(super) fn load_set_aside(
    rows: &impl ReadableTable<&'static [u8; 12], &'static [u8]>,
    device: u32,
) -> Result<Vec<SetAside>, Failure> {
    let mut loaded = Vec::new();
    let range = key(device, 0)..=key(device, u64::MAX);
    for row in rows.range::<&[u8; 12]>(borrowed(&range))? {
        let (key, row) = row?;
        loaded.extend(decode_set_aside(sequence(key.value()), row.value()));
    }
    Ok(loaded)
}

fn borrowed(range: &std::ops::RangeInclusive<[u8; 12]>) -> std::ops::RangeInclusive<&[u8; 12]> {
    range.start()..=range.end()
}

pub(super) fn key(device: u32, sequence: u64) -> [u8; 12] {
    let mut key = [0; 12];
    key[..4].copy_from_slice(&device.to_be_bytes());
    key[4..].copy_from_slice(&sequence.to_be_bytes());
    key
}

/// The number of the device of a key.
pub(super) fn device(key: &[u8; 12]) -> u32 {
    let (device, _) = key.split_first_chunk::<4>().expect("12 bytes hold 4");
    u32::from_be_bytes(*device)
}

/// The sequence number of a key.
pub(super) fn sequence(key: &[u8; 12]) -> u64 {
    let (_, sequence) = key.split_last_chunk::<8>().expect("12 bytes hold 8");
    u64::from_be_bytes(*sequence)
}

mod flags {
    pub(super) const RELIABILITY: u8 = 0x03;
    pub(super) const UNRELIABLE: u8 = 0;
    pub(super) const GUARANTEED: u8 = 1;
    pub(super) const UNIQUE: u8 = 2;
    pub(super) const RELEASED: u8 = 0x04;
    pub(super) const EXPIRES: u8 = 0x08;
}

pub(super) fn encode(message: &RetainedMessage) -> Result<Vec<u8>, Failure> {
    let mut flags = match message.reliability {
        Reliability::Unreliable => flags::UNRELIABLE,
        Reliability::Guaranteed => flags::GUARANTEED,
        Reliability::Unique => flags::UNIQUE,
    };
    if message.released {
        flags |= flags::RELEASED;
    }
    if message.expires.is_some() {
        flags |= flags::EXPIRES;
    }
    let mut row = Vec::with_capacity(17 + message.size() as usize);
    row.push(flags);
    row.extend_from_slice(&message.major.to_be_bytes());
    row.extend(message.expires.iter().flat_map(|at| at.to_be_bytes()));
    row.extend_from_slice(&length("interface", &message.interface)?);
    row.extend_from_slice(&length("path", &message.path)?);
    row.extend_from_slice(message.interface.as_bytes());
    row.extend_from_slice(message.path.as_bytes());
    row.extend_from_slice(&message.payload);
    Ok(row)
}

fn length(what: &str, text: &str) -> Result<[u8; 2], Failure> {
    let length = u16::try_from(text.len()).map_err(|_| {
        Failure::refused(format!(
            "the {what} is {} bytes, a topic has at most 65535 bytes",
            text.len()
        ))
    })?;
    Ok(length.to_be_bytes())
}

/// How much a row counts for the bound on stored bytes.
fn size(row: &[u8]) -> u64 {
    let expires = row.first().is_some_and(|flags| flags & flags::EXPIRES != 0);
    let head = if expires { 17 } else { 9 };
    row.len().saturating_sub(head) as u64
}

/// Reads a row; one that this version cannot read is as good as absent.
pub(super) fn decode(sequence: u64, row: &[u8]) -> Option<RetainedMessage> {
    let (&flags, row) = row.split_first()?;
    let reliability = match flags & flags::RELIABILITY {
        flags::UNRELIABLE => Reliability::Unreliable,
        flags::GUARANTEED => Reliability::Guaranteed,
        flags::UNIQUE => Reliability::Unique,
        _ => return None,
    };
    if flags & !(flags::RELIABILITY | flags::RELEASED | flags::EXPIRES) != 0 {
        return None;
    }
    let (major, row) = row.split_first_chunk()?;
    let (expires, row) = if flags & flags::EXPIRES == 0 {
        (None, row)
    } else {
        let (expires, row) = row.split_first_chunk()?;
        (Some(u64::from_be_bytes(*expires)), row)
    };
    let (interface, row) = row.split_first_chunk()?;
    let (path, row) = row.split_first_chunk()?;
    let (interface, row) = row.split_at_checked(u16::from_be_bytes(*interface).into())?;
    let (path, payload) = row.split_at_checked(u16::from_be_bytes(*path).into())?;
    Some(RetainedMessage {
        sequence,
        interface: std::str::from_utf8(interface).ok()?.to_owned(),
        major: u32::from_be_bytes(*major),
        path: std::str::from_utf8(path).ok()?.to_owned(),
        reliability,
        expires,
        payload: payload.to_vec(),
        released: flags & flags::RELEASED != 0,
    })
}

pub(super) fn decode_set_aside(sequence: u64, row: &[u8]) -> Option<SetAside> {
    let (length, row) = row.split_first_chunk()?;
    let (reason, row) = row.split_at_checked(u16::from_be_bytes(*length).into())?;
    Some(SetAside {
        message: decode(sequence, row)?,
        reason: std::str::from_utf8(reason).ok()?.to_owned(),
    })
}

pub(super) fn encode_backlog(backlog: &Backlog) -> Vec<u8> {
    let clock = backlog
        .clock
        .iter()
        .flat_map(|reading| std::iter::once(reading.counted).chain(reading.wall));
    [backlog.messages, backlog.bytes, backlog.last]
        .into_iter()
        .chain(clock)
        .flat_map(u64::to_be_bytes)
        .collect()
}

pub(super) fn decode_backlog(row: &[u8]) -> Option<Backlog> {
    let (numbers, rest) = row.as_chunks::<8>();
    let numbers: Vec<u64> = numbers.iter().map(|&n| u64::from_be_bytes(n)).collect();
    let (messages, bytes, last, clock) = match numbers[..] {
        [messages, bytes, last] => (messages, bytes, last, None),
        [messages, bytes, last, counted, ref wall @ ..] if wall.len() <= 1 => {
            let wall = wall.first().copied();
            (messages, bytes, last, Some(ClockReading { counted, wall }))
        }
        _ => return None,
    };
    rest.is_empty().then_some(Backlog {
        messages,
        bytes,
        last,
        clock,
    })
}
