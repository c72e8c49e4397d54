//! What the store's search index knows of text: the same that IMAP SEARCH sees when it looks into a message, and SEARCH of DAV into a document.

use octroi_engine::{Extractor, Piece};
use octroi_mime::{SearchText, document_text, search_texts};

/// For the options of the store.
pub(crate) fn extractor() -> Extractor {
    Extractor::new(|octets, header_bytes, show| {
        let Some(header_bytes) = header_bytes else {
            show(Piece::Body(&document_text(octets)));
            return;
        };
        search_texts(octets, header_bytes, &mut |text| {
            show(match text {
                SearchText::Field { name, line, value_at } => Piece::Field { name, line, value_at },
                SearchText::Body(text) => Piece::Body(text),
            });
        });
    })
}
