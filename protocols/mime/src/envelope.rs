//! The ENVELOPE of a message as it goes on the wire. Called by the facts, for the message and for embedded ones.

use crate::addresses::{AddressEntry, read_addresses};
use crate::header::{Headers, unfolded};
use crate::wire;

/// The fields of an envelope in the order of the wire.
const FIELDS: [&str; 10] = ["Date", "Subject", "From", "Sender", "Reply-To", "To", "Cc", "Bcc", "In-Reply-To", "Message-ID"];
const FROM: usize = 2;
const SENDER: usize = 3;
const REPLY_TO: usize = 4;
const BCC: usize = 7;

/// Appends `(date subject from sender reply-to to cc bcc in-reply-to message-id)`. `addresses_left` is what may still be
/// read of the message's addresses, and is lowered by what this envelope takes.
// RFC 9051 section 7.5.2, RFC 3501 section 7.4.2.
pub(crate) fn write_envelope(out: &mut Vec<u8>, headers: Headers<'_>, addresses_left: &mut usize) {
    let mut texts: [Option<&[u8]>; FIELDS.len()] = [None; FIELDS.len()];
    let mut lists: [Vec<AddressEntry>; FIELDS.len()] = Default::default();
    for field in headers {
        let Some(at) = FIELDS.iter().position(|name| name.as_bytes().eq_ignore_ascii_case(field.name)) else { continue };
        if (FROM..=BCC).contains(&at) {
            // A second From must not hide: what one program checks and another shows has to be the same list.
            let had = lists[at].len();
            read_addresses(field.value, had + *addresses_left, &mut lists[at]);
            *addresses_left = addresses_left.saturating_sub(lists[at].len() - had);
        } else if texts[at].is_none() {
            texts[at] = Some(field.value);
        }
    }
    for at in 0..FIELDS.len() {
        out.push(if at == 0 { b'(' } else { b' ' });
        match at {
            // Absent or empty means the same as From.
            SENDER | REPLY_TO if lists[at].is_empty() => write_addresses(out, &lists[FROM]),
            FROM..=BCC => write_addresses(out, &lists[at]),
            _ => wire::nstring(out, texts[at].map(unfolded).as_deref()),
        }
    }
    out.push(b')');
}

fn write_addresses(out: &mut Vec<u8>, entries: &[AddressEntry]) {
    if entries.is_empty() {
        return out.extend_from_slice(b"NIL");
    }
    out.push(b'(');
    for entry in entries {
        match entry {
            AddressEntry::Mailbox { name, route, local, domain } => {
                out.push(b'(');
                wire::nstring(out, name.as_deref());
                out.push(b' ');
                wire::nstring(out, route.as_deref());
                out.push(b' ');
                // Neither may be NIL: that would mean a group.
                wire::string(out, local);
                out.push(b' ');
                wire::string(out, domain);
                out.push(b')');
            }
            AddressEntry::GroupStart(name) => {
                out.extend_from_slice(b"(NIL NIL ");
                wire::string(out, name);
                out.extend_from_slice(b" NIL)");
            }
            AddressEntry::GroupEnd => out.extend_from_slice(b"(NIL NIL NIL NIL)"),
        }
    }
    out.push(b')');
}
