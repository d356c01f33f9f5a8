//! What the processes of the benchmark have in common.

mod allocations;
mod case;
mod meter;
mod site;

pub use allocations::Counting;
pub use case::{Case, Direction, MILLIS};
pub use meter::{Meter, Reading};
pub use site::Site;

/// What everything here returns.
pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;
