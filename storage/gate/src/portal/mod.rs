//! The portal's side of the gate: the main password and a second factor open an account's own settings, and nothing else.
//!
//! A [`PortalSession`] cannot open a mailbox or a folder: it has no such method. Only it, with a fresh second factor, mints app passwords,
//! confirms devices and changes factors. Where the profile says so, and with a second factor, it leads to a [`crate::Session`] for documents
//! ([`PortalSession::documents`]) or calendars ([`PortalSession::calendars`]), which is decided like that of a program.

mod app_passwords;
mod devices;
mod documents;
mod factors;
mod filters;
mod reset;
mod shares;
mod sign_in;
mod staff;

pub use app_passwords::{AppPasswordFacts, MintedAppPassword, Preset, Scope};
pub use devices::ConfirmedDevice;
pub(crate) use documents::SignedIn;
pub use factors::{DeviceEnrolment, FactorFacts};
pub use shares::OwnShare;
pub use sign_in::{PendingSignIn, SignIn};
pub use staff::{Administrator, Auditor, ProfileFacts};

use crate::audit::Line;
use crate::channel::ClientCertificate;
use crate::errand::Notice;
use crate::gate::Gate;
use crate::password;
use crate::refusal::Refusal;
use crate::session::Session;
use octroi_engine::{Batch, Change};
use octroi_model::{Account, AccountId, Address, AuditFrom, AuditLine, AuditQuery, AuditVia, Outcome};
use octroi_policy::Origin;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long a second factor counts as fresh.
const FRESH_FOR: Duration = Duration::from_mins(5);

/// Somebody at the portal. Cheap to clone; clones are one session.
#[derive(Clone)]
pub struct PortalSession {
    gate: Gate,
    account: AccountId,
    address: Address,
    display_name: String,
    peer: IpAddr,
    certificate: Option<ClientCertificate>,
    signed_in: SignedIn,
    /// The sessions that were opened last, one for each service.
    opened: Arc<Mutex<Vec<Session>>>,
}

/// Proof of a second factor given just now. Made by [`PortalSession::step_up`] and used up by what it proves.
pub struct Stepped {
    account: AccountId,
}

impl Stepped {
    /// Is it that account's?
    pub(crate) fn is_of(&self, account: AccountId) -> bool {
        self.account == account
    }
}

impl PortalSession {
    /// `stepped`: with a second factor that was given just now.
    fn new(gate: Gate, account: &Account, peer: IpAddr, stepped: bool) -> Self {
        let signed_in = SignedIn::new(&gate, account);
        if stepped {
            signed_in.stepped_up(peer);
        }
        Self {
            gate,
            account: account.id,
            address: account.address.clone(),
            display_name: account.display_name.clone(),
            peer,
            certificate: None,
            signed_in,
            opened: Arc::default(),
        }
    }

    /// The same session over the connection that a request came by: what depends on the place is decided for that one.
    #[must_use]
    pub fn over(self, peer: IpAddr, certificate: Option<ClientCertificate>) -> Self {
        Self { peer, certificate, ..self }
    }

    /// The account's address.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// The account's name for people; may be empty.
    pub fn display_name(&self) -> &str {
        &self.display_name
    }

    /// The account's profile.
    pub fn profile(&self) -> String {
        self.account().map_or(String::new(), |a| a.profile.clone())
    }

    /// From where it is asked.
    pub fn peer(&self) -> IpAddr {
        self.peer
    }

    /// Does it still stand? A removed account, a changed password or a sign-out from everywhere ends it.
    pub async fn check(&self) -> Result<(), Refusal> {
        self.account().map(|_| ())
    }

    /// Give a fresh second factor: an authenticator's code, one that was sent, or a recovery code.
    pub async fn step_up(&self, code: &str) -> Result<Stepped, Refusal> {
        let account = self.account()?;
        tokio::time::sleep(self.gate.0.throttle.wait(self.peer)).await;
        match self.gate.use_code_at_portal(&account, code, self.peer).await {
            Ok(kind) => Ok(self.stepped_up(kind.name()).await),
            Err(refusal) => {
                self.gate.count_failure(self.peer, code);
                self.note("step up", "", Outcome::Refused, &refusal.to_string()).await;
                Err(refusal)
            }
        }
    }

    /// The proof of a second factor given a few minutes ago, if there was one.
    pub fn fresh(&self) -> Option<Stepped> {
        self.signed_in.stepped().filter(|at| at.elapsed() < FRESH_FOR).map(|_| Stepped { account: self.account })
    }

    async fn stepped_up(&self, kind: &str) -> Stepped {
        self.gave_factor();
        self.note("step up", kind, Outcome::Done, "").await;
        Stepped { account: self.account }
    }

    /// A second factor was given at this moment.
    fn gave_factor(&self) {
        self.signed_in.stepped_up(self.peer);
        // What was opened before knows nothing of it.
        self.opened.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The account, if the proof is its own.
    fn proven(&self, proof: &Stepped) -> Result<Arc<Account>, Refusal> {
        let account = self.account()?;
        if proof.account == account.id { Ok(account) } else { Err(Refusal::InvalidCode) }
    }

    /// Another main password. Ends every portal session but this one's successor.
    pub async fn change_password(&self, old: &str, new: &str) -> Result<(), Refusal> {
        let account = self.account()?;
        tokio::time::sleep(self.gate.0.throttle.wait(self.peer)).await;
        if !password::verify(old, account.password_hash.as_deref()).await {
            self.gate.count_failure(self.peer, old);
            self.note("password change", "", Outcome::Refused, "the old password is wrong").await;
            return Err(Refusal::InvalidCode);
        }
        self.gate.set_password(&account, new).await?;
        self.gate.0.outbox.notice(&account.address, Notice::PasswordChanged { peer: self.peer });
        self.note("password change", "", Outcome::Done, "").await;
        Ok(())
    }

    /// What happened on the account lately, the newest first: its own lines of the audit trail.
    pub async fn notices(&self, lines_max: usize) -> Result<Vec<AuditLine>, Refusal> {
        let account = Some(self.account()?.id);
        Ok(self.gate.engine().audit(AuditQuery { account, from: AuditFrom::Newest, lines_max }).await?)
    }

    fn account(&self) -> Result<Arc<Account>, Refusal> {
        self.signed_in.account(&self.gate)
    }

    async fn note(&self, act: &str, subject: &str, outcome: Outcome, reason: &str) {
        self.gate.note(Some(self.account), act, subject, self.peer, outcome, reason).await;
    }
}

impl Gate {
    pub(crate) async fn set_password(&self, account: &Account, new: &str) -> Result<(), Refusal> {
        password::check(new, &self.own_words(account)).map_err(Refusal::Password)?;
        let hash = password::hash(new).await.ok_or(Refusal::Unavailable)?;
        let mut batch = Batch::new();
        batch.push(Change::SetPassword { account: account.id, password_hash: Some(hash) });
        self.engine().commit(batch).await?;
        Ok(())
    }

    /// What must not stand in the account's password.
    pub(crate) fn own_words(&self, account: &Account) -> Vec<String> {
        vec![account.address.to_string(), account.display_name.clone(), self.organisation().name.clone()]
    }

    /// A line about something at the portal.
    async fn note(&self, account: Option<AccountId>, act: &str, subject: &str, peer: IpAddr, outcome: Outcome, reason: &str) {
        let zone = self.policy().zone_of(&Origin { address: peer, authorities: &[] }).to_owned();
        let via = AuditVia { zone, client: "portal".to_owned(), ..AuditVia::default() };
        self.audit(Line { account, act, subject, peer: &peer.to_string(), outcome, reason, via }).await;
    }

    fn sign_outs(&self, account: AccountId) -> u64 {
        self.0.sign_outs.lock().unwrap_or_else(PoisonError::into_inner).get(&account).copied().unwrap_or(0)
    }
}
