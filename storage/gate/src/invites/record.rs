//! What is kept of an invitation and of an answer, and where.

use super::PREFIX;
use crate::app_password::BASE32;
use crate::key::fill_random;
use crate::refusal::Refusal;
use crate::tree;
use octroi_engine::Engine;
use octroi_model::{AccountId, Annotated, AnnotationEdit, CollectionId, UnixTime};
use octroi_policy::Area;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Random octets of a notice's name.
const ID_BYTES: usize = 15;

/// What somebody said to an invitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum InviteState {
    /// Nothing yet; they see the calendar.
    Open,
    /// They see it.
    Accepted,
    /// They do not see it.
    Declined,
    /// It is not shared with them any more.
    Withdrawn,
}

/// An invitation, with whom it is to. Fields are only appended: it is read back by later versions.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Record {
    /// By which its notice is known, and which an answer names.
    pub(super) id: String,
    /// Seconds since 1970.
    pub(super) made: i64,
    /// Who invited.
    pub(super) by: u64,
    /// What they called the calendar.
    pub(super) summary: String,
    pub(super) state: InviteState,
    /// Its notice has not been removed.
    pub(super) is_told: bool,
    /// What the calendar is called among those of whom it is to: one segment of a path.
    pub(super) name: String,
}

/// An answer, with who invited.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Reply {
    pub(super) id: String,
    pub(super) made: i64,
    /// Who answered.
    pub(super) by: u64,
    pub(super) accepts: bool,
    /// The invitation's.
    pub(super) in_reply_to: String,
    pub(super) summary: String,
}

/// What others have put at the top of somebody's calendars.
pub(super) struct Kept {
    pub(super) of: Annotated,
    pub(super) invites: Vec<(CollectionId, Record)>,
    pub(super) replies: Vec<(CollectionId, AccountId, Reply)>,
    /// Of calendars that are gone.
    pub(super) stale: Vec<AnnotationEdit>,
}

impl Kept {
    /// `None` for who has no calendars.
    pub(super) fn of(engine: &dyn Engine, account: AccountId) -> Option<Self> {
        let of = place(engine, account)?;
        let mut kept = Self { of, invites: Vec::new(), replies: Vec::new(), stale: Vec::new() };
        for (name, value) in &*engine.annotations(of) {
            let Some(rest) = name.strip_prefix(PREFIX) else { continue };
            match key(rest).filter(|(calendar, _)| engine.collection(*calendar).is_some()) {
                Some((calendar, None)) => kept.invites.extend(read(value).map(|record| (calendar, record))),
                Some((calendar, Some(by))) => kept.replies.extend(read(value).map(|reply| (calendar, by, reply))),
                None => kept.stale.push((name.clone(), None)),
            }
        }
        Some(kept)
    }

    pub(super) fn invite(&self, calendar: CollectionId) -> Option<&Record> {
        self.invites.iter().find(|(of, _)| *of == calendar).map(|(_, record)| record)
    }

    /// What must go so that one more fits in: nothing, or what says least; `None` if nothing may go.
    pub(super) fn make_room(&self, max: usize) -> Option<Vec<AnnotationEdit>> {
        let mut edits = self.stale.clone();
        if self.invites.len() + self.replies.len() >= max {
            let is_done = |record: &Record| matches!(record.state, InviteState::Open | InviteState::Accepted) && !record.is_told;
            let oldest = self.invites.iter().filter(|(_, record)| is_done(record)).min_by_key(|(_, record)| record.made);
            edits.push((invite_name(oldest?.0), None));
        }
        Some(edits)
    }
}

/// Where it is kept for somebody.
pub(super) fn place(engine: &dyn Engine, account: AccountId) -> Option<Annotated> {
    let home = tree::home(engine, account, Area::Calendars)?;
    Some(Annotated { collection: Some(home.id), account: Some(account) })
}

pub(super) fn invite_name(calendar: CollectionId) -> Arc<str> {
    Arc::from(format!("{PREFIX}{}", calendar.0))
}

pub(super) fn reply_name(calendar: CollectionId, by: AccountId) -> Arc<str> {
    Arc::from(format!("{PREFIX}{}-{}", calendar.0, by.0))
}

/// The calendar that a name is about, and who answered.
fn key(rest: &str) -> Option<(CollectionId, Option<AccountId>)> {
    match rest.split_once('-') {
        Some((calendar, by)) => Some((CollectionId(calendar.parse().ok()?), Some(AccountId(by.parse().ok()?)))),
        None => Some((CollectionId(rest.parse().ok()?), None)),
    }
}

/// As it is kept: the state's letter first, so that the calendars that somebody declined are found without reading all.
pub(super) fn encode(record: &impl Serialize, letter: u8) -> Result<Arc<[u8]>, Refusal> {
    let mut octets = vec![letter];
    serde_json::to_writer(&mut octets, record).map_err(|_| Refusal::Unavailable)?;
    Ok(octets.into())
}

fn read<T: DeserializeOwned>(value: &[u8]) -> Option<T> {
    serde_json::from_slice(value.get(1..)?).ok()
}

const DECLINED: u8 = b'd';

impl InviteState {
    pub(super) fn letter(self) -> u8 {
        match self {
            Self::Open => b'o',
            Self::Accepted => b'a',
            Self::Declined => DECLINED,
            Self::Withdrawn => b'w',
        }
    }
}

/// The calendars that somebody has declined.
pub(crate) fn declined(engine: &dyn Engine, account: AccountId) -> BTreeSet<CollectionId> {
    let Some(of) = place(engine, account) else { return BTreeSet::new() };
    let set = engine.annotations(of);
    let is_declined = set.iter().filter(|(_, value)| value.first() == Some(&DECLINED)).filter_map(|(name, _)| name.strip_prefix(PREFIX));
    is_declined.filter_map(key).filter(|(_, by)| by.is_none()).map(|(calendar, _)| calendar).collect()
}

/// Has somebody declined this one?
pub(crate) fn is_declined(engine: &dyn Engine, account: AccountId, calendar: CollectionId) -> bool {
    let value = place(engine, account).and_then(|of| engine.annotations(of).get(&invite_name(calendar)).cloned());
    value.is_some_and(|value| value.first() == Some(&DECLINED))
}

/// The name of a new notice.
pub(super) fn new_id() -> Result<String, Refusal> {
    let mut octets = [0u8; ID_BYTES];
    fill_random(&mut octets).map_err(|error| {
        tracing::error!(%error, "no random bits");
        Refusal::Unavailable
    })?;
    Ok(BASE32.encode(&octets).to_ascii_lowercase())
}

pub(super) fn now() -> i64 {
    UnixTime::now().0
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_they_are_about_and_values_are_read_back() {
        let rest = |name: Arc<str>| key(name.strip_prefix(PREFIX).unwrap());
        assert_eq!(rest(invite_name(CollectionId(7))), Some((CollectionId(7), None)));
        assert_eq!(rest(reply_name(CollectionId(7), AccountId(2))), Some((CollectionId(7), Some(AccountId(2)))));
        assert!(key("x").is_none() && key("7-x").is_none() && key("").is_none());
        let record = Record {
            id: new_id().unwrap(),
            made: 1,
            by: 2,
            summary: "Quai".to_owned(),
            state: InviteState::Declined,
            is_told: true,
            name: "work~lea@a.example".to_owned(),
        };
        let value = encode(&record, record.state.letter()).unwrap();
        assert_eq!(value[0], DECLINED);
        let back: Record = read(&value).unwrap();
        assert_eq!((back.id, back.state), (record.id, InviteState::Declined));
        assert!(read::<Record>(b"").is_none() && read::<Record>(b"dx").is_none());
    }
}
