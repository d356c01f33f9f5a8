//! Changes that wait for each other share one record of the journal.
//!
//! A record takes as long as the disk does, whatever is in it. The first caller leads: it writes its own
//! changes, and those of all that have come by then, while the next ones gather. One of these leads then, so nobody
//! works for others for longer than one record.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    mpsc::{SyncSender, sync_channel},
};

use super::{OpenFile, failure::Failure, flush::Flusher};
use crate::store::StoreError;

/// Who leads, and who waits.
#[derive(Debug, Default)]
pub(super) struct Commits {
    queue: Mutex<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    led: bool,
    waiting: Vec<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    job: Vec<u8>,
    turn: SyncSender<Turn>,
}

/// What becomes of a caller that waits.
#[derive(Debug)]
enum Turn {
    Done(Result<(), StoreError>),
    Lead(Vec<u8>),
}

impl Commits {
    /// Stores an encoded job, and returns when it is stored.
    pub(super) fn submit(&self, file: &OpenFile, job: Vec<u8>) -> Result<(), StoreError> {
        let turn = {
            let mut queue = self.queue();
            if queue.led {
                let (sender, turn) = sync_channel(1);
                queue.waiting.push(Waiting { job, turn: sender });
                Err(turn)
            } else {
                queue.led = true;
                Ok(job)
            }
        };
        let turn = match turn {
            Ok(job) => return self.lead(file, job),
            Err(turn) => turn.recv(),
        };
        match turn {
            Ok(Turn::Done(result)) => result,
            Ok(Turn::Lead(job)) => self.lead(file, job),
            Err(_) => Err(StoreError::Backend(
                "the thread that wrote to the store has panicked".into(),
            )),
        }
    }

    fn lead(&self, file: &OpenFile, own: Vec<u8>) -> Result<(), StoreError> {
        let result = {
            let _lead = Lead(self);
            let followers = std::mem::take(&mut self.queue().waiting);
            let mut jobs = own;
            for follower in &followers {
                jobs.extend_from_slice(&follower.job);
            }
            let result = commit(file, &jobs);
            for follower in followers {
                let result = result.clone().map_err(StoreError::from);
                // It waits until it gets one.
                let _ = follower.turn.send(Turn::Done(result));
            }
            result
        };
        // While the next one leads. Where it fails the database is opened anew, and the journal has what is stored.
        let _ = file.engine.settle_if_much();
        result.map_err(StoreError::from)
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        // Nothing panics while it is locked.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Hands the lead on when it is dropped, also by a panic.
struct Lead<'a>(&'a Commits);

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        let mut queue = self.0.queue();
        while !queue.waiting.is_empty() {
            let next = queue.waiting.remove(0);
            if next.turn.send(Turn::Lead(next.job)).is_ok() {
                return;
            }
        }
        queue.led = false;
    }
}

fn commit(file: &OpenFile, jobs: &[u8]) -> Result<(), Failure> {
    let flusher = file.flusher.as_ref();
    let durable = file
        .engine
        .commit(jobs, flusher.is_none_or(Flusher::is_due))?;
    if let Some(flusher) = flusher {
        flusher.committed(durable);
    }
    Ok(())
}
