//! Literal announcements at the end of a line. Called by the reader, before any grammar sees the line.

/// `{4096}` or `{4096+}` at the end of a line: so many octets follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Literal {
    /// Octets that follow; what does not fit saturates, and so breaks every limit.
    pub(crate) bytes: u64,
    /// The client waits for our `+` before it sends them (RFC 7888 section 4: without the `+` sign).
    pub(crate) waits: bool,
}

/// The literal that a line (without its CRLF) announces.
pub(crate) fn announced(line: &[u8]) -> Option<Literal> {
    let inner = line.strip_suffix(b"}")?;
    let (inner, waits) = match inner.strip_suffix(b"+") {
        Some(inner) => (inner, false),
        None => (inner, true),
    };
    let digits = inner.iter().rev().take_while(|b| b.is_ascii_digit()).count();
    let (before, number) = inner.split_at(inner.len() - digits);
    if digits == 0 || !before.ends_with(b"{") {
        return None;
    }
    let bytes = number.iter().fold(0_u64, |sum, b| sum.saturating_mul(10).saturating_add(u64::from(b - b'0')));
    Some(Literal { bytes, waits })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn announcements_are_told_from_text() {
        for (line, bytes, waits) in
            [(&b"a LOGIN {5}"[..], 5, true), (b"{0+}", 0, false), (b"x ~{12}", 12, true), (b"{99999999999999999999999}", u64::MAX, true)]
        {
            assert_eq!(announced(line), Some(Literal { bytes, waits }), "{line:?}");
        }
        for line in [&b""[..], b"}", b"{}", b"{+}", b"5}", b"{5", b"{5}x", b"{5++}", b"{-5}", b"{5} "] {
            assert_eq!(announced(line), None, "{line:?}");
        }
    }

    proptest! {
        #[test]
        fn any_number_is_read(before in "[ -z]{0,20}", bytes: u64, waits: bool) {
            let line = format!("{before}{{{bytes}{}}}", if waits { "" } else { "+" });
            prop_assert_eq!(announced(line.as_bytes()), Some(Literal { bytes, waits }));
        }
    }
}
