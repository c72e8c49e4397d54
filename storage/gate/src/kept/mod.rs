//! What is kept of documents that are no longer there: earlier versions, and the trash.
//!
//! Called by the acts on documents and folders, by the sweep and by the administration. Both are collections of the store like any other,
//! so they are durable, counted in the quota, backed up and compacted; a content is shared, never copied. What always holds:
//!
//! * Beside a folder whose policy has versions stands a collection `.versions`. What a PUT, COPY or MOVE writes over goes there in the commit
//!   that brings the new. It moves with its folder; who may read the folder may read it, and only whose folder it is may remove from it.
//! * Below the top of somebody's documents stands `.trash`, a tree of collections with the paths of the folders that things were removed
//!   from, so the rules for a path hold for what was removed there too. It is its owner's alone, whoever removed something.
//! * Neither is listed where documents are, so no program carries them along. Nothing can be added to them or changed in them; what is moved
//!   out of them is restored, and what is removed there is gone.
//! * They never stand in the way of a document: when the quota is short, the oldest goes first.
//!
//! | file | what |
//! |---|---|
//! | `beside` | what the gate notes beside an item |
//! | `object` | what a calendar object or card says of itself, noted beside it |
//! | `almanac` | the same of a whole collection, by time and UID |
//! | `claims` | one object of a collection has a UID |
//! | `versions` | the policy of a folder; keeping what is written over |
//! | `trash` | keeping what is removed; listing, restoring and emptying it |
//! | `own` | one's own trash, for the portal |
//! | `room` | making room when a quota is short |
//! | `sweep` | what has been there long enough goes |

pub(crate) mod almanac;
pub(crate) mod beside;
pub(crate) mod claims;
pub(crate) mod object;
mod own;
pub(crate) mod room;
mod sweep;
pub(crate) mod trash;
pub(crate) mod versions;

use jiff::Timestamp;
use octroi_model::{Collection, CollectionKind, NAME_BYTES_MAX, Name, Rights, UnixTime};

/// Where a node is: what may be done there at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shelf {
    /// Among what people and programs work with.
    Live,
    /// In the trash.
    Trash,
    /// Among earlier versions.
    Versions,
}

impl Shelf {
    /// What it leaves of the rights on a node.
    pub(crate) fn leaves(self, rights: Rights, own: bool) -> Rights {
        const LOOK: Rights = Rights::LOOKUP.or(Rights::READ);
        match self {
            Self::Live => rights,
            Self::Trash => rights & LOOK.or(Rights::EXPUNGE).or(Rights::DELETE_COLLECTION).or(Rights::MOVE_AWAY),
            // A version is evidence: who may only overwrite the document must not make it disappear.
            Self::Versions if own || rights.contains(Rights::ADMIN) => rights & LOOK.or(Rights::EXPUNGE),
            Self::Versions => rights & LOOK,
        }
    }
}

/// Is it a collection of this kind that lies beside the documents?
pub(crate) fn is_kept_aside(kind: CollectionKind) -> bool {
    matches!(kind, CollectionKind::Trash | CollectionKind::Versions)
}

/// A name that programs give to what they need for a moment only, and remove again and again: no versions of it, and no place in the trash.
///
/// Finder's `._` and `.DS_Store`, Office's `~$` and `~WRL0001.tmp`, LibreOffice's `.~lock.name#`, GIO's `.goutputstream-`, rclone's `.partial`,
/// vim's swap files.
pub(crate) fn is_passing(name: &Name) -> bool {
    let name = name.as_str();
    let begins = ["._", "~$", ".~lock.", ".goutputstream-", ".nfs", ".fuse_hidden"];
    let ends = [".tmp", ".partial", ".part", ".swp", ".crdownload"];
    let lower = name.to_ascii_lowercase();
    [".ds_store", "thumbs.db", "desktop.ini"].contains(&lower.as_str())
        || begins.iter().any(|begin| name.starts_with(begin))
        || ends.iter().any(|end| lower.ends_with(end))
}

/// A time in a name: sorts as it is.
fn stamp(at: UnixTime) -> String {
    Timestamp::from_second(at.0).unwrap_or_default().strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// A name with something in it before its ending, shortened as far as it must be.
fn marked(name: &Name, mark: &str) -> Option<Name> {
    let text = name.as_str();
    let (stem, ending) = match text.rfind('.') {
        Some(at) if at > 0 && text.len() - at <= 16 => text.split_at(at),
        _ => (text, ""),
    };
    let room = NAME_BYTES_MAX.checked_sub(mark.len() + ending.len() + 1)?;
    Name::new(&format!("{}.{mark}{ending}", cut(stem, room))).ok()
}

/// As many whole characters as fit.
fn cut(text: &str, bytes_max: usize) -> &str {
    &text[..text.floor_char_boundary(bytes_max)]
}

/// How a collection was called before it came into the trash.
pub(crate) fn original_name(collection: &Collection) -> Name {
    let noted = || collection.property(trash::NAME).and_then(|name| Name::new(name).ok());
    trash::removed(collection).map(|(_, _, name)| name).or_else(noted).unwrap_or_else(|| collection.name.clone())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_names() {
        let name = |text: &str| Name::new(text).unwrap();
        assert_eq!(marked(&name("décret.pdf"), "X").unwrap().as_str(), "décret.X.pdf");
        assert_eq!(marked(&name(".profile"), "X").unwrap().as_str(), ".profile.X");
        assert_eq!(marked(&name("Actes"), "X").unwrap().as_str(), "Actes.X");
        let long = marked(&name(&"é".repeat(127)), &stamp(UnixTime(0))).unwrap();
        assert!(long.as_str().len() <= NAME_BYTES_MAX && long.as_str().ends_with(".19700101T000000Z"));
        for passing in ["._a", ".DS_Store", "~$act.docx", ".~lock.act.odt#", "~WRL0003.tmp", "a.partial", "Thumbs.db"] {
            assert!(is_passing(&name(passing)), "{passing}");
        }
        for lasting in ["a.pdf", ".profile", "~a", "tmp", "lock#"] {
            assert!(!is_passing(&name(lasting)), "{lasting}");
        }
    }

    #[test]
    fn a_shelf_leaves_no_way_to_change_what_is_on_it() {
        for (shelf, own, left) in [
            (Shelf::Live, true, Rights::ALL),
            (Shelf::Trash, true, Rights::parse("lrxe0").unwrap()),
            (Shelf::Versions, true, Rights::parse("lre").unwrap()),
        ] {
            assert_eq!(shelf.leaves(Rights::ALL, own), left);
        }
        assert_eq!(Shelf::Versions.leaves(Rights::ALL.without(Rights::ADMIN), false), Rights::parse("lr").unwrap());
        assert_eq!(Shelf::Versions.leaves(Rights::ALL, false), Rights::parse("lre").unwrap());
    }
}
