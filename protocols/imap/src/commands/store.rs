//! STORE and UID STORE. RFC 9051 section 6.4.6.

use crate::reply::{Done, Fault, Reply};
use crate::state::{By, Selected, is_keyword};
use crate::wire::Wire;
use crate::wire::grammar::messages::Change;
use crate::wire::grammar::scan::Set;
use crate::wire::numbers::uids_at;
use imap_codec::imap_types::flag::{Flag, StoreResponse, StoreType};
use octroi_gate::{FlagMode, Store};
use octroi_model::Flags;

/// Octets of responses that are gathered before they are sent.
const BATCH_BYTES: usize = 32 * 1024;

/// STORE, UID STORE.
pub(crate) async fn store(wire: &mut Wire, selected: &mut Selected, set: &Set, change: &Change, by: By) -> Done {
    let (flags, keywords) = decode(&change.flags)?;
    let mode = match change.kind {
        StoreType::Add => FlagMode::Add,
        StoreType::Remove => FlagMode::Remove,
        StoreType::Replace => FlagMode::Replace,
    };
    let positions = selected.positions(set, by)?;
    selected.writable()?;
    // RFC 4314 section 4: the permitted part is done, and only if nothing is permitted it is refused.
    let mailbox = selected.session.open(&selected.mailbox, Store).await?;
    let uids = uids_at(&positions, selected.sight.shown());
    if uids.is_empty() {
        return Ok(Reply::ok("No such messages"));
    }
    mailbox.store(&uids, mode, flags, &keywords).await?;
    selected.refresh().await?;
    selected.announce_keywords(wire).await?;
    selected.known = uids;
    if change.response == StoreResponse::Answer {
        let mut out = Vec::new();
        for position in positions.into_iter().flatten() {
            selected.write_flags(&mut out, position, by);
            if out.len() >= BATCH_BYTES {
                wire.raw(&out).await?;
                out.clear();
            }
        }
        wire.raw(&out).await?;
    }
    Ok(Reply::ok("Stored"))
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
