//! Uploads in parts, for bad lines: `/dav/uploads/<address>/<upload>/<part>`.
//!
//! As Nextcloud's clients and rclone do it (chunked upload, version 2): MKCOL begins an upload, each PUT brings a part, PROPFIND tells which
//! are here, MOVE of `.file` to the document's place puts them together, DELETE gives it up. What the MOVE makes is decided, checked and
//! committed as a PUT of the whole would be, with the same conditional headers, digests and date; the parts go in that commit.

use crate::call::{Call, Depth};
use crate::methods::destination::{overwrites, place};
use crate::methods::put::{Sent, announced, put, receive};
use crate::multistatus::whole;
use crate::path::{Target, UploadAt, encode, file_href};
use crate::precondition::http_date;
use crate::refusal::{Answer, Fault, empty};
use crate::xml::Xml;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, IF_NONE_MATCH};
use http::{HeaderValue, Method, StatusCode, Uri};
use octroi_gate::{Area, Parts, Refusal, Session};
use octroi_http::{Sink, produce};
use octroi_model::{Name, UnixTime};

/// The name under which all parts together are moved.
const ALL: &str = ".file";

/// Answer a request about an upload.
pub(crate) async fn handle(method: &Method, call: Call, at: &UploadAt) -> Answer {
    let href = call.href();
    match (method.as_str(), &at.upload, &at.part) {
        ("OPTIONS", _, _) => Ok(crate::methods::options::answer(&call.target, allow(at), call.session.offers_push())),
        ("MKCOL", Some(upload), None) => match call.session.begin_upload(upload).await {
            Ok(()) => Ok(empty(StatusCode::CREATED)),
            Err(Refusal::Exists) => Err(Fault::NotAllowed(allow(at))),
            Err(refusal) => Err(Fault::Gate(refusal, href)),
        },
        ("PUT", Some(upload), Some(part)) if part.as_str() != ALL => keep(call, upload, part).await,
        ("MOVE", Some(upload), Some(part)) if part.as_str() == ALL => assemble(call, upload).await,
        ("DELETE", Some(upload), None) => {
            call.session.abandon_upload(upload).await.map_err(Fault::about(&href))?;
            Ok(empty(StatusCode::NO_CONTENT))
        }
        ("PROPFIND", upload, None) => list(&call, upload.as_ref()).await,
        _ => Err(Fault::NotAllowed(allow(at))),
    }
}

fn allow(at: &UploadAt) -> HeaderValue {
    HeaderValue::from_static(match (&at.upload, &at.part) {
        (None, _) => "OPTIONS, PROPFIND",
        (Some(_), None) => "OPTIONS, MKCOL, PROPFIND, DELETE",
        (Some(_), Some(part)) if part.as_str() == ALL => "OPTIONS, MOVE",
        (Some(_), Some(_)) => "OPTIONS, PUT",
    })
}

async fn keep(mut call: Call, upload: &Name, part: &Name) -> Answer {
    let href = call.href();
    let sent = Sent::of(&call)?;
    let bytes = announced(&call)?;
    let receiving = match call.session.receive_part(upload, part, bytes).await {
        Ok(receiving) => receiving,
        Err(Refusal::Missing) => return Err(Fault::no_parent()),
        Err(refusal) => return Err(Fault::Gate(refusal, href)),
    };
    let content = receive(&mut call, receiving, &sent).await?;
    call.session.keep_part(upload, part, content).await.map_err(Fault::about(&href))?;
    Ok(empty(StatusCode::CREATED))
}

async fn assemble(mut call: Call, upload: &Name) -> Answer {
    let parts = call.session.upload_parts(upload).await.map_err(Fault::about(&call.href()))?;
    let place = place(&call)?;
    if place.area != Area::Files {
        return Err(Fault::Status(StatusCode::FORBIDDEN, "Parts are put together to a document only."));
    }
    if !crate::call::is_own(&call.session, &place.address) {
        return Err(Fault::no_parent());
    }
    // Ours and the client's idea of the whole differ: a part is missing, or there twice.
    let total = call.headers.get("oc-total-length").and_then(|value| value.to_str().ok()?.trim().parse::<u64>().ok());
    if total.is_some_and(|total| total != parts.bytes()) {
        return Err(Fault::Status(StatusCode::BAD_REQUEST, "The parts are not as long as all of it."));
    }
    if !overwrites(&call)? {
        call.headers.insert(IF_NONE_MATCH, HeaderValue::from_static("*"));
    }
    // What the MOVE says of its own body, which it has not.
    for name in [CONTENT_LENGTH, CONTENT_TYPE] {
        call.headers.remove(name);
    }
    let Some((folder, name)) = place.path.split_last() else {
        return Err(Fault::Status(StatusCode::FORBIDDEN, "A home can be neither made nor replaced."));
    };
    let href = file_href(place.area, call.session.address(), &folder, name);
    let uri: Uri = href.parse().map_err(|_| Fault::Status(StatusCode::BAD_REQUEST, "The Destination cannot be read."))?;
    let body = {
        let (session, parts) = (call.session.clone(), parts.clone());
        produce(Some(parts.bytes()), move |sink| pieces(session, parts, sink))
    };
    put(call.with_parts(Target::Place(place), uri, parts, body)).await
}

/// All octets, part after part.
async fn pieces(session: Session, parts: Parts, sink: Sink) {
    for part in parts.parts() {
        let mut offset = 0;
        while offset < part.bytes {
            let piece = session.read_part(part, offset).await.unwrap_or_default();
            if piece.is_empty() {
                return sink.fail().await;
            }
            offset += piece.len() as u64;
            if sink.send(piece.into()).await.is_err() {
                return;
            }
        }
    }
}

/// Which uploads are under way, or which parts of one are here, with their sizes.
async fn list(call: &Call, upload: Option<&Name>) -> Answer {
    let href = call.href();
    let about = Fault::about(&href);
    let base = format!("{}/", href.trim_end_matches('/'));
    let deep = call.depth()? != Some(Depth::Zero);
    let mut members: Vec<(String, Option<(u64, UnixTime)>)> = Vec::new();
    if let Some(upload) = upload {
        let parts = call.session.upload_parts(upload).await.map_err(about)?;
        members.extend(parts.parts().iter().map(|part| (encode(part.name.as_str()), Some((part.bytes, part.at)))));
    } else {
        let uploads = call.session.uploads().await.map_err(about)?;
        members.extend(uploads.iter().map(|name| (format!("{}/", encode(name.as_str())), None)));
    }
    Ok(whole(|xml| {
        describe(&base, None, xml);
        for (name, part) in members.iter().filter(|_| deep) {
            describe(&format!("{base}{name}"), *part, xml);
        }
    }))
}

fn describe(href: &str, part: Option<(u64, UnixTime)>, xml: &mut Xml) {
    xml.open("D:response").text("D:href", href).open("D:propstat").open("D:prop");
    match part {
        None => {
            xml.open("D:resourcetype").empty("D:collection").close("D:resourcetype");
        }
        Some((bytes, at)) => {
            xml.empty("D:resourcetype").text("D:getcontentlength", &bytes.to_string()).text("D:getlastmodified", &http_date(at));
        }
    }
    xml.close("D:prop").text("D:status", "HTTP/1.1 200 OK").close("D:propstat").close("D:response");
}
