//! What others think of a message: lists of addresses (`dnsbl`) and rspamd (`rspamd`), asked as it is received.
//!
//! Used by `proof`; the program hands it the settings. What always holds: who does not answer in time is not waited for, is logged, and
//! costs nobody their mail.

mod dnsbl;
mod rspamd;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

pub use rspamd::{Learn, Rspamd};

use crate::wire::Reply;
use dnsbl::Listing;
use octroi_dns::Resolver;
use octroi_mailauth::Treatment;
use octroi_model::Address;
use rspamd::{Action, Judged};
use std::fmt::Write as _;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tracing::{info, warn};

/// Settings of the hooks.
#[derive(Debug, Clone)]
pub struct SpamConfig {
    /// Zones that list addresses, and what becomes of mail from those.
    pub dnsbl: Vec<(String, Treatment)>,
    /// How long a list is waited for.
    pub dnsbl_wait: Duration,
    /// Who judges messages.
    pub rspamd: Option<Rspamd>,
    /// What becomes of a message that it would reject.
    pub reject: Treatment,
    /// What becomes of a message that it would mark.
    pub mark: Treatment,
    /// A message that it would put off is put off.
    pub put_off: bool,
}

/// Asks.
pub struct SpamHooks {
    resolver: Resolver,
    config: SpamConfig,
}

/// Who brings a message, and for whom.
pub(crate) struct About {
    pub(crate) id: String,
    pub(crate) peer: IpAddr,
    pub(crate) hello: String,
    /// Empty for `<>`.
    pub(crate) from: String,
    pub(crate) recipients: Vec<String>,
}

/// The hooks for one transaction, begun at MAIL so that the answers are here when the message is.
pub(crate) struct Suspect {
    pub(crate) hooks: Arc<SpamHooks>,
    pub(crate) listing: Listing,
    peer: IpAddr,
    hello: String,
    from: String,
}

impl Suspect {
    pub(crate) fn begin(hooks: Arc<SpamHooks>, peer: IpAddr, hello: String, from: String) -> Self {
        let listing = Listing::begin(&hooks.resolver, peer, &hooks.config.dnsbl, hooks.config.dnsbl_wait);
        Self { hooks, listing, peer, hello, from }
    }

    /// With what is known when the message is here.
    pub(crate) fn about(&self, id: &str, recipients: &[Address]) -> About {
        let recipients = recipients.iter().map(ToString::to_string).collect();
        About { id: id.to_owned(), peer: self.peer, hello: self.hello.clone(), from: self.from.clone(), recipients }
    }
}

/// What was made of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Suspicion {
    /// Fields for the top of the message.
    pub(crate) fields: String,
    pub(crate) junk: bool,
    pub(crate) refused: Option<Reply>,
}

impl SpamHooks {
    /// Over the house's resolver.
    pub fn new(resolver: &Resolver, config: SpamConfig) -> Self {
        Self { resolver: resolver.clone(), config }
    }

    /// What the lists say.
    pub(crate) async fn listed(&self, listing: Listing) -> Suspicion {
        let mut suspicion = Suspicion::default();
        for (zone, treatment) in listing.found().await {
            info!(zone, "the sender's address is listed");
            let _ = write!(suspicion.fields, "X-Spam-Listed: {zone}\r\n");
            // RFC 5782 section 2.1 leaves the reply open; 5.7.1 is what RFC 3463 has for a policy.
            let reply = || Reply::new(554, "5.7.1", format!("Your address is listed by {zone}"));
            suspicion.add(treatment, reply);
        }
        suspicion
    }

    /// What rspamd says. `top` and `rest` are the message as far as it is in memory: a larger one is not asked about.
    pub(crate) async fn judged(&self, about: &About, top: &[u8], rest: Option<&[u8]>) -> Suspicion {
        let mut suspicion = Suspicion::default();
        let (Some(rspamd), Some(rest)) = (&self.config.rspamd, rest) else { return suspicion };
        let judged = match rspamd.judge(about, [top, rest].concat()).await {
            Ok(judged) => judged,
            Err(error) => {
                warn!(error, id = about.id, "rspamd gives no answer: the message is taken as it is");
                return suspicion;
            }
        };
        suspicion.fields = field(&judged);
        match judged.action {
            Action::Reject => suspicion.add(self.config.reject, || Reply::new(554, "5.7.1", "The message looks like spam")),
            Action::Mark => suspicion.add(self.config.mark, || Reply::new(554, "5.7.1", "The message looks like spam")),
            Action::PutOff if self.config.put_off => suspicion.refused = Some(Reply::new(451, "4.7.1", "Try again later")),
            Action::PutOff | Action::None => {}
        }
        suspicion
    }
}

impl Suspicion {
    fn add(&mut self, treatment: Treatment, reply: impl FnOnce() -> Reply) {
        match treatment {
            Treatment::Note => {}
            Treatment::Junk => self.junk = true,
            Treatment::Refuse => self.refused = self.refused.take().or_else(|| Some(reply())),
        }
    }
}

/// For filters and for people who look.
fn field(judged: &Judged) -> String {
    let word = if matches!(judged.action, Action::Reject | Action::Mark) { "Yes" } else { "No" };
    let (score, required) = (judged.score, judged.required);
    let mut out = format!("X-Spam-Status: {word}, score={score:.1} required={required:.1}");
    for symbol in &judged.symbols {
        out.push_str("\r\n\t");
        out.push_str(symbol);
    }
    out.push_str("\r\n");
    out
}
