//! The target of COPY and MOVE: `Destination`, `Overwrite`, and what is there (RFC 4918 sections 9.8, 9.9, 10.3 and 10.6).
//!
//! Called by `copy` and `move`. What always holds: source and target are in one tree, neither is in the other, and what is in the way is
//! taken away in the commit that brings the new (RFC 4918 section 9.8.4), so that it stays when that is refused.

use crate::call::{Call, Depth, file_at, folder_at, is_own, may_be_file, parent_of};
use crate::object;
use crate::path::{Place, Target};
use crate::refusal::{Answer, Fault, empty};
use http::header::LOCATION;
use http::{HeaderValue, StatusCode};
use octroi_gate::{
    Area, Bind, File, Folder, FolderAt, Granted, InTheWay, List, MakeFolder, Purpose, Refusal, RemoveFolder, Rewrite, Unlink,
};
use octroi_model::{Item, Name, Path};

/// Where something is to go.
pub(crate) struct Destination {
    pub place: Place,
    /// As the client wrote it, without the host.
    pub href: String,
    pub parent: FolderAt,
    pub name: Name,
    pub overwrite: bool,
}

impl Destination {
    /// Read the headers and compare with the source.
    pub(crate) fn of(call: &Call, source: &Place) -> Result<Self, Fault> {
        let place = place(call)?;
        if place.area != source.area {
            return Err(elsewhere());
        }
        if !is_own(&call.session, &place.address) {
            return Err(Fault::no_parent());
        }
        if is_within(&place.path, &source.path) || is_within(&source.path, &place.path) {
            // RFC 4918 sections 9.8.5 and 9.9.4: the same resource is 403; a collection into itself has no end.
            return Err(Fault::Status(StatusCode::FORBIDDEN, "Source and destination contain one another."));
        }
        let overwrite = overwrites(call)?;
        let (parent, _, name) = parent_of(&place)?;
        let href = crate::path::folder_href(place.area, call.session.address(), &place.path);
        Ok(Self { href: href.trim_end_matches('/').to_owned(), place, parent, name, overwrite })
    }

    /// Can a document of this area be here? In homes and below objects none can.
    fn takes_file(&self) -> Result<(), Fault> {
        let place = Place { slash: false, ..self.place.clone() };
        if may_be_file(&place) { Ok(()) } else { Err(Fault::Status(StatusCode::FORBIDDEN, "Here is no collection that takes it.")) }
    }

    /// RFC 4791 section 5.3.2.1: does the calendar take objects of this kind? Who may not read it is asked by nobody, as with PUT.
    async fn takes_component(&self, call: &Call, source: &Item) -> Result<(), Fault> {
        let component = source.media_type.as_deref().and_then(|kind| kind.split_once("component=")).map(|(_, component)| component);
        let (Area::Calendars, Some(component)) = (self.place.area, component) else { return Ok(()) };
        match call.session.open(self.parent.clone(), List).await {
            Ok(folder) if !object::takes(Some(&folder.facts()), component.trim()) => {
                Err(Fault::Rule(StatusCode::FORBIDDEN, "C:supported-calendar-component"))
            }
            _ => Ok(()),
        }
    }

    /// Open the collection that is to hold it.
    async fn open_parent<P: Purpose<Folder>>(&self, call: &Call, purpose: P) -> Result<Granted<Folder, P>, Fault> {
        match call.session.open(self.parent.clone(), purpose).await {
            Ok(parent) => Ok(parent),
            Err(Refusal::Missing) => Err(Fault::no_parent()),
            Err(refusal) => Err(Fault::Gate(refusal, self.href.clone())),
        }
    }

    /// What a document needs: the collection to hold it, and what it takes the place of.
    pub(crate) async fn ready_for_file(&self, call: &Call, source: &Item) -> Result<(Granted<Folder, Bind>, InTheWay<Rewrite>), Fault> {
        self.takes_file()?;
        self.takes_component(call, source).await?;
        Ok((self.open_parent(call, Bind).await?, self.occupant(call, Rewrite).await?))
    }

    /// Likewise for a collection.
    pub(crate) async fn ready_for_folder(&self, call: &Call) -> Result<(Granted<Folder, MakeFolder>, InTheWay<Unlink>), Fault> {
        Ok((self.open_parent(call, MakeFolder).await?, self.occupant(call, Unlink).await?))
    }

    /// What is there now; 412 if there is something and it is not to be overwritten.
    async fn occupant<P: Purpose<File>>(&self, call: &Call, purpose: P) -> Result<InTheWay<P>, Fault> {
        let refused = |refusal| match refusal {
            // It is there, and in the way all the same.
            Refusal::Forbidden(_) if !self.overwrite => Fault::precondition(),
            other => Fault::Gate(other, self.href.clone()),
        };
        if may_be_file(&Place { slash: false, ..self.place.clone() })
            && let Some(at) = file_at(&self.place)
        {
            match call.session.open(at, purpose).await {
                Ok(_) if !self.overwrite => return Err(Fault::precondition()),
                Ok(file) => return Ok(InTheWay::File(file)),
                Err(Refusal::Missing) => {}
                Err(refusal) => return Err(refused(refusal)),
            }
        }
        match call.session.open(folder_at(&self.place), RemoveFolder).await {
            Ok(_) if !self.overwrite => Err(Fault::precondition()),
            Ok(folder) => Ok(InTheWay::Folder(folder)),
            Err(Refusal::Missing) => Ok(InTheWay::Nothing),
            Err(refusal) => Err(refused(refusal)),
        }
    }

    /// 201 for something new, 204 where something was.
    pub(crate) async fn answer(&self, call: &Call, outcome: Result<(), Refusal>, replaced: bool) -> Answer {
        match outcome {
            Ok(()) => {}
            // A destination that does not take the source. RFC 4791 section 5.3.2.1, RFC 6352 section 6.3.2.1.
            Err(Refusal::Unsupported) => {
                return Err(match self.place.area {
                    Area::Calendars => Fault::Rule(StatusCode::FORBIDDEN, "C:calendar-collection-location-ok"),
                    Area::Contacts => Fault::Rule(StatusCode::FORBIDDEN, "CARD:addressbook-collection-location-ok"),
                    _ => elsewhere(),
                });
            }
            Err(refusal) => return Err(object::refused(&call.session, &self.parent, refusal, self.href.clone()).await),
        }
        if replaced {
            return Ok(empty(StatusCode::NO_CONTENT));
        }
        let mut response = empty(StatusCode::CREATED);
        if let Ok(location) = HeaderValue::from_str(&self.href) {
            response.headers_mut().insert(LOCATION, location);
        }
        Ok(response)
    }
}

/// The place that `Destination` names, on this server.
pub(crate) fn place(call: &Call) -> Result<Place, Fault> {
    let text = call.headers.get("destination").and_then(|value| value.to_str().ok());
    let text = text.ok_or(Fault::Status(StatusCode::BAD_REQUEST, "A Destination is needed."))?;
    let (target, host) =
        Target::parse_reference(text).map_err(|_| Fault::Status(StatusCode::BAD_REQUEST, "The Destination cannot be read."))?;
    if host.is_some_and(|host| !call.is_our_host(&host)) {
        return Err(elsewhere());
    }
    let Target::Place(place) = target else { return Err(Fault::Status(StatusCode::FORBIDDEN, "Nothing can be put there.")) };
    Ok(place)
}

/// `Overwrite` (RFC 4918 section 10.6).
pub(crate) fn overwrites(call: &Call) -> Result<bool, Fault> {
    match call.headers.get("overwrite").map(|value| value.as_bytes().trim_ascii()) {
        None | Some(b"T" | b"t") => Ok(true),
        Some(b"F" | b"f") => Ok(false),
        Some(_) => Err(Fault::Status(StatusCode::BAD_REQUEST, "Overwrite is T or F.")),
    }
}

/// Does a COPY or MOVE of a collection take all in it? RFC 4918 sections 9.8.3 and 9.9.2.
pub(crate) fn is_deep(call: &Call) -> Result<bool, Fault> {
    match call.depth()? {
        None | Some(Depth::Infinity) => Ok(true),
        Some(Depth::Zero) => Ok(false),
        Some(Depth::One) => Err(Fault::Status(StatusCode::BAD_REQUEST, "Depth is 0 or infinity here.")),
    }
}

/// RFC 4918 section 9.8.5: another server, or a part of this one that cannot take it.
fn elsewhere() -> Fault {
    Fault::Status(StatusCode::BAD_GATEWAY, "The destination is on another server or in another tree.")
}

/// Is `inside` at or below `top`?
fn is_within(inside: &Path, top: &Path) -> bool {
    inside.names().starts_with(top.names())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn containment_is_by_segments() {
        let path = |text: &str| if text.is_empty() { Path::top() } else { Path::parse(text, '/').unwrap() };
        assert!(is_within(&path("a/b"), &path("a")));
        assert!(is_within(&path("a"), &path("a")));
        assert!(is_within(&path("a"), &path("")));
        assert!(!is_within(&path("ab"), &path("a")));
        assert!(!is_within(&path("a"), &path("a/b")));
    }
}
