//! Texts in charsets that a peer names. Called by SEARCH, for what is looked for.

use encoding_rs::{Encoding, REPLACEMENT, UTF_16BE, UTF_16LE};
use std::borrow::Cow;

/// Charsets to name to who asked for one that is not known; more are.
pub const CHARSETS: [&str; 12] = [
    "US-ASCII",
    "UTF-8",
    "ISO-8859-1",
    "ISO-8859-2",
    "ISO-8859-15",
    "windows-1252",
    "KOI8-R",
    "ISO-2022-JP",
    "Shift_JIS",
    "EUC-KR",
    "GB18030",
    "Big5",
];

/// Is there a charset of this name, in which a text without nulls can be written?
pub fn is_charset(name: &str) -> bool {
    encoding(name).is_some()
}

/// The text that these octets are in the charset of this name; nothing when it is not known, or the octets are no text in it.
pub fn text_in(name: &str, octets: &[u8]) -> Option<String> {
    encoding(name)?.decode_without_bom_handling_and_without_replacement(octets).map(Cow::into_owned)
}

fn encoding(name: &str) -> Option<&'static Encoding> {
    Encoding::for_label(name.as_bytes()).filter(|encoding| ![REPLACEMENT, UTF_16BE, UTF_16LE].contains(encoding))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_as_they_were_written() {
        assert!(CHARSETS.into_iter().all(is_charset));
        assert_eq!(text_in("iso-8859-1", b"\xe9t\xe9").as_deref(), Some("été"));
        assert_eq!(text_in("ISO-8859-15", b"\xa4").as_deref(), Some("€"));
        assert_eq!(text_in("KOI8-R", b"\xd4").as_deref(), Some("т"));
        assert_eq!(text_in("Shift_JIS", b"\x93\xfa\x96\x7b").as_deref(), Some("日本"));
        assert_eq!(text_in("UTF-8", b"\xe9"), None);
        assert_eq!(text_in("x-none", b"a"), None);
        assert!(!is_charset("UTF-16") && !is_charset("hz-gb-2312"));
    }
}
