//! Reports to other servers, once a day, and what is kept of theirs.
//!
//! Started by `server`; steered by the admin socket. `discover` finds out who wants to hear what, `deliver` brings it there.
//!
//! What is counted lies in memory and, written whole every minute in which it has changed, in two files of the data folder: `reports.tally` and
//! `reports.received`. Not in the store: each session and each message would be a commit of its own, and what is lost is nobody's mail. A
//! crash costs the counts of its last minute. What was queued and not yet taken from the counts when it came goes out a second time, under
//! the same id, by which receivers know it.

mod deliver;
mod discover;

use crate::config::Config;
use deliver::{Delivery, Fate};
use discover::{Discovered, Later, discover, is_allowed};
use octroi_dns::Resolver;
use octroi_gate::{Gate, Queue};
use octroi_mailauth::Keyring;
use octroi_model::UnixTime;
use octroi_net::Shutdown;
use octroi_reports::dmarc::{Feedback, Row};
use octroi_reports::record::Destination;
use octroi_reports::tls::{Frame, TlsReport};
use octroi_reports::{Day, Letter, MailCount, PolicyCount, Received, Reports, Tally, day_of, packed};
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::task::JoinSet;

/// Seconds of a day.
const DAY: i64 = 86_400;
/// How often what is counted is written down, if it has changed.
const SAVE: Duration = Duration::from_mins(1);
/// RFC 8460 section 4.1: reports of all servers at midnight would be a flood. Up to four hours later.
const SPREAD: u64 = 4 * 3600;
/// How soon after a start what was left of days before is sent, at most.
const SPREAD_AT_START: u64 = 600;
/// When it is tried again what could not be sent.
const AGAIN: i64 = 3600;
/// For how many days it is tried.
const TRIED_DAYS: i64 = 3;
/// Reports that are made at the same time.
const TOGETHER: usize = 8;
/// Files of the data folder.
const TALLY: &str = "reports.tally";
const RECEIVED: &str = "reports.received";

/// Sends reports, and keeps what is counted. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Reporter(Arc<Inner>);

struct Inner {
    reports: Reports,
    resolver: Resolver,
    delivery: Delivery,
    folder: PathBuf,
    /// Who reports, for people.
    organisation: String,
    contact: String,
    /// Our host name.
    submitter: String,
    /// One round at a time.
    turn: Mutex<()>,
    /// One who writes at a time.
    saving: Mutex<()>,
}

/// What came of a round.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Sent {
    /// Reports that are on their way.
    pub(crate) on_their_way: usize,
    /// Domains that do not want to hear.
    pub(crate) unwanted: usize,
    /// Reports that are tried again.
    pub(crate) put_off: usize,
}

/// Go on from what was kept in a data folder.
pub(crate) fn load(config: &Config) -> Result<Reports, String> {
    let (tally, received) = (kept(config, TALLY, Tally::decode)?, kept(config, RECEIVED, Received::decode)?);
    Ok(Reports::new(config.reports.settings(config)?, tally, received))
}

/// What a file of the data folder holds; nothing yet if it is not there, or is none of ours.
fn kept<T: Default>(config: &Config, name: &str, decode: fn(&[u8]) -> Option<T>) -> Result<T, String> {
    let file = config.data.join(name);
    let octets = match fs::read(&file) {
        Ok(octets) => octets,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(T::default()),
        Err(e) => return Err(format!("cannot read {}: {e}", file.display())),
    };
    Ok(decode(&octets).unwrap_or_else(|| {
        tracing::warn!(name, "what was counted for reports cannot be read, and is begun anew");
        T::default()
    }))
}

impl Reporter {
    /// One that sends what is counted there.
    pub(crate) fn new(
        config: &Config,
        reports: Reports,
        resolver: Resolver,
        gate: Gate,
        queue: Queue,
        keyring: Keyring,
    ) -> Result<Self, String> {
        let from = config.reports.sender(config)?;
        let contact = config.reports.contact.clone().unwrap_or_else(|| from.to_string());
        let delivery = Delivery::new(config, reports.clone(), resolver.clone(), gate, queue, keyring, from)?;
        let (turn, saving) = (Mutex::default(), Mutex::default());
        let (folder, organisation, submitter) = (config.data.clone(), config.organisation.clone(), config.hostname.to_lowercase());
        Ok(Self(Arc::new(Inner { reports, resolver, delivery, folder, organisation, contact, submitter, turn, saving })))
    }

    /// What is counted and received.
    pub(crate) fn reports(&self) -> &Reports {
        &self.0.reports
    }

    /// Save and send until the server ends.
    pub(crate) async fn run(self, shutdown: Shutdown) {
        let sending = tokio::spawn(self.clone().send_daily());
        while tokio::time::timeout(SAVE, shutdown.triggered()).await.is_err() {
            self.save().await;
        }
        sending.abort();
        self.save().await;
    }

    async fn send_daily(self) {
        let mut wait = chance(SPREAD_AT_START);
        loop {
            tokio::time::sleep(Duration::from_secs(u64::try_from(wait).unwrap_or_default())).await;
            let sent = self.send(day_of(UnixTime::now().0) - 1).await;
            let now = UnixTime::now().0;
            let midnight = (day_of(now) + 1) * DAY;
            wait = if sent.put_off > 0 { AGAIN } else { (midnight - now).saturating_add(chance(SPREAD)) };
        }
    }

    /// Write down what has changed.
    async fn save(&self) {
        let _saving = self.0.saving.lock().await;
        let inner = self.0.clone();
        let saved = tokio::task::spawn_blocking(move || {
            let write = |name: &str, octets: Option<Vec<u8>>| match octets {
                Some(octets) => crate::files::replace(&inner.folder.join(name), &octets),
                None => Ok(()),
            };
            let saved = write(TALLY, inner.reports.unsaved_tally()).and(write(RECEIVED, inner.reports.unsaved_received()));
            if saved.is_err() {
                inner.reports.not_saved();
            }
            saved
        });
        match saved.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "what is counted for reports cannot be written down"),
            Err(error) => tracing::error!(%error, "what is counted for reports was not written down"),
        }
    }

    /// Send what was counted up to this day, to those who want it. What is on its way is not counted any more.
    pub(crate) async fn send(&self, last: Day) -> Sent {
        let _turn = self.0.turn.lock().await;
        let tally = self.0.reports.tally();
        let mut sent = Sent::default();
        let of_sessions = |(day, domain, counts): (Day, String, Vec<PolicyCount>)| {
            let inner = self.0.clone();
            async move { (inner.sessions(day, &domain, &counts).await, day, domain, counts) }
        };
        each(tally.sessions_until(last), of_sessions, |(fate, day, domain, counts)| {
            if sent.note(fate, "tls", &domain, day) {
                self.0.reports.change(|tally| tally.sessions_done(day, &domain, &counts));
            }
        })
        .await;
        let policed = self.by_policy(tally.messages_until(last), &mut sent).await;
        let of_messages = |(day, found): (Day, Policed)| {
            let inner = self.0.clone();
            async move { (inner.messages(day, &found).await, day, found) }
        };
        each(policed, of_messages, |(fate, day, found)| {
            if sent.note(fate, "dmarc", &found.policy.domain, day) {
                self.0.reports.change(|tally| found.authors.iter().for_each(|(author, count)| tally.messages_done(day, author, count)));
            }
        })
        .await;
        self.save().await;
        sent
    }

    /// Find out under which policies these messages were; what nobody wants to hear of is done with.
    async fn by_policy(&self, counts: Vec<(Day, String, MailCount)>, sent: &mut Sent) -> Vec<(Day, Policed)> {
        let of_author = |(day, author, count): (Day, String, MailCount)| {
            let inner = self.0.clone();
            async move { (discover(&inner.resolver, &author).await, day, author, count) }
        };
        let mut policed: BTreeMap<(Day, String), Policed> = BTreeMap::new();
        each(counts, of_author, |(found, day, author, count)| {
            let fate = match found {
                Ok(Some(policy)) if !policy.record.rua.is_empty() => {
                    let entry = policed.entry((day, policy.domain.clone()));
                    entry.or_insert_with(|| Policed { policy, authors: Vec::new() }).authors.push((author, count));
                    return;
                }
                Ok(_) => Fate::Unwanted,
                Err(Later(why)) => Fate::PutOff(why),
            };
            if sent.note(fate, "dmarc", &author, day) {
                self.0.reports.change(|tally| tally.messages_done(day, &author, &count));
            }
        })
        .await;
        policed.into_iter().map(|((day, _), found)| (day, found)).collect()
    }
}

/// Do it for all, some at a time, and note each as it is done: a DNS that does not answer holds up few others.
async fn each<T, R, W>(items: Vec<T>, work: impl Fn(T) -> W, mut done: impl FnMut(R))
where
    W: Future<Output = R> + Send + 'static,
    R: Send + 'static,
{
    let mut under_way = JoinSet::new();
    let mut items = items.into_iter();
    loop {
        while under_way.len() < TOGETHER
            && let Some(item) = items.next()
        {
            under_way.spawn(work(item));
        }
        match under_way.join_next().await {
            Some(Ok(result)) => done(result),
            Some(Err(error)) => tracing::error!(%error, "a report failed"),
            None => return,
        }
    }
}

impl Sent {
    /// Count; is it done with?
    fn note(&mut self, fate: Fate, kind: &str, domain: &str, day: Day) -> bool {
        match fate {
            Fate::Sent => {
                tracing::info!(kind, domain, "a report is on its way");
                self.on_their_way += 1;
                true
            }
            Fate::Unwanted => {
                self.unwanted += 1;
                true
            }
            Fate::PutOff(why) => {
                let gives_up = day + TRIED_DAYS < day_of(UnixTime::now().0);
                tracing::warn!(kind, domain, why, gives_up, "a report could not be sent");
                self.put_off += usize::from(!gives_up);
                gives_up
            }
        }
    }
}

/// Messages of authors whose domains have one policy.
struct Policed {
    policy: Discovered,
    authors: Vec<(String, MailCount)>,
}

impl Inner {
    /// What a domain is told of TLS with its hosts.
    async fn sessions(&self, day: Day, domain: &str, counts: &[PolicyCount]) -> Fate {
        let destinations = match discover::texts(&self.resolver, &format!("_smtp._tls.{domain}")).await {
            Ok(texts) => octroi_reports::record::tls(&texts),
            Err(Later(why)) => return Fate::PutOff(why),
        };
        if destinations.is_empty() {
            return Fate::Unwanted;
        }
        let (begin, end) = span(day);
        let id = self.id("tls", domain, begin, end);
        let frame = Frame { organisation: &self.organisation, contact: &self.contact, id: &id, begin, end };
        let report = TlsReport::of(&frame, domain, counts).write().and_then(|report| packed(&report));
        let report = match report {
            Ok(report) => report,
            Err(fault) => return Fate::PutOff(fault.to_string()),
        };
        let compose = |to: &str| self.letter(to, domain, &id, (begin, end)).tls(report.clone());
        self.delivery.deliver(&destinations, &report, compose).await
    }

    /// What a domain is told of who sends in its name.
    async fn messages(&self, day: Day, found: &Policed) -> Fate {
        let mut destinations: Vec<Destination> = Vec::new();
        for to in &found.policy.record.rua {
            match is_allowed(&self.resolver, &found.policy, to).await {
                Ok(allowed) => destinations.extend(allowed),
                Err(Later(why)) => return Fate::PutOff(why),
            }
        }
        if destinations.is_empty() {
            return Fate::Unwanted;
        }
        let (begin, end) = span(day);
        let domain = &found.policy.domain;
        let id = self.id("dmarc", domain, begin, end);
        let mut records: BTreeMap<&Row, u64> = BTreeMap::new();
        for (row, count) in found.authors.iter().flat_map(|(_, count)| &count.rows) {
            *records.entry(row).or_default() += count;
        }
        let more: u64 = found.authors.iter().map(|(_, count)| count.more).sum();
        let report = Feedback {
            organisation: self.organisation.clone(),
            email: self.delivery.from().to_string(),
            id: id.clone(),
            begin,
            end,
            error: (more > 0).then(|| format!("{more} more messages came from more places than are named here")),
            published: octroi_reports::dmarc::Published { domain: domain.clone(), ..found.policy.record.published.clone() },
            records: records.into_iter().map(|(row, count)| (row.clone(), count)).collect(),
            cut: 0,
        };
        let report = match report.write().and_then(|report| packed(&report)) {
            Ok(report) => report,
            Err(fault) => return Fate::PutOff(fault.to_string()),
        };
        let compose = |to: &str| self.letter(to, domain, &id, (begin, end)).dmarc(report.clone());
        self.delivery.deliver(&destinations, &report, compose).await
    }

    fn letter<'a>(&'a self, to: &'a str, domain: &'a str, id: &'a str, (begin, end): (i64, i64)) -> Letter<'a> {
        let (organisation, submitter, now) = (self.organisation.as_str(), self.submitter.as_str(), UnixTime::now());
        Letter { organisation, from: self.delivery.sender(), to, submitter, domain, id, begin, end, now }
    }

    /// The same for the same report: who gets it twice knows by it.
    fn id(&self, kind: &str, domain: &str, begin: i64, end: i64) -> String {
        let what = format!("{kind} {domain} {begin} {end} {}", self.submitter);
        let hash = ring::digest::digest(&ring::digest::SHA256, what.as_bytes());
        let unique: String = hash.as_ref()[..10].iter().map(|octet| format!("{octet:02x}")).collect();
        format!("{unique}@{}", self.submitter)
    }
}

/// The first second of a day and its last; of today, the present one.
fn span(day: Day) -> (i64, i64) {
    let begin = day * DAY;
    (begin, (begin + DAY - 1).min(UnixTime::now().0))
}

/// A number of seconds by chance, below this one.
fn chance(below: u64) -> i64 {
    let mut octets = [0; 8];
    // Without chance it is as good as any other time.
    let _ = getrandom::fill(&mut octets);
    i64::try_from(u64::from_le_bytes(octets) % below).unwrap_or_default()
}
