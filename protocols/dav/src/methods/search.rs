//! SEARCH (RFC 5323): what in a tree fits a query, as far as this session may look.
//!
//! Properties are compared as they are told; `contains` looks into names and into the text of documents that are text: the search index knows it,
//! and what it does not know yet is read. How many members are
//! looked at, how much is read and how much is found are bounded: an answer that is not all says so with 507, as section 2.3.1 has it.

use crate::call::{Call, Depth, Found, find, folder_at, is_own};
use crate::methods::propfind::{Listing, viewer};
use crate::multistatus::{describe, whole};
use crate::names::DAV;
use crate::path::{Place, folder_href};
use crate::property::{self, Role, Subject};
use crate::refusal::{Answer, Fault};
use crate::resource::Resource;
use crate::search::condition::Candidate;
use crate::search::{Order, Query, Scope, Value};
use crate::xml::{Xml, parse};
use http::StatusCode;
use octroi_gate::{FileAt, List, Member, MemberIs, Read, is_text};
use octroi_mime::document_text;
use octroi_model::{Item, Name, Rights};
use std::collections::{HashMap, HashSet};
use std::future::poll_fn;
use std::task::Poll;
use std::time::Instant;

/// Bytes of an answer, which is held in memory until it is in order.
const RESULT_BYTES_MAX: usize = 16 << 20;
/// Members between two looks whether others have something to do.
const BREATH: usize = 64;

/// SEARCH.
pub(crate) async fn search(mut call: Call) -> Answer {
    let place = call.place()?;
    let body = call.xml_body().await?;
    let request = parse(&body)?;
    find(&call.session, &place).await.map_err(Fault::about(&call.href()))?;
    let Some(basic) = request.child(DAV, "basicsearch") else {
        let rule =
            if request.is(DAV, "query-schema-discovery") { "D:search-grammar-discovery-supported" } else { "D:search-grammar-supported" };
        return Err(Fault::Rule(StatusCode::UNPROCESSABLE_ENTITY, rule));
    };
    if request.is(DAV, "query-schema-discovery") {
        return Ok(schema(&call.href()));
    }
    if !request.is(DAV, "searchrequest") {
        return Err(Fault::Status(StatusCode::BAD_REQUEST, "The body is a searchrequest element."));
    }
    let base = Place { slash: true, ..place };
    let query = Query::read(basic, &base, &call.headers)?;
    run(&call, &base, &query).await
}

/// Answer a query that was asked of a place.
pub(crate) async fn run(call: &Call, base: &Place, query: &Query) -> Answer {
    let mut texts = Vec::new();
    if let Some(condition) = &query.condition {
        condition.texts(&mut texts);
    }
    let mut walk = Walk {
        texts: texts.into_iter().map(str::to_owned).collect(),
        until: Instant::now() + call.config.search_time,
        visits: call.config.search_visits_max,
        bytes: 0,
        octets: call.config.search_bytes_max,
        cut: false,
        hits: Vec::new(),
        found: HashSet::new(),
        call,
        query,
    };
    for scope in &query.scopes {
        if !is_own(&call.session, &scope.place.address) || scope.place.area != base.area {
            return Err(Fault::Rule(StatusCode::CONFLICT, "D:search-scope-valid"));
        }
        walk.scope(scope).await?;
    }
    let (hits, cut) = walk.end();
    Ok(whole(|xml| {
        for hit in &hits {
            xml.append(&hit.response);
        }
        if cut {
            xml.open("D:response").text("D:href", &call.href()).text("D:status", "HTTP/1.1 507 Insufficient Storage");
            xml.text("D:responsedescription", "Not all was looked at, or found more than is told.").close("D:response");
        }
    }))
}

/// A resource that fits.
struct Hit {
    href: String,
    response: Xml,
    /// What it is ordered by.
    keys: Vec<Option<Value>>,
}

struct Walk<'a> {
    call: &'a Call,
    query: &'a Query,
    /// What contents are looked through for, as collation keys.
    texts: Vec<String>,
    /// What is not found by then is not found.
    until: Instant,
    /// Bytes of what is found.
    bytes: usize,
    /// Members that may still be looked at, and octets of documents that may still be read.
    visits: usize,
    octets: u64,
    /// There is more than was looked at or is told.
    cut: bool,
    hits: Vec<Hit>,
    /// The hrefs of all hits.
    found: HashSet<String>,
}

/// What is known of a member so far.
enum Judged {
    No,
    /// It depends on the content.
    Open,
    Yes(Hit),
}

impl Walk<'_> {
    async fn scope(&mut self, scope: &Scope) -> Result<(), Fault> {
        let (place, depth) = (&scope.place, scope.depth);
        let (call, wanted) = (self.call, &self.query.select);
        let invalid = |_| Fault::Rule(StatusCode::CONFLICT, "D:search-scope-valid");
        let viewer = viewer(call);
        let found = find(&call.session, place).await.map_err(invalid)?;
        let itself = Resource::at(call, &crate::path::Target::Place(place.clone()), wanted, &viewer).await.map_err(invalid)?;
        let name = place.path.names().last().map_or("", Name::as_str);
        let file = if let Found::File(file) = &found { Some((place, file.item())) } else { None };
        let judged = if scope.members_only { Judged::No } else { self.judge(&itself.href, &itself.subject(), name, &[]) };
        match judged {
            Judged::Yes(hit) => self.keep(hit),
            Judged::Open => {
                if let Some((place, item)) = file
                    && let Some((folder, name)) = place.path.split_last()
                    && let Some(contains) = self.contents(&Place { path: folder, ..place.clone() }, name, item).await
                    && let Judged::Yes(hit) = self.judge(&itself.href, &itself.subject(), name.as_str(), &contains)
                {
                    self.keep(hit);
                }
            }
            Judged::No => {}
        }
        if file.is_some() || depth == Depth::Zero {
            return Ok(());
        }
        let mut waiting = vec![place.clone()];
        while let Some(at) = waiting.pop() {
            if self.is_done() {
                break;
            }
            self.folder(&at, depth == Depth::Infinity, &mut waiting).await?;
        }
        Ok(())
    }

    /// The members of one collection.
    async fn folder(&mut self, at: &Place, deep: bool, waiting: &mut Vec<Place>) -> Result<(), Fault> {
        let Ok(folder) = self.call.session.open(folder_at(at), List).await else { return Ok(()) };
        let members = folder.listing().await.map_err(Fault::about(&folder_href(at.area, self.call.session.address(), &at.path)))?;
        let listing = Listing::of(self.call, at, self.query.select.clone());
        // What the index knows need not be read.
        let known = if self.texts.is_empty() { HashMap::new() } else { folder.containing(&self.texts).await.unwrap_or_default() };
        let parent = listing.parent(folder).await;
        for (count, member) in members.members().enumerate() {
            if self.is_done() {
                return Ok(());
            }
            let Some(left) = self.visits.checked_sub(1).filter(|_| Instant::now() < self.until) else {
                self.cut = true;
                return Ok(());
            };
            self.visits = left;
            if count % BREATH == BREATH - 1 {
                breathe().await;
            }
            let name = member.name.as_str();
            let contains = if let MemberIs::Item(item) = &member.is { known.get(&item.uid) } else { None };
            let contains = contains.map_or(&[][..], Vec::as_slice);
            let judged = listing.with_subject(&member, &parent, |href, subject| self.judge(href, subject, name, contains)).await;
            match judged {
                Some(Judged::Yes(hit)) => self.keep(hit),
                Some(Judged::Open) => self.look_into(at, &member, &listing, &parent).await,
                Some(Judged::No) | None => {}
            }
            if let (true, MemberIs::Folder(facts)) = (deep, &member.is)
                && facts.rights.contains(Rights::READ)
                && let Ok(path) = at.path.child(member.name.clone())
            {
                waiting.push(Place { path, slash: true, ..at.clone() });
            }
        }
        Ok(())
    }

    async fn look_into(&mut self, at: &Place, member: &Member, listing: &Listing, parent: &crate::methods::propfind::Parent) {
        let MemberIs::Item(item) = &member.is else { return };
        let Some(contains) = self.contents(at, &member.name, item).await else { return };
        let name = member.name.as_str();
        let judged = listing.with_subject(member, parent, |href, subject| self.judge(href, subject, name, &contains)).await;
        if let Some(Judged::Yes(hit)) = judged {
            self.keep(hit);
        }
    }

    fn judge(&self, href: &str, subject: &Subject<'_>, name: &str, contains: &[Option<bool>]) -> Judged {
        let viewer = viewer(self.call);
        let candidate = Candidate { subject, viewer: &viewer, name, contains };
        match self.query.condition.as_ref().map(|condition| condition.holds(&candidate)) {
            None | Some(Some(true)) => {
                let mut response = Xml::piece();
                describe(href, subject, &self.query.select, &viewer, None, &mut response);
                let keys = self.query.orders.iter().map(|order| Value::of(&order.property, subject, &viewer)).collect();
                Judged::Yes(Hit { href: href.to_owned(), response, keys })
            }
            Some(None) if contains.len() < self.texts.len() || contains.contains(&None) => Judged::Open,
            Some(_) => Judged::No,
        }
    }

    /// Which of the texts a document has; `None` if it is none that is read.
    async fn contents(&mut self, folder: &Place, name: &Name, item: &Item) -> Option<Vec<Option<bool>>> {
        if !is_text(item) {
            return None;
        }
        let work = item.bytes().saturating_mul(self.texts.len() as u64);
        let Some(left) = self.octets.checked_sub(work) else {
            self.cut = true;
            return None;
        };
        self.octets = left;
        let at = FileAt { area: folder.area, folder: folder.path.clone(), name: name.clone() };
        let octets = self.call.session.open(at, Read).await.ok()?.read(0, item.bytes()).await.ok()?;
        let content = document_text(&octets);
        Some(self.texts.iter().map(|text| Some(content.contains(text.as_str()))).collect())
    }

    fn keep(&mut self, hit: Hit) {
        // It may be in several of the scopes.
        if !self.found.insert(hit.href.clone()) {
            return;
        }
        self.bytes += hit.response.len();
        if self.hits.len() < self.call.config.search_results_max && self.bytes <= RESULT_BYTES_MAX {
            self.hits.push(hit);
        } else {
            self.cut = true;
        }
    }

    /// Is there nothing more to be found? Without an order any results are as good as others.
    fn is_done(&self) -> bool {
        let enough = self.query.orders.is_empty() && self.query.limit.is_some_and(|limit| self.hits.len() >= limit);
        enough || self.cut
    }

    fn end(mut self) -> (Vec<Hit>, bool) {
        let orders = &self.query.orders;
        if !orders.is_empty() {
            self.hits.sort_by(|one, other| {
                let by = |(at, order): (usize, &Order)| {
                    let compared = match (&one.keys[at], &other.keys[at]) {
                        (Some(one), Some(other)) => one.order(other, order.caseless),
                        // Section 5.6: what has no such property comes first.
                        (one, other) => one.is_some().cmp(&other.is_some()),
                    };
                    if order.descending { compared.reverse() } else { compared }
                };
                orders.iter().enumerate().map(by).find(|compared| compared.is_ne()).unwrap_or(std::cmp::Ordering::Equal)
            });
        }
        self.hits.truncate(self.query.limit.unwrap_or(usize::MAX));
        (self.hits, self.cut)
    }
}

/// Let others of this thread go on.
async fn breathe() {
    let mut rested = false;
    poll_fn(|context| {
        if std::mem::replace(&mut rested, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// What can be searched (section 4): every live property, and any that a client set.
fn schema(href: &str) -> axum::response::Response {
    whole(|xml| {
        xml.open("D:response").text("D:href", href).text("D:status", "HTTP/1.1 200 OK");
        xml.open("D:query-schema").open("D:basicsearchschema").open("D:properties");
        for known in property::all() {
            let datatype = match known.role {
                Role::ContentLength | Role::Octets => "XS:integer",
                Role::LastModified | Role::CreationDate => "XS:dateTime",
                _ => "XS:string",
            };
            xml.open("D:propdesc").open("D:prop").empty(known.tag).close("D:prop");
            xml.open("D:datatype").empty(datatype).close("D:datatype");
            xml.empty("D:searchable").empty("D:selectable").empty("D:sortable").close("D:propdesc");
        }
        xml.open("D:propdesc").empty("D:any-other-property").open("D:datatype").empty("XS:string").close("D:datatype");
        xml.empty("D:searchable").empty("D:selectable").empty("D:sortable").close("D:propdesc");
        xml.close("D:properties").open("D:operators");
        for operator in ["D:like", "D:contains"] {
            xml.open("D:opdesc").empty(operator).empty("D:operand-property").empty("D:operand-literal").close("D:opdesc");
        }
        xml.close("D:operators").close("D:basicsearchschema").close("D:query-schema").close("D:response");
    })
}
