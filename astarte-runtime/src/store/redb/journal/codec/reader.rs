//! Bytes as changes. What is read may be anything, and is nothing where it is no change that could be made.

use super::tag;
use crate::store::{
    Change, ClockReading, RetentionChange, SessionChange,
    redb::{properties, retention, session},
};

/// What is left to be read.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    /// Changes to the end of the job.
    pub(super) fn rest<T>(
        &mut self,
        mut change: impl FnMut(&mut Self) -> Option<T>,
    ) -> Option<Vec<T>> {
        let mut changes = Vec::new();
        while !self.0.is_empty() {
            changes.push(change(self)?);
        }
        Some(changes)
    }

    pub(super) fn property(&mut self) -> Option<Change<'a>> {
        let change = match self.u8()? {
            tag::STORE => {
                let (interface, major, path) = self.place()?;
                let row = self.bytes()?;
                Change::Store(properties::decode(interface, major, path, row)?)
            }
            tag::DELETE => {
                let (interface, major, path) = self.place()?;
                Change::Delete {
                    interface: interface.into(),
                    major,
                    path: path.into(),
                }
            }
            tag::DELETE_OTHER_MAJORS => Change::DeleteOtherMajors {
                interface: self.text()?.into(),
                major: u32::from_be_bytes(self.array()?),
            },
            tag::ACKNOWLEDGE => {
                let (interface, major, path) = self.place()?;
                Change::Acknowledge {
                    interface: interface.into(),
                    major,
                    path: path.into(),
                    payload: self.bytes()?.into(),
                }
            }
            tag::CLEAR_PROPERTIES => Change::Clear,
            tag::COMPLETE => Change::Complete(self.flag()?),
            _ => return None,
        };
        properties::check(&change).ok().map(|()| change)
    }

    pub(super) fn retention(&mut self) -> Option<RetentionChange> {
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

    pub(super) fn session(&mut self) -> Option<SessionChange> {
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

    fn place(&mut self) -> Option<(&'a str, u32, &'a str)> {
        let interface = self.text()?;
        let major = u32::from_be_bytes(self.array()?);
        Some((interface, major, self.text()?))
    }

    pub(super) fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.bytes()?).ok()
    }

    pub(super) fn bytes(&mut self) -> Option<&'a [u8]> {
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

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.array().map(|[byte]: [u8; 1]| byte)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*array)
    }
}
