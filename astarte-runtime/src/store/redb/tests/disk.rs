//! A disk of which everything that is written is known, and that fails when it is told to.

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard},
};

use redb::{Builder, Database, DatabaseError, StorageBackend};

use crate::store::redb::origin::Origin;

/// A disk that outlives the databases on it.
#[derive(Clone, Debug, Default)]
pub(super) struct Disk(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    image: Image,
    log: Vec<Step>,
    steps: usize,
    fault: Option<Fault>,
}

/// What is on a disk.
#[derive(Clone, Debug, Default)]
pub(super) struct Image {
    pub(super) database: Vec<u8>,
    pub(super) journal: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name {
    Database,
    Journal,
}

/// What was asked of the disk.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Write(Name, usize, Vec<u8>),
    SetLength(Name, usize),
    Sync(Name),
    /// No I/O: the caller has been told that something is stored.
    Acknowledged,
}

/// Writes, changes of the length and syncs fail from the step `from` on, until the step `to`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fault {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) kind: io::ErrorKind,
    pub(super) what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    All,
    /// What was written is there, and nobody knows whether it is on the disk.
    Syncs,
}

impl Disk {
    pub(super) fn of(image: Image) -> Self {
        let disk = Self::default();
        disk.state().image = image;
        disk
    }

    pub(super) fn fail(&self, fault: Option<Fault>) {
        self.state().fault = fault;
    }

    pub(super) fn acknowledge(&self) {
        self.state().log.push(Step::Acknowledged);
    }

    /// How many steps were asked for, those that failed included.
    pub(super) fn steps(&self) -> usize {
        self.state().steps
    }

    pub(super) fn image(&self) -> Image {
        self.state().image.clone()
    }

    /// Returns what was done, and forgets it.
    pub(super) fn take_log(&self) -> Vec<Step> {
        std::mem::take(&mut self.state().log)
    }

    /// How many syncs were asked for since the log was taken last.
    pub(super) fn syncs(&self) -> usize {
        let log = self.take_log();
        let syncs = log.iter().filter(|step| matches!(step, Step::Sync(_)));
        syncs.count()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    fn step(&self, step: Step) -> io::Result<()> {
        let mut state = self.state();
        state.steps += 1;
        if let Some(fault) = state.fault
            && (fault.from..fault.to).contains(&state.steps)
            && (fault.what == What::All || matches!(step, Step::Sync(_)))
        {
            return Err(fault.kind.into());
        }
        state.image.apply(&step);
        state.log.push(step);
        Ok(())
    }
}

impl Image {
    pub(super) fn apply(&mut self, step: &Step) {
        match step {
            Step::Write(name, offset, data) => {
                let bytes = self.file(*name);
                let end = offset + data.len();
                if bytes.len() < end {
                    bytes.resize(end, 0);
                }
                bytes[*offset..end].copy_from_slice(data);
            }
            Step::SetLength(name, length) => self.file(*name).resize(*length, 0),
            Step::Sync(_) | Step::Acknowledged => {}
        }
    }

    pub(super) fn file(&mut self, name: Name) -> &mut Vec<u8> {
        match name {
            Name::Database => &mut self.database,
            Name::Journal => &mut self.journal,
        }
    }
}

impl Origin for Disk {
    fn open(&self, builder: &Builder) -> Result<Database, DatabaseError> {
        builder.create_with_backend(File(self.clone(), Name::Database))
    }

    fn journal(&self) -> Result<Box<dyn StorageBackend>, DatabaseError> {
        Ok(Box::new(File(self.clone(), Name::Journal)))
    }
}

#[derive(Debug)]
struct File(Disk, Name);

impl StorageBackend for File {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.state().image.file(self.1).len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let mut state = self.0.state();
        let from = offset as usize;
        let read = state.image.file(self.1).get(from..from + out.len());
        out.copy_from_slice(read.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.step(Step::SetLength(self.1, len as usize))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.step(Step::Sync(self.1))
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0
            .step(Step::Write(self.1, offset as usize, data.to_vec()))
    }
}
