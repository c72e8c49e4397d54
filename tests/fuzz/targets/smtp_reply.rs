//! Octets to the replies of a server that our mail goes to, and those into notifications.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| octroi_smtp::fuzz_replies(input));
