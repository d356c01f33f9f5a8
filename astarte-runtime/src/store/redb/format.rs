//! The version of the format, and what becomes of files of other versions.
//!
//! | version | difference |
//! |---|---|
//! | 1 | properties of one device, in a table with keys of redb's own; what is missing was a key of `about` |
//! | 2 | messages and sessions, several devices, keys of bytes |
//! | 3 | a journal beside the file, of which an older program knows nothing |

use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};

use super::{
    failure::Failure,
    tables::{
        ABOUT, BACKLOGS, COMPLETE, DEVICES, FORMAT, JOURNAL, LOST, MESSAGES, PROPERTIES, SESSIONS,
        SET_ASIDE,
    },
};

/// The version that this module writes.
pub(super) const CURRENT: u32 = 3;

/// Makes the tables of a new file, and those of an older version into ours, in one transaction; a file of this version is
/// not written to.
pub(super) fn prepare(database: &Database, lost: bool) -> Result<(), Failure> {
    match found(database)? {
        Some(CURRENT) if !lost => Ok(()),
        Some(newer) if newer > CURRENT => Err(Failure::newer(newer)),
        found => bring_up(database, found, lost),
    }
}

/// The version of a file; `None` where it is new.
pub(super) fn found(database: &impl ReadableDatabase) -> Result<Option<u32>, Failure> {
    let transaction = database.begin_read()?;
    let about = match transaction.open_table(ABOUT) {
        Ok(about) => about,
        Err(redb::TableError::TableDoesNotExist(_)) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let version = about.get(FORMAT)?.map(|version| version.value());
    Ok(version)
}

fn bring_up(database: &Database, found: Option<u32>, lost: bool) -> Result<(), Failure> {
    let mut transaction = database.begin_write()?;
    // The first transaction of a file: its allocator state is what every later one goes on from.
    transaction.set_quick_repair(true);
    if found == Some(1) {
        version_1::migrate(&transaction)?;
    }
    transaction.open_table(PROPERTIES)?;
    transaction.open_table(MESSAGES)?;
    transaction.open_table(BACKLOGS)?;
    transaction.open_table(SET_ASIDE)?;
    transaction.open_table(SESSIONS)?;
    transaction.open_table(DEVICES)?;
    transaction.open_table(COMPLETE)?;
    transaction.open_table(JOURNAL)?;
    {
        let mut about = transaction.open_table(ABOUT)?;
        about.insert(FORMAT, CURRENT)?;
        if lost {
            about.insert(LOST, 1)?;
        }
    }
    transaction.commit()?;
    Ok(())
}

mod version_1 {
    use super::*;
    use crate::store::redb::properties;

    type Rows = TableDefinition<'static, (&'static str, u32, &'static str), &'static [u8]>;

    const OLD: Rows = TableDefinition::new("properties");
    /// Where the old table is while the new one of its name is filled.
    const MOVED: Rows = TableDefinition::new("properties_1");
    const INCOMPLETE: &str = "incomplete";

    /// The values of the rows are the same.
    pub(super) fn migrate(transaction: &WriteTransaction) -> Result<(), Failure> {
        transaction.rename_table(OLD, MOVED)?;
        {
            let old = transaction.open_table(MOVED)?;
            let mut new = transaction.open_table(PROPERTIES)?;
            for row in old.iter()? {
                let (key, row) = row?;
                let (interface, major, path) = key.value();
                let key = properties::key(0, interface, major, path)?;
                new.insert(key.as_slice(), row.value())?;
            }
        }
        transaction.delete_table(MOVED)?;
        let mut about = transaction.open_table(ABOUT)?;
        if about.remove(INCOMPLETE)?.is_some() {
            transaction.open_table(COMPLETE)?.insert(0, 0)?;
        }
        Ok(())
    }
}
