//! Who the device is.
