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

use std::borrow::Cow;

use crate::store::{
    Change, ClockReading, RetentionChange, SessionChange,
    redb::{failure::Failure, properties, retention, session},
};

/// What one caller changes, of one device.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::store::redb) struct Job<'a> {
    /// `realm/device id`; empty for a file of one device.
    pub(in crate::store::redb) device: Cow<'a, str>,
    pub(in crate::store::redb) changes: Changes<'a>,
}

#[derive(Clone, Debug, PartialEq)]
pub(in crate::store::redb) enum Changes<'a> {
    Properties(Cow<'a, [Change]>),
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

struct Writer(Vec<u8>);

impl Writer {
    fn property(&mut self, change: &Change) -> Result<(), Failure> {
        properties::check(change)?;
        match change {
            Change::Store(property) => {
                self.0.push(tag::STORE);
                self.place(&property.interface, property.major, &property.path);
                self.bytes(&properties::encode(property));
            }
            Change::Delete {
                interface,
                major,
                path,
            } => {
                self.0.push(tag::DELETE);
                self.place(interface, *major, path);
            }
            Change::DeleteOtherMajors { interface, major } => {
                self.0.push(tag::DELETE_OTHER_MAJORS);
                self.bytes(interface.as_bytes());
                self.0.extend(major.to_be_bytes());
            }
            Change::Acknowledge {
                interface,
                major,
                path,
                payload,
            } => {
                self.0.push(tag::ACKNOWLEDGE);
                self.place(interface, *major, path);
                self.bytes(payload);
            }
            Change::Clear => self.0.push(tag::CLEAR_PROPERTIES),
            Change::Complete(complete) => self.0.extend([tag::COMPLETE, u8::from(*complete)]),
        }
        Ok(())
    }

    fn retention(&mut self, change: &RetentionChange) -> Result<(), Failure> {
        retention::check(change)?;
        match change {
            RetentionChange::Append(message) => {
                self.numbered(tag::APPEND, message.sequence);
                self.bytes(&retention::encode(message)?);
            }
            RetentionChange::Clock(ClockReading { counted, wall }) => {
                self.numbered(tag::CLOCK, *counted);
                self.0.push(u8::from(wall.is_some()));
                self.0.extend(wall.unwrap_or_default().to_be_bytes());
            }
            RetentionChange::Release { sequence } => self.numbered(tag::RELEASE, *sequence),
            RetentionChange::Remove { sequence } => self.numbered(tag::REMOVE, *sequence),
            RetentionChange::SetAside { sequence, reason } => {
                self.numbered(tag::SET_ASIDE, *sequence);
                self.bytes(reason.as_bytes());
            }
            RetentionChange::Clear => self.0.push(tag::CLEAR_MESSAGES),
        }
        Ok(())
    }

    fn session(&mut self, change: &SessionChange) -> Result<(), Failure> {
        session::check(change)?;
        match change {
            SessionChange::Begin { broker, highest_id } => {
                self.0.push(tag::BEGIN);
                self.bytes(broker.as_bytes());
                self.0.extend(highest_id.to_be_bytes());
            }
            SessionChange::HighestId(id) => self.id(tag::HIGHEST_ID, *id),
            SessionChange::Introduced(introspection) => {
                let known = u8::from(introspection.is_some());
                self.0.extend([tag::INTRODUCED, known]);
                self.bytes(introspection.as_deref().unwrap_or_default().as_bytes());
            }
            SessionChange::Received(id) => self.id(tag::RECEIVED, *id),
            SessionChange::Released(id) => self.id(tag::RELEASED, *id),
        }
        Ok(())
    }

    fn place(&mut self, interface: &str, major: u32, path: &str) {
        self.bytes(interface.as_bytes());
        self.0.extend(major.to_be_bytes());
        self.bytes(path.as_bytes());
    }

    fn numbered(&mut self, tag: u8, number: u64) {
        self.0.push(tag);
        self.0.extend(number.to_be_bytes());
    }

    fn id(&mut self, tag: u8, id: u16) {
        self.0.push(tag);
        self.0.extend(id.to_be_bytes());
    }

    /// One that is too long for its length makes the job too long as well, which is refused.
    fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend((bytes.len() as u32).to_be_bytes());
        self.0.extend_from_slice(bytes);
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Changes to the end of the job.
    fn rest<T>(&mut self, mut change: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let mut changes = Vec::new();
        while !self.0.is_empty() {
            changes.push(change(self)?);
        }
        Some(changes)
    }

    fn property(&mut self) -> Option<Change> {
        let change = match self.u8()? {
            tag::STORE => {
                let (interface, major, path) = self.place()?;
                let row = self.bytes()?;
                Change::Store(properties::decode(&interface, major, &path, row)?)
            }
            tag::DELETE => {
                let (interface, major, path) = self.place()?;
                Change::Delete {
                    interface,
                    major,
                    path,
                }
            }
            tag::DELETE_OTHER_MAJORS => Change::DeleteOtherMajors {
                interface: self.text()?.to_owned(),
                major: u32::from_be_bytes(self.array()?),
            },
            tag::ACKNOWLEDGE => {
                let (interface, major, path) = self.place()?;
                Change::Acknowledge {
                    interface,
                    major,
                    path,
                    payload: self.bytes()?.to_vec(),
                }
            }
            tag::CLEAR_PROPERTIES => Change::Clear,
            tag::COMPLETE => Change::Complete(self.flag()?),
            _ => return None,
        };
        properties::check(&change).ok().map(|()| change)
    }

    fn retention(&mut self) -> Option<RetentionChange> {
        let change = match self.u8()? {
            tag::APPEND => {
                let sequence = self.u64()?;
                RetentionChange::Append(retention::decode(sequence, self.bytes()?)?)
            }
            tag::CLOCK => {
                let counted = self.u64()?;
                let (known, wall) = (self.flag()?, self.u64()?);
                let wall = known.then_some(wall);
                RetentionChange::Clock(ClockReading { counted, wall })
            }
            tag::RELEASE => RetentionChange::Release {
                sequence: self.u64()?,
            },
            tag::REMOVE => RetentionChange::Remove {
                sequence: self.u64()?,
            },
            tag::SET_ASIDE => RetentionChange::SetAside {
                sequence: self.u64()?,
                reason: self.text()?.to_owned(),
            },
            tag::CLEAR_MESSAGES => RetentionChange::Clear,
            _ => return None,
        };
        retention::check(&change).ok().map(|()| change)
    }

    fn session(&mut self) -> Option<SessionChange> {
        let change = match self.u8()? {
            tag::BEGIN => SessionChange::Begin {
                broker: self.text()?.to_owned(),
                highest_id: self.id()?,
            },
            tag::HIGHEST_ID => SessionChange::HighestId(self.id()?),
            tag::INTRODUCED => {
                let (known, introspection) = (self.flag()?, self.text()?);
                SessionChange::Introduced(known.then(|| introspection.to_owned()))
            }
            tag::RECEIVED => SessionChange::Received(self.id()?),
            tag::RELEASED => SessionChange::Released(self.id()?),
            _ => return None,
        };
        session::check(&change).ok().map(|()| change)
    }

    fn place(&mut self) -> Option<(String, u32, String)> {
        let interface = self.text()?.to_owned();
        let major = u32::from_be_bytes(self.array()?);
        Some((interface, major, self.text()?.to_owned()))
    }

    fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.bytes()?).ok()
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = u32::from_be_bytes(self.array()?);
        let (bytes, rest) = self.0.split_at_checked(usize::try_from(length).ok()?)?;
        self.0 = rest;
        Some(bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    fn id(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    fn flag(&mut self) -> Option<bool> {
        match self.u8()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    fn u8(&mut self) -> Option<u8> {
        self.array().map(|[byte]: [u8; 1]| byte)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*array)
    }
}
