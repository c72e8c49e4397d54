//! What is written on top of a message: trace fields (RFC 5321 section 4.4), and in a submitted one the fields that lack
//! (RFC 6409 section 8). Also ids and dates for them. Pure but for the clock and chance.

use crate::wire::ReversePath;
use data_encoding::BASE32HEX_NOPAD;
use mail_builder::headers::date::Date;
use octroi_model::{Address, UnixTime};
use std::fmt::Write;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};

/// What a trace field tells.
#[derive(Debug, Clone)]
pub(crate) struct Trace<'a> {
    /// `None` for a message that is not delivered here for the last time, or not only: it gets no `Return-Path`.
    pub(crate) return_path: Option<&'a ReversePath>,
    /// Who brought it; `None` when that is nobody's business: a person's device at home (RFC 6409 asks for no client address).
    pub(crate) client: Option<(&'a str, IpAddr)>,
    pub(crate) hostname: &'a str,
    pub(crate) protocol: &'a str,
    pub(crate) id: &'a str,
    /// Named only when it is the only one, so that no recipient learns of another.
    pub(crate) recipient: Option<&'a Address>,
    pub(crate) now: UnixTime,
}

/// The fields as they go on top.
pub(crate) fn trace_fields(trace: &Trace<'_>) -> String {
    let mut out = String::with_capacity(256);
    match trace.return_path {
        Some(ReversePath::Null) => out.push_str("Return-Path: <>\r\n"),
        Some(ReversePath::Mailbox(address)) => _ = write!(out, "Return-Path: <{address}>\r\n"),
        None => {}
    }
    out.push_str("Received: ");
    match trace.client {
        Some((hello, IpAddr::V4(ip))) => _ = write!(out, "from {hello} ([{ip}])\r\n\t"),
        Some((hello, IpAddr::V6(ip))) => _ = write!(out, "from {hello} ([IPv6:{ip}])\r\n\t"),
        None => {}
    }
    let _ = write!(out, "by {} with {} id {}", trace.hostname, trace.protocol, trace.id);
    if let Some(recipient) = trace.recipient {
        let _ = write!(out, "\r\n\tfor <{recipient}>");
    }
    let _ = write!(out, ";\r\n\t{}\r\n", date(trace.now));
    out
}

/// A `Date` value.
pub(crate) fn date(at: UnixTime) -> String {
    Date::new(at.0).to_rfc822()
}

/// Date and time of RFC 3339, in UTC.
pub(crate) fn rfc3339(at: UnixTime) -> String {
    // Only a time beyond the year 9999 has no such form.
    jiff::Timestamp::from_second(at.0).unwrap_or(jiff::Timestamp::MAX).to_string()
}

/// An id for one message at this server: for trace fields, replies and the log. Never given twice.
pub(crate) fn unique_id() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let mut octets = [0; 15];
    octets[..5].copy_from_slice(&UnixTime::now().0.to_be_bytes()[3..]);
    octets[5..9].copy_from_slice(&(COUNT.fetch_add(1, Ordering::Relaxed) as u32).to_be_bytes());
    octets[9..].copy_from_slice(&chance().to_be_bytes()[2..]);
    BASE32HEX_NOPAD.encode(&octets)
}

/// A number by chance: to tell things apart and to spread load, not to keep a secret.
pub(crate) fn chance() -> u64 {
    // The standard library keys each of these by the system's random source.
    let mut hasher = RandomState::new().build_hasher();
    hasher.write_u8(0);
    hasher.finish()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn trace<'a>(path: &'a ReversePath, recipient: Option<&'a Address>) -> Trace<'a> {
        Trace {
            return_path: Some(path),
            client: Some(("client.example", "2001:db8::1".parse().unwrap())),
            hostname: "mail.douane.example",
            protocol: "ESMTPS",
            id: "X1",
            recipient,
            now: UnixTime(1_700_000_000),
        }
    }

    #[test]
    fn trace_fields_name_who_when_and_how() {
        let to: Address = "lea@douane.example".parse().unwrap();
        assert_eq!(
            trace_fields(&trace(&ReversePath::Mailbox("a@b.example".parse().unwrap()), Some(&to))),
            "Return-Path: <a@b.example>\r\nReceived: from client.example ([IPv6:2001:db8::1])\r\n\tby mail.douane.example with ESMTPS id X1\r\n\t\
             for <lea@douane.example>;\r\n\tTue, 14 Nov 2023 22:13:20 +0000\r\n"
        );
        assert!(trace_fields(&trace(&ReversePath::Null, None)).starts_with("Return-Path: <>\r\nReceived: from"));
    }

    #[test]
    fn a_submitter_is_not_located() {
        let path = ReversePath::Null;
        let fields = trace_fields(&Trace { return_path: None, client: None, ..trace(&path, None) });
        assert!(fields.starts_with("Received: by mail.douane.example with ESMTPS id X1;\r\n\t"), "{fields}");
    }

    #[test]
    fn ids_differ() {
        let ids: HashSet<String> = (0..1000).map(|_| unique_id()).collect();
        assert_eq!(ids.len(), 1000);
    }
}
