use super::{Value, ValueError};
use crate::types::MappingType;

/// A value that is no array, borrowed; integers of both widths are one.
#[derive(Clone, Copy, Debug)]
pub(super) enum Scalar<'v> {
    Double(f64),
    Integer(i64),
    Boolean(bool),
    String(&'v str),
    Blob(&'v [u8]),
    DateTime(i64),
}

/// Where a scalar stands: the server is lenient about text and bytes, but not in the same way.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Context {
    Alone,
    Item,
}

impl<'v> Scalar<'v> {
    pub(super) fn check(self, expected: MappingType, context: Context) -> Result<(), ValueError> {
        use MappingType as T;
        match (expected, self) {
            (T::Double, Scalar::Double(value)) if !value.is_finite() => Err(ValueError::NotFinite),
            (T::Double, Scalar::Double(_) | Scalar::Integer(_))
            | (T::Boolean, Scalar::Boolean(_))
            | (T::DateTime, Scalar::Integer(_)) => Ok(()),
            (T::Integer | T::LongInteger, Scalar::Integer(value)) => check_integer(expected, value),
            (T::String, Scalar::String(value)) => check_size(value.len()),
            (T::String, Scalar::Blob(value)) if context == Context::Alone => {
                check_size(value.len())?;
                std::str::from_utf8(value)
                    .map(drop)
                    .map_err(|_| ValueError::NotUtf8)
            }
            (T::BinaryBlob, Scalar::Blob(value)) => check_size(value.len()),
            (T::BinaryBlob, Scalar::String(value)) if context == Context::Item => {
                check_size(value.len())
            }
            (T::DateTime, Scalar::DateTime(value)) => check_date_time(value),
            _ => Err(ValueError::Type {
                expected,
                found: self.value_type(),
            }),
        }
    }

    /// The value in the variant of the type; `Err(None)` where it has none.
    pub(super) fn convert(self, value_type: MappingType) -> Result<Value, Option<ValueError>> {
        Ok(match value_type {
            MappingType::Double => Value::Double(self.double()?),
            MappingType::Integer => Value::Integer(self.integer()?),
            MappingType::LongInteger => Value::LongInteger(self.long_integer()?),
            MappingType::Boolean => Value::Boolean(self.boolean()?),
            MappingType::String => Value::String(self.string()?),
            MappingType::BinaryBlob => Value::BinaryBlob(self.blob()?),
            MappingType::DateTime => Value::DateTime(self.date_time()?),
            _ => return Err(None),
        })
    }

    fn double(self) -> Result<f64, Option<ValueError>> {
        match self {
            Scalar::Double(value) => Ok(value),
            // The nearest double is what a JSON number of that size would be, too.
            Scalar::Integer(value) => Ok(value as f64),
            _ => Err(None),
        }
    }

    fn integer(self) -> Result<i32, Option<ValueError>> {
        self.long_integer()
            .and_then(|value| i32::try_from(value).map_err(|_| None))
    }

    fn long_integer(self) -> Result<i64, Option<ValueError>> {
        match self {
            Scalar::Integer(value) => Ok(value),
            _ => Err(None),
        }
    }

    fn boolean(self) -> Result<bool, Option<ValueError>> {
        match self {
            Scalar::Boolean(value) => Ok(value),
            _ => Err(None),
        }
    }

    fn string(self) -> Result<String, Option<ValueError>> {
        match self {
            Scalar::String(value) => Ok(value.to_owned()),
            Scalar::Blob(value) => String::from_utf8(value.to_vec()).map_err(|_| None),
            _ => Err(None),
        }
    }

    fn blob(self) -> Result<Vec<u8>, Option<ValueError>> {
        match self {
            Scalar::Blob(value) => Ok(value.to_vec()),
            Scalar::String(value) => Ok(value.as_bytes().to_vec()),
            _ => Err(None),
        }
    }

    fn date_time(self) -> Result<i64, Option<ValueError>> {
        match self {
            Scalar::DateTime(value) => Ok(value),
            Scalar::Integer(value) => check_date_time(value).map(|()| value).map_err(Some),
            _ => Err(None),
        }
    }

    fn value_type(self) -> MappingType {
        match self {
            Scalar::Double(_) => MappingType::Double,
            Scalar::Integer(value) if i32::try_from(value).is_ok() => MappingType::Integer,
            Scalar::Integer(_) => MappingType::LongInteger,
            Scalar::Boolean(_) => MappingType::Boolean,
            Scalar::String(_) => MappingType::String,
            Scalar::Blob(_) => MappingType::BinaryBlob,
            Scalar::DateTime(_) => MappingType::DateTime,
        }
    }
}

/// The array in the variant of the type; `Err(None)` where it has none.
pub(super) fn convert_items(
    items: &[Scalar<'_>],
    value_type: MappingType,
) -> Result<Value, Option<ValueError>> {
    Ok(match value_type {
        MappingType::DoubleArray => Value::DoubleArray(all(items, Scalar::double)?),
        MappingType::IntegerArray => Value::IntegerArray(all(items, Scalar::integer)?),
        MappingType::BooleanArray => Value::BooleanArray(all(items, Scalar::boolean)?),
        MappingType::LongIntegerArray => Value::LongIntegerArray(all(items, Scalar::long_integer)?),
        MappingType::StringArray => Value::StringArray(all(items, Scalar::string)?),
        MappingType::BinaryBlobArray => Value::BinaryBlobArray(all(items, Scalar::blob)?),
        MappingType::DateTimeArray => Value::DateTimeArray(all(items, Scalar::date_time)?),
        _ => return Err(None),
    })
}

fn all<'v, T>(
    items: &[Scalar<'v>],
    one: impl Fn(Scalar<'v>) -> Result<T, Option<ValueError>>,
) -> Result<Vec<T>, Option<ValueError>> {
    let items = items.iter().enumerate().map(|(index, item)| {
        one(*item).map_err(|error| {
            error.map(|error| ValueError::Item {
                index,
                error: Box::new(error),
            })
        })
    });
    items.collect()
}

/// The server compares absolute values, so that the least integers of both widths are refused.
fn check_integer(expected: MappingType, value: i64) -> Result<(), ValueError> {
    let limit = match expected {
        MappingType::Integer => i64::from(i32::MAX),
        _ => i64::MAX,
    };
    match (-limit..=limit).contains(&value) {
        true => Ok(()),
        false => Err(ValueError::IntegerRange { expected, value }),
    }
}

fn check_size(bytes: usize) -> Result<(), ValueError> {
    match bytes <= Value::MAX_BYTES {
        true => Ok(()),
        false => Err(ValueError::TooLarge { bytes }),
    }
}

fn check_date_time(milliseconds: i64) -> Result<(), ValueError> {
    match DATE_TIMES.contains(&milliseconds) {
        true => Ok(()),
        false => Err(ValueError::DateTimeRange { milliseconds }),
    }
}

/// Milliseconds from -9999-01-01T00:00:00Z to 9999-12-31T23:59:59.999Z: the calendar of the
/// server's language.
const DATE_TIMES: std::ops::RangeInclusive<i64> = -377_705_116_800_000..=253_402_300_799_999;
