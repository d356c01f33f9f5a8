//! Milliseconds since the epoch, and how the server writes them.

use std::time::{SystemTime, UNIX_EPOCH};

/// Returns the time in milliseconds since the epoch, 0 for a clock before it.
pub(crate) fn now_ms() -> i64 {
    to_ms(SystemTime::now())
}

pub(crate) fn to_ms(time: SystemTime) -> i64 {
    let elapsed = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX)
}

/// Writes a time in UTC with milliseconds; `separator` stands between date and time of day.
pub(crate) fn utc(ms: i64, separator: char) -> String {
    let (days, rest) = (ms.div_euclid(DAY_MS), ms.rem_euclid(DAY_MS));
    let (year, month, day) = civil(days);
    let sign = if year < 0 { "-" } else { "" };
    let (seconds, millis) = (rest / 1000, rest % 1000);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let year = year.abs();
    format!(
        "{sign}{year:04}-{month:02}-{day:02}{separator}{hour:02}:{minute:02}:{second:02}.{millis:03}Z"
    )
}

/// Returns year, month and day of a number of days since the epoch, in the proleptic Gregorian
/// calendar.
///
/// The year is made to begin in March, so that the leap day is its last.
fn civil(days: i64) -> (i64, i64, i64) {
    const ERA: i64 = 146_097;
    let days = days + 719_468;
    let era = days.div_euclid(ERA);
    let day_of_era = days.rem_euclid(ERA);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// Returns the number of days from the epoch to a day of the proleptic Gregorian calendar.
pub(crate) fn days(year: i64, month: i64, day: i64) -> i64 {
    // The year is made to begin in March here as well.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leap_days + (153 * month + 2) / 5 + day - 1 - 719_468
}

const DAY_MS: i64 = 86_400_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_instants() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (1_537_449_422_890, "2018-09-20T13:17:02.890Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(utc(ms, 'T'), text);
        }
    }

    #[test]
    fn days_are_counted_both_ways() {
        for count in (-800_000..3_000_000).step_by(17) {
            let (year, month, day) = civil(count);
            assert_eq!(days(year, month, day), count);
        }
    }

    #[test]
    fn the_separator_is_free() {
        assert_eq!(utc(1_537_449_422_890, ' '), "2018-09-20 13:17:02.890Z");
    }
}
