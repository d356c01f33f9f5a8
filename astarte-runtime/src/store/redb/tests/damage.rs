//! Files that are not what was written.

use std::{fs, path::Path};

use super::{append, sequences, stored};
use crate::store::{Change, PropertyStore, Recovered, RetentionStore, StoreError, redb::RedbStore};

/// A file with some rows, of more than a page.
fn make(file: &Path) {
    let store = RedbStore::open(file).unwrap();
    for number in 0..50 {
        store
            .apply(&[stored(&format!("/{number}"), &[1; 200])])
            .unwrap();
        store
            .apply_retention(&[append(number + 1, &[2; 200])])
            .unwrap();
    }
}

#[track_caller]
fn recover(file: &Path) -> (RedbStore, Recovered) {
    let (store, recovered) = RedbStore::open_or_recover(file).unwrap();
    (store, recovered.expect("the file is damaged"))
}

#[test]
fn a_whole_file_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("store.redb");
    let (store, recovered) = RedbStore::open_or_recover(&file).unwrap();
    assert_eq!(recovered, None, "a file that is not there is new");
    assert!(store.is_complete().unwrap());
    store.apply(&[stored("/a", b"1")]).unwrap();
    drop(store);
    let (store, recovered) = RedbStore::open_or_recover(&file).unwrap();
    assert_eq!(recovered, None);
    assert_eq!(store.load_all().unwrap().len(), 1);
    let names = fs::read_dir(&directory).unwrap();
    let mut names: Vec<_> = names.map(|name| name.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["store.redb", "store.redb.journal"]);
}

/// What is done to the bytes of a file.
type Damage = fn(&mut Vec<u8>);

/// Each way to damage a file: its bytes are changed, and what is left must not be taken for the store.
#[test]
fn damaged_files_are_moved_aside() {
    let damages: [(&str, Damage); 7] = [
        ("empty", Vec::clear),
        ("cut in the header", |bytes| bytes.truncate(100)),
        ("cut to a page", |bytes| bytes.truncate(4096)),
        ("cut in half", |bytes| bytes.truncate(bytes.len() / 2)),
        ("text", |bytes| {
            *bytes = b"this was a store once".repeat(1000)
        }),
        ("zeros", |bytes| bytes.fill(0)),
        ("zeros behind the header", |bytes| bytes[4096..].fill(0)),
    ];
    for (name, damage) in damages {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("store.redb");
        make(&file);
        let mut bytes = fs::read(&file).unwrap();
        damage(&mut bytes);
        fs::write(&file, &bytes).unwrap();
        if !bytes.is_empty() {
            let error = RedbStore::open(&file).map(|store| store.load_all());
            let damaged = |error: &StoreError| matches!(error, StoreError::Damaged(_));
            assert!(
                matches!(&error, Err(error) | Ok(Err(error)) if damaged(error)),
                "{name}: {error:?}"
            );
        }

        let (store, Recovered { moved_to, reason }) = recover(&file);
        assert!(!reason.is_empty(), "{name}");
        assert_eq!(fs::read(&moved_to).unwrap().len(), bytes.len(), "{name}");
        let moved = moved_to.file_name().unwrap().to_str().unwrap();
        assert!(moved.starts_with("store.redb.damaged-2"), "{moved}");
        assert_eq!(store.load_all().unwrap(), []);
        assert!(sequences(&store).is_empty());
        assert!(
            !store.is_complete().unwrap(),
            "{name}: properties were lost"
        );
        store.apply(&[stored("/a", b"1")]).unwrap();
        drop(store);

        let (store, recovered) = RedbStore::open_or_recover(&file).unwrap();
        assert_eq!(recovered, None, "{name}");
        assert!(!store.is_complete().unwrap());
        store.apply(&[Change::Complete(true)]).unwrap();
        assert!(store.is_complete().unwrap());
    }
}

/// One byte of any page that is in use.
#[test]
fn a_changed_byte_is_found() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("store.redb");
    make(&file);
    let whole = fs::read(&file).unwrap();
    let mut found = 0;
    for page in 0..whole.len() / 4096 {
        let mut bytes = whole.clone();
        // Within the payloads of a leaf.
        bytes[page * 4096 + 2000] ^= 0x10;
        fs::write(&file, &bytes).unwrap();
        let (store, recovered) = RedbStore::open_or_recover(&file).unwrap();
        match recovered {
            Some(_) => found += 1,
            // The page is not in use, or the byte is of no use in it.
            None => {
                assert_eq!(store.load_all().unwrap().len(), 50);
                assert_eq!(sequences(&store).len(), 50);
                let rows = store.load_all().unwrap();
                assert!(rows.iter().all(|row| *row.payload == [1; 200]));
            }
        }
    }
    assert!(found >= 4, "{found} pages of 50 rows each of 200 bytes");
}

#[test]
fn an_earlier_damaged_file_is_not_overwritten() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("store.redb");
    let mut moved = std::collections::BTreeSet::new();
    for round in 0..5 {
        fs::write(&file, format!("no store {round}")).unwrap();
        let (_, recovered) = recover(&file);
        moved.insert(recovered.moved_to);
    }
    let contents: Vec<_> = moved
        .iter()
        .map(|file| fs::read_to_string(file).unwrap())
        .collect();
    assert_eq!(contents.len(), 5);
    for round in 0..5 {
        assert!(contents.contains(&format!("no store {round}")));
    }
}

/// The process may end between the two renames.
#[test]
fn a_replacement_that_was_not_finished_is_finished() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("store.redb");
    fs::write(&file, "no store").unwrap();
    drop(recover(&file));
    fs::rename(&file, directory.path().join("store.redb.replacement")).unwrap();
    for open in [
        |file: &Path| RedbStore::open(file).unwrap(),
        |file: &Path| RedbStore::open_or_recover(file).unwrap().0,
    ] {
        let store = open(&file);
        assert!(!store.is_complete().unwrap(), "properties were lost");
    }
}

/// Damage of a large file is found while it is used, and the file replaced at the next start.
#[test]
fn damage_that_is_found_later_is_looked_at_when_the_file_is_opened() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("store.redb");
    make(&file);
    let mut bytes = fs::read(&file).unwrap();
    for page in bytes[8192..].chunks_mut(4096) {
        page[..64].fill(0xff);
    }
    fs::write(&file, bytes).unwrap();
    let found = RedbStore::open(&file).and_then(|store| store.load_all());
    assert!(matches!(found, Err(StoreError::Damaged(_))), "{found:?}");
    let (_, recovered) = recover(&file);
    assert!(recovered.moved_to.exists());
    assert!(!directory.path().join("store.redb.check").exists());
}

#[test]
fn what_is_no_damage_moves_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("store.redb");
    let store = RedbStore::open(&file).unwrap();
    let error = RedbStore::open_or_recover(&file).map(|_| ()).unwrap_err();
    assert!(matches!(error, StoreError::InUse), "{error:?}");
    drop(store);
    let missing = directory.path().join("none/store.redb");
    let error = RedbStore::open_or_recover(&missing)
        .map(|_| ())
        .unwrap_err();
    assert!(matches!(error, StoreError::Open { .. }), "{error:?}");
    let error = RedbStore::open_or_recover(directory.path())
        .map(|_| ())
        .unwrap_err();
    assert!(matches!(error, StoreError::Open { .. }), "{error:?}");
}

/// The files as a process leaves them that is killed with something in the journal.
fn killed(directory: &Path) -> [Vec<u8>; 2] {
    let file = directory.join("store.redb");
    let store = RedbStore::open(&file).unwrap();
    for sequence in 1..=3 {
        store.apply_retention(&[append(sequence, b"1")]).unwrap();
    }
    ["store.redb", "store.redb.journal"].map(|name| fs::read(directory.join(name)).unwrap())
}

/// A journal belongs to its database, whatever lies beside it.
#[test]
fn a_journal_is_of_no_other_file() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("store.redb");
    let journal = directory.path().join("store.redb.journal");
    let [old, records] = killed(directory.path());
    for (database, expected) in [(None, vec![]), (Some(&old), vec![1, 2, 3])] {
        // A new file, and a copy that was put back.
        fs::remove_file(&file).unwrap();
        if let Some(bytes) = database {
            fs::write(&file, bytes).unwrap();
        }
        fs::write(&journal, &records).unwrap();
        let (store, recovered) = RedbStore::open_or_recover(&file).unwrap();
        assert_eq!(recovered, None);
        assert_eq!(sequences(&store), expected);
    }
    // By now the file has another epoch than the copy.
    let store = RedbStore::open(&file).unwrap();
    store.apply_retention(&[append(4, b"1")]).unwrap();
    store.apply_retention(&[append(5, b"1")]).unwrap();
    drop(store);
    fs::write(&file, &old).unwrap();
    let store = RedbStore::open(&file).unwrap();
    assert_eq!(sequences(&store), [1], "all that the copy has by itself");
}

#[test]
fn the_journal_of_a_damaged_file_is_kept_with_it() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("store.redb");
    let [_, records] = killed(directory.path());
    fs::write(&file, "no store").unwrap();
    fs::write(directory.path().join("store.redb.journal"), &records).unwrap();
    let (store, Recovered { moved_to, .. }) = recover(&file);
    assert!(sequences(&store).is_empty());
    let mut kept = moved_to.into_os_string();
    kept.push(".journal");
    assert_eq!(fs::read(kept).unwrap(), records);
}

/// It ends where it is damaged: the file opens with what is before that.
#[test]
fn a_damaged_journal_ends_there() {
    let directory = tempfile::tempdir().unwrap();
    let [database, records] = killed(directory.path());
    let file = directory.path().join("store.redb");
    let end = records.iter().rposition(|&byte| byte != 0).unwrap();
    for (at, expected) in [(0, vec![1]), (end, vec![1, 2])] {
        let mut damaged = records.clone();
        damaged[at] ^= 1;
        fs::write(&file, &database).unwrap();
        fs::write(directory.path().join("store.redb.journal"), damaged).unwrap();
        let (store, recovered) = RedbStore::open_or_recover(&file).unwrap();
        assert_eq!(recovered, None);
        assert_eq!(sequences(&store), expected);
    }
}
