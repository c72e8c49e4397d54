//! The commands that name mailboxes: RFC 9051 section 6.3, RFC 3501 section 6.3.9, RFC 9208 section 4.1.

use super::argument;
use super::metadata::is_entry;
use super::opening::{Opening, opening};
use super::scan::{NOT_UNDERSTOOD, Read, Scanner};
use crate::wire::mailbox::MailboxName;

/// Items of one STATUS; there are fewer kinds.
const STATUS_ITEMS_MAX: usize = 32;
/// Patterns of one LIST.
const PATTERNS_MAX: usize = 64;
/// Entries of one LIST's METADATA.
const ENTRIES_MAX: usize = 64;

/// Such a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum OnMailbox {
    Select {
        mailbox: MailboxName,
        how: Opening,
    },
    Examine {
        mailbox: MailboxName,
        how: Opening,
    },
    /// `uses`: special uses without their backslash, in capitals (RFC 6154 section 3).
    Create {
        mailbox: MailboxName,
        uses: Vec<String>,
    },
    Delete {
        mailbox: MailboxName,
    },
    Rename {
        from: MailboxName,
        to: MailboxName,
    },
    Subscribe {
        mailbox: MailboxName,
    },
    Unsubscribe {
        mailbox: MailboxName,
    },
    List(List),
    Lsub {
        reference: MailboxName,
        pattern: MailboxName,
    },
    Status {
        mailbox: MailboxName,
        items: Vec<StatusItem>,
    },
    GetQuotaRoot {
        mailbox: MailboxName,
    },
}

/// What STATUS tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StatusItem {
    Messages,
    Recent,
    UidNext,
    UidValidity,
    Unseen,
    Deleted,
    /// RFC 9208 section 5.1.
    DeletedStorage,
    /// RFC 8438.
    Size,
    /// RFC 7162 section 3.1.7.
    HighestModSeq,
    /// RFC 8474 section 4.
    MailboxId,
    /// RFC 7889 section 4.
    AppendLimit,
}

/// LIST, with RFC 5258.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct List {
    pub(crate) reference: MailboxName,
    pub(crate) patterns: Vec<MailboxName>,
    pub(crate) select: Selection,
    pub(crate) tell: Telling,
    /// It has options of RFC 5258, so an empty pattern is one that matches nothing.
    pub(crate) is_extended: bool,
}

/// Which mailboxes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Selection {
    /// Only those with a special use (RFC 6154 section 2).
    pub(crate) special_use: bool,
    /// Only those that are subscribed, there or not.
    pub(crate) subscribed: bool,
    /// And those above such.
    pub(crate) recursive: bool,
}

/// What to tell of them. Children and special uses are told in any case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Telling {
    pub(crate) subscribed: bool,
    /// RFC 5819.
    pub(crate) status: Vec<StatusItem>,
    /// RFC 8440.
    pub(crate) my_rights: bool,
    /// RFC 9590.
    pub(crate) metadata: Vec<String>,
}

/// What follows the word of such a command; nothing of other commands.
pub(super) fn command(word: &str, rest: &mut Scanner<'_>) -> Option<Read<OnMailbox>> {
    let read: fn(&mut Scanner<'_>) -> Read<OnMailbox> = match word {
        "SELECT" => |rest| Ok(OnMailbox::Select { mailbox: rest.mailbox()?, how: opening(rest)? }),
        "EXAMINE" => |rest| Ok(OnMailbox::Examine { mailbox: rest.mailbox()?, how: opening(rest)? }),
        "CREATE" => create,
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

/// RFC 5258 section 6 (list).
fn list(rest: &mut Scanner<'_>) -> Read<List> {
    let mut list = List::default();
    if rest.peek(b'(') {
        list.is_extended = true;
        for option in rest.list(Scanner::word)? {
            match option.as_str() {
                "SPECIAL-USE" => list.select.special_use = true,
                "SUBSCRIBED" => list.select.subscribed = true,
                "RECURSIVEMATCH" => list.select.recursive = true,
                // There are none on other servers.
                "REMOTE" => {}
                _ => return Err(NOT_UNDERSTOOD),
            }
        }
        if list.select.recursive && !(list.select.subscribed || list.select.special_use) {
            return Err("RECURSIVEMATCH needs something to match");
        }
        // RFC 5258 section 3.1: then it is told too.
        list.tell.subscribed = list.select.subscribed;
        rest.space()?;
    }
    list.reference = rest.mailbox()?;
    rest.space()?;
    if rest.peek(b'(') {
        list.is_extended = true;
        list.patterns = rest.list(Scanner::pattern)?;
        if list.patterns.is_empty() || list.patterns.len() > PATTERNS_MAX {
            return Err(NOT_UNDERSTOOD);
        }
    } else {
        list.patterns = vec![rest.pattern()?];
    }
    if rest.accept_text(" RETURN ") {
        list.is_extended = true;
        let tell = &mut list.tell;
        rest.list(|rest| returned(rest, tell))?;
    }
    Ok(list)
}

/// RFC 5258 section 6 (return-option).
fn returned(rest: &mut Scanner<'_>, tell: &mut Telling) -> Read<()> {
    match rest.word()?.as_str() {
        "SPECIAL-USE" | "CHILDREN" => {}
        "SUBSCRIBED" => tell.subscribed = true,
        "MYRIGHTS" => tell.my_rights = true,
        "STATUS" => tell.status = argument(rest, status_items)?,
        "METADATA" => {
            tell.metadata = argument(rest, |rest| rest.list(Scanner::text))?;
            if tell.metadata.len() > ENTRIES_MAX {
                return Err("Too many entries");
            }
            // RFC 5464 section 3.2; the options of GETMETADATA are no part of it.
            if tell.metadata.is_empty() || !tell.metadata.iter().all(|name| is_entry(name)) {
                return Err("The names of entries begin with /private or /shared");
            }
        }
        _ => return Err(NOT_UNDERSTOOD),
    }
    Ok(())
}

/// RFC 6154 section 6 (create-param).
fn create(rest: &mut Scanner<'_>) -> Read<OnMailbox> {
    let mailbox = rest.mailbox()?;
    let mut uses = Vec::new();
    if rest.accept_text(" (") {
        if !rest.accept_text("USE ") {
            return Err(NOT_UNDERSTOOD);
        }
        uses = rest.list(|rest| rest.expect(b'\\').and_then(|()| rest.word()))?;
        rest.expect(b')')?;
    }
    Ok(OnMailbox::Create { mailbox, uses })
}

/// RFC 9051 section 9 (status-att).
fn status_items(rest: &mut Scanner<'_>) -> Read<Vec<StatusItem>> {
    let items = rest.list(|rest| {
        Ok(match rest.word()?.as_str() {
            "MESSAGES" => StatusItem::Messages,
            "RECENT" => StatusItem::Recent,
            "UIDNEXT" => StatusItem::UidNext,
            "UIDVALIDITY" => StatusItem::UidValidity,
            "UNSEEN" => StatusItem::Unseen,
            "DELETED" => StatusItem::Deleted,
            "DELETED-STORAGE" => StatusItem::DeletedStorage,
            "SIZE" => StatusItem::Size,
            "HIGHESTMODSEQ" => StatusItem::HighestModSeq,
            "MAILBOXID" => StatusItem::MailboxId,
            "APPENDLIMIT" => StatusItem::AppendLimit,
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
        let list = |pattern, special_use, is_extended| {
            let select = Selection { special_use, ..Selection::default() };
            let (reference, patterns) = (name(""), vec![name(pattern)]);
            Ok(OnMailbox::List(List { reference, patterns, select, is_extended, ..List::default() }))
        };
        for (line, wanted) in [
            ("LIST \"\" \"*\" RETURN (SPECIAL-USE)", list("*", false, true)),
            ("list \"\" % return (children special-use)", list("%", false, true)),
            ("LIST (SPECIAL-USE) \"\" *", list("*", true, true)),
            ("LIST (special-use REMOTE) \"\" * RETURN (SPECIAL-USE)", list("*", true, true)),
            ("LIST \"\" \"x (y)\"", list("x (y)", false, false)),
            ("LIST \"\" {3}\r\n(x)", list("(x)", false, false)),
        ] {
            assert_eq!(read(line), wanted, "{line}");
        }
        let Ok(OnMailbox::List(list)) =
            read("LIST (SUBSCRIBED RECURSIVEMATCH) \"\" (INBOX \"a/%\") RETURN (STATUS (UNSEEN SIZE) MYRIGHTS METADATA (/shared/comment))")
        else {
            panic!()
        };
        assert!(list.select.recursive && list.tell.subscribed && list.tell.my_rights && list.patterns.len() == 2);
        assert_eq!(
            (list.tell.status, list.tell.metadata),
            (vec![StatusItem::Unseen, StatusItem::Size], vec!["/shared/comment".to_owned()])
        );
        for line in [
            "LIST (RECURSIVEMATCH) \"\" *",
            "LIST (X) \"\" *",
            "LIST \"\" () ",
            "LIST \"\" * RETURN (STATUS ())",
            "LIST (",
            "LIST \"\" * RETURN",
            "LIST \"\" * RETURN (METADATA ())",
            "LIST \"\" * RETURN (METADATA (DEPTH 1 /shared/comment))",
            "LIST \"\" * RETURN (METADATA (/sharedcomment))",
            "LIST \"\"",
        ] {
            assert!(read(line).is_err(), "{line}");
        }
    }

    #[test]
    fn the_commands_of_the_rfc() {
        let create =
            |mailbox, uses: &[&str]| Ok(OnMailbox::Create { mailbox: name(mailbox), uses: uses.iter().map(ToString::to_string).collect() });
        assert_eq!(read("CREATE owatagusiam"), create("owatagusiam", &[]));
        assert_eq!(read("CREATE MySpecial (USE (\\Drafts \\sent))"), create("MySpecial", &["DRAFTS", "SENT"]));
        assert!(read("CREATE x (USE \\Drafts)").is_err() && read("CREATE x ()").is_err());
        assert_eq!(read("SELECT inbox"), Ok(OnMailbox::Select { mailbox: name("INBOX"), how: Opening::default() }));
        assert_eq!(read("RENAME blurdybloop sarasoop"), Ok(OnMailbox::Rename { from: name("blurdybloop"), to: name("sarasoop") }));
        assert_eq!(
            read("STATUS blurdybloop (UIDNEXT MESSAGES)"),
            Ok(OnMailbox::Status { mailbox: name("blurdybloop"), items: vec![StatusItem::UidNext, StatusItem::Messages] })
        );
        for line in ["SELECT", "SELECT  x", "SELECT x y", "STATUS x ()", "STATUS x UNSEEN", "STATUS x (FLAGS)", "RENAME x", "LSUB x"] {
            assert!(read(line).is_err(), "{line}");
        }
    }
}
