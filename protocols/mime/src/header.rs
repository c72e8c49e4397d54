//! Header blocks: fields with their raw values and places. Used by everything that looks into a header.

use crate::limits::HEADER_BYTES_MAX;
use memchr::memchr;
use std::borrow::Cow;
use std::ops::Range;

/// One field of a header as it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header<'a> {
    /// The name as written, without trailing spaces.
    pub name: &'a [u8],
    /// What follows the colon: folds included, the line's end not.
    pub value: &'a [u8],
    /// Where the whole field is in the block, its line end included.
    pub range: Range<usize>,
}

/// The fields of a header block in their order; lines that are no field are passed over.
#[derive(Debug, Clone)]
pub struct Headers<'a>(Lines<'a>);

/// The fields of a header block, as far as [`HEADER_BYTES_MAX`]; the empty line at its end may be there or not.
pub fn headers_of(block: &[u8]) -> Headers<'_> {
    Headers(Lines { block: &block[..block.len().min(HEADER_BYTES_MAX)], at: 0 })
}

impl<'a> Iterator for Headers<'a> {
    type Item = Header<'a>;
    fn next(&mut self) -> Option<Header<'a>> {
        self.0.by_ref().find_map(|line| line.field())
    }
}

/// The subset of a header that HEADER.FIELDS (or, with `not`, HEADER.FIELDS.NOT) asks for, with the empty line after it.
/// Names are compared without regard to case; fields keep their order and octets.
pub fn header_fields(header: &[u8], names: &[impl AsRef<[u8]>], not: bool) -> Vec<u8> {
    // Made for each message of a listing: one allocation, not one for each time it grows.
    let mut out = Vec::with_capacity(header.len() + 4);
    // Most fields of a header have a name of another length than all that are asked for.
    let lengths = names.iter().fold(0u64, |lengths, name| lengths | length_bit(name.as_ref()));
    for line in (Lines { block: header, at: 0 }) {
        let named = line.parts().is_some_and(|(name, _)| {
            lengths & length_bit(name) != 0 && names.iter().any(|one| one.as_ref().eq_ignore_ascii_case(name)) && is_name(name)
        });
        if named != not {
            out.extend_from_slice(&header[line.range.clone()]);
            // A header that ends without its line's end must not run into the empty line.
            if !out.ends_with(b"\n") {
                out.extend_from_slice(b"\r\n");
            }
        }
    }
    // RFC 9051 section 6.4.5: subsetting does not exclude the delimiting blank line.
    out.extend_from_slice(b"\r\n");
    out
}

fn length_bit(name: &[u8]) -> u64 {
    1 << (name.len() % 64)
}

/// RFC 5322 section 3.6.8: printable and no space; a name over a fold is no name.
fn is_name(name: &[u8]) -> bool {
    !name.is_empty() && name.iter().all(|&b| b > b' ' && b != 0x7f)
}

/// A raw value without its folds and without white space at either end (RFC 5322 section 2.2.3).
pub fn unfolded(raw: &[u8]) -> Cow<'_, [u8]> {
    let trimmed = raw.trim_ascii();
    if memchr(b'\n', trimmed).is_none() {
        return Cow::Borrowed(trimmed);
    }
    let mut out = Vec::with_capacity(trimmed.len());
    let mut rest = trimmed;
    while let Some(at) = memchr(b'\n', rest) {
        let line = &rest[..at];
        out.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
    Cow::Owned(out)
}

/// Octets of the header at the start of a message, the empty line included; all of it when there is no empty line. The
/// same as [`Message::header_bytes`](crate::Message::header_bytes), for callers that need nothing else.
pub fn header_length(octets: &[u8]) -> usize {
    let mut at = 0;
    while let Some(end) = memchr(b'\n', &octets[at..]) {
        let line = &octets[at..at + end];
        at += end + 1;
        if line.is_empty() || line == b"\r" {
            return at;
        }
    }
    octets.len()
}

/// Unfolded lines of a header block up to its empty line.
#[derive(Debug, Clone)]
struct Lines<'a> {
    block: &'a [u8],
    at: usize,
}

struct Line<'a> {
    block: &'a [u8],
    range: Range<usize>,
}

impl<'a> Iterator for Lines<'a> {
    type Item = Line<'a>;
    fn next(&mut self) -> Option<Line<'a>> {
        let start = self.at;
        let rest = &self.block[start..];
        if rest.is_empty() || rest.starts_with(b"\r\n") || rest.starts_with(b"\n") {
            return None;
        }
        let mut end = start;
        loop {
            let Some(newline) = memchr(b'\n', &self.block[end..]) else {
                end = self.block.len();
                break;
            };
            end += newline + 1;
            if !matches!(self.block.get(end), Some(b' ' | b'\t')) {
                break;
            }
        }
        self.at = end;
        Some(Line { block: self.block, range: start..end })
    }
}

impl<'a> Line<'a> {
    /// What stands before the colon, not yet known to be a name, and what stands behind it.
    fn parts(&self) -> Option<(&'a [u8], &'a [u8])> {
        let line = &self.block[self.range.clone()];
        let (name, value) = line.split_at(memchr(b':', line)?);
        Some((name.trim_ascii_end(), &value[1..]))
    }

    fn field(&self) -> Option<Header<'a>> {
        let (name, value) = self.parts().filter(|(name, _)| is_name(name))?;
        let value = value.strip_suffix(b"\n").unwrap_or(value);
        let value = value.strip_suffix(b"\r").unwrap_or(value);
        Some(Header { name, value, range: self.range.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLOCK: &[u8] =
        b"Received: from a\r\n\tby b\r\nnot a field\r\nSubject: Tarif\r\n douanier\r\nsubject : again\nX-Empty:\r\n\r\nBody: no\r\n";

    #[test]
    fn fields_keep_their_octets_and_places() {
        let fields: Vec<_> = headers_of(BLOCK).collect();
        let names: Vec<_> = fields.iter().map(|f| f.name).collect();
        assert_eq!(names, [&b"Received"[..], b"Subject", b"subject", b"X-Empty"]);
        assert_eq!(fields[1].value, b" Tarif\r\n douanier");
        assert_eq!(&BLOCK[fields[2].range.clone()], b"subject : again\n");
        assert_eq!(&*unfolded(fields[1].value), b"Tarif douanier");
        assert_eq!(fields[3].value, b"");
        assert_eq!(header_length(BLOCK), BLOCK.len() - b"Body: no\r\n".len());
    }

    #[test]
    fn subsets_are_by_name_without_case() {
        assert_eq!(header_fields(BLOCK, &["SUBJECT"], false), b"Subject: Tarif\r\n douanier\r\nsubject : again\n\r\n");
        assert_eq!(header_fields(BLOCK, &["subject", "x-empty"], true), b"Received: from a\r\n\tby b\r\nnot a field\r\n\r\n");
        assert_eq!(header_fields(b"A: b", &["a"], false), b"A: b\r\n\r\n");
        assert_eq!(header_fields(b"", &["a"], false), b"\r\n");
    }

    #[test]
    fn a_first_line_that_looks_folded_is_passed_over() {
        let names: Vec<_> = headers_of(b" stray: x\r\nTo: a@b.example\r\n\r\n").map(|f| f.name).collect();
        assert_eq!(names, [b"To"]);
    }
}
