//! What is to become of a message: the actions of a run, in their order, the implicit keep among them.

use octroi_model::Address;

/// The actions of a run. None at all: the message is discarded.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verdict {
    /// In the order in which they were taken; no mailbox twice.
    pub actions: Vec<Action>,
}

/// An action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Into a mailbox.
    File(Filing),
    /// On to somebody else (RFC 5228 section 4.2).
    Redirect(Address),
    /// Not taken (RFC 5429); no other action then.
    Refuse(Refusing),
    /// An automatic answer (RFC 5230), if one may be given ([`crate::may_answer`]) and none was given lately.
    Answer(AutoReply),
}

/// Into which mailbox, and how.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filing {
    /// `None` is the INBOX. Names as in IMAP, in UTF-8, with `/` between the levels.
    pub mailbox: Option<String>,
    /// It is made when it is not there (RFC 5490 section 3.2).
    pub create: bool,
    /// Flags and keywords as in IMAP, none twice.
    pub flags: Vec<String>,
}

/// How it is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusing {
    /// For the sender, of any length, with line ends as they are in the script.
    pub reason: String,
    /// `ereject`: with a reply or a bounce. Else a notice (RFC 8098) may do.
    pub bounce: bool,
}

/// RFC 5230's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AutoReply {
    /// For so many seconds nobody is answered twice.
    pub seconds: u64,
    /// Its subject, if the script has one.
    pub subject: Option<String>,
    /// In whose name, if the script says so. Whether they may is the caller's to say.
    pub from: Option<String>,
    /// Other addresses of the owner's.
    pub addresses: Vec<String>,
    /// The text, or with `mime` a whole part with its header.
    pub reason: String,
    /// See `reason`.
    pub mime: bool,
    /// What tells this answer from another one of the same person (RFC 5230 section 4.2).
    pub handle: String,
}
