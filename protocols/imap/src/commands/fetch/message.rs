//! One message of a FETCH response, from what was read of it. Called by FETCH only.

use super::plan::{Binary, Octets, OfBinary, OfPart, Plan, Wanted, What};
use crate::object_id::{email_id, thread_id};
use crate::state::Selected;
use crate::wire::fetch::Writer;
use crate::wire::grammar::scan;
use octroi_mime::{BinarySection, Facts, Message, PieceDecoder, SectionText, UnknownEncoding, header_fields, preview, thread_root};
use octroi_model::Item;
use std::borrow::Cow;

/// Encoded octets that are decoded at a time.
const DECODED_BYTES: usize = 64 * 1024;

/// What was read of a message, as its plan needs it.
#[derive(Debug, Default)]
pub(super) struct Contents {
    pub(super) facts: Option<Vec<u8>>,
    pub(super) header: Option<Vec<u8>>,
    /// What a preview is made of.
    pub(super) beginning: Option<Vec<u8>>,
    pub(super) whole: Option<Vec<u8>>,
}

impl Contents {
    /// Facts were read, but they are of another version than ours: they must be derived again.
    pub(super) fn needs_facts(&self) -> bool {
        self.facts.as_deref().is_some_and(|stored| Facts::decode(stored).is_none())
    }
}

/// Append the response for one message. `newly_seen`: its flags are told although nobody asked. A part in an encoding that nobody knows is
/// left out.
pub(super) fn write(
    out: &mut Vec<u8>,
    selected: &Selected,
    position: usize,
    plan: &Plan,
    contents: &Contents,
    newly_seen: bool,
) -> Result<(), UnknownEncoding> {
    let Some(item) = selected.sight.item(position) else { return Ok(()) };
    let mut done = Ok(());
    let source = Source::new(item, contents);
    let mut writer = selected.begin_response(out, position, item.uid);
    for wanted in &plan.items {
        match wanted {
            Wanted::Octets(octets) => {
                let section = source.octets(&octets.what);
                let cut = section.as_deref().map(|section| cut(section, octets.partial));
                writer.octets(&octets.label, octets.partial.map(|(from, _)| from), cut);
            }
            Wanted::Binary(binary) => done = source.write_binary(&mut writer, binary).and(done),
            other => write_value(&mut writer, selected, item, other, &source),
        }
    }
    finish(writer, selected, item, plan, newly_seen);
    done
}

/// An item that is no octets of the message.
pub(super) fn write_value(writer: &mut Writer<'_>, selected: &Selected, item: &Item, wanted: &Wanted, source: &Source<'_>) {
    match wanted {
        Wanted::Uid => writer.uid(item.uid),
        Wanted::Flags => selected.write_flags_item(writer, item),
        Wanted::InternalDate => writer.internal_date(item.date),
        Wanted::Size => writer.size(item.bytes()),
        Wanted::Envelope | Wanted::Body | Wanted::BodyStructure => source.write_fact(writer, wanted),
        Wanted::SaveDate => writer.save_date(item.saved),
        Wanted::EmailId => writer.object_id("EMAILID", Some(&email_id(&item.hash))),
        Wanted::ThreadId => writer.object_id("THREADID", thread_id(source.header.and_then(thread_root)).as_deref()),
        // RFC 8970 section 3.1: text in UTF-8, empty when the message has none.
        Wanted::Preview => writer.prepared("PREVIEW", scan::string(&preview(source.beginning)).as_bytes()),
        Wanted::Octets(_) | Wanted::Binary(_) => {}
    }
}

/// The end of a message's response.
pub(super) fn finish(mut writer: Writer<'_>, selected: &Selected, item: &Item, plan: &Plan, newly_seen: bool) {
    // RFC 9051 section 6.4.5: flags that the FETCH itself changed are part of its answer.
    if newly_seen && !plan.tells_flags {
        selected.write_flags_item(&mut writer, item);
    }
    // RFC 7162 section 3.1: it goes with flags once somebody has asked for it.
    if plan.tells_modseq || (selected.enabled.condstore && (plan.tells_flags || newly_seen)) {
        writer.modseq(item.modseq);
    }
    writer.end();
}

/// The octets that a partial asks for.
// RFC 9051 section 6.4.5: beyond the end there is an empty string.
pub(super) fn cut(section: &[u8], partial: Option<(u32, u32)>) -> &[u8] {
    let Some((from, count)) = partial else { return section };
    let from = section.len().min(from as usize);
    &section[from..section.len().min(from.saturating_add(count as usize))]
}

/// A message that was read, taken apart when a part of it is asked for.
pub(super) struct Source<'a> {
    header: Option<&'a [u8]>,
    text: Option<&'a [u8]>,
    /// At least as much as a preview is made of, when one is asked for.
    beginning: &'a [u8],
    whole: Option<&'a [u8]>,
    message: std::cell::OnceCell<Message<'a>>,
    facts: Option<Cow<'a, [u8]>>,
}

impl<'a> Source<'a> {
    pub(super) fn new(item: &Item, contents: &'a Contents) -> Self {
        let whole = contents.whole.as_deref();
        let split = whole.map(|octets| octets.split_at(octets.len().min(item.content.header_bytes as usize)));
        let facts = match whole {
            // The store derives the facts of a very large message from its beginning, so their sizes are too small.
            Some(octets) if contents.facts.is_some() && (item.bytes() > octroi_gate::DESCRIBED_BYTES_MAX || contents.needs_facts()) => {
                Some(Cow::Owned(octroi_mime::facts(octets).encode()))
            }
            _ => contents.facts.as_deref().map(Cow::Borrowed),
        };
        Self {
            header: contents.header.as_deref().or(split.map(|(header, _)| header)),
            text: split.map(|(_, text)| text),
            beginning: whole.or(contents.beginning.as_deref()).unwrap_or_default(),
            whole,
            message: std::cell::OnceCell::new(),
            facts,
        }
    }

    /// The octets of a section; nothing when there is no such section.
    pub(super) fn octets(&self, what: &What) -> Option<Cow<'a, [u8]>> {
        match what {
            What::Message => self.whole.map(Cow::Borrowed),
            What::Text => self.text.map(Cow::Borrowed),
            What::Header => self.header.map(Cow::Borrowed),
            What::Fields { names, not } => Some(Cow::Owned(header_fields(self.header?, names, *not))),
            What::Part { path, of } => {
                let whole = self.whole?;
                let message = self.parsed(whole);
                let names: Vec<&[u8]> = match of {
                    OfPart::Fields { names, .. } => names.iter().map(Vec::as_slice).collect(),
                    _ => Vec::new(),
                };
                let text = match of {
                    OfPart::Body => SectionText::Whole,
                    OfPart::Header => SectionText::Header,
                    OfPart::Text => SectionText::Text,
                    OfPart::Mime => SectionText::Mime,
                    OfPart::Fields { not: false, .. } => SectionText::Fields(&names),
                    OfPart::Fields { not: true, .. } => SectionText::FieldsNot(&names),
                };
                message.section(path, text)
            }
        }
    }

    fn parsed(&self, whole: &'a [u8]) -> &Message<'a> {
        self.message.get_or_init(|| Message::parse(whole))
    }

    /// A part without its transfer encoding, or how large it is; NIL and 0 where there is no such part.
    // RFC 3516 section 4.3: unless its encoding is known, it fails.
    fn write_binary(&self, writer: &mut Writer<'_>, binary: &Binary) -> Result<(), UnknownEncoding> {
        let Some(whole) = self.whole else { return Ok(()) };
        let message = self.parsed(whole);
        let section = message.binary(&binary.path).transpose()?;
        match (&binary.of, section) {
            (OfBinary::Size, section) => {
                writer.binary_size(&binary.label, section.map_or(0, |section| message.binary_bytes(&section)));
            }
            (OfBinary::Octets(partial), None) => writer.octets(&binary.label, partial.map(|(from, _)| from), None),
            (OfBinary::Octets(partial), Some(section)) => {
                writer.binary(&binary.label, partial.map(|(from, _)| from), |out| decode(out, whole, &section, *partial));
            }
        }
        Ok(())
    }

    /// ENVELOPE, BODY or BODYSTRUCTURE, made at delivery.
    fn write_fact(&self, writer: &mut Writer<'_>, wanted: &Wanted) {
        let made;
        let facts = if let Some(facts) = self.facts.as_deref().and_then(Facts::decode) {
            facts
        } else {
            // A message that is streamed has its header here, which is enough for the envelope.
            made = octroi_mime::facts(self.whole.or(self.header).unwrap_or_default()).encode();
            let Some(facts) = Facts::decode(&made) else { return };
            facts
        };
        match wanted {
            Wanted::Envelope => writer.prepared("ENVELOPE", facts.envelope),
            Wanted::Body => writer.prepared("BODY", facts.body),
            _ => writer.prepared("BODYSTRUCTURE", facts.bodystructure),
        }
    }
}

/// Append what a section decodes to; no more of it than the partial asks for is ever held.
fn decode(out: &mut Vec<u8>, whole: &[u8], section: &BinarySection, partial: Option<(u32, u32)>) {
    let start = out.len();
    let (mut skip, most) = partial.map_or((0, usize::MAX), |(from, count)| (from as usize, count as usize));
    let mut decoder = PieceDecoder::new(section.encoding);
    let mut trim = |out: &mut Vec<u8>, fresh: usize| {
        let skipped = skip.min(out.len() - fresh);
        skip -= skipped;
        out.drain(fresh..fresh + skipped);
        out.truncate(start.saturating_add(most).min(out.len()));
        out.len() - start < most
    };
    for piece in whole.get(section.range.clone()).unwrap_or_default().chunks(DECODED_BYTES) {
        let fresh = out.len();
        decoder.push(piece, out);
        if !trim(out, fresh) {
            return;
        }
    }
    let fresh = out.len();
    decoder.finish(out);
    trim(out, fresh);
}

/// Octets to send of a message that is not read whole.
pub(super) fn run_of(item: &Item, octets: &Octets) -> Option<(u64, u64)> {
    let header = u64::from(item.content.header_bytes);
    let (start, length) = match octets.what {
        What::Message => (0, item.bytes()),
        What::Text => (header, item.bytes() - header),
        What::Header => (0, header),
        What::Fields { .. } | What::Part { .. } => return None,
    };
    Some(match octets.partial {
        None => (start, length),
        Some((from, count)) => {
            let from = length.min(u64::from(from));
            (start + from, (length - from).min(u64::from(count)))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use octroi_model::{ContentRef, Flags, Hash, ModSeq, Uid, UnixTime};
    use proptest::prelude::*;

    const TEXT: &[u8] = b"To: a@b.example\r\nSubject: x\r\n\r\nHello\r\nthere\r\n";

    fn item() -> Item {
        let content = ContentRef { header_bytes: 31, body_bytes: TEXT.len() as u64 - 31, ..ContentRef::default() };
        Item {
            uid: Uid(1),
            modseq: ModSeq(1),
            flags: Flags::NONE,
            date: UnixTime(0),
            saved: UnixTime(0),
            name: None,
            media_type: None,
            properties: None,
            content,
            hash: Hash::default(),
        }
    }

    #[test]
    fn sections_are_cut_from_the_whole() {
        let contents = Contents { whole: Some(TEXT.to_vec()), ..Contents::default() };
        let source = Source::new(&item(), &contents);
        let text = |what: &What| source.octets(what).map(|octets| String::from_utf8_lossy(&octets).into_owned());
        let part = |path: &[u32], of| What::Part { path: path.to_vec(), of };
        assert_eq!(text(&What::Header).as_deref(), Some("To: a@b.example\r\nSubject: x\r\n\r\n"));
        assert_eq!(text(&What::Text).as_deref(), Some("Hello\r\nthere\r\n"));
        let fields = |not| What::Fields { names: vec![b"TO".to_vec()], not };
        assert_eq!(text(&fields(false)).as_deref(), Some("To: a@b.example\r\n\r\n"));
        assert_eq!(text(&fields(true)).as_deref(), Some("Subject: x\r\n\r\n"));
        assert_eq!(text(&part(&[1], OfPart::Body)).as_deref(), Some("Hello\r\nthere\r\n"));
        assert_eq!(text(&part(&[2], OfPart::Body)), None);
        assert_eq!(text(&part(&[1], OfPart::Header)), None, "not a message");
    }

    #[test]
    fn a_header_alone_serves_its_fields() {
        let contents = Contents { header: Some(TEXT[..31].to_vec()), ..Contents::default() };
        let source = Source::new(&item(), &contents);
        assert_eq!(source.octets(&What::Header).as_deref(), Some(&TEXT[..31]));
    }

    #[test]
    fn parts_come_decoded() {
        let octets = b"Content-Transfer-Encoding: base64\r\n\r\nYWIAY2Q=\r\n";
        let contents = Contents { whole: Some(octets.to_vec()), ..Contents::default() };
        let source = Source::new(&item(), &contents);
        let told = |path: &[u32], of| {
            let mut out = Vec::new();
            let binary = Binary { label: b"BINARY[1]".to_vec(), path: path.to_vec(), of };
            source.write_binary(&mut Writer::begin(&mut out, 1), &binary).map(|()| String::from_utf8_lossy(&out).into_owned())
        };
        let octets = |partial| told(&[1], OfBinary::Octets(partial)).unwrap_or_default();
        assert_eq!(octets(None), "* 1 FETCH (BINARY[1] ~{5}\r\nab\0cd");
        assert_eq!(octets(Some((3, 9))), "* 1 FETCH (BINARY[1]<3> {2}\r\ncd");
        assert_eq!(octets(Some((0, 2))), "* 1 FETCH (BINARY[1]<0> {2}\r\nab");
        assert_eq!(octets(Some((9, 2))), "* 1 FETCH (BINARY[1]<9> {0}\r\n");
        assert_eq!(told(&[1], OfBinary::Size).unwrap_or_default(), "* 1 FETCH (BINARY[1] 5");
        assert_eq!(told(&[2], OfBinary::Size).unwrap_or_default(), "* 1 FETCH (BINARY[1] 0");
        assert_eq!(told(&[2], OfBinary::Octets(None)).unwrap_or_default(), "* 1 FETCH (BINARY[1] NIL");
        let contents = Contents { whole: Some(b"Content-Transfer-Encoding: x-uuencode\r\n\r\n".to_vec()), ..Contents::default() };
        let binary = Binary { label: Vec::new(), path: vec![1], of: OfBinary::Size };
        assert!(Source::new(&item(), &contents).write_binary(&mut Writer::begin(&mut Vec::new(), 1), &binary).is_err());
    }

    proptest! {
        /// A partial is what would have been cut from all that is decoded.
        #[test]
        fn partials_of_decoded_parts_are_cut(body in proptest::collection::vec(any::<u8>(), 0..200), partial: (u8, u8)) {
            let section = BinarySection { range: 0..body.len(), encoding: octroi_mime::TransferEncoding::QuotedPrintable };
            let (mut all, mut some) = (Vec::new(), b"x".to_vec());
            decode(&mut all, &body, &section, None);
            let partial = (u32::from(partial.0), u32::from(partial.1) + 1);
            decode(&mut some, &body, &section, Some(partial));
            prop_assert_eq!(&some[1..], cut(&all, Some(partial)));
        }

        /// What is streamed is what would have been cut from the whole.
        #[test]
        fn runs_and_cuts_agree(which in 0usize..3, partial in proptest::option::of((0u32..60, 1u32..60))) {
            let what = [What::Message, What::Text, What::Header].into_iter().nth(which).unwrap_or(What::Text);
            let contents = Contents { whole: Some(TEXT.to_vec()), ..Contents::default() };
            let section = Source::new(&item(), &contents).octets(&what).unwrap_or_default().into_owned();
            let octets = Octets { label: Vec::new(), what, partial };
            let (from, count) = run_of(&item(), &octets).unwrap_or_default();
            prop_assert_eq!(cut(&section, partial), &TEXT[from as usize..(from + count) as usize]);
        }
    }
}
