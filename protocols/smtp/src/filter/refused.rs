//! What a sender is told whose message a filter does not take (RFC 5429): a reply, a bounce, or a notice (RFC 8098).
//!
//! What always holds: nothing that comes from outside starts a line of what programs read.

use super::About;
use crate::dsn::{self, Concerned, News, message_id};
use crate::stamp::{date, unique_id};
use crate::wire::{Reply, printable};
use mail_builder::MessageBuilder;
use mail_builder::headers::address::Address as Mailbox;
use mail_builder::headers::content_type::ContentType;
use mail_builder::headers::message_id::MessageId;
use mail_builder::headers::raw::Raw;
use mail_builder::mime::{BodyPart, MimePart};
use octroi_gate::{Filter, Sending, Told};
use octroi_mime::header_length;
use octroi_model::{Address, UnixTime};
use octroi_sieve::{Facts, Refusing};
use std::fmt::Write;
use tracing::info;

/// Lines of a reply: what mail programs show of it.
const LINES_MAX: usize = 20;
/// Octets of the original header that are given back.
const HEADER_BYTES_MAX: usize = 64 * 1024;

/// RFC 5429 section 2.1.2: 550 with 5.7.1, a line for each of the reason's.
pub(super) fn reply(reason: &str) -> Reply {
    let mut lines = reason.lines().map(str::trim_end).filter(|line| !line.is_empty()).take(LINES_MAX).map(str::to_owned);
    let first = lines.next().unwrap_or_else(|| "The recipient does not take this message".to_owned());
    lines.fold(Reply::new(550, "5.7.1", first), Reply::line)
}

/// A message to the sender; nothing to nobody.
pub(super) fn report(about: &About, filter: &Filter, facts: &Facts<'_>, refusing: &Refusing) -> Option<Told> {
    let Some(to) = about.from.as_ref() else {
        // RFC 5429 section 2.1.1: a notification is never answered with another.
        info!(owner = %filter.owner(), "a notification that a filter refuses was discarded");
        return None;
    };
    let octets = if refusing.bounce {
        let reason = refusing.reason.lines().next().unwrap_or_default();
        let now = UnixTime(facts.now);
        dsn::compose(&dsn::Report {
            hostname: about.hostname(),
            to,
            news: News::Failed,
            recipients: &[Concerned { address: filter.to(), orcpt: None, reason: &format!("550 5.7.1 {reason}") }],
            envid: None,
            arrived: now,
            until: now,
            now,
            id: &unique_id(),
            original: facts.octets,
            whole: false,
        })
    } else {
        let notice = Notice {
            hostname: about.hostname(),
            to,
            owner: filter.to(),
            reason: &refusing.reason,
            is_final: about.is_local(to),
            now: UnixTime(facts.now),
        };
        notice.compose(facts.octets, &unique_id())
    };
    Some(Told::Report(Sending::plain(to.clone(), about.own(octets))))
}

/// RFC 8098 section 3.
struct Notice<'a> {
    hostname: &'a str,
    to: &'a Address,
    owner: &'a Address,
    reason: &'a str,
    /// It goes to one of ours, so it gets its return path here (RFC 5321 section 4.4).
    is_final: bool,
    now: UnixTime,
}

impl Notice<'_> {
    fn compose(&self, original: &[u8], id: &str) -> Vec<u8> {
        let end = header_length(original).min(HEADER_BYTES_MAX);
        let header = &original[..end];
        let original_id = message_id(header);
        let kind = ContentType::new("multipart/report")
            .attribute("report-type", "disposition-notification")
            .attribute("boundary", format!("report-{id}"));
        let text = format!("The message was refused by the recipient's mail filter:\r\n\r\n{}\r\n", self.reason.trim_end());
        let fields = self.fields(original_id.as_deref());
        let parts = vec![
            MimePart::new("text/plain", text),
            MimePart::new("message/disposition-notification", BodyPart::Binary(fields.into_bytes().into())).transfer_encoding("7bit"),
            MimePart::new("text/rfc822-headers", String::from_utf8_lossy(header).into_owned()),
        ];
        let mut message = MessageBuilder::new();
        if self.is_final {
            message = message.header("Return-Path", Raw::new("<>"));
        }
        message = message
            .from(Mailbox::new_address(None::<&str>, self.owner.to_string()))
            .to(Mailbox::new_address(None::<&str>, self.to.to_string()))
            .subject("Automatically rejected mail")
            .header("Date", Raw::new(date(self.now)))
            .message_id(format!("{id}@{}", self.hostname))
            // RFC 5429 section 2.2.1, RFC 3834 section 5.
            .header("Auto-Submitted", Raw::new("auto-replied (rejected)"));
        if let Some(id) = original_id {
            message = message.in_reply_to(MessageId::new(id.clone())).references(MessageId::new(id));
        }
        let mut out = Vec::new();
        message.body(MimePart::new(kind, parts)).serialize(&mut out);
        out
    }

    fn fields(&self, original_id: Option<&str>) -> String {
        let owner = printable(&self.owner.to_string(), 400);
        let mut fields = format!("Reporting-UA: {}; Octroi\r\nFinal-Recipient: rfc822; {owner}\r\n", self.hostname);
        if let Some(id) = original_id {
            // Into a string: this does not fail.
            let _ = write!(fields, "Original-Message-ID: <{id}>\r\n");
        }
        fields.push_str("Disposition: automatic-action/MDN-sent-automatically; deleted\r\n");
        fields
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn written(reason: &str) -> String {
        let mut out = Vec::new();
        reply(reason).write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_reason_is_a_reply_line_by_line() {
        assert_eq!(
            written("I do not want this.\r\n\r\nWrite to sales.\r\n"),
            "550-5.7.1 I do not want this.\r\n550 5.7.1 Write to sales.\r\n"
        );
        assert_eq!(written("\r\n"), "550 5.7.1 The recipient does not take this message\r\n");
        assert_eq!(written("a\rb"), "550 5.7.1 a?b\r\n");
        assert_eq!(written(&"x\n".repeat(100)).lines().count(), LINES_MAX);
    }

    #[test]
    fn a_notice_says_what_was_done() {
        let (to, owner) = ("a@b.example".parse().unwrap(), "lea@x.example".parse().unwrap());
        let notice = Notice {
            hostname: "mail.x.example",
            to: &to,
            owner: &owner,
            reason: "Non merci, été\n",
            is_final: true,
            now: UnixTime(1_700_000_000),
        };
        let text = String::from_utf8(notice.compose(b"Message-ID: <1@b.example>\r\nSubject: x\r\n\r\nsecret\r\n", "ID1")).unwrap();
        for expected in [
            "report-type=\"disposition-notification\"",
            "Disposition: automatic-action/MDN-sent-automatically; deleted\r\n",
            "Final-Recipient: rfc822; lea@x.example\r\n",
            "Original-Message-ID: <1@b.example>\r\n",
            "Auto-Submitted: auto-replied (rejected)\r\n",
            "Return-Path: <>\r\n",
        ] {
            assert!(text.contains(expected), "{expected:?} is missing in:\n{text}");
        }
        assert!(!text.contains("secret"));
    }
}
