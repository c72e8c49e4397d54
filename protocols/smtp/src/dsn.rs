//! The notification that a message could not be delivered (RFC 3461 to 3464, RFC 6522). Pure.
//!
//! What always holds: everything in it that came from outside is printable ASCII in lines of its own or quoted by `mail-builder`;
//! message ids, which that does not check, are checked here.

use crate::stamp::date;
use crate::wire::printable;
use mail_builder::MessageBuilder;
use mail_builder::headers::address::Address as Mailbox;
use mail_builder::headers::content_type::ContentType;
use mail_builder::headers::message_id::MessageId;
use mail_builder::headers::raw::Raw;
use mail_builder::mime::{BodyPart, MimePart};
use octroi_mime::{headers_of, unfolded};
use octroi_model::{Address, UnixTime};
use std::fmt::Write;

/// Octets of the original header that are given back.
const HEADER_BYTES_MAX: usize = 64 * 1024;
/// Octets of a diagnostic text.
const DIAGNOSTIC_BYTES_MAX: usize = 500;
/// RFC 5322 section 2.1.1, less what stands around it.
const MESSAGE_ID_BYTES_MAX: usize = 900;

/// What a notification tells.
#[derive(Debug, Clone)]
pub(crate) struct Report<'a> {
    /// Our host name.
    pub(crate) hostname: &'a str,
    /// Who sent the message.
    pub(crate) to: &'a Address,
    /// Who did not get it, and what was said.
    pub(crate) failures: &'a [(Address, String)],
    /// When it came to us.
    pub(crate) arrived: UnixTime,
    pub(crate) now: UnixTime,
    /// Id of the notification, unique and of our own making.
    pub(crate) id: &'a str,
    /// The beginning of the message, its header in it.
    pub(crate) original: &'a [u8],
}

/// The notification, `Return-Path` included.
pub(crate) fn compose(report: &Report<'_>) -> Vec<u8> {
    let header = original_header(report.original);
    let header_text = String::from_utf8_lossy(header);
    let kind = ContentType::new("multipart/report")
        .attribute("report-type", "delivery-status")
        .attribute("boundary", format!("report-{}", report.id));
    let status = MimePart::new("message/delivery-status", BodyPart::Binary(delivery_status(report).into_bytes().into()));
    let parts = vec![
        MimePart::new("text/plain", explanation(report)),
        // RFC 3464 section 2.1: always 7bit.
        status.transfer_encoding("7bit"),
        MimePart::new("text/rfc822-headers", header_text.as_ref()),
    ];
    let daemon = format!("MAILER-DAEMON@{}", report.hostname);
    let mut message = MessageBuilder::new()
        .header("Return-Path", Raw::new("<>"))
        .from(Mailbox::new_address(Some("Mail delivery"), daemon))
        .to(Mailbox::new_address(None::<&str>, report.to.to_string()))
        .subject("Your message could not be delivered")
        .header("Date", Raw::new(date(report.now)))
        .message_id(format!("{}@{}", report.id, report.hostname))
        // RFC 3834 section 5: nothing shall answer this.
        .header("Auto-Submitted", Raw::new("auto-replied"));
    if let Some(id) = message_id(header) {
        message = message.in_reply_to(MessageId::new(id.clone())).references(MessageId::new(id));
    }
    let mut out = Vec::new();
    message.body(MimePart::new(kind, parts)).serialize(&mut out);
    out
}

/// For the person (RFC 6522 section 3).
fn explanation(report: &Report<'_>) -> String {
    let mut text = format!(
        "This is the mail server {}.\r\n\r\nThe message that you sent on {}\r\ncould not be delivered to:\r\n\r\n",
        report.hostname,
        date(report.arrived)
    );
    for (address, reason) in report.failures {
        let _ = write!(text, "  {address}\r\n    {}\r\n\r\n", printable(reason, DIAGNOSTIC_BYTES_MAX));
    }
    text.push_str("It will not be tried again. The header of your message is attached.\r\n");
    text
}

/// For programs (RFC 3464 section 2).
fn delivery_status(report: &Report<'_>) -> String {
    let mut text = format!("Reporting-MTA: dns; {}\r\nArrival-Date: {}\r\n", report.hostname, date(report.arrived));
    for (address, reason) in report.failures {
        let _ = write!(
            text,
            "\r\nFinal-Recipient: {}\r\nAction: failed\r\nStatus: {}\r\nDiagnostic-Code: {}\r\nLast-Attempt-Date: {}\r\n",
            typed(address),
            status(reason),
            diagnostic(reason),
            date(report.now)
        );
    }
    text
}

/// RFC 3464 section 2.3.2; for UTF-8 in the form of RFC 6533 section 3 that stays ASCII.
fn typed(address: &Address) -> String {
    let text = address.to_string();
    if text.is_ascii() {
        return format!("rfc822; {text}");
    }
    let mut out = "utf-8; ".to_owned();
    for character in text.chars() {
        // RFC 6533 section 3, utf-8-addr-xtext: these would end or fake an escape.
        if character.is_ascii_graphic() && !matches!(character, '\\' | '+' | '=') {
            out.push(character);
        } else {
            let _ = write!(out, "\\x{{{:02X}}}", u32::from(character));
        }
    }
    out
}

/// The enhanced code in a reply such as `550 5.1.1 No such user`, or one that says as much as the reply's code does.
fn status(reason: &str) -> String {
    let second = reason.split_ascii_whitespace().nth(1).unwrap_or("");
    let numbers: Vec<&str> = second.split('.').collect();
    let is_number = |text: &&str| (1..=3).contains(&text.len()) && text.bytes().all(|octet| octet.is_ascii_digit());
    if numbers.len() == 3 && numbers.iter().all(is_number) && matches!(numbers[0], "4" | "5") {
        // RFC 3463 section 2: what we gave up on is a permanent failure here, whatever the last host called it.
        return format!("5.{}.{}", numbers[1], numbers[2]);
    }
    "5.0.0".to_owned()
}

/// RFC 3464 section 2.3.6: `smtp` only for what a host has said.
fn diagnostic(reason: &str) -> String {
    let kind = if reason.get(..3).is_some_and(|code| code.bytes().all(|octet| octet.is_ascii_digit())) { "smtp" } else { "x-octroi" };
    format!("{kind}; {}", printable(reason, DIAGNOSTIC_BYTES_MAX))
}

/// The original header up to its empty line, cut at a line's end when it is very long.
fn original_header(original: &[u8]) -> &[u8] {
    let end = octroi_mime::header_length(original);
    if end <= HEADER_BYTES_MAX {
        return &original[..end];
    }
    let cut = memchr::memrchr(b'\n', &original[..HEADER_BYTES_MAX]).map_or(0, |at| at + 1);
    &original[..cut]
}

/// The original's message id, without its brackets, if it is one and can do no harm.
pub(crate) fn message_id(header: &[u8]) -> Option<String> {
    let field = headers_of(header).find(|field| field.name.eq_ignore_ascii_case(b"Message-ID"))?;
    let value = unfolded(field.value);
    let id = value.trim_ascii().strip_prefix(b"<")?.strip_suffix(b">")?;
    let clean = id.iter().all(|&octet| octet.is_ascii_graphic() && octet != b'<' && octet != b'>');
    (clean && (3..=MESSAGE_ID_BYTES_MAX).contains(&id.len()) && id.contains(&b'@')).then(|| String::from_utf8_lossy(id).into_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn composed(failures: &[(Address, String)], original: &[u8]) -> String {
        let to = "lea@douane.example".parse().unwrap();
        let report = Report {
            hostname: "mail.douane.example",
            to: &to,
            failures,
            arrived: UnixTime(1_700_000_000),
            now: UnixTime(1_700_000_600),
            id: "ID1",
            original,
        };
        String::from_utf8(compose(&report)).unwrap()
    }

    fn failure(address: &str, reason: &str) -> (Address, String) {
        (address.parse().unwrap(), reason.to_owned())
    }

    #[test]
    fn golden() {
        let failures = [failure("a@b.example", "550 5.1.1 No such user"), failure("c@b.example", "the name was not found")];
        let original = b"Message-ID: <1@douane.example>\r\nFrom: lea@douane.example\r\nSubject: Hello\r\n\r\nSecret body\r\n";
        assert_eq!(composed(&failures, original), include_str!("dsn_golden.eml").replace('\n', "\r\n"));
    }

    #[test]
    fn nothing_from_outside_starts_a_line() {
        let failures = [failure("a@b.example", "550 5.1.1 x\r\nAction: delivered\r\n\r\n--report-ID1\r\n")];
        let original = b"Message-ID: <1@x\r\n\tX-Injected: 1>\r\nSubject: x\r\n\r\n";
        let message = composed(&failures, original);
        assert!(!message.contains("\nAction: delivered"), "{message}");
        assert!(!message.contains("In-Reply-To"), "{message}");
        assert_eq!(message.matches("\n--report-ID1\r\n").count(), 3);
        assert!(message.split("\r\n").all(|line| !line.contains(['\r', '\n'])));
    }

    #[test]
    fn message_ids_are_checked() {
        assert_eq!(message_id(b"message-id:  <a@b>\r\n\r\n").as_deref(), Some("a@b"));
        for bad in ["<a>", "a@b", "<a@b> <c@d>", "<a b@c>", "<@>", "<é@b>", "<a\x01@b>"] {
            assert_eq!(message_id(format!("Message-ID: {bad}\r\n\r\n").as_bytes()), None, "{bad:?}");
        }
    }

    #[test]
    fn status_codes() {
        for (reason, expected) in [
            ("550 5.1.1 x", "5.1.1"),
            ("451 4.7.1 greylisted", "5.7.1"),
            ("550 x", "5.0.0"),
            ("no connection: 5.6", "5.0.0"),
            ("550 5.1.1111 x", "5.0.0"),
            ("", "5.0.0"),
        ] {
            assert_eq!(status(reason), expected, "{reason:?}");
        }
    }

    #[test]
    fn utf8_addresses_stay_ascii() {
        assert_eq!(typed(&"léa@b.example".parse().unwrap()), "utf-8; l\\x{E9}a@b.example");
        assert_eq!(typed(&"a@b.example".parse().unwrap()), "rfc822; a@b.example");
    }

    #[test]
    fn a_long_header_is_cut_at_a_line() {
        let original = b"Subject: x\r\n".repeat(10_000);
        let header = original_header(&original);
        assert!(header.len() <= HEADER_BYTES_MAX && header.ends_with(b"\r\n"));
    }
}
