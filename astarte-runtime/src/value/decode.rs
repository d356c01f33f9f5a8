//! What can be received.

use core::fmt::Display;

use crate::{
    Endpoint, Interface, Timestamp,
    error::DecodeError,
    payload::{Payload, RawValue},
    wire::{self, Wire},
};

/// A type that the Astarte type `W` can be received as.
#[diagnostic::on_unimplemented(
    message = "`{W}` cannot be received as `{Self}`",
    label = "not a type for this value",
    note = "see `astarte_runtime::wire` for the Rust type of each Astarte type"
)]
pub trait Decode<W: Wire>: Sized {
    /// Reads the value.
    ///
    /// # Errors
    ///
    /// - The value is of another type, or out of range.
    fn decode(value: RawValue<'_>) -> Result<Self, DecodeError>;
}

macro_rules! scalars {
    ($($ty:ty => $wire:ident: $read:expr;)*) => {$(
        impl Decode<wire::$wire> for $ty {
            #[inline]
            fn decode(value: RawValue<'_>) -> Result<Self, DecodeError> {
                $read(value)
            }
        }
    )*};
}

scalars! {
    bool => Boolean: RawValue::boolean;
    f64 => Double: RawValue::double;
    i32 => Integer: RawValue::integer;
    i64 => LongInteger: RawValue::long_integer;
    Timestamp => DateTime: RawValue::timestamp;
    String => String: |value: RawValue<'_>| value.string().map(str::to_owned);
    Vec<u8> => BinaryBlob: |value: RawValue<'_>| value.blob().map(<[u8]>::to_vec);
}

macro_rules! arrays {
    ($($array:ident of $wire:ident)*) => {$(
        impl<T: Decode<wire::$wire>> Decode<wire::$array> for Vec<T> {
            fn decode(value: RawValue<'_>) -> Result<Self, DecodeError> {
                value.array(wire::$array::TYPE.name())?.map(|item| T::decode(item?)).collect()
            }
        }
    )*};
}

arrays! {
    BinaryBlobArray of BinaryBlob
    BooleanArray of Boolean
    DateTimeArray of DateTime
    DoubleArray of Double
    IntegerArray of Integer
    LongIntegerArray of LongInteger
    StringArray of String
}

// For what the derives and the generator write.

impl<'a> RawValue<'a> {
    #[doc(hidden)]
    pub fn text(self) -> Result<&'a str, DecodeError> {
        self.string()
    }
}

impl DecodeError {
    #[doc(hidden)]
    pub fn unknown_value(
        expected: &'static str,
        found: &dyn Display,
        known: &[&dyn Display],
    ) -> Self {
        let known: Vec<String> = known.iter().map(|value| format!("`{value}`")).collect();
        Self::Value {
            expected,
            reason: format!("`{found}` is none of {}", known.join(", ")),
        }
    }
}

impl Payload<'_> {
    #[doc(hidden)]
    pub fn decode_of<I: Interface, E: Endpoint<I>>(&self, _: &E) -> Result<E::Owned, DecodeError> {
        self.decode::<E::Wire, _>()
    }

    #[doc(hidden)]
    pub fn decode_optional_of<I: Interface, E: Endpoint<I>>(
        &self,
        _: &E,
    ) -> Result<Option<E::Owned>, DecodeError> {
        self.decode_optional::<E::Wire, _>()
    }
}
