//! A disk of which everything that is written is known, and that fails when it is told to.

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard},
};

use redb::{Builder, Database, DatabaseError, StorageBackend};

use crate::store::redb::origin::{Origin, Shared};

/// A disk that outlives the databases on it.
#[derive(Clone, Debug, Default)]
pub(super) struct Disk(Arc<Platter>);

#[derive(Debug, Default)]
struct Platter(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    bytes: Vec<u8>,
    log: Vec<Step>,
    steps: usize,
    fault: Option<Fault>,
}

/// What was asked of the disk.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Write(usize, Vec<u8>),
    SetLength(usize),
    Sync,
    /// No I/O: the caller has been told that something is stored.
    Acknowledged,
}

/// Writes, changes of the length and syncs fail from the step `from` on, until the step `to`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fault {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) kind: io::ErrorKind,
}

impl Disk {
    pub(super) fn of(bytes: Vec<u8>) -> Self {
        let disk = Self::default();
        disk.state().bytes = bytes;
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

    pub(super) fn bytes(&self) -> Vec<u8> {
        self.state().bytes.clone()
    }

    /// Returns what was done, and forgets it.
    pub(super) fn take_log(&self) -> Vec<Step> {
        std::mem::take(&mut self.state().log)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state()
    }
}

impl Platter {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    fn step(&self, step: Step) -> io::Result<()> {
        let mut state = self.state();
        state.steps += 1;
        if let Some(fault) = state.fault
            && (fault.from..fault.to).contains(&state.steps)
        {
            return Err(fault.kind.into());
        }
        apply(&mut state.bytes, &step);
        state.log.push(step);
        Ok(())
    }
}

/// Does a step to the bytes of a disk.
pub(super) fn apply(bytes: &mut Vec<u8>, step: &Step) {
    match step {
        Step::Write(offset, data) => {
            let end = offset + data.len();
            if bytes.len() < end {
                bytes.resize(end, 0);
            }
            bytes[*offset..end].copy_from_slice(data);
        }
        Step::SetLength(length) => bytes.resize(*length, 0),
        Step::Sync | Step::Acknowledged => {}
    }
}

impl Origin for Disk {
    fn open(&self, builder: &Builder) -> Result<Database, DatabaseError> {
        builder.create_with_backend(Shared(Arc::clone(&self.0)))
    }

    fn length(&self) -> u64 {
        self.state().bytes.len() as u64
    }
}

impl StorageBackend for Platter {
    fn len(&self) -> io::Result<u64> {
        Ok(self.state().bytes.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let state = self.state();
        let from = offset as usize;
        let read = state.bytes.get(from..from + out.len());
        out.copy_from_slice(read.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.step(Step::SetLength(len as usize))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.step(Step::Sync)
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.step(Step::Write(offset as usize, data.to_vec()))
    }
}
