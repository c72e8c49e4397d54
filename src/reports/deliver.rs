//! A report on its way: into the queue, to a web server, or to an address of ours.
//!
//! What always holds: URLs of others lead to public addresses only, no redirect is followed, and of the answer only the status counts.

use crate::config::Config;
use bytes::Bytes;
use hickory_resolver::proto::rr::RecordType;
use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{Request, Uri};
use octroi_dns::Resolver;
use octroi_gate::{Content, Gate, Queue};
use octroi_mailauth::{Keyring, Signing};
use octroi_model::Address;
use octroi_reports::record::Destination;
use octroi_reports::{Fault, Reports};
use octroi_webclient::WebClient;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// How long a web server may take.
const POST: Duration = Duration::from_mins(1);
/// Octets of its answer, of which nothing is used.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// The port that an `https` URL need not name.
const HTTPS_PORT: u16 = 443;

/// What became of a report.
#[derive(Debug)]
pub(super) enum Fate {
    /// It is on its way to somebody at least.
    Sent,
    /// Nobody wants it.
    Unwanted,
    /// Nobody could be given it; why.
    PutOff(String),
}

/// Brings reports where they are wanted.
pub(super) struct Delivery {
    reports: Reports,
    resolver: Resolver,
    gate: Gate,
    queue: Queue,
    keyring: Keyring,
    web: WebClient,
    from: Address,
    from_text: String,
    /// URLs may lead to this machine: for private networks and tests.
    private: bool,
}

impl Delivery {
    pub(super) fn new(
        config: &Config,
        reports: Reports,
        resolver: Resolver,
        gate: Gate,
        queue: Queue,
        keyring: Keyring,
        from: Address,
    ) -> Result<Self, String> {
        let read = |file: &std::path::PathBuf| std::fs::read(file).map_err(|e| format!("`outbound.authorities`: {}: {e}", file.display()));
        let authorities = config.outbound.authorities.as_ref().map(read).transpose()?;
        let web = WebClient::new(authorities.as_deref(), POST, ANSWER_BYTES_MAX).map_err(|e| e.to_string())?;
        let (from_text, private) = (from.to_string(), config.outbound.private_addresses);
        Ok(Self { reports, resolver, gate, queue, keyring, web, from, from_text, private })
    }

    pub(super) fn from(&self) -> &Address {
        &self.from
    }

    pub(super) fn sender(&self) -> &str {
        &self.from_text
    }

    /// To all who are named. `report` is what a web server gets, `compose` makes the message for an address.
    pub(super) async fn deliver(
        &self,
        destinations: &[Destination],
        report: &[u8],
        compose: impl Fn(&str) -> Result<Vec<u8>, Fault>,
    ) -> Fate {
        let (mut is_sent, mut failed) = (false, None);
        for destination in destinations {
            let done = match destination {
                Destination::Mail(address, bytes_max) => self.mail(address, *bytes_max, &compose).await,
                Destination::Https(url) => self.post(url, report).await.map(|()| true),
            };
            match done {
                Ok(sent) => is_sent |= sent,
                Err(why) => {
                    tracing::warn!(why, "a report is not taken where it is wanted");
                    failed = Some(why);
                }
            }
        }
        match (is_sent, failed) {
            // Who has it already would get it again.
            (true, _) => Fate::Sent,
            (false, Some(why)) => Fate::PutOff(why),
            (false, None) => Fate::Unwanted,
        }
    }

    /// Is it on its way?
    async fn mail(&self, address: &str, bytes_max: Option<u64>, compose: &impl Fn(&str) -> Result<Vec<u8>, Fault>) -> Result<bool, String> {
        let Ok(to) = address.parse::<Address>() else {
            // It will not be one tomorrow.
            tracing::info!(address = octroi_reports::cleaned(address), "a report is wanted where no address is");
            return Ok(false);
        };
        let message = compose(&to.to_string()).map_err(|fault| fault.to_string())?;
        if bytes_max.is_some_and(|most| message.len() as u64 > most) {
            tracing::info!(%to, "a report is larger than is wanted there");
            return Ok(false);
        }
        let message = Signing::signed(&self.keyring, &message).unwrap_or_else(|error| {
            tracing::warn!(error, "a report is not signed");
            message
        });
        let (facts, header_bytes) = octroi_mime::describe(&message);
        let content = Content::message(&facts, &message, header_bytes);
        if !self.gate.is_local_domain(to.domain()) {
            return self.queue.send(&to, content).await.map(|()| true).map_err(|refused| refused.to_string());
        }
        // Of one domain of ours about another, or about itself: somebody else has sent in its name.
        self.queue.notify(&to, content).await.map_err(|refused| refused.to_string())?;
        if self.reports.receives(&to)
            && let Err(fault) = self.reports.take_in(message, Some(true)).await
        {
            tracing::warn!(%fault, "a report of our own is not taken in");
        }
        Ok(true)
    }

    /// RFC 8460 section 5.4.
    async fn post(&self, url: &str, report: &[u8]) -> Result<(), String> {
        let fail = |why: String| format!("{url}: {why}");
        let uri: Uri = url.parse().map_err(|_| fail("not a URL".to_owned()))?;
        let addresses = self.addresses(&uri).await.map_err(fail)?;
        let request = Request::post(uri).header(CONTENT_TYPE, "application/tlsrpt+gzip").header(USER_AGENT, "Octroi");
        let request = request.body(Bytes::copy_from_slice(report)).map_err(|e| fail(e.to_string()))?;
        let answer = self.web.ask_at(request, &addresses).await.map_err(|e| fail(e.to_string()))?;
        if answer.status().is_success() { Ok(()) } else { Err(fail(format!("it answers {}", answer.status()))) }
    }

    async fn addresses(&self, uri: &Uri) -> Result<Vec<SocketAddr>, String> {
        let host = uri.host().ok_or("it names no host")?.trim_start_matches('[').trim_end_matches(']');
        let mut ips: Vec<IpAddr> = host.parse().into_iter().collect();
        if ips.is_empty() {
            for kind in [RecordType::AAAA, RecordType::A] {
                if let Ok(answer) = self.resolver.look_up(host, kind).await {
                    ips.extend(answer.records.iter().filter_map(hickory_resolver::proto::rr::RData::ip_addr));
                }
            }
        }
        ips.retain(|ip| self.private || octroi_dns::is_public(*ip));
        if ips.is_empty() {
            return Err("it has no address that may be asked".to_owned());
        }
        let port = uri.port_u16().unwrap_or(HTTPS_PORT);
        Ok(ips.into_iter().map(|ip| SocketAddr::new(ip, port)).collect())
    }
}
