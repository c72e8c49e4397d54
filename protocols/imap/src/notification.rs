//! What a client has asked to be told unasked (NOTIFY, RFC 5465), and what has changed since it was last told.
//!
//! Owned by `connection`, which tells between commands, and lent to IDLE. What always holds: only what the session may see is in a
//! picture, so nothing else can be told; a mailbox that is no longer to be seen has ceased to exist for the client.

use crate::commands;
use crate::reply::{End, Fault};
use crate::state::{Selected, State};
use crate::view::{Expunges, Snapshot};
use crate::wire::Wire;
use crate::wire::grammar::notify::{Events, Group, Mailboxes};
use crate::wire::grammar::scan::astring;
use crate::wire::mailbox::{SEPARATOR, on_wire};
use crate::wire::numbers::listed;
use octroi_gate::{Annotation, Area, MailWatch, Session};
use octroi_model::{CollectionId, Head, ModSeq, Uid, UidSet, UidValidity};
use std::collections::{BTreeMap, BTreeSet};
use tokio::sync::watch;

/// A NOTIFY that is in force.
pub(crate) struct Notification {
    groups: Vec<Group>,
    watch: MailWatch,
    /// The watch has woken since the last look.
    is_behind: bool,
    picture: Picture,
}

/// The mailboxes that a session may see, as they were at a moment.
#[derive(Debug, Clone, Default)]
struct Picture {
    mailboxes: BTreeMap<CollectionId, Seen>,
    subscriptions: BTreeSet<String>,
    /// Of the server, if changes of them are told.
    annotations: Vec<Annotation>,
}

/// A mailbox in a picture.
#[derive(Debug, Clone)]
struct Seen {
    name: String,
    /// Counters, if its messages may be read.
    head: Option<Head>,
    uid_validity: UidValidity,
    /// By name, if changes of them are told.
    annotations: Vec<Annotation>,
}

/// Something to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Told<'a> {
    /// It is there now, perhaps under another name than before.
    Named { name: &'a str, before: Option<&'a str> },
    /// It is there no longer.
    Gone(&'a str),
    /// It is subscribed, or no longer; and it may not exist.
    Subscription { name: &'a str, is_on: bool, exists: bool },
    /// Annotations of these names were set or taken away; an empty name is the server's.
    Metadata { name: &'a str, entries: Vec<&'a str> },
    /// Messages came or went, or flags changed.
    Counts { name: &'a str, head: Head, uid_validity: UidValidity },
}

impl Notification {
    /// From now on.
    pub(crate) async fn begin(session: &Session, groups: Vec<Group>) -> Self {
        let watch = session.watch_mail();
        let picture = look(session, &groups).await;
        Self { groups, watch, is_behind: false, picture }
    }

    /// What is asked of the selected mailbox, and whether expunges wait for a command.
    fn of_selected(&self) -> Option<(&Events, bool)> {
        self.groups.iter().find_map(|group| match group.mailboxes {
            Mailboxes::Selected { delayed } => Some((&group.events, delayed)),
            Mailboxes::Other(_) => None,
        })
    }

    /// Is it told of changes of flags in the selected mailbox?
    pub(crate) fn tells_flags(&self) -> bool {
        self.of_selected().is_some_and(|(events, _)| events.flag_change)
    }

    /// Does what happens in the selected mailbox concern it?
    fn is_about_selected(&self) -> bool {
        self.of_selected().is_some_and(|(events, _)| events.message_new)
    }

    /// The state of each mailbox of which messages are told, but of the selected one.
    pub(crate) async fn tell_all(&self, wire: &mut Wire, selected: Option<CollectionId>) -> Result<(), End> {
        for (id, seen) in &self.picture.mailboxes {
            let is_asked = is_asked(&self.groups, &self.picture, &seen.name, |events| events.message_new);
            if let (true, Some(head), true) = (is_asked, seen.head, Some(*id) != selected) {
                write(wire, &Told::Counts { name: &seen.name, head, uid_validity: seen.uid_validity }).await?;
            }
        }
        Ok(())
    }

    /// What has changed since it was last told, in mailboxes that are not open. Changes of the open one wake oftener than the watch, which
    /// gathers; all mailboxes are looked at only when it has woken.
    async fn tell(&mut self, wire: &mut Wire, session: &Session, selected: Option<CollectionId>) -> Result<(), End> {
        if !std::mem::take(&mut self.is_behind) {
            return Ok(());
        }
        let now = look(session, &self.groups).await;
        for told in differences(&self.groups, &self.picture, &now, selected) {
            write(wire, &told).await?;
        }
        self.picture = now;
        Ok(())
    }

    /// What has changed in the selected mailbox, as far as it was asked for.
    async fn tell_selected(&self, wire: &mut Wire, selected: &mut Selected) -> Result<(), Fault> {
        let Some((events, delayed)) = self.of_selected().filter(|(events, _)| events.message_new) else { return Ok(()) };
        selected.flags_with_uid = self.tells_flags();
        selected.refresh().await?;
        let view = selected.sight.shown();
        let last = view.length().checked_sub(1).and_then(|last| view.uid_at(last));
        // RFC 5465 section 5: with SELECTED-DELAYED, messages go while a command is answered only.
        selected.announce(wire, if delayed { Expunges::Held } else { Expunges::Told }).await?;
        if events.items.is_empty() {
            return Ok(());
        }
        let view = selected.sight.shown();
        let first = view.lower_bound(last.map_or(Uid(1), Uid::next));
        let newest = view.length().checked_sub(1).and_then(|last| view.uid_at(last));
        let (Some(first), Some(newest)) = (view.uid_at(first), newest) else { return Ok(()) };
        let Some(set) = listed(&UidSet::from_ranges([(first, newest)])) else { return Ok(()) };
        match commands::fetch::fetch_unasked(wire, selected, &set, &events.items).await {
            Err(Fault::End(end)) => Err(end.into()),
            // A message that has gone meanwhile is told with the next change.
            _ => Ok(()),
        }
    }
}

/// Resolves when there may be something to tell; never without a NOTIFY. May be dropped and asked again.
pub(crate) async fn changed(notification: &mut Option<Notification>, state: &mut State) {
    let Some(notification) = notification else { return std::future::pending().await };
    let selected = match state {
        State::Selected(selected) if notification.is_about_selected() => Some(&mut selected.changes),
        _ => None,
    };
    tokio::select! {
        () = notification.watch.changed() => notification.is_behind = true,
        () = moved(selected) => {}
    }
}

async fn moved(changes: Option<&mut watch::Receiver<ModSeq>>) {
    match changes {
        Some(changes) => {
            // A mailbox that was removed is noticed at the look that follows.
            _ = changes.changed().await;
            // The look claims what is recent if it sees that something has changed.
            changes.mark_changed();
        }
        None => std::future::pending().await,
    }
}

/// Tell what has changed, as far as it was asked for.
pub(crate) async fn tell(notification: &mut Option<Notification>, wire: &mut Wire, state: &mut State) -> Result<(), Fault> {
    let Some(notification) = notification else { return Ok(()) };
    let session = state.session()?.clone();
    session.check().await?;
    if let State::Selected(selected) = state {
        notification.tell_selected(wire, selected).await?;
    }
    Ok(notification.tell(wire, &session, state.selected_id()).await?)
}

async fn look(session: &Session, groups: &[Group]) -> Picture {
    let entries = session.tree(Area::Mail).await.into_iter().filter(|entry| entry.real && entry.head.is_some());
    let mut picture = Picture { subscriptions: session.subscriptions().into_iter().collect(), ..Picture::default() };
    for entry in entries {
        let name = entry.path.join("/");
        let mut annotations = Vec::new();
        if is_asked(groups, &picture, &name, |events| events.mailbox_metadata_change) {
            // Of one that has gone meanwhile there is nothing to tell.
            annotations = commands::getmetadata::of_mailbox(session, entry.path).await.unwrap_or_default();
        }
        let seen = Seen { name, head: entry.head, uid_validity: entry.uid_validity, annotations };
        picture.mailboxes.insert(entry.id, seen);
    }
    if groups.iter().any(|group| group.events.server_metadata_change) {
        picture.annotations = session.server_annotations().await.unwrap_or_default();
    }
    picture
}

/// Is this asked of a mailbox that is not open? Groups add to one another, up to one that wants nothing of the mailbox.
// RFC 5465 section 6.
fn is_asked(groups: &[Group], picture: &Picture, name: &str, of: impl Fn(&Events) -> bool) -> bool {
    let covers = |mailboxes: &Mailboxes| match mailboxes {
        Mailboxes::Selected { .. } => false,
        Mailboxes::Other(filter) => filter.covers(name, |name| picture.subscriptions.contains(name)),
    };
    let mut asked = groups.iter().filter(|group| covers(&group.mailboxes)).map(|group| &group.events);
    asked.find(|events| **events == Events::default() || of(events)).is_some_and(of)
}

fn differences<'a>(groups: &[Group], before: &'a Picture, now: &'a Picture, selected: Option<CollectionId>) -> Vec<Told<'a>> {
    let mut told = Vec::new();
    let wants_name = |picture: &Picture, name: &str| is_asked(groups, picture, name, |events| events.mailbox_name);
    for (id, seen) in &before.mailboxes {
        if !now.mailboxes.contains_key(id) && wants_name(before, &seen.name) {
            told.push(Told::Gone(&seen.name));
        }
    }
    for (id, seen) in &now.mailboxes {
        let old = before.mailboxes.get(id);
        let renamed = old.filter(|old| old.name != seen.name);
        if (old.is_none() || renamed.is_some()) && (wants_name(now, &seen.name) || renamed.is_some_and(|old| wants_name(before, &old.name)))
        {
            told.push(Told::Named { name: &seen.name, before: renamed.map(|old| old.name.as_str()) });
        }
        // What is not of messages is told of the open mailbox too.
        told.extend(metadata(&seen.name, old.map_or(&[], |old| &old.annotations), &seen.annotations));
        if Some(*id) == selected {
            continue;
        }
        let wants = |of: fn(&Events) -> bool| is_asked(groups, now, &seen.name, of);
        let (Some(head), old_head) = (seen.head, old.and_then(|old| old.head).unwrap_or_default()) else { continue };
        let messages = (head.uid_next, head.items) != (old_head.uid_next, old_head.items);
        let changed = head.modseq != old_head.modseq;
        if (messages && wants(|events| events.message_new)) || (changed && wants(|events| events.flag_change)) {
            told.push(Told::Counts { name: &seen.name, head, uid_validity: seen.uid_validity });
        }
    }
    let names: BTreeSet<&str> = now.mailboxes.values().map(|seen| seen.name.as_str()).collect();
    for name in before.subscriptions.symmetric_difference(&now.subscriptions) {
        let picture = if now.subscriptions.contains(name) { now } else { before };
        if is_asked(groups, picture, name, |events| events.subscription_change) {
            told.push(Told::Subscription { name, is_on: now.subscriptions.contains(name), exists: names.contains(name.as_str()) });
        }
    }
    told.extend(metadata("", &before.annotations, &now.annotations));
    told
}

/// The annotations that differ; nothing if none do. Both are in the order of their names.
// RFC 5465 section 5.6: those that are gone among them.
fn metadata<'a>(name: &'a str, before: &'a [Annotation], now: &'a [Annotation]) -> Option<Told<'a>> {
    let is_in = |all: &[Annotation], one: &Annotation| all.binary_search(one).is_ok();
    let changed = now.iter().filter(|one| !is_in(before, one)).chain(before.iter().filter(|one| !is_in(now, one)));
    let entries: BTreeSet<&str> = changed.map(|(entry, _)| entry.as_str()).collect();
    (!entries.is_empty()).then(|| Told::Metadata { name, entries: entries.into_iter().collect() })
}

async fn write(wire: &mut Wire, told: &Told<'_>) -> Result<(), End> {
    let utf8 = wire.enabled.utf8();
    let list = |attributes: &str, name: &str| format!("* LIST ({attributes}) \"{SEPARATOR}\" {}", on_wire(name, utf8));
    let line = match told {
        Told::Named { name, before: None } => list("", name),
        // RFC 5465 section 5.4, RFC 5258 section 6.
        Told::Named { name, before: Some(before) } => format!("{} (\"OLDNAME\" ({}))", list("", name), on_wire(before, utf8)),
        Told::Gone(name) => list("\\NonExistent", name),
        Told::Subscription { name, is_on, exists } => {
            let attributes = [(*is_on, "\\Subscribed"), (!exists, "\\NonExistent")].into_iter().filter(|(is, _)| *is).map(|(_, word)| word);
            list(&attributes.collect::<Vec<_>>().join(" "), name)
        }
        // RFC 5464 section 4.4.2.
        Told::Metadata { name, entries } => {
            let name = if name.is_empty() { "\"\"".into() } else { on_wire(name, utf8) };
            format!("* METADATA {name} {}", entries.iter().map(|entry| astring(entry)).collect::<Vec<_>>().join(" "))
        }
        Told::Counts { name, head, uid_validity } => {
            let modseq = if wire.enabled.condstore { format!(" HIGHESTMODSEQ {}", head.modseq.0) } else { String::new() };
            format!(
                "* STATUS {} (MESSAGES {} UIDNEXT {} UIDVALIDITY {} UNSEEN {}{modseq})",
                on_wire(name, utf8),
                head.items,
                head.uid_next.0,
                uid_validity.0,
                head.unseen
            )
        }
    };
    wire.raw(format!("{line}\r\n").as_bytes()).await
}

/// The events that are offered, as BADEVENT names them.
pub(crate) fn offered() -> String {
    let messages = ["MessageNew", "MessageExpunge", "FlagChange"];
    let others = ["MailboxName", "SubscriptionChange", "MailboxMetadataChange", "ServerMetadataChange"];
    messages.into_iter().chain(others).map(astring).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::grammar::filter::Filter;
    use crate::wire::mailbox::MailboxName;

    fn picture(mailboxes: &[(u64, &str, u32, u32, u64)], subscriptions: &[&str]) -> Picture {
        let seen = |(id, name, items, next, modseq): &(u64, &str, u32, u32, u64)| {
            let head = Head { items: *items, uid_next: Uid(*next), modseq: ModSeq(*modseq), ..Head::default() };
            (CollectionId(*id), Seen { name: (*name).to_owned(), head: Some(head), uid_validity: UidValidity(1), annotations: Vec::new() })
        };
        let subscriptions = subscriptions.iter().map(|name| (*name).to_owned()).collect();
        Picture { mailboxes: mailboxes.iter().map(seen).collect(), subscriptions, annotations: Vec::new() }
    }

    fn group(filter: Filter, messages: bool, flags: bool, names: bool) -> Group {
        let events = Events {
            message_new: messages,
            message_expunge: messages,
            flag_change: flags,
            mailbox_name: names,
            subscription_change: names,
            ..Events::default()
        };
        Group { mailboxes: Mailboxes::Other(filter), events }
    }

    // RFC 5465 sections 5.6 and 5.7.
    #[test]
    fn annotations_that_changed_are_named() {
        let set = |entries: &[(&str, &str)]| entries.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().into())).collect();
        let before: Vec<Annotation> = set(&[("/private/a", "1"), ("/shared/comment", "x"), ("/shared/gone", "x")]);
        let now: Vec<Annotation> = set(&[("/private/a", "1"), ("/private/new", "1"), ("/shared/comment", "y")]);
        let entries = vec!["/private/new", "/shared/comment", "/shared/gone"];
        assert_eq!(metadata("INBOX", &before, &now), Some(Told::Metadata { name: "INBOX", entries }));
        assert_eq!(metadata("INBOX", &now, &now), None);
    }

    #[test]
    fn changes_are_told_to_whom_asked() {
        let before = picture(&[(1, "INBOX", 3, 4, 9), (2, "a", 0, 1, 1), (3, "Shared/x/b", 0, 1, 1), (4, "gone", 0, 1, 1)], &["a"]);
        let now = picture(&[(1, "INBOX", 3, 4, 10), (2, "c", 1, 2, 2), (3, "Shared/x/b", 1, 2, 2), (5, "new", 0, 1, 0)], &["gone"]);
        let names = |told: Vec<Told<'_>>| {
            told.into_iter().map(|told| format!("{told:?}").split(" {").next().unwrap_or_default().to_owned()).collect::<Vec<_>>()
        };
        let all = [group(Filter::Personal, true, true, true)];
        let told = names(differences(&all, &before, &now, None));
        let expected = ["Gone(\"gone\")", "Counts", "Named", "Counts", "Named", "Counts", "Subscription", "Subscription"];
        assert_eq!(told, expected, "a new mailbox is told with its state");
        assert_eq!(differences(&[group(Filter::Inboxes, true, false, false)], &before, &now, None), [], "only flags changed in the INBOX");
        assert!(matches!(
            differences(&[group(Filter::Inboxes, true, true, false)], &before, &now, None)[..],
            [Told::Counts { name: "INBOX", .. }]
        ));
        assert_eq!(differences(&[group(Filter::Inboxes, true, true, false)], &before, &now, Some(CollectionId(1))), []);
        let subtree = Filter::Subtree(vec![MailboxName::read(b"Shared", false)]);
        assert!(matches!(
            differences(&[group(subtree, true, false, true)], &before, &now, None)[..],
            [Told::Counts { name: "Shared/x/b", .. }]
        ));
        let renamed =
            differences(&[group(Filter::Mailboxes(vec![MailboxName::read(b"c", false)]), false, false, true)], &before, &now, None);
        assert_eq!(renamed, [Told::Named { name: "c", before: Some("a") }]);
        // Groups add to one another (RFC 5465 section 6).
        let both = [group(Filter::Inboxes, true, true, false), group(Filter::Personal, false, false, true)];
        assert!(differences(&both, &before, &now, None).iter().any(|told| matches!(told, Told::Counts { name: "INBOX", .. })));
        assert!(differences(&both, &before, &now, None).contains(&Told::Gone("gone")));
        // A group that wants nothing of a mailbox ends it.
        let nothing = [group(Filter::Inboxes, false, false, false), group(Filter::Personal, true, true, false)];
        assert!(!differences(&nothing, &before, &now, None).iter().any(|told| matches!(told, Told::Counts { name: "INBOX", .. })));
    }
}
