//! A certificate in DER, as the pairing API gives it and as it lies on the disk.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|der: &[u8]| astarte_runtime::fuzz::certificate(der));
