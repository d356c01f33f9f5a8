//! `chrono`: points in time.

use chrono::{DateTime, TimeZone, Utc};

use crate::{
    Decode, Encode, Timestamp, TimestampError, ValueError,
    error::DecodeError,
    payload::{RawValue, ValueWriter},
    wire,
};

/// Cut to milliseconds.
impl<Tz: TimeZone> TryFrom<DateTime<Tz>> for Timestamp {
    type Error = TimestampError;

    fn try_from(time: DateTime<Tz>) -> Result<Self, Self::Error> {
        Self::from_millis(time.timestamp_millis())
    }
}

impl From<Timestamp> for DateTime<Utc> {
    fn from(time: Timestamp) -> Self {
        // Years -9999 to 9999 are within those of chrono, which has 260 000 on each side.
        Self::from_timestamp_millis(time.as_millis()).unwrap_or(Self::MAX_UTC)
    }
}

impl<Tz: TimeZone> Encode<wire::DateTime> for DateTime<Tz> {
    fn encode(&self, out: &mut ValueWriter<'_>) -> Result<(), ValueError> {
        Timestamp::from_millis(self.timestamp_millis())?.encode(out)
    }
}

impl Decode<wire::DateTime> for DateTime<Utc> {
    fn decode(value: RawValue<'_>) -> Result<Self, DecodeError> {
        Timestamp::decode(value).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::{Payload, encode_individual};

    #[test]
    fn times_are_the_same_on_both_sides() {
        for millis in [
            Timestamp::MIN.as_millis(),
            -1,
            0,
            1_537_449_422_890,
            Timestamp::MAX.as_millis(),
        ] {
            let time = Timestamp::from_millis(millis).unwrap();
            let other = DateTime::<Utc>::from(time);
            assert_eq!(other.timestamp_millis(), millis);
            assert_eq!(Timestamp::try_from(other), Ok(time));
            let mut bytes = Vec::new();
            encode_individual::<wire::DateTime, _>(&other, None, &mut bytes).unwrap();
            let payload = Payload::parse(&bytes).unwrap();
            assert_eq!(payload.decode::<wire::DateTime, _>(), Ok(other));
        }
    }

    #[test]
    fn times_that_astarte_refuses_are_errors() {
        assert!(Timestamp::try_from(DateTime::<Utc>::MAX_UTC).is_err());
        let sent = encode_individual::<wire::DateTime, _>(
            &DateTime::<Utc>::MIN_UTC,
            None,
            &mut Vec::new(),
        );
        assert!(matches!(sent, Err(ValueError::Time(_))));
    }
}
