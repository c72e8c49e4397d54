//! SMTP from other servers: see the library.
#![no_main]

use octroi_fuzz::{Kind, smtp};

libfuzzer_sys::fuzz_target!(|input: &[u8]| smtp(Kind::Inbound, input));
