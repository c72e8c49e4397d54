//! Which of the parameters that travel with a message are offered to whom, and what of them is held to.
//!
//! Only who has logged in may ask for a later delivery, for priority or for reports: from other servers we take mail for the last time, so
//! that they report themselves.

use crate::dsn::{Concerned, News, Report, compose};
use crate::refusal;
use crate::session::{Kind, Session};
use crate::stamp::unique_id;
use crate::transaction::Open;
use crate::wire::{Fault, Reply, ReversePath};
use octroi_gate::{Content, Gate, Notify, RecipientTerms, Refusal, ReturnPath, Terms};
use octroi_model::{Address, UnixTime};
use std::net::{IpAddr, Ipv4Addr};
use tracing::warn;

/// RFC 3461.
pub(crate) fn has_dsn(kind: Kind) -> bool {
    kind == Kind::Submission
}

/// Lines of EHLO.
pub(crate) fn offered(session: &Session) -> Vec<String> {
    let mut lines = Vec::new();
    // RFC 8689 section 4: under TLS only.
    if session.kind != Kind::Lmtp && session.connection.is_tls() {
        lines.push("REQUIRETLS".to_owned());
    }
    if has_dsn(session.kind) {
        lines.extend(["DSN".to_owned(), "DELIVERBY".to_owned(), "MT-PRIORITY".to_owned()]);
        let longest = session.config.future_release_max.as_secs();
        if longest > 0 {
            let last = UnixTime::now().0.saturating_add(i64::try_from(longest).unwrap_or(i64::MAX));
            // RFC 4865 section 3.
            lines.push(format!("FUTURERELEASE {longest} {}", crate::stamp::rfc3339(UnixTime(last))));
        }
    }
    lines
}

/// The terms as they count, if all that they ask for is offered.
pub(crate) fn checked(session: &Session, terms: Terms) -> Result<Terms, Reply> {
    let unsupported = || Err(refusal::of_line(&Fault::UnsupportedParameter));
    if terms.require_tls && (session.kind == Kind::Lmtp || !session.connection.is_tls()) {
        return unsupported();
    }
    let Terms { ret, envid, deliver_by, not_before, priority, .. } = &terms;
    let asks = ret.is_some() || envid.is_some() || deliver_by.is_some() || not_before.is_some() || *priority != 0;
    if !has_dsn(session.kind) && asks {
        return unsupported();
    }
    if let Some(at) = not_before {
        let longest = session.config.future_release_max.as_secs();
        if longest == 0 {
            return unsupported();
        }
        // RFC 4865 section 4.2.
        if at.0.saturating_sub(UnixTime::now().0) > i64::try_from(longest).unwrap_or(i64::MAX) {
            return Err(Reply::new(501, "5.7.16", format!("A message may be held for {longest} seconds at most")));
        }
    }
    let priority = terms.priority.min(session.config.priority_max);
    Ok(Terms { priority, ..terms })
}

/// What the queue does not carry arrives with the reply, and is told of by us if that was asked for.
pub(crate) fn confirm_later(open: &mut Open, gate: &Gate, to: Address, terms: RecipientTerms) {
    if terms.notify.wants(Notify::SUCCESS) && gate.is_local_domain(to.domain()) && !open.is_later {
        open.confirm.push((to, terms));
    }
}

/// What is told once a message has arrived (RFC 3461 section 5.2.7).
pub(crate) struct Confirmation {
    to: Address,
    recipients: Vec<(Address, RecipientTerms)>,
    envid: Option<String>,
}

impl Confirmation {
    /// None if nobody wants to know.
    pub(crate) fn of(open: &Open) -> Option<Self> {
        let ReversePath::Mailbox(to) = &open.from else { return None };
        (!open.confirm.is_empty()).then(|| Self { to: to.clone(), recipients: open.confirm.clone(), envid: open.envid.clone() })
    }

    /// Tell the sender, who is one of our people. The message has arrived whether that succeeds or not.
    pub(crate) async fn send(self, gate: &Gate) {
        let now = UnixTime::now();
        let recipients: Vec<Concerned<'_>> = self
            .recipients
            .iter()
            .map(|(address, terms)| Concerned { address, orcpt: terms.orcpt.as_deref(), reason: "it is in the mailbox" })
            .collect();
        let octets = compose(&Report {
            hostname: &gate.organisation().hostname,
            to: &self.to,
            news: News::Delivered,
            recipients: &recipients,
            envid: self.envid.as_deref(),
            arrived: now,
            until: now,
            now,
            id: &unique_id(),
            original: b"",
            whole: false,
        });
        let (facts, header_bytes) = octroi_mime::describe(&octets);
        let delivered = async {
            let mut envelope = gate.inbound(ReturnPath::Null, IpAddr::V4(Ipv4Addr::LOCALHOST));
            envelope.add(&self.to).await?;
            envelope.deliver(Content::message(&facts, &octets, header_bytes)).await
        };
        let delivered: Result<(), Refusal> = delivered.await;
        if let Err(refused) = delivered {
            warn!(to = %self.to, %refused, "an arrival could not be told of");
        }
    }
}
