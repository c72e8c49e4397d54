//! By what clients see that a collection has changed (RFC 6578, and Apple's `getctag`).

use super::{Known, Subject, Viewer, told};
use crate::names::{CALENDARSERVER, DAV};
use crate::xml::Xml;
use octroi_model::ModSeq;

pub(super) const TABLE: &[Known] = &[told(DAV, "D:sync-token", token), told(CALENDARSERVER, "CS:getctag", ctag)];

fn token(subject: &Subject<'_>, _: &Viewer, xml: &mut Xml) -> bool {
    let token = match subject {
        Subject::Folder { home: Some(home), .. } => home.token(),
        Subject::Folder { sync: Some(sync), name: Some(_), .. } => sync_token(*sync),
        _ => return false,
    };
    xml.characters(&token);
    true
}

fn ctag(subject: &Subject<'_>, _: &Viewer, xml: &mut Xml) -> bool {
    let ctag = match subject {
        Subject::Folder { home: Some(home), .. } => home.ctag(),
        Subject::Notices { ctag } => ctag.as_str().to_owned(),
        Subject::Folder { sync: Some(sync), name: Some(_), .. } => format!("{}-{}", sync.id, sync.modseq),
        _ => return false,
    };
    xml.characters(&format!("\"{ctag}\""));
    true
}

/// What a sync token is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SyncState {
    pub id: u64,
    pub modseq: ModSeq,
}

/// RFC 6578 section 4: a URI, which clients compare as a whole. The host is one that can never exist (RFC 6761 section 6.4).
pub(crate) const SYNC_TOKEN_PREFIX: &str = "https://octroi.invalid/ns/sync/";

/// The sync token of a collection.
pub(crate) fn sync_token(sync: SyncState) -> String {
    format!("{SYNC_TOKEN_PREFIX}{}/{}", sync.id, sync.modseq)
}

/// Read a sync token back.
pub(crate) fn parse_sync_token(token: &str) -> Option<SyncState> {
    let (id, modseq) = token.strip_prefix(SYNC_TOKEN_PREFIX)?.split_once('/')?;
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(id) || !digits(modseq) {
        return None;
    }
    Some(SyncState { id: id.parse().ok()?, modseq: ModSeq(modseq.parse().ok()?) })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn sync_tokens_go_both_ways_and_nothing_else_does() {
        let token = sync_token(SyncState { id: 42, modseq: ModSeq(7) });
        let back = parse_sync_token(&token).unwrap();
        assert_eq!((back.id, back.modseq), (42, ModSeq(7)));
        for bad in [
            "",
            "42/7",
            "https://octroi.invalid/ns/sync/42",
            "https://octroi.invalid/ns/sync/+42/7",
            "https://octroi.invalid/ns/sync/1/99999999999999999999999",
        ] {
            assert!(parse_sync_token(bad).is_none(), "{bad}");
        }
    }
}
