//! Time of the processor, which other work on the machine disturbs less than the time on the wall. From Linux.

use std::{error::Error, fs, time::Duration};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// What this thread has used.
pub(crate) fn own() -> Result<Duration> {
    let schedule = fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanos = schedule.split(' ').next().unwrap_or_default();
    Ok(Duration::from_nanos(nanos.parse()?))
}

/// What the processes used that this one started, and those that they started, once they are done. In steps of 10 ms.
pub(crate) fn children() -> Result<Duration> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    // The name of the program, in parentheses, may have blanks in it; user and system time are 14 words behind it.
    let (_, facts) = stat.rsplit_once(") ").ok_or("the line has a name")?;
    let mut ticks = 0;
    for fact in facts.split(' ').skip(13).take(2) {
        ticks += fact.parse::<u64>()?;
    }
    Ok(Duration::from_millis(ticks * 10))
}
