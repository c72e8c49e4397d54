//! ESEARCH: a search in many mailboxes, which need not be open. RFC 7377.
//!
//! What always holds: only mailboxes that the session may read are searched; of others, and of those in which nothing is found, there is no
//! word. Looking into a mailbox changes nothing in it: what is recent stays so.

use crate::commands::search::{Answer, Ground, forget_if_refused, matching, prepare, refuse_update, save};
use crate::message_limit::Partial;
use crate::progress::Progress;
use crate::reply::{Done, Fault, Reply};
use crate::state::{By, Selected, State};
use crate::view::Sight;
use crate::wire::Wire;
use crate::wire::grammar::filter::Filter;
use crate::wire::grammar::multisearch::{Esearch, Source};
use crate::wire::grammar::returns::Returns;
use crate::wire::grammar::search::Program;
use crate::wire::mailbox::on_wire;
use imap_codec::imap_types::core::Tag;
use octroi_gate::{Area, Entry, MailboxAt, MailboxView, Refusal, Select, Session};
use octroi_model::{CollectionId, Rights, UidSet};

/// Mailboxes that one command looks into.
const MAILBOXES_MAX: usize = 4_096;

/// ESEARCH.
pub(crate) async fn esearch(wire: &mut Wire, state: &mut State, command: Esearch, tag: &Tag<'_>) -> Done {
    let Esearch { sources, returns, program } = command;
    let session = state.session()?.clone();
    let is_in_selected = sources == [Source::Selected];
    if sources.contains(&Source::Selected) {
        state.selected()?;
    }
    // RFC 7377 section 2.2: what is saved is of the open mailbox, and so is what is updated.
    if !is_in_selected && (program.names_saved() || returns.save) {
        return Err(Reply::bad("What is saved is of the open mailbox only").into());
    }
    if returns.update.is_some() {
        state.selected()?;
    }
    // RFC 7377 section 2.1: uids are told in any case.
    let answer = Answer { tag, by: By::Uid, returns: Some(returns), modseq: program.names_modseq() };
    let mut selected = state.selected().ok();
    let done = find(wire, &session, &mut selected, (&sources, &program), &answer).await;
    if let Some(selected) = selected {
        forget_if_refused(selected, &answer, &done);
    }
    done
}

async fn find(
    wire: &mut Wire,
    session: &Session,
    selected: &mut Option<&mut Selected>,
    (sources, program): (&[Source], &Program),
    answer: &Answer<'_>,
) -> Done {
    if let Some(selected) = selected {
        prepare(wire, selected, program).await?;
        selected.admit_update(answer)?;
    }
    let open = selected.as_ref().map(|selected| selected.mailbox.collection_id());
    let subscriptions = if sources.contains(&Source::Other(Filter::Subscribed)) { session.subscriptions() } else { Vec::new() };
    let mut entries = session.tree(Area::Mail).await;
    // Whoever may not read a mailbox is told nothing of it.
    entries.retain(|entry| entry.real && entry.rights.contains(Rights::READ) && is_wanted(entry, sources, open, &subscriptions));
    if entries.len() > MAILBOXES_MAX {
        return Err(Reply::no("LIMIT", "Too many mailboxes to search").into());
    }
    let is_in_selected = sources == [Source::Selected];
    if answer.updates().is_some() && !entries.iter().any(|entry| Some(entry.id) == open) {
        let mut out = Vec::new();
        refuse_update(&mut out, answer.tag);
        wire.raw(&out).await?;
    }
    let mut partly = None;
    for entry in entries {
        let (line, partial) = match selected {
            Some(selected) if Some(entry.id) == open => look_here(wire, selected, &entry, (program, answer), is_in_selected).await?,
            _ => look(wire, session, &entry, program, answer).await?,
        };
        wire.raw(&line).await?;
        partly = partly.or(partial.map(|partial| if is_in_selected { partial } else { partial.of_several() }));
    }
    Partial::told(partly, wire, Ok(Reply::ok("Done"))).await
}

/// The response for the open mailbox.
async fn look_here(
    wire: &mut Wire,
    selected: &mut Selected,
    entry: &Entry,
    (program, answer): (&Program, &Answer<'_>),
    is_saved: bool,
) -> Result<(Vec<u8>, Option<Partial>), Fault> {
    let (program, partial) = wire.message_limit().narrow(program, selected.sight.shown(), &selected.saved);
    let found = matching(selected.ground(), &program, &mut Progress::new(wire, answer.tag)).await?;
    if is_saved {
        save(selected, answer, &found)?;
    }
    let mut out = written(wire, entry, answer, &selected.sight, &found);
    selected.keep_updated(&mut out, (&program, None), answer, &about(wire, entry), &found);
    Ok((out, partial))
}

/// The response for a mailbox that is not open; empty when it has gone meanwhile, or out of reach.
async fn look(
    wire: &mut Wire,
    session: &Session,
    entry: &Entry,
    program: &Program,
    answer: &Answer<'_>,
) -> Result<(Vec<u8>, Option<Partial>), Fault> {
    let view = match session.open(MailboxAt(entry.path.clone()), Select).await {
        Ok(mailbox) => mailbox.view().await,
        Err(refusal) => Err(refusal),
    };
    let sight = match view {
        Ok(view) => Sight::new(view),
        Err(Refusal::Missing | Refusal::Forbidden(_)) => return Ok((Vec::new(), None)),
        Err(refusal) => return Err(refusal.into()),
    };
    let (program, partial) = wire.message_limit().narrow(program, sight.shown(), &UidSet::default());
    let ground = Ground { sight: &sight, recent: None, saved: None };
    match matching(ground, &program, &mut Progress::new(wire, answer.tag)).await {
        Ok(found) => Ok((written(wire, entry, answer, &sight, &found), partial)),
        Err(Fault::Refused(Refusal::Missing | Refusal::Forbidden(_))) => Ok((Vec::new(), None)),
        Err(fault) => Err(fault),
    }
}

// RFC 7377 section 2.1: nothing is said of a mailbox in which nothing is found, also when its count was asked for.
fn written(wire: &Wire, entry: &Entry, answer: &Answer<'_>, sight: &Sight<MailboxView>, found: &[usize]) -> Vec<u8> {
    let mut out = Vec::new();
    if !found.is_empty() && !answer.returns.as_ref().is_some_and(Returns::is_silent) {
        answer.write_extended(&mut out, &about(wire, entry), sight, found);
    }
    out
}

/// Which mailbox a response is about.
fn about(wire: &Wire, entry: &Entry) -> String {
    format!(" MAILBOX {} UIDVALIDITY {}", on_wire(&entry.path.join("/"), wire.enabled.utf8()), entry.uid_validity.0)
}

fn is_wanted(entry: &Entry, sources: &[Source], open: Option<CollectionId>, subscriptions: &[String]) -> bool {
    let name = entry.path.join("/");
    sources.iter().any(|source| match source {
        Source::Selected => Some(entry.id) == open,
        Source::Other(filter) => filter.covers(&name, |name| subscriptions.iter().any(|one| one == name)),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use octroi_model::{CollectionKind, Path, UidValidity};

    #[test]
    fn sources_name_mailboxes() {
        let wanted = |name: &str, source: Source| {
            let entry = Entry {
                id: CollectionId(7),
                path: Path::parse(name, '/').unwrap(),
                kind: CollectionKind::Mailbox,
                rights: Rights::parse("lr").unwrap(),
                real: true,
                special_use: None,
                children: false,
                head: None,
                uid_validity: UidValidity(1),
            };
            is_wanted(&entry, &[source], Some(CollectionId(7)), &["a/b".to_owned()])
        };
        assert!(wanted("x", Source::Selected));
        let subscribed = || Source::Other(Filter::Subscribed);
        assert!(wanted("a/b", subscribed()) && !wanted("a", subscribed()));
    }
}
