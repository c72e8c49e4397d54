//! The structure parser: one pass over the lines of a message, no recursion. Called by `Message::parse` only.
//!
//! It holds a stack of open multiparts and embedded messages, at most [`DEPTH_MAX`] deep, and one current part, whose
//! header or body the lines go to. Beyond a limit a part stays closed and becomes `APPLICATION/OCTET-STREAM`. The list it
//! makes is never empty, and every multipart and embedded message in it has a child.

use crate::limits::{BOUNDARY_BYTES_MAX, DEPTH_MAX, HEADER_BYTES_MAX, PARTS_MAX};
use crate::message::{Kind, MediaType, Param, Part};
use crate::structured::media_type;
use memchr::memchr;
use std::ops::Range;

/// All parts of a message, the root first.
pub(crate) fn parse(octets: &[u8]) -> Vec<Part<'_>> {
    let mut builder = Builder { octets, parts: Vec::new(), open: Vec::new(), at: At::Between, header_budget: HEADER_BYTES_MAX };
    builder.begin(None, 0);
    let mut start = 0;
    while start < octets.len() && !builder.is_settled() {
        let end = memchr(b'\n', &octets[start..]).map_or(octets.len(), |at| start + at + 1);
        builder.line(start..end);
        start = end;
    }
    builder.cut(0, octets.len());
    builder.parts
}

struct Builder<'a> {
    octets: &'a [u8],
    parts: Vec<Part<'a>>,
    open: Vec<Open>,
    at: At,
    header_budget: usize,
}

/// A multipart or embedded message whose body has not ended.
struct Open {
    part: usize,
    /// Empty for an embedded message, and for a multipart after its last delimiter.
    boundary: Vec<u8>,
}

/// Where the next line belongs.
#[derive(Clone, Copy)]
enum At {
    /// To the header of this part.
    Header(usize),
    /// To the body of this leaf.
    Leaf(usize),
    /// To a preamble or an epilogue.
    Between,
}

/// What a delimiter line does (RFC 2046 section 5.1.1).
enum Delimiter {
    Next(usize),
    Last(usize),
}

impl Builder<'_> {
    /// Whether no line to come can change the structure: a leaf that no boundary can end.
    fn is_settled(&self) -> bool {
        !matches!(self.at, At::Header(_)) && self.open.iter().all(|open| open.boundary.is_empty())
    }

    fn line(&mut self, line: Range<usize>) {
        let text = &self.octets[line.clone()];
        let text = text.strip_suffix(b"\n").unwrap_or(text);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        match self.delimiter(text) {
            // One part too many: its delimiter and all of it are text of the part before.
            Some(Delimiter::Next(_)) if self.parts.len() >= PARTS_MAX => {}
            Some(Delimiter::Next(level)) => {
                self.cut(level + 1, self.before_newline(line.start));
                let parent = self.open[level].part;
                self.begin(Some(parent), line.end);
                return;
            }
            Some(Delimiter::Last(level)) => {
                self.cut(level + 1, self.before_newline(line.start));
                self.open[level].boundary.clear();
                self.at = At::Between;
                return;
            }
            None => {}
        }
        if let At::Header(part) = self.at
            && text.is_empty()
        {
            self.finish_header(part, line.end);
        }
    }

    /// The innermost open boundary wins; a boundary is compared whole, so that one may be the beginning of another.
    fn delimiter(&self, text: &[u8]) -> Option<Delimiter> {
        let text = text.strip_prefix(b"--")?.trim_ascii_end();
        let stem = text.strip_suffix(b"--");
        self.open.iter().enumerate().rev().find_map(|(level, open)| match &open.boundary {
            boundary if boundary.is_empty() => None,
            boundary if boundary == text => Some(Delimiter::Next(level)),
            boundary if stem == Some(boundary) => Some(Delimiter::Last(level)),
            _ => None,
        })
    }

    /// The line end before a delimiter belongs to the delimiter (RFC 2046 section 5.1.1).
    fn before_newline(&self, start: usize) -> usize {
        let before = &self.octets[..start];
        let before = before.strip_suffix(b"\n").unwrap_or(before);
        before.strip_suffix(b"\r").unwrap_or(before).len()
    }

    fn begin(&mut self, parent: Option<usize>, start: usize) {
        let part = self.parts.len();
        let media = match parent {
            // RFC 2046 section 5.1.5.
            Some(parent) if self.parts[parent].media.is("MULTIPART", "DIGEST") => MediaType::plain("MESSAGE", "RFC822"),
            _ => default_type(),
        };
        self.parts.push(Part { kind: Kind::Leaf, media, header: start..start, body: start..start, parsed: &[], children: Vec::new() });
        if let Some(parent) = parent {
            self.parts[parent].children.push(part);
        }
        self.at = At::Header(part);
    }

    /// The header of a part ends here: its type decides what the lines after it are.
    fn finish_header(&mut self, index: usize, end: usize) {
        let octets = self.octets;
        let has_room = self.parts.len() < PARTS_MAX && self.open.len() < DEPTH_MAX;
        let part = &mut self.parts[index];
        part.header.end = end.max(part.header.start);
        part.body = part.header.end..part.header.end;
        let header = &octets[part.header.clone()];
        part.parsed = &header[..header.len().min(self.header_budget)];
        self.header_budget -= part.parsed.len();
        if let Some(media) = part.field("Content-Type").and_then(media_type) {
            part.media = media;
        }
        let boundary = boundary_of(&part.media);
        let is_message = part.media.kind == b"MESSAGE" && (part.media.subtype == b"RFC822" || part.media.subtype == b"GLOBAL");
        let is_unread = part.parsed.is_empty() && !header.is_empty();
        self.at = At::Leaf(index);
        if is_unread || (!has_room && (is_message || part.media.kind == b"MULTIPART")) {
            part.media = MediaType::plain("APPLICATION", "OCTET-STREAM");
        } else if is_message {
            part.kind = Kind::Message;
            let start = part.body.start;
            self.open.push(Open { part: index, boundary: Vec::new() });
            self.begin(Some(index), start);
        } else if let Some(boundary) = boundary {
            part.kind = Kind::Multipart;
            self.open.push(Open { part: index, boundary });
            self.at = At::Between;
        } else if part.media.kind == b"MULTIPART" {
            // RFC 2045 section 5.2: a Content-Type that breaks the rules counts as absent.
            part.media = default_type();
        }
    }

    /// Ends the current part and all open ones but the first `keep`.
    fn cut(&mut self, keep: usize, mut end: usize) {
        // An embedded message that has no octets begins a second header here, and that one is empty.
        while let At::Header(part) = self.at {
            self.finish_header(part, end);
        }
        if let At::Leaf(part) = self.at {
            end = self.end_body(part, end);
        }
        while self.open.len() > keep
            && let Some(open) = self.open.pop()
        {
            end = self.end_body(open.part, end);
            if self.parts[open.part].children.is_empty() {
                // RFC 9051 section 9: body-type-mpart has at least one body.
                let at = self.parts[open.part].body.end;
                self.begin(Some(open.part), at);
                // In a digest it would be an embedded message, which needs a child of its own.
                if let Some(part) = self.parts.last_mut() {
                    part.media = default_type();
                }
                self.at = At::Between;
            }
        }
    }

    /// A part may begin after the line end that its outer delimiter takes away, so a body can end later than asked; those
    /// around it then do too.
    fn end_body(&mut self, part: usize, end: usize) -> usize {
        let body = &mut self.parts[part].body;
        body.end = end.max(body.start);
        body.end
    }
}

/// RFC 2045 section 5.2.
fn default_type() -> MediaType {
    let charset = Param { name: b"CHARSET".to_vec(), value: b"us-ascii".to_vec() };
    MediaType { params: vec![charset], ..MediaType::plain("TEXT", "PLAIN") }
}

fn boundary_of(media: &MediaType) -> Option<Vec<u8>> {
    if media.kind != b"MULTIPART" {
        return None;
    }
    let boundary = media.param("BOUNDARY")?.trim_ascii_end();
    (!boundary.is_empty() && boundary.len() <= BOUNDARY_BYTES_MAX).then(|| boundary.to_vec())
}
