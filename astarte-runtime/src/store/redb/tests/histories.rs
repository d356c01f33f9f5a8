//! Random histories: calls of two devices, a disk that fails now and then, kills and power cuts.
//!
//! After each step the store holds what a store in memory holds after the calls that were acknowledged, in their order.
//! A call that failed may count or not, until the next one is acknowledged. With less durability a power cut may take the
//! last calls, and none before one that stays.

use std::{io, sync::Arc, time::Duration};

use proptest::{collection::vec, prelude::*};

use super::{
    Contents, changes,
    crashes::Call,
    disk::{Disk, Fault, What},
    power::{Part, Unsynced},
};
use crate::{
    DeviceId,
    store::{
        MemoryStore, RetentionChange, StoreError,
        redb::{
            RedbStore,
            options::{Durability, Options},
        },
    },
};

/// How many histories are tried; more where everything is asked for.
fn cases() -> u32 {
    match std::env::var_os("ASTARTE_FULL") {
        Some(_) => 20_000,
        None => 200,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_acknowledged_is_there_whatever_happens(
        journal in prop_oneof![Just(1_u64 << 10), Just(8 << 10)],
        durability in prop_oneof![Just(Durability::Immediate), Just(RELAXED)],
        events in vec(event(), 1..40),
    ) {
        let mut world = World::new(Options { durability, journal, ..Options::default() });
        for event in events {
            world.event(event);
        }
        world.event(Event::Kill);
    }
}

/// By itself it writes nothing to the disk.
const RELAXED: Durability = Durability::Relaxed {
    every: Duration::from_secs(3600),
    commits: u32::MAX,
};

#[derive(Clone, Debug)]
enum Event {
    /// Of the one device or of the other.
    Call(Which, Call),
    Read,
    /// The store is closed and opened.
    Close,
    /// The process is killed; the system writes what it had.
    Kill,
    PowerCut(Part),
    /// The disk fails for some steps.
    Fail {
        after: usize,
        steps: usize,
        what: What,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    One,
    Other,
}

fn event() -> impl Strategy<Value = Event> {
    let which = prop_oneof![Just(Which::One), Just(Which::Other)];
    let part = prop_oneof![
        Just(Part::None),
        Just(Part::All),
        Just(Part::Torn),
        any::<u64>().prop_map(Part::Some),
        any::<u64>().prop_map(Part::Sectors),
    ];
    let what = prop_oneof![Just(What::All), Just(What::Database), Just(What::Syncs)];
    prop_oneof![
        16 => (which, changes::call()).prop_map(|(which, call)| Event::Call(which, call)),
        3 => Just(Event::Read),
        1 => Just(Event::Close),
        2 => Just(Event::Kill),
        3 => part.prop_map(Event::PowerCut),
        3 => (0..12_usize, 1..4_usize, what).prop_map(|(after, steps, what)| Event::Fail { after, steps, what }),
    ]
}

/// Calls in the order in which they count.
type History = Vec<(Which, Call)>;

struct World {
    options: Options,
    disk: Disk,
    unsynced: Unsynced,
    store: Option<RedbStore>,
    /// What may have happened.
    histories: Vec<History>,
    /// The highest number of a message.
    last: u64,
    cuts: u64,
}

impl World {
    fn new(options: Options) -> Self {
        let mut world = Self {
            options,
            disk: Disk::default(),
            unsynced: Unsynced::behind(Default::default()),
            store: None,
            histories: vec![History::new()],
            last: 0,
            cuts: 0,
        };
        world.open();
        world
    }

    fn event(&mut self, event: Event) {
        match event {
            Event::Call(which, call) => return self.call(which, call),
            Event::Read => {}
            Event::Close => {
                self.store = None;
                self.open();
            }
            Event::Kill => {
                let image = self.disk.image();
                self.restart(Disk::of(image));
            }
            Event::PowerCut(part) => {
                self.cuts += 1;
                let image = self.unsynced.left(part, self.cuts);
                self.unsynced = Unsynced::behind(image.clone());
                self.restart(Disk::of(image));
                if self.options.durability == RELAXED {
                    let prefixes = |history: &History| -> Vec<History> {
                        let lengths = (0..=history.len()).rev();
                        lengths.map(|end| history[..end].to_vec()).collect()
                    };
                    self.histories = self.histories.iter().flat_map(prefixes).collect();
                }
                // What is found is on the disk.
                return self.settle();
            }
            Event::Fail { after, steps, what } => {
                let from = self.disk.steps() + 1 + after;
                return self.disk.fail(Some(Fault {
                    from,
                    to: from + steps,
                    kind: io::ErrorKind::Other,
                    what,
                }));
            }
        }
        self.check();
    }

    fn call(&mut self, which: Which, mut call: Call) {
        if let Call::Retention(changes) = &mut call {
            changes.iter_mut().for_each(|change| self.number(change));
        }
        let result = call.apply(&self.handle(which));
        self.note();
        let with = |history: &History| {
            let mut history = history.clone();
            history.push((which, call.clone()));
            history
        };
        if result.is_ok() {
            self.histories = self.histories.iter().map(with).collect();
            self.settle();
        } else {
            let more: Vec<_> = self.histories.iter().map(with).collect();
            self.histories.extend(more);
            self.check();
        }
    }

    /// Gives a new message the next number, and any other change that of one of the last messages.
    fn number(&mut self, change: &mut RetentionChange) {
        match change {
            RetentionChange::Append(message) => {
                self.last += 1;
                message.sequence = self.last;
            }
            RetentionChange::Release { sequence }
            | RetentionChange::Remove { sequence }
            | RetentionChange::SetAside { sequence, .. } => {
                *sequence = self.last.saturating_sub(*sequence - 1).max(1);
            }
            RetentionChange::Clear | RetentionChange::Clock(_) => {}
        }
    }

    /// Finds out what has happened.
    fn settle(&mut self) {
        self.check();
        let held = self.held();
        self.histories.retain(|history| contents(history) == held);
        self.histories.truncate(1);
    }

    fn check(&mut self) {
        let held = self.held();
        let expected: Vec<_> = self.histories.iter().map(contents).collect();
        assert!(
            expected.contains(&held),
            "held: {held:#?}\nexpected one of: {expected:#?}"
        );
    }

    /// Another process, for which the disk does not fail at first.
    fn restart(&mut self, disk: Disk) {
        self.disk = disk;
        self.store = None;
        self.open();
    }

    fn open(&mut self) {
        let opened = || RedbStore::on(Arc::new(self.disk.clone()), self.options.clone());
        self.store = Some(until_it_works(|| opened().map_err(StoreError::from)));
        self.note();
    }

    fn held(&mut self) -> [Contents; 2] {
        let held = [Which::One, Which::Other].map(|which| {
            let handle = self.handle(which);
            until_it_works(|| Contents::try_of(&handle))
        });
        self.note();
        held
    }

    fn handle(&self, which: Which) -> RedbStore {
        let store = self.store.as_ref().unwrap();
        match which {
            Which::One => store.clone(),
            Which::Other => store.device(&"test".parse().unwrap(), &DeviceId::from_bytes([0; 16])),
        }
    }

    fn note(&mut self) {
        for step in self.disk.take_log() {
            self.unsynced.note(&step);
        }
    }
}

/// The disk fails for a few steps.
fn until_it_works<T>(work: impl Fn() -> Result<T, StoreError>) -> T {
    let mut errors = Vec::new();
    while errors.len() < 20 {
        match work() {
            Ok(done) => return done,
            Err(error) => errors.push(error),
        }
    }
    panic!("{errors:?}")
}

fn contents(history: &History) -> [Contents; 2] {
    [Which::One, Which::Other].map(|wanted| {
        let store = MemoryStore::new();
        for (which, call) in history {
            if *which == wanted {
                call.apply(&store).unwrap();
            }
        }
        Contents::of(&store)
    })
}
