//! What listing a mailbox needs of a message beside its envelope: the texts that SEARCH looks into, and what SORT and THREAD compare.
//! Part of the facts; made at delivery, read by IMAP when it searches or orders a mailbox.

use crate::addresses::{AddressEntry, read_addresses};
use crate::header::headers_of;
use crate::ids::{MessageId, all_ids, first_id};
use crate::limits::{LISTED_BYTES_MAX, LISTED_CUT_BYTES, REFERENCES_MAX};
use crate::words::decoded_header;

/// The fields that are listed, in the order of [`Listing::fields`].
pub const LISTED_FIELDS: [&str; 5] = ["Subject", "From", "To", "Cc", "Bcc"];
/// The places of those whose first mailbox is listed, in the order of [`Listing::mailboxes`]: From, To and Cc.
const MAILBOX_FIELDS: [usize; 3] = [1, 2, 3];
const ID_FIELDS: [&str; 3] = ["Message-ID", "References", "In-Reply-To"];
/// Instead of a number of texts: the field is over its limit, and what follows is the beginning of its first text.
const CUT: u8 = u8::MAX;
const MAILBOX_BYTES_MAX: usize = u8::MAX as usize;

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listing {
    /// By [`LISTED_FIELDS`].
    pub fields: [ListedField; LISTED_FIELDS.len()],
    /// The local part of the first address of `From`, `To` and `Cc` (of a group its name), empty when there is none; at most 255 octets.
    pub mailboxes: [String; MAILBOX_FIELDS.len()],
    /// The message's own id, 0 when it has none.
    pub message_id: MessageId,
    /// Its ancestors, the farthest first; at most [`REFERENCES_MAX`].
    // RFC 5256 section 3: In-Reply-To counts when References has no id.
    pub references: Vec<MessageId>,
}

/// A field as people read it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListedField {
    /// One text per time that it stands in the header, as [`decoded_header`] makes them.
    pub texts: Vec<String>,
    /// It was too long: there is one text, cut.
    pub is_cut: bool,
}

impl Listing {
    /// From a header block.
    pub(crate) fn of(header: &[u8]) -> Self {
        let mut raw: [Vec<&[u8]>; LISTED_FIELDS.len()] = Default::default();
        let mut ids: [Option<&[u8]>; ID_FIELDS.len()] = [None; ID_FIELDS.len()];
        for field in headers_of(header) {
            let named = |name: &&str| name.as_bytes().eq_ignore_ascii_case(field.name);
            if let Some(at) = LISTED_FIELDS.iter().position(named) {
                raw[at].push(field.value);
            } else if let Some(at) = ID_FIELDS.iter().position(named) {
                ids[at] = ids[at].or(Some(field.value));
            }
        }
        let [message_id, references, in_reply_to] = ids;
        let mut references = references.map(all_ids).unwrap_or_default();
        if references.is_empty() {
            references.extend(in_reply_to.map(first_id).filter(|id| *id != 0));
        }
        let mailboxes = MAILBOX_FIELDS.map(|at| raw[at].iter().find_map(|value| first_mailbox(value)).unwrap_or_default());
        let fields = raw.map(|values| ListedField::of(values.into_iter().map(decoded_header)));
        Self { fields, mailboxes, message_id: message_id.map_or(0, first_id), references }
    }

    /// Appends the form that is stored. Integers are little-endian: per field the number of texts and each with its length in two octets;
    /// the mailboxes, each with its length in one; the message id; the number of references and the references.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        for field in &self.fields {
            out.push(if field.is_cut { CUT } else { field.texts.len() as u8 });
            for text in &field.texts {
                out.extend_from_slice(&(text.len() as u16).to_le_bytes());
                out.extend_from_slice(text.as_bytes());
            }
        }
        for mailbox in &self.mailboxes {
            out.push(mailbox.len() as u8);
            out.extend_from_slice(mailbox.as_bytes());
        }
        out.extend_from_slice(&self.message_id.to_le_bytes());
        out.push(self.references.len() as u8);
        for id in &self.references {
            out.extend_from_slice(&id.to_le_bytes());
        }
    }

    /// Reads the stored form; nothing when it is damaged.
    pub fn decode(stored: &[u8]) -> Option<Self> {
        let mut rest = Rest(stored);
        let mut listing = Self::default();
        for field in &mut listing.fields {
            let count = rest.octet()?;
            field.is_cut = count == CUT;
            for _ in 0..if field.is_cut { 1 } else { count } {
                let length = u16::from_le_bytes(rest.array()?);
                field.texts.push(rest.text(length.into())?);
            }
        }
        for mailbox in &mut listing.mailboxes {
            let length = rest.octet()?;
            *mailbox = rest.text(length.into())?;
        }
        listing.message_id = MessageId::from_le_bytes(rest.array()?);
        for _ in 0..rest.octet()? {
            listing.references.push(MessageId::from_le_bytes(rest.array()?));
        }
        rest.0.is_empty().then_some(listing)
    }
}

impl ListedField {
    fn of(texts: impl Iterator<Item = String>) -> Self {
        let mut field = Self::default();
        let mut bytes = 0;
        for text in texts {
            bytes += text.len();
            field.texts.push(text);
            if bytes > LISTED_BYTES_MAX || field.texts.len() >= usize::from(CUT) {
                field.is_cut = true;
                field.texts.truncate(1);
                field.texts.iter_mut().for_each(|first| first.truncate(first.floor_char_boundary(LISTED_CUT_BYTES)));
                return field;
            }
        }
        field
    }
}

/// The mailbox by which a message is sorted, if the field has an address.
// RFC 5256 section 3: the addr-mailbox of the first address, as in the envelope.
fn first_mailbox(raw: &[u8]) -> Option<String> {
    let mut entries = Vec::new();
    read_addresses(raw, 1, &mut entries);
    let mut name = match entries.into_iter().next()? {
        AddressEntry::Mailbox { local, .. } => String::from_utf8_lossy(&local).into_owned(),
        AddressEntry::GroupStart(name) => String::from_utf8_lossy(&name).into_owned(),
        AddressEntry::GroupEnd => return None,
    };
    name.truncate(name.floor_char_boundary(MAILBOX_BYTES_MAX));
    Some(name)
}

const _: () = assert!(LISTED_BYTES_MAX <= u16::MAX as usize && REFERENCES_MAX <= u8::MAX as usize);

struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn octet(&mut self) -> Option<u8> {
        self.take(1).map(|octets| octets[0])
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn text(&mut self, length: usize) -> Option<String> {
        std::str::from_utf8(self.take(length)?).ok().map(str::to_owned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn texts(listing: &Listing, at: usize) -> Vec<&str> {
        listing.fields[at].texts.iter().map(String::as_str).collect()
    }

    #[test]
    fn fields_are_listed_as_they_are_searched() {
        let listing = Listing::of(
            b"SUBJECT: =?utf-8?q?caf=C3=A9?=\r\n et  th\xe9\r\nFrom: \"L. Martin\" <lea@x.test>\r\nfrom : two@y.test\r\n\
              To: Team: a@x.test, b@x.test;\r\nCc:\r\nCc: <@route.test:c@x.test>\r\nMessage-ID: <1@x>\r\nMessage-ID: <2@x>\r\n\
              References: <\"0\"@x> no\r\n <3@x>\r\nIn-Reply-To: <9@x>\r\n\r\nTo: body@x.test",
        );
        assert_eq!(texts(&listing, 0), ["café et  thé"]);
        assert_eq!(texts(&listing, 1), ["\"L. Martin\" <lea@x.test>", "two@y.test"]);
        assert_eq!(texts(&listing, 2), ["Team: a@x.test, b@x.test;"]);
        assert_eq!(texts(&listing, 3), ["", "<@route.test:c@x.test>"]);
        assert_eq!(texts(&listing, 4), Vec::<&str>::new());
        assert_eq!(listing.mailboxes, ["lea", "Team", "c"]);
        assert_eq!(listing.message_id, first_id(b"<1@x>"));
        assert_eq!(listing.references, all_ids(b"<0@x> <3@x>"));
        assert_eq!(Listing::of(b"References: none\r\nIn-Reply-To: you <7@x> <8@x>").references, all_ids(b"<7@x>"));
    }

    #[test]
    fn what_is_over_its_limit_is_cut() {
        let long = format!("To: {}\r\nSubject: {}\r\nFrom: {}", "a@b.test, ".repeat(900), "é".repeat(5_000), "a".repeat(8_000));
        let listing = Listing::of(long.as_bytes());
        assert!(listing.fields[0].is_cut && listing.fields[2].is_cut && !listing.fields[1].is_cut);
        assert_eq!(listing.fields[0].texts, ["é".repeat(512)]);
        assert_eq!(listing.mailboxes[0].len(), MAILBOX_BYTES_MAX);
        let many = Listing::of("Cc: x\r\n".repeat(300).as_bytes());
        assert!(many.fields[3].is_cut && many.fields[3].texts.len() == 1);
    }

    proptest! {
        #[test]
        fn what_is_stored_reads_back_and_damage_is_seen(
            header in "((Subject|From|To|cc|Bcc|References|Message-ID|X): ?(<a@b>|=\\?utf-8\\?q\\?=E9\\?=|é|, |;|g:|\r\n )*\r\n){0,8}",
        ) {
            let listing = Listing::of(header.as_bytes());
            let mut stored = Vec::new();
            listing.encode(&mut stored);
            prop_assert_eq!(Listing::decode(&stored), Some(listing));
            for cut in 0..stored.len() {
                prop_assert_eq!(Listing::decode(&stored[..cut]), None);
            }
            stored.push(0);
            prop_assert_eq!(Listing::decode(&stored), None);
        }

        #[test]
        fn no_octets_panic(stored in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = Listing::decode(&stored);
        }
    }
}
