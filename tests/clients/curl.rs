//! curl and cadaver on documents and calendars: put, get, a range, list, copy, move, delete; an event byte for byte; what changed.

use crate::support::http::Http;
use crate::support::process::{Ran, run, run_in};
use crate::support::server::configured;
use crate::support::{Person, Server, shared, unique};
use std::fs;
use std::path::Path;

/// One request by curl; the output is the body and then the status by itself on the last line.
fn curl(server: &Server, person: &Person, path: &str, more: &[&str]) -> (String, u16) {
    let ran = try_curl(server, person, path, more).good();
    let (body, status) = ran.rsplit_once('\n').unwrap();
    (body.to_owned(), status.parse().unwrap())
}

fn try_curl(server: &Server, person: &Person, path: &str, more: &[&str]) -> Ran {
    let (url, user) = (server.url(path), format!("{}:{}", person.address, person.app_password));
    let certificate = server.certificate().to_str().unwrap();
    let mut arguments = vec!["--silent", "--show-error", "--cacert", certificate, "--user", &user, "--write-out", "\n%{http_code}"];
    arguments.extend_from_slice(more);
    arguments.push(&url);
    run("curl", &arguments)
}

const PROPFIND: &str =
    r#"<?xml version="1.0"?><propfind xmlns="DAV:"><prop><resourcetype/><getetag/><getcontentlength/></prop></propfind>"#;

#[test]
fn documents_by_curl() {
    let (server, folder) = (shared(), tempfile::tempdir().unwrap());
    let person = server.user(1);
    let home = format!("{}{}/", person.files, unique("curl"));
    let ask = |path: &str, more: &[&str]| curl(server, person, path, more);
    let file = folder.path().join("document.bin");
    let octets: Vec<u8> = (0..300_000_u32).map(|n| (n * 7 % 251) as u8).collect();
    fs::write(&file, &octets).unwrap();
    let upload = file.to_str().unwrap();

    assert_eq!(ask(&home, &["-X", "MKCOL"]).1, 201);
    assert_eq!(ask(&home, &["-X", "MKCOL"]).1, 405);
    let document = format!("{home}d%C3%A9claration%20n%C2%B0%201.bin");
    assert_eq!(ask(&document, &["-T", upload]).1, 201);
    assert_eq!(ask(&document, &["-T", upload]).1, 204);
    assert_eq!(ask(&document, &["-T", upload, "-H", "If-None-Match: *"]).1, 412);
    assert_eq!(ask(&document, &["-T", upload, "-H", "If-Match: \"not-this\""]).1, 412);

    let got = folder.path().join("got.bin");
    assert_eq!(ask(&document, &["-o", got.to_str().unwrap()]).1, 200);
    assert!(fs::read(&got).unwrap() == octets, "GET gives what was PUT");
    assert_eq!(ask(&document, &["-o", got.to_str().unwrap(), "--range", "1000-1999"]).1, 206);
    assert!(fs::read(&got).unwrap() == octets[1000..2000], "a range is that range");
    assert_eq!(ask(&document, &["-o", got.to_str().unwrap(), "--range", "-10"]).1, 206);
    assert!(fs::read(&got).unwrap() == octets[octets.len() - 10..]);
    assert_eq!(ask(&document, &["-o", got.to_str().unwrap(), "--range", "9000000-"]).1, 416);
    let (head, status) = ask(&document, &["--head"]);
    assert!(status == 200 && head.to_lowercase().contains("content-length: 300000"), "{head}");

    let (listing, status) = ask(&home, &["-X", "PROPFIND", "-H", "Depth: 1", "--data", PROPFIND]);
    assert_eq!(status, 207);
    assert!(listing.contains("d%C3%A9claration%20n%C2%B0%201.bin") && listing.contains("300000"), "{listing}");
    let (listing, status) = ask(&home, &["-X", "PROPFIND", "-H", "Depth: infinity", "--data", PROPFIND]);
    assert!(status == 403 && listing.contains("propfind-finite-depth"), "{status} {listing}");

    let copy = format!("Destination: {}", server.url(&format!("{home}copy.bin")));
    assert_eq!(ask(&document, &["-X", "COPY", "-H", &copy]).1, 201);
    assert_eq!(ask(&document, &["-X", "COPY", "-H", &copy, "-H", "Overwrite: F"]).1, 412);
    assert_eq!(ask(&document, &["-X", "COPY", "-H", &copy]).1, 204);
    let moved = format!("Destination: {}", server.url(&format!("{home}moved.bin")));
    assert_eq!(ask(&document, &["-X", "MOVE", "-H", &moved]).1, 201);
    assert_eq!(ask(&document, &[]).1, 404);
    assert_eq!(ask(&format!("{home}moved.bin"), &["-o", got.to_str().unwrap()]).1, 200);
    assert!(fs::read(&got).unwrap() == octets);

    assert_eq!(ask(&format!("{home}copy.bin"), &["-X", "DELETE"]).1, 204);
    assert_eq!(ask(&home, &["-X", "DELETE"]).1, 204);
    assert_eq!(ask(&format!("{home}moved.bin"), &[]).1, 404);
    assert_eq!(ask(&format!("{home}nowhere/x.bin"), &["-T", upload]).1, 409);
}

/// A conditional PUT by the ETag that was given: the second of two writers is told, not overwritten.
#[test]
fn a_lost_update_is_refused() {
    let (server, folder) = (shared(), tempfile::tempdir().unwrap());
    let person = server.user(1);
    let path = format!("{}{}.txt", person.files, unique("etag"));
    let file = folder.path().join("text");
    fs::write(&file, "one").unwrap();
    let upload = file.to_str().unwrap();
    let (head, _) = curl(server, person, &path, &["-T", upload, "-i"]);
    let etag = head.lines().find_map(|l| l.strip_prefix("etag: ").or_else(|| l.strip_prefix("ETag: "))).expect("an ETag").trim();
    let condition = format!("If-Match: {etag}");
    fs::write(&file, "two").unwrap();
    assert_eq!(curl(server, person, &path, &["-T", upload, "-H", &condition]).1, 204);
    fs::write(&file, "three").unwrap();
    assert_eq!(curl(server, person, &path, &["-T", upload, "-H", &condition]).1, 412);
    assert_eq!(curl(server, person, &path, &[]), ("two".to_owned(), 200));
}

/// Odd on purpose: folded lines, unknown properties, an order nobody would write; every octet must come back.
pub(super) fn event(uid: &str, summary: &str) -> String {
    format!(
        "BEGIN:VCALENDAR\r\nPRODID:-//Test//EN\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nX-ODD;X-P=\"a;b:c\":kept as it is\r\nSUMMARY:{summary}\r\n\
         UID:{uid}\r\nDTSTAMP:20261102T080000Z\r\nDTSTART:20261109T090000Z\r\nDTEND:20261109T100000Z\r\n\
         DESCRIPTION:A line that is folded in the middle of a w\r\n ord\\, with a comma\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
}

/// The address of the first calendar in a person's home.
fn calendar(server: &Server, person: &Person) -> String {
    let (listing, status) = curl(server, person, &person.calendars, &["-X", "PROPFIND", "-H", "Depth: 1", "--data", PROPFIND]);
    assert_eq!(status, 207, "{listing}");
    let responses = listing.split("response>").filter(|r| r.contains("calendar"));
    let hrefs = responses.filter_map(|r| Some(r.split("href>").nth(1)?.split('<').next()?.to_owned()));
    hrefs
        .filter(|href| href.as_str() != person.calendars)
        .find(|href| !href.contains('~'))
        .unwrap_or_else(|| panic!("no calendar: {listing}"))
}

#[test]
fn an_event_comes_back_byte_for_byte() {
    let (server, folder) = (shared(), tempfile::tempdir().unwrap());
    let person = server.user(2);
    let uid = unique("event");
    let path = format!("{}{uid}.ics", calendar(server, person));
    let text = event(&uid, "Contrôle du lot 7");
    let file = folder.path().join("event.ics");
    fs::write(&file, &text).unwrap();
    let type_header = "Content-Type: text/calendar; charset=utf-8";
    let put = ["-T", file.to_str().unwrap(), "-H", type_header];
    assert_eq!(curl(server, person, &path, &put).1, 201);
    let (got, status) = curl(server, person, &path, &[]);
    assert_eq!((got, status), (text, 200));
    fs::write(&file, "this is no calendar").unwrap();
    let (why, status) = curl(server, person, &path, &put);
    assert!(status == 403 && why.contains("valid-calendar-data"), "{status} {why}");
}

fn sync(server: &Server, person: &Person, path: &str, token: &str) -> (String, String) {
    let body = format!(
        r#"<?xml version="1.0"?><sync-collection xmlns="DAV:"><sync-token>{token}</sync-token><sync-level>1</sync-level><prop><getetag/></prop></sync-collection>"#
    );
    let (answer, status) = curl(server, person, path, &["-X", "REPORT", "-H", "Depth: 0", "--data", &body]);
    assert_eq!(status, 207, "{answer}");
    let token = answer.split("sync-token>").nth(1).unwrap().split('<').next().unwrap().to_owned();
    (answer, token)
}

#[test]
fn sync_collection_lists_what_changed() {
    let (server, folder) = (shared(), tempfile::tempdir().unwrap());
    let person = server.user(1);
    let home = format!("{}{}/", person.files, unique("sync"));
    let file = folder.path().join("text");
    let put = |name: &str, text: &str| {
        fs::write(&file, text).unwrap();
        assert!(matches!(curl(server, person, &format!("{home}{name}"), &["-T", file.to_str().unwrap()]).1, 201 | 204));
    };
    assert_eq!(curl(server, person, &home, &["-X", "MKCOL"]).1, 201);
    put("kept.txt", "a");
    put("changed.txt", "b");
    put("removed.txt", "c");
    let (all, first) = sync(server, person, &home, "");
    assert!(["kept.txt", "changed.txt", "removed.txt"].iter().all(|name| all.contains(name)), "{all}");

    let (nothing, same) = sync(server, person, &home, &first);
    assert!(!nothing.contains(".txt"), "{nothing}");
    assert_eq!(first, same, "nothing changed, so the token does not");
    put("changed.txt", "b2");
    put("new.txt", "d");
    assert_eq!(curl(server, person, &format!("{home}removed.txt"), &["-X", "DELETE"]).1, 204);
    let (changes, second) = sync(server, person, &home, &first);
    assert!(changes.contains("changed.txt") && changes.contains("new.txt") && !changes.contains("kept.txt"), "{changes}");
    let removed = changes.split("response>").find(|r| r.contains("removed.txt")).unwrap();
    assert!(removed.contains(" 404 "), "{removed}");
    assert_ne!(first, second);

    let body = "<sync-collection xmlns=\"DAV:\"><sync-token>urn:x:not-ours</sync-token><sync-level>1</sync-level><prop/></sync-collection>";
    let (why, status) = curl(server, person, &home, &["-X", "REPORT", "--data", body]);
    assert!(status == 403 && why.contains("valid-sync-token"), "{status} {why}");
}

/// What cadaver finds at home: who it is to log in as, and a document.
fn a_letter_to_put(home: &Path, person: &Person) {
    let netrc = format!("machine localhost login {} password {}\n", person.address, person.app_password);
    fs::write(home.join(".netrc"), netrc).unwrap();
    fs::write(home.join("letter.txt"), "A letter.\n").unwrap();
}

#[test]
fn documents_by_cadaver() {
    let (server, folder) = (shared(), tempfile::tempdir().unwrap());
    let person = server.user(2);
    let here = folder.path();
    a_letter_to_put(here, person);
    let name = unique("cadaver");
    // The first line answers the question about the certificate, which no public authority has signed. It is asked of a terminal only:
    // `script` gives it one.
    let script = format!(
        "y\nmkcol {name}\ncd {name}\nput letter.txt\nls\ncopy letter.txt second.txt\nmove second.txt third.txt\nget third.txt back.txt\n\
         set namespace urn:octroi:keyword\npropset third.txt Urgent 1\npropget third.txt Urgent\n\
         set namespace urn:any:thing\npropset third.txt Note kept\npropget third.txt Note\npropnames third.txt\npropdel third.txt Note\ndelete letter.txt\nls\ncd ..\nrmcol {name}\nquit\n"
    );
    let (home, command) = (here.to_str().unwrap(), format!("cadaver {}", server.url(&person.files)));
    let said = run_in(here, &[("HOME", home)], &script, "script", &["-qec", &command, "/dev/null"]).good();
    assert_eq!(fs::read_to_string(here.join("back.txt")).unwrap_or_else(|e| panic!("{e}: {said}")), "A letter.\n");
    assert!(said.contains("Value of Urgent is: 1") && said.contains("Value of Note is: kept"), "{said}");
    assert!(said.contains("third.txt") && !said.contains("failed"), "{said}");
    let (_, status) = curl(server, person, &format!("{}{name}/", person.files), &["-X", "PROPFIND", "-H", "Depth: 0", "--data", PROPFIND]);
    assert_eq!(status, 404);
}

/// cadaver locks, writes with the lock, and leaves; another time it finds the lock, takes it over and gives it back.
#[test]
fn locks_by_cadaver() {
    let (server, folder) = (shared(), tempfile::tempdir().unwrap());
    let person = server.user(2);
    let here = folder.path();
    a_letter_to_put(here, person);
    let (name, url) = (format!("{}.txt", unique("locked")), server.url(&person.files));
    let (home, command) = (here.to_str().unwrap(), format!("cadaver {url}"));
    let cadaver =
        |script: &str| run_in(here, &[("HOME", home)], &format!("y\n{script}quit\n"), "script", &["-qec", &command, "/dev/null"]).good();
    let put = || Http::new(server, person).request("PUT", &format!("{}{name}", person.files), &[], b"other\n").status;

    assert_eq!(put(), 201);
    let said = cadaver(&format!("lock {name}\nput letter.txt {name}\nshowlocks\n"));
    assert!(said.matches("succeeded").count() >= 2 && !said.contains("failed"), "{said}");
    assert_eq!(put(), 423, "{said}");
    let said = cadaver(&format!("put letter.txt {name}\n"));
    assert!(said.contains("423") || said.contains("Locked"), "{said}");
    let said = cadaver(&format!("discover {name}\nsteal {name}\nput letter.txt {name}\nunlock {name}\n"));
    assert!(said.contains("urn:uuid:") && said.contains("exclusive"), "{said}");
    assert!(!said.contains("failed"), "{said}");
    assert_eq!(put(), 204, "{said}");
}

/// cadaver's `history` asks for the tree of versions (RFC 3253 section 3.7) and lists it, the newest first.
#[test]
fn versions_by_cadaver() {
    let (server, folder) = (shared(), tempfile::tempdir().unwrap());
    let person = server.user(2);
    let here = folder.path();
    a_letter_to_put(here, person);
    fs::write(here.join("second.txt"), "Another letter.\n").unwrap();
    let name = format!("{}.txt", unique("history"));
    let put = format!("put letter.txt {name}\nput second.txt {name}\nput letter.txt {name}\n");
    let (home, command) = (here.to_str().unwrap(), format!("cadaver {}", server.url(&person.files)));
    let script = format!("y\n{put}history {name}\nquit\n");
    let said = run_in(here, &[("HOME", home)], &script, "script", &["-qec", &command, "/dev/null"]).good();
    assert!(said.contains("3 versions in history") && said.contains("<current>"), "{said}");
    let version = |bytes: &str| said.lines().any(|line| line.contains("/.versions/") && line.contains(&format!(" {bytes} ")));
    assert!(version("10") && version("16"), "{said}");
}

/// The answer to a large upload that is refused was lost under HTTP/2: the stream was cancelled with the body that nobody read.
#[test]
fn a_large_upload_that_is_refused_is_told_why() {
    let server = configured("[limits.dav]\ndocument_bytes_max = 2000000\n");
    let person = &server.people()[0];
    let folder = tempfile::tempdir().unwrap();
    let (file, answer) = (folder.path().join("large"), folder.path().join("answer"));
    std::fs::write(&file, vec![7u8; 30_000_000]).unwrap();
    let path = format!("/dav/files/{}/large", person.address);
    // From a pipe its length is unknown, so that it cannot be refused before it begins.
    for (version, source) in [("--http1.1", "-"), ("--http2", "-"), ("--http1.1", "FILE"), ("--http2", "FILE")] {
        let script = format!(
            "curl {version} --silent --cacert '{}' --user '{}:{}' --output '{}' --write-out '%{{http_code}}' --upload-file {} '{}' < '{}' || true",
            server.certificate().display(),
            person.address,
            person.app_password,
            answer.display(),
            source.replace("FILE", file.to_str().unwrap()),
            server.url(&path),
            file.display()
        );
        let said = run("sh", &["-c", &script]).good();
        assert!(said == "413" || said == "507", "{version} {source}: {said}");
        assert_eq!(Http::new(&server, person).request("GET", &path, &[], b"").status, 404);
    }
}
