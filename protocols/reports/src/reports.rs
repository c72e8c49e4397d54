//! One handle for who counts, who receives and who sends.

use crate::dmarc::{Feedback, Row};
use crate::fault::Fault;
use crate::limits::ReportLimits;
use crate::received::{Kept, Received};
use crate::tally::{Tally, day_of};
use crate::tls::{Failure, Policy, TlsReport};
use crate::unpack::{Kind, unpack};
use octroi_model::{Address, UnixTime};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Semaphore;

/// Messages that wait to be looked into, in memory; what comes beyond is in the mailbox only.
const WAITING_MAX: usize = 64;
/// More than any machine has processors for.
const READERS_MAX: usize = 64;

/// What is counted and what is taken in.
#[derive(Debug, Clone, Default)]
pub struct ReportSettings {
    /// TLS sessions are counted.
    pub tls: bool,
    /// Messages are counted.
    pub dmarc: bool,
    /// Addresses to which others send their reports.
    pub receive: Vec<Address>,
    /// Limits.
    pub limits: ReportLimits,
}

/// Counts, and takes reports in. Cheap to clone; by default it does neither.
#[derive(Clone, Default)]
pub struct Reports(Option<Arc<Inner>>);

struct Inner {
    settings: ReportSettings,
    keys: Vec<String>,
    tally: Mutex<Tally>,
    tally_is_new: AtomicBool,
    received: Mutex<Received>,
    received_is_new: AtomicBool,
    /// Messages that are being looked into, and those that wait for it as well.
    turns: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

impl fmt::Debug for Reports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Reports").field(&self.0.as_ref().map(|inner| &inner.settings)).finish()
    }
}

impl Reports {
    /// One that goes on from what was kept.
    pub fn new(settings: ReportSettings, tally: Tally, received: Received) -> Self {
        let keys = settings.receive.iter().map(Address::key).collect();
        let readers_max = settings.limits.readers_max.clamp(1, READERS_MAX);
        Self(Some(Arc::new(Inner {
            settings,
            keys,
            tally: Mutex::new(tally),
            tally_is_new: AtomicBool::new(false),
            received: Mutex::new(received),
            received_is_new: AtomicBool::new(false),
            turns: Arc::new(Semaphore::new(readers_max)),
            waiting: Arc::new(Semaphore::new(readers_max + WAITING_MAX)),
        })))
    }

    /// Are TLS sessions counted?
    pub fn counts_sessions(&self) -> bool {
        self.0.as_ref().is_some_and(|inner| inner.settings.tls)
    }

    /// Are messages counted?
    pub fn counts_messages(&self) -> bool {
        self.0.as_ref().is_some_and(|inner| inner.settings.dmarc)
    }

    /// Count a session to a domain, now.
    pub fn count_session(&self, domain: &str, policy: &Policy, failure: Option<Failure>) {
        let Some(inner) = self.0.as_ref().filter(|inner| inner.settings.tls) else { return };
        let Some(domain) = plain(domain) else { return };
        let is_whole = inner.tally().session(day_of(UnixTime::now().0), &domain, policy, failure, &inner.settings.limits);
        inner.counted(is_whole, &domain);
    }

    /// Count a message of an author of this domain, now.
    pub fn count_message(&self, domain: &str, row: Row) {
        let Some(inner) = self.0.as_ref().filter(|inner| inner.settings.dmarc) else { return };
        let Some(domain) = plain(domain) else { return };
        let is_whole = inner.tally().message(day_of(UnixTime::now().0), &domain, row, &inner.settings.limits);
        inner.counted(is_whole, &domain);
    }

    /// Is that one of the addresses to which reports are sent? With or without a `+detail`.
    pub fn receives(&self, address: &Address) -> bool {
        self.0.as_ref().is_some_and(|inner| !inner.keys.is_empty() && inner.keys.contains(&address.key()))
    }

    /// Octets of a message that is looked into; 0 if none is.
    pub fn message_bytes_max(&self) -> usize {
        self.0.as_ref().map_or(0, |inner| inner.settings.limits.message_bytes_max)
    }

    /// Look into a message that was sent to such an address, on a thread that may block, and keep what it reports. Many come at once, after
    /// midnight: each waits for its turn.
    pub async fn take_in(&self, message: Vec<u8>, authentic: Option<bool>) -> Result<Kept, Fault> {
        let inner = self.0.clone().ok_or(Fault::NotAReport)?;
        let _waiting = inner.waiting.clone().try_acquire_owned().map_err(|_| Fault::Busy)?;
        let _turn = inner.turns.clone().acquire_owned().await.map_err(|_| Fault::Busy)?;
        let limits = inner.settings.limits;
        let read = tokio::task::spawn_blocking(move || read(&message, authentic, UnixTime::now().0, &limits));
        let kept = read.await.map_err(|_| Fault::Malformed("it could not be looked into"))??;
        inner.received.lock().unwrap_or_else(PoisonError::into_inner).keep(kept.clone(), &limits);
        inner.received_is_new.store(true, Ordering::Release);
        Ok(kept)
    }

    /// What others have reported about days since this second, of one domain or of all.
    pub fn received(&self, since: i64, domain: Option<&str>) -> Vec<Kept> {
        let Some(inner) = &self.0 else { return Vec::new() };
        inner.received.lock().unwrap_or_else(PoisonError::into_inner).since(since, domain)
    }

    /// What is counted, as it is now.
    pub fn tally(&self) -> Tally {
        self.0.as_ref().map(|inner| inner.tally().clone()).unwrap_or_default()
    }

    /// Change what is counted.
    pub fn change(&self, change: impl FnOnce(&mut Tally)) {
        if let Some(inner) = &self.0 {
            change(&mut inner.tally());
            inner.tally_is_new.store(true, Ordering::Release);
        }
    }

    /// What is counted, to be kept, if it has changed since this was asked last.
    pub fn unsaved_tally(&self) -> Option<Vec<u8>> {
        let inner = self.0.as_ref()?;
        inner.tally_is_new.swap(false, Ordering::AcqRel).then(|| inner.tally().encode())
    }

    /// The same of what others have reported.
    pub fn unsaved_received(&self) -> Option<Vec<u8>> {
        let inner = self.0.as_ref()?;
        let is_new = inner.received_is_new.swap(false, Ordering::AcqRel);
        is_new.then(|| inner.received.lock().unwrap_or_else(PoisonError::into_inner).encode())
    }

    /// It could not be kept: it is unsaved still.
    pub fn not_saved(&self) {
        if let Some(inner) = &self.0 {
            inner.tally_is_new.store(true, Ordering::Release);
            inner.received_is_new.store(true, Ordering::Release);
        }
    }
}

impl Inner {
    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn counted(&self, is_whole: bool, domain: &str) {
        self.tally_is_new.store(true, Ordering::Release);
        if !is_whole {
            tracing::debug!(domain, "the limits of reports leave something out");
        }
    }
}

/// A domain as the DNS has it: it will stand in headers and names of files.
fn plain(domain: &str) -> Option<String> {
    let domain = idna::domain_to_ascii(domain).ok()?;
    let is_fit = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_' | b'.');
    (!domain.is_empty() && domain.bytes().all(is_fit)).then_some(domain)
}

/// The report in a message.
pub fn read(message: &[u8], authentic: Option<bool>, now: i64, limits: &ReportLimits) -> Result<Kept, Fault> {
    let (kind, octets) = unpack(message, limits)?;
    match kind {
        Kind::Dmarc => Ok(Kept::dmarc(Feedback::read(&octets, limits.records_max)?, now, authentic)),
        Kind::Tls => {
            let (report, cut) = TlsReport::read(&octets, limits.records_max)?;
            let span = report.span()?;
            Ok(Kept::tls(report, cut, span, now, authentic))
        }
    }
}
