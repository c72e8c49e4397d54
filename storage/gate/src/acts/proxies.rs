//! Who stands for somebody in their calendars: reads them, or writes in them and speaks for them (`calendar-proxy`).
//!
//! Called by `dav` for the principals of that name. There is no list of them beside the ACLs, so nothing can differ from it: they are whoever
//! has these rights on one of the calendars at least. Named anew, somebody gets them on every calendar there is at that moment, by the same
//! decisions as any sharing and in one commit; whoever stands there already keeps what they have. On what a profile allows, an ACL has no say.
//! Who was named so is noted beside the account's home, and gets the same on each calendar that is made later, as long as they stand there by an ACL:
//! so a share of one calendar does not spread, and whom the ACLs have let go is let go.

use crate::acts::sharing::{AclEdit, ENTRIES_MAX, Identifier, edit_acl_with, edited, find_grantee, lay_acl, name};
use crate::granted::{DECISIONS_MAX, Folder, FolderAt, Granted};
use crate::purpose::ShareFolder;
use crate::refusal::Refusal;
use crate::session::Session;
use crate::tree::{self, Node};
use octroi_engine::{Batch, Change};
use octroi_model::{Address, Annotated, CollectionKind, Grantee, Path, Rights};
use octroi_policy::Area;
use std::sync::Arc;

/// Where it is noted who was named, among the account's private annotations at the top of its calendars.
const NAMED: &str = "/private/proxies";

/// What somebody does who stands for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProxyKind {
    /// Looks at their calendars.
    Read,
    /// Writes in them too.
    Write,
}

impl ProxyKind {
    /// Who has these stands there.
    const fn shown_by(self) -> Rights {
        let read = Rights::LOOKUP.or(Rights::READ);
        if let Self::Read = self { read } else { read.or(Rights::WRITE).or(Rights::INSERT).or(Rights::EXPUNGE) }
    }

    /// What they get; who writes may also invite and answer in the owner's name.
    const fn gives(self) -> Rights {
        let shown = self.shown_by().or(Rights::FREE_BUSY);
        if let Self::Read = self { shown } else { shown.or(Rights::SEND_AS) }
    }

    /// The most that these rights make.
    fn of(rights: Rights) -> Option<Self> {
        [Self::Write, Self::Read].into_iter().find(|kind| rights.contains(kind.shown_by()))
    }
}

impl Session {
    /// Who stands for the account, by the ACLs of the calendars that this session may share. Everybody together is nobody by name.
    pub async fn proxies(&self) -> Result<Vec<(Identifier, ProxyKind)>, Refusal> {
        proxies_of(&self.calendars_to_share().await?)
    }

    /// Let these stand for the account and nobody else; what stands elsewhere in the ACLs stays.
    pub async fn set_proxies(&self, kind: ProxyKind, members: &[Identifier]) -> Result<(), Refusal> {
        // Before each is looked for on each calendar.
        if members.len() > ENTRIES_MAX {
            return Err(Refusal::Limit("entries of one ACL"));
        }
        let calendars = self.calendars_to_share().await?;
        let first = calendars.first().ok_or(Refusal::Forbidden(Rights::ADMIN))?;
        for _ in 0..DECISIONS_MAX {
            let generation = calendars.iter().try_fold(0, |_, calendar| calendar.renew())?;
            let batch = self.batch_for(&calendars, kind, members).await?;
            if first.commit_at(generation, batch).await?.is_some() {
                return Ok(());
            }
        }
        Err(Refusal::Unavailable)
    }

    /// For whom this session stands, as what it may do in their calendars comes to; each once.
    pub fn stands_for(&self) -> Result<Vec<(Address, ProxyKind)>, Refusal> {
        let engine = self.gate().engine();
        let mut found: Vec<(Address, ProxyKind)> = Vec::new();
        for node in self.calendar_nodes().filter(|node| node.owner != self.account()) {
            let (Some(kind), Some(owner)) = (ProxyKind::of(self.rights_of(&node)?), engine.account(node.owner)) else { continue };
            match found.iter_mut().find(|(known, _)| *known == owner.address) {
                Some((_, known)) if kind == ProxyKind::Write => *known = kind,
                Some(_) => {}
                None => found.push((owner.address.clone(), kind)),
            }
        }
        Ok(found)
    }

    /// What makes these, and nobody else, stand there.
    async fn batch_for(
        &self,
        calendars: &[Granted<Folder, ShareFolder>],
        kind: ProxyKind,
        members: &[Identifier],
    ) -> Result<Batch, Refusal> {
        let before: Vec<Identifier> = proxies_of(calendars)?.into_iter().filter(|(_, other)| *other == kind).map(|(who, _)| who).collect();
        let comes: Vec<&Identifier> = members.iter().filter(|who| !before.iter().any(|known| same(known, who))).collect();
        // To look at them only, who wrote has less than before.
        let given = |who: &Identifier| (who.clone(), if kind == ProxyKind::Read { AclEdit::Set } else { AclEdit::Add }(kind.gives()));
        let goes = before.iter().filter(|known| !members.iter().any(|who| same(known, who)));
        let edits: Vec<(Identifier, AclEdit)> =
            goes.map(|who| (who.clone(), AclEdit::Delete)).chain(comes.iter().copied().map(given)).collect();
        let (mut batch, mut notices) = (Batch::new(), Vec::new());
        for calendar in calendars {
            let edited = edited(calendar, &edits, None).await?;
            if edited.after != edited.before {
                notices.extend(lay_acl(calendar, edited, &[], &mut batch)?);
            }
        }
        batch.push(self.note_named(kind, members, &comes)?);
        for notice in notices {
            batch.push(notice);
        }
        Ok(batch)
    }

    /// Who is named from now on: these who come, and of those who were whoever is still a member.
    fn note_named(&self, kind: ProxyKind, members: &[Identifier], comes: &[&Identifier]) -> Result<Change, Refusal> {
        let engine = self.gate().engine();
        let mut named = self.named()?;
        named.retain(|(who, writes)| {
            let is_member = name(engine, who).is_some_and(|who| members.iter().any(|member| same(member, &who)));
            // Named as the other, somebody is that from now on.
            if is_writer(kind) == *writes { is_member } else { !is_member }
        });
        for who in comes {
            let who = find_grantee(self.gate(), who)?;
            named.retain(|(known, _)| *known != who);
            named.push((who, is_writer(kind)));
        }
        let value = postcard::to_allocvec(&named).ok().filter(|_| !named.is_empty()).map(Arc::from);
        Ok(Change::Annotate { of: self.place_of_named()?, entries: vec![(Arc::from(NAMED), value)] })
    }

    fn place_of_named(&self) -> Result<Annotated, Refusal> {
        let home = tree::home(self.gate().engine(), self.account(), Area::Calendars).ok_or(Refusal::Missing)?;
        Ok(Annotated { collection: Some(home.id), account: Some(self.account()) })
    }

    /// Who was named, and whether to write.
    fn named(&self) -> Result<Vec<(Grantee, bool)>, Refusal> {
        let kept = self.gate().engine().annotations(self.place_of_named()?);
        Ok(kept.get(NAMED).and_then(|value| postcard::from_bytes(value).ok()).unwrap_or_default())
    }

    /// Let who was named, and stands for the account still, stand on a calendar that it has just made. Whom it may not share with is left out.
    pub(crate) async fn share_with_named(&self, calendar: &Path) -> Result<(), Refusal> {
        let named = self.named()?;
        let node = self.resolve(Area::Calendars, calendar).ok_or(Refusal::Missing)?;
        if named.is_empty() || !self.rights_of(&node)?.contains(Rights::ADMIN.or(Rights::LOOKUP)) {
            return Ok(());
        }
        let standing = self.proxies().await?;
        let made = self.open(FolderAt { area: Area::Calendars, path: calendar.clone() }, ShareFolder).await?;
        let mut edits = Vec::new();
        for (who, writes) in named {
            let Some(who) = name(self.gate().engine(), &who) else { continue };
            let Some((_, now)) = standing.iter().find(|(known, _)| same(known, &who)) else { continue };
            let kind = if writes { *now } else { ProxyKind::Read };
            let edit = (who, AclEdit::Add(kind.gives()));
            if edited(&made, std::slice::from_ref(&edit), None).await.is_ok() {
                edits.push(edit);
            }
        }
        if edits.is_empty() { Ok(()) } else { edit_acl_with(&made, &edits, None, &[]).await }
    }

    fn calendar_nodes(&self) -> impl Iterator<Item = Node> {
        let home = self.own_home(Area::Calendars);
        let nodes = home.map(|home| self.children_of(&home)).unwrap_or_default();
        nodes.into_iter().filter(|node| node.real().is_ok_and(|real| real.kind == CollectionKind::Calendar))
    }

    /// One's own calendars, as far as this session may share them. The right is looked at first, as a refusal would be audited.
    async fn calendars_to_share(&self) -> Result<Vec<Granted<Folder, ShareFolder>>, Refusal> {
        let mut found = Vec::new();
        for node in self.calendar_nodes().filter(|node| node.owner == self.account()) {
            if self.rights_of(&node)?.contains(Rights::ADMIN.or(Rights::LOOKUP)) {
                found.push(self.open(FolderAt { area: Area::Calendars, path: node.path.clone() }, ShareFolder).await?);
            }
        }
        Ok(found)
    }
}

fn proxies_of(calendars: &[Granted<Folder, ShareFolder>]) -> Result<Vec<(Identifier, ProxyKind)>, Refusal> {
    let mut found: Vec<(Identifier, ProxyKind)> = Vec::new();
    for calendar in calendars {
        for (who, rights) in calendar.acl()?.entries {
            let Some(kind) = ProxyKind::of(rights).filter(|_| who != Identifier::Anyone) else { continue };
            match found.iter_mut().find(|(known, _)| same(known, &who)) {
                Some((_, known)) if kind == ProxyKind::Write => *known = kind,
                Some(_) => {}
                None => found.push((who, kind)),
            }
        }
    }
    Ok(found)
}

const fn is_writer(kind: ProxyKind) -> bool {
    matches!(kind, ProxyKind::Write)
}

fn same(one: &Identifier, other: &Identifier) -> bool {
    match (one, other) {
        (Identifier::Account(one), Identifier::Account(other)) => one.key() == other.key(),
        _ => one == other,
    }
}
