//! MTA-STS (RFC 8461): domains that say by HTTPS which hosts take their mail, and that these have TLS with good certificates.
//!
//! What always holds: a policy counts until its age is over, also when nobody can be asked any more; no redirect is followed, and an answer
//! is short and quick or none. Policies are kept in a folder, so that a restart does not open the door to who stands between.

use super::resolve::{address, is_reachable};
use super::sessions::certificate_error;
use crate::config::QueueConfig;
use bytes::Bytes;
use hickory_resolver::proto::rr::{RData, RecordType};
use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{Request, StatusCode};
use octroi_dns::{NoAnswer, Resolver};
use octroi_model::UnixTime;
use octroi_reports::cleaned;
use octroi_reports::tls::{self, PolicyKind, ResultType};
use octroi_webclient::{WebClient, WebError};
use rustls::ClientConfig;
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tracing::{debug, warn};

/// RFC 8461 section 3.3 suggests 64 KiB.
const POLICY_BYTES_MAX: usize = 64 * 1024;
/// RFC 8461 section 3.3 suggests a minute.
const FETCH: Duration = Duration::from_mins(1);
/// RFC 8461 section 3.2: a year, about.
const AGE_MAX: i64 = 31_557_600;
/// How long a policy that could not be fetched is not asked for again (RFC 8461 section 5.1: at least five minutes).
const PAUSE: i64 = 300;
/// Domains that are remembered; beyond that those that are over are forgotten, and then no more are added.
const KNOWN_MAX: usize = 10_000;
/// Patterns in one policy.
const PATTERNS_MAX: usize = 200;

/// What a domain says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Policy {
    pub(crate) mode: Mode,
    patterns: Vec<String>,
    max_age: i64,
    /// As it was told.
    lines: Vec<String>,
}

/// What there is of a domain's policy.
#[derive(Debug, Clone, Default)]
pub(crate) struct Told {
    /// What counts, if anything does.
    pub(crate) policy: Option<Arc<Policy>>,
    /// Why there is no newer one.
    pub(crate) fault: Option<Unfetched>,
}

/// Why a policy is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unfetched {
    pub(crate) result: ResultType,
    pub(crate) why: String,
}

/// RFC 8461 section 5.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Enforce,
    Testing,
    None,
}

/// What is known of a domain.
#[derive(Debug, Clone)]
struct Known {
    /// Of the TXT record under which it was fetched.
    id: String,
    policy: Option<Arc<Policy>>,
    until: i64,
}

/// Fetches policies and keeps them.
pub(crate) struct Policies {
    folder: Option<PathBuf>,
    web: WebClient,
    known: Mutex<HashMap<String, Known>>,
}

impl Policy {
    /// RFC 8461 section 3.2.
    fn parse(text: &str) -> Option<Self> {
        let (mut version, mut mode, mut max_age, mut patterns) = (None, None, None, Vec::new());
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let (key, value) = line.split_once(':')?;
            let value = value.trim();
            match key.trim() {
                "version" => _ = version.get_or_insert(value),
                "mode" => _ = mode.get_or_insert(value),
                "max_age" => _ = max_age.get_or_insert(value),
                "mx" if patterns.len() < PATTERNS_MAX => patterns.push(value.trim_end_matches('.').to_ascii_lowercase()),
                _ => {}
            }
        }
        let mode = match mode? {
            "enforce" => Mode::Enforce,
            "testing" => Mode::Testing,
            "none" => Mode::None,
            _ => return None,
        };
        let max_age = max_age?.parse::<i64>().ok().filter(|age| *age >= 0)?.min(AGE_MAX);
        let lines = text.lines().filter(|line| !line.trim().is_empty()).take(PATTERNS_MAX).map(cleaned).collect();
        (version? == "STSv1" && (mode == Mode::None || !patterns.is_empty())).then_some(Self { mode, patterns, max_age, lines })
    }

    /// As a report names it.
    pub(crate) fn reported(&self) -> tls::Policy {
        tls::Policy { kind: PolicyKind::Sts, strings: self.lines.clone(), mx: self.patterns.iter().map(|text| cleaned(text)).collect() }
    }

    /// Is that host one of the domain's (RFC 8461 section 4.1)?
    pub(crate) fn allows(&self, host: &str) -> bool {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        self.patterns.iter().any(|pattern| match pattern.strip_prefix("*.") {
            // One label, whatever it is.
            Some(rest) => host.split_once('.').is_some_and(|(label, tail)| !label.is_empty() && tail == rest),
            None => *pattern == host,
        })
    }
}

impl Policies {
    /// Kept in `folder`, in memory only without one; `tls` checks the certificates of who tells them.
    pub(crate) fn new(folder: Option<PathBuf>, tls: Arc<ClientConfig>) -> Self {
        Self { folder, web: WebClient::over(tls, FETCH, POLICY_BYTES_MAX), known: Mutex::default() }
    }

    /// The policy of a domain, if it has one.
    pub(crate) async fn of(&self, domain: &str, resolver: &Resolver, config: &QueueConfig) -> Told {
        if !is_plain(domain) {
            return Told::default();
        }
        let now = UnixTime::now().0;
        let kept = self.kept(domain, now);
        let kept_policy = kept.as_ref().and_then(|known| known.policy.clone());
        let id = match resolver.look_up(&format!("_mta-sts.{domain}"), RecordType::TXT).await {
            Ok(answer) => record_id(&answer.records),
            Err(NoAnswer::NoSuchName | NoAnswer::NoRecords) => None,
            Err(error) => {
                debug!(domain, ?error, "no word on MTA-STS");
                None
            }
        };
        // RFC 8461 section 3.1 and 5.1: without a record, what is kept still counts.
        let Some(id) = id else { return Told { policy: kept_policy, fault: None } };
        if kept.is_some_and(|known| known.id == id) {
            return Told { policy: kept_policy, fault: None };
        }
        match self.fetch(domain, resolver, config).await {
            Ok((policy, text)) => {
                let policy = Arc::new(policy);
                let known = Known { id, policy: Some(policy.clone()), until: now + policy.max_age };
                self.write_down(domain, &known, &text);
                self.keep(domain, known, now);
                Told { policy: Some(policy), fault: None }
            }
            Err(fault) => {
                warn!(domain, why = fault.why, "its MTA-STS policy cannot be fetched");
                if kept_policy.is_none() {
                    self.keep(domain, Known { id, policy: None, until: now + PAUSE }, now);
                }
                Told { policy: kept_policy, fault: Some(fault) }
            }
        }
    }

    fn kept(&self, domain: &str, now: i64) -> Option<Known> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = known.get(domain) {
            return Some(found.clone()).filter(|found| found.until > now);
        }
        let text = std::fs::read_to_string(self.folder.as_ref()?.join(domain)).ok()?;
        let (first, rest) = text.split_once('\n')?;
        let (id, until) = first.split_once(' ')?;
        let found = Known { id: id.to_owned(), policy: Some(Arc::new(Policy::parse(rest)?)), until: until.parse().ok()? };
        known.insert(domain.to_owned(), found.clone());
        Some(found).filter(|found| found.until > now)
    }

    fn keep(&self, domain: &str, found: Known, now: i64) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KNOWN_MAX {
            known.retain(|_, found| found.until > now);
        }
        if known.len() < KNOWN_MAX {
            known.insert(domain.to_owned(), found);
        }
    }

    fn write_down(&self, domain: &str, known: &Known, text: &str) {
        let Some(folder) = &self.folder else { return };
        let write = || {
            std::fs::create_dir_all(folder)?;
            let partial = folder.join(format!("{domain}.new"));
            std::fs::write(&partial, format!("{} {}\n{text}", known.id, known.until))?;
            std::fs::rename(partial, folder.join(domain))
        };
        if let Err(error) = write() {
            warn!(domain, %error, "its MTA-STS policy cannot be kept for the next start");
        }
    }

    /// RFC 8461 section 3.3.
    async fn fetch(&self, domain: &str, resolver: &Resolver, config: &QueueConfig) -> Result<(Policy, String), Unfetched> {
        let text = self.fetched(domain, resolver, config).await?;
        let policy = Policy::parse(&text).ok_or_else(|| Unfetched::new(ResultType::StsPolicyInvalid, "it is no policy"))?;
        Ok((policy, text))
    }

    async fn fetched(&self, domain: &str, resolver: &Resolver, config: &QueueConfig) -> Result<String, Unfetched> {
        let fail = |why: String| Unfetched::new(ResultType::StsPolicyFetchError, why);
        let host = format!("mta-sts.{domain}");
        let mut ips: Vec<IpAddr> = Vec::new();
        for kind in [RecordType::AAAA, RecordType::A] {
            if let Ok(answer) = resolver.look_up(&host, kind).await {
                ips.extend(answer.records.iter().filter_map(address).filter(|ip| is_reachable(*ip, config)));
            }
        }
        if ips.is_empty() {
            return Err(fail("it has no address".to_owned()));
        }
        let addresses: Vec<SocketAddr> = ips.into_iter().map(|ip| SocketAddr::new(ip, config.mta_sts_port)).collect();
        let request = Request::get(format!("https://{host}/.well-known/mta-sts.txt")).header(USER_AGENT, "Octroi");
        let request = request.body(Bytes::new()).map_err(|error| fail(error.to_string()))?;
        let response = self.web.ask_at(request, &addresses).await.map_err(|error| match &error {
            WebError::Unreachable(io) if certificate_error(io).is_some() => Unfetched::new(ResultType::StsWebpkiInvalid, error.to_string()),
            _ => fail(error.to_string()),
        })?;
        // A redirect is an answer like any other that is not 200.
        if response.status() != StatusCode::OK {
            return Err(fail(format!("it answers {}", response.status())));
        }
        let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if !kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("text/plain") {
            return Err(fail("its answer is not text/plain".to_owned()));
        }
        String::from_utf8(response.into_body().to_vec()).map_err(|_| Unfetched::new(ResultType::StsPolicyInvalid, "it is not UTF-8"))
    }
}

impl Unfetched {
    fn new(result: ResultType, why: impl Into<String>) -> Self {
        Self { result, why: why.into() }
    }
}

/// The id in the TXT records (RFC 8461 section 3.1); none unless exactly one record is of this kind.
fn record_id(records: &[RData]) -> Option<String> {
    let texts = records.iter().filter_map(|record| match record {
        RData::TXT(txt) => Some(txt.txt_data.iter().map(|part| String::from_utf8_lossy(part)).collect::<String>()),
        _ => None,
    });
    let mut policies = texts.filter(|text| text.split(';').next().is_some_and(|first| first.trim() == "v=STSv1"));
    let (one, None) = (policies.next()?, policies.next()) else { return None };
    let id = one.split(';').find_map(|part| part.trim().strip_prefix("id=").map(str::to_owned))?;
    ((1..=32).contains(&id.len()) && id.bytes().all(|octet| octet.is_ascii_alphanumeric())).then_some(id)
}

/// A name that is safe as a file's: nothing but letters, digits, hyphens and inner dots.
fn is_plain(domain: &str) -> bool {
    let label =
        |label: &str| !label.is_empty() && label.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'-' || octet == b'_');
    domain.len() <= 253 && domain.split('.').all(label)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn policies() {
        let policy =
            Policy::parse("version: STSv1\r\nmode: enforce\r\nmx: mx.b.example\r\nmx: *.c.example\r\nmax_age: 604800\r\n").unwrap();
        assert_eq!((policy.mode, policy.max_age), (Mode::Enforce, 604_800));
        for (host, allowed) in [
            ("mx.b.example", true),
            ("MX.B.example.", true),
            ("a.c.example", true),
            ("a.b.c.example", false),
            ("c.example", false),
            ("x.b.example", false),
        ] {
            assert_eq!(policy.allows(host), allowed, "{host}");
        }
        for bad in [
            "",
            "version: STSv2\nmode: enforce\nmx: a\nmax_age: 1\n",
            "version: STSv1\nmode: strict\nmx: a\nmax_age: 1\n",
            "version: STSv1\nmode: enforce\nmax_age: 1\n",
            "version: STSv1\nmode: enforce\nmx: a\n",
            "version: STSv1\nmode: enforce\nmx: a\nmax_age: -1\n",
            "<html>",
        ] {
            assert_eq!(Policy::parse(bad), None, "{bad}");
        }
        assert_eq!(Policy::parse("version: STSv1\nmode: none\nmax_age: 99999999999\n").unwrap().max_age, AGE_MAX);
    }

    #[test]
    fn names_of_files() {
        assert!(is_plain("b.example") && is_plain("xn--bcher-kva.example"));
        for bad in ["", ".", "..", "a/b", "../etc", "a..b", "b.example."] {
            assert!(!is_plain(bad), "{bad}");
        }
    }
}
