//! An automatic answer as a message (RFC 5230 section 5, RFC 3834 section 3). Whom it may go to was looked at before.
//!
//! What always holds: it says that it is automatic, comes from nobody, and is in the name of its owner only; what a script says stands where
//! it belongs and starts no field of its own.

use super::About;
use crate::dsn::message_id;
use crate::stamp::{date, unique_id};
use mail_builder::MessageBuilder;
use mail_builder::headers::address::Address as Mailbox;
use mail_builder::headers::message_id::MessageId;
use mail_builder::headers::raw::Raw;
use mail_builder::mime::{BodyPart, MimePart};
use octroi_gate::{Filter, Sending, Told};
use octroi_mime::{AddressEntry, addresses, decoded_header, header_length, headers_of, normalize_newlines};
use octroi_model::{Address, UnixTime};
use octroi_sieve::{AutoReply, Facts};

/// Characters of a subject.
const SUBJECT_MAX: usize = 200;

pub(super) fn answer(about: &About, filter: &Filter, facts: &Facts<'_>, to: &Address, reply: &AutoReply) -> Told {
    let (name, from) = author(filter, reply);
    let octets = Answer { to, name, from, hostname: about.hostname(), is_final: about.is_local(to), now: UnixTime(facts.now) }.compose(
        facts.octets,
        reply,
        &unique_id(),
    );
    let sending = Sending::plain(to.clone(), about.own(octets));
    Told::Answer { sending, seconds: reply.seconds, handle: reply.handle.clone() }
}

/// RFC 5230 section 4.3: as the script says, if that is an address of the owner's.
fn author(filter: &Filter, reply: &AutoReply) -> (Option<String>, Address) {
    let named = reply.from.as_deref().map(|text| addresses(text.as_bytes())).unwrap_or_default();
    let own = named.iter().find_map(|entry| {
        let address = entry.address().filter(|address| filter.is_owner(address))?;
        let AddressEntry::Mailbox { name, .. } = entry else { return None };
        Some((name.as_ref().map(|name| decoded_header(name)), address))
    });
    own.unwrap_or_else(|| {
        let name = filter.owner_name();
        ((!name.is_empty()).then(|| name.to_owned()), filter.owner().clone())
    })
}

struct Answer<'a> {
    to: &'a Address,
    name: Option<String>,
    from: Address,
    hostname: &'a str,
    /// It goes to one of ours, so it gets its return path here.
    is_final: bool,
    now: UnixTime,
}

impl Answer<'_> {
    fn compose(&self, original: &[u8], reply: &AutoReply, id: &str) -> Vec<u8> {
        let header = &original[..header_length(original)];
        let mut message = MessageBuilder::new();
        if self.is_final {
            message = message.header("Return-Path", Raw::new("<>"));
        }
        message = message
            .from(Mailbox::new_address(self.name.as_deref(), self.from.to_string()))
            .to(Mailbox::new_address(None::<&str>, self.to.to_string()))
            .subject(subject(header, reply))
            .header("Date", Raw::new(date(self.now)))
            .message_id(format!("{id}@{}", self.hostname))
            // RFC 3834 section 3.1.7, RFC 5230 section 5.5.
            .header("Auto-Submitted", Raw::new("auto-replied (vacation)"));
        if let Some(id) = message_id(header) {
            message = message.in_reply_to(MessageId::new(id.clone())).references(MessageId::new(id));
        }
        let mut out = Vec::new();
        if !reply.mime {
            message.text_body(reply.reason.clone()).serialize(&mut out);
            return out;
        }
        // RFC 5230 section 4.1: the reason is a whole part; ours is the header around it.
        message.body(MimePart::new("text/plain", BodyPart::Text("".into()))).serialize(&mut out);
        let own = header_length(&out);
        let mut whole: Vec<u8> = Vec::with_capacity(own + reply.reason.len());
        for field in headers_of(&out[..own]).filter(|field| !is_of_content(field.name)) {
            whole.extend_from_slice(&out[field.range.clone()]);
        }
        whole.extend_from_slice(&part(&reply.reason));
        whole
    }
}

fn is_of_content(name: &[u8]) -> bool {
    let prefix = b"Content-";
    name.len() > prefix.len() && name[..prefix.len()].eq_ignore_ascii_case(prefix)
}

/// A part with the fields that describe it, and no others. What has none is a text.
fn part(reason: &str) -> Vec<u8> {
    let text = normalize_newlines(reason.as_bytes());
    let is_described = headers_of(&text).any(|field| is_of_content(field.name));
    let header = if is_described { header_length(&text) } else { 0 };
    let mut out = Vec::with_capacity(text.len());
    for field in headers_of(&text[..header]).filter(|field| is_of_content(field.name)) {
        out.extend_from_slice(&text[field.range.clone()]);
    }
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(&text[header..]);
    out
}

/// RFC 5230 section 4.1: `Auto: ` and the original's, if the script has none. One line.
fn subject(header: &[u8], reply: &AutoReply) -> String {
    let own = reply.subject.clone().unwrap_or_else(|| {
        let field = headers_of(header).find(|field| field.name.eq_ignore_ascii_case(b"Subject"));
        format!("Auto: {}", field.map(|field| decoded_header(field.value)).unwrap_or_default())
    });
    own.chars().map(|c| if c.is_control() { ' ' } else { c }).take(SUBJECT_MAX).collect::<String>().trim().to_owned()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn composed(reply: &AutoReply, original: &str) -> String {
        let to = "a@b.example".parse().unwrap();
        let answer = Answer {
            to: &to,
            name: Some("Léa".to_owned()),
            from: "lea@x.example".parse().unwrap(),
            hostname: "mail.x.example",
            is_final: true,
            now: UnixTime(1_700_000_000),
        };
        String::from_utf8(answer.compose(original.as_bytes(), reply, "ID1")).unwrap()
    }

    fn reply(reason: &str) -> AutoReply {
        AutoReply {
            seconds: 1,
            subject: None,
            from: None,
            addresses: Vec::new(),
            reason: reason.to_owned(),
            mime: false,
            handle: String::new(),
        }
    }

    #[test]
    fn an_answer_says_what_it_is_and_to_what() {
        let text = composed(&reply("Away until Monday."), "Message-ID: <1@b.example>\r\nSubject: =?utf-8?q?=C3=A9t=C3=A9?=\r\n\r\nx\r\n");
        for expected in [
            "Return-Path: <>\r\n",
            "<lea@x.example>",
            "To: <a@b.example>\r\n",
            "Subject: =?utf-8?",
            "Auto-Submitted: auto-replied (vacation)\r\n",
            "In-Reply-To: <1@b.example>\r\n",
            "References: <1@b.example>\r\n",
            "Message-ID: <ID1@mail.x.example>\r\n",
            "\r\n\r\nAway until Monday.",
        ] {
            assert!(text.contains(expected), "{expected:?} is missing in:\n{text}");
        }
        let own = composed(&AutoReply { subject: Some("Away\r\nBcc: x@y.example".to_owned()), ..reply("x") }, "Subject: a\r\n\r\n");
        assert!(own.contains("Subject: Away  Bcc: x@y.example\r\n"), "{own}");
        assert!(!own.contains("In-Reply-To"));
    }

    #[test]
    fn a_part_of_the_scripts_brings_its_own_description_and_nothing_else() {
        let mime = "Content-Type: text/html; charset=utf-8\nBcc: victim@b.example\nContent-Transfer-Encoding: 8bit\n\n<p>été</p>\n";
        let text = composed(&AutoReply { mime: true, ..reply(mime) }, "Subject: a\r\n\r\n");
        assert!(
            text.ends_with("Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n<p>été</p>\r\n"),
            "{text}"
        );
        assert!(!text.contains("Bcc") && !text.contains("text/plain"), "{text}");
        assert_eq!(text.matches("MIME-Version").count(), 1, "{text}");
        assert!(composed(&AutoReply { mime: true, ..reply("no header") }, "\r\n").ends_with("\r\n\r\nno header"), "a text alone");
    }
}
