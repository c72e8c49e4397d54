//! How mail proves where it is from: theirs is checked, ours is signed. Both go along with a message as it is received.

use crate::header;
use crate::session::{Kind, Session};
use crate::spam::{SpamHooks, Suspect, Suspicion};
use crate::wire::{Reply, ReversePath};
use octroi_mailauth::{
    Authenticator, Keyring, MessageChecks, Reason, Sealable, Sealing, Sender, SenderChecks, Signing, Treatment, Verdict,
};
use octroi_model::Address;
use octroi_reports::Reports;
use octroi_reports::dmarc::Row;
use std::fmt;
use std::sync::Arc;
use tracing::{info, warn};

/// Who checks and who signs. By default nobody does.
#[derive(Clone, Default)]
pub struct Proofs {
    /// Checks mail from other servers.
    pub authenticator: Option<Authenticator>,
    /// Signs mail of ours.
    pub keyring: Keyring,
    /// What others think of a message.
    pub spam: Option<Arc<SpamHooks>>,
}

impl fmt::Debug for Proofs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proofs")
            .field("checks", &self.authenticator.is_some())
            .field("signs", &self.keyring.signs())
            .finish_non_exhaustive()
    }
}

/// The proof of one message under way.
pub(crate) enum Proof {
    /// Nothing is asked and nothing said.
    None,
    /// Theirs, with a seal for those elsewhere to whom it goes on.
    Checked(Box<MessageChecks>, Option<Box<Sealing>>),
    /// Ours.
    Signed(Box<Signing>),
}

impl Proofs {
    /// Begin when the header is here: `came` as it was sent, `kept` as it is stored. What a front server brings is its own business. `leaves`:
    /// it goes on to somebody elsewhere.
    pub(crate) fn begin(&self, kind: Kind, checked: bool, leaves: bool, came: &[u8], kept: &[u8]) -> Proof {
        match (kind, &self.authenticator) {
            (Kind::Inbound, Some(authenticator)) if checked => {
                let sealing = (leaves && authenticator.seals()).then(|| Sealing::begin(&self.keyring, kept)).flatten();
                Proof::Checked(Box::new(authenticator.message(came)), sealing.map(Box::new))
            }
            (Kind::Submission, _) => Signing::begin(&self.keyring, kept).map_or(Proof::None, |signing| Proof::Signed(Box::new(signing))),
            _ => Proof::None,
        }
    }
}

impl Proofs {
    /// A message of the server itself with its signatures.
    pub(crate) fn sign(&self, message: Vec<u8>) -> Vec<u8> {
        Signing::signed(&self.keyring, &message).unwrap_or_else(|error| {
            warn!(error, "a message of the server leaves without signature");
            message
        })
    }

    /// A message of somebody else's that a filter sends on, with a seal over what we found out when it came. It has no return path any more.
    pub(crate) fn seal(&self, sealable: &Sealable, message: Vec<u8>) -> Vec<u8> {
        match sealable.seal(&self.keyring, &message) {
            Ok(fields) => [fields.as_bytes(), &message].concat(),
            Err(error) => {
                warn!(error, "a message goes on without seal");
                message
            }
        }
    }
}

impl Proof {
    /// The next octets of the body.
    pub(crate) fn body(&mut self, octets: &[u8]) {
        match self {
            Self::None => {}
            Self::Checked(checks, sealing) => {
                checks.body(octets);
                if let Some(sealing) = sealing {
                    sealing.body(octets);
                }
            }
            Self::Signed(signing) => signing.body(octets),
        }
    }

    /// The body is whole.
    pub(crate) async fn finish(self, sender: Option<SenderChecks>) -> Proven {
        match (self, sender) {
            (Self::Checked(checks, sealing), Some(sender)) => Proven::of(checks.finish(sender).await, sealing),
            (Self::Signed(signing), _) => Proven {
                fields: signing.finish().unwrap_or_else(|error| {
                    warn!(error, "a message leaves without signature");
                    String::new()
                }),
                ..Proven::default()
            },
            _ => Proven::default(),
        }
    }
}

/// What comes of a proof.
#[derive(Default)]
pub(crate) struct Proven {
    /// Fields for the top of the message.
    fields: String,
    /// It goes to Junk.
    pub(crate) junk: bool,
    /// It is refused.
    pub(crate) refused: Option<Reply>,
    /// Whether DMARC vouches for it; `None` where nobody asked.
    pub(crate) authentic: Option<bool>,
    /// What its authors' domains are to be told.
    seen: Vec<(String, Row)>,
    /// What a seal on it says, if it has none yet.
    pub(crate) sealable: Option<Sealable>,
}

impl Proven {
    fn of(verdict: Verdict, sealing: Option<Box<Sealing>>) -> Self {
        let Verdict { field, treatment, reason, authentic, seen, mut sealable } = verdict;
        if let Some(reason) = &reason {
            info!(?reason, ?treatment, "a message fails the checks of its sender");
        }
        let refused = (treatment == Treatment::Refuse).then(|| reply(reason.as_ref()));
        let mut fields = field;
        if let Some(sealing) = sealing
            && let Some(found) = sealable.take()
        {
            match sealing.finish(&found) {
                // RFC 8617 section 5.1: above what it is about.
                Ok(seal) => fields.insert_str(0, &seal),
                Err(error) => warn!(error, "a message goes on without seal"),
            }
        }
        Self { fields, junk: treatment == Treatment::Junk, refused, authentic: Some(authentic), seen, sealable }
    }

    /// Count it for the reports to its authors' domains. What brings a report of theirs is not, or each would beget another.
    pub(crate) fn count(&mut self, reports: &Reports, recipients: &[Address]) {
        if !recipients.iter().all(|recipient| reports.receives(recipient)) {
            self.seen.drain(..).for_each(|(domain, row)| reports.count_message(&domain, row));
        }
    }

    /// What lists and rspamd say is added; whoever refuses first is heard.
    fn suspect(&mut self, suspicion: Suspicion) {
        self.fields.push_str(&suspicion.fields);
        self.junk |= suspicion.junk;
        self.refused = self.refused.take().or(suspicion.refused);
    }

    /// Ask what others think of it, as long as nobody has refused it. `rest` is what stands below the trace, if it is in memory.
    pub(crate) async fn suspected(mut self, suspect: Suspect, id: &str, recipients: &[Address], trace: &str, rest: Option<&[u8]>) -> Self {
        let (hooks, about) = (suspect.hooks.clone(), suspect.about(id, recipients));
        if self.refused.is_none() {
            self.suspect(hooks.listed(suspect.listing).await);
        }
        if self.refused.is_none() {
            self.suspect(hooks.judged(&about, &self.top(trace), rest).await);
        }
        self
    }

    /// All that goes on top: `Return-Path` first, then these fields, then the trace.
    pub(crate) fn top(&self, trace: &str) -> Vec<u8> {
        header::insert_below_return_path(trace, &self.fields).into_bytes()
    }
}

/// Whose policy it is, and not what exactly was found.
fn reply(reason: Option<&Reason>) -> Reply {
    match reason {
        // RFC 7489 section 10.3.
        Some(Reason::Dmarc(domain)) => Reply::new(550, "5.7.1", format!("{domain} asks not to deliver mail that is not from it (DMARC)")),
        // RFC 7372 section 3.2.
        Some(Reason::Spf(domain)) => Reply::new(550, "5.7.23", format!("{domain} does not send from there (SPF)")),
        Some(Reason::Authors) | None => Reply::new(550, "5.7.1", "Too many domains of authors in From"),
    }
}

impl Session {
    /// Begin to look the sender up, so that the answers are here when the message is.
    pub(crate) fn check_sender(&self, from: &ReversePath) -> Option<SenderChecks> {
        let authenticator = self.config.proofs.authenticator.as_ref().filter(|_| self.stranger)?;
        Some(authenticator.sender(Sender { peer: self.peer(), hello: self.hello_name(), from: from_text(from) }))
    }

    /// Likewise, begin to ask what others think of it.
    pub(crate) fn suspect(&self, from: &ReversePath) -> Option<Suspect> {
        let hooks = self.config.proofs.spam.clone().filter(|_| self.stranger)?;
        Some(Suspect::begin(hooks, self.peer(), self.hello_name(), from_text(from)))
    }

    fn hello_name(&self) -> String {
        self.hello.as_ref().map(|hello| hello.host.clone()).unwrap_or_default()
    }
}

/// A return path as checks take it.
fn from_text(from: &ReversePath) -> String {
    match from {
        ReversePath::Null => String::new(),
        ReversePath::Mailbox(address) => address.to_string(),
    }
}
