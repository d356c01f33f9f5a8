//! Files that are damaged.
//!
//! A damaged file is moved aside and a new one takes its place. The new file is made beside it first, with the note in it
//! that properties were lost: a process that ends in between finds that note, and never an empty store that looks whole.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use super::{
    RedbStore, engine,
    failure::{Failure, Kind},
    format,
    options::Options,
    origin::{self, beside, journal_of},
};
use crate::{clock, store::StoreError};

/// A file that was damaged and has been replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recovered {
    /// Where the damaged file is.
    pub moved_to: PathBuf,
    /// What is wrong with it.
    pub reason: String,
}

/// Files up to this length are read in full whenever they are opened, which takes a fraction of a second.
const ALWAYS_CHECKED: u64 = 16 << 20;

pub(super) fn open(path: &Path, options: Options) -> Result<RedbStore, StoreError> {
    finish_replacing(path)
        .and_then(|()| open_file(path, options))
        .map_err(|failure| failure.at(path))
}

pub(super) fn open_or_recover(
    path: &Path,
    options: Options,
) -> Result<(RedbStore, Option<Recovered>), StoreError> {
    recovered(path, options).map_err(|failure| failure.at(path))
}

fn recovered(path: &Path, options: Options) -> Result<(RedbStore, Option<Recovered>), Failure> {
    finish_replacing(path)?;
    let opened = check(path, &options).and_then(|()| open_file(path, options.clone()));
    match opened {
        Err(failure) if failure.kind() == Kind::Damaged => {
            let recovered = replace(path, &failure, &options)?;
            Ok((open_file(path, options)?, Some(recovered)))
        }
        opened => Ok((opened?, None)),
    }
}

fn open_file(path: &Path, options: Options) -> Result<RedbStore, Failure> {
    RedbStore::on(Arc::new(origin::File(path.to_owned())), options)
}

/// Notes that a file must be read in full before it is used again, because a damaged page was found.
pub(super) fn doubt(path: &Path) {
    // Without the note the damage is found again where it was found now.
    let _ = fs::write(beside(path, DOUBTED), []);
}

/// Suffix of the empty file beside a file that must be checked.
const DOUBTED: &str = ".check";
/// Suffix of a file that is being made.
const NEW: &str = ".new";
/// Suffix of the new file that takes the place of a damaged one.
const REPLACEMENT: &str = ".replacement";

/// Reads a file in full, where that does not take long or there is reason to; makes one that is not there.
fn check(path: &Path, options: &Options) -> Result<(), Failure> {
    let length = match fs::metadata(path) {
        Ok(metadata) => metadata.len(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return create(path, options),
        Err(error) => return Err(io_failure(error)),
    };
    if length == 0 {
        return Err(Failure::damaged("the file is empty"));
    }
    let doubted = beside(path, DOUBTED);
    if length > ALWAYS_CHECKED && !doubted.exists() {
        return Ok(());
    }
    let database = engine::open(&origin::File(path.to_owned()), options, true)?;
    engine::guarded(|| Ok(database.close()?))?;
    let _ = fs::remove_file(doubted);
    Ok(())
}

/// Makes a file that is whole from the moment it has its name, so that an empty one is known to be damaged.
fn create(path: &Path, options: &Options) -> Result<(), Failure> {
    make(&beside(path, NEW), options, false)?;
    rename(&beside(path, NEW), path)
}

fn replace(path: &Path, failure: &Failure, options: &Options) -> Result<Recovered, Failure> {
    let replacement = beside(path, REPLACEMENT);
    make(&replacement, options, true)?;
    let moved_to = free_name(path, SystemTime::now());
    rename(path, &moved_to)?;
    // Nothing of it would be taken for the new file's; it stays with the rest of what is left.
    if journal_of(path).exists() {
        rename(&journal_of(path), &journal_of(&moved_to))?;
    }
    rename(&replacement, path)?;
    let _ = fs::remove_file(beside(path, DOUBTED));
    Ok(Recovered {
        moved_to,
        reason: failure.to_string(),
    })
}

/// Goes on where an earlier process ended after it had moved a damaged file aside.
fn finish_replacing(path: &Path) -> Result<(), Failure> {
    let replacement = beside(path, REPLACEMENT);
    // It is whole: the damaged file is not moved before.
    if replacement.exists() && !path.exists() {
        rename(&replacement, path)?;
    }
    Ok(())
}

fn make(path: &Path, options: &Options, lost: bool) -> Result<(), Failure> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(io_failure(error)),
        _ => {}
    }
    let database = engine::open(&origin::File(path.to_owned()), options, false)?;
    format::prepare(&database, lost)?;
    database.close()?;
    Ok(())
}

/// A name beside a file that nothing has, such as `store.redb.damaged-20261126T231500Z`.
fn free_name(path: &Path, now: SystemTime) -> PathBuf {
    let since_1970 = now
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let [year, month, day, hour, minute, second] = clock::date(since_1970.as_secs());
    let name = format!(".damaged-{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z");
    let numbered = (2..).map(|number| beside(path, &format!("{name}-{number}")));
    std::iter::once(beside(path, &name))
        .chain(numbered)
        .find(|name| !name.exists())
        .expect("a directory holds a finite number of files")
}

fn rename(from: &Path, to: &Path) -> Result<(), Failure> {
    fs::rename(from, to).map_err(io_failure)?;
    // The order of renames is kept by most file systems; for the others the directory is written.
    origin::sync_directory_of(to).map_err(io_failure)
}

fn io_failure(error: io::Error) -> Failure {
    redb::StorageError::from(error).into()
}
