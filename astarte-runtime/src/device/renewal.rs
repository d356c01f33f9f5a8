//! When a certificate is renewed.

use std::{
    io,
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio::{task::JoinSet, time::Instant};

use super::connection::{pause, random};
use crate::{
    Config, Credentials,
    clock::Clock,
    pairing::{self, Pairing, PairingError},
};

/// The longest pause between attempts to renew: a certificate has a third of its lifetime left.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

/// The renewal of one certificate after the other.
#[derive(Debug)]
pub(super) struct Renewal {
    clock: Clock,
    backoff: (Duration, Duration),
    /// How often the clock is read: it may be set at any time.
    interval: Duration,
    /// The certificate, and when it is due by the clock.
    watched: Option<(Credentials, SystemTime)>,
    next_look: Instant,
    failures: u32,
    /// At most one; dropped with this.
    running: JoinSet<Result<pairing::Connection, PairingError>>,
}

impl Renewal {
    pub(super) fn new(config: &Config, clock: Clock) -> Self {
        let (shortest, longest) = config.backoff;
        Self {
            clock,
            backoff: (shortest, longest.max(LONGEST_PAUSE)),
            interval: config.keep_alive,
            watched: None,
            next_look: Instant::now(),
            failures: 0,
            running: JoinSet::new(),
        }
    }

    /// Takes note of the certificate in use.
    pub(super) fn watch(&mut self, credentials: &Credentials) {
        let earlier = self.watched.as_ref().map(|(earlier, _)| earlier);
        if earlier.is_some_and(|earlier| earlier.chain() == credentials.chain()) {
            return;
        }
        let dates = (credentials.not_before(), credentials.not_after());
        let obtained = earlier.map(|_| self.clock.now());
        let due = due(dates, obtained, f64::from(random()) / f64::from(u32::MAX));
        self.watched = Some((credentials.clone(), due));
        self.next_look = Instant::now();
        self.failures = 0;
    }

    /// Begins to renew where it is time.
    pub(super) fn look(&mut self, pairing: &Arc<Pairing>) {
        let now = Instant::now();
        let Some((_, due)) = self.watched else {
            return;
        };
        if now < self.next_look || !self.running.is_empty() {
            return;
        }
        match due.duration_since(self.clock.now()) {
            Ok(left) if !left.is_zero() => self.next_look = now + left.min(self.interval),
            _ => {
                let pairing = Arc::clone(pairing);
                self.running.spawn(async move { pairing.renew().await });
            }
        }
    }

    /// When to look again.
    pub(super) fn next_look(&self) -> Option<Instant> {
        (self.watched.is_some() && self.running.is_empty()).then_some(self.next_look)
    }

    /// Waits for the end of an attempt, for ever where there is none. Cancel safe.
    pub(super) async fn finished(&mut self) -> Result<pairing::Connection, PairingError> {
        match self.running.join_next().await {
            Some(Ok(result)) => result,
            // It panicked.
            Some(Err(error)) => Err(PairingError::Store(io::Error::other(error))),
            None => std::future::pending().await,
        }
    }

    /// Lets some time go by before the next attempt.
    pub(super) fn failed(&mut self) {
        self.failures = self.failures.saturating_add(1);
        self.next_look = Instant::now() + pause(self.backoff, self.failures);
    }
}

/// When a certificate is due: after two thirds of its lifetime, and up to a twentieth later, so that a fleet does not
/// come as one.
///
/// One that was `obtained` at a time that is known is used for half of what was left then. So a clock that is ahead, or
/// a certificate that was old from the beginning, does not lead from one renewal to the next.
fn due(
    (not_before, not_after): (SystemTime, SystemTime),
    obtained: Option<SystemTime>,
    random: f64,
) -> SystemTime {
    let lifetime = not_after.duration_since(not_before).unwrap_or_default();
    let share = 2.0 / 3.0 + random / 20.0;
    let by_dates = not_before
        .checked_add(lifetime.mul_f64(share))
        .unwrap_or(not_after);
    let Some(obtained) = obtained else {
        return by_dates;
    };
    let left = match not_after.duration_since(obtained) {
        Ok(left) => left.min(lifetime),
        Err(_) => lifetime,
    };
    let half = obtained.checked_add(left / 2).unwrap_or(not_after);
    by_dates.max(half)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_due_after_two_thirds() {
        let at = |second| SystemTime::UNIX_EPOCH + Duration::from_secs(second);
        let dates = (at(1000), at(7000));
        assert_eq!(due(dates, None, 0.0), at(5000));
        assert_eq!(due(dates, None, 1.0), at(5300));
        assert_eq!(due(dates, Some(at(1100)), 0.0), at(5000));
        // Made long before it was given.
        assert_eq!(due(dates, Some(at(6000)), 0.0), at(6500));
        // A clock that is ahead counts from where it is.
        assert_eq!(due(dates, Some(at(9000)), 0.0), at(12_000));
        // A clock that is behind.
        assert_eq!(due(dates, Some(at(0)), 0.0), at(5000));
        // Dates in the wrong order.
        assert_eq!(due((at(7000), at(1000)), None, 0.5), at(7000));
        assert_eq!(due((at(7000), at(1000)), Some(at(8000)), 0.5), at(8000));
    }
}
