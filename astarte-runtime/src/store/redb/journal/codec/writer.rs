//! Changes as bytes.

use super::tag;
use crate::store::{
    Change, ClockReading, RetentionChange, SessionChange,
    redb::{failure::Failure, properties, retention, session},
};

/// What is written of a job so far.
pub(super) struct Writer(pub(super) Vec<u8>);

impl Writer {
    pub(super) fn property(&mut self, change: &Change<'_>) -> Result<(), Failure> {
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

    pub(super) fn retention(&mut self, change: &RetentionChange) -> Result<(), Failure> {
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

    pub(super) fn session(&mut self, change: &SessionChange) -> Result<(), Failure> {
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
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend((bytes.len() as u32).to_be_bytes());
        self.0.extend_from_slice(bytes);
    }
}
