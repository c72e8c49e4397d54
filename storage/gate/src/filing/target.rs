//! The mailbox that a filter names: one of its owner's, where those who had a hand in the filter could put a message.

use super::Filter;
use crate::acts::mailbox::{KEYWORD_BYTES_MAX, known_keywords, permitted};
use crate::gate::new_collection;
use crate::granted::{Mailbox, NewMailbox, verdict};
use crate::purpose::{Append, CreateMailbox};
use crate::tree::{self, SHARED};
use octroi_engine::{Batch, Change, Engine};
use octroi_model::{Collection, CollectionId, CollectionKind, Flags, KEYWORDS_MAX, Path};
use octroi_policy::{Area, Circumstances, Deed, Strength};
use std::collections::HashMap;
use std::sync::Arc;

/// What is wanted.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'w> {
    pub(super) mailbox: Option<&'w str>,
    pub(super) create: bool,
    pub(super) flags: &'w [String],
}

/// Where it goes.
pub(super) struct Target {
    pub(super) collection: CollectionId,
    pub(super) flags: Flags,
}

/// Mailboxes that this batch makes, by their path.
#[derive(Default)]
pub(super) struct Made(HashMap<String, Collection>);

/// Is there a mailbox of that name, into which the filter may file?
pub(super) fn exists(filter: &Filter, mailbox: &str) -> bool {
    matches!(find(filter, mailbox), Ok(Found::There(..)))
}

/// Where a message goes; or why it may not, for people.
pub(super) async fn target(filter: &Filter, wanted: Wanted<'_>, batch: &mut Batch, made: &mut Made) -> Result<Target, String> {
    let engine = filter.gate.engine();
    let Some(mailbox) = wanted.mailbox else {
        let inbox = engine.collection(filter.inbox).ok_or("the account is gone")?;
        // What is delivered into the INBOX needs no right; what it is marked with does.
        return Ok(Target { collection: inbox.id, flags: flags(filter, &inbox, "INBOX", wanted.flags).await? });
    };
    match find(filter, mailbox)? {
        Found::There(collection, path) => {
            not_reserved(filter, &path, true, wanted.flags)?;
            Ok(Target { collection: collection.id, flags: flags(filter, &collection, &path, wanted.flags).await? })
        }
        Found::Missing(above, path) if wanted.create => make(filter, wanted, &above, &path, batch, made),
        Found::Missing(..) => Err(format!("there is no mailbox \"{mailbox}\"")),
    }
}

enum Found {
    /// With its path as the rules name it.
    There(Arc<Collection>, String),
    /// The last one above it that is there, and the whole path.
    Missing(Arc<Collection>, Path),
}

fn find(filter: &Filter, mailbox: &str) -> Result<Found, String> {
    let engine = filter.gate.engine();
    let path = Path::parse(mailbox, '/').map_err(|error| format!("\"{mailbox}\" is no name of a mailbox: {error}"))?;
    // What others share is never the owner's own.
    if path.names().first().is_some_and(|name| name.as_str() == SHARED) {
        return Err(format!("\"{mailbox}\" is somebody else's"));
    }
    let mut at = tree::home(engine, filter.account.id, Area::Mail).ok_or("the account has no mailboxes")?;
    for name in path.names() {
        match tree::child(engine, &at, name) {
            Some(below) => at = below,
            None => return Ok(Found::Missing(at, path)),
        }
    }
    let (_, place) = tree::place(engine, &at).ok_or("the mailbox is gone")?;
    let place = place.join("/");
    verdict::<Mailbox, Append>(filter.rights(&place)).map_err(|_| format!("it may not file into \"{mailbox}\""))?;
    Ok(Found::There(at, place))
}

/// A mailbox with those above it, in the same batch.
fn make(
    filter: &Filter,
    wanted: Wanted<'_>,
    above: &Arc<Collection>,
    path: &Path,
    batch: &mut Batch,
    made: &mut Made,
) -> Result<Target, String> {
    let engine = filter.gate.engine();
    let whole = path.join("/");
    let refused = || format!("it may not make \"{whole}\"");
    not_reserved(filter, &whole, true, wanted.flags)?;
    let above_path = tree::place(engine, above).map(|(_, path)| path.join("/")).unwrap_or_default();
    verdict::<NewMailbox, CreateMailbox>(filter.rights(&above_path)).map_err(|_| refused())?;
    let rights = filter.rights(&whole);
    verdict::<Mailbox, Append>(rights).map_err(|_| refused())?;
    let home = tree::home(engine, filter.account.id, Area::Mail).ok_or_else(refused)?;
    if tree::subtree(engine, &home).len() + made.0.len() + path.names().len() > filter.gate.0.limits.collections_max {
        return Err("the account has as many mailboxes as it may have".to_owned());
    }
    let depth = if above_path.is_empty() { 0 } else { above_path.split('/').count() };
    let (mut parent, mut at) = (above.id, above_path);
    for (level, name) in path.names().iter().enumerate().skip(depth) {
        at = tree::joined(&at, name);
        if let Some(known) = made.0.get(&at) {
            parent = known.id;
            continue;
        }
        let mut collection = new_collection(engine, Some(parent), name.clone(), CollectionKind::Mailbox, filter.account.id);
        if level + 1 == path.names().len() && permitted(rights).contains(Flags::all_keywords()) {
            collection.keywords = keywords(wanted.flags).into_iter().take(KEYWORDS_MAX).map(Arc::from).collect();
        }
        parent = collection.id;
        batch.push(Change::CreateCollection { collection: collection.clone(), parent_head: None });
        // Most programs show only what is subscribed to.
        batch.push(Change::Subscribe { account: filter.account.id, mailbox: at.clone(), subscribed: true });
        made.0.insert(at.clone(), collection);
    }
    let collection = made.0.get(&at).ok_or_else(refused)?;
    let named = known_keywords(collection, &keywords(wanted.flags));
    Ok(Target { collection: collection.id, flags: (system(wanted.flags) | named).and(permitted(rights)) })
}

/// The flags that a message gets there: as far as the rights go, and keywords as far as there is room.
async fn flags(filter: &Filter, collection: &Arc<Collection>, path: &str, named: &[String]) -> Result<Flags, String> {
    if named.is_empty() {
        return Ok(Flags::NONE);
    }
    not_reserved(filter, path, false, named)?;
    let allowed = permitted(filter.rights(path));
    let keywords = if allowed.contains(Flags::all_keywords()) { keywords(named) } else { Vec::new() };
    let known = with_keywords(filter.gate.engine(), collection, &keywords).await;
    Ok((system(named) | known_keywords(&known, &keywords)).and(allowed))
}

fn system(named: &[String]) -> Flags {
    let of = |name: &String| Flags::SYSTEM.into_iter().find(|(_, known)| known.eq_ignore_ascii_case(name)).map(|(flag, _)| flag);
    named.iter().filter_map(of).fold(Flags::NONE, |sum, flag| sum | flag)
}

fn keywords(named: &[String]) -> Vec<&str> {
    let is_keyword = |name: &&str| {
        !name.is_empty() && !name.starts_with('\\') && name.len() <= KEYWORD_BYTES_MAX && name.bytes().all(|b| b.is_ascii_graphic())
    };
    named.iter().map(String::as_str).filter(is_keyword).collect()
}

/// The collection once these have their bits, by a change of its own before the batch that uses them; those for which there is no room go
/// without.
async fn with_keywords(engine: &dyn Engine, collection: &Arc<Collection>, keywords: &[&str]) -> Arc<Collection> {
    let room = KEYWORDS_MAX.saturating_sub(collection.keywords.len());
    let is_new = |keyword: &&&str| !collection.keywords.iter().any(|known| known.eq_ignore_ascii_case(keyword));
    let mut batch = Batch::new();
    for keyword in keywords.iter().filter(is_new).take(room) {
        batch.push(Change::AddKeyword { collection: collection.id, keyword: Arc::from(*keyword) });
    }
    if !batch.is_empty()
        && let Err(error) = engine.commit(batch).await
    {
        tracing::debug!(?error, "keywords of a filter found no place");
    }
    engine.collection(collection.id).unwrap_or_else(|| collection.clone())
}

/// A reserved action is a person's, with a second factor where it asks for one: never a filter's.
fn not_reserved(filter: &Filter, path: &str, adds: bool, named: &[String]) -> Result<(), String> {
    let policy = filter.gate.policy();
    if !policy.reserves_anything() {
        return Ok(());
    }
    let who = Circumstances { profile: &filter.account.profile, zone: "", strength: Strength::AppPassword, second_factor_age: None };
    let deed = Deed { area: Area::Mail, path, adds, keywords: &keywords(named) };
    let action = match octroi_policy::reserved(&policy, &who, &deed) {
        Ok(actions) => actions.first().map(|action| (*action).to_owned()),
        Err(withheld) => Some(withheld.action.to_owned()),
    };
    action.map_or(Ok(()), |action| Err(format!("`{action}` is a reserved action, which no filter does")))
}
