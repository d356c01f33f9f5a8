//! The journal: what was committed since the last checkpoint of the database, one record after the other.
//!
//! A record is appended with one write and one sync of one place, where a transaction of redb writes pages all over its
//! file. The file has its full length before the first record, so that a sync writes nothing but the record, and is
//! overwritten from its begin after each checkpoint. Records belong to an epoch, which the checkpoint chooses and the
//! database names: those of any other epoch are left over.
//!
//! | record | bytes |
//! |---|---|
//! | length of the jobs | 4 |
//! | CRC-32 of all that follows | 4 |
//! | epoch | 8 |
//! | jobs | see [`codec`] |

pub(super) mod codec;

use std::io;

use redb::StorageBackend;
use ring::rand::{SecureRandom as _, SystemRandom};

use self::codec::Job;

/// A place in the journal: what is before it is in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) epoch: u64,
    pub(super) offset: u64,
}

impl Position {
    /// The begin of an epoch that never was.
    ///
    /// It is random, and not a number that counts, because a copy of the database that was put back in its place must not
    /// find records that were written after the copy was made.
    pub(super) fn begin() -> io::Result<Self> {
        let mut epoch = [0; 8];
        SystemRandom::new()
            .fill(&mut epoch)
            .map_err(|_| io::Error::other("the system has no random numbers"))?;
        Ok(Self {
            epoch: u64::from_be_bytes(epoch),
            offset: 0,
        })
    }

    pub(super) fn to_bytes(self) -> [u8; 16] {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.epoch.to_be_bytes());
        bytes[8..].copy_from_slice(&self.offset.to_be_bytes());
        bytes
    }

    pub(super) fn from_bytes(bytes: [u8; 16]) -> Self {
        let number = u128::from_be_bytes(bytes);
        Self {
            epoch: (number >> 64) as u64,
            offset: number as u64,
        }
    }
}

/// How many bytes of a record are before its jobs.
pub(super) const HEADER: usize = 16;

/// A record with jobs; `None` where they are more than fit.
pub(super) fn record(epoch: u64, jobs: &[u8]) -> Option<Vec<u8>> {
    let length = u32::try_from(jobs.len()).ok()?;
    let mut record = Vec::with_capacity(HEADER + jobs.len());
    record.extend_from_slice(&length.to_be_bytes());
    record.extend_from_slice(&checksum(epoch, jobs).to_be_bytes());
    record.extend_from_slice(&epoch.to_be_bytes());
    record.extend_from_slice(jobs);
    Some(record)
}

/// What stands in a journal behind a position.
#[derive(Debug)]
pub(super) struct Found {
    /// The jobs of all records, as they are [encoded](codec).
    pub(super) jobs: Vec<u8>,
    /// Where the last record ends.
    pub(super) end: Position,
}

/// Reads the records behind a position, up to the first that is not whole.
pub(super) fn read(file: &dyn StorageBackend, from: Position) -> io::Result<Found> {
    let length = file.len()?;
    let mut found = Found {
        jobs: Vec::new(),
        end: from,
    };
    while let Some(jobs) = read_record(file, found.end, length)? {
        found.end.offset += (HEADER + jobs.len()) as u64;
        found.jobs.extend_from_slice(&jobs);
    }
    Ok(found)
}

/// The jobs of a record of the position's epoch; `None` where there is none.
fn read_record(
    file: &dyn StorageBackend,
    at: Position,
    length: u64,
) -> io::Result<Option<Vec<u8>>> {
    let room = length.saturating_sub(at.offset);
    if room < HEADER as u64 {
        return Ok(None);
    }
    let mut header = [0; HEADER];
    file.read(at.offset, &mut header)?;
    let header = u128::from_be_bytes(header);
    let (jobs, sum, epoch) = ((header >> 96) as u32, (header >> 64) as u32, header as u64);
    if epoch != at.epoch || u64::from(jobs) > room - HEADER as u64 {
        return Ok(None);
    }
    let mut bytes = vec![0; jobs as usize];
    file.read(at.offset + HEADER as u64, &mut bytes)?;
    let whole = checksum(epoch, &bytes) == sum && Job::decode_all(&bytes).is_some();
    Ok(whole.then_some(bytes))
}

fn checksum(epoch: u64, jobs: &[u8]) -> u32 {
    let mut sum = flate2::Crc::new();
    sum.update(&epoch.to_be_bytes());
    sum.update(jobs);
    sum.sum()
}
