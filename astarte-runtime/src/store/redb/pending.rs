//! What is in the journal, and not in the database yet.

use std::sync::{
    Mutex, MutexGuard, TryLockError,
    atomic::{AtomicUsize, Ordering},
};

use super::{
    failure::Failure,
    journal::{Found, Position},
};

/// Jobs that wait to be applied, all in one transaction: that costs what ten rows cost, whatever is in it.
#[derive(Debug)]
pub(super) struct Pending {
    jobs: Mutex<Jobs>,
    /// How many bytes they are, so that a reader need not wait for the lock to know that there are none.
    bytes: AtomicUsize,
}

/// The jobs, one behind the other, and where in the journal the last one ends.
#[derive(Debug)]
struct Jobs {
    encoded: Vec<u8>,
    end: Option<Position>,
}

impl Pending {
    /// What a journal holds when it is opened.
    pub(super) fn of(found: Option<Found>) -> Self {
        let (encoded, end) = match found {
            Some(Found { jobs, end }) => (jobs, Some(end)),
            None => (Vec::new(), None),
        };
        Self {
            bytes: encoded.len().into(),
            jobs: Mutex::new(Jobs { encoded, end }),
        }
    }

    pub(super) fn push(&self, jobs: &[u8], end: Position) -> Result<(), Failure> {
        let mut held = self.lock()?;
        held.encoded.extend_from_slice(jobs);
        held.end = Some(end);
        self.bytes.store(held.encoded.len(), Ordering::Release);
        Ok(())
    }

    /// How many bytes wait. Those of a call that has returned are counted.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Acquire)
    }

    /// Applies what waits, or waits until another thread has; what could not be applied still waits.
    pub(super) fn settle(
        &self,
        apply: impl FnOnce(&[u8], Position) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        if self.bytes() == 0 {
            return Ok(());
        }
        self.apply(self.lock()?, apply)
    }

    /// Applies what waits, unless another thread does.
    pub(super) fn try_settle(
        &self,
        apply: impl FnOnce(&[u8], Position) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        match self.jobs.try_lock() {
            Ok(held) => self.apply(held, apply),
            Err(TryLockError::WouldBlock) => Ok(()),
            Err(TryLockError::Poisoned(_)) => Err(Failure::stale()),
        }
    }

    fn apply(
        &self,
        mut held: MutexGuard<'_, Jobs>,
        apply: impl FnOnce(&[u8], Position) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let Some(end) = held.end.filter(|_| !held.encoded.is_empty()) else {
            return Ok(());
        };
        apply(&held.encoded, end)?;
        held.encoded.clear();
        self.bytes.store(0, Ordering::Release);
        Ok(())
    }

    fn lock(&self) -> Result<MutexGuard<'_, Jobs>, Failure> {
        // A thread has panicked while it applied them; they are read from the journal when the database is opened anew.
        self.jobs.lock().map_err(|_| Failure::stale())
    }
}
