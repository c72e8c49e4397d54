//! SEARCH and UID SEARCH. RFC 9051 section 6.4.4, answered as RFC 3501 section 7.2.5 says.
//!
//! Rounds: what the columns and the view decide, what the search index decides, what headers decide, what only bodies decide. Contents are
//! read in groups, so that memory is bounded whatever the mailbox holds.

use crate::columns::columns_of;
use crate::query::{Candidate, Place, Query, QueryError};
use crate::reply::{Done, Fault, Reply};
use crate::state::{By, Selected};
use crate::view::Expunges;
use crate::view::Snapshot;
use crate::wire::Wire;
use crate::wire::fetch::write_search;
use crate::wire::grammar::search::Program;
use imap_codec::imap_types::core::Charset;
use imap_codec::imap_types::response::{Code, StatusKind};
use octroi_gate::{Found, Part, Refusal};
use octroi_model::Item;
use std::sync::Arc;
use tokio::task::spawn_blocking;

/// Messages that are read at once.
const GROUP_MESSAGES: usize = 256;
/// Octets that are read at once; a single message may have more.
const GROUP_BYTES: u64 = 1024 * 1024;

/// SEARCH, UID SEARCH.
pub(crate) async fn search(wire: &mut Wire, selected: &mut Selected, program: &Program, by: By) -> Done {
    // What has arrived is told first, so that it can be found.
    selected.announce(wire, Expunges::Held).await?;
    let found = matching(selected, program).await?;
    let numbers = found.into_iter().filter_map(|position| number(selected, position, by));
    let mut out = Vec::new();
    write_search(&mut out, numbers);
    wire.raw(&out).await?;
    Ok(Reply::ok("Done"))
}

/// How a response names the message at a position.
pub(crate) fn number(selected: &Selected, position: usize, by: By) -> Option<u32> {
    match by {
        By::Number => Some(position as u32 + 1),
        By::Uid => selected.sight.shown().uid_at(position).map(|uid| uid.0),
    }
}

/// The positions of the messages that match, ascending. SORT and THREAD search too.
pub(crate) async fn matching(selected: &Selected, program: &Program) -> Result<Vec<usize>, Fault> {
    let place = Place { view: selected.sight.shown(), keywords: selected.sight.current().keywords() };
    let mut query = Query::new(program, &place).map_err(refused)?;
    if query.reads_columns()
        && let Some((columns, places)) = columns_of(selected.sight.shown()).await?
    {
        query.ask(&columns, &places);
    }
    let sought = query.seek();
    let query = Arc::new(query);
    let mut found = vec![false; selected.sight.shown().length()];
    let mut open = Vec::new();
    for (position, is_found) in found.iter_mut().enumerate() {
        // Most searches are decided without a look at the message.
        let answer = query.decide_at(position).or_else(|| {
            let item = selected.sight.item(position)?;
            query.decide(&candidate(selected, position, item))
        });
        match answer {
            Some(answer) => *is_found = answer,
            None => open.push(position),
        }
    }
    let mut known = Found::default();
    if !open.is_empty() && !sought.is_empty() {
        known = selected.sight.shown().find(sought).await?;
        open.retain(|position| {
            let Some(item) = selected.sight.item(*position) else { return false };
            let answer = query.decide(&Candidate { found: Some(&known), ..candidate(selected, *position, item) });
            found[*position] |= answer == Some(true);
            answer.is_none()
        });
    }
    let known = Arc::new(known);
    if query.reads_header() {
        open = round(selected, (&query, &known), open, Part::Header, &mut found).await?;
    }
    round(selected, (&query, &known), open, Part::Whole, &mut found).await?;
    Ok(found.iter().enumerate().filter(|(_, is_found)| **is_found).map(|(position, _)| position).collect())
}

fn candidate<'a>(selected: &Selected, position: usize, item: &'a Item) -> Candidate<'a> {
    Candidate { position, item, is_recent: selected.is_recent(item.uid), found: None, header: None, octets: None }
}

/// What is asked, and what the search index knows.
type Asked<'a> = (&'a Arc<Query>, &'a Arc<Found>);

/// Read this part of the open messages, group by group; returns those that are still open.
async fn round(selected: &Selected, asked: Asked<'_>, open: Vec<usize>, part: Part, found: &mut [bool]) -> Result<Vec<usize>, Fault> {
    let mut still_open = Vec::new();
    let mut group = Vec::new();
    let mut group_bytes = 0;
    for position in open {
        let Some(item) = selected.sight.item(position) else { continue };
        group_bytes += if part == Part::Header { u64::from(item.content.header_bytes) } else { item.bytes() };
        group.push(position);
        if group.len() >= GROUP_MESSAGES || group_bytes >= GROUP_BYTES {
            look(selected, asked, std::mem::take(&mut group), part, found, &mut still_open).await?;
            group_bytes = 0;
        }
    }
    look(selected, asked, group, part, found, &mut still_open).await?;
    Ok(still_open)
}

async fn look(
    selected: &Selected,
    (query, known): Asked<'_>,
    group: Vec<usize>,
    part: Part,
    found: &mut [bool],
    still_open: &mut Vec<usize>,
) -> Result<(), Fault> {
    if group.is_empty() {
        return Ok(());
    }
    let view = selected.sight.shown();
    let wanted: Vec<(usize, Part)> = group.iter().map(|position| (*position, part)).collect();
    let contents = match view.read(&wanted).await {
        Ok(contents) => group.iter().copied().zip(contents).collect(),
        Err(Refusal::Missing | Refusal::Damaged) => one_by_one(selected, &wanted).await?,
        Err(refusal) => return Err(refusal.into()),
    };
    let messages: Vec<(usize, Item, bool, Vec<u8>)> = contents
        .into_iter()
        .filter_map(|(position, octets)| {
            let item = selected.sight.item(position)?.clone();
            let is_recent = selected.is_recent(item.uid);
            Some((position, item, is_recent, octets))
        })
        .collect();
    let (query, known) = (query.clone(), known.clone());
    // Decoding and comparing is work for the processor: other connections must not wait for it.
    let decided = spawn_blocking(move || {
        let decide = |(position, item, is_recent, octets): &(usize, Item, bool, Vec<u8>)| {
            let (header, whole) = if part == Part::Header { (Some(&octets[..]), None) } else { (None, Some(&octets[..])) };
            let message = Candidate { position: *position, item, is_recent: *is_recent, found: Some(&known), header, octets: whole };
            (*position, query.decide(&message))
        };
        messages.iter().map(decide).collect::<Vec<_>>()
    });
    for (position, answer) in decided.await.map_err(|_| Refusal::Unavailable)? {
        match answer {
            Some(answer) => found[position] = answer,
            None => still_open.push(position),
        }
    }
    Ok(())
}

/// A message of the group has gone for good or is damaged: what is left of the group.
async fn one_by_one(selected: &Selected, wanted: &[(usize, Part)]) -> Result<Vec<(usize, Vec<u8>)>, Fault> {
    let mut contents = Vec::with_capacity(wanted.len());
    for one in wanted {
        match selected.sight.shown().read(std::slice::from_ref(one)).await {
            Ok(read) => contents.extend(read.into_iter().map(|octets| (one.0, octets))),
            Err(Refusal::Missing | Refusal::Damaged) => {}
            Err(refusal) => return Err(refusal.into()),
        }
    }
    Ok(contents)
}

fn refused(error: QueryError) -> Fault {
    let no = |code, text: &'static str| Fault::Reply(Reply { kind: StatusKind::No, code: Some(code), text: text.into() });
    match error {
        QueryError::Charset => {
            let allowed = ["US-ASCII", "UTF-8"].into_iter().filter_map(|name| Charset::try_from(name).ok()).collect();
            no(Code::BadCharset { allowed }, "The charset is not known")
        }
        QueryError::NothingSaved => Reply::bad("There is no saved search result").into(),
        QueryError::Text => Reply::bad("The text is not in its charset").into(),
        QueryError::TooLong => Reply::no("LIMIT", "The text to look for is too long").into(),
    }
}
