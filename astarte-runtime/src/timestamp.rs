//! Points in time, and where those of a datastream come from.

use std::time::{Duration, SystemTime};

use crate::error::TimestampError;

/// A point in time in UTC, in whole milliseconds since 1970-01-01.
///
/// From the year -9999 to the year 9999, which is what the server can represent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The first millisecond of the year -9999.
    pub const MIN: Self = Self(-377_705_116_800_000);
    /// The last millisecond of the year 9999.
    pub const MAX: Self = Self(253_402_300_799_999);

    /// The time of the system clock, held within the range of the type.
    pub fn now() -> Self {
        Self::from_system_time(SystemTime::now())
    }

    /// Takes milliseconds since 1970-01-01 UTC.
    ///
    /// # Errors
    ///
    /// - The time is before [`Timestamp::MIN`] or after [`Timestamp::MAX`].
    pub const fn from_millis(millis: i64) -> Result<Self, TimestampError> {
        if millis < Self::MIN.0 || millis > Self::MAX.0 {
            return Err(TimestampError { millis });
        }
        Ok(Self(millis))
    }

    /// Takes a time of the system clock, cut to milliseconds and held within the range of the type.
    pub fn from_system_time(time: SystemTime) -> Self {
        let clamp = |duration: Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        let millis = match time.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(after) => clamp(after),
            Err(before) => -clamp(before.duration()),
        };
        Self(millis.clamp(Self::MIN.0, Self::MAX.0))
    }

    /// Milliseconds since 1970-01-01 UTC.
    pub const fn as_millis(self) -> i64 {
        self.0
    }
}

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        Self::from_system_time(time)
    }
}

/// The server stamps the value on arrival.
#[derive(Clone, Copy, Debug)]
pub enum OnReception {}

/// The device stamps the value: `explicit_timestamp` is true.
#[derive(Clone, Copy, Debug)]
pub enum Explicit {}
