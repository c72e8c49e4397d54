//! Enrolling and removing second factors. The first needs the main password only; each further change a fresh factor.

use super::{PortalSession, Stepped};
use crate::errand::Notice;
use crate::factors::{self, SentFor};
use crate::gate::Gate;
use crate::passkey::{PasskeyChallenge, PasskeyEnrolment};
use crate::refusal::Refusal;
use crate::second_factor::{self, TotpEnrolment};
use octroi_engine::{Batch, Change};
use octroi_model::{Account, Device, FactorId, FactorKind, Outcome, Passkey, Reach, UnixTime};
use std::sync::Arc;
use zeroize::Zeroizing;

/// Devices of one account.
const DEVICES_MAX: usize = 5;
/// Longest number that is handed to the configured command or webhook.
const NUMBER_BYTES_MAX: usize = 32;

/// The factors of an account, for people.
#[derive(Debug, Clone)]
pub struct FactorFacts {
    /// An authenticator is enrolled.
    pub totp: bool,
    /// Passkeys by age.
    pub passkeys: Vec<Passkey>,
    /// Devices by age.
    pub devices: Vec<Device>,
    /// Recovery codes that were not used yet.
    pub recovery_left: usize,
    /// Kinds that are locked after wrong tries, with the seconds that are left.
    pub locked: Vec<(FactorKind, i64)>,
}

/// A device that is being enrolled: a code is on its way to it.
pub struct DeviceEnrolment {
    id: FactorId,
    reach: Reach,
}

impl FactorFacts {
    pub(super) fn of(gate: &Gate, account: &Account) -> Self {
        let factors = gate.engine().factors(account.id);
        let now = UnixTime::now().0;
        let locked = factors.tries.iter().map(|(kind, tries)| (*kind, tries.locked_until.0 - now)).filter(|(_, left)| *left > 0).collect();
        Self {
            totp: account.totp.is_some(),
            passkeys: factors.passkeys.clone(),
            devices: factors.devices.clone(),
            recovery_left: factors.recovery.len(),
            locked,
        }
    }

    /// Is there any?
    pub fn any(&self) -> bool {
        self.totp || !self.passkeys.is_empty() || !self.devices.is_empty()
    }
}

impl PortalSession {
    /// Is a second factor enrolled?
    pub fn has_second_factor(&self) -> bool {
        self.factors().is_ok_and(|factors| factors.any())
    }

    /// The account's factors.
    pub fn factors(&self) -> Result<FactorFacts, Refusal> {
        Ok(FactorFacts::of(&self.gate, &*self.account()?))
    }

    /// Who has a factor must have given it just now to change any.
    fn may_change(&self) -> Result<Arc<Account>, Refusal> {
        let account = self.account()?;
        let has_any = factors::has_any(&account, &self.gate.engine().factors(account.id));
        if has_any && self.fresh().is_none() { Err(Refusal::InvalidCode) } else { Ok(account) }
    }

    /// Begin to enrol an authenticator, or to replace it.
    pub async fn begin_totp(&self) -> Result<TotpEnrolment, Refusal> {
        self.may_change()?;
        Ok(TotpEnrolment::generate(&self.gate.organisation().name, &self.address.to_string()))
    }

    /// End the enrolment with a first code.
    pub async fn confirm_totp(&self, enrolment: TotpEnrolment, code: &str) -> Result<(), Refusal> {
        self.may_change()?;
        let step = second_factor::step_of(&enrolment.secret, code, UnixTime::now().0).ok_or(Refusal::InvalidCode)?;
        let sealed = self.gate.0.key.seal(&enrolment.secret).map_err(|_| Refusal::Unavailable)?;
        let mut batch = Batch::new();
        batch.push(Change::SetTotp { account: self.account, sealed_secret: Some(sealed) });
        batch.push(Change::UseTotpStep { account: self.account, step });
        self.gate.engine().commit(batch).await?;
        self.changed("enrol", "totp").await;
        Ok(())
    }

    /// Begin to enrol a passkey.
    pub fn begin_passkey_enrolment(&self, label: &str) -> Result<PasskeyEnrolment, Refusal> {
        self.gate.begin_passkey_enrolment(&*self.may_change()?, label)
    }

    /// End the enrolment with the authenticator's answer.
    pub async fn finish_passkey_enrolment(&self, begun: PasskeyEnrolment, answer: &str) -> Result<(), Refusal> {
        let account = self.may_change()?;
        self.gate.finish_passkey_enrolment(&account, begun, answer).await?;
        self.changed("enrol", "passkey").await;
        Ok(())
    }

    /// Ask for a passkey as a fresh factor.
    pub fn begin_passkey(&self) -> Result<PasskeyChallenge, Refusal> {
        self.gate.begin_passkey(&*self.account()?)
    }

    /// Give a fresh second factor with a passkey.
    pub async fn step_up_with_passkey(&self, challenge: PasskeyChallenge, answer: &str) -> Result<Stepped, Refusal> {
        let account = self.account()?;
        match self.gate.use_passkey(&account, challenge, answer).await {
            Ok(()) => Ok(self.stepped_up("passkey").await),
            Err(refusal) => {
                self.note("step up", "passkey", Outcome::Refused, &refusal.to_string()).await;
                Err(refusal)
            }
        }
    }

    /// Have a code sent to one of the account's devices, to be given to [`PortalSession::step_up`].
    pub fn send_code(&self, device: FactorId) -> Result<(), Refusal> {
        let account = self.account()?;
        let factors = self.gate.engine().factors(account.id);
        let device = factors.devices.iter().find(|known| known.id == device).ok_or(Refusal::Missing)?;
        self.gate.send_code(&account, SentFor::Factor, device.id, &device.reach)
    }

    /// Can a code be sent to a number here?
    pub fn sends_to_numbers(&self) -> bool {
        self.gate.0.limits.sends_to_numbers
    }

    /// Begin to enrol a device: a code is sent there. By mail only to an address elsewhere: who reads the mailbox here would have both.
    pub fn begin_device(&self, reach: Reach) -> Result<DeviceEnrolment, Refusal> {
        let account = self.may_change()?;
        match &reach {
            Reach::Mail(address) if self.gate.is_local_domain(address.domain()) => return Err(Refusal::Unsupported),
            Reach::Message(number) => {
                let plain = number.bytes().all(|b| b.is_ascii_digit() || b == b'+' || b == b' ');
                if !self.sends_to_numbers() || number.is_empty() || number.len() > NUMBER_BYTES_MAX || !plain {
                    return Err(Refusal::Unsupported);
                }
            }
            Reach::Mail(_) => {}
        }
        let factors = self.gate.engine().factors(account.id);
        if factors.devices.len() >= DEVICES_MAX {
            return Err(Refusal::Limit("devices of one account"));
        }
        if factors.devices.iter().any(|device| device.reach == reach) {
            return Err(Refusal::Exists);
        }
        let id = FactorId(self.gate.engine().new_id());
        self.gate.send_code(&account, SentFor::Enrolment, id, &reach)?;
        Ok(DeviceEnrolment { id, reach })
    }

    /// End the enrolment with the code that came there.
    pub async fn confirm_device_enrolment(&self, begun: &DeviceEnrolment, code: &str) -> Result<(), Refusal> {
        let account = self.may_change()?;
        if self.gate.use_sent_in_turn(&account, SentFor::Enrolment, code).await? != begun.id {
            return Err(Refusal::InvalidCode);
        }
        let device = Device { id: begun.id, reach: begun.reach.clone(), created: UnixTime::now(), last_used: None };
        self.gate
            .alter_factors(account.id, |factors| {
                factors.devices.push(device.clone());
                Ok(())
            })
            .await?;
        self.changed("enrol", "device").await;
        Ok(())
    }

    /// New recovery codes, shown once; those from before count no longer.
    pub async fn make_recovery_codes(&self, proof: Stepped) -> Result<Vec<Zeroizing<String>>, Refusal> {
        let account = self.proven(&proof)?;
        let codes = self.gate.make_recovery_codes(account.id).await?;
        self.changed("enrol", "recovery codes").await;
        Ok(codes)
    }

    /// Remove a passkey or a device.
    pub async fn remove_factor(&self, proof: Stepped, id: FactorId) -> Result<(), Refusal> {
        let account = self.proven(&proof)?;
        self.gate
            .alter_factors(account.id, |factors| {
                let before = factors.passkeys.len() + factors.devices.len();
                factors.passkeys.retain(|passkey| passkey.id != id);
                factors.devices.retain(|device| device.id != id);
                if factors.passkeys.len() + factors.devices.len() < before { Ok(()) } else { Err(Refusal::Missing) }
            })
            .await?;
        self.changed("remove", "passkey or device").await;
        Ok(())
    }

    /// Remove the authenticator.
    pub async fn remove_totp(&self, proof: Stepped) -> Result<(), Refusal> {
        let account = self.proven(&proof)?;
        let mut batch = Batch::new();
        batch.push(Change::SetTotp { account: account.id, sealed_secret: None });
        self.gate.engine().commit(batch).await?;
        self.changed("remove", "totp").await;
        Ok(())
    }

    async fn changed(&self, what: &str, kind: &str) {
        let act = format!("second factor {what}");
        // What was given to get here, or just now to enrol, is a second factor of this moment.
        self.gave_factor();
        self.gate.0.outbox.notice(&self.address, Notice::FactorsChanged { what: format!("{act}: {kind}"), peer: self.peer });
        self.note(&act, kind, Outcome::Done, "").await;
    }
}
