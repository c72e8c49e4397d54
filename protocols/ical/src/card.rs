//! Address objects: RFC 6352 section 5.1. Called by CardDAV PUT.

use crate::calendar::uid_of;
use crate::invalid::Invalid;
use crate::tree::{Entry, Tree};

/// The versions of vCard that are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CardVersion {
    /// RFC 2426.
    V3,
    /// RFC 6350.
    V4,
}

/// What a vCard says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardFacts {
    /// Which version it is written in.
    pub version: CardVersion,
    /// Its UID.
    pub uid: String,
    /// The raw value of `FN`.
    pub full_name: String,
}

/// Checks that octets are one vCard with what CardDAV requires, and says what is in it.
pub fn validate_card(octets: &[u8]) -> Result<CardFacts, Invalid> {
    card_facts(&Tree::read(octets)?)
}

/// The same of an object that was read already.
pub fn card_facts(tree: &Tree<'_>) -> Result<CardFacts, Invalid> {
    let card = tree.only("VCARD")?;
    // vCard 4 has no components inside; those of version 2.1 (AGENT) are of a version that is not taken.
    if !card.components.is_empty() {
        return Err(Invalid::NotOne("VCARD"));
    }
    let uid = uid_of(card)?;
    let read = |entry: &Entry<'_>| match entry.value().trim() {
        "3.0" => Ok(CardVersion::V3),
        "4.0" => Ok(CardVersion::V4),
        _ => Err(Invalid::Version),
    };
    // RFC 6350 section 6.7.9: exactly one. Of two, nobody knows by which rules the rest is to be read.
    let versions: Vec<CardVersion> = card.all("VERSION").map(read).collect::<Result<_, _>>()?;
    if versions.iter().any(|version| *version != versions[0]) {
        return Err(Invalid::Version);
    }
    let full_name = card.all("FN").map(Entry::value).find(|value| !value.trim().is_empty());
    Ok(CardFacts {
        version: *versions.first().ok_or(Invalid::Version)?,
        // RFC 6352 section 5.1: an address object resource has a UID.
        uid: uid.ok_or(Invalid::Missing("UID"))?,
        full_name: full_name.ok_or(Invalid::Missing("FN"))?.to_owned(),
    })
}
