//! A whole calendar as the web has it: one stream of many components, cut into the objects that a calendar collection keeps (RFC 4791 section 4.1).
//!
//! Called by what fetches calendars. What always holds: of a stream that breaks off nothing is taken, so nothing is missed that was there; what cannot be
//! understood is left out and counted, and nothing else with it; each object has the time zones that it names, and no METHOD; lines are those that came.

use crate::content::ContentLine;
use crate::edit::Edits;
use crate::invalid::Invalid;
use crate::limits::FEED_BYTES_MAX;
use crate::lines::{Line, Lines};
use crate::parts::{Component, components};
use crate::tree::{Node, Tree};
use crate::value::Length;
use std::collections::{BTreeSet, HashMap};

const HEAD: &[u8] = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Octroi//Subscription//EN\r\n";
const TAIL: &[u8] = b"END:VCALENDAR\r\n";

/// What a calendar of the web comes to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Feed {
    /// In the order in which their UIDs come first.
    pub objects: Vec<FeedObject>,
    /// Components that have no UID or cannot be read.
    pub left_out: usize,
    /// How often it is to be looked at, in seconds: REFRESH-INTERVAL (RFC 7986 section 5.7), or what Microsoft calls it.
    pub refresh_seconds: Option<i64>,
}

/// All components that have a UID, whose validity is still to be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedObject {
    /// It.
    pub uid: String,
    /// The object.
    pub octets: Vec<u8>,
}

/// Cut a stream into objects; `alarms`: with what rings.
pub fn feed(octets: &[u8], alarms: bool) -> Result<Feed, Invalid> {
    let refresh_seconds = around(octets)?;
    let mut zones: HashMap<String, &[u8]> = HashMap::new();
    let mut order: Vec<Parts> = Vec::new();
    let mut by_uid: HashMap<String, usize> = HashMap::new();
    let mut left_out = 0;
    for Component { name, tzid, octets } in components(octets) {
        if name == "VTIMEZONE" {
            zones.extend(tzid.map(|tzid| (tzid, octets)));
            continue;
        }
        match part(octets, alarms) {
            Some((uid, is_main, text, zones)) => {
                let at = *by_uid.entry(uid.clone()).or_insert(order.len());
                if at == order.len() {
                    order.push(Parts { uid, has_main: false, text: Vec::new(), zones: BTreeSet::new() });
                }
                // Of two that both say that they are the object the first is.
                if is_main && std::mem::replace(&mut order[at].has_main, true) {
                    left_out += 1;
                    continue;
                }
                order[at].text.extend(text);
                order[at].zones.extend(zones);
            }
            None => left_out += 1,
        }
    }
    let mut objects = Vec::with_capacity(order.len());
    let mut bytes = 0;
    for parts in order {
        // One large time zone may be named by every one of thousands of small events.
        bytes += parts.bytes(&zones);
        if bytes > FEED_BYTES_MAX {
            return Err(Invalid::TooLarge);
        }
        objects.push(parts.object(&zones));
    }
    Ok(Feed { objects, left_out, refresh_seconds })
}

struct Parts {
    uid: String,
    has_main: bool,
    text: Vec<u8>,
    zones: BTreeSet<String>,
}

impl Parts {
    /// About how large the object is going to be.
    fn bytes(&self, zones: &HashMap<String, &[u8]>) -> usize {
        let zones: usize = self.zones.iter().filter_map(|tzid| zones.get(tzid)).map(|zone| zone.len()).sum();
        HEAD.len() + zones + self.text.len() + TAIL.len()
    }

    fn object(self, zones: &HashMap<String, &[u8]>) -> FeedObject {
        let mut octets = HEAD.to_vec();
        for zone in self.zones.iter().filter_map(|tzid| zones.get(tzid)) {
            ended(zone, &mut octets);
        }
        octets.extend(self.text);
        octets.extend_from_slice(TAIL);
        FeedObject { uid: self.uid, octets }
    }
}

/// Is it whole calendars and nothing else? How often they are to be looked at.
fn around(octets: &[u8]) -> Result<Option<i64>, Invalid> {
    let mut depth = 0_usize;
    let mut any = false;
    let mut refresh = None;
    for line in Lines::new(octets).filter(|line| !line.is_blank()) {
        let is = |line: &Line<'_>, what: &[u8]| line.raw.get(..what.len()).is_some_and(|start| start.eq_ignore_ascii_case(what));
        let line = Line { raw: line.raw.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line.raw), range: line.range };
        if is(&line, b"BEGIN:") {
            if depth == 0 && !is(&line, b"BEGIN:VCALENDAR") {
                return Err(Invalid::NotOne("VCALENDAR"));
            }
            (depth, any) = (depth + 1, true);
        } else if is(&line, b"END:") {
            depth = depth.checked_sub(1).ok_or(Invalid::NotOne("VCALENDAR"))?;
        } else if depth == 0 {
            return Err(Invalid::NotOne("VCALENDAR"));
        } else if depth == 1 && refresh.is_none() {
            refresh = interval(&line);
        }
    }
    if depth == 0 && any { Ok(refresh) } else { Err(Invalid::NotOne("VCALENDAR")) }
}

fn interval(line: &Line<'_>) -> Option<i64> {
    let unfolded = line.unfolded();
    let content = ContentLine::parse(&unfolded).ok().filter(|line| line.is("REFRESH-INTERVAL") || line.is("X-PUBLISHED-TTL"))?;
    let length = Length::of(content.value).ok()?;
    Some((i64::from(length.days) * 86_400).saturating_add(length.seconds)).filter(|seconds| *seconds > 0)
}

/// Of one component: its UID, whether it is no overridden instance, its octets, the time zones that it names.
fn part(octets: &[u8], alarms: bool) -> Option<(String, bool, Vec<u8>, BTreeSet<String>)> {
    let tree = Tree::read(octets).ok()?;
    let [node] = &tree.components[..] else { return None };
    let uid = crate::calendar::uid_of(node).ok()??;
    let mut zones = BTreeSet::new();
    named(node, &mut zones);
    let mut edits = Edits::of(octets);
    if !alarms {
        for alarm in node.named("VALARM") {
            edits.remove(alarm.range.clone());
        }
    }
    let mut text = Vec::with_capacity(octets.len());
    ended(&edits.apply(), &mut text);
    let is_main = matches!(node.name.as_str(), "VEVENT" | "VTODO" | "VJOURNAL") && node.property("RECURRENCE-ID").is_none();
    Some((uid, is_main, text, zones))
}

fn named(node: &Node<'_>, zones: &mut BTreeSet<String>) {
    zones.extend(node.properties.iter().filter_map(|entry| entry.param("TZID")).map(str::to_owned));
    for below in &node.components {
        named(below, zones);
    }
}

/// The last line of a stream may lack its end.
fn ended(octets: &[u8], into: &mut Vec<u8>) {
    into.extend_from_slice(octets);
    if into.last() != Some(&b'\n') {
        into.extend_from_slice(b"\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validate_calendar;
    use proptest::prelude::*;

    const FEED: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:PUBLISH\r\nREFRESH-INTERVAL;VALUE=DURATION:PT6H\r\nX-PUBLISHED-TTL:PT1H\r\n\
        BEGIN:VTIMEZONE\r\nTZID:Europe/Paris\r\nBEGIN:STANDARD\r\nDTSTART:19701025T030000\r\nTZOFFSETFROM:+0200\r\nTZOFFSETTO:+0100\r\n\
        END:STANDARD\r\nEND:VTIMEZONE\r\n\
        BEGIN:VEVENT\r\nUID:a\r\nDTSTAMP:20260101T000000Z\r\nDTSTART;TZID=Europe/Paris:20260105T090000\r\nRRULE:FREQ=DAILY;COUNT=3\r\n\
        BEGIN:VALARM\r\nTRIGGER:-PT5M\r\nEND:VALARM\r\nEND:VEVENT\r\n\
        BEGIN:VEVENT\r\nDTSTART:20260105T090000Z\r\nEND:VEVENT\r\n\
        BEGIN:VEVENT\r\nUID:b\r\nDTSTAMP:20260101T000000Z\r\nDTSTART;VALUE=DATE:20260106\r\nSUMMARY:f\r\n olded\r\nEND:VEVENT\r\n\
        BEGIN:VEVENT\r\nUID:a\r\nRECURRENCE-ID;TZID=Europe/Paris:20260106T090000\r\nDTSTAMP:20260101T000000Z\r\n\
        DTSTART;TZID=Europe/Paris:20260106T100000\r\nEND:VEVENT\r\nEND:VCALENDAR";

    #[test]
    fn a_stream_is_cut_by_uid() {
        let read = feed(FEED.as_bytes(), false).unwrap();
        assert_eq!((read.left_out, read.refresh_seconds), (1, Some(6 * 3600)));
        let uids: Vec<_> = read.objects.iter().map(|object| object.uid.as_str()).collect();
        assert_eq!(uids, ["a", "b"]);
        let text = |at: usize| std::str::from_utf8(&read.objects[at].octets).unwrap();
        for object in &read.objects {
            validate_calendar(&object.octets).unwrap();
        }
        assert!(text(0).matches("BEGIN:VEVENT").count() == 2 && text(0).contains("TZID:Europe/Paris"), "{}", text(0));
        assert!(text(1).contains("SUMMARY:f\r\n olded\r\n") && !text(1).contains("VTIMEZONE"), "{}", text(1));
        assert!(!text(0).contains("VALARM") && !text(0).contains("METHOD"), "{}", text(0));
        let ringing = feed(FEED.as_bytes(), true).unwrap();
        assert!(std::str::from_utf8(&ringing.objects[0].octets).unwrap().contains("BEGIN:VALARM"));
    }

    /// Some programs number what they write anew each time, and give two the same.
    #[test]
    fn of_two_with_one_uid_the_first_is_taken() {
        let event = |title: &str, more: &str| {
            format!("BEGIN:VEVENT\r\nUID:a\r\nDTSTART:20260105T090000Z\r\n{more}SUMMARY:{title}\r\nEND:VEVENT\r\n")
        };
        let instance = event("moved", "RECURRENCE-ID:20260112T090000Z\r\n");
        let whole = format!("BEGIN:VCALENDAR\r\n{instance}{}{}END:VCALENDAR\r\n", event("first", ""), event("second", ""));
        let read = feed(whole.as_bytes(), false).unwrap();
        let text = String::from_utf8(read.objects[0].octets.clone()).unwrap();
        assert_eq!((read.objects.len(), read.left_out), (1, 1));
        assert!(text.contains("first") && text.contains("moved") && !text.contains("second"), "{text}");
        validate_calendar(text.as_bytes()).unwrap();
    }

    #[test]
    fn a_large_time_zone_is_not_multiplied_without_end() {
        let zone = format!("BEGIN:VTIMEZONE\r\nTZID:z\r\nCOMMENT:{}\r\nEND:VTIMEZONE\r\n", "x".repeat(1 << 20));
        let events: String =
            (0..100).map(|n| format!("BEGIN:VEVENT\r\nUID:{n}\r\nDTSTART;TZID=z:20260105T090000\r\nEND:VEVENT\r\n")).collect();
        let whole = format!("BEGIN:VCALENDAR\r\n{zone}{events}END:VCALENDAR\r\n");
        assert_eq!(feed(whole.as_bytes(), false), Err(Invalid::TooLarge));
    }

    #[test]
    fn what_breaks_off_or_is_something_else_is_none() {
        for octets in [
            &FEED.as_bytes()[..FEED.len() - 15],
            &FEED.as_bytes()[..600],
            b"<!DOCTYPE html><html>",
            b"",
            b"\r\n",
            b"BEGIN:VCARD\r\nEND:VCARD\r\n",
            b"END:VCALENDAR\r\n",
            b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\nx",
        ] {
            assert!(feed(octets, true).is_err(), "{}", String::from_utf8_lossy(octets));
        }
        let empty = feed(b"\xef\xbb\xbfBEGIN:VCALENDAR\nX-PUBLISHED-TTL:P1W\nEND:VCALENDAR\n", true).unwrap();
        assert_eq!((empty.objects.len(), empty.refresh_seconds), (0, Some(7 * 86_400)));
        assert_eq!(feed(b"BEGIN:VCALENDAR\nREFRESH-INTERVAL:-PT1H\nEND:VCALENDAR\n", true).unwrap().refresh_seconds, None);
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "((BEGIN|END|TZID|UID|X):(VCALENDAR|VEVENT|VTIMEZONE|VALARM|a)?\r?\n ?){0,14}", alarms: bool) {
            let whole = format!("BEGIN:VCALENDAR\n{text}END:VCALENDAR");
            if let Ok(read) = feed(whole.as_bytes(), alarms) {
                prop_assert!(read.objects.iter().all(|object| !object.uid.is_empty()));
            }
        }
    }
}
