//! Locks on the wire (RFC 4918 sections 10.7, 15.8, 15.10, 16): what is told of them, for how long they are wished, and what a refusal
//! because of one says.

use crate::multistatus::whole;
use crate::path::{Target, file_href, folder_href};
use crate::refusal::{Fault, xml_response};
use crate::xml::Xml;
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use octroi_gate::{LockFacts, Refusal, Session};
use octroi_model::{Address, LockId, LockScope, Path};
use std::time::Duration;

/// Times in one `Timeout` header that are looked at: the first that can be read is taken.
const TIMES_MAX: usize = 16;
const LOCKED: &str = "HTTP/1.1 423 Locked";

/// `Timeout`: the first time in it that is one; `Infinite` is as long as can be. `None`: the client leaves it to us.
pub(crate) fn timeout(headers: &HeaderMap) -> Option<Duration> {
    let values = headers.get_all("timeout").iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).take(TIMES_MAX).find_map(|time| {
        let time = time.trim();
        if time.eq_ignore_ascii_case("Infinite") {
            return Some(Duration::MAX);
        }
        let seconds = time.get("Second-".len()..).filter(|_| time[.."Second-".len()].eq_ignore_ascii_case("Second-"))?;
        let digits = !seconds.is_empty() && seconds.bytes().all(|digit| digit.is_ascii_digit());
        // RFC 4918 section 10.7: below 2^32; some send more and mean long.
        digits.then(|| Duration::from_secs(seconds.parse().unwrap_or(u64::from(u32::MAX))))
    })
}

/// The URL of what a lock is on; `None` if this session may not know.
pub(crate) fn root_href(lock: &LockFacts, viewer: &Address) -> Option<String> {
    let (area, path, item) = lock.root.as_ref()?;
    Some(match item {
        Some(name) => file_href(*area, viewer, path, name),
        None => folder_href(*area, viewer, path),
    })
}

/// The content of `lockdiscovery`. A lock whose root may not be known is told without it.
pub(crate) fn write_discovery(locks: &[LockFacts], viewer: &Address, xml: &mut Xml) {
    for lock in locks {
        let scope = if lock.scope == LockScope::Exclusive { "D:exclusive" } else { "D:shared" };
        xml.open("D:activelock").open("D:locktype").empty("D:write").close("D:locktype");
        xml.open("D:lockscope").empty(scope).close("D:lockscope");
        xml.text("D:depth", if lock.deep { "infinity" } else { "0" });
        if let Some(owner) = &lock.owner {
            xml.element(owner);
        }
        xml.text("D:timeout", &format!("Second-{}", lock.left.as_secs()));
        xml.open("D:locktoken").text("D:href", &lock.token.to_string()).close("D:locktoken");
        if let Some(root) = root_href(lock, viewer) {
            xml.open("D:lockroot").text("D:href", &root).close("D:lockroot");
        }
        xml.close("D:activelock");
    }
}

/// The content of `supportedlock` where the viewer could lock.
pub(crate) fn write_supported(xml: &mut Xml) {
    for scope in ["D:exclusive", "D:shared"] {
        xml.open("D:lockentry").open("D:lockscope").empty(scope).close("D:lockscope");
        xml.open("D:locktype").empty("D:write").close("D:locktype").close("D:lockentry");
    }
}

/// The answer to a refusal because of a lock: 423 with what is locked, or, when that is something in the collection that the request is
/// about, 207 with it (RFC 4918 sections 9.6.1, 9.10.9): nothing was done then either. Any other fault comes back.
pub(crate) fn refused(fault: Fault, session: &Session, target: &Target) -> Result<Response, Fault> {
    let (id, about, element, conflict) = match fault {
        Fault::Gate(Refusal::Locked(id), about) => (id, about, "D:lock-token-submitted", false),
        Fault::Gate(Refusal::LockConflict(id), about) => (id, about, "D:no-conflicting-lock", true),
        other => return Err(other),
    };
    let (href, inside) = found(session, id, &about, target);
    if inside {
        return Ok(whole(|xml| {
            xml.open("D:response").text("D:href", &href).text("D:status", LOCKED);
            xml.open("D:error").empty(element).close("D:error").close("D:response");
            if conflict {
                xml.open("D:response").text("D:href", &about).text("D:status", "HTTP/1.1 424 Failed Dependency").close("D:response");
            }
        }));
    }
    let mut xml = Xml::document("D:error");
    xml.open(element).text("D:href", &href).close(element).close("D:error");
    Ok(xml_response(StatusCode::LOCKED, xml))
}

/// The href of a lock's root, and whether that is inside what the request is about. What may not be known is told as the resource itself.
fn found(session: &Session, id: LockId, about: &str, target: &Target) -> (String, bool) {
    let told = session.lock_told(id).and_then(|lock| Some((root_href(&lock, session.address())?, lock.root?)));
    let Some((href, (_, path, item))) = told else { return (about.to_owned(), false) };
    let whole = match item {
        Some(name) => path.child(name).unwrap_or_default(),
        None => path,
    };
    // What a MOVE or COPY is refused for is told about its destination.
    let about = Target::parse_reference(about).map(|(about, _)| about);
    let asked = [Some(target), about.as_ref().ok()].into_iter().flatten();
    let inside = asked.into_iter().any(|asked| matches!(asked, Target::Place(place) if is_below(&whole, &place.path)));
    (href, inside)
}

fn is_below(path: &Path, top: &Path) -> bool {
    path.names().len() > top.names().len() && path.names().starts_with(top.names())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(values: &[&str]) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append("timeout", value.parse().unwrap());
        }
        timeout(&headers)
    }

    #[test]
    fn the_first_time_that_is_one_is_taken() {
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        assert_eq!(of(&[]), None);
        assert_eq!(of(&["Second-180"]), seconds(180));
        assert_eq!(of(&["Infinite, Second-4100000000"]), Some(Duration::MAX));
        assert_eq!(of(&["Extend-5, second-60"]), seconds(60));
        assert_eq!(of(&["x", " INFINITE"]), Some(Duration::MAX));
        assert_eq!(of(&["Second-99999999999999999999"]), seconds(u64::from(u32::MAX)));
        for odd in ["", "Second-", "Second--1", "Second-1.5", "Second", "180", "é", "Second-+5"] {
            assert_eq!(of(&[odd]), None, "{odd}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(value in "(Second|Infinite|-|,|[0-9]| ){0,12}") {
            let _ = of(&[&value]);
        }
    }
}
