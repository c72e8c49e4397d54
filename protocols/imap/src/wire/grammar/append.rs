//! The commands that messages are part of: APPEND (RFC 9051 section 6.3.12) with several messages (RFC 3502), with parts of other
//! messages (RFC 4469), with UTF-8 in headers (RFC 9755), and REPLACE (RFC 8508).
//!
//! The reader stops at the announcement of a message's octets, so mailbox, flags and date are known, and perhaps refused, before the first
//! octet is taken. From there on the handler reads: what stands behind the octets is a [`Line`] too. What always holds: a line is whole
//! up to the next octets of a message, or to the end of the command.

use super::argument;
use super::scan::{NOT_UNDERSTOOD, Read, Scanner, Set};
use crate::wire::literal::{self, Literal};
use crate::wire::mailbox::MailboxName;
use imap_codec::imap_types::core::Tag;
use imap_codec::imap_types::datetime::DateTime;
use imap_codec::imap_types::flag::Flag;
use imap_codec::imap_types::sequence::Sequence;

/// Such a command up to the first octets of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) tag: Tag<'static>,
    pub(crate) upload: Upload,
}

/// What such a command is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Upload {
    pub(crate) verb: Verb,
    pub(crate) mailbox: MailboxName,
    pub(crate) line: Line,
}

impl Upload {
    /// Does it name a message by its number?
    pub(crate) fn names_numbers(&self) -> bool {
        matches!(self.verb, Verb::Replace { uid: false, .. })
    }
}

/// Which command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verb {
    Append,
    /// Of one message, by its uid or not.
    Replace {
        set: Set,
        uid: bool,
    },
}

/// What is said in one go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) steps: Vec<Step>,
    pub(crate) then: Then,
}

/// In their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// A message begins.
    Begin { flags: Vec<Flag<'static>>, date: Option<DateTime> },
    /// What this URL leads to is the next part of it.
    Url(String),
    /// It ends.
    End,
}

/// What follows a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Then {
    /// Octets of the message under way.
    Octets { literal: Literal, place: Place },
    /// The end of the command.
    Over,
}

/// Where a line goes on behind octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// A message is whole.
    Message,
    /// It is, once the bracket of `UTF8 (` is closed.
    Utf8,
    /// A part of CATENATE is.
    Part,
    /// It is, once the bracket of `UTF8 (` is closed.
    Utf8Part,
}

impl Place {
    /// Were these octets a message of their own?
    pub(crate) fn is_message(self) -> bool {
        matches!(self, Self::Message | Self::Utf8)
    }
}

impl Verb {
    /// May several messages come?
    fn takes_many(&self) -> bool {
        *self == Self::Append
    }
}

/// If these octets, which end in a literal announcement and CRLF, are such a command up to the octets of a message: what they say.
pub(crate) fn head(octets: &[u8], utf8: bool) -> Option<Head> {
    let (tag, mut rest) = super::opening(octets, utf8)?;
    let mut word = rest.word().ok()?;
    let uid = word == "UID";
    if uid {
        rest.space().ok()?;
        word = rest.word().ok()?;
    }
    let upload = upload(&word, uid, &mut rest)?.ok()??;
    matches!(upload.line.then, Then::Octets { .. }).then_some(Head { tag, upload })
}

/// What follows the word of such a command that has no octets of a message in it; nothing of other commands.
pub(super) fn command(word: &str, uid: bool, rest: &mut Scanner<'_>) -> Option<Read<Upload>> {
    Some(upload(word, uid, rest)?.and_then(|read| read.filter(|upload| upload.line.then == Then::Over).ok_or(NOT_UNDERSTOOD)))
}

/// The inner nothing: a literal of the command itself has not come yet.
fn upload(word: &str, uid: bool, rest: &mut Scanner<'_>) -> Option<Read<Option<Upload>>> {
    let read: fn(&mut Scanner<'_>, bool) -> Read<Verb> = match word {
        "APPEND" if !uid => |_, _| Ok(Verb::Append),
        // RFC 8508 section 4.
        "REPLACE" => |rest, uid| {
            rest.space()?;
            let set = rest.listed()?;
            let is_one = matches!(set.0.as_ref(), [Sequence::Single(_)]);
            if is_one { Ok(Verb::Replace { set: Set::Listed(set), uid }) } else { Err(NOT_UNDERSTOOD) }
        },
        _ => return None,
    };
    let read = |rest: &mut Scanner<'_>| {
        let verb = read(rest, uid)?;
        let mailbox = argument(rest, Scanner::mailbox)?;
        let line = from(State::BeforeMessage, verb.takes_many(), rest)?;
        Ok(line.map(|line| Upload { verb, mailbox, line }))
    };
    Some(read(rest))
}

/// What stands behind octets, without its CRLF. Nothing when a URL in it is a literal that has not come yet.
pub(crate) fn line(octets: &[u8], place: Place, verb: &Verb, utf8: bool) -> Read<Option<Line>> {
    let state = match place {
        Place::Message => State::BehindMessage,
        Place::Utf8 => State::BehindUtf8,
        Place::Part => State::BehindPart,
        Place::Utf8Part => State::BehindUtf8Part,
    };
    from(state, verb.takes_many(), &mut Scanner::new(octets, utf8))
}

#[derive(Debug, Clone, Copy)]
enum State {
    BeforeMessage,
    BehindUtf8,
    BehindMessage,
    BeforePart,
    BehindUtf8Part,
    BehindPart,
}

/// RFC 3502 section 6.4, RFC 4469 section 5.
fn from(mut state: State, many: bool, rest: &mut Scanner<'_>) -> Read<Option<Line>> {
    let mut steps = Vec::new();
    loop {
        state = match state {
            State::BeforeMessage => {
                rest.space()?;
                steps.push(begin(rest)?);
                if rest.accept_text("CATENATE (") {
                    State::BeforePart
                } else if rest.accept_text("UTF8 (") {
                    return utf8_octets(rest, steps, Place::Utf8);
                } else {
                    return octets(rest, steps, Place::Message);
                }
            }
            State::BehindUtf8 => {
                rest.expect(b')')?;
                State::BehindMessage
            }
            State::BehindMessage => {
                steps.push(Step::End);
                if rest.is_at_end() {
                    return Ok(Some(Line { steps, then: Then::Over }));
                }
                many.then_some(State::BeforeMessage).ok_or(NOT_UNDERSTOOD)?
            }
            State::BeforePart => {
                if rest.accept_text("TEXT ") {
                    return octets(rest, steps, Place::Part);
                } else if rest.accept_text("UTF8 (") {
                    return utf8_octets(rest, steps, Place::Utf8Part);
                } else if !rest.accept_text("URL ") {
                    return Err(NOT_UNDERSTOOD);
                }
                if rest.announcement().is_some() {
                    return Ok(None);
                }
                steps.push(Step::Url(rest.text()?));
                State::BehindPart
            }
            State::BehindUtf8Part => {
                rest.expect(b')')?;
                State::BehindPart
            }
            State::BehindPart if rest.accept(b')') => State::BehindMessage,
            State::BehindPart => {
                rest.space()?;
                State::BeforePart
            }
        }
    }
}

/// Flags and date, if they are there.
fn begin(rest: &mut Scanner<'_>) -> Read<Step> {
    let mut flags = Vec::new();
    if rest.peek(b'(') {
        flags = rest.list(Scanner::flag)?;
        rest.space()?;
    }
    let mut date = None;
    if rest.peek(b'"') {
        date = Some(rest.date_time()?);
        rest.space()?;
    }
    Ok(Step::Begin { flags, date })
}

/// RFC 9755 section 4: the octets are a binary literal.
fn utf8_octets(rest: &mut Scanner<'_>, steps: Vec<Step>, place: Place) -> Read<Option<Line>> {
    if rest.peek(b'~') { octets(rest, steps, place) } else { Err(NOT_UNDERSTOOD) }
}

/// The announcement, at which the line ends. Binary or not (RFC 3516 section 4.4), the octets are stored as they come.
fn octets(rest: &mut Scanner<'_>, steps: Vec<Step>, place: Place) -> Read<Option<Line>> {
    rest.accept(b'~');
    // RFC 9051 section 9: a number has 32 bits; with more it is no literal.
    let literal = rest.announcement().filter(|literal| u32::try_from(literal.bytes).is_ok()).ok_or(NOT_UNDERSTOOD)?;
    Ok(Some(Line { steps, then: Then::Octets { literal, place } }))
}

impl Scanner<'_> {
    /// A literal announcement that is all that is left.
    fn announcement(&self) -> Option<Literal> {
        let rest = self.rest();
        literal::announced(rest).filter(|_| rest.strip_prefix(b"~").unwrap_or(rest).iter().rposition(|octet| *octet == b'{') == Some(0))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn begun() -> Step {
        Step::Begin { flags: Vec::new(), date: None }
    }

    fn octets(bytes: u64, waits: bool, place: Place) -> Then {
        Then::Octets { literal: Literal { bytes, waits }, place }
    }

    fn behind(text: &str, place: Place) -> Read<Option<Line>> {
        line(text.as_bytes(), place, &Verb::Append, false)
    }

    #[test]
    fn an_append_is_known_before_its_message() {
        let read = head(b"a append \"Envoy&AOk-s\" (\\Seen $MDNSent) \"01-Feb-2024 10:00:00 +0100\" {310+}\r\n", false).unwrap().upload;
        assert_eq!((read.mailbox.text(), &read.verb), (Some("Envoyés"), &Verb::Append));
        let [Step::Begin { flags, date }] = &read.line.steps[..] else { panic!("{read:?}") };
        assert_eq!(flags.len(), 2);
        assert_eq!(crate::wire::date::instant_of(date.as_ref().unwrap()).0, 1_706_778_000);
        assert_eq!(read.line.then, octets(310, false, Place::Message));
        assert!(head(b"a APPEND {5}\r\nINBOX {310}\r\n", false).is_some(), "the second literal is the message");
        assert!(head(b"a APPEND INBOX ~{310}\r\n", false).is_some());
        for other in [
            &b"a APPEND {5}\r\n"[..],
            b"a LOGIN x {5}\r\n",
            b"APPEND {5}\r\n",
            b"a APPEND x y {5}\r\n",
            b"a APPEND x (\\Seen){5}\r\n",
            b"a APPEND x {4294967296}\r\n",
            b"a APPEND x UTF8 ({5}\r\n",
            b"a APPEND x CATENATE (URL {5}\r\n",
            b"a APPEND x CATENATE (FILE {5}\r\n",
            b"a UID APPEND x {5}\r\n",
            b"a REPLACE 1:2 x {5}\r\n",
            b"a REPLACE $ x {5}\r\n",
            b"a REPLACE x {5}\r\n",
        ] {
            assert_eq!(head(other, false), None, "{}", String::from_utf8_lossy(other));
        }
    }

    // RFC 8508 section 3.3.
    #[test]
    fn a_replace_names_one_message() {
        let read = head(b"A003 UID REPLACE 2000 Drafts (\\Seen \\Draft) {350}\r\n", false).unwrap().upload;
        assert_eq!(read.verb, Verb::Replace { set: Set::Listed("2000".parse().unwrap()), uid: true });
        let read = head(b"A003 REPLACE * Drafts {350+}\r\n", false).unwrap().upload;
        assert_eq!(read.verb, Verb::Replace { set: Set::Listed("*".parse().unwrap()), uid: false });
        assert_eq!(line(b"", Place::Message, &read.verb, false), Ok(Some(Line { steps: vec![Step::End], then: Then::Over })));
        assert!(line(b" {5}", Place::Message, &read.verb, false).is_err(), "one message only");
    }

    // RFC 3502 section 6.3.11.
    #[test]
    fn messages_follow_messages() {
        let next = behind(" (\\Seen) \" 7-Feb-1994 22:43:04 -0800\" {295}", Place::Message).unwrap().unwrap();
        assert_eq!((&next.steps[0], next.steps.len()), (&Step::End, 2));
        assert_eq!(next.then, octets(295, true, Place::Message));
        assert_eq!(
            behind(") UTF8 (~{3+}", Place::Utf8),
            Ok(Some(Line { steps: vec![Step::End, begun()], then: octets(3, false, Place::Utf8) }))
        );
        for bad in [" ", "{5}", ")", "x", " {5", " (\\Seen)", " CATENATE ()", " CATENATE (TEXT {5})", " CATENATE"] {
            assert!(behind(bad, Place::Message).is_err(), "{bad}");
        }
        assert!(behind("", Place::Utf8).is_err() && behind("", Place::Part).is_err());
    }

    // RFC 4469 section 3.
    #[test]
    fn messages_are_put_together() {
        let opening = b"A003 APPEND Drafts (\\Seen \\Draft $MDNSent) CATENATE (TEXT {42}\r\n";
        assert_eq!(head(opening, false).unwrap().upload.line.then, octets(42, true, Place::Part));
        let url = |text: &str| Step::Url(text.to_owned());
        let part = "/Drafts;UIDVALIDITY=385759045/;UID=20/;section=HEADER";
        assert_eq!(
            behind(&format!(" URL \"{part}\" TEXT {{42+}}"), Place::Part),
            Ok(Some(Line { steps: vec![url(part)], then: octets(42, false, Place::Part) }))
        );
        assert_eq!(behind(" URL {3+}", Place::Part), Ok(None));
        assert_eq!(behind(" URL {3+}\r\na{0)", Place::Part), Ok(Some(Line { steps: vec![url("a{0"), Step::End], then: Then::Over })));
        assert_eq!(behind(" UTF8 (~{5}", Place::Part).unwrap().unwrap().then, octets(5, true, Place::Utf8Part));
        assert_eq!(behind(")) {7}", Place::Utf8Part).unwrap().unwrap().then, octets(7, true, Place::Message));
        let whole = b"a APPEND x CATENATE (URL /a URL \"/b\") (\\Seen) CATENATE (URL /c)\r\n";
        let (_, super::super::Request::Upload(read)) = super::super::command(whole, false).unwrap() else { panic!("no upload") };
        assert_eq!(read.line.steps.len(), 7);
        assert_eq!(read.line.then, Then::Over);
        assert_eq!(head(whole, false), None);
    }

    proptest! {
        /// What is made of words and announcements is read to its end or refused, and never ends in the middle of octets.
        #[test]
        fn lines_of_any_words(
            words in proptest::collection::vec(
                proptest::sample::select(&["(", ")", " ", "CATENATE (", "UTF8 (", "TEXT ", "URL ", "\"/a\"", "/;UID=1", "(\\Seen) ", "~", "{3}\r\nabc", "x"][..]),
                0..12,
            ),
            tail in proptest::sample::select(&["", "{3}", "~{3+}", "{3}\r\nab", ")"][..]),
            place in proptest::sample::select(&[Place::Message, Place::Utf8, Place::Part, Place::Utf8Part][..]),
            uid: bool,
        ) {
            let text = words.concat() + tail;
            match behind(&text, place) {
                Ok(Some(line)) if line.then == Then::Over => prop_assert_eq!(line.steps.last(), Some(&Step::End)),
                Ok(_) => {
                    let announces = tail.ends_with('}');
                    prop_assert!(announces);
                }
                Err(_) => {}
            }
            let start = if uid { "a UID REPLACE 1 x" } else { "a APPEND x" };
            let _ = head(format!("{start}{text}\r\n").as_bytes(), true);
            let _ = super::super::command(format!("{start}{text}\r\n").as_bytes(), true);
        }

        /// However the messages are given, each begins and ends once.
        #[test]
        fn messages_begin_and_end(kinds in proptest::collection::vec((0_u8..4, any::<bool>()), 1..6)) {
            let plus = |waits: bool| if waits { "" } else { "+" };
            let mut texts = vec![String::new()];
            for (kind, waits) in &kinds {
                let (before, behind) = match kind {
                    0 => (format!("{{5{}}}", plus(*waits)), ""),
                    1 => (format!("UTF8 (~{{5{}}}", plus(*waits)), ")"),
                    2 => (format!("(\\Draft) CATENATE (URL /x TEXT {{5{}}}", plus(*waits)), " URL \"y\")"),
                    _ => (format!("CATENATE (UTF8 (~{{5{}}}", plus(*waits)), "))"),
                };
                texts.last_mut().unwrap().extend([" ", &before]);
                texts.push(behind.to_owned());
            }
            let first = head(format!("a APPEND x{}\r\n", texts[0]).as_bytes(), false).unwrap().upload.line;
            let (mut steps, mut then) = (first.steps, first.then);
            for text in &texts[1..] {
                let Then::Octets { place, .. } = then else { panic!("over too early") };
                let next = behind(text, place).unwrap().unwrap();
                steps.extend(next.steps);
                then = next.then;
            }
            prop_assert_eq!(then, Then::Over);
            let kept: Vec<&Step> = steps.iter().filter(|step| !matches!(step, Step::Url(_))).collect();
            prop_assert_eq!(kept.len(), 2 * kinds.len());
            let in_pairs = kept.chunks(2).all(|pair| matches!(pair, [Step::Begin { .. }, Step::End]));
            prop_assert!(in_pairs);
        }
    }
}
