//! Transfer encodings (RFC 2045 section 6), decoded piece by piece. Called by the text search and the header decoder.
//!
//! Lenient: octets that the encoding does not know are passed over or kept; nothing fails.

use crate::structured::structured;
use memchr::memchr;

/// How the octets of a body are encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransferEncoding {
    /// As they are: 7bit, 8bit, binary and what nobody knows.
    Identity,
    /// Base64.
    Base64,
    /// Quoted-printable.
    QuotedPrintable,
}

impl TransferEncoding {
    /// From the raw value of `Content-Transfer-Encoding`.
    pub fn from_field(raw: Option<&[u8]>) -> Self {
        let value = raw.map(|raw| structured(raw).value).unwrap_or_default();
        if value.eq_ignore_ascii_case(b"base64") {
            Self::Base64
        } else if value.eq_ignore_ascii_case(b"quoted-printable") {
            Self::QuotedPrintable
        } else {
            Self::Identity
        }
    }

    /// Decodes a whole body.
    pub fn decode(self, body: &[u8]) -> Vec<u8> {
        let mut decoder = Decoder::new(self, body);
        let mut out = Vec::with_capacity(body.len());
        while decoder.read(&mut out, body.len().max(1)) {}
        out
    }
}

/// A body being decoded in pieces.
#[derive(Debug)]
pub(crate) struct Decoder<'a> {
    encoding: TransferEncoding,
    rest: &'a [u8],
    /// Base64: bits of a group that is not whole yet, and how many.
    bits: u32,
    bit_count: u32,
}

impl<'a> Decoder<'a> {
    pub(crate) fn new(encoding: TransferEncoding, body: &'a [u8]) -> Self {
        Self { encoding, rest: body, bits: 0, bit_count: 0 }
    }

    /// Appends what about so many encoded octets decode to; false when there was nothing left.
    pub(crate) fn read(&mut self, out: &mut Vec<u8>, octets: usize) -> bool {
        if self.rest.is_empty() {
            return false;
        }
        let (piece, rest) = self.rest.split_at(octets.clamp(1, self.rest.len()));
        match self.encoding {
            TransferEncoding::Identity => {
                out.extend_from_slice(piece);
                self.rest = rest;
            }
            TransferEncoding::Base64 => {
                for &b in piece {
                    self.base64(b, out);
                }
                self.rest = rest;
            }
            TransferEncoding::QuotedPrintable => {
                let mut left = octets;
                while left > 0 && !self.rest.is_empty() {
                    left = left.saturating_sub(self.quoted_printable(out, left));
                }
            }
        }
        true
    }

    fn base64(&mut self, b: u8, out: &mut Vec<u8>) {
        let value = match b {
            b'A'..=b'Z' => b - b'A',
            b'a'..=b'z' => b - b'a' + 26,
            b'0'..=b'9' => b - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' => {
                // The end of one run; some programs put several behind one another.
                (self.bits, self.bit_count) = (0, 0);
                return;
            }
            // RFC 2045 section 6.8: other characters are ignored.
            _ => return,
        };
        self.bits = self.bits << 6 | u32::from(value);
        self.bit_count += 6;
        if self.bit_count >= 8 {
            self.bit_count -= 8;
            out.push((self.bits >> self.bit_count) as u8);
            self.bits &= (1 << self.bit_count) - 1;
        }
    }

    /// Takes a run without marks, or one mark; says how many octets it took.
    fn quoted_printable(&mut self, out: &mut Vec<u8>, octets_max: usize) -> usize {
        let window = &self.rest[..self.rest.len().min(octets_max)];
        let plain = memchr(b'=', window).unwrap_or(window.len());
        if plain > 0 {
            out.extend_from_slice(&window[..plain]);
            self.rest = &self.rest[plain..];
            return plain;
        }
        let taken = match *self.rest {
            [_, high, low, ..] if hex(high).is_some() && hex(low).is_some() => {
                out.push(hex(high).unwrap_or_default() << 4 | hex(low).unwrap_or_default());
                3
            }
            // A soft line break, with the spaces that some relays add.
            _ => soft_break(self.rest).unwrap_or_else(|| {
                out.push(b'=');
                1
            }),
        };
        self.rest = &self.rest[taken..];
        taken
    }
}

pub(crate) fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|value| value as u8)
}

/// Octets of the soft line break at the start, if there is one.
fn soft_break(text: &[u8]) -> Option<usize> {
    let spaces = text[1..].iter().take(SOFT_BREAK_SPACES_MAX).take_while(|&&b| b == b' ' || b == b'\t').count();
    match text[1 + spaces..] {
        [b'\r', b'\n', ..] => Some(spaces + 3),
        [b'\n', ..] => Some(spaces + 2),
        [] => Some(spaces + 1),
        _ => None,
    }
}

/// Spaces after a soft break's `=`: lines have at most 76 characters, and looking further for each `=` would not be linear.
const SOFT_BREAK_SPACES_MAX: usize = 76;

#[cfg(test)]
mod tests {
    use super::*;
    use TransferEncoding::{Base64, Identity, QuotedPrintable};
    use proptest::prelude::*;

    #[test]
    fn encodings_decode() {
        assert_eq!(Base64.decode(b"RG91YW5l\r\ncw==\r\nIQ=="), b"Douanes!");
        assert_eq!(Base64.decode(b"RG9*1YW5l!"), b"Douane");
        assert_eq!(QuotedPrintable.decode(b"caf=C3=A9 =  \r\nau=\nlait =zz a=3d=3D="), "café aulait =zz a==".as_bytes());
        assert_eq!(Identity.decode(b"a=3D"), b"a=3D");
        assert_eq!(TransferEncoding::from_field(Some(b" Base64 (really)")), Base64);
        assert_eq!(TransferEncoding::from_field(Some(b"x-uuencode")), Identity);
        assert_eq!(TransferEncoding::from_field(None), Identity);
    }

    proptest! {
        #[test]
        fn pieces_give_the_same_as_the_whole(body in "[a-zA-Z0-9+/= \t\r\n]{0,80}", step in 1..9_usize) {
            for encoding in [Identity, Base64, QuotedPrintable] {
                let mut decoder = Decoder::new(encoding, body.as_bytes());
                let mut out = Vec::new();
                while decoder.read(&mut out, step) {}
                prop_assert_eq!(out, encoding.decode(body.as_bytes()));
            }
        }
    }
}
