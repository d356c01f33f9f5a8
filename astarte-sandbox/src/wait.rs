//! Waiting for a device to do something.

use std::fmt;
use std::future::IntoFuture;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use astarte_interface::DeviceId;
use tokio::task::JoinHandle;

use crate::core::Core;
use crate::event::Event;
use crate::slot::{Slot, State};

/// A condition to await, with a time limit.
///
/// The limit is the sandbox's [`patience`](crate::Builder::patience) unless
/// [`within`](Wait::within) sets another one. The time runs on the sandbox's own thread, so that a
/// test with paused time can wait for real connections. What is dropped before it is done has taken
/// nothing.
///
/// # Errors
///
/// - [`WaitError::TimedOut`]: the time is over; the error tells what the device did instead.
/// - [`WaitError::Stopped`]: the sandbox was dropped.
#[must_use = "a wait does nothing until it is awaited"]
pub struct Wait<T> {
    core: Arc<Core>,
    slot: Arc<Slot>,
    what: String,
    limit: Duration,
    look: Look<T>,
}

/// Looks for what is awaited, and takes it if it is there.
type Look<T> = Box<dyn FnMut(&mut State) -> Option<T> + Send>;

/// What was awaited did not happen.
#[derive(Clone)]
#[non_exhaustive]
pub enum WaitError {
    /// The sandbox has stopped.
    Stopped,
    /// The time is over.
    TimedOut {
        /// The device.
        device: DeviceId,
        /// What was awaited.
        what: String,
        /// How long.
        limit: Duration,
        /// What the device did of late, one line each.
        history: Vec<String>,
    },
}

impl<T> Wait<T> {
    pub(crate) fn new(
        core: &Arc<Core>,
        slot: &Arc<Slot>,
        what: impl Into<String>,
        look: impl FnMut(&mut State) -> Option<T> + Send + 'static,
    ) -> Wait<T> {
        Wait {
            core: Arc::clone(core),
            slot: Arc::clone(slot),
            what: what.into(),
            limit: core.settings.patience,
            look: Box::new(look),
        }
    }

    /// Sets the time limit.
    pub fn within(self, limit: Duration) -> Wait<T> {
        Wait { limit, ..self }
    }

    async fn run(mut self) -> Result<T, WaitError> {
        let (core, slot) = (Arc::clone(&self.core), Arc::clone(&self.slot));
        let mut alarm = Alarm(core.runtime.spawn(tokio::time::sleep(self.limit)));
        loop {
            let mut changed = pin!(slot.changed.notified());
            changed.as_mut().enable();
            let found = (self.look)(&mut slot.state());
            if let Some(found) = found {
                return Ok(found);
            }
            if core.is_stopped() {
                return Err(WaitError::Stopped);
            }
            tokio::select! {
                () = changed => {}
                rang = &mut alarm.0 => {
                    return Err(if rang.is_ok() { self.timed_out() } else { WaitError::Stopped });
                }
            }
        }
    }

    fn timed_out(self) -> WaitError {
        let events = self.core.log.all();
        let events = events
            .iter()
            .filter(|event| event.device == Some(self.slot.id));
        let mut history: Vec<String> = events.rev().take(HISTORY).map(Event::to_string).collect();
        history.reverse();
        WaitError::TimedOut {
            device: self.slot.id,
            what: self.what,
            limit: self.limit,
            history,
        }
    }
}

impl<T: Send + 'static> IntoFuture for Wait<T> {
    type Output = Result<T, WaitError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl<T> fmt::Debug for Wait<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wait")
            .field("device", &self.slot.id)
            .field("what", &self.what)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for WaitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WaitError::Stopped => f.write_str("the sandbox has stopped"),
            WaitError::TimedOut {
                device,
                what,
                limit,
                history,
            } => {
                write!(f, "device {device}: no {what} within {limit:?}")?;
                if history.is_empty() {
                    return f.write_str("; nothing was heard of the device");
                }
                f.write_str("; instead:")?;
                history.iter().try_for_each(|line| write!(f, "\n  {line}"))
            }
        }
    }
}

/// The same text: it is what a test shows that unwraps.
impl fmt::Debug for WaitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for WaitError {}

/// A timer that ends with the wait.
struct Alarm(JoinHandle<()>);

impl Drop for Alarm {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Events shown when the time is over.
const HISTORY: usize = 20;
