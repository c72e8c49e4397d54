//! ManageSieve by somebody who is logged in: see the library.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| octroi_fuzz::managesieve(input));
