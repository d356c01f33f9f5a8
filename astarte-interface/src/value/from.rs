//! Values from the types of Rust that have one meaning.

use super::Value;

macro_rules! from {
    ($($source:ty => $variant:ident),+ $(,)?) => {
        $(impl From<$source> for Value {
            fn from(value: $source) -> Value {
                Value::$variant(value.into())
            }
        })+
    };
}

from! {
    bool => Boolean,
    f64 => Double,
    i32 => Integer,
    i64 => LongInteger,
    &str => String,
    String => String,
    &[u8] => BinaryBlob,
    Vec<u8> => BinaryBlob,
    Vec<bool> => BooleanArray,
    Vec<f64> => DoubleArray,
    Vec<i32> => IntegerArray,
    Vec<i64> => LongIntegerArray,
    Vec<String> => StringArray,
    Vec<Vec<u8>> => BinaryBlobArray,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_has_the_type_that_it_has_in_rust() {
        assert_eq!(Value::from(1), Value::Integer(1));
        assert_eq!(Value::from(1_i64), Value::LongInteger(1));
        assert_eq!(Value::from(1.0), Value::Double(1.0));
        assert_eq!(Value::from("on"), Value::String("on".to_owned()));
        assert_eq!(
            Value::from(b"on".as_slice()),
            Value::BinaryBlob(b"on".to_vec())
        );
        assert_eq!(Value::from(vec![1, 2]), Value::IntegerArray(vec![1, 2]));
    }
}
