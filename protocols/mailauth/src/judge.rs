//! All checks of a message together, and what is to become of it.

use crate::evidence;
use crate::incoming::{AUTHOR_DOMAINS_MAX, MessageChecks, Parsed, author_domains};
use crate::lookups::{Lookups, deadline, until};
use crate::policy::{MailAuthConfig, Treatment};
use crate::results;
use crate::seal::Sealable;
use crate::sender::{Sender, SenderChecks, SenderFacts, no_answer};
use mail_auth::arc::ArcError;
use mail_auth::dkim::DkimError;
use mail_auth::dmarc::verify::DmarcParameters;
use mail_auth::{
    ArcOutput, AuthenticatedMessage, DkimOutput, DkimResult, DmarcOutput, DmarcResult, Error, MessageAuthenticator, SpfResult,
};
use octroi_dns::Resolver;
use octroi_reports::dmarc::Row;
use std::sync::Arc;
use tokio::time::Instant;

/// Checks senders and messages. Cheap to clone.
#[derive(Clone)]
pub struct Authenticator(Arc<Inner>);

struct Inner {
    lookups: Lookups,
    hostname: Arc<str>,
    config: MailAuthConfig,
}

/// What was found out about a message, and what is to become of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The whole `Authentication-Results` field with its line end.
    pub field: String,
    /// What is to become of the message.
    pub treatment: Treatment,
    /// Why, where that is not just to note it.
    pub reason: Option<Reason>,
    /// All domains of its authors vouch for it (DMARC).
    pub authentic: bool,
    /// What those of them are to be told (RFC 9990) that want to hear of it.
    pub seen: Vec<(String, Row)>,
    /// What a seal on it says, if it is forwarded.
    pub sealable: Option<Sealable>,
}

/// Why a message is not simply delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// The author's domain (named) does not want such mail delivered.
    Dmarc(String),
    /// The sender's domain (named) does not send from there.
    Spf(String),
    /// It names more authors' domains than can be held to their policies.
    Authors,
}

impl Authenticator {
    /// Results are noted under `hostname`.
    pub fn new(resolver: &Resolver, hostname: &str, config: MailAuthConfig) -> Self {
        Self(Arc::new(Inner { lookups: Lookups::new(resolver), hostname: Arc::from(hostname), config }))
    }

    /// Begin to check a sender.
    pub fn sender(&self, sender: Sender) -> SenderChecks {
        SenderChecks::begin(&self.0.lookups, sender, self.0.hostname.clone(), self.0.config.wait)
    }

    /// Begin to check a message with this header, as it came and with its empty line.
    pub fn message(&self, head: &[u8]) -> MessageChecks {
        MessageChecks::begin(self, &self.0.lookups, head)
    }

    /// The field for a message that nobody was asked about (RFC 8601 section 2.2).
    pub fn unchecked(hostname: &str) -> String {
        results::none(hostname)
    }

    /// Is what is forwarded sealed?
    pub fn seals(&self) -> bool {
        self.0.config.seals
    }

    pub(crate) fn signatures_max(&self) -> usize {
        self.0.config.signatures_max
    }
}

/// Wait for what was asked, check what can be checked, and judge.
pub(crate) async fn judge(checks: MessageChecks, sender: SenderChecks) -> Verdict {
    let authenticator = checks.authenticator.clone();
    // A task of its own: a fault in the checks costs the message its results and not its delivery.
    match tokio::spawn(judged(checks, sender)).await {
        Ok(verdict) => verdict,
        Err(error) => {
            tracing::error!(%error, "the checks of a message failed");
            let field = results::none(&authenticator.0.hostname);
            Verdict { field, treatment: Treatment::Note, reason: None, authentic: false, seen: Vec::new(), sealable: None }
        }
    }
}

async fn judged(mut checks: MessageChecks, sender: SenderChecks) -> Verdict {
    let hashes = checks.take_hashes();
    let inner = checks.authenticator.0.clone();
    let end = deadline(inner.config.wait);
    let who = sender.sender.clone();
    let (facts, _) = tokio::join!(sender.facts(), until(end, async { while checks.asked.join_next().await.is_some() {} }));
    let parsed = Parsed::of(&checks.head, inner.config.signatures_max).map(|parsed| parsed.with_hashes(&hashes));
    let Some(parsed) = parsed else {
        let found = Found { dkim: Vec::new(), arc: ArcOutput::default(), dmarc: Vec::new(), override_by_arc: false };
        return verdict(&inner, &who, &facts, &found, false);
    };
    let domains = author_domains(&parsed.message, &checks.head);
    let too_many = domains.len() > AUTHOR_DOMAINS_MAX;
    let (mut dkim, arc) = tokio::join!(dkim(&inner, &parsed, end), arc(&inner, &parsed, end));
    let weak =
        parsed.weak.iter().map(|field| DkimOutput::perm_err(Error::Dkim(DkimError::UnsupportedAlgorithm)).with_signature(&field.header));
    dkim.extend(weak);
    let mut dmarc = Vec::new();
    for domain in domains.iter().take(AUTHOR_DOMAINS_MAX) {
        dmarc.push(of_domain(&inner, domain, &who, &facts, &dkim, end).await);
    }
    let override_by_arc = is_vouched_for(&inner.config, &arc);
    verdict(&inner, &who, &facts, &Found { dkim, arc, dmarc, override_by_arc }, too_many)
}

async fn dkim<'a>(inner: &Inner, parsed: &'a Parsed<'_>, end: Instant) -> Vec<DkimOutput<'a>> {
    let message = &parsed.message;
    let late = || message.dkim_headers.iter().map(|field| DkimOutput::temp_err(no_answer()).with_signature(&field.header)).collect();
    let Some(checks) = inner.lookups.checks() else { return late() };
    until(end, checks.verify_dkim(message)).await.unwrap_or_else(late)
}

async fn arc<'a>(inner: &Inner, parsed: &'a Parsed<'_>, end: Instant) -> ArcOutput<'a> {
    let message = &parsed.message;
    let with = |result| ArcOutput::default().with_result(result);
    if parsed.arc_refused {
        return with(DkimResult::Fail(Error::Arc(ArcError::ChainTooLong)));
    }
    if message.as_headers.is_empty() && message.ams_headers.is_empty() && !message.has_arc_errors {
        return ArcOutput::default();
    }
    let Some(checks) = inner.lookups.checks() else { return with(DkimResult::TempError(no_answer())) };
    until(end, checks.verify_arc(message)).await.unwrap_or_else(|| with(DkimResult::TempError(no_answer())))
}

/// DMARC for one domain of the authors.
async fn of_domain(
    inner: &Inner,
    domain: &str,
    sender: &Sender,
    facts: &SenderFacts,
    dkim: &[DkimOutput<'_>],
    end: Instant,
) -> DmarcOutput {
    let late = || DmarcOutput::default().with_domain(domain).with_spf_result(DmarcResult::TempError(no_answer()));
    let Some(checks) = inner.lookups.checks() else { return late() };
    // Each domain is held to its policy by itself; the checks would let several in one message pass unasked.
    let author = AuthenticatedMessage { from: vec![format!("postmaster@{domain}")], ..AuthenticatedMessage::default() };
    until(end, ask(checks, &author, sender, facts, dkim)).await.unwrap_or_else(late)
}

/// Let the checks ask.
async fn ask(
    checks: &MessageAuthenticator,
    author: &AuthenticatedMessage<'_>,
    sender: &Sender,
    facts: &SenderFacts,
    dkim: &[DkimOutput<'_>],
) -> DmarcOutput {
    let parameters = DmarcParameters {
        message: author,
        dkim_output: dkim,
        dkim2_output: None,
        rfc5321_mail_from_domain: sender.domain(),
        spf_output: &facts.from,
    };
    checks.verify_dmarc(parameters).await
}

/// What was found out about a message.
pub(crate) struct Found<'a> {
    pub(crate) dkim: Vec<DkimOutput<'a>>,
    pub(crate) arc: ArcOutput<'a>,
    /// For each domain of the authors.
    pub(crate) dmarc: Vec<DmarcOutput>,
    /// Somebody we believe has forwarded it and says that it passed DMARC with them.
    pub(crate) override_by_arc: bool,
}

impl Found<'_> {
    /// DMARC passes for all authors.
    fn passes(&self) -> bool {
        !self.dmarc.is_empty() && self.dmarc.iter().all(|output| output.result() == DmarcResult::Pass)
    }
}

/// RFC 8617 section 7.2.1: the chain holds, and who sealed it last is believed and says that DMARC passed.
fn is_vouched_for(config: &MailAuthConfig, arc: &ArcOutput<'_>) -> bool {
    let Some(last) = arc.sets().last().filter(|_| *arc.result() == DkimResult::Pass) else { return false };
    let results = String::from_utf8_lossy(last.results.value).to_ascii_lowercase();
    let passed = results.split(';').any(|result| result.trim().split_ascii_whitespace().next() == Some("dmarc=pass"));
    passed && config.trusts(&last.seal.header.d)
}

fn verdict(inner: &Inner, sender: &Sender, facts: &SenderFacts, found: &Found<'_>, too_many: bool) -> Verdict {
    let field = results::field(&inner.hostname, sender, facts, found);
    let (treatment, reason) = if too_many { (Treatment::Refuse, Some(Reason::Authors)) } else { treatment(&inner.config, facts, found) };
    // What names too many is refused for that, whatever they say.
    let seen = if too_many { Vec::new() } else { evidence::rows(&inner.config, sender, facts, found) };
    let authentic = found.passes();
    let sealable = Sealable::of(&field, &found.arc).filter(|_| inner.config.seals);
    Verdict { field, treatment, reason: reason.filter(|_| treatment != Treatment::Note), authentic, seen, sealable }
}

/// The strictest of what the policies ask for.
fn treatment(config: &MailAuthConfig, facts: &SenderFacts, found: &Found<'_>) -> (Treatment, Option<Reason>) {
    let of_dmarc = found.dmarc.iter().filter(|_| !found.override_by_arc).map(|output| {
        let failed = matches!(output.result(), DmarcResult::Fail(_));
        let asked = config.asked(output.policy());
        if failed { (asked, Some(Reason::Dmarc(output.domain().to_owned()))) } else { (Treatment::Note, None) }
    });
    // RFC 7489 section 6.7: who passes DMARC is not refused for SPF.
    let spf_failed = facts.from.result() == SpfResult::Fail && !found.passes() && !found.override_by_arc;
    let of_spf = spf_failed.then(|| (config.spf_fail, Some(Reason::Spf(facts.from.domain().to_owned()))));
    // The first of the strictest: `max_by_key` would take the last.
    of_spf.into_iter().chain(of_dmarc).max_by_key(|(treatment, _)| *treatment).unwrap_or((Treatment::Note, None))
}
