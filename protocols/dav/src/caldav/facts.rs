//! What is noted of an object or a card when it is put: kind, UID, when anything of it is. So it is found without being read.
//!
//! Called by what puts objects, and for those that were put before there were notes.

use crate::call::Call;
use jiff::tz::TimeZone;
use octroi_gate::{Area, Folder, Granted, List, ObjectFacts, ObjectKind, ObjectTraits, Refusal, Shown};
use octroi_ical::{Class, ExpansionLimits, Moment, Node, Tree, Zones, class, span, stripped, with_own};
use octroi_model::CollectionKind;

/// Objects without a note that one request looks into. There are only those of an older store.
const DESCRIBED_MAX: usize = 20_000;
/// How many of them at a time.
const GROUP: usize = 100;

/// What an object or card says of itself; `None` if it is neither.
pub(crate) fn facts_of(area: Area, tree: &Tree<'_>, limits: &ExpansionLimits) -> Option<ObjectFacts> {
    let top = tree.components.first()?;
    if area == Area::Contacts {
        let uid = top.value("UID")?.trim().to_owned();
        return Some(ObjectFacts { kind: ObjectKind::Card, uid, first: None, last: None, traits: ObjectTraits::NONE });
    }
    let mut nodes = top.components.iter().filter_map(|node| Some((kind(&node.name)?, node)));
    let (kind, first) = nodes.next()?;
    let uid = first.value("UID")?.trim().to_owned();
    let is_alone = nodes.next().is_none();
    let span = span(tree, &TimeZone::UTC, limits);
    let is_exact = is_alone && kind == ObjectKind::Event && !span.recurs && is_fixed(tree, first);
    let nodes = || top.components.iter().filter(|node| self::kind(&node.name).is_some());
    let mut traits = ObjectTraits::NONE;
    for (has, one) in [
        (span.recurs, ObjectTraits::RECURS),
        (is_exact && span.first.zip(span.last).is_some_and(|(first, last)| first <= last), ObjectTraits::EXACT),
        (nodes().any(|node| node.named("VALARM").next().is_some()), ObjectTraits::ALARMS),
        (class(tree) != Class::Public, ObjectTraits::PRIVATE),
        (nodes().all(is_free), ObjectTraits::FREE),
    ] {
        if has {
            traits = traits.or(one);
        }
    }
    Some(ObjectFacts { kind, uid, first: span.first, last: span.last, traits })
}

/// What a calendar object says of itself, for who puts one without a request: scheduling. `None` if it is none.
pub fn describe_object(octets: &[u8], limits: &ExpansionLimits) -> Option<ObjectFacts> {
    facts_of(Area::Calendars, &Tree::read(octets).ok()?, limits)
}

/// The kind of a component by its name in upper case.
pub(crate) fn kind(name: &str) -> Option<ObjectKind> {
    Some(match name {
        "VEVENT" => ObjectKind::Event,
        "VTODO" => ObjectKind::Todo,
        "VJOURNAL" => ObjectKind::Journal,
        "VFREEBUSY" => ObjectKind::FreeBusy,
        "VAVAILABILITY" => ObjectKind::Availability,
        _ => return None,
    })
}

/// Are its times the same wherever one is?
fn is_fixed(tree: &Tree<'_>, node: &Node<'_>) -> bool {
    let zones = Zones::of(tree, &TimeZone::UTC);
    let mut times = ["DTSTART", "DTEND"].into_iter().filter_map(|name| node.property(name));
    node.property("DTSTART").is_some()
        && times.all(|entry| match Moment::read(entry) {
            Ok(Moment::Utc(_)) => true,
            Ok(Moment::Zoned(_, tzid)) => zones.named(&tzid).is_some(),
            _ => false,
        })
}

/// Is nobody busy because of it (RFC 4791 section 7.10)?
fn is_free(node: &Node<'_>) -> bool {
    let is = |name, word: &str| node.value(name).is_some_and(|value| value.trim().eq_ignore_ascii_case(word));
    match node.name.as_str() {
        "VEVENT" => is("TRANSP", "TRANSPARENT") || is("STATUS", "CANCELLED"),
        "VFREEBUSY" | "VAVAILABILITY" => false,
        _ => true,
    }
}

/// Look into the objects of a collection of which nothing is noted.
pub(crate) async fn describe_all(folder: &Granted<Folder, List>, area: Area, limits: &ExpansionLimits) -> Result<(), Refusal> {
    let describe = |octets: &[u8]| facts_of(area, &Tree::read(octets).ok()?, limits);
    for _ in 0..DESCRIBED_MAX / GROUP {
        if !folder.describe_unknown(GROUP, describe).await? {
            break;
        }
    }
    Ok(())
}

/// The same of somebody else's calendar: of what is not described nobody but its owner sees anything.
pub(crate) async fn describe_shared(folder: &Granted<Folder, List>, call: &Call) -> Result<(), Refusal> {
    let facts = folder.facts();
    if facts.kind != CollectionKind::Calendar || facts.owner == *call.session.address() {
        return Ok(());
    }
    describe_all(folder, Area::Calendars, &call.config.expansion()).await
}

/// What is shown of an object to who does not see it as it is kept.
pub(crate) fn strip(octets: &[u8], shown: &Shown) -> Option<Vec<u8>> {
    let tree = Tree::read(octets).ok()?;
    match shown {
        Shown::Busy(uid) => stripped(&tree, uid),
        Shown::Own(own) => Some(with_own(&tree, own)),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn facts(lines: &str) -> ObjectFacts {
        let object = format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID: u \r\n{lines}END:VEVENT\r\nEND:VCALENDAR\r\n");
        facts_of(Area::Calendars, &Tree::read(object.as_bytes()).unwrap(), &ExpansionLimits::default()).unwrap()
    }

    #[test]
    fn what_an_event_says_of_itself() {
        let plain = facts("DTSTART;TZID=Europe/Paris:20260105T090000\r\nDTEND;TZID=Europe/Paris:20260105T093000\r\n");
        let start = 1_767_600_000;
        assert_eq!((plain.uid.as_str(), plain.first, plain.last), ("u", Some(start), Some(start + 1800)));
        assert_eq!(plain.traits, ObjectTraits::EXACT);
        let floating = facts("DTSTART:20260105T090000\r\nCLASS:CONFIDENTIAL\r\n");
        assert!(!floating.traits.contains(ObjectTraits::EXACT) && floating.traits.contains(ObjectTraits::PRIVATE));
        assert!(floating.first.unwrap() < start && floating.last.unwrap() > start + 3600);
        let ever = facts("DTSTART:20260105T090000Z\r\nRRULE:FREQ=DAILY\r\nTRANSP:TRANSPARENT\r\nBEGIN:VALARM\r\nEND:VALARM\r\n");
        assert_eq!((ever.first, ever.last), (Some(start + 3600), None));
        assert_eq!(ever.traits, ObjectTraits::RECURS.or(ObjectTraits::FREE).or(ObjectTraits::ALARMS));
    }
}
