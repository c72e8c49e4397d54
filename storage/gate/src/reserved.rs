//! Reserved actions: deeds that the profiles file names, such as validating an official act, and binds to a zone and a fresh second factor.
//!
//! Every act that brings something into a collection, or sets or clears a keyword, says so with a [`Deed`] before it is committed. Decided
//! again with each attempt, so that a second factor that lapses meanwhile does not count; and the audit line of a reserved action, with the
//! hash of what it is about, stands in the commit that does it: neither is there without the other.

use crate::granted::{Granted, Object, commit_under};
use crate::kept::room;
use crate::purpose::Purpose;
use crate::refusal::{Lacks, Refusal};
use crate::session::Session;
use crate::tree::Node;
use octroi_engine::{Batch, Engine, Receipt};
use octroi_model::{CollectionId, Hash, Outcome};
use octroi_policy::{Area, Lacking};
use std::fmt::Write;

/// Contents that one audit line names; of more it says how many.
const HASHES_MAX: usize = 4;

/// What is done to one collection.
#[derive(Debug, Clone, Default)]
pub(crate) struct Deed {
    area: Option<Area>,
    path: String,
    adds: bool,
    keywords: Vec<String>,
    hashes: Vec<Hash>,
}

impl Deed {
    /// Something is added, moved, copied or written there.
    pub(crate) fn adds(node: &Node, hashes: impl IntoIterator<Item = Hash>) -> Self {
        Self::at(node.area, node.inner_path.clone(), true).about(hashes)
    }

    /// Keywords are set or cleared there.
    pub(crate) fn marks(node: &Node, keywords: impl IntoIterator<Item = String>) -> Self {
        Self::at(node.area, node.inner_path.clone(), false).keywords(keywords)
    }

    /// Something is brought to a path that may not be there yet.
    pub(crate) fn at(area: Area, path: String, adds: bool) -> Self {
        Self { area: Some(area), path, adds, ..Self::default() }
    }

    /// And these keywords are set, cleared or brought along.
    pub(crate) fn keywords(mut self, keywords: impl IntoIterator<Item = String>) -> Self {
        self.keywords.extend(keywords);
        self
    }

    /// It is about these contents.
    pub(crate) fn about(mut self, hashes: impl IntoIterator<Item = Hash>) -> Self {
        self.hashes.extend(hashes);
        self
    }

    fn subject(&self) -> String {
        let mut text = format!("{}/{}", self.area.map_or("", Area::name), self.path);
        for hash in self.hashes.iter().take(HASHES_MAX) {
            // Into a string: this does not fail.
            let _ = write!(text, " blake3:{}", data_encoding::HEXLOWER.encode(&hash.0));
        }
        if self.hashes.len() > HASHES_MAX {
            let _ = write!(text, " and {} more", self.hashes.len() - HASHES_MAX);
        }
        text
    }
}

impl Session {
    /// The reserved actions that a deed is; refused unless all that they ask for is there.
    fn decide_deed(&self, deed: &Deed) -> Result<Vec<String>, (String, Refusal)> {
        let policy = self.gate().policy();
        let (Some(area), true) = (deed.area, policy.reserves_anything()) else { return Ok(Vec::new()) };
        let keywords: Vec<&str> = deed.keywords.iter().map(String::as_str).collect();
        let asked = octroi_policy::Deed { area, path: &deed.path, adds: deed.adds, keywords: &keywords };
        let decided = self.with_circumstances(|who| match octroi_policy::reserved(&policy, who, &asked) {
            Ok(names) => Ok(names.into_iter().map(str::to_owned).collect()),
            Err(withheld) => {
                let lacks = match withheld.lacks {
                    Lacking::NotInProfile => Lacks::Profile,
                    Lacking::Zone(_) => Lacks::Zone,
                    Lacking::SecondFactor { within } => Lacks::SecondFactor(within),
                };
                Err((withheld.action.to_owned(), Refusal::Reserved(lacks)))
            }
        });
        decided.unwrap_or_else(|refusal| Err((String::new(), refusal)))
    }

    /// Commit what these deeds are, under grants that `renew` confirms.
    pub(crate) async fn commit_deeds(
        &self,
        engine: &dyn Engine,
        mut batch: Batch,
        deeds: &[Deed],
        renew: impl Fn() -> Result<u64, Refusal>,
    ) -> Result<Receipt, Refusal> {
        self.hold(&mut batch);
        let peer = self.peer().to_string();
        for deed in deeds {
            match self.decide_deed(deed) {
                Ok(actions) => {
                    for action in actions {
                        batch.push(self.line(&action, &deed.subject(), &peer, Outcome::Done, "reserved action").into_change());
                    }
                }
                Err((action, refusal)) => {
                    if matches!(refusal, Refusal::Reserved(_)) {
                        self.audit(&action, &deed.subject(), Outcome::Refused, &refusal.to_string()).await;
                    }
                    return Err(refusal);
                }
            }
        }
        let decided_again = || {
            let generation = renew()?;
            deeds.iter().try_for_each(|deed| self.decide_deed(deed).map(|_| ()).map_err(|(_, refusal)| refusal))?;
            Ok(generation)
        };
        let receipt = commit_under(engine, batch, decided_again).await?;
        self.note_own(&receipt);
        Ok(receipt)
    }
}

impl Session {
    /// The same for what adds octets and items to a folder: when a quota is short, what is kept of documents makes room in the same commit.
    pub(crate) async fn commit_making_room(
        &self,
        into: CollectionId,
        more: (u64, u64),
        mut batch: Batch,
        deeds: &[Deed],
        renew: impl Fn() -> Result<u64, Refusal>,
    ) -> Result<Receipt, Refusal> {
        let engine = self.gate().engine();
        match self.commit_deeds(engine, batch.clone(), deeds, &renew).await {
            Err(Refusal::OverQuota) if room::make(engine, into, more, &mut batch).await? => {}
            other => return other,
        }
        self.commit_deeds(engine, batch, deeds, renew).await
    }
}

impl<O: Object, P: Purpose<O>> Granted<O, P> {
    /// Commit what these deeds are, under this grant.
    pub(crate) async fn commit_deeds(&self, batch: Batch, deeds: &[Deed]) -> Result<Receipt, Refusal> {
        self.session.commit_deeds(self.engine(), batch, deeds, || self.renew()).await
    }
}
