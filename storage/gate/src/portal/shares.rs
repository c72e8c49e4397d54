//! Shares in the portal: what of one's own others may see, and what others let one see.
//!
//! Names and rights only: nothing here opens a collection. Changing a share needs the profile's rule for it, as in every protocol, decided
//! for the zone that the browser comes from.

use super::{PortalSession, Stepped};
use crate::acts::sharing::{self, Identifier, in_force};
use crate::granted::DECISIONS_MAX;
use crate::refusal::Refusal;
use crate::tree;
use octroi_engine::{Batch, Change, CommitError, Expect};
use octroi_model::{Grantee, Outcome, Path, Rights};
use octroi_policy::{Act, Area, Circumstances, Origin, Strength};

/// A collection of one's own that others may see.
#[derive(Debug, Clone)]
pub struct OwnShare {
    /// Which tree.
    pub area: Area,
    /// Where in it.
    pub path: Path,
    /// Who may do what.
    pub with: Vec<(Identifier, Rights)>,
}

impl PortalSession {
    /// Everything of one's own that has an ACL.
    pub fn shares(&self) -> Result<Vec<OwnShare>, Refusal> {
        let account = self.account()?;
        let engine = self.gate.engine();
        let shared = engine.shared().into_iter().filter(|collection| collection.owner == account.id);
        let mut found: Vec<OwnShare> = shared
            .filter_map(|collection| {
                let (area, path) = tree::place(engine, &collection)?;
                let entries = collection.acl.iter().flatten();
                let with = entries.filter_map(|(of, rights)| Some((sharing::name(engine, of)?, rights.implied()))).collect();
                Some(OwnShare { area, path, with })
            })
            .filter(|share: &OwnShare| !share.with.is_empty())
            .collect();
        found.sort_by(|a, b| (a.area.name(), &a.path).cmp(&(b.area.name(), &b.path)));
        Ok(found)
    }

    /// One's own collections of an area, which could be shared.
    pub fn shareable(&self, area: Area) -> Result<Vec<Path>, Refusal> {
        let account = self.account()?;
        let engine = self.gate.engine();
        let home = tree::home(engine, account.id, area).ok_or(Refusal::Missing)?;
        let mut paths: Vec<Path> =
            tree::subtree(engine, &home).iter().filter_map(|c| Some(tree::place(engine, c)?.1)).filter(|p| !p.names().is_empty()).collect();
        paths.sort();
        Ok(paths)
    }

    /// Share a collection of one's own; no rights: no longer.
    pub async fn share(&self, proof: Stepped, area: Area, path: &Path, who: &Identifier, rights: Rights) -> Result<(), Refusal> {
        let account = self.proven(&proof)?;
        let engine = self.gate.engine();
        let at = tree::descend(engine, account.id, area, path.names());
        let collection = at.filter(|at| tree::place(engine, at).is_some()).ok_or(Refusal::Missing)?;
        let policy = self.gate.policy();
        let zone = policy.zone_of(&Origin { address: self.peer, authorities: &[] });
        let circumstances =
            Circumstances { profile: &account.profile, zone, strength: Strength::FreshSecondFactor, second_factor_age: Some(0) };
        let subject = format!("{}/{} with {who}", area.name(), path.join("/"));
        if rights != Rights::NONE
            && let Err(why) = octroi_policy::permit(&policy, &circumstances, &Act::Share { with: sharing::sharee(who) })
        {
            self.note("share", &subject, Outcome::Refused, &why.to_string()).await;
            return Err(Refusal::ShareNotAllowed);
        }
        let grantee = sharing::find_grantee(&self.gate, who)?;
        if grantee == Grantee::Account(account.id) {
            return Err(Refusal::Unsupported);
        }
        for _ in 0..DECISIONS_MAX {
            // As in `acts::sharing`: an ACL that changes after this moves it.
            let generation = engine.generation();
            let collection = engine.collection(collection.id).ok_or(Refusal::Missing)?;
            let (mut acl, _) = in_force(engine, &collection);
            acl.retain(|(of, _)| *of != grantee);
            if rights != Rights::NONE {
                acl.push((grantee.clone(), rights));
            }
            let mut batch = Batch::new();
            batch.expect(Expect::Generation(generation));
            batch.push(Change::SetAcl { collection: collection.id, acl: Some(acl) });
            match engine.commit(batch).await {
                Err(CommitError::Stale) => {}
                other => {
                    other?;
                    self.note("share", &subject, Outcome::Done, &rights.to_string()).await;
                    return Ok(());
                }
            }
        }
        Err(Refusal::Unavailable)
    }
}
