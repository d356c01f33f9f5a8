//! What a power cut leaves of what was written.

use super::disk::{Image, Name, Step};

/// What is on the disk, and what was written since and may be there.
#[derive(Debug)]
pub(super) struct Unsynced {
    synced: Image,
    writes: Vec<Step>,
}

impl Unsynced {
    pub(super) fn behind(synced: Image) -> Self {
        Self {
            synced,
            writes: Vec::new(),
        }
    }

    pub(super) fn note(&mut self, step: &Step) {
        match step {
            Step::Write(..) | Step::SetLength(..) => self.writes.push(step.clone()),
            Step::Sync(name) => {
                for step in self.writes_of(*name) {
                    self.synced.apply(&step);
                }
            }
            // The system may count as written what it could not write, and not write it with the next sync. The database
            // is redb's, which relies on a sync that is repeated.
            Step::FailedSync(Name::Journal) => drop(self.writes_of(Name::Journal)),
            Step::FailedSync(Name::Database) | Step::Acknowledged => {}
        }
    }

    fn writes_of(&mut self, name: Name) -> Vec<Step> {
        let of_it = |step: &mut Step| step.file() == Some(name);
        self.writes.extract_if(.., of_it).collect()
    }

    /// What a power cut leaves.
    pub(super) fn left(&self, part: Part, cut: u64) -> Image {
        part.of(&self.synced, &self.writes, cut)
    }
}

/// What of the writes since the last sync a power cut leaves.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part {
    None,
    All,
    /// Each with a chance of one half.
    Some(u64),
    /// Each sector of each with a chance of one half.
    Sectors(u64),
    /// All but the last, and half of that one.
    Torn,
}

/// How many bytes a disk writes at once.
const SECTOR: usize = 512;

impl Part {
    fn of(self, synced: &Image, writes: &[Step], cut: u64) -> Image {
        let mut image = synced.clone();
        let mut random = Random::new(cut, self);
        for (number, step) in writes.iter().enumerate() {
            match (self, step) {
                (Self::None, _) => {}
                (Self::Some(_), _) if random.next().is_multiple_of(2) => {}
                (Self::Sectors(_), Step::Write(name, offset, data)) => {
                    let mut from = 0;
                    while from < data.len() {
                        let end = (SECTOR - (offset + from) % SECTOR + from).min(data.len());
                        if random.next().is_multiple_of(2) {
                            let sector = data[from..end].to_vec();
                            image.apply(&Step::Write(*name, offset + from, sector));
                        }
                        from = end;
                    }
                }
                (Self::Torn, Step::Write(name, offset, data)) if number + 1 == writes.len() => {
                    let half = Step::Write(*name, *offset, data[..data.len() / 2].to_vec());
                    image.apply(&half);
                }
                _ => image.apply(step),
            }
        }
        image
    }
}

/// Numbers that look random and are the same in every run (xorshift).
struct Random(u64);

impl Random {
    fn new(cut: u64, part: Part) -> Self {
        let seed = match part {
            Part::Some(seed) | Part::Sectors(seed) => seed,
            _ => 0,
        };
        Self((cut + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ seed)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 >> 32
    }
}
