//! Who speaks to us: the name of the address (iprev, RFC 8601 section 3) and SPF (RFC 7208) for the greeting and the return path.
//!
//! Begun at MAIL and under way while the message comes.

use crate::lookups::{Lookups, deadline, until};
use mail_auth::spf::verify::SpfParameters;
use mail_auth::{DnsError, Error, IprevOutput, IprevResult, SpfOutput, SpfResult};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

/// What a client has said of itself.
#[derive(Debug, Clone)]
pub struct Sender {
    /// Where it speaks from.
    pub peer: IpAddr,
    /// What it called itself in EHLO or HELO.
    pub hello: String,
    /// The return path; empty for `<>`.
    pub from: String,
}

impl Sender {
    /// The domain that SPF passed for counts for DMARC: of the return path, or of the greeting when that is null (RFC 7208 section 2.4).
    pub(crate) fn domain(&self) -> &str {
        self.from.rsplit_once('@').map_or(self.hello.as_str(), |(_, domain)| domain)
    }
}

/// What was found out about a sender.
pub(crate) struct SenderFacts {
    pub(crate) iprev: IprevOutput,
    pub(crate) hello: SpfOutput,
    /// Of the return path; of the greeting when that is null.
    pub(crate) from: SpfOutput,
}

/// The checks under way. Dropping it ends them.
pub struct SenderChecks {
    pub(crate) sender: Arc<Sender>,
    task: JoinHandle<SenderFacts>,
}

impl Drop for SenderChecks {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl SenderChecks {
    pub(crate) fn begin(lookups: &Lookups, sender: Sender, hostname: Arc<str>, wait: Duration) -> Self {
        let sender = Arc::new(sender);
        let task = tokio::spawn(check(lookups.clone(), sender.clone(), hostname, wait));
        Self { sender, task }
    }

    /// What was found out; it does not take longer than was said at the beginning.
    pub(crate) async fn facts(mut self) -> SenderFacts {
        let facts = (&mut self.task).await;
        facts.unwrap_or_else(|error| {
            tracing::error!(%error, peer = %self.sender.peer, "the checks of a sender failed");
            unknown(&self.sender)
        })
    }
}

async fn check(lookups: Lookups, sender: Arc<Sender>, hostname: Arc<str>, wait: Duration) -> SenderFacts {
    let Some(checks) = lookups.checks() else { return unknown(&sender) };
    let Sender { peer, hello, from } = &*sender;
    let end = deadline(wait);
    let of_hello = checks.verify_spf(SpfParameters::verify_ehlo(*peer, hello, &hostname));
    let of_from = checks.verify_spf(SpfParameters::verify_mail_from(*peer, hello, &hostname, from));
    let (iprev, of_hello, of_from) = tokio::join!(
        until(end, checks.verify_iprev(*peer)),
        until(end, of_hello),
        until(end, async {
            // RFC 7208 section 2.4: for a null return path it is the greeting that counts.
            if from.is_empty() { None } else { Some(of_from.await) }
        })
    );
    let late = unknown(&sender);
    let hello = of_hello.unwrap_or(late.hello);
    let from = match of_from {
        Some(Some(output)) => output,
        Some(None) => hello.clone(),
        None => late.from,
    };
    SenderFacts { iprev: iprev.unwrap_or(late.iprev), hello, from }
}

/// What is known when the DNS does not answer.
fn unknown(sender: &Sender) -> SenderFacts {
    SenderFacts {
        iprev: IprevOutput { result: IprevResult::TempError(no_answer()), ptr: None },
        hello: SpfOutput::new(sender.hello.clone()).with_result(SpfResult::TempError),
        from: SpfOutput::new(sender.domain().to_owned()).with_result(SpfResult::TempError),
    }
}

/// As the checks themselves put it.
pub(crate) fn no_answer() -> Error {
    Error::Dns(DnsError::Resolver(String::new()))
}
