//! Sharing by people: looking at and changing the ACL of a mailbox or a folder, within the limits of their profile and credential.
//!
//! One model for RFC 4314 (IMAP) and RFC 3744 (WebDAV). What always holds: nobody grants a right that they do not have there themselves,
//! and nobody shares with whom their profile has no rule for. Effective rights stay ACL ∩ profile ∩ credential, whatever stands here.

use crate::granted::{DECISIONS_MAX, Folder, Granted, Mailbox, Object};
use crate::invites::{InviteWish, follow};
use crate::purpose::{Purpose, ShareFolder, ShareMailbox};
use crate::refusal::Refusal;
use crate::session::ANCESTORS_MAX;
use octroi_engine::{Batch, Change, Engine, Expect};
use octroi_model::{Acl, Address, Collection, Grantee, Group, Outcome, Rights};
use octroi_policy::{Act, Sharee};
use std::fmt;
use std::sync::Arc;

/// Entries of one ACL.
pub(crate) const ENTRIES_MAX: usize = 200;

/// Whom an entry is for, by name: an address, `group:NAME`, `profile:NAME` or `anyone` (RFC 4314 section 3's identifiers).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identifier {
    /// One account.
    Account(Address),
    /// Everyone in a group.
    Group(String),
    /// Everyone of a profile.
    Profile(String),
    /// Everyone with an account.
    Anyone,
}

impl Identifier {
    /// From its text.
    pub fn parse(text: &str) -> Option<Self> {
        if text == "anyone" {
            return Some(Self::Anyone);
        }
        if let Some(name) = text.strip_prefix("group:") {
            return Group::is_name(name).then(|| Self::Group(name.to_owned()));
        }
        if let Some(name) = text.strip_prefix("profile:") {
            return Some(Self::Profile(name.to_owned()));
        }
        text.parse().ok().map(Self::Account)
    }
}

impl fmt::Display for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account(address) => address.fmt(f),
            Self::Group(name) => write!(f, "group:{name}"),
            Self::Profile(name) => write!(f, "profile:{name}"),
            Self::Anyone => f.write_str("anyone"),
        }
    }
}

/// What becomes of somebody's entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AclEdit {
    /// These rights and no others.
    Set(Rights),
    /// These too.
    Add(Rights),
    /// Not these any more.
    Remove(Rights),
    /// The entry goes.
    Delete,
}

/// An ACL in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AclFacts {
    /// Whose collection it is; the owner has every right.
    pub owner: Address,
    /// Everybody else, with what the owner grants them.
    pub entries: Vec<(Identifier, Rights)>,
    /// It is that of a collection further up.
    pub inherited: bool,
    /// The rights that the session may grant here: those it has.
    pub grantable: Rights,
}

macro_rules! sharing {
    ($($object:ident, $purpose:ident;)*) => {$(
        impl Granted<$object, $purpose> {
            /// The ACL in force.
            pub fn acl(&self) -> Result<AclFacts, Refusal> {
                self.renew()?;
                facts(self)
            }

            /// Change one entry. What was inherited becomes the collection's own first.
            pub async fn edit_acl(&self, who: &Identifier, edit: AclEdit) -> Result<(), Refusal> {
                edit_acl(self, &[(who.clone(), edit)], None).await
            }

            /// Replace all entries.
            pub async fn replace_acl(&self, entries: &[(Identifier, Rights)]) -> Result<(), Refusal> {
                let edits: Vec<_> = entries.iter().map(|(who, rights)| (who.clone(), AclEdit::Set(*rights))).collect();
                edit_acl(self, &edits, Some(Acl::new())).await
            }
        }
    )*};
}

sharing! {
    Mailbox, ShareMailbox;
    Folder, ShareFolder;
}

fn facts<O: Object, P: Purpose<O>>(granted: &Granted<O, P>) -> Result<AclFacts, Refusal> {
    let engine = granted.engine();
    let collection = granted.collection()?;
    let owner = engine.account(collection.owner).ok_or(Refusal::Missing)?.address.clone();
    let (acl, inherited) = in_force(engine, &collection);
    let named = |(grantee, rights): &(Grantee, Rights)| Some((name(engine, grantee)?, rights.implied()));
    let grantable = grantable(granted, &collection);
    Ok(AclFacts { owner, entries: acl.iter().filter_map(named).collect(), inherited, grantable })
}

/// One's own rights there; the owner can also let others see busy times and send under their name.
fn grantable<O: Object, P: Purpose<O>>(granted: &Granted<O, P>, collection: &Collection) -> Rights {
    let own = collection.owner == granted.session.account();
    granted.rights() | if own { Rights::FREE_BUSY | Rights::SEND_AS } else { Rights::NONE }
}

async fn edit_acl<O: Object, P: Purpose<O>>(
    granted: &Granted<O, P>,
    edits: &[(Identifier, AclEdit)],
    from: Option<Acl>,
) -> Result<(), Refusal> {
    edit_acl_with(granted, edits, from, &[]).await
}

/// The same, with invitations that go with it.
pub(crate) async fn edit_acl_with<O: Object, P: Purpose<O>>(
    granted: &Granted<O, P>,
    edits: &[(Identifier, AclEdit)],
    from: Option<Acl>,
    wishes: &[InviteWish],
) -> Result<(), Refusal> {
    for _ in 0..DECISIONS_MAX {
        // Looked at before the ACL is: each change of an ACL moves it, so of two edits at one moment the second is made of what the first has made.
        let generation = granted.renew()?;
        let edited = edited(granted, edits, from.clone()).await?;
        let mut batch = Batch::new();
        let notices = lay_acl(granted, edited, wishes, &mut batch)?;
        let (whole, is_more) = with_notices(&batch, notices);
        let done = match granted.commit_at(generation, whole).await {
            Err(Refusal::Limit(_)) if is_more => granted.commit_at(generation, batch).await?,
            other => other?,
        };
        if done.is_some() {
            return Ok(());
        }
    }
    Err(Refusal::Unavailable)
}

/// An ACL as it is in force and as it is to be.
pub(crate) struct EditedAcl {
    pub(crate) before: Acl,
    pub(crate) after: Acl,
}

/// What an ACL is to be after these edits, if the session may make them. `from`: in place of the one in force.
pub(crate) async fn edited<O: Object, P: Purpose<O>>(
    granted: &Granted<O, P>,
    edits: &[(Identifier, AclEdit)],
    from: Option<Acl>,
) -> Result<EditedAcl, Refusal> {
    granted.renew()?;
    let engine = granted.engine();
    let collection = granted.collection()?;
    let (before, _) = in_force(engine, &collection);
    let grantable = grantable(granted, &collection);
    let mut acl = from.unwrap_or_else(|| before.clone());
    for (who, edit) in edits {
        // Before it is looked whether there is such an account: who may not share learns nothing by trying.
        let takes_only = matches!(edit, AclEdit::Remove(_) | AclEdit::Delete | AclEdit::Set(Rights::NONE));
        if !takes_only && let Err(why) = granted.session.permits(&Act::Share { with: sharee(who) })? {
            refused(granted, who, &why.to_string()).await;
            return Err(Refusal::ShareNotAllowed);
        }
        let grantee = match grantee(granted, who) {
            // Nobody of that name has an entry: there is nothing to take.
            Err(Refusal::UnknownGrantee) if takes_only => continue,
            found => found?,
        };
        let held = |acl: &Acl| acl.iter().find(|(of, _)| *of == grantee).map_or(Rights::NONE, |(_, rights)| *rights);
        let rights = match *edit {
            AclEdit::Set(rights) => rights,
            AclEdit::Add(rights) => held(&acl) | rights,
            AclEdit::Remove(rights) => held(&acl).without(rights),
            AclEdit::Delete => Rights::NONE,
        };
        let more = rights.without(held(&before));
        if !grantable.contains(more) {
            refused(granted, who, "more than one has").await;
            return Err(Refusal::Forbidden(more.without(grantable)));
        }
        acl.retain(|(of, _)| *of != grantee);
        if rights != Rights::NONE {
            acl.push((grantee, rights));
        }
    }
    if acl.len() > ENTRIES_MAX {
        return Err(Refusal::Limit("entries of one ACL"));
    }
    Ok(EditedAcl { before, after: acl })
}

/// A collection's ACL and its line in the audit trail, into a batch; given back is what goes to those who are invited, and to who is no more.
pub(crate) fn lay_acl<O: Object, P: Purpose<O>>(
    granted: &Granted<O, P>,
    EditedAcl { before, after: acl }: EditedAcl,
    wishes: &[InviteWish],
    batch: &mut Batch,
) -> Result<Vec<Change>, Refusal> {
    let (engine, collection) = (granted.engine(), granted.collection()?);
    let (peer, subject) = (granted.session.peer().to_string(), granted.node().subject());
    let reason: Vec<String> = acl.iter().filter_map(|(of, rights)| Some(format!("{}={rights}", name(engine, of)?))).collect();
    // RFC 4918 section 7.4: an ACL is a property of the collection.
    batch.expect(Expect::Unlocked(collection.id));
    batch.push(granted.session.line("share", &subject, &peer, Outcome::Done, &reason.join(" ")).into_change());
    let notices = follow(&granted.session, &collection, (&before, &acl), wishes)?;
    batch.push(Change::SetAcl { collection: collection.id, acl: Some(acl) });
    Ok(notices)
}

/// Commit with notices to others. Who has no room for one is told nothing, and that keeps nobody from sharing.
pub(crate) async fn commit_with<O: Object, P: Purpose<O>>(
    granted: &Granted<O, P>,
    batch: Batch,
    notices: Vec<Change>,
) -> Result<(), Refusal> {
    let (whole, is_more) = with_notices(&batch, notices);
    match granted.commit(whole).await {
        Err(Refusal::Limit(_)) if is_more => granted.commit(batch).await.map(|_| ()),
        other => other.map(|_| ()),
    }
}

/// The batch with notices, and whether there are any.
fn with_notices(batch: &Batch, notices: Vec<Change>) -> (Batch, bool) {
    let (mut whole, is_more) = (batch.clone(), !notices.is_empty());
    for notice in notices {
        whole.push(notice);
    }
    (whole, is_more)
}

async fn refused<O: Object, P: Purpose<O>>(granted: &Granted<O, P>, who: &Identifier, reason: &str) {
    let subject = format!("{} with {who}", granted.node().subject());
    granted.session.audit("share", &subject, Outcome::Refused, reason).await;
}

/// The same for the profile's rules.
pub(crate) fn sharee(who: &Identifier) -> Sharee<'_> {
    match who {
        Identifier::Account(_) => Sharee::Account,
        Identifier::Group(name) => Sharee::Group(name),
        Identifier::Profile(name) => Sharee::Profile(name),
        Identifier::Anyone => Sharee::Anyone,
    }
}

fn grantee<O: Object, P: Purpose<O>>(granted: &Granted<O, P>, who: &Identifier) -> Result<Grantee, Refusal> {
    find_grantee(granted.session.gate(), who)
}

/// The entry of a name.
pub(crate) fn find_grantee(gate: &crate::Gate, who: &Identifier) -> Result<Grantee, Refusal> {
    let engine = gate.engine();
    match who {
        Identifier::Anyone => Some(Grantee::Anyone),
        Identifier::Account(address) => engine.account_by_key(&address.key()).map(|account| Grantee::Account(account.id)),
        Identifier::Group(name) => engine.groups().iter().find(|group| group.name == *name).map(|group| Grantee::Group(group.id)),
        Identifier::Profile(name) => gate.policy().profile(name).map(|_| Grantee::Profile(name.clone())),
    }
    .ok_or(Refusal::UnknownGrantee)
}

/// The name of an entry; `None` for who is gone.
pub(crate) fn name(engine: &dyn Engine, grantee: &Grantee) -> Option<Identifier> {
    Some(match grantee {
        Grantee::Account(id) => Identifier::Account(engine.account(*id)?.address.clone()),
        Grantee::Group(id) => Identifier::Group(engine.group(*id)?.name.clone()),
        Grantee::Profile(name) => Identifier::Profile(name.clone()),
        Grantee::Anyone => Identifier::Anyone,
    })
}

/// The ACL of the nearest collection up the tree that has one, and whether that is another one.
pub(crate) fn in_force(engine: &dyn Engine, collection: &Arc<Collection>) -> (Acl, bool) {
    let mut at = collection.clone();
    for _ in 0..ANCESTORS_MAX {
        if let Some(acl) = &at.acl {
            return (acl.clone(), at.id != collection.id);
        }
        match at.parent.and_then(|id| engine.collection(id)) {
            Some(parent) => at = parent,
            None => break,
        }
    }
    (Acl::new(), false)
}
