//! Calendars under a secret link: what a stranger sees who has one, and what ends it.

use crate::admin::octroi;
use crate::portal::{Browser, MAIN, between, newcomer_as};
use crate::support::http::{Http, Response};
use crate::support::server::{configured_with_profiles, plain_profile};
use crate::support::{Server, shared};

const PAGE: &str = "/portal/calendars";
const OWN: &str = "portal = true\nportal_calendars = [\"*\"]\npublish_calendars = [\"*\"]\nsend_to = \"inside\"";

/// Somebody new with a fresh second factor and two events, one of them private; how to speak to their calendar.
fn somebody(server: &Server) -> (Browser<'_>, Http, String) {
    somebody_as(server, "plain")
}

fn somebody_as<'s>(server: &'s Server, profile: &str) -> (Browser<'s>, Http, String) {
    let address = newcomer_as(server, profile);
    let mut browser = Browser::open(server);
    browser.send("/portal/sign-in", &[("address", &address), ("password", MAIN)]);
    browser.enrol();
    browser.send("/portal/app-passwords", &[("label", "dav"), ("service", "caldav"), ("preset", "full"), ("days", "")]);
    let secret = between(&browser.page, "id=\"app-password\">", "<").to_owned();
    let http = Http::with(server, &address, &secret);
    let calendar = format!("/dav/calendars/{address}/calendar/");
    assert_eq!(put(&http, &calendar, "open", "LOCATION:Quai\r\nBEGIN:VALARM\r\nACTION:DISPLAY\r\nTRIGGER:-PT5M\r\nEND:VALARM\r\n"), 201);
    assert_eq!(put(&http, &calendar, "hidden", "CLASS:PRIVATE\r\n"), 201);
    browser.go(PAGE);
    (browser, http, calendar)
}

fn put(http: &Http, calendar: &str, uid: &str, lines: &str) -> u16 {
    let event = format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//t//t\r\nBEGIN:VEVENT\r\nUID:{uid}@own.example\r\nDTSTAMP:20261130T080000Z\r\n\
         DTSTART:20310303T080000Z\r\nDTEND:20310303T090000Z\r\nSUMMARY:word-{uid}\r\n{lines}END:VEVENT\r\nEND:VCALENDAR\r\n"
    );
    http.request("PUT", &format!("{calendar}{uid}.ics"), &[("Content-Type", "text/calendar")], event.as_bytes()).status
}

/// The path of a new link.
fn publish(browser: &mut Browser<'_>, shows: &str) -> String {
    browser.go(PAGE);
    browser.send("/portal/calendars/publish", &[("calendar", "calendar"), ("shows", shows), ("days", "90")]);
    let link = between(&browser.page, "id=\"link\">", "<").to_owned();
    link[link.find("/public/").unwrap()..].to_owned()
}

fn visit(server: &Server, link: &str) -> Response {
    Http::anonymous(server).request("GET", link, &[], b"")
}

#[test]
fn a_stranger_with_the_link_sees_what_was_published_and_no_more() {
    let server = &configured_with_profiles(&plain_profile(OWN, "*", ""), "");
    let (mut browser, http, calendar) = somebody(server);
    let (all, busy) = (publish(&mut browser, "all"), publish(&mut browser, "busy"));
    let seen = visit(server, &all);
    let text = seen.text();
    assert_eq!((seen.status, seen.header("content-type")), (200, Some("text/calendar; charset=utf-8")));
    assert!(text.contains("SUMMARY:word-open") && text.contains("LOCATION:Quai") && !text.contains("VALARM"), "{text}");
    assert!(text.matches("BEGIN:VEVENT").count() == 2 && !text.contains("word-hidden") && !text.contains("hidden@own"), "{text}");
    let text = visit(server, &busy).text();
    assert!(text.matches("DTSTART").count() == 2 && !text.contains("word-") && !text.contains("own.example"), "{text}");
    for (name, value) in [("x-robots-tag", "noindex"), ("referrer-policy", "no-referrer"), ("cache-control", "private")] {
        assert!(seen.header(name).is_some_and(|said| said.contains(value)), "{name}: {:?}", seen.headers);
    }
    // Who has it already is told so, until it is another.
    let etag = seen.header("etag").unwrap();
    let again = || Http::anonymous(server).request("GET", &all, &[("If-None-Match", etag)], b"");
    assert_eq!((again().status, Http::anonymous(server).request("HEAD", &all, &[], b"").status), (304, 200));
    assert_eq!(put(&http, &calendar, "new", ""), 201);
    let newer = again();
    assert!(newer.status == 200 && newer.text().contains("word-new") && newer.header("etag") != Some(etag));
    assert_ne!(visit(server, &busy).header("etag"), newer.header("etag"));

    // It opens nothing else, and nothing can be done with it.
    for method in ["PUT", "DELETE", "POST", "PROPFIND"] {
        let status = Http::anonymous(server).request(method, &all, &[], b"").status;
        assert_eq!(status, 405, "{method}");
    }
    let missing = |link: &str| {
        let answer = visit(server, link);
        assert_eq!((answer.status, answer.text().as_str()), (404, visit(server, "/public/calendars/1-x").text().as_str()), "{link}");
        assert!(answer.header("x-robots-tag").is_some());
    };
    let (number, secret) = all.rsplit_once('/').unwrap().1.split_once('-').unwrap();
    let other = |number: &str, secret: &str| format!("/public/calendars/{number}-{secret}");
    missing(&other(number, &"a".repeat(secret.len())));
    missing(&other("1", secret));
    missing(&other(number, &secret[1..]));

    // Withdrawn it is none; the other one still is.
    browser.go(PAGE);
    assert_eq!(browser.page.matches("name=\"link\"").count(), 2, "{}", browser.page);
    assert!(!browser.page.contains(secret), "it is shown once");
    let id = between(&browser.page, "name=\"link\" value=\"", "\"").to_owned();
    browser.send("/portal/calendars/withdraw", &[("calendar", "calendar"), ("link", &id)]);
    assert!(browser.page.contains("leads to nothing any more"), "{}", browser.page);
    let left = [&all, &busy].map(|link| visit(server, link).status);
    assert!(left == [404, 200] || left == [200, 404], "{left:?}");
    browser.go("/portal/notices");
    assert!(browser.page.contains("unpublish") && browser.page.contains("publish"), "{}", browser.page);
    // With the calendar goes its link.
    assert_eq!(http.request("DELETE", &calendar, &[], b"").status, 204);
    missing(&all);
    missing(&busy);
    assert!(!server.log().contains(secret), "no link is in a log");
}

/// In the sample organisation a team lead does at the office, and nobody else.
#[test]
fn a_team_lead_of_the_sample_publishes() {
    let server = shared();
    let (mut lead, ..) = somebody_as(server, "team-lead");
    let link = publish(&mut lead, "busy");
    assert_eq!(visit(server, &link).status, 200);
    for other in ["agent", "document-manager"] {
        let (browser, ..) = somebody_as(server, other);
        assert!(!browser.page.contains("/portal/calendars/publish"), "{other}: {}", browser.page);
    }
}

#[test]
fn the_owners_rights_of_the_moment_decide() {
    let profiles = |own: &str, rules: &str| plain_profile(own, "*", rules);
    let server = &configured_with_profiles(&profiles(OWN, ""), "[limits.gate]\npublished_max = 2\npublished_visits_per_minute_max = 30\n");
    let (mut browser, _, _) = somebody(server);
    let link = publish(&mut browser, "all");
    assert_eq!(visit(server, &link).status, 200);
    let file = std::path::Path::new(server.config()).with_file_name("profiles.toml");
    let becomes = |text: &str| {
        std::fs::write(&file, text).unwrap();
        octroi(server, &["reload"]).good();
    };
    let closed = "[[profile.plain.rule]]\neffect = \"deny\"\npath = \"calendars/**\"\nrights = \"r\"";
    for (own, rules) in [(OWN, closed), (&OWN.replace("publish_calendars", "# publish_calendars"), "")] {
        becomes(&profiles(own, rules));
        assert_eq!(visit(server, &link).status, 404, "{own} {rules}");
        becomes(&profiles(OWN, ""));
        assert_eq!(visit(server, &link).status, 200);
    }
    // As many as one may have, of calendars that are one's own.
    publish(&mut browser, "busy");
    browser.go(PAGE);
    let token = between(&browser.page, "name=\"token\" value=\"", "\"").to_owned();
    let fields = |calendar: &'static str, shows: &'static str| [("calendar", calendar), ("shows", shows), ("days", "30")];
    browser.send_with("/portal/calendars/publish", &token, &fields("calendar", "busy"));
    assert!(browser.page.contains("as many links as"), "{}", browser.page);
    for (calendar, shows) in [("none", "busy"), ("", "all"), ("calendar", "")] {
        browser.send_with("/portal/calendars/publish", &token, &fields(calendar, shows));
        assert!(browser.page.contains("role=\"alert\"") && !browser.page.contains("id=\"link\""), "{calendar} {shows}: {}", browser.page);
    }
    browser.send_with("/portal/calendars/publish", "forged", &fields("calendar", "busy"));
    assert!(!browser.page.contains("id=\"link\""), "{}", browser.page);
    // Too often in a minute.
    let statuses: Vec<u16> = (0..31).map(|_| visit(server, &link).status).collect();
    assert!(statuses.contains(&503), "{statuses:?}");
}

#[test]
fn who_may_not_publish_does_not() {
    let closed = &configured_with_profiles(&plain_profile("portal = true\nportal_calendars = [\"*\"]", "*", ""), "");
    let (mut browser, _, _) = somebody(closed);
    assert!(!browser.page.contains("/portal/calendars/publish"), "{}", browser.page);
    browser.send("/portal/calendars/publish", &[("calendar", "calendar"), ("shows", "all"), ("days", "30")]);
    assert!(browser.page.contains("does not let you publish") && !browser.page.contains("id=\"link\""), "{}", browser.page);
}
