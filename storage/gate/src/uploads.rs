//! Uploads in parts: what comes over a bad line is kept part by part, and becomes a document when all of it is here.
//!
//! Called by WebDAV. Below a collection of the account's own ([`CollectionKind::Uploads`]), which no area and so no rule and no path opens,
//! stands one for each upload; its items are the parts. So a part that was acknowledged is on disk, survives a restart and counts in the quota
//! like anything else. What always holds: a person reaches their own only, over the service for documents; parts go in the commit that makes
//! the document of them ([`Parts`]), which is decided as any other is; what nobody has added to for too long is swept away.

use crate::content::{Content, Upload};
use crate::gate::new_collection;
use crate::refusal::Refusal;
use crate::session::Session;
use octroi_engine::{Batch, Change, Engine, Part};
use octroi_model::{AccountId, Collection, CollectionId, CollectionKind, Item, Name, Service, UnixTime};
use std::sync::Arc;

/// Name of the limit on uploads under way.
pub const UPLOADS: &str = "uploads under way";
/// Name of the limit on the parts of one.
pub const UPLOAD_PARTS: &str = "parts of an upload";
/// Parts of one upload: as many as clients are told elsewhere that they may send.
const PARTS_MAX: usize = 10_000;
/// Octets of one read.
const READ_BYTES: u64 = 1 << 20;
/// The name of the collection that holds them.
const HOME: &str = "uploads";

/// A part that is here.
#[derive(Debug, Clone)]
pub struct UploadPart {
    /// As the client named it; what is first by number, or else by name, is first.
    pub name: Name,
    /// Octets.
    pub bytes: u64,
    /// When it came.
    pub at: UnixTime,
    item: Item,
}

/// All parts of an upload, in their order.
#[derive(Debug, Clone)]
pub struct Parts {
    pub(crate) collection: CollectionId,
    parts: Vec<UploadPart>,
}

impl Parts {
    /// In their order.
    pub fn parts(&self) -> &[UploadPart] {
        &self.parts
    }

    /// Octets of all.
    pub fn bytes(&self) -> u64 {
        self.parts.iter().map(|part| part.bytes).sum()
    }
}

impl Content {
    /// A document that is made of these parts: they go when it comes.
    #[must_use]
    pub fn made_of(self, parts: &Parts) -> Self {
        Self { parts: Some(parts.collection), ..self }
    }

    /// Add to the batch that brings it that what it was made of goes.
    pub(crate) fn settle(&self, batch: &mut Batch) {
        if let Some(collection) = self.parts {
            batch.push(Change::RemoveCollection { collection, parent_head: None });
        }
    }
}

fn home(engine: &dyn Engine, account: AccountId) -> Option<Arc<Collection>> {
    engine.homes(account).into_iter().find(|collection| collection.kind == CollectionKind::Uploads)
}

impl Session {
    /// Begin an upload. [`Refusal::Exists`] if one of that name is under way.
    pub async fn begin_upload(&self, upload: &Name) -> Result<(), Refusal> {
        let (engine, account) = (self.uploads_open().await?, self.account());
        let mut batch = Batch::new();
        let home = if let Some(home) = home(engine, account) {
            let there = engine.children(home.id);
            if there.iter().any(|other| other.name == *upload) {
                return Err(Refusal::Exists);
            }
            if there.len() >= self.gate().0.limits.uploads_max {
                return Err(Refusal::Limit(UPLOADS));
            }
            home.id
        } else {
            let name = Name::new(HOME).map_err(|_| Refusal::Unsupported)?;
            let home = new_collection(engine, None, name, CollectionKind::Uploads, account);
            let id = home.id;
            batch.push(Change::CreateCollection { collection: home, parent_head: None });
            id
        };
        let collection = new_collection(engine, Some(home), upload.clone(), CollectionKind::Uploads, account);
        batch.push(Change::CreateCollection { collection, parent_head: None });
        engine.commit(batch).await?;
        Ok(())
    }

    /// Uploads under way.
    pub async fn uploads(&self) -> Result<Vec<Name>, Refusal> {
        let engine = self.uploads_open().await?;
        Ok(home(engine, self.account()).map_or(Vec::new(), |home| engine.children(home.id).iter().map(|c| c.name.clone()).collect()))
    }

    /// The parts of one that are here.
    pub async fn upload_parts(&self, upload: &Name) -> Result<Parts, Refusal> {
        let collection = self.upload_at(upload).await?.id;
        let view = self.gate().engine().view(collection).await?;
        let part = |item: &Item| Some(UploadPart { name: item.name.clone()?, bytes: item.bytes(), at: item.saved, item: item.clone() });
        let mut parts: Vec<UploadPart> = view.items().filter_map(part).collect();
        parts.sort_by_cached_key(|part| (number(&part.name), part.name.clone()));
        Ok(Parts { collection, parts })
    }

    /// Take a part in pieces, of so many octets as far as is known.
    pub async fn receive_part(&self, upload: &Name, name: &Name, bytes: u64) -> Result<Upload, Refusal> {
        let collection = self.upload_at(upload).await?;
        let view = self.gate().engine().view(collection.id).await?;
        if view.len() >= PARTS_MAX && view.by_name(name).is_none() {
            return Err(Refusal::Limit(UPLOAD_PARTS));
        }
        if !self.gate().has_room_among_documents(collection.id, bytes) {
            return Err(Refusal::OverQuota);
        }
        Upload::begin(self.gate()).await
    }

    /// Keep a part, in the place of one of that name. On disk when this returns.
    pub async fn keep_part(&self, upload: &Name, name: &Name, content: Content) -> Result<(), Refusal> {
        let collection = self.upload_at(upload).await?.id;
        let bytes = content.bytes();
        let mut batch = Batch::new();
        let body = batch.body(content.body);
        batch.put(collection, crate::acts::file::document(name.clone(), None)?, body);
        self.commit_making_room(collection, (bytes, 1), batch, &[], || Ok(self.gate().engine().generation())).await?;
        Ok(())
    }

    /// Octets of a part from `offset`: a mebibyte at most, fewer at its end.
    pub async fn read_part(&self, part: &UploadPart, offset: u64) -> Result<Vec<u8>, Refusal> {
        self.check().await?;
        let range = Part::Range { offset, bytes: part.bytes.saturating_sub(offset).min(READ_BYTES) };
        let read = self.gate().engine().read(vec![(part.item.content, range)]).await?;
        Ok(read.into_iter().next().unwrap_or_default())
    }

    /// Give an upload up, with all its parts.
    pub async fn abandon_upload(&self, upload: &Name) -> Result<(), Refusal> {
        let collection = self.upload_at(upload).await?.id;
        let mut batch = Batch::new();
        batch.push(Change::RemoveCollection { collection, parent_head: None });
        self.gate().engine().commit(batch).await?;
        Ok(())
    }

    async fn upload_at(&self, upload: &Name) -> Result<Arc<Collection>, Refusal> {
        let engine = self.uploads_open().await?;
        let home = home(engine, self.account()).ok_or(Refusal::Missing)?;
        engine.child(home.id, upload).ok_or(Refusal::Missing)
    }

    async fn uploads_open(&self) -> Result<&dyn Engine, Refusal> {
        self.check().await?;
        if self.service() == Service::Files { Ok(self.gate().engine()) } else { Err(Refusal::Missing) }
    }
}

/// The number that a part's name begins with; those without one come last.
fn number(name: &Name) -> u64 {
    let digits = name.as_str().bytes().take_while(u8::is_ascii_digit).count();
    name.as_str()[..digits].parse().unwrap_or(u64::MAX)
}

/// Add to the batch that uploads of somebody go to which nothing was added since. Returns how many.
pub(crate) async fn sweep(engine: &dyn Engine, account: AccountId, since: UnixTime, batch: &mut Batch) -> Result<usize, Refusal> {
    let mut gone = 0;
    for upload in home(engine, account).map_or(Vec::new(), |home| engine.children(home.id)) {
        let view = engine.view(upload.id).await?;
        let last = view.items().map(|item| item.saved).max().unwrap_or(upload.created);
        if last < since {
            batch.push(Change::RemoveCollection { collection: upload.id, parent_head: None });
            gone += 1;
        }
    }
    Ok(gone)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_in_the_order_of_their_numbers() {
        let mut names = ["10", "9", "x", "000000000000000-000000000000009", "2-3"].map(|text| Name::new(text).unwrap());
        names.sort_by_key(|name| (number(name), name.clone()));
        assert_eq!(names.map(|name| name.to_string()), ["000000000000000-000000000000009", "2-3", "9", "10", "x"]);
    }
}
