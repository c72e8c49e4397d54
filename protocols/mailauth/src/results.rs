//! `Authentication-Results` (RFC 8601): what was found out, for mail programs and filters.

use crate::judge::Found;
use crate::sender::{Sender, SenderFacts};
use mail_auth::{AuthenticationResults, DkimResult};

/// Octets of one result: what is longer is made of somebody's nonsense, and a line may have 998 (RFC 5322 section 2.1.1).
const RESULT_BYTES_MAX: usize = 900;

/// The whole field.
pub(crate) fn field(hostname: &str, sender: &Sender, facts: &SenderFacts, found: &Found<'_>) -> String {
    let mut results = AuthenticationResults::new(hostname).with_iprev_result(&facts.iprev, sender.peer).with_spf_ehlo_result(
        &facts.hello,
        sender.peer,
        &sender.hello,
    );
    if !sender.from.is_empty() {
        results = results.with_spf_mailfrom_result(&facts.from, sender.peer, &sender.from, &sender.hello);
    }
    for output in &found.dkim {
        results.set_dkim_result(output, "");
    }
    if *found.arc.result() != DkimResult::None {
        results = results.with_arc_result(&found.arc, sender.peer);
    }
    for output in &found.dmarc {
        results = results.with_dmarc_result(output);
    }
    let text = results.to_string();
    // Results are on lines of their own, each behind its semicolon.
    let mut out = format!("Authentication-Results: {hostname}");
    for result in text.split(";\r\n\t").skip(1).filter(|result| result.len() <= RESULT_BYTES_MAX && !result.contains(['\r', '\n'])) {
        out.push_str(";\r\n\t");
        out.push_str(result);
    }
    if found.dkim.is_empty() {
        out.push_str(";\r\n\tdkim=none");
    }
    out.push_str("\r\n");
    out
}

/// RFC 8601 section 2.2: nothing was checked.
pub(crate) fn none(hostname: &str) -> String {
    format!("Authentication-Results: {hostname}; none\r\n")
}
