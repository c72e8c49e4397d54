//! Who a request comes from: the connection's other end, or whom listed proxies name.
//!
//! Made by `connection` for every request; read by `credentials`, `dav` and `portal` from the request's extensions. What always
//! holds: only a listed proxy's header is read, and of it only what listed proxies have written; the certificate of a proxy's own
//! connection is nobody's.
//!
//! A list is read from its end, for each proxy adds to it whom it was asked by: behind an entry that a listed proxy wrote lies what
//! that client sent itself, and nothing there is looked at. So whatever a client writes, it cannot even make the list malformed.

use http::header::FORWARDED;
use http::{Extensions, HeaderMap, HeaderName};
use octroi_net::{Networks, Peer, PeerCertificate};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Who sends a request; an extension of every one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// The address; an IPv4 address is never dressed as an IPv6 one.
    pub addr: IpAddr,
    /// The certificate that it has shown to us, if one of our authorities vouches for it.
    pub certificate: Option<Arc<PeerCertificate>>,
}

/// Both headers came and do not name the same client: one of them the proxy has passed on as the client wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Contradiction;

/// No address can be read where one must stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Unreadable;

impl Client {
    /// Of a request; one that did not come through [`crate::serve_connection`] comes from nowhere that any zone knows.
    pub fn of(extensions: &Extensions) -> Self {
        extensions.get().cloned().unwrap_or(Self { addr: IpAddr::V6(Ipv6Addr::UNSPECIFIED), certificate: None })
    }

    /// Who sends a request with these headers on a connection from `peer`.
    pub(crate) fn behind(peer: &Peer, headers: &HeaderMap, proxies: &Networks) -> Result<Self, Contradiction> {
        let here = peer.addr.ip();
        if !proxies.contains(here) {
            return Ok(Self { addr: here, certificate: peer.certificate.clone() });
        }
        let standard = headers.contains_key(FORWARDED).then(|| first_unlisted(forwarded(headers), proxies));
        let customary = headers.contains_key(X_FORWARDED_FOR).then(|| first_unlisted(x_forwarded_for(headers), proxies));
        let told = match (standard, customary) {
            // Most proxies write one and let the other through, so that neither may go before the other.
            (Some(standard), Some(customary)) if standard != customary => return Err(Contradiction),
            (Some(told), _) | (None, Some(told)) => told,
            (None, None) => Err(Unreadable),
        };
        Ok(Self { addr: told.unwrap_or(here), certificate: None })
    }
}

/// The first that is not a proxy itself; if all are, the last.
fn first_unlisted(from_the_end: impl Iterator<Item = Result<IpAddr, Unreadable>>, proxies: &Networks) -> Result<IpAddr, Unreadable> {
    let mut told = Err(Unreadable);
    for hop in from_the_end {
        told = Ok(hop?);
        if told.is_ok_and(|address| !proxies.contains(address)) {
            break;
        }
    }
    told
}

/// What each entry of X-Forwarded-For says, from the end.
fn x_forwarded_for(headers: &HeaderMap) -> impl Iterator<Item = Result<IpAddr, Unreadable>> {
    let lines = headers.get_all(X_FORWARDED_FOR).iter().rev();
    let entries = lines.flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b',')).map(<[u8]>::trim_ascii);
    entries.filter(|entry| !entry.is_empty()).map(node)
}

/// What each element of Forwarded says, from the end (RFC 7239 section 4).
fn forwarded(headers: &HeaderMap) -> impl Iterator<Item = Result<IpAddr, Unreadable>> {
    let lines = headers.get_all(FORWARDED).iter().rev();
    lines.flat_map(|line| pieces_from_the_end(line.as_bytes(), b',')).filter(|element| !element.is_empty()).map(element)
}

/// The `for` of an element: one, or whom should we believe?
fn element(element: &[u8]) -> Result<IpAddr, Unreadable> {
    let mut found = None;
    for pair in pieces_from_the_end(element, b';').filter(|pair| !pair.is_empty()) {
        let equals = pair.iter().position(|byte| *byte == b'=').ok_or(Unreadable)?;
        let (name, value) = (&pair[..equals], &pair[equals + 1..]);
        if name.eq_ignore_ascii_case(b"for") && found.replace(value).is_some() {
            return Err(Unreadable);
        }
    }
    let value = found.ok_or(Unreadable)?;
    node(value.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")).unwrap_or(value))
}

/// Cut at each `separator` that does not stand in quotes, beginning at the end, without the spaces around. Where quotes do not
/// match, they stand in what a client wrote, left of the first piece that counts.
fn pieces_from_the_end(text: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let mut quoted = false;
        let cut = (0..text.len()).rev().find(|at| match text[*at] {
            b'"' if !is_escaped(&text[..*at]) => {
                quoted = !quoted;
                false
            }
            byte => byte == separator && !quoted,
        });
        rest = cut.map(|at| &text[..at]);
        Some(text[cut.map_or(0, |at| at + 1)..].trim_ascii())
    })
}

/// Does what stands before a quote escape it (RFC 9110 section 5.6.4)?
fn is_escaped(before: &[u8]) -> bool {
    before.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
}

/// An address, perhaps with a port; IPv6 in brackets, in X-Forwarded-For also without. `unknown` and made-up names are no address.
/// RFC 7239 section 6.
fn node(text: &[u8]) -> Result<IpAddr, Unreadable> {
    let text = std::str::from_utf8(text).map_err(|_| Unreadable)?;
    let (address, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']').ok_or(Unreadable)?;
            (address.parse::<Ipv6Addr>().map(IpAddr::V6), port)
        }
        None if text.matches(':').count() == 1 => {
            let (address, _) = text.split_once(':').ok_or(Unreadable)?;
            (address.parse(), &text[address.len()..])
        }
        None => (text.parse(), ""),
    };
    if !port.is_empty() && !is_port(port.strip_prefix(':').ok_or(Unreadable)?) {
        return Err(Unreadable);
    }
    address.map(|address| address.to_canonical()).map_err(|_| Unreadable)
}

/// Up to five digits, or a made-up name.
fn is_port(text: &str) -> bool {
    let name = |rest: &str| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    text.strip_prefix('_').map_or_else(|| matches!(text.len(), 1..=5) && text.bytes().all(|byte| byte.is_ascii_digit()), name)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use proptest::prelude::*;

    const PROXIES: [&str; 3] = ["10.0.0.5", "10.0.0.6", "2001:db8:5::/48"];
    const OFFICE: &str = "10.1.1.1";

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        headers
    }

    fn peer(addr: &str) -> Peer {
        let certificate = PeerCertificate { authorities: vec!["secured".into()], der: vec![1] };
        Peer { addr: (addr.parse::<IpAddr>().unwrap(), 1).into(), tls: true, certificate: Some(Arc::new(certificate)) }
    }

    fn seen(from: &str, lines: &[(&'static str, &str)]) -> Result<String, Contradiction> {
        let proxies = Networks::parse(&PROXIES).unwrap();
        let client = Client::behind(&peer(from), &headers(lines), &proxies)?;
        assert_eq!(client.certificate.is_some(), !proxies.contains(from.parse().unwrap()), "a proxy's certificate is nobody's");
        Ok(client.addr.to_string())
    }

    fn through(lines: &[(&'static str, &str)]) -> String {
        seen("10.0.0.5", lines).unwrap()
    }

    #[test]
    fn a_forged_header_from_anybody_moves_nobody() {
        for name in ["forwarded", "x-forwarded-for"] {
            for value in [OFFICE, "for=10.1.1.1", "for=10.1.1.1, for=10.0.0.5", "10.1.1.1, 10.0.0.5", "garbage", ""] {
                assert_eq!(seen("203.0.113.9", &[(name, value)]).unwrap(), "203.0.113.9", "{name}: {value}");
            }
        }
        assert_eq!(seen("203.0.113.9", &[("forwarded", "for=10.1.1.1"), ("x-forwarded-for", "10.1.1.2")]).unwrap(), "203.0.113.9");
    }

    #[test]
    fn a_listed_proxy_names_its_client() {
        for (value, address) in [
            ("for=203.0.113.9", "203.0.113.9"),
            ("For=\"203.0.113.9:4711\";proto=https;by=10.0.0.5", "203.0.113.9"),
            ("proto=https ; host=\"a,b;c\\\"d\" ; FOR=203.0.113.9", "203.0.113.9"),
            ("for=\"[2001:db8:cafe::17]:4711\"", "2001:db8:cafe::17"),
            ("for=\"[2001:db8:cafe::17]:_port\"", "2001:db8:cafe::17"),
            ("for=\"[::ffff:203.0.113.9]\"", "203.0.113.9"),
            ("for=203.0.113.9, for=10.0.0.6", "203.0.113.9"),
            ("for=203.0.113.9,, for=\"[2001:db8:5::1]\" , ", "203.0.113.9"),
        ] {
            assert_eq!(through(&[("forwarded", value)]), address, "{value}");
        }
        for (value, address) in [
            ("203.0.113.9", "203.0.113.9"),
            ("203.0.113.9:4711", "203.0.113.9"),
            ("2001:db8:cafe::17", "2001:db8:cafe::17"),
            ("[2001:db8:cafe::17]:4711", "2001:db8:cafe::17"),
            ("203.0.113.9, 10.0.0.6,2001:db8:5::1", "203.0.113.9"),
        ] {
            assert_eq!(through(&[("x-forwarded-for", value)]), address, "{value}");
        }
        assert_eq!(through(&[("x-forwarded-for", "203.0.113.9"), ("x-forwarded-for", "10.0.0.6")]), "203.0.113.9");
        assert_eq!(through(&[("forwarded", "for=10.0.0.6, for=10.0.0.5")]), "10.0.0.6", "a proxy's own request");
    }

    /// What a client sends comes to stand left of what the proxy adds, on the same line or on one before.
    #[test]
    fn what_the_client_wrote_itself_is_not_looked_at() {
        for forged in [OFFICE, "for=10.1.1.1", "for=\"", "for=\"a, ", "for=\"\\", "\"", "\\\"", ",;=", "for=10.0.0.6", "\u{e9}"] {
            let own = format!("{forged}, for=203.0.113.9;host=\"a,b\"");
            assert_eq!(through(&[("forwarded", &own)]), "203.0.113.9", "{own}");
            assert_eq!(through(&[("forwarded", forged), ("forwarded", "for=203.0.113.9")]), "203.0.113.9", "{forged}");
            let own = format!("{forged}, 203.0.113.9");
            assert_eq!(through(&[("x-forwarded-for", &own)]), "203.0.113.9", "{own}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_the_proxy_itself() {
        for value in [
            "",
            "for=unknown",
            "for=_hidden",
            "for=",
            "by=203.0.113.9",
            "for",
            "for=203.0.113.9;for=10.1.1.1",
            "for=\"203.0.113.9",
            "for=203.0.113.9:x",
            "for=203.0.113.9:123456",
            "for=\"[2001:db8::1\"",
            "for=\"[203.0.113.9]\"",
            "for=\"[2001:db8::1]x\"",
            "for=203.0.113.256",
            "for=unknown, for=10.0.0.6",
        ] {
            assert_eq!(through(&[("forwarded", value)]), "10.0.0.5", "{value}");
        }
        assert_eq!(through(&[]), "10.0.0.5");
        assert_eq!(through(&[("x-forwarded-for", "unknown")]), "10.0.0.5");
    }

    /// A proxy that writes one of the two and passes the other on would let its clients be wherever they like.
    #[test]
    fn two_headers_that_disagree_are_refused() {
        let agreeing = [("forwarded", "for=203.0.113.9"), ("x-forwarded-for", "198.51.100.1, 203.0.113.9")];
        assert_eq!(through(&agreeing), "203.0.113.9");
        for (standard, customary) in [("for=10.1.1.1", "203.0.113.9"), ("for=203.0.113.9", "10.1.1.1"), ("garbage", "203.0.113.9")] {
            assert_eq!(seen("10.0.0.5", &[("forwarded", standard), ("x-forwarded-for", customary)]), Err(Contradiction));
        }
    }

    /// Octets that matter, mostly.
    fn text() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            Just("for=".to_owned()),
            Just("10.0.0.6".to_owned()),
            Just(OFFICE.to_owned()),
            Just("[2001:db8:5::1]".to_owned()),
            "[\\[\\]\",;=: \\\\_0-9a-f]{0,6}",
        ];
        proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(3000))]

        #[test]
        fn nothing_that_a_client_writes_hides_it(forged in text()) {
            prop_assert_eq!(through(&[("forwarded", &format!("{forged}, for=203.0.113.9"))]), "203.0.113.9");
            prop_assert_eq!(through(&[("forwarded", &format!("{forged}, for=\"203.0.113.9:1\", for=10.0.0.6"))]), "203.0.113.9");
            prop_assert_eq!(through(&[("x-forwarded-for", &format!("{forged}, 203.0.113.9"))]), "203.0.113.9");
            // As it is, from the proxy: whatever comes out, nothing panics.
            let _ = seen("10.0.0.5", &[("forwarded", &forged), ("x-forwarded-for", &forged)]);
        }
    }
}
