//! What time it is, for a device whose clock may be behind.

use std::{
    fmt, io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use rustls::{CertificateError, pki_types::UnixTime, time_provider::TimeProvider};
use tokio::time::Instant;

/// Tells the time: the clock of the system, unless a device is given [another](crate::Config::time_source).
pub trait TimeSource: fmt::Debug + Send + Sync + 'static {
    /// The time, as well as it is known.
    fn now(&self) -> SystemTime;
}

/// The clock of the system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl TimeSource for SystemClock {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }
}

/// The later of a source and the newest time that the server has told, which runs on. Clones are one clock.
///
/// What the source says is never kept: a source that was ahead once would be ahead for ever.
#[derive(Clone, Debug)]
pub(crate) struct Clock(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    source: Arc<dyn TimeSource>,
    newest: Mutex<Option<(SystemTime, Instant)>>,
}

impl Clock {
    pub(crate) fn new(source: Arc<dyn TimeSource>) -> Self {
        Self(Arc::new(Inner {
            source,
            newest: Mutex::new(None),
        }))
    }

    pub(crate) fn now(&self) -> SystemTime {
        let told = self.0.source.now();
        self.newest().map_or(told, |newest| newest.max(told))
    }

    /// What the source says.
    pub(crate) fn told(&self) -> SystemTime {
        self.0.source.now()
    }

    /// What the source says, unless the server has not told any time yet, or a later one.
    pub(crate) fn trusted(&self) -> Option<SystemTime> {
        let told = self.told();
        self.newest().filter(|newest| *newest <= told).map(|_| told)
    }

    /// Notes that it is at least this time, on the word of the server.
    pub(crate) fn at_least(&self, time: SystemTime) {
        if self.newest().is_none_or(|newest| newest < time) {
            *self.lock() = Some((time, Instant::now()));
        }
    }

    fn newest(&self) -> Option<SystemTime> {
        let (time, since) = (*self.lock())?;
        time.checked_add(since.elapsed())
    }

    fn lock(&self) -> MutexGuard<'_, Option<(SystemTime, Instant)>> {
        self.0.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new(Arc::new(SystemClock))
    }
}

impl TimeProvider for Clock {
    fn current_time(&self) -> Option<UnixTime> {
        let since = self.now().duration_since(SystemTime::UNIX_EPOCH);
        Some(UnixTime::since_unix_epoch(since.unwrap_or_default()))
    }
}

/// A certificate of the server does not fit the device's clock: one of the two is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClockError {
    fault: Fault,
    /// What the clock says, and the date that does not fit.
    times: Option<(UnixTime, UnixTime)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Ended,
    NotBegun,
}

impl ClockError {
    /// Looks for the cause in what an error was caused by.
    pub(crate) fn find(error: &(dyn std::error::Error + 'static)) -> Option<Self> {
        if let Some(rustls::Error::InvalidCertificate(error)) = error.downcast_ref() {
            return Self::of_certificate(error);
        }
        // The source of such an error is that of the one it wraps, and not that one itself.
        let wrapped = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        match wrapped {
            Some(wrapped) => Self::find(wrapped),
            None => Self::find(error.source()?),
        }
    }

    fn of_certificate(error: &CertificateError) -> Option<Self> {
        let (fault, times) = match *error {
            CertificateError::Expired => (Fault::Ended, None),
            CertificateError::ExpiredContext { time, not_after } => {
                (Fault::Ended, Some((time, not_after)))
            }
            CertificateError::NotValidYet => (Fault::NotBegun, None),
            CertificateError::NotValidYetContext { time, not_before } => {
                (Fault::NotBegun, Some((time, not_before)))
            }
            _ => return None,
        };
        Some(Self { fault, times })
    }
}

impl fmt::Display for ClockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (words, date_words, cause) = match self.fault {
            Fault::Ended => (
                "has expired",
                "ended on",
                "the clock is ahead, or the server must renew its certificate",
            ),
            Fault::NotBegun => ("is not valid yet", "begins on", "set the clock"),
        };
        write!(f, "the server's certificate {words} by the device's clock")?;
        if let Some((clock, date)) = self.times {
            let (clock, date) = (Date(clock), Date(date));
            write!(
                f,
                " (which says {clock}, and the certificate {date_words} {date})"
            )?;
        }
        write!(f, ": {cause}")
    }
}

impl std::error::Error for ClockError {}

/// Writes a time as `2026-11-24 15:03:00 UTC`.
struct Date(UnixTime);

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [year, month, day, hour, minute, second] = date(self.0.as_secs());
        write!(
            f,
            "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC"
        )
    }
}

/// Year, month, day, hour, minute and second, in UTC, of a number of seconds since 1970.
pub(crate) fn date(seconds: u64) -> [u64; 6] {
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // Years that begin in March put the leap day last.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (year, month) = if month < 10 {
        (400 * era + year, month + 3)
    } else {
        (400 * era + year + 1, month - 9)
    };
    [
        year,
        month,
        day,
        second / 3600,
        second / 60 % 60,
        second % 60,
    ]
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(seconds: u64) -> UnixTime {
        UnixTime::since_unix_epoch(Duration::from_secs(seconds))
    }

    #[derive(Debug)]
    struct Fixed(SystemTime);

    impl TimeSource for Fixed {
        fn now(&self) -> SystemTime {
            self.0
        }
    }

    #[test]
    fn the_later_time_counts() {
        let second = Duration::from_secs(1);
        let source = SystemTime::UNIX_EPOCH + 100 * second;
        let clock = Clock::new(Arc::new(Fixed(source)));
        assert_eq!(clock.now(), source);
        clock.at_least(source - second);
        assert_eq!(clock.now(), source);
        let newest = source + 1000 * second;
        clock.at_least(newest);
        clock.at_least(newest - second);
        assert!(clock.now() >= newest);
        assert!(clock.clone().current_time() >= Some(at(1100)));
    }

    #[test]
    fn dates_are_written_as_they_are_read() {
        for (seconds, text) in [
            (0, "1970-01-01 00:00:00 UTC"),
            (951_782_400, "2000-02-29 00:00:00 UTC"),
            (1_795_532_580, "2026-11-24 15:03:00 UTC"),
            (4_107_542_399, "2100-02-28 23:59:59 UTC"),
            (4_107_542_400, "2100-03-01 00:00:00 UTC"),
        ] {
            assert_eq!(Date(at(seconds)).to_string(), text);
        }
        for days in (0..60_000).step_by(13) {
            let text = Date(at(days * 86_400)).to_string();
            let number = |range: std::ops::Range<usize>| text[range].parse().unwrap();
            let read =
                crate::certificate::days_since_1970(number(0..4), number(5..7), number(8..10));
            assert_eq!(read, i64::try_from(days).ok(), "{text}");
        }
    }

    #[test]
    fn a_wrong_clock_is_found_behind_other_errors() {
        let error = CertificateError::NotValidYetContext {
            time: at(10),
            not_before: at(1_795_532_580),
        };
        let error = io::Error::other(rustls::Error::InvalidCertificate(error));
        let error = io::Error::other(error);
        assert_eq!(
            ClockError::find(&error).unwrap().to_string(),
            "the server's certificate is not valid yet by the device's clock (which says 1970-01-01 00:00:10 UTC, and the \
             certificate begins on 2026-11-24 15:03:00 UTC): set the clock"
        );
        let other = rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);
        assert_eq!(ClockError::find(&io::Error::other(other)), None);
    }
}
