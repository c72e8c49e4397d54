//! How the collections of a tree stand, as the sync token of a home says it (RFC 6578).
//!
//! One counter cannot stand for a home: what others share counts in its owner's numbers, and comes and goes with the rights. So the token names each
//! collection that the client was told of, with its number, its counter and a digest of what the session may do there. Nothing is kept at the
//! server: a token holds over restarts, and who makes one up learns no more than what they may list anyway.

use crate::property::{SYNC_TOKEN_PREFIX, SyncState, parse_sync_token, sync_token};
use data_encoding::BASE64URL_NOPAD;
use octroi_gate::{FolderFacts, Member, MemberIs};
use octroi_model::{ModSeq, Name, PATH_DEPTH_MAX, Path, Rights};
use ring::digest::{SHA256, digest};
use std::collections::BTreeMap;

/// Octets of a token that are looked at.
const TOKEN_BYTES_MAX: usize = 512 * 1024;

/// How far down a client synchronises (RFC 6578 section 3.3). A token of one level says nothing on the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    /// The members of the collection.
    One,
    /// All below it.
    Infinite,
}

/// How one collection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stand {
    /// Number in sync tokens; 0 for what is not real.
    pub id: u64,
    /// Up to where its contents were told; 0 for none of them.
    pub modseq: ModSeq,
    /// Of the rights there, and of what one has of one's own about it.
    pub mark: u32,
}

impl Stand {
    /// Of a collection as the session sees it.
    pub(crate) fn of(facts: &FolderFacts) -> Self {
        let modseq = if facts.rights.contains(Rights::READ) { facts.head.modseq } else { ModSeq(0) };
        Self { id: facts.sync_id, modseq, mark: mark(facts) }
    }
}

/// What moves no counter: what one is granted or grants, and a name or a colour of one's own.
fn mark(facts: &FolderFacts) -> u32 {
    let mut said = facts.rights.to_string();
    if facts.is_shared {
        said.push_str(" shared");
    }
    for text in facts.properties.iter().flat_map(|(name, value)| [name, value]) {
        said.push('\n');
        said.push_str(text);
    }
    first_four(&said)
}

fn first_four(said: &str) -> u32 {
    let digest = digest(&SHA256, said.as_bytes());
    digest.as_ref().iter().take(4).fold(0, |sum, octet| sum << 8 | u32::from(*octet))
}

/// What a client has of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Standing {
    pub level: Level,
    /// Of the top itself: what lies in it beside collections.
    pub top: SyncState,
    /// The collections below it, by their path from there.
    pub below: BTreeMap<Path, Stand>,
}

impl Standing {
    /// Nothing yet.
    pub(crate) fn nothing(level: Level, id: u64) -> Self {
        Self { level, top: SyncState { id, modseq: ModSeq(0) }, below: BTreeMap::new() }
    }

    /// Of a home on one level, with all collections in it.
    pub(crate) fn of_home(facts: &FolderFacts, folders: &[Member]) -> Self {
        let top = SyncState { id: facts.sync_id, modseq: facts.head.modseq };
        let stand = |member: &Member| {
            let MemberIs::Folder(facts) = &member.is else { return None };
            Some((Path::from_names(vec![member.name.clone()]).ok()?, Stand::of(facts)))
        };
        Self { level: Level::One, top, below: folders.iter().filter_map(stand).collect() }
    }

    /// The sync token.
    pub(crate) fn token(&self) -> String {
        let letter = if self.level == Level::One { 'h' } else { 't' };
        format!("{}/{letter}{}", sync_token(self.top), BASE64URL_NOPAD.encode(&self.encoded()))
    }

    /// Short, and another whenever the token is.
    pub(crate) fn ctag(&self) -> String {
        format!("{}-{}-{:08x}", self.top.id, self.top.modseq, first_four(&self.token()))
    }

    /// Read a token back; `None` if it is none of these, or of more than `max` collections.
    pub(crate) fn parse(token: &str, max: usize) -> Option<Self> {
        if token.len() > TOKEN_BYTES_MAX || !token.starts_with(SYNC_TOKEN_PREFIX) {
            return None;
        }
        let (top, rest) = token.rsplit_once('/')?;
        let level = match rest.chars().next()? {
            'h' => Level::One,
            't' => Level::Infinite,
            _ => return None,
        };
        let octets = BASE64URL_NOPAD.decode(&rest.as_bytes()[1..]).ok()?;
        Some(Self { level, top: parse_sync_token(top)?, below: decoded(&octets, max)? })
    }

    /// For each collection: how many names it has in common with the one before, its last name, and how it stands.
    fn encoded(&self) -> Vec<u8> {
        let mut octets = Vec::new();
        for (path, stand) in &self.below {
            let Some((parent, name)) = path.split_last() else { continue };
            put(parent.names().len() as u64, &mut octets);
            put(name.as_str().len() as u64, &mut octets);
            octets.extend_from_slice(name.as_str().as_bytes());
            put(stand.id, &mut octets);
            put(stand.modseq.0, &mut octets);
            octets.extend_from_slice(&stand.mark.to_be_bytes());
        }
        octets
    }
}

fn decoded(mut octets: &[u8], max: usize) -> Option<BTreeMap<Path, Stand>> {
    let mut below = BTreeMap::new();
    let mut names: Vec<Name> = Vec::new();
    while !octets.is_empty() {
        let depth = usize::try_from(take(&mut octets)?).ok()?;
        if depth > names.len() || depth >= PATH_DEPTH_MAX || below.len() >= max {
            return None;
        }
        names.truncate(depth);
        let length = usize::try_from(take(&mut octets)?).ok()?;
        let (name, rest) = octets.split_at_checked(length)?;
        octets = rest;
        names.push(Name::new(std::str::from_utf8(name).ok()?).ok()?);
        let (id, modseq) = (take(&mut octets)?, ModSeq(take(&mut octets)?));
        let (mark, rest) = octets.split_first_chunk()?;
        octets = rest;
        below.insert(Path::from_names(names.clone()).ok()?, Stand { id, modseq, mark: u32::from_be_bytes(*mark) });
    }
    Some(below)
}

/// Seven bits in each octet, the lowest first; all but the last have the eighth.
fn put(mut number: u64, octets: &mut Vec<u8>) {
    while number >= 0x80 {
        octets.push(number as u8 | 0x80);
        number >>= 7;
    }
    octets.push(number as u8);
}

fn take(octets: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for at in 0..10 {
        let (octet, rest) = octets.split_first()?;
        *octets = rest;
        let bits = u64::from(octet & 0x7f);
        number |= bits.checked_shl(at * 7).filter(|shifted| shifted >> (at * 7) == bits)?;
        if octet & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn path(text: &str) -> Path {
        Path::from_names(text.split('/').map(|name| Name::new(name).unwrap()).collect()).unwrap()
    }

    fn standing(level: Level, below: &[(&str, u64, u64)]) -> Standing {
        let below = below.iter().map(|(at, id, modseq)| (path(at), Stand { id: *id, modseq: ModSeq(*modseq), mark: 7 })).collect();
        Standing { level, top: SyncState { id: 4, modseq: ModSeq(9) }, below }
    }

    #[test]
    fn tokens_go_both_ways() {
        for standing in [
            standing(Level::One, &[]),
            standing(Level::One, &[("a", 1, 2), ("b~lea@a.example", u64::MAX, 300)]),
            standing(Level::Infinite, &[("a", 1, 2), ("a/x", 3, 4), ("a/x/é", 5, 0), ("b", 6, 1)]),
        ] {
            let token = standing.token();
            assert_eq!(Standing::parse(&token, 10), Some(standing), "{token}");
        }
    }

    #[test]
    fn what_is_none_is_refused() {
        let two = standing(Level::One, &[("a", 1, 2), ("b", 1, 2)]);
        assert!(Standing::parse(&two.token(), 1).is_none());
        let token = two.token();
        for bad in [&token[..token.len() - 2], &sync_token(two.top), "", "https://octroi.invalid/ns/sync/4/9/", &token.replace("/h", "/x")]
        {
            assert!(Standing::parse(bad, 10).is_none(), "{bad}");
        }
        assert_ne!(two.ctag(), standing(Level::One, &[("a", 1, 3), ("b", 1, 2)]).ctag());
    }

    proptest! {
        #[test]
        fn no_octets_panic(octets in proptest::collection::vec(any::<u8>(), 0..60)) {
            if let Some(below) = decoded(&octets, 100) {
                let standing = Standing { level: Level::Infinite, top: SyncState { id: 1, modseq: ModSeq(1) }, below };
                prop_assert!(Standing::parse(&standing.token(), 1_000).is_none_or(|back| back.below.len() <= standing.below.len()));
            }
        }
    }
}
