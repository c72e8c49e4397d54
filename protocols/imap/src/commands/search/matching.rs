//! What SEARCH, SORT, THREAD and ESEARCH have in common: which messages of a mailbox match.
//!
//! Rounds: what the columns and the view decide, what the search index decides, what headers decide, what only bodies decide. Contents are
//! read in groups, so that memory is bounded whatever the mailbox holds. Where much is read, the client is told now and then how far it is.

use crate::columns::{Use, columns_of};
use crate::progress::Progress;
use crate::query::{Candidate, Place, Query, QueryError};
use crate::reply::{Fault, Reply};
use crate::view::{Recent, Sight, Snapshot};
use crate::wire::grammar::search::Program;
use imap_codec::imap_types::core::Charset;
use imap_codec::imap_types::response::{Code, StatusKind};
use octroi_gate::{Found, MailboxView, Part, Refusal};
use octroi_model::{Item, Uid, UidSet, UnixTime};
use std::sync::Arc;
use tokio::task::spawn_blocking;

/// Messages that are read at once.
const GROUP_MESSAGES: usize = 256;
/// Octets that are read at once; a single message may have more.
const GROUP_BYTES: u64 = 1024 * 1024;

/// What a search looks through.
#[derive(Clone, Copy)]
pub(crate) struct Ground<'a> {
    pub(crate) sight: &'a Sight<MailboxView>,
    /// Of a mailbox that is not open, no message is recent.
    pub(crate) recent: Option<&'a Recent>,
    /// What `$` stands for.
    pub(crate) saved: Option<&'a UidSet>,
}

impl Ground<'_> {
    fn is_recent(&self, uid: Uid) -> bool {
        self.recent.is_some_and(|recent| recent.contains(uid))
    }

    fn candidate<'a>(&self, position: usize, item: &'a Item) -> Candidate<'a> {
        Candidate { position, item, is_recent: self.is_recent(item.uid), found: None, header: None, octets: None }
    }
}

/// The positions of the messages that match, ascending.
pub(crate) async fn matching(ground: Ground<'_>, program: &Program, progress: &mut Progress<'_>) -> Result<Vec<usize>, Fault> {
    let shown = ground.sight.shown();
    let nothing = UidSet::default();
    let saved = ground.saved.unwrap_or(&nothing);
    let place = Place { view: shown, keywords: ground.sight.current().keywords(), saved, now: UnixTime::now() };
    let mut query = Query::new(program, &place).map_err(refused)?;
    if query.reads_columns()
        && let Some((columns, places)) = columns_of(shown, Use::Search).await?
    {
        query.ask(&columns, &places);
    }
    let sought = query.seek();
    let query = Arc::new(query);
    let mut found = vec![false; shown.length()];
    let mut open = Vec::new();
    for (position, is_found) in found.iter_mut().enumerate() {
        // Most searches are decided without a look at the message.
        let answer = query.decide_at(position).or_else(|| {
            let item = ground.sight.item(position)?;
            query.decide(&ground.candidate(position, item))
        });
        match answer {
            Some(answer) => *is_found = answer,
            None => open.push(position),
        }
    }
    let mut known = Found::default();
    if !open.is_empty() && !sought.is_empty() {
        known = shown.find(sought).await?;
        open.retain(|position| {
            let Some(item) = ground.sight.item(*position) else { return false };
            let answer = query.decide(&Candidate { found: Some(&known), ..ground.candidate(*position, item) });
            found[*position] |= answer == Some(true);
            answer.is_none()
        });
    }
    let known = Arc::new(known);
    if query.reads_header() {
        open = round(ground, (&query, &known), open, Part::Header, (&mut found, progress)).await?;
    }
    round(ground, (&query, &known), open, Part::Whole, (&mut found, progress)).await?;
    Ok(found.iter().enumerate().filter(|(_, is_found)| **is_found).map(|(position, _)| position).collect())
}

/// What is asked, and what the search index knows.
type Asked<'a> = (&'a Arc<Query>, &'a Arc<Found>);

/// Read this part of the open messages, group by group; returns those that are still open.
async fn round(
    ground: Ground<'_>,
    asked: Asked<'_>,
    open: Vec<usize>,
    part: Part,
    (found, progress): (&mut [bool], &mut Progress<'_>),
) -> Result<Vec<usize>, Fault> {
    let goal = open.len();
    let mut still_open = Vec::new();
    let mut group = Vec::new();
    let mut group_bytes = 0;
    for (done, position) in open.into_iter().enumerate() {
        let Some(item) = ground.sight.item(position) else { continue };
        group_bytes += if part == Part::Header { u64::from(item.content.header_bytes) } else { item.bytes() };
        group.push(position);
        if group.len() >= GROUP_MESSAGES || group_bytes >= GROUP_BYTES {
            look(ground, asked, std::mem::take(&mut group), part, found, &mut still_open).await?;
            group_bytes = 0;
            progress.tell(done, goal).await?;
        }
    }
    look(ground, asked, group, part, found, &mut still_open).await?;
    Ok(still_open)
}

async fn look(
    ground: Ground<'_>,
    (query, known): Asked<'_>,
    group: Vec<usize>,
    part: Part,
    found: &mut [bool],
    still_open: &mut Vec<usize>,
) -> Result<(), Fault> {
    if group.is_empty() {
        return Ok(());
    }
    let view = ground.sight.shown();
    let wanted: Vec<(usize, Part)> = group.iter().map(|position| (*position, part)).collect();
    let contents = match view.read(&wanted).await {
        Ok(contents) => group.iter().copied().zip(contents).collect(),
        Err(Refusal::Missing | Refusal::Damaged) => one_by_one(ground, &wanted).await?,
        Err(refusal) => return Err(refusal.into()),
    };
    let messages: Vec<(usize, Item, bool, Vec<u8>)> = contents
        .into_iter()
        .filter_map(|(position, octets)| {
            let item = ground.sight.item(position)?.clone();
            let is_recent = ground.is_recent(item.uid);
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
async fn one_by_one(ground: Ground<'_>, wanted: &[(usize, Part)]) -> Result<Vec<(usize, Vec<u8>)>, Fault> {
    let mut contents = Vec::with_capacity(wanted.len());
    for one in wanted {
        match ground.sight.shown().read(std::slice::from_ref(one)).await {
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
            let allowed = octroi_mime::CHARSETS.into_iter().filter_map(|name| Charset::try_from(name).ok()).collect();
            no(Code::BadCharset { allowed }, "The charset is not known")
        }
        QueryError::Text => Reply::bad("The text is not in its charset").into(),
        QueryError::TooLong => Reply::no("LIMIT", "The text to look for is too long").into(),
    }
}
