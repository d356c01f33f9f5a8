//! Changes that wait for each other share one transaction.
//!
//! A durable transaction takes as long as the disk does, whatever is in it. The first caller leads: it writes its own
//! changes, and those of all that have come by then, while the next ones gather. One of these leads then, so nobody
//! works for others for longer than one transaction.

use std::{
    borrow::Cow,
    cell::Cell,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        mpsc::{SyncSender, sync_channel},
    },
};

use redb::WriteTransaction;

use super::{
    OpenFile,
    device::DeviceRows,
    failure::{Failure, Kind},
    flush::Flusher,
    properties, retention, session,
    tables::Tables,
};
use crate::store::{Change, RetentionChange, SessionChange, StoreError};

/// What one caller wants to change.
#[derive(Clone, Debug)]
pub(super) struct Job<'a> {
    pub(super) device: Arc<DeviceRows>,
    pub(super) changes: Changes<'a>,
}

#[derive(Clone, Debug)]
pub(super) enum Changes<'a> {
    Properties(Cow<'a, [Change]>),
    Retention(Cow<'a, [RetentionChange]>),
    Session(Cow<'a, [SessionChange]>),
}

impl Job<'_> {
    fn into_owned(self) -> Job<'static> {
        let changes = match self.changes {
            Changes::Properties(changes) => Changes::Properties(changes.into_owned().into()),
            Changes::Retention(changes) => Changes::Retention(changes.into_owned().into()),
            Changes::Session(changes) => Changes::Session(changes.into_owned().into()),
        };
        Job {
            device: self.device,
            changes,
        }
    }

    /// Returns the number of the device.
    fn apply(&self, tables: &mut Tables<'_>) -> Result<u32, Failure> {
        let device = tables.number(&self.device)?;
        match &self.changes {
            Changes::Properties(changes) => properties::apply(tables, device, changes)?,
            Changes::Retention(changes) => retention::apply(tables, device, changes)?,
            Changes::Session(changes) => session::apply(tables, device, changes)?,
        }
        Ok(device)
    }
}

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
    job: Job<'static>,
    turn: SyncSender<Turn>,
}

/// What becomes of a caller that waits.
#[derive(Debug)]
enum Turn {
    Done(Result<(), StoreError>),
    Lead(Job<'static>),
}

impl Commits {
    /// Applies all changes of a job, or none, and returns when they are stored.
    pub(super) fn submit(&self, file: &OpenFile, job: Job<'_>) -> Result<(), StoreError> {
        let turn = {
            let mut queue = self.queue();
            if queue.led {
                let (sender, turn) = sync_channel(1);
                queue.waiting.push(Waiting {
                    job: job.clone().into_owned(),
                    turn: sender,
                });
                Some(turn)
            } else {
                queue.led = true;
                None
            }
        };
        let Some(turn) = turn else {
            return self.lead(file, job);
        };
        match turn.recv() {
            Ok(Turn::Done(result)) => result,
            Ok(Turn::Lead(job)) => self.lead(file, job),
            Err(_) => Err(StoreError::Backend(
                "the thread that wrote to the store has panicked".into(),
            )),
        }
    }

    fn lead(&self, file: &OpenFile, own: Job<'_>) -> Result<(), StoreError> {
        let _lead = Lead(self);
        let followers = std::mem::take(&mut self.queue().waiting);
        let jobs: Vec<&Job<'_>> = std::iter::once(&own)
            .chain(followers.iter().map(|follower| &follower.job))
            .collect();
        let mut results = commit(file, &jobs).into_iter();
        let own_result = results.next().unwrap_or(Ok(()));
        for (follower, result) in followers.iter().zip(results) {
            // It waits until it gets one.
            let _ = follower
                .turn
                .send(Turn::Done(result.map_err(StoreError::from)));
        }
        own_result.map_err(StoreError::from)
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

/// Commits jobs together. One that is refused does not keep the others from being stored.
fn commit(file: &OpenFile, jobs: &[&Job<'_>]) -> Vec<Result<(), Failure>> {
    let mut results: Vec<Result<(), Failure>> = vec![Ok(()); jobs.len()];
    loop {
        let wanted: Vec<usize> = (0..jobs.len())
            .filter(|&job| results[job].is_ok())
            .collect();
        if wanted.is_empty() {
            return results;
        }
        let Err(Refusal { job, failure }) = attempt(file, jobs, &wanted) else {
            return results;
        };
        match job.filter(|_| failure.kind() == Kind::Refused) {
            Some(job) => results[job] = Err(failure),
            None => {
                for job in wanted {
                    results[job] = Err(failure.clone());
                }
                return results;
            }
        }
    }
}

/// A transaction that was not committed.
struct Refusal {
    /// The job at which it failed, where it was one.
    job: Option<usize>,
    failure: Failure,
}

fn attempt(file: &OpenFile, jobs: &[&Job<'_>], wanted: &[usize]) -> Result<(), Refusal> {
    let failed = Cell::new(None);
    let flusher = file.flusher.as_ref();
    let committed = file.engine.write(|mut transaction| {
        failed.set(None);
        let (numbers, numbered) = apply_all(&transaction, jobs, wanted, &failed)?;
        // The number of a device is remembered, so it must not be lost.
        let durable = numbered || flusher.is_none_or(Flusher::is_due);
        if !durable {
            transaction.set_durability(redb::Durability::None)?;
        }
        transaction.commit()?;
        Ok((numbers, durable))
    });
    let (numbers, durable) = committed.map_err(|failure| Refusal {
        job: failed.get(),
        failure,
    })?;
    if let Some(flusher) = flusher {
        flusher.committed(durable);
    }
    for (&job, number) in wanted.iter().zip(numbers) {
        jobs[job].device.remember(number);
    }
    Ok(())
}

/// Returns the number of the device of each job, and whether one is new.
fn apply_all(
    transaction: &WriteTransaction,
    jobs: &[&Job<'_>],
    wanted: &[usize],
    failed: &Cell<Option<usize>>,
) -> Result<(Vec<u32>, bool), Failure> {
    let mut tables = Tables::new(transaction);
    let mut numbers = Vec::with_capacity(wanted.len());
    for &job in wanted {
        let number = jobs[job].apply(&mut tables);
        numbers.push(number.inspect_err(|_| failed.set(Some(job)))?);
    }
    let numbered = tables.finish()?;
    Ok((numbers, numbered))
}
