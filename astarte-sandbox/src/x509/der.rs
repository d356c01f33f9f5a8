//! Elements of the distinguished encoding, one after the other.

use crate::clock;

/// What is left to be read.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader(bytes)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the tag of the next element.
    pub(super) fn peek(&self) -> Option<u8> {
        self.0.first().copied()
    }

    /// Takes the next element, which must have this tag, and returns what reads its inside.
    pub(super) fn enter(&mut self, tag: u8) -> Option<Reader<'a>> {
        self.content(tag).map(Reader)
    }

    /// Takes the next element, which must have this tag, and returns its content.
    pub(super) fn content(&mut self, tag: u8) -> Option<&'a [u8]> {
        (self.peek()? == tag)
            .then(|| self.any())?
            .map(|(_, content)| content)
    }

    /// Takes the next element, which must have this tag, and returns it with its tag and length.
    pub(super) fn whole(&mut self, tag: u8) -> Option<&'a [u8]> {
        (self.peek()? == tag)
            .then(|| self.any())?
            .map(|(whole, _)| whole)
    }

    /// Takes the next element, and returns it with and without tag and length.
    pub(super) fn any(&mut self) -> Option<(&'a [u8], &'a [u8])> {
        let [_, length, rest @ ..] = self.0 else {
            return None;
        };
        let (length, content) = match length {
            0..=0x7f => (usize::from(*length), rest),
            // Nothing here is longer than three bytes can say.
            0x81..=0x83 => {
                let (length, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
                let length = length
                    .iter()
                    .fold(0, |length, byte| length << 8 | usize::from(*byte));
                (length, rest)
            }
            _ => return None,
        };
        let (content, after) = content.split_at_checked(length)?;
        let (whole, _) = self.0.split_at_checked(self.0.len() - after.len())?;
        self.0 = after;
        Some((whole, content))
    }

    /// Takes a bit string of whole bytes.
    pub(super) fn bits(&mut self) -> Option<&'a [u8]> {
        match self.content(tag::BIT_STRING)? {
            [0, bits @ ..] => Some(bits),
            _ => None,
        }
    }

    /// Takes a time, and returns it in milliseconds since the epoch.
    pub(super) fn time(&mut self) -> Option<i64> {
        let (digits, century) = match self.peek()? {
            tag::UTC_TIME => (self.content(tag::UTC_TIME)?, None),
            _ => {
                let digits = self.content(tag::GENERALIZED_TIME)?;
                let (century, digits) = digits.split_at_checked(2)?;
                (digits, Some(two_digits(century)?))
            }
        };
        let (digits, zone) = digits.split_at_checked(12)?;
        if zone != b"Z" {
            return None;
        }
        let mut numbers = digits.chunks_exact(2).map(two_digits);
        let mut next = || numbers.next().flatten();
        let year = next()?;
        let year = match century {
            Some(century) => century * 100 + year,
            None if year < 50 => 2000 + year,
            None => 1900 + year,
        };
        let (month, day) = (next()?, next()?);
        let (hour, minute, second) = (next()?, next()?, next()?);
        let valid = (1..=12).contains(&month) && (1..=31).contains(&day);
        let seconds = hour * 3600 + minute * 60 + second;
        valid.then(|| (clock::days(year, month, day) * 86_400 + seconds) * 1000)
    }
}

fn two_digits(digits: &[u8]) -> Option<i64> {
    match digits {
        [tens @ b'0'..=b'9', ones @ b'0'..=b'9'] => {
            Some(i64::from((tens - b'0') * 10 + ones - b'0'))
        }
        _ => None,
    }
}

pub(super) mod tag {
    pub(crate) const INTEGER: u8 = 0x02;
    pub(crate) const BIT_STRING: u8 = 0x03;
    pub(crate) const OBJECT_IDENTIFIER: u8 = 0x06;
    pub(crate) const UTF8_STRING: u8 = 0x0c;
    pub(crate) const PRINTABLE_STRING: u8 = 0x13;
    pub(crate) const UTC_TIME: u8 = 0x17;
    pub(crate) const GENERALIZED_TIME: u8 = 0x18;
    pub(crate) const SEQUENCE: u8 = 0x30;
    pub(crate) const SET: u8 = 0x31;
    /// The version of a certificate, which is left out for the first one.
    pub(crate) const VERSION: u8 = 0xa0;
}
