//! Several documents at once in the portal, as a browser without scripts does it (curl with a cookie jar): moved, copied, deleted, put back and taken
//! out as one archive; and what could not be done told for each.

use crate::admin::octroi;
use crate::portal::{Browser, MAIN, between, newcomer_as};
use crate::support::http::Http;
use crate::support::process::run;
use crate::support::server::{configured_with_profiles, plain_profile};
use crate::support::{Server, shared};

const FILES: &str = "/portal/files/";

/// Somebody new at their documents, with an app password for them.
fn somebody<'a>(server: &'a Server, profile: &str) -> (Browser<'a>, Http, String) {
    let address = newcomer_as(server, profile);
    let mut browser = Browser::open(server);
    browser.send("/portal/sign-in", &[("address", &address), ("password", MAIN)]);
    browser.enrol();
    browser.send("/portal/app-passwords", &[("label", "dav"), ("service", "files"), ("preset", "full"), ("days", "")]);
    let secret = between(&browser.page, "id=\"app-password\">", "<").to_owned();
    browser.go(FILES);
    (browser, Http::with(server, &address, &secret), format!("/dav/files/{address}/"))
}

fn fill(http: &Http, root: &str, files: &[(&str, &str)]) {
    for (path, text) in files {
        let mut folder = root.to_owned();
        for name in path.split('/').rev().skip(1).collect::<Vec<_>>().into_iter().rev() {
            folder = format!("{folder}{name}/");
            http.request("MKCOL", &folder, &[], b"");
        }
        let status = http.request("PUT", &format!("{root}{path}"), &[], text.as_bytes()).status;
        assert!(status == 201 || status == 204, "{path}: {status}");
    }
}

fn there(http: &Http, root: &str, path: &str) -> bool {
    http.request("HEAD", &format!("{root}{path}"), &[], b"").status == 200
}

#[test]
fn what_is_ticked_is_moved_copied_deleted_and_put_back() {
    let server = shared();
    let (mut browser, http, root) = somebody(server, "plain");
    fill(&http, &root, &[("a.txt", "1"), ("b.txt", "2"), ("c.txt", "3"), ("Box/d.txt", "4"), ("Cases/b.txt", "taken")]);
    browser.go(FILES);
    let page = &browser.page;
    assert!(page.matches("type=\"checkbox\" name=\"member\"").count() >= 5, "{page}");
    for part in ["form=\"several\"", "Tick: a.txt</span>", "<legend>What is ticked</legend>", "<label for=\"into\">", "id=\"into-hint\""] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(!page.contains("<script"), "{page}");

    // One of three is in the way: the others go, and it is told.
    browser.send(FILES, &[("act", "several-move"), ("into", "/Cases/"), ("member", "a.txt"), ("member", "b.txt"), ("member", "Box")]);
    let told = between(&browser.page, "aria-label=\"This could not be done", "</ul>");
    assert!(told.contains("b.txt") && told.contains("taken") && !told.contains("a.txt"), "{told}");
    assert!(there(&http, &root, "Cases/a.txt") && there(&http, &root, "Cases/Box/d.txt") && there(&http, &root, "b.txt"));
    assert!(!there(&http, &root, "a.txt") && !there(&http, &root, "Box/d.txt"));
    assert_eq!(http.request("GET", &format!("{root}Cases/b.txt"), &[], b"").text(), "taken");

    let cases = "/portal/files/Cases/";
    browser.go(cases);
    browser.send(cases, &[("act", "several-copy"), ("into", ""), ("member", "a.txt"), ("member", "Box")]);
    assert!(browser.page.contains("They are copied"), "{}", browser.page);
    assert!(there(&http, &root, "a.txt") && there(&http, &root, "Box/d.txt") && there(&http, &root, "Cases/Box/d.txt"));
    for (into, why) in [("Nowhere", "could not be done"), ("a//b", "no path of a folder")] {
        browser.send(cases, &[("act", "several-move"), ("into", into), ("member", "a.txt")]);
        assert!(browser.page.contains(why) && there(&http, &root, "Cases/a.txt"), "{into}: {}", browser.page);
    }

    // Deleted after a question, and put back together.
    browser.go(FILES);
    browser.send(FILES, &[("act", "several-remove"), ("member", "a.txt"), ("member", "Box"), ("member", "none")]);
    assert!(browser.page.contains("are going to be deleted") && there(&http, &root, "a.txt"), "{}", browser.page);
    browser.send(FILES, &[("act", "several-removed"), ("member", "a.txt"), ("member", "Box"), ("member", "none")]);
    let told = between(&browser.page, "aria-label=\"This could not be done", "</ul>");
    assert!(told.contains("none") && !there(&http, &root, "a.txt") && !there(&http, &root, "Box/d.txt"), "{told}");
    browser.go("/portal/trash");
    let ids: Vec<String> =
        browser.page.split("name=\"member\" value=\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect();
    assert_eq!(ids.len(), 2, "{}", browser.page);
    let fields: Vec<(&str, &str)> =
        ids.iter().map(|id| ("member", id.as_str())).chain([("act", "several-back"), ("member", "no/such")]).collect();
    browser.send("/portal/trash", &fields);
    assert!(browser.page.contains("no/such") && there(&http, &root, "a.txt") && there(&http, &root, "Box/d.txt"), "{}", browser.page);

    for fields in [vec![("act", "several-move")], vec![("act", "several-removed")], vec![("act", "several-download")]] {
        browser.send(FILES, &fields);
        assert!(browser.page.contains("Tick something first"), "{fields:?}: {}", browser.page);
    }
    browser.send_with(FILES, "forged", &[("act", "several-removed"), ("member", "a.txt")]);
    assert!(there(&http, &root, "a.txt"));
}

#[test]
fn what_is_ticked_is_taken_out_as_one_archive() {
    let server = shared();
    let (mut browser, http, root) = somebody(server, "plain");
    let large = "x".repeat(3_000_000);
    fill(&http, &root, &[("a.txt", "one"), ("Box/In/d.txt", "four"), ("Box/large.bin", &large), ("left.txt", "no")]);
    browser.go(FILES);
    let token = between(&browser.page, "name=\"token\" value=\"", "\"").to_owned();
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("got.zip");
    let target = archive.to_str().unwrap().to_owned();
    let token = format!("token={token}");
    let fields = [token.as_str(), "act=several-download", "member=a.txt", "member=Box"];
    let mut more: Vec<&str> = fields.iter().flat_map(|pair| ["--data-urlencode", pair]).collect();
    more.extend(["--output", &target]);
    browser.curl(FILES, &more);
    let script = "import sys, zipfile\nz = zipfile.ZipFile(sys.argv[1])\nassert z.testzip() is None\nprint(sorted((i.filename, i.file_size) for i in z.infolist()))\nprint(z.read('Box/In/d.txt'))";
    let said = run("python3", &["-c", script, &target]).good();
    assert!(said.contains("[('Box/', 0), ('Box/In/', 0), ('Box/In/d.txt', 4), ('Box/large.bin', 3000000), ('a.txt', 3)]"), "{said}");
    assert!(said.contains("b'four'"), "{said}");
}

/// Rights are judged for each, whatever the page shows.
#[test]
fn who_may_not_is_told_for_each() {
    let rules = "[[profile.plain.rule]]\neffect = \"deny\"\npath = \"files/Closed/**\"\nrights = \"wikxte\"";
    let server = &configured_with_profiles(&plain_profile("portal = true\nportal_documents = [\"*\"]\nsend_to = \"inside\"", "*", ""), "");
    let (mut browser, http, root) = somebody(server, "plain");
    fill(&http, &root, &[("Closed/a.txt", "1"), ("Closed/b.txt", "2"), ("c.txt", "3"), ("Box/d.txt", "4")]);
    let file = std::path::Path::new(server.config()).with_file_name("profiles.toml");
    std::fs::write(&file, plain_profile("portal = true\nportal_documents = [\"*\"]\nsend_to = \"inside\"", "*", rules)).unwrap();
    octroi(server, &["reload"]).good();
    let closed = "/portal/files/Closed/";
    browser.go(closed);
    assert!(!browser.page.contains("several-remove"), "{}", browser.page);
    for act in ["several-removed", "several-move"] {
        browser.send(closed, &[("act", act), ("into", ""), ("member", "a.txt"), ("member", "b.txt")]);
        let told = between(&browser.page, "aria-label=\"This could not be done", "</ul>");
        assert!(told.contains("a.txt") && told.contains("b.txt") && told.contains("rights"), "{told}");
        assert!(there(&http, &root, "Closed/a.txt") && there(&http, &root, "Closed/b.txt"), "{act}");
    }
    browser.go(FILES);
    browser.send(FILES, &[("act", "several-move"), ("into", "Closed"), ("member", "c.txt")]);
    assert!(browser.page.contains("rights") && there(&http, &root, "c.txt"), "{}", browser.page);
    // Whole folders are taken out by who may export.
    browser.send(FILES, &[("act", "several-download"), ("member", "c.txt"), ("member", "Box")]);
    let told = between(&browser.page, "aria-label=\"This could not be done", "</ul>");
    assert!(told.contains("Box") && !told.contains("c.txt"), "{told}");
}
