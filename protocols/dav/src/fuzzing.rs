//! The XML bodies of all methods for the fuzz target `dav_xml`: read, judged, kept and told again, with no store behind them.

use crate::caldav::{self, Floating};
use crate::carddav;
use crate::instruction::{instructions, judge_file, judge_folder, judge_inbox};
use crate::methods::fuzzed;
use crate::multistatus::{Wanted, describe};
use crate::names::{CALDAV, CARDDAV, DAV};
use crate::path::Target;
use crate::property::{Subject, Viewer};
use crate::search::Query;
use crate::xml::{Element, Xml, kept, parse};
use http::HeaderMap;
use octroi_ical::Tree;

/// Any octets as a body. What holds, or this panics: nothing panics; what is kept of a property can be told, is then what was sent, and says
/// the same when it is kept again; every answer is well-formed.
pub fn fuzz_xml(body: &[u8]) {
    let Ok(request) = parse(body) else {
        // Who calls it has parsed before; it must come to an end all the same.
        let _ = kept(body);
        return;
    };
    if let Ok(values) = kept(body) {
        come_back(&request, &values);
        for (act, property, value) in instructions(&request, values.clone()) {
            let _ = judge_file(act, property, value.clone());
            let _ = judge_inbox(act, property, value.clone(), 4096);
            let _ = judge_folder(act, property, value);
        }
        fuzzed(&request, values);
    }
    queries(&request);
    let headers = HeaderMap::new();
    for wanted in [Wanted::of_propfind(Some(&request), &headers), Wanted::of_prop(&request, &headers)].into_iter().flatten() {
        told(&wanted);
    }
    let _ = crate::sharing::entries(&request, &viewer().address);
    let _ = crate::invitation::wishes(&request, &viewer().address, &viewer().config);
    if let Some(token) = request.child(DAV, "sync-token") {
        let _ = crate::standing::Standing::parse(token.trimmed(), 1_000).map(|standing| standing.ctag());
    }
    if let (Some(basic), Ok(Target::Place(base))) = (request.child(DAV, "basicsearch"), Target::parse("/dav/files/lea@a.example/x/"))
        && let Ok(query) = Query::read(basic, &base, &headers)
    {
        let (subject, viewer) = (Subject::Fixed("Rapport"), viewer());
        let candidate = crate::search::condition::Candidate { subject: &subject, viewer: &viewer, name: "rapport", contains: &[] };
        let _ = query.condition.map(|condition| condition.holds(&candidate));
        told(&query.select);
    }
}

/// Filters of both families and what they ask of the data, in the request or in place of it.
fn queries(request: &Element) {
    const EVENT: &[u8] =
        b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:a\r\nDTSTART;TZID=Europe/Paris:20260105T090000\r\nRRULE:FREQ=WEEKLY\r\n\
        SUMMARY;X=y:b\r\nBEGIN:VALARM\r\nTRIGGER:-PT5M\r\nEND:VALARM\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    const CARD: &[u8] = b"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:1\r\nFN:A\r\nx.EMAIL;TYPE=work:a@b.example\r\nEND:VCARD\r\n";
    let floating = Floating { zone: jiff::tz::TimeZone::UTC, limits: octroi_ical::ExpansionLimits { instances: 100, steps: 10_000 } };
    let (Ok(event), Ok(card)) = (Tree::read(EVENT), Tree::read(CARD)) else { unreachable!("they are objects") };
    let filter = |namespace| request.child(namespace, "filter").unwrap_or(request);
    if let Ok(filter) = caldav::Filter::read(filter(CALDAV)) {
        let _ = (filter.kind(), filter.range(), filter.rings(), filter.is_plain(), caldav::fits(&filter, &event, &floating));
    }
    if let Ok(filter) = carddav::Filter::read(filter(CARDDAV)) {
        let _ = filter.fits(&card);
    }
    let data = |namespace, name| request.child(DAV, "prop").and_then(|prop| prop.child(namespace, name)).unwrap_or(request);
    if let Ok(data) = caldav::CalendarData::read(data(CALDAV, "calendar-data")) {
        let _ = data.of(EVENT, &floating);
    }
    if let Ok(data) = carddav::AddressData::read(data(CARDDAV, "address-data")) {
        let _ = data.of(CARD);
    }
    let _ = caldav::of_request(request);
}

fn viewer() -> Viewer {
    let Ok(address) = "lea@a.example".parse() else { unreachable!("it is an address") };
    Viewer {
        address,
        display_name: "Léa <Martin>".to_owned(),
        groups: Vec::new(),
        shares: false,
        config: std::sync::Arc::default(),
        scheduling: None,
        stands_for: Vec::new(),
        directory: None,
    }
}

/// Properties as they were sent, and as they are told in an answer.
fn come_back(request: &Element, values: &[String]) {
    let sent: Vec<&Element> = request.children.iter().flat_map(|act| &act.children).flat_map(|prop| &prop.children).collect();
    assert_eq!(sent.len(), values.len(), "one for each");
    for (sent, value) in sent.into_iter().zip(values) {
        // Nothing is in force round it that it could lean on.
        let answer = format!("<a><b><c>{value}</c></b></a>");
        // Told, its own tag may have more declarations than an element may have in a request.
        let Ok(told) = parse(answer.as_bytes()) else { continue };
        let told = &told.children[0].children[0].children[0];
        assert_eq!(sent, told, "{value}");
        // Kept again, it says the same, though it may declare its namespaces elsewhere.
        let again = kept(answer.as_bytes()).unwrap_or_default();
        assert_eq!(again.first().and_then(|again| parse(again.as_bytes()).ok()).as_ref(), Some(told), "{value}");
    }
}

fn told(wanted: &Wanted) {
    for subject in [Subject::Fixed("dav"), Subject::Principal] {
        let mut answer = Xml::document("D:multistatus");
        describe("/dav/", &subject, wanted, &viewer(), None, &mut answer);
        answer.close("D:multistatus");
        let answer = answer.into_string();
        assert!(parse(answer.as_bytes()).is_ok(), "{answer}");
    }
}
