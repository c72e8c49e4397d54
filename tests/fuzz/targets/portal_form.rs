//! Any octets as a form that sends files: cut in any way, and written as browsers do.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| octroi_portal::fuzz_form(input));
