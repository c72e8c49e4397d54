//! Log-in over a protocol: an app password, and a second factor where the profile wants one.
//!
//! The same words and the same work for an unknown user, a wrong secret and a main password: one look-up, one keyed hash, one comparison.

use crate::app_password;
use crate::gate::{Gate, Line};
use crate::refusal::Refusal;
use crate::second_factor;
use crate::session::{Opening, Session};
use crate::throttle;
use octroi_engine::{Batch, Change};
use octroi_model::{Account, Address, AppPassword, Confirmation, LastUse, Outcome, Service, UnixTime};
use octroi_policy::{Admission, Evidence, Policy, Strength};
use std::net::IpAddr;
use std::sync::Arc;

/// What a client presented.
#[derive(Clone, Copy)]
pub struct Credentials<'a> {
    /// The account's address.
    pub user: &'a str,
    /// An app password; a six-digit code may follow it after a space.
    pub secret: &'a str,
}

/// How it came.
#[derive(Debug, Clone)]
pub struct Channel {
    /// Which protocol.
    pub service: Service,
    /// From where.
    pub peer: IpAddr,
    /// What the client says it is.
    pub client: Option<String>,
}

/// What became of a log-in.
pub enum Login {
    /// In.
    Open(Session),
    /// The app password is right, but the profile wants a code from this network first. Opens nothing.
    NeedsSecondFactor(Pending),
    /// No, whatever the reason.
    Refused,
}

/// A log-in that waits for its second factor.
pub struct Pending {
    gate: Gate,
    account: Arc<Account>,
    app_password: Arc<AppPassword>,
    via: Channel,
}

impl Gate {
    /// Log in with an app password.
    pub async fn login(&self, credentials: Credentials<'_>, via: Channel) -> Login {
        let Some((account, app_password, code)) = self.identify(credentials) else {
            return self.refuse(credentials, &via, None, "unknown user, wrong secret or not an app password").await;
        };
        let policy = self.policy();
        let evidence = self.evidence(&policy, &account, &app_password, &via);
        match octroi_policy::admit(&policy, &account.profile, &evidence) {
            Admission::Open(strength) => {
                // A code that came although it was not asked for makes the log-in stronger: reserved acts want a fresh one. A stale one
                // does no harm: clients keep what they were given and send it again.
                if let (Some(code), true, Some(_)) = (code, strength < Strength::FreshSecondFactor, &account.totp) {
                    let pending = self.pending(account.clone(), app_password.clone(), via.clone());
                    if let Ok(session) = pending.finish(code).await {
                        return Login::Open(session);
                    }
                }
                self.opened(account, app_password, via, strength).await
            }
            Admission::AskSecondFactor => {
                let pending = self.pending(account, app_password, via);
                match code {
                    None => {
                        pending.note(Outcome::Refused, "second factor wanted").await;
                        Login::NeedsSecondFactor(pending)
                    }
                    Some(code) => pending.finish(code).await.map_or(Login::Refused, Login::Open),
                }
            }
            Admission::Refused(reason) => self.refuse(credentials, &via, Some(&account), &reason.to_string()).await,
        }
    }

    /// The account and app password that the credentials belong to, and the code that came with them. Always looks up, hashes and compares.
    fn identify<'a>(&self, credentials: Credentials<'a>) -> Option<(Arc<Account>, Arc<AppPassword>, Option<&'a str>)> {
        let presented = app_password::parse(credentials.secret);
        let (public_id, secret, code) = presented.as_ref().map_or(("", credentials.secret, None), |p| (p.public_id, p.secret, p.code));
        let secret = &secret.as_bytes()[..secret.len().min(app_password::SECRET_TEXT_BYTES_MAX)];
        let account = credentials.user.parse::<Address>().ok().and_then(|a| self.engine().account_by_key(&a.key()));
        let candidate = self.engine().app_password(public_id);
        let expected = candidate.as_ref().map_or([0; 32], |c| c.keyed_hash);
        // `blake3::Hash` compares in constant time.
        let right = self.0.key.hash_secret(secret) == blake3::Hash::from_bytes(expected);
        match (account, candidate) {
            (Some(account), Some(candidate)) if right && candidate.account == account.id => Some((account, candidate, code)),
            _ => None,
        }
    }

    pub(crate) fn evidence<'p>(&self, policy: &'p Policy, account: &Account, app_password: &AppPassword, via: &Channel) -> Evidence<'p> {
        let network = throttle::network(via.peer);
        Evidence {
            service: via.service,
            zone: policy.zone_of(via.peer),
            app_password_services: app_password.services,
            expires: app_password.expires,
            app_password_enrolled: app_password.enrolled,
            confirmed_at: self.engine().confirmation(app_password.id, &network).map(|c| c.at),
            code_given: false,
            remote_access: account.remote_access,
            now: UnixTime::now(),
        }
    }

    fn pending(&self, account: Arc<Account>, app_password: Arc<AppPassword>, via: Channel) -> Pending {
        Pending { gate: self.clone(), account, app_password, via }
    }

    async fn opened(&self, account: Arc<Account>, app_password: Arc<AppPassword>, via: Channel, strength: Strength) -> Login {
        self.note_use(&app_password, &via).await;
        let peer = via.peer.to_string();
        let line = Line {
            account: Some(account.id),
            act: "log-in",
            subject: via.service.name(),
            peer: &peer,
            outcome: Outcome::Done,
            reason: &app_password.label,
        };
        self.audit(line).await;
        Login::Open(Session::new(self.clone(), Opening { account, app_password, via, strength }))
    }

    async fn refuse(&self, credentials: Credentials<'_>, via: &Channel, account: Option<&Account>, reason: &str) -> Login {
        self.count_failure(via.peer, credentials.secret);
        let subject = format!("{} as {}", via.service.name(), credentials.user);
        let peer = via.peer.to_string();
        let line =
            Line { account: account.map(|a| a.id), act: "log-in", subject: &subject, peer: &peer, outcome: Outcome::Refused, reason };
        self.audit(line).await;
        // Nobody guesses 160 bits, so who is right never waits; this only slows storms of old passwords.
        tokio::time::sleep(self.0.throttle.wait(via.peer)).await;
        Login::Refused
    }

    /// A wrong secret or code came from there. It is told apart from others by a keyed hash, never kept.
    pub(crate) fn count_failure(&self, peer: IpAddr, secret: &str) {
        let shown = &secret.as_bytes()[..secret.len().min(app_password::SECRET_TEXT_BYTES_MAX)];
        let hash = self.0.key.hash_secret(shown);
        let mut fingerprint = [0; 8];
        fingerprint.copy_from_slice(&hash.as_bytes()[..8]);
        self.0.throttle.failed(peer, u64::from_le_bytes(fingerprint));
    }

    /// Last use, at most once a minute: a busy client must not fill the journal.
    async fn note_use(&self, app_password: &AppPassword, via: &Channel) {
        let now = UnixTime::now();
        let peer = via.peer.to_string();
        let same = app_password.last_used.as_ref().is_some_and(|l| now.0 - l.at.0 < 60 && l.peer == peer && l.service == via.service);
        if !same {
            let mut batch = Batch::new();
            batch.push(Change::Used { id: app_password.id, last_use: LastUse { at: now, peer, service: via.service } });
            self.engine().commit_later(batch).await;
        }
    }

    /// Check a TOTP code of an account and use it up: of any number of parallel tries with one code, one passes.
    pub(crate) async fn use_code(&self, account: &Account, code: &str) -> Result<(), Refusal> {
        let totp = account.totp.as_ref().ok_or(Refusal::InvalidCode)?;
        let secret = self.0.key.unseal(&totp.sealed_secret).ok_or(Refusal::InvalidCode)?;
        let step = second_factor::step_of(&secret, code, UnixTime::now().0).ok_or(Refusal::InvalidCode)?;
        let mut batch = Batch::new();
        batch.push(Change::UseTotpStep { account: account.id, step });
        self.engine().commit(batch).await?;
        Ok(())
    }
}

impl Pending {
    /// Give the code. The confirmation is remembered for this app password and network for as long as the profile says.
    pub async fn finish(self, code: &str) -> Result<Session, Refusal> {
        // Six digits can be guessed: here the waiting comes first.
        tokio::time::sleep(self.gate.0.throttle.wait(self.via.peer)).await;
        if let Err(refusal) = self.gate.use_code(&self.account, code).await {
            self.gate.count_failure(self.via.peer, code);
            self.note(Outcome::Refused, "wrong or used code").await;
            return Err(refusal);
        }
        let policy = self.gate.policy();
        let mut evidence = self.gate.evidence(&policy, &self.account, &self.app_password, &self.via);
        evidence.code_given = true;
        let Admission::Open(strength) = octroi_policy::admit(&policy, &self.account.profile, &evidence) else {
            return Err(Refusal::Ended);
        };
        let confirmation =
            Confirmation { app_password: self.app_password.id, network: throttle::network(self.via.peer), at: UnixTime::now() };
        let mut batch = Batch::new();
        batch.push(Change::Confirm(confirmation));
        self.gate.engine().commit(batch).await?;
        match self.gate.opened(self.account, self.app_password, self.via, strength).await {
            Login::Open(session) => Ok(session),
            _ => Err(Refusal::Ended),
        }
    }

    async fn note(&self, outcome: Outcome, reason: &str) {
        let peer = self.via.peer.to_string();
        let line = Line { account: Some(self.account.id), act: "log-in", subject: self.via.service.name(), peer: &peer, outcome, reason };
        self.gate.audit(line).await;
    }
}
