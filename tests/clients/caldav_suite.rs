//! The functional tests that the python caldav library brings along for servers, all but one.
//!
//! Left out is `testPrincipals`: it asks for properties outside of `DAV:prop`, where RFC 3744 section 9.4 has them, and so gets none. The suite
//! itself steps over two: one needs a program of theirs that is not published with it, one is for servers that tell nobody's address.

use crate::support::Server;
use crate::support::process::run_in;
use std::fs;
use std::path::Path;

/// Where `./test` unpacks the library's source.
const SOURCE: &str = "target/caldav-3.6.0";

#[test]
fn the_library_finds_what_it_needs() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let source = top.join(SOURCE).join("tests");
    assert!(source.exists(), "{} is missing; ./test fetches it", source.display());
    let folder = tempfile::tempdir().unwrap();
    copy(&source, &folder.path().join("tests"));
    // A server of its own: the tests take its calendars for theirs.
    let server = Server::demo();
    let person = server.user(1);
    let servers = format!(
        "test-servers:\n  radicale:\n    type: embedded\n    enabled: false\n  xandikos:\n    type: embedded\n    enabled: false\n  octroi:\n    \
         type: external\n    enabled: true\n    url: {}\n    username: {}\n    password: {}\n    ssl_verify_cert: {}\n",
        server.url("/"),
        person.address,
        person.app_password,
        server.certificate().display()
    );
    fs::write(folder.path().join("tests/caldav_test_servers.yaml"), servers).unwrap();
    let home = folder.path().to_str().unwrap();
    let variables =
        [("PYTHON_CALDAV_TEST_EMBEDDED", "0"), ("PYTHON_CALDAV_TEST_DOCKER", "0"), ("HOME", home), ("PYTHONDONTWRITEBYTECODE", "1")];
    let python = top.join(".venv/bin/python");
    let pytest =
        ["-m", "pytest", "-c", "/dev/null", "--rootdir=.", "-o", "asyncio_default_fixture_loop_scope=function", "-q", "--tb=short"];
    let which = ["-p", "no:cacheprovider", "-W", "ignore", "-k", "octroi and not testPrincipals", "tests/test_caldav.py"];
    let said = run_in(folder.path(), &variables, "", python.to_str().unwrap(), &[&pytest[..], &which[..]].concat()).good();
    let passed: usize =
        said.split(" passed").next().and_then(|before| before.rsplit([' ', '\n']).next()).and_then(|n| n.parse().ok()).unwrap();
    assert!(passed >= 60, "{said}");
}

/// A folder with all below it.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if source.is_dir() { copy(&source, &target) } else { fs::copy(&source, &target).map(drop).unwrap() }
    }
}
