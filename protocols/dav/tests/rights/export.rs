//! `?export`: a whole calendar or address book, for whose profile lets it be taken out.

use crate::world::{OFFICE, Person, SECURED, World};
use octroi_model::{Outcome, Rights};

const ZONE: &str = "BEGIN:VTIMEZONE\r\nTZID:Europe/Paris\r\nBEGIN:STANDARD\r\nDTSTART:19701025T030000\r\nTZOFFSETFROM:+0200\r\n\
                    TZOFFSETTO:+0100\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n";

fn event(number: usize) -> String {
    format!(
        "BEGIN:VEVENT\r\nX-ODD;X-P=\"a;b:c\":kept {number}\r\nUID:e{number}\r\nDTSTAMP:20261102T080000Z\r\n\
         DTSTART;TZID=Europe/Paris:20261109T090000\r\nSUMMARY:A line that is fol\r\n ded\r\nEND:VEVENT\r\n"
    )
}

async fn calendar(world: &World, person: &Person) -> String {
    let calendar = format!("/dav/calendars/{}/plan/", person.address);
    assert_eq!(world.at_office(person, "MKCALENDAR", &calendar, "").await.status, 201);
    for number in 1..=3 {
        let object = format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//{number}\r\n{ZONE}{}END:VCALENDAR\r\n", event(number));
        let put = world.at_office(person, "PUT", &format!("{calendar}{number}.ics"), &object).await;
        assert_eq!(put.status, 201, "{}", put.text());
    }
    calendar
}

#[tokio::test]
async fn a_calendar_comes_as_one_with_each_zone_once() {
    let world = World::new().await;
    let lead = world.person("hugo", "lead", "").await;
    let calendar = calendar(&world, &lead).await;
    let export = world.at_office(&lead, "GET", &format!("{calendar}?export"), "").await;
    assert_eq!((export.status, export.header("content-type")), (200, "text/calendar; charset=utf-8"));
    assert!(export.header("content-disposition").contains("plan.ics"));
    let wanted = format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Octroi//Export//EN\r\n{ZONE}{}{}{}END:VCALENDAR\r\n",
        event(1),
        event(2),
        event(3)
    );
    assert_eq!(export.text(), wanted);
    // A page as ever without the word, and nothing but a page where there is nothing to export.
    assert!(world.at_office(&lead, "GET", &calendar, "").await.header("content-type").starts_with("text/html"));
    let home = format!("/dav/calendars/{}/?export", lead.address);
    assert!(world.at_office(&lead, "GET", &home, "").await.header("content-type").starts_with("text/html"));
}

#[tokio::test]
async fn an_address_book_comes_as_its_cards() {
    let world = World::new().await;
    let lead = world.person("hugo", "lead", "").await;
    let book = format!("/dav/contacts/{}/book/", lead.address);
    let body = r#"<D:mkcol xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav"><D:set><D:prop><D:resourcetype><D:collection/><C:addressbook/></D:resourcetype></D:prop></D:set></D:mkcol>"#;
    assert_eq!(world.at_office(&lead, "MKCOL", &book, body).await.status, 201);
    let card = |name: &str, end: &str| format!("BEGIN:VCARD\r\nVERSION:4.0\r\nUID:{name}\r\nFN:{name}\r\nEND:VCARD{end}");
    for (name, end) in [("a", ""), ("b", "\r\n")] {
        let put = world.at_office(&lead, "PUT", &format!("{book}{name}.vcf"), &card(name, end)).await;
        assert_eq!(put.status, 201, "{}", put.text());
    }
    let export = world.at_office(&lead, "GET", &format!("{book}?export"), "").await;
    assert_eq!((export.status, export.header("content-type")), (200, "text/vcard; charset=utf-8"));
    assert_eq!(export.text(), format!("{}{}", card("a", "\r\n"), card("b", "\r\n")));
}

#[tokio::test]
async fn only_whose_profile_says_so_and_every_try_is_audited() {
    let world = World::new().await;
    let lead = world.person("hugo", "lead", "").await;
    let agent = world.person("lea", "agent", "").await;
    let calendar = calendar(&world, &lead).await;
    let path = octroi_model::Path::parse("plan", '/').unwrap();
    let with = [(octroi_gate::Identifier::parse(&agent.address).unwrap(), Rights::parse("lr").unwrap())];
    world.admin.share(&lead.address.parse().unwrap(), octroi_gate::Area::Calendars, &path, &with).await.unwrap();
    let shared = format!("/dav/calendars/{}/plan~{}/", agent.address, lead.address);
    assert_eq!(world.at_office(&agent, "GET", &format!("{shared}1.ics"), "").await.status, 200, "it may be read");
    let refused = world.at_office(&agent, "GET", &format!("{shared}?export"), "").await;
    assert_eq!(refused.status, 403, "{}", refused.text());
    assert!(!refused.text().contains("VEVENT"));
    let elsewhere = world.ask(&lead, SECURED, "GET", &format!("{calendar}?export"), &[], "").await;
    assert_eq!(elsewhere.status, 403, "the rule is for the office");
    let hidden = format!("/dav/calendars/{}/other~{}/?export", agent.address, lead.address);
    assert_eq!(world.at_office(&agent, "GET", &hidden, "").await.status, 404);
    assert_eq!(world.ask(&lead, OFFICE, "GET", &format!("{calendar}?export"), &[], "").await.status, 200);
    let lines = world.lines().await;
    let of = |outcome: Outcome| lines.iter().filter(|l| l.entry.act == "export" && l.entry.outcome == outcome).count();
    assert_eq!((of(Outcome::Refused), of(Outcome::Done)), (2, 1));
}
