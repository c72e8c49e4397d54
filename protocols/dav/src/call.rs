//! One request of somebody who is logged in, as the methods get it, with what they all ask of it.

use crate::config::DavConfig;
use crate::dispatch::Dav;
use crate::if_header::{self, IfHeader};
use crate::path::{Place, Target};
use crate::precondition::{self, Current, ResourceState};
use crate::push;
use crate::refusal::Fault;
use axum::body::Body;
use http::header::{CONTENT_LENGTH, HOST};
use http::{HeaderMap, HeaderName, Method, StatusCode, Uri};
use http_body_util::BodyExt;
use octroi_gate::{Area, File, FileAt, Folder, FolderAt, Granted, Identifier, List, Parts, Read, Refusal, SchedulingPlaces, Session};
use octroi_model::{Etag, LockToken, Name, Path};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};

/// A request.
pub(crate) struct Call {
    pub config: Arc<DavConfig>,
    pub session: Session,
    /// Where people confirm their devices.
    pub portal_url: String,
    pub target: Target,
    pub headers: HeaderMap,
    pub uri: Uri,
    pub method: Method,
    /// The WebDAV `If` header; `None`: it cannot be read.
    conditions: Option<IfHeader>,
    /// What the body is made of, if it came in parts before.
    pub parts: Option<Parts>,
    /// Where meetings are kept, where an answer may say so.
    pub scheduling: Option<SchedulingPlaces>,
    /// Never locked: a body cannot be shared between threads by reference, and a call must be.
    body: Mutex<Body>,
}

/// `Depth` (RFC 4918 section 10.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    Zero,
    One,
    Infinity,
}

/// What is at a place.
pub(crate) enum Found {
    Folder(Granted<Folder, List>),
    File(Granted<File, Read>),
}

impl Call {
    /// Of a session that was just checked. Refused if the `If` header cannot be read: it may say what must not be done.
    pub(crate) fn new(dav: &Dav, session: Session, target: Target, parts: http::request::Parts, body: Body) -> Result<Self, Fault> {
        let portal_url = dav.gate.organisation().portal_url.clone();
        let conditions = conditions(&parts.headers)?;
        let session = push::spoken_for(session, &parts.headers);
        let mut call = Self {
            config: dav.config.clone(),
            session,
            portal_url,
            target,
            headers: parts.headers,
            uri: parts.uri,
            method: parts.method,
            conditions,
            parts: None,
            scheduling: None,
            body: Mutex::new(body),
        };
        // What the session opens from here on is bound by no lock that the request says it has.
        let mut tokens = call.tokens();
        if call.method == Method::PUT {
            // RFC 4918 section 10.5 has it for UNLOCK; Word 2016 names its lock so, and not in `If`, when it saves.
            tokens.extend(call.lock_token().and_then(LockToken::parse));
        }
        if !tokens.is_empty() {
            call.session = call.session.holding(&tokens);
        }
        Ok(call)
    }

    /// The same call with another body and for another target: an upload whose parts are put together.
    pub(crate) fn with_parts(self, target: Target, uri: Uri, parts: Parts, body: Body) -> Self {
        Self { target, uri, parts: Some(parts), body: Mutex::new(body), ..self }
    }

    /// The lock tokens that the `If` header names.
    pub(crate) fn tokens(&self) -> Vec<LockToken> {
        self.conditions.iter().flat_map(IfHeader::tokens).filter_map(LockToken::parse).collect()
    }

    /// What the `Lock-Token` header names.
    pub(crate) fn lock_token(&self) -> Option<&str> {
        let header = self.header(&HeaderName::from_static("lock-token")).map(str::trim);
        header.and_then(|value| value.strip_prefix('<')?.strip_suffix('>'))
    }

    /// Is there an `If` header?
    pub(crate) fn has_conditions(&self) -> bool {
        self.conditions.is_some()
    }

    /// The place in a tree that the URL names; the fixed collections above the trees take part in nothing that asks for one.
    pub(crate) fn place(&self) -> Result<Place, Fault> {
        match &self.target {
            Target::Place(place) => Ok(place.clone()),
            _ => Err(Fault::NotAllowed(crate::rights::allow(crate::rights::Kind::Fixed, octroi_model::Rights::NONE))),
        }
    }

    /// The path of the URL, for answers that name the resource.
    pub(crate) fn href(&self) -> String {
        self.uri.path().to_owned()
    }

    /// A header as text.
    pub(crate) fn header(&self, name: &HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// `Depth`; `None` when it is absent.
    pub(crate) fn depth(&self) -> Result<Option<Depth>, Fault> {
        depth(&self.headers)
    }

    /// `Content-Length`, if the client tells.
    pub(crate) fn announced_bytes(&self) -> Option<u64> {
        self.header(&CONTENT_LENGTH)?.parse().ok()
    }

    /// The XML body, within its limit; may be empty.
    pub(crate) async fn xml_body(&mut self) -> Result<Vec<u8>, Fault> {
        let max = self.config.xml_bytes_max;
        self.small_body(max, Fault::Status(StatusCode::PAYLOAD_TOO_LARGE, "The body is too large.")).await
    }

    /// The body in memory, of at most `max` octets; `too_large` otherwise, before it is read if the client tells its size.
    pub(crate) async fn small_body(&mut self, max: u64, too_large: Fault) -> Result<Vec<u8>, Fault> {
        if self.announced_bytes().is_some_and(|bytes| bytes > max) {
            return Err(too_large);
        }
        let mut read = Vec::new();
        while let Some(piece) = self.next_piece().await? {
            if (read.len() + piece.len()) as u64 > max {
                return Err(too_large);
            }
            read.extend_from_slice(&piece);
        }
        Ok(read)
    }

    /// The next piece of the body.
    pub(crate) async fn next_piece(&mut self) -> Result<Option<bytes::Bytes>, Fault> {
        let body = self.body.get_mut().unwrap_or_else(PoisonError::into_inner);
        loop {
            match body.frame().await {
                None => return Ok(None),
                // The client has gone or is too slow: hardly anybody hears this.
                Some(Err(_)) => return Err(Fault::Status(StatusCode::REQUEST_TIMEOUT, "The body did not come whole in time.")),
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        return Ok(Some(data));
                    }
                }
            }
        }
    }

    /// May what is at the URL be changed, as far as the conditional headers and `If` say?
    pub(crate) async fn check_write(&self, current: Current<'_>) -> Result<(), Fault> {
        if !precondition::for_write(&self.headers, current) {
            return Err(Fault::precondition());
        }
        self.check_if(current.etag).await
    }

    /// Is a lock in the way of who changes what is at the URL? The commit decides; but a content is not to be sent for nothing, and a lock is
    /// told before what is wrong with single properties.
    async fn check_unlocked(&self) -> Result<(), Fault> {
        let Target::Place(place) = &self.target else { return Ok(()) };
        let about = self.href();
        match self.session.lock_in_the_way(place.area, &place.path).await.map_err(Fault::about(&about))? {
            Some(lock) => Err(Fault::Gate(Refusal::Locked(lock), about)),
            None => Ok(()),
        }
    }

    /// The WebDAV `If` header, and the locks of a resource that is changed itself. `own`: the entity tag of the request's own resource.
    pub(crate) async fn check_if(&self, own: Option<&Etag>) -> Result<(), Fault> {
        if let Some(header) = &self.conditions {
            self.check_conditions(header, own).await?;
        }
        if matches!(self.method.as_str(), "PUT" | "PROPPATCH") { self.check_unlocked().await } else { Ok(()) }
    }

    async fn check_conditions(&self, header: &IfHeader, own: Option<&Etag>) -> Result<(), Fault> {
        let mut states: HashMap<Option<&str>, Option<ResourceState>> = HashMap::new();
        for resource in header.0.iter().map(|list| list.resource.as_deref()) {
            if let Entry::Vacant(vacant) = states.entry(resource) {
                let state = match (resource, &self.target) {
                    (Some(reference), _) => self.state_of(reference).await,
                    (None, Target::Place(place)) => Some(ResourceState { etag: own.cloned(), tokens: self.tokens_over(place).await }),
                    (None, _) => Some(ResourceState { etag: own.cloned(), tokens: Vec::new() }),
                };
                vacant.insert(state);
            }
        }
        let holds = precondition::if_holds(header, |resource| states.get(&resource).and_then(Option::as_ref));
        if holds { Ok(()) } else { Err(Fault::precondition()) }
    }

    /// What an href leads to, if it is on this host.
    pub(crate) fn target_of(&self, reference: &str) -> Option<Target> {
        let (target, host) = Target::parse_reference(reference).ok()?;
        host.is_none_or(|host| self.is_our_host(&host)).then_some(target)
    }

    /// The state of another resource, as far as this session may know of it; `None` for what is not ours.
    async fn state_of(&self, reference: &str) -> Option<ResourceState> {
        let Target::Place(place) = self.target_of(reference)? else { return Some(ResourceState::default()) };
        if !is_own(&self.session, &place.address) {
            return None;
        }
        Some(ResourceState { etag: self.etag_at(&place).await, tokens: self.tokens_over(&place).await })
    }

    /// The entity tag of what is at a place, if this session may read it.
    pub(crate) async fn etag_at(&self, place: &Place) -> Option<Etag> {
        match find(&self.session, place).await.ok()? {
            Found::File(file) => Some(file.item().etag()),
            Found::Folder(_) => None,
        }
    }

    async fn tokens_over(&self, place: &Place) -> Vec<LockToken> {
        let over = self.session.locks_over(place.area, &place.path).await;
        over.map_or(Vec::new(), |locks| locks.iter().map(|lock| lock.token).collect())
    }

    /// The host of the request, from its target (HTTP/2) or `Host`.
    pub(crate) fn host(&self) -> Option<String> {
        self.uri.authority().map(ToString::to_string).or_else(|| self.header(&HOST).map(str::to_owned))
    }

    /// Is it the host of the request? Ports that go without saying are left out of the comparison.
    pub(crate) fn is_our_host(&self, host: &str) -> bool {
        let asked = self.host();
        let strip = |host: &str| host.trim_end_matches(":443").trim_end_matches(":80").to_ascii_lowercase();
        asked.is_some_and(|asked| strip(&asked) == strip(host))
    }
}

/// `Depth`; `None` when it is absent.
pub(crate) fn depth(headers: &HeaderMap) -> Result<Option<Depth>, Fault> {
    match headers.get("depth").map(|value| value.as_bytes().trim_ascii()) {
        None => Ok(None),
        Some(b"0") => Ok(Some(Depth::Zero)),
        Some(b"1") => Ok(Some(Depth::One)),
        Some(depth) if depth.eq_ignore_ascii_case(b"infinity") => Ok(Some(Depth::Infinity)),
        Some(_) => Err(Fault::Status(StatusCode::BAD_REQUEST, "Depth is 0, 1 or infinity.")),
    }
}

/// The `If` header, whose lists may come in several lines (RFC 9110 section 5.3).
pub(crate) fn conditions(headers: &HeaderMap) -> Result<Option<IfHeader>, Fault> {
    let lines: Option<Vec<&str>> = headers.get_all("if").iter().map(|value| value.to_str().ok()).collect();
    match lines {
        Some(lines) if lines.is_empty() => Some(None),
        Some(lines) => if_header::parse(&lines.join(" ")).map(Some),
        None => None,
    }
    .ok_or(Fault::Status(StatusCode::BAD_REQUEST, "The If header cannot be read."))
}

/// Is this the address of the session's own tree? Another's is not found, whether it exists or not.
pub(crate) fn is_own(session: &Session, address: &str) -> bool {
    session.address().to_string().eq_ignore_ascii_case(address)
}

/// Is it the session's own principal?
pub(crate) fn is_oneself(session: &Session, who: &Identifier) -> bool {
    matches!(who, Identifier::Account(address) if is_own(session, &address.to_string()))
}

/// Can a document, event or card be here, by the form of the place?
pub(crate) fn may_be_file(place: &Place) -> bool {
    // RFC 4791 section 5.2 and RFC 6352 section 5.2: a home holds collections, and these hold objects, one level each.
    !place.slash && if place.area == Area::Files { !place.path.names().is_empty() } else { place.path.names().len() == 2 }
}

/// Can a collection be here, by the form of the place?
pub(crate) fn may_be_folder(place: &Place) -> bool {
    place.area == Area::Files || place.path.names().len() <= 1
}

/// Where a document is: its collection and its name.
pub(crate) fn file_at(place: &Place) -> Option<FileAt> {
    let (folder, name) = place.path.split_last()?;
    Some(FileAt { area: place.area, folder, name: name.clone() })
}

/// Where a collection is.
pub(crate) fn folder_at(place: &Place) -> FolderAt {
    FolderAt { area: place.area, path: place.path.clone() }
}

/// The parent collection and the last name; nothing has a home as its name.
pub(crate) fn parent_of(place: &Place) -> Result<(FolderAt, Path, Name), Fault> {
    let (folder, name) = place.path.split_last().ok_or(Fault::Status(StatusCode::FORBIDDEN, "A home can be neither made nor replaced."))?;
    Ok((FolderAt { area: place.area, path: folder.clone() }, folder, name.clone()))
}

/// What is at a place, to be read.
pub(crate) async fn find(session: &Session, place: &Place) -> Result<Found, Refusal> {
    if may_be_file(place)
        && let Some(at) = file_at(place)
    {
        match session.open(at, Read).await {
            Ok(file) => return Ok(Found::File(file)),
            Err(Refusal::Missing) => {}
            Err(other) => return Err(other),
        }
    }
    if !may_be_folder(place) {
        return Err(Refusal::Missing);
    }
    session.open(folder_at(place), List).await.map(Found::Folder)
}
