//! Any octets as header lines and paths of a DAV request: read and judged.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| octroi_dav::fuzz_headers(input));
