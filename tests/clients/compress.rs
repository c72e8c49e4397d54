//! IMAP through zlib: Python's, which is not ours.

use crate::support::process::run;
use crate::support::shared;
use std::path::Path;

/// Large messages both ways, news in IDLE, a bomb, and a stream that is none.
#[test]
fn a_session_goes_on_compressed() {
    let server = shared();
    let person = server.user(4);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/compress_client.py");
    let certificate = server.certificate().to_str().unwrap();
    let arguments = [script.to_str().unwrap(), server.address("imaps"), certificate, &person.address, &person.app_password];
    let said = run("python3", &arguments).good();
    assert!(said.contains("all is well"), "{said}");
}
