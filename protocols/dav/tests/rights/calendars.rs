//! Calendars before a real store: queries by time and text, what of each object is told, and what may not be put.

use crate::world::{OFFICE, Person, World};
use octroi_dav::DavConfig;

async fn calendar(world: &World, person: &Person, name: &str, properties: &str) -> String {
    let calendar = format!("/dav/calendars/{}/{name}/", person.address);
    let body = format!(
        r#"<C:mkcalendar xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:set><D:prop>{properties}</D:prop></D:set></C:mkcalendar>"#
    );
    let body = if properties.is_empty() { String::new() } else { body };
    let made = world.at_office(person, "MKCALENDAR", &calendar, &body).await;
    assert_eq!(made.status, 201, "{}", made.text());
    calendar
}

fn object(uid: &str, kind: &str, lines: &str) -> String {
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//t\r\nBEGIN:{kind}\r\nUID:{uid}\r\nDTSTAMP:20260101T000000Z\r\n{lines}END:{kind}\r\nEND:VCALENDAR\r\n"
    )
}

async fn put(world: &World, person: &Person, path: &str, object: &str) {
    let put = world.at_office(person, "PUT", path, object).await;
    assert!(matches!(put.status, 201 | 204), "{}", put.text());
}

fn query(prop: &str, filter: &str, more: &str) -> String {
    format!(
        r#"<C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop>{prop}</D:prop><C:filter><C:comp-filter name="VCALENDAR">{filter}</C:comp-filter></C:filter>{more}</C:calendar-query>"#
    )
}

fn between(start: &str, end: &str) -> String {
    format!(r#"<C:comp-filter name="VEVENT"><C:time-range start="{start}" end="{end}"/></C:comp-filter>"#)
}

/// The last segments of the hrefs that have something told of them.
fn told(text: &str) -> Vec<String> {
    let responses = text.split("<D:response>").skip(1).filter(|one| one.contains("<D:propstat>"));
    let href = |one: &str| one.split("<D:href>").nth(1).unwrap().split('<').next().unwrap().rsplit('/').next().unwrap().to_owned();
    let mut found: Vec<String> = responses.map(href).collect();
    found.sort();
    found
}

#[tokio::test]
async fn a_week_is_answered_by_what_is_in_it() {
    let world = World::new().await;
    let hugo = world.person("hugo", "lead", "").await;
    let plan = calendar(&world, &hugo, "plan", "").await;
    for day in 1..=28 {
        let lines = format!("DTSTART:202601{day:02}T090000Z\r\nDTEND:202601{day:02}T100000Z\r\n");
        put(&world, &hugo, &format!("{plan}d{day:02}.ics"), &object(&format!("d{day}"), "VEVENT", &lines)).await;
    }
    put(
        &world,
        &hugo,
        &format!("{plan}weekly.ics"),
        &object("w", "VEVENT", "DTSTART:20250107T120000Z\r\nDURATION:PT1H\r\nRRULE:FREQ=WEEKLY\r\n"),
    )
    .await;
    put(
        &world,
        &hugo,
        &format!("{plan}over.ics"),
        &object("o", "VEVENT", "DTSTART:20250107T120000Z\r\nDURATION:PT1H\r\nRRULE:FREQ=WEEKLY;COUNT=3\r\n"),
    )
    .await;
    put(&world, &hugo, &format!("{plan}day.ics"), &object("day", "VEVENT", "DTSTART;VALUE=DATE:20260106\r\n")).await;
    put(&world, &hugo, &format!("{plan}task.ics"), &object("t", "VTODO", "SUMMARY:x\r\n")).await;
    let ask = async |body: &str| world.ask(&hugo, OFFICE, "REPORT", &plan, &[("depth", "1")], body).await.text();

    let week = between("20260105T000000Z", "20260108T090000Z");
    assert_eq!(told(&ask(&query("<D:getetag/>", &week, "")).await), ["d05.ics", "d06.ics", "d07.ics", "day.ics", "weekly.ics"]);
    // It moves, and is found where it is.
    put(&world, &hugo, &format!("{plan}d05.ics"), &object("d5", "VEVENT", "DTSTART:20260205T090000Z\r\n")).await;
    assert_eq!(told(&ask(&query("<D:getetag/>", &week, "")).await), ["d06.ics", "d07.ics", "day.ics", "weekly.ics"]);
    assert_eq!(told(&ask(&query("<D:getetag/>", &between("20260205T090000Z", "20260205T090001Z"), "")).await), ["d05.ics"]);
    let tasks = r#"<C:comp-filter name="VTODO"/>"#;
    assert_eq!(told(&ask(&query("", tasks, "")).await), ["task.ics"]);
    let odd = r#"<C:comp-filter name="VPOLL"/>"#;
    assert!(told(&ask(&query("", odd, "")).await).is_empty());
    assert_eq!(told(&ask(&query("", "", "")).await).len(), 32);

    // The day is another one elsewhere, by what the request says or the calendar.
    let evening = between("20260106T230000Z", "20260106T233000Z");
    let zone = "<C:timezone-id>America/New_York</C:timezone-id>";
    assert_eq!(told(&ask(&query("", &evening, zone)).await), ["day.ics"]);
    let night = between("20260107T020000Z", "20260107T023000Z");
    assert!(told(&ask(&query("", &night, "")).await).is_empty());
    let set = r#"<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><c:calendar-timezone-id xmlns:c="urn:ietf:params:xml:ns:caldav">America/New_York</c:calendar-timezone-id></D:prop></D:set></D:propertyupdate>"#;
    assert_eq!(world.at_office(&hugo, "PROPPATCH", &plan, set).await.status, 207);
    assert_eq!(told(&ask(&query("", &night, "")).await), ["day.ics"]);

    // Expanded: each instance by itself, in UTC, and no rule.
    let data = r#"<C:calendar-data><C:expand start="20260101T000000Z" end="20260115T000000Z"/></C:calendar-data>"#;
    let named = r#"<C:comp-filter name="VEVENT"><C:prop-filter name="UID"><C:text-match collation="i;octet">w</C:text-match></C:prop-filter></C:comp-filter>"#;
    let expanded = ask(&query(data, named, "")).await;
    assert_eq!(
        (expanded.matches("BEGIN:VEVENT").count(), expanded.matches("RECURRENCE-ID:").count(), expanded.matches("RRULE").count()),
        (2, 2, 0)
    );
}

#[tokio::test]
async fn queries_reach_as_deep_as_they_say_and_no_further_than_their_limits() {
    let world = World::limited(DavConfig { query_results_max: 3, instances_max: 10, ..DavConfig::default() }).await;
    let hugo = world.person("hugo", "lead", "").await;
    let (one, two) = (calendar(&world, &hugo, "one", "").await, calendar(&world, &hugo, "two", "").await);
    for (calendar, name) in [(&one, "a"), (&one, "b"), (&two, "c"), (&two, "d")] {
        put(&world, &hugo, &format!("{calendar}{name}.ics"), &object(name, "VEVENT", "DTSTART:20260105T090000Z\r\nRRULE:FREQ=DAILY\r\n"))
            .await;
    }
    let all = query("<D:getetag/>", r#"<C:comp-filter name="VEVENT"/>"#, "");
    let ask = async |path: &str, depth: &str, body: &str| world.ask(&hugo, OFFICE, "REPORT", path, &[("depth", depth)], body).await.text();
    assert_eq!(told(&ask(&one, "1", &all).await), ["a.ics", "b.ics"]);
    assert!(told(&ask(&one, "0", &all).await).is_empty());
    assert_eq!(told(&ask(&format!("{one}b.ics"), "0", &all).await), ["b.ics"]);
    let home = format!("/dav/calendars/{}/", hugo.address);
    assert!(told(&ask(&home, "1", &all).await).is_empty());
    let cut = ask(&home, "infinity", &all).await;
    assert_eq!(told(&cut).len(), 3);
    assert!(cut.contains(&format!("<D:href>{home}</D:href><D:status>HTTP/1.1 507")) && cut.contains("number-of-matches-within-limits"));
    // An object with too many instances is told to have them, and keeps nobody from the others.
    let wide = r#"<C:calendar-data><C:expand start="20260101T000000Z" end="20270101T000000Z"/></C:calendar-data>"#;
    let cut = ask(&one, "1", &query(wide, r#"<C:comp-filter name="VEVENT"/>"#, "")).await;
    assert_eq!((told(&cut).len(), cut.matches("507 Insufficient Storage").count()), (0, 2), "{cut}");
}

#[tokio::test]
async fn what_may_not_be_put_is_refused_by_its_precondition() {
    let world =
        World::limited(DavConfig { instances_max: 100, attendees_max: 2, year_min: 1900, year_max: 2100, ..DavConfig::default() }).await;
    let hugo = world.person("hugo", "lead", "").await;
    let only = r#"<C:supported-calendar-component-set><C:comp name="VEVENT"/></C:supported-calendar-component-set>"#;
    let (plan, any) = (calendar(&world, &hugo, "plan", only).await, calendar(&world, &hugo, "any", "").await);
    let start = "DTSTART:20260105T090000Z\r\n";
    let event = |lines: &str| object("x", "VEVENT", lines);
    let attendees = "ATTENDEE:mailto:a@b.example\r\n".repeat(3);
    for (octets, rule, why) in [
        ("BEGIN:VCALENDAR\r\nno line\r\n".to_owned(), "C:valid-calendar-data", "line 2"),
        (event("DTSTART:tomorrow\r\n"), "C:valid-calendar-data", "DTSTART on line 7"),
        (event("RRULE:FREQ=NEVER\r\n"), "C:valid-calendar-data", "RRULE on line 7"),
        ("BEGIN:VCALENDAR\r\nVERSION:1.0\r\nEND:VCALENDAR\r\n".to_owned(), "C:supported-calendar-data", "VERSION"),
        ("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n".to_owned(), "C:valid-calendar-object-resource", "no component"),
        (event(start).replace("VERSION:2.0", "VERSION:2.0\r\nMETHOD:REQUEST"), "C:valid-calendar-object-resource", "METHOD"),
        (object("x", "VTODO", ""), "C:supported-calendar-component", "VTODO"),
        (event(&format!("{start}{attendees}")), "C:max-attendees-per-instance", "3 attendees"),
        (event(&format!("{start}RRULE:FREQ=DAILY;COUNT=101\r\n")), "C:max-instances", "100 instances"),
        (event(&format!("{start}RRULE:FREQ=DAILY;UNTIL=20270105T000000Z\r\n")), "C:max-instances", "100 instances"),
        (event("DTSTART:18991231T235959Z\r\n"), "C:min-date-time", "1900"),
        (event("DTSTART;VALUE=DATE:21010101\r\n"), "C:max-date-time", "2100"),
    ] {
        let refused = world.at_office(&hugo, "PUT", &format!("{plan}x.ics"), &octets).await;
        let text = refused.text();
        assert!(refused.status == 403 && text.contains(&format!("<{rule}/>")) && text.contains(why), "{rule}: {text}");
    }
    let plain = world.ask(&hugo, OFFICE, "PUT", &format!("{plan}x.ics"), &[("content-type", "text/plain")], &event(start)).await;
    assert!(plain.status == 403 && plain.text().contains("C:supported-calendar-data"));
    // What has no end has no number of instances; and the properties say what holds.
    put(&world, &hugo, &format!("{plan}x.ics"), &event(&format!("{start}RRULE:FREQ=DAILY\r\n"))).await;
    let asked = crate::world::propfind(
        "<C:max-instances/><C:max-attendees-per-instance/><C:min-date-time/><C:max-date-time/><C:max-resource-size/>",
    );
    let told = world.at_office(&hugo, "PROPFIND", &plan, &asked).await.text();
    for value in [">100<", ">2<", ">19000101T000000Z<", ">21001231T235959Z<", ">4194304<"] {
        assert!(told.contains(value), "{value}: {told}");
    }
    // One object has a UID, whichever way another comes.
    let taken = format!("<C:no-uid-conflict><D:href>{plan}x.ics</D:href></C:no-uid-conflict>");
    let again = world.at_office(&hugo, "PUT", &format!("{plan}y.ics"), &event(start)).await;
    assert!(again.status == 403 && again.text().contains(&taken), "{}", again.text());
    let other = world.at_office(&hugo, "PUT", &format!("{plan}x.ics"), &object("z", "VEVENT", start)).await;
    assert!(other.status == 403 && other.text().contains(&taken), "{}", other.text());
    let to = |path: &str| vec![("destination", path.to_owned())];
    let ask = async |method: &str, from: &str, headers: Vec<(&str, String)>| {
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        world.ask(&hugo, OFFICE, method, from, &headers, "").await
    };
    let beside = ask("COPY", &format!("{plan}x.ics"), to(&format!("{plan}y.ics"))).await;
    assert!(beside.status == 403 && beside.text().contains(&taken), "{}", beside.text());
    assert_eq!(ask("MOVE", &format!("{plan}x.ics"), to(&format!("{plan}y.ics"))).await.status, 201);
    assert_eq!(ask("COPY", &format!("{plan}y.ics"), to(&format!("{any}y.ics"))).await.status, 201);
    assert_eq!(ask("COPY", &format!("{plan}y.ics"), to(&format!("{any}y.ics"))).await.status, 204, "in its own place");
    // Nor does a calendar take by COPY what it does not take by PUT.
    put(&world, &hugo, &format!("{any}task.ics"), &object("task", "VTODO", "")).await;
    let task = ask("COPY", &format!("{any}task.ics"), to(&format!("{plan}task.ics"))).await;
    assert!(task.status == 403 && task.text().contains("C:supported-calendar-component"), "{}", task.text());
    let inside = ask("COPY", &any, to(&format!("{plan}inner/"))).await;
    assert!(inside.status >= 400, "{}", inside.text());
}

/// RFC 4791 section 5.2.2, RFC 7809: a zone that cannot be read would be taken for UTC; and what each has their own of.
#[tokio::test]
async fn a_calendar_says_what_it_is_for_and_in_which_zone() {
    let world = World::new().await;
    let hugo = world.person("hugo", "lead", "").await;
    let lea = world.person("lea", "agent", "").await;
    let plan = calendar(&world, &hugo, "plan", "").await;
    let set = |property: &str| {
        format!(
            r#"<D:propertyupdate xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:set><D:prop>{property}</D:prop></D:set></D:propertyupdate>"#
        )
    };
    let zone = "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\nBEGIN:VTIMEZONE\nTZID:Europe/Paris\nEND:VTIMEZONE\nEND:VCALENDAR\n";
    for (property, status, rule) in [
        (format!("<C:calendar-timezone>{zone}</C:calendar-timezone>"), "200 OK", ""),
        ("<C:calendar-timezone>Paris</C:calendar-timezone>".to_owned(), "403 Forbidden", "C:valid-calendar-data"),
        ("<C:calendar-timezone-id>Europe/Paris</C:calendar-timezone-id>".to_owned(), "200 OK", ""),
        ("<C:calendar-timezone-id>Mars/Olympus</C:calendar-timezone-id>".to_owned(), "403 Forbidden", "C:valid-timezone"),
    ] {
        let told = world.at_office(&hugo, "PROPPATCH", &plan, &set(&property)).await.text();
        assert!(told.contains(status) && told.contains(rule), "{property}: {told}");
    }
    let asked = crate::world::propfind("<C:supported-calendar-component-sets/>");
    let home = world.at_office(&hugo, "PROPFIND", &format!("/dav/calendars/{}/", hugo.address), &asked).await.text();
    assert_eq!(home.matches("<C:supported-calendar-component-set>").count(), 5);
    // An alarm of one's own rings nobody else.
    let share = crate::sharing::acl(&[(&crate::sharing::principal(&lea), "D:read")]);
    assert_eq!(world.at_office(&hugo, "ACL", &plan, &share).await.status, 200);
    let theirs = format!("/dav/calendars/{}/plan~{}/", lea.address, hugo.address);
    let alarm = "<C:default-alarm-vevent-datetime>BEGIN:VALARM</C:default-alarm-vevent-datetime>";
    assert!(world.at_office(&lea, "PROPPATCH", &theirs, &set(alarm)).await.text().contains("200 OK"));
    let asked = crate::world::propfind("<C:default-alarm-vevent-datetime/>");
    assert!(world.at_office(&lea, "PROPFIND", &theirs, &asked).await.text().contains("BEGIN:VALARM"));
    assert!(!world.at_office(&hugo, "PROPFIND", &plan, &asked).await.text().contains("BEGIN:VALARM"));
}
