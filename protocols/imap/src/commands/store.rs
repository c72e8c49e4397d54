//! STORE and UID STORE. RFC 9051 section 6.4.6, with UNCHANGEDSINCE (RFC 7162 section 3.1.3).
//!
//! What always holds: the client knows the flags of the messages it named when the command is over, `.SILENT` or not. It is silent
//! about those only that have just the flags the client must think they have.

use crate::message_limit::Partial;
use crate::reply::{Done, Fault, Reply};
use crate::state::{By, Selected, is_keyword};
use crate::view::Snapshot;
use crate::wire::grammar::messages::Change;
use crate::wire::grammar::scan::Set;
use crate::wire::numbers::{Positions, each, uids_at};
use crate::wire::{Wire, encode};
use imap_codec::imap_types::flag::{Flag, StoreResponse, StoreType};
use octroi_gate::{FlagMode, MailboxView, Store};
use octroi_model::{FlagEdit, Flags, ModSeq, Uid, UidSet};
use std::sync::Arc;

/// STORE, UID STORE.
pub(crate) async fn store(wire: &mut Wire, selected: &mut Selected, set: &Set, change: &Change, by: By) -> Done {
    let (flags, keywords) = decode(&change.flags)?;
    let mode = match change.kind {
        StoreType::Add => FlagMode::Add,
        StoreType::Remove => FlagMode::Remove,
        StoreType::Replace => FlagMode::Replace,
    };
    let mut positions = selected.positions(set, by)?;
    let partial = wire.message_limit().cut(&mut positions, selected.sight.shown());
    let done = store_at(wire, selected, (&positions, partial.is_some()), (mode, flags, &keywords, change), by).await;
    Partial::told(partial, wire, done).await
}

/// The flags of these messages, which are told downwards or upwards.
async fn store_at(
    wire: &mut Wire,
    selected: &mut Selected,
    (positions, is_downwards): (&Positions, bool),
    (mode, flags, keywords, change): (FlagMode, Flags, &[&str], &Change),
    by: By,
) -> Done {
    selected.writable()?;
    if change.unchanged_since.is_some() {
        selected.enable_condstore(wire).await?;
    }
    // RFC 4314 section 4: the permitted part is done, and only if nothing is permitted it is refused.
    let mailbox = selected.session.open(&selected.mailbox, Store).await?;
    let uids = uids_at(positions, selected.sight.shown());
    if uids.is_empty() {
        return Ok(Reply::ok("No such messages"));
    }
    let before = Before { view: selected.sight.current().clone(), told: selected.sight.told() };
    let modified = match change.unchanged_since {
        Some(since) => mailbox.store_unchanged_since(&uids, mode, flags, keywords, since).await?.modified,
        None => mailbox.store(&uids, mode, flags, keywords).await.map(|()| UidSet::default())?,
    };
    selected.refresh().await?;
    selected.announce_keywords(wire).await?;
    let is_silent = change.response == StoreResponse::Silent;
    let expected = is_silent.then(|| Expected { before, edit: edit(mode, flags, keywords, selected.sight.current().keywords()) });
    answer(wire, selected, each(positions, is_downwards), &modified, expected.as_ref(), by).await?;
    let left_alone = numbers_of(&modified, selected, by);
    if left_alone.is_empty() {
        return Ok(Reply::ok("Stored"));
    }
    Ok(Reply::ok("Some have changed since").with(encode::modified(left_alone.ranges().map(|(from, to)| (from.0, to.0)))))
}

/// Tell what the messages are like now, all but those that were left alone.
async fn answer(
    wire: &mut Wire,
    selected: &mut Selected,
    positions: impl Iterator<Item = usize>,
    modified: &UidSet,
    expected: Option<&Expected>,
    by: By,
) -> Result<(), Fault> {
    let mut out = Vec::new();
    let mut told = Vec::new();
    for position in positions {
        let Some(uid) = selected.sight.shown().uid_at(position).filter(|uid| !modified.contains(*uid)) else { continue };
        told.push(uid);
        match expected {
            None => selected.write_flags(&mut out, position, by),
            Some(expected) => match expected.judge(selected, uid) {
                // RFC 7162 section 3.1.3: the modseq is told, silent or not.
                News::ModSeq if selected.enabled.condstore => selected.write_modseq(&mut out, position, by),
                News::ModSeq | News::Nothing => {}
                News::Flags => selected.write_flags(&mut out, position, by),
            },
        }
        wire.raw_if_many(&mut out).await?;
    }
    selected.know(UidSet::from_uids(told));
    Ok(wire.raw(&out).await?)
}

/// MODIFIED names messages as the command did.
fn numbers_of(modified: &UidSet, selected: &Selected, by: By) -> UidSet {
    if by == By::Uid || modified.is_empty() {
        return modified.clone();
    }
    let shown = selected.sight.shown();
    let number = |uid: Uid| Uid(shown.lower_bound(uid) as u32 + 1);
    UidSet::from_ranges(modified.ranges().map(|(from, to)| (number(from), number(to))))
}

/// The mailbox before the command.
struct Before {
    view: MailboxView,
    /// The client knew it up to here.
    told: ModSeq,
}

/// What a client that asked for silence takes the flags to be.
// RFC 9051 section 6.4.6: what somebody else did is told all the same.
struct Expected {
    before: Before,
    /// What it thinks was done; nothing when that cannot be done.
    edit: Option<FlagEdit>,
}

/// What the client does not know of a message.
enum News {
    Nothing,
    ModSeq,
    Flags,
}

impl Expected {
    fn judge(&self, selected: &Selected, uid: Uid) -> News {
        let Some(now) = selected.sight.current().by_uid(uid) else { return News::Nothing };
        let Some(then) = self.before.view.by_uid(uid).filter(|item| item.modseq <= self.before.told) else { return News::Flags };
        if self.edit.is_none_or(|edit| edit.apply(then.flags) != now.flags) {
            return News::Flags;
        }
        News::ModSeq
    }
}

/// The change that was asked for, whatever of it is permitted; nothing if it names keywords that the mailbox did not get.
fn edit(mode: FlagMode, flags: Flags, keywords: &[&str], known: &[Arc<str>]) -> Option<FlagEdit> {
    let bit = |keyword: &&str| known.iter().position(|name| name.eq_ignore_ascii_case(keyword)).and_then(Flags::keyword);
    let bits = keywords.iter().map(bit).try_fold(flags, |all, bit| Some(all | bit?));
    Some(match mode {
        FlagMode::Add => FlagEdit::add(bits?),
        // What the mailbox does not know is on no message.
        FlagMode::Remove => FlagEdit::remove(keywords.iter().filter_map(bit).fold(flags, |all, bit| all | bit)),
        FlagMode::Replace => FlagEdit::replace(bits?),
    })
}

/// System flags as bits, and keywords by name. APPEND's flags too.
pub(crate) fn decode<'a>(flags: &'a [Flag<'_>]) -> Result<(Flags, Vec<&'a str>), Fault> {
    let mut bits = Flags::NONE;
    let mut keywords = Vec::new();
    for flag in flags {
        match flag {
            Flag::Seen => bits = bits | Flags::SEEN,
            Flag::Answered => bits = bits | Flags::ANSWERED,
            Flag::Flagged => bits = bits | Flags::FLAGGED,
            Flag::Deleted => bits = bits | Flags::DELETED,
            Flag::Draft => bits = bits | Flags::DRAFT,
            Flag::Keyword(keyword) if is_keyword(keyword.as_ref()) => keywords.push(keyword.as_ref()),
            // RFC 3501 section 2.3.2: no client can alter \Recent; some send it back with the others.
            Flag::Extension(_) if flag.to_string().eq_ignore_ascii_case("\\Recent") => {}
            // RFC 9051 section 2.3.2: no other flag begins with a backslash.
            Flag::Extension(_) | Flag::Keyword(_) => return Err(Reply::bad("That is not a flag").into()),
        }
    }
    Ok((bits, keywords))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_told_from_keywords() {
        let flags = |text: &'static str| text.split(' ').map(|name| Flag::try_from(name).unwrap()).collect::<Vec<_>>();
        let given = flags("\\seen $Forwarded \\Recent \\DELETED urgent");
        let (bits, keywords) = decode(&given).unwrap();
        assert_eq!(bits, Flags::SEEN | Flags::DELETED);
        assert_eq!(keywords, ["$Forwarded", "urgent"]);
        assert!(decode(&flags("\\Seen \\Important")).is_err());
    }
}
