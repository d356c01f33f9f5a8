//! Which rows of a file belong to a handle.

use std::sync::OnceLock;

use redb::ReadTransaction;

use super::{failure::Failure, tables::DEVICES};

/// The rows of one device, under its number.
///
/// A number instead of the name keeps keys short. A device gets it with its first change, so that making a handle reads
/// and writes nothing.
#[derive(Debug)]
pub(super) struct DeviceRows {
    /// `realm/device id`; empty for a file of one device, whose number is 0.
    name: String,
    number: OnceLock<u32>,
}

impl DeviceRows {
    /// Those of a file that belongs to one device.
    pub(super) fn only() -> Self {
        Self {
            name: String::new(),
            number: OnceLock::from(0),
        }
    }

    pub(super) fn named(name: String) -> Self {
        Self {
            name,
            number: OnceLock::new(),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The number, where this process knows it already.
    pub(super) fn known(&self) -> Option<u32> {
        self.number.get().copied()
    }

    /// Remembers a number that is stored durably.
    pub(super) fn remember(&self, number: u32) {
        // Another thread may have found the same.
        let _ = self.number.set(number);
    }

    /// The number; `None` where nothing was ever stored for the device.
    pub(super) fn find(&self, transaction: &ReadTransaction) -> Result<Option<u32>, Failure> {
        if let Some(number) = self.known() {
            return Ok(Some(number));
        }
        let devices = transaction.open_table(DEVICES)?;
        let number = devices.get(self.name())?.map(|number| number.value());
        Ok(number)
    }
}
