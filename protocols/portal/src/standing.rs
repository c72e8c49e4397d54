//! How far a visitor has come, and what is kept of them between requests. The values of `sessions`.

use crate::frame::Notice;
use crate::language::Language;
use crate::pages::refused;
use octroi_gate::{DeviceEnrolment, PasskeyChallenge, PasskeyEnrolment, PendingSignIn, PortalSession, Refusal, TotpEnrolment};
use octroi_model::Reach;
use std::sync::Arc;

/// How far a visitor has come.
pub(crate) enum Standing {
    /// The password was right; a second factor is wanted.
    AwaitsCode(Box<Awaiting>),
    /// Signed in.
    In(Box<SignedIn>),
}

/// Somebody whose second factor is wanted.
pub(crate) struct Awaiting {
    pub pending: PendingSignIn,
    /// What their passkey was asked last.
    pub challenge: Option<PasskeyChallenge>,
    /// What the next page is to say, once.
    pub notice: Option<Said>,
    /// Where they want to come to afterwards.
    pub to: Option<String>,
}

/// Somebody who is signed in.
pub(crate) struct SignedIn {
    pub session: PortalSession,
    /// An authenticator that is being set up.
    pub totp: Option<TotpEnrolment>,
    /// A passkey that is being set up.
    pub passkey: Option<PasskeyEnrolment>,
    /// A device that is being set up, and where it is reached.
    pub device: Option<(Reach, Arc<DeviceEnrolment>)>,
    /// What their passkey was asked last.
    pub challenge: Option<PasskeyChallenge>,
    /// What the next page is to say, once.
    pub notice: Option<Said>,
}

impl SignedIn {
    /// At the beginning.
    pub(crate) fn new(session: PortalSession) -> Self {
        Self { session, totp: None, passkey: None, device: None, challenge: None, notice: None }
    }
}

/// What there is to say after a form, in whatever language the next page is read.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Said {
    Done(fn(Language) -> &'static str),
    Fault(fn(Language) -> &'static str),
    Refused(Refusal),
}

impl Said {
    /// As a page says it.
    pub(crate) fn notice(self, language: Language) -> Notice {
        match self {
            Self::Done(text) => Notice::Done(text(language)),
            Self::Fault(text) => Notice::fault(text(language)),
            Self::Refused(refusal) => Notice::fault(refused(refusal, language)),
        }
    }
}
