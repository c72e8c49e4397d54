//! Write locks of WebDAV (RFC 4918 sections 6 and 7): who keeps others from changing what, and until when.

use crate::{AccountId, CollectionId, LockId, Name, Uid, UnixTime};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// What a lock is known by to clients (RFC 4918 section 6.5): a random UUID, written as a URN. It is no secret: only the account
/// whose lock it is can use it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LockToken([u8; 16]);

/// The digits of a UUID stand in groups of so many octets.
const GROUPS: [usize; 5] = [4, 2, 2, 2, 6];
/// How a token is written begins with this.
const PREFIX: &str = "urn:uuid:";

impl LockToken {
    /// Of random octets: a UUID of version 4 fixes six bits of them.
    pub fn new(mut random: [u8; 16]) -> Self {
        random[6] = (random[6] & 0x0f) | 0x40;
        random[8] = (random[8] & 0x3f) | 0x80;
        Self(random)
    }

    /// What [`fmt::Display`] writes, in any case of letters; `None` for any other URI, which no lock of ours has.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.get(PREFIX.len()..).filter(|_| text[..PREFIX.len()].eq_ignore_ascii_case(PREFIX))?;
        let mut token = [0; 16];
        let (mut rest, mut at) = (digits, 0);
        for (number, group) in GROUPS.into_iter().enumerate() {
            if number > 0 {
                rest = rest.strip_prefix('-')?;
            }
            for _ in 0..group {
                let pair = rest.get(..2).filter(|pair| pair.bytes().all(|digit| digit.is_ascii_hexdigit()))?;
                token[at] = u8::from_str_radix(pair, 16).ok()?;
                (rest, at) = (&rest[2..], at + 1);
            }
        }
        rest.is_empty().then_some(Self(token))
    }
}

impl fmt::Display for LockToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(PREFIX)?;
        let mut octets = self.0.iter();
        for (number, group) in GROUPS.into_iter().enumerate() {
            if number > 0 {
                f.write_str("-")?;
            }
            for octet in octets.by_ref().take(group) {
                write!(f, "{octet:02x}")?;
            }
        }
        Ok(())
    }
}

/// Who else may lock the same (RFC 4918 section 6.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum LockScope {
    /// Nobody.
    Exclusive,
    /// Whoever locks it as shared.
    Shared,
}

/// What a lock is on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockRoot {
    /// The collection; of a locked item the one that it is in.
    pub collection: CollectionId,
    /// The item. It never changes its name: under another one it is another item.
    pub item: Option<LockedItem>,
}

/// An item that is locked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockedItem {
    /// Its name.
    pub name: Name,
    /// Its uid.
    pub uid: Uid,
}

/// A write lock. It goes with what it is on, when that is removed or moved away, and no longer binds anybody after `expires`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lock {
    /// Its number.
    pub id: LockId,
    /// What clients know it by; unique.
    pub token: LockToken,
    /// What it is on.
    pub root: LockRoot,
    /// Who else may have one.
    pub scope: LockScope,
    /// With all that is in the collection, and comes into it.
    pub deep: bool,
    /// Whose it is: nobody else can use its token.
    pub account: AccountId,
    /// Visible id of the app password that it was taken with; told to the administrator.
    pub credential: String,
    /// The `owner` element that the client gave, as XML for other clients to show; its octets are bounded by the gate.
    pub owner: Option<Arc<str>>,
    /// When it was taken.
    pub created: UnixTime,
    /// From then on it binds nobody.
    pub expires: UnixTime,
    /// There was nothing of that name before: the lock made an empty document (RFC 4918 section 7.3).
    pub made: bool,
}

impl Lock {
    /// Does it bind anybody at that moment?
    pub fn stands(&self, now: UnixTime) -> bool {
        now < self.expires
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_written_and_read() {
        let token = LockToken::new([0xff; 16]);
        assert_eq!(token.to_string(), "urn:uuid:ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(LockToken::parse(&token.to_string()), Some(token));
        assert_eq!(LockToken::parse(&token.to_string().to_uppercase()), Some(token));
        for bad in [
            "",
            "urn:uuid:",
            "DAV:no-lock",
            "opaquelocktoken:ffffffff-ffff-4fff-bfff-ffffffffffff",
            "urn:uuid:ffffffff-ffff-4fff-bfff-fffffffffff",
            "urn:uuid:ffffffff-ffff-4fff-bfff-ffffffffffffa",
            "urn:uuid:fffffffff-fff-4fff-bfff-ffffffffffff",
            "urn:uuid:+fffffff-ffff-4fff-bfff-ffffffffffff",
            "urn:uuid:éfffffff-ffff-4fff-bfff-ffffffffffff",
            "é",
            "urn:uuidé",
        ] {
            assert_eq!(LockToken::parse(bad), None, "{bad}");
        }
    }
}
