//! Documents in the portal as a browser without scripts uses them (curl with a cookie jar): what works, and what must not.

use crate::admin::octroi;
use crate::bodies::{GROWTH_KIB, large_file, large_files, most_memory, resident};
use crate::portal::{Browser, MAIN, between, newcomer_as};
use crate::support::http::Http;
use crate::support::server::{configured, configured_with_profiles, plain_profile};
use crate::support::{Server, eventually, shared, unique};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const FILES: &str = "/portal/files/";

/// Somebody new with a fresh second factor, and their browser at their documents.
fn somebody<'a>(server: &'a Server, profile: &str) -> (Browser<'a>, String) {
    let address = newcomer_as(server, profile);
    let mut browser = Browser::open(server);
    browser.send("/portal/sign-in", &[("address", &address), ("password", MAIN)]);
    browser.enrol();
    browser.go(FILES);
    assert!(browser.page.contains("<h1>Documents</h1>"), "{}", browser.page);
    (browser, address)
}

/// A file on this machine.
fn written(folder: &Path, text: &[u8]) -> PathBuf {
    let path = folder.join(unique("sent"));
    fs::write(&path, text).unwrap();
    path
}

/// Send files by the form of the page that is shown: path here, name there.
fn send(browser: &mut Browser<'_>, path: &str, replace: bool, files: &[(&Path, &str)]) {
    let token = between(&browser.page, "name=\"token\" value=\"", "\"").to_owned();
    send_with(browser, path, &[("token", &token), ("replace", if replace { "1" } else { "" })], files);
}

fn send_with(browser: &mut Browser<'_>, path: &str, fields: &[(&str, &str)], files: &[(&Path, &str)]) {
    let fields = fields.iter().map(|(name, value)| format!("{name}={value}"));
    let files = files.iter().map(|(file, name)| format!("file=@{};filename=\"{}\"", file.display(), name.replace('"', "\\\"")));
    let parts: Vec<String> = fields.chain(files).collect();
    let mut more: Vec<&str> = parts.iter().flat_map(|part| ["--form", part.as_str()]).collect();
    more.extend(["--write-out", "\nSTATUS %{http_code}"]);
    browser.curl(path, &more);
}

/// A request as it is, with its status and headers in front.
fn plain(browser: &mut Browser<'_>, path: &str, more: &[&str]) -> String {
    browser.curl(path, &[&["--include", "--path-as-is", "--no-location"], more].concat());
    browser.page.clone()
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or_default()
}

#[test]
fn documents_are_sent_seen_fetched_renamed_and_brought_back() {
    let (server, folder) = (shared(), tempfile::tempdir().unwrap());
    let (mut browser, address) = somebody(server, "plain");
    browser.send(FILES, &[("act", "folder"), ("folder", "Été & Co")]);
    assert!(browser.page.contains("role=\"status\"") && browser.page.contains("Été &amp; Co"), "{}", browser.page);
    let at = "/portal/files/%C3%89t%C3%A9%20%26%20Co/";
    browser.go(at);
    let (one, two) = (written(folder.path(), b"one"), written(folder.path(), b"number two"));
    send(&mut browser, at, false, &[(&one, "a.docx"), (&two, "b.txt")]);
    assert!(
        browser.page.contains("role=\"status\"") && browser.page.contains(">a.docx<") && browser.page.contains(">10 B<"),
        "{}",
        browser.page
    );
    for link in ["ms-word:ofe|u|https://", "vnd.libreoffice.command:ofe|u|https://"] {
        assert!(browser.page.contains(link), "{link}: {}", browser.page);
    }
    let url = format!("{}/dav/files/{address}/%C3%89t%C3%A9%20%26%20Co/a.docx\"", server.url(""));
    assert!(browser.page.contains(&url), "{url}: {}", browser.page);

    // Nothing is replaced by accident, and what is replaced is a version.
    send(&mut browser, at, false, &[(&two, "a.docx")]);
    assert!(browser.page.contains("id=\"file-fault\"") && browser.page.ends_with("STATUS 403"), "{}", browser.page);
    browser.go(&format!("{at}a.docx"));
    assert_eq!(browser.page, "one");
    browser.go(at);
    send(&mut browser, at, true, &[(&two, "a.docx")]);
    assert!(browser.page.contains("role=\"status\""), "{}", browser.page);
    browser.go(&format!("{at}a.docx"));
    assert_eq!(browser.page, "number two");
    browser.go(&format!("{at}a.docx?view=versions"));
    let version = between(&browser.page, "name=\"version\" value=\"", "\"").to_owned();
    browser.send(&format!("{at}a.docx"), &[("act", "version"), ("version", &version)]);
    browser.go(&format!("{at}a.docx"));
    assert_eq!(browser.page, "one");

    // Another name, which is not one that is taken.
    browser.go(&format!("{at}a.docx?view=rename"));
    browser.send(&format!("{at}a.docx"), &[("act", "rename"), ("name", "b.txt")]);
    assert!(browser.page.contains("id=\"name-fault\""), "{}", browser.page);
    browser.send(&format!("{at}a.docx"), &[("act", "rename"), ("name", "c/../x")]);
    assert!(browser.page.contains("id=\"name-fault\""), "{}", browser.page);
    browser.send(&format!("{at}a.docx"), &[("act", "rename"), ("name", "c.docx")]);
    assert!(browser.page.contains(">c.docx<") && !browser.page.contains(">a.docx<"), "{}", browser.page);
    browser.go(&format!("{at}?view=rename"));
    browser.send(at, &[("act", "rename"), ("name", "Actes 1")]);
    assert!(browser.page.contains(">Actes 1<"), "{}", browser.page);

    // Into the trash after a question, and back.
    browser.go("/portal/files/Actes%201/?view=remove");
    assert!(browser.page.contains("with all that is in it") && browser.page.contains("name=\"act\" value=\"remove\""), "{}", browser.page);
    browser.send("/portal/files/Actes%201/", &[("act", "remove")]);
    assert!(browser.page.contains("There is nothing here"), "{}", browser.page);
    browser.go("/portal/trash");
    assert!(browser.page.contains("Actes 1") && browser.page.contains(&address.replace('@', "<wbr>@")), "{}", browser.page);
    browser.send("/portal/trash", &[("act", "back"), ("path", "Actes 1")]);
    assert!(browser.page.contains("The trash is empty"), "{}", browser.page);
    browser.go("/portal/files/Actes%201/c.docx");
    assert_eq!(browser.page, "one");
    browser.go("/portal/files/Actes%201/c.docx?view=remove");
    browser.send("/portal/files/Actes%201/c.docx", &[("act", "remove")]);
    browser.go("/portal/trash?gone=Actes%201%2Fc.docx");
    browser.send("/portal/trash", &[("act", "gone"), ("path", "Actes 1/c.docx")]);
    assert!(browser.page.contains("gone for good") && browser.page.contains("The trash is empty"), "{}", browser.page);
}

/// Stored XSS: what somebody puts there is text in pages, and a download that no browser runs.
#[test]
fn what_is_uploaded_runs_nowhere() {
    let (server, folder) = (shared(), tempfile::tempdir().unwrap());
    let (mut browser, _) = somebody(server, "plain");
    let evil = "<img src=x onerror=alert(1)>\"'&.html";
    let page = written(folder.path(), b"<!DOCTYPE html><script>fetch('/portal/')</script>");
    send(&mut browser, FILES, false, &[(&page, evil), (&page, "a.svg"), (&page, "a.js")]);
    assert!(browser.page.contains("role=\"status\""), "{}", browser.page);
    assert!(browser.page.contains("&lt;img src=x onerror=alert(1)&gt;&quot;") && !browser.page.contains("<img"), "{}", browser.page);
    browser.send(FILES, &[("act", "folder"), ("folder", "<script>alert(2)</script>")]);
    assert!(browser.page.contains("id=\"folder-fault\"") && !browser.page.contains("<script"), "a slash is in no name: {}", browser.page);
    browser.send(FILES, &[("act", "folder"), ("folder", "\"><script>alert(2)")]);
    assert!(browser.page.contains("&lt;script&gt;alert(2)") && !browser.page.contains("<script"), "{}", browser.page);
    browser.go("/portal/files/%22%3E%3Cscript%3Ealert%282%29/");
    assert!(browser.page.contains("&lt;script&gt;alert(2)") && !browser.page.contains("<script"), "{}", browser.page);
    for name in ["%3Cimg%20src%3Dx%20onerror%3Dalert%281%29%3E%22%27%26.html", "a.svg", "a.js"] {
        let answer = plain(&mut browser, &format!("{FILES}{name}"), &[]);
        let head = answer.split("\r\n\r\n").next().unwrap().to_ascii_lowercase();
        for line in [
            "content-type: application/octet-stream",
            "x-content-type-options: nosniff",
            "cross-origin-resource-policy: same-origin",
            "cache-control: no-store",
        ] {
            assert!(head.contains(line), "{line}: {head}");
        }
        assert!(head.contains("content-disposition: attachment; filename="), "{head}");
        let policy = head.lines().find(|line| line.starts_with("content-security-policy:")).unwrap();
        assert!(policy.contains("sandbox") && policy.contains("default-src 'none'") && !policy.contains("allow-"), "{policy}");
        assert!(answer.contains("<script>fetch"), "and what is fetched is what was sent");
    }
}

#[test]
fn paths_do_not_climb_and_others_have_nothing_here() {
    let (server, folder) = (shared(), tempfile::tempdir().unwrap());
    let (mut owner, address) = somebody(server, "plain");
    let secret = written(folder.path(), b"secret");
    send(&mut owner, FILES, false, &[(&secret, "secret.txt")]);
    // Names that would climb are no names; what stands before the last slash of a name is where it was on the sender's machine.
    for name in ["..", "../..", "a\u{1}b"] {
        send(&mut owner, FILES, false, &[(&secret, name)]);
        assert!(owner.page.contains("id=\"file-fault\""), "{name:?}: {}", owner.page);
    }
    send(&mut owner, FILES, false, &[(&secret, "../../etc/passwd")]);
    assert!(owner.page.contains(">passwd<"), "{}", owner.page);

    let (mut other, _) = somebody(server, "plain");
    let missing = plain(&mut other, "/portal/files/Shared/nobody@bench.test/secret.txt", &[]);
    let body = |answer: &str| answer.split_once("\r\n\r\n").unwrap().1.replace("nobody@bench.test", &address);
    for path in [
        format!("/portal/files/Shared/{address}/secret.txt"),
        format!("/portal/files/Shared/{address}/"),
        "/portal/files/secret.txt".into(),
    ] {
        let answer = plain(&mut other, &path, &[]);
        assert_eq!(status(&answer), "404", "{path}: {answer}");
        assert_eq!(body(&answer), body(&missing), "{path}: what is hidden looks as what is not there");
    }
    for path in [
        "/portal/files/../../dav/",
        "/portal/files/%2e%2e/secret.txt",
        "/portal/files/a%2F..%2Fsecret.txt",
        "/portal/files//secret.txt",
        "/portal/files/secret.txt%00",
        "/portal/files/%ff",
    ] {
        assert_eq!(status(&plain(&mut owner, path, &[])), "404", "{path}");
    }
    // Nobody who is not signed in sees anything.
    let mut stranger = Browser::open(server);
    stranger.go("/portal/files/secret.txt");
    assert!(stranger.page.contains("name=\"password\"") && !stranger.page.contains("secret\n"), "{}", stranger.page);
}

#[test]
fn who_may_only_read_sees_no_forms_and_can_forge_none() {
    let (server, folder) = (shared(), tempfile::tempdir().unwrap());
    let (mut owner, from) = somebody(server, "document-manager");
    let name = unique("Pub");
    owner.send(FILES, &[("act", "folder"), ("folder", &name)]);
    let text = written(folder.path(), b"to be read");
    owner.go(&format!("{FILES}{name}/"));
    send(&mut owner, &format!("{FILES}{name}/"), false, &[(&text, "a.docx")]);
    let (mut reader, address) = somebody(server, "plain");
    let (mut agent, to) = somebody(server, "agent");
    for who in [&address, &to] {
        owner.go("/portal/shares");
        owner.send("/portal/shares", &[("folder", &format!("files/{name}")), ("who", who), ("preset", "read")]);
        assert!(owner.page.contains("role=\"status\""), "{}", owner.page);
    }
    let at = format!("{FILES}Shared/{from}/{name}/");
    reader.go(&at);
    assert!(reader.page.contains("no such page"), "whose profile opens nothing of others': {}", reader.page);
    agent.go(FILES);
    assert!(agent.page.contains("Shared with me"), "{}", agent.page);
    let token = between(&agent.page, "name=\"token\" value=\"", "\"").to_owned();
    agent.go(&at);
    assert!(
        agent.page.contains(">a.docx<") && agent.page.contains("change nothing in it") && agent.page.contains("ms-word:ofv|u|"),
        "{}",
        agent.page
    );
    for form in ["multipart/form-data", "value=\"folder\"", "view=remove", "view=rename"] {
        assert!(!agent.page.contains(form), "{form}: {}", agent.page);
    }
    agent.go(&format!("{at}a.docx"));
    assert_eq!(agent.page, "to be read");
    let forged = written(folder.path(), b"forged");
    for name in ["a.docx", "new.txt"] {
        send_with(&mut agent, &at, &[("token", &token), ("replace", "1")], &[(&forged, name)]);
        assert!(agent.page.ends_with("STATUS 403"), "{}", agent.page);
    }
    for (path, fields) in [
        (at.clone(), [("act", "folder"), ("folder", "x")]),
        (format!("{at}a.docx"), [("act", "rename"), ("name", "b.docx")]),
        (format!("{at}a.docx"), [("act", "remove"), ("", "")]),
        (at.clone(), [("act", "remove"), ("", "")]),
    ] {
        agent.send_with(&path, &token, &fields);
        assert!(agent.page.contains("Not done:"), "{path} {fields:?}: {}", agent.page);
    }
    owner.go(&format!("{FILES}{name}/"));
    assert_eq!(owner.page.matches("?view=rename").count(), 1, "nothing came and nothing went: {}", owner.page);
    owner.go(&format!("{FILES}{name}/a.docx"));
    assert_eq!(owner.page, "to be read");
}

#[test]
fn a_form_of_another_site_does_nothing() {
    let (server, folder) = (shared(), tempfile::tempdir().unwrap());
    let (mut browser, _) = somebody(server, "plain");
    let (mut other, _) = somebody(server, "plain");
    let token = between(&browser.page, "name=\"token\" value=\"", "\"").to_owned();
    let foreign = between(&other.page, "name=\"token\" value=\"", "\"").to_owned();
    let file = written(folder.path(), b"forged");
    for fields in [vec![], vec![("token", "0000")], vec![("token", foreign.as_str())], vec![("replace", "1"), ("token", token.as_str())]] {
        send_with(&mut browser, FILES, &fields, &[(&file, "forged.txt")]);
        assert!(browser.page.ends_with("STATUS 403"), "{fields:?}: {}", browser.page);
    }
    let form = [format!("token={token}"), format!("file=@{};filename=forged.txt", file.display())];
    for header in ["Origin: https://evil.example", "Origin: null", "Sec-Fetch-Site: cross-site"] {
        browser.curl(FILES, &["--form", &form[0], "--form", &form[1], "--header", header, "--write-out", "\nSTATUS %{http_code}"]);
        assert!(browser.page.ends_with("STATUS 403"), "{header}: {}", browser.page);
    }
    for (path, act) in [(FILES, "folder"), ("/portal/trash", "back")] {
        browser.send_with(path, "0000", &[("act", act), ("folder", "forged"), ("path", "x")]);
        assert!(browser.page.contains("came from elsewhere"), "{}", browser.page);
    }
    browser.go(FILES);
    assert!(browser.page.contains("There is nothing here"), "{}", browser.page);
    // The right one does, so it was not for another reason.
    send(&mut browser, FILES, false, &[(&file, "mine.txt")]);
    assert!(browser.page.contains(">mine.txt<"), "{}", browser.page);
    other.go(FILES);
    assert!(other.page.contains("There is nothing here"));
}

#[test]
fn where_there_is_no_room_it_is_told_and_nothing_is_left() {
    let (server, folder) = (shared(), tempfile::tempdir().unwrap());
    let (mut browser, address) = somebody(server, "plain");
    let small = written(folder.path(), &[b'1'; 700]);
    send(&mut browser, FILES, false, &[(&small, "one")]);
    octroi(server, &["quota", "set", &address, "files", "3K"]).good();
    // By what is announced, before it comes: of all that is sent at once nothing is stored.
    let large = written(folder.path(), &vec![b'2'; 4 << 20]);
    let refused = |browser: &mut Browser<'_>, name: &str| {
        send(browser, FILES, false, &[(&small, "before"), (&large, name)]);
        assert!(browser.page.contains("There is not enough room") && browser.page.contains("id=\"file-fault\""), "{}", browser.page);
        let page = browser.page.clone();
        browser.go(&format!("{FILES}{name}"));
        assert!(browser.page.contains("no such page"), "{}", browser.page);
        browser.go(FILES);
        page
    };
    refused(&mut browser, "two");
    assert!(!browser.page.contains(">before<"), "{}", browser.page);
    // A little more than the room: found out when it is here, and what came before it stays.
    fs::write(&large, vec![b'2'; 3000]).unwrap();
    let page = refused(&mut browser, "three");
    assert!(page.contains("It was not stored: three Stored before that: before"), "{page}");
    assert!(browser.page.contains(">before<") && browser.page.contains("1.4 kB used"), "{}", browser.page);
    // What was there is still there, although it was to be replaced.
    send(&mut browser, FILES, true, &[(&large, "one")]);
    assert!(browser.page.contains("There is not enough room"), "{}", browser.page);
    browser.go(&format!("{FILES}one"));
    assert_eq!(browser.page, "1".repeat(700));
}

fn through_and_back(bytes: u64) {
    let (server, folder) = (&Server::demo(), tempfile::tempdir().unwrap());
    let (mut browser, _) = somebody(server, "plain");
    let sent = folder.path().join("sent");
    // What is needed once for all comes before it is looked at.
    large_file(&sent, 8 << 20);
    send(&mut browser, FILES, false, &[(&sent, "first.bin")]);
    let get = |browser: &Browser<'_>| {
        let arguments = browser.arguments(&format!("{FILES}large.bin"));
        let mut got = Command::new("curl").args(arguments).stdout(Stdio::piped()).spawn().unwrap();
        let same = Command::new("cmp").arg(&sent).arg("-").stdin(got.stdout.take().unwrap()).status().unwrap();
        assert!(same.success() && got.wait().unwrap().success(), "what comes back is not what was sent");
    };
    browser.go(FILES);
    send(&mut browser, FILES, false, &[(&sent, "large.bin")]);
    get(&browser);
    browser.go(FILES);
    large_file(&sent, bytes);
    let before = resident(server);
    let most = most_memory(server, || send(&mut browser, FILES, true, &[(&sent, "large.bin")]));
    assert!(browser.page.contains("role=\"status\""), "{}", browser.page);
    assert!(most <= before + GROWTH_KIB, "sent: from {before} to {most} KiB");
    let most = most_memory(server, || get(&browser));
    assert!(most <= before + GROWTH_KIB, "fetched: from {before} to {most} KiB");
}

#[test]
fn a_large_document_takes_little_memory() {
    through_and_back(64 << 20);
}

#[test]
#[ignore = "takes minutes and 5 GiB of disk: ./test --full"]
fn a_document_of_four_gibibytes_takes_little_memory() {
    through_and_back((4 << 30) + 12_345);
}

#[test]
fn what_breaks_off_leaves_the_old_content_and_nothing_else() {
    let (server, folder) = (&Server::demo(), tempfile::tempdir().unwrap());
    let (mut browser, _) = somebody(server, "plain");
    let sent = written(folder.path(), b"old");
    send(&mut browser, FILES, false, &[(&sent, "a.bin")]);
    let token = between(&browser.page, "name=\"token\" value=\"", "\"").to_owned();
    large_file(&sent, 20 << 20);
    let mut arguments = browser.arguments(FILES);
    arguments.extend(
        [
            "--limit-rate",
            "4M",
            "--form",
            &format!("token={token}"),
            "--form",
            "replace=1",
            "--form",
            &format!("file=@{};filename=a.bin", sent.display()),
        ]
        .map(str::to_owned),
    );
    let mut client = Command::new("curl").args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    eventually("a part of it on the disk", || large_files(server.data()).iter().any(|bytes| *bytes > 2 << 20).then_some(()));
    client.kill().unwrap();
    client.wait().unwrap();
    eventually("the part to be gone", || large_files(server.data()).is_empty().then_some(()));
    browser.go(&format!("{FILES}a.bin"));
    assert_eq!(browser.page, "old");
    browser.go(&format!("{FILES}a.bin?view=versions"));
    assert!(browser.page.contains("no earlier versions"), "{}", browser.page);
    // What is whole but for the end of the form is not whole; nor is a form in which the head of one part takes in another part.
    let cut = "--b\r\nContent-Disposition: form-data; name=\"token\"\r\n\r\nTOKEN\r\n--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"cut.txt\"\r\n\r\nabc\r\n--";
    let lost = cut.replace("\r\n\r\nabc\r\n--", "\r\n--b\r\nContent-Disposition: form-data; name=\"replace\"\r\n\r\n1\r\n--b--\r\n");
    for text in [cut, &lost] {
        let body = written(folder.path(), text.replace("TOKEN", &token).as_bytes());
        let answer = plain(
            &mut browser,
            FILES,
            &["--header", "Content-Type: multipart/form-data; boundary=b", "--data-binary", &format!("@{}", body.display())],
        );
        assert_eq!(status(&answer), "400", "{answer}");
        browser.go(FILES);
        assert!(!browser.page.contains("cut.txt"), "{}", browser.page);
    }
}

/// A browser goes on where its connection broke, if it is still the same document.
#[test]
fn a_download_is_gone_on_with() {
    let (server, folder) = (shared(), tempfile::tempdir().unwrap());
    let (mut browser, _) = somebody(server, "plain");
    let sent = written(folder.path(), b"0123456789");
    send(&mut browser, FILES, false, &[(&sent, "a.bin")]);
    let path = format!("{FILES}a.bin");
    let whole = plain(&mut browser, &path, &[]);
    let etag = whole.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("etag: ").map(str::to_owned)).unwrap();
    let mut ask = |range: &str, of: &str| {
        let (range, of) = (format!("Range: {range}"), format!("If-Range: {of}"));
        let answer = plain(&mut browser, &path, &["--header", &range, "--header", &of]);
        (status(&answer).to_owned(), answer.to_ascii_lowercase())
    };
    let (code, rest) = ask("bytes=4-", &etag);
    assert!(code == "206" && rest.contains("content-range: bytes 4-9/10") && rest.ends_with("\r\n\r\n456789"), "{rest}");
    assert!(rest.contains("content-disposition: attachment") && rest.contains("sandbox"), "{rest}");
    let (code, all) = ask("bytes=4-", "\"another\"");
    assert!(code == "200" && all.ends_with("0123456789"), "{all}");
    assert_eq!(ask("bytes=10-", &etag).0, "416");
    assert_eq!(ask("bytes=0-1,8-9", &etag).0, "206", "they nearly touch");
}

/// Who looks at a folder of WebDAV in a browser, with an app password, is told where there is more of it.
#[test]
fn a_folder_of_webdav_leads_to_its_page_in_the_portal() {
    let server = shared();
    let person = server.user(1);
    let http = Http::new(server, person);
    let name = unique("A b");
    let folder = format!("{}{}/", person.files, name.replace(' ', "%20"));
    assert_eq!(http.request("MKCOL", &folder, &[], b"").status, 201);
    let page = http.request("GET", &folder, &[("Accept", "text/html")], b"").text();
    assert!(page.contains(&format!("<a href=\"{}\">Portal</a>", server.url(&format!("{FILES}{}/", name.replace(' ', "%20"))))), "{page}");
    let calendars = http.request("GET", &format!("/dav/calendars/{}/", person.address), &[("Accept", "text/html")], b"").text();
    assert!(calendars.contains("<ul>") && !calendars.contains("/portal/files/"), "{calendars}");
}

/// A large folder: pages of 500, sorted as one asks.
#[test]
fn a_long_list_comes_in_pages() {
    let (server, folder) = (shared(), tempfile::tempdir().unwrap());
    let (mut browser, _) = somebody(server, "plain");
    let file = written(folder.path(), b"x");
    for hundred in 0..6 {
        let names: Vec<String> = (0..100).map(|number| format!("d{hundred}{number:02}.txt")).collect();
        let files: Vec<(&Path, &str)> = names.iter().map(|name| (file.as_path(), name.as_str())).collect();
        send(&mut browser, FILES, false, &files);
        assert!(browser.page.contains("role=\"status\""), "{}", browser.page);
    }
    let rows = |page: &str| page.matches("scope=\"row\"").count();
    browser.go(FILES);
    assert_eq!(rows(&browser.page), 500);
    assert!(
        browser.page.contains("Page 1 / 2") && browser.page.contains(">d000.txt<") && !browser.page.contains(">d500.txt<"),
        "{}",
        &browser.page[..3000]
    );
    browser.go(&format!("{FILES}?sort=name&down=1&page=2"));
    assert_eq!(rows(&browser.page), 100);
    assert!(browser.page.contains(">d099.txt<") && !browser.page.contains(">d100.txt<"));
    browser.go(&format!("{FILES}?sort=nothing&page=99999999999999999999"));
    assert_eq!(rows(&browser.page), 500, "what is not understood is left out");
}

/// Where the profile does not say so, there are no documents; and the second factor must be of this session.
#[test]
fn documents_open_where_the_profile_says_so() {
    let closed = &configured_with_profiles(&plain_profile("send_to = \"anyone\"\nportal = true", "*", ""), "");
    let address = newcomer_as(closed, "plain");
    let mut browser = Browser::open(closed);
    browser.send("/portal/sign-in", &[("address", &address), ("password", MAIN)]);
    browser.enrol();
    assert!(!browser.page.contains("href=\"/portal/files/\""), "{}", browser.page);
    browser.go(FILES);
    assert!(browser.page.contains("does not open documents in the portal"), "{}", browser.page);

    let server = &configured("");
    let address = newcomer_as(server, "plain");
    let mut browser = Browser::open(server);
    browser.send("/portal/sign-in", &[("address", &address), ("password", MAIN)]);
    assert!(browser.page.contains("href=\"/portal/files/\""), "{}", browser.page);
    browser.go(FILES);
    assert!(browser.page.contains("with a second factor only") && !browser.page.contains("type=\"file\""), "{}", browser.page);
    let token = between(&browser.page, "name=\"token\" value=\"", "\"").to_owned();
    let folder = tempfile::tempdir().unwrap();
    let file = written(folder.path(), b"x");
    send_with(&mut browser, FILES, &[("token", &token)], &[(&file, "x.txt")]);
    assert!(browser.page.contains("with a second factor only"), "{}", browser.page);
    browser.enrol();
    browser.go(FILES);
    assert!(browser.page.contains("There is nothing here") && browser.page.contains("type=\"file\""), "{}", browser.page);
    // A log-in is answered before its line is on disk.
    eventually("the line of the trail", || {
        let trail = octroi(server, &["audit", "show", "--account", &address]).good();
        trail.contains("documents in the portal").then_some(())
    });
    browser.go("/portal/sessions");
    assert!(browser.page.contains("<td role=\"cell\" data-heading=\"For\">"), "{}", browser.page);
}
