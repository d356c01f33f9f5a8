//! What can be sent.

use crate::{
    Timestamp,
    error::ValueError,
    payload::{ArrayWriter, ValueWriter},
    wire::{self, Wire},
};

/// A type that can be sent as the Astarte type `W`.
///
/// A type of your own passes on to the one it wraps:
///
/// ```
/// use astarte_runtime::{Encode, ValueError, payload::ValueWriter, wire};
///
/// struct Celsius(f64);
///
/// impl Encode<wire::Double> for Celsius {
///     fn encode(&self, out: &mut ValueWriter<'_>) -> Result<(), ValueError> {
///         self.0.encode(out)
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be sent as `{W}`",
    label = "not a value of this type",
    note = "see `astarte_runtime::wire` for the Rust type of each Astarte type"
)]
pub trait Encode<W: Wire> {
    /// Writes the value.
    ///
    /// # Errors
    ///
    /// - Astarte refuses the value: see [`ValueError`].
    fn encode(&self, out: &mut ValueWriter<'_>) -> Result<(), ValueError>;
}

#[diagnostic::do_not_recommend]
impl<W: Wire, T: Encode<W> + ?Sized> Encode<W> for &T {
    fn encode(&self, out: &mut ValueWriter<'_>) -> Result<(), ValueError> {
        T::encode(self, out)
    }
}

macro_rules! scalars {
    ($($ty:ty => $wire:ident: |$value:ident, $out:ident| $write:expr;)*) => {$(
        impl Encode<wire::$wire> for $ty {
            #[inline]
            fn encode(&self, $out: &mut ValueWriter<'_>) -> Result<(), ValueError> {
                let $value = self;
                $write
            }
        }
    )*};
}

scalars! {
    bool => Boolean: |value, out| { out.boolean(*value); Ok(()) };
    f64 => Double: |value, out| out.double(*value);
    i32 => Integer: |value, out| out.integer(*value);
    i64 => LongInteger: |value, out| out.long_integer(*value);
    Timestamp => DateTime: |value, out| { out.date_time(*value); Ok(()) };
    str => String: |value, out| out.string(value);
    String => String: |value, out| out.string(value);
    [u8] => BinaryBlob: |value, out| out.blob(value);
    Vec<u8> => BinaryBlob: |value, out| out.blob(value);
}

impl<const N: usize> Encode<wire::BinaryBlob> for [u8; N] {
    fn encode(&self, out: &mut ValueWriter<'_>) -> Result<(), ValueError> {
        out.blob(self)
    }
}

macro_rules! arrays {
    ($($array:ident of $wire:ident)*) => {$(
        impl<T: Encode<wire::$wire>> Encode<wire::$array> for [T] {
            fn encode(&self, out: &mut ValueWriter<'_>) -> Result<(), ValueError> {
                out.array(|array| self.iter().try_for_each(|item| array.item(item)))
            }
        }

        #[diagnostic::do_not_recommend]
        impl<T: Encode<wire::$wire>> Encode<wire::$array> for Vec<T> {
            fn encode(&self, out: &mut ValueWriter<'_>) -> Result<(), ValueError> {
                self.as_slice().encode(out)
            }
        }

        #[diagnostic::do_not_recommend]
        impl<T: Encode<wire::$wire>, const N: usize> Encode<wire::$array> for [T; N] {
            fn encode(&self, out: &mut ValueWriter<'_>) -> Result<(), ValueError> {
                self.as_slice().encode(out)
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

/// A sequence of strings, whatever it is made of: `&Vec<String>` and `&["a", "b"]` both serve as `&dyn StringArray`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be sent as a `stringarray`",
    label = "not a sequence of strings",
    note = "pass a reference to a `Vec` or an array of strings; of a slice `s: &[String]`, pass `&s`"
)]
pub trait StringArray: Sync {
    /// Writes each string.
    ///
    /// # Errors
    ///
    /// - A string is longer than 65 536 bytes.
    fn write(&self, array: &mut ArrayWriter<'_>) -> Result<(), ValueError>;
}

/// A sequence of blobs, whatever it is made of: `&Vec<Vec<u8>>` and `&[b"ab", b"cd"]` both serve as `&dyn BlobArray`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be sent as a `binaryblobarray`",
    label = "not a sequence of blobs",
    note = "pass a reference to a `Vec` or an array of byte sequences"
)]
pub trait BlobArray: Sync {
    /// Writes each blob.
    ///
    /// # Errors
    ///
    /// - A blob is longer than 65 536 bytes.
    fn write(&self, array: &mut ArrayWriter<'_>) -> Result<(), ValueError>;
}

macro_rules! sequences {
    ($array:ident as $wire:ident, $item:ty, $write:ident) => {
        impl Encode<wire::$wire> for dyn $array + '_ {
            fn encode(&self, out: &mut ValueWriter<'_>) -> Result<(), ValueError> {
                out.array(|array| self.write(array))
            }
        }

        #[diagnostic::do_not_recommend]
        impl<S: AsRef<$item> + Sync> $array for [S] {
            fn write(&self, array: &mut ArrayWriter<'_>) -> Result<(), ValueError> {
                self.iter().try_for_each(|item| array.$write(item.as_ref()))
            }
        }

        #[diagnostic::do_not_recommend]
        impl<S: AsRef<$item> + Sync, const N: usize> $array for [S; N] {
            fn write(&self, array: &mut ArrayWriter<'_>) -> Result<(), ValueError> {
                $array::write(self.as_slice(), array)
            }
        }

        #[diagnostic::do_not_recommend]
        impl<S: AsRef<$item> + Sync> $array for Vec<S> {
            fn write(&self, array: &mut ArrayWriter<'_>) -> Result<(), ValueError> {
                $array::write(self.as_slice(), array)
            }
        }

        #[diagnostic::do_not_recommend]
        impl<T: $array + ?Sized> $array for &T {
            fn write(&self, array: &mut ArrayWriter<'_>) -> Result<(), ValueError> {
                T::write(self, array)
            }
        }
    };
}

sequences!(StringArray as StringArray, str, string);
sequences!(BlobArray as BinaryBlobArray, [u8], blob);
