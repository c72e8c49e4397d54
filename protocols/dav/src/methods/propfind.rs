//! PROPFIND with depth 0 and 1 (RFC 4918 section 9.1).

use crate::caldav::describe_shared;
use crate::call::{Call, Depth, Found, find, is_oneself};
use crate::config::DavConfig;
use crate::multistatus::{Stopped, Stream, Wanted, describe, streamed, whole};
use crate::names::{CALENDARSERVER, DAV};
use crate::path::{AREAS, DAV_ROOT, PRINCIPALS, Place, Target, area_href, encode, folder_href};
use crate::property::{History, Subject, SyncState, Viewer, is_veiled};
use crate::refusal::{Answer, Fault};
use crate::resource::Resource;
use crate::sharing::{self, Told};
use crate::standing::Standing;
use crate::xml::{ElementName, Xml, parse};
use http::StatusCode;
use octroi_gate::{
    Area, Folder, FolderFacts, Granted, List, Listing as Members, Member, MemberIs, MemberLocks, ProxyKind, Refusal, Session,
};
use octroi_model::{Item, Name, Path, Rights};

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
        Found::File(_) => {
            let viewer = viewer(&call);
            let file = Resource::at(&call, &call.target, &wanted, &viewer).await.map_err(Fault::about(&call.href()))?;
            Ok(whole(|xml| describe(&call.href(), &file.subject(), &wanted, &viewer, None, xml)))
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
            describe_shared(&folder, &call).await.map_err(Fault::about(&call.href()))?;
            let members = folder.listing().await.map_err(Fault::about(&call.href()))?;
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
        shares: call.session.may_share(),
        config: call.config.clone(),
        scheduling: call.scheduling.clone(),
        stands_for: if matches!(call.target, Target::Principal(_) | Target::Principals) {
            call.session.stands_for().unwrap_or_default()
        } else {
            Vec::new()
        },
        directory: if matches!(call.target, Target::Principal(_)) { call.session.directory() } else { None },
    }
}

/// The ACL of a collection, if it is asked for and this session may change it.
pub(crate) async fn acl_if_asked(session: &Session, wanted: &Wanted, area: Area, path: &Path, rights: Rights) -> Option<Told> {
    let asked = [(DAV, "acl"), (DAV, "inherited-acl-set"), (DAV, "invite"), (CALENDARSERVER, "invite")];
    let asked = asked.into_iter().any(|(namespace, local)| wanted.asks(namespace, local));
    if asked && rights.contains(Rights::ADMIN) { sharing::told(session, area, path).await } else { None }
}

/// What the members of a listing have from their collection.
pub(crate) struct Parent {
    pub folder: Granted<Folder, List>,
    pub facts: FolderFacts,
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
        let facts = &folder.facts();
        let acl = acl_if_asked(&self.session, &self.wanted, self.area, &self.path, facts.rights).await;
        let locks = &folder.member_locks().of_folder(facts.sync_id);
        // What cannot be looked at now has no token.
        let home = standing_if_asked(folder, facts, &self.wanted, &self.viewer.config).ok().flatten();
        let (sync, home) = (sync_state(facts), home.as_ref());
        let subject = Subject::Folder { facts, area: self.area, href: &href, name, sync, home, acl: acl.as_ref(), locks };
        describe(&href, &subject, &self.wanted, &self.viewer, None, xml);
    }

    async fn send(self, mut stream: Stream, folder: Granted<Folder, List>, members: Members) -> Result<Stream, Stopped> {
        if !self.wanted.noroot {
            self.itself(&folder, &mut stream.xml).await;
        }
        let parent = self.parent(folder).await;
        for member in members.members() {
            self.member(&member, &parent, &mut stream.xml).await;
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
        self.with_subject(member, parent, |href, subject| describe(href, subject, &self.wanted, &self.viewer, None, xml)).await;
    }

    /// A member of the collection with its href; `None` if it lies too deep.
    pub(crate) async fn with_subject<T>(&self, member: &Member, parent: &Parent, then: impl FnOnce(&str, &Subject<'_>) -> T) -> Option<T> {
        match &member.is {
            MemberIs::Item(item) => {
                let href = format!("{}{}", parent.href, encode(member.name.as_str()));
                Some(self.with_item(item, parent, None, |subject| then(&href, subject)))
            }
            MemberIs::Folder(facts) => {
                let path = self.path.child(member.name.clone()).ok()?;
                let href = format!("{}{}/", parent.href, encode(member.name.as_str()));
                let acl = acl_if_asked(&self.session, &self.wanted, self.area, &path, facts.rights).await;
                let (sync, name) = (sync_state(facts), Some(member.name.as_str()));
                let (acl, locks) = (acl.as_ref(), &parent.locks.of_folder(facts.sync_id));
                Some(then(&href, &Subject::Folder { facts, area: self.area, href: &href, name, sync, home: None, acl, locks }))
            }
        }
    }

    fn with_item<T>(&self, item: &Item, parent: &Parent, history: Option<&History>, then: impl FnOnce(&Subject<'_>) -> T) -> T {
        // Most have none, and looking up what they are called costs more than all else.
        let marks = if item.flags.keyword_indexes().next().is_some() { parent.folder.marks_of(item) } else { Vec::new() };
        let Parent { facts, acl, href: folder, .. } = parent;
        let (owner, acl) = (Some(&facts.owner), acl.as_ref());
        let locks = parent.locks.of_item(item);
        let (marks, locks) = (marks.as_slice(), locks.as_slice());
        // Behind a veil it can only be looked at.
        let rights =
            if is_veiled(item, self.area) { facts.rights & Rights::READ.or(Rights::LOOKUP).or(Rights::FREE_BUSY) } else { facts.rights };
        let (area, collection) = (self.area, facts.sync_id);
        then(&Subject::File { item, area, rights, owner, marks, acl, folder, collection, locks, history })
    }

    /// The response for a document, event or card in the collection; `extra` as for [`describe`].
    pub(crate) fn item(&self, href: &str, item: &Item, parent: &Parent, extra: Option<(&ElementName, &Xml)>, xml: &mut Xml) {
        self.with_item(item, parent, None, |subject| describe(href, subject, &self.wanted, &self.viewer, extra, xml));
    }

    /// The same for a version of a document.
    pub(crate) fn version(&self, href: &str, item: &Item, parent: &Parent, history: &History, xml: &mut Xml) {
        self.with_item(item, parent, Some(history), |subject| describe(href, subject, &self.wanted, &self.viewer, None, xml));
    }
}

/// The token of a collection as of now; a virtual one has none, nor one that may not be read.
pub(crate) fn sync_state(facts: &FolderFacts) -> Option<SyncState> {
    let told = facts.real && facts.rights.contains(Rights::READ);
    told.then_some(SyncState { id: facts.sync_id, modseq: facts.head.modseq })
}

/// How the collections in a home stand, if its token or its ctag is asked for; none of one that has too many to name.
pub(crate) fn standing_if_asked(
    folder: &Granted<Folder, List>,
    facts: &FolderFacts,
    wanted: &Wanted,
    config: &DavConfig,
) -> Result<Option<Standing>, Refusal> {
    let is_asked = wanted.may_tell(DAV, "sync-token") || wanted.may_tell(CALENDARSERVER, "getctag");
    if !folder.path().names().is_empty() || !is_asked || sync_state(facts).is_none() {
        return Ok(None);
    }
    let folders = folder.folders()?;
    Ok((folders.len() <= config.sync_collections_max).then(|| Standing::of_home(facts, &folders)))
}

/// The collections above the trees, and the principal.
async fn fixed(call: &Call, wanted: &Wanted, depth: Depth) -> Answer {
    let viewer = viewer(call);
    let about = call.href();
    let mut found = vec![Resource::at(call, &call.target, wanted, &viewer).await.map_err(Fault::about(&about))?];
    if depth == Depth::One {
        if wanted.noroot {
            found.clear();
        }
        match &call.target {
            Target::Root => found.push(Resource::fixed(DAV_ROOT.to_owned(), "dav")),
            Target::DavRoot => {
                found.extend(AREAS.iter().map(|(area, segment)| Resource::fixed(area_href(*area), segment)));
                found.push(Resource::fixed(PRINCIPALS.to_owned(), "principals"));
            }
            Target::Principals => found.push(Resource::oneself(&viewer)),
            Target::Principal(who) if is_oneself(&call.session, who) => {
                for kind in [ProxyKind::Read, ProxyKind::Write] {
                    let target = Target::Proxy(call.session.address().clone(), kind);
                    found.push(Resource::at(call, &target, wanted, &viewer).await.map_err(Fault::about(&about))?);
                }
            }
            // The services of the other areas are not opened by this log-in.
            Target::Area(area) => found.extend(Resource::home(call, *area, wanted, &viewer).await.ok()),
            _ => {}
        }
    }
    Ok(whole(|xml| {
        for resource in &found {
            describe(&resource.href, &resource.subject(), wanted, &viewer, None, xml);
        }
    }))
}
