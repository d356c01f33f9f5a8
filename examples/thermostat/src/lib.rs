//! The device of the example, apart from its program, so that tests can use it as well.

mod thermostat;

pub use thermostat::Thermostat;
