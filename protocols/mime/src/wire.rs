//! IMAP strings, ready for the wire. Used by the envelope and the body structure.
//!
//! Whatever the octets, what is appended is one valid `nstring` of RFC 9051 section 9 (and RFC 3501's).

use crate::limits::VALUE_BYTES_MAX;

/// Longer texts go as literals: some clients read quoted strings line by line into small buffers.
const QUOTED_BYTES_MAX: usize = 1_000;

/// A quoted string, or a literal where quotes would not do. NUL octets are left out: they may stand in neither.
pub(crate) fn string(out: &mut Vec<u8>, text: &[u8]) {
    let text = &text[..text.len().min(VALUE_BYTES_MAX)];
    if text.len() <= QUOTED_BYTES_MAX && text.iter().all(|&b| matches!(b, b' '..=b'~' | b'\t')) {
        out.push(b'"');
        for &b in text {
            if matches!(b, b'"' | b'\\') {
                out.push(b'\\');
            }
            out.push(b);
        }
        out.push(b'"');
        return;
    }
    let length = text.iter().filter(|&&b| b != 0).count();
    out.extend_from_slice(format!("{{{length}}}\r\n").as_bytes());
    out.extend(text.iter().copied().filter(|&b| b != 0));
}

/// NIL, or the string.
pub(crate) fn nstring(out: &mut Vec<u8>, text: Option<&[u8]>) {
    match text {
        Some(text) => string(out, text),
        None => out.extend_from_slice(b"NIL"),
    }
}

/// A number.
pub(crate) fn number(out: &mut Vec<u8>, value: usize) {
    out.extend_from_slice(value.to_string().as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_quoted_when_they_can_be() {
        for (text, wire) in [
            (&b""[..], &b"\"\""[..]),
            (b"a \"b\" \\c", b"\"a \\\"b\\\" \\\\c\""),
            (b"a\r\nb", b"{4}\r\na\r\nb"),
            (b"\xe9t\xe9", b"{3}\r\n\xe9t\xe9"),
            (b"a\0b", b"{2}\r\nab"),
            (b"\0", b"{0}\r\n"),
        ] {
            let mut out = Vec::new();
            string(&mut out, text);
            assert_eq!(out, wire);
        }
        let mut out = Vec::new();
        nstring(&mut out, None);
        assert_eq!(out, b"NIL");
    }
}
