//! POST to a calendar object with `action`: something is attached, exchanged or taken off (RFC 8607 section 3.3 to 3.6).
//!
//! It is a PUT of the object with one line more, another or less, and is decided, scheduled and committed as such; the attachment comes in that
//! commit.

use crate::attachments::{TOO_MANY, count, file_name};
use crate::call::{Call, file_at, may_be_file, parent_of};
use crate::methods::put::{Copied, Sent, media_type_sent, receive_within};
use crate::multistatus::prefers_representation;
use crate::object::{self, read_all};
use crate::path::{Place, attachment_href};
use crate::precondition::{Current, insists_on_unchanged};
use crate::refusal::{Answer, Fault, empty};
use crate::schedule;
use axum::body::Body;
use axum::response::Response;
use http::header::{CONTENT_LENGTH, CONTENT_LOCATION, CONTENT_TYPE, ETAG, LOCATION};
use http::{HeaderName, HeaderValue, StatusCode};
use octroi_gate::{Area, Content, File, FileAt, Granted, KeepOwn, NewAttachment, PutObject, Read, Refusal, Rewrite, When};
use octroi_ical::{AttachFault, AttachLine, Tree, managed_attachments, with_attachment, with_other_attachment, without_attachment};
use octroi_model::Name;
use percent_encoding::percent_decode_str;

/// RFC 8607 section 5.1.
const CAL_MANAGED_ID: HeaderName = HeaderName::from_static("cal-managed-id");
/// Of the three, each broken parameter has its own.
const VALID_ACTION: Fault = Fault::Rule(StatusCode::FORBIDDEN, "C:valid-action");
const VALID_RID: Fault = Fault::Rule(StatusCode::FORBIDDEN, "C:valid-rid");
const VALID_MANAGED_ID: Fault = Fault::Rule(StatusCode::FORBIDDEN, "C:valid-managed-id");
const TOO_LARGE: Fault = Fault::Rule(StatusCode::FORBIDDEN, "C:max-attachment-size");

/// What is wanted (section 3.3).
#[derive(Debug, PartialEq, Eq)]
enum Wish {
    Add { instances: Option<Vec<String>> },
    Update { id: String },
    Remove { id: String, instances: Option<Vec<String>> },
}

/// Is it about attachments?
pub(crate) fn is_asked(query: Option<&str>) -> bool {
    query.is_some_and(|query| query.split('&').any(|part| part.split('=').next() == Some("action")))
}

impl Wish {
    fn read(query: &str) -> Result<Self, Fault> {
        let action = once(query, "action", VALID_ACTION)?;
        let instances = once(query, "rid", VALID_RID)?.map(|rids| rids.split(',').map(str::to_owned).collect());
        match (action.as_deref(), once(query, "managed-id", VALID_MANAGED_ID)?) {
            (Some("attachment-add"), None) => Ok(Self::Add { instances }),
            (Some("attachment-update"), Some(id)) if instances.is_none() => Ok(Self::Update { id }),
            (Some("attachment-update"), Some(_)) => Err(VALID_RID),
            (Some("attachment-remove"), Some(id)) => Ok(Self::Remove { id, instances }),
            (Some("attachment-add" | "attachment-update" | "attachment-remove"), _) => Err(VALID_MANAGED_ID),
            _ => Err(VALID_ACTION),
        }
    }
}

/// A parameter of the query; twice is none (section 3.3.1).
fn once(query: &str, name: &str, twice: Fault) -> Result<Option<String>, Fault> {
    let mut values = query.split('&').filter_map(|part| part.split_once('=')).filter(|(key, _)| *key == name).map(|(_, value)| value);
    match (values.next(), values.next()) {
        (_, Some(_)) => Err(twice),
        (value, None) => Ok(value.map(|coded| percent_decode_str(coded).decode_utf8_lossy().into_owned())),
    }
}

impl From<AttachFault> for Fault {
    fn from(fault: AttachFault) -> Self {
        match fault {
            AttachFault::Instance => VALID_RID,
            AttachFault::Id => VALID_MANAGED_ID,
        }
    }
}

/// Attach, exchange or take off.
pub(crate) async fn act(mut call: Call, place: &Place) -> Answer {
    let wish = Wish::read(call.uri.query().unwrap_or(""))?;
    let at = file_at(place).filter(|_| may_be_file(place)).ok_or_else(Fault::missing)?;
    let about = call.href();
    let object = call.session.open(at.clone(), Rewrite).await.map_err(Fault::about(&about))?;
    call.check_write(Current::document(&object.item().etag(), object.item().date)).await?;
    let manner = schedule::manner(&call, Some(object.item()))?;
    // Who may write over it without reading it cannot write into it.
    let seen = call.session.open(at.clone(), Read).await.map_err(Fault::about(&about))?;
    if seen.item().modseq != object.item().modseq {
        return Err(Fault::Gate(Refusal::Unavailable, about));
    }
    let octets = as_kept(&call, at, &seen).await.map_err(Fault::about(&about))?;
    let (changed, new) = change(&mut call, &object, &octets, &wish).await?;
    // As one that is put, but for its calendar's components, one of which it is already.
    let checked = object::check(place.area, &changed, None, None, &call.config)?;
    let content = Content::document(&changed);
    let content = match checked.facts {
        Some(facts) => content.described(facts),
        None => content,
    };
    let (id, location, content) = match new {
        Some(new) => (Some(new.id.clone()), Some(address(&call, &new.id, &new.file_name)), content.attaching(new)),
        None => (None, None, content),
    };
    match object.replace_object(&changed, content, Some(&checked.media_type), When::Unchanged, manner).await {
        Ok(put) => answer(&call, place, (&wish, id, location), (put, seen.is_as_kept())).await,
        // To who does not insist on what was there it is worth another try.
        Err(Refusal::Precondition) if !insists_on_unchanged(&call.headers) => Err(Fault::Gate(Refusal::Unavailable, about)),
        Err(refusal) => {
            let (parent, ..) = parent_of(place)?;
            Err(object::refused(&call.session, &parent, refusal, about).await)
        }
    }
}

/// What is changed is what its owner has, whatever alarms the sender sees.
async fn as_kept(call: &Call, at: FileAt, seen: &Granted<File, Read>) -> Result<Vec<u8>, Refusal> {
    if seen.is_as_kept() { read_all(seen).await } else { call.session.open(at, KeepOwn).await?.as_kept().await }
}

/// The object as it is to be, and what comes with it.
async fn change(
    call: &mut Call,
    object: &Granted<File, Rewrite>,
    octets: &[u8],
    wish: &Wish,
) -> Result<(Vec<u8>, Option<NewAttachment>), Fault> {
    let broken = |_| Fault::Gate(Refusal::Unsupported, call.href());
    let tree = Tree::read(octets).map_err(broken)?;
    let limits = call.config.expansion();
    let carried = managed_attachments(&tree);
    match wish {
        Wish::Remove { id, instances } => Ok((without_attachment(&tree, instances.as_deref(), id, &limits)?, None)),
        // Before anything is sent.
        Wish::Update { id } if !carried.iter().any(|one| one.id == *id) => Err(VALID_MANAGED_ID),
        Wish::Add { .. } if count(&carried) >= call.config.attachments_max => Err(TOO_MANY),
        Wish::Add { .. } | Wish::Update { .. } => {
            // Whoever is asked from elsewhere gets it with the mail.
            let is_asked = tree.components.iter().flat_map(|calendar| &calendar.components).any(|node| node.property("ATTENDEE").is_some());
            let copy = Copied { octets: is_asked.then(Vec::new), bytes_max: object.mailed_bytes_max() };
            let new = take(call, object, copy).await?;
            let uri = address(call, &new.id, &new.file_name);
            let (id, file_name, bytes) = (new.id.as_str(), new.file_name.as_str(), new.content.bytes());
            let line = AttachLine { id, uri: &uri, media_type: &new.media_type, file_name, bytes };
            let changed = match wish {
                Wish::Update { id } => with_other_attachment(&tree, id, &line)?,
                Wish::Add { instances } => with_attachment(&tree, instances.as_deref(), &line, &limits)?,
                Wish::Remove { .. } => return Err(VALID_ACTION),
            };
            Ok((changed, Some(new)))
        }
    }
}

/// The attachment, to disk as it comes.
async fn take(call: &mut Call, object: &Granted<File, Rewrite>, mut copy: Copied) -> Result<NewAttachment, Fault> {
    let about = call.href();
    let max = call.config.attachment_bytes_max;
    let announced = call.announced_bytes().unwrap_or(0);
    if announced > max {
        return Err(TOO_LARGE);
    }
    let sent = Sent::of(call)?;
    let (id, upload) = object.new_attachment(announced).await.map_err(Fault::about(&about))?;
    let content = receive_within(call, upload, &sent, (max, TOO_LARGE), Some(&mut copy)).await?;
    let file_name = file_name(&call.headers);
    let guessed = || Name::new(&file_name).ok().and_then(|name| octroi_http::media_type_of(&name));
    let media_type = media_type_sent(call).or_else(guessed).as_deref().and_then(essence).unwrap_or("application/octet-stream").to_owned();
    Ok(NewAttachment { id, content, media_type, file_name, copy: copy.octets })
}

/// A media type as FMTTYPE has it: without parameters, and with nothing that a line could be broken by.
fn essence(media_type: &str) -> Option<&str> {
    let essence = media_type.split(';').next()?.trim();
    let is_token = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b));
    essence.split_once('/').filter(|(kind, sub)| is_token(kind) && is_token(sub)).map(|_| essence)
}

/// The whole URL of an attachment: it stands in objects, which go to others.
fn address(call: &Call, id: &Name, file_name: &str) -> String {
    let href = attachment_href(id, file_name);
    call.host().map_or_else(|| href.clone(), |host| format!("https://{host}{href}"))
}

async fn answer(
    call: &Call,
    place: &Place,
    (wish, id, location): (&Wish, Option<Name>, Option<String>),
    (put, tells): (PutObject, bool),
) -> Answer {
    let mut response = if prefers_representation(&call.headers) {
        represented(call, place).await?
    } else {
        let mut response = empty(StatusCode::NO_CONTENT);
        // How somebody sees it who has alarms of their own on it they read again.
        if tells {
            insert(&mut response, ETAG, &put.etag.to_string());
        }
        response
    };
    if matches!(wish, Wish::Add { .. }) {
        *response.status_mut() = StatusCode::CREATED;
        if let Some(location) = location {
            insert(&mut response, LOCATION, &location);
        }
    }
    if let Some(id) = id {
        insert(&mut response, CAL_MANAGED_ID, id.as_str());
    }
    schedule::tell(put.schedule_tag.as_deref(), &mut response);
    Ok(response)
}

/// The object as it is now.
async fn represented(call: &Call, place: &Place) -> Answer {
    let about = call.href();
    let at = file_at(place).ok_or_else(Fault::missing)?;
    let file = call.session.open(at, Read).await.map_err(Fault::about(&about))?;
    let octets = read_all(&file).await.map_err(Fault::about(&about))?;
    let mut response = empty(StatusCode::OK);
    insert(&mut response, CONTENT_TYPE, crate::property::media_type(file.item(), Area::Calendars));
    insert(&mut response, CONTENT_LOCATION, &about);
    insert(&mut response, ETAG, &file.item().etag().to_string());
    insert(&mut response, HeaderName::from_static("preference-applied"), "return=representation");
    response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(octets.len()));
    *response.body_mut() = Body::from(octets);
    Ok(response)
}

fn insert(response: &mut Response, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_read_or_named_wrong() {
        let add =
            |instances: Option<&[&str]>| Wish::Add { instances: instances.map(|all| all.iter().map(|one| (*one).to_owned()).collect()) };
        let read = |query| Wish::read(query).ok();
        assert_eq!(read("action=attachment-add"), Some(add(None)));
        assert_eq!(read("action=attachment-add&rid=M,20260116T100000Z"), Some(add(Some(&["M", "20260116T100000Z"]))));
        assert_eq!(read("action=attachment-update&managed-id=7%2D0a"), Some(Wish::Update { id: "7-0a".to_owned() }));
        assert_eq!(read("managed-id=x&action=attachment-remove"), Some(Wish::Remove { id: "x".to_owned(), instances: None }));
        for (query, element) in [
            ("action=bogus", "C:valid-action"),
            ("action", "C:valid-action"),
            ("action=attachment-add&managed-id=x", "C:valid-managed-id"),
            ("action=attachment-update", "C:valid-managed-id"),
            ("action=attachment-remove", "C:valid-managed-id"),
            ("action=attachment-update&managed-id=x&rid=M", "C:valid-rid"),
            ("action=attachment-add&action=attachment-add", "C:valid-action"),
            ("action=attachment-add&rid=M&rid=20260116T100000Z", "C:valid-rid"),
            ("action=attachment-remove&managed-id=x&managed-id=y", "C:valid-managed-id"),
        ] {
            assert!(is_asked(Some(query)));
            assert!(matches!(Wish::read(query), Err(Fault::Rule(StatusCode::FORBIDDEN, told)) if told == element), "{query}");
        }
        assert!(!is_asked(None) && !is_asked(Some("add-member")) && !is_asked(Some("transaction=1")));
    }

    #[test]
    fn a_media_type_breaks_no_line() {
        for (sent, kept) in [
            ("text/plain; charset=utf-8", Some("text/plain")),
            ("application/vnd.oasis.opendocument.text", Some("application/vnd.oasis.opendocument.text")),
            ("text", None),
            ("text/pl:ain", None),
            ("a/b\"", None),
            ("/", None),
        ] {
            assert_eq!(essence(sent), kept, "{sent}");
        }
    }
}
