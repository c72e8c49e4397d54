//! What is counted until it is reported: TLS sessions by policy domain, messages by their author's domain, both by day.
//!
//! What always holds: it grows within its limits and no further; what goes beyond in lines is still in the sums.

use crate::dmarc::Row;
use crate::limits::ReportLimits;
use crate::tls::{Failure, Policy};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Seconds of a day (RFC 8460 section 4.1: reports are of days of UTC).
pub(crate) const DAY_SECONDS: i64 = 86_400;
/// First octet of what is kept: another one is of another version of the program.
const VERSION: u8 = 1;
/// Policies of one domain and day.
const POLICIES_MAX: usize = 16;
/// Octets of a domain.
const DOMAIN_BYTES_MAX: usize = 253;

/// A day, in days since 1970 (UTC).
pub type Day = i64;

/// The day of a second.
pub fn day_of(second: i64) -> Day {
    second.div_euclid(DAY_SECONDS)
}

/// All that waits to be reported.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    tls: BTreeMap<(Day, String), Vec<PolicyCount>>,
    dmarc: BTreeMap<(Day, String), MailCount>,
    /// Lines in it.
    rows: usize,
}

/// Sessions under one policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyCount {
    /// Which.
    pub policy: Policy,
    /// As it wants them.
    pub successes: u64,
    /// Not so.
    pub failures: u64,
    /// Why.
    pub details: BTreeMap<Failure, u64>,
}

/// Messages of authors of one domain.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailCount {
    /// By what they have in common.
    pub rows: BTreeMap<Row, u64>,
    /// Messages beyond the limits.
    pub more: u64,
}

impl Tally {
    /// Count a session to a domain. It is `false` where the limits leave something of it out.
    pub fn session(&mut self, day: Day, domain: &str, policy: &Policy, failure: Option<Failure>, limits: &ReportLimits) -> bool {
        let key = (day, domain.to_owned());
        if domain.len() > DOMAIN_BYTES_MAX || (!self.tls.contains_key(&key) && self.tls.len() >= limits.domains_max) {
            return false;
        }
        let counts = self.tls.entry(key).or_default();
        let at = match counts.iter().position(|count| count.policy == *policy) {
            Some(at) => at,
            None if counts.len() >= POLICIES_MAX => return false,
            None => {
                counts.push(PolicyCount { policy: policy.clone(), successes: 0, failures: 0, details: BTreeMap::new() });
                counts.len() - 1
            }
        };
        let count = &mut counts[at];
        let Some(failure) = failure else {
            count.successes += 1;
            return true;
        };
        count.failures += 1;
        let is_known = count.details.contains_key(&failure);
        if !is_known && (count.details.len() >= limits.rows_per_domain_max || self.rows >= limits.rows_max) {
            return false;
        }
        self.rows += usize::from(!is_known);
        *count.details.entry(failure).or_default() += 1;
        true
    }

    /// Count a message of an author of this domain. It is `false` where the limits leave something of it out.
    pub fn message(&mut self, day: Day, domain: &str, row: Row, limits: &ReportLimits) -> bool {
        let key = (day, domain.to_owned());
        if domain.len() > DOMAIN_BYTES_MAX || (!self.dmarc.contains_key(&key) && self.dmarc.len() >= limits.domains_max) {
            return false;
        }
        let count = self.dmarc.entry(key).or_default();
        let is_known = count.rows.contains_key(&row);
        if !is_known && (count.rows.len() >= limits.rows_per_domain_max || self.rows >= limits.rows_max) {
            count.more += 1;
            return false;
        }
        self.rows += usize::from(!is_known);
        *count.rows.entry(row).or_default() += 1;
        true
    }

    /// Sessions of days up to this one, by day and domain.
    pub fn sessions_until(&self, last: Day) -> Vec<(Day, String, Vec<PolicyCount>)> {
        self.tls.iter().filter(|((day, _), _)| *day <= last).map(|((day, domain), counts)| (*day, domain.clone(), counts.clone())).collect()
    }

    /// Messages of days up to this one, by day and author's domain.
    pub fn messages_until(&self, last: Day) -> Vec<(Day, String, MailCount)> {
        self.dmarc.iter().filter(|((day, _), _)| *day <= last).map(|((day, domain), count)| (*day, domain.clone(), count.clone())).collect()
    }

    /// Those sessions are reported, or nobody wants to hear of them. What was counted since stays.
    pub fn sessions_done(&mut self, day: Day, domain: &str, reported: &[PolicyCount]) {
        let key = (day, domain.to_owned());
        let Some(counts) = self.tls.get_mut(&key) else { return };
        for done in reported {
            let Some(count) = counts.iter_mut().find(|count| count.policy == done.policy) else { continue };
            count.successes = count.successes.saturating_sub(done.successes);
            count.failures = count.failures.saturating_sub(done.failures);
            self.rows = self.rows.saturating_sub(subtract(&mut count.details, &done.details));
        }
        counts.retain(|count| count.successes + count.failures > 0);
        if counts.is_empty() {
            self.tls.remove(&key);
        }
    }

    /// The same of messages.
    pub fn messages_done(&mut self, day: Day, domain: &str, reported: &MailCount) {
        let key = (day, domain.to_owned());
        let Some(count) = self.dmarc.get_mut(&key) else { return };
        count.more = count.more.saturating_sub(reported.more);
        self.rows = self.rows.saturating_sub(subtract(&mut count.rows, &reported.rows));
        if count.rows.is_empty() && count.more == 0 {
            self.dmarc.remove(&key);
        }
    }

    /// As it is kept.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![VERSION];
        match postcard::to_stdvec(self) {
            Ok(octets) => out.extend_from_slice(&octets),
            Err(error) => tracing::error!(%error, "what is counted for reports cannot be kept"),
        }
        out
    }

    /// As it was kept; `None` if it is of another version, or damaged.
    pub fn decode(octets: &[u8]) -> Option<Self> {
        let (version, rest) = octets.split_first()?;
        (*version == VERSION).then(|| postcard::from_bytes(rest).ok()).flatten()
    }
}

/// Take counts away; how many lines are gone with that.
fn subtract<K: Ord>(from: &mut BTreeMap<K, u64>, what: &BTreeMap<K, u64>) -> usize {
    let before = from.len();
    for (key, count) in what {
        if let Some(left) = from.get_mut(key) {
            *left = left.saturating_sub(*count);
        }
    }
    from.retain(|_, count| *count > 0);
    before - from.len()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::dmarc::Disposition;
    use crate::tls::{PolicyKind, ResultType};

    fn none() -> Policy {
        Policy { kind: PolicyKind::NoPolicyFound, strings: Vec::new(), mx: Vec::new() }
    }

    fn failure(reason: &str) -> Failure {
        Failure { result: ResultType::ValidationFailure, mx: "mx".to_owned(), receiving: None, sending: None, reason: reason.to_owned() }
    }

    fn row(number: u8) -> Row {
        Row {
            source: [192, 0, 2, number].into(),
            disposition: Disposition::None,
            dkim_aligned: false,
            spf_aligned: false,
            overridden: None,
            header_from: "b.example".to_owned(),
            envelope_from: String::new(),
            dkim: Vec::new(),
            spf: None,
        }
    }

    #[test]
    fn what_is_equal_is_counted_together_and_limits_cut_lines_not_sums() {
        let limits = ReportLimits { domains_max: 2, rows_per_domain_max: 2, rows_max: 3, ..ReportLimits::default() };
        let mut tally = Tally::default();
        assert!(tally.session(1, "b.example", &none(), None, &limits));
        for (reason, kept) in [("a", true), ("a", true), ("b", true), ("c", false)] {
            assert_eq!(tally.session(1, "b.example", &none(), Some(failure(reason)), &limits), kept, "{reason}");
        }
        assert!(tally.session(2, "b.example", &none(), None, &limits));
        assert!(!tally.session(2, "c.example", &none(), None, &limits), "a third domain");
        for (number, kept) in [(1, true), (1, true), (2, false)] {
            assert_eq!(tally.message(1, "b.example", row(number), &limits), kept, "{number}");
        }
        let sessions = tally.sessions_until(1);
        assert_eq!(sessions.len(), 1);
        let count = &sessions[0].2[0];
        assert_eq!((count.successes, count.failures, count.details.len()), (1, 4, 2));
        let messages = tally.messages_until(1);
        assert_eq!((messages[0].2.rows[&row(1)], messages[0].2.more), (2, 1));
        assert_eq!(Tally::decode(&tally.encode()).unwrap(), tally);
    }

    #[test]
    fn what_is_counted_while_a_report_is_made_is_in_the_next() {
        let limits = ReportLimits::default();
        let mut tally = Tally::default();
        tally.session(1, "b.example", &none(), Some(failure("a")), &limits);
        tally.message(1, "b.example", row(1), &limits);
        let (sessions, messages) = (tally.sessions_until(1), tally.messages_until(1));
        tally.session(1, "b.example", &none(), Some(failure("a")), &limits);
        tally.message(1, "b.example", row(2), &limits);
        tally.sessions_done(1, "b.example", &sessions[0].2);
        tally.messages_done(1, "b.example", &messages[0].2);
        assert_eq!(tally.sessions_until(1)[0].2[0].failures, 1);
        assert_eq!(tally.messages_until(1)[0].2.rows.keys().collect::<Vec<_>>(), [&row(2)]);
        let (sessions, messages) = (tally.sessions_until(1), tally.messages_until(1));
        tally.sessions_done(1, "b.example", &sessions[0].2);
        tally.messages_done(1, "b.example", &messages[0].2);
        assert_eq!(tally, Tally::default(), "nothing is left, and no line is counted twice");
    }

    #[test]
    fn what_is_kept_by_another_version_counts_for_nothing() {
        assert_eq!(Tally::decode(b""), None);
        assert_eq!(Tally::decode(&[VERSION, 0xff, 0xff, 0xff]), None);
        assert_eq!(Tally::decode(&[VERSION + 1, 0, 0, 0]), None);
    }
}
