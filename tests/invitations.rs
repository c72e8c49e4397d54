//! Sharing by invitation (Apple's caldav-sharing, as macOS, iOS and BusyCal speak it; and the draft that sabre/dav's clients speak).

use crate::support::http::{Http, Response};
use crate::support::server::{Server, configured_with_profiles, plain_profile};

const SHARING: &str = r#"
[[profile.plain.rule]]
owner = "others"
path = "**"
rights = "lrswipkxte1"
[[profile.plain.action]]
action = "share"
with = ["accounts"]
[[profile.plain.action]]
action = "send"
to = ["inside"]
"#;
const XML: (&str, &str) = ("Content-Type", "application/xml; charset=utf-8");
const SPACES: &str = r#"xmlns="DAV:" xmlns:CS="http://calendarserver.org/ns/" xmlns:C="urn:ietf:params:xml:ns:caldav""#;

fn sharing(more: &str) -> Server {
    configured_with_profiles(&plain_profile("", "*", SHARING), more)
}

/// Somebody with calendars.
struct Somebody {
    http: Http,
    address: String,
}

impl Somebody {
    fn new(server: &Server, user: usize) -> Self {
        let person = server.user(user);
        Self { http: Http::new(server, person), address: person.address.clone() }
    }

    fn home(&self) -> String {
        format!("/dav/calendars/{}/", self.address)
    }

    fn notifications(&self) -> String {
        format!("/dav/notifications/{}/", self.address)
    }

    fn post(&self, at: &str, root: &str, content: &str) -> Response {
        self.http.request("POST", at, &[XML], format!("<{root} {SPACES}>{content}</{root}>").as_bytes())
    }

    fn invite(&self, at: &str, who: &str, access: &str, summary: &str) -> Response {
        self.post(at, "CS:share", &format!("<CS:set><href>mailto:{who}</href><CS:summary>{summary}</CS:summary><CS:{access}/></CS:set>"))
    }

    fn answer(&self, verb: &str, which: &str) -> Response {
        self.post(&self.home(), "CS:invite-reply", &format!("<href>mailto:{}</href><CS:invite-{verb}/>{which}", self.address))
    }

    fn propfind(&self, at: &str, depth: &str, props: &str) -> String {
        let answer = self.http.request(
            "PROPFIND",
            at,
            &[("Depth", depth)],
            format!("<propfind {SPACES}><prop>{props}</prop></propfind>").as_bytes(),
        );
        assert_eq!(answer.status, 207, "{at}: {}", answer.text());
        answer.text()
    }

    /// The notices, each with its path.
    fn notices(&self) -> Vec<(String, String)> {
        let listed = self.propfind(&self.notifications(), "1", "<resourcetype/><getetag/><CS:notificationtype/>");
        let notice = |response: &str| {
            let href = between(response, "<D:href>", "<");
            (href != self.notifications()).then(|| {
                let read = self.http.request("GET", href, &[], b"");
                assert_eq!(read.status, 200);
                assert!(response.contains(&read.header("etag").unwrap().replace('"', "&quot;")), "{response}");
                let kind = between(response, "<CS:notificationtype><", "/>").split(' ').next().unwrap().to_owned();
                assert!(read.text().contains(&format!("<{kind}")), "{response}");
                (href.to_owned(), read.text())
            })
        };
        listed.split("<D:response>").skip(1).filter_map(notice).collect()
    }

    fn sees(&self, calendar: &str) -> bool {
        let listed = self.propfind(&self.home(), "1", "<resourcetype/>");
        let found = self.http.request("PROPFIND", &format!("{}{calendar}/", self.home()), &[("Depth", "0")], b"").status == 207;
        assert_eq!(listed.contains(&format!("{}{calendar}/", self.home())), found);
        found
    }
}

fn between<'a>(text: &'a str, begin: &str, end: &str) -> &'a str {
    text.split_once(begin).and_then(|(_, rest)| rest.split_once(end)).unwrap_or_else(|| panic!("no {begin} in {text}")).0
}

fn event(who: &Somebody, at: &str) -> u16 {
    let event = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//t//t\r\nBEGIN:VEVENT\r\nUID:x\r\nDTSTAMP:20261130T080000Z\r\n\
         DTSTART:20261201T080000Z\r\nSUMMARY:x\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    who.http.request("PUT", at, &[("Content-Type", "text/calendar")], event.as_bytes()).status
}

/// A calendar `work` of the first, with an event in it.
fn work(owner: &Somebody) -> String {
    let work = format!("{}quay/", owner.home());
    assert_eq!(owner.http.request("MKCALENDAR", &work, &[], b"").status, 201);
    assert_eq!(event(owner, &format!("{work}a.ics")), 201);
    work
}

#[test]
fn an_invitation_is_seen_answered_and_told() {
    let server = sharing("");
    let (lea, paul) = (Somebody::new(&server, 1), Somebody::new(&server, 2));
    let work = work(&lea);
    for at in [&work, &format!("/dav/principals/{}/", lea.address)] {
        let options = lea.http.request("OPTIONS", at, &[], b"");
        assert!(options.header("dav").unwrap().contains("calendarserver-sharing"));
    }
    let url = paul.propfind(&format!("/dav/principals/{}/", paul.address), "0", "<CS:notification-URL/>");
    assert!(url.contains(&format!("<CS:notification-URL><D:href>{}</D:href>", paul.notifications())), "{url}");
    let before = lea.propfind(&work, "0", "<resourcetype/><CS:allowed-sharing-modes/><CS:invite/><share-access/>");
    assert!(
        before.contains("<CS:can-be-shared/>") && before.contains("<D:not-shared/>") && !before.contains("<CS:shared-owner/>"),
        "{before}"
    );
    assert!(paul.notices().is_empty());
    let empty = paul.propfind(&paul.notifications(), "0", "<resourcetype/><CS:getctag/>");
    assert!(empty.contains("<D:collection/><CS:notification/>"), "{empty}");

    assert_eq!(lea.invite(&work, &paul.address, "read-write", "Work of L&amp;a").status, 200);
    let told = lea.propfind(&work, "0", "<resourcetype/><CS:invite/>");
    let user = between(&told, "<CS:user>", "</CS:user>");
    assert!(told.contains("<CS:shared-owner/>") && user.contains(&format!("mailto:{}", paul.address)), "{told}");
    assert!(user.contains("<CS:invite-noresponse/><CS:access><CS:read-write/>") && user.contains("Work of L&amp;a"), "{told}");

    // It is there at once, and says whose it is.
    let shared = format!("{}quay~{}/", paul.home(), lea.address);
    assert!(paul.sees(&format!("quay~{}", lea.address)));
    let seen = paul.propfind(&shared, "0", "<resourcetype/><CS:invite/><CS:shared-url/><share-access/><CS:allowed-sharing-modes/>");
    assert!(seen.contains("<CS:shared/>") && seen.contains("<D:read-write/>") && !seen.contains("can-be-shared/>"), "{seen}");
    assert!(between(&seen, "<CS:organizer>", "</CS:organizer>").contains(&lea.address), "{seen}");
    assert!(between(&seen, "<CS:shared-url>", "</CS:shared-url>").contains(&work), "{seen}");
    assert_eq!(event(&paul, &format!("{shared}b.ics").replace("b.ics", "a.ics")), 204);

    let ctag = between(&paul.propfind(&paul.notifications(), "0", "<CS:getctag/>"), "<CS:getctag>", "<").to_owned();
    let [(href, notice)] = &paul.notices()[..] else { panic!() };
    assert!(notice.contains("<CS:invite-notification") && notice.contains("<CS:invite-noresponse/>"), "{notice}");
    assert!(notice.contains("Work of L&amp;a") && between(notice, "<CS:hosturl>", "</CS:hosturl>").contains(&shared), "{notice}");
    let uid = between(notice, "<CS:uid>", "<");
    let accepted = paul.answer("accepted", &format!("<CS:in-reply-to>{uid}</CS:in-reply-to><CS:summary>Lea</CS:summary>"));
    assert!(accepted.status == 200 && accepted.text().contains("<CS:shared-as"), "{}", accepted.text());
    assert_eq!(between(&accepted.text(), "<D:href>", "<"), shared);
    assert_eq!(paul.http.request("GET", href, &[], b"").status, 404, "it was answered");
    assert_ne!(between(&paul.propfind(&paul.notifications(), "0", "<CS:getctag/>"), "<CS:getctag>", "<"), ctag);

    let server = server.killed_and_started_again();
    let (lea, paul) = (Somebody::new(&server, 1), Somebody::new(&server, 2));
    let [(href, reply)] = &lea.notices()[..] else { panic!() };
    assert!(reply.contains("<CS:invite-reply") && reply.contains("<CS:invite-accepted/>") && reply.contains(uid), "{reply}");
    assert!(reply.contains(&paul.address) && reply.contains(&work) && reply.contains("<CS:summary>Lea<"), "{reply}");
    assert!(lea.propfind(&work, "0", "<CS:invite/>").contains("<CS:invite-accepted/>"));
    assert_eq!(paul.http.request("DELETE", href, &[], b"").status, 404, "somebody else's");
    assert_eq!(lea.http.request("DELETE", href, &[("If-Match", "\"x\"")], b"").status, 412);
    let statuses = [0, 1].map(|_| lea.http.request("DELETE", href, &[], b"").status);
    assert_eq!((statuses, lea.notices().len()), ([204, 404], 0));
}

#[test]
fn what_changes_is_told_and_nothing_else() {
    let server = sharing("");
    let (lea, paul) = (Somebody::new(&server, 1), Somebody::new(&server, 2));
    let work = work(&lea);
    let shared = format!("{}quay~{}/", paul.home(), lea.address);
    assert_eq!(lea.invite(&work, &paul.address, "read-write", "Work").status, 200);
    let uid = between(&paul.notices()[0].1, "<CS:uid>", "<").to_owned();
    assert_eq!(paul.answer("accepted", &format!("<CS:in-reply-to>{uid}</CS:in-reply-to>")).status, 200);
    // Nothing new is told of what is as it was; other rights are.
    assert_eq!(lea.invite(&work, &paul.address, "read-write", "Work").status, 200);
    assert!(paul.notices().is_empty());
    assert_eq!(lea.invite(&work, &paul.address, "read", "Work").status, 200);
    let [(_, notice)] = &paul.notices()[..] else { panic!() };
    assert!(notice.contains("<CS:invite-accepted/>") && notice.contains("<CS:read/>"), "{notice}");
    assert_eq!(event(&paul, &format!("{shared}c.ics")), 403);
    // And who is invited no more is told that it is over.
    let removed = lea.post(&work, "CS:share", &format!("<CS:remove><href>mailto:{}</href></CS:remove>", paul.address));
    assert_eq!(removed.status, 200);
    assert!(!paul.sees(&format!("quay~{}", lea.address)));
    let [(href, notice)] = &paul.notices()[..] else { panic!() };
    assert!(notice.contains("<CS:invite-deleted/>"), "{notice}");
    assert_eq!(paul.answer("accepted", &format!("<CS:in-reply-to>{}</CS:in-reply-to>", between(notice, "<CS:uid>", "<"))).status, 403);
    assert_eq!(paul.http.request("DELETE", href, &[], b"").status, 204);
    assert!(!lea.propfind(&work, "0", "<resourcetype/>").contains("<CS:shared-owner/>"));
}

#[test]
fn who_declines_hides_it_from_nobody_but_themselves() {
    let server = sharing("");
    let (lea, paul) = (Somebody::new(&server, 1), Somebody::new(&server, 2));
    let work = work(&lea);
    let name = format!("quay~{}", lea.address);
    let shared = format!("{}{name}/", paul.home());
    assert_eq!(lea.invite(&work, &paul.address, "read-write", "").status, 200);
    let uid = between(&paul.notices()[0].1, "<CS:uid>", "<").to_owned();
    assert_eq!(paul.answer("declined", &format!("<CS:in-reply-to>{uid}</CS:in-reply-to>")).status, 200);
    assert!(!paul.sees(&name) && paul.notices().is_empty());
    assert_eq!(event(&paul, &format!("{shared}b.ics")), 409);
    assert!(lea.notices()[0].1.contains("<CS:invite-declined/>"));
    let told = lea.propfind(&work, "0", "<CS:invite/><acl/>");
    assert!(told.contains("<CS:invite-declined/>") && told.contains(&format!("/dav/principals/{}/", paul.address)), "{told}");
    // The other rights on it do not bring it back, and neither does a restart.
    assert_eq!(lea.invite(&work, &paul.address, "read", "").status, 200);
    assert!(!paul.sees(&name) && paul.notices()[0].1.contains("<CS:invite-declined/>"));
    let server = server.killed_and_started_again();
    let (lea, paul) = (Somebody::new(&server, 1), Somebody::new(&server, 2));
    assert!(!paul.sees(&name));
    // By the URL that the notice gave.
    let again = paul.answer("accepted", &format!("<CS:hosturl><href>{shared}</href></CS:hosturl>"));
    assert_eq!(again.status, 200, "{}", again.text());
    assert!(paul.sees(&name));
    // Apple's clients remove what is shared with them by DELETE.
    assert_eq!(lea.invite(&work, &paul.address, "read-write", "").status, 200);
    assert_eq!(paul.http.request("DELETE", &shared, &[], b"").status, 204);
    assert!(!paul.sees(&name));
    assert_eq!(lea.http.request("GET", &format!("{work}a.ics"), &[], b"").status, 200, "nothing happened to it");
    assert!(lea.propfind(&work, "0", "<CS:invite/>").contains("<CS:invite-declined/>"));
    // Shared by the method ACL alone, it cannot be declined: there was no invitation.
    let grant = format!(
        "<acl xmlns=\"DAV:\"><ace><principal><href>/dav/principals/{}/</href></principal><grant><privilege><read/></privilege></grant></ace></acl>",
        paul.address
    );
    assert_eq!(lea.http.request("ACL", &work, &[], b"<acl xmlns=\"DAV:\"/>").status, 200);
    assert_eq!(lea.http.request("ACL", &work, &[], grant.as_bytes()).status, 200);
    assert!(paul.sees(&name) && paul.notices().is_empty(), "the old answer is not to the new share");
    assert_eq!(paul.http.request("DELETE", &shared, &[], b"").status, 403);
}

#[test]
fn who_may_not_share_invites_nobody() {
    let server = sharing("[limits.dav]\ninvitees_max = 2\ninvitation_bytes_max = 20\n[limits.gate]\nsharing_notices_max = 1\n");
    let (lea, paul) = (Somebody::new(&server, 1), Somebody::new(&server, 2));
    let work = work(&lea);
    let shared = format!("{}quay~{}/", paul.home(), lea.address);
    let refused = |answer: Response, status: u16, why: &str| {
        assert!(answer.status == status && answer.text().contains(why), "{status} {why}: {} {}", answer.status, answer.text());
    };
    refused(paul.invite(&shared, "x@bench.test", "read", ""), 404, "");
    refused(paul.invite(&work, "x@bench.test", "read", ""), 404, "");
    assert_eq!(lea.invite(&work, &paul.address, "read-write", "").status, 200);
    refused(paul.invite(&shared, "x@bench.test", "read", ""), 403, "need-privileges");
    refused(lea.invite(&work, "nobody@bench.test", "read", ""), 403, "recognized-principal");
    refused(lea.invite(&work, &lea.address, "read", ""), 403, "allowed-principal");
    refused(lea.invite(&work, &paul.address, "read", "more than twenty octets"), 400, "too long");
    refused(lea.invite(&lea.home(), &paul.address, "read", ""), 405, "");
    refused(lea.invite(&format!("{work}a.ics"), &paul.address, "read", ""), 405, "");
    refused(lea.post(&work, "CS:share", ""), 400, "Nobody");
    let three = ["a", "b", "c"].map(|name| format!("<CS:set><href>mailto:{name}@bench.test</href><CS:read/></CS:set>"));
    refused(lea.post(&work, "CS:share", &three.concat()), 403, "limited-number-of-aces");
    let group = "<CS:set><href>/dav/principals/group/quai/</href><CS:read/></CS:set>";
    refused(lea.post(&work, "CS:share", group), 403, "allowed-principal");
    refused(paul.answer("accepted", "<CS:in-reply-to>x</CS:in-reply-to>"), 403, "no such invitation");
    refused(paul.answer("accepted", "<CS:invite-declined/>"), 400, "");
    assert_eq!(paul.http.request("GET", &lea.notifications(), &[], b"").status, 404);
    assert_eq!(Http::anonymous(&server).request("PROPFIND", &lea.notifications(), &[], b"").status, 401);
    assert_eq!(paul.http.request("PUT", &format!("{}x.xml", paul.notifications()), &[], b"x").status, 405);

    // More than one notice is not kept; what is shared is shared all the same.
    let second = format!("{}second/", lea.home());
    assert_eq!(lea.http.request("MKCALENDAR", &second, &[], b"").status, 201);
    assert_eq!(lea.invite(&second, &paul.address, "read", "").status, 200);
    assert!(paul.sees(&format!("second~{}", lea.address)));
    assert_eq!(paul.notices().len(), 1);
    // With a calendar goes what was said of it.
    assert_eq!(lea.http.request("DELETE", &work, &[], b"").status, 204);
    assert!(paul.notices().is_empty());

    let nobody = configured_with_profiles(&plain_profile("", "*", ""), "");
    let lea = Somebody::new(&nobody, 1);
    let work = self::work(&lea);
    refused(lea.invite(&work, &nobody.user(2).address, "read", ""), 403, "allowed-principal");
    refused(lea.invite(&work, "nobody@bench.test", "read", ""), 403, "allowed-principal");
    assert!(!lea.propfind(&work, "0", "<CS:allowed-sharing-modes/>").contains("can-be-shared/>"));
}

#[test]
fn folders_and_address_books_are_shared_as_the_draft_has_it() {
    let server = sharing("");
    let (lea, paul) = (Somebody::new(&server, 1), Somebody::new(&server, 2));
    let folder = format!("/dav/files/{}/quai/", lea.address);
    assert_eq!(lea.http.request("MKCOL", &folder, &[], b"").status, 201);
    let sharee = |access: &str| {
        let body = format!(
            "<share-resource {SPACES}><sharee><href>mailto:{}</href><share-access><{access}/></share-access></sharee></share-resource>",
            paul.address
        );
        let kind = ("Content-Type", "application/davsharing+xml; charset=utf-8");
        lea.http.request("POST", &folder, &[kind], body.as_bytes()).status
    };
    let there = || {
        let at = format!("/dav/files/{}/Shared/{}/quai/", paul.address, lea.address);
        paul.http.request("PROPFIND", &at, &[("Depth", "0")], b"").status
    };
    assert_eq!((there(), sharee("read"), there()), (404, 200, 207));
    let told = lea.propfind(&folder, "0", "<invite/>");
    assert!(
        between(&told, "<D:sharee>", "</D:sharee>").contains("<D:share-access><D:read/></D:share-access><D:invite-accepted/>"),
        "{told}"
    );
    assert!(paul.notices().is_empty());
    assert_eq!((sharee("no-access"), there()), (200, 404));
    assert_eq!(lea.invite(&folder, &paul.address, "read", "").status, 405, "Apple's are about calendars");
}
