//! Transfer encodings (RFC 2045 section 6), decoded piece by piece. Called by the text search, the header decoder and the binary sections.
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
        Self::known(raw).unwrap_or(Self::Identity)
    }

    /// The same; nothing for an encoding that nobody knows. Without the field it is 7bit (RFC 2045 section 6.1).
    pub fn known(raw: Option<&[u8]>) -> Option<Self> {
        let Some(raw) = raw else { return Some(Self::Identity) };
        let value = structured(raw).value;
        let known = KNOWN.iter().find(|(name, _)| value.eq_ignore_ascii_case(name.as_bytes()));
        known.map(|(_, encoding)| *encoding)
    }

    /// Decodes a whole body.
    pub fn decode(self, body: &[u8]) -> Vec<u8> {
        let mut decoder = Decoder::new(self, body);
        let mut out = Vec::with_capacity(body.len());
        while decoder.read(&mut out, body.len().max(1)) {}
        out
    }
}

/// The encodings of RFC 2045 section 6.1, and no value at all.
const KNOWN: [(&str, TransferEncoding); 6] = [
    ("7bit", TransferEncoding::Identity),
    ("8bit", TransferEncoding::Identity),
    ("binary", TransferEncoding::Identity),
    ("", TransferEncoding::Identity),
    ("base64", TransferEncoding::Base64),
    ("quoted-printable", TransferEncoding::QuotedPrintable),
];

/// Decodes a body that comes in pieces of any size: what is cut by the end of a piece waits for the next one. Holds less than a hundred
/// octets.
#[derive(Debug)]
pub struct PieceDecoder {
    encoding: TransferEncoding,
    bits: u32,
    bit_count: u32,
    /// Quoted-printable: a mark of which it is not known yet what it is.
    held: Vec<u8>,
}

impl PieceDecoder {
    /// At the beginning of a body.
    pub fn new(encoding: TransferEncoding) -> Self {
        Self { encoding, bits: 0, bit_count: 0, held: Vec::new() }
    }

    /// Appends what the next piece decodes to; never longer than the piece and what was held.
    pub fn push(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        let mut rest = piece;
        // Not all of a large piece is copied for the few octets before it: enough of it to tell what they are.
        while !self.held.is_empty() && !rest.is_empty() {
            let (first, later) = rest.split_at(rest.len().min(MARK_BYTES_MAX));
            let mut joined = std::mem::take(&mut self.held);
            joined.extend_from_slice(first);
            let done = self.decode(&joined, false, out);
            joined.drain(..done);
            (self.held, rest) = (joined, later);
        }
        let done = self.decode(rest, false, out);
        self.held.extend_from_slice(&rest[done..]);
    }

    /// Appends what was held at the end of the body.
    pub fn finish(mut self, out: &mut Vec<u8>) {
        let held = std::mem::take(&mut self.held);
        self.decode(&held, true, out);
    }

    /// Says where what has to wait begins.
    fn decode(&mut self, piece: &[u8], is_last: bool, out: &mut Vec<u8>) -> usize {
        let mut decoder = Decoder { encoding: self.encoding, rest: piece, bits: self.bits, bit_count: self.bit_count };
        while !decoder.rest.is_empty() && (is_last || !decoder.may_be_cut()) {
            let octets = if self.encoding == TransferEncoding::QuotedPrintable { decoder.plain_bytes().max(1) } else { usize::MAX };
            decoder.read(out, octets);
        }
        (self.bits, self.bit_count) = (decoder.bits, decoder.bit_count);
        piece.len() - decoder.rest.len()
    }
}

/// The octets that a body decodes to, counted without being kept.
pub(crate) fn decoded_bytes(encoding: TransferEncoding, body: &[u8]) -> u64 {
    if encoding == TransferEncoding::Identity {
        return body.len() as u64;
    }
    let (mut decoder, mut piece, mut bytes) = (Decoder::new(encoding, body), Vec::new(), 0);
    while decoder.read(&mut piece, COUNTED_BYTES) {
        bytes += piece.len() as u64;
        piece.clear();
    }
    bytes
}

/// Encoded octets that are decoded at a time when only their number is wanted.
const COUNTED_BYTES: usize = 32 * 1024;

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

    /// Octets before the next mark of quoted-printable.
    fn plain_bytes(&self) -> usize {
        memchr(b'=', self.rest).unwrap_or(self.rest.len())
    }

    /// What is left is a mark of quoted-printable that more octets could make another one.
    fn may_be_cut(&self) -> bool {
        if self.encoding != TransferEncoding::QuotedPrintable || self.rest[0] != b'=' || self.rest.len() >= MARK_BYTES_MAX {
            return false;
        }
        let after = &self.rest[1..];
        let spaces = after.iter().take_while(|&&b| b == b' ' || b == b'\t').count();
        match after[spaces..] {
            [] | [b'\r'] => true,
            [digit] => spaces == 0 && hex(digit).is_some(),
            _ => false,
        }
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
/// The longest mark: a soft line break with as many spaces as there may be.
const MARK_BYTES_MAX: usize = SOFT_BREAK_SPACES_MAX + 3;

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
        for (raw, known) in [
            (Some(&b"7bit"[..]), Some(Identity)),
            (Some(b"8BIT"), Some(Identity)),
            (Some(b"binary"), Some(Identity)),
            (Some(b"Quoted-Printable (c)"), Some(QuotedPrintable)),
            (Some(b""), Some(Identity)),
            (Some(b"x-uuencode"), None),
            (None, Some(Identity)),
        ] {
            assert_eq!(TransferEncoding::known(raw), known, "{raw:?}");
        }
    }

    /// Marks that are cut again and again, as often as a large piece has room for.
    #[test]
    fn a_piece_full_of_cut_marks_is_decoded() {
        let body = format!("={}x", " ".repeat(MARK_BYTES_MAX - 2)).repeat(20_000);
        let mut decoder = PieceDecoder::new(QuotedPrintable);
        let mut out = Vec::new();
        decoder.push(b"=", &mut out);
        decoder.push(body.as_bytes(), &mut out);
        decoder.finish(&mut out);
        assert_eq!(out.len(), body.len() + 1);
    }

    proptest! {
        #[test]
        fn pieces_give_the_same_as_the_whole(body in "(=[ \t]{60,90}\r?\n?|[a-zA-Z0-9+/= \t\r\n]{0,80}){0,3}", step in 1..99_usize) {
            for encoding in [Identity, Base64, QuotedPrintable] {
                let mut pieces = PieceDecoder::new(encoding);
                let mut together = Vec::new();
                for piece in body.as_bytes().chunks(step) {
                    pieces.push(piece, &mut together);
                    prop_assert!(pieces.held.len() < MARK_BYTES_MAX);
                }
                pieces.finish(&mut together);
                prop_assert_eq!(&together, &encoding.decode(body.as_bytes()));
                prop_assert_eq!(decoded_bytes(encoding, body.as_bytes()), together.len() as u64);
                let mut decoder = Decoder::new(encoding, body.as_bytes());
                let mut out = Vec::new();
                while decoder.read(&mut out, step) {}
                prop_assert_eq!(out, encoding.decode(body.as_bytes()));
            }
        }
    }
}
