//! Why the gate refuses: what a protocol's own `refusal.rs` maps to replies, and no more than a peer may learn.

use octroi_engine::{CommitError, ReadError};
use octroi_model::{LockId, Rights, Uid};
use std::fmt;

/// A refusal. Nothing was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Not there, or must not be known to be there.
    Missing,
    /// Known, but not allowed; the rights that lacked.
    Forbidden(Rights),
    /// The credential was revoked or has expired, or the account is gone.
    Ended,
    /// What was expected did not hold when it came to be committed.
    Precondition,
    /// It is locked by somebody, or the request does not say that it has the lock.
    Locked(LockId),
    /// It cannot be locked: this lock lets no other be.
    LockConflict(LockId),
    /// No such lock covers it.
    NoSuchLock,
    /// The name is taken.
    Exists,
    /// It still holds something.
    NotEmpty,
    /// This cannot be done with that object.
    Unsupported,
    /// A named limit.
    Limit(&'static str),
    /// More would be there than a quota allows; not said is whose or which.
    OverQuota,
    /// May not send as that address.
    NotSender,
    /// No such person here.
    UnknownRecipient,
    /// Neither sender nor recipient is ours.
    NotRelay,
    /// The group takes mail of its members only.
    NotMember,
    /// The message may not leave as it is, and that recipient is elsewhere.
    Unconvertible,
    /// The alias would lead to itself.
    Loop,
    /// The profile does not let one write to that recipient.
    RecipientNotAllowed,
    /// Another object of the collection has this UID: the one with this number.
    UidTaken(Uid),
    /// Try later; the reason is in the log.
    Unavailable,
    /// What is stored of this one object does not check; the reason is in the log.
    Damaged,
    /// The code is wrong.
    InvalidCode,
    /// The code is right and was used before.
    UsedCode,
    /// After wrong tries this kind of second factor is not looked at for so many seconds.
    FactorLocked(i64),
    /// The owner has not confirmed the log-in (yet).
    Unconfirmed,
    /// The account has too many sessions, or logs in too often.
    Busy,
    /// A reserved action; what it lacks.
    Reserved(Lacks),
    /// The profile does not let one share with them.
    ShareNotAllowed,
    /// The profile does not let one subscribe to calendars of the web.
    SubscribeNotAllowed,
    /// Nothing is fetched from that URL.
    SourceNotAllowed,
    /// The profile does not let one publish calendars.
    PublishNotAllowed,
    /// The profile does not let one take out whole collections.
    ExportNotAllowed,
    /// No such account, group or profile.
    UnknownGrantee,
    /// The main password does not meet the policy.
    Password(crate::password::PasswordFault),
    /// A meeting may not be changed like that.
    Scheduling(crate::scheduling::SchedulingFault),
}

/// What a reserved action lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lacks {
    /// The profile may not do it at all.
    Profile,
    /// It is done elsewhere only, such as at a secured post.
    Zone,
    /// A second factor not older than so many seconds: the device has to be confirmed again first.
    SecondFactor(i64),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("not found"),
            Self::Forbidden(lacking) => write!(f, "not permitted (rights {lacking} are lacking)"),
            Self::Ended => f.write_str("the session has ended"),
            Self::Precondition => f.write_str("it was changed meanwhile"),
            Self::Locked(_) => f.write_str("it is locked"),
            Self::LockConflict(_) => f.write_str("it is locked already"),
            Self::NoSuchLock => f.write_str("no such lock covers it"),
            Self::Exists => f.write_str("the name is taken"),
            Self::NotEmpty => f.write_str("it is not empty"),
            Self::Unsupported => f.write_str("that is not possible here"),
            Self::Limit(what) => write!(f, "limit reached: {what}"),
            Self::OverQuota => f.write_str("over quota"),
            Self::NotSender => f.write_str("not permitted to send as that address"),
            Self::UnknownRecipient => f.write_str("no such recipient here"),
            Self::NotRelay => f.write_str("relaying denied"),
            Self::NotMember => f.write_str("only members may write there"),
            Self::Unconvertible => f.write_str("the message cannot be sent on as it is"),
            Self::Loop => f.write_str("it would lead to itself"),
            Self::RecipientNotAllowed => f.write_str("not permitted to write to that recipient"),
            Self::UidTaken(_) => f.write_str("another object has this UID"),
            Self::Unavailable => f.write_str("temporarily unavailable"),
            Self::Damaged => f.write_str("damaged in the store"),
            Self::InvalidCode => f.write_str("the code is not valid"),
            Self::UsedCode => f.write_str("the code was used before"),
            Self::FactorLocked(seconds) => write!(f, "locked after wrong tries, for {seconds} s"),
            Self::Unconfirmed => f.write_str("the log-in was not confirmed"),
            Self::Busy => f.write_str("too many sessions or log-ins of this account"),
            Self::Reserved(Lacks::Profile) => f.write_str("a reserved action that the profile may not do"),
            Self::Reserved(Lacks::Zone) => f.write_str("a reserved action that cannot be done from here"),
            Self::Reserved(Lacks::SecondFactor(seconds)) => {
                write!(f, "a reserved action that needs a second factor of the last {seconds} s")
            }
            Self::ShareNotAllowed => f.write_str("not permitted to share with them"),
            Self::SubscribeNotAllowed => f.write_str("not permitted to subscribe to calendars of the web"),
            Self::SourceNotAllowed => f.write_str("nothing is fetched from there"),
            Self::PublishNotAllowed => f.write_str("not permitted to publish calendars"),
            Self::ExportNotAllowed => f.write_str("not permitted to take out whole collections"),
            Self::UnknownGrantee => f.write_str("no such account, group or profile"),
            Self::Password(fault) => fault.fmt(f),
            Self::Scheduling(fault) => fault.fmt(f),
        }
    }
}

impl std::error::Error for Refusal {}

impl From<CommitError> for Refusal {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Stale => Self::Unavailable,
            CommitError::Expectation(_) => Self::Precondition,
            CommitError::Locked(id) => Self::Locked(id),
            CommitError::Conflict(id) => Self::LockConflict(id),
            CommitError::Gone => Self::Missing,
            CommitError::Exists => Self::Exists,
            CommitError::NotEmpty => Self::NotEmpty,
            CommitError::Replayed => Self::UsedCode,
            CommitError::Full => Self::Limit("table full"),
            CommitError::OverQuota(_) => Self::OverQuota,
            CommitError::NoSpace => {
                tracing::error!("the disk is full");
                Self::Limit("space on the disk")
            }
            CommitError::Storage(why) => {
                tracing::error!(%why, "a commit failed");
                Self::Unavailable
            }
        }
    }
}

impl From<ReadError> for Refusal {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Gone => Self::Missing,
            ReadError::Damaged(why) => {
                tracing::error!(%why, "a content is damaged");
                Self::Damaged
            }
            ReadError::Storage(why) => {
                tracing::error!(%why, "a read failed");
                Self::Unavailable
            }
        }
    }
}
