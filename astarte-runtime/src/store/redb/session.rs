//! The row of a session.
//!
//! | key | value |
//! |---|---|
//! | device | flags (1 byte), highest packet id (2), length of the broker (2), broker, length of the introspection (4), introspection, then each received id (2), the lowest first |
//!
//! Numbers are big-endian. Bit 0 of the flags: the introspection is known; it is empty where it is not. One row, because a
//! broker has a few ids in flight at most.

use redb::ReadableTable;

use super::{failure::Failure, tables::Tables};
use crate::store::{SessionChange, StoredSession};

/// Refuses a change of which no row can be made.
pub(super) fn check(change: &SessionChange) -> Result<(), Failure> {
    match change {
        SessionChange::Begin { broker, .. } => length("broker's address", broker).map(drop::<u16>),
        SessionChange::Introduced(Some(introspection)) => {
            length("introspection", introspection).map(drop::<u32>)
        }
        _ => Ok(()),
    }
}

pub(super) fn apply(
    tables: &mut Tables<'_>,
    device: u32,
    changes: &[SessionChange],
) -> Result<(), Failure> {
    let sessions = tables.sessions()?;
    let mut session = {
        let row = sessions.get(device)?;
        row.and_then(|row| decode(row.value()))
    };
    let before = session.clone();
    for change in changes {
        change.apply(&mut session);
    }
    if let Some(session) = session.filter(|session| before.as_ref() != Some(session)) {
        sessions.insert(device, encode(&session)?.as_slice())?;
    }
    Ok(())
}

const INTRODUCED: u8 = 1;

fn encode(session: &StoredSession) -> Result<Vec<u8>, Failure> {
    let (broker, known) = (&session.broker, session.introspection.is_some());
    let introspection = session.introspection.as_deref().unwrap_or_default();
    let broker_length: u16 = length("broker's address", broker)?;
    let introspection_length: u32 = length("introspection", introspection)?;
    let mut row = vec![if known { INTRODUCED } else { 0 }];
    row.extend_from_slice(&session.highest_id.to_be_bytes());
    row.extend_from_slice(&broker_length.to_be_bytes());
    row.extend_from_slice(broker.as_bytes());
    row.extend_from_slice(&introspection_length.to_be_bytes());
    row.extend_from_slice(introspection.as_bytes());
    row.extend(session.received.iter().flat_map(|id| id.to_be_bytes()));
    Ok(row)
}

fn length<L: TryFrom<usize>>(what: &str, text: &str) -> Result<L, Failure> {
    L::try_from(text.len())
        .map_err(|_| Failure::refused(format!("the {what} is {} bytes, more than fit", text.len())))
}

/// Reads a row; with one that cannot be read the session is not known, and begins anew.
pub(super) fn decode(row: &[u8]) -> Option<StoredSession> {
    let (&flags, row) = row.split_first()?;
    let (highest_id, row) = row.split_first_chunk()?;
    let (length, row) = row.split_first_chunk()?;
    let (broker, row) = row.split_at_checked(u16::from_be_bytes(*length).into())?;
    let (length, row) = row.split_first_chunk()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let (introspection, row) = row.split_at_checked(length)?;
    let introspection = std::str::from_utf8(introspection).ok()?;
    let (received, rest) = row.as_chunks();
    if flags & !INTRODUCED != 0 || !rest.is_empty() {
        return None;
    }
    Some(StoredSession {
        broker: std::str::from_utf8(broker).ok()?.to_owned(),
        introspection: (flags & INTRODUCED != 0).then(|| introspection.to_owned()),
        highest_id: u16::from_be_bytes(*highest_id),
        received: received.iter().map(|&id| u16::from_be_bytes(id)).collect(),
    })
}
