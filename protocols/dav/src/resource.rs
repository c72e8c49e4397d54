//! Whatever a URL names, found once and ready to be described.
//!
//! Called by PROPFIND of what lies above the trees, and by the reports that follow an href to where it leads.

use crate::call::{Call, Found, find, is_oneself, is_own};
use crate::methods::propfind::{acl_if_asked, standing_if_asked, sync_state};
use crate::multistatus::Wanted;
use crate::path::{
    DAV_ROOT, PRINCIPALS, Place, Target, area_href, file_href, folder_href, principal_href, principal_of, proxy_href, segment_of,
};
use crate::property::{History, Proxies, Subject, Viewer};
use crate::sharing::Told;
use crate::standing::Standing;
use octroi_gate::{Area, FolderFacts, LockFacts, Principal, Refusal};
use octroi_model::{Item, Name, Path, Rights};

/// A resource that was found.
pub(crate) struct Resource {
    /// Its path, as we write it.
    pub href: String,
    what: What,
}

enum What {
    Fixed(&'static str),
    Oneself,
    Other(Principal),
    Proxies(Proxies),
    Folder {
        facts: Box<FolderFacts>,
        area: Area,
        name: Option<Name>,
        home: Option<Standing>,
        acl: Option<Told>,
        locks: Vec<LockFacts>,
    },
    File {
        item: Box<Item>,
        area: Area,
        rights: Rights,
        marks: Vec<String>,
        folder: String,
        collection: u64,
        acl: Option<Told>,
        locks: Vec<LockFacts>,
    },
}

impl Resource {
    /// A collection above the trees.
    pub(crate) fn fixed(href: String, name: &'static str) -> Self {
        Self { href, what: What::Fixed(name) }
    }

    /// The principal of who asks.
    pub(crate) fn oneself(viewer: &Viewer) -> Self {
        Self { href: principal_href(&viewer.address), what: What::Oneself }
    }

    /// What the session may know of at a target; [`Refusal::Missing`] for all else.
    pub(crate) async fn at(call: &Call, target: &Target, wanted: &Wanted, viewer: &Viewer) -> Result<Self, Refusal> {
        Ok(match target {
            Target::Root => Self::fixed("/".to_owned(), "Octroi"),
            Target::DavRoot => Self::fixed(DAV_ROOT.to_owned(), "dav"),
            Target::Principals => Self::fixed(PRINCIPALS.to_owned(), "principals"),
            Target::Area(area) => Self::fixed(area_href(*area), segment_of(*area)),
            Target::Principal(who) if is_oneself(&call.session, who) => Self::oneself(viewer),
            Target::Principal(who) => {
                let href = principal_of(who).ok_or(Refusal::Missing)?;
                Self { href, what: What::Other(call.session.principal(who)?.ok_or(Refusal::Missing)?) }
            }
            Target::Proxy(owner, kind) => {
                let is_own = is_own(&call.session, &owner.to_string());
                if !is_own && !call.session.stands_for()?.contains(&(owner.clone(), *kind)) {
                    return Err(Refusal::Missing);
                }
                let named = if is_own { Some(call.session.proxies().await?) } else { None };
                let of_kind = |named: Vec<_>| named.into_iter().filter(|(_, of)| of == kind).map(|(who, _)| who).collect();
                let proxies = Proxies { owner: owner.clone(), kind: *kind, members: named.map(of_kind) };
                Self { href: proxy_href(owner, *kind), what: What::Proxies(proxies) }
            }
            Target::Place(place) if is_own(&call.session, &place.address) => Self::in_tree(call, place, wanted, viewer).await?,
            Target::Place(_)
            | Target::Upload(_)
            | Target::Registration(_)
            | Target::Notification(_)
            | Target::Attachment(_)
            | Target::WellKnown
            | Target::Nothing => {
                return Err(Refusal::Missing);
            }
        })
    }

    async fn in_tree(call: &Call, place: &Place, wanted: &Wanted, viewer: &Viewer) -> Result<Self, Refusal> {
        let (area, address) = (place.area, &viewer.address);
        Ok(match find(&call.session, place).await? {
            Found::File(file) => {
                let (parent, name) = place.path.split_last().ok_or(Refusal::Missing)?;
                let acl = acl_if_asked(&call.session, wanted, area, &parent, file.rights()).await;
                let (marks, rights, item) = (file.marks().await?, file.rights(), Box::new(file.item().clone()));
                let href = file_href(area, address, &parent, name);
                let (folder, collection, locks) = (folder_href(area, address, &parent), file.folder_sync_id()?, file.locks()?);
                Self { href, what: What::File { item, area, rights, marks, folder, collection, acl, locks } }
            }
            Found::Folder(folder) => {
                let facts = Box::new(folder.facts());
                let acl = acl_if_asked(&call.session, wanted, area, &place.path, facts.rights).await;
                let name = place.path.names().last().cloned();
                let home = standing_if_asked(&folder, &facts, wanted, &viewer.config)?;
                let locks = folder.member_locks().of_folder(facts.sync_id);
                Self { href: folder_href(area, address, &place.path), what: What::Folder { facts, area, name, home, acl, locks } }
            }
        })
    }

    /// The home of an area.
    pub(crate) async fn home(call: &Call, area: Area, wanted: &Wanted, viewer: &Viewer) -> Result<Self, Refusal> {
        let place = Place { area, address: viewer.address.to_string(), path: Path::top(), slash: true };
        Self::in_tree(call, &place, wanted, viewer).await
    }

    /// To be described.
    pub(crate) fn subject(&self) -> Subject<'_> {
        self.subject_in(None)
    }

    /// To be described as the last of its versions.
    pub(crate) fn subject_in<'a>(&'a self, history: Option<&'a History>) -> Subject<'a> {
        match &self.what {
            What::Fixed(name) => Subject::Fixed(name),
            What::Oneself => Subject::Principal,
            What::Other(other) => Subject::Other(other),
            What::Proxies(proxies) => Subject::Proxies(proxies),
            What::Folder { facts, area, name, home, acl, locks } => Subject::Folder {
                facts,
                area: *area,
                href: &self.href,
                name: name.as_ref().map(Name::as_str),
                sync: sync_state(facts),
                home: home.as_ref(),
                acl: acl.as_ref(),
                locks,
            },
            What::File { item, area, rights, marks, folder, collection, acl, locks } => Subject::File {
                item,
                area: *area,
                rights: *rights,
                owner: None,
                marks,
                acl: acl.as_ref(),
                folder,
                collection: *collection,
                locks,
                history,
            },
        }
    }
}
