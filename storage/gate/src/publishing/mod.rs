//! Publishing: a calendar that everybody may read who has a secret link, or see from it when its owner is busy.
//!
//! A link is a sealed private annotation of the owner's at the calendar, under a keyed digest of the link's secret: the secret itself is shown once
//! and kept nowhere. What always holds: whoever comes with a link has no session and opens nothing but what is published; each visit is decided anew, by
//! the profile (`publish_calendars`), the rights and the rules of the moment, for the zone, the strength and the credential with which the link was made;
//! what is not public of the calendar is seen as busy times; of a link that is none, over, withdrawn or not allowed (any more) the answer is the same.

mod publish;
mod visit;

pub use publish::{LINKS, Link, PublishWish};
pub use visit::Published;

pub(crate) use visit::Visits;

use crate::filters::Warrant;
use crate::gate::Gate;
use octroi_engine::Engine;
use octroi_model::{AccountId, Annotated, Collection, CollectionId, UnixTime};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Before the digest of a link's secret, in the annotation's name.
const PREFIX: &str = "/private/published/";
/// Letters of a secret: 160 bits.
const SECRET_LETTERS: usize = 32;

/// Sealed beside the calendar. Fields are only appended: it is read back by later versions.
#[derive(Clone, Serialize, Deserialize)]
struct Record {
    /// Nothing is shown but when its owner is busy.
    busy_only: bool,
    /// Seconds since 1970: when it was made, and when it ends.
    since: i64,
    expires: Option<i64>,
    /// What whoever made it might do.
    warrant: Warrant,
}

impl Record {
    fn open(gate: &Gate, sealed: &[u8]) -> Option<Self> {
        serde_json::from_slice(&gate.0.key.unseal(sealed)?).ok()
    }

    fn is_over(&self, now: UnixTime) -> bool {
        self.expires.is_some_and(|end| end <= now.0)
    }
}

/// The place of a calendar's links.
fn place(collection: &Collection) -> Annotated {
    Annotated { collection: Some(collection.id), account: Some(collection.owner) }
}

/// The name of a link's record.
fn name_of(gate: &Gate, secret: &str) -> Arc<str> {
    Arc::from(format!("{PREFIX}{}", gate.0.key.hash_link(secret.as_bytes()).to_hex()))
}

/// A link as URLs name it: the calendar's number and the secret.
fn link_of(collection: CollectionId, secret: &str) -> String {
    format!("{}-{secret}", collection.0)
}

/// Read [`link_of`] back.
fn parse_link(link: &str) -> Option<(CollectionId, &str)> {
    let (collection, secret) = link.split_once('-')?;
    let digits = !collection.is_empty() && collection.len() <= 20 && collection.bytes().all(|b| b.is_ascii_digit());
    let letters = secret.len() == SECRET_LETTERS && secret.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let number = collection.parse().ok().filter(|_| digits && letters)?;
    Some((CollectionId(number), secret))
}

/// All links of an account.
fn links_of(engine: &dyn Engine, account: AccountId) -> usize {
    let of = engine.annotated(None, PREFIX).into_iter().filter(|of| of.account == Some(account));
    of.map(|of| engine.annotations(of).keys().filter(|name| name.starts_with(PREFIX)).count()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_go_both_ways_and_nothing_else_does() {
        let secret = "a".repeat(SECRET_LETTERS);
        let link = link_of(CollectionId(42), &secret);
        assert_eq!(parse_link(&link), Some((CollectionId(42), secret.as_str())));
        for bad in ["", "42", "42-", "42-a", &link.to_uppercase(), &format!("+{link}"), &link.replace("42", "4/2"), &format!("{link}a")] {
            assert_eq!(parse_link(bad), None, "{bad}");
        }
    }
}
