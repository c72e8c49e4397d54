//! `sync-collection` of a home, and of a tree with all below it (RFC 6578 section 3.3, `infinite`).
//!
//! Called by `sync_collection`. The token names every collection that was told of (`standing`), so a page ends wherever it is full, and a collection
//! that somebody shares comes and goes like one's own. On one level a collection has changed when its own token has: clients that ask at the home
//! which of their calendars to look at see it so.

use crate::caldav::describe_shared;
use crate::call::{Call, folder_at};
use crate::methods::propfind::Listing;
use crate::multistatus::{Stopped, Stream, Wanted, status_only, streamed, too_many};
use crate::path::{Place, file_href, folder_href};
use crate::refusal::{Answer, Fault};
use crate::standing::{Level, Stand, Standing};
use http::StatusCode;
use octroi_gate::{Folder, FolderFacts, Granted, List, Member, MemberIs, Refusal};
use octroi_model::{CollectionKind, ModSeq, Name, Path, Rights};
use std::collections::VecDeque;
use std::ops::Bound;

use super::{Page, invalid_token};

/// What is told of one collection.
struct Part {
    path: Path,
    folder: Granted<Folder, List>,
    changed: Vec<Member>,
    /// What is gone, and whether it was a collection.
    removed: Vec<(Name, bool)>,
}

/// What goes into one answer.
struct Plan {
    parts: Vec<Part>,
    /// What the client has after it.
    standing: Standing,
    cut: bool,
}

/// One answer on its way.
struct Gathering<'a> {
    call: &'a Call,
    place: &'a Place,
    standing: Standing,
    /// Resources that still go into it.
    room: usize,
    parts: Vec<Part>,
    waiting: VecDeque<Path>,
}

/// There is no room for more.
struct Full;

/// The report, of at most `limit` resources.
pub(super) async fn sync_tree(call: &Call, place: &Place, wanted: Wanted, since: Standing, limit: usize) -> Answer {
    let gathering = Gathering { call, place, standing: since, room: limit, parts: Vec::new(), waiting: VecDeque::from([Path::top()]) };
    let plan = gathering.run().await?;
    let listing = Listing::of(call, place, wanted);
    Ok(streamed(move |stream| send(stream, listing, plan)))
}

impl Gathering<'_> {
    async fn run(mut self) -> Result<Plan, Fault> {
        while let Some(path) = self.waiting.pop_front() {
            let mut names = self.place.path.names().to_vec();
            names.extend_from_slice(path.names());
            let Ok(whole) = Path::from_names(names) else { continue };
            let at = folder_at(&Place { path: whole.clone(), ..self.place.clone() });
            let folder = match self.call.session.open(at, List).await {
                Ok(folder) => folder,
                // It has gone since it was listed.
                Err(Refusal::Missing | Refusal::Forbidden(_)) if !path.names().is_empty() => continue,
                Err(refusal) => return Err(Fault::Gate(refusal, self.call.href())),
            };
            let facts = folder.facts();
            let mut part = Part { path: whole, folder, changed: Vec::new(), removed: Vec::new() };
            let mut full = self.collections(&path, &mut part)?.is_err();
            let holds = self.holds_items(&path, &facts);
            // Who may only add to it is told of nothing in it.
            if path.names().is_empty() && facts.real && !holds && !self.place.path.names().is_empty() {
                return Err(Fault::Gate(Refusal::Unsupported, self.call.href()));
            }
            if !full && holds {
                full = self.items(&path, &facts, &mut part).await?.is_err();
            }
            self.parts.push(part);
            if full {
                let is_any = self.parts.iter().any(|part| !part.changed.is_empty() || !part.removed.is_empty());
                return if is_any { Ok(self.plan(true)) } else { Err(too_large()) };
            }
            if path.names().is_empty() {
                self.standing.top.modseq = self.standing.top.modseq.max(facts.head.modseq);
            }
        }
        Ok(self.plan(false))
    }

    fn plan(self, cut: bool) -> Plan {
        Plan { parts: self.parts, standing: self.standing, cut }
    }

    /// The collections in it that came, changed or went.
    fn collections(&mut self, path: &Path, part: &mut Part) -> Result<Result<(), Full>, Fault> {
        let members = part.folder.folders().map_err(Fault::about(&self.call.href()))?;
        let after = self.standing.below.range((Bound::Excluded(path), Bound::Unbounded)).map(|(at, _)| at);
        let known = after.take_while(|at| at.names().starts_with(path.names())).filter(|at| at.names().len() == path.names().len() + 1);
        let is_there = |name: &Name| members.binary_search_by(|member| member.name.cmp(name)).is_ok();
        let gone: Vec<Path> = known.filter(|at| !at.names().last().is_some_and(is_there)).cloned().collect();
        for below in gone {
            if self.room == 0 {
                return Ok(Err(Full));
            }
            self.room -= 1;
            part.removed.extend(below.names().last().map(|name| (name.clone(), true)));
            // What was in it has gone with it, and is not told one by one.
            self.standing.below.retain(|at, _| !at.names().starts_with(below.names()));
        }
        for member in members {
            let (MemberIs::Folder(facts), Ok(at)) = (&member.is, path.child(member.name.clone())) else { continue };
            let (now, is_looked_into) = (Stand::of(facts), !facts.real || facts.rights.contains(Rights::READ));
            let before = self.standing.below.get(&at).copied();
            let is_deep = self.standing.level == Level::Infinite;
            // Its members have other names by now, or none of them is that which the client has.
            if is_deep && before.is_some_and(|before| before.id != now.id) {
                return Err(invalid_token());
            }
            // With all that is in it, its counter says up to where that was told, and what is said of itself is in the mark.
            let is_as_told = if is_deep { before.is_some_and(|before| before.mark == now.mark) } else { before == Some(now) };
            if !is_as_told {
                if self.room == 0 {
                    return Ok(Err(Full));
                }
                self.room -= 1;
                // Of what is in it nothing has been told yet.
                let modseq = if is_deep { before.map_or(ModSeq(0), |before| before.modseq) } else { now.modseq };
                self.standing.below.insert(at.clone(), Stand { modseq, ..now });
                if self.standing.below.len() > self.call.config.sync_collections_max {
                    return Err(too_many_collections(self.standing.level));
                }
                part.changed.push(member);
            }
            // What may not be read is not looked into, and asking for it would only be audited.
            if is_deep && is_looked_into {
                self.waiting.push_back(at);
            }
        }
        Ok(Ok(()))
    }

    /// Is there anything but collections in it that is to be told?
    fn holds_items(&self, path: &Path, facts: &FolderFacts) -> bool {
        let holds = matches!(facts.kind, CollectionKind::Folder | CollectionKind::Calendar | CollectionKind::Addressbook);
        let is_reached = path.names().is_empty() || self.standing.level == Level::Infinite;
        holds && is_reached && facts.real && facts.rights.contains(Rights::READ)
    }

    async fn items(&mut self, path: &Path, facts: &FolderFacts, part: &mut Part) -> Result<Result<(), Full>, Fault> {
        let href = self.call.href();
        let told = self.standing.below.get(path).map_or(self.standing.top.modseq, |stand| stand.modseq);
        if told >= facts.head.modseq && told != ModSeq(0) {
            return if told > facts.head.modseq { Err(invalid_token()) } else { Ok(Ok(())) };
        }
        describe_shared(&part.folder, self.call).await.map_err(Fault::about(&href))?;
        let mut changes = match part.folder.changes((told != ModSeq(0)).then_some(told)).await {
            Ok(changes) => changes,
            Err(Refusal::Precondition) => return Err(invalid_token()),
            Err(Refusal::Unsupported) if !path.names().is_empty() => return Ok(Ok(())),
            Err(refusal) => return Err(Fault::Gate(refusal, href)),
        };
        changes.changed.retain(|member| matches!(member.is, MemberIs::Item(_)));
        // Collections are told by what the client has of them, and one that came in the place of a document was told above.
        changes.removed.retain(|name| {
            let is_there = path.child(name.clone()).is_ok_and(|at| self.standing.below.contains_key(&at));
            !is_there && !part.removed.iter().any(|(gone, _)| gone == name)
        });
        let Some(page) = Page::of(changes, self.room) else { return Ok(Err(Full)) };
        self.room = self.room.saturating_sub(page.changed.len() + page.removed.len());
        part.changed.extend(page.changed);
        part.removed.extend(page.removed.into_iter().map(|name| (name, false)));
        match self.standing.below.get_mut(path) {
            Some(stand) => stand.modseq = page.token,
            None => self.standing.top.modseq = page.token,
        }
        Ok(if page.cut { Err(Full) } else { Ok(()) })
    }
}

/// One step is larger than an answer may be.
fn too_large() -> Fault {
    Fault::Rule(StatusCode::INSUFFICIENT_STORAGE, "D:number-of-matches-within-limits")
}

fn too_many_collections(level: Level) -> Fault {
    match level {
        Level::Infinite => Fault::Rule(StatusCode::FORBIDDEN, "D:sync-traversal-supported"),
        Level::One => too_large(),
    }
}

async fn send(mut stream: Stream, mut listing: Listing, plan: Plan) -> Result<Stream, Stopped> {
    let itself = folder_href(listing.area, &listing.viewer.address, &listing.path);
    for Part { path, folder, changed, removed } in plan.parts {
        listing.path = path;
        for (name, was_collection) in &removed {
            let address = &listing.viewer.address;
            let href = match listing.path.child(name.clone()) {
                Ok(path) if *was_collection => folder_href(listing.area, address, &path),
                _ => file_href(listing.area, address, &listing.path, name),
            };
            status_only(&href, "HTTP/1.1 404 Not Found", &mut stream.xml);
            stream.breathe().await?;
        }
        if changed.is_empty() {
            continue;
        }
        let parent = listing.parent(folder).await;
        for member in &changed {
            listing.member(member, &parent, &mut stream.xml).await;
            stream.breathe().await?;
        }
    }
    if plan.cut {
        // RFC 6578 section 3.6
        too_many(&itself, &mut stream.xml);
    }
    stream.xml.text("D:sync-token", &plan.standing.token());
    Ok(stream)
}
