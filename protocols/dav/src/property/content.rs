//! What a resource contains, and since when (RFC 4918 section 15).

use super::{Known, Role, Subject, Viewer, told};
use crate::names::DAV;
use crate::precondition::http_date;
use crate::xml::Xml;
use octroi_gate::{Area, is_made};
use octroi_model::{Item, UnixTime};

pub(super) const TABLE: &[Known] = &[
    told(DAV, "D:getcontentlength", length).role(Role::ContentLength).in_allprop(),
    told(DAV, "D:getcontenttype", kind).role(Role::ContentType).in_allprop(),
    told(DAV, "D:getetag", etag).in_allprop(),
    told(DAV, "D:getlastmodified", modified).role(Role::LastModified).in_allprop(),
    told(DAV, "D:creationdate", created).role(Role::CreationDate).in_allprop(),
];

fn length(subject: &Subject<'_>, _: &Viewer, xml: &mut Xml) -> bool {
    let bytes = match subject {
        Subject::File { item, area, .. } if !is_veiled(item, *area) && !is_made(item) => item.bytes(),
        Subject::Notice(notice) => notice.body.len() as u64,
        _ => return false,
    };
    xml.characters(&bytes.to_string());
    true
}

fn kind(subject: &Subject<'_>, _: &Viewer, xml: &mut Xml) -> bool {
    xml.characters(match subject {
        Subject::File { item, area, .. } => media_type(item, *area),
        Subject::Notice(_) => "application/xml; charset=utf-8",
        _ => return false,
    });
    true
}

fn etag(subject: &Subject<'_>, _: &Viewer, xml: &mut Xml) -> bool {
    let etag = match subject {
        Subject::File { item, .. } => item.etag(),
        Subject::Notice(notice) => notice.etag.clone(),
        _ => return false,
    };
    xml.characters(&etag.to_string());
    true
}

fn modified(subject: &Subject<'_>, _: &Viewer, xml: &mut Xml) -> bool {
    let at = match subject {
        Subject::File { item, .. } => item.date,
        Subject::Notice(notice) => notice.made,
        _ => return false,
    };
    xml.characters(&http_date(at));
    true
}

fn created(subject: &Subject<'_>, _: &Viewer, xml: &mut Xml) -> bool {
    let at = match subject {
        Subject::Folder { facts, .. } if facts.real => facts.created,
        Subject::File { item, .. } => item.saved,
        _ => return false,
    };
    xml.characters(&rfc3339(at));
    true
}

/// Is there nothing to be seen of it but when its owner is busy? No octets are told of such, and an object has some.
pub(crate) fn is_veiled(item: &Item, area: Area) -> bool {
    area == Area::Calendars && item.bytes() == 0
}

/// The media type of a document; clients of calendars insist on theirs.
pub(crate) fn media_type(item: &Item, area: Area) -> &str {
    match (&item.media_type, area) {
        (Some(media_type), _) => media_type,
        (None, Area::Calendars) => "text/calendar; charset=utf-8",
        (None, Area::Contacts) => "text/vcard; charset=utf-8",
        (None, _) => "application/octet-stream",
    }
}

/// RFC 3339 in UTC, as `creationdate` wants it.
fn rfc3339(at: UnixTime) -> String {
    jiff::Timestamp::from_second(at.0).unwrap_or_default().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_rfc_4918_wants_them() {
        assert_eq!(rfc3339(UnixTime(881_122_664)), "1997-12-03T04:17:44Z");
        assert_eq!(rfc3339(UnixTime(i64::MAX)), "1970-01-01T00:00:00Z");
    }
}
