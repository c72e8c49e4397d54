//! The commands that name messages: RFC 9051 sections 6.4.5 to 6.4.9, RFC 6851, RFC 4315.

use super::argument;
use super::returns::Page;
use super::scan::{NOT_UNDERSTOOD, Read, Scanner, Set};
use crate::wire::mailbox::MailboxName;
use imap_codec::imap_types::ToStatic;
use imap_codec::imap_types::core::{AString, Vec1};
use imap_codec::imap_types::fetch::{Macro, MessageDataItemName, Part, Section};
use imap_codec::imap_types::flag::{Flag, StoreResponse, StoreType};
use octroi_model::ModSeq;
use std::num::NonZeroU32;

/// Items of one FETCH: each may repeat the whole message, and nobody needs so many.
const ITEMS_MAX: usize = 64;
/// Numbers in the name of a part; no message is nested so deep.
const PART_DEPTH_MAX: usize = 100;

/// Such a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum OnMessages {
    Fetch {
        set: Set,
        items: Vec<Item>,
        modifiers: Modifiers,
    },
    Store {
        set: Set,
        change: Change,
    },
    Copy {
        set: Set,
        mailbox: MailboxName,
    },
    Move {
        set: Set,
        mailbox: MailboxName,
    },
    /// UID EXPUNGE.
    Expunge {
        set: Set,
    },
}

/// What FETCH asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Item {
    /// What imap-codec has a value for.
    Known(MessageDataItemName<'static>),
    /// RFC 8514.
    SaveDate,
    /// RFC 8474.
    EmailId,
    /// RFC 8474.
    ThreadId,
    /// RFC 8970, LAZY or not.
    Preview,
}

/// What FETCH asks for beside its items: RFC 7162, RFC 9394.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Modifiers {
    /// MODSEQ is among the items.
    pub(crate) tells_modseq: bool,
    /// Only messages that have changed since.
    pub(crate) changed: Option<ModSeq>,
    /// And the uids of those that are gone since.
    pub(crate) vanished: bool,
    /// Only some of them (RFC 9394).
    pub(crate) page: Option<Page>,
}

/// What STORE does to the flags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) kind: StoreType,
    pub(crate) response: StoreResponse,
    pub(crate) flags: Vec<Flag<'static>>,
    /// Only of messages that have not changed since (RFC 7162 section 3.1.3).
    pub(crate) unchanged_since: Option<ModSeq>,
}

/// What follows the word of such a command; nothing of other commands.
pub(super) fn command(word: &str, uid: bool, rest: &mut Scanner<'_>) -> Option<Read<OnMessages>> {
    let read: fn(&mut Scanner<'_>) -> Read<OnMessages> = match word {
        "FETCH" => |rest| {
            let (set, mut modifiers) = (rest.set()?, Modifiers::default());
            let items = argument(rest, |rest| items(rest, &mut modifiers.tells_modseq))?;
            fetch_modifiers(rest, &mut modifiers)?;
            Ok(OnMessages::Fetch { set, items, modifiers })
        },
        "STORE" => |rest| Ok(OnMessages::Store { set: rest.set()?, change: argument(rest, change)? }),
        "COPY" => |rest| Ok(OnMessages::Copy { set: rest.set()?, mailbox: argument(rest, Scanner::mailbox)? }),
        "MOVE" => |rest| Ok(OnMessages::Move { set: rest.set()?, mailbox: argument(rest, Scanner::mailbox)? }),
        "EXPUNGE" if uid => |rest| Ok(OnMessages::Expunge { set: rest.set()? }),
        _ => return None,
    };
    Some(argument(rest, read))
}

/// RFC 4466 section 3 (fetch-modifiers).
fn fetch_modifiers(rest: &mut Scanner<'_>, modifiers: &mut Modifiers) -> Read<()> {
    if !rest.accept(b' ') {
        return Ok(());
    }
    let listed = rest.list(|rest| {
        match rest.word()?.as_str() {
            "CHANGEDSINCE" => modifiers.changed = Some(ModSeq(argument(rest, Scanner::number64)?)),
            "VANISHED" => modifiers.vanished = true,
            // RFC 9394 section 4 (modifier-partial).
            "PARTIAL" => modifiers.page = Some(argument(rest, Page::read)?),
            _ => return Err("The modifier is not known"),
        }
        Ok(())
    })?;
    if listed.is_empty() { Err(NOT_UNDERSTOOD) } else { Ok(()) }
}

/// RFC 9051 section 9 (fetch). MODSEQ (RFC 7162 section 7) is told apart.
fn items(rest: &mut Scanner<'_>, tells_modseq: &mut bool) -> Read<Vec<Item>> {
    for (word, of) in [("ALL", Macro::All), ("FAST", Macro::Fast), ("FULL", Macro::Full)] {
        if rest.accept_word(word) {
            return Ok(of.expand().iter().map(|name| Item::Known(name.to_static())).collect());
        }
    }
    let mut one = |rest: &mut Scanner<'_>| {
        if rest.accept_word("MODSEQ") {
            *tells_modseq = true;
            return Ok(None);
        }
        item(rest).map(Some)
    };
    let items = if rest.peek(b'(') { rest.list(one)? } else { vec![one(rest)?] };
    let items: Vec<Item> = items.into_iter().flatten().collect();
    match items.len() {
        0 if !*tells_modseq => Err(NOT_UNDERSTOOD),
        0..=ITEMS_MAX => Ok(items),
        _ => Err("Too many items"),
    }
}

/// The items that NOTIFY names, of which the bracket was read (RFC 5465 section 8).
pub(super) fn notified_items(rest: &mut Scanner<'_>) -> Read<Vec<Item>> {
    let mut items = vec![item(rest)?];
    while rest.accept(b' ') {
        items.push(item(rest)?);
    }
    rest.expect(b')')?;
    if items.len() > ITEMS_MAX { Err("Too many items") } else { Ok(items) }
}

/// RFC 9051 section 9 (fetch-att).
fn item(rest: &mut Scanner<'_>) -> Read<Item> {
    for (word, of) in [("SAVEDATE", Item::SaveDate), ("EMAILID", Item::EmailId), ("THREADID", Item::ThreadId), ("PREVIEW", Item::Preview)] {
        if rest.accept_word(word) {
            // RFC 8970 section 3.2: LAZY is the one modifier that there is.
            if of == Item::Preview && rest.accept_text(" (") {
                rest.accept_text("LAZY)").then_some(()).ok_or(NOT_UNDERSTOOD)?;
            }
            return Ok(of);
        }
    }
    known(rest).map(Item::Known)
}

/// RFC 9051 section 9 (fetch-att).
fn known(rest: &mut Scanner<'_>) -> Read<MessageDataItemName<'static>> {
    // RFC 3516 section 7.
    if rest.accept_text("BINARY.SIZE[") {
        return Ok(MessageDataItemName::BinarySize { section: binary_section(rest)? });
    }
    for (start, peek) in [("BINARY.PEEK[", true), ("BINARY[", false)] {
        if rest.accept_text(start) {
            return Ok(MessageDataItemName::Binary { section: binary_section(rest)?, partial: partial(rest)?, peek });
        }
    }
    for (start, peek) in [("BODY.PEEK[", true), ("BODY[", false)] {
        if rest.accept_text(start) {
            let section = section(rest)?;
            rest.expect(b']')?;
            return Ok(MessageDataItemName::BodyExt { section, partial: partial(rest)?, peek });
        }
    }
    Ok(match rest.word()?.as_str() {
        "BODY" => MessageDataItemName::Body,
        "BODYSTRUCTURE" => MessageDataItemName::BodyStructure,
        "ENVELOPE" => MessageDataItemName::Envelope,
        "FLAGS" => MessageDataItemName::Flags,
        "INTERNALDATE" => MessageDataItemName::InternalDate,
        "RFC822" => MessageDataItemName::Rfc822,
        "RFC822.HEADER" => MessageDataItemName::Rfc822Header,
        "RFC822.SIZE" => MessageDataItemName::Rfc822Size,
        "RFC822.TEXT" => MessageDataItemName::Rfc822Text,
        "UID" => MessageDataItemName::Uid,
        _ => return Err(NOT_UNDERSTOOD),
    })
}

/// RFC 3516 section 7 (section-binary), up to its bracket.
fn binary_section(rest: &mut Scanner<'_>) -> Read<Vec<NonZeroU32>> {
    let mut numbers = Vec::new();
    if rest.accept(b']') {
        return Ok(numbers);
    }
    loop {
        numbers.push(rest.nz_number()?);
        if rest.accept(b']') {
            return Ok(numbers);
        }
        if numbers.len() == PART_DEPTH_MAX {
            return Err("There is no part so deep");
        }
        rest.expect(b'.')?;
    }
}

/// A section that stands alone, as in a URL; `None` inside is all.
pub(crate) fn section_alone(text: &str) -> Read<Option<Section<'static>>> {
    let mut rest = Scanner::new(text.as_bytes(), true);
    let section = section(&mut rest)?;
    rest.end().map(|()| section)
}

/// RFC 9051 section 9 (section-spec).
fn section(rest: &mut Scanner<'_>) -> Read<Option<Section<'static>>> {
    if rest.peek(b']') {
        return Ok(None);
    }
    let mut numbers = Vec::new();
    while rest.rest().first().is_some_and(u8::is_ascii_digit) {
        numbers.push(rest.nz_number()?);
        if numbers.len() > PART_DEPTH_MAX {
            return Err("There is no part so deep");
        }
        if !rest.accept(b'.') {
            return part(numbers).map(|part| part.map(Section::Part));
        }
    }
    let part = part(numbers)?;
    // The longer words come first.
    if rest.accept_text("HEADER.FIELDS.NOT ") {
        return Ok(Some(Section::HeaderFieldsNot(part, fields(rest)?)));
    }
    if rest.accept_text("HEADER.FIELDS ") {
        return Ok(Some(Section::HeaderFields(part, fields(rest)?)));
    }
    match (rest.word()?.as_str(), part) {
        ("HEADER", part) => Ok(Some(Section::Header(part))),
        ("TEXT", part) => Ok(Some(Section::Text(part))),
        ("MIME", Some(part)) => Ok(Some(Section::Mime(part))),
        _ => Err(NOT_UNDERSTOOD),
    }
}

fn part(numbers: Vec<NonZeroU32>) -> Read<Option<Part>> {
    if numbers.is_empty() {
        return Ok(None);
    }
    Vec1::try_from(numbers).map(|numbers| Some(Part(numbers))).map_err(|_| NOT_UNDERSTOOD)
}

/// RFC 9051 section 9 (header-list).
fn fields(rest: &mut Scanner<'_>) -> Read<Vec1<AString<'static>>> {
    let names = rest.list(Scanner::astring_as_written)?;
    Vec1::try_from(names).map_err(|_| NOT_UNDERSTOOD)
}

/// RFC 9051 section 9 (partial).
fn partial(rest: &mut Scanner<'_>) -> Read<Option<(u32, NonZeroU32)>> {
    if !rest.accept(b'<') {
        return Ok(None);
    }
    let from = rest.number()?;
    rest.expect(b'.')?;
    let count = rest.nz_number()?;
    rest.expect(b'>')?;
    Ok(Some((from, count)))
}

/// RFC 9051 section 9 (store-att-flags).
fn change(rest: &mut Scanner<'_>) -> Read<Change> {
    let mut unchanged_since = None;
    // RFC 7162 section 7 (store-modifier).
    if rest.accept_text("(UNCHANGEDSINCE ") {
        unchanged_since = Some(ModSeq(rest.number64()?));
        rest.expect(b')')?;
        rest.space()?;
    }
    let kind = if rest.accept(b'+') {
        StoreType::Add
    } else if rest.accept(b'-') {
        StoreType::Remove
    } else {
        StoreType::Replace
    };
    let response = match rest.word()?.as_str() {
        "FLAGS" => StoreResponse::Answer,
        "FLAGS.SILENT" => StoreResponse::Silent,
        _ => return Err(NOT_UNDERSTOOD),
    };
    rest.space()?;
    if rest.peek(b'(') {
        return Ok(Change { kind, response, flags: rest.list(Scanner::flag)?, unchanged_since });
    }
    let mut flags = vec![rest.flag()?];
    while rest.accept(b' ') {
        flags.push(rest.flag()?);
    }
    Ok(Change { kind, response, flags, unchanged_since })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
pub(crate) mod tests {
    use super::super::{Request, command};
    use super::*;
    use imap_codec::CommandCodec;
    use imap_codec::decode::Decoder;
    use imap_codec::imap_types::command::CommandBody;
    use imap_codec::imap_types::fetch::MacroOrMessageDataItemNames;

    pub(crate) fn read(line: &str) -> Read<OnMessages> {
        match command(format!("a {line}\r\n").as_bytes(), false) {
            Ok((_, Request::OnMessages { command, .. })) => Ok(command),
            Ok(other) => panic!("{other:?}"),
            Err(malformed) => Err(malformed.text),
        }
    }

    /// Where imap-codec knows the syntax, both read the same.
    #[test]
    fn the_same_as_imap_codec() {
        for line in [
            "FETCH 2:4 (FLAGS BODY[HEADER.FIELDS (DATE FROM)])",
            "UID FETCH 4827313:4828442 FLAGS",
            "FETCH 1 BODY.PEEK[4.1.MIME]<0.2048>",
            "FETCH 1 (BODY[1] BODY[4.2.HEADER.FIELDS.NOT (\"To\" cc)] BODY[TEXT] BODY[3.TEXT])",
            "fetch 1,3:* (uid rfc822 rfc822.size rfc822.header rfc822.text internaldate envelope body bodystructure BODY[])",
        ] {
            let whole = format!("a {line}\r\n");
            let CommandBody::Fetch { macro_or_item_names: MacroOrMessageDataItemNames::MessageDataItemNames(names), sequence_set, .. } =
                CommandCodec::new().decode_static(whole.as_bytes()).unwrap().1.body
            else {
                panic!("{line}")
            };
            assert_eq!(
                read(line),
                Ok(OnMessages::Fetch {
                    set: Set::Listed(sequence_set),
                    items: names.into_iter().map(Item::Known).collect(),
                    modifiers: Modifiers::default()
                }),
                "{line}"
            );
        }
        let change = |kind, response, flags: &[&'static str]| Change {
            kind,
            response,
            flags: flags.iter().map(|flag| Flag::try_from(*flag).unwrap()).collect(),
            unchanged_since: None,
        };
        let set = || Set::Listed("2:4".parse().unwrap());
        for (line, wanted) in [
            ("STORE 2:4 +FLAGS (\\Deleted)", change(StoreType::Add, StoreResponse::Answer, &["\\Deleted"])),
            ("STORE 2:4 -flags.silent \\Seen $Junk", change(StoreType::Remove, StoreResponse::Silent, &["\\Seen", "$Junk"])),
            ("UID STORE 2:4 FLAGS ()", change(StoreType::Replace, StoreResponse::Answer, &[])),
        ] {
            assert_eq!(read(line), Ok(OnMessages::Store { set: set(), change: wanted }), "{line}");
        }
        assert_eq!(read("UID EXPUNGE 2:4"), Ok(OnMessages::Expunge { set: set() }));
        assert_eq!(read("COPY $ x"), Ok(OnMessages::Copy { set: Set::Saved, mailbox: MailboxName::read(b"x", false) }));
    }

    #[test]
    fn the_modifiers_of_condstore() {
        let modifiers = |line: &str| match read(line) {
            Ok(OnMessages::Fetch { modifiers, items, .. }) => Ok((modifiers, items.len())),
            Ok(other) => panic!("{other:?}"),
            Err(text) => Err(text),
        };
        let wanted =
            |tells_modseq, changed: Option<u64>, vanished| Modifiers { tells_modseq, changed: changed.map(ModSeq), vanished, page: None };
        assert_eq!(modifiers("FETCH 1:3 (MODSEQ)"), Ok((wanted(true, None, false), 0)));
        assert_eq!(modifiers("FETCH 1:3 modseq"), Ok((wanted(true, None, false), 0)));
        assert_eq!(modifiers("FETCH 1:* (FLAGS MODSEQ UID) (CHANGEDSINCE 12345)"), Ok((wanted(true, Some(12_345), false), 2)));
        assert_eq!(modifiers("UID FETCH 300:500 (FLAGS) (CHANGEDSINCE 12345 VANISHED)"), Ok((wanted(false, Some(12_345), true), 1)));
        for line in
            ["FETCH 1 FLAGS ()", "FETCH 1 FLAGS (X)", "FETCH 1 FLAGS CHANGEDSINCE 1", "FETCH 1 FLAGS (CHANGEDSINCE x)", "FETCH 1 ()"]
        {
            assert!(modifiers(line).is_err(), "{line}");
        }
        let Ok(OnMessages::Store { change, .. }) = read("UID STORE 6,4,8 (UNCHANGEDSINCE 12121230045) +FLAGS.SILENT (\\Deleted)") else {
            panic!("no STORE")
        };
        assert_eq!(change.unchanged_since, Some(ModSeq(12_121_230_045)));
        for line in ["STORE 1 (UNCHANGEDSINCE) FLAGS ()", "STORE 1 (CHANGEDSINCE 1) FLAGS ()", "STORE 1 (UNCHANGEDSINCE 1)FLAGS ()"] {
            assert!(read(line).is_err(), "{line}");
        }
    }

    #[test]
    fn items_that_extensions_add() {
        let items = |text: &str| match read(&format!("FETCH 1 {text}")) {
            Ok(OnMessages::Fetch { items, .. }) => items,
            other => panic!("{other:?}"),
        };
        assert_eq!(items("(SAVEDATE EmailId THREADID PREVIEW)"), [Item::SaveDate, Item::EmailId, Item::ThreadId, Item::Preview]);
        assert_eq!(items("(PREVIEW (LAZY) EMAILID)"), [Item::Preview, Item::EmailId]);
        let binary = |numbers: &[u32], partial, peek| {
            let section = numbers.iter().map(|number| NonZeroU32::new(*number).unwrap()).collect();
            Item::Known(MessageDataItemName::Binary { section, partial, peek })
        };
        assert_eq!(
            items("(BINARY[] binary.peek[1.2]<3.4>)"),
            [binary(&[], None, false), binary(&[1, 2], Some((3, NonZeroU32::new(4).unwrap())), true)]
        );
        let size = MessageDataItemName::BinarySize { section: vec![NonZeroU32::MIN] };
        assert_eq!(items("BINARY.SIZE[1]"), [Item::Known(size)]);
        for bad in
            ["BINARY[1.]", "BINARY[TEXT]", "BINARY[0]", "BINARY", "BINARY.SIZE[1]<0.1>", "PREVIEW (EAGER)", "PREVIEW ()", "(PREVIEW(LAZY))"]
        {
            assert!(read(&format!("FETCH 1 {bad}")).is_err(), "{bad}");
        }
        assert!(read(&format!("FETCH 1 BINARY[{}1]", "1.".repeat(PART_DEPTH_MAX))).is_err());
    }

    #[test]
    fn what_is_no_item_is_refused() {
        for line in [
            "FETCH 1 ()",
            "FETCH 1 (ALL)",
            "FETCH 1 BODY[",
            "FETCH 1 BODY[MIME]",
            "FETCH 1 BODY[1.]",
            "FETCH 1 BODY[0]",
            "FETCH 1 BODY[HEADER.FIELDS ()]",
            "FETCH 1 BODY[]<0.0>",
            "FETCH 1 BODY[]<0>",
            "FETCH 1 X",
            "FETCH 1",
            "FETCH FLAGS",
            "STORE 1 FLAGS",
            "STORE 1 =FLAGS ()",
            "STORE 1 FLAGS (\\)",
            "MOVE 1",
        ] {
            assert!(read(line).is_err(), "{line}");
        }
        assert!(read(&format!("FETCH 1 BODY[{}1]", "1.".repeat(PART_DEPTH_MAX))).is_err());
        assert!(read(&format!("FETCH 1 (BODY[]{})", " BODY[]".repeat(ITEMS_MAX))).is_err());
    }
}
