//! How large the attachments of a message are. Called by SMTP, which holds a profile's limit against the largest one of what is submitted.
//!
//! An attachment is what a mail program shows as a file of its own: a leaf that is no text, whatever it calls itself, and a text with a
//! file name or a disposition of `attachment`. A message within a message counts by its own attachments, and whole when it has a file name
//! of its own. Counted are the octets that the file will have for whoever saves it, without the third that base64 adds to it on the way.
//! Known limits: what is cut into several attachments or stands as text in the body (uuencode) is as large as each piece; only the size
//! of the whole message limits that.

use crate::file_name::file_name;
use crate::message::{Kind, Message, Part};
use crate::structured::structured;
use crate::transfer::{Decoder, TransferEncoding};

/// Encoded octets that are decoded at a time.
const PIECE_BYTES: usize = 64 * 1024;

/// Octets of the largest attachment, decoded; 0 when there is none. Takes linear time and a small buffer.
pub fn largest_attachment(octets: &[u8]) -> u64 {
    let message = Message::parse(octets);
    let mut piece = Vec::with_capacity(PIECE_BYTES);
    let attached = message.parts().iter().filter(|part| is_attachment(part));
    attached.map(|part| decoded_bytes(part, message.body_of(part), &mut piece)).max().unwrap_or(0)
}

fn is_attachment(part: &Part<'_>) -> bool {
    match part.kind() {
        Kind::Multipart => false,
        Kind::Message => is_named(part),
        Kind::Leaf => part.media().kind != b"TEXT" || is_named(part),
    }
}

/// RFC 2183 section 2.
fn is_named(part: &Part<'_>) -> bool {
    let is_attached = |raw: &[u8]| structured(raw).value.eq_ignore_ascii_case(b"attachment");
    part.field("Content-Disposition").is_some_and(is_attached) || file_name(part).is_some()
}

fn decoded_bytes(part: &Part<'_>, body: &[u8], piece: &mut Vec<u8>) -> u64 {
    let mut decoder = Decoder::new(TransferEncoding::from_field(part.encoding()), body);
    let mut bytes = 0;
    piece.clear();
    while decoder.read(piece, PIECE_BYTES) {
        bytes += piece.len() as u64;
        piece.clear();
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn largest(text: &str) -> u64 {
        largest_attachment(text.replace('\n', "\r\n").as_bytes())
    }

    #[test]
    fn text_is_no_attachment_and_the_largest_file_counts() {
        assert_eq!(largest(""), 0);
        assert_eq!(largest(&format!("Subject: x\n\n{}", "long text\n".repeat(1000))), 0);
        let mixed = "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nlong text\n--b\nContent-Type: text/html\n\n<p>longer text</p>\n";
        assert_eq!(largest(&format!("{mixed}--b--\n")), 0);
        let with = |header: &str, body: &str| largest(&format!("{mixed}--b\n{header}\n\n{body}\n--b--\n"));
        assert_eq!(with("Content-Type: application/pdf", "12345"), 5);
        assert_eq!(with("Content-Type: application/pdf\nContent-Transfer-Encoding: base64", "RG91YW5l\ncw=="), 7);
        assert_eq!(with("Content-Type: text/plain; name=a.txt\nContent-Transfer-Encoding: quoted-printable", "caf=C3=A9"), 5);
        assert_eq!(with("Content-Disposition: attachment", "1234"), 4);
        assert_eq!(with("Content-Disposition: inline; filename=a.txt", "1234"), 4);
        assert_eq!(with("Content-Disposition: inline", "1234"), 0);
        // The message itself can be one.
        assert_eq!(largest("Content-Type: image/png\n\n123"), 3);
    }

    #[test]
    fn what_is_forwarded_counts_by_its_own_files() {
        let inner = "Subject: y\nContent-Type: multipart/mixed; boundary=i\n\n--i\n\nsome text\n--i\nContent-Type: image/png\n\n12\n--i--";
        let outer = |more: &str| {
            let text =
                format!("Content-Type: multipart/mixed; boundary=o\n\n--o\n\n--o\nContent-Type: message/rfc822\n{more}\n{inner}\n--o--\n");
            largest(&text)
        };
        assert_eq!(outer(""), 2);
        assert_eq!(outer("Content-Disposition: attachment\n"), inner.replace('\n', "\r\n").len() as u64);
    }

    proptest! {
        #[test]
        fn no_octets_panic_and_nothing_is_larger_than_it_came(octets in proptest::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(largest_attachment(&octets) <= octets.len() as u64);
        }
    }
}
