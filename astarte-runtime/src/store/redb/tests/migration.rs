//! Files of other versions.

use redb::{Database, ReadableDatabase as _, TableDefinition};

use super::{Contents, append};
use crate::{
    Ownership,
    store::{MemoryStore, Property, RetentionStore, State, StoreError, redb::RedbStore},
};

const OLD: TableDefinition<'_, (&str, u32, &str), &[u8]> = TableDefinition::new("properties");
const ABOUT: TableDefinition<'_, &str, u32> = TableDefinition::new("about");

/// Writes a file as the first version did.
fn version_1(file: &std::path::Path, complete: bool) {
    let database = Database::create(file).unwrap();
    let write = database.begin_write().unwrap();
    {
        let mut about = write.open_table(ABOUT).unwrap();
        about.insert("format", 1).unwrap();
        if !complete {
            about.insert("incomplete", 1).unwrap();
        }
        let mut rows = write.open_table(OLD).unwrap();
        let key = |path| ("org.example.A", 1, path);
        rows.insert(key("/unsent"), &[0x01, b'1'][..]).unwrap();
        rows.insert(key("/sent"), &[0x00, b'2'][..]).unwrap();
        rows.insert(key("/unset"), &[0x02][..]).unwrap();
        rows.insert(("org.example.S", 300, "/s"), &[0x80, b'3'][..])
            .unwrap();
    }
    write.commit().unwrap();
}

fn row(
    interface: &'static str,
    major: u32,
    path: &'static str,
    state: State,
    payload: &'static [u8],
) -> Property<'static> {
    Property {
        interface: interface.into(),
        major,
        path: path.into(),
        ownership: Ownership::Device,
        state,
        payload: payload.into(),
    }
}

#[test]
fn a_file_of_format_1_is_migrated() {
    for complete in [true, false] {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("store.redb");
        version_1(&file, complete);
        let store = RedbStore::open(&file).unwrap();
        let expected = Contents {
            properties: vec![
                row("org.example.A", 1, "/sent", State::Sent, b"2"),
                row("org.example.A", 1, "/unsent", State::Unsent, b"1"),
                row("org.example.A", 1, "/unset", State::Unset, b""),
                Property {
                    ownership: Ownership::Server,
                    ..row("org.example.S", 300, "/s", State::Sent, b"3")
                },
            ],
            complete,
            ..Contents::of(&MemoryStore::new())
        };
        assert_eq!(Contents::of(&store), expected);
        store.apply_retention(&[append(1, b"1")]).unwrap();
        drop(store);
        // It is migrated once, and no table of the old format is left.
        let store = RedbStore::open(&file).unwrap();
        assert_eq!(Contents::of(&store).properties, expected.properties);
        drop(store);
        let database = Database::open(&file).unwrap();
        let read = database.begin_read().unwrap();
        let names: Vec<_> = read
            .list_tables()
            .unwrap()
            .map(|table| redb::TableHandle::name(&table).to_owned())
            .collect();
        assert!(!names.contains(&"properties_1".to_owned()), "{names:?}");
    }
}

/// The second version had no journal; one that lies beside the file is of another one.
#[test]
fn a_file_of_format_2_is_migrated() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("store.redb");
    let store = RedbStore::open(&file).unwrap();
    store.apply_retention(&[append(1, b"1")]).unwrap();
    store.apply_retention(&[append(2, b"2")]).unwrap();
    let contents = Contents::of(&store);
    drop(store);
    {
        let database = Database::open(&file).unwrap();
        let write = database.begin_write().unwrap();
        let journal = TableDefinition::<(), &[u8; 16]>::new("journal");
        assert!(write.delete_table(journal).unwrap());
        let mut about = write.open_table(ABOUT).unwrap();
        about.insert("format", 2).unwrap();
        drop(about);
        write.commit().unwrap();
    }
    let store = RedbStore::open(&file).unwrap();
    assert_eq!(Contents::of(&store), contents);
    store.apply_retention(&[append(3, b"3")]).unwrap();
    drop(store);
    let store = RedbStore::open(&file).unwrap();
    assert_eq!(store.backlog().unwrap().messages, 3);
}

#[test]
fn a_file_of_a_newer_format_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("store.redb");
    drop(RedbStore::open(&file).unwrap());
    {
        let database = Database::open(&file).unwrap();
        let write = database.begin_write().unwrap();
        write
            .open_table(ABOUT)
            .unwrap()
            .insert("format", 4)
            .unwrap();
        write.commit().unwrap();
    }
    for error in [
        RedbStore::open(&file).unwrap_err(),
        // It is not damaged: moved aside, it would be lost to the newer version.
        RedbStore::open_or_recover(&file).map(|_| ()).unwrap_err(),
    ] {
        assert!(
            matches!(
                error,
                StoreError::Format {
                    found: 4,
                    supported: 3
                }
            ),
            "{error:?}"
        );
    }
}
