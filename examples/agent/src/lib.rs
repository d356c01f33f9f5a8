//! The agent, apart from its program, so that tests can use it as well.
//!
//! Each module reads, or changes, one thing of the machine; [`Agent`] says it to the cloud, and hears what the cloud
//! wants. What the machine has not is `None`, or nothing, and no error.

mod agent;
pub mod battery;
pub mod hardware;
pub mod leds;
pub mod location;
pub mod os;
pub mod ota;
pub mod storage;
pub mod telemetry;
pub mod wifi;

/// Everything of the folder `interfaces/`, compiled by `build.rs`.
pub mod interfaces {
    astarte_runtime::include_interfaces!();
}

pub use agent::{Agent, Report};
