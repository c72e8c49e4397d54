//! From the octets that came to the objects that are kept: each as CalDAV would take it, or left out.

use super::fetch::Feed;
use octroi_dav::{DavConfig, described};
use octroi_gate::{Fetched, FetchedObject, SubscriptionFault};
use octroi_ical::{Invalid, Lines, feed};
use std::time::{Duration, Instant};

/// What came, cut.
pub(super) struct Cut {
    pub(super) fetched: Fetched,
    /// How often it is to be looked at, if it says so.
    pub(super) refresh_seconds: Option<i64>,
}

/// What a calendar may cost.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    pub(super) objects_max: usize,
    /// For looking at all of them: rules that end late are followed to their end.
    pub(super) time: Duration,
}

/// Cut it; `alarms`: with what rings.
pub(super) fn cut(came: Feed, alarms: bool, bounds: Bounds, config: &DavConfig) -> Result<Cut, SubscriptionFault> {
    let begun = Instant::now();
    let read = feed(&came.octets, alarms).map_err(|invalid| match invalid {
        Invalid::TooLarge => SubscriptionFault::TooLarge,
        _ => SubscriptionFault::NotCalendar,
    })?;
    if read.objects.len() > bounds.objects_max {
        return Err(SubscriptionFault::TooMany);
    }
    let mut left_out = read.left_out;
    let mut objects = Vec::with_capacity(read.objects.len());
    for object in read.objects {
        if begun.elapsed() > bounds.time {
            return Err(SubscriptionFault::Late);
        }
        let fits = u64::try_from(object.octets.len()).is_ok_and(|octets| octets <= config.object_bytes_max);
        match described(&object.octets, config).filter(|_| fits) {
            Some((facts, media_type)) => {
                let same = unstamped(&object.octets);
                objects.push(FetchedObject { uid: object.uid, octets: object.octets, facts, media_type, same });
            }
            None => left_out += 1,
        }
    }
    let left_out = u32::try_from(left_out).unwrap_or(u32::MAX);
    let fetched = Fetched { objects, left_out, etag: came.etag, modified: came.modified };
    Ok(Cut { fetched, refresh_seconds: read.refresh_seconds })
}

/// What an object is but for when it was written out (RFC 5545 section 3.8.7.2): many servers write a calendar anew for whoever asks.
fn unstamped(octets: &[u8]) -> String {
    const STAMP: &[u8] = b"DTSTAMP";
    let mut hasher = blake3::Hasher::new();
    for line in Lines::new(octets).filter(|line| !line.raw.get(..STAMP.len()).is_some_and(|name| name.eq_ignore_ascii_case(STAMP))) {
        hasher.update(line.raw);
    }
    hasher.finalize().to_hex().to_string()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn came(events: &str) -> Feed {
        let octets = Bytes::from(format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{events}END:VCALENDAR\r\n"));
        Feed { octets, etag: None, modified: None }
    }

    fn event(uid: &str, lines: &str) -> String {
        format!("BEGIN:VEVENT\r\nUID:{uid}\r\nDTSTART:20260105T090000Z\r\n{lines}END:VEVENT\r\n")
    }

    fn bounds(objects_max: usize) -> Bounds {
        Bounds { objects_max, time: Duration::from_mins(10) }
    }

    #[test]
    fn what_cannot_be_kept_is_left_out_and_counted() {
        let config = DavConfig::default();
        let events = event("a", "") + &event("b", "RRULE:FREQ=NEVER\r\n") + "BEGIN:VEVENT\r\nUID:c\r\nDTSTART:x\r\nEND:VEVENT\r\n";
        let Cut { fetched, .. } = cut(came(&events), false, bounds(10), &config).unwrap();
        assert_eq!((fetched.objects.len(), fetched.objects[0].uid.as_str(), fetched.left_out), (1, "a", 2));
        let no_time = Bounds { time: Duration::ZERO, ..bounds(10) };
        assert!(matches!(cut(came(&events), false, no_time, &config), Err(SubscriptionFault::Late)));
        assert!(fetched.objects[0].media_type.ends_with("vevent"));
        assert!(matches!(cut(came(&(event("a", "") + &event("b", ""))), false, bounds(1), &config), Err(SubscriptionFault::TooMany)));
        assert!(matches!(
            cut(Feed { octets: Bytes::from("<html>"), ..came("") }, false, bounds(1), &config),
            Err(SubscriptionFault::NotCalendar)
        ));
    }

    #[test]
    fn another_time_stamp_makes_no_other_object() {
        let same =
            |lines: &str| cut(came(&event("a", lines)), false, bounds(1), &DavConfig::default()).unwrap().fetched.objects.remove(0).same;
        assert_eq!(same("DTSTAMP:20260101T000000Z\r\n"), same("DTSTAMP;X=Y:20260102T\r\n 000000Z\r\n"));
        assert_ne!(same("SUMMARY:a\r\n"), same("SUMMARY:b\r\n"));
    }
}
