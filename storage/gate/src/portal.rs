//! The portal's side of the gate: the main password and a second factor open an account's own settings, and nothing else.
//!
//! A [`PortalSession`] cannot open a mailbox or a folder: it has no such method. Only it, with a fresh second factor, mints app passwords.

use crate::app_password;
use crate::gate::{Gate, Line};
use crate::password;
use crate::refusal::Refusal;
use crate::second_factor::{self, TotpEnrolment};
use octroi_engine::{Batch, Change};
use octroi_model::{Account, AccountId, Address, AppPassword, AppPasswordId, Outcome, Rights, Services, UnixTime};
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// How long a second factor counts as fresh.
const FRESH_FOR: Duration = Duration::from_mins(5);
/// Longest label of an app password, in bytes.
const LABEL_BYTES_MAX: usize = 100;

/// What became of a sign-in.
pub enum SignIn {
    /// In; the account has no second factor yet and should enrol one.
    Open(PortalSession),
    /// The password is right; a code is wanted.
    NeedsCode(PendingSignIn),
    /// No.
    Refused,
}

/// A sign-in that waits for its code. Consumed by one try.
pub struct PendingSignIn {
    gate: Gate,
    account: Arc<Account>,
    peer: IpAddr,
}

/// Somebody at the portal. Cheap to clone; clones are one session.
#[derive(Clone)]
pub struct PortalSession {
    gate: Gate,
    account: AccountId,
    address: Address,
    display_name: String,
    peer: IpAddr,
    /// The password with which it was opened; another one ends it.
    password_hash: Option<String>,
    stepped: Arc<Mutex<Option<Instant>>>,
}

/// Proof of a second factor given just now. Made by [`PortalSession::step_up`] and used up by what it proves.
pub struct Stepped {
    account: AccountId,
}

/// What an app password is to open.
#[derive(Debug, Clone, Copy)]
pub struct Scope {
    /// Services.
    pub services: Services,
    /// Rights, beyond which it never goes.
    pub rights: Rights,
    /// When it ends by itself.
    pub expires: Option<UnixTime>,
}

/// A new app password: the only moment at which its text exists.
pub struct MintedAppPassword {
    /// The visible id in front of the secret.
    pub public_id: String,
    /// The whole text, to be shown once.
    pub secret: Zeroizing<String>,
}

impl Gate {
    /// Sign in to the portal. The same words and work for an unknown address and a wrong password.
    pub async fn sign_in(&self, address: &str, password: &str, peer: IpAddr) -> SignIn {
        tokio::time::sleep(self.0.throttle.wait(peer)).await;
        let account = address.parse::<Address>().ok().and_then(|a| self.engine().account_by_key(&a.key()));
        let right = password::verify(password, account.as_ref().and_then(|a| a.password_hash.as_deref())).await;
        let Some(account) = account.filter(|_| right) else {
            self.count_failure(peer, password);
            self.note(None, "sign-in", address, peer, Outcome::Refused, "unknown address or wrong password").await;
            return SignIn::Refused;
        };
        if !self.policy().profile(&account.profile).is_some_and(octroi_policy::Profile::portal) {
            self.note(Some(account.id), "sign-in", address, peer, Outcome::Refused, "the profile has no portal").await;
            return SignIn::Refused;
        }
        if account.totp.is_some() {
            return SignIn::NeedsCode(PendingSignIn { gate: self.clone(), account, peer });
        }
        self.note(Some(account.id), "sign-in", address, peer, Outcome::Done, "no second factor is enrolled yet").await;
        SignIn::Open(PortalSession::new(self.clone(), &account, peer, None))
    }

    async fn note(&self, account: Option<AccountId>, act: &str, subject: &str, peer: IpAddr, outcome: Outcome, reason: &str) {
        self.audit(Line { account, act, subject, peer: &peer.to_string(), outcome, reason }).await;
    }

    /// Make an app password. Callers have the proof that it may be made.
    pub(crate) async fn mint(&self, account: &Account, scope: Scope, label: &str, enrolled: bool) -> Result<MintedAppPassword, Refusal> {
        let label: String = label.chars().filter(|c| !c.is_control()).collect();
        if label.trim().is_empty() || label.len() > LABEL_BYTES_MAX {
            return Err(Refusal::Limit("length of the label"));
        }
        if self.engine().app_passwords(account.id).len() >= self.0.limits.app_passwords_max {
            return Err(Refusal::Limit("app passwords of one account"));
        }
        let allowed = self.policy().profile(&account.profile).map_or(Services::NONE, octroi_policy::Profile::services);
        if scope.services == Services::NONE || !scope.services.is_within(allowed) {
            return Err(Refusal::Unsupported);
        }
        let fresh = app_password::generate(&self.0.key).map_err(|error| {
            tracing::error!(%error, "no random bits for an app password");
            Refusal::Unavailable
        })?;
        let record = AppPassword {
            id: AppPasswordId(self.engine().new_id()),
            account: account.id,
            public_id: fresh.public_id.clone(),
            keyed_hash: fresh.keyed_hash,
            label,
            services: scope.services,
            created: UnixTime::now(),
            expires: scope.expires,
            enrolled,
            rights: scope.rights,
            last_used: None,
        };
        let mut batch = Batch::new();
        batch.push(Change::Mint(record));
        self.engine().commit(batch).await?;
        Ok(MintedAppPassword { public_id: fresh.public_id, secret: fresh.text })
    }
}

impl PendingSignIn {
    /// Give the code.
    pub async fn finish(self, code: &str) -> Result<PortalSession, Refusal> {
        let address = self.account.address.to_string();
        match self.gate.use_code(&self.account, code).await {
            Ok(()) => {
                self.gate.note(Some(self.account.id), "sign-in", &address, self.peer, Outcome::Done, "").await;
                Ok(PortalSession::new(self.gate, &self.account, self.peer, Some(Instant::now())))
            }
            Err(refusal) => {
                self.gate.count_failure(self.peer, code);
                self.gate.note(Some(self.account.id), "sign-in", &address, self.peer, Outcome::Refused, "wrong or used code").await;
                Err(refusal)
            }
        }
    }
}

impl PortalSession {
    fn new(gate: Gate, account: &Account, peer: IpAddr, stepped: Option<Instant>) -> Self {
        Self {
            gate,
            account: account.id,
            address: account.address.clone(),
            display_name: account.display_name.clone(),
            peer,
            password_hash: account.password_hash.clone(),
            stepped: Arc::new(Mutex::new(stepped)),
        }
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

    /// Does it still stand? A removed account or a changed password ends it.
    pub async fn check(&self) -> Result<(), Refusal> {
        self.account().map(|_| ())
    }

    /// Is a second factor enrolled?
    pub fn has_second_factor(&self) -> bool {
        self.account().is_ok_and(|a| a.totp.is_some())
    }

    /// Give a fresh second factor.
    pub async fn step_up(&self, code: &str) -> Result<Stepped, Refusal> {
        let account = self.account()?;
        tokio::time::sleep(self.gate.0.throttle.wait(self.peer)).await;
        if let Err(refusal) = self.gate.use_code(&account, code).await {
            self.gate.count_failure(self.peer, code);
            self.note("step up", "", Outcome::Refused, "wrong or used code").await;
            return Err(refusal);
        }
        *self.stepped.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(Instant::now());
        Ok(Stepped { account: self.account })
    }

    /// The proof of a second factor given a few minutes ago, if there was one.
    pub fn fresh(&self) -> Option<Stepped> {
        let stepped = self.stepped.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        stepped.filter(|at| at.elapsed() < FRESH_FOR).map(|_| Stepped { account: self.account })
    }

    /// Begin to enrol a second factor. Replacing one needs the old one fresh.
    pub async fn begin_totp(&self) -> Result<TotpEnrolment, Refusal> {
        let account = self.account()?;
        if account.totp.is_some() && self.fresh().is_none() {
            return Err(Refusal::InvalidCode);
        }
        Ok(TotpEnrolment::generate(&self.gate.organisation().name, &self.address.to_string()))
    }

    /// End the enrolment with a first code.
    pub async fn confirm_totp(&self, enrolment: TotpEnrolment, code: &str) -> Result<(), Refusal> {
        let account = self.account()?;
        if account.totp.is_some() && self.fresh().is_none() {
            return Err(Refusal::InvalidCode);
        }
        let step = second_factor::step_of(&enrolment.secret, code, UnixTime::now().0).ok_or(Refusal::InvalidCode)?;
        let sealed = self.gate.0.key.seal(&enrolment.secret).map_err(|_| Refusal::Unavailable)?;
        let mut batch = Batch::new();
        batch.push(Change::SetTotp { account: self.account, sealed_secret: Some(sealed) });
        batch.push(Change::UseTotpStep { account: self.account, step });
        self.gate.engine().commit(batch).await?;
        *self.stepped.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(Instant::now());
        self.note("second factor enrol", "totp", Outcome::Done, "").await;
        Ok(())
    }

    /// Mint an app password.
    pub async fn mint_app_password(&self, proof: Stepped, scope: Scope, label: &str) -> Result<MintedAppPassword, Refusal> {
        let account = self.account()?;
        if proof.account != account.id {
            return Err(Refusal::InvalidCode);
        }
        let minted = self.gate.mint(&account, scope, label, true).await?;
        self.note("app-password mint", &minted.public_id, Outcome::Done, label).await;
        Ok(minted)
    }

    /// The account's app passwords by age.
    pub fn app_passwords(&self) -> Vec<Arc<AppPassword>> {
        self.account().map_or(Vec::new(), |a| self.gate.engine().app_passwords(a.id))
    }

    /// End one of the account's app passwords. Its live connections end too.
    pub async fn revoke_app_password(&self, public_id: &str) -> Result<(), Refusal> {
        let account = self.account()?;
        let found = self.gate.engine().app_password(public_id).filter(|a| a.account == account.id).ok_or(Refusal::Missing)?;
        let mut batch = Batch::new();
        batch.push(Change::Revoke(found.id));
        self.gate.engine().commit(batch).await?;
        self.note("app-password revoke", public_id, Outcome::Done, "").await;
        Ok(())
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
        self.note("password change", "", Outcome::Done, "").await;
        Ok(())
    }

    fn account(&self) -> Result<Arc<Account>, Refusal> {
        let account = self.gate.engine().account(self.account).ok_or(Refusal::Ended)?;
        if account.password_hash == self.password_hash { Ok(account) } else { Err(Refusal::Ended) }
    }

    async fn note(&self, act: &str, subject: &str, outcome: Outcome, reason: &str) {
        self.gate.note(Some(self.account), act, subject, self.peer, outcome, reason).await;
    }
}

impl Gate {
    pub(crate) async fn set_password(&self, account: &Account, new: &str) -> Result<(), Refusal> {
        password::check(new, account.address.local()).map_err(Refusal::Password)?;
        let hash = password::hash(new).await.ok_or(Refusal::Unavailable)?;
        let mut batch = Batch::new();
        batch.push(Change::SetPassword { account: account.id, password_hash: Some(hash) });
        self.engine().commit(batch).await?;
        Ok(())
    }
}
