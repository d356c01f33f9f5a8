//! Searching for a byte in texts that are short.

/// Where a byte was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) at: usize,
    /// Whether everything before it is ASCII.
    pub(crate) ascii: bool,
}

/// Finds the first `BYTE`, eight bytes at a time.
///
/// Keys, levels and names of interfaces end within a few steps. A search that is made for long texts takes longer to
/// begin than these take.
#[inline]
pub(crate) fn find<const BYTE: u8>(bytes: &[u8]) -> Option<Found> {
    const ONES: u64 = u64::MAX / 0xff;
    const TOPS: u64 = ONES << 7;
    let (chunks, rest) = bytes.as_chunks::<8>();
    let mut before = 0;
    for (index, chunk) in chunks.iter().enumerate() {
        let word = u64::from_le_bytes(*chunk);
        let zero_where_equal = word ^ (ONES * BYTE as u64);
        // The lowest of the bits that this leaves is the top bit of the first byte that is zero.
        let zeros = zero_where_equal.wrapping_sub(ONES) & !zero_where_equal & TOPS;
        if zeros != 0 {
            let first = zeros.trailing_zeros();
            before |= word & ((1 << first) - 1);
            return Some(Found {
                at: 8 * index + first as usize / 8,
                ascii: before & TOPS == 0,
            });
        }
        before |= word;
    }
    let at = rest.iter().position(|byte| *byte == BYTE)?;
    Some(Found {
        at: 8 * chunks.len() + at,
        ascii: before & TOPS == 0 && rest[..at].is_ascii(),
    })
}

#[cfg(test)]
mod tests {
    use super::{Found, find};

    fn check<const BYTE: u8>(others: [u8; 3]) {
        for len in 0..40 {
            let bytes: Vec<u8> = (0..len).map(|at| others[at % 3]).collect();
            assert_eq!(find::<BYTE>(&bytes), None);
            for at in 0..len {
                let mut bytes = bytes.clone();
                bytes[at] = BYTE;
                if let Some(later) = bytes.get_mut(at + 2) {
                    *later = BYTE;
                }
                let ascii = bytes[..at].is_ascii();
                assert_eq!(find::<BYTE>(&bytes), Some(Found { at, ascii }));
            }
        }
    }

    #[test]
    fn the_first_is_found_wherever_it_is() {
        check::<0>([1, 0x80, 0xff]);
        check::<0>([1, 0x7f, b'a']);
        check::<b'/'>([b'/' - 1, b'/' + 1, b'/' | 0x80]);
        check::<b'/'>([b'/' - 1, b'/' + 1, 0]);
        check::<0xff>([0, 0x7f, 0xfe]);
    }

    #[test]
    fn one_byte_that_is_not_ascii_is_seen_wherever_it_is() {
        for end in 0..20 {
            for at in 0..24 {
                let mut bytes = [b'a'; 24];
                bytes[at] = 0x80;
                bytes[end] = 0;
                let ascii = at >= end;
                assert_eq!(find::<0>(&bytes), Some(Found { at: end, ascii }));
            }
        }
    }
}
