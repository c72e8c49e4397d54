//! Groups of accounts, for sharing.

use crate::{AccountId, GroupId};
use serde::{Deserialize, Serialize};

/// A group. It owns nothing and cannot log in: it is a name for several accounts in an ACL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Its number.
    pub id: GroupId,
    /// Its name, unique; up to 64 of a-z, 0-9 and `-`.
    pub name: String,
    /// Who is in it, ascending.
    pub members: Vec<AccountId>,
}

impl Group {
    /// Is that a name of a group?
    pub fn is_name(name: &str) -> bool {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        !name.is_empty() && name.len() <= 64 && name.bytes().all(plain)
    }
}
