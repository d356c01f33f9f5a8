//! The clock by which stored messages expire.
//!
//! It counts the time for which processes of the device run, which no change of the wall clock touches. For how long none
//! ran, only the wall clock can tell, and it is believed only where it is not behind what it said before. What it cannot
//! tell is not counted: a message is rather kept too long than lost.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use crate::{clock::Clock, store::ClockReading};

#[derive(Debug)]
pub(super) struct Lifetime {
    clock: Clock,
    /// The last reading of an earlier process.
    stored: Option<ClockReading>,
    /// The newest message of earlier processes.
    newest_stored: u64,
    since: Instant,
    /// What was counted when this process began.
    base: u64,
    /// For how long no process ran, as far as it was known then.
    gap: u64,
}

impl Lifetime {
    pub(super) fn new(clock: Clock, stored: Option<ClockReading>, newest_stored: u64) -> Self {
        let mut lifetime = Self {
            clock,
            stored,
            newest_stored,
            since: Instant::now(),
            base: stored.map_or(0, |reading| reading.counted),
            gap: 0,
        };
        lifetime.gap = lifetime.gap_by_wall_clock().unwrap_or(0);
        lifetime
    }

    /// What has been counted, in milliseconds.
    pub(super) fn counted(&self) -> u64 {
        self.base
            .saturating_add(self.gap)
            .saturating_add(millis(self.since.elapsed()))
    }

    pub(super) fn reading(&self) -> ClockReading {
        ClockReading {
            counted: self.counted(),
            wall: self.clock.trusted().map(since_1970),
        }
    }

    /// When a message is of no more use that waits for so many seconds from here on; 0 is for ever.
    pub(super) fn expires(&self, expiry: u32) -> Option<u64> {
        (expiry > 0).then(|| self.counted().saturating_add(u64::from(expiry) * 1000))
    }

    /// How much time a stored message has left; `None` where it has none.
    ///
    /// To be asked once there is a connection: a wall clock that is ahead by years does not come so far, because the
    /// server's certificate has expired by it.
    pub(super) fn left(&self, sequence: u64, expires: u64) -> Option<Duration> {
        let mut counted = self.counted();
        if sequence <= self.newest_stored
            && let Some(gap) = self.gap_by_wall_clock()
        {
            // The wall clock may have been set since this process began.
            counted = counted.saturating_sub(self.gap).saturating_add(gap);
        }
        let left = expires.checked_sub(counted).filter(|left| *left > 0)?;
        Some(Duration::from_millis(left))
    }

    fn gap_by_wall_clock(&self) -> Option<u64> {
        let before = self.stored?.wall?;
        let since = since_1970(self.clock.told()).checked_sub(before)?;
        Some(since.saturating_sub(millis(self.since.elapsed())))
    }
}

fn since_1970(time: SystemTime) -> u64 {
    millis(
        time.duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default(),
    )
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::TimeSource;

    /// A clock that is set by hand, in seconds since 1970.
    #[derive(Clone, Debug, Default)]
    struct Wall(Arc<Mutex<u64>>);

    impl Wall {
        fn set(&self, seconds: u64) {
            *self.0.lock().unwrap() = seconds;
        }
    }

    impl TimeSource for Wall {
        fn now(&self) -> SystemTime {
            SystemTime::UNIX_EPOCH + Duration::from_secs(*self.0.lock().unwrap())
        }
    }

    const YEAR: u64 = 365 * 24 * 3600;

    /// A clock that is right, and of which the server has told that it is.
    fn clock(seconds: u64) -> (Wall, Clock) {
        let wall = Wall::default();
        wall.set(seconds);
        let clock = Clock::new(Arc::new(wall.clone()));
        clock.at_least(SystemTime::UNIX_EPOCH + Duration::from_secs(50 * YEAR));
        (wall, clock)
    }

    const NOW: u64 = 56 * YEAR;

    #[tokio::test(start_paused = true)]
    async fn messages_expire_by_the_time_that_runs() {
        let (wall, clock) = clock(NOW);
        let lifetime = Lifetime::new(clock, None, 0);
        let expires = lifetime.expires(10).unwrap();
        assert_eq!(lifetime.expires(0), None);
        // Whatever the wall clock says.
        wall.set(NOW + YEAR);
        assert_eq!(lifetime.left(1, expires), Some(Duration::from_secs(10)));
        tokio::time::advance(Duration::from_secs(9)).await;
        assert_eq!(lifetime.left(1, expires), Some(Duration::from_secs(1)));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(lifetime.left(1, expires), None);
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_without_a_process_counts_where_it_is_known() {
        let (wall, clock) = clock(NOW);
        let before = Lifetime::new(clock.clone(), None, 0);
        let (expires, reading) = (before.expires(100), before.reading());
        let expires = expires.unwrap();
        wall.set(NOW + 40);
        let after = Lifetime::new(clock.clone(), Some(reading), 1);
        assert_eq!(after.left(1, expires), Some(Duration::from_secs(60)));
        wall.set(NOW + 100);
        let after = Lifetime::new(clock, Some(reading), 1);
        assert_eq!(after.left(1, expires), None);
        assert_eq!(
            after.left(2, after.expires(5).unwrap()),
            Some(Duration::from_secs(5))
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_is_set_later_is_believed_then() {
        let (wall, clock) = clock(NOW);
        let before = Lifetime::new(clock.clone(), None, 0);
        let (expires, reading) = (before.expires(100).unwrap(), before.reading());
        // It begins in 1970, and messages that are stored then keep their full time.
        wall.set(7);
        let after = Lifetime::new(clock.clone(), Some(reading), 1);
        let new = after.expires(100).unwrap();
        assert_eq!(after.left(1, expires), Some(Duration::from_secs(100)));
        assert_eq!(after.reading().wall, None);
        wall.set(NOW + 40);
        assert_eq!(after.left(1, expires), Some(Duration::from_secs(60)));
        assert_eq!(after.left(2, new), Some(Duration::from_secs(100)));
        // One that was years ahead when the process began.
        wall.set(NOW + 20 * YEAR);
        let ahead = Lifetime::new(clock, Some(reading), 1);
        let new = ahead.expires(100).unwrap();
        wall.set(NOW + 40);
        assert_eq!(ahead.left(1, expires), Some(Duration::from_secs(60)));
        assert_eq!(ahead.left(2, new), Some(Duration::from_secs(100)));
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_reading_that_can_be_believed_no_gap_counts() {
        let wall = Wall::default();
        let clock = Clock::new(Arc::new(wall.clone()));
        let before = Lifetime::new(clock.clone(), None, 0);
        let (expires, reading) = (before.expires(100).unwrap(), before.reading());
        assert_eq!(reading.wall, None);
        wall.set(NOW);
        let after = Lifetime::new(clock, Some(reading), 1);
        assert_eq!(after.left(1, expires), Some(Duration::from_secs(100)));
    }
}
