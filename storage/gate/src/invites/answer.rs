//! What somebody finds of invitations and answers in their own calendars, and what they say to them.

use super::record::{InviteState, Kept, Record, Reply, encode, invite_name, new_id, now, reply_name};
use crate::acts::sharing::commit_with;
use crate::granted::{Folder, Granted};
use crate::purpose::{List, Personalise};
use crate::refusal::Refusal;
use crate::session::Session;
use crate::tree;
use octroi_engine::{Batch, Change};
use octroi_model::{AccountId, Address, CollectionId, Name, Outcome, Path, Rights, UnixTime};
use octroi_policy::Area;

/// A notice: an invitation that one got, or what somebody said to one's own.
#[derive(Debug, Clone)]
pub struct ShareNotice {
    /// By which it is known.
    pub id: String,
    /// When it was made.
    pub made: UnixTime,
    /// Who it is from, and their name for people.
    pub from: (Address, String),
    /// What the calendar is called in it.
    pub summary: String,
    /// The calendar, as one names it oneself.
    pub calendar: Path,
    /// What it is.
    pub is: InviteNotice,
}

/// See [`ShareNotice`].
#[derive(Debug, Clone)]
pub enum InviteNotice {
    /// How an invitation stands, and what one may do.
    Invite {
        /// What one said to it.
        state: InviteState,
        /// What one may do there now.
        rights: Rights,
    },
    /// What somebody said.
    Reply {
        /// They see it.
        accepts: bool,
        /// To which invitation.
        in_reply_to: String,
    },
}

impl Session {
    /// What there is to see of invitations, the oldest first. To be asked by who may list their own calendars.
    fn notices(&self) -> Vec<ShareNotice> {
        let engine = self.gate().engine();
        let Some(kept) = Kept::of(engine, self.account()) else { return Vec::new() };
        let invites = kept.invites.iter().filter(|(_, record)| record.is_told).filter_map(|(calendar, record)| {
            let calendar_path = Path::from_names(vec![Name::new(&record.name).ok()?]).ok()?;
            Some(ShareNotice {
                id: record.id.clone(),
                made: UnixTime(record.made),
                from: self.who(record.by)?,
                summary: record.summary.clone(),
                calendar: calendar_path,
                is: InviteNotice::Invite { state: record.state, rights: self.rights_on(*calendar) },
            })
        });
        let replies = kept.replies.iter().filter_map(|(calendar, _, reply)| {
            let collection = engine.collection(*calendar)?;
            let (area, inner) = tree::place(engine, &collection)?;
            let own = collection.owner == self.account();
            Some(ShareNotice {
                id: reply.id.clone(),
                made: UnixTime(reply.made),
                from: self.who(reply.by)?,
                summary: reply.summary.clone(),
                calendar: if own { inner } else { tree::shared_path(engine, area, collection.owner, &inner)? },
                is: InviteNotice::Reply { accepts: reply.accepts, in_reply_to: reply.in_reply_to.clone() },
            })
        });
        let mut notices: Vec<ShareNotice> = invites.chain(replies).collect();
        notices.sort_by(|a, b| (a.made, &a.id).cmp(&(b.made, &b.id)));
        notices
    }

    fn who(&self, id: u64) -> Option<(Address, String)> {
        self.gate().engine().account(AccountId(id)).map(|account| (account.address.clone(), account.display_name.clone()))
    }

    /// One's rights on somebody's calendar, whether one has declined it or not.
    fn rights_on(&self, calendar: CollectionId) -> Rights {
        let engine = self.gate().engine();
        let found = engine.collection(calendar).and_then(|collection| {
            let top = self.home_of(Area::Calendars, collection.owner)?;
            let node = self.child_node(&top, &collection)?;
            self.rights_of(&node).ok()
        });
        found.unwrap_or(Rights::NONE)
    }
}

impl Granted<Folder, List> {
    /// Of the top of one's own calendars: invitations and answers that were not removed.
    pub fn share_notices(&self) -> Result<Vec<ShareNotice>, Refusal> {
        self.renew()?;
        own_top(self.node(), &self.session)?;
        Ok(self.session.notices())
    }
}

impl Granted<Folder, Personalise> {
    /// Of the top of one's own calendars: remove a notice. What was said to it stays said.
    pub async fn remove_share_notice(&self, id: &str) -> Result<(), Refusal> {
        self.renew()?;
        own_top(self.node(), &self.session)?;
        let kept = Kept::of(self.engine(), self.session.account()).ok_or(Refusal::Missing)?;
        let mut entries = kept.stale.clone();
        if let Some((calendar, record)) = kept.invites.iter().find(|(_, record)| record.is_told && record.id == id) {
            let left = Record { is_told: false, ..record.clone() };
            let value = if record.state == InviteState::Withdrawn { None } else { Some(encode(&left, left.state.letter())?) };
            entries.push((invite_name(*calendar), value));
        } else if let Some((calendar, by, _)) = kept.replies.iter().find(|(_, _, reply)| reply.id == id) {
            entries.push((reply_name(*calendar, *by), None));
        } else {
            return Err(Refusal::Missing);
        }
        let mut batch = Batch::new();
        batch.push(Change::Annotate { of: kept.of, entries });
        self.commit(batch).await.map(|_| ())
    }

    /// Of the top of one's own calendars: take an invitation or decline it, by its name or by what the calendar is called. Who declines does not see
    /// it any more; whoever invited is told. [`Refusal::Missing`] if there is no such invitation, or no more. Returns what the calendar is called.
    pub async fn answer_invite(&self, named: (Option<&str>, Option<&Name>), accepts: bool, summary: &str) -> Result<Path, Refusal> {
        self.renew()?;
        own_top(self.node(), &self.session)?;
        let kept = Kept::of(self.engine(), self.session.account()).ok_or(Refusal::Missing)?;
        let is_it = |record: &Record| match named {
            (Some(id), _) if record.id == id => true,
            (_, Some(name)) => record.name == name.as_str(),
            _ => false,
        };
        let found = kept.invites.iter().find(|(_, record)| record.state != InviteState::Withdrawn && is_it(record));
        let (calendar, record) = found.ok_or(Refusal::Missing)?;
        if !self.session.rights_on(*calendar).contains(Rights::LOOKUP) {
            return Err(Refusal::Missing);
        }
        let state = if accepts { InviteState::Accepted } else { InviteState::Declined };
        let answered = Record { state, is_told: false, ..record.clone() };
        let mut entries = kept.stale.clone();
        entries.push((invite_name(*calendar), Some(encode(&answered, state.letter())?)));
        let mut batch = Batch::new();
        let (peer, subject) = (self.session.peer().to_string(), format!("{}/{}", Area::Calendars.name(), record.name));
        let reason = if accepts { "accepted" } else { "declined" };
        batch.push(self.session.line("share", &subject, &peer, Outcome::Done, reason).into_change());
        batch.push(Change::Annotate { of: kept.of, entries });
        let reply = if record.state == state { None } else { self.reply(*calendar, record, accepts, summary)? };
        commit_with(self, batch, reply.into_iter().collect()).await?;
        Path::from_names(vec![Name::new(&record.name).map_err(|_| Refusal::Missing)?]).map_err(|_| Refusal::Missing)
    }

    /// The notice to whoever invited; none if they have too many already.
    fn reply(&self, calendar: CollectionId, record: &Record, accepts: bool, summary: &str) -> Result<Option<Change>, Refusal> {
        let by = self.session.account();
        let Some(kept) = Kept::of(self.engine(), AccountId(record.by)) else { return Ok(None) };
        let name = reply_name(calendar, by);
        let is_there = kept.replies.iter().any(|(of, from, _)| (*of, *from) == (calendar, by));
        let room =
            if is_there { Some(kept.stale.clone()) } else { kept.make_room(self.session.gate().0.limits.sharing_notices_max as usize) };
        let Some(mut entries) = room else { return Ok(None) };
        let (in_reply_to, summary) = (record.id.clone(), summary.to_owned());
        let reply = Reply { id: new_id()?, made: now(), by: by.0, accepts, in_reply_to, summary };
        entries.push((name, Some(encode(&reply, b'r')?)));
        Ok(Some(Change::Annotate { of: kept.of, entries }))
    }
}

/// Nothing of this is about anything but the top of one's own calendars.
fn own_top(node: &tree::Node, session: &Session) -> Result<(), Refusal> {
    let is_it = node.area == Area::Calendars && node.path.names().is_empty() && node.owner == session.account();
    if is_it { Ok(()) } else { Err(Refusal::Unsupported) }
}
