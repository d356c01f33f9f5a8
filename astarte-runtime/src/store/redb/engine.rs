//! The one database below all handles of a file.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, PoisonError, RwLock},
};

use redb::{Builder, Database, ReadTransaction};

use super::{
    failure::{Failure, Kind},
    flush::Flusher,
    journaled::Journaled,
    options::Options,
    origin::Origin,
    recover,
};
use crate::store::StoreError;

/// A database that is opened anew after a failure.
#[derive(Debug)]
pub(super) struct Engine {
    origin: Arc<dyn Origin>,
    options: Options,
    /// `None` after a failure, until the next call.
    database: RwLock<Option<Journaled>>,
}

impl Engine {
    pub(super) fn open(origin: Arc<dyn Origin>, options: Options) -> Result<Self, Failure> {
        let database = guarded(|| Journaled::open(Arc::clone(&origin), &options))?;
        Ok(Self {
            origin,
            options,
            database: RwLock::new(Some(database)),
        })
    }

    /// Reads what belongs together.
    ///
    /// A database that an earlier failure has closed is opened anew for it.
    pub(super) fn read<T>(
        &self,
        read: impl Fn(&ReadTransaction) -> Result<T, Failure>,
    ) -> Result<T, StoreError> {
        let result = self.with_database(|database| database.read(&read));
        result.map_err(StoreError::from)
    }

    /// Stores encoded jobs: durably, or when the flusher wants it.
    pub(super) fn commit(&self, jobs: &[u8], flusher: Option<&Flusher>) -> Result<(), Failure> {
        self.with_database(|database| database.commit(jobs, flusher))
    }

    /// Makes durable what was stored without.
    pub(super) fn sync(&self) -> Result<(), Failure> {
        self.with_database(Journaled::sync)
    }

    /// Brings the database up to date with the journal where much is missing.
    pub(super) fn settle_if_much(&self) -> Result<(), Failure> {
        self.with_database(Journaled::settle_if_much)
    }

    fn with_database<T>(
        &self,
        work: impl Fn(&Journaled) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        match self.try_with_database(&work) {
            // Another call has failed since; once the database is open anew there is nothing wrong with this one.
            Err(failure) if failure.kind() == Kind::Stale => self.try_with_database(&work),
            result => result,
        }
    }

    fn try_with_database<T>(
        &self,
        work: impl Fn(&Journaled) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        self.reopen()?;
        let result = {
            let database = self.database.read().unwrap_or_else(PoisonError::into_inner);
            match database.as_ref() {
                Some(database) => guarded(|| work(database)),
                // Closed by another thread between the two locks.
                None => Err(Failure::stale()),
            }
        };
        if let Err(failure) = &result {
            self.after(failure);
        }
        result
    }

    /// Opens the database where a failure has closed it.
    fn reopen(&self) -> Result<(), Failure> {
        let is_open = |database: &Option<Journaled>| database.is_some();
        if is_open(&self.database.read().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(());
        }
        let mut database = self
            .database
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if database.is_none() {
            let open = || Journaled::open(Arc::clone(&self.origin), &self.options);
            *database = Some(guarded(open)?);
        }
        Ok(())
    }

    /// Closes the database where it has no more use.
    fn after(&self, failure: &Failure) {
        if failure.kind() == Kind::Refused {
            return;
        }
        if let (Kind::Damaged, Some(path)) = (failure.kind(), self.origin.path()) {
            recover::doubt(path);
        }
        let closed = self
            .database
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        close(closed);
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let database = self
            .database
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(database) = &database {
            // So that the file is whole without its journal. What fails is read from there with the next start.
            let _ = guarded(|| database.settle());
        }
        close(database);
    }
}

/// redb writes while it closes, and may come upon a damaged page.
fn close(database: Option<Journaled>) {
    let _ = guarded(|| {
        drop(database);
        Ok(())
    });
}

/// Opens a database; with `check` every page of it is read.
pub(super) fn open(
    origin: &dyn Origin,
    options: &Options,
    check: bool,
) -> Result<Database, Failure> {
    let mut builder = Builder::new();
    builder
        .set_cache_size(options.cache)
        .set_check_integrity_on_open(check);
    guarded(|| Ok(origin.open(&builder)?))
}

/// Turns a panic of redb, which some damaged pages cause, into a failure.
pub(super) fn guarded<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    // What the closure has touched is closed after a failure.
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(Failure::panicked(&*panic)))
}
