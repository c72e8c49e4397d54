//! Responses to octets, by imap-codec. Called for all that is not on the hot path; FETCH has [`super::fetch`], and searches write their own.

use super::fetch::write_set;
use imap_codec::ResponseCodec;
use imap_codec::encode::Encoder;
use imap_codec::imap_types::core::{Tag, Text};
use imap_codec::imap_types::response::{Bye, Code, CodeOther, Data, Response, Status, StatusBody, StatusKind, Tagged};
use octroi_model::{ModSeq, UidValidity};
use std::borrow::Cow;

/// Untagged data.
pub(crate) fn data(data: Data<'_>) -> Vec<u8> {
    ResponseCodec::new().encode(&Response::Data(data)).dump()
}

/// An untagged OK.
pub(crate) fn untagged(code: Code<'_>, text: &str) -> Vec<u8> {
    status(Status::Untagged(StatusBody { kind: StatusKind::Ok, code: Some(code), text: visible(text) }))
}

/// The answer to a command; without a tag when the command had none.
pub(crate) fn tagged(tag: Option<Tag<'_>>, kind: StatusKind, code: Option<Code<'_>>, text: &str) -> Vec<u8> {
    let body = StatusBody { kind, code, text: visible(text) };
    status(match tag {
        Some(tag) => Status::Tagged(Tagged { tag, body }),
        None => Status::Untagged(body),
    })
}

/// The last thing we say.
pub(crate) fn bye(code: Option<Code<'_>>, text: &str) -> Vec<u8> {
    status(Status::Bye(Bye { code, text: visible(text) }))
}

/// A response code that imap-codec has no value for, such as those of RFC 5530, with what belongs to it.
pub(crate) fn code(code: impl Into<Cow<'static, str>>) -> Code<'static> {
    Code::Other(match code.into() {
        Cow::Borrowed(word) => CodeOther::unvalidated(word.as_bytes()),
        Cow::Owned(code) => CodeOther::unvalidated(code.into_bytes()),
    })
}

/// Up to where the client knows all changes.
// RFC 7162 section 3.1.2.1: never 0.
pub(crate) fn highest_modseq(modseq: ModSeq) -> Code<'static> {
    code(format!("HIGHESTMODSEQ {}", modseq.0.max(1)))
}

/// Messages that a conditional STORE has left alone, as ascending ranges.
// RFC 7162 section 3.1.3.
pub(crate) fn modified(ranges: impl Iterator<Item = (u32, u32)>) -> Code<'static> {
    with_set("MODIFIED ", ranges)
}

/// The uids of messages that were appended, in their order.
// RFC 4315 section 3; RFC 3502 section 6.3.11: a set of them.
pub(crate) fn append_uid(uid_validity: UidValidity, runs: impl Iterator<Item = (u32, u32)>) -> Code<'static> {
    with_set(&format!("APPENDUID {} ", uid_validity.0), runs)
}

fn with_set(words: &str, ranges: impl Iterator<Item = (u32, u32)>) -> Code<'static> {
    let mut code = words.as_bytes().to_vec();
    write_set(&mut code, ranges);
    Code::Other(CodeOther::unvalidated(code))
}

fn status(status: Status<'_>) -> Vec<u8> {
    ResponseCodec::new().encode(&Response::Status(status)).dump()
}

/// Text that can stand on one line of ASCII.
fn visible(text: &str) -> Text<'static> {
    let text: String = text.chars().map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' }).collect();
    Text::try_from(text).unwrap_or_else(|_| Text::unvalidated("-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_of_condstore() {
        assert_eq!(untagged(highest_modseq(ModSeq(715_194_045_007)), "x"), b"* OK [HIGHESTMODSEQ 715194045007] x\r\n");
        assert_eq!(untagged(highest_modseq(ModSeq(0)), "x"), b"* OK [HIGHESTMODSEQ 1] x\r\n");
        assert_eq!(untagged(modified([(7, 7), (9, 12)].into_iter()), "x"), b"* OK [MODIFIED 7,9:12] x\r\n");
    }

    #[test]
    fn no_text_breaks_its_line() {
        let tag = Tag::unvalidated("a1");
        assert_eq!(tagged(Some(tag), StatusKind::No, Some(code("LIMIT")), "é\r\n* BYE"), b"a1 NO [LIMIT] ???* BYE\r\n");
        assert_eq!(tagged(None, StatusKind::Bad, None, ""), b"* BAD -\r\n");
        assert_eq!(bye(None, "Until later"), b"* BYE Until later\r\n");
        assert_eq!(untagged(Code::ReadWrite, "x"), b"* OK [READ-WRITE] x\r\n");
    }
}
