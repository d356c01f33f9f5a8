//! Changes as bytes, and back.
//!
//! A job is what one call changes. Everything of which redb would refuse a row is refused here, so that a job that has
//! been encoded can be applied at any time.
//!
//! | job | bytes |
//! |---|---|
//! | length of the rest | 4 |
//! | device | text; empty for a file of one device |
//! | kind | 1: 1 properties, 2 messages, 3 session |
//! | changes | the rest: each begins with its tag (1) |
//!
//! Numbers are big-endian. A text, and a payload, is its length (4) and its bytes. Rows are those of the tables.

mod reader;
mod writer;

use std::borrow::Cow;

use self::{reader::Reader, writer::Writer};
use crate::store::{Change, RetentionChange, SessionChange, redb::failure::Failure};

/// What one caller changes, of one device.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::store::redb) struct Job<'a> {
    /// `realm/device id`; empty for a file of one device.
    pub(in crate::store::redb) device: Cow<'a, str>,
    pub(in crate::store::redb) changes: Changes<'a>,
}

#[derive(Clone, Debug, PartialEq)]
pub(in crate::store::redb) enum Changes<'a> {
    Properties(Cow<'a, [Change<'a>]>),
    Retention(Cow<'a, [RetentionChange]>),
    Session(Cow<'a, [SessionChange]>),
}

/// How long a job may be: what redb takes as a value, with room to spare.
const MAX_JOB: usize = 1 << 30;

impl<'a> Job<'a> {
    /// The job as bytes, behind which others may stand.
    pub(in crate::store::redb) fn encode(&self) -> Result<Vec<u8>, Failure> {
        let mut job = Writer(vec![0; 4]);
        job.bytes(self.device.as_bytes());
        match &self.changes {
            Changes::Properties(changes) => {
                job.0.push(kind::PROPERTIES);
                changes.iter().try_for_each(|it| job.property(it))?;
            }
            Changes::Retention(changes) => {
                job.0.push(kind::RETENTION);
                changes.iter().try_for_each(|it| job.retention(it))?;
            }
            Changes::Session(changes) => {
                job.0.push(kind::SESSION);
                changes.iter().try_for_each(|it| job.session(it))?;
            }
        }
        let Writer(mut job) = job;
        let length = job.len() - 4;
        if length > MAX_JOB {
            return Err(Failure::refused(format!(
                "the changes of a call are {length} bytes, at most {MAX_JOB} bytes are stored at once"
            )));
        }
        job[..4].copy_from_slice(&(length as u32).to_be_bytes());
        Ok(job)
    }

    /// Reads jobs that stand one behind the other; `None` where one of them is none.
    pub(in crate::store::redb) fn decode_all(bytes: &[u8]) -> Option<Vec<Job<'_>>> {
        let mut reader = Reader(bytes);
        let mut jobs = Vec::new();
        while !reader.0.is_empty() {
            jobs.push(Job::decode(reader.bytes()?)?);
        }
        Some(jobs)
    }

    fn decode(bytes: &'a [u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        let device = reader.text()?.into();
        let changes = match reader.u8()? {
            kind::PROPERTIES => Changes::Properties(reader.rest(Reader::property)?.into()),
            kind::RETENTION => Changes::Retention(reader.rest(Reader::retention)?.into()),
            kind::SESSION => Changes::Session(reader.rest(Reader::session)?.into()),
            _ => return None,
        };
        Some(Self { device, changes })
    }
}

mod kind {
    pub(super) const PROPERTIES: u8 = 1;
    pub(super) const RETENTION: u8 = 2;
    pub(super) const SESSION: u8 = 3;
}

mod tag {
    pub(super) const STORE: u8 = 1;
    pub(super) const DELETE: u8 = 2;
    pub(super) const DELETE_OTHER_MAJORS: u8 = 3;
    pub(super) const ACKNOWLEDGE: u8 = 4;
    pub(super) const CLEAR_PROPERTIES: u8 = 5;
    pub(super) const COMPLETE: u8 = 6;

    pub(super) const APPEND: u8 = 1;
    pub(super) const CLOCK: u8 = 2;
    pub(super) const RELEASE: u8 = 3;
    pub(super) const REMOVE: u8 = 4;
    pub(super) const SET_ASIDE: u8 = 5;
    pub(super) const CLEAR_MESSAGES: u8 = 6;

    pub(super) const BEGIN: u8 = 1;
    pub(super) const HIGHEST_ID: u8 = 2;
    pub(super) const INTRODUCED: u8 = 3;
    pub(super) const RECEIVED: u8 = 4;
    pub(super) const RELEASED: u8 = 5;
}
