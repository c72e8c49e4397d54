//! IMAP in the state [`State::Selected`]: see the library.
#![no_main]

use octroi_fuzz::{State, imap};

libfuzzer_sys::fuzz_target!(|input: &[u8]| imap(State::Selected, input));
