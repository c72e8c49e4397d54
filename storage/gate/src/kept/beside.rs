//! What the gate notes beside an item, among the texts by name that [`octroi_model::Item::properties`] holds.
//!
//! Names of properties that clients set have a namespace in braces; those here have none, so neither is taken for the other.

use octroi_model::{AccountId, Item};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The first octet: how the rest is written.
const VERSION: u8 = 1;
/// Who put it there, if that is not whose collection it is.
pub(crate) const AUTHOR: &str = "author";
/// How it was called before it came where it is.
pub(crate) const NAME: &str = "name";
/// Who removed it, or wrote over it.
pub(crate) const BY: &str = "by";

fn texts(octets: Option<&[u8]>) -> BTreeMap<&str, &str> {
    match octets {
        Some([VERSION, texts @ ..]) => postcard::from_bytes::<Vec<(&str, &str)>>(texts).unwrap_or_default().into_iter().collect(),
        _ => BTreeMap::new(),
    }
}

/// What is noted under a name.
pub(crate) fn noted<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    texts(item.properties.as_deref()).get(name).copied()
}

/// An account that is noted.
pub(crate) fn account(item: &Item, name: &str) -> Option<AccountId> {
    noted(item, name)?.parse().ok().map(AccountId)
}

/// What is beside an item, with these notes set and (`None`) removed.
pub(crate) fn with(octets: Option<&[u8]>, notes: &[(&str, Option<&str>)]) -> Option<Arc<[u8]>> {
    let mut all = texts(octets);
    for (name, text) in notes {
        match text {
            Some(text) => all.insert(name, text),
            None => all.remove(name),
        };
    }
    let all: Vec<(&str, &str)> = all.into_iter().collect();
    let mut octets = vec![VERSION];
    octets.extend(postcard::to_allocvec(&all).ok().filter(|_| !all.is_empty())?);
    Some(octets.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_come_and_go_beside_what_else_is_there() {
        let clients = with(None, &[("{urn:x}a", Some("<a/>"))]);
        let noted = with(clients.as_deref(), &[(AUTHOR, Some("7")), (NAME, Some("a.txt"))]);
        assert_eq!(texts(noted.as_deref()).len(), 3);
        assert_eq!(with(noted.as_deref(), &[(AUTHOR, None), (NAME, None)]), clients);
        assert_eq!(with(clients.as_deref(), &[("{urn:x}a", None)]), None);
        assert!(texts(Some(&[VERSION, 200, 1])).is_empty() && texts(Some(&[9])).is_empty());
    }
}
