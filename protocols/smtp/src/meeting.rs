//! Messages about meetings (RFC 6047) from elsewhere, taken into calendars once they are delivered as mail.
//!
//! Called by `data`. What always holds: the mail is delivered like any other before anything is looked at, so nothing is lost that cannot be
//! read here; only mail that its author's domain vouches for (DMARC) and that is not Junk is looked at, and its author is the only one it
//! can speak for. What it means is the gate's to decide; nothing here knows calendars.

use crate::session::{Kind, Session};
use crate::transaction::Open;
use octroi_gate::Gate;
use octroi_mime::{Message, Part, TransferEncoding, addresses};
use octroi_model::Address;
use std::sync::{Arc, Mutex, PoisonError};
use tracing::{debug, info, warn};

/// Octets of a mail that is looked into: one about a meeting with a few hundred people has a tenth of it.
const MAIL_BYTES_MAX: u64 = 1024 * 1024;
/// Recipients of one: nobody invites more of ours by one mail.
const RECIPIENTS_MAX: usize = 100;
/// Parts that are looked at.
const PARTS_MAX: usize = 64;

/// A mail that may be about a meeting; its octets are kept aside on their way into the store.
#[derive(Clone)]
pub(crate) struct Meeting {
    gate: Gate,
    to: Vec<Address>,
    octets: Arc<Mutex<Option<Vec<u8>>>>,
}

/// What a mail says of a meeting, and whose word it is.
struct Said {
    author: Address,
    octets: Vec<u8>,
}

impl Meeting {
    /// `None`: it is none that could be taken in.
    pub(crate) fn of(session: &Session, open: &Open, bytes: u64) -> Option<Self> {
        let believed = session.kind == Kind::Inbound && open.authentic == Some(true) && open.believed;
        let to = open.route.recipients();
        let is_small = bytes <= MAIL_BYTES_MAX && to.len() <= RECIPIENTS_MAX;
        (believed && is_small && session.gate.schedules()).then(|| Self {
            gate: session.gate.clone(),
            to: to.to_vec(),
            octets: Arc::default(),
        })
    }

    /// Here are its octets; only what names the type is kept.
    pub(crate) fn copy(&self, octets: &[u8]) {
        if memchr::memmem::find(octets, b"alendar").is_some() {
            *self.octets.lock().unwrap_or_else(PoisonError::into_inner) = Some(octets.to_vec());
        }
    }

    /// It is delivered. Nobody waits for what comes of it.
    pub(crate) fn take_in(self, id: String) {
        let Some(octets) = self.octets.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
        let (gate, to) = (self.gate, self.to);
        tokio::spawn(async move {
            let Ok(Some(said)) = tokio::task::spawn_blocking(move || read(&octets)).await else {
                return debug!(id, "a mail is not about a meeting");
            };
            match gate.meeting_by_mail(&said.author, &to, &said.octets).await {
                Ok(taken) => info!(id, taken, author = %said.author, "a mail about a meeting is taken in"),
                Err(why) => warn!(id, %why, author = %said.author, "a mail about a meeting is left in the mailbox as it is"),
            }
        });
    }
}

/// The first part with a method, and the only author.
fn read(octets: &[u8]) -> Option<Said> {
    let message = Message::parse(octets);
    let froms: Vec<_> = message.headers().filter(|field| field.name.eq_ignore_ascii_case(b"From")).collect();
    let [from] = &froms[..] else { return None };
    let authors: Vec<Address> = addresses(from.value).iter().filter_map(octroi_mime::AddressEntry::address).collect();
    let [author] = &authors[..] else { return None };
    let is_calendar = |part: &&Part<'_>| part.children().is_empty() && part.media().is("TEXT", "CALENDAR");
    let part = message.parts().iter().take(PARTS_MAX).find(|part| is_calendar(part) && part.media().param("METHOD").is_some())?;
    let octets = TransferEncoding::from_field(part.encoding()).decode(message.body_of(part));
    Some(Said { author: author.clone(), octets })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_author_and_the_part_are_found() {
        let mail = b"From: Marie <Marie@port.example>\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n\r\noui\r\n--b\r\n\
            Content-Type: text/calendar; method=REPLY; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\nQkVHSU4=\r\n--b--\r\n";
        let said = read(mail).unwrap();
        assert_eq!((said.author.to_string().as_str(), &said.octets[..]), ("Marie@port.example", &b"BEGIN"[..]));
        let two = String::from_utf8_lossy(mail).replace("From: ", "From: a@b.example, ");
        assert!(read(two.as_bytes()).is_none(), "nobody knows whose word it is");
        assert!(read(&String::from_utf8_lossy(mail).replace("method=REPLY; ", "").into_bytes()).is_none());
        assert!(read(b"").is_none());
    }
}
