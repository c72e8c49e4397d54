//! The texts by name that [`octroi_model::Item::properties`] holds beside a document, event or card.
//!
//! Names of properties that clients set have a namespace in braces ([`properties_of`]); those that the gate notes have none, so neither is taken
//! for the other.

use octroi_model::{AccountId, COUNTED, Item};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The first octet, which says how the rest is written: with notes of the gate alone. Before properties of clients counted in quotas, whatever
/// there was began with this.
const NOTES: u8 = 1;
/// Who put it there, if that is not whose collection it is.
pub(crate) const AUTHOR: &str = "author";
/// How it was called before it came where it is.
pub(crate) const NAME: &str = "name";
/// What the content hashes to by other algorithms, as the client said and it was found to be.
pub(crate) const SUMS: &str = "sums";
/// UID of a calendar object beside which nothing else is noted ([`super::object`]), so that a message about it finds it.
pub(crate) const UID: &str = "uid";
/// Schedule-Tag of a calendar object (RFC 6638 section 3.2.10).
pub(crate) const SCHEDULE_TAG: &str = "schedule-tag";
/// What somebody has of their own in a calendar object ([`crate::acts::own`]); their number follows.
pub(crate) const OWN: &str = "own/";
/// It is not shown as it is kept, so its size is not known. Said of what is handed out, and never kept.
pub(crate) const MADE: &str = "made";
/// Who removed it, or wrote over it.
pub(crate) const BY: &str = "by";

/// All of it as it is kept; nothing if it cannot be read.
fn decode(octets: Option<&[u8]>) -> Vec<(&str, &str)> {
    match octets {
        Some([NOTES | COUNTED, texts @ ..]) => postcard::from_bytes(texts).unwrap_or_default(),
        _ => Vec::new(),
    }
}

/// The same by name, to be changed.
pub(crate) fn texts(octets: Option<&[u8]>) -> BTreeMap<&str, &str> {
    decode(octets).into_iter().collect()
}

/// What clients keep beside an item, by name.
pub fn properties_of(item: &Item) -> Vec<(&str, &str)> {
    let mut texts = decode(item.properties.as_deref());
    texts.retain(|(name, _)| is_of_clients(name));
    texts
}

/// Is it the name of a property, and not of a note?
pub(crate) fn is_of_clients(name: &str) -> bool {
    name.starts_with('{')
}

/// As [`Item::properties`] keeps it.
pub(crate) fn encode(texts: &BTreeMap<&str, &str>) -> Option<Arc<[u8]>> {
    let texts: Vec<(&str, &str)> = texts.iter().map(|(name, text)| (*name, *text)).collect();
    // What clients keep takes room of whose folder it is.
    let counts = texts.iter().any(|(name, _)| is_of_clients(name));
    let mut octets = vec![if counts { COUNTED } else { NOTES }];
    octets.extend(postcard::to_allocvec(&texts).ok().filter(|_| !texts.is_empty())?);
    Some(octets.into())
}

/// What is noted under a name.
pub(crate) fn noted<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    decode(item.properties.as_deref()).into_iter().find(|(known, _)| *known == name).map(|(_, text)| text)
}

/// Digests of a document that were sent along with it and compared: `SHA1:hex MD5:hex`, as ownCloud's clients have them.
pub fn checksums(item: &Item) -> Option<&str> {
    noted(item, SUMS)
}

/// Is what is shown of it made when it is read, so that its size is not known?
pub fn is_made(item: &Item) -> bool {
    noted(item, MADE).is_some()
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
    encode(&all)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn notes_come_and_go_beside_what_else_is_there() {
        let clients = with(None, &[("{urn:x}a", Some("<a/>"))]);
        let noted = with(clients.as_deref(), &[(AUTHOR, Some("7")), (NAME, Some("a.txt"))]);
        assert_eq!(texts(noted.as_deref()).len(), 3);
        let item = Item { properties: noted.clone(), ..crate::acts::file::document(octroi_model::Name::new("a").unwrap(), None).unwrap() };
        assert_eq!(properties_of(&item), [("{urn:x}a", "<a/>")], "what is noted is nobody's property");
        assert_eq!(account(&item, AUTHOR), Some(AccountId(7)));
        assert_eq!(with(noted.as_deref(), &[(AUTHOR, None), (NAME, None)]), clients);
        assert_eq!(with(clients.as_deref(), &[("{urn:x}a", None)]), None);
        assert!(texts(Some(&[NOTES, 200, 1])).is_empty() && texts(Some(&[9])).is_empty());
        // Only what clients keep counts, and what was written before it did is read.
        assert_eq!(item.counted(), item.properties.as_ref().unwrap().len() as u64);
        let notes = with(None, &[(AUTHOR, Some("7"))]);
        assert_eq!(Item { properties: notes, ..item.clone() }.counted(), 0);
        let before = [&[NOTES], &noted.unwrap()[1..]].concat();
        assert_eq!(texts(Some(&before)).len(), 3);
    }
}
