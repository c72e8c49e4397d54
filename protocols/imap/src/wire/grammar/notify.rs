//! NOTIFY: RFC 5465 section 8.

use super::filter::Filter;
use super::messages::{Item, notified_items};
use super::scan::{NOT_UNDERSTOOD, Read, Scanner};

/// Groups of one NOTIFY; no client has that many.
const GROUPS_MAX: usize = 32;
/// Mailboxes that one group names.
const MAILBOXES_MAX: usize = 256;

/// NOTIFY.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Notify {
    /// As without it.
    None,
    /// From now on these, and nothing that was asked for before.
    Set {
        /// The state of each mailbox is told first.
        status: bool,
        groups: Vec<Group>,
    },
}

/// What to tell of some mailboxes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Group {
    pub(crate) mailboxes: Mailboxes,
    pub(crate) events: Events,
}

/// Which mailboxes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Mailboxes {
    /// The one that is open. `delayed`: messages go from it while a command is answered only.
    Selected { delayed: bool },
    /// Others.
    Other(Filter),
}

/// What to tell of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
// Each event is asked for by itself.
#[allow(clippy::struct_excessive_bools)]
pub(crate) struct Events {
    pub(crate) message_new: bool,
    /// What to fetch of each new message of the selected mailbox.
    pub(crate) items: Vec<Item>,
    pub(crate) message_expunge: bool,
    pub(crate) flag_change: bool,
    pub(crate) mailbox_name: bool,
    pub(crate) subscription_change: bool,
    pub(crate) mailbox_metadata_change: bool,
    pub(crate) server_metadata_change: bool,
    /// There were others, which are not offered.
    pub(crate) others: bool,
}

/// What follows the command's word.
pub(super) fn notify(rest: &mut Scanner<'_>) -> Read<Notify> {
    if rest.accept_word("NONE") {
        return Ok(Notify::None);
    }
    if !rest.accept_word("SET") {
        return Err(NOT_UNDERSTOOD);
    }
    let status = rest.accept_text(" STATUS");
    let mut groups = Vec::new();
    while rest.accept(b' ') {
        groups.push(group(rest)?);
        if groups.len() > GROUPS_MAX {
            return Err("Too many groups of events");
        }
    }
    if groups.is_empty() { Err(NOT_UNDERSTOOD) } else { Ok(Notify::Set { status, groups }) }
}

fn group(rest: &mut Scanner<'_>) -> Read<Group> {
    rest.expect(b'(')?;
    let mailboxes = mailboxes(rest)?;
    rest.space()?;
    let events = if rest.accept_word("NONE") { Events::default() } else { events(rest)? };
    rest.expect(b')')?;
    let is_selected = matches!(mailboxes, Mailboxes::Selected { .. });
    // RFC 5465 section 5: what cannot go alone, and what is of the selected mailbox only.
    if events.message_new != events.message_expunge || (events.flag_change && !events.message_new) {
        return Err("MessageNew and MessageExpunge go together, and FlagChange with them");
    }
    if !events.items.is_empty() && !is_selected {
        return Err("Only new messages of the selected mailbox can be fetched");
    }
    // RFC 5465 section 6.1: only what happens to messages.
    if is_selected && (events.mailbox_name || events.subscription_change || events.mailbox_metadata_change || events.server_metadata_change)
    {
        return Err("Only events of messages are of the selected mailbox");
    }
    Ok(Group { mailboxes, events })
}

fn mailboxes(rest: &mut Scanner<'_>) -> Read<Mailboxes> {
    let filter = match rest.word()?.as_str() {
        "SELECTED" => return Ok(Mailboxes::Selected { delayed: false }),
        "SELECTED-DELAYED" => return Ok(Mailboxes::Selected { delayed: true }),
        // RFC 7377 has it for ESEARCH.
        "SUBTREE-ONE" => return Err(NOT_UNDERSTOOD),
        word => Filter::read(word, rest)?,
    };
    if filter.names() > MAILBOXES_MAX { Err("Too many mailboxes") } else { Ok(Mailboxes::Other(filter)) }
}

fn events(rest: &mut Scanner<'_>) -> Read<Events> {
    let mut events = Events::default();
    rest.expect(b'(')?;
    loop {
        match rest.word()?.as_str() {
            "MESSAGENEW" => {
                events.message_new = true;
                if rest.accept_text(" (") {
                    events.items = notified_items(rest)?;
                }
            }
            "MESSAGEEXPUNGE" => events.message_expunge = true,
            "FLAGCHANGE" => events.flag_change = true,
            "MAILBOXNAME" => events.mailbox_name = true,
            "SUBSCRIPTIONCHANGE" => events.subscription_change = true,
            "MAILBOXMETADATACHANGE" => events.mailbox_metadata_change = true,
            "SERVERMETADATACHANGE" => events.server_metadata_change = true,
            _ => events.others = true,
        }
        if rest.accept(b')') {
            return Ok(events);
        }
        rest.space()?;
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::{Request, command};
    use super::*;
    use crate::wire::mailbox::MailboxName;

    fn read(line: &str) -> Read<Notify> {
        match command(format!("a {line}\r\n").as_bytes(), false) {
            Ok((_, Request::Notify(notify))) => Ok(notify),
            Ok(other) => panic!("{other:?}"),
            Err(malformed) => Err(malformed.text),
        }
    }

    #[test]
    fn the_examples_of_the_rfc() {
        assert_eq!(read("notify none"), Ok(Notify::None));
        let names = |names: &[&str]| names.iter().map(|name| MailboxName::read(name.as_bytes(), false)).collect::<Vec<_>>();
        let Ok(Notify::Set { status: true, groups }) =
            read("notify set status (selected (MessageNew (uid body.peek[header.fields (from to subject)]) MessageExpunge))")
        else {
            panic!()
        };
        assert_eq!(groups[0].events.items.len(), 2);
        let line = "notify set (selected-delayed (MessageNew MessageExpunge)) (subtree (Lists x) (MessageNew MessageExpunge FlagChange)) \
            (personal NONE)";
        let Ok(Notify::Set { status: false, groups }) = read(line) else { panic!() };
        assert_eq!(groups[0].mailboxes, Mailboxes::Selected { delayed: true });
        assert_eq!(groups[1].mailboxes, Mailboxes::Other(Filter::Subtree(names(&["Lists", "x"]))));
        assert!(groups[1].events.flag_change && groups[2].events == Events::default());
        assert!(
            matches!(read("NOTIFY SET (mailboxes INBOX (AnnotationChange))"), Ok(Notify::Set { groups, .. }) if groups[0].events.others)
        );
    }

    #[test]
    fn what_cannot_go_alone_is_refused() {
        for line in [
            "NOTIFY",
            "NOTIFY SET",
            "NOTIFY SET (selected)",
            "NOTIFY SET (selected ())",
            "NOTIFY SET (selected (MessageNew))",
            "NOTIFY SET (inboxes (FlagChange))",
            "NOTIFY SET (inboxes (MessageNew (UID) MessageExpunge))",
            "NOTIFY SET (selected (MailboxName))",
            "NOTIFY SET (selected (MailboxMetadataChange))",
            "NOTIFY SET (selected-delayed (ServerMetadataChange))",
            "NOTIFY SET (subtree (MailboxName))",
            "NOTIFY SET (mailboxes () (MailboxName))",
            "NOTIFY SET (subtree-one a (MailboxName))",
            "NOTIFY NONE x",
        ] {
            assert!(read(line).is_err(), "{line}");
        }
    }
}
