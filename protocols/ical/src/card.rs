//! Address objects: RFC 6352 section 5.1. Called by CardDAV PUT.

use crate::calendar::checked_uid;
use crate::content::ContentLine;
use crate::invalid::Invalid;
use crate::walk::{Entry, Visit, walk};

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
    let mut reader = Reader::default();
    walk(octets, &mut reader)?;
    if reader.cards != 1 {
        return Err(Invalid::NotOne("VCARD"));
    }
    Ok(CardFacts {
        version: reader.version.ok_or(Invalid::Version)?,
        // RFC 6352 section 5.1: an address object resource has a UID.
        uid: reader.uid.ok_or(Invalid::Missing("UID"))?,
        full_name: reader.full_name.ok_or(Invalid::Missing("FN"))?,
    })
}

#[derive(Default)]
struct Reader {
    cards: usize,
    version: Option<CardVersion>,
    uid: Option<String>,
    full_name: Option<String>,
}

impl Visit for Reader {
    fn entry(&mut self, around: &[String], entry: Entry<'_>) -> Result<(), Invalid> {
        match entry {
            Entry::Begin(name) => {
                self.cards += 1;
                if name != "VCARD" || self.cards > 1 {
                    return Err(Invalid::NotOne("VCARD"));
                }
                Ok(())
            }
            Entry::Property(line) if around.len() == 1 => self.property(line),
            _ => Ok(()),
        }
    }
}

impl Reader {
    fn property(&mut self, line: &ContentLine<'_>) -> Result<(), Invalid> {
        if line.is("VERSION") {
            self.version = Some(match line.value.trim() {
                "3.0" => CardVersion::V3,
                "4.0" => CardVersion::V4,
                _ => return Err(Invalid::Version),
            });
        } else if line.is("UID") {
            let uid = checked_uid(line)?;
            if self.uid.get_or_insert_with(|| uid.clone()) != &uid {
                return Err(Invalid::SeveralUids);
            }
        } else if line.is("FN") && self.full_name.is_none() && !line.value.trim().is_empty() {
            self.full_name = Some(line.value.to_owned());
        }
        Ok(())
    }
}
