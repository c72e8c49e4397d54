//! `sync-collection` (RFC 6578): what changed in a collection since a token.
//!
//! The token names the collection by its number, which is never reused, and its modseq. A collection that was removed and made again, or
//! tombstones that are forgotten, make a token invalid, and the client begins anew. Homes, and trees with all below them, are `tree`'s.

mod tree;

use crate::caldav::describe_shared;
use crate::call::{Call, folder_at};
use crate::methods::propfind::Listing;
use crate::multistatus::{Stopped, Stream, Wanted, status_only, streamed, too_many};
use crate::names::DAV;
use crate::path::{Place, file_href, folder_href};
use crate::property::{SyncState, parse_sync_token, sync_token};
use crate::refusal::{Answer, Fault};
use crate::standing::{Level, Standing};
use crate::xml::Element;
use http::StatusCode;
use octroi_gate::{Area, Changes, Folder, Granted, List, Member, Refusal};
use octroi_model::{ModSeq, Name};

use tree::sync_tree;

/// `sync-collection`.
pub(crate) async fn sync_collection(call: Call, place: &Place, request: &Element) -> Answer {
    let wanted = Wanted::of_prop(request, &call.headers)?;
    let level = level(request)?;
    let limit = limit(request)?.unwrap_or(usize::MAX).min(call.config.sync_members_max);
    let href = call.href();
    let folder = call.session.open(folder_at(place), List).await.map_err(Fault::about(&href))?;
    let is_home = place.path.names().is_empty();
    // A calendar or an address book has nothing below its members.
    if is_home || (level == Level::Infinite && place.area == Area::Files) {
        let since = standing(request, level, folder.sync_id(), call.config.sync_collections_max)?;
        return sync_tree(&call, place, wanted, since, limit).await;
    }
    describe_shared(&folder, &call).await.map_err(Fault::about(&href))?;
    let since = since(request, folder.sync_id())?;
    let changes = match folder.changes(since).await {
        Ok(changes) => changes,
        Err(Refusal::Precondition) => return Err(invalid_token()),
        Err(refusal) => return Err(Fault::Gate(refusal, href)),
    };
    let page = Page::of(changes, limit).ok_or(Fault::Rule(StatusCode::INSUFFICIENT_STORAGE, "D:number-of-matches-within-limits"))?;
    let state = SyncState { id: folder.sync_id(), modseq: page.token };
    let listing = Listing::of(&call, place, wanted);
    Ok(streamed(move |stream| send(stream, listing, page, folder, state)))
}

/// RFC 6578 section 3.3; older clients leave it out and mean 1.
fn level(request: &Element) -> Result<Level, Fault> {
    match request.child(DAV, "sync-level").map(Element::trimmed) {
        None | Some("1") => Ok(Level::One),
        Some("infinite" | "infinity") => Ok(Level::Infinite),
        Some(_) => Err(Fault::Status(StatusCode::BAD_REQUEST, "The sync-level is 1 or infinite.")),
    }
}

/// RFC 5323 section 5.17, by RFC 6578 section 3.7.
fn limit(request: &Element) -> Result<Option<usize>, Fault> {
    let Some(limit) = request.child(DAV, "limit") else { return Ok(None) };
    let count = limit.child(DAV, "nresults").and_then(|count| count.trimmed().parse().ok());
    count.map(Some).ok_or(Fault::Status(StatusCode::BAD_REQUEST, "The limit cannot be read."))
}

/// The state that the client has; `None` for none.
fn since(request: &Element, id: u64) -> Result<Option<ModSeq>, Fault> {
    let token = request.child(DAV, "sync-token").map_or("", Element::trimmed);
    if token.is_empty() {
        return Ok(None);
    }
    // RFC 6578 section 3.2: a token of another collection is none of this one.
    parse_sync_token(token).filter(|state| state.id == id).map(|state| Some(state.modseq)).ok_or_else(invalid_token)
}

/// What the client has of a home or a tree: that of its token, or nothing.
fn standing(request: &Element, level: Level, id: u64, collections_max: usize) -> Result<Standing, Fault> {
    let token = request.child(DAV, "sync-token").map_or("", Element::trimmed);
    if token.is_empty() {
        return Ok(Standing::nothing(level, id));
    }
    Standing::parse(token, collections_max).filter(|since| since.level == level && since.top.id == id).ok_or_else(invalid_token)
}

pub(super) fn invalid_token() -> Fault {
    Fault::Rule(StatusCode::FORBIDDEN, "D:valid-sync-token")
}

/// What goes into one answer.
pub(super) struct Page {
    pub(super) changed: Vec<Member>,
    pub(super) removed: Vec<Name>,
    /// Up to where it goes.
    pub(super) token: ModSeq,
    /// There is more.
    pub(super) cut: bool,
}

impl Page {
    /// At most `limit` resources. All that changed at one modseq goes together, as the token cannot stand between; `None` if even the first such group
    /// is too large. Removals carry no modseq here, so they all go into each page: told twice, they do no harm.
    pub(super) fn of(changes: Changes, limit: usize) -> Option<Self> {
        let Changes { token, mut changed, removed } = changes;
        let room = limit.saturating_sub(removed.len());
        if changed.len() <= room {
            return if removed.len() > limit { None } else { Some(Self { changed, removed, token, cut: false }) };
        }
        changed.sort_by_key(|member| member.modseq);
        let first_left_out = changed[room].modseq;
        let keep = changed.partition_point(|member| member.modseq < first_left_out);
        changed.truncate(keep);
        let last = changed.last()?.modseq;
        // A shared collection counts in its owner's numbers, which may be beyond ours.
        if last >= token {
            return None;
        }
        Some(Self { changed, removed, token: last, cut: true })
    }
}

async fn send(
    mut stream: Stream,
    listing: Listing,
    page: Page,
    folder: Granted<Folder, List>,
    state: SyncState,
) -> Result<Stream, Stopped> {
    let parent = listing.parent(folder).await;
    let address = &listing.viewer.address;
    for name in &page.removed {
        // What is gone cannot be asked whether it was a collection.
        let href = file_href(listing.area, address, &listing.path, name);
        status_only(&href, "HTTP/1.1 404 Not Found", &mut stream.xml);
        stream.breathe().await?;
    }
    for member in &page.changed {
        listing.member(member, &parent, &mut stream.xml).await;
        stream.breathe().await?;
    }
    if page.cut {
        // RFC 6578 section 3.6
        let itself = folder_href(listing.area, address, &listing.path);
        too_many(&itself, &mut stream.xml);
    }
    stream.xml.text("D:sync-token", &sync_token(state));
    Ok(stream)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use octroi_gate::MemberIs;
    use octroi_model::{CollectionKind, Head, Rights, UnixTime};

    fn member(name: &str, modseq: u64) -> Member {
        let facts = octroi_gate::FolderFacts {
            kind: CollectionKind::Folder,
            rights: Rights::ALL,
            real: true,
            display_name: None,
            created: UnixTime(0),
            head: Head::default(),
            properties: Vec::new(),
            owner: "a@b.example".parse().unwrap(),
            sync_id: 1,
            quota: None,
            push: None,
            subscription: None,
            is_shared: false,
        };
        Member { name: Name::new(name).unwrap(), is: MemberIs::Folder(facts), modseq: ModSeq(modseq) }
    }

    fn page(modseqs: &[u64], removed: usize, limit: usize) -> Option<(usize, usize, u64, bool)> {
        let changed = modseqs.iter().enumerate().map(|(n, m)| member(&format!("m{n}"), *m)).collect();
        let removed = (0..removed).map(|n| Name::new(&format!("r{n}")).unwrap()).collect();
        Page::of(Changes { token: ModSeq(9), changed, removed }, limit).map(|p| (p.changed.len(), p.removed.len(), p.token.0, p.cut))
    }

    #[test]
    fn a_page_ends_between_two_modseqs() {
        assert_eq!(page(&[1, 2, 3], 1, 10), Some((3, 1, 9, false)));
        assert_eq!(page(&[3, 1, 2], 0, 2), Some((2, 0, 2, true)));
        assert_eq!(page(&[1, 2, 2, 3], 0, 2), Some((1, 0, 1, true)));
        assert_eq!(page(&[1, 2, 3], 2, 3), Some((1, 2, 1, true)));
        assert_eq!(page(&[2, 2, 2], 0, 2), None);
        assert_eq!(page(&[], 3, 2), None);
        assert_eq!(page(&[1], 0, 0), None);
        // Counted by another owner: no token stands for it.
        assert_eq!(page(&[50, 60], 0, 1), None);
    }
}
