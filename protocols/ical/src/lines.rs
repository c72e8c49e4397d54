//! Logical lines: physical ones joined at their folds. The ground under everything else here.

use memchr::memchr;
use std::borrow::Cow;
use std::ops::Range;

/// The logical lines of an object in their order; their ranges follow one another without a gap.
#[derive(Debug, Clone)]
pub struct Lines<'a> {
    octets: &'a [u8],
    at: usize,
}

/// A logical line: folds and line end included, nothing changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line<'a> {
    /// Its octets.
    pub raw: &'a [u8],
    /// Where they are in the object.
    pub range: Range<usize>,
}

impl<'a> Lines<'a> {
    /// Of any octets.
    pub fn new(octets: &'a [u8]) -> Self {
        Self { octets, at: 0 }
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = Line<'a>;
    fn next(&mut self) -> Option<Line<'a>> {
        let start = self.at;
        if start == self.octets.len() {
            return None;
        }
        let mut end = start;
        // RFC 5545 section 3.1, RFC 6350 section 3.2: a line goes on where the next begins with white space.
        while let Some(newline) = memchr(b'\n', &self.octets[end..]) {
            end += newline + 1;
            if !matches!(self.octets.get(end), Some(b' ' | b'\t')) {
                self.at = end;
                return Some(Line { raw: &self.octets[start..end], range: start..end });
            }
        }
        self.at = self.octets.len();
        Some(Line { raw: &self.octets[start..], range: start..self.at })
    }
}

impl<'a> Line<'a> {
    /// The line without folds and line end. Octets, not text: a fold may cut a character in two (RFC 5545 section 3.1).
    pub fn unfolded(&self) -> Cow<'a, [u8]> {
        let line = self.raw.strip_suffix(b"\n").unwrap_or(self.raw);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if memchr(b'\n', line).is_none() {
            return Cow::Borrowed(line);
        }
        let mut out = Vec::with_capacity(line.len());
        let mut rest = line;
        while let Some(newline) = memchr(b'\n', rest) {
            let before = &rest[..newline];
            out.extend_from_slice(before.strip_suffix(b"\r").unwrap_or(before));
            // The white space that marks the fold.
            rest = &rest[newline + 2..];
        }
        out.extend_from_slice(rest);
        Cow::Owned(out)
    }

    /// Whether there is nothing on it.
    pub fn is_blank(&self) -> bool {
        self.raw.trim_ascii().is_empty()
    }
}

/// An object as text, for where octets cannot go (XML). Borrowed when it is UTF-8; otherwise the lines that are not, because
/// a fold cuts a character, are unfolded, and what remains is replaced.
pub fn text_of(octets: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(octets) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(octets.len());
    for line in Lines::new(octets) {
        if let Ok(text) = std::str::from_utf8(line.raw) {
            out.push_str(text);
        } else {
            out.push_str(&String::from_utf8_lossy(&line.unfolded()));
            out.push_str("\r\n");
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn unfolded(octets: &[u8]) -> Vec<Vec<u8>> {
        Lines::new(octets).map(|line| line.unfolded().into_owned()).collect()
    }

    #[test]
    fn folds_of_rfc_5545() {
        // Section 3.1.
        let folded = b"DESCRIPTION:This is a lo\r\n ng description\r\n  that exists on a long line.\r\nX:y\r\n";
        assert_eq!(unfolded(folded), [&b"DESCRIPTION:This is a long description that exists on a long line."[..], b"X:y"]);
        assert_eq!(unfolded(b"A:b\n\tc\nD:e"), [&b"A:bc"[..], b"D:e"]);
        assert_eq!(unfolded(b"A:b\r\n \r\n\r\n"), [&b"A:b"[..], b""]);
        assert_eq!(unfolded(b""), Vec::<Vec<u8>>::new());
    }

    #[test]
    fn a_character_cut_by_a_fold_is_made_whole() {
        let cut = b"SUMMARY:R\xc3\r\n \xa9union\r\nX:a\r\n b\r\n";
        assert_eq!(unfolded(cut)[0], "SUMMARY:Réunion".as_bytes());
        assert_eq!(text_of(cut), "SUMMARY:Réunion\r\nX:a\r\n b\r\n");
        assert!(matches!(text_of("été".as_bytes()), Cow::Borrowed("été")));
    }

    proptest! {
        #[test]
        fn ranges_cover_the_octets_exactly(octets in proptest::collection::vec(prop_oneof![Just(b'\r'), Just(b'\n'), Just(b' '), Just(b'\t'), any::<u8>()], 0..200)) {
            let mut at = 0;
            for line in Lines::new(&octets) {
                prop_assert_eq!(line.range.start, at);
                prop_assert!(line.range.end > at);
                prop_assert_eq!(line.raw, &octets[line.range.clone()]);
                at = line.range.end;
                let _ = line.unfolded();
            }
            prop_assert_eq!(at, octets.len());
            let _ = text_of(&octets);
        }

        #[test]
        fn what_is_folded_unfolds_to_the_same(text in "[^\r\n \t][^\r\n]{0,40}", width in 1..9_usize) {
            let folded: Vec<u8> = text.as_bytes().chunks(width).collect::<Vec<_>>().join(&b"\r\n "[..]);
            prop_assert_eq!(unfolded(&folded), [text.as_bytes().to_vec()]);
        }
    }
}
