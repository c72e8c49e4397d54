//! Encoded words of headers (RFC 2047). Called by SEARCH and by whoever shows a subject.

use crate::header::unfolded;
use crate::transfer::{TransferEncoding, hex};
use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};
use memchr::memchr;
use memchr::memmem::find;
use std::borrow::Cow;

/// A raw header value as people read it: unfolded, encoded words decoded, stray 8-bit text taken as UTF-8 or Windows-1252.
pub fn decoded_header(raw: &[u8]) -> String {
    let text = unfolded(raw);
    let mut out = String::with_capacity(text.len());
    let mut rest = &text[..];
    // Octets of adjoining words in one charset: some programs cut a character in two.
    let mut pending: Option<(&'static Encoding, Vec<u8>)> = None;
    while let Some((before, word, after)) = next_word(rest) {
        // RFC 2047 section 6.2: white space between two encoded words is not shown.
        if pending.is_none() || !before.trim_ascii().is_empty() {
            flush(&mut pending, &mut out);
            out.push_str(&plain(before));
        }
        match &mut pending {
            Some((encoding, octets)) if *encoding == word.encoding => octets.extend_from_slice(&word.octets),
            _ => {
                flush(&mut pending, &mut out);
                pending = Some((word.encoding, word.octets));
            }
        }
        rest = after;
    }
    flush(&mut pending, &mut out);
    out.push_str(&plain(rest));
    out
}

/// Text without a declared charset.
pub(crate) fn plain(octets: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(octets) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => WINDOWS_1252.decode_without_bom_handling(octets).0,
    }
}

/// The charset of that name; what nobody knows is read as UTF-8.
pub(crate) fn charset(label: &[u8]) -> &'static Encoding {
    Encoding::for_label(label).unwrap_or(UTF_8)
}

fn flush(pending: &mut Option<(&'static Encoding, Vec<u8>)>, out: &mut String) {
    if let Some((encoding, octets)) = pending.take() {
        // A line break hidden in a word must not become one in what we show.
        let (text, _) = encoding.decode_without_bom_handling(&octets);
        out.extend(text.chars().map(|c| if matches!(c, '\r' | '\n' | '\0') { ' ' } else { c }));
    }
}

struct EncodedWord {
    encoding: &'static Encoding,
    octets: Vec<u8>,
}

/// The next encoded word with the text before and after it.
fn next_word(text: &[u8]) -> Option<(&[u8], EncodedWord, &[u8])> {
    let mut from = 0;
    while let Some(at) = find(&text[from..], b"=?") {
        let start = from + at;
        if let Some((word, length)) = word_at(&text[start..]) {
            return Some((&text[..start], word, &text[start + length..]));
        }
        from = start + 2;
    }
    None
}

/// `=?charset?encoding?text?=` at the start, and its octets.
fn word_at(text: &[u8]) -> Option<(EncodedWord, usize)> {
    let window = &text[..text.len().min(WORD_BYTES_MAX)];
    let charset_end = 2 + memchr(b'?', &window[2..])?;
    let &[encoding, b'?'] = window.get(charset_end + 1..charset_end + 3)? else { return None };
    let content_start = charset_end + 3;
    let content_end = content_start + find(&window[content_start..], b"?=")?;
    let content = &window[content_start..content_end];
    let octets = match encoding.to_ascii_uppercase() {
        b'B' => TransferEncoding::Base64.decode(content),
        b'Q' => q_decoded(content),
        _ => return None,
    };
    // RFC 2231 section 5: a language may follow the charset.
    let label = window[2..charset_end].split(|&b| b == b'*').next().unwrap_or_default();
    Some((EncodedWord { encoding: charset(label), octets }, content_end + 2))
}

/// RFC 2047 section 4.2.
fn q_decoded(content: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(content.len());
    let mut rest = content;
    while let Some((&b, after)) = rest.split_first() {
        rest = after;
        match (b, after) {
            (b'_', _) => out.push(b' '),
            (b'=', &[high, low, ref after @ ..]) if hex(high).is_some() && hex(low).is_some() => {
                out.push(hex(high).unwrap_or_default() << 4 | hex(low).unwrap_or_default());
                rest = after;
            }
            _ => out.push(b),
        }
    }
    out
}

/// RFC 2047 section 2 allows 75 octets; some programs write a whole subject as one word.
const WORD_BYTES_MAX: usize = 4_096;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn examples_of_rfc_2047() {
        // Section 8.
        for (raw, text) in [
            ("=?ISO-8859-1?Q?a?=", "a"),
            ("=?ISO-8859-1?Q?a?= b", "a b"),
            ("=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=", "ab"),
            ("=?ISO-8859-1?Q?a?=  =?ISO-8859-1?Q?b?=", "ab"),
            ("=?ISO-8859-1?Q?a?=\r\n    =?ISO-8859-1?Q?b?=", "ab"),
            ("=?ISO-8859-1?Q?a_b?=", "a b"),
            ("=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=", "a b"),
            (
                "=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?=\r\n =?ISO-8859-2?B?dSB1bmRlcnN0YW5kIHRoZSBleGFtcGxlLg==?=",
                "If you can read this you understand the example.",
            ),
            ("=?US-ASCII*EN?Q?Keith_Moore?=", "Keith Moore"),
        ] {
            assert_eq!(decoded_header(raw.as_bytes()), text, "{raw}");
        }
    }

    #[test]
    fn what_people_really_send() {
        for (raw, text) in [
            (&b" R\xc3\xa9union"[..], "Réunion"),
            (b"R\xe9union", "Réunion"),
            (b"=?utf-8?Q?R=C3?= =?utf-8?Q?=A9union?=", "Réunion"),
            (b"Re: =?utf-8?b?w6k=?=t=?utf-8?q?=C3=A9?=", "Re: été"),
            (b"=?utf-8?Q?a=0D=0Ab=00?=", "a  b "),
            (b"=?utf-8?X?a?= =?utf-8?Q?open =?x?", "=?utf-8?X?a?= =?utf-8?Q?open =?x?"),
            (b"=?nobody-knows?Q?caf=C3=A9?=", "café"),
            (b"=??Q??=", ""),
        ] {
            assert_eq!(decoded_header(raw), text);
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(raw in "(=\\?|\\?=|\\?|utf-8|Q|B|=[0-9A-F]{2}|[a-z _\r\n]|é){0,24}") {
            let _ = decoded_header(raw.as_bytes());
        }
    }
}
