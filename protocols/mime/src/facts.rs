//! What is derived from a message once, at delivery, and kept beside it ready for the wire. Called by whoever delivers;
//! the encoded form is read by IMAP FETCH and SEARCH.

use crate::bodystructure::{Form, write_structure};
use crate::date::{SentDate, sent_date};
use crate::envelope::write_envelope;
use crate::limits::ADDRESSES_MAX;
use crate::listing::Listing;
use crate::message::{Kind, Message};

/// What is derived from a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// IMAP's ENVELOPE as on the wire, in its brackets.
    pub envelope: Vec<u8>,
    /// IMAP's BODYSTRUCTURE as on the wire, in its brackets.
    pub bodystructure: Vec<u8>,
    /// IMAP's BODY (without a section) as on the wire, in its brackets.
    pub body: Vec<u8>,
    /// The `Date:` field in seconds since 1970.
    pub sent: Option<i64>,
    /// The calendar day written in `Date:`, in days since 1970-01-01 whatever the zone; for SENTON and its like.
    pub sent_day: Option<i32>,
    /// Octets of the header, the empty line included.
    pub header_bytes: u64,
    /// What searching and ordering need beside that.
    pub listing: Listing,
}

/// Facts in their encoded form, borrowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FactsRef<'a> {
    /// See [`Facts::envelope`].
    pub envelope: &'a [u8],
    /// See [`Facts::bodystructure`].
    pub bodystructure: &'a [u8],
    /// See [`Facts::body`].
    pub body: &'a [u8],
    /// See [`Facts::sent`].
    pub sent: Option<i64>,
    /// See [`Facts::sent_day`].
    pub sent_day: Option<i32>,
    /// See [`Facts::header_bytes`].
    pub header_bytes: u64,
    /// See [`Facts::listing`]; [`Listing::decode`] reads it.
    pub listing: &'a [u8],
}

/// Derives the facts of any octets.
pub fn facts(octets: &[u8]) -> Facts {
    Message::parse(octets).facts()
}

/// What the store keeps beside a message: its facts as [`Facts::encode`] makes them, and the length of its header.
pub fn describe(octets: &[u8]) -> (Vec<u8>, usize) {
    let facts = facts(octets);
    (facts.encode(), usize::try_from(facts.header_bytes).unwrap_or(octets.len()))
}

impl Message<'_> {
    /// Derives the facts of this message.
    pub fn facts(&self) -> Facts {
        let mut addresses_left = ADDRESSES_MAX;
        let mut envelopes: Vec<Option<Vec<u8>>> = vec![None; self.parts().len()];
        let embedded = self.parts().iter().filter(|part| part.kind() == Kind::Message).filter_map(|part| part.children().first());
        for &root in std::iter::once(&0).chain(embedded) {
            let mut text = Vec::new();
            write_envelope(&mut text, self.parts()[root].headers(), &mut addresses_left);
            envelopes[root] = Some(text);
        }
        let written = |form| {
            let mut text = Vec::new();
            write_structure(&mut text, self, form, &envelopes);
            text
        };
        let (body, bodystructure) = (written(Form::Short), written(Form::Extended));
        let sent = self.header("Date").and_then(sent_date);
        Facts {
            envelope: envelopes[0].take().unwrap_or_default(),
            bodystructure,
            body,
            sent: sent.map(|date: SentDate| date.unix),
            sent_day: sent.map(|date: SentDate| date.day),
            header_bytes: self.header_bytes() as u64,
            listing: Listing::of(&self.octets()[..self.header_bytes()]),
        }
    }
}

/// First octet of the encoded form; another one is another form.
const VERSION: u8 = 2;
/// The form before: the same without a listing and its length.
const VERSION_WITHOUT_LISTING: u8 = 1;
/// Version, whether there is a date, seconds, day, octets of the header, and the lengths of the three texts and of the listing.
const PREFIX_BYTES: usize = 1 + 1 + 8 + 4 + 8 + 4 * 4;

impl Facts {
    /// The form that is stored beside a message: a prefix of fixed length, then the three texts and the listing. Integers are little-endian.
    pub fn encode(&self) -> Vec<u8> {
        let mut listing = Vec::new();
        self.listing.encode(&mut listing);
        let texts = [&self.envelope, &self.bodystructure, &self.body, &listing];
        let mut out = Vec::with_capacity(PREFIX_BYTES + texts.iter().map(|text| text.len()).sum::<usize>());
        out.push(VERSION);
        out.push(u8::from(self.sent.is_some()));
        out.extend_from_slice(&self.sent.unwrap_or_default().to_le_bytes());
        out.extend_from_slice(&self.sent_day.unwrap_or_default().to_le_bytes());
        out.extend_from_slice(&self.header_bytes.to_le_bytes());
        for text in texts {
            // The limits of the parsers keep every text far below 4 GiB.
            out.extend_from_slice(&(text.len() as u32).to_le_bytes());
        }
        for text in texts {
            out.extend_from_slice(text);
        }
        out
    }

    /// Reads the stored form; nothing when it is of another version or damaged. The listing is empty, which is none, when it was stored
    /// before there was one.
    pub fn decode(stored: &[u8]) -> Option<FactsRef<'_>> {
        let has_listing = *stored.first()? != VERSION_WITHOUT_LISTING;
        let (prefix, texts) = stored.split_at_checked(if has_listing { PREFIX_BYTES } else { PREFIX_BYTES - 4 })?;
        let (&[version, has_date], prefix) = prefix.split_first_chunk::<2>()?;
        let (&sent, prefix) = prefix.split_first_chunk::<8>()?;
        let (&day, prefix) = prefix.split_first_chunk::<4>()?;
        let (&header_bytes, prefix) = prefix.split_first_chunk::<8>()?;
        if (has_listing && version != VERSION) || has_date > 1 {
            return None;
        }
        let mut rest = texts;
        let mut lengths = prefix.chunks_exact(4);
        let mut text = || -> Option<&[u8]> {
            let length = u32::from_le_bytes(lengths.next()?.try_into().ok()?);
            let (text, after) = rest.split_at_checked(usize::try_from(length).ok()?)?;
            rest = after;
            Some(text)
        };
        let (envelope, bodystructure, body) = (text()?, text()?, text()?);
        let listing = if has_listing { text()? } else { &[] };
        if !rest.is_empty() {
            return None;
        }
        let dated = has_date == 1;
        Some(FactsRef {
            envelope,
            bodystructure,
            body,
            sent: dated.then(|| i64::from_le_bytes(sent)),
            sent_day: dated.then(|| i32::from_le_bytes(day)),
            header_bytes: u64::from_le_bytes(header_bytes),
            listing,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_reads_back_and_damage_is_seen() {
        for octets in [&b""[..], b"Date: 1 Jan 2000 00:00:00 +0100\r\nSubject: x\r\n\r\nbody"] {
            let facts = facts(octets);
            let stored = facts.encode();
            let read = Facts::decode(&stored).unwrap();
            assert_eq!((read.envelope, read.bodystructure, read.body), (&facts.envelope[..], &facts.bodystructure[..], &facts.body[..]));
            assert_eq!(Listing::decode(read.listing).as_ref(), Some(&facts.listing));
            assert_eq!((read.sent, read.sent_day, read.header_bytes), (facts.sent, facts.sent_day, facts.header_bytes));
            for cut in 0..stored.len() {
                assert_eq!(Facts::decode(&stored[..cut]), None);
            }
            let longer = [&stored[..], b"x"].concat();
            assert_eq!(Facts::decode(&longer), None);
            // What was stored before there was a listing still has the rest.
            let lengths = PREFIX_BYTES - 4..PREFIX_BYTES;
            let listed = stored.len() - read.listing.len();
            let old = [&[VERSION_WITHOUT_LISTING], &stored[1..lengths.start], &stored[lengths.end..listed]].concat();
            assert_eq!(Facts::decode(&old), Some(FactsRef { listing: &[], ..read }));
            assert_eq!(Listing::decode(&[]), None);
            for cut in 0..old.len() {
                assert_eq!(Facts::decode(&old[..cut]), None);
            }
            let mut other = stored.clone();
            other[0] = VERSION + 1;
            assert_eq!(Facts::decode(&other), None);
        }
        assert_eq!(facts(b"Date: 1 Jan 2000 00:00:00 +0100\r\n\r\n").sent, Some(946_681_200));
    }
}
