//! What a source of messages gives. Implemented by `maildir` and `mbox`, read by `send`.

use octroi_model::{Flags, UnixTime};

/// Something found in a source.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Message(Box<Message>),
    /// Something that cannot be imported and is stepped over.
    Fault(Fault),
}

/// A message with what the source knows of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    /// Names of the mailbox from the top down.
    pub(crate) into: Vec<String>,
    /// Where it was found, for people.
    pub(crate) label: String,
    /// With CRLF at the end of lines.
    pub(crate) octets: Vec<u8>,
    pub(crate) flags: Flags,
    pub(crate) keywords: Vec<String>,
    pub(crate) date: UnixTime,
}

/// Why something was stepped over.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) label: String,
    pub(crate) why: String,
    /// How many messages that are.
    pub(crate) messages: u64,
}

impl Fault {
    pub(crate) fn one(label: impl Into<String>, why: impl Into<String>) -> Found {
        Found::Fault(Self { label: label.into(), why: why.into(), messages: 1 })
    }
}

/// Messages one after the other, those of one mailbox together. Reading blocks.
pub(crate) trait Source: Send {
    /// How many there are, as far as one can tell without reading them.
    fn total(&self) -> u64;
    /// The next one; `bytes_max` is what a message may have. An error ends the import: the source itself cannot be read further.
    fn next(&mut self, bytes_max: u64) -> Result<Option<Found>, String>;
}

/// Octets as a message has them: every line ends with CRLF, whatever the file system's way is.
pub(crate) fn as_message(octets: Vec<u8>) -> Vec<u8> {
    match octroi_mime::normalize_newlines(&octets) {
        std::borrow::Cow::Owned(changed) => changed,
        std::borrow::Cow::Borrowed(_) => octets,
    }
}

/// What is said of a message that is over the limit.
pub(crate) fn too_large(bytes_max: u64) -> String {
    format!("it is larger than the {bytes_max} bytes that a message may have")
}
