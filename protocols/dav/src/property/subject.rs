//! What properties are told of, and to whom.

use super::SyncState;
use crate::config::DavConfig;
use crate::sharing::Told;
use crate::standing::Standing;
use octroi_gate::{Area, FolderFacts, Identifier, LockFacts, Principal, ProxyKind, SchedulingPlaces, properties_of};
use octroi_model::{Address, CollectionKind, Etag, Item, Path, Rights, UnixTime};
use std::sync::Arc;

/// Who asks.
pub(crate) struct Viewer {
    pub address: Address,
    pub display_name: String,
    /// The groups that they are in.
    pub groups: Vec<String>,
    /// They may share with somebody.
    pub shares: bool,
    /// The limits that properties announce.
    pub config: Arc<DavConfig>,
    /// Where their meetings are kept, if asked for.
    pub scheduling: Option<SchedulingPlaces>,
    /// Whose calendars they stand in, if asked for.
    pub stands_for: Vec<(Address, ProxyKind)>,
    /// The organisation's directory among their address books, if asked for.
    pub directory: Option<Path>,
}

/// What is described.
pub(crate) enum Subject<'a> {
    /// A collection above the trees, with a name for people.
    Fixed(&'static str),
    /// The viewer's own principal.
    Principal,
    /// Somebody else's.
    Other(&'a Principal),
    /// Who stands for somebody in their calendars.
    Proxies(&'a Proxies),
    /// A collection in the tree. `name` is its URL segment; a home has none.
    Folder {
        facts: &'a FolderFacts,
        area: Area,
        href: &'a str,
        name: Option<&'a str>,
        sync: Option<SyncState>,
        /// Of a home, how the collections in it stand, if that was asked for.
        home: Option<&'a Standing>,
        acl: Option<&'a Told>,
        locks: &'a [LockFacts],
    },
    /// What others have to say about shared calendars, and one of that.
    Notices {
        ctag: &'a Etag,
    },
    Notice(&'a Notice),
    /// A document, event or card; `acl` is that of its collection, whose href is `folder`.
    File {
        item: &'a Item,
        area: Area,
        rights: Rights,
        owner: Option<&'a Address>,
        marks: &'a [String],
        acl: Option<&'a Told>,
        folder: &'a str,
        /// Number of the collection.
        collection: u64,
        locks: &'a [LockFacts],
        /// Where it stands among the versions of a document, in the report on them.
        history: Option<&'a History>,
    },
}

/// An invitation or an answer, as a resource.
pub(crate) struct Notice {
    /// Its URL segment.
    pub name: String,
    pub made: UnixTime,
    pub etag: Etag,
    /// The element that it is.
    pub kind: &'static str,
    pub body: String,
}

/// Who stands for somebody in their calendars, as a group.
pub(crate) struct Proxies {
    pub owner: Address,
    pub kind: ProxyKind,
    /// Told to the owner only.
    pub members: Option<Vec<Identifier>>,
}

/// A version among those of its document.
pub(crate) struct History {
    /// What it is called among them.
    pub name: String,
    /// Paths of the version before and the one after.
    pub before: Option<String>,
    pub after: Option<String>,
}

impl<'a> Subject<'a> {
    /// What clients set beside it: XML by name.
    pub(crate) fn kept(&self) -> Vec<(&'a str, &'a str)> {
        match self {
            Self::Folder { facts, .. } => {
                facts.properties.iter().map(|(key, value)| (&**key, &**value)).filter(|(key, _)| key.starts_with('{')).collect()
            }
            Self::File { item, .. } => properties_of(item),
            _ => Vec::new(),
        }
    }

    /// The folder, if it is a collection of that kind.
    pub(super) fn folder_of(&self, kind: CollectionKind) -> Option<&'a FolderFacts> {
        match self {
            Self::Folder { facts, .. } if facts.kind == kind => Some(facts),
            _ => None,
        }
    }
}
