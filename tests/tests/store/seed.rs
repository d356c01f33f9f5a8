//! What the Python SDK's database could do.

use std::sync::Arc;

use astarte_runtime::{
    Config,
    store::{Change, MemoryStore, Property, PropertyStore, RedbStore, Store, StoreError},
};
use astarte_tests::TestResult;

use super::{INTERFACE, property, stored};

/// The stores of the crate, to be used through the trait.
fn stores() -> Result<[Arc<dyn PropertyStore>; 2], StoreError> {
    Ok([
        Arc::new(MemoryStore::new()),
        Arc::new(RedbStore::in_memory()?),
    ])
}

/// A store of the application's own, of the least that it may be.
#[derive(Debug, Default)]
struct Own(MemoryStore);

impl Store for Own {}

impl PropertyStore for Own {
    fn load(
        &self,
        interface: &str,
        major: u32,
        path: &str,
    ) -> Result<Option<Property<'static>>, StoreError> {
        self.0.load(interface, major, path)
    }

    fn load_interface(
        &self,
        interface: &str,
        major: u32,
    ) -> Result<Vec<Property<'static>>, StoreError> {
        self.0.load_interface(interface, major)
    }

    fn load_all(&self) -> Result<Vec<Property<'static>>, StoreError> {
        self.0.load_all()
    }

    fn apply(&self, changes: &[Change<'_>]) -> Result<(), StoreError> {
        self.0.apply(changes)
    }
}

astarte_runtime::store::conformance!(own_store: [properties], Own::default);

/// `AstarteDatabase`: a store of one's own behind an object.
#[test]
fn seed_database_1_a_store_of_ones_own() -> TestResult {
    let own: Arc<dyn PropertyStore> = Arc::new(Own::default());
    own.apply(&[stored("/a", b"1")])?;
    assert_eq!(own.load_all()?, [property("/a", b"1")]);
    assert!(own.blocks() && own.is_complete()?);
    // A device takes it.
    let config = Config::new("test".parse()?, "2imLILqtRP2vq0ZVy-TGRQ".parse()?);
    let _: Config = config.property_store(Own::default());
    Ok(())
}

/// `store_prop(interface, major, path, value)`: inserts or replaces, also with values that count as false in Python.
#[test]
fn seed_database_2_a_row_is_stored_or_replaced() -> TestResult {
    for store in stores()? {
        for payload in [
            &b"\x09\0\0\0\x08v\0\0\0"[..],
            b"\x0c\0\0\0\x10v\0\0\0\0\0\0",
            b"1",
        ] {
            store.apply(&[stored("/a", payload)])?;
            assert_eq!(store.load_all()?, [property("/a", payload)]);
        }
    }
    Ok(())
}

/// `load_prop(interface, major, path)`: the value, or `None`; a row of another major is not it, and is deleted.
#[test]
fn seed_database_3_a_row_is_loaded() -> TestResult {
    for store in stores()? {
        store.apply(&[stored("/a", b"1")])?;
        assert_eq!(store.load(INTERFACE, 1, "/a")?, Some(property("/a", b"1")));
        assert_eq!(store.load(INTERFACE, 1, "/b")?, None);
        assert_eq!(store.load(INTERFACE, 2, "/a")?, None);
        store.apply(&[Change::DeleteOtherMajors {
            interface: INTERFACE.into(),
            major: 2,
        }])?;
        assert_eq!(store.load_all()?, []);
    }
    Ok(())
}

/// `delete_prop(interface, path)`: a row that is not there is no error.
#[test]
fn seed_database_4_a_row_is_deleted() -> TestResult {
    for store in stores()? {
        store.apply(&[stored("/a", b"1"), stored("/b", b"2")])?;
        let delete = || Change::Delete {
            interface: INTERFACE.into(),
            major: 1,
            path: "/a".into(),
        };
        store.apply(&[delete()])?;
        store.apply(&[delete(), delete()])?;
        assert_eq!(store.load_all()?, [property("/b", b"2")]);
    }
    Ok(())
}

/// `load_all_props()`: every row; one that cannot be read does not hide the others.
#[test]
fn seed_database_5_all_rows_are_loaded() -> TestResult {
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("store.redb");
    let store = RedbStore::open(&file)?;
    let rows = ["/a", "/b", "/c"].map(|path| stored(path, b"1"));
    store.apply(&rows)?;
    drop(store);
    {
        // As another program, or a later version, may leave it.
        let database = redb::Database::open(&file)?;
        let write = database.begin_write()?;
        let table = redb::TableDefinition::<&[u8], &[u8]>::new("properties");
        let key = b"\0\0\0\0org.example.A\0\0\0\0\x01/b";
        write.open_table(table)?.insert(&key[..], &b"\x7f1"[..])?;
        write.open_table(table)?.insert(&b"no key"[..], &b"1"[..])?;
        write.commit()?;
    }
    let store = RedbStore::open(&file)?;
    let expected = [property("/a", b"1"), property("/c", b"1")];
    assert_eq!(store.load_all()?, expected);
    assert_eq!(store.load_interface(INTERFACE, 1)?, expected);
    assert_eq!(store.load(INTERFACE, 1, "/b")?, None);
    Ok(())
}

/// `clear()`: it never worked.
#[test]
fn seed_database_6_all_rows_are_cleared() -> TestResult {
    for store in stores()? {
        store.apply(&[stored("/a", b"1"), stored("/b", b"2")])?;
        store.apply(&[Change::Clear])?;
        assert_eq!(store.load_all()?, []);
        store.apply(&[stored("/a", b"1")])?;
        assert_eq!(store.load_all()?.len(), 1);
    }
    Ok(())
}

/// `AstarteDatabaseSQLite(path)`: a file that is there the next time.
#[test]
fn seed_database_7_a_file_is_opened() -> TestResult {
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("store.redb");
    RedbStore::open(&file)?.apply(&[stored("/a", b"1")])?;
    assert_eq!(RedbStore::open(&file)?.load_all()?, [property("/a", b"1")]);
    let missing = RedbStore::open(directory.path().join("none/store.redb"));
    assert!(
        matches!(missing, Err(StoreError::Open { .. })),
        "{missing:?}"
    );
    Ok(())
}
