//! Notifications of what became of a message: failure, delay, success (RFC 3461 to 3464, RFC 6522). Pure.
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
    /// What it is about; one notification is about one thing.
    pub(crate) news: News,
    /// Whom it concerns.
    pub(crate) recipients: &'a [Concerned<'a>],
    /// ENVID as it came (RFC 3461 section 4.4).
    pub(crate) envid: Option<&'a str>,
    /// When it came to us.
    pub(crate) arrived: UnixTime,
    /// Until when it is tried, of a delay.
    pub(crate) until: UnixTime,
    pub(crate) now: UnixTime,
    /// Id of the notification, unique and of our own making.
    pub(crate) id: &'a str,
    /// The beginning of the message, its header in it; or all of it.
    pub(crate) original: &'a [u8],
    /// All of it is there and goes back.
    pub(crate) whole: bool,
}

/// What has happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum News {
    /// It will not be delivered.
    Failed,
    /// It takes longer.
    Delayed,
    /// A host has it that will not tell (RFC 3461 section 5.2.2).
    Relayed,
    /// It is in the mailbox.
    Delivered,
    /// It is with several whom the address leads to, or on its way there (RFC 3461 section 5.2.7.2).
    Expanded,
}

/// A recipient.
#[derive(Debug, Clone)]
pub(crate) struct Concerned<'a> {
    pub(crate) address: &'a Address,
    /// ORCPT as it came.
    pub(crate) orcpt: Option<&'a str>,
    /// What was said; of a success the name of the host.
    pub(crate) reason: &'a str,
}

impl News {
    fn subject(self) -> &'static str {
        match self {
            Self::Failed => "Your message could not be delivered",
            Self::Delayed => "Your message is delayed",
            Self::Relayed => "Your message was passed on",
            Self::Delivered | Self::Expanded => "Your message was delivered",
        }
    }

    /// RFC 3464 section 2.3.3.
    fn action(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Delayed => "delayed",
            Self::Relayed => "relayed",
            Self::Delivered => "delivered",
            Self::Expanded => "expanded",
        }
    }

    fn introduction(self) -> &'static str {
        match self {
            Self::Failed => "could not be delivered to:",
            Self::Delayed => "has not been delivered yet to:",
            Self::Relayed => "was passed on to the server of, which will tell nothing more:",
            Self::Delivered => "was delivered to:",
            Self::Expanded => "was delivered to everybody behind:",
        }
    }

    fn conclusion(self, until: UnixTime) -> String {
        match self {
            Self::Failed => "It will not be tried again. ".to_owned(),
            Self::Delayed => format!("You need do nothing: it is tried until\r\n{}. ", date(until)),
            Self::Relayed | Self::Delivered | Self::Expanded => String::new(),
        }
    }

    /// RFC 3463 section 2: the class of a status says how final it is, whatever the last host called it.
    fn class(self) -> char {
        match self {
            Self::Failed => '5',
            Self::Delayed => '4',
            Self::Relayed | Self::Delivered | Self::Expanded => '2',
        }
    }
}

/// The notification, `Return-Path` included.
pub(crate) fn compose(report: &Report<'_>) -> Vec<u8> {
    let header = original_header(report.original);
    let kind = ContentType::new("multipart/report")
        .attribute("report-type", "delivery-status")
        .attribute("boundary", format!("report-{}", report.id));
    let status = MimePart::new("message/delivery-status", BodyPart::Binary(delivery_status(report).into_bytes().into()));
    let original = if report.whole {
        // RFC 2046 section 5.2.1: as it is.
        let encoding = if report.original.is_ascii() { "7bit" } else { "8bit" };
        MimePart::new("message/rfc822", BodyPart::Binary(report.original.into())).transfer_encoding(encoding)
    } else {
        MimePart::new("text/rfc822-headers", String::from_utf8_lossy(header).into_owned())
    };
    let parts = vec![
        MimePart::new("text/plain", explanation(report)),
        // RFC 3464 section 2.1: always 7bit.
        status.transfer_encoding("7bit"),
        original,
    ];
    let daemon = format!("MAILER-DAEMON@{}", report.hostname);
    let mut message = MessageBuilder::new()
        .header("Return-Path", Raw::new("<>"))
        .from(Mailbox::new_address(Some("Mail delivery"), daemon))
        .to(Mailbox::new_address(None::<&str>, report.to.to_string()))
        .subject(report.news.subject())
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
        "This is the mail server {}.\r\n\r\nThe message that you sent on {}\r\n{}\r\n\r\n",
        report.hostname,
        date(report.arrived),
        report.news.introduction()
    );
    for concerned in report.recipients {
        let _ = write!(text, "  {}\r\n    {}\r\n\r\n", concerned.address, printable(concerned.reason, DIAGNOSTIC_BYTES_MAX));
    }
    let what = if report.whole { "Your message" } else { "The header of your message" };
    let _ = write!(text, "{}{what} is attached.\r\n", report.news.conclusion(report.until));
    text
}

/// For programs (RFC 3464 section 2).
fn delivery_status(report: &Report<'_>) -> String {
    let mut text = String::new();
    if let Some(envid) = report.envid {
        let _ = write!(text, "Original-Envelope-Id: {}\r\n", printable(&from_xtext(envid), DIAGNOSTIC_BYTES_MAX));
    }
    let _ = write!(text, "Reporting-MTA: dns; {}\r\nArrival-Date: {}\r\n", report.hostname, date(report.arrived));
    for concerned in report.recipients {
        text.push_str("\r\n");
        if let Some((kind, address)) = concerned.orcpt.and_then(|orcpt| orcpt.split_once(';')) {
            // RFC 3464 section 2.3.1.
            let (kind, address) = (printable(kind, DIAGNOSTIC_BYTES_MAX), from_xtext(address));
            let _ = write!(text, "Original-Recipient: {kind}; {}\r\n", printable(&address, DIAGNOSTIC_BYTES_MAX));
        }
        let _ = write!(text, "Final-Recipient: {}\r\nAction: {}\r\n", typed(concerned.address), report.news.action());
        match report.news {
            News::Failed | News::Delayed => {
                let (status, diagnostic) = (status(concerned.reason, report.news.class()), diagnostic(concerned.reason));
                let _ = write!(text, "Status: {status}\r\nDiagnostic-Code: {diagnostic}\r\n");
            }
            // RFC 3464 section 2.3.5.
            News::Relayed => {
                let _ = write!(text, "Status: 2.0.0\r\nRemote-MTA: dns; {}\r\n", printable(concerned.reason, DIAGNOSTIC_BYTES_MAX));
            }
            News::Delivered | News::Expanded => text.push_str("Status: 2.0.0\r\n"),
        }
        let _ = write!(text, "Last-Attempt-Date: {}\r\n", date(report.now));
        if report.news == News::Delayed {
            let _ = write!(text, "Will-Retry-Until: {}\r\n", date(report.until));
        }
    }
    text
}

/// RFC 3461 section 4: `+` and two hexadecimal digits for an octet.
fn from_xtext(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&octet, tail)) = rest.split_first() {
        let digits = tail.get(..2).filter(|_| octet == b'+').and_then(|pair| std::str::from_utf8(pair).ok());
        let meant = digits.and_then(|pair| u8::from_str_radix(pair, 16).ok());
        out.push(meant.unwrap_or(octet));
        rest = if meant.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8_lossy(&out).into_owned()
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
fn status(reason: &str, class: char) -> String {
    let second = reason.split_ascii_whitespace().nth(1).unwrap_or("");
    let numbers: Vec<&str> = second.split('.').collect();
    let is_number = |text: &&str| (1..=3).contains(&text.len()) && text.bytes().all(|octet| octet.is_ascii_digit());
    if numbers.len() == 3 && numbers.iter().all(is_number) && matches!(numbers[0], "4" | "5") {
        return format!("{class}.{}.{}", numbers[1], numbers[2]);
    }
    format!("{class}.0.0")
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
        let recipients: Vec<Concerned<'_>> = failures.iter().map(|(address, reason)| Concerned { address, orcpt: None, reason }).collect();
        let report = Report {
            hostname: "mail.douane.example",
            to: &to,
            news: News::Failed,
            recipients: &recipients,
            envid: None,
            whole: false,
            until: UnixTime(0),
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
    fn what_was_asked_for_stands_in_it() {
        let to = "lea@douane.example".parse().unwrap();
        let address = "a@b.example".parse().unwrap();
        let recipients = [Concerned { address: &address, orcpt: Some("rfc822;a+2Bx@c.example"), reason: "mx.b.example" }];
        let report = Report {
            hostname: "mail.douane.example",
            to: &to,
            news: News::Relayed,
            recipients: &recipients,
            envid: Some("Q+3D1+0D+0AX-Bad: 1"),
            arrived: UnixTime(0),
            until: UnixTime(0),
            now: UnixTime(0),
            id: "ID1",
            original: b"Subject: x\r\n\r\nBody\r\n",
            whole: true,
        };
        let text = String::from_utf8(compose(&report)).unwrap();
        for line in [
            "\r\nOriginal-Recipient: rfc822; a+x@c.example\r\n",
            "\r\nAction: relayed\r\n",
            "\r\nRemote-MTA: dns; mx.b.example\r\n",
            "\r\nStatus: 2.0.0\r\n",
            "Original-Envelope-Id: Q=1??X-Bad: 1\r\n",
            "Content-Type: message/rfc822\r\n",
            "\r\nBody\r\n",
        ] {
            assert!(text.contains(line), "{line} is missing in {text}");
        }
        let delayed = Report { news: News::Delayed, whole: false, ..report };
        let text = String::from_utf8(compose(&delayed)).unwrap();
        assert!(text.contains("Will-Retry-Until: ") && text.contains("Action: delayed") && text.contains("Status: 4.0.0"), "{text}");
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
            assert_eq!(status(reason, '5'), expected, "{reason:?}");
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
