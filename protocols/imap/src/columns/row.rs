//! One message as a row, from its facts. Made on blocking tasks, since making keys is work.

use super::SentDay;
use super::texts::joined;

use octroi_mime::{FactsRef, LISTED_FIELDS, Listing, MessageId, base_subject, collation_key, display_names};

/// A row.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) uid: u32,
    /// By [`LISTED_FIELDS`]; nothing where the listing is cut.
    pub(super) texts: [Option<Vec<u8>>; LISTED_FIELDS.len()],
    pub(super) sent: Option<i64>,
    pub(super) sent_day: SentDay,
    /// Collation key of the base subject.
    pub(super) subject: String,
    pub(super) is_reply: bool,
    /// Collation keys.
    pub(super) mailboxes: [String; 3],
    /// Collation keys.
    pub(super) displays: [String; 2],
    pub(super) message_id: MessageId,
    pub(super) references: Vec<MessageId>,
}

impl Row {
    /// From what the store keeps beside the message. Without it nothing is known but the uid.
    pub(super) fn new(uid: u32, facts: Option<&FactsRef<'_>>) -> Self {
        let listed = facts.and_then(|facts| Some((facts, Listing::decode(facts.listing)?)));
        let Some((facts, listing)) = listed else { return Self::unknown(uid) };
        // RFC 5322 section 3.6: a header has one subject; of several the first counts.
        let subject = base_subject(listing.fields[0].texts.first().map_or("", String::as_str));
        let texts = listing.fields.map(|field| {
            let keys: Vec<_> = field.texts.iter().map(|text| collation_key(text)).collect();
            (!field.is_cut).then(|| joined(keys.iter().map(|key| &**key)))
        });
        Self {
            uid,
            texts,
            sent: facts.sent,
            sent_day: facts.sent_day.map_or(SentDay::None, SentDay::Is),
            subject: collation_key(&subject.text).into_owned(),
            is_reply: subject.is_reply,
            mailboxes: listing.mailboxes.map(|mailbox| collation_key(&mailbox).into_owned()),
            displays: display_names(facts.envelope).map(|name| collation_key(&name).into_owned()),
            message_id: listing.message_id,
            references: listing.references,
        }
    }

    /// Nothing but the uid is known.
    pub(super) fn is_unknown(&self) -> bool {
        self.sent_day == SentDay::Unknown
    }

    fn unknown(uid: u32) -> Self {
        Self {
            uid,
            texts: Default::default(),
            sent: None,
            sent_day: SentDay::Unknown,
            subject: String::new(),
            is_reply: false,
            mailboxes: Default::default(),
            displays: Default::default(),
            message_id: 0,
            references: Vec::new(),
        }
    }
}
