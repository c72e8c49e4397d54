//! Reports of others, as they are kept: the newest, within limits.

use crate::dmarc::{Feedback, Published, Row};
use crate::limits::ReportLimits;
use crate::tally::DAY_SECONDS;
use crate::tls::{FailureDetails, PolicyTold, TlsReport};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// A report of somebody else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// When it came, in seconds since 1970.
    pub received: i64,
    /// Whose it is, by its own words.
    pub organisation: String,
    /// Its id there.
    pub id: String,
    /// The first second that it is about, and the last.
    pub begin: i64,
    /// The last.
    pub end: i64,
    /// The domain that it is about.
    pub domain: String,
    /// The message that brought it passed DMARC; `None` if that was not looked at.
    pub authentic: Option<bool>,
    /// What it says.
    pub told: Told,
    /// Lines that were not kept.
    pub cut: usize,
}

/// What a report says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Told {
    /// Who sends as us.
    Dmarc {
        /// The policy that was found.
        published: Published,
        /// Messages.
        rows: Vec<Counted>,
    },
    /// What TLS problems others had.
    Tls {
        /// By policy.
        policies: Vec<Sessions>,
    },
}

/// Messages that have a line in common.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// How many.
    pub count: u64,
    /// What they have in common.
    #[serde(flatten)]
    pub row: Row,
}

/// Sessions under one policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sessions {
    /// Which.
    pub policy: PolicyTold,
    /// As it wants them.
    pub successes: u64,
    /// Not so.
    pub failures: u64,
    /// Why.
    pub details: Vec<FailureDetails>,
}

impl Kept {
    /// A DMARC report.
    pub(crate) fn dmarc(report: Feedback, received: i64, authentic: Option<bool>) -> Self {
        let rows = report.records.into_iter().map(|(row, count)| Counted { count, row }).collect();
        Self {
            received,
            organisation: report.organisation,
            id: report.id,
            begin: report.begin,
            end: report.end,
            domain: report.published.domain.clone(),
            authentic,
            told: Told::Dmarc { published: report.published, rows },
            cut: report.cut,
        }
    }

    /// A TLS report of these seconds.
    pub(crate) fn tls(report: TlsReport, cut: usize, (begin, end): (i64, i64), received: i64, authentic: Option<bool>) -> Self {
        let policies = report.policies.into_iter().map(|result| Sessions {
            policy: result.policy,
            successes: result.summary.total_successful_session_count,
            failures: result.summary.total_failure_session_count,
            details: result.failure_details,
        });
        let policies: Vec<Sessions> = policies.collect();
        let domain = policies.first().map(|sessions| sessions.policy.policy_domain.clone()).unwrap_or_default();
        Self {
            received,
            organisation: report.organization_name,
            id: report.report_id,
            begin,
            end,
            domain,
            authentic,
            told: Told::Tls { policies },
            cut,
        }
    }

    fn rows(&self) -> usize {
        1 + match &self.told {
            Told::Dmarc { rows, .. } => rows.len(),
            Told::Tls { policies } => policies.iter().map(|sessions| 1 + sessions.details.len()).sum(),
        }
    }

    fn is_dmarc(&self) -> bool {
        matches!(self.told, Told::Dmarc { .. })
    }
}

/// All that is kept, the oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Received {
    reports: VecDeque<Kept>,
}

impl Received {
    /// Keep a report; one that is there already (RFC 9990 section 3.5) is replaced.
    pub fn keep(&mut self, report: Kept, limits: &ReportLimits) {
        let same = |kept: &Kept| {
            (kept.is_dmarc(), &kept.organisation, &kept.id, &kept.domain)
                == (report.is_dmarc(), &report.organisation, &report.id, &report.domain)
        };
        self.reports.retain(|kept| !same(kept));
        let now = report.received;
        self.reports.push_back(report);
        let oldest = now.saturating_sub(i64::from(limits.kept_days).saturating_mul(DAY_SECONDS));
        self.reports.retain(|kept| kept.received >= oldest);
        let mut rows: usize = self.reports.iter().map(Kept::rows).sum();
        while self.reports.len() > limits.kept_max || rows > limits.kept_rows_max {
            let Some(gone) = self.reports.pop_front() else { break };
            rows -= gone.rows();
        }
    }

    /// Those about days since this second, of one domain or of all.
    pub fn since(&self, second: i64, domain: Option<&str>) -> Vec<Kept> {
        let wanted = |kept: &&Kept| kept.end >= second && domain.is_none_or(|domain| kept.domain.eq_ignore_ascii_case(domain));
        self.reports.iter().filter(wanted).cloned().collect()
    }

    /// As it is kept.
    pub fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_else(|error| {
            tracing::error!(%error, "reports of others cannot be kept");
            Vec::new()
        })
    }

    /// As it was kept; `None` if it cannot be read.
    pub fn decode(octets: &[u8]) -> Option<Self> {
        serde_json::from_slice(octets).ok()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn report(id: &str, received: i64) -> Kept {
        let published = Published { domain: "ours.example".to_owned(), ..Published::default() };
        let report = Feedback { id: id.to_owned(), begin: received - DAY_SECONDS, end: received, published, ..Feedback::default() };
        Kept::dmarc(report, received, None)
    }

    #[test]
    fn the_newest_are_kept_once_and_within_limits() {
        let limits = ReportLimits { kept_max: 3, kept_days: 10, ..ReportLimits::default() };
        let mut received = Received::default();
        let day = |number: i64| 1_700_000_000 + number * DAY_SECONDS;
        for (number, id) in ["a", "b", "b", "c", "d"].into_iter().enumerate() {
            received.keep(report(id, day(number as i64)), &limits);
        }
        let ids = |received: &Received| received.since(0, None).iter().map(|kept| kept.id.clone()).collect::<String>();
        assert_eq!(ids(&received), "bcd");
        assert_eq!(received.since(day(4), Some("OURS.example")).len(), 1);
        assert!(received.since(0, Some("other.example")).is_empty());
        assert_eq!(Received::decode(&received.encode()).unwrap(), received);
        received.keep(report("e", day(20)), &limits);
        assert_eq!(ids(&received), "e");
        let narrow = ReportLimits { kept_rows_max: 1, ..limits };
        received.keep(report("f", day(20)), &narrow);
        assert_eq!(ids(&received), "f");
    }
}
