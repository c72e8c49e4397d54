//! Programs that are woken (WebDAV-Push): the real server, a push service and programs that read what came.

use crate::admin::{mint, octroi};
use crate::support::http::{Http, Response};
use crate::support::internet::Internet;
use crate::support::process::run;
use crate::support::push_service::{Program, PushService, claims};
use crate::support::server::{OCTROI, configured, configured_with_profiles, plain_profile};
use crate::support::{Person, eventually};
use std::time::Duration;

const CONTENTS: &str = "<content-update><D:depth>1</D:depth></content-update>";
const BOTH: &str =
    "<content-update><D:sync-level>infinite</D:sync-level></content-update><property-update><D:depth>0</D:depth></property-update>";
const XML: (&str, &str) = ("Content-Type", "application/xml; charset=utf-8");

fn calendar(person: &Person) -> String {
    format!("/dav/calendars/{}/calendar/", person.address)
}

fn put(http: &Http, calendar: &str, uid: &str, headers: &[(&str, &str)]) -> u16 {
    let event = format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//t//t\r\nBEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20261130T080000Z\r\n\
         DTSTART:20261201T080000Z\r\nSUMMARY:{uid}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    );
    let headers = [&[("Content-Type", "text/calendar")], headers].concat();
    http.request("PUT", &format!("{calendar}{uid}.ics"), &headers, event.as_bytes()).status
}

fn register(http: &Http, calendar: &str, body: &str) -> Response {
    http.request("POST", calendar, &[XML], body.as_bytes())
}

/// The text of one property.
fn property(http: &Http, at: &str, name: &str) -> String {
    let ask = format!(r#"<propfind xmlns="DAV:" xmlns:P="https://bitfire.at/webdav-push"><prop><{name}/></prop></propfind>"#);
    let answer = http.request("PROPFIND", at, &[("Depth", "0")], ask.as_bytes()).text();
    let local = name.rsplit(':').next().unwrap();
    let begun = answer.split_once(&format!(":{local}")).unwrap_or_else(|| panic!("{answer}")).1;
    begun
        .split_once('>')
        .unwrap()
        .1
        .split_once(&format!(":{local}>"))
        .map_or("", |(text, _)| text)
        .rsplit_once("</")
        .map_or("", |(text, _)| text)
        .to_owned()
}

fn between<'a>(text: &'a str, begin: &str, end: &str) -> &'a str {
    text.split_once(begin).and_then(|(_, rest)| rest.split_once(end)).unwrap_or_else(|| panic!("no {begin} in {text}")).0
}

/// Longer than the server waits whether more comes.
fn after_all_is_quiet() {
    std::thread::sleep(Duration::from_secs(3));
}

#[test]
fn a_program_is_woken_once_for_a_few_changes_and_not_for_its_own() {
    let internet = Internet::start();
    let service = PushService::start(&internet);
    let server = configured(&service.settings(&internet));
    let person = server.user(1);
    let (http, calendar) = (Http::new(&server, person), calendar(person));
    assert!(http.request("OPTIONS", &calendar, &[], b"").header("dav").unwrap().contains("webdav-push"));
    assert!(http.request("OPTIONS", &calendar, &[], b"").header("allow").unwrap().contains("POST"));
    let transports = property(&http, &calendar, "P:transports");
    let key = between(&transports, "type=\"p256ecdsa\">", "<").to_owned();
    let topic = property(&http, &calendar, "P:topic");
    let triggers = property(&http, &calendar, "P:supported-triggers");
    assert!(triggers.contains("sync-level>1<") && triggers.contains("depth>0<"), "{triggers}");

    let program = Program::new(1);
    let made = register(&http, &calendar, &program.registration(&service.url("/one"), BOTH));
    assert_eq!(made.status, 204, "{}", made.text());
    let location = made.header("location").unwrap();
    let own = format!("https://localhost/dav/push/{}/", person.address);
    assert!(location.starts_with(&own) && made.header("expires").unwrap().ends_with(" GMT"), "{location}");

    // Two changes and what is said about the calendar, one after the other: one message.
    assert_eq!((put(&http, &calendar, "a", &[]), put(&http, &calendar, "b", &[])), (201, 201));
    let name = br#"<propertyupdate xmlns="DAV:"><set><prop><displayname>Quai</displayname></prop></set></propertyupdate>"#;
    assert_eq!(http.request("PROPPATCH", &calendar, &[], name).status, 207);
    let posted = eventually("a message", || service.posted("/one").first().cloned());
    let message = program.open(&posted);
    assert_eq!(between(&message, "<WP:topic>", "<"), topic);
    assert_eq!(between(&message, "<D:sync-token>", "<"), property(&http, &calendar, "sync-token"));
    assert!(message.contains("<WP:property-update/>"), "{message}");
    let header = |name: &str| posted.headers[name].as_str();
    assert_eq!((header("ttl"), header("urgency"), header("topic").len()), ("86400", "normal", 32));
    let claims = claims(&posted, &key);
    assert_eq!(claims["aud"], service.url(""));
    assert_eq!(claims["sub"], "mailto:postmaster@bench.test");

    // Its own change, told by the header that DAVx5 sends; then one of another program.
    assert_eq!(put(&http, &calendar, "c", &[("Push-Dont-Notify", &format!("\"{location}\""))]), 201);
    after_all_is_quiet();
    assert_eq!(service.posted("/one").len(), 1);
    assert_eq!(put(&http, &calendar, "d", &[]), 201);
    eventually("another message", || service.posted("/one").get(1).cloned());

    let path = location.strip_prefix("https://localhost").unwrap();
    assert_eq!(Http::new(&server, server.user(2)).request("DELETE", path, &[], b"").status, 404, "somebody else's");
    assert_eq!(http.request("GET", path, &[], b"").status, 405);
    assert_eq!((http.request("DELETE", path, &[], b"").status, http.request("DELETE", path, &[], b"").status), (204, 404));
    assert_eq!(put(&http, &calendar, "e", &[]), 201);
    after_all_is_quiet();
    assert_eq!(service.posted("/one").len(), 2);
}

#[test]
fn what_cannot_be_is_refused_by_its_precondition() {
    let internet = Internet::start();
    let service = PushService::start(&internet);
    let server = configured(&service.settings(&internet));
    let (http, calendar) = (Http::new(&server, server.user(1)), calendar(server.user(1)));
    assert_eq!(put(&http, &calendar, "a", &[]), 201);
    let program = Program::new(1);
    let good = program.registration(&service.url("/one"), CONTENTS);
    let inner = |host: &str| program.registration(&format!("https://{host}/x"), CONTENTS);
    for (at, body, rule) in [
        (calendar.clone(), program.registration(&service.url("/one"), ""), "no-supported-trigger"),
        (calendar.clone(), good.replace("auth-secret", "auth"), "invalid-subscription"),
        (calendar.clone(), good.replace("https://push", "http://push"), "invalid-subscription"),
        // Our own inner services, in several dresses.
        (calendar.clone(), inner("127.0.0.1"), "invalid-subscription"),
        (calendar.clone(), inner("169.254.169.254"), "invalid-subscription"),
        (calendar.clone(), inner("[::ffff:10.0.0.1]"), "invalid-subscription"),
        (format!("{calendar}a.ics"), good.clone(), "push-not-available"),
    ] {
        let refused = register(&http, &at, &body);
        assert!(refused.status == 403 && refused.text().contains(&format!("<WP:{rule}/>")), "{rule}: {}", refused.text());
    }
    assert_eq!(register(&http, &calendar, "<x/>").status, 405);
    assert_eq!(register(&http, &calendar, "<!DOCTYPE x><x/>").status, 403);
    assert_eq!(register(&http, &calendar.replace("/calendar/", "/none/"), &good).status, 404);
    assert_eq!(register(&http, &calendar.replace("u1", "u2"), &good).status, 404);
    // The service's own address is in the configuration; homes and address books can be watched as well.
    let by_address = service.url("/two").replace(&service.url("/")[..service.url("/").len() - 1], &format!("https://{}", service.socket()));
    assert_eq!(register(&http, &calendar, &program.registration(&by_address, CONTENTS)).status, 204);
    for at in [calendar.replace("calendar/", ""), calendar.replace("calendars/", "files/").replace("calendar/", "")] {
        assert_eq!(register(&http, &at, &good).status, 204, "{at}");
    }
    let registered = octroi(&server, &["audit", "show"]).good();
    assert!(registered.contains("push register") && registered.contains("push.service.example"), "{registered}");
    assert!(!registered.contains("/one"), "the rest of the URL is the program's secret");

    let off = configured("");
    let http = Http::new(&off, off.user(1));
    assert!(!http.request("OPTIONS", &calendar, &[], b"").header("dav").unwrap().contains("push"));
    assert!(register(&http, &calendar, &good).text().contains("push-not-available"));
}

/// Colleagues may have each other's calendars.
const SHARED: &str = r#"
[[profile.plain.rule]]
owner = "others"
path = "calendars/**"
rights = "lrswi"
[[profile.plain.action]]
action = "share"
with = ["accounts"]
"#;

fn share(owner: &Http, calendar: &str, with: &Person, grant: &str) {
    let ace = format!("<ace><principal><href>/dav/principals/{}/</href></principal><grant>{grant}</grant></ace>", with.address);
    let ace = if grant.is_empty() { String::new() } else { ace };
    let said = owner.request("ACL", calendar, &[XML], format!(r#"<acl xmlns="DAV:">{ace}</acl>"#).as_bytes());
    assert_eq!(said.status, 200, "{}", said.text());
}

#[test]
fn who_may_not_look_any_more_hears_nothing_more() {
    let internet = Internet::start();
    let service = PushService::start(&internet);
    let server = configured_with_profiles(&plain_profile("send_to = \"inside\"", "*", SHARED), &service.settings(&internet));
    let (owner, other) = (server.user(1), server.user(2));
    let (own, theirs) = (Http::new(&server, owner), Http::new(&server, other));
    let (at, seen_as) = (calendar(owner), format!("/dav/calendars/{}/calendar~{}/", other.address, owner.address));
    let program = Program::new(1);
    assert_eq!(register(&theirs, &seen_as, &program.registration(&service.url("/b"), CONTENTS)).status, 404);
    share(&own, &at, other, "<privilege><read/></privilege>");
    assert_eq!(property(&own, &at, "P:topic"), property(&theirs, &seen_as, "P:topic"));
    for (http, at, path) in [(&own, &at, "/a"), (&theirs, &seen_as, "/b")] {
        assert_eq!(register(http, at, &program.registration(&service.url(path), CONTENTS)).status, 204);
    }
    let (phone, phone_id) = mint(&server, &owner.address, "caldav");
    let by_phone = Http::with(&server, &owner.address, &phone);
    assert_eq!(register(&by_phone, &at, &program.registration(&service.url("/c"), CONTENTS)).status, 204);
    let change = |uid: &str, times: usize| {
        assert_eq!(put(&own, &at, uid, &[]), 201);
        eventually("the owner's program", || service.posted("/a").get(times - 1).cloned());
        std::thread::sleep(Duration::from_millis(500));
        (service.posted("/b").len(), service.posted("/c").len())
    };
    assert_eq!(change("one", 1), (1, 1));
    // The right goes, then the app password.
    share(&own, &at, other, "");
    assert_eq!(change("two", 2), (1, 2));
    octroi(&server, &["app-password", "revoke", &phone_id]).good();
    assert_eq!(change("three", 3), (1, 2));
    share(&own, &at, other, "<privilege><read/></privilege>");
    assert_eq!(change("four", 4), (2, 2), "it is what may be seen now that counts");
}

#[test]
fn a_service_that_refuses_is_asked_again_and_one_that_knows_nobody_is_not() {
    let internet = Internet::start();
    let service = PushService::start(&internet);
    let server = configured(&service.settings(&internet));
    let (http, at) = (Http::new(&server, server.user(1)), calendar(server.user(1)));
    let program = Program::new(1);
    let mut locations = Vec::new();
    for path in ["/busy", "/gone", "/good"] {
        let made = register(&http, &at, &program.registration(&service.url(path), CONTENTS));
        locations.push(made.header("location").unwrap().trim_start_matches("https://localhost").to_owned());
    }
    service.refuse("/busy", "503 Service Unavailable\r\nRetry-After: 2");
    service.refuse("/gone", "410 Gone");
    assert_eq!(put(&http, &at, "one", &[]), 201);
    let busy = eventually("the second attempt", || service.posted("/busy").get(1).cloned());
    assert!(program.open(&busy).contains("content-update"));
    assert_eq!((service.posted("/gone").len(), service.posted("/good").len()), (1, 1));
    assert_eq!(http.request("DELETE", &locations[1], &[], b"").status, 404, "it is over");

    // Registrations and the key that programs know outlive the process.
    let key = property(&http, &at, "P:transports");
    let server = server.killed_and_started_again();
    let http = Http::new(&server, server.user(1));
    assert_eq!(property(&http, &at, "P:transports"), key);
    assert_eq!(put(&http, &at, "two", &[]), 201);
    eventually("a message after the restart", || service.posted("/good").get(1).cloned());
    assert_eq!(service.posted("/gone").len(), 1);
    let backup = server.data().with_file_name("backup");
    run(OCTROI, &["backup", "create", backup.to_str().unwrap(), "--config", server.config()]).good();
    let kept = std::fs::metadata(server.data().join("push.key")).unwrap();
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&kept.permissions()) & 0o777, 0o600);
    let restored = server.data().with_file_name("restored");
    run(OCTROI, &["backup", "restore", backup.to_str().unwrap(), "--to", restored.to_str().unwrap()]).good();
    let key = |folder: &std::path::Path| std::fs::read(folder.join("push.key")).unwrap();
    assert!(key(server.data()) == key(&restored), "it is in the backup, sealed as it was");
}
