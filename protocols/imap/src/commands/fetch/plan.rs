//! What a FETCH asks for, decoded once before any message is touched. Called by FETCH only.

use crate::state::By;
use crate::wire::fetch::{binary_label, label_of};
use crate::wire::grammar::messages::Item as Asked;
use imap_codec::imap_types::core::{AString, Vec1};
use imap_codec::imap_types::fetch::{MessageDataItemName, Part, Section};
use octroi_gate::DESCRIBED_BYTES_MAX;
use octroi_mime::PREVIEW_BYTES_MAX;
use octroi_model::Item;
use std::num::NonZeroU32;

/// What to answer for each message.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) items: Vec<Wanted>,
    /// `\Seen` is to be set.
    pub(super) sets_seen: bool,
    /// Flags are among the items.
    pub(super) tells_flags: bool,
    /// Modseqs are, which [`Plan::new`] does not see.
    pub(super) tells_modseq: bool,
    needs: Needs,
}

/// One item.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    Uid,
    Flags,
    InternalDate,
    Size,
    Envelope,
    /// BODY without a section.
    Body,
    BodyStructure,
    SaveDate,
    EmailId,
    ThreadId,
    Preview,
    Octets(Octets),
    Binary(Binary),
}

/// A part without its transfer encoding.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Binary {
    /// Its name in the response.
    pub(super) label: Vec<u8>,
    pub(super) path: Vec<u32>,
    pub(super) of: OfBinary,
}

/// What of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum OfBinary {
    /// How many octets there are.
    Size,
    /// The octets; with a partial, from which one and how many.
    Octets(Option<(u32, u32)>),
}

/// An item that is octets of the message.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Octets {
    /// Its name in the response.
    pub(super) label: Vec<u8>,
    pub(super) what: What,
    /// From which octet, and how many.
    pub(super) partial: Option<(u32, u32)>,
}

/// Which octets.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum What {
    /// All.
    Message,
    /// What follows the header.
    Text,
    /// The header.
    Header,
    /// The header's fields of these names, or all but these.
    Fields { names: Vec<Vec<u8>>, not: bool },
    /// A section of a numbered part.
    Part { path: Vec<u32>, of: OfPart },
}

/// Which section of a part.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum OfPart {
    Body,
    Header,
    Fields { names: Vec<Vec<u8>>, not: bool },
    Text,
    Mime,
}

/// What must be read.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Needs {
    pub(super) facts: bool,
    pub(super) header: bool,
    /// As much as a preview is made of.
    pub(super) beginning: bool,
    pub(super) whole: bool,
}

impl Plan {
    /// From the items of a command.
    pub(super) fn new(names: &[Asked], by: By) -> Self {
        let mut plan = Self::default();
        // RFC 9051 section 6.4.9: the answer to a UID command tells the uid, asked for or not.
        if by == By::Uid && !names.contains(&Asked::Known(MessageDataItemName::Uid)) {
            plan.items.push(Wanted::Uid);
        }
        for name in names {
            plan.add(name);
        }
        plan
    }

    fn add(&mut self, name: &Asked) {
        let wanted = match name {
            Asked::Known(name) => self.known(name),
            Asked::SaveDate => Wanted::SaveDate,
            Asked::EmailId => Wanted::EmailId,
            Asked::ThreadId => Wanted::ThreadId,
            Asked::Preview => Wanted::Preview,
        };
        self.tells_flags |= wanted == Wanted::Flags;
        match &wanted {
            Wanted::Envelope | Wanted::Body | Wanted::BodyStructure => self.needs.facts = true,
            Wanted::Octets(Octets { what: What::Header | What::Fields { .. }, .. }) | Wanted::ThreadId => self.needs.header = true,
            Wanted::Preview => self.needs.beginning = true,
            Wanted::Octets(_) | Wanted::Binary(_) => self.needs.whole = true,
            _ => {}
        }
        self.items.push(wanted);
    }

    fn known(&mut self, name: &MessageDataItemName<'_>) -> Wanted {
        // RFC 3501 section 6.4.5: RFC822 and RFC822.TEXT set \Seen, RFC822.HEADER does not. RFC 3516 section 4.1: nor does BINARY.SIZE.
        self.sets_seen |= matches!(
            name,
            MessageDataItemName::Rfc822
                | MessageDataItemName::Rfc822Text
                | MessageDataItemName::BodyExt { peek: false, .. }
                | MessageDataItemName::Binary { peek: false, .. }
        );
        match name {
            MessageDataItemName::Uid => Wanted::Uid,
            MessageDataItemName::Flags => Wanted::Flags,
            MessageDataItemName::InternalDate => Wanted::InternalDate,
            MessageDataItemName::Rfc822Size => Wanted::Size,
            MessageDataItemName::Envelope => Wanted::Envelope,
            MessageDataItemName::Body => Wanted::Body,
            MessageDataItemName::BodyStructure => Wanted::BodyStructure,
            MessageDataItemName::Rfc822 => octets("RFC822", What::Message),
            MessageDataItemName::Rfc822Header => octets("RFC822.HEADER", What::Header),
            MessageDataItemName::Rfc822Text => octets("RFC822.TEXT", What::Text),
            MessageDataItemName::BodyExt { section, partial, peek: _ } => Wanted::Octets(Octets {
                label: label_of(section.as_ref()),
                what: what_of(section.as_ref()),
                partial: partial.map(|(from, count)| (from, count.get())),
            }),
            MessageDataItemName::Binary { section, partial, peek: _ } => {
                binary("BINARY", section, OfBinary::Octets(partial.map(|(from, count)| (from, count.get()))))
            }
            MessageDataItemName::BinarySize { section } => binary("BINARY.SIZE", section, OfBinary::Size),
        }
    }

    /// What must be read of a message.
    pub(super) fn needs(&self, item: &Item) -> Needs {
        let whole = self.needs.whole || (self.needs_structure() && item.bytes() > DESCRIBED_BYTES_MAX);
        // A header is a part of the whole, and so is the beginning.
        Needs { whole, header: self.needs.header && !whole, beginning: self.needs.beginning && !whole, ..self.needs }
    }

    /// About how many octets that is.
    pub(super) fn cost(&self, item: &Item) -> u64 {
        let needs = self.needs(item);
        let of = |needed: bool, bytes: u64| if needed { bytes } else { 0 };
        of(needs.facts, u64::from(item.content.facts_stored))
            + of(needs.header, u64::from(item.content.header_bytes))
            + of(needs.beginning, item.bytes().min(PREVIEW_BYTES_MAX as u64))
            + of(needs.whole, item.bytes())
    }

    /// Can a large message be sent piece by piece? Not when its parts must be known.
    pub(super) fn streams(&self) -> bool {
        let is_run = |wanted: &Wanted| !matches!(wanted, Wanted::Octets(Octets { what: What::Part { .. }, .. }) | Wanted::Binary(_));
        !self.needs_structure() && self.items.iter().all(is_run)
    }

    /// Is a preview asked for?
    pub(super) fn previews(&self) -> bool {
        self.needs.beginning
    }

    fn needs_structure(&self) -> bool {
        self.items.iter().any(|wanted| matches!(wanted, Wanted::Body | Wanted::BodyStructure))
    }
}

fn octets(label: &str, what: What) -> Wanted {
    Wanted::Octets(Octets { label: label.into(), what, partial: None })
}

fn binary(word: &str, section: &[NonZeroU32], of: OfBinary) -> Wanted {
    Wanted::Binary(Binary { label: binary_label(word, section), path: section.iter().map(|number| number.get()).collect(), of })
}

/// Which octets a section is.
pub(super) fn what_of(section: Option<&Section<'_>>) -> What {
    match section {
        None => What::Message,
        Some(Section::Header(None)) => What::Header,
        Some(Section::Text(None)) => What::Text,
        Some(Section::HeaderFields(None, names)) => What::Fields { names: field_names(names), not: false },
        Some(Section::HeaderFieldsNot(None, names)) => What::Fields { names: field_names(names), not: true },
        Some(Section::Part(part)) => part_section(part, OfPart::Body),
        Some(Section::Header(Some(part))) => part_section(part, OfPart::Header),
        Some(Section::Text(Some(part))) => part_section(part, OfPart::Text),
        Some(Section::Mime(part)) => part_section(part, OfPart::Mime),
        Some(Section::HeaderFields(Some(part), names)) => part_section(part, OfPart::Fields { names: field_names(names), not: false }),
        Some(Section::HeaderFieldsNot(Some(part), names)) => part_section(part, OfPart::Fields { names: field_names(names), not: true }),
    }
}

fn part_section(part: &Part, of: OfPart) -> What {
    What::Part { path: part.0.as_ref().iter().map(|number| number.get()).collect(), of }
}

fn field_names(names: &Vec1<AString<'_>>) -> Vec<Vec<u8>> {
    names.as_ref().iter().map(|name| name.as_ref().to_vec()).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::wire::grammar::messages::OnMessages;
    use crate::wire::grammar::messages::tests::read;

    fn plan(items: &str) -> Plan {
        let Ok(OnMessages::Fetch { items, .. }) = read(&format!("UID FETCH 1 {items}")) else { panic!("no FETCH") };
        Plan::new(&items, By::Uid)
    }

    #[test]
    fn only_what_is_needed_is_read() {
        let needs = |items: &str| plan(items).needs;
        assert_eq!(needs("FAST"), Needs::default());
        assert_eq!(needs("(FLAGS UID RFC822.SIZE INTERNALDATE)"), Needs::default());
        assert_eq!(needs("FULL"), Needs { facts: true, ..Needs::default() });
        assert_eq!(needs("(BODY.PEEK[HEADER.FIELDS (To)] RFC822.HEADER)"), Needs { header: true, ..Needs::default() });
        assert_eq!(needs("(SAVEDATE EMAILID)"), Needs::default());
        assert_eq!(needs("THREADID"), Needs { header: true, ..Needs::default() });
        assert_eq!(needs("PREVIEW (LAZY)"), Needs { beginning: true, ..Needs::default() });
        assert_eq!(needs("BINARY.SIZE[1]"), Needs { whole: true, ..Needs::default() });
        assert_eq!(needs("BODY[1.MIME]"), Needs { whole: true, ..Needs::default() });
    }

    #[test]
    fn seen_is_set_by_what_reads() {
        for items in ["BODY[]", "BODY[HEADER]", "BODY[1]<0.5>", "BINARY[1]", "RFC822", "RFC822.TEXT", "(FLAGS BODY.PEEK[] BODY[1])"] {
            assert!(plan(items).sets_seen, "{items}");
        }
        for items in [
            "ALL",
            "FULL",
            "BODY",
            "BODYSTRUCTURE",
            "BODY.PEEK[]",
            "RFC822.HEADER",
            "BINARY.SIZE[1]",
            "(BINARY.PEEK[] BODY.PEEK[1] BODY.PEEK[TEXT])",
        ] {
            assert!(!plan(items).sets_seen, "{items}");
        }
    }

    #[test]
    fn the_uid_comes_with_uid_fetch_once() {
        assert_eq!(plan("FLAGS").items, [Wanted::Uid, Wanted::Flags]);
        assert_eq!(plan("(FLAGS UID)").items, [Wanted::Flags, Wanted::Uid]);
    }

    #[test]
    fn large_messages_are_streamed_unless_parts_must_be_known() {
        assert!(plan("(BODY[] BODY[HEADER] RFC822.TEXT)").streams());
        assert!(!plan("(BODY[] BODYSTRUCTURE)").streams());
        assert!(plan("(BODY[] PREVIEW THREADID)").streams());
        assert!(!plan("BODY[1]").streams());
        assert!(!plan("BINARY[]").streams());
    }
}
