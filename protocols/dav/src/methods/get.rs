//! GET and HEAD: a document's octets, whole or a range; a collection as a short page, or exported.

use crate::byteranges::ByteRanges;
use crate::caldav::describe_shared;
use crate::call::{Call, Found, find};
use crate::digest::{self, Sums};
use crate::language;
use crate::methods::export;
use crate::object::read_all;
use crate::path::{AREAS, Place, Target, area_href, encode, folder_href, principal_href};
use crate::precondition::{self, Current, Verdict, http_date};
use crate::property::media_type;
use crate::range::{Part, Wanted, wanted};
use crate::refusal::{Answer, Fault, empty};
use crate::schedule;
use axum::body::Body;
use axum::response::Response;
use http::header::{
    ACCEPT_RANGES, CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, LAST_MODIFIED, RANGE,
};
use http::{HeaderMap, HeaderValue, StatusCode};
use octroi_gate::{Area, File, Folder, FolderAt, Granted, List, MemberIs, READ_BYTES_MAX, Read, Refusal, checksums};
use octroi_http::{produce, send_document};
use octroi_model::Path;
use std::fmt::Write as _;

/// Members that a page shows: it is for a glance; programs use PROPFIND, which has no such limit.
const PAGE_MEMBERS_MAX: usize = 5_000;

/// Largest document of which a digest is worked out for who wants one: it is read once more for it.
const DIGESTED_BYTES_MAX: u64 = 16 << 20;

/// For what cannot run anything, and for our own pages.
const PASSIVE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

/// GET.
pub(crate) async fn get(call: Call) -> Answer {
    let place = match &call.target {
        Target::Place(place) => place.clone(),
        target => return Ok(fixed_page(target, &call)),
    };
    match find(&call.session, &place).await.map_err(Fault::about(&call.href()))? {
        Found::File(file) if !file.is_as_kept() => made(&call, &place).await,
        Found::File(file) => document(&call, &place, file).await,
        Found::Folder(folder) if export::is_asked(&call, &folder) => export::export(&call, &place, &folder).await,
        Found::Folder(folder) => folder_page(&call, &place, &folder).await,
    }
}

/// HEAD: as GET, without the body.
pub(crate) async fn head(call: Call) -> Answer {
    if let Target::Place(place) = &call.target
        && !is_made_at(&call, place).await
        && let Found::File(file) = find(&call.session, place).await.map_err(Fault::about(&call.href()))?
    {
        if let Some(not_modified) = verdict(&call.headers, &file)? {
            return Ok(not_modified);
        }
        let mut response = with_length(described(StatusCode::OK, &file, place), file.item().bytes());
        add_digests(&call, &file, response.headers_mut()).await?;
        return Ok(response);
    }
    let mut response = get(call).await?;
    *response.body_mut() = Body::empty();
    Ok(response)
}

async fn is_made_at(call: &Call, place: &Place) -> bool {
    matches!(find(&call.session, place).await, Ok(Found::File(file)) if !file.is_as_kept())
}

/// An event of which nothing is to be seen but when its owner is busy, or which is seen with alarms of one's own.
async fn made(call: &Call, place: &Place) -> Answer {
    let about = call.href();
    let (path, _) = place.path.split_last().ok_or_else(Fault::missing)?;
    if let Ok(folder) = call.session.open(FolderAt { area: place.area, path }, List).await {
        // Of what was put before that was noted it is not known whether it has to be.
        describe_shared(&folder, call).await.map_err(Fault::about(&about))?;
    }
    let Found::File(file) = find(&call.session, place).await.map_err(Fault::about(&about))? else { return Err(Fault::missing()) };
    if file.is_as_kept() {
        return document(call, place, file).await;
    }
    if let Some(not_modified) = verdict(&call.headers, &file)? {
        return Ok(not_modified);
    }
    let octets = read_all(&file).await.map_err(Fault::about(&about))?;
    if octets.is_empty() {
        return Err(Fault::missing());
    }
    let mut response = with_length(described(StatusCode::OK, &file, place), octets.len() as u64);
    response.headers_mut().remove(ACCEPT_RANGES);
    *response.body_mut() = Body::from(octets);
    Ok(response)
}

/// An attachment of calendar objects: as a document.
pub(crate) async fn attachment(call: &Call, file: Granted<File, Read>) -> Answer {
    let place = Place { area: Area::Files, address: String::new(), path: Path::top(), slash: false };
    document(call, &place, file).await
}

async fn document(call: &Call, place: &Place, file: Granted<File, Read>) -> Answer {
    if let Some(not_modified) = verdict(&call.headers, &file)? {
        return Ok(not_modified);
    }
    let length = file.item().bytes();
    let etag = file.item().etag();
    let range = call.header(&RANGE).filter(|_| precondition::range_is_of(&call.headers, Current::document(&etag, file.item().date)));
    let parts = match range.map_or(Wanted::Whole, |range| wanted(range, length)) {
        Wanted::Whole => return whole(call, place, file).await,
        Wanted::Parts(parts) => parts,
        Wanted::Unsatisfiable => {
            let mut response = empty(StatusCode::RANGE_NOT_SATISFIABLE);
            insert(response.headers_mut(), CONTENT_RANGE, &format!("bytes */{length}"));
            return Ok(response);
        }
    };
    let response = described(StatusCode::PARTIAL_CONTENT, &file, place);
    let [Part { offset, bytes }] = parts[..] else { return Ok(several(response, file, place, &parts)) };
    let mut response = with_length(response, bytes);
    insert(response.headers_mut(), CONTENT_RANGE, &format!("bytes {offset}-{}/{length}", offset + bytes - 1));
    *response.body_mut() = run(call, file, Part { offset, bytes }).await?;
    Ok(response)
}

async fn whole(call: &Call, place: &Place, file: Granted<File, Read>) -> Answer {
    let bytes = file.item().bytes();
    let mut response = with_length(described(StatusCode::OK, &file, place), bytes);
    add_digests(call, &file, response.headers_mut()).await?;
    *response.body_mut() = run(call, file, Part { offset: 0, bytes }).await?;
    Ok(response)
}

/// RFC 9530: the digest that the client wants. Of what is large it gets none, as it would be read twice.
async fn add_digests(call: &Call, file: &Granted<File, Read>, headers: &mut HeaderMap) -> Result<(), Fault> {
    for (wants, tells) in [("want-repr-digest", "repr-digest"), ("want-content-digest", "content-digest")] {
        let Some(kind) = digest::wanted(&call.headers, wants).filter(|_| file.item().bytes() <= DIGESTED_BYTES_MAX) else { continue };
        let mut sums = Sums::of(&[kind]);
        let mut offset = 0;
        while offset < file.item().bytes() {
            let piece = file.read(offset, READ_BYTES_MAX).await.map_err(Fault::about(&call.href()))?;
            if piece.is_empty() {
                return Err(Fault::Gate(Refusal::Unavailable, call.href()));
            }
            offset += piece.len() as u64;
            sums.update(&piece);
        }
        for (kind, value) in sums.finish() {
            insert(headers, http::HeaderName::from_static(tells), &digest::told(kind, &value));
        }
    }
    Ok(())
}

/// The octets of one part, at once if they are few.
async fn run(call: &Call, file: Granted<File, Read>, part: Part) -> Result<Body, Fault> {
    if part.bytes <= READ_BYTES_MAX {
        return Ok(Body::from(file.read(part.offset, part.bytes).await.map_err(Fault::about(&call.href()))?));
    }
    Ok(produce(Some(part.bytes), async move |sink| {
        let _ = send_document(&file, part.offset, part.bytes, &sink).await;
    }))
}

/// Several parts (RFC 9110 section 15.3.7.2).
fn several(response: Response, file: Granted<File, Read>, place: &Place, parts: &[Part]) -> Response {
    let ranges = ByteRanges::new(media_type(file.item(), place.area), file.item().bytes(), parts);
    let bytes = ranges.bytes();
    let mut response = with_length(response, bytes);
    insert(response.headers_mut(), CONTENT_TYPE, &ranges.media_type());
    // Whatever is in the parts: nothing that a browser runs comes in this wrapping, and the listener's own policy is the stricter.
    response.headers_mut().remove(CONTENT_SECURITY_POLICY);
    *response.body_mut() = produce(Some(bytes), async move |sink| {
        for (text, part) in ranges.into_runs() {
            let sent = sink.send(text.into()).await;
            let sent = match part {
                Some(part) if sent.is_ok() => send_document(&file, part.offset, part.bytes, &sink).await,
                _ => sent,
            };
            if sent.is_err() {
                return;
            }
        }
    });
    response
}

/// 304 or 412, if the conditional headers say so.
fn verdict(headers: &HeaderMap, file: &Granted<File, Read>) -> Result<Option<Response>, Fault> {
    let etag = file.item().etag();
    match precondition::for_read(headers, Current::document(&etag, file.item().date)) {
        Verdict::Go => Ok(None),
        Verdict::Failed => Err(Fault::precondition()),
        Verdict::NotModified => {
            let mut response = empty(StatusCode::NOT_MODIFIED);
            insert(response.headers_mut(), ETAG, &etag.to_string());
            insert(response.headers_mut(), LAST_MODIFIED, &http_date(file.item().date));
            Ok(Some(response))
        }
    }
}

/// An answer with the headers that tell about the document.
fn described(status: StatusCode, file: &Granted<File, Read>, place: &Place) -> Response {
    let item = file.item();
    let mut response = empty(status);
    let headers = response.headers_mut();
    insert(headers, CONTENT_TYPE, media_type(item, place.area));
    insert(headers, ETAG, &item.etag().to_string());
    insert(headers, LAST_MODIFIED, &http_date(item.date));
    if let Some(tag) = schedule::tag_of(item, place.area) {
        insert(headers, schedule::SCHEDULE_TAG, &format!("\"{tag}\""));
    }
    if let Some(language) = language::kept(item) {
        insert(headers, CONTENT_LANGUAGE, &language);
    }
    if let Some(sums) = checksums(item) {
        insert(headers, http::HeaderName::from_static("oc-checksum"), sums);
    }
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if !is_active(media_type(item, place.area)) {
        // The listener's own policy is a sandbox, in which browsers show no PDF and save no archive.
        headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(PASSIVE_POLICY));
    }
    response
}

/// Can a browser be made to run something by a document of this type? It comes from the portal's origin, so the answer errs on the side of yes.
fn is_active(media_type: &str) -> bool {
    const ACTIVE: [&str; 8] = ["html", "xml", "svg", "xsl", "script", "multipart", "message", "flash"];
    let essence = media_type.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    !essence.contains('/') || ACTIVE.iter().any(|word| essence.contains(word))
}

fn with_length(mut response: Response, bytes: u64) -> Response {
    response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(bytes));
    response
}

fn insert(headers: &mut HeaderMap, name: http::HeaderName, value: &str) {
    // What a client once sent as a media type may be no header value any more.
    let value = HeaderValue::from_str(value).unwrap_or_else(|_| HeaderValue::from_static("application/octet-stream"));
    headers.insert(name, value);
}

async fn folder_page(call: &Call, place: &Place, folder: &Granted<Folder, List>) -> Answer {
    let members = folder.members().await.map_err(Fault::about(&call.href()))?;
    let base = folder_href(place.area, call.session.address(), &place.path);
    let mut links: Vec<(String, String)> = Vec::new();
    for member in members.iter().take(PAGE_MEMBERS_MAX) {
        let slash = if matches!(member.is, MemberIs::Folder(_)) { "/" } else { "" };
        links.push((format!("{base}{}{slash}", encode(member.name.as_str())), format!("{}{slash}", member.name)));
    }
    let title = place.path.names().last().map_or_else(|| call.session.address().to_string(), ToString::to_string);
    Ok(page(&title, &links, members.len() > PAGE_MEMBERS_MAX, in_portal(call, place).as_deref()))
}

/// Where the portal shows the same folder, with what can be done in it.
fn in_portal(call: &Call, place: &Place) -> Option<String> {
    let names: Vec<String> = place.path.names().iter().map(|name| format!("{}/", encode(name.as_str()))).collect();
    (place.area == Area::Files).then(|| format!("{}files/{}", call.portal_url, names.concat()))
}

/// The collections above the trees.
fn fixed_page(target: &Target, call: &Call) -> Response {
    let address = call.session.address();
    let home = |area| (folder_href(area, address, &Path::top()), address.to_string());
    let links = match target {
        Target::Area(area) => vec![home(*area)],
        Target::Principals => vec![(principal_href(address), address.to_string())],
        _ => AREAS.iter().map(|(area, name)| (area_href(*area), format!("{name}/"))).collect(),
    };
    page("WebDAV", &links, false, None)
}

fn page(title: &str, links: &[(String, String)], cut: bool, portal: Option<&str>) -> Response {
    let mut html =
        format!("<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"><title>{0}</title></head>\n<body><h1>{0}</h1>\n", escape(title));
    if let Some(portal) = portal {
        let _ = writeln!(html, "<p><a href=\"{}\">Portal</a></p>", escape(portal));
    }
    html.push_str("<ul>\n");
    for (href, name) in links {
        let _ = writeln!(html, "<li><a href=\"{}\">{}</a></li>", escape(href), escape(name));
    }
    html.push_str(if cut { "</ul>\n<p>…</p>\n</body></html>\n" } else { "</ul>\n</body></html>\n" });
    let mut response = with_length(empty(StatusCode::OK), html.len() as u64);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(PASSIVE_POLICY));
    *response.body_mut() = Body::from(html);
    response
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_run_in_a_browser_stays_in_the_sandbox() {
        for active in [
            "text/html",
            "application/xhtml+xml; charset=utf-8",
            "image/SVG+xml",
            "text/xml",
            "multipart/related",
            "text/javascript",
            "",
            "html",
        ] {
            assert!(is_active(active), "{active}");
        }
        for passive in ["application/pdf", "text/plain; charset=utf-8", "image/png", "application/zip", "application/octet-stream"] {
            assert!(!is_active(passive), "{passive}");
        }
    }

    #[test]
    fn names_cannot_become_markup_in_a_page() {
        let links = [("/dav/%22".to_owned(), "<script>\"'&".to_owned())];
        let response = page("<b>", &links, false, None);
        let length: usize = response.headers()[CONTENT_LENGTH].to_str().map_or(0, |n| n.parse().unwrap_or(0));
        assert!(length > 0);
        assert_eq!(escape("<script>\"'&"), "&lt;script&gt;&quot;&#39;&amp;");
    }
}
