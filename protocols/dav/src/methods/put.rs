//! PUT: a document's octets to disk as they come; a calendar object or card checked first (RFC 4918 section 9.7, RFC 4791 section 5.3.2).
//!
//! All that can be refused without the body is refused before it is read: a client that waits for `100 Continue` never sends it.

use crate::attachments;
use crate::caldav::describe_all;
use crate::call::{Call, find, folder_at, may_be_file, parent_of};
use crate::digest::Expected;
use crate::language;
use crate::object;
use crate::own::{self, Mine};
use crate::path::Place;
use crate::precondition::{Current, insists_on_new, insists_on_unchanged};
use crate::refusal::{Answer, Fault, empty};
use crate::rights::{Kind, allow};
use crate::schedule;
use http::header::{CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_RANGE, CONTENT_TYPE, ETAG};
use http::{HeaderValue, StatusCode};
use octroi_gate::{Area, Bind, Content, File, FileAt, FolderAt, Granted, List, Manner, PutObject, Refusal, Rewrite, Upload, When};
use octroi_http::media_type_of;
use octroi_model::{Etag, Name, Rights, UnixTime};

/// PUT.
pub(crate) async fn put(mut call: Call) -> Answer {
    let place = call.place()?;
    if !may_be_file(&place) {
        // A collection, a home, or too deep for an object.
        return Err(misplaced(&call, &place).await);
    }
    let sent = Sent::of(&call)?;
    let (parent, folder, name) = parent_of(&place)?;
    let at = FileAt { area: place.area, folder, name: name.clone() };
    let mine = match Mine::of(&call, &at).await {
        Mine::Beside(own) if !own.rights().contains(Rights::WRITE) => {
            return Box::pin(own::put_alone(call, &place, at, own, &sent)).await;
        }
        mine => mine,
    };
    match call.session.open(at, Rewrite).await {
        Ok(existing) => Box::pin(replace(call, &place, parent, (existing, mine), sent)).await,
        Err(Refusal::Missing) => {
            if place.area == Area::Files && call.session.open(folder_at(&place), List).await.is_ok() {
                return Err(Fault::NotAllowed(allow(Kind::Folder, Rights::READ)));
            }
            call.check_write(Current::nothing()).await?;
            let bind = match call.session.open(parent.clone(), Bind).await {
                Ok(bind) => bind,
                Err(Refusal::Missing) => return Err(Fault::no_parent()),
                Err(refusal) => return Err(Fault::Gate(refusal, call.href())),
            };
            let manner = schedule::manner(&call, None)?;
            let (about, parent_at) = (call.href(), parent.clone());
            let put = if place.area == Area::Files {
                bind.room_for(announced(&call)?).map_err(Fault::about(&about))?;
                let upload = bind.upload().await.map_err(Fault::about(&about))?;
                let content = receive(&mut call, upload, &sent).await?;
                let media_type = media_type_sent(&call).or_else(|| media_type_of(&name));
                bind.put(&name, sent.date(content), media_type.as_deref()).await.map(plain)
            } else {
                let mine = if bind.keeps_own().map_err(Fault::about(&about))? { Mine::New } else { Mine::Nothing };
                let received = receive_object(&mut call, &place, parent, (&sent, &mine)).await?;
                let content = sent.date(received.content);
                let put = bind.put_object(&name, &received.octets, content, Some(&received.media_type), manner).await;
                put.map(|put| PutObject { as_sent: put.as_sent && received.as_sent, ..put })
            };
            match put {
                Ok(put) => Ok(stored(StatusCode::CREATED, &put, &sent)),
                // Somebody else made it meanwhile. Who did not insist on making it gets it replaced by asking again. If it is not there, a
                // lock has ended that the client has sent.
                Err(Refusal::Precondition) if !insists_on_new(&call.headers) && find(&call.session, &place).await.is_ok() => {
                    Err(Fault::Gate(Refusal::Unavailable, about))
                }
                Err(refusal) => Err(object::refused(&call.session, &parent_at, refusal, about).await),
            }
        }
        Err(Refusal::Forbidden(lacking)) if place.area == Area::Files => fill(call, parent, &name, lacking, sent).await,
        Err(refusal) => Err(Fault::Gate(refusal, call.href())),
    }
}

/// Who may add and not write over: the empty document that their own lock has made.
async fn fill(mut call: Call, parent: FolderAt, name: &Name, lacking: Rights, sent: Sent) -> Answer {
    let about = call.href();
    let refused = || Fault::Gate(Refusal::Forbidden(lacking), about.clone());
    let bind = call.session.open(parent, Bind).await.map_err(|_| refused())?;
    let (made, _) = bind.made(name).await.map_err(Fault::about(&about))?.ok_or_else(refused)?;
    call.check_write(Current::document(&made.etag(), made.date)).await?;
    bind.room_for(announced(&call)?).map_err(Fault::about(&about))?;
    let upload = bind.upload().await.map_err(Fault::about(&about))?;
    let content = receive(&mut call, upload, &sent).await?;
    let media_type = media_type_sent(&call).or_else(|| media_type_of(name));
    let etag = bind.fill(name, sent.date(content), media_type.as_deref()).await.map_err(Fault::about(&about))?;
    Ok(stored(StatusCode::NO_CONTENT, &plain(etag), &sent))
}

async fn replace(mut call: Call, place: &Place, parent: FolderAt, (existing, mine): (Granted<File, Rewrite>, Mine), sent: Sent) -> Answer {
    let etag = existing.item().etag();
    call.check_write(Current::document(&etag, existing.item().date)).await?;
    let manner = schedule::manner(&call, Some(existing.item()))?;
    let about = call.href();
    let when = if insists_on_unchanged(&call.headers) { When::Unchanged } else { When::Anyhow };
    if place.area != Area::Files {
        return replace_object(call, place, parent, (existing, when, manner), (sent, mine)).await;
    }
    existing.room_for(announced(&call)?).map_err(Fault::about(&about))?;
    let upload = existing.upload().await.map_err(Fault::about(&about))?;
    let content = receive(&mut call, upload, &sent).await?;
    // A client that says nothing of the content must not lose what it said before.
    let media_type = media_type_sent(&call).or_else(|| existing.item().media_type.as_deref().map(str::to_owned));
    let etag = existing.replace(sent.date(content), media_type.as_deref(), when).await.map_err(Fault::about(&about))?;
    Ok(stored(StatusCode::NO_CONTENT, &plain(etag), &sent))
}

async fn replace_object(
    mut call: Call,
    place: &Place,
    parent: FolderAt,
    (existing, when, manner): (Granted<File, Rewrite>, When, Manner),
    (sent, mine): (Sent, Mine),
) -> Answer {
    let parent_at = parent.clone();
    let received = receive_object(&mut call, place, parent, (&sent, &mine)).await?;
    // Only if it is still what the tag stands for, or was when it was taken apart.
    let when = if manner.merges || received.own.is_some() { When::Unchanged } else { when };
    if let (Mine::Beside(own), Some(text)) = (&mine, &received.own) {
        if own.item().modseq != existing.item().modseq {
            return Err(Fault::Gate(Refusal::Unavailable, call.href()));
        }
        if received.octets.is_empty() {
            return own::keep(&call, own, text).await;
        }
    }
    let content = sent.date(received.content);
    match existing.replace_object(&received.octets, content, Some(&received.media_type), when, manner).await {
        Ok(put) => {
            let put = PutObject { as_sent: put.as_sent && received.as_sent, ..put };
            Ok(stored(StatusCode::NO_CONTENT, &put, &sent))
        }
        // Answers came in meanwhile, which the tag does not stand for.
        Err(Refusal::Precondition) if manner.merges => Err(Fault::Gate(Refusal::Unavailable, call.href())),
        Err(Refusal::Precondition) if received.own.is_some() => Err(Fault::Gate(own::moved(&call, Refusal::Precondition), call.href())),
        Err(refusal) => {
            let about = call.href();
            Err(object::refused(&call.session, &parent_at, refusal, about).await)
        }
    }
}

/// What is stored is what was sent.
fn plain(etag: Etag) -> PutObject {
    PutObject { etag, as_sent: true, schedule_tag: None }
}

/// What the headers say of the octets, read before any of them.
pub(crate) struct Sent {
    expected: Expected,
    modified: Option<UnixTime>,
    /// As a property.
    language: Option<String>,
}

impl Sent {
    /// Refuse what could only be taken wrongly.
    pub(crate) fn of(call: &Call) -> Result<Self, Fault> {
        if call.headers.contains_key(CONTENT_RANGE) {
            // RFC 9110 section 14.5: taken for a whole, a part would destroy the rest.
            return Err(Fault::Status(StatusCode::BAD_REQUEST, "A part of a document cannot be put."));
        }
        let coded = call.headers.get_all(CONTENT_ENCODING).iter().any(|value| !value.as_bytes().eq_ignore_ascii_case(b"identity"));
        if coded {
            // RFC 9110 section 8.4: kept as it comes, it would be given out later as what it is not.
            return Err(Fault::Status(StatusCode::UNSUPPORTED_MEDIA_TYPE, "Send it as it is, without a content coding."));
        }
        let language = call.header(&CONTENT_LANGUAGE).and_then(language::to_keep);
        Ok(Self { expected: Expected::of(&call.headers)?, modified: modified(call), language })
    }

    /// The content with the date that the client gives it, its language, and the digests that it was compared by.
    fn date(&self, content: Content) -> Content {
        let content = content.checked_by(self.expected.told());
        let content = match &self.language {
            Some(language) => content.with_property(language::KEY, language.clone()),
            None => content,
        };
        match self.modified {
            Some(at) => content.modified(at),
            None => content,
        }
    }
}

/// `X-OC-Mtime`: ownCloud's way, and rclone's, to say when the document was last modified, in seconds. What is no such time is passed over
/// and not confirmed.
fn modified(call: &Call) -> Option<UnixTime> {
    /// The last second of the year 9999, beyond which no client has a date.
    const LAST: i64 = 253_402_300_799;
    let text = call.headers.get("x-oc-mtime")?.to_str().ok()?.trim();
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(seconds) || !digits(fraction) {
        return None;
    }
    seconds.parse().ok().filter(|seconds| (1..=LAST).contains(seconds)).map(UnixTime)
}

/// The answer to a PUT on what cannot be a document.
async fn misplaced(call: &Call, place: &Place) -> Fault {
    match crate::call::find(&call.session, place).await {
        Ok(_) => Fault::NotAllowed(allow(if place.path.names().is_empty() { Kind::Home } else { Kind::Folder }, Rights::READ)),
        Err(Refusal::Missing) if place.slash => Fault::Status(StatusCode::CONFLICT, "A document's name does not end with a slash."),
        // RFC 4791 section 4.2: nothing in a home but calendars, nothing in a calendar but objects.
        Err(Refusal::Missing) => Fault::Status(StatusCode::CONFLICT, "Here is no collection that takes it."),
        Err(refusal) => Fault::Gate(refusal, call.href()),
    }
}

/// The announced size, 0 if there is none; a document that is too large by it is refused before it is sent.
pub(crate) fn announced(call: &Call) -> Result<u64, Fault> {
    // Finder sends in chunks and tells the size here.
    let expected = call.headers.get("x-expected-entity-length").and_then(|value| value.to_str().ok()?.parse().ok());
    let bytes = call.announced_bytes().or(expected).unwrap_or(0);
    // They are here already, and go when it comes.
    let bytes = if call.parts.is_some() { 0 } else { bytes };
    if bytes > call.config.document_bytes_max { Err(too_large()) } else { Ok(bytes) }
}

fn too_large() -> Fault {
    Fault::Status(StatusCode::PAYLOAD_TOO_LARGE, "The document is larger than is taken here.")
}

/// A document, to disk as it comes.
pub(crate) async fn receive(call: &mut Call, upload: Upload, sent: &Sent) -> Result<Content, Fault> {
    let max = call.config.document_bytes_max;
    receive_within(call, upload, sent, (max, too_large()), None).await
}

/// The octets of what goes to disk once more, as long as they are no more than so many.
pub(crate) struct Copied {
    pub(crate) octets: Option<Vec<u8>>,
    pub(crate) bytes_max: u64,
}

impl Copied {
    fn add(&mut self, piece: &[u8]) {
        if let Some(octets) = &mut self.octets {
            octets.extend_from_slice(piece);
        }
        self.octets.take_if(|octets| octets.len() as u64 > self.bytes_max);
    }
}

/// The same of whatever is limited to so many octets.
pub(crate) async fn receive_within(
    call: &mut Call,
    mut upload: Upload,
    sent: &Sent,
    (max, too_large): (u64, Fault),
    mut copy: Option<&mut Copied>,
) -> Result<Content, Fault> {
    let about = call.href();
    let mut sums = sent.expected.sums();
    while let Some(piece) = call.next_piece().await? {
        if upload.bytes() + piece.len() as u64 > max {
            return Err(too_large);
        }
        sums.update(&piece);
        if let Some(copy) = &mut copy {
            copy.add(&piece);
        }
        upload.write(&piece).await.map_err(Fault::about(&about))?;
    }
    sent.expected.check(sums)?;
    let content = upload.finish_document().await.map_err(Fault::about(&about))?;
    Ok(match &call.parts {
        Some(parts) => content.made_of(parts),
        None => content,
    })
}

/// A calendar object or card that was checked.
struct Received {
    /// Empty if it is what is there.
    octets: Vec<u8>,
    content: Content,
    media_type: String,
    /// What of it is the sender's own, where they have such.
    own: Option<String>,
    /// They are going to see it as they sent it.
    as_sent: bool,
}

/// A calendar object or card, in memory while it is checked.
async fn receive_object(call: &mut Call, place: &Place, parent: FolderAt, (sent, mine): (&Sent, &Mine)) -> Result<Received, Fault> {
    let about = call.href();
    // Which components the calendar takes. Who may add to it without reading it may add what any calendar takes.
    let facts = match call.session.open(parent, List).await {
        Ok(folder) => {
            // Whose UID may be taken must be known, also of what was put before that was noted.
            describe_all(&folder, place.area, &call.config.expansion()).await.map_err(Fault::about(&about))?;
            Some(folder.facts())
        }
        Err(Refusal::Forbidden(_)) => None,
        Err(refusal) => return Err(Fault::Gate(refusal, about)),
    };
    let mut octets = checked_body(call, place, sent).await?;
    let mut checked = object::check(place.area, &octets, media_type_sent(call).as_deref(), facts.as_ref(), &call.config)?;
    let (mut own, mut as_sent) = (None, true);
    if let Some(parted) = mine.parted(call, &octets).await? {
        as_sent = parted.own.is_empty() && parted.object.as_ref() == Some(&octets);
        own = Some(parted.own);
        octets = parted.object.unwrap_or_default();
        if !octets.is_empty() {
            checked = object::check(place.area, &octets, None, facts.as_ref(), &call.config)?;
        }
    }
    let mut attached = Vec::new();
    if place.area == Area::Calendars {
        let carried = attachments::carried(call, place, &octets).await?;
        attached = carried.new;
        if let Some(corrected) = carried.corrected {
            (octets, as_sent) = (corrected, false);
        }
    }
    let content = Content::document(&octets).attached(attached);
    let content = match &own {
        Some(own) => content.with_own(&call.session, own.clone()),
        None => content,
    };
    let content = match checked.facts {
        Some(facts) => content.described(facts),
        None => content,
    };
    Ok(Received { octets, content, media_type: checked.media_type, own, as_sent })
}

/// The octets of a calendar object or card, held against the digests that came with them.
pub(crate) async fn checked_body(call: &mut Call, place: &Place, sent: &Sent) -> Result<Vec<u8>, Fault> {
    let max = call.config.object_bytes_max;
    let octets = call.small_body(max, object::too_large(place.area)).await?;
    let mut sums = sent.expected.sums();
    sums.update(&octets);
    sent.expected.check(sums)?;
    Ok(octets)
}

/// The request's `Content-Type`, as far as it can be kept.
pub(crate) fn media_type_sent(call: &Call) -> Option<String> {
    /// As the gate takes it.
    const BYTES_MAX: usize = 255;
    let sent = call.header(&CONTENT_TYPE)?.trim();
    // curl says this of everything that it does not know.
    if sent.is_empty() || sent.len() > BYTES_MAX || sent.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return None;
    }
    Some(sent.to_owned())
}

fn stored(status: StatusCode, put: &PutObject, sent: &Sent) -> axum::response::Response {
    let mut response = empty(status);
    // RFC 4791 section 5.3.4: a client that gets none reads again what was made of it.
    if let Some(etag) = put.as_sent.then(|| HeaderValue::from_str(&put.etag.to_string()).ok()).flatten() {
        response.headers_mut().insert(ETAG, etag);
    }
    schedule::tell(put.schedule_tag.as_deref(), &mut response);
    if sent.modified.is_some() {
        response.headers_mut().insert("x-oc-mtime", HeaderValue::from_static("accepted"));
    }
    response
}
