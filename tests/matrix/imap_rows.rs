//! Every command of IMAP, and what it needs. `{M}` is the mailbox under test, `{T}` the tag.

/// What a command needs.
#[derive(Debug, Clone, Copy)]
pub(super) enum Needs {
    /// These letters, and behind a `+` those on one's own mailbox; else NO.
    All(&'static str),
    /// OK to everybody; these letters for the effect.
    Silently(&'static str),
    /// OK to everybody, and nothing to see or to change.
    Nothing,
    /// Refused to everybody but the owner.
    Owner,
}

/// What is there when it was allowed, and only then.
#[derive(Debug, Clone, Copy)]
pub(super) enum Effect {
    None,
    /// In the answer.
    Told(&'static str),
    /// In the owner's state afterwards.
    Appears(&'static str),
    /// No more in the owner's state.
    Vanishes(&'static str),
}

/// A command.
pub(super) struct Row {
    /// Its file in `protocols/imap/src/commands`.
    pub(super) file: &'static str,
    /// Before it, whatever becomes of that.
    pub(super) first: &'static [&'static str],
    pub(super) line: &'static str,
    pub(super) needs: Needs,
    pub(super) effect: Effect,
}

use Effect::{Appears, None as Unseen, Told, Vanishes};
use Needs::{All, Nothing, Owner, Silently};

const OPEN: &[&str] = &["SELECT {M}"];
const LOOK: &[&str] = &["EXAMINE {M}"];
const MARKED: &[&str] = &["SELECT {M}", "STORE 1 +FLAGS.SILENT (\\Deleted)"];

const fn row(file: &'static str, first: &'static [&'static str], line: &'static str, needs: Needs, effect: Effect) -> Row {
    Row { file, first, line, needs, effect }
}

const fn fetch(line: &'static str, told: &'static str) -> Row {
    row("fetch", LOOK, line, All("lr"), Told(told))
}

// RFC 4314 section 4. What it leaves open is as docs/architecture.md has it: DELETE needs no `t` and `e`; EXPUNGE needs both, as what it removes
// was marked with the one and goes with the other.
/// The table.
pub(super) const ROWS: &[Row] = &[
    row("select", &[], "SELECT {M}", All("lr"), Told("2 EXISTS")),
    row("select", &[], "EXAMINE {M}", All("lr"), Told("2 EXISTS")),
    row("select", &[], "EXAMINE {M} (CONDSTORE)", All("lr"), Told("HIGHESTMODSEQ")),
    row("select", &["ENABLE QRESYNC"], "EXAMINE {M} (QRESYNC (1 1))", All("lr"), Told("HIGHESTMODSEQ")),
    row("status", &[], "STATUS {M} (MESSAGES UIDNEXT UIDVALIDITY UNSEEN RECENT)", All("lr"), Told("MESSAGES 2")),
    row("status", &[], "STATUS {M} (DELETED DELETED-STORAGE)", All("lr"), Told("DELETED 1")),
    // What cannot be opened is listed only as the way to what can: some clients drop an account that lists what they cannot open.
    row("list", &[], "LIST \"\" *", Silently("lr"), Told("Zebra")),
    row("list", &[], "LIST \"\" {M}/%", Silently("lr"), Told("Zebra")),
    row("list", &[], "LIST {M}/ Z*", Silently("lr"), Told("Zebra")),
    row("list", &[], "LIST \"\" Shared/%/S*", Silently("lr"), Told("/Secret")),
    row("lsub", &["SUBSCRIBE {M}"], "LSUB \"\" {M}", Nothing, Unseen),
    row("subscribe", &[], "SUBSCRIBE {M}", Nothing, Unseen),
    row("unsubscribe", &["SUBSCRIBE {M}"], "UNSUBSCRIBE {M}", Nothing, Unseen),
    row("create", &[], "CREATE {M}/Walrus", All("lk"), Appears("Secret/Walrus")),
    row("create", &[], "CREATE {M}", Owner, Unseen),
    row("create", &[], "CREATE {M}/Walrus (USE (\\Sent))", Owner, Unseen),
    row("delete", &[], "DELETE {M}/Zebra", All("lx"), Vanishes("Secret/Zebra")),
    row("rename", &[], "RENAME {M}/Zebra {M}/Walrus", All("lxk"), Appears("Secret/Walrus")),
    row("rename", &[], "RENAME {M}/Zebra Taken", Owner, Unseen),
    row("rename", &["CREATE Given"], "RENAME Given {M}/Walrus", Owner, Unseen),
    row("append", &[], "APPEND {M} {21+}\r\nSubject: added\r\n\r\nx\r\n", All("li"), Appears("Subject: added")),
    row("append", &[], "APPEND {M} (\\Flagged) {21+}\r\nSubject: added\r\n\r\nx\r\n", All("li"), Appears("Subject: added")),
    row(
        "append",
        &[],
        "APPEND {M} {21+}\r\nSubject: first\r\n\r\nx\r\n (\\Seen) {22+}\r\nSubject: second\r\n\r\nx\r\n",
        All("li"),
        Appears("Subject: second"),
    ),
    // No message has that uid: what is told of it must not tell more.
    row("append", &[], "APPEND INBOX CATENATE (URL \"/{M}/;UID=4294967295\")", Owner, Unseen),
    row("replace", OPEN, "REPLACE 1 {M} {21+}\r\nSubject: added\r\n\r\nx\r\n", All("lrtei"), Appears("Subject: added")),
    row("replace", OPEN, "UID REPLACE * {M} {21+}\r\nSubject: added\r\n\r\nx\r\n", All("lrtei"), Vanishes("Quetzal")),
    row("replace", OPEN, "REPLACE 1 INBOX {21+}\r\nSubject: added\r\n\r\nx\r\n", All("lrte+li"), Vanishes("Zanzibar")),
    row("replace", LOOK, "REPLACE 1 {M} {21+}\r\nSubject: added\r\n\r\nx\r\n", Owner, Unseen),
    fetch("FETCH 1 (UID FLAGS INTERNALDATE RFC822.SIZE)", "RFC822.SIZE"),
    fetch("FETCH 1 ENVELOPE", "Zanzibar"),
    fetch("FETCH 1 BODYSTRUCTURE", "BODYSTRUCTURE"),
    fetch("FETCH 1 BODY", "BODY"),
    fetch("FETCH 1 BODY.PEEK[]", "Zanzibar"),
    fetch("FETCH 1 BODY.PEEK[HEADER]", "Zanzibar"),
    fetch("FETCH 1 BODY.PEEK[TEXT]", "Okapi"),
    fetch("FETCH 1 BODY.PEEK[1]", "Okapi"),
    fetch("FETCH 1 BODY.PEEK[HEADER.FIELDS (SUBJECT)]", "Zanzibar"),
    fetch("FETCH 1 BODY.PEEK[]<0.64>", "Zanzibar"),
    fetch("FETCH 1 RFC822", "Okapi"),
    fetch("FETCH 1 RFC822.HEADER", "Zanzibar"),
    fetch("FETCH 1 RFC822.TEXT", "Okapi"),
    fetch("FETCH 1 ALL", "Zanzibar"),
    fetch("FETCH 1 FAST", "INTERNALDATE"),
    fetch("FETCH 1 FULL", "Zanzibar"),
    fetch("FETCH 1 (SAVEDATE EMAILID THREADID)", "EMAILID (M"),
    fetch("FETCH 1 PREVIEW (LAZY)", "Okapi"),
    fetch("FETCH 1 BINARY.PEEK[1]", "Okapi"),
    fetch("FETCH 1 BINARY.SIZE[1]", "BINARY.SIZE[1] "),
    fetch("UID FETCH 1:* (FLAGS BODY.PEEK[])", "Okapi"),
    fetch("UID FETCH 1:* (FLAGS) (CHANGEDSINCE 1)", "MODSEQ"),
    fetch("FETCH 1 (MODSEQ)", "MODSEQ"),
    row("fetch", OPEN, "FETCH 1 BODY[]", Silently("lrs"), Appears("1 FETCH (FLAGS (\\Seen)")),
    row("esearch", &[], "ESEARCH IN (mailboxes {M}) RETURN (COUNT) SUBJECT Zanzibar", Silently("lr"), Told("UID COUNT 1")),
    row("esearch", LOOK, "ESEARCH IN (selected) TEXT Okapi", All("lr"), Told("UID ALL ")),
    row("uidbatches", LOOK, "UIDBATCHES 500", All("lr"), Told(":1")),
    row("fetch", OPEN, "FETCH 1 BINARY[1]", Silently("lrs"), Appears("1 FETCH (FLAGS (\\Seen)")),
    row("search", LOOK, "SEARCH SUBJECT Zanzibar", All("lr"), Told("* SEARCH 1")),
    row("search", LOOK, "UID SEARCH TEXT Okapi", All("lr"), Told("* SEARCH ")),
    row("search", LOOK, "UID SEARCH RETURN (COUNT) TEXT Okapi", All("lr"), Told("UID COUNT 2")),
    row("sort", LOOK, "UID SORT RETURN (ALL) (SUBJECT) UTF-8 ALL", All("lr"), Told("UID ALL ")),
    row("sort", LOOK, "SORT (SUBJECT) UTF-8 ALL", All("lr"), Told("* SORT 2 1")),
    row("thread", LOOK, "THREAD ORDEREDSUBJECT UTF-8 ALL", All("lr"), Told("* THREAD (")),
    row("store", OPEN, "STORE 1 +FLAGS (\\Seen)", All("lrs"), Appears("1 FETCH (FLAGS (\\Seen)")),
    row("store", OPEN, "STORE 1 +FLAGS (\\Flagged)", All("lrw"), Appears("1 FETCH (FLAGS (\\Flagged)")),
    row("store", OPEN, "STORE 1 (UNCHANGEDSINCE 999999) +FLAGS.SILENT (\\Flagged)", All("lrw"), Appears("1 FETCH (FLAGS (\\Flagged)")),
    row("store", OPEN, "UID STORE 1:* +FLAGS ($Walrus)", All("lrw"), Appears("$Walrus")),
    row("store", OPEN, "STORE 1 +FLAGS (\\Deleted)", All("lrt"), Appears("1 FETCH (FLAGS (\\Deleted)")),
    row("store", OPEN, "STORE 2 -FLAGS (\\Deleted)", All("lrt"), Vanishes("2 FETCH (FLAGS (\\Deleted)")),
    row("store", LOOK, "STORE 1 +FLAGS (\\Seen \\Flagged \\Deleted)", Owner, Unseen),
    row("copy", LOOK, "COPY 1 Mine", All("lr+li"), Unseen),
    row("copy", &["SELECT INBOX"], "COPY 1 {M}", All("li+lr"), Appears("Subject: own")),
    row("copy", &["SELECT INBOX"], "UID COPY 1:* {M}", All("li+lr"), Appears("Subject: own")),
    row("move", OPEN, "MOVE 1 {M}/Zebra", All("lri0"), Vanishes("1 FETCH (FLAGS ()")),
    row("move", OPEN, "UID MOVE 1:* Mine", All("lrte+li"), Vanishes("Zanzibar")),
    row(
        "move",
        &["APPEND INBOX {19+}\r\nSubject: own\r\n\r\nx\r\n", "SELECT INBOX"],
        "MOVE * {M}",
        All("li+lrte"),
        Appears("Subject: own"),
    ),
    row("expunge", OPEN, "EXPUNGE", All("lrte"), Vanishes("Quetzal")),
    row("expunge", OPEN, "UID EXPUNGE 1:*", All("lrte"), Vanishes("Quetzal")),
    row("expunge", LOOK, "EXPUNGE", Owner, Unseen),
    row("close", OPEN, "CLOSE", Silently("lrte"), Vanishes("Quetzal")),
    row("close", LOOK, "CLOSE", Silently("lr"), Unseen),
    row("unselect", MARKED, "UNSELECT", Silently("lrt"), Appears("1 FETCH (FLAGS (\\Deleted)")),
    row("idle", LOOK, "IDLE\r\nDONE", Nothing, Unseen),
    // RFC 9208: what others share counts for their own quotas, which are not told.
    row("getquotaroot", &[], "GETQUOTAROOT {M}", All("l"), Unseen),
    row("getquota", &[], "GETQUOTA {M}", Owner, Unseen),
    row("setquota", &[], "SETQUOTA {M} (STORAGE 1)", Owner, Unseen),
    row("namespace", &[], "NAMESPACE", Nothing, Unseen),
    row("list", &[], "LIST \"\" {M} RETURN (STATUS (MESSAGES SIZE) MYRIGHTS METADATA (/private/comment))", Silently("lr"), Told("STATUS")),
    row("status", &[], "STATUS {M} (SIZE HIGHESTMODSEQ MAILBOXID APPENDLIMIT)", All("lr"), Told("MAILBOXID (F")),
    row("list", &[], "LIST \"\" ({M} {M}/%) RETURN (MYRIGHTS SUBSCRIBED)", Silently("lr"), Told("* MYRIGHTS ")),
    // A name that is subscribed is shown to whoever has subscribed it, and says nothing of whether it is there.
    row("list", &["SUBSCRIBE {M}"], "LIST (SUBSCRIBED) \"\" {M} RETURN (STATUS (MESSAGES))", Nothing, Unseen),
    row("list", &["SUBSCRIBE {M}"], "LIST (SUBSCRIBED RECURSIVEMATCH) \"\" ({M} {M}/%)", Nothing, Unseen),
    row("getmetadata", &[], "GETMETADATA {M} (DEPTH infinity) /shared/comment", All("lr"), Unseen),
    row("setmetadata", &[], "SETMETADATA \"\" (/shared/comment \"x\")", Owner, Unseen),
    row("getmetadata", &[], "GETMETADATA {M} /private/comment", All("lr"), Told("METADATA")),
    row("setmetadata", &[], "SETMETADATA {M} (/private/comment \"x\")", All("lr"), Unseen),
    row("setmetadata", &[], "SETMETADATA {M} (/shared/comment \"x\")", All("lrw"), Unseen),
    row("notify", &[], "NOTIFY SET STATUS (mailboxes ({M}) (MessageNew MessageExpunge FlagChange))", Silently("lr"), Told("STATUS")),
    row("capability", &[], "CAPABILITY", Nothing, Unseen),
    row("enable", &[], "ENABLE UTF8=ACCEPT", Nothing, Unseen),
    row("id", &[], "ID NIL", Nothing, Unseen),
    row("getacl", &[], "GETACL {M}", All("la"), Told("* ACL ")),
    row("listrights", &[], "LISTRIGHTS {M} anyone", All("la"), Told("* LISTRIGHTS ")),
    row("myrights", &[], "MYRIGHTS {M}", All("l"), Told("* MYRIGHTS ")),
    row("deleteacl", &[], "DELETEACL {M} nobody@octroi.example", All("la"), Unseen),
    // None of these profiles has a rule for sharing: `a` alone shares with nobody.
    row("setacl", &[], "SETACL {M} anyone l", Owner, Unseen),
];
