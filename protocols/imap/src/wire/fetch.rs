//! FETCH, SEARCH and SORT responses, written straight into a buffer. Called by the commands of those names and by unsolicited updates.
//!
//! A hundred thousand of these lines answer one command, so no value is made of them first; a property test holds them equal to what
//! imap-codec writes for the same values.

use super::date;
use imap_codec::imap_types::core::{AString, IString};
use imap_codec::imap_types::fetch::{Part, Section};
use octroi_model::{Flags, ModSeq, Uid, UidSet, UnixTime};
use std::sync::Arc;

/// Writes the items of one message: [`Writer::begin`], items, [`Writer::end`].
#[derive(Debug)]
pub(crate) struct Writer<'o> {
    out: &'o mut Vec<u8>,
    is_first: bool,
}

impl<'o> Writer<'o> {
    /// `* number FETCH (`
    pub(crate) fn begin(out: &'o mut Vec<u8>, number: usize) -> Self {
        out.extend_from_slice(b"* ");
        decimal(out, number as u64);
        out.extend_from_slice(b" FETCH (");
        Self { out, is_first: true }
    }

    /// `* uid UIDFETCH (`
    // RFC 9586 section 3.3.
    pub(crate) fn begin_by_uid(out: &'o mut Vec<u8>, uid: Uid) -> Self {
        out.extend_from_slice(b"* ");
        decimal(out, u64::from(uid.0));
        out.extend_from_slice(b" UIDFETCH (");
        Self { out, is_first: true }
    }

    /// Go on with a message that was begun, in the same or another buffer.
    pub(crate) fn resume(out: &'o mut Vec<u8>) -> Self {
        Self { out, is_first: false }
    }

    /// `)`
    pub(crate) fn end(self) {
        self.out.extend_from_slice(b")\r\n");
    }

    fn name(&mut self, name: &[u8]) {
        if !std::mem::take(&mut self.is_first) {
            self.out.push(b' ');
        }
        self.out.extend_from_slice(name);
        self.out.push(b' ');
    }

    /// `UID`
    pub(crate) fn uid(&mut self, uid: Uid) {
        self.name(b"UID");
        decimal(self.out, u64::from(uid.0));
    }

    /// `FLAGS`
    pub(crate) fn flags(&mut self, flags: Flags, is_recent: bool, keywords: &[Arc<str>]) {
        self.name(b"FLAGS");
        write_flags(self.out, flags, is_recent, keywords);
    }

    /// `MODSEQ`
    // RFC 7162 section 7 (fetch-mod-resp).
    pub(crate) fn modseq(&mut self, modseq: ModSeq) {
        self.name(b"MODSEQ");
        self.out.push(b'(');
        decimal(self.out, modseq.0);
        self.out.push(b')');
    }

    /// `INTERNALDATE`
    pub(crate) fn internal_date(&mut self, date: UnixTime) {
        self.name(b"INTERNALDATE");
        date::write_internal(self.out, date);
    }

    /// `RFC822.SIZE`
    pub(crate) fn size(&mut self, bytes: u64) {
        self.name(b"RFC822.SIZE");
        // RFC 3501 section 9: a number has 32 bits.
        decimal(self.out, bytes.min(u64::from(u32::MAX)));
    }

    /// An item whose value was made ready at delivery: ENVELOPE, BODY, BODYSTRUCTURE.
    pub(crate) fn prepared(&mut self, name: &str, value: &[u8]) {
        self.name(name.as_bytes());
        self.out.extend_from_slice(value);
    }

    /// `SAVEDATE` (RFC 8514).
    pub(crate) fn save_date(&mut self, date: UnixTime) {
        self.name(b"SAVEDATE");
        date::write_internal(self.out, date);
    }

    /// An id in its brackets (RFC 8474), or NIL.
    pub(crate) fn object_id(&mut self, name: &str, id: Option<&str>) {
        match id {
            Some(id) => self.prepared(name, format!("({id})").as_bytes()),
            None => self.prepared(name, b"NIL"),
        }
    }

    /// A section without its transfer encoding: what `decode` appends.
    // RFC 3516 section 4.2: a literal8 where it has to be one.
    pub(crate) fn binary(&mut self, label: &[u8], origin: Option<u32>, decode: impl FnOnce(&mut Vec<u8>)) {
        self.label(label, origin);
        let start = self.out.len();
        decode(self.out);
        let octets = &self.out[start..];
        let mark = if memchr::memchr(0, octets).is_some() { "~" } else { "" };
        let announcement = format!("{mark}{{{}}}\r\n", octets.len());
        self.out.splice(start..start, announcement.into_bytes());
    }

    /// `BINARY.SIZE`
    pub(crate) fn binary_size(&mut self, label: &[u8], bytes: u64) {
        self.name(label);
        decimal(self.out, bytes.min(u64::from(u32::MAX)));
    }

    /// A section's octets, or NIL where there is no such section.
    pub(crate) fn octets(&mut self, label: &[u8], origin: Option<u32>, octets: Option<&[u8]>) {
        if let Some(octets) = octets {
            self.literal(label, origin, octets.len() as u64);
            write_clean(self.out, octets);
        } else {
            self.label(label, origin);
            self.out.extend_from_slice(b"NIL");
        }
    }

    /// The announcement of a section's octets, which the caller sends after it through [`write_clean`].
    pub(crate) fn literal(&mut self, label: &[u8], origin: Option<u32>, bytes: u64) {
        self.label(label, origin);
        self.out.push(b'{');
        decimal(self.out, bytes);
        self.out.extend_from_slice(b"}\r\n");
    }

    fn label(&mut self, label: &[u8], origin: Option<u32>) {
        if !std::mem::take(&mut self.is_first) {
            self.out.push(b' ');
        }
        self.out.extend_from_slice(label);
        if let Some(origin) = origin {
            self.out.push(b'<');
            decimal(self.out, u64::from(origin));
            self.out.push(b'>');
        }
        self.out.push(b' ');
    }
}

/// Flags in their brackets: system flags, `\Recent`, keywords.
pub(crate) fn write_flags(out: &mut Vec<u8>, flags: Flags, is_recent: bool, keywords: &[Arc<str>]) {
    let system = Flags::SYSTEM.into_iter().filter(|(flag, _)| flags.contains(*flag)).map(|(_, name)| name);
    let recent = is_recent.then_some("\\Recent");
    // The table may be a moment younger or older than the flags; a bit without a name is not shown.
    let named = flags.keyword_indexes().filter_map(|index| keywords.get(index)).map(|keyword| &**keyword);
    out.push(b'(');
    for (at, name) in system.chain(recent).chain(named).enumerate() {
        if at > 0 {
            out.push(b' ');
        }
        out.extend_from_slice(name.as_bytes());
    }
    out.push(b')');
}

/// Octets of a message as they may stand in a literal.
// RFC 9051 section 9: a literal holds no NUL. A message that does must still be readable, and its length must stay what we announced.
pub(crate) fn write_clean(out: &mut Vec<u8>, octets: &[u8]) {
    let from = out.len();
    out.extend_from_slice(octets);
    let mut at = from;
    while let Some(found) = memchr::memchr(0, &out[at..]) {
        at += found;
        out[at] = 0x80;
    }
}

/// `* VANISHED`; `(EARLIER)` for what the client does not count any more.
// RFC 7162 section 3.2.10.
pub(crate) fn write_vanished(out: &mut Vec<u8>, is_earlier: bool, uids: &UidSet) {
    if uids.is_empty() {
        return;
    }
    out.extend_from_slice(if is_earlier { b"* VANISHED (EARLIER) " } else { b"* VANISHED " });
    write_set(out, uids.ranges().map(|(from, to)| (from.0, to.0)));
    out.extend_from_slice(b"\r\n");
}

/// Ranges as a set of numbers, in their order.
pub(crate) fn write_set(out: &mut Vec<u8>, ranges: impl Iterator<Item = (u32, u32)>) {
    for (at, (from, to)) in ranges.enumerate() {
        if at > 0 {
            out.push(b',');
        }
        decimal(out, u64::from(from));
        if to != from {
            out.push(b':');
            decimal(out, u64::from(to));
        }
    }
}

/// How a section is named in the response: as it was asked for.
pub(crate) fn label_of(section: Option<&Section<'_>>) -> Vec<u8> {
    let mut out = b"BODY[".to_vec();
    let (part, word, fields) = match section {
        None => (None, "", None),
        Some(Section::Part(part)) => (Some(part), "", None),
        Some(Section::Header(part)) => (part.as_ref(), "HEADER", None),
        Some(Section::HeaderFields(part, fields)) => (part.as_ref(), "HEADER.FIELDS", Some(fields)),
        Some(Section::HeaderFieldsNot(part, fields)) => (part.as_ref(), "HEADER.FIELDS.NOT", Some(fields)),
        Some(Section::Text(part)) => (part.as_ref(), "TEXT", None),
        Some(Section::Mime(part)) => (Some(part), "MIME", None),
    };
    let numbers = part.map(|Part(numbers)| numbers.as_ref()).unwrap_or_default();
    let words: Vec<String> = numbers.iter().map(ToString::to_string).chain((!word.is_empty()).then(|| word.to_owned())).collect();
    out.extend_from_slice(words.join(".").as_bytes());
    if let Some(fields) = fields {
        for (at, field) in fields.as_ref().iter().enumerate() {
            out.extend_from_slice(if at == 0 { b" (" } else { b" " });
            write_astring(&mut out, field);
        }
        out.push(b')');
    }
    out.push(b']');
    out
}

/// How a section without its transfer encoding is named in the response.
pub(crate) fn binary_label(word: &str, section: &[std::num::NonZeroU32]) -> Vec<u8> {
    let numbers: Vec<String> = section.iter().map(ToString::to_string).collect();
    format!("{word}[{}]", numbers.join(".")).into_bytes()
}

fn write_astring(out: &mut Vec<u8>, text: &AString<'_>) {
    match text {
        AString::Atom(atom) => out.extend_from_slice(atom.inner().as_bytes()),
        AString::String(IString::Quoted(quoted)) => {
            out.push(b'"');
            for b in quoted.inner().bytes() {
                if matches!(b, b'"' | b'\\') {
                    out.push(b'\\');
                }
                out.push(b);
            }
            out.push(b'"');
        }
        // Never the client's own announcement: a non-synchronising one must not go from server to client (RFC 7888 section 5).
        AString::String(IString::Literal(literal)) => {
            out.push(b'{');
            decimal(out, literal.data().len() as u64);
            out.extend_from_slice(b"}\r\n");
            out.extend_from_slice(literal.data());
        }
    }
}

/// A number in decimal, without an allocation.
pub(crate) fn decimal(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use imap_codec::decode::Decoder;
    use imap_codec::encode::Encoder;
    use imap_codec::imap_types::command::CommandBody;
    use imap_codec::imap_types::core::{LiteralMode, NString, NString8, Vec1};
    use imap_codec::imap_types::extensions::binary::Literal8;
    use imap_codec::imap_types::fetch::{MacroOrMessageDataItemNames, MessageDataItem, MessageDataItemName};
    use imap_codec::imap_types::flag::{Flag, FlagFetch};
    use imap_codec::imap_types::response::{Data, Response};
    use imap_codec::imap_types::{IntoStatic, core::Literal};
    use imap_codec::{CommandCodec, ResponseCodec};
    use proptest::prelude::*;
    use std::num::NonZeroU32;

    fn by_codec(data: Data<'_>) -> Vec<u8> {
        ResponseCodec::new().encode(&Response::Data(data)).dump()
    }

    fn section(text: &str) -> Option<Section<'static>> {
        let line = format!("a FETCH 1 BODY[{text}]\r\n");
        let (_, command) = CommandCodec::new().decode(line.as_bytes()).unwrap();
        match command.body.into_static() {
            CommandBody::Fetch { macro_or_item_names: MacroOrMessageDataItemNames::MessageDataItemNames(names), .. } => {
                match names.into_iter().next().unwrap() {
                    MessageDataItemName::BodyExt { section, .. } => section,
                    other => panic!("{other:?}"),
                }
            }
            other => panic!("{other:?}"),
        }
    }

    fn sections() -> impl Strategy<Value = String> {
        let field = prop_oneof!["[A-Za-z-]{1,12}", r#""[A-Za-z ]{0,6}""#, Just(r#""a\"b\\c""#.to_owned())];
        let fields = proptest::collection::vec(field, 1..4).prop_map(|fields| fields.join(" "));
        let word = prop_oneof![
            Just("HEADER".to_owned()),
            Just("TEXT".to_owned()),
            fields.clone().prop_map(|fields| format!("HEADER.FIELDS ({fields})")),
            fields.prop_map(|fields| format!("HEADER.FIELDS.NOT ({fields})")),
        ];
        let part = proptest::collection::vec(1u32..30, 1..4).prop_map(|n| n.iter().map(u32::to_string).collect::<Vec<_>>().join("."));
        prop_oneof![
            Just(String::new()),
            word.clone(),
            part.clone(),
            part.clone().prop_map(|part| format!("{part}.MIME")),
            (part, word).prop_map(|(part, word)| format!("{part}.{word}")),
        ]
    }

    proptest! {
        #[test]
        fn the_same_octets_as_the_codec(
            number in 1u32..,
            uid in 1u32..,
            bits in 0u64..32,
            marks in 0u64..8,
            is_recent: bool,
            size: u32,
            asked in sections(),
            origin in proptest::option::of(any::<u32>()),
            body in proptest::option::of(proptest::collection::vec(1u8.., 0..50)),
            seconds in -62_167_219_200i64..=253_402_300_799,
        ) {
            let keywords: Vec<Arc<str>> = ["$Forwarded", "Urgent", "NonJunk"].map(Arc::from).to_vec();
            let flags = Flags(bits | marks << 8);
            let section = section(&asked);
            let mut out = Vec::new();
            let mut writer = Writer::begin(&mut out, number as usize);
            writer.uid(Uid(uid));
            writer.flags(flags, is_recent, &keywords);
            writer.size(u64::from(size));
            writer.internal_date(UnixTime(seconds));
            writer.octets(&label_of(section.as_ref()), origin, body.as_deref());
            writer.octets(b"RFC822.TEXT", None, body.as_deref());
            writer.prepared("ENVELOPE", b"(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)");
            writer.end();

            // What we wrote reads as what we meant, and is what the codec writes for it.
            let (rest, response) = ResponseCodec::new().decode(&out).unwrap();
            prop_assert!(rest.is_empty());
            prop_assert_eq!(ResponseCodec::new().encode(&response).dump(), out.clone());
            let Response::Data(Data::Fetch { seq, items }) = &response else { panic!("no FETCH") };
            prop_assert_eq!(seq.get(), number);
            let system = Flags::SYSTEM.iter().filter(|(flag, _)| flags.contains(*flag)).map(|(_, name)| *name);
            let named = flags.keyword_indexes().map(|i| &*keywords[i]);
            let wanted: Vec<FlagFetch<'_>> = system
                .map(|name| FlagFetch::Flag(Flag::try_from(name).unwrap()))
                .chain(is_recent.then_some(FlagFetch::Recent))
                .chain(named.map(|name| FlagFetch::Flag(Flag::try_from(name).unwrap())))
                .collect();
            let nstring = || match &body {
                Some(octets) => NString::from(Literal::try_from(octets.clone()).unwrap()),
                None => NString::default(),
            };
            let MessageDataItem::InternalDate(date) = &items.as_ref()[3] else { panic!("no date") };
            prop_assert_eq!(date.as_ref().timestamp(), seconds);
            let expected = [
                MessageDataItem::Uid(NonZeroU32::new(uid).unwrap()),
                MessageDataItem::Flags(wanted),
                MessageDataItem::Rfc822Size(size),
                MessageDataItem::InternalDate(date.clone()),
                MessageDataItem::BodyExt { section, origin, data: nstring() },
                MessageDataItem::Rfc822Text(nstring()),
            ];
            prop_assert_eq!(&items.as_ref()[..6], &expected[..]);
            let codec = by_codec(Data::Fetch { seq: *seq, items: Vec1::try_from(expected.to_vec()).unwrap() });
            prop_assert!(out.starts_with(codec.strip_suffix(b")\r\n").unwrap()));
        }

        /// The items that carry octets, by each of their names; BINARY as what its octets make it.
        #[test]
        fn octets_by_every_name(
            number in 1u32..,
            path in proptest::collection::vec(1u32..40, 0..4),
            octets in proptest::collection::vec(prop_oneof![Just(0_u8), any::<u8>()], 0..40),
            size: u32,
        ) {
            let section: Vec<NonZeroU32> = path.iter().map(|number| NonZeroU32::new(*number).unwrap()).collect();
            let clean: Vec<u8> = octets.iter().map(|octet| if *octet == 0 { 0x80 } else { *octet }).collect();
            let mut out = Vec::new();
            let mut writer = Writer::begin(&mut out, number as usize);
            writer.octets(b"RFC822", None, Some(&octets));
            writer.octets(b"RFC822.HEADER", None, Some(&octets));
            writer.octets(b"RFC822.TEXT", None, Some(&octets));
            writer.binary(&binary_label("BINARY", &section), None, |out| out.extend_from_slice(&octets));
            writer.octets(&binary_label("BINARY", &section), None, None);
            writer.binary_size(&binary_label("BINARY.SIZE", &section), u64::from(size));
            writer.end();
            let nstring = || NString::from(Literal::try_from(clean.clone()).unwrap());
            let value = if octets.contains(&0) {
                NString8::Literal8(Literal8 { data: octets.clone().into(), mode: LiteralMode::Sync })
            } else {
                NString8::NString(nstring())
            };
            let items = [
                MessageDataItem::Rfc822(nstring()),
                MessageDataItem::Rfc822Header(nstring()),
                MessageDataItem::Rfc822Text(nstring()),
                MessageDataItem::Binary { section: section.clone(), value },
                MessageDataItem::Binary { section: section.clone(), value: NString8::NString(NString::default()) },
                MessageDataItem::BinarySize { section, size },
            ];
            let seq = NonZeroU32::new(number).unwrap();
            prop_assert_eq!(out, by_codec(Data::Fetch { seq, items: Vec1::try_from(items.to_vec()).unwrap() }));
        }

        /// What delivery prepares is written by the codec as by us, whatever the message.
        #[test]
        fn prepared_items_too(
            subject in "[ -~\u{e9}]{0,20}",
            from in "[a-z]{1,5}(, \"[a-z ]{1,5}\" <[a-z]{1,4}@[a-z]{1,4}>){0,2}",
            kind in prop_oneof![
                Just("text/plain; charset=utf-8"),
                Just("multipart/mixed; boundary=b"),
                Just("message/rfc822"),
                Just("image/png; name=\"a b\""),
            ],
            parts in proptest::collection::vec("(Content-Type: [a-z]{3,5}/[a-z]{3,5}\r\n)?\r\n[a-z\r\n]{0,20}", 0..3),
        ) {
            let body: String = parts.iter().map(|part| format!("--b\r\n{part}\r\n")).collect();
            let message = format!("Subject: {subject}\r\nFrom: {from}\r\nContent-Type: {kind}\r\n\r\n{body}--b--\r\n");
            let stored = octroi_mime::facts(message.as_bytes()).encode();
            let facts = octroi_mime::Facts::decode(&stored).unwrap();
            let mut out = Vec::new();
            let mut writer = Writer::begin(&mut out, 7);
            writer.prepared("ENVELOPE", facts.envelope);
            writer.prepared("BODY", facts.body);
            writer.prepared("BODYSTRUCTURE", facts.bodystructure);
            writer.end();
            let (rest, response) = ResponseCodec::new().decode(&out).unwrap();
            prop_assert!(rest.is_empty());
            let codec = ResponseCodec::new().encode(&response).dump();
            prop_assert_eq!(String::from_utf8_lossy(&codec), String::from_utf8_lossy(&out));
        }

        #[test]
        fn literals_keep_their_length_and_hold_no_nul(octets in proptest::collection::vec(0u8..3, 0..60)) {
            let mut out = b"x\0".to_vec();
            write_clean(&mut out, &octets);
            prop_assert_eq!(out.len(), octets.len() + 2);
            prop_assert!(!out[2..].contains(&0));
        }
    }

    #[test]
    fn the_responses_of_resynchronising() {
        let mut out = Vec::new();
        let uids = UidSet::from_ranges([(Uid(41), Uid(41)), (Uid(43), Uid(116)), (Uid(211), Uid(214))]);
        write_vanished(&mut out, true, &uids);
        write_vanished(&mut out, false, &UidSet::from_uids([Uid(405)]));
        write_vanished(&mut out, false, &UidSet::default());
        let mut writer = Writer::begin_by_uid(&mut out, Uid(25_997));
        writer.flags(Flags::FLAGGED, false, &[]);
        writer.modseq(ModSeq(8));
        writer.end();
        let wanted = "* VANISHED (EARLIER) 41,43:116,211:214\r\n* VANISHED 405\r\n* 25997 UIDFETCH (FLAGS (\\Flagged) MODSEQ (8))\r\n";
        assert_eq!(String::from_utf8(out).unwrap(), wanted);
    }

    #[test]
    fn a_literal_name_is_announced_anew() {
        let (_, command) = CommandCodec::new().decode(b"a FETCH 1 BODY[HEADER.FIELDS ({4+}\r\nDate)]\r\n").unwrap();
        let text = format!("{command:?}");
        assert!(text.contains("NonSync"), "{text}");
        assert_eq!(label_of(section("HEADER.FIELDS ({4+}\r\nDate)").as_ref()), b"BODY[HEADER.FIELDS ({4}\r\nDate)]");
    }
}
