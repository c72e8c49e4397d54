//! Bodies both ways: digests, dates, ranges; uploads in parts; drop folders.

use crate::world::{Answer, OFFICE, Person, World, files, propfind};

async fn ask(world: &World, person: &Person, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    world.ask(person, OFFICE, method, path, headers, body).await
}

#[tokio::test]
async fn what_is_broken_on_its_way_is_not_stored() {
    let world = World::new().await;
    let person = world.person("agent", "agent", "").await;
    let path = files(&person, "a.txt");
    let sha1 =
        |right: bool| if right { "SHA1:a9993e364706816aba3e25717850c26c9cd0d89d" } else { "SHA1:a9993e364706816aba3e25717850c26c9cd0d89e" };
    assert_eq!(ask(&world, &person, "PUT", &path, &[("oc-checksum", sha1(false))], "abc").await.status, 400);
    assert_eq!(ask(&world, &person, "GET", &path, &[], "").await.status, 404);
    let put = ask(&world, &person, "PUT", &path, &[("oc-checksum", sha1(true)), ("x-oc-mtime", "1000000000")], "abc").await;
    assert_eq!((put.status, put.header("x-oc-mtime")), (201, "accepted"));
    assert_eq!(ask(&world, &person, "PUT", &path, &[("content-digest", "sha-256=:AAAA:")], "def").await.status, 400);
    assert_eq!(ask(&world, &person, "PUT", &path, &[("content-range", "bytes 0-2/9")], "def").await.status, 400);
    assert_eq!(ask(&world, &person, "PUT", &path, &[("content-encoding", "gzip")], "def").await.status, 415);
    let odd = ask(&world, &person, "PUT", &files(&person, "odd"), &[("x-oc-mtime", "-5")], "x").await;
    assert_eq!((odd.status, odd.header("x-oc-mtime")), (201, ""));
    let got = ask(&world, &person, "GET", &path, &[("want-repr-digest", "sha-256=10")], "").await;
    assert_eq!((got.text().as_str(), got.header("last-modified")), ("abc", "Sun, 09 Sep 2001 01:46:40 GMT"));
    assert_eq!(got.header("repr-digest"), "sha-256=:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=:");
    assert_eq!(got.header("content-type"), "text/plain", "by its name");
}

#[tokio::test]
async fn ranges_are_answered_one_by_one_and_together() {
    let world = World::new().await;
    let person = world.person("agent", "agent", "").await;
    let (path, text) = (files(&person, "a.bin"), "0123456789".repeat(100));
    let etag = ask(&world, &person, "PUT", &path, &[], &text).await.header("etag").to_owned();
    let get = async |range: &str, more: &[(&str, &str)]| {
        let headers = [&[("range", range)], more].concat();
        ask(&world, &person, "GET", &path, &headers, "").await
    };
    let one = get("bytes=10-19", &[]).await;
    assert_eq!((one.status, one.text().as_str(), one.header("content-range")), (206, "0123456789", "bytes 10-19/1000"));
    let two = get("bytes=0-1,998-", &[]).await;
    assert_eq!(two.status, 206);
    let boundary = two.header("content-type").strip_prefix("multipart/byteranges; boundary=").unwrap().to_owned();
    let part = |range: &str, octets: &str| {
        format!("\r\n--{boundary}\r\nContent-Type: application/octet-stream\r\nContent-Range: bytes {range}/1000\r\n\r\n{octets}")
    };
    assert_eq!(two.text(), format!("{}{}\r\n--{boundary}--\r\n", part("0-1", "01"), part("998-999", "89")));
    assert_eq!(two.header("content-length"), two.body.len().to_string());
    let overlapping = get("bytes=0-99,50-149,100-199", &[]).await;
    assert_eq!(overlapping.header("content-range"), "bytes 0-199/1000", "what overlaps is sent once");
    assert_eq!(get("bytes=2000-", &[]).await.status, 416);
    assert_eq!(get("bytes=0-1", &[("if-range", "\"other\"")]).await.status, 200);
    assert_eq!(get("bytes=0-1", &[("if-range", &etag)]).await.status, 206);
    assert_eq!(get(&format!("bytes={}", vec!["0-0"; 100].join(",")), &[]).await.status, 200);
    // RFC 9110 section 14.2: only for GET.
    assert_eq!(ask(&world, &person, "HEAD", &path, &[("range", "bytes=0-1")], "").await.status, 200);
}

#[tokio::test]
async fn parts_become_a_document_in_one_commit() {
    let world = World::new().await;
    let person = world.person("agent", "agent", "").await;
    let upload = |rest: &str| format!("/dav/uploads/{}/one{rest}", person.address);
    let to = files(&person, "whole.txt");
    let put = async |part: &str, text: &str| ask(&world, &person, "PUT", &upload(part), &[], text).await.status;
    assert_eq!(put("/1", "early").await, 409, "it was not begun");
    assert_eq!(ask(&world, &person, "MKCOL", &upload(""), &[], "").await.status, 201);
    assert_eq!(ask(&world, &person, "MKCOL", &upload("/"), &[], "").await.status, 405);
    for (part, text) in [("/10", "c"), ("/9", "b"), ("/1", "x"), ("/1", "a")] {
        assert_eq!(put(part, text).await, 201);
    }
    let listed = ask(&world, &person, "PROPFIND", &upload("/"), &[("depth", "1")], &propfind("<D:getcontentlength/>")).await;
    assert_eq!((listed.status, listed.text().matches("<D:getcontentlength>1<").count()), (207, 3), "{}", listed.text());
    let assemble = async |headers: &[(&str, &str)]| {
        let headers = [&[("destination", to.as_str())], headers].concat();
        ask(&world, &person, "MOVE", &upload("/.file"), &headers, "").await
    };
    for refused in [[("oc-total-length", "4")], [("oc-checksum", "SHA1:a9993e364706816aba3e25717850c26c9cd0d89e")]] {
        assert_eq!(assemble(&refused).await.status, 400);
    }
    assert_eq!(assemble(&[("if-match", "\"other\"")]).await.status, 412);
    assert_eq!(ask(&world, &person, "GET", &to, &[], "").await.status, 404);
    let right = [("oc-checksum", "SHA1:a9993e364706816aba3e25717850c26c9cd0d89d"), ("x-oc-mtime", "1000000000"), ("oc-total-length", "3")];
    let made = assemble(&right).await;
    assert_eq!((made.status, made.header("x-oc-mtime"), made.header("etag").len()), (201, "accepted", 34));
    let got = ask(&world, &person, "GET", &to, &[], "").await;
    assert_eq!((got.text().as_str(), got.header("content-type")), ("abc", "text/plain"));
    assert_eq!(ask(&world, &person, "PROPFIND", &upload("/"), &[("depth", "1")], "").await.status, 404, "the parts went with it");
    // Given up; and over what is there, only if that is wanted.
    assert_eq!(ask(&world, &person, "MKCOL", &upload(""), &[], "").await.status, 201);
    assert_eq!(put("/1", "over").await, 201);
    assert_eq!(assemble(&[("overwrite", "F")]).await.status, 412);
    assert_eq!(ask(&world, &person, "DELETE", &upload(""), &[], "").await.status, 204);
    assert_eq!(assemble(&[]).await.status, 404);
}

#[tokio::test]
async fn an_upload_is_its_owners_and_what_is_made_of_it_is_decided_like_a_put() {
    let world = World::new().await;
    let (person, other) = (world.person("agent", "agent", "").await, world.person("other", "agent", "").await);
    for path in ["Actes/", "Actes/Validated/"] {
        assert_eq!(ask(&world, &person, "MKCOL", &files(&person, path), &[], "").await.status, 201);
    }
    let upload = format!("/dav/uploads/{}/u", person.address);
    assert_eq!(ask(&world, &person, "MKCOL", &upload, &[], "").await.status, 201);
    assert_eq!(ask(&world, &person, "PUT", &format!("{upload}/1"), &[], "act").await.status, 201);
    for (method, path) in [("PROPFIND", ""), ("PUT", "/1"), ("DELETE", ""), ("MOVE", "/.file")] {
        let headers = [("destination", files(&other, "x"))];
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(ask(&world, &other, method, &format!("{upload}{path}"), &headers, "").await.status, 404, "{method}");
    }
    for (to, status) in [
        (files(&person, "Actes/Validated/act.txt"), 403),
        (files(&other, "act.txt"), 409),
        (files(&person, "nowhere/act.txt"), 409),
        (files(&person, "Actes/"), 405),
        (files(&person, ".trash"), 403),
        (format!("/dav/calendars/{}/calendar/x.ics", person.address), 403),
        ("https://elsewhere.example/x".to_owned(), 502),
    ] {
        let made = ask(&world, &person, "MOVE", &format!("{upload}/.file"), &[("destination", &to)], "").await;
        assert_eq!(made.status, status, "{to}: {}", made.text());
    }
    let to = files(&person, "Actes/act.txt");
    assert_eq!(ask(&world, &person, "MOVE", &format!("{upload}/.file"), &[("destination", &to)], "").await.status, 201);
}

#[tokio::test]
async fn who_drops_sees_what_they_dropped() {
    let world = World::new().await;
    let (lead, agent) = (world.person("lead", "lead", "").await, world.person("agent", "agent", "").await);
    assert_eq!(ask(&world, &lead, "MKCOL", &files(&lead, "In/"), &[], "").await.status, 201);
    assert_eq!(ask(&world, &lead, "PUT", &files(&lead, "In/theirs.txt"), &[], "secret").await.status, 201);
    let bind = r#"<D:acl xmlns:D="DAV:"><D:ace><D:principal><D:href>/dav/principals/WHO/</D:href></D:principal><D:grant><D:privilege><D:bind/></D:privilege></D:grant></D:ace></D:acl>"#;
    let acl = ask(&world, &lead, "ACL", &files(&lead, "In/"), &[], &bind.replace("WHO", &agent.address)).await;
    assert_eq!(acl.status, 200, "{}", acl.text());
    let at = |name: &str| files(&agent, &format!("Shared/{}/In/{name}", lead.address));
    let status = async |method: &str, name: &str, body: &str| ask(&world, &agent, method, &at(name), &[], body).await.status;
    assert_eq!(status("PUT", "mine.txt", "mine").await, 201);
    assert_eq!(status("PUT", "mine.txt", "over").await, 403);
    assert_eq!(status("PUT", "theirs.txt", "over").await, 412);
    assert_eq!((status("GET", "mine.txt", "").await, status("GET", "theirs.txt", "").await), (200, 404));
    assert_eq!((status("DELETE", "mine.txt", "").await, status("DELETE", "theirs.txt", "").await), (403, 404));
    let listed = ask(&world, &agent, "PROPFIND", &at(""), &[("depth", "1")], &propfind("<D:getetag/>")).await;
    assert_eq!(listed.status, 207);
    assert!(listed.text().contains("mine.txt") && !listed.text().contains("theirs.txt"), "{}", listed.text());
    let listed = ask(&world, &lead, "PROPFIND", &files(&lead, "In/"), &[("depth", "1")], &propfind("<D:getetag/>")).await;
    assert!(listed.text().contains("mine.txt") && listed.text().contains("theirs.txt"));
}

/// Half a folder used to be no answer: who may not remove one in it was told no more than that.
#[tokio::test]
async fn a_folder_goes_whole_or_says_what_keeps_it() {
    let world = World::new().await;
    let (lead, agent) = (world.person("lead", "lead", "").await, world.person("agent", "agent", "").await);
    for path in ["a/", "a/open/", "a/closed/", "a/open/deep/", "b/"] {
        assert_eq!(ask(&world, &lead, "MKCOL", &files(&lead, path), &[], "").await.status, 201);
    }
    assert_eq!(ask(&world, &lead, "PUT", &files(&lead, "a/open/x.txt"), &[], "x").await.status, 201);
    let grant = async |path: &str, privileges: &str| {
        let body = format!(
            r#"<D:acl xmlns:D="DAV:"><D:ace><D:principal><D:href>/dav/principals/{}/</D:href></D:principal><D:grant>{privileges}</D:grant></D:ace></D:acl>"#,
            agent.address
        );
        assert_eq!(ask(&world, &lead, "ACL", &files(&lead, path), &[], &body).await.status, 200);
    };
    grant("a/", "<D:privilege><D:all/></D:privilege>").await;
    grant("b/", "<D:privilege><D:all/></D:privilege>").await;
    grant("a/closed/", "<D:privilege><D:read/></D:privilege>").await;
    let at = |path: &str| files(&agent, &format!("Shared/{}/{path}", lead.address));
    for (method, to) in [("DELETE", ""), ("MOVE", "b/moved/")] {
        let answer = ask(&world, &agent, method, &at("a/"), &[("destination", &at(to))], "").await;
        let text = answer.text();
        assert_eq!(answer.status, 207, "{method}: {text}");
        assert!(text.contains(&format!("<D:href>{}</D:href><D:status>HTTP/1.1 403", at("a/closed/"))), "{method}: {text}");
        assert!(!text.contains("a/open/") && text.contains("remove-collection"), "{method}: {text}");
        assert_eq!(ask(&world, &agent, "GET", &at("a/open/x.txt"), &[], "").await.status, 200);
    }
    // What one may not know of is not named.
    grant("a/closed/", "<D:privilege><P:post xmlns:P=\"urn:octroi:privilege\"/></D:privilege>").await;
    assert_eq!(ask(&world, &agent, "DELETE", &at("a/"), &[], "").await.status, 403);
    grant("a/closed/", "<D:privilege><D:all/></D:privilege>").await;
    assert_eq!(ask(&world, &agent, "DELETE", &at("a/"), &[], "").await.status, 204);
}
