//! Calendars of which only busy times are shared, and events that are not public.

use crate::sharing::{acl, cast, principal};
use crate::world::{OFFICE, Person, World};

/// Who may see busy times and know of the calendar synchronises one of events of which nothing is left but their times.
#[tokio::test]
async fn busy_times_alone_are_a_calendar_of_their_own() {
    let (world, lead, lea, _) = cast().await;
    let calendar = format!("/dav/calendars/{}/team/", lead.address);
    assert_eq!(world.at_office(&lead, "MKCALENDAR", &calendar, "").await.status, 201);
    let secret = "SUMMARY:Licenciement de Paul\r\nLOCATION:Bureau 7\r\nATTENDEE:mailto:paul@octroi.example\r\nX-NOTE:y\r\n";
    let event = object(
        "plan@secret",
        "VEVENT",
        &format!("DTSTART:20260105T090000Z\r\nDTEND:20260105T100000Z\r\nRRULE:FREQ=DAILY;COUNT=2\r\n{secret}"),
    );
    let paths = [format!("{calendar}plan@secret.ics"), format!("{calendar}task.ics")];
    assert_eq!(world.at_office(&lead, "PUT", &paths[0], &event).await.status, 201);
    assert_eq!(world.at_office(&lead, "PUT", &paths[1], &object("task", "VTODO", secret)).await.status, 201);
    let named = r#"<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><x xmlns="urn:x">Licenciement</x></D:prop></D:set></D:propertyupdate>"#;
    assert_eq!(world.at_office(&lead, "PROPPATCH", &paths[0], named).await.status, 207);
    let etag = world.at_office(&lead, "HEAD", &paths[0], "").await.header("etag").to_owned();
    let shared = world.at_office(&lead, "ACL", &calendar, &acl(&[(&principal(&lea), "P:look-up C:read-free-busy")])).await;
    assert_eq!(shared.status, 200, "{}", shared.text());

    let theirs = format!("/dav/calendars/{}/team~{}/", lea.address, lead.address);
    let asked = ways(&theirs);
    let mut answers = Vec::new();
    for (method, path, body) in &asked {
        let answer = world.ask(&lea, OFFICE, method, path, &[("depth", "1")], body).await;
        assert!(matches!(answer.status, 200 | 207), "{method} {path}: {} {}", answer.status, answer.text());
        let told = format!("{:?} {}", answer.headers, answer.text());
        for hidden in ["Licenciement", "Bureau", "paul", "X-NOTE", etag.trim_matches('"'), "VTODO", "task"] {
            assert!(!told.contains(hidden), "{method} {path} tells {hidden}: {told}");
        }
        // As it was asked for, at most.
        assert!(!told.replace(&format!("{theirs}plan@secret.ics"), "").contains("secret"), "{told}");
        answers.push(answer.text());
    }
    assert!(
        answers[1].contains("busy-1.ics") && !answers[1].contains("busy-2.ics") && !answers[1].contains("<D:getcontentlength>"),
        "{}",
        answers[1]
    );
    assert!(answers[2].contains("RRULE:FREQ=DAILY") && answers[2].contains("DTSTART:20260105T090000Z"), "{}", answers[2]);
    assert!(!answers[3].contains("busy-1.ics"), "{}", answers[3]);
    assert_eq!(answers[4].matches("404 Not Found").count(), 2, "{}", answers[4]);
    assert!(answers[5].contains("BEGIN:VEVENT") && answers[5].contains("RRULE"), "{}", answers[5]);
    // The same tag from every side; a head that tells the length of what is sent.
    let got = world.at_office(&lea, "GET", &format!("{theirs}busy-1.ics"), "").await;
    let head = world.at_office(&lea, "HEAD", &format!("{theirs}busy-1.ics"), "").await;
    assert_eq!(head.header("content-length"), got.body.len().to_string());
    assert!(answers[1].contains(&got.header("etag").replace('"', "&quot;")) || answers[1].contains(got.header("etag")), "{}", answers[1]);

    no_way_round(&world, &lea, &theirs, &event).await;

    // What goes is told to be gone by the name that it had here; with more rights all begins anew.
    let token = answers[1].split("<D:sync-token>").nth(1).unwrap().split('<').next().unwrap().to_owned();
    assert_eq!(world.at_office(&lead, "DELETE", &paths[0], "").await.status, 204);
    let gone = world.at_office(&lea, "REPORT", &theirs, &sync(&token)).await.text();
    assert!(gone.contains("busy-1.ics</D:href><D:status>HTTP/1.1 404") && !gone.contains("secret"), "{gone}");
    assert_eq!(world.at_office(&lead, "ACL", &calendar, &acl(&[(&principal(&lea), "D:read")])).await.status, 200);
    let anew = world.at_office(&lea, "REPORT", &theirs, &sync(&token)).await;
    assert!(anew.status == 403 && anew.text().contains("valid-sync-token"), "{}", anew.text());
}

fn sync(token: &str) -> String {
    format!(
        r#"<D:sync-collection xmlns:D="DAV:"><D:sync-token>{token}</D:sync-token><D:sync-level>1</D:sync-level><D:prop><D:getetag/><D:getcontentlength/></D:prop></D:sync-collection>"#
    )
}

/// Every way to look at a calendar and what is in it.
fn ways(theirs: &str) -> Vec<(&'static str, String, String)> {
    let query = r#"<C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><D:getetag/><C:calendar-data/></D:prop><C:filter><C:comp-filter name="VCALENDAR">FILTER</C:comp-filter></C:filter></C:calendar-query>"#;
    let week = r#"<C:comp-filter name="VEVENT"><C:time-range start="20260106T000000Z" end="20260107T000000Z"/></C:comp-filter>"#;
    let about = r#"<C:comp-filter name="VEVENT"><C:prop-filter name="SUMMARY"><C:text-match>Licenciement</C:text-match></C:prop-filter></C:comp-filter>"#;
    let multiget = format!(
        r#"<C:calendar-multiget xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><D:getetag/><C:calendar-data/></D:prop><D:href>{theirs}busy-1.ics</D:href><D:href>{theirs}plan@secret.ics</D:href><D:href>{theirs}busy-2.ics</D:href></C:calendar-multiget>"#
    );
    vec![
        ("PROPFIND", theirs.to_owned(), String::new()),
        ("REPORT", theirs.to_owned(), sync("")),
        ("REPORT", theirs.to_owned(), query.replace("FILTER", week)),
        ("REPORT", theirs.to_owned(), query.replace("FILTER", about)),
        ("REPORT", theirs.to_owned(), multiget),
        ("GET", format!("{theirs}busy-1.ics"), String::new()),
        ("PROPFIND", format!("{theirs}busy-1.ics"), String::new()),
    ]
}

/// Nothing can be done with a veiled event but to look at it.
async fn no_way_round(world: &World, lea: &Person, theirs: &str, event: &str) {
    // Nothing can be done with it, and there is no way round.
    let files = [("destination", format!("/dav/calendars/{}/copy.ics", lea.address))];
    let to: Vec<(&str, &str)> = files.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(world.at_office(lea, "MKCALENDAR", &format!("/dav/calendars/{}/own/", lea.address), "").await.status, 201);
    let own = [("destination", format!("/dav/calendars/{}/own/x.ics", lea.address))];
    let own: Vec<(&str, &str)> = own.iter().map(|(name, value)| (*name, value.as_str())).collect();
    for (method, headers) in [("COPY", &own), ("MOVE", &own), ("COPY", &to), ("DELETE", &Vec::new()), ("PUT", &Vec::new())] {
        let tried = world.ask(lea, OFFICE, method, &format!("{theirs}busy-1.ics"), headers, event).await;
        assert!(tried.status >= 400, "{method}: {} {}", tried.status, tried.text());
    }
    let folder = [("destination", format!("/dav/calendars/{}/all/", lea.address)), ("depth", "infinity".to_owned())];
    let folder: Vec<(&str, &str)> = folder.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert!(world.ask(lea, OFFICE, "COPY", theirs, &folder, "").await.status >= 400);
    assert!(world.at_office(lea, "GET", &format!("{theirs}plan@secret.ics"), "").await.status == 404);
}

/// CLASS holds for everybody but the owner and who put it, whatever else they may.
#[tokio::test]
async fn what_is_not_public_is_its_owners_alone() {
    let (world, lead, lea, paul) = cast().await;
    let calendar = format!("/dav/calendars/{}/team/", lead.address);
    assert_eq!(world.at_office(&lead, "MKCALENDAR", &calendar, "").await.status, 201);
    let grants = acl(&[(&principal(&lea), "D:read D:write-content D:bind D:unbind"), (&principal(&paul), "D:read")]);
    assert_eq!(world.at_office(&lead, "ACL", &calendar, &grants).await.status, 200);
    let event = |uid: &str, class: &str| object(uid, "VEVENT", &format!("DTSTART:20260105T090000Z\r\nSUMMARY:sur {uid}\r\n{class}"));
    for (uid, class) in [("open", ""), ("shut", "CLASS:PRIVATE\r\n"), ("half", "CLASS:CONFIDENTIAL\r\n")] {
        assert_eq!(world.at_office(&lead, "PUT", &format!("{calendar}{uid}.ics"), &event(uid, class)).await.status, 201);
    }
    assert_eq!(
        world.at_office(&lead, "PUT", &format!("{calendar}chore.ics"), &object("chore", "VTODO", "CLASS:PRIVATE\r\n")).await.status,
        201
    );
    let at = |who: &Person, name: &str| format!("/dav/calendars/{}/team~{}/{name}", who.address, lead.address);
    let theirs = at(&lea, "");
    assert_eq!(world.at_office(&lea, "PUT", &at(&lea, "hers.ics"), &event("hers", "CLASS:PRIVATE\r\n")).await.status, 201);

    let read = async |who, name: &str| world.at_office(who, "GET", &at(who, name), "").await.text();
    assert!(read(&lea, "open.ics").await.contains("sur open"));
    for name in ["shut.ics", "half.ics"] {
        let shown = read(&lea, name).await;
        assert!(shown.contains("BEGIN:VEVENT") && !shown.contains("sur "), "{shown}");
    }
    assert!(read(&lea, "hers.ics").await.contains("sur hers") && !read(&paul, "hers.ics").await.contains("sur hers"));
    assert!(world.at_office(&lead, "GET", &format!("{calendar}hers.ics"), "").await.text().contains("sur hers"));
    let listed = world.ask(&lea, OFFICE, "PROPFIND", &theirs, &[("depth", "1")], "").await.text();
    assert!(listed.contains("shut.ics") && !listed.contains("chore.ics"), "{listed}");
    // Who may write the calendar may not write over what they cannot see, nor take it along.
    assert_eq!(world.at_office(&lea, "PUT", &at(&lea, "shut.ics"), &event("shut", "")).await.status, 403);
    assert_eq!(world.at_office(&lea, "DELETE", &at(&lea, "shut.ics"), "").await.status, 403);
    let copy = format!("/dav/calendars/{}/copy/", lea.address);
    assert_eq!(world.ask(&lea, OFFICE, "COPY", &theirs, &[("destination", &copy), ("depth", "infinity")], "").await.status, 201);
    let copied = world.ask(&lea, OFFICE, "PROPFIND", &copy, &[("depth", "1")], "").await.text();
    assert!(copied.contains("open.ics") && copied.contains("hers.ics") && !copied.contains("shut.ics"), "{copied}");
    // What becomes private goes, as far as nothing of it is to be seen.
    let sync = |token: &str| {
        format!(
            r#"<D:sync-collection xmlns:D="DAV:"><D:sync-token>{token}</D:sync-token><D:sync-level>1</D:sync-level><D:prop><D:getetag/></D:prop></D:sync-collection>"#
        )
    };
    assert_eq!(world.at_office(&lead, "PUT", &format!("{calendar}list.ics"), &object("list", "VTODO", "")).await.status, 201);
    let before = world.at_office(&lea, "REPORT", &theirs, &sync("")).await.text();
    assert!(before.contains("list.ics"));
    let token = before.split("<D:sync-token>").nth(1).unwrap().split('<').next().unwrap().to_owned();
    assert_eq!(
        world.at_office(&lead, "PUT", &format!("{calendar}list.ics"), &object("list", "VTODO", "CLASS:PRIVATE\r\n")).await.status,
        204
    );
    let after = world.at_office(&lea, "REPORT", &theirs, &sync(&token)).await.text();
    assert!(after.contains("list.ics</D:href><D:status>HTTP/1.1 404"), "{after}");
}

#[tokio::test]
async fn when_somebody_is_busy_is_told_to_who_may_know_that() {
    let (world, lead, lea, paul) = cast().await;
    let calendar = format!("/dav/calendars/{}/team/", lead.address);
    assert_eq!(world.at_office(&lead, "MKCALENDAR", &calendar, "").await.status, 201);
    assert_eq!(world.at_office(&lead, "ACL", &calendar, &acl(&[(&principal(&lea), "C:read-free-busy")])).await.status, 200);
    for (uid, lines) in [
        ("a", "DTSTART:20260105T090000Z\r\nDTEND:20260105T100000Z\r\nCLASS:PRIVATE\r\n"),
        ("b", "DTSTART:20260105T100000Z\r\nDTEND:20260105T110000Z\r\nRRULE:FREQ=DAILY\r\n"),
        ("c", "DTSTART:20260105T120000Z\r\nDTEND:20260105T130000Z\r\nSTATUS:TENTATIVE\r\n"),
        ("d", "DTSTART:20260105T140000Z\r\nDTEND:20260105T150000Z\r\nTRANSP:TRANSPARENT\r\n"),
        ("e", "DTSTART:20260105T160000Z\r\nDTEND:20260105T170000Z\r\nSTATUS:CANCELLED\r\n"),
    ] {
        assert_eq!(world.at_office(&lead, "PUT", &format!("{calendar}{uid}.ics"), &object(uid, "VEVENT", lines)).await.status, 201);
    }
    let query = |start: &str, end: &str| {
        format!(
            r#"<C:free-busy-query xmlns:C="urn:ietf:params:xml:ns:caldav"><C:time-range start="{start}" end="{end}"/></C:free-busy-query>"#
        )
    };
    let day = query("20260105T000000Z", "20260106T103000Z");
    let theirs = format!("/dav/calendars/{}/team~{}/", lea.address, lead.address);
    for (who, path) in [(&lead, calendar.clone()), (&lea, theirs.clone()), (&lead, format!("/dav/calendars/{}/", lead.address))] {
        let told = world.ask(who, OFFICE, "REPORT", &path, &[("depth", "1")], &day).await;
        assert_eq!((told.status, told.header("content-type")), (200, "text/calendar; charset=utf-8"), "{}", told.text());
        let text = told.text();
        for line in [
            "FREEBUSY;FBTYPE=BUSY:20260105T090000Z/20260105T110000Z\r\n",
            "FREEBUSY;FBTYPE=BUSY-TENTATIVE:20260105T120000Z/20260105T130000Z\r\n",
            "FREEBUSY;FBTYPE=BUSY:20260106T100000Z/20260106T103000Z\r\n",
        ] {
            assert!(text.contains(line), "{line}{text}");
        }
        assert_eq!(text.matches("FREEBUSY;").count(), 3, "{text}");
    }
    let nobody = format!("/dav/calendars/{}/team~{}/", paul.address, lead.address);
    assert_eq!(world.ask(&paul, OFFICE, "REPORT", &nobody, &[], &day).await.status, 404);
    assert_eq!(world.at_office(&lea, "GET", &format!("{theirs}a.ics"), "").await.status, 404);
    let odd = world.at_office(&lead, "REPORT", &calendar, &query("20260106T000000Z", "20260105T000000Z")).await;
    assert!(odd.status == 403 && odd.text().contains("C:valid-filter"), "{}", odd.text());
}

fn object(uid: &str, kind: &str, lines: &str) -> String {
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//t\r\nBEGIN:{kind}\r\nUID:{uid}\r\nDTSTAMP:20260101T000000Z\r\n{lines}END:{kind}\r\nEND:VCALENDAR\r\n"
    )
}
