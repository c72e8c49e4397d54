//! What the gate wants brought to people: notices into their own mailbox, and codes to their devices.
//!
//! The gate decides and the program carries: [`Errands`] is handed to it once, by [`crate::Gate::open`]. What does not fit into the bounded
//! queue is dropped and logged; a code can be asked for again, and a notice stands in the portal as well.

use crate::gate::Gate;
use crate::refusal::Refusal;
use octroi_engine::Part;
use octroi_model::{Address, ContentRef, Reach, Service, UnixTime};
use std::net::IpAddr;
use tokio::sync::mpsc;
use zeroize::Zeroizing;

/// Errands that wait.
const WAITING_MAX: usize = 256;
/// Messages of one move that are told about.
const JUDGED_AT_ONCE_MAX: usize = 64;
/// Octets of a message that is told about.
const JUDGED_BYTES_MAX: u64 = 1 << 20;

/// Something to bring.
#[derive(Debug)]
pub enum Errand {
    /// A notice into somebody's own mailbox.
    Notice {
        /// Whose.
        to: Address,
        /// When it happened.
        at: UnixTime,
        /// What.
        notice: Notice,
    },
    /// A code to a device of somebody's.
    Code {
        /// Whose.
        of: Address,
        /// Where to.
        reach: Reach,
        /// Eight digits. Not to be logged.
        code: Zeroizing<String>,
        /// For how many minutes it counts.
        minutes: u64,
    },
    /// A message that somebody has moved into their Junk mailbox, or out of it.
    Judged(JudgedMessage),
}

/// A message that somebody has judged by moving it.
pub struct JudgedMessage {
    /// It is spam, they say.
    pub spam: bool,
    gate: Gate,
    content: ContentRef,
}

impl std::fmt::Debug for JudgedMessage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JudgedMessage").field("spam", &self.spam).finish_non_exhaustive()
    }
}

impl JudgedMessage {
    /// All of it.
    pub async fn octets(&self) -> Result<Vec<u8>, Refusal> {
        let parts = self.gate.engine().read(vec![(self.content, Part::Whole)]).await?;
        Ok(parts.into_iter().next().unwrap_or_default())
    }
}

/// What an owner is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// A log-in waits for confirmation.
    LogInWaits {
        /// The owner's name of the app password.
        label: String,
        /// Over which service.
        service: Service,
        /// From where.
        peer: IpAddr,
        /// What the client calls itself.
        client: Option<String>,
    },
    /// A second factor was locked after wrong tries.
    FactorLocked {
        /// Which kind, as in the audit trail.
        kind: &'static str,
        /// Until then.
        until: UnixTime,
    },
    /// The main password was changed or set anew.
    PasswordChanged {
        /// From where.
        peer: IpAddr,
    },
    /// The second factors changed.
    FactorsChanged {
        /// What happened, as in the audit trail.
        what: String,
        /// From where.
        peer: IpAddr,
    },
    /// A filter could not do what it says; told once for each version of a script.
    FilterFailed {
        /// Its name.
        script: String,
        /// What went wrong, for people.
        why: String,
    },
    /// An app password was made.
    AppPasswordMade {
        /// The owner's name for it.
        label: String,
        /// From where.
        peer: IpAddr,
    },
}

/// Where the program takes errands from.
pub struct Errands(mpsc::Receiver<Errand>);

impl Errands {
    /// The next one; `None` once the gate is gone.
    pub async fn next(&mut self) -> Option<Errand> {
        self.0.recv().await
    }
}

/// Where the gate puts them.
#[derive(Clone)]
pub(crate) struct Outbox(mpsc::Sender<Errand>);

pub(crate) fn errands() -> (Outbox, Errands) {
    let (sender, receiver) = mpsc::channel(WAITING_MAX);
    (Outbox(sender), Errands(receiver))
}

impl Outbox {
    pub(crate) fn put(&self, errand: Errand) {
        if self.0.try_send(errand).is_err() {
            tracing::warn!("a notice or code could not be brought: too many wait, or nobody carries them");
        }
    }

    /// Messages were judged; of very many, and of what is too large to be looked at, nothing is told.
    pub(crate) fn judged<'a>(&self, gate: &Gate, spam: bool, contents: impl Iterator<Item = &'a ContentRef>) {
        let sensible = contents.filter(|content| content.bytes() <= JUDGED_BYTES_MAX).take(JUDGED_AT_ONCE_MAX);
        for content in sensible {
            self.put(Errand::Judged(JudgedMessage { spam, gate: gate.clone(), content: *content }));
        }
    }

    pub(crate) fn notice(&self, to: &Address, notice: Notice) {
        self.put(Errand::Notice { to: to.clone(), at: UnixTime::now(), notice });
    }
}
