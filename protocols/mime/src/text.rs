//! The text of a message as a reader sees it, piece by piece. Called by SEARCH BODY and TEXT.

use crate::file_name::file_name;
use crate::header::headers_of;
use crate::html::Stripper;
use crate::message::{Kind, Message, Part};
use crate::transfer::{Decoder, TransferEncoding};
use crate::words::{charset, decoded_header};
use encoding_rs::{CoderResult, Encoding, UTF_8, WINDOWS_1252};

/// Consecutive pieces of a part overlap by at least this many octets of UTF-8 (where the part has so many), so that a word
/// of up to this length is found by looking into each piece alone. Longer than any search key we take.
pub const PIECE_OVERLAP_BYTES: usize = 4 * 1024;

/// Encoded octets that are decoded at a time: what bounds the memory of a search.
const STEP_BYTES: usize = 32 * 1024;

/// Shows the decoded text of every text part (HTML without its tags), the header of every embedded message and the names of
/// attached files, in order; ends early when `visit` says false. Pieces of one part overlap by [`PIECE_OVERLAP_BYTES`].
pub fn decoded_text(octets: &[u8], visit: &mut dyn FnMut(&str) -> bool) {
    let message = Message::parse(octets);
    for part in message.parts() {
        if part.kind() != Kind::Multipart
            && let Some(name) = file_name(part)
            && !visit(&name)
        {
            return;
        }
        let goes_on = match part.kind() {
            Kind::Message => message.embedded(part).is_none_or(|root| header_text(root, visit)),
            Kind::Leaf if part.media().kind == b"TEXT" => part_text(&message, part, visit),
            Kind::Multipart | Kind::Leaf => true,
        };
        if !goes_on {
            return;
        }
    }
}

fn header_text(root: &Part<'_>, visit: &mut dyn FnMut(&str) -> bool) -> bool {
    headers_of(root.parsed).all(|field| {
        let value = decoded_header(field.value);
        visit(&format!("{}: {value}\n", String::from_utf8_lossy(field.name)))
    })
}

fn part_text(message: &Message<'_>, part: &Part<'_>, visit: &mut dyn FnMut(&str) -> bool) -> bool {
    let body = message.body_of(part);
    let mut octets = Decoder::new(TransferEncoding::from_field(part.encoding()), body);
    let mut characters = encoding_of(part, body).new_decoder();
    let mut html = part.media().is("TEXT", "HTML").then(Stripper::new);
    let (mut piece, mut raw, mut text) = (String::new(), Vec::new(), String::new());
    loop {
        raw.clear();
        text.clear();
        let is_last = !octets.read(&mut raw, STEP_BYTES);
        decode(&mut characters, &raw, is_last, &mut text);
        match &mut html {
            Some(stripper) => {
                stripper.push(&text, &mut piece);
                if is_last {
                    stripper.finish(&mut piece);
                }
            }
            None => piece.push_str(&text),
        }
        if is_last {
            return piece.is_empty() || visit(&piece);
        }
        if piece.len() >= 2 * PIECE_OVERLAP_BYTES {
            if !visit(&piece) {
                return false;
            }
            let keep = piece.floor_char_boundary(piece.len() - PIECE_OVERLAP_BYTES);
            piece.drain(..keep);
        }
    }
}

pub(crate) fn encoding_of(part: &Part<'_>, body: &[u8]) -> &'static Encoding {
    match part.media().param("CHARSET") {
        Some(label) if !label.eq_ignore_ascii_case(b"us-ascii") => charset(label),
        // Nothing said, or something that cannot be for 8-bit text.
        _ if std::str::from_utf8(body).is_ok() => UTF_8,
        _ => WINDOWS_1252,
    }
}

pub(crate) fn decode(decoder: &mut encoding_rs::Decoder, mut raw: &[u8], is_last: bool, text: &mut String) {
    loop {
        // Room for the worst case makes one round enough; the loop is for what the length does not promise.
        text.reserve(decoder.max_utf8_buffer_length(raw.len()).unwrap_or(raw.len() + 16));
        let (result, read, _) = decoder.decode_to_string(raw, text, is_last);
        raw = &raw[read..];
        if result == CoderResult::InputEmpty {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(octets: &[u8]) -> Vec<String> {
        let mut pieces = Vec::new();
        decoded_text(octets, &mut |piece| {
            pieces.push(piece.to_owned());
            true
        });
        pieces
    }

    #[test]
    fn parts_are_decoded() {
        let octets = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=iso-8859-1\r\n\
            Content-Transfer-Encoding: quoted-printable\r\n\r\nd=E9douane=\r\nment\r\n--b\r\nContent-Type: text/html; charset=utf-8\r\n\
            Content-Transfer-Encoding: base64\r\n\r\nPHA+w6l0w6k8L3A+\r\n--b\r\nContent-Type: image/png\r\n\r\nno text\r\n--b\r\n\
            Content-Type: message/rfc822\r\n\r\nSubject: =?utf-8?Q?=C3=A9t=C3=A9?=\r\n\r\nundeclared \xe9\r\n--b--\r\n";
        assert_eq!(all(octets), ["dédouanement", "\nété\n", "Subject: été\n", "undeclared é"]);
    }

    #[test]
    fn names_of_attachments_are_text() {
        let octets = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: application/pdf\r\n\
            Content-Disposition: attachment; filename*=utf-8''d%C3%A9claration.pdf\r\n\r\nno text\r\n--b\r\n\
            Content-Type: text/plain; name=note.txt\r\n\r\ntext\r\n--b--\r\n";
        assert_eq!(all(octets), ["déclaration.pdf", "note.txt", "text"]);
    }

    #[test]
    fn a_word_across_pieces_is_found_in_one() {
        let word = "é".repeat(PIECE_OVERLAP_BYTES / 2);
        for shift in [0, 1, 777, STEP_BYTES - PIECE_OVERLAP_BYTES, STEP_BYTES - 1] {
            let octets = format!("\r\n{}{word}{}", "x".repeat(shift), "y".repeat(5 * STEP_BYTES));
            let pieces = all(octets.as_bytes());
            assert!(pieces.len() > 2);
            assert!(pieces.iter().any(|piece| piece.contains(&word)), "{shift}");
            assert!(pieces.iter().all(|piece| piece.len() <= 2 * STEP_BYTES));
        }
    }

    #[test]
    fn false_ends_it() {
        let mut seen = 0;
        decoded_text(&[&b"\r\n"[..], &vec![b'x'; 10 * STEP_BYTES]].concat(), &mut |_| {
            seen += 1;
            false
        });
        assert_eq!(seen, 1);
    }
}
