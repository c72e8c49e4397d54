//! What domains say in the DNS about reports: DMARC (RFC 9989 section 4.7) and TLS reporting (RFC 8460 section 3). Pure.

use crate::dmarc::Published;
use percent_encoding::percent_decode_str;

/// Where reports are to go that one record names; further ones are not served.
const DESTINATIONS_MAX: usize = 4;

/// Where reports are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// By mail to this address, if the message has no more octets than that.
    Mail(String, Option<u64>),
    /// By HTTPS to this URL.
    Https(String),
}

/// A DMARC record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DmarcRecord {
    /// The policy; its domain is empty.
    pub published: Published,
    /// Whether it is that of a public suffix, if it says.
    pub psd: Option<bool>,
    /// Where aggregate reports are wanted.
    pub rua: Vec<Destination>,
}

/// The DMARC record among the texts of a name; RFC 9989 section 4.10: of several none counts.
pub fn dmarc(texts: &[String]) -> Option<DmarcRecord> {
    let mut records = texts.iter().filter(|text| version(text) == Some("DMARC1"));
    let (text, None) = (records.next()?, records.next()) else { return None };
    let policy = |name| tag(text, name).map(str::to_ascii_lowercase).filter(|p| matches!(p.as_str(), "none" | "quarantine" | "reject"));
    let mode = |name| tag(text, name).map(str::to_ascii_lowercase).filter(|mode| matches!(mode.as_str(), "r" | "s"));
    let published = Published {
        domain: String::new(),
        // RFC 9989 section 4.7: without a valid one it is `none`.
        p: policy("p").unwrap_or_else(|| "none".to_owned()),
        sp: policy("sp"),
        np: policy("np"),
        adkim: Some(mode("adkim").unwrap_or_else(|| "r".to_owned())),
        aspf: Some(mode("aspf").unwrap_or_else(|| "r".to_owned())),
        fo: tag(text, "fo").map(crate::clean::cleaned),
        testing: tag(text, "t") == Some("y"),
    };
    let psd = match tag(text, "psd") {
        Some("y") => Some(true),
        Some("n") => Some(false),
        _ => None,
    };
    let rua = tag(text, "rua").map(destinations).unwrap_or_default();
    Some(DmarcRecord { published, psd, rua: rua.into_iter().filter(|to| matches!(to, Destination::Mail(..))).collect() })
}

/// Where TLS reports are wanted by the texts of `_smtp._tls`; RFC 8460 section 3: of several none counts.
pub fn tls(texts: &[String]) -> Vec<Destination> {
    let mut records = texts.iter().filter(|text| version(text) == Some("TLSRPTv1"));
    match (records.next(), records.next()) {
        (Some(text), None) => tag(text, "rua").map(destinations).unwrap_or_default(),
        _ => Vec::new(),
    }
}

/// Does one of the texts allow reports about another domain here (RFC 9990 section 4)?
pub fn allows(texts: &[String]) -> bool {
    texts.iter().any(|text| version(text) == Some("DMARC1"))
}

/// What the first tag says, if it is the version.
fn version(text: &str) -> Option<&str> {
    let (name, value) = text.split(';').next()?.split_once('=')?;
    (name.trim() == "v").then_some(value.trim())
}

fn tag<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let tags = text.split(';').filter_map(|tag| tag.split_once('='));
    tags.map(|(key, value)| (key.trim(), value.trim())).find(|(key, _)| *key == name).map(|(_, value)| value)
}

fn destinations(list: &str) -> Vec<Destination> {
    list.split(',').filter_map(|uri| destination(uri.trim())).take(DESTINATIONS_MAX).collect()
}

fn destination(uri: &str) -> Option<Destination> {
    let (scheme, rest) = uri.split_once(':')?;
    if scheme.eq_ignore_ascii_case("https") {
        return Some(Destination::Https(uri.to_owned()));
    }
    if !scheme.eq_ignore_ascii_case("mailto") {
        return None;
    }
    // RFC 7489 section 6.2: `!10m`.
    let (address, bytes_max) = match rest.split_once('!') {
        Some((address, size)) => (address, Some(octets(size)?)),
        None => (rest, None),
    };
    let address = address.split('?').next().unwrap_or(address);
    let address = percent_decode_str(address).decode_utf8().ok()?;
    (!address.is_empty()).then(|| Destination::Mail(address.into_owned(), bytes_max))
}

fn octets(size: &str) -> Option<u64> {
    let (number, unit) = match size.char_indices().last()? {
        (at, unit) if unit.is_ascii_alphabetic() => (&size[..at], unit.to_ascii_lowercase()),
        _ => (size, 'b'),
    };
    let shift = match unit {
        'b' => 0,
        'k' => 10,
        'm' => 20,
        'g' => 30,
        't' => 40,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(1 << shift)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn texts(all: &[&str]) -> Vec<String> {
        all.iter().map(|text| (*text).to_owned()).collect()
    }

    fn mail(address: &str, bytes_max: Option<u64>) -> Destination {
        Destination::Mail(address.to_owned(), bytes_max)
    }

    #[test]
    fn a_dmarc_record_says_where_reports_go() {
        let record = dmarc(&texts(&[
            "other",
            "v=DMARC1; p=Reject; sp=none; adkim=s; psd=n; t=y; rua=mailto:a@b.example!10m, mailto:c%2Bd@e.example, https://x.example",
        ]));
        let record = record.unwrap();
        assert_eq!((record.published.p.as_str(), record.published.sp.as_deref(), record.published.np), ("reject", Some("none"), None));
        assert_eq!(
            (record.published.adkim.as_deref(), record.published.aspf.as_deref(), record.published.testing),
            (Some("s"), Some("r"), true)
        );
        assert_eq!(record.psd, Some(false));
        assert_eq!(record.rua, [mail("a@b.example", Some(10 << 20)), mail("c+d@e.example", None)]);
        assert_eq!(dmarc(&texts(&["v=DMARC1; p=none", "v=DMARC1; p=none"])), None);
        assert_eq!(dmarc(&texts(&["v=DMARC12; p=none", "p=none; v=DMARC1"])), None);
        assert_eq!(dmarc(&texts(&["v=DMARC1; rua=mailto:a@b!9q,mailto:"])).unwrap().rua, []);
    }

    #[test]
    fn a_tls_record_may_name_web_servers() {
        let url = "https://mta.b.example/v1?x=1".to_owned();
        let both = format!("v=TLSRPTv1;rua=mailto:a@b.example,{url}");
        assert_eq!(tls(&texts(&[&both])), [mail("a@b.example", None), Destination::Https(url)]);
        assert_eq!(tls(&texts(&[&both, &both])), []);
        assert_eq!(tls(&texts(&["v=TLSRPTv1; rua=http://b.example,ftp:x"])), []);
    }
}
