//! LMTP from a front server: see the library.
#![no_main]

use octroi_fuzz::{Kind, smtp};

libfuzzer_sys::fuzz_target!(|input: &[u8]| smtp(Kind::Lmtp, input));
