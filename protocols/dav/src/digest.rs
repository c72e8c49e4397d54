//! Digests that a client sends along with a document, and those that it wants.
//!
//! Called by PUT and GET. `OC-Checksum` is ownCloud's and what rclone sends; `Content-Digest` and `Repr-Digest` are RFC 9530's, `Digest` its
//! forerunner's (RFC 3230), `Content-MD5` older still (RFC 1864). What always holds: a digest of a kind that we know is compared before
//! anything is stored; kinds that we do not know are passed over, as RFC 9530 section 2 lets a recipient.

use crate::refusal::Fault;
use data_encoding::{BASE64, HEXLOWER, HEXLOWER_PERMISSIVE};
use http::{HeaderMap, StatusCode};
use ring::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256, SHA512};

/// Digests that one request may send: each is worked out over the whole document.
const DIGESTS_MAX: usize = 8;

/// A kind of digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Adler32,
    Md5,
    Sha1,
    Sha256,
    Sha512,
}

impl Kind {
    /// By its name in `OC-Checksum`, in `Digest` or in RFC 9530's registry.
    fn named(name: &str) -> Option<Self> {
        match name.trim().to_ascii_lowercase().as_str() {
            "adler" | "adler32" => Some(Self::Adler32),
            "md5" => Some(Self::Md5),
            "sha" | "sha1" | "sha-1" => Some(Self::Sha1),
            "sha256" | "sha-256" => Some(Self::Sha256),
            "sha512" | "sha-512" => Some(Self::Sha512),
            _ => None,
        }
    }

    fn bytes(self) -> usize {
        match self {
            Self::Adler32 => 4,
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }
}

/// What a document is to hash to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Expected(Vec<(Kind, Vec<u8>)>);

impl Expected {
    /// What the request says of its body. A digest that cannot be read is a mistake of who sent it, and no reason to store unchecked.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, Fault> {
        let mut expected = Self::default();
        let bad = || Fault::Status(StatusCode::BAD_REQUEST, "A digest of the request cannot be read.");
        for (name, read) in [
            ("oc-checksum", oc_checksums as fn(&str) -> Option<Vec<(Kind, Vec<u8>)>>),
            ("digest", instance_digests),
            ("content-digest", structured),
            ("repr-digest", structured),
            ("content-md5", |text| Some(vec![(Kind::Md5, BASE64.decode(text.trim().as_bytes()).ok()?)])),
        ] {
            for value in headers.get_all(name) {
                expected.0.extend(value.to_str().ok().and_then(read).ok_or_else(bad)?);
            }
        }
        if expected.0.len() > DIGESTS_MAX || expected.0.iter().any(|(kind, value)| value.len() != kind.bytes()) {
            return Err(bad());
        }
        Ok(expected)
    }

    /// Works out what is expected.
    pub(crate) fn sums(&self) -> Sums {
        let mut kinds: Vec<Kind> = self.0.iter().map(|(kind, _)| *kind).collect();
        kinds.sort_unstable();
        kinds.dedup();
        Sums(kinds.into_iter().map(Sum::begin).collect())
    }

    /// What was said, as ownCloud's clients are told it: of the kinds that they know.
    pub(crate) fn told(&self) -> Option<String> {
        let one = |(kind, value): &(Kind, Vec<u8>)| {
            let name = match kind {
                Kind::Sha1 => "SHA1",
                Kind::Md5 => "MD5",
                Kind::Adler32 => "ADLER32",
                Kind::Sha256 => "SHA256",
                Kind::Sha512 => return None,
            };
            Some(format!("{name}:{}", HEXLOWER.encode(value)))
        };
        let mut all: Vec<String> = self.0.iter().filter_map(one).collect();
        all.dedup();
        (!all.is_empty()).then(|| all.join(" "))
    }

    /// Is it what was said?
    pub(crate) fn check(&self, sums: Sums) -> Result<(), Fault> {
        let got = sums.finish();
        let same = self.0.iter().all(|(kind, value)| got.iter().any(|(known, sum)| known == kind && sum == value));
        if same { Ok(()) } else { Err(Fault::Status(StatusCode::BAD_REQUEST, "The digest is not that of what came: send it again.")) }
    }
}

/// `SHA1:hex`, several with spaces between, as ownCloud and rclone write it.
fn oc_checksums(text: &str) -> Option<Vec<(Kind, Vec<u8>)>> {
    let mut read = Vec::new();
    for one in text.split_whitespace() {
        let (name, value) = one.split_once(':')?;
        if let Some(kind) = Kind::named(name) {
            read.push((kind, HEXLOWER_PERMISSIVE.decode(value.as_bytes()).ok()?));
        }
    }
    Some(read)
}

/// `SHA-256=base64,MD5=base64` (RFC 3230 section 4.3.2).
fn instance_digests(text: &str) -> Option<Vec<(Kind, Vec<u8>)>> {
    let mut read = Vec::new();
    for one in text.split(',') {
        let (name, value) = one.trim().split_once('=')?;
        match Kind::named(name) {
            // RFC 3230 writes this one in hex.
            Some(Kind::Adler32) => read.push((Kind::Adler32, HEXLOWER_PERMISSIVE.decode(value.as_bytes()).ok()?)),
            Some(kind) => read.push((kind, BASE64.decode(value.as_bytes()).ok()?)),
            None => {}
        }
    }
    Some(read)
}

/// `sha-256=:base64:, sha-512=:base64:` (RFC 9530 section 2: a dictionary of byte sequences, RFC 8941 section 3.3.5).
fn structured(text: &str) -> Option<Vec<(Kind, Vec<u8>)>> {
    let mut read = Vec::new();
    for one in text.split(',') {
        let (name, value) = one.trim().split_once('=')?;
        let value = value.split(';').next()?.trim().strip_prefix(':')?.strip_suffix(':')?;
        if let Some(kind) = Kind::named(name) {
            // RFC 9530 section 5: in its registry `adler` and `md5` stand for history only, and all are octets.
            read.push((kind, BASE64.decode(value.as_bytes()).ok()?));
        }
    }
    Some(read)
}

/// Digests being worked out as octets go by.
pub(crate) struct Sums(Vec<Sum>);

enum Sum {
    Adler32(adler2::Adler32),
    Md5(Box<md5::Context>),
    Sha(Kind, Box<Context>),
}

impl Sum {
    fn begin(kind: Kind) -> Self {
        match kind {
            Kind::Adler32 => Self::Adler32(adler2::Adler32::new()),
            Kind::Md5 => Self::Md5(Box::new(md5::Context::new())),
            Kind::Sha1 => Self::Sha(kind, Box::new(Context::new(&SHA1_FOR_LEGACY_USE_ONLY))),
            Kind::Sha256 => Self::Sha(kind, Box::new(Context::new(&SHA256))),
            Kind::Sha512 => Self::Sha(kind, Box::new(Context::new(&SHA512))),
        }
    }
}

impl Sums {
    /// Of these kinds.
    pub(crate) fn of(kinds: &[Kind]) -> Self {
        Self(kinds.iter().copied().map(Sum::begin).collect())
    }

    pub(crate) fn update(&mut self, octets: &[u8]) {
        for sum in &mut self.0 {
            match sum {
                Sum::Adler32(sum) => sum.write_slice(octets),
                Sum::Md5(sum) => sum.consume(octets),
                Sum::Sha(_, sum) => sum.update(octets),
            }
        }
    }

    pub(crate) fn finish(self) -> Vec<(Kind, Vec<u8>)> {
        let value = |sum| match sum {
            Sum::Adler32(sum) => (Kind::Adler32, sum.checksum().to_be_bytes().to_vec()),
            Sum::Md5(sum) => (Kind::Md5, sum.finalize().0.to_vec()),
            Sum::Sha(kind, sum) => (kind, sum.finish().as_ref().to_vec()),
        };
        self.0.into_iter().map(value).collect()
    }
}

/// The kinds that `Want-Repr-Digest` or `Want-Content-Digest` asks for and that RFC 9530 section 5 still has for use, the best liked first.
pub(crate) fn wanted(headers: &HeaderMap, name: &str) -> Option<Kind> {
    let mut best: Option<(u32, Kind)> = None;
    for one in headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).flat_map(|text| text.split(',')) {
        let (kind, preference) = one.trim().split_once('=').unwrap_or((one.trim(), "1"));
        let kind = match kind.trim() {
            "sha-256" => Kind::Sha256,
            "sha-512" => Kind::Sha512,
            _ => continue,
        };
        // RFC 9530 section 4: from 0, which is "not acceptable", to 10.
        let Ok(preference) = preference.trim().parse::<u32>() else { continue };
        if preference > 0 && best.is_none_or(|(most, _)| preference > most) {
            best = Some((preference, kind));
        }
    }
    best.map(|(_, kind)| kind)
}

/// As RFC 9530 writes it.
pub(crate) fn told(kind: Kind, value: &[u8]) -> String {
    let name = if kind == Kind::Sha512 { "sha-512" } else { "sha-256" };
    format!("{name}=:{}:", BASE64.encode(value))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (http::HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())).collect()
    }

    fn check(pairs: &[(&'static str, &str)], octets: &[u8]) -> Result<(), StatusCode> {
        let status = |fault| if let Fault::Status(status, _) = fault { status } else { panic!("{fault:?}") };
        let expected = Expected::of(&headers(pairs)).map_err(status)?;
        let mut sums = expected.sums();
        octets.chunks(3).for_each(|piece| sums.update(piece));
        expected.check(sums).map_err(status)
    }

    /// Octets and digest are RFC 9530's (appendix B.1); the others by `openssl dgst`.
    #[test]
    fn each_form_is_read_and_compared() {
        let octets = b"{\"hello\": \"world\"}\n";
        for right in [
            ("oc-checksum", "SHA1:cb24c04e8b86279d12dd1e225a8b73deaaba3fd6"),
            ("repr-digest", "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:"),
            ("content-digest", "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:, unixsum=:AAA=:"),
            ("digest", "SHA-256=RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg="),
        ] {
            assert_eq!(check(&[right], octets), Ok(()), "{right:?}");
            assert_eq!(check(&[right], b"something else"), Err(StatusCode::BAD_REQUEST), "{right:?}");
        }
        for right in [
            "SHA1:a9993e364706816aba3e25717850c26c9cd0d89d",
            "MD5:900150983cd24fb0d6963f7d28e17f72",
            "md5:900150983CD24FB0D6963F7D28E17F72",
            "ADLER32:024d0127",
            "SHA256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad SHA1:a9993e364706816aba3e25717850c26c9cd0d89d",
            "BLAKE9:00",
        ] {
            assert_eq!(check(&[("oc-checksum", right)], b"abc"), Ok(()), "{right}");
        }
        assert_eq!(check(&[("content-md5", "kAFQmDzST7DWlj99KOF/cg==")], b"abc"), Ok(()));
        assert_eq!(check(&[("digest", "adler32=024d0127")], b"abc"), Ok(()));
        assert_eq!(check(&[], b"abc"), Ok(()));
    }

    #[test]
    fn what_cannot_be_read_is_not_taken_for_nothing() {
        for bad in [
            ("oc-checksum", "SHA1"),
            ("oc-checksum", "SHA1:zz"),
            ("oc-checksum", "SHA1:00"),
            ("repr-digest", "sha-256=RK/0"),
            ("repr-digest", "sha-256=:AAAA:"),
            ("content-digest", "x"),
            ("digest", "sha-256"),
            ("content-md5", "!"),
        ] {
            assert_eq!(check(&[bad], b"abc"), Err(StatusCode::BAD_REQUEST), "{bad:?}");
        }
        let many = ["MD5:900150983cd24fb0d6963f7d28e17f72"; DIGESTS_MAX + 1].join(" ");
        assert_eq!(check(&[("oc-checksum", &many)], b"abc"), Err(StatusCode::BAD_REQUEST));
    }

    #[test]
    fn the_best_liked_digest_is_told() {
        let wants = |text| wanted(&headers(&[("want-repr-digest", text)]), "want-repr-digest");
        assert_eq!(wants("sha-256=1, sha-512=10"), Some(Kind::Sha512));
        assert_eq!(wants("sha-512=3, sha-256=10, unixsum=9"), Some(Kind::Sha256));
        assert_eq!(wants("sha-512=0"), None);
        assert_eq!(wants("md5=1"), None);
        let mut sums = Sums::of(&[Kind::Sha256]);
        sums.update(b"{\"hello\": \"world\"}\n");
        let (kind, value) = sums.finish().remove(0);
        assert_eq!(told(kind, &value), "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:");
    }
}
