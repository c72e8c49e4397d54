//! How far a visitor has come, and what is kept of them between requests. The values of `sessions`.

use crate::frame::Notice;
use crate::language::Language;
use octroi_gate::{PendingSignIn, PortalSession, TotpEnrolment};

/// How far a visitor has come.
pub(crate) enum Standing {
    /// The password was right; one try for the code.
    AwaitsCode(Box<PendingSignIn>),
    /// Signed in.
    In(Box<SignedIn>),
}

/// Somebody who is signed in.
pub(crate) struct SignedIn {
    pub session: PortalSession,
    /// A second factor that is being set up.
    pub enrolment: Option<TotpEnrolment>,
    /// What the next page is to say, once.
    pub notice: Option<Said>,
}

/// What there is to say after a form, in whatever language the next page is read.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Said {
    Done(fn(Language) -> &'static str),
    Fault(fn(Language) -> &'static str),
}

impl Said {
    /// As a page says it.
    pub(crate) fn notice(self, language: Language) -> Notice {
        match self {
            Self::Done(text) => Notice::Done(text(language)),
            Self::Fault(text) => Notice::fault(text(language)),
        }
    }
}
