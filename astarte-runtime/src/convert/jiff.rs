//! `jiff`: points in time.

use super::refused;
use crate::{
    Decode, Encode, Timestamp, ValueError,
    error::DecodeError,
    payload::{RawValue, ValueWriter},
    wire,
};

/// Cut to milliseconds.
impl From<jiff::Timestamp> for Timestamp {
    fn from(time: jiff::Timestamp) -> Self {
        // jiff ends a day before the year 9999 does, and begins a day after the year -9999.
        Self::from_millis(time.as_millisecond()).unwrap_or(Self::MAX)
    }
}

impl TryFrom<Timestamp> for jiff::Timestamp {
    type Error = jiff::Error;

    fn try_from(time: Timestamp) -> Result<Self, Self::Error> {
        // Not `from_millisecond`, which refuses the last second of jiff's range.
        let (seconds, millis) = (
            time.as_millis().div_euclid(1000),
            time.as_millis().rem_euclid(1000),
        );
        Self::new(seconds, millis as i32 * 1_000_000)
    }
}

impl Encode<wire::DateTime> for jiff::Timestamp {
    fn encode(&self, out: &mut ValueWriter<'_>) -> Result<(), ValueError> {
        Timestamp::from(*self).encode(out)
    }
}

impl Decode<wire::DateTime> for jiff::Timestamp {
    fn decode(value: RawValue<'_>) -> Result<Self, DecodeError> {
        Self::try_from(Timestamp::decode(value)?).map_err(|error| refused("datetime", &error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::{Payload, encode_individual};

    #[test]
    fn times_are_the_same_on_both_sides() {
        for other in [
            jiff::Timestamp::MIN,
            jiff::Timestamp::UNIX_EPOCH,
            jiff::Timestamp::MAX,
        ] {
            let time = Timestamp::from(other);
            assert_eq!(time.as_millis(), other.as_millisecond());
            let mut bytes = Vec::new();
            encode_individual::<wire::DateTime, _>(&other, None, &mut bytes).unwrap();
            let payload = Payload::parse(&bytes).unwrap();
            let back = payload.decode::<wire::DateTime, jiff::Timestamp>().unwrap();
            assert_eq!(back.as_millisecond(), other.as_millisecond());
        }
    }

    #[test]
    fn times_outside_of_jiffs_range_are_errors() {
        let mut bytes = Vec::new();
        encode_individual::<wire::DateTime, _>(&Timestamp::MIN, None, &mut bytes).unwrap();
        let payload = Payload::parse(&bytes).unwrap();
        let refused = payload.decode::<wire::DateTime, jiff::Timestamp>();
        assert!(matches!(refused, Err(DecodeError::Value { .. })));
    }
}
