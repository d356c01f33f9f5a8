//! Changes that wait for each other share one record of the journal.
//!
//! A record takes as long as the disk does, whatever is in it. The first caller leads: it writes its own changes, while
//! those of all that come by then gather for the next record. The first of these leads then, so nobody works for
//! others for longer than one record.

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    thread,
};

use super::{OpenFile, engine::Engine, failure::Failure};
use crate::store::StoreError;

/// Who leads, and who waits.
#[derive(Debug, Default)]
pub(super) struct Commits {
    queue: Mutex<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    led: bool,
    gathering: Batch,
    /// Whether the last record was shared: then those who shared it are about to come again.
    busy: bool,
}

/// What shares a record.
#[derive(Debug, Default)]
struct Batch {
    jobs: Vec<u8>,
    callers: usize,
    /// Where its first caller waits for the lead; the others do not.
    turn: Arc<OnceLock<()>>,
    /// Where the others wait for it to be stored.
    stored: Arc<OnceLock<Result<(), Failure>>>,
}

/// What a caller waits for.
enum Role {
    Follow(Arc<OnceLock<Result<(), Failure>>>),
    Lead(Arc<OnceLock<()>>),
}

impl Commits {
    /// Stores an encoded job, and returns when it is stored.
    pub(super) fn submit(&self, file: &OpenFile, job: Vec<u8>) -> Result<(), StoreError> {
        match &file.flusher {
            None => self.share(&file.engine, job)?,
            // It waits for no disk; waiting for others would take longer.
            Some(flusher) => file.engine.commit(&job, Some(flusher))?,
        }
        // While the next one leads. Where it fails the database is opened anew, and the journal has what is stored.
        let _ = file.engine.settle_if_much();
        Ok(())
    }

    fn share(&self, engine: &Engine, job: Vec<u8>) -> Result<(), Failure> {
        match self.enlist(&job) {
            Role::Follow(stored) => stored.wait().clone(),
            Role::Lead(turn) => {
                turn.wait();
                self.lead(engine)
            }
        }
    }

    fn enlist(&self, job: &[u8]) -> Role {
        let mut queue = self.queue();
        let led = mem::replace(&mut queue.led, true);
        let batch = &mut queue.gathering;
        batch.jobs.extend_from_slice(job);
        batch.callers += 1;
        if batch.callers > 1 {
            return Role::Follow(Arc::clone(&batch.stored));
        }
        if !led {
            let _ = batch.turn.set(());
        }
        Role::Lead(Arc::clone(&batch.turn))
    }

    fn lead(&self, engine: &Engine) -> Result<(), Failure> {
        if self.queue().busy {
            // One that leads alone would let all others wait for two records.
            thread::yield_now();
        }
        let batch = {
            let mut queue = self.queue();
            queue.busy = queue.gathering.callers > 1;
            mem::take(&mut queue.gathering)
        };
        let mut lead = Lead {
            commits: self,
            stored: batch.stored,
            result: Err(Failure::stale()),
        };
        lead.result = engine.commit(&batch.jobs, None);
        lead.result.clone()
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        // Nothing panics while it is locked.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Hands the lead on and tells the result when it is dropped, also by a panic.
struct Lead<'a> {
    commits: &'a Commits,
    stored: Arc<OnceLock<Result<(), Failure>>>,
    result: Result<(), Failure>,
}

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        {
            let mut queue = self.commits.queue();
            queue.led = queue.gathering.callers > 0;
            if queue.led {
                // Before the others, so that the disk has something to do while they are woken.
                let _ = queue.gathering.turn.set(());
            }
        }
        let result = mem::replace(&mut self.result, Ok(()));
        let _ = self.stored.set(result);
    }
}
