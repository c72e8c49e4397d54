//! Devices: log-ins that wait, networks that were confirmed, sessions that are open, and signing out everywhere.

use super::{PortalSession, Stepped};
use crate::live::LiveSession;
use crate::refusal::Refusal;
use crate::waiting::WaitingLogIn;
use octroi_engine::{Batch, Change};
use octroi_model::{AppPassword, Outcome, UnixTime};
use std::sync::{Arc, PoisonError};

/// An app password that was confirmed from a network.
#[derive(Debug, Clone)]
pub struct ConfirmedDevice {
    /// The app password's visible id.
    pub public_id: String,
    /// The owner's name for it.
    pub label: String,
    /// The network.
    pub network: String,
    /// When.
    pub at: UnixTime,
    /// What the client last called itself.
    pub client: Option<String>,
}

impl PortalSession {
    /// Log-ins that wait for confirmation, the newest first.
    pub fn waiting(&self) -> Vec<WaitingLogIn> {
        self.account().map(|account| self.gate.0.waiting.of(account.id)).unwrap_or_default()
    }

    /// Confirm a device: an app password from a network. Opens a log-in that waits, and makes one that was confirmed before as strong as a
    /// fresh second factor, for as long as the profile says.
    pub async fn confirm_device(&self, proof: Stepped, public_id: &str, network: &str) -> Result<(), Refusal> {
        self.proven(&proof)?;
        let app_password = self.own(public_id)?;
        let known = self.waiting().iter().any(|w| w.public_id == public_id && w.network == network)
            || self.gate.engine().confirmation(app_password.id, network).is_some();
        if !known {
            return Err(Refusal::Missing);
        }
        self.gate.confirm(&app_password, network).await?;
        self.note("device confirm", &format!("{public_id} from {network}"), Outcome::Done, &app_password.label).await;
        Ok(())
    }

    /// It was somebody else: end the app password that they have.
    pub async fn refuse_device(&self, public_id: &str) -> Result<(), Refusal> {
        self.own(public_id)?;
        self.note("device refuse", public_id, Outcome::Done, "the owner says it is not theirs").await;
        self.revoke_app_password(public_id).await
    }

    /// Networks from which app passwords were confirmed, the newest first.
    pub fn confirmed_devices(&self) -> Vec<ConfirmedDevice> {
        let mut found: Vec<ConfirmedDevice> = self
            .app_password_facts()
            .iter()
            .flat_map(|facts| {
                facts.confirmations.iter().map(|confirmation| ConfirmedDevice {
                    public_id: facts.record.public_id.clone(),
                    label: facts.record.label.clone(),
                    network: confirmation.network.clone(),
                    at: confirmation.at,
                    client: facts.narrowing.client.clone(),
                })
            })
            .collect();
        found.sort_by_key(|device| std::cmp::Reverse(device.at));
        found
    }

    /// Take a confirmation back: the next log-in from there has to be confirmed anew, and those that are open become weaker at once.
    pub async fn unconfirm_device(&self, public_id: &str, network: &str) -> Result<(), Refusal> {
        let app_password = self.own(public_id)?;
        let mut batch = Batch::new();
        batch.push(Change::Unconfirm { app_password: app_password.id, network: network.to_owned() });
        self.gate.engine().commit(batch).await?;
        self.note("device unconfirm", &format!("{public_id} from {network}"), Outcome::Done, &app_password.label).await;
        Ok(())
    }

    /// Programs that are logged in just now.
    pub fn live_sessions(&self) -> Vec<LiveSession> {
        self.account().map(|account| self.gate.0.live.of(account.id)).unwrap_or_default()
    }

    /// Sign out everywhere: every session at the portal, this one too, every program that is logged in, and every confirmation.
    pub async fn sign_out_everywhere(&self) -> Result<(), Refusal> {
        let account = self.account()?;
        let mut batch = Batch::new();
        for facts in self.app_password_facts() {
            for confirmation in facts.confirmations {
                batch.push(Change::Unconfirm { app_password: facts.record.id, network: confirmation.network });
            }
        }
        if !batch.is_empty() {
            self.gate.engine().commit(batch).await?;
        }
        *self.gate.0.sign_outs.lock().unwrap_or_else(PoisonError::into_inner).entry(account.id).or_default() += 1;
        self.gate.0.live.sign_out(account.id);
        self.gate.engine().move_generation();
        self.note("sign out everywhere", "", Outcome::Done, "").await;
        Ok(())
    }

    fn own(&self, public_id: &str) -> Result<Arc<AppPassword>, Refusal> {
        let account = self.account()?;
        self.gate.engine().app_password(public_id).filter(|found| found.account == account.id).ok_or(Refusal::Missing)
    }
}
