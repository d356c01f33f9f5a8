//! The tables of a file, and the changes of one transaction on them.
//!
//! The layouts are those of `docs/store-format.md`. Keys are bytes that sort as the contracts demand, so that a range of
//! a table is what belongs to one device, interface or major version. Tables are opened when they are first used: one
//! that a transaction does not touch costs it nothing.

use std::collections::BTreeMap;

use redb::{ReadTransaction, ReadableTable, TableDefinition, WriteTransaction};

use super::{
    failure::Failure,
    journal::Position,
    retention::{self, SetAsideTable},
};
use crate::store::Backlog;

/// What the file says of itself: see [`super::format`].
pub(super) const ABOUT: TableDefinition<'_, &str, u32> = TableDefinition::new("about");
/// `realm/device id` to the number under which the device's rows are.
pub(super) const DEVICES: TableDefinition<'_, &str, u32> = TableDefinition::new("devices");
/// Whether a device's properties are all there: 1, or 0 where some may have been lost.
pub(super) const COMPLETE: TableDefinition<'_, u32, u8> = TableDefinition::new("complete");
/// See [`super::properties`].
pub(super) const PROPERTIES: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("properties");
/// See [`super::retention`].
pub(super) const MESSAGES: TableDefinition<'_, &[u8; 12], &[u8]> = TableDefinition::new("messages");
/// The counters of the messages, apart from them: a new message is then the last row of its table, which is the cheapest
/// place in a tree.
pub(super) const BACKLOGS: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("backlogs");
/// See [`super::retention`].
pub(super) const SET_ASIDE: TableDefinition<'_, &[u8; 12], &[u8]> =
    TableDefinition::new("set_aside");
/// See [`super::session`].
pub(super) const SESSIONS: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("sessions");
/// How far of the journal the tables have, in one row: see [`Position`].
pub(super) const JOURNAL: TableDefinition<'_, (), &[u8; 16]> = TableDefinition::new("journal");

/// The key of [`ABOUT`] with the version of the format.
pub(super) const FORMAT: &str = "format";
/// The key of [`ABOUT`] with the highest number of a device.
pub(super) const LAST_DEVICE: &str = "last_device";
/// The key of [`ABOUT`] that says that an earlier file was lost: then nothing is complete that is not said to be.
pub(super) const LOST: &str = "lost";

pub(super) type Table<'t, K, V> = redb::Table<'t, K, V>;

/// The tables that a transaction has used so far.
pub(super) struct Tables<'t> {
    transaction: &'t WriteTransaction,
    properties: Option<Table<'t, &'static [u8], &'static [u8]>>,
    messages: Option<Table<'t, &'static [u8; 12], &'static [u8]>>,
    set_aside: Option<SetAsideTable<'t>>,
    sessions: Option<Table<'t, u32, &'static [u8]>>,
    backlogs: Option<Table<'t, u32, &'static [u8]>>,
    devices: Option<Table<'t, &'static str, u32>>,
    /// The counters of the devices whose messages changed; written once, at the end.
    counters: BTreeMap<u32, Backlog>,
}

impl<'t> Tables<'t> {
    pub(super) fn new(transaction: &'t WriteTransaction) -> Self {
        Self {
            transaction,
            properties: None,
            messages: None,
            set_aside: None,
            sessions: None,
            backlogs: None,
            devices: None,
            counters: BTreeMap::new(),
        }
    }

    pub(super) fn properties(
        &mut self,
    ) -> Result<&mut Table<'t, &'static [u8], &'static [u8]>, Failure> {
        opened(&mut self.properties, self.transaction, PROPERTIES)
    }

    pub(super) fn messages(
        &mut self,
    ) -> Result<&mut Table<'t, &'static [u8; 12], &'static [u8]>, Failure> {
        opened(&mut self.messages, self.transaction, MESSAGES)
    }

    pub(super) fn set_aside(&mut self) -> Result<&mut SetAsideTable<'t>, Failure> {
        opened(&mut self.set_aside, self.transaction, SET_ASIDE)
    }

    pub(super) fn sessions(&mut self) -> Result<&mut Table<'t, u32, &'static [u8]>, Failure> {
        opened(&mut self.sessions, self.transaction, SESSIONS)
    }

    /// The counters of a device, to be changed.
    pub(super) fn backlog(&mut self, device: u32) -> Result<&mut Backlog, Failure> {
        use std::collections::btree_map::Entry;
        match self.counters.entry(device) {
            Entry::Occupied(entry) => Ok(entry.into_mut()),
            Entry::Vacant(entry) => {
                let row = opened(&mut self.backlogs, self.transaction, BACKLOGS)?.get(device)?;
                let backlog = row.map_or_else(Backlog::default, |row| {
                    retention::decode_backlog(row.value()).unwrap_or_default()
                });
                Ok(entry.insert(backlog))
            }
        }
    }

    pub(super) fn set_complete(&self, device: u32, complete: bool) -> Result<(), Failure> {
        let mut table = self.transaction.open_table(COMPLETE)?;
        table.insert(device, u8::from(complete))?;
        Ok(())
    }

    /// The number of a device, which gets one where it has none. A number instead of the name keeps keys short.
    pub(super) fn number(&mut self, device: &str) -> Result<u32, Failure> {
        if device.is_empty() {
            return Ok(ONLY);
        }
        let devices = opened(&mut self.devices, self.transaction, DEVICES)?;
        if let Some(number) = devices.get(device)? {
            return Ok(number.value());
        }
        let mut about = self.transaction.open_table(ABOUT)?;
        let last = about.get(LAST_DEVICE)?.map_or(0, |last| last.value());
        let number = last.checked_add(1).ok_or_else(|| {
            Failure::damaged("`last_device` is 4294967295, and no file has held as many devices")
        })?;
        about.insert(LAST_DEVICE, number)?;
        devices.insert(device, number)?;
        Ok(number)
    }

    /// Writes what was gathered, and up to where in the journal that is.
    pub(super) fn finish(mut self, end: Position) -> Result<(), Failure> {
        for (device, backlog) in &self.counters {
            let table = opened(&mut self.backlogs, self.transaction, BACKLOGS)?;
            table.insert(device, retention::encode_backlog(backlog).as_slice())?;
        }
        let mut journal = self.transaction.open_table(JOURNAL)?;
        journal.insert((), &end.to_bytes())?;
        Ok(())
    }
}

/// The number of the device of a file that belongs to one, whose name is empty.
const ONLY: u32 = 0;

/// The number of a device; `None` where nothing was ever stored for it.
pub(super) fn find_device(
    transaction: &ReadTransaction,
    device: &str,
) -> Result<Option<u32>, Failure> {
    if device.is_empty() {
        return Ok(Some(ONLY));
    }
    let devices = transaction.open_table(DEVICES)?;
    Ok(devices.get(device)?.map(|number| number.value()))
}

/// How far of the journal the tables have; `None` where nothing was ever stored.
pub(super) fn position(transaction: &ReadTransaction) -> Result<Option<Position>, Failure> {
    let row = transaction.open_table(JOURNAL)?.get(())?;
    Ok(row.map(|row| Position::from_bytes(*row.value())))
}

fn opened<'a, 't, K: redb::Key + 'static, V: redb::Value + 'static>(
    slot: &'a mut Option<Table<'t, K, V>>,
    transaction: &'t WriteTransaction,
    definition: TableDefinition<'_, K, V>,
) -> Result<&'a mut Table<'t, K, V>, Failure> {
    if slot.is_none() {
        *slot = Some(transaction.open_table(definition)?);
    }
    Ok(slot.as_mut().expect("was opened above"))
}

/// Whether a device's properties are all there.
pub(super) fn is_complete(
    transaction: &ReadTransaction,
    device: Option<u32>,
) -> Result<bool, Failure> {
    if let Some(device) = device
        && let Some(complete) = transaction.open_table(COMPLETE)?.get(device)?
    {
        return Ok(complete.value() != 0);
    }
    let lost = transaction.open_table(ABOUT)?.get(LOST)?;
    Ok(lost.is_none())
}

/// The number behind which no other device's rows are: the begin of a key.
pub(super) fn device_prefix(device: u32) -> [u8; 4] {
    device.to_be_bytes()
}
