//! The text of a message as a search sees it. Called by IMAP SEARCH, which looks into it, and by whoever indexes it for the store: both
//! must see the same, or the index would give other answers than a look.

use crate::collation::collation_key;
use crate::header::{Header, headers_of};
use crate::text::decoded_text;
use crate::words::decoded_header;

/// A piece of a message's text, as [`collation_key`] makes it.
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

/// Shows the text of a message whose header is so long, piece by piece.
pub fn search_texts(octets: &[u8], header_bytes: usize, visit: &mut dyn FnMut(SearchText<'_>)) {
    for field in headers_of(&octets[..header_bytes.min(octets.len())]) {
        let value_at = collation_key(&format!("{}: ", String::from_utf8_lossy(field.name))).len();
        let line = header_line(&field);
        let line = collation_key(&line);
        let name = std::str::from_utf8(field.name).ok().map(str::to_ascii_lowercase);
        visit(SearchText::Field { name: name.as_deref(), line: &line, value_at });
    }
    decoded_text(octets, &mut |piece| {
        visit(SearchText::Body(&collation_key(piece)));
        true
    });
}

/// The text of a document, as [`collation_key`] makes it: one piece. What is no UTF-8 in it is no text.
pub fn document_text(octets: &[u8]) -> String {
    collation_key(&String::from_utf8_lossy(octets)).into_owned()
}

/// A field as one line, as people read it.
pub fn header_line(field: &Header<'_>) -> String {
    format!("{}: {}", String::from_utf8_lossy(field.name), decoded_header(field.value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_and_made_alike() {
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
            of(Some("subject"), "SUBJECT: ", "L'E\u{301}TAT X"),
            of(None, "X-\u{fffd}: ", "B"),
            of(Some("to"), "TO: ", ""),
            of(None, "", "DOUANE\r\n"),
        ];
        assert_eq!(seen, expected);
    }
}
