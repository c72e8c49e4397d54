//! Who stands for somebody in their calendars: the groups of Apple's caldav-proxy, read out of the ACLs and written into them.

use crate::scheduling::{Diary, meeting};
use crate::support::http::{Http, Response};
use crate::support::server::{Server, configured_with_profiles, plain_profile};
use crate::support::unique;

const RULES: &str = r#"
[[profile.plain.rule]]
owner = "others"
path = "calendars/**"
rights = "lrswite12"
[[profile.plain.action]]
action = "share"
with = ["accounts"]
"#;

const FOR: &str = "<CS:calendar-proxy-read-for/>";
const WRITES_FOR: &str = "<CS:calendar-proxy-write-for/>";

/// Lea, who has two calendars, and Paul.
struct Stage<'s> {
    lea: Diary<'s>,
    paul: Diary<'s>,
    her: String,
    his: String,
    reads: String,
    writes: String,
}

fn server() -> Server {
    configured_with_profiles(&plain_profile("send_to = \"anyone\"", "*", RULES), "")
}

impl<'s> Stage<'s> {
    fn of(server: &'s Server) -> Self {
        let (lea, paul) = (Diary::of(server, 1), Diary::of(server, 2));
        let second = format!("/dav/calendars/{}/second/", lea.person.address);
        assert_eq!(lea.http.request("MKCALENDAR", &second, &[], b"").status, 201);
        let [her, his] = [&lea, &paul].map(|diary| format!("/dav/principals/{}/", diary.person.address));
        Self { reads: format!("{her}calendar-proxy-read/"), writes: format!("{her}calendar-proxy-write/"), lea, paul, her, his }
    }

    /// Are these said to be `members` by Lea?
    fn set(&self, at: &str, members: &[&str]) -> Response {
        set(&self.lea, at, members)
    }

    /// Is Paul in it, as she is told?
    fn has(&self, at: &str) -> bool {
        propfind(&self.lea, at, "0", "<D:group-member-set/>").contains(&self.his)
    }

    /// What Paul's principal says.
    fn told(&self, property: &str) -> String {
        propfind(&self.paul, &self.his, "0", property)
    }

    /// Her calendar as he finds it.
    fn theirs(&self, name: &str) -> String {
        format!("/dav/calendars/{}/{name}~{}/", self.paul.person.address, self.lea.person.address)
    }

    /// Paul puts something into her calendar.
    fn put(&self, name: &str, uid: &str, object: &str) -> u16 {
        self.paul.http.request("PUT", &format!("{}{uid}.ics", self.theirs(name)), &[], object.as_bytes()).status
    }
}

fn set(diary: &Diary<'_>, at: &str, members: &[&str]) -> Response {
    let members: String = members.iter().map(|member| format!("<D:href>{member}</D:href>")).collect();
    let set = format!("<D:set><D:prop><D:group-member-set>{members}</D:group-member-set></D:prop></D:set>");
    let body = format!(r#"<D:propertyupdate xmlns:D="DAV:">{set}</D:propertyupdate>"#);
    diary.http.request("PROPPATCH", at, &[], body.as_bytes())
}

fn propfind(diary: &Diary<'_>, at: &str, depth: &str, property: &str) -> String {
    let spaces = r#"xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:CS="http://calendarserver.org/ns/""#;
    let body = format!("<D:propfind {spaces}><D:prop>{property}</D:prop></D:propfind>");
    diary.http.request("PROPFIND", at, &[("Depth", depth)], body.as_bytes()).text()
}

#[test]
fn the_owner_names_who_stands_for_them() {
    let server = server();
    let stage = Stage::of(&server);
    let Stage { lea, paul, her, his, reads, writes } = &stage;
    // She lets him read.
    let done = stage.set(reads, &[his]);
    assert!(done.status == 207 && done.text().contains("200 OK"), "{}", done.text());
    assert!(stage.has(reads) && !stage.has(writes));
    assert!(stage.told(FOR).contains(her) && !stage.told(WRITES_FOR).contains(her));
    assert!(stage.told("<D:group-membership/>").contains(reads));
    assert!(propfind(paul, reads, "0", "<D:resourcetype/>").contains("calendar-proxy-read"));
    assert!(!propfind(paul, reads, "0", "<D:group-member-set/>").contains("200 OK"));
    let object = meeting(&unique("own"), "jean@elsewhere.example", &[], "");
    for name in ["calendar", "second"] {
        assert_eq!(paul.http.request("PROPFIND", &stage.theirs(name), &[("Depth", "0")], b"").status, 207);
        assert_eq!(stage.put(name, "x", &object), 403);
    }

    // She lets him write: he puts things there, and invites in her name, which is seen.
    assert_eq!(stage.set(writes, &[his]).status, 207);
    assert!(stage.has(writes) && !stage.has(reads));
    assert!(stage.told(WRITES_FOR).contains(her) && !stage.told(FOR).contains(her));
    let uid = unique("behalf");
    let sent_by = format!("SENT-BY=\"mailto:{}\"", paul.person.address);
    let asked = meeting(&uid, &lea.person.address, &[&paul.person.address], "");
    assert_eq!(stage.put("calendar", &uid, &asked.replace("ORGANIZER:", &format!("ORGANIZER;{sent_by}:"))), 201);
    let invited = paul.with(&paul.inbox(), &uid);
    assert!(invited.len() == 1 && invited[0].1.replace("\r\n ", "").contains(&sent_by), "{invited:?}");

    // Named once more, nothing is different: what he has on one calendar alone does not spread over the others.
    let grant = "<D:grant><D:privilege><D:read/></D:privilege></D:grant>";
    let body = format!(r#"<D:acl xmlns:D="DAV:"><D:ace><D:principal><D:href>{his}</D:href></D:principal>{grant}</D:ace></D:acl>"#);
    let second = format!("/dav/calendars/{}/second/", lea.person.address);
    assert_eq!(lea.http.request("ACL", &second, &[], body.as_bytes()).status, 200);
    assert_eq!(stage.set(writes, &[his]).status, 207);
    assert_eq!((stage.put("second", "y", &object), stage.put("calendar", "y", &object)), (403, 201));

    // And nobody any more.
    assert_eq!(stage.set(writes, &[]).status, 207);
    assert!(!stage.has(writes) && !stage.has(reads));
    for name in ["calendar", "second"] {
        assert_eq!(paul.http.request("PROPFIND", &stage.theirs(name), &[("Depth", "0")], b"").status, 404);
    }
    assert!(!stage.told(&format!("{FOR}{WRITES_FOR}")).contains(her));
}

#[test]
fn nobody_else_names_them_nor_sees_who_they_are() {
    let server = server();
    let stage = Stage::of(&server);
    let Stage { lea, paul, her, his, reads, writes } = &stage;
    let kinds = propfind(lea, her, "1", "<D:resourcetype/><D:principal-URL/>");
    assert!(kinds.contains("<D:principal/><CS:calendar-proxy-read/>") && kinds.contains("<D:principal/><CS:calendar-proxy-write/>"));
    assert!(kinds.contains(writes), "{kinds}");
    let options = lea.http.request("OPTIONS", writes, &[], b"");
    assert!(options.header("dav").unwrap().contains("calendar-proxy") && options.header("allow").unwrap().contains("PROPPATCH"));
    for at in [reads, writes] {
        assert!(!stage.has(at));
        assert_eq!(paul.http.request("PROPFIND", at, &[("Depth", "0")], b"").status, 404);
        assert_eq!(set(paul, at, &[his]).status, 404);
    }
    assert_eq!(stage.set(reads, &[his]).status, 207);
    let refused = set(paul, reads, &[]);
    assert!(refused.text().contains("cannot-modify-protected-property"), "{}", refused.text());

    // No one who is none, nor oneself; all or nobody; and nothing else can be said.
    for wrong in ["/dav/files/", her, "https://elsewhere.example/dav/principals/a@b.example/"] {
        let refused = stage.set(writes, &[his, wrong]);
        assert!(refused.text().contains("D:recognized-principal"), "{}", refused.text());
    }
    for nobody in ["/dav/principals/nobody@bench.test/", "/dav/principals/group/none/"] {
        let refused = stage.set(writes, &[his, nobody]);
        assert!(refused.status == 403 && refused.text().contains("allowed-principal"), "{}", refused.text());
    }
    let body = br#"<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><D:displayname>x</D:displayname></D:prop></D:set></D:propertyupdate>"#;
    assert!(lea.http.request("PROPPATCH", writes, &[], body).text().contains("cannot-modify-protected-property"));
    assert!(stage.has(reads) && !stage.has(writes));
}

/// What a client writes into SENT-BY makes nobody seem to have acted who has not.
#[test]
fn who_acts_for_somebody_is_told_by_the_server() {
    let server = server();
    let stage = Stage::of(&server);
    let Stage { lea, paul, his, writes, .. } = &stage;
    let other = server.another(3);
    let marc = Diary { http: Http::new(&server, &other), person: &other };
    assert_eq!(stage.set(writes, &[his]).status, 207);
    let by = |who: &str| format!("ORGANIZER;SENT-BY=\"mailto:{who}\":mailto:{}", lea.person.address);
    let (paul_at, lea_at) = (paul.person.address.as_str(), lea.person.address.as_str());
    let told = |uid: &str| {
        let mut invited = marc.with(&marc.inbox(), uid);
        assert_eq!(invited.len(), 1, "{invited:?}");
        marc.http.request("DELETE", &invited[0].0, &[], b"");
        invited.remove(0).1.replace("\r\n ", "")
    };
    let kept = |uid: &str| lea.one(uid).1.replace("\r\n ", "");

    // He invites in her name without saying so, and with another's.
    for said in ["ORGANIZER:".to_owned(), "ORGANIZER;SENT-BY=\"mailto:boss@bench.test\":".to_owned()] {
        let uid = unique("unsaid");
        let asked = meeting(&uid, lea_at, &[&marc.person.address], "");
        assert_eq!(stage.put("calendar", &uid, &asked.replace("ORGANIZER:", &said)), 201);
        assert!(told(&uid).contains(&by(paul_at)) && kept(&uid).contains(&by(paul_at)), "{}", kept(&uid));
    }
    // She says that somebody did who did not.
    let uid = unique("lie");
    let at = format!("{}{uid}.ics", lea.calendar());
    let asked = meeting(&uid, lea_at, &[&marc.person.address], "");
    assert_eq!(
        lea.http.request("PUT", &at, &[], asked.replace("ORGANIZER:", "ORGANIZER;SENT-BY=\"mailto:boss@bench.test\":").as_bytes()).status,
        201
    );
    assert!(!told(&uid).contains("SENT-BY") && !kept(&uid).contains("SENT-BY"), "{}", kept(&uid));
    // What he changes for all is his, and what she does then hers. What nobody has to be told of stays as it was.
    let moved = kept(&uid).replace("SUMMARY:", "SUMMARY:Moved ");
    assert_eq!(stage.put("calendar", &uid, &moved), 204);
    assert!(told(&uid).contains(&by(paul_at)));
    let alarm = "BEGIN:VALARM\r\nACTION:DISPLAY\r\nDESCRIPTION:x\r\nTRIGGER:-PT5M\r\nEND:VALARM\r\nEND:VEVENT";
    assert_eq!(lea.http.request("PUT", &at, &[], kept(&uid).replace("END:VEVENT", alarm).as_bytes()).status, 204);
    assert!(kept(&uid).contains(&by(paul_at)) && marc.with(&marc.inbox(), &uid).is_empty());
    assert_eq!(lea.http.request("PUT", &at, &[], kept(&uid).replace("SUMMARY:Moved", "SUMMARY:Here").as_bytes()).status, 204);
    assert!(!told(&uid).contains("SENT-BY") && !kept(&uid).contains("SENT-BY"));

    // He answers for her, and the organizer sees who it was.
    let uid = unique("answer");
    let asked = meeting(&uid, &marc.person.address, &[lea_at], "");
    assert_eq!(marc.http.request("PUT", &format!("{}{uid}.ics", marc.calendar()), &[], asked.as_bytes()).status, 201);
    let (hers, octets) = lea.one(&uid);
    let name = hers.rsplit('/').next().unwrap().trim_end_matches(".ics");
    let yes = octets.replace("\r\n ", "").replace("PARTSTAT=NEEDS-ACTION", "PARTSTAT=ACCEPTED");
    assert_eq!(stage.put("calendar", name, &yes), 204);
    let answer = marc.with(&marc.inbox(), &uid);
    assert!(answer.len() == 1 && answer[0].1.replace("\r\n ", "").contains(&format!("SENT-BY=\"mailto:{paul_at}\"")), "{answer:?}");
}

/// Who was named stands for their owner in calendars of later too; who was only given one of them does not.
#[test]
fn a_calendar_of_later_is_theirs_too() {
    let server = server();
    let stage = Stage::of(&server);
    let Stage { lea, paul, his, reads, writes, .. } = &stage;
    let other = server.another(3);
    let marc = Diary { http: Http::new(&server, &other), person: &other };
    let theirs = |diary: &Diary<'_>, name: &str| {
        let at = format!("/dav/calendars/{}/{name}~{}/", diary.person.address, lea.person.address);
        diary.http.request("PROPFIND", &at, &[("Depth", "0")], b"").status
    };
    let make = |name: &str| {
        let at = format!("/dav/calendars/{}/{name}/", lea.person.address);
        assert_eq!(lea.http.request("MKCALENDAR", &at, &[], b"").status, 201);
        (theirs(paul, name), theirs(&marc, name))
    };
    // Marc is given one calendar, which makes him one who reads, and Paul is named.
    let grant = "<D:grant><D:privilege><D:read/></D:privilege></D:grant>";
    let marcs = format!("/dav/principals/{}/", marc.person.address);
    let body = format!(r#"<D:acl xmlns:D="DAV:"><D:ace><D:principal><D:href>{marcs}</D:href></D:principal>{grant}</D:ace></D:acl>"#);
    let second = format!("/dav/calendars/{}/second/", lea.person.address);
    assert_eq!(lea.http.request("ACL", &second, &[], body.as_bytes()).status, 200);
    assert_eq!(stage.set(writes, &[his]).status, 207);
    // A program writes back whom it read.
    assert_eq!(stage.set(reads, &[&marcs]).status, 207);
    assert_eq!(make("third"), (207, 404));
    let object = meeting(&unique("later"), &lea.person.address, &[&marc.person.address], "");
    assert_eq!(stage.put("third", "x", &object), 201);

    // To look only, and not any more.
    assert_eq!(stage.set(reads, &[his, &marcs]).status, 207);
    assert_eq!(make("fourth"), (207, 404));
    assert_eq!(stage.put("fourth", "x", &object), 403);
    for name in ["calendar", "second", "third", "fourth"] {
        let at = format!("/dav/calendars/{}/{name}/", lea.person.address);
        let nobody = br#"<D:acl xmlns:D="DAV:"/>"#;
        assert_eq!(lea.http.request("ACL", &at, &[], nobody).status, 200);
    }
    // Whom the ACLs have let go is let go.
    assert_eq!(make("fifth"), (404, 404));
}
