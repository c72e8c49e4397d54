//! URLs of messages in CATENATE. Called while an APPEND is taken.
//!
//! A URL leads to what the session may read and to nothing else: relative to this server (RFC 5092 section 7.2), or to the open mailbox. What
//! may not be known to exist and what does not exist give the same answer.

use crate::reply::{Fault, Reply};
use crate::state::State;
use crate::wire::grammar::messages::section_alone;
use crate::wire::mailbox::MailboxName;
use imap_codec::imap_types::fetch::Section;
use octroi_gate::{MailboxAt, MailboxView, Refusal, Select};
use octroi_model::Uid;

/// Longest URL, in octets, that an answer repeats.
const REPEATED_BYTES_MAX: usize = 1024;

/// A URL taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
struct MessageUrl {
    /// Nothing: the open one.
    mailbox: Option<MailboxName>,
    uid_validity: Option<u32>,
    uid: u32,
    section: Option<Section<'static>>,
    partial: Option<(u32, u32)>,
}

/// What a URL leads to.
pub(super) struct Source {
    pub(super) view: MailboxView,
    pub(super) position: usize,
    pub(super) section: Option<Section<'static>>,
    /// From which octet, and how many.
    pub(super) partial: Option<(u32, u32)>,
}

/// Look where a URL leads to.
pub(super) async fn find(state: &State, text: &str) -> Result<Source, Fault> {
    let url = parse(text).ok_or_else(|| bad(text, "That is no URL of a message here"))?;
    let view = match &url.mailbox {
        None => state.opened().map(|selected| selected.sight.current().clone()).ok_or_else(|| bad(text, "No mailbox is open"))?,
        Some(mailbox) => {
            let path = mailbox.path().ok_or_else(|| bad(text, "There is no such mailbox"))?;
            let opened = match state.session()?.open(MailboxAt(path), Select).await {
                Ok(mailbox) => mailbox.view().await,
                Err(refusal) => Err(refusal),
            };
            opened.map_err(|refusal| match refusal {
                Refusal::Missing | Refusal::Forbidden(_) => bad(text, "There is no such mailbox"),
                other => other.into(),
            })?
        }
    };
    if url.uid_validity.is_some_and(|uid_validity| uid_validity != view.uid_validity().0) {
        return Err(bad(text, "The mailbox has another UIDVALIDITY"));
    }
    let position = view.lower_bound(Uid(url.uid));
    if view.at(position).is_none_or(|item| item.uid != Uid(url.uid)) {
        return Err(bad(text, "There is no such message"));
    }
    Ok(Source { view, position, section: url.section, partial: url.partial })
}

/// The refusal of a URL.
// RFC 4469 section 4: it is repeated, unless it cannot stand there.
pub(super) fn bad(text: &str, why: &'static str) -> Fault {
    let stands = text.len() <= REPEATED_BYTES_MAX && text.bytes().all(|octet| octet.is_ascii_graphic() && !b"\"\\]".contains(&octet));
    Reply::no(format!("BADURL \"{}\"", if stands { text } else { "" }), why).into()
}

/// RFC 5092 section 11 (ipath-query, imessagepart): `/mailbox;UIDVALIDITY=1/;UID=2/;SECTION=1.2/;PARTIAL=0.9`.
fn parse(text: &str) -> Option<MessageUrl> {
    let at = position_of(text, "/;UID=").or_else(|| position_of(text, ";UID=").filter(|at| *at == 0))?;
    let (before, message) = text.split_at(at);
    let (mailbox, uid_validity) = match before.strip_prefix('/') {
        None if before.is_empty() => (None, None),
        None => return None,
        Some(path) => {
            let (name, uid_validity) = match position_of(path, ";UIDVALIDITY=") {
                Some(at) => (&path[..at], Some(number(&path[at + ";UIDVALIDITY=".len()..])?)),
                None => (path, None),
            };
            // Two slashes: another server.
            let name = decoded(name).filter(|name| !name.is_empty() && !name.starts_with('/'))?;
            (Some(MailboxName::read(name.as_bytes(), true)), uid_validity)
        }
    };
    let mut parts = message.trim_start_matches('/').split('/');
    let uid = number(value_of(parts.next()?, ";UID=")?).filter(|uid| *uid > 0)?;
    let (mut section, mut partial) = (None, None);
    let mut next = parts.next();
    if let Some(named) = next.and_then(|part| value_of(part, ";SECTION=")) {
        section = section_alone(&decoded(named)?).ok()?;
        next = parts.next();
    }
    if let Some(range) = next.and_then(|part| value_of(part, ";PARTIAL=")) {
        let (from, count) = range.split_once('.').map_or((range, None), |(from, count)| (from, Some(count)));
        partial = Some((number(from)?, count.map_or(Some(u32::MAX), |count| number(count).filter(|count| *count > 0))?));
        next = parts.next();
    }
    // What else there may be, such as URLAUTH, is not for us.
    next.is_none().then_some(MessageUrl { mailbox, uid_validity, uid, section, partial })
}

/// Where a word stands first, in any case of letters.
fn position_of(text: &str, word: &str) -> Option<usize> {
    text.as_bytes().windows(word.len()).position(|window| window.eq_ignore_ascii_case(word.as_bytes()))
}

fn value_of<'a>(part: &'a str, word: &str) -> Option<&'a str> {
    (position_of(part, word) == Some(0)).then(|| &part[word.len()..])
}

fn number(text: &str) -> Option<u32> {
    text.bytes().all(|octet| octet.is_ascii_digit()).then(|| text.parse().ok())?
}

/// Without percent encoding (RFC 3986 section 2.1).
fn decoded(text: &str) -> Option<String> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(octet) = rest.next() {
        if octet != b'%' {
            octets.push(octet);
            continue;
        }
        let mut digit = || rest.next().and_then(|digit| char::from(digit).to_digit(16));
        octets.push((digit()? << 4 | digit()?) as u8);
    }
    String::from_utf8(octets).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::wire::encode;
    use proptest::prelude::*;

    fn mailbox(name: &str) -> MailboxName {
        MailboxName::read(name.as_bytes(), true)
    }

    #[test]
    fn urls_of_messages() {
        let url = parse("/Drafts;UIDVALIDITY=385759045/;UID=20/;section=HEADER").unwrap();
        assert_eq!((url.mailbox, url.uid_validity, url.uid), (Some(mailbox("Drafts")), Some(385_759_045), 20));
        assert_eq!(url.section, Some(Section::Header(None)));
        let url = parse("/Shared/a@b.example/%C3%89t%C3%A9%20x/;uid=3/;SECTION=1.2/;PARTIAL=7.9").unwrap();
        assert_eq!((url.mailbox, url.uid_validity, url.partial), (Some(mailbox("Shared/a@b.example/\u{c9}t\u{e9} x")), None, Some((7, 9))));
        assert_eq!(parse("/INBOX/;UID=1/;PARTIAL=5").unwrap().partial, Some((5, u32::MAX)));
        assert_eq!(parse(";UID=5").unwrap().mailbox, None);
        assert_eq!(parse("/;UID=5").unwrap().mailbox, None);
        let fields = parse("/x/;UID=5/;SECTION=HEADER.FIELDS%20(To%20Cc)").unwrap().section;
        assert!(matches!(fields, Some(Section::HeaderFields(None, _))));
        for bad in [
            "",
            "/",
            "x",
            "/INBOX",
            "/INBOX/;UID=",
            "/INBOX/;UID=0",
            "/INBOX/;UID=+1",
            "/INBOX/;UID=1/",
            "/INBOX/;UID=1/;SECTION=",
            "/INBOX/;UID=1/;SECTION=X",
            "/INBOX/;UID=1/;SECTION=1]",
            "/INBOX/;UID=1/;PARTIAL=0.0",
            "/INBOX/;UID=1/;URLAUTH=anonymous:internal:00",
            "/INBOX;UIDVALIDITY=/;UID=1x",
            "//host/INBOX/;UID=1",
            "imap://host/INBOX/;UID=1",
            "INBOX/;UID=1",
            "/%zz/;UID=1",
            "/%ff/;UID=1",
            "/%C3",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_refusal_repeats_what_can_stand_there() {
        let told = |text: &str| match bad(text, "No") {
            Fault::Reply(reply) => String::from_utf8(encode::tagged(None, reply.kind, reply.code, &reply.text)).unwrap(),
            other => panic!("{other:?}"),
        };
        assert_eq!(told("/a/;UID=1"), "* NO [BADURL \"/a/;UID=1\"] No\r\n");
        for text in ["/a]\r\n", "\u{e9}", "a\"", &"a".repeat(2000)] {
            assert_eq!(told(text), "* NO [BADURL \"\"] No\r\n");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(words in proptest::collection::vec(
            proptest::sample::select(&["/", ";UID=", ";UIDVALIDITY=", "1", "%C3%A9", "%", "\u{e9}", "/;SECTION=", "/;PARTIAL=", ".", "TEXT", "{1}\r\n"][..]),
            0..10,
        )) {
            let _ = parse(&words.concat());
        }
    }
}
