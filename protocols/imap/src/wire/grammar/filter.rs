//! Which mailboxes a command is about: RFC 5465 section 8 (filter-mailboxes), RFC 7377 section 4. Read for NOTIFY and ESEARCH, which ask it
//! about each mailbox that the session may see.

use super::argument;
use super::scan::{NOT_UNDERSTOOD, Read, Scanner};
use crate::wire::mailbox::{MailboxName, SEPARATOR};
use octroi_gate::SHARED;

/// Mailboxes of one kind, or of these names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Filter {
    /// Where mail is delivered.
    Inboxes,
    /// The user's own.
    Personal,
    /// Those on LSUB's list.
    Subscribed,
    /// These and all below.
    Subtree(Vec<MailboxName>),
    /// These and those right below.
    SubtreeOne(Vec<MailboxName>),
    /// These.
    Mailboxes(Vec<MailboxName>),
}

impl Filter {
    /// What follows its word.
    pub(super) fn read(word: &str, rest: &mut Scanner<'_>) -> Read<Self> {
        Ok(match word {
            "INBOXES" => Self::Inboxes,
            "PERSONAL" => Self::Personal,
            "SUBSCRIBED" => Self::Subscribed,
            "SUBTREE" => Self::Subtree(argument(rest, names)?),
            "SUBTREE-ONE" => Self::SubtreeOne(argument(rest, names)?),
            "MAILBOXES" => Self::Mailboxes(argument(rest, names)?),
            _ => return Err(NOT_UNDERSTOOD),
        })
    }

    /// How many names there are in it.
    pub(super) fn names(&self) -> usize {
        match self {
            Self::Inboxes | Self::Personal | Self::Subscribed => 0,
            Self::Subtree(names) | Self::SubtreeOne(names) | Self::Mailboxes(names) => names.len(),
        }
    }

    /// Is the mailbox of this name one of them?
    pub(crate) fn covers(&self, name: &str, is_subscribed: impl FnOnce(&str) -> bool) -> bool {
        let is_named = |named: &MailboxName| named.text() == Some(name);
        let below = |base: &MailboxName| name.strip_prefix(base.text()?)?.strip_prefix(SEPARATOR);
        match self {
            Self::Inboxes => name == "INBOX",
            Self::Personal => !name.strip_prefix(SHARED).is_some_and(|rest| rest.is_empty() || rest.starts_with(SEPARATOR)),
            Self::Subscribed => is_subscribed(name),
            Self::Subtree(bases) => bases.iter().any(|base| is_named(base) || below(base).is_some()),
            Self::SubtreeOne(bases) => bases.iter().any(|base| is_named(base) || below(base).is_some_and(|rest| !rest.contains(SEPARATOR))),
            Self::Mailboxes(names) => names.iter().any(is_named),
        }
    }
}

fn names(rest: &mut Scanner<'_>) -> Read<Vec<MailboxName>> {
    let names = if rest.peek(b'(') { rest.list(Scanner::mailbox)? } else { vec![rest.mailbox()?] };
    if names.is_empty() { Err(NOT_UNDERSTOOD) } else { Ok(names) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_cover_mailboxes() {
        let named = |name: &str| vec![MailboxName::read(name.as_bytes(), false)];
        let covers = |name: &str, filter: &Filter| filter.covers(name, |name| name == "a/b");
        assert!(covers("INBOX", &Filter::Inboxes) && !covers("INBOX/a", &Filter::Inboxes));
        assert!(covers("a", &Filter::Personal) && !covers("Shared/u@x.test/a", &Filter::Personal) && !covers("Shared", &Filter::Personal));
        assert!(covers("a/b", &Filter::Subscribed) && !covers("a", &Filter::Subscribed));
        for (name, tree, one, itself) in
            [("a", true, true, true), ("a/b", true, true, false), ("a/b/c", true, false, false), ("ab", false, false, false)]
        {
            assert_eq!(covers(name, &Filter::Subtree(named("a"))), tree, "{name}");
            assert_eq!(covers(name, &Filter::SubtreeOne(named("a"))), one, "{name}");
            assert_eq!(covers(name, &Filter::Mailboxes(named("a"))), itself, "{name}");
        }
    }
}
