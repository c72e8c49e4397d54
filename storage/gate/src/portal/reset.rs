//! A forgotten main password: a code to a registered device, and another factor where the account has one.
//!
//! Whether an address exists, and whether it has a device, shows neither in the answer nor in the time it takes. Setting the password signs
//! nobody in: the second factor is asked for as always.

use crate::errand::Notice;
use crate::factors::SentFor;
use crate::gate::Gate;
use crate::password;
use crate::refusal::Refusal;
use octroi_model::{Account, Address, FactorKind, Outcome};
use std::net::IpAddr;
use std::sync::Arc;

impl Gate {
    /// Send a code to the account's first device, if there is such an account with one. Says nothing about either.
    pub async fn forgot_password(&self, address: &str, peer: IpAddr) {
        tokio::time::sleep(self.0.throttle.wait(peer)).await;
        // Asking is counted like a wrong try, so that nobody asks through a list of names.
        self.count_failure(peer, address);
        let account = self.known(address);
        let factors = account.as_ref().map(|account| self.engine().factors(account.id));
        let device = factors.as_ref().and_then(|factors| factors.devices.first());
        let outcome = match (&account, device) {
            (Some(account), Some(device)) => self.send_code(account, SentFor::Reset, device.id, &device.reach),
            _ => Err(Refusal::Missing),
        };
        let done = if outcome.is_ok() { Outcome::Done } else { Outcome::Refused };
        let reason = outcome.err().map_or(String::new(), |refusal| refusal.to_string());
        self.note(account.map(|account| account.id), "password forgotten", address, peer, done, &reason).await;
    }

    /// Set a new password with the code that was sent; `other`: a code of an authenticator or a recovery code, needed from whoever has
    /// either.
    pub async fn reset_password(&self, address: &str, code: &str, other: &str, new: &str, peer: IpAddr) -> Result<(), Refusal> {
        tokio::time::sleep(self.0.throttle.wait(peer)).await;
        let account = self.known(address);
        let own = account.as_ref().map_or_else(|| vec![address.to_owned()], |account| self.own_words(account));
        // Before the codes, which count once; and about the same for an address that nobody has.
        password::check(new, &own).map_err(Refusal::Password)?;
        let outcome = match &account {
            Some(account) => self.prove_reset(account, code, other, peer).await,
            None => Err(Refusal::InvalidCode),
        };
        let id = account.as_ref().map(|account| account.id);
        if let Err(refusal) = outcome {
            self.count_failure(peer, code);
            self.note(id, "password reset", address, peer, Outcome::Refused, &refusal.to_string()).await;
            return Err(Refusal::InvalidCode);
        }
        let account = account.ok_or(Refusal::InvalidCode)?;
        self.set_password(&account, new).await?;
        self.0.outbox.notice(&account.address, Notice::PasswordChanged { peer });
        self.note(id, "password reset", address, peer, Outcome::Done, "").await;
        Ok(())
    }

    async fn prove_reset(&self, account: &Account, code: &str, other: &str, peer: IpAddr) -> Result<(), Refusal> {
        let factors = self.engine().factors(account.id);
        let needs_other = account.totp.is_some() || !factors.recovery.is_empty();
        self.use_sent_in_turn(account, SentFor::Reset, code).await?;
        if needs_other && !matches!(self.use_code_at_portal(account, other, peer).await?, FactorKind::Totp | FactorKind::Recovery) {
            return Err(Refusal::InvalidCode);
        }
        Ok(())
    }

    fn known(&self, address: &str) -> Option<Arc<Account>> {
        address.parse::<Address>().ok().and_then(|address| self.engine().account_by_key(&address.key()))
    }
}
