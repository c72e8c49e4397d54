//! What PROPPATCH and MKCOL want of properties, and what comes of each (RFC 4918 section 9.2).
//!
//! Called by `proppatch` and `make`. Any name of any namespace is kept as it was sent, but those of properties that are the server's to
//! tell. Of documents some live ones can be set: their name for people, times, media type and language.

use crate::caldav::of_text;
use crate::keyword::{SET, keyword_of};
use crate::names::{CALDAV, CALENDARSERVER, DAV, KEYWORD, OWNCLOUD, PRIVILEGE};
use crate::property::{Role, find};
use crate::xml::{Element, ElementName};
use octroi_gate::{AVAILABILITY, Area, DISPLAY_NAME, PropertyEdit};
use octroi_ical::{Precondition, by_name, validate_availability};
use octroi_model::UnixTime;

/// Microsoft's clients keep times and attributes of files in it.
const MICROSOFT: &str = "urn:schemas-microsoft-com:";
/// Properties of a shared collection that each sharee has their own of, by local name.
const OWN_VIEW: [&str; 4] = ["displayname", "calendar-color", "calendar-order", "schedule-calendar-transp"];

/// The same of calendars, which the server does not look into.
const OWN_CALENDAR: [&str; 5] = [
    "schedule-calendar-transp",
    "default-alarm-vevent-datetime",
    "default-alarm-vevent-date",
    "default-alarm-vtodo-datetime",
    "default-alarm-vtodo-date",
];

/// The precondition of what is too large.
pub(crate) const MAX_RESOURCE_SIZE: &str = "C:max-resource-size";

/// Set or remove.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    Set,
    Remove,
}

/// What comes of one instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// This is kept, or taken away.
    Change(Vec<PropertyEdit>),
    /// A keyword is set or cleared.
    Mark(String, bool),
    /// It was last modified then; what is kept beside.
    Modified(UnixTime, Vec<PropertyEdit>),
    /// `Content-Type`.
    MediaType(String),
    /// It is the server's to tell: 403 and `cannot-modify-protected-property`.
    Protected,
    /// It cannot be that, by this precondition: 403.
    Broken(&'static str),
    /// It cannot be that: 409.
    Odd,
}

/// The instructions of a body in its order, each with the property as it is kept (of [`crate::xml::kept`]).
pub(crate) fn instructions(body: &Element, kept: Vec<String>) -> Vec<(Act, &Element, String)> {
    let mut kept = kept.into_iter();
    let mut found = Vec::new();
    for act in &body.children {
        let which = if act.is(DAV, "set") { Some(Act::Set) } else { act.is(DAV, "remove").then_some(Act::Remove) };
        for around in &act.children {
            for property in &around.children {
                let kept = kept.next().unwrap_or_default();
                if let (Some(which), true) = (which, around.is(DAV, "prop")) {
                    found.push((which, property, kept));
                }
            }
        }
    }
    found
}

/// Is it nobody's to set, whatever it is of?
fn is_protected(name: &ElementName) -> bool {
    match name.namespace.as_str() {
        // What class 2 tells, and what RFC 3744 and others have live where they apply.
        DAV => matches!(name.local.as_str(), "lockdiscovery" | "supportedlock" | "group-member-set" | "source"),
        OWNCLOUD => matches!(name.local.as_str(), "id" | "fileid" | "checksums" | "owner-id" | "owner-display-name"),
        CALDAV => matches!(name.local.as_str(), "calendar-data" | "schedule-tag"),
        // From where a calendar is fetched is said when it is made.
        CALENDARSERVER => name.local == "source",
        KEYWORD | PRIVILEGE => true,
        _ => false,
    }
}

fn kept_or_gone(act: Act, name: &ElementName, kept: String) -> PropertyEdit {
    (name.key(), (act == Act::Set).then_some(kept))
}

/// Of a document, event or card.
pub(crate) fn judge_file(act: Act, property: &Element, kept: String) -> Verdict {
    let name = &property.name;
    if let Some(keyword) = keyword_of(name) {
        let is_odd = act == Act::Set && (property.trimmed() != SET || !property.children.is_empty());
        return if is_odd { Verdict::Odd } else { Verdict::Mark(keyword, act == Act::Set) };
    }
    let is_plain = act == Act::Remove || property.children.is_empty();
    let known = find(name).map(|known| known.role);
    match known {
        // ownCloud's name for it, which rclone sets.
        _ if name.namespace == DAV && name.local == "lastmodified" => modified(act, property),
        Some(Role::LastModified) => modified(act, property),
        Some(Role::ContentType) if act == Act::Set && is_plain && !property.trimmed().is_empty() => {
            Verdict::MediaType(property.trimmed().to_owned())
        }
        Some(Role::CreationDate) if act == Act::Set && property.trimmed().parse::<jiff::Timestamp>().is_err() => Verdict::Odd,
        Some(Role::DisplayName | Role::CreationDate | Role::Kept("getcontentlanguage")) => {
            if is_plain {
                Verdict::Change(vec![kept_or_gone(act, name, kept)])
            } else {
                Verdict::Odd
            }
        }
        // Of a collection alone, so that here they are names like any other.
        None | Some(Role::Kept(_)) if !is_protected(name) => {
            let edits = vec![kept_or_gone(act, name, kept)];
            match time_of(property).filter(|_| act == Act::Set && name.namespace == MICROSOFT && name.local == "Win32LastModifiedTime") {
                Some(at) => Verdict::Modified(at, edits),
                None => Verdict::Change(edits),
            }
        }
        _ => Verdict::Protected,
    }
}

fn modified(act: Act, property: &Element) -> Verdict {
    match (act, time_of(property)) {
        (Act::Remove, _) => Verdict::Protected,
        (Act::Set, Some(at)) => Verdict::Modified(at, Vec::new()),
        (Act::Set, None) => Verdict::Odd,
    }
}

/// A moment as HTTP writes it, as RFC 3339 does, or in seconds since 1970.
fn time_of(property: &Element) -> Option<UnixTime> {
    let text = property.trimmed();
    let at = match text.parse::<i64>() {
        Ok(seconds) => jiff::Timestamp::from_second(seconds).ok()?.as_second(),
        Err(_) => match httpdate::parse_http_date(text) {
            Ok(at) => i64::try_from(at.duration_since(std::time::UNIX_EPOCH).ok()?.as_secs()).ok()?,
            Err(_) => text.parse::<jiff::Timestamp>().ok()?.as_second(),
        },
    };
    // What `Last-Modified` can say.
    (0..=253_402_300_799).contains(&at).then_some(UnixTime(at))
}

/// Of a collection.
pub(crate) fn judge_folder(act: Act, property: &Element, kept: String) -> Verdict {
    let name = &property.name;
    if act == Act::Set && name.namespace == CALDAV {
        // RFC 4791 section 5.2.2, RFC 7809 section 5.2: one that cannot be read would be taken for UTC.
        match name.local.as_str() {
            "calendar-timezone" if of_text(&property.text).is_none() => return Verdict::Broken("C:valid-calendar-data"),
            "calendar-timezone-id" if by_name(property.trimmed()).is_none() => return Verdict::Broken("C:valid-timezone"),
            _ => {}
        }
    }
    match find(name).map(|known| known.role) {
        Some(Role::DisplayName) if act == Act::Remove || property.children.is_empty() => {
            let text = (act == Act::Set).then(|| property.trimmed().to_owned());
            // Beside the text that all of the server knows stays what else was said, such as its language.
            Verdict::Change(vec![(DISPLAY_NAME.to_owned(), text), kept_or_gone(act, name, kept)])
        }
        // Before they were kept as XML they were texts.
        Some(Role::Kept(old)) => Verdict::Change(vec![(old.to_owned(), None), kept_or_gone(act, name, kept)]),
        None if !is_protected(name) && *name != (ElementName { namespace: DAV.to_owned(), local: "lastmodified".to_owned() }) => {
            Verdict::Change(vec![kept_or_gone(act, name, kept)])
        }
        _ => Verdict::Protected,
    }
}

/// Of the inbox: when its owner can be asked (RFC 7953 section 7.2.4). `bytes_max`: octets of a calendar object.
pub(crate) fn judge_inbox(act: Act, property: &Element, kept: String, bytes_max: u64) -> Verdict {
    if find(&property.name).is_none_or(|known| known.role != Role::Availability) {
        return judge_folder(act, property, kept);
    }
    let text = property.trimmed();
    if act == Act::Remove {
        return Verdict::Change(vec![(AVAILABILITY.to_owned(), None)]);
    }
    if text.len() as u64 > bytes_max {
        return Verdict::Broken(MAX_RESOURCE_SIZE);
    }
    match validate_availability(text.as_bytes()).map_err(|invalid| invalid.precondition()) {
        Ok(()) => Verdict::Change(vec![(AVAILABILITY.to_owned(), Some(text.to_owned()))]),
        Err(Precondition::MaxResourceSize) => Verdict::Broken(MAX_RESOURCE_SIZE),
        Err(Precondition::SupportedData) => Verdict::Broken("C:supported-calendar-data"),
        Err(_) => Verdict::Broken("C:valid-calendar-data"),
    }
}

/// Has each sharee of a collection their own of this?
pub(crate) fn is_own_view(area: Area, name: &ElementName) -> bool {
    area != Area::Files && OWN_VIEW.contains(&name.local.as_str()) && find(name).is_some_and(|known| known.role != Role::Components)
        || area == Area::Calendars && name.namespace == CALDAV && OWN_CALENDAR.contains(&name.local.as_str())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::xml::{kept, parse};

    fn judged(act: &str, property: &str, judge: fn(Act, &Element, String) -> Verdict) -> Verdict {
        let body = format!(
            r#"<D:propertyupdate xmlns:D="DAV:" xmlns:Z="urn:schemas-microsoft-com:" xmlns:K="urn:octroi:keyword" xmlns:OC="http://owncloud.org/ns"><D:{act}><D:prop>{property}</D:prop></D:{act}></D:propertyupdate>"#
        );
        let request = parse(body.as_bytes()).unwrap();
        let (act, property, kept) = instructions(&request, kept(body.as_bytes()).unwrap()).remove(0);
        judge(act, property, kept)
    }

    #[test]
    fn what_a_document_takes() {
        let at = UnixTime(1_546_300_800);
        for (property, verdict) in [
            ("<K:Urgent>1</K:Urgent>", Verdict::Mark("$Urgent".to_owned(), true)),
            ("<K:Urgent>maybe</K:Urgent>", Verdict::Odd),
            ("<D:lastmodified>1546300800</D:lastmodified>", Verdict::Modified(at, Vec::new())),
            ("<D:getlastmodified>Tue, 01 Jan 2019 00:00:00 GMT</D:getlastmodified>", Verdict::Modified(at, Vec::new())),
            ("<D:getlastmodified>2019-01-01T01:00:00+01:00</D:getlastmodified>", Verdict::Modified(at, Vec::new())),
            ("<D:getlastmodified>yesterday</D:getlastmodified>", Verdict::Odd),
            ("<D:lastmodified>-1</D:lastmodified>", Verdict::Odd),
            ("<D:lastmodified>99999999999999999</D:lastmodified>", Verdict::Odd),
            ("<D:getcontenttype>text/x</D:getcontenttype>", Verdict::MediaType("text/x".to_owned())),
            ("<D:creationdate>soon</D:creationdate>", Verdict::Odd),
            ("<D:getetag>x</D:getetag>", Verdict::Protected),
            ("<D:supportedlock/>", Verdict::Protected),
            ("<OC:checksums/>", Verdict::Protected),
        ] {
            assert_eq!(judged("set", property, judge_file), verdict, "{property}");
        }
        let win32 = judged("set", "<Z:Win32LastModifiedTime>Tue, 01 Jan 2019 00:00:00 GMT</Z:Win32LastModifiedTime>", judge_file);
        assert!(matches!(win32, Verdict::Modified(time, edits) if time == at && edits.len() == 1));
        let odd = judged("set", "<Z:Win32LastModifiedTime>?</Z:Win32LastModifiedTime>", judge_file);
        assert!(matches!(odd, Verdict::Change(edits) if edits[0].1.is_some()));
        let gone = judged("remove", "<Z:Win32LastModifiedTime/>", judge_file);
        assert_eq!(gone, Verdict::Change(vec![("{urn:schemas-microsoft-com:}Win32LastModifiedTime".to_owned(), None)]));
        assert_eq!(judged("remove", "<D:getlastmodified/>", judge_file), Verdict::Protected);
    }

    #[test]
    fn what_a_collection_takes() {
        let named = judged("set", "<D:displayname> Équipe </D:displayname>", judge_folder);
        let told = r#"<D:displayname xmlns:D="DAV:"> Équipe </D:displayname>"#.to_owned();
        let edits = vec![(DISPLAY_NAME.to_owned(), Some("Équipe".to_owned())), ("{DAV:}displayname".to_owned(), Some(told))];
        assert_eq!(named, Verdict::Change(edits));
        for protected in ["<D:resourcetype/>", "<D:getlastmodified>1</D:getlastmodified>", "<K:Urgent>1</K:Urgent>"] {
            assert_eq!(judged("set", protected, judge_folder), Verdict::Protected, "{protected}");
        }
        assert!(matches!(judged("set", "<Z:Win32FileAttributes>10</Z:Win32FileAttributes>", judge_folder), Verdict::Change(_)));
    }

    #[test]
    fn what_an_inbox_takes() {
        let judge = |act, property: &Element, kept| judge_inbox(act, property, kept, 400);
        let set = |text: &str| format!("<c:calendar-availability xmlns:c=\"{CALDAV}\">{text}</c:calendar-availability>");
        let says = |body: &str| set(&format!("BEGIN:VCALENDAR\nVERSION:2.0\n{body}END:VCALENDAR"));
        let hours = "BEGIN:VAVAILABILITY\nEND:VAVAILABILITY\n";
        assert!(matches!(judged("set", &says(hours), judge), Verdict::Change(edits) if edits[0].0 == AVAILABILITY && edits.len() == 1));
        assert_eq!(judged("remove", &says(""), judge), Verdict::Change(vec![(AVAILABILITY.to_owned(), None)]));
        let apple = says(hours).replace(CALDAV, crate::names::CALENDARSERVER);
        assert!(matches!(judged("set", &apple, judge), Verdict::Change(edits) if edits[0].0 == AVAILABILITY));
        for (property, rule) in [
            (set("soon"), "C:valid-calendar-data"),
            (says(&hours.repeat(2)), "C:valid-calendar-data"),
            (says("BEGIN:VEVENT\nUID:a\nEND:VEVENT\n"), "C:valid-calendar-data"),
            (says(hours).replace("2.0", "1.0"), "C:supported-calendar-data"),
            (says(&hours.replace('B', &format!("X-A:{}\nB", "a".repeat(400)))), MAX_RESOURCE_SIZE),
        ] {
            assert_eq!(judged("set", &property, judge), Verdict::Broken(rule), "{property}");
        }
        // Elsewhere it is nothing.
        assert_eq!(judged("set", &says(hours), judge_folder), Verdict::Protected);
        assert_eq!(judged("set", &says(hours), judge_file), Verdict::Protected);
    }
}
