//! The last messages that were sent.

/// A ring of the last few `interface/path`, which reuses its buffers: it is written to for every message.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    ring: [Vec<u8>; Self::LEN],
    next: usize,
}

impl Recent {
    /// How many are remembered.
    pub(crate) const LEN: usize = 4;

    pub(crate) fn sent(&mut self, destination: &[u8]) {
        let slot = &mut self.ring[self.next];
        slot.clear();
        slot.extend_from_slice(destination);
        self.next = (self.next + 1) % Self::LEN;
    }

    /// What was sent, the newest last, and forgets it.
    pub(crate) fn take(&mut self) -> Vec<String> {
        self.ring.rotate_left(self.next);
        self.next = 0;
        self.ring
            .iter_mut()
            .map(std::mem::take)
            .filter(|sent| !sent.is_empty())
            .map(|sent| String::from_utf8_lossy(&sent).into_owned())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_come_last() {
        let mut recent = Recent::default();
        ["a/1", "a/2", "a/3", "a/4", "a/5"]
            .into_iter()
            .for_each(|sent| recent.sent(sent.as_bytes()));
        assert_eq!(recent.take(), ["a/2", "a/3", "a/4", "a/5"]);
        recent.sent(b"b/1");
        assert_eq!(recent.take(), ["b/1"]);
        assert_eq!(recent.take(), [""; 0]);
    }
}
