//! Which of the parameters that travel with a message are offered to whom, and what of them is held to.
//!
//! Only who has logged in may ask for a later delivery or for priority. Reports may be asked for by other servers too (RFC 3461 section 5.2: a
//! relay keeps what was asked for only if the next one offers it); that no stranger has us write to others is what the limits of
//! [`crate::arrival`] are for. A front server over LMTP reports itself.

use crate::refusal;
use crate::session::{Kind, Session};
use crate::wire::{Fault, Reply};
use octroi_gate::Terms;
use octroi_model::UnixTime;

/// RFC 3461.
pub(crate) fn has_dsn(kind: Kind) -> bool {
    kind != Kind::Lmtp
}

/// Lines of EHLO.
pub(crate) fn offered(session: &Session) -> Vec<String> {
    let mut lines = Vec::new();
    // RFC 8689 section 4: under TLS only.
    if session.kind != Kind::Lmtp && session.connection.is_tls() {
        lines.push("REQUIRETLS".to_owned());
    }
    if has_dsn(session.kind) {
        lines.push("DSN".to_owned());
    }
    if session.kind == Kind::Submission {
        lines.extend(["DELIVERBY".to_owned(), "MT-PRIORITY".to_owned()]);
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
    let reports = ret.is_some() || envid.is_some();
    let steers = deliver_by.is_some() || not_before.is_some() || *priority != 0;
    if (reports && !has_dsn(session.kind)) || (steers && session.kind != Kind::Submission) {
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
