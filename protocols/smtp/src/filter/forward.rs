//! The copy of a message that a filter sends on (RFC 5228 section 4.2): as it is, but with the mark by which a loop is noticed.

use super::{About, content};
use octroi_gate::{Filter, Sending, Told};
use octroi_mime::headers_of;
use octroi_model::Address;
use octroi_sieve::Facts;
use tracing::info;

/// How often a message may have been delivered on its way: each person who sends it on leaves a mark.
const DELIVERED_MAX: usize = 10;
/// The mark.
const MARK: &str = "Delivered-To";

/// Send on; a message that has been here before stays. With the octets of the copy if it goes to others of ours who have filters.
pub(super) fn forward(about: &About, filter: &Filter, facts: &Facts<'_>, to: &Address) -> Result<(Told, Option<Vec<u8>>), String> {
    if loops(facts.octets, filter.owner()) {
        info!(owner = %filter.owner(), %to, "a message that loops was not sent on");
        return Ok((Told::File { mailbox: None, create: false, flags: Vec::new() }, None));
    }
    if (facts.octets.len() as u64) < facts.bytes {
        return Err("the message is too large to be sent on".to_owned());
    }
    let mut octets = marked(facts.octets, filter.owner(), about.is_local(to));
    if let Some(sealable) = about.sealable.as_ref().filter(|_| about.gate.leads_outside(to)) {
        octets = about.proofs.seal(sealable, octets);
    }
    let told = Told::Forward(Sending::plain(to.clone(), content(&octets)));
    Ok((told, filter.may_pass_filters(to).then_some(octets)))
}

/// Has this person sent it on already, or have too many?
fn loops(octets: &[u8], owner: &Address) -> bool {
    let mut marks = 0;
    headers_of(octets).filter(|field| field.name.eq_ignore_ascii_case(MARK.as_bytes())).any(|field| {
        marks += 1;
        let named = std::str::from_utf8(field.value).ok().and_then(|text| text.trim().parse::<Address>().ok());
        marks >= DELIVERED_MAX || named.is_some_and(|named| named.key() == owner.key())
    })
}

/// With the mark on top. RFC 5321 section 4.4: a return path is for the final delivery only.
fn marked(octets: &[u8], owner: &Address, is_final: bool) -> Vec<u8> {
    let path = headers_of(octets).next().filter(|field| field.name.eq_ignore_ascii_case(b"Return-Path")).map_or(0, |field| field.range.end);
    let mut out = Vec::with_capacity(octets.len() + 128);
    if is_final {
        out.extend_from_slice(&octets[..path]);
    }
    out.extend_from_slice(format!("{MARK}: {owner}\r\n").as_bytes());
    out.extend_from_slice(&octets[path..]);
    out
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_marked_and_a_mark_is_known_again() {
        let lea: Address = "lea@x.example".parse().unwrap();
        let message = b"Return-Path: <a@b.example>\r\nSubject: x\r\n\r\nbody\r\n";
        let away = marked(message, &lea, false);
        assert_eq!(away, b"Delivered-To: lea@x.example\r\nSubject: x\r\n\r\nbody\r\n");
        let here = marked(message, &lea, true);
        assert_eq!(here, b"Return-Path: <a@b.example>\r\nDelivered-To: lea@x.example\r\nSubject: x\r\n\r\nbody\r\n");
        assert!(!loops(message, &lea));
        assert!(loops(&away, &lea) && loops(&here, &lea));
        assert!(loops(b"delivered-to:\r\n LEA+x@X.example \r\n\r\n", &lea));
        assert!(!loops(&away, &"paul@x.example".parse().unwrap()));
        let many: Vec<u8> = (0..10).flat_map(|n| format!("Delivered-To: a{n}@b.example\r\n").into_bytes()).collect();
        assert!(loops(&many, &lea) && !loops(&many[26..], &lea));
    }
}
