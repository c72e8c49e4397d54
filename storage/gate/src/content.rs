//! Contents on their way in: whole in memory, or in pieces that go to disk as they come.

use crate::acts::own::note;
use crate::attachments::Attaching;
use crate::gate::Gate;
use crate::kept::object::ObjectFacts;
use crate::refusal::Refusal;
use crate::session::Session;
use octroi_engine::{Body, Stage};
use octroi_model::{CollectionId, Etag, UnixTime};

/// A content that is ready to become an item. Opaque.
#[derive(Debug)]
pub struct Content {
    pub(crate) body: Body,
    /// When a document was last modified, if that is not now.
    pub(crate) modified: Option<UnixTime>,
    /// What it hashes to by other algorithms; see [`crate::checksums`].
    pub(crate) sums: Option<String>,
    /// What it says of itself, as a calendar object or card.
    pub(crate) facts: Option<ObjectFacts>,
    /// Properties that came with it, set in the commit that brings it.
    pub(crate) beside: Vec<(String, String)>,
    /// What it was made of, if it came in parts.
    pub(crate) parts: Option<CollectionId>,
    /// What hangs on it, as a calendar object.
    pub(crate) attaching: Attaching,
}

impl Content {
    /// A message. `facts` are what its codec derived from it, `header_bytes` is the length of the header with its empty line.
    pub fn message(facts: &[u8], octets: &[u8], header_bytes: usize) -> Self {
        Self::of(Body::message(facts, octets, header_bytes))
    }

    /// A document.
    pub fn document(octets: &[u8]) -> Self {
        Self::of(Body::document(octets))
    }

    fn of(body: Body) -> Self {
        Self { body, modified: None, sums: None, facts: None, beside: Vec::new(), parts: None, attaching: Attaching::default() }
    }

    /// A document that was modified then: it comes from elsewhere, with its date.
    #[must_use]
    pub fn modified(self, at: UnixTime) -> Self {
        Self { modified: Some(at), ..self }
    }

    /// Digests that were compared, as [`crate::checksums`] tells them later.
    #[must_use]
    pub fn checked_by(self, sums: Option<String>) -> Self {
        Self { sums, ..self }
    }

    /// A calendar object or card, and what it says of itself: so it is found by time and UID.
    #[must_use]
    pub fn described(self, facts: ObjectFacts) -> Self {
        Self { facts: Some(facts), ..self }
    }

    /// A property that came along with it ([`crate::PropertyEdit`]).
    #[must_use]
    pub fn with_property(mut self, name: &str, text: String) -> Self {
        self.beside.push((name.to_owned(), text));
        self
    }

    /// What the session has of its own in it, as [`Granted::keep`] takes it; if that is empty, nothing any more.
    ///
    /// [`Granted::keep`]: crate::Granted::keep
    #[must_use]
    pub fn with_own(mut self, session: &Session, own: String) -> Self {
        self.beside.push((note(session.account()), own));
        self
    }

    /// Octets.
    pub fn bytes(&self) -> u64 {
        self.body.bytes()
    }

    /// The strong entity tag it will have.
    pub fn etag(&self) -> Etag {
        Etag::of(self.body.hash())
    }
}

/// Takes a content in pieces. Dropping it throws them away.
pub struct Upload {
    stage: Box<dyn Stage>,
    bytes: u64,
}

impl Upload {
    pub(crate) async fn begin(gate: &Gate) -> Result<Self, Refusal> {
        Ok(Self { stage: gate.engine().stage().await?, bytes: 0 })
    }

    /// For a message whose head is known last ([`Upload::head`]).
    pub(crate) async fn begin_below_head(gate: &Gate) -> Result<Self, Refusal> {
        let mut upload = Self::begin(gate).await?;
        upload.stage.expect_head();
        Ok(upload)
    }

    /// What goes in front of everything that was written, at most [`crate::HEAD_BYTES_MAX`] octets. Cheap also when the rest is on disk.
    pub fn head(&mut self, octets: Vec<u8>) {
        self.bytes += octets.len() as u64;
        self.stage.head(octets);
    }

    /// What was written, while it is so little that it is all in memory.
    pub fn in_memory(&self) -> Option<&[u8]> {
        self.stage.in_memory()
    }

    /// Add octets.
    pub async fn write(&mut self, octets: &[u8]) -> Result<(), Refusal> {
        self.bytes += octets.len() as u64;
        Ok(self.stage.write(octets).await?)
    }

    /// Octets so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// All of a document was written.
    pub async fn finish_document(self) -> Result<Content, Refusal> {
        let body = self.stage.finish(None).await?;
        Ok(Content::of(body))
    }

    /// All of a message was written. `describe` gets its octets (of one above [`crate::DESCRIBED_BYTES_MAX`] the first mebibyte) and returns
    /// the facts and the length of the header.
    pub async fn finish_message(self, describe: impl FnOnce(&[u8]) -> (Vec<u8>, usize) + Send + 'static) -> Result<Content, Refusal> {
        let body = self.stage.finish(Some(Box::new(describe))).await?;
        Ok(Content::of(body))
    }
}
