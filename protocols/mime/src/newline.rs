//! Line ends and NUL: checks for SMTP's DATA and repair for what comes from elsewhere.

use memchr::{memchr, memchr2_iter};
use std::borrow::Cow;

/// Whether there is a CR without its LF or an LF without its CR; neither may pass through SMTP (RFC 5321 section 2.3.8).
pub fn has_bare_cr_or_lf(octets: &[u8]) -> bool {
    first_bare(octets).is_some()
}

/// Every line ended by CRLF: a bare LF or CR becomes one. Borrowed when there is nothing to repair.
pub fn normalize_newlines(octets: &[u8]) -> Cow<'_, [u8]> {
    let Some(first) = first_bare(octets) else {
        return Cow::Borrowed(octets);
    };
    let mut out = Vec::with_capacity(octets.len() + octets.len() / 32 + 2);
    let mut copied = 0;
    for at in memchr2_iter(b'\r', b'\n', &octets[first..]).map(|at| at + first) {
        if is_bare(octets, at) {
            out.extend_from_slice(&octets[copied..at]);
            out.extend_from_slice(b"\r\n");
            copied = at + 1;
        }
    }
    out.extend_from_slice(&octets[copied..]);
    Cow::Owned(out)
}

/// Octets as they may go into an IMAP literal, which holds no NUL (RFC 9051 section 4.3): each becomes 0x80, so that sizes
/// and places stay as they are. Borrowed when there is none.
pub fn without_nul(octets: &[u8]) -> Cow<'_, [u8]> {
    if memchr(0, octets).is_none() {
        return Cow::Borrowed(octets);
    }
    Cow::Owned(octets.iter().map(|&b| if b == 0 { 0x80 } else { b }).collect())
}

fn first_bare(octets: &[u8]) -> Option<usize> {
    memchr2_iter(b'\r', b'\n', octets).find(|&at| is_bare(octets, at))
}

fn is_bare(octets: &[u8], at: usize) -> bool {
    if octets[at] == b'\r' { octets.get(at + 1) != Some(&b'\n') } else { at == 0 || octets[at - 1] != b'\r' }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_kind_of_bare_end_is_seen() {
        for good in [&b""[..], b"a", b"a\r\n", b"\r\n\r\n", b"a\r\nb"] {
            assert!(!has_bare_cr_or_lf(good), "{good:?}");
            assert!(matches!(normalize_newlines(good), Cow::Borrowed(same) if same == good));
        }
        for (bad, repaired) in [
            (&b"\n"[..], &b"\r\n"[..]),
            (b"\r", b"\r\n"),
            (b"a\nb\r\n", b"a\r\nb\r\n"),
            (b"a\r\r\n", b"a\r\n\r\n"),
            (b"a\r\n\n.\r\n", b"a\r\n\r\n.\r\n"),
            (b"\n\r", b"\r\n\r\n"),
        ] {
            assert!(has_bare_cr_or_lf(bad), "{bad:?}");
            assert_eq!(&*normalize_newlines(bad), repaired);
        }
    }

    #[test]
    fn nul_is_replaced() {
        assert_eq!(&*without_nul(b"a\0b\0"), b"a\x80b\x80");
        assert!(matches!(without_nul(b"ab"), Cow::Borrowed(b"ab")));
    }

    proptest! {
        #[test]
        fn what_is_normalised_has_no_bare_ends_and_loses_no_text(octets in proptest::collection::vec(prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'x')], 0..64)) {
            let normal = normalize_newlines(&octets);
            prop_assert!(!has_bare_cr_or_lf(&normal));
            let text = |bytes: &[u8]| memchr::memchr_iter(b'x', bytes).count();
            prop_assert_eq!(text(&normal), text(&octets));
        }
    }
}
