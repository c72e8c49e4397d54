//! Any octets are a message: what the tests of the codec check, and that texts for searching are bounded by their message.
#![no_main]

#[path = "../../../protocols/mime/tests/messages/holds.rs"]
mod holds;
#[path = "../../../protocols/mime/tests/messages/reader.rs"]
mod reader;

libfuzzer_sys::fuzz_target!(|input: &[u8]| holds::check(input));
