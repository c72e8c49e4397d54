//! Collections: what holds items. A mailbox, a calendar, an address book, a folder, an account's filters and the outbound queue are one
//! thing.

use crate::{AccountId, CollectionId, GroupId, ModSeq, Name, Rights, Uid, UidValidity, UnixTime};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What a collection holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum CollectionKind {
    /// The top of an account's mailboxes; holds no messages.
    MailHome,
    /// Messages.
    Mailbox,
    /// The top of an account's calendars.
    CalendarHome,
    /// Calendar object resources (RFC 4791 section 4.1).
    Calendar,
    /// The top of an account's address books.
    AddressbookHome,
    /// Cards (RFC 6352).
    Addressbook,
    /// Documents. The top of an account's documents is one of these too.
    Folder,
    /// Messages that wait to leave; opened by the queue runner only.
    Queue,
    /// An account's Sieve scripts; in another one, whom they have answered lately.
    Scripts,
    /// What was removed from an account's documents; in a tree of these that has the paths from which it came.
    Trash,
    /// What documents of the folder above it were before.
    Versions,
    /// Parts of documents on their way in; in the top one of an account, one for each document.
    Uploads,
    /// What an account's owner was told about meetings (RFC 6638 section 2.2), below the top of the calendars.
    Inbox,
    /// Where an account's programs ask when others are free (RFC 6638 section 2.1); always empty.
    Outbox,
    /// What hangs on an account's calendar objects (RFC 8607).
    Attachments,
}

/// A mailbox's special use (RFC 6154 section 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum SpecialUse {
    Archive,
    Drafts,
    Junk,
    Sent,
    Trash,
}

impl SpecialUse {
    /// All, with their attribute as on the wire.
    pub const ALL: [(Self, &'static str); 5] = [
        (Self::Archive, "\\Archive"),
        (Self::Drafts, "\\Drafts"),
        (Self::Junk, "\\Junk"),
        (Self::Sent, "\\Sent"),
        (Self::Trash, "\\Trash"),
    ];
}

/// Whom an ACL entry is for (RFC 4314 section 3's identifiers).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Grantee {
    /// One account.
    Account(AccountId),
    /// Everyone of a profile.
    Profile(String),
    /// Every account of the organisation.
    Anyone,
    /// Everyone in a group.
    Group(GroupId),
}

/// Who else may do what with a collection and all below it that has no ACL of its own. The owner has every right.
pub type Acl = Vec<(Grantee, Rights)>;

/// The counters of a collection: what STATUS, SELECT and the sync token need without its items.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Head {
    /// The uid that the next item gets; at least 1.
    pub uid_next: Uid,
    /// HIGHESTMODSEQ.
    pub modseq: ModSeq,
    /// Items.
    pub items: u32,
    /// Items without `\Seen`.
    pub unseen: u32,
    /// Items with `\Deleted`.
    pub deleted: u32,
    /// Octets of all items.
    pub bytes: u64,
}

/// A collection without its items.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Collection {
    /// Its id.
    pub id: CollectionId,
    /// The collection that holds it; `None` at the top of an account's tree.
    pub parent: Option<CollectionId>,
    /// Its name in the parent, unique among the parent's collections and items.
    pub name: Name,
    /// What it holds.
    pub kind: CollectionKind,
    /// Whose it is.
    pub owner: AccountId,
    /// UIDVALIDITY.
    pub uid_validity: UidValidity,
    /// When it was made.
    pub created: UnixTime,
    /// RFC 6154.
    pub special_use: Option<SpecialUse>,
    /// `None`: as the parent's.
    pub acl: Option<Acl>,
    /// Keywords in the order of their bits ([`crate::Flags::keyword`]).
    pub keywords: Vec<Arc<str>>,
    /// DAV properties that a client set, by name: texts such as the display name, and XML under `{namespace}name`; at most 64, of 16 KiB
    /// each and 64 KiB in all.
    pub properties: Vec<(Arc<str>, Arc<str>)>,
    /// The parent's modseq at which it was put under its present name: makes it a member in a sync of the parent.
    pub bound: ModSeq,
    /// Counters.
    pub head: Head,
}

impl Collection {
    /// The value of a property.
    pub fn property(&self, name: &str) -> Option<&Arc<str>> {
        self.properties.iter().find(|(n, _)| &**n == name).map(|(_, v)| v)
    }
}
