//! Octets to IMAP commands and nothing behind it: many times as quick as a connection.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| octroi_imap::fuzz_command(input));
