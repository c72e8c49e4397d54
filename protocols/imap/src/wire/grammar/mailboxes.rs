//! The commands that name mailboxes: RFC 9051 section 6.3, RFC 3501 section 6.3.9, RFC 9208 section 4.1.

use super::argument;
use super::scan::{NOT_UNDERSTOOD, Read, Scanner};
use crate::wire::mailbox::MailboxName;
use imap_codec::imap_types::status::StatusDataItemName;

/// Items of one STATUS; there are fewer kinds.
const STATUS_ITEMS_MAX: usize = 32;

/// Such a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum OnMailbox {
    Select { mailbox: MailboxName },
    Examine { mailbox: MailboxName },
    Create { mailbox: MailboxName },
    Delete { mailbox: MailboxName },
    Rename { from: MailboxName, to: MailboxName },
    Subscribe { mailbox: MailboxName },
    Unsubscribe { mailbox: MailboxName },
    List(List),
    Lsub { reference: MailboxName, pattern: MailboxName },
    Status { mailbox: MailboxName, items: Vec<StatusDataItemName> },
    GetQuotaRoot { mailbox: MailboxName },
}

/// LIST.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct List {
    pub(crate) reference: MailboxName,
    pub(crate) pattern: MailboxName,
    /// Only those with a special use (RFC 6154 section 2).
    pub(crate) special_use: bool,
}

/// What follows the word of such a command; nothing of other commands.
pub(super) fn command(word: &str, rest: &mut Scanner<'_>) -> Option<Read<OnMailbox>> {
    let read: fn(&mut Scanner<'_>) -> Read<OnMailbox> = match word {
        "SELECT" => |rest| Ok(OnMailbox::Select { mailbox: rest.mailbox()? }),
        "EXAMINE" => |rest| Ok(OnMailbox::Examine { mailbox: rest.mailbox()? }),
        "CREATE" => |rest| Ok(OnMailbox::Create { mailbox: rest.mailbox()? }),
        "DELETE" => |rest| Ok(OnMailbox::Delete { mailbox: rest.mailbox()? }),
        "RENAME" => |rest| Ok(OnMailbox::Rename { from: rest.mailbox()?, to: argument(rest, Scanner::mailbox)? }),
        "SUBSCRIBE" => |rest| Ok(OnMailbox::Subscribe { mailbox: rest.mailbox()? }),
        "UNSUBSCRIBE" => |rest| Ok(OnMailbox::Unsubscribe { mailbox: rest.mailbox()? }),
        "LIST" => |rest| list(rest).map(OnMailbox::List),
        "LSUB" => |rest| Ok(OnMailbox::Lsub { reference: rest.mailbox()?, pattern: argument(rest, Scanner::pattern)? }),
        "STATUS" => |rest| Ok(OnMailbox::Status { mailbox: rest.mailbox()?, items: argument(rest, status_items)? }),
        "GETQUOTAROOT" => |rest| Ok(OnMailbox::GetQuotaRoot { mailbox: rest.mailbox()? }),
        _ => return None,
    };
    Some(argument(rest, read))
}

/// RFC 6154 section 2: of `RETURN` nothing needs to be remembered, for what it asks for is shown in any case.
fn list(rest: &mut Scanner<'_>) -> Read<List> {
    let mut special_use = false;
    if rest.peek(b'(') {
        for option in rest.list(Scanner::word)? {
            match option.as_str() {
                "SPECIAL-USE" => special_use = true,
                _ => return Err(NOT_UNDERSTOOD),
            }
        }
        rest.space()?;
    }
    let (reference, pattern) = (rest.mailbox()?, argument(rest, Scanner::pattern)?);
    if rest.accept_text(" RETURN ") && !rest.list(Scanner::word)?.iter().all(|option| matches!(option.as_str(), "SPECIAL-USE" | "CHILDREN"))
    {
        return Err(NOT_UNDERSTOOD);
    }
    Ok(List { reference, pattern, special_use })
}

/// RFC 9051 section 9 (status-att).
fn status_items(rest: &mut Scanner<'_>) -> Read<Vec<StatusDataItemName>> {
    let items = rest.list(|rest| {
        Ok(match rest.word()?.as_str() {
            "MESSAGES" => StatusDataItemName::Messages,
            "RECENT" => StatusDataItemName::Recent,
            "UIDNEXT" => StatusDataItemName::UidNext,
            "UIDVALIDITY" => StatusDataItemName::UidValidity,
            "UNSEEN" => StatusDataItemName::Unseen,
            "DELETED" => StatusDataItemName::Deleted,
            "DELETED-STORAGE" => StatusDataItemName::DeletedStorage,
            _ => return Err(NOT_UNDERSTOOD),
        })
    })?;
    if items.is_empty() || items.len() > STATUS_ITEMS_MAX { Err(NOT_UNDERSTOOD) } else { Ok(items) }
}

#[cfg(test)]
mod tests {
    use super::super::{Request, command};
    use super::*;

    fn read(line: &str) -> Read<OnMailbox> {
        match command(format!("a {line}\r\n").as_bytes(), false) {
            Ok((_, Request::OnMailbox(command))) => Ok(command),
            Ok(other) => panic!("{other:?}"),
            Err(malformed) => Err(malformed.text),
        }
    }

    fn name(text: &str) -> MailboxName {
        MailboxName::read(text.as_bytes(), false)
    }

    #[test]
    fn the_options_of_special_use_are_read() {
        let list = |pattern, special_use| Ok(OnMailbox::List(List { reference: name(""), pattern: name(pattern), special_use }));
        for (line, wanted) in [
            ("LIST \"\" \"*\" RETURN (SPECIAL-USE)", list("*", false)),
            ("list \"\" % return (children special-use)", list("%", false)),
            ("LIST (SPECIAL-USE) \"\" *", list("*", true)),
            ("LIST (special-use) \"\" * RETURN (SPECIAL-USE)", list("*", true)),
            ("LIST \"\" \"x (y)\"", list("x (y)", false)),
            ("LIST \"\" {3}\r\n(x)", list("(x)", false)),
        ] {
            assert_eq!(read(line), wanted, "{line}");
        }
        for line in ["LIST (REMOTE) \"\" *", "LIST \"\" * RETURN (STATUS (UNSEEN))", "LIST (", "LIST \"\" * RETURN", "LIST \"\""] {
            assert!(read(line).is_err(), "{line}");
        }
    }

    #[test]
    fn the_commands_of_the_rfc() {
        assert_eq!(read("SELECT inbox"), Ok(OnMailbox::Select { mailbox: name("INBOX") }));
        assert_eq!(read("RENAME blurdybloop sarasoop"), Ok(OnMailbox::Rename { from: name("blurdybloop"), to: name("sarasoop") }));
        assert_eq!(
            read("STATUS blurdybloop (UIDNEXT MESSAGES)"),
            Ok(OnMailbox::Status { mailbox: name("blurdybloop"), items: vec![StatusDataItemName::UidNext, StatusDataItemName::Messages] })
        );
        for line in ["SELECT", "SELECT  x", "SELECT x y", "STATUS x ()", "STATUS x UNSEEN", "STATUS x (FLAGS)", "RENAME x", "LSUB x"] {
            assert!(read(line).is_err(), "{line}");
        }
    }
}
