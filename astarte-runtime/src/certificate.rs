//! The few facts of an X.509 certificate that a device needs: its dates and its common name.
//!
//! An own walk over the DER, because the crates that read X.509 in full bring 20 crates and more into every device for
//! two dates and a name. Nothing is trusted because of it: signatures are checked by the broker, and that the key fits
//! is compared by rustls.

use std::time::{Duration, SystemTime};

/// What was read.
#[derive(Debug)]
pub(crate) struct Facts {
    /// The first common name of the subject, which is the one the broker takes.
    pub(crate) common_name: Option<String>,
    pub(crate) not_before: SystemTime,
    pub(crate) not_after: SystemTime,
}

/// Reads a certificate in DER; the error says which part is not as RFC 5280 has it.
pub(crate) fn read(der: &[u8]) -> Result<Facts, &'static str> {
    let mut file = Reader(der);
    let mut certificate = Reader(file.expect(SEQUENCE, "the certificate")?);
    if !file.0.is_empty() {
        return Err("the end of the certificate");
    }
    let mut body = Reader(certificate.expect(SEQUENCE, "the certificate's body")?);
    body.skip(VERSION);
    body.expect(INTEGER, "the serial number")?;
    body.expect(SEQUENCE, "the signature's algorithm")?;
    body.expect(SEQUENCE, "the issuer")?;
    let mut validity = Reader(body.expect(SEQUENCE, "the validity")?);
    let not_before = validity.time().ok_or("the begin of the validity")?;
    let not_after = validity.time().ok_or("the end of the validity")?;
    let subject = Reader(body.expect(SEQUENCE, "the subject")?);
    Ok(Facts {
        common_name: common_name(subject)?,
        not_before,
        not_after,
    })
}

/// The bits of a public key in a `SubjectPublicKeyInfo` in DER.
#[cfg(feature = "pairing")]
pub(crate) fn public_key(info: &[u8]) -> Option<&[u8]> {
    let mut info = Reader(Reader(info).expect(SEQUENCE, "").ok()?);
    info.expect(SEQUENCE, "").ok()?;
    // The first byte counts the bits that the last one does not use.
    info.expect(BIT_STRING, "").ok()?.strip_prefix(&[0])
}

fn common_name(mut subject: Reader<'_>) -> Result<Option<String>, &'static str> {
    const PART: &str = "the subject";
    while !subject.0.is_empty() {
        let mut set = Reader(subject.expect(SET, PART)?);
        while !set.0.is_empty() {
            let mut attribute = Reader(set.expect(SEQUENCE, PART)?);
            if attribute.expect(OBJECT_IDENTIFIER, PART)? != COMMON_NAME {
                continue;
            }
            let (tag, text) = attribute.next().ok_or(PART)?;
            if matches!(tag, UTF8_STRING | PRINTABLE_STRING | IA5_STRING) {
                let text = str::from_utf8(text).map_err(|_| "the common name")?;
                return Ok(Some(text.to_owned()));
            }
        }
    }
    Ok(None)
}

/// DER values not yet read.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// The next value, with its tag.
    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = if first < 0x80 {
            (usize::from(first), rest)
        } else {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            // 0 digits is the indefinite length of BER, and no certificate needs more than 3.
            if digits.is_empty() || digits.len() > 3 {
                return None;
            }
            let length = digits
                .iter()
                .fold(0, |sum, &digit| sum << 8 | usize::from(digit));
            (length, rest)
        };
        let (value, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, value))
    }

    fn expect(&mut self, tag: u8, part: &'static str) -> Result<&'a [u8], &'static str> {
        match self.next() {
            Some((found, value)) if found == tag => Ok(value),
            _ => Err(part),
        }
    }

    /// Passes over an optional value.
    fn skip(&mut self, tag: u8) {
        if self.0.first() == Some(&tag) {
            self.next();
        }
    }

    fn time(&mut self) -> Option<SystemTime> {
        let (tag, text) = self.next()?;
        let (year, rest) = match tag {
            UTC_TIME => {
                let (year, rest) = text.split_at_checked(2)?;
                // RFC 5280, 4.1.2.5.1: two digits mean 1950 to 2049.
                let year = number(year)?;
                (year + if year < 50 { 2000 } else { 1900 }, rest)
            }
            GENERALIZED_TIME => {
                let (year, rest) = text.split_at_checked(4)?;
                (number(year)?, rest)
            }
            _ => return None,
        };
        let [m1, m2, d1, d2, h1, h2, n1, n2, s1, s2, b'Z'] = *rest else {
            return None;
        };
        let [month, day, hour, minute, second] =
            [[m1, m2], [d1, d2], [h1, h2], [n1, n2], [s1, s2]].map(|digits| number(&digits));
        let days = days_since_1970(year, month?, day?)?;
        let (hour, minute, second) = (hour?, minute?, second?);
        if hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        system_time(days * 86_400 + hour * 3600 + minute * 60 + second)
    }
}

/// Days from 1970-01-01 to a date of the Gregorian calendar; `None` where there is no such date.
pub(crate) fn days_since_1970(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let longest = match month {
        4 | 6 | 9 | 11 => 30,
        2 => 28 + i64::from(leap),
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=longest).contains(&day) {
        return None;
    }
    // Years that begin in March put the leap day last.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    let in_year = (153 * month + 2) / 5 + day - 1;
    Some(year * 365 + leap_days + in_year - 719_468)
}

fn system_time(seconds: i64) -> Option<SystemTime> {
    let distance = Duration::from_secs(seconds.unsigned_abs());
    if seconds < 0 {
        SystemTime::UNIX_EPOCH.checked_sub(distance)
    } else {
        SystemTime::UNIX_EPOCH.checked_add(distance)
    }
}

/// Reads decimal digits; at most four, so it cannot overflow.
fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0, |sum, &digit| {
        digit
            .is_ascii_digit()
            .then(|| sum * 10 + i64::from(digit - b'0'))
    })
}

const INTEGER: u8 = 0x02;
#[cfg(feature = "pairing")]
const BIT_STRING: u8 = 0x03;
const OBJECT_IDENTIFIER: u8 = 0x06;
const UTF8_STRING: u8 = 0x0c;
const PRINTABLE_STRING: u8 = 0x13;
const IA5_STRING: u8 = 0x16;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
/// The context-specific tag 0, constructed.
const VERSION: u8 = 0xa0;
/// `2.5.4.3`.
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        assert_eq!(days_since_1970(1970, 1, 1), Some(0));
        assert_eq!(days_since_1970(1969, 12, 31), Some(-1));
        assert_eq!(days_since_1970(2000, 2, 29), Some(11_016));
        assert_eq!(days_since_1970(2026, 11, 24), Some(20_781));
        assert_eq!(days_since_1970(9999, 12, 31), Some(2_932_896));
        for (year, month, day) in [
            (2026, 2, 29),
            (1900, 2, 29),
            (2026, 13, 1),
            (2026, 0, 1),
            (2026, 4, 31),
        ] {
            assert_eq!(days_since_1970(year, month, day), None);
        }
    }

    #[test]
    fn times() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let time = |tag, text: &[u8]| {
            let mut der = vec![tag, u8::try_from(text.len()).unwrap()];
            der.extend(text);
            Reader(&der).time()
        };
        assert_eq!(time(UTC_TIME, b"700101000001Z"), Some(at(1)));
        assert_eq!(time(UTC_TIME, b"491231235959Z"), Some(at(2_524_607_999)));
        assert_eq!(
            time(UTC_TIME, b"500101000000Z"),
            Some(SystemTime::UNIX_EPOCH - Duration::from_secs(631_152_000))
        );
        assert_eq!(
            time(GENERALIZED_TIME, b"20500101000000Z"),
            Some(at(2_524_608_000))
        );
        assert_eq!(
            time(GENERALIZED_TIME, b"99991231235959Z"),
            Some(at(253_402_300_799))
        );
        for text in [
            "700101000001",
            "700101240000Z",
            "70010100000aZ",
            "7",
            "",
            "701301000000Z",
        ] {
            assert_eq!(time(UTC_TIME, text.as_bytes()), None, "{text}");
        }
        assert_eq!(time(INTEGER, b"700101000001Z"), None);
    }

    #[test]
    fn lengths() {
        assert_eq!(Reader(&[4, 2, 1, 2, 9]).next(), Some((4, &[1, 2][..])));
        assert_eq!(Reader(&[4, 0x81, 1, 7]).next(), Some((4, &[7][..])));
        for der in [
            &[][..],
            &[4],
            &[4, 1],
            &[4, 0x80, 0, 0],
            &[4, 0x84, 0, 0, 0, 0],
            &[4, 0x82, 1],
        ] {
            assert_eq!(Reader(der).next(), None, "{der:?}");
        }
    }
}
