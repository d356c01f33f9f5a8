//! A list of the properties that are set, from the server.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|payload: &[u8]| astarte_runtime::fuzz::property_list(payload));
