//! OPTIONS: what this server speaks and what may be done here (RFC 4918 section 10.1).

use crate::call::{Call, file_at, folder_at, is_own, may_be_file, may_be_folder};
use crate::path::{Place, Target};
use crate::refusal::{Answer, Fault, empty};
use crate::rights::{Kind, allow};
use axum::response::Response;
use http::header::ALLOW;
use http::{HeaderName, HeaderValue, StatusCode};
use octroi_gate::{Area, Bind, Folder, List, MakeFolder, Purpose, Read, Refusal, RemoveFolder, Rewrite, Session, Unlink};
use octroi_model::Rights;

/// Answer OPTIONS for somebody who is logged in: `Allow` mirrors their rights.
pub(crate) async fn options(call: Call) -> Answer {
    Ok(answer(&call.target, allowed(&call).await?, call.session.offers_push()))
}

/// The answer for a target. Class 2 is said everywhere, as clients ask for it at the root of what they mount; where nothing can be locked,
/// `Allow` and `supportedlock` say so. `access-control` is said everywhere (RFC 3744
/// section 7.2); who may not share finds no ACL in `Allow`. `calendar-access` and `addressbook` are
/// announced where they are spoken, as clients look for nothing else; the queries that are missing are refused by name.
pub(crate) fn answer(target: &Target, allow: HeaderValue, push: bool) -> Response {
    let classes = match target {
        Target::Place(Place { area: Area::Files, .. }) | Target::Area(Area::Files) => {
            "1, 2, 3, access-control, extended-mkcol, resource-sharing"
        }
        Target::Place(Place { area: Area::Calendars, .. }) | Target::Area(Area::Calendars) => {
            "1, 2, 3, access-control, extended-mkcol, calendar-access, calendar-auto-schedule, calendar-availability, \
             calendar-proxy, calendar-managed-attachments, calendarserver-sharing, resource-sharing"
        }
        Target::Place(Place { area: Area::Contacts, .. }) | Target::Area(Area::Contacts) => {
            "1, 2, 3, access-control, extended-mkcol, addressbook, resource-sharing"
        }
        _ => {
            "1, 2, 3, access-control, extended-mkcol, calendar-access, calendar-auto-schedule, calendar-availability, addressbook, \
             calendar-proxy, calendar-managed-attachments, calendarserver-sharing, resource-sharing"
        }
    };
    let mut response = empty(StatusCode::OK);
    let headers = response.headers_mut();
    headers.insert(HeaderName::from_static("dav"), if push { class_with_push(classes) } else { HeaderValue::from_static(classes) });
    headers.insert(ALLOW, allow);
    // RFC 5323 section 3.2.
    if let Target::Place(_) = target {
        headers.insert(HeaderName::from_static("dasl"), HeaderValue::from_static("<DAV:basicsearch>"));
    }
    // Windows asks for this before it speaks WebDAV at all.
    headers.insert(HeaderName::from_static("ms-author-via"), HeaderValue::from_static("DAV"));
    response
}

/// WebDAV-Push, section 2.
fn class_with_push(classes: &str) -> HeaderValue {
    HeaderValue::from_str(&format!("{classes}, webdav-push")).unwrap_or_else(|_| HeaderValue::from_static("1, 2, 3"))
}

/// The methods that the gate would not refuse here.
pub(crate) async fn allowed(call: &Call) -> Result<HeaderValue, Fault> {
    if let Target::Proxy(owner, _) = &call.target
        && is_own(&call.session, &owner.to_string())
    {
        return Ok(allow(Kind::Proxies, Rights::NONE));
    }
    let Target::Place(place) = &call.target else { return Ok(allow(Kind::Fixed, Rights::NONE)) };
    let (kind, rights) = rights_at(&call.session, place).await.map_err(Fault::about(&call.href()))?;
    let allow = allow(kind, rights);
    // To register for push, which who may list it may.
    let registers = !matches!(kind, Kind::File | Kind::Outbox) && rights.contains(Rights::READ) && call.session.offers_push();
    // To invite, which who may change the ACL may, and to answer at the top of one's own calendars.
    let invites = kind == Kind::Folder && rights.contains(Rights::ADMIN);
    let answers = kind == Kind::Home && place.area == Area::Calendars && rights.contains(Rights::READ);
    let with_post = || HeaderValue::from_str(&format!("{}, POST", allow.to_str().unwrap_or("OPTIONS"))).unwrap_or_else(|_| allow.clone());
    Ok(if registers || invites || answers { with_post() } else { allow })
}

/// The rights in force at a place. Any purpose that is granted tells all of them; somebody may have one without the other.
async fn rights_at(session: &Session, place: &Place) -> Result<(Kind, Rights), Refusal> {
    if may_be_file(place)
        && let Some(at) = file_at(place)
    {
        let found = match session.open(at.clone(), Read).await {
            Err(Refusal::Forbidden(_)) => match session.open(at.clone(), Rewrite).await {
                Err(Refusal::Forbidden(_)) => session.open(at, Unlink).await.map(|granted| granted.rights()),
                other => other.map(|granted| granted.rights()),
            },
            other => other.map(|granted| granted.rights()),
        };
        match found {
            Ok(rights) => return Ok((Kind::File, rights)),
            Err(Refusal::Forbidden(_)) => return Ok((Kind::File, Rights::LOOKUP)),
            Err(Refusal::Missing) => {}
            Err(other) => return Err(other),
        }
    }
    if !may_be_folder(place) {
        return Err(Refusal::Missing);
    }
    let is_home = place.path.names().is_empty();
    let kind = if is_home { Kind::Home } else { Kind::Folder };
    match session.open(folder_at(place), List).await {
        Ok(folder) => return Ok((Kind::of_collection(folder.facts().kind, is_home), folder.rights())),
        Err(Refusal::Forbidden(_)) => {}
        Err(other) => return Err(other),
    }
    let mut found = folder_rights(session, place, Bind).await?;
    if found.is_none() {
        found = folder_rights(session, place, MakeFolder).await?;
    }
    if found.is_none() {
        found = folder_rights(session, place, RemoveFolder).await?;
    }
    Ok((kind, found.unwrap_or(Rights::LOOKUP)))
}

async fn folder_rights<P: Purpose<Folder>>(session: &Session, place: &Place, purpose: P) -> Result<Option<Rights>, Refusal> {
    match session.open(folder_at(place), purpose).await {
        Ok(granted) => Ok(Some(granted.rights())),
        Err(Refusal::Forbidden(_)) => Ok(None),
        Err(other) => Err(other),
    }
}
