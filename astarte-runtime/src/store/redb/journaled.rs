//! A database with the journal in front of it.
//!
//! A commit is a record of the journal, or else a checkpoint: where the journal has no room, has failed or has not begun,
//! the database itself takes the changes durably, and the journal begins anew. Records are applied to the database
//! when somebody reads, and from time to time, by transactions that wait for no disk. Each notes
//! how far of the journal it has, so that what is applied when the database is opened again is exactly the rest,
//! however much of such transactions a crash has left.

use std::sync::{Arc, Mutex, MutexGuard};

use redb::{Database, Durability, ReadTransaction, ReadableDatabase, StorageBackend};

use super::{
    engine,
    failure::Failure,
    flush::Flusher,
    format,
    journal::{
        self, Position,
        codec::{Changes, Job},
    },
    options::Options,
    origin::Origin,
    pending::Pending,
    properties, retention, session,
    tables::{self, Tables},
};

#[derive(Debug)]
pub(super) struct Journaled {
    database: Database,
    journal: Box<dyn StorageBackend>,
    journal_length: u64,
    origin: Arc<dyn Origin>,
    pending: Pending,
    place: Mutex<Place>,
}

#[derive(Debug, Default)]
struct Place {
    /// Where the next record is written; `None` where none may be written before a checkpoint.
    ///
    /// It is none in a journal that was just opened: behind its last record may be whole ones that an earlier process did
    /// not get to the disk in their order, and a new record before them would make them count.
    next: Option<Position>,
    /// Whether the file has its length and its name on the disk.
    prepared: bool,
}

/// From how many bytes of jobs on they are applied although nobody reads: a hundred messages, which a reader would wait
/// 0.4 ms for. More at once would not be quicker by the message.
const SETTLED_FROM: usize = 16 << 10;

impl Journaled {
    pub(super) fn open(origin: Arc<dyn Origin>, options: &Options) -> Result<Self, Failure> {
        let database = engine::open(origin.as_ref(), options, false)?;
        format::prepare(&database, false)?;
        let journal = origin.journal()?;
        let found = match tables::position(&database.begin_read()?)? {
            Some(position) => Some(journal::read(journal.as_ref(), position).map_err(io)?),
            None => None,
        };
        if found.as_ref().is_some_and(|found| !found.jobs.is_empty()) {
            // What is read from here on must not be lost with the power.
            journal.sync_data().map_err(io)?;
        }
        Ok(Self {
            database,
            journal,
            journal_length: options.journal,
            origin,
            pending: Pending::of(found),
            place: Mutex::default(),
        })
    }

    pub(super) fn read<T>(
        &self,
        read: impl FnOnce(&ReadTransaction) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        self.settle()?;
        read(&self.database.begin_read()?)
    }

    /// Stores jobs: durably, or when the flusher wants it.
    pub(super) fn commit(&self, jobs: &[u8], flusher: Option<&Flusher>) -> Result<(), Failure> {
        let mut place = self.place()?;
        let sync = flusher.is_none_or(Flusher::is_due);
        let appended = self.append(&mut place, jobs, sync)?;
        if !appended {
            self.checkpoint(&mut place, jobs)?;
        }
        // With the lock, so that those that are not durable are counted one after the other.
        if let Some(flusher) = flusher {
            flusher.committed(sync || !appended);
        }
        Ok(())
    }

    /// Makes durable what was stored without.
    pub(super) fn sync(&self) -> Result<(), Failure> {
        // Without the lock of the place, so that those who store go on.
        if self.journal.sync_data().is_ok() {
            return Ok(());
        }
        // The system may have dropped what it could not write.
        let mut place = self.place()?;
        self.checkpoint(&mut place, &[])
    }

    /// Applies what waits where it has become much, and no other thread is about to.
    pub(super) fn settle_if_much(&self) -> Result<(), Failure> {
        if self.pending.bytes() < SETTLED_FROM {
            return Ok(());
        }
        self.pending
            .try_settle(|jobs, end| self.apply(jobs, end, Durability::None))
    }

    /// Applies what waits.
    pub(super) fn settle(&self) -> Result<(), Failure> {
        self.pending
            .settle(|jobs, end| self.apply(jobs, end, Durability::None))
    }

    /// Writes a record; `false` where it must be a checkpoint.
    fn append(&self, place: &mut Place, jobs: &[u8], sync: bool) -> Result<bool, Failure> {
        let Some(at) = place.next else {
            return Ok(false);
        };
        let Some(record) = journal::record(at.epoch, jobs) else {
            return Ok(false);
        };
        let end = Position {
            offset: at.offset + record.len() as u64,
            ..at
        };
        if end.offset > self.journal_length {
            return Ok(false);
        }
        let mut written = self.journal.write(at.offset, &record);
        if sync {
            written = written.and_then(|()| self.journal.sync_data());
        }
        if written.is_err() {
            // The checkpoint may fail as well; then what was refused should not be found by the next process.
            let _ = self.journal.write(at.offset, &[0; journal::HEADER]);
            place.next = None;
            return Ok(false);
        }
        self.pending.push(jobs, end)?;
        place.next = Some(end);
        Ok(true)
    }

    /// Brings the database up to date, durably and with these jobs, and lets the journal begin anew.
    fn checkpoint(&self, place: &mut Place, jobs: &[u8]) -> Result<(), Failure> {
        place.next = None;
        // By itself, so that readers find what was stored before while the next transaction waits for the disk.
        self.settle()?;
        let begin = Position::begin().map_err(io)?;
        self.apply(jobs, begin, Durability::Immediate)?;
        // Without a journal each commit is a checkpoint.
        if !place.prepared {
            place.prepared = self.prepare_journal().is_ok();
        }
        place.next = place.prepared.then_some(begin);
        Ok(())
    }

    fn apply(&self, jobs: &[u8], end: Position, durability: Durability) -> Result<(), Failure> {
        let mut transaction = self.database.begin_write()?;
        transaction.set_durability(durability)?;
        // Opening the file after a crash then takes no longer for a large one.
        transaction.set_quick_repair(matches!(durability, Durability::Immediate));
        let mut tables = Tables::new(&transaction);
        let jobs = Job::decode_all(jobs)
            .ok_or_else(|| Failure::damaged("changes in memory cannot be read"))?;
        for job in &jobs {
            let device = tables.number(&job.device)?;
            match &job.changes {
                Changes::Properties(it) => properties::apply(&mut tables, device, it)?,
                Changes::Retention(it) => retention::apply(&mut tables, device, it)?,
                Changes::Session(it) => session::apply(&mut tables, device, it)?,
            }
        }
        tables.finish(end)?;
        transaction.commit()?;
        Ok(())
    }

    /// Gives the journal its full length and its name on the disk.
    fn prepare_journal(&self) -> std::io::Result<()> {
        let length = self.journal_length;
        if self.journal.len()? != length {
            self.journal.set_len(length)?;
            self.journal.write(0, &vec![0; length as usize])?;
        }
        self.journal.sync_data()?;
        self.origin.sync_names()
    }

    fn place(&self) -> Result<MutexGuard<'_, Place>, Failure> {
        self.place.lock().map_err(|_| Failure::stale())
    }
}

fn io(error: std::io::Error) -> Failure {
    redb::StorageError::from(error).into()
}
