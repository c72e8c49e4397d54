//! What a message says, read once for a run: header fields with decoded values, addresses, text parts of the body.

use crate::limits::Limits;
use crate::text::cut;
use octroi_mime::{Kind, Message, TransferEncoding, addresses, decoded_header, headers_of, text_in};
use octroi_model::Address;
use std::cell::OnceCell;

/// Which mailboxes there are.
pub trait Mailboxes {
    /// Is there a mailbox of that name, into which the owner may put messages (RFC 5490 section 3.1)?
    fn exists(&self, mailbox: &str) -> bool;
}

/// No mailbox but INBOX, for who only tries a script.
impl Mailboxes for () {
    fn exists(&self, mailbox: &str) -> bool {
        mailbox.eq_ignore_ascii_case("INBOX")
    }
}

/// What a run is about.
pub struct Facts<'a> {
    /// The message, as it is to be kept.
    pub octets: &'a [u8],
    /// Its size (RFC 5228 section 5.9), which may be more than there are octets here.
    pub bytes: u64,
    /// Return path; `None` is `<>`.
    pub from: Option<&'a Address>,
    /// The recipient, as they were named by the sender.
    pub to: &'a Address,
    /// Seconds since 1970.
    pub now: i64,
    /// The owner's mailboxes.
    pub mailboxes: &'a dyn Mailboxes,
}

/// The message of a run.
pub(crate) struct Read<'a> {
    fields: Vec<Field<'a>>,
    octets: &'a [u8],
    body_bytes_max: usize,
    texts: OnceCell<Vec<(String, String)>>,
}

/// A field of the header.
pub(crate) struct Field<'a> {
    name: &'a [u8],
    pub(crate) raw: &'a [u8],
    decoded: OnceCell<String>,
}

impl Field<'_> {
    /// RFC 5228 section 2.4.2.2: without the encoding of RFC 2047, and without white space at its ends.
    pub(crate) fn value(&self) -> &str {
        self.decoded.get_or_init(|| decoded_header(self.raw).trim().to_owned())
    }
}

/// An address of a field, as far as it could be read.
pub(crate) struct Written {
    pub(crate) local: String,
    pub(crate) domain: String,
}

impl<'a> Read<'a> {
    pub(crate) fn new(octets: &'a [u8], limits: &Limits) -> Self {
        let fields = headers_of(octets).map(|field| Field { name: field.name, raw: field.value, decoded: OnceCell::new() }).collect();
        Self { fields, octets, body_bytes_max: limits.body_bytes_max, texts: OnceCell::new() }
    }

    /// The fields of that name from the top down.
    pub(crate) fn named(&self, name: &str) -> impl DoubleEndedIterator<Item = &Field<'a>> {
        self.fields.iter().filter(move |field| field.name.eq_ignore_ascii_case(name.as_bytes()))
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.named(name).next().is_some()
    }

    /// The body as it came (RFC 5173 section 5.1), its first octets.
    pub(crate) fn raw_body(&self) -> String {
        let body = self.octets.get(octroi_mime::header_length(self.octets)..).unwrap_or_default();
        String::from_utf8_lossy(&body[..body.len().min(self.body_bytes_max)]).into_owned()
    }

    /// Decoded leaf parts with their media type in lower case, together no more than the limit.
    pub(crate) fn texts(&self) -> &[(String, String)] {
        self.texts.get_or_init(|| {
            let message = Message::parse(self.octets);
            let mut left = self.body_bytes_max;
            let mut found = Vec::new();
            for part in message.parts().iter().filter(|part| part.kind() != Kind::Multipart) {
                let media = part.media();
                let kind = format!("{}/{}", String::from_utf8_lossy(&media.kind), String::from_utf8_lossy(&media.subtype)).to_lowercase();
                let mut text = if part.kind() == Kind::Message {
                    // RFC 5173 section 5.2: of an embedded message, its header.
                    String::from_utf8_lossy(
                        message.body_of(part).get(..octroi_mime::header_length(message.body_of(part))).unwrap_or_default(),
                    )
                    .into_owned()
                } else {
                    let encoded = message.body_of(part);
                    let octets = TransferEncoding::from_field(part.encoding()).decode(&encoded[..encoded.len().min(2 * left)]);
                    let charset = media.param("CHARSET").map_or_else(|| "utf-8".into(), String::from_utf8_lossy).into_owned();
                    text_in(&charset, &octets).unwrap_or_else(|| String::from_utf8_lossy(&octets).into_owned())
                };
                cut(&mut text, left);
                left -= text.len();
                found.push((kind, text));
                if left == 0 {
                    break;
                }
            }
            found
        })
    }
}

/// The addresses of a field.
pub(crate) fn written(raw: &[u8]) -> Vec<Written> {
    let lossy = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
    addresses(raw)
        .into_iter()
        .filter_map(|entry| match entry {
            octroi_mime::AddressEntry::Mailbox { local, domain, .. } => Some(Written { local: lossy(&local), domain: lossy(&domain) }),
            _ => None,
        })
        .collect()
}
