//! What an edit of a calendar's ACL makes of invitations, and whom it is shared with.

use super::record::{InviteState, Kept, Record, encode, invite_name, new_id, now};
use crate::acts::sharing::{self, AclEdit, Identifier, edit_acl_with};
use crate::gate::Gate;
use crate::granted::{Folder, Granted};
use crate::purpose::ShareFolder;
use crate::refusal::Refusal;
use crate::session::Session;
use crate::tree;
use octroi_engine::Change;
use octroi_model::{AccountId, Acl, Collection, CollectionKind, Grantee, Rights};
use std::sync::Arc;

/// Whom to invite, or to invite no more.
#[derive(Debug, Clone)]
pub struct InviteWish {
    /// Who.
    pub who: Identifier,
    /// What they may do; nothing: it is not shared with them any more.
    pub rights: Rights,
    /// What the calendar is called to them.
    pub summary: String,
}

/// Somebody with whom a calendar is shared, however that came about.
#[derive(Debug, Clone)]
pub struct Sharee {
    /// Who.
    pub who: Identifier,
    /// Their name for people; empty if it is not known.
    pub display_name: String,
    /// What they may do.
    pub rights: Rights,
    /// What they said to it; who was not asked takes it.
    pub state: InviteState,
    /// What it was called to them, while that is kept.
    pub summary: String,
}

impl Granted<Folder, ShareFolder> {
    /// Invite: the ACL is edited as by any other method, and of a calendar who is in it by a name of their own gets a notice. All or nothing.
    pub async fn invite(&self, wishes: &[InviteWish]) -> Result<(), Refusal> {
        let edits: Vec<_> = wishes.iter().map(|wish| (wish.who.clone(), AclEdit::Set(wish.rights))).collect();
        edit_acl_with(self, &edits, None, wishes).await
    }

    /// With whom it is shared.
    pub fn sharees(&self) -> Result<Vec<Sharee>, Refusal> {
        self.renew()?;
        let engine = self.engine();
        let collection = self.collection()?;
        let (acl, _) = sharing::in_force(engine, &collection);
        let sharee = |(grantee, rights): &(Grantee, Rights)| {
            let who = sharing::name(engine, grantee)?;
            let mut sharee =
                Sharee { who, display_name: String::new(), rights: rights.implied(), state: InviteState::Accepted, summary: String::new() };
            if let Grantee::Account(id) = grantee {
                sharee.display_name = engine.account(*id).map_or_else(String::new, |account| account.display_name.clone());
                if let Some(record) = Kept::of(engine, *id).and_then(|kept| kept.invite(collection.id).cloned()) {
                    (sharee.state, sharee.summary) = (record.state, record.summary);
                }
            }
            Some(sharee)
        };
        Ok(acl.iter().filter_map(sharee).collect())
    }
}

/// The changes to invitations that go with a change of an ACL: who comes by a wish or gets other rights by one is told, and so is who was
/// invited and goes.
pub(crate) fn follow(
    session: &Session,
    collection: &Arc<Collection>,
    (before, after): (&Acl, &Acl),
    wishes: &[InviteWish],
) -> Result<Vec<Change>, Refusal> {
    let mut changes = Vec::new();
    if collection.kind != CollectionKind::Calendar {
        return Ok(changes);
    }
    for (account, _) in accounts(before).filter(|(account, _)| held(after, *account).is_none()) {
        changes.extend(withdrawn(session.gate(), collection, account)?);
    }
    for (account, rights) in accounts(after) {
        let is_it = |wish: &&InviteWish| sharing::find_grantee(session.gate(), &wish.who) == Ok(Grantee::Account(account));
        if let Some(wish) = wishes.iter().find(is_it) {
            changes.extend(invited(session, collection, (account, held(before, account), rights), wish)?);
        }
    }
    Ok(changes)
}

fn accounts(acl: &Acl) -> impl Iterator<Item = (AccountId, Rights)> {
    acl.iter().filter_map(|(grantee, rights)| if let Grantee::Account(id) = grantee { Some((*id, *rights)) } else { None })
}

fn held(acl: &Acl, account: AccountId) -> Option<Rights> {
    accounts(acl).find(|(of, _)| *of == account).map(|(_, rights)| rights)
}

/// Who was invited is told that it is over; who had declined is not troubled again.
fn withdrawn(gate: &Gate, collection: &Collection, account: AccountId) -> Result<Option<Change>, Refusal> {
    let Some(kept) = Kept::of(gate.engine(), account) else { return Ok(None) };
    let Some(record) = kept.invite(collection.id) else { return Ok(None) };
    let value = match record.state {
        InviteState::Declined | InviteState::Withdrawn => None,
        InviteState::Open | InviteState::Accepted => {
            let record = Record { id: new_id()?, made: now(), state: InviteState::Withdrawn, is_told: true, ..record.clone() };
            Some(encode(&record, record.state.letter())?)
        }
    };
    Ok(Some(Change::Annotate { of: kept.of, entries: vec![(invite_name(collection.id), value)] }))
}

fn invited(
    session: &Session,
    collection: &Arc<Collection>,
    (account, before, rights): (AccountId, Option<Rights>, Rights),
    wish: &InviteWish,
) -> Result<Option<Change>, Refusal> {
    let engine = session.gate().engine();
    let Some(kept) = Kept::of(engine, account) else { return Ok(None) };
    let there = kept.invite(collection.id).filter(|record| record.state != InviteState::Withdrawn);
    let state = match (there, before) {
        // Nothing is new to them.
        (Some(record), Some(before)) if before == rights && record.summary == wish.summary => return Ok(None),
        (None, Some(before)) if before == rights => return Ok(None),
        (Some(record), Some(_)) => record.state,
        (None, Some(_)) => InviteState::Accepted,
        (_, None) => InviteState::Open,
    };
    let max = session.gate().0.limits.sharing_notices_max as usize;
    let room = if kept.invite(collection.id).is_some() { Some(kept.stale.clone()) } else { kept.make_room(max) };
    // Without a notice they see the calendar all the same.
    let Some(mut entries) = room else { return Ok(None) };
    let Some((area, inner)) = tree::place(engine, collection) else { return Ok(None) };
    let path = tree::shared_path(engine, area, collection.owner, &inner);
    let Some(name) = path.and_then(|path| path.names().last().cloned()) else { return Ok(None) };
    let record = Record {
        id: new_id()?,
        made: now(),
        by: session.account().0,
        summary: wish.summary.clone(),
        state,
        is_told: true,
        name: name.to_string(),
    };
    entries.push((invite_name(collection.id), Some(encode(&record, state.letter())?)));
    Ok(Some(Change::Annotate { of: kept.of, entries }))
}
