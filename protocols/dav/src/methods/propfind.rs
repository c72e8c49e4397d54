//! PROPFIND with depth 0 and 1 (RFC 4918 section 9.1).

use crate::call::{Call, Depth, Found, find, is_oneself};
use crate::multistatus::{Stopped, Stream, Wanted, describe, streamed, whole};
use crate::names::DAV;
use crate::path::{
    AREAS, DAV_ROOT, PRINCIPALS, Place, Target, area_href, file_href, folder_href, principal_href, principal_of, segment_of,
};
use crate::property::{Subject, SyncState, Viewer};
use crate::refusal::{Answer, Fault};
use crate::sharing::{self, Told};
use crate::xml::{Xml, parse};
use http::StatusCode;
use octroi_gate::{Area, Folder, FolderAt, FolderFacts, Granted, List, LockFacts, Member, MemberIs, MemberLocks, Session};
use octroi_model::{Name, Path, Rights};

/// PROPFIND.
pub(crate) async fn propfind(mut call: Call) -> Answer {
    let body = call.xml_body().await?;
    let request = if body.is_empty() { None } else { Some(parse(&body)?) };
    let wanted = Wanted::of_propfind(request.as_ref(), &call.headers)?;
    // RFC 4918 section 10.2: no Depth means infinity.
    let depth = call.depth()?.unwrap_or(Depth::Infinity);
    let Target::Place(place) = call.target.clone() else {
        return fixed(&call, &wanted, finite(depth)?).await;
    };
    match find(&call.session, &place).await.map_err(Fault::about(&call.href()))? {
        Found::File(file) => {
            let viewer = viewer(&call);
            let marks = file.marks().await.map_err(Fault::about(&call.href()))?;
            let parent = Path::from_names(place.path.names()[..place.path.names().len() - 1].to_vec()).unwrap_or_default();
            let folder = folder_href(place.area, &viewer.address, &parent);
            let acl = acl_if_asked(&call.session, &wanted, place.area, &parent, file.rights()).await;
            let locks = file.locks().map_err(Fault::about(&call.href()))?;
            let subject = Subject::File {
                item: file.item(),
                area: place.area,
                rights: file.rights(),
                owner: None,
                marks: &marks,
                acl: acl.as_ref(),
                folder: &folder,
                locks: &locks,
            };
            Ok(whole(|xml| describe(&call.href(), &subject, &wanted, &viewer, None, xml)))
        }
        Found::Folder(folder) => {
            let depth = finite(depth)?;
            let listing = Listing::of(&call, &place, wanted);
            if depth == Depth::Zero {
                let mut itself = Xml::piece();
                listing.itself(&folder, &mut itself).await;
                return Ok(whole(|xml| {
                    xml.append(&itself);
                }));
            }
            let members = folder.members().await.map_err(Fault::about(&call.href()))?;
            Ok(streamed(|stream| listing.send(stream, folder, members)))
        }
    }
}

/// RFC 4918 section 9.1: a server may refuse what has no end.
fn finite(depth: Depth) -> Result<Depth, Fault> {
    if depth == Depth::Infinity { Err(Fault::Rule(StatusCode::FORBIDDEN, "D:propfind-finite-depth")) } else { Ok(depth) }
}

/// Who asks, for the properties.
pub(crate) fn viewer(call: &Call) -> Viewer {
    Viewer {
        address: call.session.address().clone(),
        display_name: call.session.display_name().to_owned(),
        // Looked up where they can be asked for only.
        groups: if matches!(call.target, Target::Principal(_) | Target::Principals) { call.session.memberships() } else { Vec::new() },
        object_bytes_max: call.config.object_bytes_max,
    }
}

/// The ACL of a collection, if it is asked for and this session may change it.
async fn acl_if_asked(session: &Session, wanted: &Wanted, area: Area, path: &Path, rights: Rights) -> Option<Told> {
    let asked = wanted.asks(DAV, "acl") || wanted.asks(DAV, "inherited-acl-set");
    if asked && rights.contains(Rights::ADMIN) { sharing::told(session, area, path).await } else { None }
}

/// What the members of a listing have from their collection.
pub(crate) struct Parent {
    folder: Granted<Folder, List>,
    facts: FolderFacts,
    acl: Option<Told>,
    href: String,
    locks: MemberLocks,
}

/// A collection and its members on their way into an answer. Used by `sync-collection` too.
pub(crate) struct Listing {
    pub session: Session,
    pub viewer: Viewer,
    pub wanted: Wanted,
    pub area: Area,
    pub path: Path,
}

impl Listing {
    /// Of the collection at `place`.
    pub(crate) fn of(call: &Call, place: &Place, wanted: Wanted) -> Self {
        Self { session: call.session.clone(), viewer: viewer(call), wanted, area: place.area, path: place.path.clone() }
    }

    /// The response for the collection itself.
    async fn itself(&self, folder: &Granted<Folder, List>, xml: &mut Xml) {
        let href = folder_href(self.area, &self.viewer.address, &self.path);
        let name = self.path.names().last().map(Name::as_str);
        let facts = folder.facts();
        let locks = folder.member_locks().of_folder(facts.sync_id);
        self.folder(&href, (&self.path, name), &facts, &locks, xml).await;
    }

    async fn folder(&self, href: &str, (path, name): (&Path, Option<&str>), facts: &FolderFacts, locks: &[LockFacts], xml: &mut Xml) {
        let acl = acl_if_asked(&self.session, &self.wanted, self.area, path, facts.rights).await;
        let subject = Subject::Folder { facts, area: self.area, name, sync: sync_state(facts), acl: acl.as_ref(), locks };
        describe(href, &subject, &self.wanted, &self.viewer, None, xml);
    }

    async fn send(self, mut stream: Stream, folder: Granted<Folder, List>, members: Vec<Member>) -> Result<Stream, Stopped> {
        self.itself(&folder, &mut stream.xml).await;
        let parent = self.parent(folder).await;
        for member in &members {
            self.member(member, &parent, &mut stream.xml).await;
            stream.breathe().await?;
        }
        Ok(stream)
    }

    /// What its members have from the collection.
    pub(crate) async fn parent(&self, folder: Granted<Folder, List>) -> Parent {
        let facts = folder.facts();
        let acl = acl_if_asked(&self.session, &self.wanted, self.area, &self.path, facts.rights).await;
        let href = folder_href(self.area, &self.viewer.address, &self.path);
        Parent { href, locks: folder.member_locks(), folder, facts, acl }
    }

    /// The response for a member of the collection.
    pub(crate) async fn member(&self, member: &Member, parent: &Parent, xml: &mut Xml) {
        match &member.is {
            MemberIs::Item(item) => {
                let href = file_href(self.area, &self.viewer.address, &self.path, &member.name);
                let marks = parent.folder.marks_of(item);
                let Parent { facts, acl, href: folder, .. } = parent;
                let (owner, acl) = (Some(&facts.owner), acl.as_ref());
                let locks = parent.locks.of_item(item);
                let (marks, locks) = (marks.as_slice(), locks.as_slice());
                let subject = Subject::File { item, area: self.area, rights: facts.rights, owner, marks, acl, folder, locks };
                describe(&href, &subject, &self.wanted, &self.viewer, None, xml);
            }
            MemberIs::Folder(facts) => {
                let Ok(path) = self.path.child(member.name.clone()) else { return };
                let href = folder_href(self.area, &self.viewer.address, &path);
                let locks = parent.locks.of_folder(facts.sync_id);
                self.folder(&href, (&path, Some(member.name.as_str())), facts, &locks, xml).await;
            }
        }
    }
}

/// The token of a collection as of now; a virtual one has none, nor one that may not be read.
fn sync_state(facts: &FolderFacts) -> Option<SyncState> {
    let told = facts.real && facts.rights.contains(Rights::READ);
    told.then_some(SyncState { id: facts.sync_id, modseq: facts.head.modseq })
}

/// The collections above the trees, and the principal.
async fn fixed(call: &Call, wanted: &Wanted, depth: Depth) -> Answer {
    let viewer = viewer(call);
    let address = &viewer.address;
    let area = |area: Area| (area_href(area), Subject::Fixed(segment_of(area)));
    let principal = || (principal_href(address), Subject::Principal);
    let other = match &call.target {
        Target::Principal(who) if !is_oneself(&call.session, who) => call.session.principal(who).map_err(Fault::about(&call.href()))?,
        _ => None,
    };
    let mut found = vec![match &call.target {
        Target::Root => ("/".to_owned(), Subject::Fixed("Octroi")),
        Target::DavRoot => (DAV_ROOT.to_owned(), Subject::Fixed("dav")),
        Target::Principals => (PRINCIPALS.to_owned(), Subject::Fixed("principals")),
        Target::Principal(who) => match &other {
            Some(other) => (principal_of(who).ok_or_else(Fault::missing)?, Subject::Other(other)),
            None => principal(),
        },
        Target::Area(known) => area(*known),
        _ => return Err(Fault::missing()),
    }];
    let mut home = None;
    if depth == Depth::One {
        match &call.target {
            Target::Root => found.push((DAV_ROOT.to_owned(), Subject::Fixed("dav"))),
            Target::DavRoot => {
                found.extend(AREAS.iter().map(|(known, _)| area(*known)));
                found.push((PRINCIPALS.to_owned(), Subject::Fixed("principals")));
            }
            Target::Principals => found.push(principal()),
            Target::Area(area) => {
                home = call.session.open(FolderAt { area: *area, path: Path::top() }, List).await.ok().map(|home| (*area, home));
            }
            _ => {}
        }
    }
    Ok(whole(|xml| {
        for (href, subject) in &found {
            describe(href, subject, wanted, &viewer, None, xml);
        }
        if let Some((area, home)) = &home {
            let facts = home.facts();
            let subject = Subject::Folder { facts: &facts, area: *area, name: None, sync: sync_state(&facts), acl: None, locks: &[] };
            describe(&folder_href(*area, address, &Path::top()), &subject, wanted, &viewer, None, xml);
        }
    }))
}
