//! A disk of which everything that is written is known, and that fails when it is told to.

use std::{
    collections::BTreeSet,
    io,
    sync::{Arc, Condvar, Mutex, MutexGuard},
};

use redb::{Builder, Database, DatabaseError, StorageBackend};

use crate::store::redb::origin::Origin;

/// A disk that outlives the databases on it.
#[derive(Clone, Debug, Default)]
pub(super) struct Disk(Arc<(Mutex<State>, Gate)>);

/// Where syncs wait while it is closed.
#[derive(Debug, Default)]
struct Gate {
    held: Mutex<Held>,
    opened: Condvar,
}

#[derive(Debug, Default)]
struct Held {
    closed: bool,
    waiting: usize,
}

#[derive(Debug, Default)]
struct State {
    image: Image,
    log: Vec<Step>,
    steps: usize,
    fault: Option<Fault>,
    written: BTreeSet<(Name, usize)>,
}

/// What is on a disk.
#[derive(Clone, Debug, Default)]
pub(super) struct Image {
    pub(super) database: Vec<u8>,
    pub(super) journal: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
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
    FailedSync(Name),
    /// No I/O: the caller has been told that something is stored.
    Acknowledged,
}

impl Step {
    pub(super) fn file(&self) -> Option<Name> {
        match self {
            Self::Write(name, ..)
            | Self::SetLength(name, _)
            | Self::Sync(name)
            | Self::FailedSync(name) => Some(*name),
            Self::Acknowledged => None,
        }
    }

    /// What is written of which pages.
    fn pages(&self) -> impl Iterator<Item = (Name, usize)> + use<> {
        let (name, from, to) = match self {
            Self::Write(name, offset, data) => (*name, *offset, offset + data.len()),
            _ => (Name::Journal, 0, 0),
        };
        (from / PAGE..to.div_ceil(PAGE)).map(move |page| (name, page))
    }
}

const PAGE: usize = 4096;

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
    Database,
    Journal,
    /// As where there is no space: what was written once has its place.
    NewPages,
    /// What was written is there, and nobody knows whether it is on the disk.
    Syncs,
}

impl What {
    fn is(self, step: &Step, written: &BTreeSet<(Name, usize)>) -> bool {
        match self {
            Self::All => true,
            Self::Database => step.file() == Some(Name::Database),
            Self::Journal => step.file() == Some(Name::Journal),
            Self::NewPages => step.pages().any(|page| !written.contains(&page)),
            Self::Syncs => matches!(step, Step::Sync(_)),
        }
    }
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

    /// How many syncs there were since the log was taken last.
    pub(super) fn syncs(&self) -> usize {
        let log = self.take_log();
        let syncs = log.iter().filter(|step| matches!(step, Step::Sync(_)));
        syncs.count()
    }

    /// Whether a sync of this file has failed since the log was taken last.
    pub(super) fn has_failed(&self, file: Name) -> bool {
        let state = self.state();
        let mut log = state.log.iter();
        log.any(|step| matches!(step, Step::FailedSync(failed) if *failed == file))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.0.lock().unwrap()
    }

    /// Lets syncs wait, or go on.
    pub(super) fn hold_syncs(&self, closed: bool) {
        self.0.1.held.lock().unwrap().closed = closed;
        self.0.1.opened.notify_all();
    }

    /// How many syncs wait.
    pub(super) fn held_syncs(&self) -> usize {
        self.0.1.held.lock().unwrap().waiting
    }

    fn pass_gate(&self) {
        let gate = &self.0.1;
        let mut held = gate.held.lock().unwrap();
        held.waiting += 1;
        held = gate.opened.wait_while(held, |held| held.closed).unwrap();
        held.waiting -= 1;
    }

    fn step(&self, step: Step) -> io::Result<()> {
        if let Step::Sync(_) = step {
            self.pass_gate();
        }
        let mut state = self.state();
        state.steps += 1;
        if let Some(fault) = state.fault
            && (fault.from..fault.to).contains(&state.steps)
            && fault.what.is(&step, &state.written)
        {
            if let Step::Sync(name) = step {
                state.log.push(Step::FailedSync(name));
            }
            return Err(fault.kind.into());
        }
        state.image.apply(&step);
        state.written.extend(step.pages());
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
            Step::Sync(_) | Step::FailedSync(_) | Step::Acknowledged => {}
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
