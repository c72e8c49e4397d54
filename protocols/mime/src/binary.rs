//! Sections without their transfer encoding: what IMAP's BINARY[…] and BINARY.SIZE[…] name. Called by IMAP FETCH.
//!
//! Says where the octets are and how they are encoded, so that a large part can be read and decoded piece by piece.

use crate::message::{Kind, Message};
use crate::transfer::{TransferEncoding, decoded_bytes};
use std::ops::Range;

/// Where a section is in the message, and what its octets have to be decoded with ([`crate::PieceDecoder`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BinarySection {
    /// In the message.
    pub range: Range<usize>,
    /// How they are encoded.
    pub encoding: TransferEncoding,
}

/// The part says that it is in an encoding that nobody knows: UNKNOWN-CTE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownEncoding;

impl Message<'_> {
    /// The body of the part that these numbers lead to; nothing when there is no such part. Without numbers it is the whole message with its
    /// header, which is in no encoding.
    // RFC 3516 section 4.2.
    pub fn binary(&self, path: &[u32]) -> Option<Result<BinarySection, UnknownEncoding>> {
        let part = self.part(path)?;
        if path.is_empty() {
            return Some(Ok(BinarySection { range: 0..self.octets().len(), encoding: TransferEncoding::Identity }));
        }
        // RFC 2045 section 6.4: what holds parts is itself in no encoding, whatever it says; its parts were found in it as it is.
        let encoding = if part.kind() == Kind::Leaf { TransferEncoding::known(part.encoding()) } else { Some(TransferEncoding::Identity) };
        Some(encoding.map(|encoding| BinarySection { range: part.body(), encoding }).ok_or(UnknownEncoding))
    }

    /// How many octets a section decodes to: BINARY.SIZE. Decodes it, but keeps nothing.
    pub fn binary_bytes(&self, section: &BinarySection) -> u64 {
        self.octets().get(section.range.clone()).map_or(0, |body| decoded_bytes(section.encoding, body))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transfer::PieceDecoder;

    const OCTETS: &[u8] = b"Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n--b\r\n\
        Content-Transfer-Encoding: BASE64\r\n\r\nAAEC\r\n/w==\r\n--b\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
        caf=C3=A9=\r\n!\r\n--b\r\nContent-Transfer-Encoding: x-uuencode\r\n\r\nbegin\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n\
        Content-Transfer-Encoding: base64\r\n\r\nZG91YW5l\r\n--b--\r\n";

    fn decoded(message: &Message<'_>, path: &[u32]) -> Option<Result<Vec<u8>, UnknownEncoding>> {
        Some(message.binary(path)?.map(|section| {
            let body = &message.octets()[section.range.clone()];
            let mut out = Vec::new();
            let mut decoder = PieceDecoder::new(section.encoding);
            body.chunks(3).for_each(|piece| decoder.push(piece, &mut out));
            decoder.finish(&mut out);
            assert_eq!(message.binary_bytes(&section), out.len() as u64);
            out
        }))
    }

    #[test]
    fn parts_come_without_their_encoding() {
        let message = Message::parse(OCTETS);
        assert_eq!(decoded(&message, &[]), Some(Ok(OCTETS.to_vec())));
        assert_eq!(decoded(&message, &[1]), Some(Ok(vec![0, 1, 2, 255])));
        assert_eq!(decoded(&message, &[2]), Some(Ok("café!".into())));
        assert_eq!(decoded(&message, &[3]), Some(Err(UnknownEncoding)));
        let embedded = b"Content-Transfer-Encoding: base64\r\n\r\nZG91YW5l";
        assert_eq!(decoded(&message, &[4]), Some(Ok(embedded.to_vec())));
        assert_eq!(decoded(&message, &[4, 1]), Some(Ok(b"douane".to_vec())));
        assert_eq!(decoded(&message, &[5]), None);
        assert_eq!(decoded(&message, &[1, 1]), None);
    }

    #[test]
    fn a_message_that_is_no_multipart_has_one_part() {
        let message = Message::parse(b"Content-Transfer-Encoding: base64\r\n\r\nZG91YW5l\r\n");
        assert_eq!(decoded(&message, &[1]), Some(Ok(b"douane".to_vec())));
        assert_eq!(decoded(&message, &[2]), None);
    }
}
