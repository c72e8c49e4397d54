//! Reverse and forward paths (RFC 5321 section 4.1.2): what stands in the angle brackets of MAIL and RCPT.
//!
//! Read here and not by `smtp-proto`, which gives `<postmaster>` and `<>` the same value and takes quotes away.

use octroi_model::Address;

/// RFC 5321 section 4.5.3.1.3: 256 octets with the brackets.
const PATH_BYTES_MAX: usize = 254;

/// Where a message comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ReversePath {
    /// `<>`: a notification, which must not be answered with another.
    Null,
    /// An address.
    Mailbox(Address),
}

/// Where a message goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ForwardPath {
    /// `<Postmaster>` without a domain (RFC 5321 section 4.5.1).
    Postmaster,
    /// An address.
    Mailbox(Address),
}

/// What is between the brackets, and what follows them. A bracket within quotes is not the end.
pub(crate) fn bracketed(text: &str) -> Option<(&str, &str)> {
    let inner = text.strip_prefix('<')?;
    let (mut quoted, mut escaped) = (false, false);
    for (at, octet) in inner.bytes().enumerate() {
        match octet {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'>' if !quoted => return Some((&inner[..at], &inner[at + 1..])),
            _ => {}
        }
    }
    None
}

pub(crate) fn reverse(inner: &str) -> Option<ReversePath> {
    if inner.is_empty() {
        return Some(ReversePath::Null);
    }
    mailbox(inner).map(ReversePath::Mailbox)
}

pub(crate) fn forward(inner: &str) -> Option<ForwardPath> {
    if inner.eq_ignore_ascii_case("postmaster") {
        return Some(ForwardPath::Postmaster);
    }
    mailbox(inner).map(ForwardPath::Mailbox)
}

fn mailbox(inner: &str) -> Option<Address> {
    if inner.len() > PATH_BYTES_MAX {
        return None;
    }
    // RFC 5321 appendix C: a source route must be accepted and should be ignored.
    let address = if inner.starts_with('@') { inner.split_once(':')?.1 } else { inner };
    address.parse().ok()
}
