//! `/dav/notifications/<address>/`: what others have to say about calendars that are shared (Apple's caldav-sharing).
//!
//! Named by `CS:notification-URL` of the principal. A resource is an invitation, or an answer to one of one's own; it can be listed, read and deleted,
//! and nothing else. Who opens it must be able to list their own calendars; who deletes from it, to keep their own view of what others share.

use crate::call::{Call, Depth};
use crate::invitation::{status, write_access};
use crate::methods::options;
use crate::methods::propfind::viewer;
use crate::multistatus::{Wanted, describe, whole};
use crate::path::{NotificationAt, folder_href, notifications_href};
use crate::precondition::{self, Current, Verdict};
use crate::property::{Notice, Subject};
use crate::refusal::{Answer, Fault, empty};
use crate::xml::{Xml, parse};
use axum::body::Body;
use axum::response::Response;
use http::header::{CONTENT_TYPE, ETAG};
use http::{HeaderValue, Method, StatusCode};
use jiff::Timestamp;
use octroi_gate::{Area, FolderAt, InviteNotice, List, Personalise, ShareNotice};
use octroi_model::{Address, Etag, Hash, Name, Path};
use ring::digest::{SHA256, digest};

/// At the end of every name.
const SUFFIX: &str = ".xml";

/// Answer a request about them.
pub(crate) async fn handle(method: &Method, mut call: Call, at: &NotificationAt) -> Answer {
    if *method == Method::OPTIONS {
        return Ok(options::answer(&call.target, allow(at), call.session.offers_push()));
    }
    let href = call.href();
    let home = call.session.open(top(), List).await.map_err(Fault::about(&href))?;
    let address = call.session.address().clone();
    let notices: Vec<Notice> = home.share_notices().map_err(Fault::about(&href))?.iter().map(|notice| written(notice, &address)).collect();
    match (method.as_str(), &at.name) {
        ("PROPFIND", name) => {
            let body = call.xml_body().await?;
            let request = if body.is_empty() { None } else { Some(parse(&body)?) };
            let wanted = Wanted::of_propfind(request.as_ref(), &call.headers)?;
            let deep = match call.depth()?.unwrap_or(Depth::Infinity) {
                Depth::Infinity if name.is_none() => return Err(Fault::Rule(StatusCode::FORBIDDEN, "D:propfind-finite-depth")),
                depth => depth == Depth::One,
            };
            list(&call, &wanted, &notices, name.as_ref().map(Name::as_str), deep)
        }
        ("GET" | "HEAD", Some(name)) => {
            let notice = notices.into_iter().find(|notice| notice.name == name.as_str()).ok_or_else(Fault::missing)?;
            read(&call, notice)
        }
        ("DELETE", Some(name)) => {
            let notice = notices.iter().find(|notice| notice.name == name.as_str()).ok_or_else(Fault::missing)?;
            call.check_write(Current::document(&notice.etag, notice.made)).await?;
            let home = call.session.open(top(), Personalise).await.map_err(Fault::about(&href))?;
            let id = name.as_str().strip_suffix(SUFFIX).unwrap_or_default();
            home.remove_share_notice(id).await.map_err(Fault::about(&href))?;
            Ok(empty(StatusCode::NO_CONTENT))
        }
        _ => Err(Fault::NotAllowed(allow(at))),
    }
}

fn top() -> FolderAt {
    FolderAt { area: Area::Calendars, path: Path::top() }
}

fn allow(at: &NotificationAt) -> HeaderValue {
    HeaderValue::from_static(if at.name.is_none() { "OPTIONS, PROPFIND" } else { "OPTIONS, PROPFIND, GET, HEAD, DELETE" })
}

fn list(call: &Call, wanted: &Wanted, notices: &[Notice], name: Option<&str>, deep: bool) -> Answer {
    let viewer = viewer(call);
    let base = notifications_href(&viewer.address);
    let shown: Vec<&Notice> = notices.iter().filter(|notice| name.map_or(deep, |name| notice.name == name)).collect();
    if name.is_some() && shown.is_empty() {
        return Err(Fault::missing());
    }
    let said: Vec<&str> = notices.iter().map(|notice| notice.body.as_str()).collect();
    let ctag = tag(&said.concat());
    Ok(whole(|xml| {
        if name.is_none() && !wanted.noroot {
            describe(&base, &Subject::Notices { ctag: &ctag }, wanted, &viewer, None, xml);
        }
        for notice in shown {
            describe(&format!("{base}{}", notice.name), &Subject::Notice(notice), wanted, &viewer, None, xml);
        }
    }))
}

fn read(call: &Call, notice: Notice) -> Answer {
    let mut response = match precondition::for_read(&call.headers, Current::document(&notice.etag, notice.made)) {
        Verdict::Failed => return Err(Fault::precondition()),
        Verdict::NotModified => empty(StatusCode::NOT_MODIFIED),
        // The server below leaves the body out for HEAD.
        Verdict::Go => Response::new(Body::from(notice.body)),
    };
    if let Ok(etag) = HeaderValue::from_str(&notice.etag.to_string()) {
        response.headers_mut().insert(ETAG, etag);
    }
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/xml; charset=utf-8"));
    Ok(response)
}

/// A notice as a resource.
fn written(notice: &ShareNotice, to: &Address) -> Notice {
    let kind = if let InviteNotice::Invite { .. } = notice.is { "CS:invite-notification" } else { "CS:invite-reply" };
    let mut xml = Xml::document("CS:notification");
    let moment = Timestamp::from_second(notice.made.0).unwrap_or_default();
    xml.text("CS:dtstamp", &moment.strftime("%Y%m%dT%H%M%SZ").to_string());
    xml.open_with(kind, if kind == "CS:invite-reply" { &[] } else { &[("shared-type", "calendar")] });
    match &notice.is {
        InviteNotice::Invite { state, rights } => {
            xml.text("CS:uid", &notice.id).text("D:href", &format!("mailto:{to}")).empty(status(*state));
            write_access(*rights, &mut xml);
            write_host(notice, to, &mut xml);
            write_organizer(&notice.from.0, &notice.from.1, &mut xml);
        }
        InviteNotice::Reply { accepts, in_reply_to } => {
            xml.text("D:href", &format!("mailto:{}", notice.from.0));
            if !notice.from.1.is_empty() {
                xml.text("CS:common-name", &notice.from.1);
            }
            xml.empty(if *accepts { "CS:invite-accepted" } else { "CS:invite-declined" });
            write_host(notice, to, &mut xml);
            xml.text("CS:in-reply-to", in_reply_to);
        }
    }
    if !notice.summary.is_empty() {
        xml.text("CS:summary", &notice.summary);
    }
    xml.close(kind).close("CS:notification");
    let body = xml.into_string();
    Notice { name: format!("{}{SUFFIX}", notice.id), made: notice.made, etag: tag(&body), kind, body }
}

/// The calendar, as whoever reads it names it: what is below somebody else is nothing to them.
fn write_host(notice: &ShareNotice, to: &Address, xml: &mut Xml) {
    xml.open("CS:hosturl").text("D:href", &folder_href(Area::Calendars, to, &notice.calendar)).close("CS:hosturl");
}

/// Whose a shared calendar is.
pub(crate) fn write_organizer(address: &Address, name: &str, xml: &mut Xml) {
    xml.open("CS:organizer").text("D:href", &format!("mailto:{address}"));
    if !name.is_empty() {
        xml.text("CS:common-name", name);
    }
    xml.close("CS:organizer");
}

/// Another for each content.
fn tag(said: &str) -> Etag {
    let mut hash = Hash([0; 32]);
    hash.0.copy_from_slice(digest(&SHA256, said.as_bytes()).as_ref());
    Etag::of(hash)
}
