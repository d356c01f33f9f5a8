//! Makes changes durable that were committed without waiting for the disk.

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use super::{engine::Engine, failure::Failure};

/// A thread that writes what has been in memory for long enough.
#[derive(Debug)]
pub(super) struct Flusher {
    shared: Arc<Shared>,
    every: Duration,
    commits: u32,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    pending: Mutex<Pending>,
    changed: Condvar,
}

/// What is in memory alone.
#[derive(Debug, Default)]
struct Pending {
    commits: u32,
    /// How often all of them became durable with a commit.
    rounds: u64,
    /// When the oldest of them must be durable.
    due: Option<Instant>,
    /// Why changes that were promised were lost; told to whoever writes next.
    failure: Option<Failure>,
    stopped: bool,
}

impl Flusher {
    pub(super) fn start(
        engine: Arc<Engine>,
        every: Duration,
        commits: u32,
    ) -> Result<Self, Failure> {
        let shared = Arc::new(Shared::default());
        let thread = std::thread::Builder::new()
            .name("astarte-store".to_owned())
            .spawn({
                let shared = Arc::clone(&shared);
                move || shared.run(&engine, every)
            })
            .map_err(redb::StorageError::from)?;
        Ok(Self {
            shared,
            every,
            commits,
            thread: Some(thread),
        })
    }

    /// Whether the next commit must be durable because there have been enough of the others.
    pub(super) fn is_due(&self) -> bool {
        self.shared.pending().commits.saturating_add(1) >= self.commits
    }

    /// Notes a commit.
    pub(super) fn committed(&self, durable: bool) {
        let mut pending = self.shared.pending();
        if durable {
            (pending.commits, pending.due) = (0, None);
            pending.rounds += 1;
            return;
        }
        pending.commits += 1;
        if pending.due.is_none() {
            pending.due = Some(Instant::now() + self.every);
            self.shared.changed.notify_one();
        }
    }

    /// Why changes that were promised were lost, once.
    pub(super) fn failure(&self) -> Option<Failure> {
        self.shared.pending().failure.take()
    }
}

impl Drop for Flusher {
    fn drop(&mut self) {
        self.shared.pending().stopped = true;
        self.shared.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            // What is left is written when the database is closed.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn pending(&self) -> MutexGuard<'_, Pending> {
        // Nothing panics while it is locked.
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, engine: &Engine, every: Duration) {
        while let Some((commits, round)) = self.wait() {
            // What comes while it is written counts until the next time.
            let began = Instant::now();
            let flushed = engine.sync();
            let mut pending = self.pending();
            if pending.rounds == round {
                pending.commits = pending.commits.saturating_sub(commits);
                pending.due = (pending.commits > 0).then_some(began + every);
            }
            if let Err(failure) = flushed {
                pending.failure = Some(failure);
            }
        }
    }

    /// Waits until something is due, and returns how many commits are, and the round; `None` at the end.
    fn wait(&self) -> Option<(u32, u64)> {
        let mut pending = self.pending();
        loop {
            if pending.stopped {
                return None;
            }
            let left = match pending.due {
                Some(due) => due.saturating_duration_since(Instant::now()),
                None => Duration::MAX,
            };
            if left.is_zero() {
                return Some((pending.commits, pending.rounds));
            }
            pending = match pending.due {
                Some(_) => {
                    let woken = self.changed.wait_timeout(pending, left);
                    woken.unwrap_or_else(PoisonError::into_inner).0
                }
                None => {
                    let woken = self.changed.wait(pending);
                    woken.unwrap_or_else(PoisonError::into_inner)
                }
            };
        }
    }
}
