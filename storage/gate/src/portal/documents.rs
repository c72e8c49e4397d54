//! Documents and calendars in the portal: how somebody who is signed in comes to a [`Session`] that opens them.
//!
//! What always holds: nothing opens unless the profile names the zone in `portal_documents` or `portal_calendars`; from there on it is
//! the decision about a program's log-in ([`octroi_policy::admit_at_portal`]), with the second factor that was given in this very
//! session, from this network, in the place of a confirmed device. The main password alone opens nothing, and neither does a cookie that
//! was carried to another network. The session serves that one area and no other, is listed and audited like any other, and ends with
//! what it stands on.

use super::PortalSession;
use crate::channel::Channel;
use crate::gate::Gate;
use crate::login::Credential;
use crate::refusal::Refusal;
use crate::session::{Opening, Session};
use crate::throttle;
use octroi_model::{Account, AccountId, AppPassword, AppPasswordId, Outcome, Rights, Service, Services, UnixTime};
use octroi_policy::{Admission, Evidence, Policy};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// In the place of an app password's name: for the audit trail and the list of sessions.
const PORTAL: &str = "portal";

/// What makes somebody signed in, and when they last gave a second factor. Clones are about one session.
#[derive(Clone)]
pub(crate) struct SignedIn {
    account: AccountId,
    /// The password with which it was opened; another one ends it.
    password_hash: Option<String>,
    /// How often the account had been signed out everywhere by then.
    sign_outs: u64,
    /// When a second factor was given last, and from which network.
    stepped: Arc<Mutex<Option<(Instant, String)>>>,
}

impl SignedIn {
    /// From now on.
    pub(super) fn new(gate: &Gate, account: &Account) -> Self {
        let (account, password_hash, sign_outs) = (account.id, account.password_hash.clone(), gate.sign_outs(account.id));
        Self { account, password_hash, sign_outs, stepped: Arc::default() }
    }

    /// A second factor was given from there.
    pub(super) fn stepped_up(&self, peer: IpAddr) {
        *self.stepped.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), throttle::network(peer)));
    }

    /// When one was given last, from wherever.
    pub(super) fn stepped(&self) -> Option<Instant> {
        self.stepped.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(|(at, _)| *at)
    }

    /// The account, if it still stands.
    pub(crate) fn account(&self, gate: &Gate) -> Result<Arc<Account>, Refusal> {
        let account = gate.engine().account(self.account).ok_or(Refusal::Ended)?;
        let stands = account.password_hash == self.password_hash && gate.sign_outs(self.account) == self.sign_outs;
        if stands { Ok(account) } else { Err(Refusal::Ended) }
    }

    /// What stands in the place of an app password: for that service, and never stored.
    pub(crate) fn credential(&self, gate: &Gate, service: Service) -> Result<Credential, Refusal> {
        let account = self.account(gate)?;
        let app_password = AppPassword {
            id: AppPasswordId(0),
            account: account.id,
            public_id: PORTAL.to_owned(),
            keyed_hash: [0; 32],
            label: PORTAL.to_owned(),
            services: Services::NONE.with(service),
            created: UnixTime::now(),
            expires: None,
            enrolled: self.stepped().is_some(),
            rights: Rights::ALL,
            last_used: None,
        };
        Ok(Credential { account, app_password: Arc::new(app_password), narrowing: Arc::default() })
    }

    /// What is known of it over a channel, and what that comes to.
    pub(crate) fn admission<'a>(
        &self,
        gate: &Gate,
        policy: &'a Policy,
        credential: &'a Credential,
        via: &Channel,
    ) -> (Evidence<'a>, Admission) {
        let given = self.given_from(via.peer);
        let confirmed_at = given.map(|at| UnixTime(UnixTime::now().0.saturating_sub_unsigned(at.elapsed().as_secs())));
        let evidence = Evidence { confirmed_at, app_password_enrolled: given.is_some(), ..gate.evidence(policy, credential, via) };
        let admission = octroi_policy::admit_at_portal(policy, &credential.account.profile, &evidence);
        (evidence, admission)
    }

    /// When a second factor was given from that network; elsewhere it proves nothing.
    fn given_from(&self, peer: IpAddr) -> Option<Instant> {
        let stepped = self.stepped.lock().unwrap_or_else(PoisonError::into_inner);
        stepped.as_ref().filter(|(_, network)| *network == throttle::network(peer)).map(|(at, _)| *at)
    }
}

impl PortalSession {
    /// A session for documents, over the connection that is asked by ([`PortalSession::over`]). [`Refusal::Unconfirmed`]: not before a second
    /// factor was given from there; [`Refusal::Unsupported`]: not from there, whatever is given; [`Refusal::Busy`]: too many sessions.
    pub async fn documents(&self) -> Result<Session, Refusal> {
        self.open(Service::Files, "documents in the portal").await
    }

    /// The same for calendars, which are there for planning meetings.
    pub async fn calendars(&self) -> Result<Session, Refusal> {
        self.open(Service::Caldav, "calendars in the portal").await
    }

    async fn open(&self, service: Service, subject: &str) -> Result<Session, Refusal> {
        let via = Channel::new(service, self.peer).client(Some(PORTAL)).certificate(self.certificate.clone());
        if let Some(open) = self.opened(&via)
            && open.check().await.is_ok()
        {
            return Ok(open);
        }
        let credential = self.signed_in.credential(&self.gate, service)?;
        let policy = self.gate.policy();
        let strength = match self.signed_in.admission(&self.gate, &policy, &credential, &via).1 {
            Admission::Open { strength, .. } => strength,
            Admission::AskSecondFactor => return Err(Refusal::Unconfirmed),
            Admission::Refused(reason) => {
                self.gate.note_log_in(Some(&credential), &via, subject, Outcome::Refused, &reason.to_string()).await;
                return Err(Refusal::Unsupported);
            }
        };
        let counted = self.gate.0.live.count(credential.account.id, self.gate.0.limits.log_ins_per_minute_max);
        let place = counted.ok().and_then(|()| self.gate.enter(&credential, &via)).ok_or(Refusal::Busy)?;
        self.gate.note_log_in(Some(&credential), &via, subject, Outcome::Done, "").await;
        let opening = Opening { credential, via, strength, at_portal: Some(self.signed_in.clone()), place };
        let session = Session::new(self.gate.clone(), opening);
        session.check().await?;
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        opened.retain(|other| other.service() != service);
        opened.push(session.clone());
        Ok(session)
    }

    /// Would there be documents from here, once a second factor was given? For the navigation.
    pub fn has_documents(&self) -> bool {
        self.may_open(Service::Files)
    }

    /// The same for calendars.
    pub fn has_calendars(&self) -> bool {
        self.may_open(Service::Caldav)
    }

    fn may_open(&self, service: Service) -> bool {
        let via = Channel::new(service, self.peer).certificate(self.certificate.clone());
        let (policy, Ok(credential)) = (self.gate.policy(), self.signed_in.credential(&self.gate, service)) else { return false };
        !matches!(self.signed_in.admission(&self.gate, &policy, &credential, &via).1, Admission::Refused(_))
    }

    /// The session that was opened last for that service, if it came the same way.
    fn opened(&self, via: &Channel) -> Option<Session> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        opened.retain(|session| session.service() != via.service || session.is_via(via));
        opened.iter().find(|session| session.service() == via.service).cloned()
    }
}
