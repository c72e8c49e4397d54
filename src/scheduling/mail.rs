//! Invitations as mail (RFC 6047): a text for people, and the message for their program.
//!
//! Called with the commit that queues it. From whose meeting it is, so that answers go to them.

use data_encoding::BASE64_MIME;
use jiff::Timestamp;
use mail_builder::MessageBuilder;
use mail_builder::headers::address::Address as Mailbox;
use mail_builder::headers::content_type::ContentType;
use mail_builder::mime::{BodyPart, MimePart};
use octroi_gate::{Invitation, is_attachment_id};
use octroi_ical::itip::{Digest, digest};
use octroi_ical::{Mailed, mailed};
use octroi_model::Language;
use std::io;

/// Octets of a title in a subject: more is of no use there.
const TITLE_BYTES_MAX: usize = 200;

/// The message.
pub(super) fn compose(hostname: &str, language: Language, invitation: &Invitation<'_>) -> io::Result<Vec<u8>> {
    let Invitation { from, from_name, to, telling, attachments } = invitation;
    let about = digest(&telling.octets).unwrap_or_default();
    let cid = |id: &str| format!("{id}@{hostname}");
    let (octets, left_out) = mailed(&telling.octets, |id| {
        if attachments.iter().any(|one| one.id == id) {
            Mailed::Part(cid(id))
        } else if is_attachment_id(id) {
            Mailed::LeftOut
        } else {
            // What another server manages may be open to everybody.
            Mailed::Linked
        }
    });
    let words = Words::of(language, telling.method, &about);
    let mut chance = [0u8; 12];
    getrandom::fill(&mut chance).map_err(io::Error::other)?;
    let id: String = chance.iter().map(|octet| format!("{octet:02x}")).collect();
    let sender = || Mailbox::new_address((!from_name.is_empty()).then_some(*from_name), from.to_string());
    // RFC 6047 section 2.4: the method stands in the type too.
    let calendar = ContentType::new("text/calendar").attribute("method", telling.method).attribute("charset", "utf-8");
    let parts = vec![
        MimePart::new("text/plain", words.text(&about, &left_out)),
        MimePart::new(calendar, BodyPart::Text(String::from_utf8_lossy(&octets))),
    ];
    let told = MimePart::new("multipart/alternative", parts);
    let attached = attachments.iter().map(|one| {
        // Written here, as a text would get other line ends.
        let part = MimePart::new(ContentType::new(&*one.media_type), BodyPart::Text(BASE64_MIME.encode(&one.octets).into()));
        part.transfer_encoding("base64").attachment(&*one.file_name).cid(cid(&one.id))
    });
    // RFC 2392: the parts that an ATTACH names are in the same mail.
    let body = if attachments.is_empty() {
        told
    } else {
        MimePart::new("multipart/mixed", std::iter::once(told).chain(attached).collect::<Vec<_>>())
    };
    let mut out = Vec::new();
    MessageBuilder::new()
        .from(sender())
        .reply_to(sender())
        .to(to.to_string())
        .subject(words.subject(&about))
        .date(Timestamp::now().as_second())
        .message_id(format!("{id}@{hostname}"))
        .body(body)
        .write_to(&mut out)?;
    Ok(out)
}

/// What it is called for people.
struct Words {
    what: &'static str,
    sentence: String,
    when: &'static str,
    place: &'static str,
    left_out: &'static str,
}

impl Words {
    fn of(language: Language, method: &str, about: &Digest) -> Self {
        let answer = match (language, about.answer.as_str()) {
            (Language::French, "ACCEPTED") => "vient",
            (Language::French, "DECLINED") => "ne vient pas",
            (Language::French, "TENTATIVE") => "vient peut-être",
            (Language::French, _) => "a répondu",
            (_, "ACCEPTED") => "will come",
            (_, "DECLINED") => "will not come",
            (_, "TENTATIVE") => "may come",
            (_, _) => "has answered",
        };
        let french = language == Language::French;
        let (what, sentence) = match (method, french) {
            ("CANCEL", true) => ("Annulation", "Le rendez-vous suivant n'a pas lieu, ou sans vous.".to_owned()),
            ("CANCEL", false) => ("Cancelled", "The following meeting does not take place, or not with you.".to_owned()),
            ("REPLY", true) => ("Réponse", format!("L'expéditeur {answer}.")),
            ("REPLY", false) => ("Answer", format!("The sender {answer}.")),
            (_, true) => ("Invitation", "Vous êtes invité au rendez-vous suivant, ou il a changé.".to_owned()),
            (_, false) => ("Invitation", "You are invited to the following meeting, or it has changed.".to_owned()),
        };
        let (when, place) = if french { ("Quand", "Où") } else { ("When", "Where") };
        let left_out = if french {
            "Pièces jointes trop volumineuses pour un courriel, à demander à l'expéditeur"
        } else {
            "Attached, but too large for mail; ask the sender for"
        };
        Self { what, sentence, when, place, left_out }
    }

    fn subject(&self, about: &Digest) -> String {
        let title: String = about.title.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        format!("{}: {}", self.what, &title[..title.floor_char_boundary(TITLE_BYTES_MAX)])
    }

    fn text(&self, about: &Digest, left_out: &[String]) -> String {
        let mut text = format!("{}\r\n\r\n{}\r\n{}: {}\r\n", self.sentence, about.title, self.when, about.start);
        if !about.place.is_empty() {
            text.extend([self.place, ": ", &about.place, "\r\n"]);
        }
        if !left_out.is_empty() {
            text.extend([self.left_out, ": ", &left_out.join(", "), "\r\n"]);
        }
        text
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use octroi_gate::{MailedAttachment, Telling};
    use std::sync::Arc;

    #[test]
    fn an_invitation_is_for_people_and_for_programs() {
        let octets = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nUID:a\r\nDTSTART:20261207T090000Z\r\nSUMMARY:Réunion\\, \
            quai\r\nLOCATION:Poste 4\r\nORGANIZER:mailto:lea@douane.example\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
        let telling = Telling { method: "REQUEST", to: "marie@port.example".into(), octets: octets.into(), matters: true };
        let (from, to) = ("lea@douane.example".parse().unwrap(), "marie@port.example".parse().unwrap());
        let invitation = Invitation { from: &from, from_name: "Léa Martin", to: &to, telling: &telling, attachments: &[] };
        let mail = String::from_utf8(compose("mx.douane.example", Language::French, &invitation).unwrap()).unwrap();
        for part in ["multipart/alternative", "text/calendar; ", "method=\"REQUEST\"", "<lea@douane.example>", "<marie@port.example>"] {
            assert!(mail.contains(part), "{part} in {mail}");
        }
    }

    #[test]
    fn what_hangs_on_a_meeting_goes_along_or_is_named() {
        let (known, other) = (format!("7-{}", "0a".repeat(16)), format!("7-{}", "0b".repeat(16)));
        let octets = format!(
            "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nUID:a\r\nDTSTART:20261207T090000Z\r\n\
            ATTACH;MANAGED-ID={known};FILENAME=plan.pdf:https://mail.example/dav/attachments/{known}/plan.pdf\r\n\
            ATTACH;MANAGED-ID={other};FILENAME=film.mp4:https://mail.example/dav/attachments/{other}/film.mp4\r\n\
            ORGANIZER:mailto:lea@douane.example\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
        );
        let telling = Telling { method: "REQUEST", to: "marie@port.example".into(), octets: octets.into(), matters: true };
        let (from, to) = ("lea@douane.example".parse().unwrap(), "marie@port.example".parse().unwrap());
        let octets = b"%PDF of the quay".to_vec();
        let plan = MailedAttachment { id: known.clone(), file_name: "plan.pdf".into(), media_type: "application/pdf".into(), octets };
        let attachments = [Arc::new(plan)];
        let invitation = Invitation { from: &from, from_name: "", to: &to, telling: &telling, attachments: &attachments };
        let mail = String::from_utf8(compose("mx.douane.example", Language::English, &invitation).unwrap()).unwrap();
        let encoded = data_encoding::BASE64.encode(b"%PDF of the quay");
        for part in
            ["multipart/mixed", "multipart/alternative", "application/pdf", "plan.pdf", &format!("<{known}@mx.douane.example>"), &encoded]
        {
            assert!(mail.contains(part), "{part} in {mail}");
        }
        assert!(mail.contains("ask the sender for: film.mp4") && !mail.contains("dav/attachments"), "{mail}");
    }
}
