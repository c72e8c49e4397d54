//! LOCK, UNLOCK and the `If` header: RFC 4918 sections 7, 9.10, 9.11 and 10.4, as one or two people meet them.

use crate::world::{Answer, OFFICE, Person, World, files, propfind};
use octroi_gate::{Area, Identifier};
use octroi_model::{Path, Rights};

const EXCLUSIVE: &str = r#"<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype><D:owner><D:href>http://example.org/~ejw/contact.html</D:href></D:owner></D:lockinfo>"#;
const SHARED: &str = r#"<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:shared/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockinfo>"#;

struct Stage {
    world: World,
    lea: Person,
    paul: Person,
}

/// Léa has `Plans/` with `a.txt` and `b.txt` in it and `Plans/old/c.txt`; Paul may do all there.
async fn stage() -> Stage {
    let world = World::new().await;
    let lea = world.person("lea", "lead", "Léa").await;
    let paul = world.person("paul", "agent", "Paul").await;
    let stage = Stage { world, lea, paul };
    for folder in ["Plans/", "Plans/old/"] {
        assert_eq!(stage.lea("MKCOL", folder, &[], "").await.status, 201);
    }
    for file in ["Plans/a.txt", "Plans/b.txt", "Plans/old/c.txt"] {
        assert_eq!(stage.lea("PUT", file, &[], "one").await.status, 201);
    }
    stage.share("Plans", Rights::ALL).await;
    stage
}

impl Stage {
    async fn lea(&self, method: &str, at: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        self.world.ask(&self.lea, OFFICE, method, &files(&self.lea, at), headers, body).await
    }

    async fn paul(&self, method: &str, at: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        self.world.ask(&self.paul, OFFICE, method, &self.shared(at), headers, body).await
    }

    /// Léa's tree as Paul sees it.
    fn shared(&self, at: &str) -> String {
        files(&self.paul, &format!("Shared/{}/{at}", self.lea.address))
    }

    async fn share(&self, at: &str, rights: Rights) {
        let with = [(Identifier::Account(self.paul.address.parse().unwrap()), rights)];
        let path = Path::parse(at, '/').unwrap();
        self.world.admin.share(&self.lea.address.parse().unwrap(), Area::Files, &path, &with).await.unwrap();
    }

    /// Léa locks; the token as it stands in `If`.
    async fn lock(&self, at: &str, headers: &[(&str, &str)]) -> String {
        let answer = self.lea("LOCK", at, headers, EXCLUSIVE).await;
        assert!(answer.status == 200 || answer.status == 201, "{} {}", answer.status, answer.text());
        answer.header("lock-token").to_owned()
    }

    async fn discovered(&self, at: &str) -> String {
        self.lea("PROPFIND", at, &[("depth", "0")], &propfind("<D:lockdiscovery/><D:supportedlock/>")).await.text()
    }
}

/// An `If` header about the request's own resource.
fn own(token: &str) -> String {
    format!("({token})")
}

/// Word 2016 names its lock in `Lock-Token` when it saves, and was told that the document is locked.
#[tokio::test]
async fn a_put_may_name_its_lock_in_lock_token() {
    let stage = stage().await;
    let token = stage.lock("Plans/a.txt", &[]).await;
    assert_eq!(stage.lea("PUT", "Plans/a.txt", &[("lock-token", &token)], "two").await.status, 204);
    // It serves nobody else, nor another method, nor another document; and what is no token is none.
    assert_eq!(stage.paul("PUT", "Plans/a.txt", &[("lock-token", &token)], "three").await.status, 423);
    assert_eq!(stage.lea("DELETE", "Plans/a.txt", &[("lock-token", &token)], "").await.status, 423);
    assert_eq!(stage.lea("PUT", "Plans/a.txt", &[("lock-token", "<urn:uuid:x>")], "three").await.status, 423);
    let other = stage.lock("Plans/b.txt", &[]).await;
    assert_eq!(stage.lea("PUT", "Plans/a.txt", &[("lock-token", &other)], "three").await.status, 423);
    assert_eq!(stage.lea("GET", "Plans/a.txt", &[], "").await.text(), "two");
}

#[tokio::test]
async fn a_document_is_locked_written_kept_locked_and_unlocked() {
    let stage = stage().await;
    let answer = stage.lea("LOCK", "Plans/a.txt", &[("timeout", "Second-180")], EXCLUSIVE).await;
    let token = answer.header("lock-token").to_owned();
    assert_eq!(answer.status, 200);
    assert!(token.starts_with("<urn:uuid:") && token.ends_with('>'));
    let text = answer.text();
    for part in [
        "<D:lockscope><D:exclusive/></D:lockscope>",
        "<D:depth>infinity</D:depth>",
        "<D:href>http://example.org/~ejw/contact.html</D:href></D:owner>",
        &format!("<D:locktoken><D:href>{}</D:href></D:locktoken>", token.trim_matches(['<', '>'])),
        "<D:lockroot><D:href>/dav/files/lea@octroi.example/Plans/a.txt</D:href></D:lockroot>",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(text.contains("<D:timeout>Second-180<") || text.contains("<D:timeout>Second-179<"), "{text}");
    assert!(stage.discovered("Plans/a.txt").await.contains(token.trim_matches(['<', '>'])));
    // Without the token nobody writes, not even whose lock it is; with it only that account.
    for who in ["lea", "paul", "paul with it"] {
        let condition = own(&token);
        let answer = match who {
            "lea" => stage.lea("PUT", "Plans/a.txt", &[], "two").await,
            "paul" => stage.paul("PUT", "Plans/a.txt", &[], "two").await,
            _ => stage.paul("PUT", "Plans/a.txt", &[("if", &condition)], "two").await,
        };
        assert_eq!(answer.status, 423, "{who}");
        let text = answer.text();
        assert!(text.contains("<D:lock-token-submitted><D:href>/dav/files/"), "{text}");
        assert!(text.contains("Plans/a.txt</D:href></D:lock-token-submitted>"), "{text}");
    }
    assert_eq!(stage.lea("PROPPATCH", "Plans/a.txt", &[], &crate::world::mark("Seen", true)).await.status, 423);
    assert_eq!(stage.lea("GET", "Plans/a.txt", &[], "").await.text(), "one");
    assert_eq!(stage.lea("PUT", "Plans/a.txt", &[("if", &own(&token))], "two").await.status, 204);
    assert_eq!(stage.lea("PUT", "Plans/a.txt", &[("if", &own(&token))], "three").await.status, 204);
    // Kept up, for another time.
    let answer = stage.lea("LOCK", "Plans/a.txt", &[("if", &own(&token)), ("timeout", "Infinite")], "").await;
    assert_eq!((answer.status, answer.header("lock-token")), (200, ""));
    assert!(answer.text().contains("<D:timeout>Second-86") && answer.text().contains("~ejw"), "{}", answer.text());
    assert_eq!(stage.lea("LOCK", "Plans/a.txt", &[("if", "(<urn:uuid:181d4fae-7d8c-11d0-a765-00a0c91e6bf2>)")], "").await.status, 412);
    assert_eq!(stage.lea("LOCK", "Plans/b.txt", &[("if", &own(&token))], "").await.status, 412);
    assert_eq!(stage.lea("LOCK", "Plans/a.txt", &[], "").await.status, 400);
    // Another one is not to be had.
    let answer = stage.lea("LOCK", "Plans/a.txt", &[], SHARED).await;
    assert_eq!(answer.status, 423);
    assert!(answer.text().contains("<D:no-conflicting-lock><D:href>"), "{}", answer.text());
    for (sent, status) in
        [("", 400), ("x", 400), ("<x>", 409), ("<urn:uuid:181d4fae-7d8c-11d0-a765-00a0c91e6bf2>", 409), (&token, 204), (&token, 409)]
    {
        let headers = [("lock-token", sent)];
        let answer = stage.lea("UNLOCK", "Plans/a.txt", if sent.is_empty() { &[] } else { &headers }, "").await;
        assert_eq!(answer.status, status, "{sent}");
        assert!(status != 409 || answer.text().contains("lock-token-matches-request-uri"));
    }
    assert_eq!(stage.paul("PUT", "Plans/a.txt", &[], "four").await.status, 204);
    assert!(stage.discovered("Plans/a.txt").await.contains("<D:lockdiscovery></D:lockdiscovery>"));
}

#[tokio::test]
async fn a_name_that_nothing_has_is_locked_by_making_it() {
    let stage = stage().await;
    let answer = stage.lea("LOCK", "Plans/new.txt", &[], EXCLUSIVE).await;
    let token = answer.header("lock-token").to_owned();
    assert_eq!(answer.status, 201);
    let there = stage.paul("GET", "Plans/new.txt", &[], "").await;
    assert_eq!((there.status, there.body.len()), (200, 0));
    assert_eq!(stage.paul("PUT", "Plans/new.txt", &[], "x").await.status, 423);
    assert_eq!(stage.lea("PUT", "Plans/new.txt", &[("if", &own(&token))], "x").await.status, 204);
    assert_eq!(stage.lea("UNLOCK", "Plans/new.txt", &[("lock-token", &token)], "").await.status, 204);
    // RFC 4918 section 9.10.4: as for PUT.
    assert_eq!(stage.lea("LOCK", "nowhere/new.txt", &[], EXCLUSIVE).await.status, 409);
    assert_eq!(stage.lea("LOCK", "Plans/new/", &[], EXCLUSIVE).await.status, 404);
    assert_eq!(stage.lea("LOCK", "Plans/new.txt", &[("if-none-match", "*")], EXCLUSIVE).await.status, 412);
    assert_eq!(stage.lea("LOCK", "Plans/new.txt", &[("depth", "1")], EXCLUSIVE).await.status, 400);
    for (body, status) in [
        ("<x/>", 400),
        (r#"<lockinfo xmlns="DAV:"/>"#, 400),
        (r#"<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope></lockinfo>"#, 422),
        (r#"<lockinfo xmlns="DAV:"><lockscope><none/></lockscope><locktype><write/></locktype></lockinfo>"#, 422),
    ] {
        assert_eq!(stage.lea("LOCK", "Plans/new.txt", &[], body).await.status, status, "{body}");
    }
    let long = EXCLUSIVE.replace("http://example.org/", &"x".repeat(5000));
    assert_eq!(stage.lea("LOCK", "Plans/new.txt", &[], &long).await.status, 507);
}

#[tokio::test]
async fn a_locked_member_keeps_the_collection_and_is_named() {
    let stage = stage().await;
    let token = stage.lock("Plans/old/c.txt", &[]).await;
    let member = "/dav/files/lea@octroi.example/Plans/old/c.txt";
    let answer = stage.lea("DELETE", "Plans/", &[], "").await;
    assert_eq!(answer.status, 207);
    assert!(answer.text().contains(&format!("<D:href>{member}</D:href><D:status>HTTP/1.1 423 Locked</D:status>")), "{}", answer.text());
    // All or nothing: the others are there.
    for file in ["Plans/a.txt", "Plans/old/c.txt"] {
        assert_eq!(stage.lea("GET", file, &[], "").await.status, 200);
    }
    let to = [("destination", files(&stage.lea, "Moved/"))];
    let to: Vec<(&str, &str)> = to.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(stage.lea("MOVE", "Plans/", &to, "").await.status, 207);
    // RFC 4918 section 9.10.9: with what conflicts, and the collection for that reason.
    let answer = stage.lea("LOCK", "Plans/", &[("depth", "infinity")], EXCLUSIVE).await;
    assert_eq!(answer.status, 207);
    let text = answer.text();
    assert!(
        text.contains(&format!("{member}</D:href><D:status>HTTP/1.1 423")) && text.contains("HTTP/1.1 424 Failed Dependency"),
        "{text}"
    );
    let flat = stage.lock("Plans/", &[("depth", "0")]).await;
    assert_eq!(stage.lea("UNLOCK", "Plans/", &[("lock-token", &flat)], "").await.status, 204);
    // It does not move with the tree, nor is it where it was.
    let tagged = format!("<{member}> ({token})");
    let with = [to.as_slice(), &[("if", tagged.as_str())]].concat();
    assert_eq!(stage.lea("MOVE", "Plans/", &with, "").await.status, 201);
    assert_eq!(stage.lea("PUT", "Moved/old/c.txt", &[], "two").await.status, 204);
    let token = stage.lock("Moved/old/c.txt", &[]).await;
    let tagged = format!("<{}> ({token})", files(&stage.lea, "Moved/old/c.txt"));
    assert_eq!(stage.lea("DELETE", "Moved/", &[("if", &tagged)], "").await.status, 204);
    assert!(stage.world.admin.locks().is_empty());
}

#[tokio::test]
async fn a_locked_collection_takes_and_loses_no_members_without_its_token() {
    let stage = stage().await;
    let token = stage.lock("Plans/", &[("depth", "0")]).await;
    let tagged = format!("<{}> ({token})", files(&stage.lea, "Plans/"));
    for (method, at) in [("PUT", "Plans/new.txt"), ("MKCOL", "Plans/new/"), ("DELETE", "Plans/b.txt"), ("LOCK", "Plans/empty.txt")] {
        let body = if method == "LOCK" { EXCLUSIVE } else { "" };
        let answer = stage.lea(method, at, &[], body).await;
        assert_eq!(answer.status, 423, "{method}");
        assert!(answer.text().contains("<D:href>/dav/files/lea@octroi.example/Plans/</D:href>"), "{}", answer.text());
        let done = stage.lea(method, at, &[("if", &tagged)], body).await;
        assert!(matches!(done.status, 201 | 204), "{method} {}", done.status);
        if method == "LOCK" {
            assert_eq!(stage.lea("UNLOCK", at, &[("lock-token", done.header("lock-token"))], "").await.status, 204);
        }
    }
    // What is in it can be written, and what is in a collection below.
    assert_eq!(stage.paul("PUT", "Plans/a.txt", &[], "two").await.status, 204);
    assert_eq!(stage.paul("PUT", "Plans/old/new.txt", &[], "two").await.status, 201);
    let destination = [("destination", stage.shared("Plans/copy.txt"))];
    let destination: Vec<(&str, &str)> = destination.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(stage.paul("COPY", "Plans/a.txt", &destination, "").await.status, 423);
    assert_eq!(stage.lea("UNLOCK", "Plans/a.txt", &[("lock-token", &token)], "").await.status, 409);
    assert_eq!(stage.lea("UNLOCK", "Plans/", &[("lock-token", &token)], "").await.status, 204);
    // A deep one covers what is there and what comes; it is told at the members, with its root.
    let token = stage.lock("Plans/", &[("depth", "infinity")]).await;
    assert_eq!(stage.paul("PUT", "Plans/old/c.txt", &[], "two").await.status, 423);
    assert_eq!(stage.paul("PUT", "Plans/old/later.txt", &[], "two").await.status, 423);
    assert_eq!(stage.lea("PUT", "Plans/old/later.txt", &[("if", &own(&token))], "two").await.status, 201);
    let told = stage.discovered("Plans/old/later.txt").await;
    assert!(told.contains("<D:lockroot><D:href>/dav/files/lea@octroi.example/Plans/</D:href></D:lockroot>"), "{told}");
    // Through a member it can be kept up and given back.
    assert_eq!(stage.lea("LOCK", "Plans/a.txt", &[("if", &own(&token))], "").await.status, 200);
    assert_eq!(stage.lea("UNLOCK", "Plans/old/c.txt", &[("lock-token", &token)], "").await.status, 204);
    assert_eq!(stage.paul("PUT", "Plans/old/c.txt", &[], "two").await.status, 204);
}

#[tokio::test]
async fn copies_are_not_locked_and_a_locked_target_needs_its_token() {
    let stage = stage().await;
    let token = stage.lock("Plans/b.txt", &[]).await;
    let to = |at: &str| files(&stage.lea, at);
    let tagged = format!("<{}> ({token})", to("Plans/b.txt"));
    assert_eq!(stage.lea("COPY", "Plans/b.txt", &[("destination", &to("Plans/copy.txt"))], "").await.status, 201);
    assert_eq!(stage.paul("PUT", "Plans/copy.txt", &[], "x").await.status, 204);
    for method in ["COPY", "MOVE"] {
        let answer = stage.lea(method, "Plans/a.txt", &[("destination", &to("Plans/b.txt"))], "").await;
        assert_eq!(answer.status, 423, "{method}");
        assert!(answer.text().contains("Plans/b.txt</D:href></D:lock-token-submitted>"));
        let answer = stage.lea(method, "Plans/a.txt", &[("destination", &to("Plans/b.txt")), ("if", &tagged)], "").await;
        assert_eq!(answer.status, 204, "{method}");
        // What came took the content's place: the name is locked as before.
        assert_eq!(stage.paul("PUT", "Plans/b.txt", &[], "x").await.status, 423, "{method}");
    }
    assert_eq!(stage.lea("MOVE", "Plans/b.txt", &[("destination", &to("Plans/c.txt"))], "").await.status, 423);
    assert_eq!(stage.lea("MOVE", "Plans/b.txt", &[("destination", &to("Plans/c.txt")), ("if", &own(&token))], "").await.status, 201);
    assert_eq!(stage.paul("PUT", "Plans/c.txt", &[], "x").await.status, 204);
    assert_eq!(stage.lea("PUT", "Plans/b.txt", &[("if", &own(&token))], "x").await.status, 412);
}

#[tokio::test]
async fn conditions_are_judged_for_the_resource_that_they_name() {
    let stage = stage().await;
    let token = stage.lock("Plans/b.txt", &[]).await;
    let etag = stage.lea("GET", "Plans/a.txt", &[], "").await.header("etag").to_owned();
    let b = files(&stage.lea, "Plans/b.txt");
    for (condition, status) in [
        (format!("([{etag}])"), 204),
        (format!("([{etag}] Not <DAV:no-lock>)"), 204),
        ("(Not <DAV:no-lock>)".to_owned(), 204),
        ("(<DAV:no-lock>)".to_owned(), 412),
        (format!("({token})"), 412),
        (format!("(Not {token})"), 204),
        (format!("([\"x\"]) ([{etag}])"), 204),
        (format!("(Not [{etag}])"), 412),
        (format!("<{b}> ({token})"), 204),
        (format!("<https://mail.octroi.example{b}> ({token})"), 204),
        (format!("<https://mail.octroi.example:443{b}> ({token})"), 204),
        (format!("<https://elsewhere.example{b}> ({token})"), 412),
        (format!("<https://elsewhere.example{b}> (Not {token})"), 204),
        (format!("</dav/files/paul@octroi.example/b.txt> ({token})"), 412),
        ("garbage".to_owned(), 400),
        (format!("<{b}> ({token}) extra"), 400),
    ] {
        let headers = [("if", condition.as_str()), ("host", "mail.octroi.example"), ("depth", "0")];
        let answer = stage.lea("PROPPATCH", "Plans/a.txt", &headers, &crate::world::mark("Seen", true)).await;
        let done = if answer.status == 207 { 204 } else { answer.status };
        assert_eq!(done, status, "{condition}: {}", answer.text());
    }
    // RFC 4918 section 10.4.1: in whatever condition it stands, the token is submitted.
    assert_eq!(stage.lea("PUT", "Plans/b.txt", &[("if", &format!("(<DAV:no-lock>) ({token})"))], "x").await.status, 204);
    assert_eq!(stage.lea("PUT", "Plans/b.txt", &[("if", "(Not <DAV:no-lock>)")], "x").await.status, 423);
}

#[tokio::test]
async fn who_may_only_read_is_told_of_locks_and_takes_none() {
    let stage = stage().await;
    stage.share("Plans", Rights::LOOKUP | Rights::READ).await;
    let token = stage.lock("Plans/a.txt", &[]).await;
    let asked = propfind("<D:lockdiscovery/><D:supportedlock/>");
    let told = stage.paul("PROPFIND", "Plans/", &[("depth", "1")], &asked).await.text();
    assert!(told.contains(token.trim_matches(['<', '>'])) && !told.contains("lockentry"), "{told}");
    assert!(told.contains(&format!("<D:lockroot><D:href>{}</D:href>", stage.shared("Plans/a.txt"))), "{told}");
    assert_eq!(stage.paul("LOCK", "Plans/b.txt", &[], EXCLUSIVE).await.status, 403);
    assert_eq!(stage.paul("LOCK", "Plans/new.txt", &[], EXCLUSIVE).await.status, 403);
    let answer = stage.paul("UNLOCK", "Plans/a.txt", &[("lock-token", &token)], "").await;
    assert_eq!(answer.status, 403);
    assert!(answer.text().contains("<D:privilege><D:unlock/></D:privilege>"), "{}", answer.text());
    assert!(!stage.paul("OPTIONS", "Plans/a.txt", &[], "").await.header("allow").contains("LOCK"));
    let allowed = stage.lea("OPTIONS", "Plans/a.txt", &[], "").await;
    assert!(allowed.header("allow").contains("LOCK, UNLOCK") && allowed.header("dav").starts_with("1, 2, 3,"));
    assert!(stage.lea("PROPFIND", "Plans/a.txt", &[("depth", "0")], &asked).await.text().contains("lockentry"));
    // Who may share may break, and that is written down.
    stage.share("Plans", Rights::ALL).await;
    assert_eq!(stage.paul("UNLOCK", "Plans/a.txt", &[("lock-token", &token)], "").await.status, 204);
    assert!(stage.world.lines().await.iter().any(|line| line.entry.act == "lock break"));
    assert_eq!(stage.lea("PUT", "Plans/a.txt", &[("if", &own(&token))], "x").await.status, 412);
}

#[tokio::test]
async fn several_share_a_lock() {
    let stage = stage().await;
    let lea = stage.lea("LOCK", "Plans/a.txt", &[], SHARED).await.header("lock-token").to_owned();
    let answer = stage.paul("LOCK", "Plans/a.txt", &[], SHARED).await;
    assert_eq!((answer.status, answer.text().matches("<D:activelock>").count()), (200, 2));
    assert_eq!(stage.paul("LOCK", "Plans/a.txt", &[], EXCLUSIVE).await.status, 423);
    assert_eq!(stage.lea("PUT", "Plans/a.txt", &[], "x").await.status, 423);
    assert_eq!(stage.lea("PUT", "Plans/a.txt", &[("if", &own(&lea))], "x").await.status, 204);
    assert_eq!(stage.paul("PUT", "Plans/a.txt", &[("if", &own(answer.header("lock-token")))], "y").await.status, 204);
}

#[tokio::test]
async fn who_may_only_add_locks_what_they_make() {
    let stage = stage().await;
    stage.share("Plans", Rights::LOOKUP | Rights::INSERT).await;
    let answer = stage.paul("LOCK", "Plans/drop.txt", &[], EXCLUSIVE).await;
    let token = answer.header("lock-token").to_owned();
    assert_eq!(answer.status, 201);
    assert_eq!(stage.paul("PUT", "Plans/drop.txt", &[], "x").await.status, 423);
    assert_eq!(stage.paul("PUT", "Plans/drop.txt", &[("if", &own(&token))], "x").await.status, 204);
    // What it holds now cannot be replaced, nor what is not theirs.
    assert!(matches!(stage.paul("PUT", "Plans/drop.txt", &[("if", &own(&token))], "y").await.status, 403 | 412));
    assert!(matches!(stage.paul("PUT", "Plans/a.txt", &[], "y").await.status, 403 | 412));
    assert_eq!(stage.paul("UNLOCK", "Plans/drop.txt", &[("lock-token", &token)], "").await.status, 204);
    assert_eq!(stage.lea("GET", "Plans/drop.txt", &[], "").await.text(), "x");
}

#[tokio::test]
async fn events_are_locked_as_documents_are_but_not_before_they_are_there() {
    const EVENT: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//x//EN\r\nBEGIN:VEVENT\r\nUID:e1\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:20260102T100000Z\r\nSUMMARY:x\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    let stage = stage().await;
    let at = |name: &str| format!("/dav/calendars/{}/calendar/{name}", stage.lea.address);
    let ask = async |method: &str, name: &str, headers: &[(&str, &str)], body: &str| {
        stage.world.ask(&stage.lea, OFFICE, method, &at(name), headers, body).await
    };
    assert_eq!(ask("PUT", "e1.ics", &[("content-type", "text/calendar")], EVENT).await.status, 201);
    let token = ask("LOCK", "e1.ics", &[], EXCLUSIVE).await.header("lock-token").to_owned();
    assert_eq!(ask("PUT", "e1.ics", &[("content-type", "text/calendar")], EVENT).await.status, 423);
    assert_eq!(ask("PUT", "e1.ics", &[("content-type", "text/calendar"), ("if", &own(&token))], EVENT).await.status, 204);
    assert_eq!(ask("LOCK", "e2.ics", &[], EXCLUSIVE).await.status, 404);
    let token = ask("LOCK", "", &[("depth", "0")], EXCLUSIVE).await.header("lock-token").to_owned();
    assert_eq!(ask("DELETE", "e1.ics", &[], "").await.status, 423);
    assert_eq!(ask("UNLOCK", "", &[("lock-token", &token)], "").await.status, 204);
}
