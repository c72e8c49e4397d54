//! What is taken in: messages, and documents that are text.

use super::block::{Key, key_of};
use octroi_model::{CollectionKind, Hash, Item};

/// Octets of a document that is taken in; few larger ones are text.
pub const DOCUMENT_BYTES_MAX: u64 = 1 << 20;

/// As what an item is taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Message,
    Document,
}

impl Kind {
    /// Of what lies in such a collection; events and cards are not taken in.
    pub(crate) fn within(kind: CollectionKind) -> Option<Self> {
        match kind {
            CollectionKind::Mailbox => Some(Self::Message),
            CollectionKind::Folder => Some(Self::Document),
            _ => None,
        }
    }

    /// Under which key a content is known: the same octets are another text as a message than as a document.
    pub(crate) fn key(self, hash: &Hash) -> Key {
        let key = key_of(hash);
        match self {
            Self::Message => key,
            Self::Document => key.map(|octet| !octet),
        }
    }
}

/// Is the content of a document text, and not too much of it? By its media type, or by its name where that says nothing.
pub fn is_text(item: &Item) -> bool {
    const KINDS: [&str; 6] =
        ["application/json", "application/xml", "application/javascript", "application/x-sh", "application/rtf", "message/rfc822"];
    const EXTENSIONS: [&str; 10] = ["txt", "md", "csv", "tsv", "log", "xml", "json", "html", "ics", "vcf"];
    let kind = item.media_type.as_deref().map(|sent| sent.split(';').next().unwrap_or("").trim().to_ascii_lowercase());
    let is_text = match kind.as_deref() {
        None | Some("application/octet-stream") => {
            let name = item.name.as_ref().and_then(|name| name.as_str().rsplit_once('.'));
            name.is_some_and(|(_, extension)| EXTENSIONS.iter().any(|known| known.eq_ignore_ascii_case(extension)))
        }
        Some(kind) => kind.starts_with("text/") || kind.ends_with("+xml") || kind.ends_with("+json") || KINDS.contains(&kind),
    };
    is_text && item.bytes() <= DOCUMENT_BYTES_MAX
}
