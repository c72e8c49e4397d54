//! Submission by one of our people, logged in: see the library.
#![no_main]

use octroi_fuzz::{Kind, smtp};

libfuzzer_sys::fuzz_target!(|input: &[u8]| smtp(Kind::Submission, input));
