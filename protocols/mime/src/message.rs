//! A parsed message: its parts with their places in the octets. Used by the facts, by sections and by the text search.
//!
//! Parts live in one flat list and name their children by position, so that nothing needs recursion. All ranges lie
//! within the octets; a child's lies within its parent's body.

use crate::header::{Headers, headers_of};
use crate::structure;
use memchr::memchr_iter;
use std::ops::Range;

/// The type of a part, from its `Content-Type` or by default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaType {
    /// In upper case, such as `TEXT`.
    pub kind: Vec<u8>,
    /// In upper case, such as `PLAIN`.
    pub subtype: Vec<u8>,
    /// In their order.
    pub params: Vec<Param>,
}

/// A parameter of a `Content-Type` or `Content-Disposition`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Param {
    /// In upper case; with RFC 2231's `*` at its end when the value is in that encoding.
    pub name: Vec<u8>,
    /// Without quotes and continuations, otherwise as it was sent.
    pub value: Vec<u8>,
}

impl MediaType {
    /// From upper-case words, without parameters.
    pub(crate) fn plain(kind: &str, subtype: &str) -> Self {
        Self { kind: kind.into(), subtype: subtype.into(), params: Vec::new() }
    }

    /// Whether it is this type; the words are given in upper case.
    pub fn is(&self, kind: &str, subtype: &str) -> bool {
        self.kind == kind.as_bytes() && self.subtype == subtype.as_bytes()
    }

    /// The value of a parameter, its name given in upper case.
    pub fn param(&self, name: &str) -> Option<&[u8]> {
        self.params.iter().find(|p| p.name == name.as_bytes()).map(|p| &p.value[..])
    }
}

/// What a part is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Octets.
    Leaf,
    /// Parts between boundaries; at least one.
    Multipart,
    /// A message: its only child is that message's own root.
    Message,
}

/// A part of a message. The root is one too: its header is the message's.
#[derive(Debug, Clone)]
pub struct Part<'a> {
    pub(crate) kind: Kind,
    pub(crate) media: MediaType,
    pub(crate) header: Range<usize>,
    pub(crate) body: Range<usize>,
    /// As much of the header as the limit lets us look into.
    pub(crate) parsed: &'a [u8],
    pub(crate) children: Vec<usize>,
}

impl<'a> Part<'a> {
    /// What it is made of.
    pub fn kind(&self) -> Kind {
        self.kind
    }
    /// Its type; a part beyond the limits is `APPLICATION/OCTET-STREAM` whatever it says.
    pub fn media(&self) -> &MediaType {
        &self.media
    }
    /// Where its header is in the message, the empty line included.
    pub fn header(&self) -> Range<usize> {
        self.header.clone()
    }
    /// Where its body is in the message.
    pub fn body(&self) -> Range<usize> {
        self.body.clone()
    }
    /// Positions of its children in [`Message::parts`].
    pub fn children(&self) -> &[usize] {
        &self.children
    }
    /// The fields of its header.
    pub fn headers(&self) -> Headers<'a> {
        headers_of(self.parsed)
    }
    /// The raw value of the first field of that name.
    pub fn field(&self, name: &str) -> Option<&'a [u8]> {
        self.headers().find(|field| field.name.eq_ignore_ascii_case(name.as_bytes())).map(|field| field.value)
    }
    /// Raw `Content-ID`.
    pub fn id(&self) -> Option<&'a [u8]> {
        self.field("Content-ID")
    }
    /// Raw `Content-Description`.
    pub fn description(&self) -> Option<&'a [u8]> {
        self.field("Content-Description")
    }
    /// Raw `Content-Transfer-Encoding`.
    pub fn encoding(&self) -> Option<&'a [u8]> {
        self.field("Content-Transfer-Encoding")
    }
}

/// A message as a tree of parts over borrowed octets.
#[derive(Debug, Clone)]
pub struct Message<'a> {
    octets: &'a [u8],
    parts: Vec<Part<'a>>,
}

impl<'a> Message<'a> {
    /// Any octets are a message: never fails and takes linear time.
    pub fn parse(octets: &'a [u8]) -> Self {
        Self { octets, parts: structure::parse(octets) }
    }

    /// The octets it was parsed from.
    pub fn octets(&self) -> &'a [u8] {
        self.octets
    }

    /// Octets of the header, the empty line included.
    pub fn header_bytes(&self) -> usize {
        self.root().header.end
    }

    /// The fields of the header.
    pub fn headers(&self) -> Headers<'a> {
        self.root().headers()
    }

    /// The raw value of the first header field of that name.
    pub fn header(&self, name: &str) -> Option<&'a [u8]> {
        self.root().field(name)
    }

    /// The message itself as a part.
    pub fn root(&self) -> &Part<'a> {
        &self.parts[0]
    }

    /// All parts, the root first, each before its children.
    pub fn parts(&self) -> &[Part<'a>] {
        &self.parts
    }

    /// The octets of a part's header.
    pub fn header_of(&self, part: &Part<'_>) -> &'a [u8] {
        &self.octets[part.header()]
    }

    /// The octets of a part's body.
    pub fn body_of(&self, part: &Part<'_>) -> &'a [u8] {
        &self.octets[part.body()]
    }

    /// Lines of a part's body: its line ends, as Dovecot and Cyrus count them. The last line of a part in a multipart has
    /// none of its own (it belongs to the delimiter) and so does not count.
    pub fn lines_of(&self, part: &Part<'_>) -> usize {
        memchr_iter(b'\n', self.body_of(part)).count()
    }
}
