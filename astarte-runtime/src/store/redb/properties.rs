//! Rows of properties.
//!
//! | key | value |
//! |---|---|
//! | device (4 bytes), interface, a zero byte, major version (4 bytes), path | flags (1 byte), payload |
//!
//! Numbers are big-endian. The payload is the BSON document of the wire. Bit 7 of the flags: the server owns the
//! property; bits 0 and 1: 0 sent, 1 unsent, 2 unset.

use std::ops::Bound;

use redb::ReadableTable;

use super::{
    failure::Failure,
    tables::{self, Table, Tables},
};
use crate::{
    Ownership,
    store::{Change, Property, State},
};

type Rows<'t> = Table<'t, &'static [u8], &'static [u8]>;

/// Refuses a change of which no row can be made.
pub(super) fn check(change: &Change<'_>) -> Result<(), Failure> {
    match change {
        Change::Store(Property { interface, .. })
        | Change::Delete { interface, .. }
        | Change::DeleteOtherMajors { interface, .. }
        | Change::Acknowledge { interface, .. } => check_name(interface),
        Change::Clear | Change::Complete(_) => Ok(()),
    }
}

/// The zero byte ends the name within a key.
fn check_name(interface: &str) -> Result<(), Failure> {
    if interface.contains('\0') {
        return Err(Failure::refused(format!(
            "the name of the interface {interface:?} has a zero byte"
        )));
    }
    Ok(())
}

pub(super) fn apply(
    tables: &mut Tables<'_>,
    device: u32,
    changes: &[Change<'_>],
) -> Result<(), Failure> {
    for change in changes {
        if let Change::Complete(complete) = change {
            tables.set_complete(device, *complete)?;
        } else {
            apply_one(tables.properties()?, device, change)?;
        }
    }
    Ok(())
}

fn apply_one(rows: &mut Rows<'_>, device: u32, change: &Change<'_>) -> Result<(), Failure> {
    match change {
        Change::Store(property) => {
            let key = key(device, &property.interface, property.major, &property.path)?;
            rows.insert(key.as_slice(), encode(property).as_slice())?;
        }
        Change::Delete {
            interface,
            major,
            path,
        } => {
            rows.remove(key(device, interface, *major, path)?.as_slice())?;
        }
        Change::DeleteOtherMajors { interface, major } => {
            let before = prefix(device, interface, 0)?;
            let kept = prefix(device, interface, *major)?;
            remove(rows, &before, Bound::Excluded(&kept))?;
            if let Some(next) = major.checked_add(1) {
                let (behind, end) = (prefix(device, interface, next)?, end_of(device, interface)?);
                remove(rows, &behind, Bound::Excluded(&end))?;
            }
        }
        Change::Acknowledge {
            interface,
            major,
            path,
            payload,
        } => acknowledge(rows, &key(device, interface, *major, path)?, payload)?,
        Change::Clear => {
            let from = tables::device_prefix(device);
            match device.checked_add(1).map(tables::device_prefix) {
                Some(end) => remove(rows, &from, Bound::Excluded(&end))?,
                None => remove(rows, &from, Bound::Unbounded)?,
            }
        }
        // Not of the rows.
        Change::Complete(_) => {}
    }
    Ok(())
}

fn remove(rows: &mut Rows<'_>, from: &[u8], to: Bound<&[u8]>) -> Result<(), Failure> {
    rows.retain_in::<&[u8], _>((Bound::Included(from), to), |_, _| false)?;
    Ok(())
}

fn acknowledge(rows: &mut Rows<'_>, key: &[u8], payload: &[u8]) -> Result<(), Failure> {
    let row = rows.get(key)?.map(|row| row.value().to_vec());
    let Some((flags, held)) = row.as_deref().and_then(<[u8]>::split_first) else {
        return Ok(());
    };
    if held != payload {
        return Ok(());
    }
    if flags & flags::STATE == flags::UNSET {
        rows.remove(key)?;
    } else {
        let mut sent = vec![flags & !flags::STATE | flags::SENT];
        sent.extend_from_slice(held);
        rows.insert(key, sent.as_slice())?;
    }
    Ok(())
}

pub(super) fn load(
    rows: &impl ReadableTable<&'static [u8], &'static [u8]>,
    device: u32,
    interface: &str,
    major: u32,
    path: &str,
) -> Result<Option<Property<'static>>, Failure> {
    let Ok(key) = key(device, interface, major, path) else {
        return Ok(None);
    };
    let row = rows.get(key.as_slice())?;
    let decoded = |row: redb::AccessGuard<'_, _>| {
        decode(interface, major, path, row.value()).map(Property::into_owned)
    };
    Ok(row.and_then(decoded))
}

/// The rows of a device whose keys begin with a prefix.
pub(super) fn load_prefix(
    rows: &impl ReadableTable<&'static [u8], &'static [u8]>,
    prefix: &[u8],
) -> Result<Vec<Property<'static>>, Failure> {
    let mut properties = Vec::new();
    for row in rows.range::<&[u8]>(prefix..)? {
        let (key, row) = row?;
        if !key.value().starts_with(prefix) {
            break;
        }
        let decoded = split_key(key.value())
            .and_then(|(_, interface, major, path)| decode(interface, major, path, row.value()));
        properties.extend(decoded.map(Property::into_owned));
    }
    Ok(properties)
}

/// The begin of the keys of one major version of an interface.
pub(super) fn prefix(device: u32, interface: &str, major: u32) -> Result<Vec<u8>, Failure> {
    key(device, interface, major, "")
}

pub(super) fn key(
    device: u32,
    interface: &str,
    major: u32,
    path: &str,
) -> Result<Vec<u8>, Failure> {
    check_name(interface)?;
    let mut key = Vec::with_capacity(9 + interface.len() + path.len());
    key.extend_from_slice(&tables::device_prefix(device));
    key.extend_from_slice(interface.as_bytes());
    key.push(0);
    key.extend_from_slice(&major.to_be_bytes());
    key.extend_from_slice(path.as_bytes());
    Ok(key)
}

/// Behind all keys of an interface.
fn end_of(device: u32, interface: &str) -> Result<Vec<u8>, Failure> {
    let mut end = prefix(device, interface, 0)?;
    end.truncate(end.len() - 5);
    end.push(1);
    Ok(end)
}

/// Device, interface, major version and path.
pub(super) fn split_key(key: &[u8]) -> Option<(u32, &str, u32, &str)> {
    let (device, rest) = key.split_first_chunk::<4>()?;
    let end = rest.iter().position(|&byte| byte == 0)?;
    let (interface, rest) = (&rest[..end], &rest[end + 1..]);
    let (major, path) = rest.split_first_chunk::<4>()?;
    Some((
        u32::from_be_bytes(*device),
        std::str::from_utf8(interface).ok()?,
        u32::from_be_bytes(*major),
        std::str::from_utf8(path).ok()?,
    ))
}

mod flags {
    pub(super) const SERVER: u8 = 0x80;
    pub(super) const STATE: u8 = 0x7f;
    pub(super) const SENT: u8 = 0;
    pub(super) const UNSENT: u8 = 1;
    pub(super) const UNSET: u8 = 2;
}

pub(super) fn encode(property: &Property<'_>) -> Vec<u8> {
    let state = match property.state {
        State::Sent => flags::SENT,
        State::Unsent => flags::UNSENT,
        State::Unset => flags::UNSET,
    };
    let owner = match property.ownership {
        Ownership::Device => 0,
        Ownership::Server => flags::SERVER,
    };
    let mut row = Vec::with_capacity(1 + property.payload.len());
    row.push(state | owner);
    row.extend_from_slice(&property.payload);
    row
}

/// Reads a row; one of flags that this version does not know is as good as absent.
pub(super) fn decode<'a>(
    interface: &'a str,
    major: u32,
    path: &'a str,
    row: &'a [u8],
) -> Option<Property<'a>> {
    let (flags, payload) = row.split_first()?;
    let ownership = if flags & flags::SERVER == 0 {
        Ownership::Device
    } else {
        Ownership::Server
    };
    let state = match flags & flags::STATE {
        flags::SENT => State::Sent,
        flags::UNSENT => State::Unsent,
        flags::UNSET => State::Unset,
        _ => return None,
    };
    Some(Property {
        interface: interface.into(),
        major,
        path: path.into(),
        ownership,
        state,
        payload: payload.into(),
    })
}
