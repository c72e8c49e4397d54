//! `addressbook-query` (RFC 6352 section 8.6): the cards of an address book that a filter lets through, sent while they are found.

use crate::call::{Call, Depth, Found, find};
use crate::carddav::Filter;
use crate::methods::propfind::{Listing, Parent};
use crate::methods::report::batches::{Candidate, batches};
use crate::methods::report::data::Data;
use crate::multistatus::{Stopped, Stream, Wanted, status_only, streamed, too_many};
use crate::names::CARDDAV;
use crate::path::{Place, file_href};
use crate::refusal::{Answer, Fault};
use crate::xml::Element;
use http::StatusCode;
use octroi_gate::{Area, Folder, FolderAt, Granted, List, Member, MemberIs};
use octroi_ical::Tree;
use octroi_model::{Name, Path, Rights};

/// `addressbook-query`.
pub(crate) async fn addressbook_query(call: Call, place: &Place, request: &Element) -> Answer {
    if place.area != Area::Contacts {
        return Err(Fault::Rule(StatusCode::FORBIDDEN, "D:supported-report"));
    }
    let bad = || Fault::Status(StatusCode::BAD_REQUEST, "A query has a filter.");
    let filter = Filter::read(request.child(CARDDAV, "filter").ok_or_else(bad)?)?;
    let wanted = Wanted::of_report(request, &call.headers)?;
    let data = Data::read(request, Area::Contacts, &call.config)?;
    let limit = limit(request)?.unwrap_or(usize::MAX).min(call.config.query_results_max);
    let scope = Scope::of(&call, place).await?;
    let query = Query { listing: Listing::of(&call, place, wanted), filter, data, limit, href: call.href() };
    Ok(streamed(move |stream| query.send(stream, scope)))
}

/// RFC 6352 section 10.6.
fn limit(request: &Element) -> Result<Option<usize>, Fault> {
    let Some(limit) = request.child(CARDDAV, "limit") else { return Ok(None) };
    let count = limit.child(CARDDAV, "nresults").and_then(|count| count.trimmed().parse().ok());
    count.map(Some).ok_or(Fault::Status(StatusCode::BAD_REQUEST, "The limit cannot be read."))
}

/// What is looked through: these address books, or one card in one.
struct Scope {
    folders: Vec<(Path, Granted<Folder, List>)>,
    only: Option<Name>,
}

impl Scope {
    /// By what the URL names and how deep. Who says nothing of the depth means the cards in it: older programs forget it.
    async fn of(call: &Call, place: &Place) -> Result<Self, Fault> {
        let about = call.href();
        let open = async |path: &Path| {
            let at = FolderAt { area: Area::Contacts, path: path.clone() };
            call.session.open(at, List).await
        };
        let folder = match find(&call.session, place).await.map_err(Fault::about(&about))? {
            Found::File(_) => {
                let (path, name) = place.path.split_last().ok_or_else(Fault::missing)?;
                let folder = open(&path).await.map_err(Fault::about(&about))?;
                return Ok(Self { only: Some(name.clone()), folders: vec![(path, folder)] });
            }
            Found::Folder(folder) => folder,
        };
        let depth = call.depth()?.unwrap_or(Depth::One);
        let is_home = place.path.names().is_empty();
        let mut folders = Vec::new();
        match depth {
            Depth::One | Depth::Infinity if !is_home => folders.push((place.path.clone(), folder)),
            Depth::Infinity => {
                for member in folder.members().await.map_err(Fault::about(&about))? {
                    let MemberIs::Folder(facts) = &member.is else { continue };
                    let Ok(path) = place.path.child(member.name.clone()) else { continue };
                    // What may not be read is not looked through, and asking for it would only be audited.
                    if facts.real && facts.rights.contains(Rights::READ) {
                        folders.extend(open(&path).await.ok().map(|folder| (path, folder)));
                    }
                }
            }
            _ => {}
        }
        Ok(Self { folders, only: None })
    }
}

struct Query {
    listing: Listing,
    filter: Filter,
    data: Option<Data>,
    limit: usize,
    href: String,
}

impl Query {
    async fn send(mut self, mut stream: Stream, scope: Scope) -> Result<Stream, Stopped> {
        let mut left = self.limit;
        for (path, folder) in scope.folders {
            let members: Vec<Member> = match &scope.only {
                Some(name) => folder.members().await.map_err(|_| Stopped::Failed)?.into_iter().filter(|m| m.name == *name).collect(),
                None => folder.members().await.map_err(|_| Stopped::Failed)?,
            };
            let candidates = members.into_iter().filter_map(|member| Candidate::of(&member)).collect();
            self.listing.path = path;
            let parent = self.listing.parent(folder).await;
            if !self.folder(&mut stream, candidates, &parent, &mut left).await? {
                too_many(&self.href, &mut stream.xml);
                break;
            }
        }
        Ok(stream)
    }

    /// One address book; `false` if there is more than may be told.
    async fn folder(&self, stream: &mut Stream, candidates: Vec<Candidate>, parent: &Parent, left: &mut usize) -> Result<bool, Stopped> {
        for batch in batches(&candidates) {
            for (item, octets) in parent.folder.read_items(&batch).await.map_err(|_| Stopped::Failed)? {
                let Some(name) = item.name.clone() else { continue };
                let href = file_href(Area::Contacts, &self.listing.viewer.address, &self.listing.path, &name);
                let Ok(octets) = octets else {
                    // One that is damaged must not keep the client from the others.
                    status_only(&href, "HTTP/1.1 500 Internal Server Error", &mut stream.xml);
                    continue;
                };
                if !Tree::read(&octets).is_ok_and(|tree| self.filter.fits(&tree)) {
                    continue;
                }
                if *left == 0 {
                    return Ok(false);
                }
                *left -= 1;
                let told = self.data.as_ref().map(|data| (data.name(), data.of(&octets)));
                let extra = told.as_ref().map(|(name, data)| (*name, data));
                self.listing.item(&href, &item, parent, extra, &mut stream.xml);
                stream.breathe().await?;
            }
        }
        Ok(true)
    }
}
