//! Any octets as the XML body of a DAV request: read, judged, kept and told again.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| octroi_dav::fuzz_xml(input));
