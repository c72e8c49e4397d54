//! Signing in: the main password, then a second factor if the account has one.

use super::{FactorFacts, PortalSession};
use crate::factors::{self, SentFor};
use crate::gate::Gate;
use crate::passkey::PasskeyChallenge;
use crate::password;
use crate::refusal::Refusal;
use octroi_model::{Account, Address, FactorId, Outcome};
use std::net::IpAddr;
use std::sync::Arc;

/// What became of a sign-in.
pub enum SignIn {
    /// In; the account has no second factor yet and should enrol one.
    Open(PortalSession),
    /// The password is right; a second factor is wanted.
    NeedsCode(PendingSignIn),
    /// No.
    Refused,
}

/// A sign-in that waits for its second factor. How often it can be tried is limited where factors are checked.
#[derive(Clone)]
pub struct PendingSignIn {
    gate: Gate,
    account: Arc<Account>,
    peer: IpAddr,
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
        if factors::has_any(&account, &self.engine().factors(account.id)) {
            return SignIn::NeedsCode(PendingSignIn { gate: self.clone(), account, peer });
        }
        self.note(Some(account.id), "sign-in", address, peer, Outcome::Done, "no second factor is enrolled yet").await;
        SignIn::Open(PortalSession::new(self.clone(), &account, peer, false))
    }
}

impl PendingSignIn {
    /// The factors that can be given.
    pub fn factors(&self) -> FactorFacts {
        FactorFacts::of(&self.gate, &self.account)
    }

    /// Have a code sent to one of the account's devices.
    pub fn send_code(&self, device: FactorId) -> Result<(), Refusal> {
        let factors = self.gate.engine().factors(self.account.id);
        let device = factors.devices.iter().find(|known| known.id == device).ok_or(Refusal::Missing)?;
        self.gate.send_code(&self.account, SentFor::Factor, device.id, &device.reach)
    }

    /// Give a code: an authenticator's, one that was sent, or a recovery code.
    pub async fn finish(&self, code: &str) -> Result<PortalSession, Refusal> {
        tokio::time::sleep(self.gate.0.throttle.wait(self.peer)).await;
        match self.gate.use_code_at_portal(&self.account, code, self.peer).await {
            Ok(kind) => Ok(self.opened(kind.name()).await),
            Err(refusal) => {
                self.gate.count_failure(self.peer, code);
                self.refused(&refusal).await;
                Err(refusal)
            }
        }
    }

    /// Ask for a passkey.
    pub fn begin_passkey(&self) -> Result<PasskeyChallenge, Refusal> {
        self.gate.begin_passkey(&self.account)
    }

    /// Give the authenticator's answer.
    pub async fn finish_passkey(&self, challenge: PasskeyChallenge, answer: &str) -> Result<PortalSession, Refusal> {
        match self.gate.use_passkey(&self.account, challenge, answer).await {
            Ok(()) => Ok(self.opened("passkey").await),
            Err(refusal) => {
                self.refused(&refusal).await;
                Err(refusal)
            }
        }
    }

    async fn opened(&self, kind: &str) -> PortalSession {
        let address = self.account.address.to_string();
        self.gate.note(Some(self.account.id), "sign-in", &address, self.peer, Outcome::Done, kind).await;
        PortalSession::new(self.gate.clone(), &self.account, self.peer, true)
    }

    async fn refused(&self, refusal: &Refusal) {
        let address = self.account.address.to_string();
        self.gate.note(Some(self.account.id), "sign-in", &address, self.peer, Outcome::Refused, &refusal.to_string()).await;
    }
}
