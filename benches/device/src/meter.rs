//! What a process says of itself.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, Instant};

use crate::{Counting, Result};

/// Running since the connection was up.
pub struct Meter {
    started: Instant,
    cpu: Duration,
    allocations: u64,
}

/// What it took until all messages were through. Written by one process, and read by another.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    pub elapsed: Duration,
    pub cpu: Duration,
    pub allocations: u64,
}

impl Meter {
    pub fn start() -> Result<Meter> {
        Ok(Meter {
            started: Instant::now(),
            cpu: cpu()?,
            allocations: Counting::count(),
        })
    }

    pub fn stop(self) -> Result<Reading> {
        Ok(Reading {
            elapsed: self.started.elapsed(),
            cpu: cpu()? - self.cpu,
            allocations: Counting::count() - self.allocations,
        })
    }
}

/// How long the main thread has run, which is the one that everything happens on.
fn cpu() -> Result<Duration> {
    let text = std::fs::read_to_string("/proc/self/schedstat")?;
    let nanos = text.split(' ').next().unwrap_or_default();
    Ok(Duration::from_nanos(nanos.parse()?))
}

impl fmt::Display for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (elapsed, cpu) = (self.elapsed.as_nanos(), self.cpu.as_nanos());
        write!(f, "{elapsed} {cpu} {}", self.allocations)
    }
}

impl FromStr for Reading {
    type Err = Box<dyn std::error::Error>;

    fn from_str(text: &str) -> Result<Reading> {
        let numbers = text
            .split(' ')
            .map(str::parse)
            .collect::<std::result::Result<Vec<u64>, _>>()?;
        let [elapsed, cpu, allocations] = numbers[..] else {
            return Err(format!("`{text}` is no reading").into());
        };
        Ok(Reading {
            elapsed: Duration::from_nanos(elapsed),
            cpu: Duration::from_nanos(cpu),
            allocations,
        })
    }
}
