//! Which Rust types carry which Astarte types.

mod decode;
mod encode;

pub use self::decode::Decode;
pub use self::encode::{BlobArray, Encode, StringArray};
