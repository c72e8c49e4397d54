//! REPLACE and UID REPLACE. RFC 8508.
//!
//! The new message appears and the old one goes in one step, or nothing happens. It needs the rights to append there and to expunge here.

use super::append::{appenduid, receive, refuse};
use super::copy::target;
use crate::config::ImapConfig;
use crate::reply::{Done, Fault, Reply};
use crate::state::{By, Selected, State};
use crate::wire::Wire;
use crate::wire::grammar::append::Upload;
use crate::wire::grammar::scan::Set;
use octroi_gate::{Append, Expunge, Granted, Mailbox, Refusal};
use octroi_model::Uid;

/// REPLACE, UID REPLACE. The caller tells what went and what came.
pub(crate) async fn replace(wire: &mut Wire, state: &mut State, upload: &Upload, set: &Set, by: By, config: &ImapConfig) -> Done {
    let ready = match state.selected() {
        Ok(selected) => prepare(selected, upload, set, by).await,
        Err(fault) => Err(fault),
    };
    let Ready { source, uid, bytes, target } = match ready {
        Ok(ready) => ready,
        Err(fault) => return Err(refuse(wire, &upload.line.then, fault).await?),
    };
    let drafts = receive(wire, state, &target, upload, bytes, config).await?;
    // The grammar lets one message pass.
    let draft = drafts.into_iter().next().ok_or_else(|| Reply::bad("A message is missing"))?;
    let replaced = target.replace(draft, &source, uid).await.map_err(|refusal| match refusal {
        // All was there when the command began: most likely somebody else has expunged the message since.
        Refusal::Missing => Fault::from(Reply::no("NONEXISTENT", "The message or the mailbox is gone")),
        other => other.into(),
    })?;
    // RFC 8508 section 4.3: APPENDUID goes before the EXPUNGE.
    if let Some(code) = appenduid(&replaced) {
        wire.untagged(code, "The new message is there").await?;
    }
    Ok(Reply::ok("Replaced"))
}

/// All that can be known before the message comes.
struct Ready {
    source: Granted<Mailbox, Expunge>,
    uid: Uid,
    /// What the old message has.
    bytes: u64,
    target: Granted<Mailbox, Append>,
}

async fn prepare(selected: &Selected, upload: &Upload, set: &Set, by: By) -> Result<Ready, Fault> {
    let positions = selected.positions(set, by)?;
    selected.writable()?;
    let position = positions.into_iter().flatten().next();
    let item = position.and_then(|position| selected.sight.item(position));
    let (uid, bytes) = item.map(|item| (item.uid, item.bytes())).ok_or_else(|| Reply::no("NONEXISTENT", "There is no such message"))?;
    let source = selected.session.open(&selected.mailbox, Expunge).await?;
    Ok(Ready { source, uid, bytes, target: target(&selected.session, &upload.mailbox).await? })
}
