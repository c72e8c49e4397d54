//! `/public/calendars/<link>`: a calendar for everybody who has its secret link (`octroi_gate::Published`).
//!
//! Nobody is asked who they are, and nobody is told more than what was published. What always holds: of a link that leads to nothing the answer is
//! the same, whatever the reason; no search engine, cache or page that somebody comes from or goes to keeps or sees the link; events do not ring at
//! strangers; a link that is withdrawn meanwhile breaks the answer off visibly.

use crate::caldav::{HEAD, Merged, TAIL, strip};
use crate::dispatch::Dav;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, ETAG, IF_NONE_MATCH, REFERRER_POLICY};
use http::{HeaderName, HeaderValue, StatusCode};
use octroi_gate::{Published, Refusal};
use octroi_http::{Client, Sink, plain, produce, retry_later};
use octroi_ical::{Tree, edit::Edits};
use std::sync::Arc;
use std::time::Duration;

/// Where calendars are published.
pub(crate) const PUBLISHED: &str = "/public/calendars/{link}";
/// When to come back who came too often.
const RETRY_AFTER: Duration = Duration::from_mins(1);

/// GET and HEAD.
pub(crate) async fn give(State(dav): State<Arc<Dav>>, Path(link): Path<String>, request: Request) -> Response {
    let client = Client::of(request.extensions());
    let published = match dav.gate.published(&link, client.addr).await {
        Ok(published) => published,
        Err(Refusal::Missing) => return hidden(plain(StatusCode::NOT_FOUND, "There is nothing here.")),
        Err(Refusal::Busy) => return hidden(retry_later("This calendar is asked for too often.", RETRY_AFTER)),
        Err(_) => return hidden(retry_later("Try again in a moment.", RETRY_AFTER)),
    };
    let etag = format!("\"{}\"", published.etag());
    let known = request.headers().get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    // RFC 9110 section 13.1.2: compared weakly.
    let has_it = known.flat_map(|list| list.split(',')).any(|one| matches!(one.trim(), "*") || one.trim().trim_start_matches("W/") == etag);
    let mut response = Response::new(if has_it { Body::empty() } else { produce(None, |sink| send(published, sink)) });
    let headers = response.headers_mut();
    headers.extend(HeaderValue::from_str(&etag).ok().map(|etag| (ETAG, etag)));
    if has_it {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return hidden(response);
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/calendar; charset=utf-8"));
    headers.insert(CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"calendar.ics\""));
    hidden(response)
}

/// Kept by nobody who should not.
fn hidden(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(HeaderName::from_static("x-robots-tag"), HeaderValue::from_static("noindex, nofollow, noarchive"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    response
}

async fn send(mut published: Published, sink: Sink) {
    let mut merged = Merged::default();
    if sink.send(Bytes::from_static(HEAD)).await.is_err() {
        return;
    }
    loop {
        let Ok(objects) = published.next(strip).await else { return sink.fail().await };
        if objects.is_empty() {
            break;
        }
        for octets in objects {
            if sink.send(Bytes::from(merged.components(&silent(octets)))).await.is_err() {
                return;
            }
        }
    }
    let _ = sink.send(Bytes::from_static(TAIL)).await;
}

/// An object without what rings.
fn silent(octets: Vec<u8>) -> Vec<u8> {
    let alarms: Vec<_> = match Tree::read(&octets) {
        Ok(tree) => {
            let components = tree.components.iter().flat_map(|calendar| &calendar.components);
            components.flat_map(|node| node.named("VALARM")).map(|alarm| alarm.range.clone()).collect()
        }
        Err(_) => Vec::new(),
    };
    if alarms.is_empty() {
        return octets;
    }
    let mut edits = Edits::of(&octets);
    for alarm in alarms {
        edits.remove(alarm);
    }
    edits.apply()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn strangers_hear_nothing() {
        let object =
            "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:a\r\nBEGIN:VALARM\r\nTRIGGER:-PT5M\r\nEND:VALARM\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
        let silent = String::from_utf8(silent(object.into())).unwrap();
        assert!(!silent.contains("VALARM") && silent.contains("UID:a\r\nEND:VEVENT\r\n"), "{silent}");
    }
}
