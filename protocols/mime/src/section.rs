//! Sections of a message: what IMAP's BODY[…] names. Called by IMAP FETCH.

use crate::header::header_fields;
use crate::message::{Kind, Message, Part};
use std::borrow::Cow;

/// The word after the part numbers of a section (RFC 9051 section 6.4.5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SectionText<'n> {
    /// No word: the whole message, or the body of the part.
    Whole,
    /// HEADER: the header of the message, or of the one embedded there.
    Header,
    /// HEADER.FIELDS.
    Fields(&'n [&'n [u8]]),
    /// HEADER.FIELDS.NOT.
    FieldsNot(&'n [&'n [u8]]),
    /// TEXT: what follows that header.
    Text,
    /// MIME: the part's own header.
    Mime,
}

/// Where part numbers have led.
enum Place<'m, 'a> {
    /// At a message, by its root part.
    Message(&'m Part<'a>),
    /// At a numbered part.
    Part(&'m Part<'a>),
}

impl<'a> Message<'a> {
    /// The octets of a section; nothing when there is no such section.
    // RFC 9051 section 6.4.5.1, RFC 3501 section 6.4.5.
    pub fn section(&self, path: &[u32], text: SectionText<'_>) -> Option<Cow<'a, [u8]>> {
        let place = self.place(path)?;
        if text == SectionText::Whole {
            return Some(Cow::Borrowed(match place {
                Place::Message(_) => self.octets(),
                Place::Part(part) => self.body_of(part),
            }));
        }
        if text == SectionText::Mime {
            let Place::Part(part) = place else { return None };
            return Some(Cow::Borrowed(self.header_of(part)));
        }
        let root = match place {
            Place::Message(root) => root,
            Place::Part(part) => self.embedded(part)?,
        };
        let header = self.header_of(root);
        Some(match text {
            SectionText::Fields(names) => Cow::Owned(header_fields(header, names, false)),
            SectionText::FieldsNot(names) => Cow::Owned(header_fields(header, names, true)),
            SectionText::Text => Cow::Borrowed(self.body_of(root)),
            _ => Cow::Borrowed(header),
        })
    }

    /// The part that these numbers lead to; the root for none.
    pub fn part(&self, path: &[u32]) -> Option<&Part<'a>> {
        match self.place(path)? {
            Place::Message(part) | Place::Part(part) => Some(part),
        }
    }

    /// The root of the message that a part holds.
    pub fn embedded(&self, part: &Part<'_>) -> Option<&Part<'a>> {
        if part.kind != Kind::Message {
            return None;
        }
        part.children.first().map(|&child| &self.parts()[child])
    }

    fn place(&self, path: &[u32]) -> Option<Place<'_, 'a>> {
        let mut place = Place::Message(self.root());
        for &number in path {
            let index = usize::try_from(number).ok()?.checked_sub(1)?;
            let container = match place {
                Place::Message(root) => root,
                Place::Part(part) => self.embedded(part).unwrap_or(part),
            };
            // A message that is no multipart has one part, its body; a part has none unless it holds a message.
            let is_message = matches!(place, Place::Message(_)) || !std::ptr::eq(container, place.part());
            place = Place::Part(match container.kind {
                Kind::Multipart => &self.parts()[*container.children.get(index)?],
                _ if is_message && index == 0 => container,
                _ => return None,
            });
        }
        Some(place)
    }
}

impl<'m, 'a> Place<'m, 'a> {
    fn part(&self) -> &'m Part<'a> {
        match self {
            Place::Message(part) | Place::Part(part) => part,
        }
    }
}
