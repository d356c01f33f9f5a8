//! The bytes of the journal: what was written is read, and anything else is its end.

use std::sync::Arc;

use proptest::{collection::vec, prelude::*, sample::Index};
use redb::{StorageBackend as _, backends::InMemoryBackend};

use super::{
    Contents, changes,
    crashes::{Call, script},
    disk::{Disk, Image},
};
use crate::store::redb::{
    RedbStore,
    journal::{
        self, Position,
        codec::{Changes, Job},
    },
    options::Options,
};

const EPOCH: u64 = 0x0102_0304_0506_0708;

fn encoded(device: &str, call: &Call) -> Vec<u8> {
    job(device, call).encode().unwrap()
}

fn job<'a>(device: &'a str, call: &'a Call) -> Job<'a> {
    let changes = match call {
        Call::Properties(changes) => Changes::Properties(changes.into()),
        Call::Retention(changes) => Changes::Retention(changes.into()),
        Call::Session(changes) => Changes::Session(changes.into()),
    };
    let device = device.into();
    Job { device, changes }
}

fn record(jobs: &[u8]) -> Vec<u8> {
    journal::record(EPOCH, jobs).unwrap()
}

/// The jobs behind an offset, and where they end.
fn read(bytes: &[u8], offset: u64) -> (Vec<u8>, u64) {
    let file = InMemoryBackend::new();
    file.set_len(bytes.len() as u64).unwrap();
    file.write(0, bytes).unwrap();
    let epoch = EPOCH;
    let found = journal::read(&file, Position { epoch, offset }).unwrap();
    assert_eq!(found.end.epoch, EPOCH);
    (found.jobs, found.end.offset)
}

/// The layout is documented, so that it does not change by chance.
#[test]
fn a_record_is_as_it_is_documented() {
    let call = Call::Session(vec![crate::store::SessionChange::HighestId(0x0203)]);
    let job = b"\x00\x00\x00\x0a\x00\x00\x00\x02r/\x03\x02\x02\x03";
    assert_eq!(encoded("r/", &call), job);
    let mut expected = vec![0, 0, 0, 14];
    // The CRC-32 of zlib and PNG, here by the polynomial.
    let mut sum = !0_u32;
    for byte in EPOCH.to_be_bytes().iter().chain(job) {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = (sum >> 1) ^ (0xedb8_8320 & (sum & 1).wrapping_neg());
        }
    }
    expected.extend((!sum).to_be_bytes());
    expected.extend(EPOCH.to_be_bytes());
    expected.extend(job);
    assert_eq!(record(job), expected);
}

#[test]
fn a_journal_ends_where_a_record_is_not_whole() {
    let jobs: Vec<_> = script().iter().map(|call| encoded("", call)).collect();
    let records: Vec<_> = jobs.iter().map(|job| record(job)).collect();
    let whole = records.concat();
    assert_eq!(read(&whole, 0), (jobs.concat(), whole.len() as u64));
    let (mut begin, mut before) = (0, Vec::new());
    for (record, job) in records.iter().zip(&jobs) {
        assert_eq!(read(&whole, begin as u64).0, jobs.concat()[before.len()..]);
        // The first bytes, and some of each later part.
        let ends = (0..64.min(record.len())).chain((64..record.len()).step_by(97));
        for at in ends {
            let expected = (before.clone(), begin as u64);
            assert_eq!(read(&whole[..begin + at], 0), expected, "cut at {at}");
            let mut damaged = whole.clone();
            damaged[begin + at] ^= 0x40;
            assert_eq!(read(&damaged, 0), expected, "damaged at {at}");
        }
        begin += record.len();
        before.extend_from_slice(job);
    }
}

#[test]
fn records_of_another_epoch_are_the_end() {
    let job = encoded("", &script()[0]);
    let other = journal::record(EPOCH + 1, &job).unwrap();
    assert_eq!(read(&[record(&job), other].concat(), 0).0, job);
}

#[test]
fn an_offset_behind_the_file_is_the_end() {
    for offset in [1, 99, 100, 101, u64::MAX - 15, u64::MAX] {
        assert_eq!(read(&[0; 100], offset), (Vec::new(), offset));
    }
}

/// A store that was closed with one row, and finds these jobs behind it in its journal.
fn store_that_finds(jobs: &[u8]) -> RedbStore {
    let disk = Disk::default();
    let store = RedbStore::on(Arc::new(disk.clone()), Options::default()).unwrap();
    script()[0].apply(&store).unwrap();
    drop(store);
    let Image { database, journal } = disk.image();
    let position = {
        let origin = Disk::of(disk.image());
        let journaled =
            crate::store::redb::journaled::Journaled::open(Arc::new(origin), &Options::default());
        let position = journaled
            .unwrap()
            .read(crate::store::redb::tables::position);
        position.unwrap().unwrap()
    };
    let mut image = Image { database, journal };
    let record = journal::record(position.epoch, jobs).unwrap();
    let from = position.offset as usize;
    image.journal[from..from + record.len()].copy_from_slice(&record);
    RedbStore::on(Arc::new(Disk::of(image)), Options::default()).unwrap()
}

proptest! {
    #[test]
    fn any_bytes_are_a_journal(bytes in vec(any::<u8>(), 0..300), offset in 0_u64..400) {
        let (jobs, end) = read(&bytes, offset);
        prop_assert!(jobs.len() <= bytes.len() && (end == offset || end <= bytes.len() as u64));
    }

    /// With a header and a checksum that are right, as nothing but a program of ours would write them.
    #[test]
    fn any_bytes_are_jobs_or_none(bytes in vec(any::<u8>(), 0..300)) {
        let found = read(&record(&bytes), 0).0;
        prop_assert!(found.is_empty() || found == bytes);
    }

    #[test]
    fn jobs_come_back(calls in vec(("[a-z/]{0,8}", changes::call()), 0..5)) {
        let jobs: Vec<_> = calls.iter().map(|(device, call)| job(device, call)).collect();
        let bytes: Vec<u8> = jobs.iter().flat_map(|job| job.encode().unwrap()).collect();
        prop_assert_eq!(Job::decode_all(&bytes), Some(jobs));
        prop_assert_eq!(read(&record(&bytes), 0).0, bytes);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever is taken for jobs can be applied, so that no bytes keep a file from being opened.
    #[test]
    fn what_can_be_read_can_be_applied(
        calls in vec(changes::call(), 1..4),
        changed in vec((any::<Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes: Vec<u8> = calls.iter().flat_map(|call| encoded("r/d", call)).collect();
        for (at, byte) in changed {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let store = store_that_finds(&bytes);
        Contents::of(&store);
        script()[0].apply(&store).unwrap();
        Contents::of(&store);
    }
}
