//! The text of a message as a search sees it. Called by IMAP SEARCH, which looks into it, and by whoever indexes it for the store: both
//! must see the same, or the index would give other answers than a look.

use crate::header::{Header, headers_of};
use crate::text::decoded_text;
use crate::words::decoded_header;

/// A piece of a message's text, folded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SearchText<'a> {
    /// A field of the header as one line, `name: value`.
    Field {
        /// Its name in lower case; `None` if it is not UTF-8.
        name: Option<&'a str>,
        /// All of it.
        line: &'a str,
        /// Where in the line the value begins.
        value_at: usize,
    },
    /// A piece of the body, as [`decoded_text`] cuts it.
    Body(&'a str),
}

/// Shows the folded text of a message whose header is so long, piece by piece.
pub fn search_texts(octets: &[u8], header_bytes: usize, visit: &mut dyn FnMut(SearchText<'_>)) {
    for field in headers_of(&octets[..header_bytes.min(octets.len())]) {
        let start = fold(&format!("{}: ", String::from_utf8_lossy(field.name)));
        let line = fold(&header_line(&field));
        let name = std::str::from_utf8(field.name).ok().map(str::to_ascii_lowercase);
        visit(SearchText::Field { name: name.as_deref(), line: &line, value_at: start.len() });
    }
    decoded_text(octets, &mut |piece| {
        visit(SearchText::Body(&fold(piece)));
        true
    });
}

/// A field as one line, as people read it.
pub fn header_line(field: &Header<'_>) -> String {
    format!("{}: {}", String::from_utf8_lossy(field.name), decoded_header(field.value))
}

/// Upper and lower case become one. Going up first makes one of the forms that have two lower cases (such as the Greek sigma). Each
/// character is folded for itself, so that a text that contains another still does so afterwards.
pub fn fold(text: &str) -> String {
    if text.is_ascii() { text.to_ascii_lowercase() } else { text.to_uppercase().to_lowercase().replace('ς', "σ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn texts_are_folded_and_cut() {
        let octets = b"Subject: =?utf-8?Q?L'=C3=89tat?= X\r\nX-\xe9: b\r\nTo: \r\n\r\nDouane\r\n";
        let mut seen = Vec::new();
        search_texts(octets, octets.len() - 8, &mut |text| match text {
            SearchText::Field { name, line, value_at } => {
                seen.push((name.map(str::to_owned), line[..value_at].to_owned(), line[value_at..].to_owned()));
            }
            SearchText::Body(text) => seen.push((None, String::new(), text.to_owned())),
        });
        let of = |name: Option<&str>, start: &str, rest: &str| (name.map(str::to_owned), start.to_owned(), rest.to_owned());
        let expected = [
            of(Some("subject"), "subject: ", "l'état x"),
            of(None, "x-\u{fffd}: ", "b"),
            of(Some("to"), "to: ", ""),
            of(None, "", "douane\r\n"),
        ];
        assert_eq!(seen, expected);
    }

    #[test]
    fn case_is_folded_beyond_ascii() {
        assert_eq!(fold("ΟΔΟΣ"), fold("οδος"));
        assert_eq!(fold("straße"), fold("STRASSE"));
        assert_eq!(fold("İ"), fold("i̇"));
    }

    proptest! {
        /// What the pieces of a text are folded to stands side by side in what the text is folded to.
        #[test]
        fn folding_is_by_character(one in "[aAßİıΣσς \u{301}\u{345}ŉǅﬁ]{0,6}", other in "[aAßİıΣσς \u{301}\u{345}ŉǅﬁ]{0,6}") {
            prop_assert_eq!(fold(&format!("{one}{other}")), fold(&one) + &fold(&other));
        }
    }
}
