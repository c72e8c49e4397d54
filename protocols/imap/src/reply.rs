//! What a command ends in: a reply, a refusal, or the end of the connection. Returned by every handler, sent by `connection`.

use crate::refusal;
use crate::wire::encode;
use imap_codec::imap_types::response::{Code, StatusKind};
use octroi_gate::Refusal;
use octroi_net::{ReadError, WriteError};
use std::borrow::Cow;

/// What the tagged answer says.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) kind: StatusKind,
    pub(crate) code: Option<Code<'static>>,
    pub(crate) text: Cow<'static, str>,
}

/// The connection is over.
#[derive(Debug)]
pub(crate) enum End {
    /// The peer has gone, or does not take what we send.
    Gone,
    /// We end it, and say why.
    Bye(Option<Code<'static>>, &'static str),
}

/// Why a handler gave up.
#[derive(Debug)]
pub(crate) enum Fault {
    /// With this answer.
    Reply(Reply),
    /// The gate said no; `refusal` turns it into an answer.
    Refused(Refusal),
    /// There is nobody to answer any more.
    End(End),
}

/// What a handler returns.
pub(crate) type Done = Result<Reply, Fault>;

impl Reply {
    /// It was done.
    pub(crate) fn ok(text: &'static str) -> Self {
        Self { kind: StatusKind::Ok, code: None, text: text.into() }
    }

    /// It was not done.
    pub(crate) fn no(code: impl Into<Cow<'static, str>>, text: impl Into<Cow<'static, str>>) -> Self {
        Self { kind: StatusKind::No, code: Some(encode::code(code)), text: text.into() }
    }

    /// It could not be meant.
    pub(crate) fn bad(text: &'static str) -> Self {
        Self { kind: StatusKind::Bad, code: None, text: text.into() }
    }

    /// With a response code.
    pub(crate) fn with(self, code: Code<'static>) -> Self {
        Self { code: Some(code), ..self }
    }
}

/// The reply to a name that is not valid modified UTF-7, or that no mailbox can have.
pub(crate) fn bad_name() -> Fault {
    // RFC 5530 section 3.
    Fault::Reply(Reply::no("CANNOT", "That is not a valid mailbox name"))
}

/// The reply to a message number after `ENABLE UIDONLY`.
// RFC 9586 section 3.2.
pub(crate) fn uid_required() -> Fault {
    Fault::Reply(Reply::bad("Only uids name messages since UIDONLY is enabled").with(encode::code("UIDREQUIRED")))
}

/// The end that a refusal or a reply leads to, if it does.
impl Fault {
    /// What the client is told, or how the connection ends.
    pub(crate) fn into_reply(self, portal_url: &str) -> Result<Reply, End> {
        match self {
            Self::Reply(reply) => Ok(reply),
            Self::Refused(refusal) => refusal::reply(refusal, portal_url),
            Self::End(end) => Err(end),
        }
    }
}

impl From<Reply> for Fault {
    fn from(reply: Reply) -> Self {
        Self::Reply(reply)
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<End> for Fault {
    fn from(end: End) -> Self {
        Self::End(end)
    }
}

impl From<WriteError> for End {
    fn from(_: WriteError) -> Self {
        Self::Gone
    }
}

impl From<WriteError> for Fault {
    fn from(error: WriteError) -> Self {
        Self::End(error.into())
    }
}

impl From<ReadError> for End {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Timeout => Self::Bye(None, "Nothing came for too long"),
            ReadError::TooLong => Self::Bye(Some(Code::TooBig), "A line is too long"),
            ReadError::Closed | ReadError::Io(_) => Self::Gone,
        }
    }
}
