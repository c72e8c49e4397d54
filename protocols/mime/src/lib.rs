//! Messages: bytes to facts.
//!
//! Called at delivery (`facts`), by IMAP FETCH and SEARCH (`Message`, `header_fields`, `decoded_text`, `preview`) and by SMTP
//! (`addresses`, `has_bare_cr_or_lf`, `largest_attachment`). Any octets are a message: nothing here fails, panics, recurses or takes more than
//! linear time, whatever a sender made up; what exceeds a limit of [`limits`] is shown as opaque octets.
//! CRLF is expected at the end of lines and a bare LF is understood.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod addresses;
mod attachment;
mod binary;
mod bodystructure;
mod charset;
mod collation;
mod date;
mod display;
mod envelope;
mod facts;
mod file_name;
mod header;
mod html;
mod ids;
pub mod limits;
mod listing;
mod message;
mod newline;
mod preview;
mod searchable;
mod section;
mod structure;
mod structured;
mod subject;
mod text;
mod transfer;
mod wire;
mod words;

pub use addresses::{AddressEntry, addresses};
pub use attachment::largest_attachment;
pub use binary::{BinarySection, UnknownEncoding};
pub use charset::{CHARSETS, is_charset, text_in};
pub use collation::collation_key;
pub use date::{SentDate, parse_date, sent_date};
pub use display::display_names;
pub use facts::{Facts, FactsRef, describe, facts};
pub use header::{Header, Headers, header_fields, header_length, headers_of, unfolded};
pub use ids::{MessageId, thread_root};
pub use listing::{LISTED_FIELDS, ListedField, Listing};
pub use message::{Kind, MediaType, Message, Param, Part};
pub use newline::{has_bare_cr_or_lf, normalize_newlines, without_nul};
pub use preview::{PREVIEW_BYTES_MAX, PREVIEW_CHARACTERS_MAX, preview};
pub use searchable::{SearchText, document_text, header_line, search_texts};
pub use section::SectionText;
pub use subject::{BaseSubject, base_subject};
pub use text::{PIECE_OVERLAP_BYTES, decoded_text};
pub use transfer::{PieceDecoder, TransferEncoding};
pub use words::decoded_header;
