//! Calendars of the web: the real server fetches them from a web server of the tests and people read them; what it must not fetch, and what a fetch
//! that fails leaves.

use crate::portal::{Browser, MAIN, between, newcomer_as};
use crate::support::calendar_host::CalendarHost;
use crate::support::http::{Http, Response};
use crate::support::internet::Internet;
use crate::support::server::{configured_with_profiles, plain_profile};
use crate::support::{Person, Server, eventually};
use std::time::Duration;

const PAGE: &str = "/portal/calendars";
const OWN: &str = "portal = true\nportal_calendars = [\"*\"]\nsubscribe_calendars = [\"*\"]\nsend_to = \"inside\"";
/// As soon as it may, whatever a calendar says.
const QUICK: &str = "refresh_seconds = 1\nrefresh_seconds_min = 1\nrefresh_seconds_max = 2";

fn event(uid: &str, lines: &str) -> String {
    format!("BEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20261130T080000Z\r\nDTSTART:20310303T080000Z\r\nSUMMARY:{uid}\r\n{lines}END:VEVENT\r\n")
}

fn feed(events: &[String]) -> String {
    format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//t//t\r\nMETHOD:PUBLISH\r\n{}END:VCALENDAR\r\n", events.concat())
}

fn at(person: &Person, name: &str) -> String {
    format!("/dav/calendars/{}/{name}/", person.address)
}

/// As Apple's programs do it.
pub(crate) fn subscribe(http: &Http, at: &str, url: &str) -> Response {
    let body = format!(
        r#"<mkcol xmlns="DAV:" xmlns:S="http://calendarserver.org/ns/" xmlns:A="http://apple.com/ns/ical/"><set><prop>
        <resourcetype><collection/><S:subscribed/></resourcetype><displayname>Holidays</displayname><A:calendar-color>#FF0000FF</A:calendar-color>
        <S:source><href>{url}</href></S:source></prop></set></mkcol>"#
    );
    http.request("MKCOL", at, &[("Content-Type", "application/xml")], body.as_bytes())
}

fn properties(http: &Http, at: &str, depth: &str) -> String {
    let ask = br#"<propfind xmlns="DAV:" xmlns:S="http://calendarserver.org/ns/"><prop><resourcetype/><S:source/><getetag/>
        <current-user-privilege-set/></prop></propfind>"#;
    http.request("PROPFIND", at, &[("Depth", depth)], ask).text()
}

/// The texts of its events, when there are so many.
fn events(http: &Http, at: &str, count: usize) -> String {
    eventually("the events", || {
        let all = http.request("GET", &format!("{at}?export"), &[], b"").text();
        (all.matches("BEGIN:VEVENT").count() == count).then_some(all)
    })
}

fn started(more: &str) -> (Internet, CalendarHost, Server) {
    let internet = Internet::start();
    let host = CalendarHost::start(&internet);
    let rules = "[[profile.plain.action]]\naction = \"export\"\n[[profile.plain.action]]\naction = \"share\"\nwith = [\"accounts\"]\n\
        [[profile.plain.rule]]\nowner = \"others\"\npath = \"calendars/**\"\nrights = \"lrswipkxtea\"";
    let server = configured_with_profiles(&plain_profile(OWN, "*", rules), &host.settings(&internet, more));
    (internet, host, server)
}

#[test]
fn a_calendar_of_the_web_is_read_kept_up_and_nobodys_to_write() {
    let (_internet, host, server) = started(QUICK);
    let person = server.user(1);
    let (http, calendar) = (Http::new(&server, person), at(person, "holidays"));
    let alarm = "BEGIN:VALARM\r\nACTION:DISPLAY\r\nTRIGGER:-PT5M\r\nEND:VALARM\r\n";
    let broken = event("c", "RRULE:FREQ=NEVER\r\n");
    host.say("/secret-a.ics?key=x", "200 OK\r\nETag: \"1\"", &feed(&[event("a", alarm), event("b", ""), broken]));
    let url = host.url("/secret-a.ics?key=x");
    let made = subscribe(&http, &calendar, &url.replace("https", "webcal"));
    assert_eq!(made.status, 201, "{}", made.text());
    let all = events(&http, &calendar, 2);
    assert!(!all.contains("VALARM") && all.contains("SUMMARY:a") && all.contains("SUMMARY:b"), "{all}");

    // What is said of it: to its owner from where, and that nothing in it can be written.
    let said = properties(&http, &calendar, "1");
    assert!(said.contains("<CS:subscribed/>") && said.contains("<C:calendar/>") && said.contains("secret-a.ics?key=x"), "{said}");
    assert!(!said.contains("<D:write-content/>") && !said.contains("<D:bind/>") && !said.contains("<D:unbind/>"), "{said}");
    let name = between(&said, &format!("<D:href>{calendar}"), "</D:href>").to_owned();
    let name = if name.is_empty() {
        said.split(&format!("<D:href>{calendar}")).nth(2).unwrap().split('<').next().unwrap().to_owned()
    } else {
        name
    };
    let object = format!("{calendar}{name}");
    let own = feed(&[event("mine", "")]).replace("METHOD:PUBLISH\r\n", "");
    for (method, target, headers) in [
        ("PUT", format!("{calendar}mine.ics"), vec![]),
        ("PUT", object.clone(), vec![]),
        ("DELETE", object.clone(), vec![]),
        ("MOVE", object.clone(), vec![("Destination", at(person, "calendar") + "stolen.ics")]),
        ("LOCK", object.clone(), vec![]),
    ] {
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let body = match method {
            "PUT" => own.as_bytes(),
            "LOCK" => br#"<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype></lockinfo>"#,
            _ => b"",
        };
        assert_eq!(http.request(method, &target, &headers, body).status, 403, "{method} {target}");
    }
    let copied = http.request("COPY", &object, &[("Destination", &(at(person, "calendar") + "copy.ics"))], b"");
    assert_eq!(copied.status, 201, "to take one over is to read it");
    let colour = br#"<propertyupdate xmlns="DAV:"><set><prop><displayname>Feasts</displayname></prop></set></propertyupdate>"#;
    assert_eq!(http.request("PROPPATCH", &calendar, &[], colour).status, 207, "what it is called is its owner's to say");
    let other = br#"<propertyupdate xmlns="DAV:" xmlns:S="http://calendarserver.org/ns/"><set><prop><S:source>https://x.example/</S:source></prop></set></propertyupdate>"#;
    assert!(http.request("PROPPATCH", &calendar, &[], other).text().contains("cannot-modify-protected-property"));

    // What has not changed is not sent again, and says nothing of anybody; another time stamp changes nothing for programs.
    eventually("a second look", || host.asked("/secret-a.ics?key=x").get(1).cloned());
    let heads = host.asked("/secret-a.ics?key=x");
    assert!(heads[1].to_ascii_lowercase().contains("if-none-match: \"1\""), "{}", heads[1]);
    assert!(!heads.concat().contains("u1") && !heads.concat().to_ascii_lowercase().contains("authorization"), "{heads:?}");
    let before = properties(&http, &object, "0");
    let stamped = feed(&[event("a", ""), event("b", ""), event("d", "")]).replace("20261130T080000Z", "20261130T090000Z");
    host.say("/secret-a.ics?key=x", "200 OK", &stamped);
    events(&http, &calendar, 3);
    assert_eq!(between(&properties(&http, &object, "0"), "<D:getetag>", "<"), between(&before, "<D:getetag>", "<"));
    host.say("/secret-a.ics?key=x", "200 OK", &feed(&[event("b", "LOCATION:Quai\r\n")]));
    assert!(events(&http, &calendar, 1).contains("LOCATION:Quai"));

    // A copy of it is one's own; the calendar itself can go.
    assert_eq!(http.request("COPY", &calendar, &[("Destination", &at(person, "copied"))], b"").status, 201);
    assert_eq!(http.request("PUT", &(at(person, "copied") + "x.ics"), &[], own.as_bytes()).status, 201);
    assert_eq!(http.request("DELETE", &calendar, &[], b"").status, 204);
    assert!(!server.log().contains("secret-a"), "the URL is in no log");
}

#[test]
fn what_fails_takes_nothing_away_and_is_told() {
    let (_internet, host, server) =
        started(&format!("{QUICK}\nbytes_max = 20000\nobjects_max = 3\nredirects_max = 3\nfetch_seconds_max = 10"));
    let address = newcomer_as(&server, "plain");
    let mut browser = Browser::open(&server);
    browser.send("/portal/sign-in", &[("address", &address), ("password", MAIN)]);
    browser.enrol();
    browser.go(PAGE);
    assert!(browser.page.contains("You have no calendar of the web"), "{}", browser.page);
    host.say("/b", "302 Found\r\nLocation: /c", "");
    host.say("/c", "307 Temporary Redirect\r\nLocation: d", "");
    let good = feed(&[event("a", "BEGIN:VALARM\r\nACTION:DISPLAY\r\nTRIGGER:-PT5M\r\nEND:VALARM\r\n")]);
    host.say("/d", "200 OK", &good);
    let fields = |url: &str| [("url", url.to_owned()), ("name", "Fêtes <b>".to_owned()), ("alarms", "yes".to_owned())];
    let send = |browser: &mut Browser<'_>, url: &str| {
        let fields = fields(url);
        browser.send(PAGE, &fields.each_ref().map(|(name, value)| (*name, value.as_str())));
    };
    send(&mut browser, &host.url("/b"));
    assert!(browser.page.contains("role=\"status\"") && browser.page.contains("Fêtes &lt;b&gt;"), "{}", browser.page);
    assert!(
        browser.page.contains(">www.calendars.example:") && !browser.page.contains("/b<"),
        "of the URL only the host: {}",
        browser.page
    );
    let shown = |browser: &mut Browser<'_>, what: &str| {
        eventually(what, || {
            browser.go(PAGE);
            browser.page.contains(what).then_some(())
        });
    };
    shown(&mut browser, "Last fetched");
    assert!(browser.page.contains("with alarms"), "{}", browser.page);

    let many: Vec<String> = ["a", "b", "c", "d"].map(|uid| event(uid, "")).into();
    let large = feed(&[event("a", &format!("DESCRIPTION:{}\r\n", "x".repeat(30_000)))]);
    for (head, body, why) in [
        ("500 Internal Server Error", "", "answered 500"),
        ("200 OK", "<html>", "is no calendar"),
        ("200 OK", &large, "larger than"),
        ("200 OK", &good[..good.len() - 16], "is no calendar"),
        ("200 OK", &feed(&many), "more entries than"),
        ("302 Found\r\nLocation: /b", "", "leads on and on"),
        ("302 Found\r\nLocation: https://127.0.0.1/x", "", "from where it leads"),
        // Another reason before each, so that the page cannot be that of before.
        ("302 Found\r\nLocation: https://inner.calendars.example/x", "", "does not answer"),
        ("302 Found\r\nLocation: http://www.calendars.example/x", "", "from where it leads"),
        ("302 Found\r\nLocation: https://nobody.calendars.example/x", "", "does not answer"),
    ] {
        host.say("/d", head, body);
        shown(&mut browser, why);
        assert!(browser.page.contains("What was fetched before stays"), "{}", browser.page);
    }
    browser.send("/portal/language", &[("language", "fr"), ("back", PAGE)]);
    assert!(browser.page.contains("Ce qui a été récupéré avant reste"), "{}", browser.page);
    browser.send("/portal/language", &[("language", "en"), ("back", PAGE)]);

    for bad in
        ["", "https://127.0.0.1/x", "https://[::1]/", "http://www.calendars.example/", "file:///etc/passwd", "https://169.254.169.254/"]
    {
        send(&mut browser, bad);
        assert!(browser.page.contains("id=\"url-fault\""), "{bad}: {}", browser.page);
    }
    let name = between(&browser.page, "name=\"calendar\" value=\"", "\"").to_owned();
    browser.send("/portal/calendars/unsubscribe", &[("calendar", "calendar")]);
    assert!(browser.page.contains("role=\"alert\""), "one's own calendar is not removed here: {}", browser.page);
    browser.send("/portal/calendars/unsubscribe", &[("calendar", &name)]);
    assert!(browser.page.contains("gone from your programs") && browser.page.contains("no calendar of the web"), "{}", browser.page);
}

#[test]
fn who_may_not_subscribe_does_not() {
    let internet = Internet::start();
    let host = CalendarHost::start(&internet);
    host.say("/a", "200 OK", &feed(&[event("a", "")]));
    let settings = host.settings(&internet, QUICK) + "[limits.gate]\nsubscriptions_max = 2\n";
    let closed = configured_with_profiles(&plain_profile("portal = true\nportal_calendars = [\"*\"]", "*", ""), &settings);
    let person = closed.user(1);
    let http = Http::new(&closed, person);
    let refused = subscribe(&http, &at(person, "web"), &host.url("/a"));
    assert!(refused.status == 403 && refused.text().contains("profile"), "{}", refused.text());
    assert_eq!(http.request("PROPFIND", &at(person, "web"), &[("Depth", "0")], b"").status, 404, "nothing was made");
    drop(closed);

    let open = configured_with_profiles(&plain_profile(OWN, "*", ""), &settings);
    let person = open.user(1);
    let (http, other) = (Http::new(&open, person), Http::new(&open, open.user(2)));
    // Others have no place in one's home, and half a subscription is none.
    assert_eq!(subscribe(&other, &at(person, "web"), &host.url("/a")).status, 404);
    let half = br#"<mkcol xmlns="DAV:" xmlns:S="http://calendarserver.org/ns/"><set><prop><resourcetype><collection/><S:subscribed/></resourcetype></prop></set></mkcol>"#;
    assert_eq!(http.request("MKCOL", &at(person, "web"), &[], half).status, 403);
    for bad in ["https://127.0.0.1/a", "http://www.calendars.example/a", &format!("https://{}.example/", "x".repeat(3000))] {
        assert_eq!(subscribe(&http, &at(person, "web"), bad).status, 403, "{bad}");
    }
    // By whatever name: an inner address that the configuration does not list is not connected to.
    assert_eq!(subscribe(&http, &at(person, "one"), &format!("https://inner.calendars.example:{}/a", host.port())).status, 201);
    assert_eq!(subscribe(&http, &at(person, "two"), &host.url("/a")).status, 201);
    assert_eq!(subscribe(&http, &at(person, "three"), &host.url("/a")).status, 507);
    eventually("a fetch", || host.asked("/a").first().cloned());
    std::thread::sleep(Duration::from_secs(2));
    assert!(host.asked("/a").iter().all(|head| head.to_ascii_lowercase().contains("host: www.")), "{:?}", host.asked("/a"));
}
