//! Power cuts at every step of a run: what was acknowledged is there, nothing is there twice, the file opens.
//!
//! The run is recorded once. A cut at a step leaves what was synced before it, and of the writes since then any part: none,
//! all, some of them, some of their sectors, or half of one.

use std::{sync::Arc, time::Duration};

use super::{
    Contents, append,
    disk::{Disk, Image, Step},
    power::{Part, Unsynced},
    stored,
};
use crate::store::{
    Change, ClockReading, MemoryStore, PropertyStore, RetentionChange, RetentionStore,
    SessionChange, SessionStore, StoreError,
    redb::{
        RedbStore,
        options::{Durability, Options},
    },
};

/// One call of the store.
#[derive(Clone, Debug)]
pub(super) enum Call {
    Properties(Vec<Change<'static>>),
    Retention(Vec<RetentionChange>),
    Session(Vec<SessionChange>),
}

impl Call {
    pub(super) fn apply(
        &self,
        store: &(impl PropertyStore + RetentionStore + SessionStore),
    ) -> Result<(), StoreError> {
        match self {
            Self::Properties(changes) => store.apply(changes),
            Self::Retention(changes) => store.apply_retention(changes),
            Self::Session(changes) => store.apply_session(changes),
        }
    }
}

/// What the runs do: every kind of change, with values of less and of more than a page.
pub(super) fn script() -> Vec<Call> {
    use RetentionChange::{Clear, Clock, Release, Remove, SetAside};
    let reading = |counted| {
        Clock(ClockReading {
            counted,
            wall: Some(1_800_000_000_000 + counted),
        })
    };
    let begin = SessionChange::Begin {
        broker: "broker:8883".into(),
        highest_id: 20,
    };
    let reason = "too large".to_owned();
    vec![
        Call::Properties(vec![stored("/a", b"1"), stored("/b", &[2; 3000])]),
        Call::Session(vec![begin, SessionChange::Received(1)]),
        Call::Retention(vec![append(1, b"1"), append(2, &[2; 6000]), reading(1)]),
        Call::Retention(vec![append(3, b"3"), append(4, &[4; 900])]),
        Call::Properties(vec![stored("/a", &[3; 2000]), Change::Complete(false)]),
        Call::Retention(vec![Release { sequence: 2 }]),
        Call::Retention(vec![
            Remove { sequence: 1 },
            append(5, &[5; 2500]),
            reading(2),
        ]),
        Call::Retention(vec![SetAside {
            sequence: 3,
            reason,
        }]),
        Call::Session(vec![
            SessionChange::Introduced(Some("org.example.A:1:0".repeat(100))),
            SessionChange::Released(1),
        ]),
        Call::Properties(vec![Change::DeleteOtherMajors {
            interface: "org.example.A".into(),
            major: 2,
        }]),
        Call::Retention(vec![Clear]),
        Call::Retention(vec![append(6, b"6"), append(7, &[7; 100])]),
    ]
}

/// What a store holds after each call of the script, the state before the first one included.
pub(super) fn prefixes(script: &[Call]) -> Vec<Contents> {
    let model = MemoryStore::new();
    let mut prefixes = vec![Contents::of(&model)];
    for call in script {
        call.apply(&model).unwrap();
        prefixes.push(Contents::of(&model));
    }
    prefixes
}

pub(super) fn settings() -> [(&'static str, Options); 3] {
    let journal = |journal| Options {
        journal,
        ..Options::default()
    };
    let relaxed = Options {
        durability: Durability::Relaxed {
            every: Duration::from_secs(3600),
            commits: RELAXED_COMMITS,
        },
        ..journal(16 << 10)
    };
    [
        // All in one journal, but for the first call.
        ("large journal", journal(32 << 10)),
        // One or two calls, and less than some.
        ("small journal", journal(3 << 10)),
        ("relaxed", relaxed),
    ]
}

/// How many calls the relaxed run may lose is one less.
const RELAXED_COMMITS: u32 = 3;

#[test]
fn a_power_cut_at_any_step_loses_nothing() {
    let script = script();
    let prefixes = prefixes(&script);
    for (name, options) in settings() {
        let disk = Disk::default();
        let store = RedbStore::on(Arc::new(disk.clone()), options.clone()).unwrap();
        let created = disk.image();
        disk.take_log();
        for call in &script {
            call.apply(&store).unwrap();
            disk.acknowledge();
        }
        drop(store);
        let log = disk.take_log();
        assert!(log.len() > 50, "{name}: only {} steps", log.len());
        let run = Run {
            name,
            options: &options,
            prefixes: &prefixes,
            may_lose: match options.durability {
                Durability::Immediate => 0,
                Durability::Relaxed { commits, .. } => commits as usize - 1,
            },
        };
        assert_eq!(run.cut_everywhere(created, 0, &log), script.len());
    }
}

/// The process ends with much in the journal, and the power is cut while the next one opens the file, reads it, and makes
/// the first checkpoint behind what it found.
#[test]
fn a_power_cut_behind_a_crash_loses_nothing() {
    let script = script();
    let prefixes = prefixes(&script);
    let [(name, options), ..] = settings();
    for calls in [1, 4, 8, 11] {
        let disk = Disk::default();
        let store = RedbStore::on(Arc::new(disk.clone()), options.clone()).unwrap();
        for call in &script[..calls] {
            call.apply(&store).unwrap();
        }
        let left = disk.image();
        drop(store);

        let disk = Disk::of(left.clone());
        let store = RedbStore::on(Arc::new(disk.clone()), options.clone()).unwrap();
        assert_eq!(Contents::of(&store), prefixes[calls]);
        script[calls].apply(&store).unwrap();
        disk.acknowledge();
        drop(store);
        let run = Run {
            name,
            options: &options,
            prefixes: &prefixes,
            may_lose: 0,
        };
        let log = disk.take_log();
        assert_eq!(run.cut_everywhere(left, calls, &log), calls + 1);
    }
}

struct Run<'a> {
    name: &'a str,
    options: &'a Options,
    prefixes: &'a [Contents],
    may_lose: usize,
}

impl Run<'_> {
    /// Cuts the power after each step, and returns how many calls were acknowledged in the end.
    fn cut_everywhere(&self, created: Image, calls: usize, log: &[Step]) -> usize {
        let (mut unsynced, mut acknowledged) = (Unsynced::behind(created), calls);
        for (cut, step) in log.iter().enumerate() {
            acknowledged += usize::from(matches!(step, Step::Acknowledged));
            unsynced.note(step);
            for part in [
                Part::None,
                Part::All,
                Part::Some(1),
                Part::Some(2),
                Part::Sectors(3),
                Part::Sectors(4),
                Part::Torn,
            ] {
                let what = format!("{}, {calls} calls, cut {cut}, {part:?}", self.name);
                self.check(unsynced.left(part, cut as u64), acknowledged, &what);
            }
        }
        acknowledged
    }

    fn check(&self, left: Image, acknowledged: usize, what: &str) {
        let expected = acknowledged.saturating_sub(self.may_lose)..=acknowledged + 1;
        let store = RedbStore::on(Arc::new(Disk::of(left)), self.options.clone())
            .unwrap_or_else(|error| panic!("{what}: {error:?}"));
        let found = Contents::of(&store);
        let at = self.prefixes.iter().rposition(|prefix| *prefix == found);
        assert!(
            at.is_some_and(|at| expected.contains(&at)),
            "{what}: {acknowledged} calls were acknowledged, found is {at:?}: {found:?}"
        );
    }
}
