//! The messages of SCRAM as text. RFC 5802 section 7.

use data_encoding::BASE64;
use octroi_gate::SCRAM_HASH_BYTES;

/// Octets of a client's nonce: it comes back in our message, which must fit into one line of SMTP. Clients send a few dozen.
const NONCE_BYTES_MAX: usize = 128;
/// Octets of a name: more than an address may have.
const NAME_BYTES_MAX: usize = 512;

/// `gs2-cbind-flag`: what the client thinks of channel binding.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Flag<'a> {
    /// `n`: it cannot.
    Cannot,
    /// `y`: it can, and has not seen that we can.
    NotOffered,
    /// `p`: it does, with this one.
    Uses(&'a str),
}

/// `client-first-message`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ClientFirst<'a> {
    /// `gs2-header`, which the client repeats when it binds.
    pub(crate) gs2_header: &'a str,
    pub(crate) flag: Flag<'a>,
    /// As whom it wants to act, if it says so.
    pub(crate) authorisation: Option<String>,
    /// `client-first-message-bare`, which is signed.
    pub(crate) bare: &'a str,
    pub(crate) user: String,
    pub(crate) nonce: &'a str,
}

/// `client-final-message`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ClientFinal<'a> {
    /// `client-final-message-without-proof`, which is signed.
    pub(crate) without_proof: &'a str,
    /// `gs2-header` and what it is bound to.
    pub(crate) binding: Vec<u8>,
    pub(crate) nonce: &'a str,
    pub(crate) proof: [u8; SCRAM_HASH_BYTES],
}

impl<'a> ClientFirst<'a> {
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let (flag, rest) = text.split_once(',')?;
        let (authorisation, bare) = rest.split_once(',')?;
        let gs2_header = &text[..text.len() - bare.len()];
        let flag = match flag {
            "n" => Flag::Cannot,
            "y" => Flag::NotOffered,
            _ => Flag::Uses(flag.strip_prefix("p=").filter(|name| is_binding_name(name))?),
        };
        let authorisation = match authorisation {
            "" => None,
            named => Some(name(named.strip_prefix("a=")?)?),
        };
        let mut parts = bare.split(',');
        // `m=` would stand first: an extension that must be understood, and none is.
        let user = name(parts.next()?.strip_prefix("n=")?)?;
        let nonce = parts.next()?.strip_prefix("r=").filter(|nonce| is_nonce(nonce, NONCE_BYTES_MAX))?;
        parts.all(is_extension).then_some(Self { gs2_header, flag, authorisation, bare, user, nonce })
    }
}

impl<'a> ClientFinal<'a> {
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let (without_proof, proof) = text.rsplit_once(",p=")?;
        let proof = BASE64.decode(proof.as_bytes()).ok()?.try_into().ok()?;
        let mut parts = without_proof.split(',');
        let binding = BASE64.decode(parts.next()?.strip_prefix("c=")?.as_bytes()).ok()?;
        let nonce = parts.next()?.strip_prefix("r=").filter(|nonce| is_nonce(nonce, usize::MAX))?;
        parts.all(is_extension).then_some(Self { without_proof, binding, nonce, proof })
    }
}

/// `server-first-message`.
pub(crate) fn server_first(nonce: &str, salt: &[u8], iterations: u32) -> String {
    format!("r={nonce},s={},i={iterations}", BASE64.encode(salt))
}

/// `server-final-message` of a log-in that succeeded.
pub(crate) fn server_final(signature: &[u8]) -> String {
    format!("v={}", BASE64.encode(signature))
}

/// `saslname`: a comma is `=2C` in it and an equals sign `=3D`.
// RFC 5802 section 5.1: any other `=` is an error.
fn name(written: &str) -> Option<String> {
    let mut parts = written.split('=');
    let mut name = parts.next()?.to_owned();
    for part in parts {
        let (octet, rest) = if let Some(rest) = part.strip_prefix("2C") { (',', rest) } else { ('=', part.strip_prefix("3D")?) };
        name.push(octet);
        name.push_str(rest);
    }
    let right = !name.is_empty() && name.len() <= NAME_BYTES_MAX && !name.contains(char::is_control);
    right.then_some(name)
}

/// `printable`: no space, no comma.
fn is_nonce(text: &str, bytes_max: usize) -> bool {
    let printable = |octet: u8| octet.is_ascii_graphic() && octet != b',';
    !text.is_empty() && text.len() <= bytes_max && text.bytes().all(printable)
}

fn is_binding_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'.' | b'-'))
}

/// `attr-val` that may be passed over. One that must be understood (`m`) may not, wherever it stands.
// RFC 5802 section 5.1.
fn is_extension(part: &str) -> bool {
    let mut octets = part.bytes();
    let attribute = octets.next().is_some_and(|octet| octet.is_ascii_alphabetic() && octet != b'm');
    attribute && octets.next() == Some(b'=') && octets.next().is_some() && !part.contains('\0')
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// RFC 7677 section 3, and the forms of RFC 5802 section 7.
    #[test]
    fn what_clients_send_is_understood() {
        let first = ClientFirst::parse("n,,n=user,r=rOprNGfwEbeRWgbNEkqO").unwrap();
        assert_eq!((first.gs2_header, first.bare, &*first.user), ("n,,", "n=user,r=rOprNGfwEbeRWgbNEkqO", "user"));
        assert_eq!((first.flag, first.authorisation, first.nonce), (Flag::Cannot, None, "rOprNGfwEbeRWgbNEkqO"));
        let bound = ClientFirst::parse("p=tls-exporter,a=ana=3Da,n=l=2Ca,r=x,z=later=on").unwrap();
        assert_eq!((bound.gs2_header, bound.flag), ("p=tls-exporter,a=ana=3Da,", Flag::Uses("tls-exporter")));
        assert_eq!((bound.authorisation.as_deref(), &*bound.user, bound.bare), (Some("ana=a"), "l,a", "n=l=2Ca,r=x,z=later=on"));
        assert_eq!(ClientFirst::parse("y,,n=\u{e9},r=!~").unwrap().flag, Flag::NotOffered);
        let last = ClientFinal::parse("c=biws,r=ab,z=1,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=").unwrap();
        assert_eq!((last.binding.as_slice(), last.nonce, last.without_proof), (&b"n,,"[..], "ab", "c=biws,r=ab,z=1"));
        assert_eq!(server_first("ab", b"salt", 4096), "r=ab,s=c2FsdA==,i=4096");
    }

    #[test]
    fn what_is_wrong_is_nothing() {
        let long = format!("n,,n=a,r={}", "x".repeat(NONCE_BYTES_MAX + 1));
        let named = format!("n,,n={},r=x", "x".repeat(NAME_BYTES_MAX + 1));
        for first in [
            "",
            "n",
            "n,",
            "n,,",
            "n,,n=a",
            "n,,n=a,r=",
            "n,,n=,r=x",
            "n,,r=x,n=a",
            "N,,n=a,r=x",
            "p,,n=a,r=x",
            "p=,,n=a,r=x",
            "p=a b,,n=a,r=x",
            "n,b,n=a,r=x",
            "n,a=,n=a,r=x",
            "n,,n=a=2c,r=x",
            "n,,n=a=,r=x",
            "n,,n=a=3,r=x",
            "n,,n=a\0,r=x",
            "n,,n=a,r=x y",
            "n,,n=a,r=\u{e9}",
            "n,,m=x,n=a,r=x",
            "n,,n=a,r=x,m=x",
            "n,,n=a,r=x,",
            "n,,n=a,r=x,z",
            "n,,n=a,r=x,z=",
            "n,,n=a,r=x,1=2",
            &long,
            &named,
        ] {
            assert_eq!(ClientFirst::parse(first), None, "{first:?}");
        }
        let proof = BASE64.encode(&[7; 32]);
        let right = format!("c=biws,r=x,p={proof}");
        assert!(ClientFinal::parse(&right).is_some());
        for last in [
            String::new(),
            format!("p={proof}"),
            format!("r=x,c=biws,p={proof}"),
            format!("c=biws,p={proof}"),
            format!("c=bi,r=x,p={proof}"),
            format!("c=biws,r=,p={proof}"),
            format!("c=biws,r=x,m=1,p={proof}"),
            format!("{right}="),
            format!("{right},z=1"),
            "c=biws,r=x".to_owned(),
            "c=biws,r=x,p=".to_owned(),
            format!("c=biws,r=x,p={}", BASE64.encode(&[7; 31])),
        ] {
            assert_eq!(ClientFinal::parse(&last), None, "{last:?}");
        }
    }

    proptest! {
        #[test]
        fn names_come_back(plain in "[ -~\u{e9}\u{4e2d}]{1,40}", nonce in "[!-+.-~]{1,40}") {
            let written = plain.replace('=', "=3D").replace(',', "=2C");
            let text = format!("n,a={written},n={written},r={nonce}");
            let first = ClientFirst::parse(&text).unwrap();
            prop_assert_eq!((&first.user, first.authorisation.as_ref(), first.nonce), (&plain, Some(&plain), &*nonce));
        }

        #[test]
        fn nothing_panics(text in "[npycramz=,a-z0-9+/\u{0}\u{e9}]{0,60}") {
            let _ = (ClientFirst::parse(&text), ClientFinal::parse(&text));
        }
    }
}
