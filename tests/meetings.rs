//! Meetings, beyond who is told what (`scheduling`): where they go, what is known of them at once, and several who book at one moment.

use crate::admin::{mint, octroi};
use crate::planning::{PLANNING, WEEK, first, somebody, week};
use crate::portal::newcomer_as;
use crate::scheduling::{DELEGATES, Diary, meeting};
use crate::support::http::Http;
use crate::support::process::run;
use crate::support::server::{OCTROI, Person, Server, configured_with_profiles, plain_profile};
use crate::support::{shared, unique};
use std::thread;

fn propfind(diary: &Diary<'_>, at: &str, property: &str) -> String {
    let body = format!(r#"<D:propfind xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop>{property}</D:prop></D:propfind>"#);
    diary.http.request("PROPFIND", at, &[("Depth", "0")], body.as_bytes()).text()
}

#[test]
fn the_outbox_says_that_it_takes_questions() {
    let paul = Diary::of(shared(), 4);
    let (inbox, outbox) = (paul.inbox(), paul.inbox().replace("inbox", "outbox"));
    let allow = |method: &str, at: &str| paul.http.request(method, at, &[], b"").header("allow").unwrap_or_default().to_owned();
    assert!(allow("OPTIONS", &outbox).ends_with(", POST") && !allow("OPTIONS", &outbox).contains("PUT"), "{}", allow("OPTIONS", &outbox));
    assert!(allow("PATCH", &outbox).ends_with(", POST"));
    assert!(!allow("OPTIONS", &inbox).contains("PUT"), "{}", allow("OPTIONS", &inbox));
    assert!(propfind(&paul, &outbox, "<D:supported-method-set/>").contains(r#"<D:supported-method name="POST"/>"#));
    assert!(!propfind(&paul, &inbox, "<D:supported-method-set/>").contains(r#""POST""#));
}

/// RFC 6638 section 9.2: where new invitations come to is the owner's to say, outlives a rename, and ends with the calendar.
#[test]
fn the_default_calendar_is_chosen() {
    let server = configured_with_profiles(&plain_profile("send_to = \"anyone\"", "*", ""), "");
    let (lea, paul) = (Diary::of(&server, 1), Diary::of(&server, 2));
    let inbox = paul.inbox();
    let home = format!("/dav/calendars/{}/", paul.person.address);
    let set = |value: &str| {
        let body = format!(
            r#"<D:propertyupdate xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:set><D:prop><C:schedule-default-calendar-URL>{value}</C:schedule-default-calendar-URL><D:displayname>Told</D:displayname></D:prop></D:set></D:propertyupdate>"#
        );
        paul.http.request("PROPPATCH", &inbox, &[], body.as_bytes()).text()
    };
    let chosen = || propfind(&paul, &inbox, "<C:schedule-default-calendar-URL/>");
    let make = |name: &str, kind: &str| {
        let body = format!(
            r#"<C:mkcalendar xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:set><D:prop><C:supported-calendar-component-set><C:comp name="{kind}"/></C:supported-calendar-component-set></D:prop></D:set></C:mkcalendar>"#
        );
        assert_eq!(paul.http.request("MKCALENDAR", &format!("{home}{name}/"), &[], body.as_bytes()).status, 201);
    };
    make("work", "VEVENT");
    make("tasks", "VTODO");
    assert!(chosen().contains(&paul.calendar()), "{}", chosen());
    // Not what is no calendar, not for events, not one's own, or several.
    for wrong in [
        format!("<D:href>{home}nothing/</D:href>"),
        format!("<D:href>{home}tasks/</D:href>"),
        format!("<D:href>{inbox}</D:href>"),
        format!("<D:href>{home}</D:href>"),
        format!("<D:href>{}</D:href>", lea.calendar()),
        "<D:href>https://elsewhere.example/dav/calendars/x/</D:href>".to_owned(),
        format!("<D:href>{home}work/</D:href><D:href>{home}work/</D:href>"),
        String::new(),
    ] {
        let refused = set(&wrong);
        assert!(refused.contains("C:valid-schedule-default-calendar-URL") && refused.contains("424 Failed"), "{wrong}: {refused}");
    }
    assert!(chosen().contains(&paul.calendar()) && !propfind(&paul, &inbox, "<D:displayname/>").contains("Told"));
    // Elsewhere it is nobody's to set.
    let body = r#"<D:propertyupdate xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:set><D:prop><C:schedule-default-calendar-URL><D:href>/</D:href></C:schedule-default-calendar-URL></D:prop></D:set></D:propertyupdate>"#;
    assert!(paul.http.request("PROPPATCH", &paul.calendar(), &[], body.as_bytes()).text().contains("cannot-modify-protected-property"));

    let done = set(&format!("<D:href>{home}work/</D:href>"));
    assert!(done.contains("200 OK") && chosen().contains(&format!("{home}work/")), "{done}");
    let invite = || {
        let uid = unique("default");
        let asked = meeting(&uid, &lea.person.address, &[&paul.person.address], "");
        assert_eq!(lea.http.request("PUT", &format!("{}{uid}.ics", lea.calendar()), &[], asked.as_bytes()).status, 201);
        uid
    };
    let uid = invite();
    assert_eq!(paul.with(&format!("{home}work/"), &uid).len(), 1);
    // The same calendar by another name, and the oldest once it is gone.
    let moved = format!("{home}office/");
    assert_eq!(paul.http.request("MOVE", &format!("{home}work/"), &[("Destination", &moved)], b"").status, 201);
    assert!(chosen().contains(&moved), "{}", chosen());
    let uid = invite();
    assert_eq!(paul.with(&moved, &uid).len(), 1);
    assert_eq!(paul.http.request("DELETE", &moved, &[], b"").status, 204);
    assert!(chosen().contains(&paul.calendar()), "{}", chosen());
    assert_eq!(paul.with(&paul.calendar(), &invite()).len(), 1);
}

/// What is not described is veiled to who only reads it: what scheduling puts is seen without anybody having looked into it first.
#[test]
fn what_scheduling_puts_is_described_at_once() {
    let server = configured_with_profiles(&plain_profile("send_to = \"anyone\"", "*", DELEGATES), "");
    let (lea, paul) = (Diary::of(&server, 1), Diary::of(&server, 2));
    let share = format!("{}=lr", lea.person.address);
    run(OCTROI, &["share", &paul.person.address, "calendars/calendar", "--with", &share, "--config", server.config()]).good();
    let uid = unique("described");
    let at = format!("{}{uid}.ics", lea.calendar());
    let asked = meeting(&uid, &lea.person.address, &[&paul.person.address], "");
    assert_eq!(lea.http.request("PUT", &at, &[], asked.as_bytes()).status, 201);
    let (his, _) = paul.one(&uid);
    let hers = format!("/dav/calendars/{}/calendar~{}/{}", lea.person.address, paul.person.address, his.rsplit('/').next().unwrap());
    let seen = lea.http.request("GET", &hers, &[], b"");
    assert!(seen.status == 200 && seen.text().contains("SUMMARY:Contrôle"), "{} {}", seen.status, seen.text());
    // It moves, and is found where it is and not where it was.
    let moved = asked.replace("20301207", "20301214");
    assert_eq!(lea.http.request("PUT", &at, &[], moved.as_bytes()).status, 204);
    let found = |start: &str, end: &str| {
        let query = format!(
            r#"<C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><D:getetag/></D:prop><C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT"><C:time-range start="{start}" end="{end}"/></C:comp-filter></C:comp-filter></C:filter></C:calendar-query>"#
        );
        paul.http.request("REPORT", &paul.calendar(), &[("Depth", "1")], query.as_bytes()).text().contains(&his)
    };
    assert!(found("20301214T000000Z", "20301215T000000Z") && !found("20301207T000000Z", "20301208T000000Z"));
}

/// Of those who ask for a room at one moment one gets it, and who asks for other hours is not turned away for that.
#[test]
fn a_room_is_booked_once() {
    let server = configured_with_profiles(&plain_profile("send_to = \"anyone\"", "*", DELEGATES), "");
    run(OCTROI, &["account", "add", "salle@bench.test", "--profile", "room", "--config", server.config()]).good();
    let people: Vec<Diary<'_>> = (0..6).map(|number| Diary::of(&server, 1 + number % 2)).collect();
    for round in 0..12 {
        let ask = |(number, diary): (usize, &Diary<'_>)| {
            let uid = unique("race");
            // In one round out of three each wants another hour.
            let hour = if round % 3 == 2 { 10 + number } else { 9 };
            let day = 20_310_101 + round;
            let asked = meeting(&uid, &diary.person.address, &["salle@bench.test"], "");
            let asked = asked.replace("20301207T090000Z", &format!("{day}T{hour:02}0000Z"));
            let asked = asked.replace("20301207T100000Z", &format!("{day}T{hour:02}5900Z"));
            let put = diary.http.request("PUT", &format!("{}{uid}.ics", diary.calendar()), &[], asked.as_bytes());
            assert_eq!(put.status, 201, "{}", put.text());
            let (_, stored) = diary.one(&uid);
            assert!(!stored.contains("NEEDS-ACTION"), "{stored}");
            !stored.contains("PARTSTAT=DECLINED")
        };
        let answers: Vec<bool> = thread::scope(|scope| {
            let asking: Vec<_> = people.iter().enumerate().map(|one| scope.spawn(move || ask(one))).collect();
            asking.into_iter().map(|one| one.join().unwrap()).collect()
        });
        let come = answers.iter().filter(|come| **come).count();
        assert_eq!(come, if round % 3 == 2 { people.len() } else { 1 }, "round {round}: {answers:?}");
    }
}

/// Two who find the same free hour and book it at one moment: one of them is told that it is gone.
#[test]
fn two_who_plan_at_once_do_not_book_the_same_hour() {
    let server = shared();
    let (mut lea, her) = somebody(server, "agent");
    let (mut paul, his) = somebody(server, "agent");
    let team = unique("race");
    octroi(server, &["group", "add", &team]).good();
    for member in [&her, &his] {
        octroi(server, &["group", "join", &team, member]).good();
    }
    for (one, other) in [(&her, &his), (&his, &her)] {
        octroi(server, &["share", one, "calendars/calendar", "--with", &format!("{other}=lr")]).good();
    }
    for round in 0..8 {
        let asked = format!("&group={team}");
        week(&mut lea, &asked);
        week(&mut paul, &asked);
        let slot = first(&lea);
        assert_eq!(slot, first(&paul));
        let fields = [("group", team.as_str()), ("week", WEEK), ("minutes", "60"), ("slot", slot.as_str()), ("subject", "Point")];
        thread::scope(|scope| {
            for one in [&mut lea, &mut paul] {
                scope.spawn(|| one.send(PLANNING, &fields));
            }
        });
        let booked = [&lea, &paul].map(|one| one.page.contains("the others are invited"));
        let gone = [&lea, &paul].map(|one| one.page.contains("not free any more"));
        assert!(booked[0] != booked[1] && gone[0] != gone[1], "round {round}: {booked:?} {gone:?}\n{}\n{}", lea.page, paul.page);
    }
}

const PEOPLE: &str = r#"
[[profile.plain.rule]]
owner = "others"
path = "calendars/**"
rights = "lrswite2"
"#;

/// Somebody new of the profile `plain`.
fn newcomer(server: &Server) -> Person {
    let address = newcomer_as(server, "plain");
    let (app_password, _) = mint(server, &address, "caldav");
    let calendars = format!("/dav/calendars/{address}/");
    Person { address, app_password, calendars, profile: "plain".to_owned(), ..server.user(1).clone() }
}

/// A group that is asked by its address: everybody in it whom the one who asks may know of is asked, once, and stands in the meeting.
#[test]
fn a_group_is_asked() {
    let own = "send_to = \"anyone\"\ndirectory = [\"plain\"]\ndirectory_groups = true";
    let hidden = "[profile.hidden]\nsend_to = \"anyone\"\n";
    let server = configured_with_profiles(&plain_profile(own, "*", &format!("{PEOPLE}{hidden}")), "");
    let (lea, paul) = (Diary::of(&server, 1), Diary::of(&server, 2));
    let marie = newcomer(&server);
    let marie = Diary { http: Http::new(&server, &marie), person: &marie };
    let unseen = format!("{}@bench.test", unique("unseen"));
    octroi(&server, &["account", "add", &unseen, "--profile", "hidden"]).good();
    let (team, closed) = ("team@bench.test", "closed@bench.test");
    for (group, address, more) in [("team", team, ""), ("closed", closed, "--members-only"), ("empty", "empty@bench.test", "")] {
        octroi(&server, &["group", "add", group]).good();
        let with: Vec<&str> = ["group", "address", group, address, more].into_iter().filter(|word| !word.is_empty()).collect();
        octroi(&server, &with).good();
    }
    for member in [&lea.person.address, &paul.person.address, &marie.person.address, &unseen] {
        octroi(&server, &["group", "join", "team", member]).good();
    }
    octroi(&server, &["group", "join", "closed", &paul.person.address]).good();

    let uid = unique("team");
    let at = format!("{}{uid}.ics", lea.calendar());
    let asked = meeting(&uid, &lea.person.address, &[team, closed, "empty@bench.test", &paul.person.address], "");
    assert_eq!(lea.http.request("PUT", &at, &[], asked.as_bytes()).status, 201);
    let hers = || lea.one(&uid).1.replace("\r\n ", "");
    let line = |text: &str, who: &str| text.lines().find(|line| line.ends_with(&format!("mailto:{who}"))).unwrap_or_default().to_owned();
    let stored = hers();
    assert!(line(&stored, team).contains("CUTYPE=GROUP") && line(&stored, team).contains("SCHEDULE-STATUS=1.2"), "{stored}");
    // One that is for its members, and one without any, are like none.
    for none in [closed, "empty@bench.test"] {
        assert!(line(&stored, none).contains("SCHEDULE-STATUS=3.7"), "{stored}");
    }
    let by = format!("MEMBER=\"mailto:{team}\"");
    assert!(line(&stored, &marie.person.address).contains(&by) && line(&stored, &marie.person.address).contains("STATUS=1.2"), "{stored}");
    assert!(!line(&stored, &paul.person.address).contains("MEMBER") && stored.matches(&paul.person.address).count() == 1, "{stored}");
    assert!(!stored.contains(&unseen), "whom she is not shown: {stored}");
    for diary in [&paul, &marie] {
        assert_eq!((diary.with(&diary.calendar(), &uid).len(), diary.with(&diary.inbox(), &uid).len()), (1, 1));
    }

    // Who is in it answers as anybody.
    let (his_at, his) = marie.one(&uid);
    let answered = his.replace("\r\n ", "").replace("PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:portal", "PARTSTAT=ACCEPTED:mailto:portal");
    assert_eq!(marie.http.request("PUT", &his_at, &[], answered.as_bytes()).status, 204);
    assert!(line(&hers(), &marie.person.address).contains("PARTSTAT=ACCEPTED"), "{}", hers());
    // What she changes comes to them; who joins meanwhile is not asked by that.
    let late = newcomer(&server);
    octroi(&server, &["group", "join", "team", &late.address]).good();
    let named = hers().replace("SUMMARY:Contrôle", "SUMMARY:Visite");
    assert_eq!(lea.http.request("PUT", &at, &[], named.as_bytes()).status, 204);
    assert!(marie.one(&uid).1.contains("SUMMARY:Visite") && !hers().contains(&late.address), "{}", hers());
    // The group goes out of it, and who came by it; Paul stays.
    let without: String =
        hers().lines().filter(|line| !line.ends_with(&format!("mailto:{team}"))).map(|line| format!("{line}\r\n")).collect();
    assert_eq!(lea.http.request("PUT", &at, &[], without.as_bytes()).status, 204);
    assert!(!hers().contains(&marie.person.address) && hers().contains(&paul.person.address), "{}", hers());
    assert!(marie.one(&uid).1.contains("STATUS:CANCELLED") && !paul.one(&uid).1.contains("CANCELLED"));
}

/// Somebody's program puts a meeting into their calendar at the moment at which the invitation brings it: one of the two sees the other's.
#[test]
fn an_invitation_and_what_its_receiver_puts_do_not_both_come_in() {
    let server = shared();
    let addresses = [4, 3].map(|number| Diary::of(server, number).person.address.clone());
    for _ in 0..25 {
        let uid = unique("twice");
        let asked = meeting(&uid, &addresses[0], &[&addresses[1]], "");
        thread::scope(|scope| {
            for (number, name) in [(4, "hers"), (3, "his")] {
                let (uid, asked) = (&uid, &asked);
                scope.spawn(move || {
                    let diary = Diary::of(server, number);
                    let at = format!("{}{uid}-{name}.ics", diary.calendar());
                    let put = diary.http.request("PUT", &at, &[], asked.as_bytes());
                    assert!([201, 403].contains(&put.status), "{name}: {} {}", put.status, put.text());
                });
            }
        });
        let his = Diary::of(server, 3);
        let there = his.with(&his.calendar(), &uid);
        assert_eq!(there.len(), 1, "{there:?}");
    }
}
