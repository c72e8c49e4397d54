//! Log-in over a protocol: an app password (or a registered client certificate), and a second factor where the profile wants one.
//!
//! The same words and the same work for an unknown user, a wrong secret and a main password: one look-up, one keyed hash, one comparison.

use crate::app_password;
use crate::audit::Line;
use crate::channel::{Channel, ClientCertificate};
use crate::errand::Notice;
use crate::gate::Gate;
use crate::live::{LiveSession, Place};
use crate::narrowed;
use crate::refusal::Refusal;
use crate::session::{Opening, Session};
use crate::throttle;
use crate::waiting::WaitingLogIn;
use octroi_engine::{Batch, Change};
use octroi_model::{Account, Address, AppPassword, AuditVia, Confirmation, LastUse, Narrowing, Outcome, UnixTime};
use octroi_policy::{Admission, Evidence, Policy, Strength};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// Networks from which one app password stays confirmed.
const CONFIRMATIONS_MAX: usize = 200;

/// What a client presented.
#[derive(Clone, Copy)]
pub struct Credentials<'a> {
    /// The account's address.
    pub user: &'a str,
    /// An app password; a code may follow it after a space.
    pub secret: &'a str,
}

/// What became of a log-in.
pub enum Login {
    /// In.
    Open(Session),
    /// The app password is right, but the profile wants it confirmed from this network first. Opens nothing.
    NeedsSecondFactor(Pending),
    /// The app password is right, but the account has too many sessions, or logs in too often. Try later.
    Busy,
    /// No, whatever the reason.
    Refused,
}

/// A log-in that waits for its second factor.
pub struct Pending {
    gate: Gate,
    credential: Credential,
    via: Channel,
}

/// A credential that was found right, with all that is known of it.
#[derive(Clone)]
pub(crate) struct Credential {
    pub(crate) account: Arc<Account>,
    pub(crate) app_password: Arc<AppPassword>,
    pub(crate) narrowing: Arc<Narrowing>,
}

impl Gate {
    /// Log in with an app password.
    pub async fn login(&self, credentials: Credentials<'_>, via: Channel) -> Login {
        let Some((credential, code)) = self.identify(credentials) else {
            self.count_failure(via.peer, credentials.secret);
            return self.refuse(credentials.user, &via, None, "unknown user, wrong secret or not an app password").await;
        };
        let login = self.admit(credential.clone(), code, via, credentials.user).await;
        if let (Login::Open(_), Some(presented)) = (&login, app_password::parse(credentials.secret)) {
            self.remember_scram(&credential, &presented).await;
        }
        login
    }

    /// Log in with the client certificate of the channel, if it is registered (SASL EXTERNAL, RFC 4422 appendix A). `user`: whom the client
    /// says it is; nobody but the certificate's owner.
    pub async fn login_certificate(&self, user: &str, via: Channel) -> Login {
        let found = via.certificate.as_ref().and_then(|certificate| self.identify_certificate(certificate));
        let own = |credential: &Credential| {
            user.is_empty() || user.parse::<Address>().is_ok_and(|named| named.key() == credential.account.address.key())
        };
        match found.filter(own) {
            Some(credential) => self.admit(credential, None, via, user).await,
            None => self.refuse(user, &via, None, "the certificate is not registered, or somebody else's").await,
        }
    }

    pub(crate) async fn admit(&self, credential: Credential, code: Option<&str>, via: Channel, user: &str) -> Login {
        if self.0.live.count(credential.account.id, self.0.limits.log_ins_per_minute_max).is_err() {
            return Login::Busy;
        }
        let policy = self.policy();
        let evidence = self.evidence(&policy, &credential, &via);
        match octroi_policy::admit(&policy, &credential.account.profile, &evidence) {
            Admission::Open { strength, .. } => {
                // A code that came although it was not asked for makes the log-in stronger: reserved acts want a fresh one. A stale one
                // does no harm: clients keep what they were given and send it again.
                if let (Some(code), true) = (code, strength < Strength::FreshSecondFactor) {
                    let pending = Pending { gate: self.clone(), credential: credential.clone(), via: via.clone() };
                    match pending.finish(code).await {
                        Ok(session) => return Login::Open(session),
                        Err(Refusal::Busy) => return Login::Busy,
                        Err(_) => {}
                    }
                }
                self.opened(credential, via, strength).await
            }
            Admission::AskSecondFactor => {
                let pending = Pending { gate: self.clone(), credential, via };
                match code {
                    None => {
                        pending.note(Outcome::Refused, "second factor wanted").await;
                        pending.list();
                        Login::NeedsSecondFactor(pending)
                    }
                    Some(code) => match pending.finish(code).await {
                        Ok(session) => Login::Open(session),
                        Err(Refusal::Busy) => Login::Busy,
                        Err(_) => Login::Refused,
                    },
                }
            }
            Admission::Refused(reason) => self.refuse(user, &via, Some(&credential), &reason.to_string()).await,
        }
    }

    /// The credential that was presented, and the code that came with it. Always looks up, hashes and compares.
    fn identify<'a>(&self, credentials: Credentials<'a>) -> Option<(Credential, Option<&'a str>)> {
        let presented = app_password::parse(credentials.secret);
        let (public_id, secret, code) = presented.as_ref().map_or(("", credentials.secret, None), |p| (p.public_id, p.secret, p.code));
        let secret = &secret.as_bytes()[..secret.len().min(app_password::SECRET_TEXT_BYTES_MAX)];
        let account = credentials.user.parse::<Address>().ok().and_then(|a| self.engine().account_by_key(&a.key()));
        let candidate = self.engine().app_password(public_id);
        let expected = candidate.as_ref().map_or([0; 32], |c| c.keyed_hash);
        // `blake3::Hash` compares in constant time.
        let right = self.0.key.hash_secret(secret) == blake3::Hash::from_bytes(expected);
        let (Some(account), Some(app_password)) = (account, candidate) else { return None };
        let narrowing = self.engine().narrowing(app_password.id);
        let fits = right && app_password.account == account.id && !narrowing.certificate;
        fits.then_some((Credential { account, app_password, narrowing }, code))
    }

    fn identify_certificate(&self, certificate: &ClientCertificate) -> Option<Credential> {
        let app_password = self.engine().app_password(&self.certificate_id(&certificate.der))?;
        let narrowing = self.engine().narrowing(app_password.id);
        let account = self.engine().account(app_password.account)?;
        let right = self.0.key.hash_secret(&certificate.der) == blake3::Hash::from_bytes(app_password.keyed_hash);
        (right && narrowing.certificate).then_some(Credential { account, app_password, narrowing })
    }

    /// The visible id under which a certificate is registered.
    pub(crate) fn certificate_id(&self, der: &[u8]) -> String {
        format!("cert{}", app_password::BASE32.encode(&self.0.key.hash_secret(der).as_bytes()[..10]))
    }

    pub(crate) fn evidence<'a>(&self, policy: &'a Policy, credential: &'a Credential, via: &Channel) -> Evidence<'a> {
        let Credential { account, app_password, narrowing } = credential;
        Evidence {
            service: via.service,
            zone: policy.zone_of(&via.origin()),
            app_password_services: app_password.services,
            app_password_zones: &narrowing.zones,
            app_password_confirm: narrowed::confirm(narrowing),
            expires: app_password.expires,
            app_password_enrolled: app_password.enrolled,
            confirmed_at: self.confirmed_at(app_password, via.peer),
            code_given: false,
            remote_access: account.remote_access,
            now: UnixTime::now(),
        }
    }

    /// When this app password was last confirmed from this network.
    pub(crate) fn confirmed_at(&self, app_password: &AppPassword, peer: IpAddr) -> Option<UnixTime> {
        self.engine().confirmation(app_password.id, &throttle::network(peer)).map(|confirmation| confirmation.at)
    }

    async fn opened(&self, credential: Credential, via: Channel, strength: Strength) -> Login {
        let Some(place) = self.enter(&credential, &via) else { return Login::Busy };
        self.note_use(&credential, &via).await;
        self.note_log_in(Some(&credential), &via, via.service.name(), Outcome::Done, &credential.app_password.label).await;
        Login::Open(Session::new(self.clone(), Opening { credential, via, strength, at_portal: None, place }))
    }

    /// A place among the account's open sessions; none if it has too many.
    pub(crate) fn enter(&self, credential: &Credential, via: &Channel) -> Option<Place> {
        let live = LiveSession {
            service: via.service,
            peer: via.peer,
            zone: self.policy().zone_of(&via.origin()).to_owned(),
            client: via.client.clone(),
            label: credential.app_password.label.clone(),
            public_id: credential.app_password.public_id.clone(),
            since: UnixTime::now(),
        };
        self.0.live.enter(credential.account.id, live, self.0.limits.sessions_per_account_max).ok()
    }

    pub(crate) async fn refuse(&self, user: &str, via: &Channel, credential: Option<&Credential>, reason: &str) -> Login {
        let subject = format!("{} as {user}", via.service.name());
        self.note_log_in(credential, via, &subject, Outcome::Refused, reason).await;
        // Nobody guesses 160 bits, so who is right never waits; this only slows storms of old passwords.
        tokio::time::sleep(self.0.throttle.wait(via.peer)).await;
        Login::Refused
    }

    pub(crate) async fn note_log_in(&self, credential: Option<&Credential>, via: &Channel, subject: &str, outcome: Outcome, reason: &str) {
        let peer = via.peer.to_string();
        let account = credential.map(|credential| credential.account.id);
        let public_id = credential.map_or("", |credential| &credential.app_password.public_id);
        let via = self.audit_via(public_id, via);
        self.audit(Line { account, act: "log-in", subject, peer: &peer, outcome, reason, via }).await;
    }

    pub(crate) fn audit_via(&self, public_id: &str, via: &Channel) -> AuditVia {
        AuditVia {
            credential: public_id.to_owned(),
            zone: self.policy().zone_of(&via.origin()).to_owned(),
            client: via.client.clone().unwrap_or_default(),
        }
    }

    /// A wrong secret or code came from there. It is told apart from others by a keyed hash, never kept.
    pub(crate) fn count_failure(&self, peer: IpAddr, secret: &str) {
        self.count_failed_proof(peer, &secret.as_bytes()[..secret.len().min(app_password::SECRET_TEXT_BYTES_MAX)]);
    }

    /// The same of a proof that was wrong.
    pub(crate) fn count_failed_proof(&self, peer: IpAddr, shown: &[u8]) {
        let hash = self.0.key.hash_secret(shown);
        let mut fingerprint = [0; 8];
        fingerprint.copy_from_slice(&hash.as_bytes()[..8]);
        self.0.throttle.failed(peer, u64::from_le_bytes(fingerprint));
    }

    /// Last use, at most once a minute: a busy client must not fill the journal.
    async fn note_use(&self, credential: &Credential, via: &Channel) {
        let Credential { app_password, narrowing, .. } = credential;
        let now = UnixTime::now();
        let peer = via.peer.to_string();
        let mut batch = Batch::new();
        let same = app_password.last_used.as_ref().is_some_and(|l| now.0 - l.at.0 < 60 && l.peer == peer && l.service == via.service);
        if !same {
            batch.push(Change::Used { id: app_password.id, last_use: LastUse { at: now, peer, service: via.service } });
        }
        if via.client.is_some() && via.client != narrowing.client {
            let to = Narrowing { client: via.client.clone(), ..(**narrowing).clone() };
            batch.push(Change::Narrow { id: app_password.id, to });
        }
        if !batch.is_empty() {
            self.engine().commit_later(batch).await;
        }
    }
}

impl Pending {
    /// Give the code. The confirmation is remembered for this app password and network for as long as the profile says.
    pub async fn finish(self, code: &str) -> Result<Session, Refusal> {
        // A code can be guessed: here the waiting comes first.
        tokio::time::sleep(self.gate.0.throttle.wait(self.via.peer)).await;
        if let Err(refusal) = self.gate.use_code(&self.credential.account, code).await {
            self.gate.count_failure(self.via.peer, code);
            self.note(Outcome::Refused, "wrong, used or locked code").await;
            return Err(refusal);
        }
        self.gate.confirm(&self.credential.app_password, &throttle::network(self.via.peer)).await?;
        self.open(true).await
    }

    /// Wait until the owner has confirmed it in the portal, as long as the configuration says. May be dropped at any time.
    pub async fn approved(self) -> Result<Session, Refusal> {
        let within = self.gate.0.limits.confirm_wait;
        let network = throttle::network(self.via.peer);
        let public_id = self.credential.app_password.public_id.clone();
        let gate = self.gate.clone();
        let held = gate.0.waiting.hold(self.credential.account.id, &public_id, &network).filter(|_| !within.is_zero());
        if held.is_none() || !self.wait(within).await {
            return Err(Refusal::Unconfirmed);
        }
        drop(held);
        self.open(false).await
    }

    async fn wait(&self, within: Duration) -> bool {
        let engine = self.gate.engine();
        let mut moves = engine.watch_generation();
        let deadline = tokio::time::Instant::now() + within;
        loop {
            // Revoked, which is also the owner's way of saying no.
            if engine.app_password(&self.credential.app_password.public_id).is_none() {
                return false;
            }
            if matches!(self.admission(false), Admission::Open { .. }) {
                return true;
            }
            if tokio::time::timeout_at(deadline, moves.changed()).await.is_err() {
                return false;
            }
        }
    }

    async fn open(self, code_given: bool) -> Result<Session, Refusal> {
        let Admission::Open { strength, .. } = self.admission(code_given) else { return Err(Refusal::Ended) };
        match self.gate.opened(self.credential, self.via, strength).await {
            Login::Open(session) => Ok(session),
            Login::Busy => Err(Refusal::Busy),
            _ => Err(Refusal::Ended),
        }
    }

    /// What it comes to now: much may have happened while it waited.
    fn admission(&self, code_given: bool) -> Admission {
        let policy = self.gate.policy();
        let Some(account) = self.gate.engine().account(self.credential.account.id) else {
            return Admission::Refused(octroi_policy::Reason::UnknownProfile);
        };
        let credential = Credential { account, ..self.credential.clone() };
        let evidence = Evidence { code_given, ..self.gate.evidence(&policy, &credential, &self.via) };
        octroi_policy::admit(&policy, &credential.account.profile, &evidence)
    }

    /// Show it to the owner: in the portal, and as a notice now and then.
    fn list(&self) {
        let Credential { account, app_password, .. } = &self.credential;
        let via = &self.via;
        let log_in = WaitingLogIn {
            public_id: app_password.public_id.clone(),
            label: app_password.label.clone(),
            network: throttle::network(via.peer),
            peer: via.peer,
            zone: self.gate.policy().zone_of(&via.origin()).to_owned(),
            service: via.service,
            client: via.client.clone(),
            at: UnixTime::now(),
        };
        if self.gate.0.waiting.add(account.id, log_in) {
            let (label, client) = (app_password.label.clone(), via.client.clone());
            self.gate.0.outbox.notice(&account.address, Notice::LogInWaits { label, service: via.service, peer: via.peer, client });
        }
    }

    async fn note(&self, outcome: Outcome, reason: &str) {
        self.gate.note_log_in(Some(&self.credential), &self.via, self.via.service.name(), outcome, reason).await;
    }
}

impl Gate {
    /// Remember a second factor for an app password from a network.
    pub(crate) async fn confirm(&self, app_password: &AppPassword, network: &str) -> Result<(), Refusal> {
        let confirmation = Confirmation { app_password: app_password.id, network: network.to_owned(), at: UnixTime::now() };
        let mut batch = Batch::new();
        // The newest first: somebody who travels a lot confirms anew what was confirmed long ago.
        for oldest in self.engine().confirmations(app_password.id).into_iter().skip(CONFIRMATIONS_MAX - 1) {
            batch.push(Change::Unconfirm { app_password: app_password.id, network: oldest.network });
        }
        batch.push(Change::Confirm(confirmation));
        self.engine().commit(batch).await?;
        self.0.waiting.remove(&app_password.public_id, network);
        Ok(())
    }
}
