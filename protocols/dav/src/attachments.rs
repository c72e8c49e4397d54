//! Managed attachments at their own addresses, and in objects that are put (RFC 8607 sections 3.7 to 3.10).
//!
//! `/dav/attachments/<number>/<name for people>` is the same for everybody: whoever may read an object that carries the number may read it, by GET
//! and HEAD and in no other way. It is never shown in place: what somebody attached would run in the portal's origin.

use crate::call::{Call, file_at, parent_of};
use crate::methods::get;
use crate::object::read_all;
use crate::path::{AttachmentAt, Place, Target, encode};
use crate::refusal::{Answer, Fault};
use http::header::{ALLOW, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use octroi_gate::{Read, attachment_name, is_attachment_id};
use octroi_ical::{ManagedAttachment, Tree, managed_attachments, with_true_sizes};
use octroi_model::Name;
use percent_encoding::percent_decode_str;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// Bytes of a name for people.
const NAME_BYTES_MAX: usize = 200;
/// What is attached without a name.
const NAMELESS: &str = "attachment";

/// The precondition of an object with too many attachments.
pub(crate) const TOO_MANY: Fault = Fault::Rule(StatusCode::FORBIDDEN, "C:max-attachments-per-resource");

/// Answer a request about an attachment.
pub(crate) async fn handle(method: &Method, call: Call, at: &AttachmentAt) -> Answer {
    let allow = HeaderValue::from_static("OPTIONS, GET, HEAD");
    if method == Method::OPTIONS {
        let mut response = crate::methods::options::answer(&call.target, allow.clone(), false);
        response.headers_mut().insert(ALLOW, allow);
        return Ok(response);
    }
    // Before anything else: whether there is such a one is told to nobody who may not read it.
    let file = call.session.attachment(&at.id).await.map_err(Fault::about(&call.href()))?;
    if method != Method::GET && method != Method::HEAD {
        // Sections 3.8 and 3.9: it changes and goes by POST to the object.
        return Err(Fault::NotAllowed(allow));
    }
    let name = attachment_name(file.item()).unwrap_or(NAMELESS).to_owned();
    let mut response = get::attachment(&call, file).await?;
    let headers = response.headers_mut();
    // The listener's own policy is a sandbox.
    headers.remove(CONTENT_SECURITY_POLICY);
    let disposition = format!("attachment; filename*=UTF-8''{}", encode(&name));
    headers.insert(CONTENT_DISPOSITION, HeaderValue::from_str(&disposition).unwrap_or_else(|_| HeaderValue::from_static(NAMELESS)));
    if method == Method::HEAD {
        *response.body_mut() = axum::body::Body::empty();
    }
    Ok(response)
}

/// What an object carries that is put.
#[derive(Default)]
pub(crate) struct Carried {
    /// What it did not carry before.
    pub(crate) new: Vec<Name>,
    /// The object as it is kept, where it said of one of ours that it had another size than it has.
    pub(crate) corrected: Option<Vec<u8>>,
}

/// The attachments of an object that is put (section 3.7). Who puts new ones there may read them, and uses none of somebody else's in another event
/// (section 3.12.2), or is refused; but a meeting of somebody else's may carry what other servers manage.
pub(crate) async fn carried(call: &Call, place: &Place, octets: &[u8]) -> Result<Carried, Fault> {
    let Ok(tree) = Tree::read(octets) else { return Ok(Carried::default()) };
    let carried = managed_attachments(&tree);
    if carried.is_empty() {
        return Ok(Carried::default());
    }
    if count(&carried) > call.config.attachments_max {
        return Err(TOO_MANY);
    }
    let before = before(call, place).await?;
    let nodes = || tree.components.iter().flat_map(|calendar| &calendar.components);
    let is_invited = nodes().any(|node| node.property("ORGANIZER").is_some());
    let uid = nodes().find_map(|node| node.value("UID")).unwrap_or_default().trim();
    let (calendar, ..) = parent_of(place)?;
    let (mut new, mut sizes) = (Vec::new(), BTreeMap::new());
    for one in &carried {
        if let Some(known) = before.iter().find(|known| (&known.id, &known.uri) == (&one.id, &one.uri)) {
            sizes.extend(known.bytes.filter(|_| is_ours(&known.uri)).map(|bytes| (known.id.clone(), bytes)));
            continue;
        }
        let refused = || {
            let why = format!("The attachment {} is none that you can read, or somebody else's of another event.", one.id);
            Fault::because("C:valid-managed-id-parameter", why)
        };
        match Name::new(&one.id).ok().filter(|id| is_at(&one.uri, id)) {
            Some(id) => {
                let bytes = call.session.may_attach(&id, &calendar, uid).await.map_err(|_| refused())?;
                sizes.insert(one.id.clone(), bytes);
                new.push(id);
            }
            // A number that might be one of ours opens what has it, whatever address stands behind it.
            None if is_invited && !is_attachment_id(&one.id) && !is_ours(&one.uri) => {}
            None => return Err(refused()),
        }
    }
    new.sort();
    new.dedup();
    Ok(Carried { new, corrected: with_true_sizes(&tree, |one| sizes.get(&one.id).copied().filter(|_| is_ours(&one.uri))) })
}

/// What the object at a place carries now, as far as it can be read.
async fn before(call: &Call, place: &Place) -> Result<Vec<ManagedAttachment>, Fault> {
    let Some(at) = file_at(place) else { return Ok(Vec::new()) };
    let Ok(file) = call.session.open(at, Read).await else { return Ok(Vec::new()) };
    if file.is_veiled() {
        return Ok(Vec::new());
    }
    let octets = read_all(&file).await.map_err(Fault::about(&call.href()))?;
    Ok(Tree::read(&octets).map_or(Vec::new(), |tree| managed_attachments(&tree)))
}

/// How many different ones.
pub(crate) fn count(carried: &[ManagedAttachment]) -> usize {
    carried.iter().map(|one| one.id.as_str()).collect::<BTreeSet<_>>().len()
}

fn is_at(uri: &str, id: &Name) -> bool {
    matches!(Target::parse_reference(uri), Ok((Target::Attachment(at), _)) if at.id == *id)
}

fn is_ours(uri: &str) -> bool {
    matches!(Target::parse_reference(uri), Ok((Target::Attachment(_), _)))
}

/// What somebody calls what they attach: `Content-Disposition` (RFC 6266), the extended form first.
pub(crate) fn file_name(headers: &HeaderMap) -> String {
    let sent = headers.get(CONTENT_DISPOSITION).and_then(|value| std::str::from_utf8(value.as_bytes()).ok()).unwrap_or("");
    let extended = parameter(sent, "filename*").and_then(|value| {
        let (charset, coded) = value.split_once('\'')?;
        let (_, coded) = coded.split_once('\'')?;
        charset.eq_ignore_ascii_case("utf-8").then(|| percent_decode_str(coded).decode_utf8().ok().map(Cow::into_owned))?
    });
    let name = extended.or_else(|| parameter(sent, "filename")).unwrap_or_default();
    let name: String = name.chars().filter(|c| !c.is_control() && !matches!(c, '/' | '\\' | '"')).collect();
    let name = name.trim_matches([' ', '.']);
    let name = name[..name.floor_char_boundary(NAME_BYTES_MAX)].trim();
    if name.is_empty() { NAMELESS.to_owned() } else { name.to_owned() }
}

/// A parameter of a header field, out of its quotes.
fn parameter(field: &str, name: &str) -> Option<String> {
    let mut rest = field.split_once(';')?.1;
    loop {
        let (key, value) = rest.split_once('=')?;
        let value = value.trim_start();
        let (text, behind) = if let Some(quoted) = value.strip_prefix('"') {
            unquoted(quoted)?
        } else {
            let end = value.find(';').unwrap_or(value.len());
            (value[..end].trim().to_owned(), &value[end..])
        };
        if key.trim().eq_ignore_ascii_case(name) {
            return Some(text);
        }
        rest = behind.split_once(';')?.1;
    }
}

/// The text of a quoted string, and what stands behind it.
fn unquoted(quoted: &str) -> Option<(String, &str)> {
    let (mut text, mut escaped) = (String::new(), false);
    for (at, c) in quoted.char_indices() {
        match c {
            _ if escaped => {
                text.push(c);
                escaped = false;
            }
            '\\' => escaped = true,
            '"' => return Some((text, &quoted[at + 1..])),
            c => text.push(c),
        }
    }
    None
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn names_of_what_is_attached() {
        let long = format!("attachment; filename={}", "é".repeat(300));
        for (sent, name) in [
            ("attachment; filename=notes.txt", "notes.txt"),
            ("attachment; filename=\"plan \\\"B\\\"; v2.pdf\"; size=3", "plan B; v2.pdf"),
            ("attachment; filename=\"x\"; filename*=UTF-8''d%C3%A9cret%202026.pdf", "décret 2026.pdf"),
            ("attachment;filename*=utf-8'fr'..%2F..%2Fetc%2Fpasswd", "etcpasswd"),
            ("attachment; filename=\"open", NAMELESS),
            ("attachment; filename*=latin1''x; filename=y", "y"),
            ("inline", NAMELESS),
            ("attachment; filename=\"...\"", NAMELESS),
            (&long, &"é".repeat(100)),
        ] {
            let headers = HeaderMap::from_iter([(CONTENT_DISPOSITION, HeaderValue::from_bytes(sent.as_bytes()).unwrap())]);
            assert_eq!(file_name(&headers), name, "{sent}");
        }
        assert_eq!(file_name(&HeaderMap::new()), NAMELESS);
    }

    #[test]
    fn an_address_is_that_of_its_number() {
        let id = Name::new("7-0a").unwrap();
        let href = crate::path::attachment_href(&id, "plan du quai.pdf");
        assert_eq!(href, "/dav/attachments/7-0a/plan%20du%20quai.pdf");
        assert!(is_at(&format!("https://mail.example{href}"), &id) && is_at(&href, &id));
        for other in ["https://mail.example/dav/attachments/7-0b/x", "https://example.com/x.pdf", "data:x", ""] {
            assert!(!is_at(other, &id), "{other}");
        }
    }
}
