//! Packets of a broker that sends anything, over several links of one session.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| astarte_runtime::fuzz::packets(data));
